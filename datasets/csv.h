/* Comma-separated tables with a fixed header, read in place. */
#ifndef DATASETS_CSV_H
#define DATASETS_CSV_H

#include "lib/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { CSV_MAX_COLUMNS = 8 };

typedef struct {
    const char *path;
    char *bytes, *at; /* the file, cut up as it is read */
    size_t line, columns;
    char *fields[CSV_MAX_COLUMNS]; /* of the current row; they stay valid until csv_close */
} csv;

/* Reads the file and checks that its first line is `header` ("index,type"). Lines end in LF or CRLF; a byte order mark
   and quoted fields are understood; empty lines are skipped. On failure nothing is left to close. */
int csv_open(csv *c, const char *path, const char *header, lb_error *error);
void csv_close(csv *c);

/* The next row into c->fields. LB_OK with *more = 0 at the end. */
int csv_next(csv *c, int *more, lb_error *error);

/* "'labels.csv', line 7: what" */
int csv_fail(const csv *c, const char *what, lb_error *error);

/* A field as a whole number below `limit`, or as a finite decimal; else a refusal with the line. */
int csv_index(const csv *c, size_t column, size_t limit, uint32_t *out, lb_error *error);
int csv_number(const csv *c, size_t column, float *out, lb_error *error);

#endif
