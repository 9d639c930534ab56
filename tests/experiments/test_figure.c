/* Needs gnuplot, and runs from the project's root, where plots/ is. */
#include "experiments/harness/figure.h"

#include "tests/failing_malloc.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[] = "/tmp/test_figure_XXXXXX";

static void make_directory(void) { cr_assert(ne(ptr, mkdtemp(directory), NULL)); }

static void remove_directory(void) {
    char command[80];
    snprintf(command, sizeof command, "rm -r %s", directory);
    cr_assert(zero(int, system(command)));
}

TestSuite(figure, .init = make_directory, .fini = remove_directory);

/* "<directory>/<name>", in one of a few buffers. */
static const char *in_directory(const char *name) {
    static char path[4][128];
    static unsigned next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", directory, name);
    return path[next];
}

/* The whole file; the caller frees. */
static text read_all(const char *path) {
    text content = {0};
    FILE *f = fopen(path, "rb");
    cr_assert(ne(ptr, f, NULL), "%s is not there", path);
    content.data = calloc(1, 1 << 20);
    content.length = fread(content.data, 1, (1 << 20) - 1, f);
    fclose(f);
    return content;
}

static void assert_same_bytes(const char *a, const char *b) {
    text first = read_all(a), second = read_all(b);
    cr_assert(eq(sz, first.length, second.length), "%s and %s differ", a, b);
    cr_assert(zero(int, memcmp(first.data, second.data, first.length)), "%s and %s differ", a, b);
    text_free(&first);
    text_free(&second);
}

static size_t count(const char *path, const char *what) {
    text content = read_all(path);
    size_t found = 0;
    for (const char *at = content.data; (at = strstr(at, what)); at++) found++;
    text_free(&content);
    return found;
}

/* --- one example of each script
 * ---------------------------------------------------------------------------------------- */

enum { SCRIPTS = 3, ROWS = 5, SEEDS = 4 };

static void cell_if(table *t, int there, double value) {
    if (there)
        table_cell(t, "%.3f", value);
    else
        table_cell(t, "%s", "");
}

static table *bands_table(const char *label) {
    const char *const headers[] = {"FR", "bce", "bce low", "bce high", label, "low", "high"};
    table *t = table_new(headers, 7);
    for (int i = 1; i <= ROWS; i++) {
        table_cell(t, "%g", 0.001 * i * i);
        for (int s = 0; s < 2; s++) {
            table_cell(t, "%.3f", 0.15 * i + 0.1 * s);
            cell_if(t, !s, 0.15 * i - 0.05);
            cell_if(t, !s, 0.15 * i + 0.05);
        }
    }
    return t;
}

static table *heat_table(const char *label) {
    const char *const headers[] = {"gamma", "0.25", "0.5", label};
    table *t = table_new(headers, 4);
    for (int i = 1; i <= ROWS; i++) {
        table_cell(t, "%d", i);
        table_cell(t, "0.%d1", i);
        table_cell(t, i == 2 ? "%.0d" : "0.%d2 *", i == 2 ? 0 : i);
        table_cell(t, i == 3 ? "failed" : "-0.%d3", i);
    }
    return t;
}

static table *lanes_table(const char *label) {
    const char *const headers[] = {"row", "label", "kind", "value", "low", "high", "jitter"};
    table *t = table_new(headers, 7);
    for (int i = 1; i <= ROWS; i++)
        for (int s = -1; s < (i == ROWS ? 0 : SEEDS); s++) {
            const double value = 0.1 * i + (s < 0 ? 0 : 0.02 * (s - 1.5));
            table_cell(t, "%d", i);
            table_cell(t, "%s", i == 1 ? "bce" : i == ROWS ? "gone" : label);
            table_cell(t, s < 0 ? "mean" : "seed");
            table_cell(t, i == ROWS ? "failed" : "%.3f", value);
            cell_if(t, s < 0 && i < ROWS, value - 0.03);
            cell_if(t, s < 0 && i < ROWS, value + 0.03);
            cell_if(t, s >= 0, 0.5 * s - 0.75);
        }
    return t;
}

static const char *const script_name[SCRIPTS] = {"bands", "heat", "lanes"};

static int draw(int script, const char *stem, const char *label, const char *title, lb_error *error) {
    static table *(*const make[SCRIPTS])(const char *) = {bands_table, heat_table, lanes_table};
    const figure_option options[] = {{"title", title},
                                     {"xlabel", "x (%)"},
                                     {"ylabel", script == 2 ? NULL : "y"},
                                     {script == 1 ? "cblabel" : "xmin", script == 1 ? "recall" : NULL},
                                     {NULL, NULL}};
    table *t = make[script](label);
    const int code = figure_draw(NULL, script_name[script], in_directory(stem), t, "five rows", options, error);
    table_free(t);
    return code;
}

ParameterizedTestParameters(figure, same_bytes) {
    static int index[SCRIPTS] = {0, 1, 2};
    return cr_make_param_array(int, index, SCRIPTS);
}

ParameterizedTest(int *script, figure, same_bytes) {
    lb_error error = {0};
    static const char *const endings[] = {"tsv", "svg", "png"};
    cr_assert(zero(int, draw(*script, "first", "focal(gamma=2)", "A title", &error)), "%s", error.message);
    cr_assert(zero(int, draw(*script, "second", "focal(gamma=2)", "A title", &error)), "%s", error.message);
    for (int i = 0; i < 3; i++) {
        char a[16], b[16];
        snprintf(a, sizeof a, "first.%s", endings[i]);
        snprintf(b, sizeof b, "second.%s", endings[i]);
        assert_same_bytes(in_directory(a), in_directory(b));
    }
    cr_assert(zero(int, access(in_directory("first.svg"), R_OK)));
    cr_assert(ne(int, access(in_directory("first.svg.part"), F_OK), 0));
    cr_assert(eq(sz, count(in_directory("first.svg"), "focal(gamma=2)"), *script == 2 ? 3 : 1));
    cr_assert(eq(sz, count(in_directory("first.svg"), "A title"), 1));
}

static void assert_xml(const char *path) {
    char command[160];
    if (system("xmllint --version 2>/dev/null")) return;
    snprintf(command, sizeof command, "xmllint --noout %s", path);
    cr_assert(zero(int, system(command)));
}

ParameterizedTestParameters(figure, text_is_literal) {
    static int index[SCRIPTS] = {0, 1, 2};
    return cr_make_param_array(int, index, SCRIPTS);
}

ParameterizedTest(int *script, figure, text_is_literal) {
    lb_error error = {0};
    char title[200];
    snprintf(title, sizeof title, "it's \"50 %%d\" {/Symbol a}_b^c @xlabel $1 \\n é\n`touch %s` <b> & '.1/0.'",
             in_directory("witness"));
    cr_assert(zero(int, draw(*script, "hostile", "it's {a}_b^2 @c `d` 5 % <&> é", title, &error)), "%s", error.message);
    const char *const svg = in_directory("hostile.svg");
    cr_assert(ge(sz, count(svg, "it's {a}_b^2 @c `d` 5 % &lt;&amp;> é"), 1));
    cr_assert(eq(sz, count(svg, "it's \"50 %d\" {/Symbol a}_b^c @xlabel $1 \\n é"), 1));
    cr_assert(eq(sz, count(svg, "`touch "), 1));
    cr_assert(eq(sz, count(svg, "&lt;b> &amp; '.1/0.'"), 1));
    cr_assert(ne(int, access(in_directory("witness"), F_OK), 0));
    assert_xml(svg);
}

/* --- what is drawn
 * ------------------------------------------------------------------------------------------------------ */

Test(figure, heat_shows_every_cell) {
    lb_error error = {0};
    cr_assert(zero(int, draw(1, "h", "0.75", NULL, &error)), "%s", error.message);
    const char *const svg = in_directory("h.svg");
    for (int i = 1; i <= ROWS; i++) {
        char cell[3][16];
        snprintf(cell[0], sizeof cell[0], ">0.%d1<", i);
        snprintf(cell[1], sizeof cell[1], ">0.%d2 *<", i);
        snprintf(cell[2], sizeof cell[2], ">−0.%d3<", i);
        for (int c = 0; c < 3; c++)
            cr_expect(eq(sz, count(svg, cell[c]), (c == 1 && i == 2) || (c == 2 && i == 3) ? 0 : 1), "%s", cell[c]);
    }
    cr_assert(eq(sz, count(svg, ">failed<"), 1));
}

Test(figure, lanes_show_every_seed) {
    lb_error error = {0};
    cr_assert(zero(int, draw(2, "l", "asl", NULL, &error)), "%s", error.message);
    const char *const svg = in_directory("l.svg");
    cr_assert(eq(sz, count(svg, "<use xlink:href='#gpPt5' transform"), SEEDS * (ROWS - 1)));
    /* gnuplot 6 puts a white mark under each point that has an error bar */
    cr_assert(eq(sz, count(svg, "<use xlink:href='#gpPt6' transform") - count(svg, "color='#FFFFFF'/>"), ROWS - 1));
    cr_assert(eq(sz, count(svg, ">failed<"), 1));
    cr_assert(eq(sz, count(svg, ">gone<"), 1));
}

Test(figure, words_break_a_curve) {
    const char *const headers[] = {"x", "bce", "low", "high"};
    static const char *const value[] = {"0.5", "0.6", "failed", "0.7", "", "0.8"};
    const figure_option options[] = {{"xlabel", "x"}, {"ylabel", "y"}, {"key", "off"}, {NULL, NULL}};
    lb_error error = {0};
    table *t = table_new(headers, 4);
    for (int i = 0; i < 6; i++) {
        table_cell(t, "%d", i);
        table_cell(t, "%s", value[i]);
        table_cell(t, "%s", "");
        table_cell(t, "%s", "");
    }
    cr_assert(zero(int, figure_draw("plots", "bands", in_directory("w"), t, NULL, options, &error)), "%s",
              error.message);
    cr_assert(eq(sz, count(in_directory("w.svg"), "<use xlink:href='#gpPt6' transform"), 4));
    table_free(t);
}

/* --- refusals
 * ----------------------------------------------------------------------------------------------------------- */

static int draw_cell(const char *script, const char *cell, const figure_option *options, lb_error *error) {
    const char *const headers[] = {"gamma", "1"};
    table *t = table_new(headers, 2);
    table_cell(t, "%s", cell);
    table_cell(t, "0.5");
    const int code = figure_draw(NULL, script, in_directory("r"), t, NULL, options, error);
    table_free(t);
    return code;
}

static const struct {
    const char *script, *cell;
    figure_option option[4];
    int code;
    const char *names; /* what the sentence must name */
} refused[] = {
    {"heat", "\"a", {{NULL, NULL}}, LB_INVALID, "row 1"},
    {"heat", "a\\b", {{NULL, NULL}}, LB_INVALID, "row 1"},
    {"heat", "\xff", {{NULL, NULL}}, LB_INVALID, "UTF-8"},
    {"heat", "a", {{"xlabel", "\xc3("}}, LB_INVALID, "xlabel"},
    {"heat", "a", {{"x; print", "1"}}, LB_INVALID, "x; print"},
    {"heat", "a", {{"xlabell", "1"}}, LB_INVALID, "xlabell"},
    {"heat", "a", {{"xlabel", "1"}}, LB_INVALID, "cblabel"},
    {"heat", "a", {{"xlabel", "1"}, {"ylabel", "1"}, {"cblabel", "1"}}, LB_OK, ""},
    {"bands", "a", {{"xlabel", "1"}}, LB_INVALID, "three columns"},
    {"lanes", "a", {{"xlabel", "1"}}, LB_INVALID, "jitter"},
    {"pies", "a", {{NULL, NULL}}, LB_INVALID, "pies.gp"},
};

ParameterizedTestParameters(figure, refuses) {
    static int index[sizeof refused / sizeof *refused];
    for (int i = 0; i < (int)(sizeof refused / sizeof *refused); i++) index[i] = i;
    return cr_make_param_array(int, index, sizeof refused / sizeof *refused);
}

ParameterizedTest(int *i, figure, refuses) {
    lb_error error = {0};
    const int code = draw_cell(refused[*i].script, refused[*i].cell, refused[*i].option, &error);
    cr_assert(eq(int, code, refused[*i].code), "%s", error.message);
    cr_assert(ne(ptr, strstr(error.message, refused[*i].names), NULL), "%s", error.message);
    cr_assert(eq(int, access(in_directory("r.svg"), F_OK) == 0, code == LB_OK));
    cr_assert(ne(int, access(in_directory("r.tsv.part"), F_OK), 0));
}

Test(figure, a_failure_keeps_the_old_files) {
    lb_error error = {0};
    cr_assert(zero(int, draw(0, "keep", "focal", "old", &error)), "%s", error.message);
    cr_assert(zero(int, draw(0, "copy", "focal", "old", &error)), "%s", error.message);
    const figure_option options[] = {{"xlabel", "x"}, {"ylabel", "y"}, {"xtics", "one two"}, {NULL, NULL}};
    table *t = bands_table("other");
    cr_assert(eq(int, figure_draw(NULL, "bands", in_directory("keep"), t, NULL, options, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "LABEL=POSITION"), NULL), "%s", error.message);
    assert_same_bytes(in_directory("keep.svg"), in_directory("copy.svg"));
    assert_same_bytes(in_directory("keep.tsv"), in_directory("copy.tsv"));
    table_free(t);
}

/* Tables at the edge of what a study can give: one row, one value, nothing but words. */
ParameterizedTestParameters(figure, bare_tables) {
    static int index[2 * SCRIPTS] = {0, 1, 2, 3, 4, 5};
    return cr_make_param_array(int, index, 2 * SCRIPTS);
}

ParameterizedTest(int *i, figure, bare_tables) {
    static const char *const header[SCRIPTS][7] = {{"x", "bce", "low", "high"},
                                                   {"gamma", "0.25", "0.5", "0.75"},
                                                   {"row", "label", "kind", "value", "low", "high", "jitter"}};
    static const char *const cell[SCRIPTS][2][7] = {
        {{"1", "failed", "", ""}, {"1", "0.5", "0.5", "0.5"}},
        {{"2", "tied", "", "n<299"}, {"2", "0", "0", "0"}},
        {{"1", "bce", "mean", "failed", "", "", ""}, {"1", "bce", "mean", "0.5", "0.5", "0.5", ""}}};
    const int script = *i / 2, columns = script == 2 ? 7 : 4;
    const figure_option options[] = {{"xlabel", "x"},
                                     {script == 2 ? "xmin" : "ylabel", script == 2 ? NULL : "y"},
                                     {script == 1 ? "cblabel" : "xmin", script == 1 ? "recall" : NULL},
                                     {NULL, NULL}};
    lb_error error = {0};
    table *t = table_new(header[script], (size_t)columns);
    for (int c = 0; c < columns; c++) table_cell(t, "%s", cell[script][*i % 2][c]);
    cr_assert(zero(int, figure_draw(NULL, script_name[script], in_directory("bare"), t, NULL, options, &error)), "%s",
              error.message);
    assert_xml(in_directory("bare.svg"));
    table_free(t);
}

static void write_script(const char *name, const char *content) {
    FILE *f = fopen(in_directory(name), "w");
    cr_assert(ne(ptr, f, NULL));
    fputs(content, f);
    fclose(f);
}

Test(figure, gnuplot_says_why) {
    lb_error error = {0};
    write_script("broken.gp", "x = 1\nplot nonsense(x)\n");
    write_script("idle.gp", "x = 1\n");
    table *t = bands_table("focal");
    cr_assert(eq(int, figure_draw(directory, "broken", in_directory("b"), t, NULL, NULL, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "broken.gp\" line 2: undefined function: nonsense"), NULL), "%s",
              error.message);
    cr_assert(eq(int, figure_draw(directory, "idle", in_directory("b"), t, NULL, NULL, &error), LB_INTERNAL));
    cr_assert(ne(ptr, strstr(error.message, "drew nothing"), NULL), "%s", error.message);
    table_free(t);
}

Test(figure, names_the_missing_package) {
    lb_error error = {0};
    cr_assert(zero(int, setenv("PATH", "/nonexistent", 1)));
    cr_assert(eq(int, draw(0, "p", "focal", NULL, &error), LB_NOT_FOUND));
    cr_assert(ne(ptr, strstr(error.message, "gnuplot-nox"), NULL), "%s", error.message);
    cr_assert(zero(int, setenv("PATH", "/usr/local/bin:/usr/bin:/bin", 1))); /* for the clean-up */
    cr_assert(ne(int, access(in_directory("p.tsv"), F_OK), 0));
}

Test(figure, unwritable_place) {
    lb_error error = {0};
    cr_assert(eq(int, draw(0, "no/such/place", "focal", NULL, &error), LB_IO));
    cr_assert(ne(ptr, strstr(error.message, "no/such/place.tsv"), NULL), "%s", error.message);
}

Test(figure, nothing_to_draw) {
    const char *const headers[] = {"x", "bce", "low", "high"};
    lb_error error = {0};
    table *t = table_new(headers, 4);
    cr_assert(eq(int, figure_draw(NULL, "bands", in_directory("e"), t, NULL, NULL, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "no rows"), NULL), "%s", error.message);
    cr_assert(eq(int, figure_draw(NULL, "bands", in_directory("e"), NULL, NULL, NULL, &error), LB_MEMORY));
    table_free(t);
}

Test(figure, out_of_memory) {
#if FAILING_MALLOC
    int code = LB_MEMORY, failures = 0, failed = 1;
    table *t = heat_table("0.75");
    const figure_option options[] = {{"xlabel", "x"}, {"ylabel", "y"}, {"cblabel", "recall"}, {NULL, NULL}};
    const char *const stem = in_directory("m"), *const tsv = in_directory("m.tsv");
    for (long n = 0; (code || failed) && n < 100; n++) {
        unlink(tsv);
        fail_malloc_after(n);
        code = figure_draw(NULL, "heat", stem, t, NULL, options, NULL);
        failed = calls_before_failure < 0; /* here; the child that becomes gnuplot fails later */
        fail_malloc_after(-1);
        failures += code != 0;
        cr_assert(
            eq(int, access(tsv, F_OK) == 0, code == 0)); /* stdio does without a buffer: not every failure counts */
    }
    cr_assert(zero(int, failed));
    cr_assert(zero(int, code));
    cr_assert(ge(int, failures, 3));
    table_free(t);
#else
    cr_skip_test("a sanitizer has its own malloc");
#endif
}
