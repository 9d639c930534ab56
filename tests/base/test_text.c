#include "lib/base/text.h"

#include "tests/failing_malloc.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static const char *const headers[] = {"loss", "recall"};

static table *small_table(void) {
    table *t = table_new(headers, 2);
    cr_assert(ne(ptr, t, NULL));
    table_cell(t, "%s", "focal(gamma=2)");
    table_cell(t, "%.3f", 0.5);
    table_cell(t, "bce");
    table_cell(t, "%s", "");
    return t;
}

/* --- growing text ------------------------------------------------------------------------------------------------ */

Test(text, grows) {
    text t = {0};
    for (int i = 0; i < 1000; i++) text_add(&t, "%04d,", i);
    cr_assert(zero(int, t.failed));
    cr_assert(eq(sz, t.length, 5000));
    cr_assert(eq(sz, strlen(t.data), 5000));
    cr_assert(zero(int, strncmp(t.data + 4990, "0998,0999,", 10)));
    text_free(&t);
    cr_assert(eq(ptr, t.data, NULL));
}

Test(text, nothing_added_is_a_string) {
    text t = {0};
    const char *nothing = "";
    text_add(&t, "%s", nothing);
    cr_assert(eq(str, t.data, ""));
    text_free(&t);
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

Test(table, three_forms) {
    table *t = small_table();
    text tsv = {0}, markdown = {0}, latex = {0};
    cr_assert(eq(sz, table_rows(t), 2));
    cr_assert(eq(str, (char *)table_at(t, 0, 0), "focal(gamma=2)"));
    cr_assert(eq(str, (char *)table_at(t, 1, 1), ""));
    cr_assert(zero(int, table_tsv(t, "lossbench 0.1", &tsv, NULL)));
    cr_assert(eq(str, tsv.data, "# lossbench 0.1\nloss\trecall\nfocal(gamma=2)\t0.500\nbce\t\n"));
    cr_assert(zero(int, table_markdown(t, &markdown, NULL)));
    cr_assert(eq(str, markdown.data, "| loss | recall |\n| --- | --- |\n| focal(gamma=2) | 0.500 |\n| bce |  |\n"));
    cr_assert(zero(int, table_latex(t, "lossbench 0.1", "Recall.", "tab:recall", &latex, NULL)));
    cr_assert(eq(str, latex.data,
                 "% lossbench 0.1\n\\begin{table}\n\\centering\n\\caption{Recall.}\n\\label{tab:recall}\n"
                 "\\begin{tabular}{ll}\n\\toprule\nloss & recall \\\\\n\\midrule\nfocal(gamma=2) & 0.500 \\\\\n"
                 "bce &  \\\\\n\\bottomrule\n\\end{tabular}\n\\end{table}\n"));
    text_free(&tsv);
    text_free(&markdown);
    text_free(&latex);
    table_free(t);
}

Test(table, forms_without_a_note) {
    table *t = small_table();
    text tsv = {0}, latex = {0};
    cr_assert(zero(int, table_tsv(t, NULL, &tsv, NULL)));
    cr_assert(zero(int, strncmp(tsv.data, "loss\t", 5)));
    cr_assert(zero(int, table_latex(t, NULL, "Recall.", "tab:recall", &latex, NULL)));
    cr_assert(zero(int, strncmp(latex.data, "\\begin{table}", 13)));
    text_free(&tsv);
    text_free(&latex);
    table_free(t);
}

/* One cell in one column, in one of the forms; the caller frees. */
static text form_of(const char *cell, int (*form)(const table *, text *, lb_error *)) {
    static const char *const one[] = {"x"};
    text out = {0};
    table *t = table_new(one, 1);
    table_cell(t, "%s", cell);
    cr_assert(zero(int, form(t, &out, NULL)));
    table_free(t);
    return out;
}

static int tsv_form(const table *t, text *out, lb_error *error) { return table_tsv(t, NULL, out, error); }
static int latex_form(const table *t, text *out, lb_error *error) {
    return table_latex(t, NULL, "100 % of a_b", "l", out, error);
}

Test(table, markdown_keeps_its_columns) {
    text out = form_of("p(a|b)", table_markdown);
    cr_assert(eq(str, out.data, "| x |\n| --- |\n| p(a\\|b) |\n"));
    text_free(&out);
}

Test(table, tsv_keeps_its_columns_and_rows) {
    text out = form_of("a\tb\nc\rd", tsv_form);
    cr_assert(eq(str, out.data, "x\na b c d\n"));
    text_free(&out);
}

Test(table, latex_escapes) {
    text out = form_of("a&b%c$d#e_f{g}~^\\", latex_form);
    cr_assert(ne(ptr,
                 strstr(out.data,
                        "a\\&b\\%c\\$d\\#e\\_f\\{g\\}\\textasciitilde{}\\textasciicircum{}\\textbackslash{} \\\\\n"),
                 NULL),
              "%s", out.data);
    cr_assert(ne(ptr, strstr(out.data, "\\caption{100 \\% of a\\_b}"), NULL));
    text_free(&out);
}

Test(table, an_unfinished_row_is_refused_in_every_form) {
    text out = {0};
    lb_error error = {0};
    table *t = small_table();
    table_cell(t, "alone");
    cr_assert(eq(sz, table_rows(t), 2));
    cr_assert(eq(int, table_tsv(t, NULL, &out, &error), LB_INTERNAL));
    cr_assert(eq(str, error.message, "a table of 2 columns ends in an unfinished row"));
    cr_assert(eq(int, table_markdown(t, &out, &error), LB_INTERNAL));
    cr_assert(eq(int, table_latex(t, NULL, "c", "l", &out, &error), LB_INTERNAL));
    text_free(&out);
    table_free(t);
}

Test(table, headers_alone_are_a_table) {
    text out = {0};
    table *t = table_new(headers, 2);
    cr_assert(zero(sz, table_rows(t)));
    cr_assert(zero(int, table_tsv(t, NULL, &out, NULL)));
    cr_assert(eq(str, out.data, "loss\trecall\n"));
    text_free(&out);
    table_free(t);
}

Test(table, many_rows) {
    table *t = table_new(headers, 2);
    for (int i = 0; i < 2000; i++) table_cell(t, "%d", i);
    cr_assert(eq(sz, table_rows(t), 1000));
    cr_assert(eq(str, (char *)table_at(t, 999, 1), "1999"));
    table_free(t);
}

Test(table, freeing_nothing_is_allowed) { table_free(NULL); }

#if FAILING_MALLOC
/* text.c grows with realloc, which glibc serves without the malloc that the helper replaces, except from NULL: so this
   reaches every first allocation and every copy. */
Test(table, a_failed_allocation_is_an_error_at_the_end) {
    int failures = 0, successes = 0;
    for (long n = 0; n < 40; n++) {
        text out = {0};
        lb_error error = {0};
        fail_malloc_after(n);
        table *t = table_new(headers, 2);
        for (int i = 0; t && i < 4; i++) table_cell(t, "%d", i);
        const int code = t ? table_markdown(t, &out, &error) : LB_MEMORY;
        fail_malloc_after(-1);
        cr_assert(code == LB_OK || code == LB_MEMORY);
        if (code == LB_MEMORY && t) cr_assert(eq(int, (int)error.code, LB_MEMORY));
        failures += code == LB_MEMORY;
        successes += code == LB_OK;
        text_free(&out);
        table_free(t);
    }
    cr_assert(gt(int, failures, 0));
    cr_assert(gt(int, successes, 0));
}
#endif
