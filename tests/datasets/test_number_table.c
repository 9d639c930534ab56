/* The importers of tables, on small ones that are made here and damaged; on the packs: test_table_packs.c. */
#include "tests/failing_malloc.h"
#include "tests/datasets/fake_pictures.h"
#include "tests/datasets/scratch.h"
#include "datasets/dataset.h"
#include "datasets/public/number_table.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- standardising --- */

/* Two columns, of which the second is constant in train; mean 3 and standard deviation 2 by hand. */
Test(standardise, uses_train_alone) {
    float train[] = {1, 7, 5, 7}, test[] = {3, 8, 4, 7}, far[] = {3e38f, 0, -3e38f, 0};
    static const float wanted_train[] = {-1, 0, 1, 0}, wanted_test[] = {0, 0, 0.5f, 0},
                       wanted_far[] = {1e6f, 0, -1e6f, 0};
    dataset d = {.height = 1, .width = 1, .channels = 2};
    d.sets[SET_TRAIN] = (dataset_items){.count = 2, .values = train};
    d.sets[SET_TEST] = (dataset_items){.count = 2, .values = test};
    d.sets[SET_SELECT] = (dataset_items){.count = 2, .values = far};
    number_table_standardise(&d);
    cr_expect(memcmp(train, wanted_train, sizeof train) == 0);
    cr_expect(memcmp(test, wanted_test, sizeof test) == 0);
    cr_expect(memcmp(far, wanted_far, sizeof far) == 0);
}

Test(standardise, keeps_to_finite_values) {
    float train[] = {1e-45f, 3e38f, 0, -3e38f}, test[] = {3e38f, 3e38f};
    dataset d = {.height = 1, .width = 1, .channels = 2};
    d.sets[SET_TRAIN] = (dataset_items){.count = 2, .values = train};
    d.sets[SET_TEST] = (dataset_items){.count = 1, .values = test};
    number_table_standardise(&d);
    for (size_t i = 0; i < 4; i++) cr_expect(eq(flt, fabsf(train[i]), 1));
    cr_expect(eq(flt, test[0], 1e6f));
    cr_expect(eq(flt, test[1], 1));
}

/* --- small packs --- */

/* A file whose every third row is a defect, of which any one field can be put in place of the right one. */
typedef struct {
    const char *expression, *file, *header;
    char separator;
    size_t fields, label; /* column of the label, from 0 */
    const char *good, *defect;
} layout;

#define AI4I_HEADER                                                                                                    \
    "UDI,Product ID,Type,Air temperature [K],Process temperature [K],Rotational speed [rpm],Torque [Nm],"              \
    "Tool wear [min],Machine failure,TWF,HDF,PWF,OSF,RNF"

static const layout layouts[] = {
    {"steel_plates(class=Dirtiness)", "Faults.NNA", NULL, '\t', 34, 31, "0", "1"},
    {"ai4i2020", "ai4i2020.csv", AI4I_HEADER, ',', 14, 8, "0", "1"},
    {"ucr_wafer", "Wafer/Wafer_TRAIN.tsv", NULL, '\t', 153, 0, "1", "-1"},
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts, ROWS = 60, MACHINE_ROWS = 3000 };

static size_t rows_of(const layout *l) { return l->header ? MACHINE_ROWS : ROWS; }

/* Every third row is a defect. */
static int is_defect(size_t row) { return row % 3 == 2; }

static void put_field(FILE *out, const layout *l, size_t row, size_t column) {
    const int steel_label = l->fields == 34 && column >= 27;
    if (column == l->label)
        fputs(is_defect(row) ? l->defect : l->good, out);
    else if (steel_label)
        fprintf(out, "%d", column == 27 && !is_defect(row));
    else if (l->header && column >= 9)
        fputs("0", out);
    else if (l->header && column == 1)
        fprintf(out, "M%zu", row);
    else if (l->header && column == 2)
        fputc("LMH"[row % 3], out);
    else
        fprintf(out, "%.4f", (double)((row * 7919 + column * 104729) % 10007) / 100);
}

/* `change` in place of column `column` of row `row`; NULL: nothing is changed. */
static void write_table(const layout *l, const char *end, size_t row, size_t column, const char *change) {
    char path[100];
    snprintf(path, sizeof path, "%s/%s", root, l->file);
    FILE *out = fopen(path, "wb");
    cr_assert(out != NULL);
    if (l->header) fprintf(out, "\xEF\xBB\xBF%s%s", l->header, end);
    for (size_t i = 0; i < rows_of(l); i++) {
        for (size_t c = 0; c < l->fields; c++) {
            if (c) fputc(l->separator, out);
            if (change && i == row && c == column)
                fputs(change, out);
            else
                put_field(out, l, i, c);
        }
        fputs(end, out);
    }
    fclose(out);
}

static void make_packs(void) {
    char path[100];
    make_root();
    snprintf(path, sizeof path, "%s/Wafer", root);
    cr_assert(eq(int, mkdir(path, 0777), 0));
    for (size_t i = 0; i < LAYOUTS; i++) write_table(&layouts[i], "\r\n", 0, 0, NULL);
}

static int try_table(const layout *l, dataset *d, lb_error *error) {
    const dataset_request request = {.search = root};
    *error = (lb_error){0};
    dataset_forget();
    return dataset_open(l->expression, &request, d, error);
}

static void expect_refused(const layout *l, const char *words) {
    dataset d;
    lb_error error;
    cr_expect(eq(int, try_table(l, &d, &error), LB_FORMAT), "%s, %s: %s", l->expression, words, error.message);
    cr_expect(strstr(error.message, words) && strstr(error.message, l->file), "wanted '%s': %s", words, error.message);
    cr_expect(strchr(error.message, '\n') == NULL, "%s", error.message);
    cr_expect(eq(sz, d.sets[SET_TRAIN].count, 0));
}

static int same_set(const dataset_items *a, const dataset_items *b, size_t columns) {
    return a->count == b->count && memcmp(a->parts, b->parts, a->count * sizeof *a->parts) == 0 &&
           memcmp(a->types, b->types, a->count * sizeof *a->types) == 0 &&
           memcmp(a->values, b->values, a->count * columns * sizeof *a->values) == 0;
}

Test(small_tables, are_the_same_with_either_end_of_line, .init = make_packs, .fini = remove_root) {
    const dataset_request request = {.search = root};
    for (size_t i = 0; i < LAYOUTS; i++) {
        char before[200], after[200];
        lb_error error;
        dataset a, b;
        cr_assert(eq(int, try_table(&layouts[i], &a, &error), LB_OK), "%s", error.message);
        cr_assert(eq(int, dataset_text(layouts[i].expression, &request, before, sizeof before, NULL), LB_OK));
        write_table(&layouts[i], "\n", 0, 0, NULL);
        cr_assert(eq(int, try_table(&layouts[i], &b, &error), LB_OK), "%s", error.message);
        cr_assert(eq(int, dataset_text(layouts[i].expression, &request, after, sizeof after, NULL), LB_OK));
        cr_expect(eq(str, before, after));
        for (int set = 0; set < SET_COUNT; set++) cr_expect(same_set(&a.sets[set], &b.sets[set], a.channels));
        dataset_free(&a);
        dataset_free(&b);
    }
}

/* The columns of inputs, of labels, and of what is checked only. */
Test(small_tables, another_value_is_another_content, .init = make_packs, .fini = remove_root) {
    static const struct {
        size_t layout, row, column;
        const char *field;
        int differs;
    } changes[] = {{0, 5, 26, "1.5", 1}, {1, 5, 2, "M", 1},       {1, 5, 7, "2", 1},
                   {1, 6, 8, "1", 1},    {1, 5, 0, "7", 0},       {1, 5, 1, "?", 0},
                   {1, 5, 13, "1", 0},   {2, 5, 152, "1e-05", 1}, {2, 6, 0, "-1", 1}};
    const dataset_request request = {.search = root};
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        const layout *l = &layouts[changes[i].layout];
        char before[200], after[200];
        write_table(l, "\n", 0, 0, NULL);
        dataset_forget();
        cr_assert(eq(int, dataset_text(l->expression, &request, before, sizeof before, NULL), LB_OK));
        write_table(l, "\n", changes[i].row, changes[i].column, changes[i].field);
        dataset_forget();
        cr_assert(eq(int, dataset_text(l->expression, &request, after, sizeof after, NULL), LB_OK));
        cr_expect(eq(int, strcmp(before, after) != 0, changes[i].differs), "change %zu", i);
    }
}

static const struct {
    size_t layout, column;
    const char *field, *words;
} bad_fields[] = {
    {0, 3, "12a", "column 4 is no finite number"},
    {0, 0, "nan", "column 1 is no finite number"},
    {0, 26, "inf", "column 27 is no finite number"},
    {0, 5, "", "column 6 is no finite number"},
    {0, 5, "1\t2", "35 columns, where there must be 34"},
    {0, 5, "1,2", "column 6 is no finite number"},
    {0, 27, "0", "the last 7 columns must hold one 1, not 0"},
    {0, 33, "1", "the last 7 columns must hold one 1, not 2"},
    {0, 33, "2", "column 34 is no 0 or 1"},
    {0, 30, "x", "column 31 is no 0 or 1"},
    {1, 0, "one", "column 1 is no finite number"},
    {1, 2, "X", "the type is none of L, M, H"},
    {1, 2, "", "the type is none of L, M, H"},
    {1, 2, "LM", "the type is none of L, M, H"},
    {1, 3, "298.1K", "column 4 is no finite number"},
    {1, 7, "-inf", "column 8 is no finite number"},
    {1, 7, "1e60", "column 8 is no finite number"},
    {1, 8, "2", "column 9 is no 0 or 1"},
    {1, 13, "", "column 14 is no 0 or 1"},
    {1, 1, "M,1", "15 columns, where there must be 14"},
    {2, 0, "0", "the label is neither 1 nor -1"},
    {2, 0, "1.5", "the label is neither 1 nor -1"},
    {2, 0, "good", "column 1 is no finite number"},
    {2, 152, "NaN", "column 153 is no finite number"},
    {2, 100, "0.1.2", "column 101 is no finite number"},
    {2, 100, "1\t1", "154 columns, where there must be 153"},
};

Test(small_tables, bad_fields_are_refused_with_file_and_line, .init = make_packs, .fini = remove_root) {
    for (size_t i = 0; i < sizeof bad_fields / sizeof *bad_fields; i++) {
        const layout *l = &layouts[bad_fields[i].layout];
        char words[120];
        write_table(l, i % 2 ? "\r\n" : "\n", 7, bad_fields[i].column, bad_fields[i].field);
        snprintf(words, sizeof words, "%s', line %d: %s", l->file, l->header ? 9 : 8, bad_fields[i].words);
        expect_refused(l, words);
    }
}

static void write_whole(const layout *l, const char *content) {
    char path[100];
    snprintf(path, sizeof path, "%s/%s", root, l->file);
    write_text_file(path, content);
}

Test(small_tables, empty_files_and_missing_headers_are_refused, .init = make_packs, .fini = remove_root) {
    static const char *const empty[] = {"", "\n", "\r\n\r\n", "\xEF\xBB\xBF"};
    for (size_t k = 0; k < 4; k++)
        for (size_t i = 0; i < LAYOUTS; i++) {
            write_whole(&layouts[i], empty[k]);
            expect_refused(&layouts[i],
                           layouts[i].header ? ": the header must be 'UDI,Product ID,Type," : ": there are no rows");
        }
    write_whole(&layouts[1], AI4I_HEADER "\r\n");
    expect_refused(&layouts[1], "line 1: there are no rows");
    write_whole(&layouts[1], "1,M14860,M,298.1,308.6,1551,42.8,0,0,0,0,0,0,0\n");
    expect_refused(&layouts[1], "line 1: the header must be");
    write_whole(&layouts[1], "UDI,ProductID,Type\n1,M14860,M\n");
    expect_refused(&layouts[1], "line 1: the header must be");
    write_whole(&layouts[0], "\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\t\n");
    expect_refused(&layouts[0], "line 1: column 1 is no finite number");
}

/* Cut after any byte of its last row, a table has a row too few, or is refused; a number may be cut to another. */
Test(small_tables, cut_short_are_refused_or_have_a_last_number_cut, .init = make_packs, .fini = remove_root) {
    for (size_t i = 0; i < LAYOUTS; i++) {
        const layout *l = &layouts[i];
        char path[100];
        struct stat now;
        snprintf(path, sizeof path, "%s/%s", root, l->file);
        cr_assert(eq(int, stat(path, &now), 0));
        size_t refused = 0;
        for (off_t cut = 1; cut <= 60; cut++) {
            dataset d;
            lb_error error;
            cr_assert(eq(int, truncate(path, now.st_size - cut), 0));
            const int code = try_table(l, &d, &error);
            cr_expect(code == LB_OK || (code == LB_FORMAT && strstr(error.message, "line ")), "%s", error.message);
            refused += code != LB_OK;
            dataset_free(&d);
        }
        cr_expect(ge(sz, refused, 40), "%s: %zu", l->file, refused);
    }
}

/* Row 4 like row 3 (both goods), 5 (a defect) like row 6. */
Test(small_tables, copies_are_kept_once_and_contradictions_not_at_all, .init = make_packs, .fini = remove_root) {
    FILE *out;
    char path[100];
    dataset d;
    lb_error error;
    const layout *l = &layouts[2];
    snprintf(path, sizeof path, "%s/%s", root, l->file);
    out = fopen(path, "wb");
    cr_assert(out != NULL);
    for (size_t i = 0; i < ROWS; i++) {
        const size_t like = i == 4 ? 3 : i == 5 ? 6 : i;
        fputs(is_defect(i) ? l->defect : l->good, out);
        for (size_t c = 1; c < l->fields; c++) {
            fputc(l->separator, out);
            put_field(out, l, like, c);
        }
        fputc('\n', out);
    }
    fclose(out);
    cr_assert(eq(int, try_table(l, &d, &error), LB_OK), "%s", error.message);
    cr_expect(eq(sz, d.duplicates, 1));
    cr_expect(eq(sz, d.conflicts, 2));
    size_t rows = 0;
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < d.sets[set].count; i++, rows++)
            cr_expect(d.sets[set].parts[i] < 4 || d.sets[set].parts[i] > 6, "row %u", d.sets[set].parts[i]);
    cr_expect(eq(sz, rows, ROWS - 3));
    dataset_free(&d);
}

Test(small_tables, that_are_not_there_are_named_with_the_remedy, .init = make_root, .fini = remove_root) {
    for (size_t i = 0; i < LAYOUTS; i++) {
        dataset d;
        lb_error error;
        cr_expect(eq(int, try_table(&layouts[i], &d, &error), LB_NOT_FOUND));
        cr_expect(strstr(error.message, "make datasets") != NULL, "%s", error.message);
    }
}

Test(small_tables, survive_a_failed_allocation, .init = make_packs, .fini = remove_root) {
#if FAILING_MALLOC
    for (size_t i = 0; i < LAYOUTS; i++) {
        long succeeded = 0;
        for (long n = 0; n < 120; n++) {
            const dataset_request request = {.search = root};
            dataset d;
            lb_error error = {0};
            dataset_forget();
            fail_malloc_after(n);
            const int code = dataset_open(layouts[i].expression, &request, &d, &error);
            fail_malloc_after(-1);
            cr_assert(code == LB_OK || error.message[0]);
            succeeded += code == LB_OK;
            dataset_free(&d);
        }
        cr_expect(succeeded > 0 && succeeded < 115, "%ld", succeeded);
    }
#else
    remove_root(); /* a skipped test has no clean-up */
    cr_skip_test("the sanitizer has a malloc of its own");
#endif
}
