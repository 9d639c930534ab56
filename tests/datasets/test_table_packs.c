/* The importers of tables on the packs themselves, where they are. */
#include "datasets/dataset.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *search_path(void) {
    const char *path = getenv("LOSSBENCH_DATASETS");
    return path ? path : "datasets/public/cache:../shared/datasets";
}

static dataset open_pack(const char *expression, unsigned ratio, unsigned seed) {
    lb_error error = {0};
    dataset d;
    const dataset_request request = {.ratio = ratio, .seed = seed, .search = search_path()};
    const int code = dataset_open(expression, &request, &d, &error);
    if (code == LB_NOT_FOUND) cr_skip_test("%s is not fetched", expression);
    cr_assert(eq(int, code, LB_OK), "%s: %s", expression, error.message);
    return d;
}

/* Totals of each type (good first) as the description of the packs gives them. Content: over block, type and values,
   read by Python's float and csv, packed as float32 and hashed by a few lines of Python, not by this importer. */
static const struct {
    const char *expression, *content;
    size_t columns, totals[8];
    int clean;
} packs[] = {
    {"steel_plates", "content=b9db29a77532d3d6", 27, {0, 158, 190, 391, 72, 55, 402, 673}, 0},
    {"steel_plates(class=Dirtiness)", "content=b9db29a77532d3d6", 27, {1886, 55}, 1},
    {"steel_plates(class=Pastry)", "content=b9db29a77532d3d6", 27, {1783, 158}, 1},
    {"steel_plates(class=Z_Scratch)", "content=b9db29a77532d3d6", 27, {1751, 190}, 1},
    {"steel_plates(class=K_Scatch)", "content=b9db29a77532d3d6", 27, {1550, 391}, 1},
    {"steel_plates(class=Stains)", "content=b9db29a77532d3d6", 27, {1869, 72}, 1},
    {"steel_plates(class=Bumps)", "content=b9db29a77532d3d6", 27, {1539, 402}, 1},
    {"steel_plates(class=Other_Faults)", "content=b9db29a77532d3d6", 27, {1268, 673}, 1},
    {"ai4i2020", "content=731cc4985ed29124", 8, {9661, 339}, 1},
    {"ucr_wafer", "content=cd1a1ca02a5da1ee", 152, {903, 97}, 1},
};
enum { PACKS = sizeof packs / sizeof *packs, STEEL = 0, DIRTINESS = 1, AI4I = 8, WAFER = 9 };

#define FOR_EACH_PACK(test)                                                                                            \
    ParameterizedTestParameters(tables, test) {                                                                        \
        static int index[PACKS];                                                                                       \
        for (int i = 0; i < PACKS; i++) index[i] = i;                                                                  \
        return cr_make_param_array(int, index, PACKS);                                                                 \
    }                                                                                                                  \
    ParameterizedTest(int *p, tables, test)

FOR_EACH_PACK(have_the_rows_of_their_description) {
    const dataset_request request = {.search = search_path()};
    dataset d = open_pack(packs[*p].expression, 0, 1);
    size_t totals[8] = {0}, names = 0;
    char text[SPEC_MAX_TEXT];
    cr_expect(d.height == 1 && d.width == 1 && d.channels == packs[*p].columns && d.clean == packs[*p].clean);
    cr_expect(d.duplicates + d.conflicts + d.absent == 0);
    for (int set = 0; set < SET_COUNT; set++) {
        cr_expect(d.sets[set].pixels == NULL && d.sets[set].values != NULL);
        for (size_t i = 0; i < d.sets[set].count; i++) totals[d.sets[set].types[i]]++;
    }
    while (d.type_names[names]) names++;
    for (size_t type = 0; type < 8; type++) {
        cr_expect(eq(sz, totals[type], packs[*p].totals[type]));
        cr_expect(eq(int, type == 0 || packs[*p].totals[type] > 0, type < names));
    }
    cr_assert(eq(int, dataset_text(packs[*p].expression, &request, text, sizeof text, NULL), LB_OK));
    cr_expect(strstr(text, packs[*p].content) != NULL, "%s", text);
    dataset_free(&d);
    dataset_forget();
}

static int same_set(const dataset_items *a, const dataset_items *b, size_t columns) {
    return a->count == b->count && memcmp(a->parts, b->parts, a->count * sizeof *a->parts) == 0 &&
           memcmp(a->types, b->types, a->count * sizeof *a->types) == 0 &&
           memcmp(a->values, b->values, a->count * columns * sizeof *a->values) == 0;
}

FOR_EACH_PACK(every_call_gives_the_same_and_another_seed_does_not) {
    dataset a = open_pack(packs[*p].expression, 0, 5);
    dataset_forget();
    dataset b = open_pack(packs[*p].expression, 0, 5), c = open_pack(packs[*p].expression, 0, 6);
    for (int set = 0; set < SET_COUNT; set++) cr_expect(same_set(&a.sets[set], &b.sets[set], a.channels));
    cr_expect(eq(int, same_set(&a.sets[SET_TEST], &c.sets[SET_TEST], a.channels), 0));
    dataset_free(&a);
    dataset_free(&b);
    dataset_free(&c);
    dataset_forget();
}

FOR_EACH_PACK(are_standardised_by_train) {
    dataset d = open_pack(packs[*p].expression, 0, 2);
    const dataset_items *train = &d.sets[SET_TRAIN], *test = &d.sets[SET_TEST];
    double apart = 0;
    for (size_t c = 0; c < d.channels; c++) {
        double sum = 0, squares = 0, test_sum = 0;
        for (size_t i = 0; i < train->count; i++) {
            const double z = (double)train->values[i * d.channels + c];
            sum += z;
            squares += z * z;
        }
        for (size_t i = 0; i < test->count; i++) test_sum += (double)test->values[i * d.channels + c];
        cr_expect(lt(dbl, fabs(sum / (double)train->count), 1e-6), "column %zu", c);
        cr_expect(epsilon_eq(dbl, squares / (double)train->count, 1, 1e-6), "column %zu", c);
        apart += fabs(test_sum / (double)test->count);
    }
    cr_expect(gt(dbl, apart, 1e-3 * (double)d.channels)); /* test has a mean of its own */
    dataset_free(&d);
    dataset_forget();
}

/* Shares of 50 / 10 / 15 / 25 % of goods and 50 / 15 / 0 / 35 % of defects. */
Test(tables, of_single_rows_are_split_by_the_usual_shares) {
    static const size_t goods[][SET_COUNT] = {{943, 188, 283, 472}, {451, 90, 136, 226}};
    static const size_t defects[][SET_COUNT] = {{27, 8, 0, 20}, {48, 15, 0, 34}};
    for (size_t k = 0; k < 2; k++) {
        dataset d = open_pack(packs[k ? WAFER : DIRTINESS].expression, 0, 1);
        for (int set = 0; set < SET_COUNT; set++) {
            cr_expect(eq(sz, d.sets[set].goods, goods[k][set]));
            cr_expect(eq(sz, d.sets[set].count - d.sets[set].goods, defects[k][set]));
        }
        dataset_free(&d);
    }
    dataset_forget();
}

Test(tables, of_steel_without_a_clean_class_have_nothing_to_calibrate) {
    const dataset_request request = {.ratio = 10, .search = search_path()};
    lb_error error = {0};
    dataset d = open_pack("steel_plates", 0, 1), thin;
    cr_expect(eq(sz, d.sets[SET_CALIBRATE].count, 0));
    for (int set = 0; set < SET_COUNT; set++) cr_expect(eq(sz, d.sets[set].goods, 0));
    cr_expect(eq(int, dataset_open("steel_plates", &request, &thin, &error), LB_INVALID));
    cr_expect(strstr(error.message, "no clean images") != NULL, "%s", error.message);
    dataset_free(&d);
    dataset_forget();
}

Test(tables, of_a_machine_keep_a_hundred_rows_together) {
    unsigned char set_of[100];
    size_t rows[100] = {0};
    dataset d = open_pack("ai4i2020", 0, 1);
    memset(set_of, 99, sizeof set_of);
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < d.sets[set].count; i++) {
            const uint32_t part = d.sets[set].parts[i];
            cr_assert(lt(u32, part, 100));
            cr_assert(set_of[part] == 99 || set_of[part] == set);
            set_of[part] = (unsigned char)set;
            rows[part]++;
        }
    for (size_t part = 0; part < 100; part++) cr_expect(eq(sz, rows[part], 100));
    cr_expect(eq(sz, d.sets[SET_TRAIN].count, 5000));
    cr_expect(eq(sz, d.sets[SET_SELECT].count, 1000));
    cr_expect(eq(sz, d.sets[SET_CALIBRATE].count, 1400)); /* whole blocks */
    cr_expect(eq(sz, d.sets[SET_TEST].count, 2600));
    dataset_free(&d);
    dataset_forget();
}

/* The one-hot columns stay two-valued and exclude each other. */
Test(tables, of_a_machine_have_the_quality_in_three_columns) {
    dataset d = open_pack("ai4i2020", 0, 1);
    const dataset_items *set = &d.sets[SET_TEST];
    float high[3] = {-99, -99, -99};
    size_t of[3] = {0};
    for (size_t i = 0; i < set->count; i++)
        for (size_t q = 0; q < 3; q++)
            if (set->values[i * 8 + q] > high[q]) high[q] = set->values[i * 8 + q];
    for (size_t i = 0; i < set->count; i++) {
        int ones = 0;
        for (size_t q = 0; q < 3; q++) {
            const int one = set->values[i * 8 + q] == high[q];
            of[q] += (size_t)one;
            ones += one;
        }
        cr_assert(eq(int, ones, 1));
    }
    cr_expect(of[0] > of[1] && of[1] > of[2] && of[2] > 0, "L %zu, M %zu, H %zu", of[0], of[1], of[2]);
    dataset_free(&d);
    dataset_forget();
}
