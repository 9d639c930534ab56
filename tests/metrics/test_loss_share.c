#include "lib/metrics/metrics.h"

#include "tests/metrics/binormal.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>

enum { GOODS = 200, DEFECTS = 30 };
static float good[GOODS], defect[DEFECTS];

static metric_scores trained_set(void) {
    binormal("loss share", 3, 0, good, GOODS, defect, DEFECTS);
    for (size_t i = 0; i < GOODS; i++) good[i] -= 3;
    metric_scores s;
    cr_assert(zero(int, metric_scores_new(&s, good, GOODS, defect, DEFECTS, NULL)));
    return s;
}

/* Focal loss of an item by the paper's formula, and its gradient by central differences. */
static double focal(double z, int is_defect, double gamma) {
    const double p = 1 / (1 + exp(-z)), pt = is_defect ? p : 1 - p;
    return -pow(1 - pt, gamma) * log(pt);
}

static double focal_slope(double z, int is_defect, double gamma) {
    return fabs(focal(z + 1e-5, is_defect, gamma) - focal(z - 1e-5, is_defect, gamma)) / 2e-5;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static const double gammas[] = {0, 0.5, 1, 2, 5};

Test(loss_share, equals_sorted_and_summed_losses) {
    metric_scores s = trained_set();
    const double fraction[] = {0, 0.1, 0.5, 0.9, 1};
    for (int c = 0; c < 2; c++)
        for (int g = 0; g < 5; g++) {
            const size_t n = c ? DEFECTS : GOODS;
            double loss[GOODS], share[5], total = 0;
            for (size_t i = 0; i < n; i++) total += loss[i] = focal((double)(c ? defect : good)[i], c, gammas[g]);
            qsort(loss, n, sizeof *loss, ascending);
            metric_loss_share(&s, c ? METRIC_DEFECTS : METRIC_GOODS, gammas[g], fraction, 5, share);
            for (int f = 0; f < 5; f++) {
                double sum = 0;
                for (size_t i = 0; i < (size_t)lround(fraction[f] * (double)n); i++) sum += loss[i];
                cr_assert(epsilon_eq(dbl, share[f], sum / total, 1e-9));
            }
        }
    metric_scores_free(&s);
}

/* Figure 4 of the paper: the larger gamma, the less the easy items weigh. */
Test(loss_share, easy_items_fade_as_gamma_grows) {
    metric_scores s = trained_set();
    const double half = 0.5;
    double last = 1, last_gradient = 0;
    for (int g = 0; g < 5; g++) {
        double share;
        metric_loss_share(&s, METRIC_GOODS, gammas[g], &half, 1, &share);
        const double gradient = metric_gradient_share(&s, METRIC_GOODS, gammas[g], 0.1);
        cr_assert(lt(dbl, share, last));
        cr_assert(gt(dbl, gradient, last_gradient));
        last = share;
        last_gradient = gradient;
    }
    metric_scores_free(&s);
}

Test(loss_share, gradient_share_equals_differences_of_the_loss) {
    metric_scores s = trained_set();
    for (int c = 0; c < 2; c++)
        for (int g = 0; g < 5; g++) {
            const size_t n = c ? DEFECTS : GOODS;
            double total = 0, hard = 0;
            for (size_t i = 0; i < n; i++) { /* s.good and s.defect are descending in score */
                const size_t hardness = c ? n - 1 - i : i;
                const double slope = focal_slope((double)(c ? s.defect : s.good)[i], c, gammas[g]);
                total += slope;
                if (hardness < n / 10) hard += slope;
            }
            const double share = metric_gradient_share(&s, c ? METRIC_DEFECTS : METRIC_GOODS, gammas[g], 0.1);
            cr_assert(epsilon_eq(dbl, share, hard / total, 1e-6));
        }
    cr_assert(eq(dbl, metric_gradient_share(&s, METRIC_GOODS, 2, 0), 0));
    cr_assert(epsilon_eq(dbl, metric_gradient_share(&s, METRIC_GOODS, 2, 1), 1, 1e-12));
    metric_scores_free(&s);
}

Test(loss_share, linear_between_items_and_finite_at_the_ends) {
    const float easy[] = {-80, -80, -80, -80}, hard[] = {-80, -80};
    const double fraction[] = {0.1, 0.33, 0.99};
    double share[3];
    metric_scores s;
    cr_assert(zero(int, metric_scores_new(&s, easy, 4, hard, 2, NULL)));
    for (int c = 0; c < 2; c++) {
        metric_loss_share(&s, c ? METRIC_DEFECTS : METRIC_GOODS, 2, fraction, 3, share);
        for (int f = 0; f < 3; f++) cr_assert(epsilon_eq(dbl, share[f], fraction[f], 1e-12));
    }
    metric_scores_free(&s);
    const float perfect[] = {-2000, -2000};
    cr_assert(zero(int, metric_scores_new(&s, perfect, 2, hard, 2, NULL)));
    metric_loss_share(&s, METRIC_GOODS, 0, fraction, 1, share);
    cr_assert(isnan(share[0]));
    cr_assert(isnan(metric_gradient_share(&s, METRIC_GOODS, 0, 0.5)));
    metric_scores_free(&s);
}
