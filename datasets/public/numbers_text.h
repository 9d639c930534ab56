/* Tables of numbers as text: one row a line, in LF or CRLF, its fields between single separators and without quotes. A
   byte order mark and empty lines are skipped. What is refused is LB_FORMAT, in a sentence with name and line. */
#ifndef DATASETS_PUBLIC_NUMBERS_TEXT_H
#define DATASETS_PUBLIC_NUMBERS_TEXT_H

#include "datasets/public/text_lines.h"
#include "lib/base/error.h"

#include <stddef.h>

enum { NUMBERS_FIELD = 40 }; /* bytes of the longest field that is a number, with its end */

typedef struct {
    text_lines row;    /* the row is its line */
    const char *field; /* what is left of the row; NULL: nothing */
    size_t column;     /* of the last field that was read, from 1 */
    char separator;
} numbers_text;

/* Reads bytes[size] in place; the caller keeps them. */
numbers_text numbers_start(const char *bytes, size_t size, const char *name, char separator);

/* "'Faults.NNA', line 7: what; fetch the data again" */
int numbers_fail(const numbers_text *t, const char *what, lb_error *error);

/* Takes the next row, which must be `header`, byte for byte. */
int numbers_header(numbers_text *t, const char *header, lb_error *error);

/* Goes to the next row, which must have that many fields. LB_OK with *more = 0 at the end. */
int numbers_row(numbers_text *t, size_t fields, int *more, lb_error *error);

/* The next field of the row, of which there must be one: as it is (not terminated), as a finite decimal (-0 becomes 0),
   or as 0 or 1. */
const char *numbers_word(numbers_text *t, size_t *length);
int numbers_value(numbers_text *t, float *out, lb_error *error);
int numbers_flag(numbers_text *t, int *out, lb_error *error);

#endif
