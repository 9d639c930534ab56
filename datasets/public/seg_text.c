#include "datasets/public/seg_text.h"

#include "datasets/public/text_lines.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SEGMENTS = 1000000, UNSEEN = 0, BACKGROUND = 1, DEFECT = 255 };

__attribute__((format(printf, 3, 4))) static int fail(const text_lines *l, lb_error *error, const char *format, ...) {
    char words[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    return lb_fail(error, LB_FORMAT, "'%.200s', line %zu: %s; fetch the file again", l->name, l->number, words);
}

/* Exactly `count` whole numbers of at most 9 digits between blanks, and nothing else. */
static int read_numbers(const char *at, const char *stop, size_t *out, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *first = at = text_skip_blanks(at, stop);
        for (out[i] = 0; at < stop && *at >= '0' && *at <= '9' && at - first < 10; at++)
            out[i] = 10 * out[i] + (size_t)(*at - '0');
        if (at == first || at - first > 9) return 0;
    }
    return text_skip_blanks(at, stop) == stop;
}

/* --- header --- */

enum { WIDTH, HEIGHT, SEGMENTS, FIELDS };

static const struct {
    const char *word;
    size_t most;
} fields[FIELDS] = {{"width", PICTURE_MAX_SIDE}, {"height", PICTURE_MAX_SIDE}, {"segments", MOST_SEGMENTS}};

static int is_word(const text_lines *l, const char *word) {
    const size_t length = strlen(word), size = (size_t)(l->stop - l->start);
    return size >= length && memcmp(l->start, word, length) == 0 &&
           (size == length || l->start[length] == ' ' || l->start[length] == '\t');
}

/* values[] are 0 where not given yet. */
static int read_field(const text_lines *l, size_t values[FIELDS], lb_error *error) {
    for (size_t i = 0; i < FIELDS; i++) {
        if (!is_word(l, fields[i].word)) continue;
        size_t value;
        if (values[i]) return fail(l, error, "'%s' is given twice", fields[i].word);
        if (!read_numbers(l->start + strlen(fields[i].word), l->stop, &value, 1) || value < 1 || value > fields[i].most)
            return fail(l, error, "'%s' must be a whole number of 1 to %zu", fields[i].word, fields[i].most);
        values[i] = value;
    }
    return LB_OK;
}

static int read_header(text_lines *l, size_t values[FIELDS], lb_error *error) {
    while (text_lines_next(l)) {
        if (is_word(l, "data")) {
            for (size_t i = 0; i < FIELDS; i++)
                if (!values[i]) return fail(l, error, "the header lacks '%s'", fields[i].word);
            return LB_OK;
        }
        const int code = read_field(l, values, error);
        if (code) return code;
    }
    return fail(l, error, "the text ends before the line 'data'");
}

/* --- runs --- */

static int read_run(const text_lines *l, const size_t limits[FIELDS], size_t run[4], lb_error *error) {
    if (!read_numbers(l->start, l->stop, run, 4))
        return fail(l, error, "not four whole numbers (segment, row, first and last column)");
    if (run[0] >= limits[SEGMENTS])
        return fail(l, error, "segment %zu, but there are %zu, numbered from 0", run[0], limits[SEGMENTS]);
    if (run[1] >= limits[HEIGHT]) return fail(l, error, "row %zu lies outside 0 to %zu", run[1], limits[HEIGHT] - 1);
    if (run[3] >= limits[WIDTH]) return fail(l, error, "column %zu lies outside 0 to %zu", run[3], limits[WIDTH] - 1);
    if (run[2] > run[3]) return fail(l, error, "the first column %zu is behind the last, %zu", run[2], run[3]);
    return LB_OK;
}

/* Pixels of the run that no run had before. */
static size_t mark_run(unsigned char *row, const size_t run[4]) {
    size_t fresh = 0;
    for (size_t x = run[2]; x <= run[3]; x++) {
        fresh += row[x] == UNSEEN;
        if (run[0])
            row[x] = DEFECT;
        else if (row[x] == UNSEEN)
            row[x] = BACKGROUND;
    }
    return fresh;
}

static int read_runs(text_lines *l, const size_t limits[FIELDS], picture *mask, lb_error *error) {
    const size_t area = mask->height * mask->width;
    size_t seen = 0, run[4];
    while (text_lines_next(l)) {
        if (text_skip_blanks(l->start, l->stop) == l->stop) continue;
        const int code = read_run(l, limits, run, error);
        if (code) return code;
        seen += mark_run(mask->pixels + run[1] * mask->width, run);
    }
    if (seen < area) return fail(l, error, "the text ends, and only %zu of %zu pixels are in a segment", seen, area);
    for (size_t i = 0; i < area; i++)
        if (mask->pixels[i] == BACKGROUND) mask->pixels[i] = 0;
    return LB_OK;
}

int seg_text_read(const char *bytes, size_t size, const char *name, picture *mask, lb_error *error) {
    text_lines l = {.name = name, .at = bytes, .end = bytes + size};
    size_t values[FIELDS] = {0};
    *mask = (picture){0};
    int code = read_header(&l, values, error);
    if (code) return code;
    mask->height = values[HEIGHT];
    mask->width = values[WIDTH];
    mask->pixels = calloc(mask->height, mask->width);
    code = mask->pixels ? read_runs(&l, values, mask, error) : lb_fail_memory(error, "a mask");
    if (code) picture_free(mask);
    return code;
}
