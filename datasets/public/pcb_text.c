#include "datasets/public/pcb_text.h"

#include "datasets/public/text_lines.h"

#include <stdlib.h>
#include <string.h>

/* --- lines --- */

static int fail(const text_lines *l, const char *what, lb_error *error) {
    return lb_fail(error, LB_FORMAT, "'%.250s', line %zu: %s; fetch the data again with `make datasets`", l->name,
                   l->number, what);
}

static int is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* The next line that is not blank, without the blanks around it; 0 at the end of the text. */
static int next_line(text_lines *l) {
    while (text_lines_next(l)) {
        l->start = text_skip_blanks(l->start, l->stop);
        while (l->stop > l->start && is_blank(l->stop[-1])) l->stop--;
        if (l->start < l->stop) return 1;
    }
    return 0;
}

/* At least the number of lines, and not 0. */
static size_t most_lines(const char *bytes, size_t size) {
    size_t lines = 1;
    for (size_t i = 0; i < size; i++) lines += bytes[i] == '\n';
    return lines;
}

/* --- lists --- */

static int is_digit(char c) { return c >= '0' && c <= '9'; }

static int is_path_sign(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

/* start..stop as "folder/.../number" and `ending`, which is left off in path[PCB_PATH]; 0 for anything else. */
static int read_path(const char *start, const char *stop, const char *ending, char *path, uint32_t *number) {
    const size_t length = (size_t)(stop - start), tail = strlen(ending);
    if (length < tail || memcmp(stop - tail, ending, tail) != 0 || length - tail >= PCB_PATH) return 0;
    const char *digits = start;
    stop -= tail;
    for (const char *at = start; at < stop; at++) {
        if (*at == '/' ? at == digits : !is_path_sign(*at)) return 0;
        if (*at == '/') digits = at + 1;
    }
    if (digits == start || stop - digits < 1 || stop - digits > 9) return 0;
    *number = 0;
    for (const char *at = digits; at < stop; at++) {
        if (!is_digit(*at)) return 0;
        *number = 10 * *number + (uint32_t)(*at - '0');
    }
    memcpy(path, start, length - tail);
    path[length - tail] = '\0';
    return 1;
}

static int read_pair(const text_lines *l, pcb_pair *out) {
    const char *gap = l->start;
    uint32_t number;
    while (gap < l->stop && !is_blank(*gap)) gap++;
    return read_path(l->start, gap, ".jpg", out->image, &out->number) &&
           read_path(text_skip_blanks(gap, l->stop), l->stop, ".txt", out->labels, &number) && number == out->number;
}

int pcb_list_read(const char *bytes, size_t size, const char *name, pcb_pair **pairs, size_t *count, lb_error *error) {
    text_lines l = {.name = name, .at = bytes, .end = bytes + size};
    int code = LB_OK;
    *count = 0;
    *pairs = malloc(most_lines(bytes, size) * sizeof **pairs);
    if (!*pairs) return lb_fail_memory(error, "a list of pairs");
    while (!code && next_line(&l))
        if (!read_pair(&l, &(*pairs)[(*count)++]))
            code =
                fail(&l, "not '<folder>/<number>.jpg <folder>/<number>.txt' within the pack, with one number", error);
    if (code) {
        free(*pairs);
        *pairs = NULL;
        *count = 0;
    }
    return code;
}

/* --- labels --- */

/* A whole number of at most 9 digits that ends where the field does. */
static int read_integer(const char **at, const char *stop, int32_t *out) {
    const int negative = *at < stop && **at == '-';
    const char *first = *at += negative;
    for (*out = 0; *at < stop && is_digit(**at) && *at - first < 9; ++*at) *out = 10 * *out + (**at - '0');
    if (negative) *out = -*out;
    return *at > first && (*at == stop || is_blank(**at) || **at == ',');
}

/* Five whole numbers and nothing else. */
static int read_numbers(const text_lines *l, int32_t values[5]) {
    const char *at = l->start;
    for (int i = 0; i < 5; i++) {
        at = text_skip_blanks(at, l->stop);
        if (i > 0 && at < l->stop && *at == ',') at = text_skip_blanks(at + 1, l->stop);
        if (!read_integer(&at, l->stop, &values[i])) return 0;
    }
    return at == l->stop;
}

static int read_box(const text_lines *l, pcb_box *out, lb_error *error) {
    int32_t v[5];
    if (!read_numbers(l, v)) return fail(l, "not five whole numbers (x1 y1 x2 y2 type)", error);
    if (v[4] < 1 || v[4] > PCB_TYPES) return fail(l, "the type is none of 1 to 6", error);
    const int good = v[0] >= 0 && v[0] < v[2] && v[2] <= PCB_SIDE && v[1] >= 0 && v[1] < v[3] && v[3] <= PCB_SIDE;
    *out = (pcb_box){v[0], v[1], v[2], v[3], (uint16_t)v[4], (uint16_t)!good};
    return LB_OK;
}

int pcb_labels_read(const char *bytes, size_t size, const char *name, pcb_box **boxes, size_t *count, lb_error *error) {
    text_lines l = {.name = name, .at = bytes, .end = bytes + size};
    int code = LB_OK;
    *count = 0;
    *boxes = malloc(most_lines(bytes, size) * sizeof **boxes);
    if (!*boxes) return lb_fail_memory(error, "the boxes of an image");
    while (!code && next_line(&l)) code = read_box(&l, &(*boxes)[(*count)++], error);
    if (code) {
        free(*boxes);
        *boxes = NULL;
        *count = 0;
    }
    return code;
}
