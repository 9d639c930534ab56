#include "lib/metrics/metrics.h"

#include "tests/metrics/binormal.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

enum { GOODS = 1000, DEFECTS = 80 };
static float good[GOODS], defect[DEFECTS];

static metric_scores binormal_set(const char *name, float shift, float step) {
    binormal(name, shift, step, good, GOODS, defect, DEFECTS);
    metric_scores s;
    cr_assert(zero(int, metric_scores_new(&s, good, GOODS, defect, DEFECTS, NULL)));
    return s;
}

/* Least n with (1-alpha)^n <= .05, as PROTOCOL.md's table and by the definition. */
Test(operating_point, minimum_goods) {
    const double alpha[] = {0.05, 0.01, 0.005, 0.001};
    const size_t expected[] = {59, 299, 598, 2995};
    for (size_t i = 0; i < 4; i++) {
        const size_t n = metric_minimum_goods(alpha[i]);
        cr_assert(eq(sz, n, expected[i]));
        cr_assert(le(dbl, pow(1 - alpha[i], (double)n), 0.05));
        cr_assert(gt(dbl, pow(1 - alpha[i], (double)n - 1), 0.05));
    }
}

/* By the definition alone: of all good scores taken as thresholds, the lowest that rejects at most alpha of the goods.
   Without ties it must be the (k+1)-th largest. */
Test(operating_point, threshold_is_the_lowest_that_keeps_the_level) {
    const double alpha[] = {0.001, 0.005, 0.01, 0.05, 0.0, 0.29};
    metric_scores s = binormal_set("threshold", 2, 0);
    for (size_t a = 0; a < 6; a++) {
        float lowest = INFINITY;
        for (size_t i = 0; i < GOODS; i++) {
            size_t rejected = 0;
            for (size_t j = 0; j < GOODS; j++) rejected += good[j] > good[i];
            if ((double)rejected <= alpha[a] * GOODS + 1e-9 && good[i] < lowest) lowest = good[i];
        }
        const metric_threshold t = metric_frr_threshold(&s, alpha[a]);
        cr_assert(eq(flt, t.threshold, lowest));
        cr_assert(eq(sz, t.allowed, (size_t)lround(alpha[a] * GOODS)));
        cr_assert(eq(sz, t.rejected, t.allowed));
        cr_assert(eq(sz, t.tied, 1));
    }
    metric_scores_free(&s);
}

/* 0.29 * 100 is 28.999999999999996 in floating point. */
Test(operating_point, rounding_does_not_cost_a_part) {
    metric_scores s;
    for (size_t i = 0; i < 100; i++) good[i] = (float)i;
    defect[0] = 70.5f;
    cr_assert(zero(int, metric_scores_new(&s, good, 100, defect, 1, NULL)));
    cr_assert(eq(sz, metric_frr_threshold(&s, 0.29).allowed, 29));
    cr_assert(eq(flt, metric_frr_threshold(&s, 0.29).threshold, 70));
    cr_assert(eq(dbl, metric_recall_at(&s, 0.29, NULL).recall, 1));
    cr_assert(eq(dbl, metric_recall_at(&s, 0.28, NULL).recall, 0));
    metric_scores_free(&s);
}

Test(operating_point, fr_never_exceeds_the_level_with_ties) {
    metric_scores s = binormal_set("ties", 2, 0.25f);
    double last = 0;
    for (double alpha = 0.002; alpha < 0.9; alpha *= 1.1) {
        const metric_point p = metric_recall_at(&s, alpha, NULL);
        cr_assert(le(dbl, p.fr, alpha + 1e-9));
        cr_assert(ge(dbl, p.recall, last));
        last = p.recall;
    }
    metric_scores_free(&s);
}

/* Dice-like saturation: many goods share the highest score. */
Test(operating_point, a_saturated_model_is_tied) {
    metric_scores s;
    for (size_t i = 0; i < GOODS; i++) good[i] = i < 11 ? 17.0f : -1.0f - (float)i;
    for (size_t i = 0; i < DEFECTS; i++) defect[i] = 17;
    cr_assert(zero(int, metric_scores_new(&s, good, GOODS, defect, DEFECTS, NULL)));
    metric_status status;
    const metric_point p = metric_recall_at(&s, 0.01, &status);
    cr_assert(eq(int, (int)status, METRIC_TIED));
    cr_assert(eq(dbl, p.recall, 0));
    cr_assert(eq(sz, metric_frr_threshold(&s, 0.01).tied, 11));
    metric_recall_at(&s, 0.05, &status); /* the 51st largest is not in the tie */
    cr_assert(eq(int, (int)status, METRIC_OK));
    metric_scores_free(&s);
    good[10] = -1; /* now 10 tie, which is not more than alpha, but the threshold is below them */
    cr_assert(zero(int, metric_scores_new(&s, good, GOODS, defect, DEFECTS, NULL)));
    cr_assert(eq(dbl, metric_recall_at(&s, 0.01, &status).recall, 1));
    cr_assert(eq(int, (int)status, METRIC_OK));
    metric_scores_free(&s);
}

/* Five goods above, then a tie over the 11th largest: 10 of 1000 are not more than 1 %, 11 are. */
Test(operating_point, tied_from_one_more_than_the_level) {
    for (size_t ties = 10; ties <= 11; ties++) {
        metric_scores s;
        for (size_t i = 0; i < GOODS; i++) good[i] = i < 5 ? 20.0f : i < 5 + ties ? 17.0f : -(float)i;
        defect[0] = 18;
        cr_assert(zero(int, metric_scores_new(&s, good, GOODS, defect, 1, NULL)));
        const metric_threshold t = metric_frr_threshold(&s, 0.01);
        cr_assert(eq(int, (int)t.status, ties == 10 ? METRIC_OK : METRIC_TIED));
        cr_assert(eq(sz, t.tied, ties));
        cr_assert(eq(sz, t.rejected, 5));
        metric_scores_free(&s);
    }
}

Test(operating_point, too_few_goods_say_so_at_the_exact_number) {
    metric_scores s;
    metric_status status;
    binormal("few", 2, 0, good, GOODS, defect, DEFECTS);
    for (size_t n = 298; n <= 299; n++) {
        cr_assert(zero(int, metric_scores_new(&s, good, n, defect, DEFECTS, NULL)));
        metric_recall_at(&s, 0.01, &status);
        cr_assert(eq(int, (int)status, n < 299 ? METRIC_TOO_FEW : METRIC_OK));
        metric_scores_free(&s);
    }
}

Test(operating_point, given_order_and_no_order) {
    metric_scores s = binormal_set("order", 2, 0);
    const metric_threshold t = metric_order_threshold(&s, 4, 0.01); /* stat_np_order(1000, .01, .05) = 4 */
    cr_assert(eq(flt, t.threshold, s.good[4]));
    cr_assert(eq(int, (int)t.status, METRIC_OK));
    const metric_threshold none = metric_order_threshold(&s, -1, 0.01);
    cr_assert(eq(int, (int)none.status, METRIC_TOO_FEW));
    cr_assert(eq(sz, metric_at(&s, none.threshold).false_rejects, 0));
    cr_assert(eq(sz, metric_at(&s, none.threshold).found, 0));
    metric_scores_free(&s);
}

/* By hand: threshold 0, goods {-2,-1,0,1,3}, defects {-1,2,4}: 2 false rejects (0 is not above 0), 2 found, 1 missed.
 */
Test(operating_point, confusion_by_hand) {
    const float few_good[] = {-2, -1, 0, 1, 3}, few_defect[] = {-1, 2, 4};
    metric_scores s;
    cr_assert(zero(int, metric_scores_new(&s, few_good, 5, few_defect, 3, NULL)));
    const metric_point p = metric_at(&s, 0);
    cr_assert(eq(sz, p.false_rejects, 2));
    cr_assert(eq(sz, p.found, 2));
    cr_assert(epsilon_eq(dbl, p.fr, 2.0 / 5, 1e-15));
    cr_assert(epsilon_eq(dbl, p.recall, 2.0 / 3, 1e-15));
    cr_assert(epsilon_eq(dbl, p.precision, 2.0 / 4, 1e-15));
    cr_assert(epsilon_eq(dbl, p.accuracy, 5.0 / 8, 1e-15));
    cr_assert(epsilon_eq(dbl, p.f1, 2 * 0.5 * (2.0 / 3) / (0.5 + 2.0 / 3), 1e-15));
    const metric_point none = metric_at(&s, 9);
    cr_assert(isnan(none.precision));
    cr_assert(eq(dbl, none.f1, 0));
    metric_scores_free(&s);
}
