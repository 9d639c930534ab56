/* Overlap of pixels, and the score of an image. */
#include "lib/metrics/mask_metrics.h"

#include "lib/base/rng.h"
#include "tests/failing_malloc.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIXELS = 400 };
static float logit[PIXELS];
static unsigned char mask[PIXELS];

/* Logits that know a little of the mask, rounded to multiples of `step` where ties are wanted (0: none). */
static void draw_pixels(const char *name, float step) {
    rng stream = rng_from_text(name);
    rng_normals(&stream, logit, PIXELS);
    for (size_t i = 0; i < PIXELS; i++) {
        mask[i] = rng_below(&stream, 5) == 0 ? 255 : 0;
        if (mask[i]) logit[i] += 1.0f;
        if (step > 0) logit[i] = step * roundf(logit[i] / step);
    }
}

/* --- score of an image ------------------------------------------------------------------------------------------- */

static int compare_descending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

Test(mask_score, mean_of_the_largest_in_any_order) {
    const float few[] = {3, -1, 7, 2, 7, -5};
    float room[PIXELS];
    cr_assert(eq(flt, metric_top_mean(few, 6, 1, room), 7));
    cr_assert(eq(flt, metric_top_mean(few, 6, 3, room), 17.0f / 3));
    cr_assert(eq(flt, metric_top_mean(few, 6, 6, room), 13.0f / 6));
    draw_pixels("top_mean", 0);
    float sorted[PIXELS], backwards[PIXELS];
    memcpy(sorted, logit, sizeof sorted);
    qsort(sorted, PIXELS, sizeof *sorted, compare_descending);
    for (size_t i = 0; i < PIXELS; i++) backwards[i] = sorted[PIXELS - 1 - i];
    double sum = 0;
    for (size_t k = 1; k <= PIXELS; k++) {
        sum += (double)sorted[k - 1];
        cr_assert(eq(flt, metric_top_mean(logit, PIXELS, k, room), (float)(sum / (double)k)), "k = %zu", k);
        cr_assert(eq(flt, metric_top_mean(backwards, PIXELS, k, room), (float)(sum / (double)k)), "k = %zu", k);
    }
}

/* From the largest down 1e30 + 3 + 1 - 1e30 is 0 in double, in other orders 1, 3 or 4. */
Test(mask_score, sums_in_one_order_only) {
    const float values[] = {1e30f, 3, 1, -1e30f};
    for (size_t order = 0; order < 256; order++) {
        float shuffled[4], room[4];
        size_t seen = 0;
        for (size_t i = 0; i < 4; i++) {
            shuffled[i] = values[order >> 2 * i & 3];
            seen |= (size_t)1 << (order >> 2 * i & 3);
        }
        if (seen == 15) cr_assert(eq(flt, metric_top_mean(shuffled, 4, 4, room), 0));
    }
}

Test(mask_score, not_finite_when_a_logit_is_not) {
    const float bad[] = {NAN, INFINITY, -INFINITY};
    float room[4];
    for (size_t i = 0; i < 12; i++) {
        float few[] = {1, 2, 3, 4};
        few[i % 4] = bad[i / 4];
        for (size_t k = 1; k <= 4; k++) cr_assert(eq(int, isfinite(metric_top_mean(few, 4, k, room)) != 0, 0));
    }
    const float huge[] = {FLT_MAX, FLT_MAX, -1e30f, -80};
    cr_assert(eq(flt, metric_top_mean(huge, 4, 2, room), FLT_MAX));
}

/* --- counts ------------------------------------------------------------------------------------------------------ */

/* Eight pixels by hand: called 0 1 3 6, defect 0 3 4. */
Test(mask_overlap, by_hand) {
    const float z[] = {2, 1, -1, 80, 0, -80, 1e30f, -1e30f};
    const unsigned char m[] = {255, 127, 0, 128, 200, 0, 0, 1};
    const metric_overlap o = metric_overlap_at(z, m, 8, 0);
    cr_assert(eq(sz, o.hit, 2));
    cr_assert(eq(sz, o.false_alarm, 2));
    cr_assert(eq(sz, o.miss, 1)); /* a logit at the threshold is not called */
    cr_assert(eq(sz, o.rest, 3));
    cr_assert(epsilon_eq(dbl, metric_dice(&o), 4.0 / 7, 1e-15));
    cr_assert(epsilon_eq(dbl, metric_iou(&o), 2.0 / 5, 1e-15));
    cr_assert(epsilon_eq(dbl, metric_mean_iou(&o), (2.0 / 5 + 3.0 / 6) / 2, 1e-15));
}

Test(mask_overlap, what_is_undefined_is_nan) {
    const float z[] = {-1, -1, -1};
    const unsigned char none[] = {0, 0, 0}, all[] = {255, 255, 255};
    const metric_overlap empty = metric_overlap_at(z, none, 3, 0), called = metric_overlap_at(z, none, 3, -2);
    const metric_overlap missed = metric_overlap_at(z, all, 3, 0), full = metric_overlap_at(z, all, 3, -2);
    const metric_overlap nothing = metric_overlap_at(z, all, 0, 0);
    cr_assert(eq(int, isnan(metric_dice(&empty)) && isnan(metric_iou(&empty)), 1));
    cr_assert(eq(dbl, metric_mean_iou(&empty), 1)); /* of the background alone */
    cr_assert(eq(dbl, metric_mean_iou(&full), 1));  /* of the defect alone */
    cr_assert(eq(dbl, metric_dice(&called), 0));
    cr_assert(eq(dbl, metric_iou(&missed), 0));
    cr_assert(eq(dbl, metric_mean_iou(&missed), 0));
    cr_assert(eq(int, isnan(metric_mean_iou(&nothing)) && isnan(metric_dice(&nothing)), 1));
}

/* Dice = 2 IoU / (1 + IoU), and pooling adds counts. */
Test(mask_overlap, identities) {
    draw_pixels("identities", 0);
    for (float t = -2; t < 3; t += 0.25f) {
        const metric_overlap o = metric_overlap_at(logit, mask, PIXELS, t);
        const metric_overlap a = metric_overlap_at(logit, mask, 150, t);
        const metric_overlap b = metric_overlap_at(logit + 150, mask + 150, PIXELS - 150, t);
        cr_assert(epsilon_eq(dbl, metric_dice(&o), 2 * metric_iou(&o) / (1 + metric_iou(&o)), 1e-14));
        cr_assert(eq(sz, o.hit + o.false_alarm + o.miss + o.rest, PIXELS));
        cr_assert(eq(sz, o.hit, a.hit + b.hit));
        cr_assert(eq(sz, o.false_alarm, a.false_alarm + b.false_alarm));
        cr_assert(eq(sz, o.miss, a.miss + b.miss));
    }
}

/* --- the best threshold ------------------------------------------------------------------------------------------ */

static double dice_at(float threshold) {
    const metric_overlap o = metric_overlap_at(logit, mask, PIXELS, threshold);
    return metric_dice(&o);
}

Test(best_dice, no_threshold_is_better_and_no_higher_one_as_good) {
    const float step[] = {0, 0.1f, 1, 4};
    for (int i = 0; i < 4; i++) {
        float threshold;
        double dice;
        draw_pixels("best_dice", step[i]);
        cr_assert(zero(int, metric_best_dice(logit, mask, PIXELS, &threshold, &dice, NULL)));
        cr_assert(eq(dbl, dice_at(threshold), dice));
        double best = dice_at(-FLT_MAX);
        for (size_t p = 0; p < PIXELS; p++) best = fmax(best, dice_at(logit[p]));
        cr_assert(eq(dbl, dice, best));
        for (size_t p = 0; p < PIXELS; p++)
            if (logit[p] > threshold) cr_assert(lt(dbl, dice_at(logit[p]), dice));
    }
}

Test(best_dice, lies_halfway) {
    const float z[] = {5, 1, 3, 0};
    const unsigned char m[] = {255, 0, 255, 0}, first[] = {255, 0, 0, 0}, last[] = {0, 0, 0, 255};
    float threshold;
    double dice;
    cr_assert(zero(int, metric_best_dice(z, m, 4, &threshold, &dice, NULL)));
    cr_assert(eq(flt, threshold, 2));
    cr_assert(eq(dbl, dice, 1));
    cr_assert(zero(int, metric_best_dice(z, first, 4, &threshold, NULL, NULL)));
    cr_assert(eq(flt, threshold, 4));
    cr_assert(zero(int, metric_best_dice(z, last, 4, &threshold, &dice, NULL)));
    cr_assert(eq(flt, threshold, -FLT_TRUE_MIN)); /* all called */
    cr_assert(epsilon_eq(dbl, dice, 2.0 / 5, 1e-15));
}

Test(best_dice, of_equal_dice_the_highest_threshold) {
    const float z[] = {9, 8, 7, 6, 5, 4};
    const unsigned char m[] = {255, 0, 0, 0, 255, 0}; /* 2/3 at one called; 4/7 at five */
    const unsigned char n[] = {255, 0, 0, 255, 0, 0}; /* 2/3 at one called; 4/6 at four */
    float threshold;
    cr_assert(zero(int, metric_best_dice(z, m, 6, &threshold, NULL, NULL)));
    cr_assert(eq(flt, threshold, 8.5f));
    cr_assert(zero(int, metric_best_dice(z, n, 6, &threshold, NULL, NULL)));
    cr_assert(eq(flt, threshold, 8.5f));
}

Test(best_dice, neighbouring_huge_and_zero_logits) {
    const unsigned char m[] = {0, 255};
    const float near[] = {1, 1 + FLT_EPSILON}, huge[] = {-1e30f, 1e30f}, most[] = {-FLT_MAX, FLT_MAX};
    const float steep[] = {-80, 80}, zeros[] = {-0.0f, 0.0f}, odd[] = {1 + FLT_EPSILON, 1 + 2 * FLT_EPSILON};
    const float *const separable[] = {near, huge, most, steep, odd};
    for (int i = 0; i < 5; i++) {
        float threshold;
        double dice;
        cr_assert(zero(int, metric_best_dice(separable[i], m, 2, &threshold, &dice, NULL)));
        cr_assert(eq(dbl, dice, 1));
        const int parts = separable[i][1] > threshold && separable[i][0] <= threshold;
        cr_assert(eq(int, parts, 1), "pair %d: %g", i, (double)threshold);
    }
    float threshold;
    double dice;
    cr_assert(zero(int, metric_best_dice(zeros, m, 2, &threshold, &dice, NULL)));
    cr_assert(epsilon_eq(dbl, dice, 2.0 / 3, 1e-15)); /* -0 is called with 0 */
}

Test(best_dice, refuses_what_has_none) {
    const unsigned char m[] = {0, 0, 255}, none[] = {0, 127, 0};
    const float bad[] = {NAN, INFINITY, -INFINITY}, fine[] = {1, 2, 3};
    lb_error error = {0};
    float threshold;
    double dice;
    for (int i = 0; i < 3; i++) {
        const float z[] = {1, bad[i], 2};
        cr_assert(eq(int, metric_best_dice(z, m, 3, &threshold, &dice, &error), LB_INVALID));
        cr_assert(strstr(error.message, "the logit of pixel 1 is") != NULL, "%s", error.message);
    }
    cr_assert(eq(int, metric_best_dice(fine, none, 3, &threshold, &dice, &error), LB_INVALID));
    cr_assert(strstr(error.message, "none of the 3 pixels is defect") != NULL, "%s", error.message);
    cr_assert(eq(int, metric_best_dice(fine, m, 0, &threshold, &dice, NULL), LB_INVALID));
}

Test(best_dice, a_failed_allocation_is_an_error) {
#if FAILING_MALLOC
    lb_error error = {0};
    float threshold;
    draw_pixels("memory", 0);
    fail_malloc_after(0);
    const int code = metric_best_dice(logit, mask, PIXELS, &threshold, NULL, &error);
    fail_malloc_after(1);
    const int second = metric_best_dice(logit, mask, PIXELS, &threshold, NULL, NULL);
    fail_malloc_after(-1);
    cr_assert(eq(int, code, LB_MEMORY));
    cr_assert(eq(int, (int)error.code, LB_MEMORY));
    cr_assert(eq(int, second, LB_OK));
#else
    cr_skip_test("the sanitizer has its own malloc");
#endif
}
