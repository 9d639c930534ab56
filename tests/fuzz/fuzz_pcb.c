/* Any bytes as a list and as labels of DeepPCB: refused with a sentence; or pairs whose paths stay within the pack, and
   boxes that are what they are said to be, both of which, written again, read back the same. */
#include "datasets/public/pcb_text.h"

#include "tests/fuzz/fuzz.h"

/* A name, its number at the end, and nothing that leads elsewhere. */
static void expect_inside(const char *path, uint32_t number) {
    const char *end = memchr(path, '\0', PCB_PATH);
    fuzz_require(end && path[0] != '/' && !strpbrk(path, ".\\:% \t\r\n"), "path '%.*s'", PCB_PATH, path);
    fuzz_require(!strstr(path, "//"), "path '%s'", path);
    const char *folder_end = strrchr(path, '/');
    fuzz_require(folder_end && strtoul(folder_end + 1, NULL, 10) == number, "path '%s' of %u", path, number);
}

static void try_list(const char *bytes, size_t size) {
    pcb_pair *pairs, *again;
    size_t count, count_again, used = 0;
    lb_error error = {0};
    const int code = pcb_list_read(bytes, size, "input", &pairs, &count, &error);
    if (code) {
        fuzz_require_sentence(code, &error, "pcb_list_read");
        fuzz_require(code == LB_FORMAT && !pairs && count == 0, "code %d", code);
        return;
    }
    char *text = fuzz_room(count * 2 * (PCB_PATH + 5) + 1);
    for (size_t i = 0; i < count; i++) {
        expect_inside(pairs[i].image, pairs[i].number);
        expect_inside(pairs[i].labels, pairs[i].number);
        used += (size_t)sprintf(text + used, "%s.jpg %s.txt\n", pairs[i].image, pairs[i].labels);
    }
    fuzz_require(pcb_list_read(text, used, "again", &again, &count_again, &error) == LB_OK, "%s", error.message);
    fuzz_require(count_again == count, "%zu pairs, then %zu", count, count_again);
    for (size_t i = 0; i < count; i++)
        fuzz_require(strcmp(again[i].image, pairs[i].image) == 0 && strcmp(again[i].labels, pairs[i].labels) == 0 &&
                         again[i].number == pairs[i].number,
                     "pair %zu", i);
    free(text);
    free(pairs);
    free(again);
}

static void expect_as_said(const pcb_box *b) {
    const int good =
        b->x1 >= 0 && b->x1 < b->x2 && b->x2 <= PCB_SIDE && b->y1 >= 0 && b->y1 < b->y2 && b->y2 <= PCB_SIDE;
    fuzz_require(b->bad == !good, "%d %d %d %d", b->x1, b->y1, b->x2, b->y2);
    fuzz_require(b->type >= 1 && b->type <= PCB_TYPES, "type %d", b->type);
}

/* Written with commas. */
static void try_labels(const char *bytes, size_t size) {
    pcb_box *boxes, *again;
    size_t count, count_again, used = 0;
    lb_error error = {0};
    const int code = pcb_labels_read(bytes, size, "input", &boxes, &count, &error);
    if (code) {
        fuzz_require_sentence(code, &error, "pcb_labels_read");
        fuzz_require(code == LB_FORMAT && !boxes && count == 0, "code %d", code);
        return;
    }
    char *text = fuzz_room(count * 60 + 1);
    for (size_t i = 0; i < count; i++) {
        const pcb_box *b = &boxes[i];
        expect_as_said(b);
        used += (size_t)sprintf(text + used, "%d,%d,%d,%d,%d\r\n", b->x1, b->y1, b->x2, b->y2, b->type);
    }
    fuzz_require(pcb_labels_read(text, used, "again", &again, &count_again, &error) == LB_OK, "%s", error.message);
    fuzz_require(count_again == count && memcmp(boxes, again, count * sizeof *boxes) == 0, "%zu boxes, then %zu", count,
                 count_again);
    free(text);
    free(boxes);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    try_list((const char *)data, size);
    try_labels((const char *)data, size);
    return 0;
}
