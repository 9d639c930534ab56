#include "datasets/public/numbers_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- rows --- */

numbers_text numbers_start(const char *bytes, size_t size, const char *name, char separator) {
    const size_t mark = size >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    return (numbers_text){.row = {.name = name, .at = bytes + mark, .end = bytes + size}, .separator = separator};
}

int numbers_fail(const numbers_text *t, const char *what, lb_error *error) {
    return lb_fail(error, LB_FORMAT, "'%.250s', line %zu: %.120s; fetch the data again", t->row.name,
                   t->row.number ? t->row.number : 1, what);
}

/* The next line that is not empty, as the row; 0 at the end. */
static int next_line(numbers_text *t) {
    int more;
    while ((more = text_lines_next(&t->row)) && t->row.start == t->row.stop) continue;
    t->field = more ? t->row.start : NULL;
    t->column = 0;
    return more;
}

int numbers_header(numbers_text *t, const char *header, lb_error *error) {
    char what[120];
    const size_t length = strlen(header);
    const int more = next_line(t);
    if (more && (size_t)(t->row.stop - t->field) == length && memcmp(t->field, header, length) == 0) return LB_OK;
    snprintf(what, sizeof what, "the header must be '%.60s%s'", header, length > 60 ? "..." : "");
    return numbers_fail(t, what, error);
}

int numbers_row(numbers_text *t, size_t fields, int *more, lb_error *error) {
    char what[80];
    size_t found = 1;
    *more = next_line(t);
    if (!*more) return LB_OK;
    for (const char *at = t->field; at < t->row.stop; at++) found += *at == t->separator;
    if (found == fields) return LB_OK;
    snprintf(what, sizeof what, "%zu columns, where there must be %zu", found, fields);
    return numbers_fail(t, what, error);
}

/* --- fields --- */

const char *numbers_word(numbers_text *t, size_t *length) {
    const char *word = t->field, *end = memchr(word, t->separator, (size_t)(t->row.stop - word));
    *length = (size_t)((end ? end : t->row.stop) - word);
    t->field = end ? end + 1 : NULL;
    t->column++;
    return word;
}

static const char *skip_digits(const char *at) {
    while (*at >= '0' && *at <= '9') at++;
    return at;
}

/* "-1.5e-3" and the like; strtof alone would also take blanks, hexadecimal, inf and nan. */
static int is_decimal(const char *at) {
    at += *at == '-' || *at == '+';
    const char *whole = at;
    at = skip_digits(at);
    size_t digits = (size_t)(at - whole);
    if (*at == '.') {
        const char *part = ++at;
        at = skip_digits(at);
        digits += (size_t)(at - part);
    }
    if (digits > 0 && (*at == 'e' || *at == 'E')) {
        at += at[1] == '-' || at[1] == '+' ? 2 : 1;
        if (skip_digits(at) == at) return 0;
        at = skip_digits(at);
    }
    return digits > 0 && *at == '\0';
}

static int fail_field(const numbers_text *t, const char *wanted, lb_error *error) {
    char what[80];
    snprintf(what, sizeof what, "column %zu is no %s", t->column, wanted);
    return numbers_fail(t, what, error);
}

int numbers_value(numbers_text *t, float *out, lb_error *error) {
    char field[NUMBERS_FIELD];
    size_t length;
    const char *word = numbers_word(t, &length);
    *out = 0;
    if (length >= sizeof field || memchr(word, '\0', length)) return fail_field(t, "finite number", error);
    memcpy(field, word, length);
    field[length] = '\0';
    if (!is_decimal(field)) return fail_field(t, "finite number", error);
    *out = strtof(field, NULL) + 0.0f; /* no -0: equal rows have equal bytes */
    return isfinite(*out) ? LB_OK : fail_field(t, "finite number", error);
}

int numbers_flag(numbers_text *t, int *out, lb_error *error) {
    size_t length;
    const char *word = numbers_word(t, &length);
    *out = length == 1 && *word == '1';
    return length == 1 && (*word == '0' || *word == '1') ? LB_OK : fail_field(t, "0 or 1", error);
}
