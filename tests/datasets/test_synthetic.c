/* The generator: bits that never move, levels that share their surfaces, defects where their masks are, and a ceiling
   that agrees with a simulation of the oracle it describes. */
#include "datasets/synthetic/synthetic.h"
#include "lib/base/hash.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <gsl/gsl_blas.h>
#include <gsl/gsl_linalg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dataset opened(const char *expression, unsigned ratio, unsigned seed, unsigned want) {
    const dataset_request request = {.ratio = ratio, .seed = seed, .want = want};
    dataset d;
    lb_error error = {0};
    cr_assert(eq(int, dataset_open(expression, &request, &d, &error), LB_OK), "%s", error.message);
    return d;
}

static uint64_t hash_of(const void *bytes, size_t size) { return hash64_finish(hash64_add(HASH64_START, bytes, size)); }

/* --- bits --- */

/* Contrast is given, so that a new calibration leaves these alone. Computed by this generator (gcc 12, -O3); the point
   is that clang, -O1 and other CPUs agree. A change here needs a new version of the data set. */
static const struct {
    const char *expression;
    uint64_t pixels;
} golden[] = {
    {"synthetic(texture=brushed, defect=scratch, contrast=3, scale=0.04)", 0x91e4fd150d9f81e0u},
    {"synthetic(texture=cast, defect=dent, contrast=3, scale=0.04)", 0x17e548a77701b915u},
    {"synthetic(texture=woven, defect=contamination, contrast=3, scale=0.04)", 0xe6689f41377e0ad8u},
    {"synthetic(texture=printed, defect=missing, contrast=3, scale=0.04)", 0xfad2dc407d5a5f5cu},
    {"synthetic(texture=woven, defect=missing, contrast=3, scale=0.04)", 0x4f0221fc5a1f451au},
    {"synthetic(texture=printed, defect=mixed, contrast=3, size=24, length=10, scale=0.04)", 0x52d1492383bc3c77u},
};
enum { GOLDENS = sizeof golden / sizeof *golden };

ParameterizedTestParameters(synthetic, pixels_never_change) {
    static int index[GOLDENS];
    for (int i = 0; i < GOLDENS; i++) index[i] = i;
    return cr_make_param_array(int, index, GOLDENS);
}

ParameterizedTest(int *i, synthetic, pixels_never_change) {
    dataset d = opened(golden[*i].expression, 20, 7, DATASET_MASKS);
    uint64_t state = HASH64_START;
    for (int set = 0; set < SET_COUNT; set++) {
        state = hash64_add(state, d.sets[set].pixels, d.sets[set].count * d.height * d.width);
        state = hash64_add(state, d.sets[set].masks, d.sets[set].count * d.height * d.width);
    }
    dataset_free(&d);
    cr_expect(eq(u64, hash64_finish(state), golden[*i].pixels), "%s gives 0x%016lx", golden[*i].expression,
              (unsigned long)hash64_finish(state));
}

/* --- what depends on what --- */

static void expect_same_pixels(const dataset *a, const dataset *b, dataset_set set, size_t from_a, size_t from_b,
                               size_t count) {
    const size_t area = a->height * a->width;
    cr_expect(
        eq(int, memcmp(a->sets[set].pixels + from_a * area, b->sets[set].pixels + from_b * area, count * area), 0));
}

Test(synthetic, ratio_changes_only_how_much_train_holds) {
    dataset a = opened("synthetic(scale=0.04)", 10, 3, 0), b = opened("synthetic(scale=0.04)", 100, 3, 0);
    const dataset_items *ta = &a.sets[SET_TRAIN], *tb = &b.sets[SET_TRAIN];
    cr_assert(eq(sz, ta->goods, 200));
    cr_assert(eq(sz, ta->count, 220));
    cr_assert(eq(sz, tb->goods, 200));
    cr_assert(eq(sz, tb->count, 202));
    expect_same_pixels(&a, &b, SET_TRAIN, 0, 0, ta->goods);
    expect_same_pixels(&a, &b, SET_TRAIN, ta->goods, tb->goods, 2);
    for (int set = SET_SELECT; set < SET_COUNT; set++)
        expect_same_pixels(&a, &b, (dataset_set)set, 0, 0, a.sets[set].count);
    dataset_free(&a);
    dataset_free(&b);
}

Test(synthetic, contrast_leaves_goods_alone_and_changes_defects) {
    dataset a = opened("synthetic(contrast=1, scale=0.02)", 20, 3, 0);
    dataset b = opened("synthetic(contrast=4, scale=0.02)", 20, 3, 0);
    const dataset_items *test = &a.sets[SET_TEST];
    const size_t area = a.height * a.width;
    expect_same_pixels(&a, &b, SET_TEST, 0, 0, test->goods);
    for (size_t i = test->goods; i < test->count; i++)
        cr_expect(ne(int, memcmp(test->pixels + i * area, b.sets[SET_TEST].pixels + i * area, area), 0));
    dataset_free(&a);
    dataset_free(&b);
}

Test(synthetic, seeds_draw_fresh_data) {
    dataset a = opened("synthetic(scale=0.01)", 20, 1, 0), b = opened("synthetic(scale=0.01)", 20, 2, 0);
    const size_t area = a.height * a.width;
    cr_expect(a.independent != 0);
    for (size_t i = 0; i < a.sets[SET_TEST].count; i++)
        cr_expect(ne(u64, hash_of(a.sets[SET_TEST].pixels + i * area, area),
                     hash_of(b.sets[SET_TEST].pixels + i * area, area)));
    dataset_free(&a);
    dataset_free(&b);
}

Test(synthetic, set_sizes) {
    static const struct {
        unsigned ratio;
        size_t goods, defects;
    } want[] = {{0, 5000, 25}, {10, 5000, 500}, {100, 5000, 50}, {200, 5000, 25}, {1000, 25000, 25}, {1, 5000, 5000}};
    double values[PARAM_COUNT];
    size_t goods[SET_COUNT], defects[SET_COUNT];
    cr_assert(eq(int, spec_read("", "", dataset_synthetic.params, PARAM_COUNT, values, NULL), LB_OK));
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        synthetic_count(values, want[i].ratio, goods, defects);
        cr_expect(eq(sz, goods[SET_TRAIN], want[i].goods));
        cr_expect(eq(sz, defects[SET_TRAIN], want[i].defects));
    }
    values[PARAM_SCALE] = 0.29; /* 0.29 * 100 is below 29 in floating point */
    synthetic_count(values, 10, goods, defects);
    cr_expect(eq(sz, defects[SET_SELECT], 29));
    cr_expect(eq(sz, defects[SET_CALIBRATE], 0));
}

/* --- masks, boxes, labels --- */

Test(synthetic, masks_and_boxes_mark_the_defects) {
    dataset d = opened("synthetic(texture=printed, defect=mixed, scale=0.1)", 20, 5, DATASET_MASKS | DATASET_BOXES);
    const dataset_items *test = &d.sets[SET_TEST];
    const size_t area = d.height * d.width;
    size_t of_type[5] = {0}, marked = 0;
    for (size_t i = 0; i < test->goods * area; i++) marked += test->masks[i] != 0;
    cr_expect(eq(sz, marked, 0), "a good has a mask");
    cr_assert(eq(sz, test->box_count, test->count - test->goods));
    for (size_t b = 0; b < test->box_count; b++) {
        const dataset_box *box = &test->boxes[b];
        const unsigned char *mask = test->masks + box->item * area;
        cr_expect(eq(u32, box->item, (uint32_t)(test->goods + b)));
        cr_expect(eq(u32, box->type, test->types[box->item]));
        cr_expect(box->x1 >= 0 && box->x2 <= (float)d.width && box->x1 < box->x2);
        cr_expect(box->y1 >= 0 && box->y2 <= (float)d.height && box->y1 < box->y2);
        for (size_t p = 0; p < area; p++) {
            const float x = (float)(p % d.width), y = (float)(p / d.width);
            const int inside = x >= box->x1 && x < box->x2 && y >= box->y1 && y < box->y2;
            cr_expect(mask[p] == 0 || (mask[p] == 255 && inside));
        }
        of_type[box->type]++;
    }
    for (int type = 1; type <= DEFECT_COUNT; type++) cr_expect(gt(sz, of_type[type], 0), "type %d never drawn", type);
    dataset_free(&d);
}

/* Shares within four standard errors; test stays clean. */
Test(synthetic, label_noise_flips_train_only) {
    dataset clean = opened("synthetic(scale=0.2)", 4, 9, 0);
    dataset noisy = opened("synthetic(scale=0.2, label_noise=0.1)", 4, 9, 0);
    dataset missed = opened("synthetic(scale=0.2, missed=0.4)", 4, 9, 0);
    const double goods = 1000, defects = 250;
    const double expected = goods * 0.9 + defects * 0.1, sd = sqrt((goods + defects) * 0.09);
    cr_expect(eq(sz, clean.sets[SET_TRAIN].goods, 1000));
    cr_expect(eq(sz, noisy.sets[SET_TRAIN].count, 1250));
    cr_expect(epsilon_eq(dbl, (double)noisy.sets[SET_TRAIN].goods, expected, 4 * sd));
    cr_expect(ne(sz, noisy.sets[SET_TRAIN].goods, 1000));
    cr_expect(epsilon_eq(dbl, (double)missed.sets[SET_TRAIN].goods, goods + 0.4 * defects, 4 * sqrt(defects * 0.24)));
    expect_same_pixels(&clean, &noisy, SET_TEST, 0, 0, clean.sets[SET_TEST].count);
    expect_same_pixels(&clean, &missed, SET_SELECT, 0, 0, clean.sets[SET_SELECT].count);
    dataset_free(&clean);
    dataset_free(&noisy);
    dataset_free(&missed);
}

/* --- the ceiling --- */

static double params_ceiling(const char *expression, double fr) {
    const dataset_request request = {.seed = 2};
    double recall = -1;
    lb_error error = {0};
    cr_assert(eq(int, dataset_ceiling(expression, &request, fr, &recall, &error), LB_OK), "%s", error.message);
    return recall;
}

enum { SIDE = 16, PIXELS = SIDE * SIDE, LEARN = 8000, FRESH = 250, DEFECTS = 40 };

/* Sample covariance of drawn surfaces, factored; nothing of ceiling.c. */
static gsl_matrix *learned_covariance(const synthetic_source *s, rng *stream) {
    gsl_matrix *images = gsl_matrix_alloc(LEARN, PIXELS), *k = gsl_matrix_calloc(PIXELS, PIXELS);
    float image[PIXELS];
    for (size_t i = 0; i < LEARN; i++) {
        texture_draw(&s->surface, texture_draw_phase(stream), stream, image);
        for (size_t p = 0; p < PIXELS; p++) gsl_matrix_set(images, i, p, (double)(image[p] - TEXTURE_BASE));
    }
    gsl_blas_dsyrk(CblasLower, CblasTrans, 1.0 / LEARN, images, 0, k);
    gsl_linalg_cholesky_decomp1(k);
    gsl_matrix_free(images);
    return k;
}

static double project(const synthetic_source *s, const gsl_vector *filter, const float *signal, rng *stream) {
    float image[PIXELS];
    double sum = 0;
    texture_draw(&s->surface, texture_draw_phase(stream), stream, image);
    for (size_t p = 0; p < PIXELS; p++)
        sum += gsl_vector_get(filter, p) * (double)(image[p] - TEXTURE_BASE + (signal ? signal[p] : 0));
    return sum;
}

static int descending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The oracle, played out: filter K^-1 s with K learned from drawn surfaces, scaled to unit noise, tried on fresh ones.
   Learning K from 8000 surfaces costs up to p/N = 3 % of d'^2, about 0.02 of recall; sampling 0.01. */
static double simulated_ceiling(const char *args, double fr) {
    static double goods[DEFECTS * FRESH], defects[DEFECTS * FRESH];
    double values[PARAM_COUNT];
    synthetic_source s;
    float signal[PIXELS];
    unsigned char mask[PIXELS];
    rng stream = rng_from_text("oracle");
    cr_assert(eq(int, spec_read(args, "", dataset_synthetic.params, PARAM_COUNT, values, NULL), LB_OK));
    cr_assert(eq(int, synthetic_source_init(&s, values, 2, NULL), LB_OK));
    gsl_matrix *k = learned_covariance(&s, &stream);
    gsl_vector *filter = gsl_vector_alloc(PIXELS);
    for (size_t i = 0; i < DEFECTS; i++) {
        double d2 = 0;
        synthetic_draw_defect(&s, (synthetic_item){SET_TEST, 1, i}, signal, mask);
        for (size_t p = 0; p < PIXELS; p++) gsl_vector_set(filter, p, (double)signal[p]);
        gsl_linalg_cholesky_svx(k, filter);
        for (size_t p = 0; p < PIXELS; p++) d2 += gsl_vector_get(filter, p) * (double)signal[p];
        gsl_vector_scale(filter, 1 / sqrt(d2));
        for (size_t n = 0; n < FRESH; n++) {
            goods[i * FRESH + n] = project(&s, filter, NULL, &stream);
            defects[i * FRESH + n] = project(&s, filter, signal, &stream);
        }
    }
    qsort(goods, DEFECTS * FRESH, sizeof *goods, descending);
    const double threshold = goods[(size_t)(fr * DEFECTS * FRESH + 1e-9)];
    size_t found = 0;
    for (size_t i = 0; i < DEFECTS * FRESH; i++) found += defects[i] > threshold;
    gsl_matrix_free(k);
    gsl_vector_free(filter);
    return (double)found / (DEFECTS * FRESH);
}

Test(synthetic, ceiling_is_what_the_oracle_reaches) {
    static const char *const args[] = {
        "texture=cast, defect=dent, contrast=0.7, size=16, length=8, scale=0.1",
        "texture=brushed, defect=scratch, contrast=0.5, size=16, length=8, scale=0.1",
        "texture=cast, defect=contamination, contrast=1.5, size=16, length=12, texture_sd=1, shading_sd=40, scale=0.1"};
    for (size_t i = 0; i < sizeof args / sizeof *args; i++) {
        char expression[200];
        snprintf(expression, sizeof expression, "synthetic(%s)", args[i]);
        const double claimed = params_ceiling(expression, 0.01);
        cr_expect(claimed > 0.15 && claimed < 0.9, "%s: a ceiling of %.3f tests nothing", args[i], claimed);
        cr_expect(epsilon_eq(dbl, simulated_ceiling(args[i], 0.01), claimed, 0.05), "%s", args[i]);
    }
}

Test(synthetic, ceiling_rises_with_contrast_and_rate) {
    const char *low = "synthetic(texture=cast, defect=dent, contrast=0.4)",
               *high = "synthetic(texture=cast, defect=dent, contrast=0.8)";
    const double a = params_ceiling(low, 0.01), b = params_ceiling(high, 0.01), c = params_ceiling(high, 0.05);
    cr_expect(gt(dbl, a, 0.01));
    cr_expect(lt(dbl, a, b));
    cr_expect(lt(dbl, b, c));
    cr_expect(le(dbl, c, 1.0));
}

/* --- refusals --- */

Test(synthetic, refuses_what_cannot_be) {
    static const char *const wrong[] = {"synthetic(texture=cast, defect=missing)",
                                        "synthetic(texture=velvet)",
                                        "synthetic(size=15)",
                                        "synthetic(size=16, length=14)",
                                        "synthetic(scale=0)",
                                        "synthetic(label_noise=0.9)",
                                        "synthetic(contrast=-1)",
                                        "synthetic(size=20.5)",
                                        "synthetic(colour=red)",
                                        "synthetic(length=14, length=15)",
                                        "synthetic(",
                                        "synthetic() more"};
    const dataset_request request = {.seed = 1};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        dataset d;
        lb_error error = {0};
        cr_expect(eq(int, dataset_open(wrong[i], &request, &d, &error), LB_INVALID), "%s", wrong[i]);
        cr_expect(gt(sz, strlen(error.message), 20), "%s", wrong[i]);
        dataset_free(&d);
    }
    const dataset_request steep = {.ratio = 100000, .seed = 1};
    dataset d;
    cr_expect(eq(int, dataset_open("synthetic", &steep, &d, NULL), LB_INVALID));
}
