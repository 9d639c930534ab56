/* The lists and labels of DeepPCB: what is read, and one sentence with the line for everything else. */
#include "datasets/public/pcb_text.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From memory of just this size, so that a sanitizer sees a step outside. */
static char *copy_of(const char *text, size_t size) {
    char *bytes = malloc(size ? size : 1);
    cr_assert(bytes != NULL);
    memcpy(bytes, text, size);
    return bytes;
}

static int read_list(const char *text, pcb_pair **pairs, size_t *count, lb_error *error) {
    char *bytes = copy_of(text, strlen(text));
    *error = (lb_error){0};
    const int code = pcb_list_read(bytes, strlen(text), "trainval.txt", pairs, count, error);
    free(bytes);
    return code;
}

static int read_labels(const char *text, size_t size, pcb_box **boxes, size_t *count, lb_error *error) {
    char *bytes = copy_of(text, size);
    *error = (lb_error){0};
    const int code = pcb_labels_read(bytes, size, "7.txt", boxes, count, error);
    free(bytes);
    return code;
}

/* --- lists --- */

Test(pcb_list, names_pairs) {
    pcb_pair *pairs;
    size_t count;
    lb_error error;
    const char *text = "group20085/20085/20085000.jpg group20085/20085_not/20085000.txt\r\n"
                       "\n  \r\n"
                       "\tA-b_C/0/000000007.jpg \t x/7.txt  \n"
                       "a/999999999.jpg a/999999999.txt"; /* without a last end of line */
    cr_assert(eq(int, read_list(text, &pairs, &count, &error), LB_OK), "%s", error.message);
    cr_assert(eq(sz, count, 3));
    cr_expect(eq(str, pairs[0].image, "group20085/20085/20085000"));
    cr_expect(eq(str, pairs[0].labels, "group20085/20085_not/20085000"));
    cr_expect(eq(u32, pairs[0].number, 20085000));
    cr_expect(eq(str, pairs[1].image, "A-b_C/0/000000007"));
    cr_expect(eq(str, pairs[1].labels, "x/7"));
    cr_expect(eq(u32, pairs[1].number, 7));
    cr_expect(eq(u32, pairs[2].number, 999999999));
    free(pairs);
    cr_assert(eq(int, read_list("\n", &pairs, &count, &error), LB_OK));
    cr_expect(eq(sz, count, 0));
    free(pairs);
}

#define LONG_99 "aaaaaaaaa/aaaaaaaaa/aaaaaaaaa/aaaaaaaaa/aaaaaaaaa/aaaaaaaaa/aaaaaaaaa/aaaaaaaaa/aaaaaaaaa/aaaaaaa/1"

Test(pcb_list, takes_a_path_of_99_letters) {
    pcb_pair *pairs;
    size_t count;
    lb_error error;
    cr_assert(eq(int, read_list(LONG_99 ".jpg a/1.txt", &pairs, &count, &error), LB_OK), "%s", error.message);
    cr_expect(eq(str, pairs[0].image, LONG_99));
    cr_expect(eq(sz, strlen(pairs[0].image), PCB_PATH - 1));
    free(pairs);
    cr_expect(eq(int, read_list("a" LONG_99 ".jpg a/1.txt", &pairs, &count, &error), LB_FORMAT));
}

static const char *const bad_lines[] = {
    "a/7.jpg",
    "a/7.jpg b/7.txt c",
    "a/7.jpg b/7.txt b/7.txt",
    "a/7.jpgb/7.txt",
    "a/7.jpg,b/7.txt",
    "b/7.txt a/7.jpg",
    "a/7.png b/7.txt",
    "a/7.JPG b/7.txt",
    "a/7 b/7.txt",
    ".jpg .txt",
    "a/.jpg b/.txt",
    "a/7.jpg b/8.txt", /* two pairs */
    "7.jpg 7.txt",     /* no folder */
    "a/x.jpg b/x.txt",
    "a/7x.jpg b/7x.txt",
    "a/-7.jpg b/-7.txt",
    "a/1234567890.jpg b/1234567890.txt",
    "/a/7.jpg b/7.txt",
    "a/7.jpg /b/7.txt",
    "../a/7.jpg b/7.txt",
    "a/../../7.jpg b/7.txt",
    "a/7.jpg b/../7.txt",
    "./a/7.jpg b/7.txt",
    "a//7.jpg b/7.txt",
    "a\\7.jpg b/7.txt",
    "C:/a/7.jpg b/7.txt",
    "a/%s/7.jpg b/7.txt",
};

Test(pcb_list, refuses_what_is_no_pair_or_leads_out) {
    for (size_t i = 0; i < sizeof bad_lines / sizeof *bad_lines; i++) {
        char text[200];
        pcb_pair *pairs;
        size_t count;
        lb_error error;
        snprintf(text, sizeof text, "a/1.jpg b/1.txt\n\n%s\na/2.jpg b/2.txt\n", bad_lines[i]);
        cr_expect(eq(int, read_list(text, &pairs, &count, &error), LB_FORMAT), "%s", bad_lines[i]);
        cr_expect(strstr(error.message, "'trainval.txt', line 3: not '<folder>/<number>.jpg") == error.message, "%s",
                  error.message);
        cr_expect(strstr(error.message, "fetch the data again") != NULL, "%s", error.message);
        cr_expect(pairs == NULL);
        cr_expect(eq(sz, count, 0));
    }
}

/* --- labels --- */

static const char *const good_labels[] = {
    "466 441 493 470 3\n0 0 640 640 6\n",
    "466,441,493,470,3\n0,0,640,640,6",
    "466, 441 ,493\t470 3\r\n\r\n0 0 640 640 6",
    "\n\t466 441 493 470 3 \n 000 0 640 000000640 6\n\n",
};

Test(pcb_labels, are_read_between_blanks_or_commas) {
    for (size_t i = 0; i < sizeof good_labels / sizeof *good_labels; i++) {
        pcb_box *b;
        size_t count;
        lb_error error;
        cr_assert(eq(int, read_labels(good_labels[i], strlen(good_labels[i]), &b, &count, &error), LB_OK), "%zu: %s", i,
                  error.message);
        cr_assert(eq(sz, count, 2));
        cr_expect(b[0].x1 == 466 && b[0].y1 == 441 && b[0].x2 == 493 && b[0].y2 == 470 && b[0].type == 3 && !b[0].bad);
        cr_expect(b[1].x1 == 0 && b[1].y1 == 0 && b[1].x2 == 640 && b[1].y2 == 640 && b[1].type == 6 && !b[1].bad);
        free(b);
    }
}

Test(pcb_labels, may_be_empty) {
    static const char *const texts[] = {"", "\n", " \r\n\t\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        pcb_box *boxes;
        size_t count;
        lb_error error;
        cr_assert(eq(int, read_labels(texts[i], strlen(texts[i]), &boxes, &count, &error), LB_OK));
        cr_expect(eq(sz, count, 0));
        free(boxes);
    }
}

Test(pcb_labels, tell_which_boxes_are_bad) {
    static const char *const texts[] = {
        "20 10 10 20 1", "10 20 20 10 1", "20 20 10 10 1", /* inverted */
        "10 10 10 20 1", "10 10 20 10 1",                  /* no area */
        "-1 10 20 20 1", "10 -1 20 20 1", "10 10 641 20 1", "10 10 20 641 1", "640 640 999999999 999999999 1",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        pcb_box *boxes;
        size_t count;
        lb_error error;
        cr_assert(eq(int, read_labels(texts[i], strlen(texts[i]), &boxes, &count, &error), LB_OK), "%s", texts[i]);
        cr_assert(eq(sz, count, 1));
        cr_expect(boxes[0].bad == 1, "%s", texts[i]);
        free(boxes);
    }
}

static const struct {
    const char *line, *words;
} bad_labels[] = {
    {"1 2 3 4", "not five whole numbers (x1 y1 x2 y2 type)"},
    {"1 2 3 4 5 6", "not five whole numbers"},
    {"1 2 3 4 5,", "not five whole numbers"},
    {",1 2 3 4 5", "not five whole numbers"},
    {"1,,2,3,4,5", "not five whole numbers"},
    {"1;2;3;4;5", "not five whole numbers"},
    {"1 2 3.5 4 5", "not five whole numbers"},
    {"1 2 x 4 5", "not five whole numbers"},
    {"1-2 3 4 5", "not five whole numbers"},
    {"1 - 2 3 4", "not five whole numbers"},
    {"1 --2 3 4 5", "not five whole numbers"},
    {"+1 2 3 4 5", "not five whole numbers"},
    {"1 2 3 4 open", "not five whole numbers"},
    {"1 2 1234567890 4 5", "not five whole numbers"},
    {"1 2 3 4 0", "the type is none of 1 to 6"},
    {"1 2 3 4 7", "the type is none of 1 to 6"},
    {"1 2 3 4 -1", "the type is none of 1 to 6"},
    {"1 2 3 4 65537", "the type is none of 1 to 6"},
};

Test(pcb_labels, refuse_with_the_line) {
    for (size_t i = 0; i < sizeof bad_labels / sizeof *bad_labels; i++) {
        char text[200], words[200];
        pcb_box *boxes;
        size_t count;
        lb_error error;
        snprintf(text, sizeof text, "1 2 3 4 5\n\n%s\n1 2 3 4 5\n", bad_labels[i].line);
        snprintf(words, sizeof words, "'7.txt', line 3: %s", bad_labels[i].words);
        cr_expect(eq(int, read_labels(text, strlen(text), &boxes, &count, &error), LB_FORMAT), "%s",
                  bad_labels[i].line);
        cr_expect(strstr(error.message, words) == error.message, "wanted %s: %s", words, error.message);
        cr_expect(boxes == NULL);
        cr_expect(eq(sz, count, 0));
    }
}

Test(pcb_labels, with_a_byte_that_ends_strings_are_refused) {
    static const char text[] = "1 2 3 4 5\0";
    pcb_box *boxes;
    size_t count;
    lb_error error;
    cr_expect(eq(int, read_labels(text, sizeof text - 1, &boxes, &count, &error), LB_FORMAT));
}
