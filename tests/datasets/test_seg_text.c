/* Berkeley segmentation text: what is read, and one sentence with the line for everything else. */
#include "datasets/public/seg_text.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER "width 4\nheight 3\nsegments 3\n"
#define ROWS "0 0 0 3\n0 1 0 0\n1 1 1 2\n0 1 3 3\n0 2 0 2\n2 2 3 3\n"

static const unsigned char expected[3 * 4] = {0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0, 255};

/* From memory of just this size, so that a sanitizer sees a step outside. */
static int read_text(const char *text, size_t size, picture *mask, lb_error *error) {
    char *bytes = malloc(size ? size : 1);
    cr_assert(bytes != NULL);
    memcpy(bytes, text, size);
    *error = (lb_error){0};
    const int code = seg_text_read(bytes, size, "a.seg", mask, error);
    free(bytes);
    return code;
}

static const char *const good_texts[] = {
    HEADER "data\n" ROWS,
    "image C:\\some place\\a.jpg\nuser 7\n" HEADER "gray 1\nformat ascii cr\nwidthless 9\ndata\n" ROWS,
    "segments 3\nheight 3\nwidth 4\ndata\n" ROWS,         /* any order */
    "width 4\r\nheight 3\r\nsegments 3\r\ndata\r\n" ROWS, /* either end of line */
    HEADER "data\n\n" ROWS "  \n\n",
    HEADER "data\n" ROWS ROWS,                                    /* runs repeat */
    HEADER "data\n1 1 1 2\n0 0 0 3\n0 1 0 3\n0 2 0 3\n2 2 3 3\n", /* and overlap: a defect wins, before and after */
    HEADER "data\n0 0 0 3\n0 1 0 0\n1 1 1 2\n0 1 3 3\n0 2 0 2\n2 2 3 3", /* without a last end of line */
    HEADER "data\n 0\t0  0 3 \n0 1 0 3\n0 2 0 3\n1 1 1 2\n2 2 3 000000003\n",
};

Test(seg_text, reads_runs_of_segments) {
    for (size_t i = 0; i < sizeof good_texts / sizeof *good_texts; i++) {
        picture mask;
        lb_error error;
        cr_assert(eq(int, read_text(good_texts[i], strlen(good_texts[i]), &mask, &error), LB_OK), "%zu: %s", i,
                  error.message);
        cr_assert(eq(sz, mask.height, 3));
        cr_assert(eq(sz, mask.width, 4));
        cr_expect(eq(int, memcmp(mask.pixels, expected, sizeof expected), 0), "text %zu", i);
        picture_free(&mask);
    }
}

static const struct {
    const char *text, *words;
} bad_texts[] = {
    {"", "line 0: the text ends before the line 'data'"},
    {HEADER, "line 3: the text ends before the line 'data'"},
    {"height 3\nsegments 3\ndata\n" ROWS, "line 3: the header lacks 'width'"},
    {"width 4\nsegments 3\ndata\n" ROWS, "line 3: the header lacks 'height'"},
    {"width 4\nheight 3\ndata\n" ROWS, "line 3: the header lacks 'segments'"},
    {"width 4\nwidth 4\n", "line 2: 'width' is given twice"},
    {"width 0\n", "line 1: 'width' must be a whole number of 1 to 4096"},
    {"height 4097\n", "line 1: 'height' must be a whole number of 1 to 4096"},
    {"segments 1000001\n", "line 1: 'segments' must be a whole number of 1 to 1000000"},
    {"width\n", "line 1: 'width' must be"},
    {"width -4\n", "line 1: 'width' must be"},
    {"width 4 5\n", "line 1: 'width' must be"},
    {"width 4x\n", "line 1: 'width' must be"},
    {"width 99999999999999999999999999\n", "line 1: 'width' must be"},
    {"width 0000000004\n", "line 1: 'width' must be"}, /* ten digits */
    {HEADER "data\n0 0 0 3\n0 1 0\n", "line 6: not four whole numbers"},
    {HEADER "data\n0 0 0 3 4\n", "line 5: not four whole numbers"},
    {HEADER "data\n0 0 0 3.5\n", "line 5: not four whole numbers"},
    {HEADER "data\n0 -1 0 3\n", "line 5: not four whole numbers"},
    {HEADER "data\n0 4294967296 0 3\n", "line 5: not four whole numbers"},
    {HEADER "data\n\n3 0 0 3\n", "line 6: segment 3, but there are 3, numbered from 0"},
    {HEADER "data\n0 3 0 3\n", "line 5: row 3 lies outside 0 to 2"},
    {HEADER "data\n0 0 0 4\n", "line 5: column 4 lies outside 0 to 3"},
    {HEADER "data\n0 0 3 2\n", "line 5: the first column 3 is behind the last, 2"},
    {HEADER "data\n", "line 4: the text ends, and only 0 of 12 pixels are in a segment"},
    {HEADER "data\n0 0 0 3\n0 1 0 3\n0 1 0 3\n1 1 0 3\n0 2 0 2\n",
     "line 9: the text ends, and only 11 of 12 pixels are in a segment"},
};

Test(seg_text, names_the_line_of_what_it_refuses) {
    for (size_t i = 0; i < sizeof bad_texts / sizeof *bad_texts; i++) {
        picture mask;
        lb_error error;
        cr_expect(eq(int, read_text(bad_texts[i].text, strlen(bad_texts[i].text), &mask, &error), LB_FORMAT), "%s",
                  bad_texts[i].text);
        cr_expect(strstr(error.message, bad_texts[i].words) != NULL, "wanted '%s': %s", bad_texts[i].words,
                  error.message);
        cr_expect(strstr(error.message, "'a.seg'") == error.message && strstr(error.message, "fetch the file again"),
                  "%s", error.message);
        cr_expect(mask.pixels == NULL);
    }
}

Test(seg_text, cut_short_anywhere_is_refused) {
    static const char text[] = HEADER "data\n" ROWS;
    const size_t whole = sizeof text - 2; /* the last end of line is not needed */
    picture mask;
    lb_error error;
    for (size_t n = 0; n < whole; n++)
        cr_assert(eq(int, read_text(text, n, &mask, &error), LB_FORMAT), "%zu of %zu bytes", n, whole);
    cr_assert(eq(int, read_text(text, whole, &mask, &error), LB_OK));
    picture_free(&mask);
}
