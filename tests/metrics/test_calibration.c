#include "lib/metrics/metrics.h"

#include "tests/metrics/binormal.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

static const float ten_goods[] = {-3.1f, -2.2f, -1.9f, -0.4f, -2.8f, 0.3f, -1.2f, -2.5f, -0.1f, -3.6f};
static const float four_defects[] = {1.5f, -0.6f, 2.2f, 0.4f};

/* R 4.2: g <- c(-3.1,...); d <- c(1.5,-.6,2.2,.4); t <- c(rep(1/12,10), rep(5/6,4))
   fit <- glm(t ~ c(g,d), family=quasibinomial, control=list(epsilon=1e-15, maxit=100)); coef(fit)
   ECE: p <- fitted(fit); y <- c(rep(0,10),rep(1,4)); b <- pmin(floor(p*15),14); sum(abs(tapply(p-y,b,sum)))/14 */
Test(calibration, golden_values_from_r) {
    metric_scores s;
    cr_assert(zero(int, metric_scores_new(&s, ten_goods, 10, four_defects, 4, NULL)));
    const metric_platt fit = metric_platt_fit(&s);
    cr_assert(epsilon_eq(dbl, fit.offset, -0.361948194665, 1e-7));
    cr_assert(epsilon_eq(dbl, fit.slope, 0.826954524787, 1e-7));
    cr_assert(epsilon_eq(dbl, metric_calibration_error(&s, &fit, 15), 0.186313109829, 1e-7));
    cr_assert(epsilon_eq(dbl, metric_calibration_error(&s, &fit, 5), 0.0859891228227, 1e-7));
    metric_scores_free(&s);
}

/* Shifting and stretching the scores changes the fit and not the probabilities. */
Test(calibration, probabilities_do_not_depend_on_the_scale_of_scores) {
    const float scale[] = {1, 1000, 0.001f, -1}, shift[] = {0, 5000, 3, 0};
    float good[10], defect[4];
    double first[4];
    for (int c = 0; c < 4; c++) {
        for (int i = 0; i < 10; i++) good[i] = scale[c] * ten_goods[i] + shift[c];
        for (int i = 0; i < 4; i++) defect[i] = scale[c] * four_defects[i] + shift[c];
        metric_scores s;
        cr_assert(zero(int, metric_scores_new(&s, good, 10, defect, 4, NULL)));
        const metric_platt fit = metric_platt_fit(&s);
        for (int i = 0; i < 4; i++) {
            const double p = metric_platt_probability(&fit, defect[i]);
            if (c == 0) first[i] = p;
            cr_assert(epsilon_eq(dbl, p, first[i], 2e-4)); /* float rounding of the shifted scores */
        }
        metric_scores_free(&s);
    }
}

/* Perfect separation has no finite maximum without the smoothed targets; constant scores have no slope. */
Test(calibration, separated_and_constant_scores_have_a_fit) {
    const float low[] = {-80, -79, -81}, high[] = {80, 79}, same[] = {2, 2, 2};
    metric_scores s;
    cr_assert(zero(int, metric_scores_new(&s, low, 3, high, 2, NULL)));
    metric_platt fit = metric_platt_fit(&s);
    cr_assert(epsilon_eq(dbl, metric_platt_probability(&fit, 80), 0.75, 0.01)); /* target (2+1)/(2+2) */
    cr_assert(epsilon_eq(dbl, metric_platt_probability(&fit, -80), 0.2, 0.01)); /* target 1/(3+2) */
    metric_scores_free(&s);
    cr_assert(zero(int, metric_scores_new(&s, same, 3, same, 2, NULL)));
    fit = metric_platt_fit(&s);
    cr_assert(epsilon_eq(dbl, metric_platt_probability(&fit, 2), (3 * 0.2 + 2 * 0.75) / 5, 1e-9));
    metric_scores_free(&s);
}

/* Binormal with equal variances is logistic in the score: log odds = shift x - shift^2/2 + log(defects/goods). */
Test(calibration, finds_the_true_sigmoid_and_little_error) {
    enum { GOODS = 20000, DEFECTS = 2000 };
    static float good[GOODS], defect[DEFECTS];
    binormal("platt", 2, 0, good, GOODS, defect, DEFECTS);
    metric_scores s;
    cr_assert(zero(int, metric_scores_new(&s, good, GOODS, defect, DEFECTS, NULL)));
    const metric_platt fit = metric_platt_fit(&s), wrong = {.slope = 1, .offset = 0};
    cr_assert(epsilon_eq(dbl, fit.slope, 2, 0.1));
    cr_assert(epsilon_eq(dbl, fit.offset, -2 + log(0.1), 0.15));
    cr_assert(lt(dbl, metric_calibration_error(&s, &fit, 15), 0.006));
    cr_assert(gt(dbl, metric_calibration_error(&s, &wrong, 15), 0.3));
    metric_scores_free(&s);
}
