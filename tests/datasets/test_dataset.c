/* The contract, for every data set of the registry: what dataset_open promises, whatever the seed. */
#include "datasets/dataset.h"
#include "lib/base/hash.h"
#include "lib/base/rng.h"

#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A choice of expressions per type; `stack` is a user's own directory and has a test file of its own. */
static const char *const expressions[] = {"synthetic(texture=brushed, defect=scratch, scale=0.1)",
                                          "synthetic(texture=cast, defect=dent, scale=0.1)",
                                          "synthetic(texture=woven, defect=contamination, scale=0.1)",
                                          "synthetic(texture=printed, defect=missing, scale=0.1)",
                                          "synthetic(texture=cast, defect=mixed, size=40, label_noise=0.05, scale=0.1)",
                                          "infrared_solar_modules(block=Soiling)",
                                          "infrared_solar_modules(block=Diode-Multi)",
                                          "infrared_solar_modules(block=Cracking)",
                                          "infrared_solar_modules(block=all)",
                                          "x_sdd",
                                          "elpv",
                                          "neu_det",
                                          "neu_det(boxes=single)"};
enum { EXPRESSIONS = sizeof expressions / sizeof *expressions };

static const char *search_path(void) {
    const char *path = getenv("LOSSBENCH_DATASETS");
    return path ? path : "datasets/public/cache:../shared/datasets";
}

/* 0: the public data are not here, and the test has said so. */
static int open_or_skip(const char *expression, const dataset_request *request, dataset *d) {
    lb_error error = {0};
    const int code = dataset_open(expression, request, d, &error);
    if (code == LB_NOT_FOUND) {
        cr_log_warn("skipped %s: %s", expression, error.message);
        return 0;
    }
    cr_assert(eq(int, code, LB_OK), "%s: %s", expression, error.message);
    return 1;
}

static size_t pixels_of(const dataset *d) { return d->height * d->width * d->channels; }

static uint64_t hash_of(const dataset *d) {
    uint64_t state = HASH64_START;
    for (int set = 0; set < SET_COUNT; set++) {
        state = hash64_add(state, d->sets[set].pixels, d->sets[set].count * pixels_of(d));
        state = hash64_add(state, d->sets[set].types, d->sets[set].count * sizeof *d->sets[set].types);
    }
    return hash64_finish(state);
}

ParameterizedTestParameters(dataset, contract) {
    static int index[EXPRESSIONS];
    for (int i = 0; i < EXPRESSIONS; i++) index[i] = i;
    return cr_make_param_array(int, index, EXPRESSIONS);
}

static void expect_goods_first(const dataset *d) {
    size_t types = 0;
    while (d->type_names[types]) types++;
    cr_expect(eq(str, (char *)d->type_names[0], "good"));
    for (int which = 0; which < SET_COUNT; which++) {
        const dataset_items *set = &d->sets[which];
        cr_expect(eq(int, set->goods > 0, d->clean));
        cr_expect(which == SET_CALIBRATE || set->count > set->goods);
        for (size_t i = 0; i < set->count; i++) {
            cr_expect(eq(int, set->types[i] == 0, i < set->goods));
            cr_expect(lt(sz, set->types[i], types));
        }
    }
}

static int by_value(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t *keys_of(const dataset *d, dataset_set which, int of_parts) {
    const dataset_items *set = &d->sets[which];
    uint64_t *keys = malloc(set->count * sizeof *keys);
    for (size_t i = 0; i < set->count; i++)
        keys[i] = of_parts ? set->parts[i] : hash64_add(HASH64_START, set->pixels + i * pixels_of(d), pixels_of(d));
    qsort(keys, set->count, sizeof *keys, by_value);
    return keys;
}

static size_t count_shared(const dataset *d, dataset_set a, dataset_set b, int of_parts) {
    uint64_t *x = keys_of(d, a, of_parts), *y = keys_of(d, b, of_parts);
    size_t shared = 0;
    for (size_t i = 0; i < d->sets[a].count; i++)
        shared += bsearch(&x[i], y, d->sets[b].count, sizeof *y, by_value) != NULL;
    free(x);
    free(y);
    return shared;
}

ParameterizedTest(int *i, dataset, contract) {
    const char *expression = expressions[*i];
    const dataset_request first = {.seed = 1, .search = search_path()}, second = {.seed = 2, .search = search_path()};
    dataset a, again, b;
    if (!open_or_skip(expression, &first, &a)) return;
    expect_goods_first(&a);
    for (int x = 0; x < SET_COUNT; x++)
        for (int y = x + 1; y < SET_COUNT; y++) {
            cr_expect(eq(sz, count_shared(&a, (dataset_set)x, (dataset_set)y, 0), 0), "an image in two sets");
            cr_expect(eq(sz, count_shared(&a, (dataset_set)x, (dataset_set)y, 1), 0), "a part in two sets");
        }
    cr_assert(open_or_skip(expression, &first, &again) && open_or_skip(expression, &second, &b));
    cr_expect(eq(u64, hash_of(&a), hash_of(&again)), "the same seed gives other data");
    cr_expect(ne(u64, hash_of(&a), hash_of(&b)), "another seed gives the same data");
    dataset_free(&a);
    dataset_free(&again);
    dataset_free(&b);
    dataset_forget();
}

Test(dataset, registry_is_complete) {
    for (const dataset_type *const *t = dataset_types; *t; t++) {
        cr_expect(t[0]->name && (*t)->summary && (*t)->tasks && (*t)->source && (*t)->licence && (*t)->citation);
        cr_expect(t[0]->open && (*t)->identify && (*t)->version >= 1);
        cr_expect(le(sz, (*t)->param_count, SPEC_MAX_PARAMS));
        cr_expect(eq(int, (*t)->ceiling == NULL, (*t)->ceiling_note == NULL));
        cr_expect(dataset_type_find((*t)->name) == *t);
    }
    cr_expect(dataset_type_find("no such set") == NULL);
}

Test(dataset, text_names_every_parameter_and_the_ratio) {
    const dataset_request request = {.ratio = 50, .seed = 4};
    char a[SPEC_MAX_TEXT], b[SPEC_MAX_TEXT], small[20];
    cr_assert(eq(int, dataset_text("synthetic", &request, a, sizeof a, NULL), LB_OK));
    cr_assert(eq(int, dataset_text(" synthetic( defect = scratch )", &request, b, sizeof b, NULL), LB_OK));
    cr_expect(eq(str, a, b), "spelling enters the key");
    cr_expect(strstr(a, "synthetic@1(") == a && strstr(a, "contrast=calibrated") && strstr(a, "ratio=50"));
    cr_expect(eq(int, dataset_text("synthetic", &request, small, sizeof small, NULL), LB_INVALID));
}

Test(dataset, unknown_names_are_one_sentence) {
    const dataset_request request = {.seed = 1, .search = "/nowhere:/nowhere else"};
    dataset d;
    double recall;
    lb_error error = {0};
    cr_expect(eq(int, dataset_open("syntetic", &request, &d, &error), LB_INVALID));
    cr_expect(strstr(error.message, "synthetic") != NULL, "%s", error.message);
    cr_expect(eq(int, dataset_open("infrared_solar_modules", &request, &d, &error), LB_NOT_FOUND));
    cr_expect(eq(int, dataset_ceiling("infrared_solar_modules", &request, 0.01, &recall, &error), LB_NOT_FOUND));
    cr_expect(eq(int, dataset_ceiling("synthetic", &request, 0, &recall, &error), LB_INVALID));
    cr_expect(eq(int, dataset_ceiling("synthetic", &request, 1, &recall, &error), LB_INVALID));
}

/* 22 pairs of identical images, 6 of them with two classes (README of the pack): 12 images contradict each other and
   16 are copies. */
Test(dataset, infrared_counts_duplicates_of_the_whole_pack) {
    const dataset_request request = {.seed = 1, .search = search_path()};
    dataset d;
    if (!open_or_skip("infrared_solar_modules(block=Cracking)", &request, &d)) return;
    cr_expect(eq(sz, d.conflicts, 12));
    cr_expect(eq(sz, d.duplicates, 16));
    cr_expect(eq(sz, d.height, 40));
    cr_expect(eq(sz, d.width, 24));
    cr_expect(d.independent == 0);
    dataset_free(&d);
    dataset_forget();
}

/* A thinned train is a part of the fuller one, and test is the same: ratios compare. */
Test(dataset, infrared_ratio_thins_train_alone) {
    const dataset_request natural = {.seed = 1, .search = search_path()};
    const dataset_request thin = {.ratio = 100, .seed = 1, .search = search_path()};
    dataset a, b;
    if (!open_or_skip("infrared_solar_modules(block=Cracking)", &natural, &a)) return;
    cr_assert(open_or_skip("infrared_solar_modules(block=Cracking)", &thin, &b));
    const dataset_items *x = &a.sets[SET_TRAIN], *y = &b.sets[SET_TRAIN];
    cr_expect(eq(sz, y->goods, x->goods));
    cr_expect(eq(sz, y->count - y->goods, x->goods / 100));
    cr_expect(eq(sz, b.train_dropped, x->count - y->count));
    cr_expect(eq(int, memcmp(x->parts, y->parts, y->count * sizeof *x->parts), 0));
    cr_assert(eq(sz, a.sets[SET_TEST].count, b.sets[SET_TEST].count));
    cr_expect(
        eq(int, memcmp(a.sets[SET_TEST].pixels, b.sets[SET_TEST].pixels, a.sets[SET_TEST].count * pixels_of(&a)), 0));
    dataset_free(&a);
    dataset_free(&b);
    dataset_forget();
}
