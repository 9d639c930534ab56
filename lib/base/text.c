#include "lib/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int reserve(text *t, size_t more) {
    if (t->failed) return 0;
    if (t->length + more + 1 <= t->capacity) return 1;
    size_t capacity = t->capacity ? t->capacity : 256;
    while (capacity < t->length + more + 1) capacity *= 2;
    char *data = realloc(t->data, capacity);
    if (!data) {
        t->failed = 1;
        return 0;
    }
    t->data = data;
    t->capacity = capacity;
    return 1;
}

static void add_va(text *t, const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    const int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) t->failed = 1;
    if (length < 0 || !reserve(t, (size_t)length)) return;
    vsnprintf(t->data + t->length, (size_t)length + 1, format, arguments);
    t->length += (size_t)length;
}

void text_add(text *t, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    add_va(t, format, arguments);
    va_end(arguments);
}

void text_free(text *t) {
    free(t->data);
    *t = (text){0};
}

struct table {
    size_t columns, cells, capacity;
    char **headers, **cell;
    int failed;
};

static char *copy_text(const char *s) {
    const size_t size = strlen(s) + 1;
    char *copy = malloc(size);
    return copy ? memcpy(copy, s, size) : NULL;
}

table *table_new(const char *const *headers, size_t columns) {
    table *t = calloc(1, sizeof *t);
    if (!t || !(t->headers = calloc(columns, sizeof *t->headers))) goto fail;
    t->columns = columns;
    for (size_t i = 0; i < columns; i++)
        if (!(t->headers[i] = copy_text(headers[i]))) goto fail;
    return t;
fail:
    table_free(t);
    return NULL;
}

void table_free(table *t) {
    if (!t) return;
    for (size_t i = 0; t->headers && i < t->columns; i++) free(t->headers[i]);
    for (size_t i = 0; i < t->cells; i++) free(t->cell[i]);
    free(t->headers);
    free(t->cell);
    free(t);
}

static int grow_cells(table *t) {
    if (t->cells < t->capacity) return 1;
    const size_t capacity = t->capacity ? 2 * t->capacity : 64;
    char **cell = realloc(t->cell, capacity * sizeof *cell);
    if (!cell) return 0;
    t->cell = cell;
    t->capacity = capacity;
    return 1;
}

void table_cell(table *t, const char *format, ...) {
    text content = {0};
    va_list arguments;
    va_start(arguments, format);
    add_va(&content, format, arguments);
    va_end(arguments);
    if (content.failed || !grow_cells(t)) {
        t->failed = 1;
        text_free(&content);
        return;
    }
    t->cell[t->cells++] = content.data;
}

size_t table_rows(const table *t) { return t->cells / t->columns; }

const char *table_at(const table *t, size_t row, size_t column) { return t->cell[row * t->columns + column]; }

static int check(const table *t, const text *out, lb_error *error) {
    if (t->failed || out->failed) return lb_fail_memory(error, "a table");
    if (t->cells % t->columns)
        return lb_fail(error, LB_INTERNAL, "a table of %zu columns ends in an unfinished row", t->columns);
    return LB_OK;
}

/* One row of cells (NULL: the headers) with the given marks; `escape` writes a cell. */
static void add_row(const table *t, char *const *cell, const char *open, const char *between, const char *close,
                    void (*escape)(text *, const char *), text *out) {
    text_add(out, "%s", open);
    for (size_t i = 0; i < t->columns; i++) {
        if (i) text_add(out, "%s", between);
        escape(out, cell[i]);
    }
    text_add(out, "%s\n", close);
}

static void add_rows(const table *t, const char *open, const char *between, const char *close,
                     void (*escape)(text *, const char *), text *out) {
    for (size_t row = 0; row < table_rows(t); row++)
        add_row(t, &t->cell[row * t->columns], open, between, close, escape, out);
}

/* What would end a cell or a line becomes a space. */
static void tsv_escape(text *out, const char *cell) {
    for (; *cell; cell++) text_add(out, "%c", strchr("\t\n\r", *cell) ? ' ' : *cell);
}

static void markdown_escape(text *out, const char *cell) {
    for (; *cell; cell++) text_add(out, *cell == '|' ? "\\|" : "%c", *cell);
}

static void latex_escape(text *out, const char *cell) {
    for (; *cell; cell++) {
        if (strchr("&%$#_{}", *cell))
            text_add(out, "\\%c", *cell);
        else if (*cell == '~')
            text_add(out, "\\textasciitilde{}");
        else if (*cell == '^')
            text_add(out, "\\textasciicircum{}");
        else if (*cell == '\\')
            text_add(out, "\\textbackslash{}");
        else
            text_add(out, "%c", *cell);
    }
}

int table_tsv(const table *t, const char *note, text *out, lb_error *error) {
    if (note) text_add(out, "# %s\n", note);
    add_row(t, t->headers, "", "\t", "", tsv_escape, out);
    add_rows(t, "", "\t", "", tsv_escape, out);
    return check(t, out, error);
}

int table_markdown(const table *t, text *out, lb_error *error) {
    add_row(t, t->headers, "| ", " | ", " |", markdown_escape, out);
    text_add(out, "|");
    for (size_t i = 0; i < t->columns; i++) text_add(out, " --- |");
    text_add(out, "\n");
    add_rows(t, "| ", " | ", " |", markdown_escape, out);
    return check(t, out, error);
}

int table_latex(const table *t, const char *note, const char *caption, const char *label, text *out, lb_error *error) {
    if (note) text_add(out, "%% %s\n", note);
    text_add(out, "\\begin{table}\n\\centering\n\\caption{");
    latex_escape(out, caption);
    text_add(out, "}\n\\label{%s}\n\\begin{tabular}{", label);
    for (size_t i = 0; i < t->columns; i++) text_add(out, "l");
    text_add(out, "}\n\\toprule\n");
    add_row(t, t->headers, "", " & ", " \\\\", latex_escape, out);
    text_add(out, "\\midrule\n");
    add_rows(t, "", " & ", " \\\\", latex_escape, out);
    text_add(out, "\\bottomrule\n\\end{tabular}\n\\end{table}\n");
    return check(t, out, error);
}
