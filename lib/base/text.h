/* Growing text, and the tables built from it. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "lib/base/error.h"

#include <stddef.h>

/* A growing string. Start with {0}; `data` is NULL until the first append; free with text_free. A failed allocation
   sets `failed` and later appends do nothing, so that one check at the end is enough. */
typedef struct {
    char *data;
    size_t length, capacity;
    int failed;
} text;

void text_add(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_free(text *t);

/* A table of text cells. Numbers are formatted by the caller, so every form shows the same digits. */
typedef struct table table;

table *table_new(const char *const *headers, size_t columns); /* NULL when out of memory */
void table_free(table *t);

/* Appends a cell; rows fill from left to right. Text is copied. */
void table_cell(table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
size_t table_rows(const table *t);
const char *table_at(const table *t, size_t row, size_t column);

/* The three forms of results/<experiment>/: tab-separated, Markdown, LaTeX booktabs. `note` is a provenance line put
   into a comment where the form has one; NULL: none. Fails only when out of memory or with an unfinished row. */
int table_tsv(const table *t, const char *note, text *out, lb_error *error);
int table_markdown(const table *t, text *out, lb_error *error);
int table_latex(const table *t, const char *note, const char *caption, const char *label, text *out, lb_error *error);

#endif
