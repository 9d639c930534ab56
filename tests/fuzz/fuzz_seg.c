/* Any bytes as Berkeley segmentation text: refused with a sentence; or a mask of 0 and 255 that, written again as such
   a text, reads back the same, and that a line from its own end leaves as it is. */
#include "datasets/public/seg_text.h"

#include "tests/fuzz/fuzz.h"

/* A growing text, in memory that is a little larger. */
typedef struct {
    char *bytes;
    size_t size, room;
} text;

static void add_run(text *t, int segment, size_t row, size_t first, size_t last) {
    if (t->size + 80 > t->room) {
        t->room = 2 * t->room + 200;
        t->bytes = realloc(t->bytes, t->room);
        if (!t->bytes) abort();
    }
    t->size += (size_t)sprintf(t->bytes + t->size, "%d %zu %zu %zu\n", segment, row, first, last);
}

static text text_of(const picture *mask) {
    text t = {.bytes = malloc(200), .room = 200};
    if (!t.bytes) abort();
    t.size = (size_t)sprintf(t.bytes, "segments 2\nwidth %zu\nheight %zu\ndata\n", mask->width, mask->height);
    for (size_t y = 0; y < mask->height; y++) {
        const unsigned char *row = mask->pixels + y * mask->width;
        for (size_t from = 0, to; from < mask->width; from = to) {
            for (to = from; to < mask->width && row[to] == row[from]; to++) {
            }
            add_run(&t, row[from] != 0, y, from, to - 1);
        }
    }
    return t;
}

static void expect_same(const char *bytes, size_t size, const picture *mask, const char *what) {
    picture again;
    lb_error error = {0};
    fuzz_require(seg_text_read(bytes, size, "again", &again, &error) == LB_OK, "%s: %s", what, error.message);
    fuzz_require(again.width == mask->width && again.height == mask->height, "%s: %zu x %zu", what, again.width,
                 again.height);
    fuzz_require(memcmp(again.pixels, mask->pixels, mask->width * mask->height) == 0, "%s: another mask", what);
    picture_free(&again);
}

/* The last line, once more. */
static void expect_repetition(const uint8_t *data, size_t size, const picture *mask) {
    size_t start = size - (data[size - 1] == '\n');
    while (start > 0 && data[start - 1] != '\n') start--;
    char *longer = fuzz_room(2 * size - start + 1);
    memcpy(longer, data, size);
    longer[size] = '\n';
    memcpy(longer + size + 1, data + start, size - start);
    expect_same(longer, 2 * size - start + 1, mask, "a repeated line");
    free(longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    picture mask;
    lb_error error = {0};
    const int code = seg_text_read((const char *)data, size, "input", &mask, &error);
    if (code) {
        fuzz_require_sentence(code, &error, "seg_text_read");
        fuzz_require(code == LB_FORMAT && !mask.pixels, "code %d", code);
        return 0;
    }
    fuzz_require(mask.width >= 1 && mask.width <= PICTURE_MAX_SIDE && mask.height >= 1 &&
                     mask.height <= PICTURE_MAX_SIDE,
                 "%zu x %zu", mask.width, mask.height);
    for (size_t i = 0; i < mask.width * mask.height; i++)
        fuzz_require(mask.pixels[i] == 0 || mask.pixels[i] == 255, "pixel %zu is %d", i, mask.pixels[i]);
    text t = text_of(&mask);
    expect_same(t.bytes, t.size, &mask, "written again");
    free(t.bytes);
    expect_repetition(data, size, &mask);
    picture_free(&mask);
    return 0;
}
