#include "lib/metrics/metrics.h"

#include "tests/metrics/binormal.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

enum { GOODS = 400, DEFECTS = 60, CASES = 4 };
static float good[GOODS], defect[DEFECTS];

/* Four sets: no ties, few, many, and nearly all scores equal. */
static metric_scores case_set(int i) {
    const float step[CASES] = {0, 0.05f, 0.5f, 3};
    binormal("curve", 1.5f, step[i], good, GOODS, defect, DEFECTS);
    metric_scores s;
    cr_assert(zero(int, metric_scores_new(&s, good, GOODS, defect, DEFECTS, NULL)));
    return s;
}

static double brute_auroc(void) {
    double wins = 0;
    for (size_t i = 0; i < DEFECTS; i++)
        for (size_t j = 0; j < GOODS; j++) wins += defect[i] > good[j] ? 1 : defect[i] == good[j] ? 0.5 : 0;
    return wins / (GOODS * DEFECTS);
}

/* Share of n scores at or above t. */
static double share(const float *score, size_t n, float t) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += score[i] >= t;
    return (double)count / (double)n;
}

/* Average precision from its definition, without sorting: every defect contributes the precision of the threshold at
   its own score, and tied defects share one threshold. */
static double brute_average_precision(double prevalence) {
    double sum = 0;
    for (size_t i = 0; i < DEFECTS; i++) {
        const double found = prevalence * share(defect, DEFECTS, defect[i]);
        sum += found / (found + (1 - prevalence) * share(good, GOODS, defect[i]));
    }
    return sum / DEFECTS;
}

/* Mean over defects of the part of the goods' top max_fr that lies below it, ties half: AUROC restricted to the goods
   with the highest scores. With ties at the border the border group enters in proportion. */
static double brute_partial_area(double max_fr) {
    const double border_share = max_fr * GOODS;
    double area = 0;
    for (size_t j = 0; j < GOODS; j++) {
        double higher = 0, tied = 0;
        for (size_t k = 0; k < GOODS; k++) {
            higher += good[k] > good[j];
            tied += good[k] == good[j];
        }
        const double inside = fmin(fmax(border_share - higher, 0), tied) / tied; /* part of this good's tie group */
        double above = 0, equal = 0;
        for (size_t i = 0; i < DEFECTS; i++) {
            above += defect[i] > good[j];
            equal += defect[i] == good[j];
        }
        area += inside * (above + 0.5 * equal * inside); /* a group is a straight line, entered up to `inside` */
    }
    return area / (GOODS * DEFECTS);
}

Test(curve, auroc_equals_all_pairs) {
    for (int i = 0; i < CASES; i++) {
        metric_scores s = case_set(i);
        cr_assert(epsilon_eq(dbl, metric_auroc(&s), brute_auroc(), 1e-12));
        metric_scores_free(&s);
    }
}

Test(curve, partial_area_equals_its_definition) {
    const double max_fr[] = {0.05, 0.013, 0.3, 1};
    for (int i = 0; i < CASES; i++) {
        metric_scores s = case_set(i);
        for (int f = 0; f < 4; f++) {
            const double chance = max_fr[f] * max_fr[f] / 2;
            const double expected = 0.5 * (1 + (brute_partial_area(max_fr[f]) - chance) / (max_fr[f] - chance));
            cr_assert(epsilon_eq(dbl, metric_pauc(&s, max_fr[f]), expected, 1e-12));
        }
        cr_assert(epsilon_eq(dbl, metric_pauc(&s, 1), metric_auroc(&s), 1e-12));
        metric_scores_free(&s);
    }
}

Test(curve, average_precision_equals_its_definition) {
    for (int i = 0; i < CASES; i++) {
        metric_scores s = case_set(i);
        const double own = metric_prevalence(&s);
        cr_assert(epsilon_eq(dbl, metric_average_precision(&s, own), brute_average_precision(own), 1e-12));
        cr_assert(epsilon_eq(dbl, metric_average_precision(&s, 0.001), brute_average_precision(0.001), 1e-12));
        metric_scores_free(&s);
    }
}

/* scikit-learn's documented example: y = 0 0 1 1, scores .1 .4 .35 .8: AP = 0.8333, AUROC = 0.75. */
Test(curve, documented_example) {
    const float low[] = {0.1f, 0.4f}, high[] = {0.35f, 0.8f};
    metric_scores s;
    cr_assert(zero(int, metric_scores_new(&s, low, 2, high, 2, NULL)));
    cr_assert(epsilon_eq(dbl, metric_average_precision(&s, 0.5), 5.0 / 6, 1e-12));
    cr_assert(epsilon_eq(dbl, metric_auroc(&s), 0.75, 1e-12));
    metric_scores_free(&s);
}

Test(curve, perfect_and_reversed_and_constant) {
    const float a[] = {1, 2, 3}, b[] = {4, 5}, same[] = {7, 7, 7};
    metric_scores s;
    cr_assert(zero(int, metric_scores_new(&s, a, 3, b, 2, NULL)));
    cr_assert(epsilon_eq(dbl, metric_pauc(&s, 0.05), 1, 1e-12));
    cr_assert(epsilon_eq(dbl, metric_auroc(&s), 1, 1e-12));
    cr_assert(epsilon_eq(dbl, metric_average_precision(&s, 0.01), 1, 1e-12));
    metric_scores_free(&s);
    cr_assert(zero(int, metric_scores_new(&s, b, 2, a, 3, NULL)));
    cr_assert(epsilon_eq(dbl, metric_auroc(&s), 0, 1e-12));
    metric_scores_free(&s);
    cr_assert(zero(int, metric_scores_new(&s, same, 3, same, 2, NULL)));
    cr_assert(epsilon_eq(dbl, metric_auroc(&s), 0.5, 1e-12));
    cr_assert(epsilon_eq(dbl, metric_pauc(&s, 0.05), 0.5, 1e-12));
    cr_assert(epsilon_eq(dbl, metric_average_precision(&s, 0.4), 0.4, 1e-12));
    metric_scores_free(&s);
}

/* Nothing here may depend on more than the order of scores. */
Test(curve, invariant_under_monotone_maps) {
    metric_scores before = case_set(1), after;
    for (size_t i = 0; i < GOODS; i++) good[i] = expf(0.5f * good[i]);
    for (size_t i = 0; i < DEFECTS; i++) defect[i] = expf(0.5f * defect[i]);
    cr_assert(zero(int, metric_scores_new(&after, good, GOODS, defect, DEFECTS, NULL)));
    cr_assert(eq(dbl, metric_auroc(&before), metric_auroc(&after)));
    cr_assert(eq(dbl, metric_pauc(&before, 0.05), metric_pauc(&after, 0.05)));
    cr_assert(eq(dbl, metric_average_precision(&before, 0.1), metric_average_precision(&after, 0.1)));
    cr_assert(eq(dbl, metric_recall_at(&before, 0.05, NULL).recall, metric_recall_at(&after, 0.05, NULL).recall));
    metric_scores_free(&before);
    metric_scores_free(&after);
}

/* Binormal theory: AUROC = Phi(shift / sqrt 2); 400 x 60 scores have a standard error of about .02. */
Test(curve, binormal_theory) {
    metric_scores s = case_set(0);
    cr_assert(epsilon_eq(dbl, metric_auroc(&s), 0.5 * erfc(-1.5 / 2), 0.06));
    metric_scores_free(&s);
}

Test(curve, roc_on_a_log_grid_rises_through_the_table_values) {
    metric_scores s = case_set(0);
    double fr[61], recall[61];
    metric_log_grid(0.001, 1, 61, fr);
    cr_assert(eq(dbl, fr[0], 0.001));
    cr_assert(eq(dbl, fr[60], 1));
    cr_assert(epsilon_eq(dbl, fr[20], 0.01, 1e-12));
    metric_roc_curve(&s, fr, 61, recall);
    for (int i = 1; i < 61; i++) cr_assert(ge(dbl, recall[i], recall[i - 1]));
    cr_assert(eq(dbl, recall[20], metric_recall_at(&s, 0.01, NULL).recall));
    metric_scores_free(&s);
}
