#include "lib/stats/stats.h"

#include "lib/base/fr_rule.h"
#include "tests/failing_malloc.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GOODS = 500, DEFECTS = 60, REPLICATES = 20000, LOSSES = 3, SEEDS = 4 };
static float good[GOODS], defect[DEFECTS];
static double recall[REPLICATES];

static void make_scores(float shift, float step) {
    rng stream = rng_from_text("bootstrap scores");
    rng_normals(&stream, good, GOODS);
    rng_normals(&stream, defect, DEFECTS);
    for (int i = 0; i < DEFECTS; i++) defect[i] += shift;
    if (step <= 0) return;
    for (int i = 0; i < GOODS; i++) good[i] = step * roundf(good[i] / step);
    for (int i = 0; i < DEFECTS; i++) defect[i] = step * roundf(defect[i] / step);
}

static stat_scored scored(void) {
    return (stat_scored){.good = good, .defect = defect, .goods = GOODS, .defects = DEFECTS};
}

static int descending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

/* The bootstrap as it is described: draw every item, sort, take the threshold, count. */
static stat_interval drawn_item_by_item(double alpha, rng *stream) {
    float drawn[GOODS];
    for (int b = 0; b < REPLICATES; b++) {
        for (int i = 0; i < GOODS; i++) drawn[i] = good[rng_below(stream, GOODS)];
        qsort(drawn, GOODS, sizeof *drawn, descending);
        const float threshold = drawn[fr_allowed(alpha, GOODS)];
        int found = 0;
        for (int i = 0; i < DEFECTS; i++) found += defect[rng_below(stream, DEFECTS)] > threshold;
        recall[b] = (double)found / DEFECTS;
    }
    stat_sort(recall, REPLICATES);
    return (stat_interval){stat_quantile(recall, REPLICATES, 0.025), stat_quantile(recall, REPLICATES, 0.975)};
}

/* The short cut through the Beta and binomial distributions has the same distribution. The recalls are multiples of
   1/60, so a percentile may fall on the next one: tolerance one step. Levels .5 and .9 as well, so that the middle
   counts too. */
Test(bootstrap, equals_drawing_every_item) {
    const float step[] = {0, 0.2f};
    for (int ties = 0; ties < 2; ties++) {
        make_scores(2.2f, step[ties]);
        rng ours = rng_from_text("ours"), theirs = rng_from_text("theirs");
        const stat_interval brute = drawn_item_by_item(0.02, &theirs);
        const stat_scored data = scored();
        stat_interval fast, middle;
        cr_assert(zero(int, stat_boot_recall(&data, 0.02, REPLICATES, 0.95, &ours, &fast, NULL)));
        cr_assert(zero(int, stat_boot_recall(&data, 0.02, REPLICATES, 0.5, &ours, &middle, NULL)));
        const double one_step = 1.0 / DEFECTS + 1e-9;
        cr_assert(epsilon_eq(dbl, fast.low, brute.low, one_step));
        cr_assert(epsilon_eq(dbl, fast.high, brute.high, one_step));
        cr_assert(epsilon_eq(dbl, middle.low, stat_quantile(recall, REPLICATES, 0.25), one_step));
        cr_assert(epsilon_eq(dbl, middle.high, stat_quantile(recall, REPLICATES, 0.75), one_step));
    }
}

Test(bootstrap, parts_of_one_item_are_no_parts) {
    uint32_t good_part[GOODS], defect_part[DEFECTS];
    for (uint32_t i = 0; i < GOODS; i++) good_part[i] = 7 * (GOODS - i); /* gaps are allowed */
    for (uint32_t i = 0; i < DEFECTS; i++) defect_part[i] = i;
    for (int ties = 0; ties < 2; ties++) {
        make_scores(2.2f, ties ? 0.4f : 0);
        stat_scored data = scored();
        rng a = rng_from_text("a"), b = rng_from_text("b");
        stat_interval items, parts;
        cr_assert(zero(int, stat_boot_recall(&data, 0.02, REPLICATES, 0.95, &a, &items, NULL)));
        data.good_part = good_part;
        data.defect_part = defect_part;
        cr_assert(zero(int, stat_boot_recall(&data, 0.02, REPLICATES, 0.95, &b, &parts, NULL)));
        cr_assert(epsilon_eq(dbl, parts.low, items.low, 1.0 / DEFECTS + 1e-9));
        cr_assert(epsilon_eq(dbl, parts.high, items.high, 1.0 / DEFECTS + 1e-9));
    }
}

/* Five images of each part with equal scores say no more than one: by part the interval stays, by image it shrinks by
 * sqrt 5. */
Test(bootstrap, copies_of_a_part_add_nothing) {
    enum { COPIES = 5 };
    static float goods5[GOODS * COPIES], defects5[DEFECTS * COPIES];
    static uint32_t good_part[GOODS * COPIES], defect_part[DEFECTS * COPIES];
    make_scores(2.2f, 0);
    for (uint32_t i = 0; i < GOODS * COPIES; i++) goods5[i] = good[good_part[i] = i % GOODS];
    for (uint32_t i = 0; i < DEFECTS * COPIES; i++) defects5[i] = defect[defect_part[i] = i % DEFECTS];
    const stat_scored once = scored();
    stat_scored copied = {goods5, defects5, GOODS * COPIES, DEFECTS * COPIES, good_part, defect_part};
    rng stream = rng_from_text("copies");
    stat_interval single, by_part, by_image;
    cr_assert(zero(int, stat_boot_recall(&once, 0.01, 5000, 0.95, &stream, &single, NULL)));
    cr_assert(zero(int, stat_boot_recall(&copied, 0.01, 5000, 0.95, &stream, &by_part, NULL)));
    copied.good_part = copied.defect_part = NULL;
    cr_assert(zero(int, stat_boot_recall(&copied, 0.01, 5000, 0.95, &stream, &by_image, NULL)));
    cr_assert(epsilon_eq(dbl, by_part.low, single.low, 0.03));
    cr_assert(epsilon_eq(dbl, by_part.high, single.high, 0.03));
    cr_assert(lt(dbl, by_image.high - by_image.low, 0.65 * (single.high - single.low)));
}

Test(bootstrap, same_stream_same_interval) {
    make_scores(2.2f, 0);
    const stat_scored data = scored();
    stat_interval first, again;
    rng a = rng_from_text("same"), b = rng_from_text("same");
    cr_assert(zero(int, stat_boot_recall(&data, 0.01, 500, 0.95, &a, &first, NULL)));
    cr_assert(zero(int, stat_boot_recall(&data, 0.01, 500, 0.95, &b, &again, NULL)));
    cr_assert(zero(int, memcmp(&first, &again, sizeof first)));
}

/* The bootstrap of a recall of 1 would be the point 1. */
Test(bootstrap, recall_zero_or_one_gets_clopper_pearson) {
    const float shift[] = {9, -9};
    for (int i = 0; i < 2; i++) {
        make_scores(shift[i], 0);
        const stat_scored data = scored();
        rng stream = rng_from_text("extreme");
        stat_interval got;
        const stat_interval expected = stat_clopper_pearson(i == 0 ? DEFECTS : 0, DEFECTS, 0.95);
        cr_assert(zero(int, stat_boot_recall(&data, 0.01, 100, 0.95, &stream, &got, NULL)));
        cr_assert(eq(dbl, got.low, expected.low));
        cr_assert(eq(dbl, got.high, expected.high));
    }
}

/* FR just below 1: fr_allowed rounds up to all goods, and the lowest good is still the last threshold there is. */
Test(bootstrap, the_whole_range_of_fr_is_safe) {
    make_scores(-1, 0);
    const stat_scored data = scored();
    const float *const good_list[] = {good}, *const defect_list[] = {defect};
    const stat_crossed one = {1, 1, GOODS, DEFECTS, good_list, defect_list, NULL, NULL};
    const double alpha[] = {0, 1 - 1e-13};
    for (int i = 0; i < 2; i++) {
        rng stream = rng_from_text("range");
        stat_interval items, crossed;
        cr_assert(zero(int, stat_boot_recall(&data, alpha[i], 100, 0.95, &stream, &items, NULL)));
        cr_assert(zero(int, stat_boot_crossed(&one, alpha[i], 0, 100, 0.95, &stream, &crossed, NULL, NULL)));
        cr_assert(items.low >= 0 && items.low <= items.high && items.high <= 1);
        cr_assert(crossed.low >= 0 && crossed.low <= crossed.high && crossed.high <= 1);
    }
}

Test(bootstrap, refuses_and_says_why) {
    make_scores(2, 0);
    stat_scored data = scored();
    stat_interval out;
    lb_error error = {0};
    rng stream = rng_from_text("refuse");
    cr_assert(eq(int, stat_boot_recall(&data, 1, 100, 0.95, &stream, &out, &error), LB_INVALID));
    cr_assert(eq(int, stat_boot_recall(&data, 0.01, 1, 0.95, &stream, &out, &error), LB_INVALID));
    cr_assert(eq(int, stat_boot_recall(&data, 0.01, 100, 95, &stream, &out, &error), LB_INVALID));
    cr_assert(strstr(error.message, "level 95") != NULL, "%s", error.message);
    data.defects = 0;
    cr_assert(eq(int, stat_boot_recall(&data, 0.01, 100, 0.95, &stream, &out, &error), LB_INVALID));
    cr_assert(strstr(error.message, "no defect scores") != NULL, "%s", error.message);
    data.defects = DEFECTS;
    defect[3] = NAN;
    cr_assert(eq(int, stat_boot_recall(&data, 0.01, 100, 0.95, &stream, &out, &error), LB_INVALID));
    cr_assert(strstr(error.message, "defect score 3 is nan") != NULL, "%s", error.message);
}

/* --- several losses and seeds ---------------------------------------------------------------------------------------
 */

static float model_good[LOSSES * SEEDS][GOODS], model_defect[LOSSES * SEEDS][DEFECTS];
static const float *good_of[LOSSES * SEEDS], *defect_of[LOSSES * SEEDS];

/* An item has a difficulty that all models share, a model adds its own noise; loss 1 is loss 0 shifted by `advantage`,
   and loss 2 is loss 0. */
static stat_crossed make_crossed(float advantage) {
    rng stream = rng_from_text("crossed");
    make_scores(2.2f, 0);
    for (int m = 0; m < LOSSES * SEEDS; m++) {
        const int loss = m / SEEDS, seed = m % SEEDS;
        good_of[m] = model_good[m];
        defect_of[m] = model_defect[m];
        for (int i = 0; i < GOODS; i++)
            model_good[m][i] = loss == 2 ? model_good[seed][i] : good[i] + 0.3f * rng_normal(&stream);
        for (int i = 0; i < DEFECTS; i++)
            model_defect[m][i] = loss == 2 ? model_defect[seed][i]
                                           : defect[i] + 0.3f * rng_normal(&stream) + (loss == 1 ? advantage : 0);
    }
    return (stat_crossed){
        .losses = LOSSES, .seeds = SEEDS, .goods = GOODS, .defects = DEFECTS, .good = good_of, .defect = defect_of};
}

static double brute_recall(int model, const int *goods, const int *defects, double alpha) {
    float drawn[GOODS];
    for (int i = 0; i < GOODS; i++) drawn[i] = model_good[model][goods[i]];
    qsort(drawn, GOODS, sizeof *drawn, descending);
    int found = 0;
    for (int i = 0; i < DEFECTS; i++) found += model_defect[model][defects[i]] > drawn[fr_allowed(alpha, GOODS)];
    return (double)found / DEFECTS;
}

/* As described: seeds drawn, items drawn once for all models. first[] is loss 0, difference[] loss 1 minus loss 0. */
static void brute_crossed(double alpha, size_t replicates, double *first, double *difference) {
    rng stream = rng_from_text("brute crossed");
    int goods[GOODS], defects[DEFECTS];
    for (size_t b = 0; b < replicates; b++) {
        for (int i = 0; i < GOODS; i++) goods[i] = (int)rng_below(&stream, GOODS);
        for (int i = 0; i < DEFECTS; i++) defects[i] = (int)rng_below(&stream, DEFECTS);
        double sum[2] = {0, 0};
        for (int s = 0; s < SEEDS; s++) {
            const int seed = (int)rng_below(&stream, SEEDS);
            for (int loss = 0; loss < 2; loss++) sum[loss] += brute_recall(loss * SEEDS + seed, goods, defects, alpha);
        }
        first[b] = sum[0] / SEEDS;
        difference[b] = (sum[1] - sum[0]) / SEEDS;
    }
    stat_sort(first, replicates);
    stat_sort(difference, replicates);
}

/* 3000 replicates: the Monte Carlo error of a 2.5 % point is about .003 here, and recalls step by 1/240. */
Test(bootstrap, crossed_equals_drawing_every_item) {
    enum { B = 3000 };
    static double first[B], difference[B];
    const stat_crossed data = make_crossed(0.5f);
    stat_interval mean[LOSSES], gap[LOSSES];
    rng stream = rng_from_text("ours");
    cr_assert(zero(int, stat_boot_crossed(&data, 0.02, 0, B, 0.95, &stream, mean, gap, NULL)));
    brute_crossed(0.02, B, first, difference);
    cr_assert(epsilon_eq(dbl, mean[0].low, stat_quantile(first, B, 0.025), 0.015));
    cr_assert(epsilon_eq(dbl, mean[0].high, stat_quantile(first, B, 0.975), 0.015));
    cr_assert(epsilon_eq(dbl, gap[1].low, stat_quantile(difference, B, 0.025), 0.015));
    cr_assert(epsilon_eq(dbl, gap[1].high, stat_quantile(difference, B, 0.975), 0.015));
}

Test(bootstrap, crossed_differences_are_paired) {
    const stat_crossed data = make_crossed(0.5f);
    stat_interval mean[LOSSES], gap[LOSSES], against_first[LOSSES];
    rng a = rng_from_text("pair"), b = rng_from_text("pair");
    cr_assert(zero(int, stat_boot_crossed(&data, 0.02, 0, 1000, 0.95, &a, mean, gap, NULL)));
    cr_assert(lt(dbl, gap[1].high - gap[1].low, 0.8 * (mean[0].high - mean[0].low)));
    cr_assert(gt(dbl, gap[1].low, 0));
    cr_assert(eq(dbl, gap[0].low, 0));
    cr_assert(eq(dbl, gap[0].high, 0));
    /* equal scores never disagree: 0 of 60 defects, not "exactly 0" */
    cr_assert(epsilon_eq(dbl, gap[2].high, stat_clopper_pearson(0, DEFECTS, 0.95).high, 1e-12));
    cr_assert(eq(dbl, gap[2].low, -gap[2].high));
    cr_assert(eq(dbl, mean[2].low, mean[0].low));
    cr_assert(zero(int, stat_boot_crossed(&data, 0.02, 1, 1000, 0.95, &b, mean, against_first, NULL)));
    cr_assert(epsilon_eq(dbl, against_first[0].low, -gap[1].high, 1e-12));
    cr_assert(epsilon_eq(dbl, against_first[0].high, -gap[1].low, 1e-12));
}

Test(bootstrap, crossed_recall_one_gets_clopper_pearson) {
    stat_crossed data = make_crossed(20);
    stat_interval mean[LOSSES];
    rng stream = rng_from_text("one");
    cr_assert(zero(int, stat_boot_crossed(&data, 0.02, 0, 200, 0.95, &stream, mean, NULL, NULL)));
    cr_assert(eq(dbl, mean[1].low, stat_clopper_pearson(DEFECTS, DEFECTS, 0.95).low));
    cr_assert(eq(dbl, mean[1].high, 1));
}

Test(bootstrap, crossed_refuses_and_says_why) {
    stat_crossed data = make_crossed(0);
    stat_interval mean[LOSSES];
    lb_error error = {0};
    rng stream = rng_from_text("refuse");
    cr_assert(eq(int, stat_boot_crossed(&data, 0.02, 3, 200, 0.95, &stream, mean, NULL, &error), LB_INVALID));
    cr_assert(strstr(error.message, "baseline 3") != NULL, "%s", error.message);
    data.seeds = 0;
    cr_assert(eq(int, stat_boot_crossed(&data, 0.02, 0, 200, 0.95, &stream, mean, NULL, &error), LB_INVALID));
}

/* Lua's method: every allocation in turn fails; the answer is an error, never a crash. */
Test(bootstrap, every_failed_allocation_is_an_error) {
#if FAILING_MALLOC
    uint32_t part[GOODS];
    double out[12], variance;
    stat_crossed data = make_crossed(0.1f);
    for (uint32_t i = 0; i < GOODS; i++) part[i] = i / 2;
    data.good_part = data.defect_part = part;
    const stat_scored one = scored();
    const double values[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    for (int function = 0; function < 9; function++) {
        int code = LB_MEMORY;
        long n = 0;
        for (; code != LB_OK && n < 100; n++) {
            lb_error error = {0};
            rng stream = rng_from_text("memory");
            stat_interval interval[LOSSES], gap[LOSSES];
            stat_delong_pair pair;
            stat_friedman friedman;
            fail_malloc_after(n);
            switch (function) {
            case 0:
                code = stat_boot_recall(&one, 0.02, 10, 0.95, &stream, interval, &error);
                break;
            case 1:
                code = stat_boot_crossed(&data, 0.02, 0, 10, 0.95, &stream, interval, gap, &error);
                break;
            case 2:
                code = stat_delong(good, GOODS, defect, DEFECTS, out, &variance, &error);
                break;
            case 3:
                code = stat_delong_paired(good_of, GOODS, defect_of, DEFECTS, &pair, &error);
                break;
            case 4:
                code = stat_wilcoxon(values, 12, out, &error);
                break;
            case 5:
                code = stat_holm(values, 12, out, &error);
                break;
            case 6:
                code = stat_friedman_f(values, 4, 3, &friedman, out, &error);
                break;
            case 7:
                code = stat_best_of_k(values, 12, out, &error);
                break;
            default:
                code = stat_iqm(values, 12, out, &error);
                break;
            }
            fail_malloc_after(-1);
            if (code != LB_OK) {
                cr_assert(eq(int, code, LB_MEMORY));
                cr_assert(eq(int, (int)error.code, LB_MEMORY));
            }
        }
        cr_assert(n > 1 && n < 100, "function %d: %ld allocations", function, n);
    }
#else
    cr_skip_test("the sanitizer has its own malloc");
#endif
}
