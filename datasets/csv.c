#include "datasets/csv.h"

#include "datasets/whole_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((size_t)256 << 20)

int csv_fail(const csv *c, const char *what, lb_error *error) {
    return lb_fail(error, LB_FORMAT, "'%.250s', line %zu: %.200s", c->path, c->line, what);
}

void csv_close(csv *c) {
    free(c->bytes);
    *c = (csv){0};
}

/* Cuts one field off at `at` and returns where the next begins, NULL after the last of a line. A quoted field loses
   its quotes; "" in it is one quote. */
static char *cut_field(char *at, char **field) {
    char *to = at;
    *field = at;
    if (*at == '"') {
        at++;
        while (*at && (*at != '"' || at[1] == '"')) {
            at += *at == '"';
            *to++ = *at++;
        }
        if (*at == '"') at++;
    }
    while (*at && *at != ',') *to++ = *at++;
    char *const next = *at ? at + 1 : NULL;
    *to = '\0';
    return next;
}

/* The next line that is not empty, terminated; NULL at the end. */
static char *next_line(csv *c) {
    while (*c->at) {
        char *line = c->at;
        const size_t length = strcspn(line, "\n");
        c->at += length + (line[length] == '\n');
        line[length] = '\0';
        c->line++;
        if (length && line[length - 1] == '\r') line[length - 1] = '\0';
        if (*line) return line;
    }
    return NULL;
}

static size_t cut_line(char *line, char *fields[CSV_MAX_COLUMNS]) {
    size_t n = 0;
    for (; line && n < CSV_MAX_COLUMNS; n++) line = cut_field(line, &fields[n]);
    return line ? CSV_MAX_COLUMNS + 1 : n;
}

/* Compares field by field, so that a header may be quoted too. */
static int check_header(csv *c, const char *header, lb_error *error) {
    char what[200], wanted[100], *names[CSV_MAX_COLUMNS], *line = next_line(c);
    const size_t found = line ? cut_line(line, c->fields) : 0;
    snprintf(what, sizeof what, "the header must be '%.100s'", header);
    snprintf(wanted, sizeof wanted, "%s", header);
    c->columns = cut_line(wanted, names);
    if (found != c->columns) return csv_fail(c, what, error);
    for (size_t i = 0; i < found; i++)
        if (strcmp(c->fields[i], names[i]) != 0) return csv_fail(c, what, error);
    return LB_OK;
}

int csv_open(csv *c, const char *path, const char *header, lb_error *error) {
    size_t size;
    *c = (csv){.path = path};
    int code = whole_file_read(path, MOST_BYTES, &c->bytes, &size, error);
    if (code) return code;
    c->at = c->bytes;
    if (memchr(c->bytes, 0, size)) code = lb_fail(error, LB_FORMAT, "'%.250s' is no text: it holds a zero byte", path);
    if (!code && strncmp(c->at, "\xEF\xBB\xBF", 3) == 0) c->at += 3;
    if (!code) code = check_header(c, header, error);
    if (code) csv_close(c);
    return code;
}

int csv_next(csv *c, int *more, lb_error *error) {
    char what[100], *line = next_line(c);
    *more = line != NULL;
    if (!line) return LB_OK;
    const size_t found = cut_line(line, c->fields);
    if (found == c->columns) return LB_OK;
    snprintf(what, sizeof what, "%zu fields are needed, not %s%zu", c->columns,
             found > CSV_MAX_COLUMNS ? "more than " : "", found > CSV_MAX_COLUMNS ? CSV_MAX_COLUMNS : found);
    return csv_fail(c, what, error);
}

int csv_index(const csv *c, size_t column, size_t limit, uint32_t *out, lb_error *error) {
    char what[120];
    const char *field = c->fields[column];
    const size_t length = strlen(field);
    if (length > 0 && length < 10 && strspn(field, "0123456789") == length) {
        *out = (uint32_t)strtoul(field, NULL, 10);
        if (*out < limit) return LB_OK;
    }
    snprintf(what, sizeof what, "'%.40s' is no index from 0 to %zu", field, limit - 1);
    return csv_fail(c, what, error);
}

int csv_number(const csv *c, size_t column, float *out, lb_error *error) {
    char what[100], *end;
    *out = strtof(c->fields[column], &end);
    if (end != c->fields[column] && *end == '\0' && isfinite(*out)) return LB_OK;
    snprintf(what, sizeof what, "'%.40s' is no number", c->fields[column]);
    return csv_fail(c, what, error);
}
