/* Golden values: R 4.2, the call stands beside each. */
#include "lib/stats/stats.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <string.h>

/* Times of R's help page of friedman.test (rounding first base, after Hollander & Wolfe), eight rows, with ties. */
static const double rounding_times[8 * 3] = {5.40, 5.50, 5.55, 5.85, 5.70, 5.75, 5.20, 5.60, 5.50, 5.55, 5.50, 5.40,
                                             5.90, 5.85, 5.70, 5.45, 5.55, 5.60, 5.40, 5.40, 5.35, 5.45, 5.50, 5.35};

/* f <- friedman.test(m); F <- 7*f$statistic/(8*2-f$statistic); pf(F,2,14,lower=FALSE); colMeans(t(apply(-m,1,rank))) */
Test(blocks, friedman_golden) {
    stat_friedman f;
    double mean_rank[3];
    cr_assert(zero(int, stat_friedman_f(rounding_times, 8, 3, &f, mean_rank, NULL)));
    cr_assert(epsilon_eq(dbl, f.chi_square, 0.838709677419, 1e-11));
    cr_assert(epsilon_eq(dbl, f.f, 0.387234042553, 1e-11));
    cr_assert(epsilon_eq(dbl, f.p, 0.685982868812, 1e-11));
    const double expected[] = {1.9375, 1.8125, 2.25};
    for (int i = 0; i < 3; i++) cr_assert(epsilon_eq(dbl, mean_rank[i], expected[i], 1e-12));
}

Test(blocks, friedman_extremes_and_missing_cells) {
    const double agreeing[] = {3, 2, 1, 30, 20, 10, 9, 8, 7}, equal[] = {1, 1, 1, 1, 1, 1};
    const double missing[] = {1, 2, (double)NAN, 4};
    stat_friedman f;
    double mean_rank[3];
    lb_error error = {0};
    cr_assert(zero(int, stat_friedman_f(agreeing, 3, 3, &f, mean_rank, NULL)));
    cr_assert(isinf(f.f) && f.p == 0 && mean_rank[0] == 1 && mean_rank[2] == 3);
    cr_assert(zero(int, stat_friedman_f(equal, 2, 3, &f, mean_rank, NULL)));
    cr_assert(f.f == 0 && f.p == 1 && mean_rank[1] == 2);
    cr_assert(eq(int, stat_friedman_f(missing, 2, 2, &f, mean_rank, &error), LB_INVALID));
    cr_assert(strstr(error.message, "block 1 has no value for method 0") != NULL, "%s", error.message);
    cr_assert(eq(int, stat_friedman_f(agreeing, 1, 3, &f, mean_rank, &error), LB_INVALID));
}

/* wilcox.test(c(.8,.82,.85,.79), c(.78,.82,.81,.8), exact=FALSE)$statistic / 16 = .625 for the first block; the second
   block is the first with sides exchanged, so both together give one half. */
Test(blocks, prob_improve) {
    const double x[] = {0.8, 0.82, 0.85, 0.79, 0.78, 0.82, 0.81, 0.8};
    const double y[] = {0.78, 0.82, 0.81, 0.8, 0.8, 0.82, 0.85, 0.79};
    cr_assert(epsilon_eq(dbl, stat_prob_improve(x, y, 1, 4), 0.625, 1e-12));
    cr_assert(epsilon_eq(dbl, stat_prob_improve(x, y, 2, 4), 0.5, 1e-12));
    cr_assert(epsilon_eq(dbl, stat_prob_improve(x, x, 2, 4), 0.5, 1e-12));
}

/* v <- c(.7,.2,.5,.9,.4); for (k in 1:5) mean(apply(combn(v,k), 2, max)) */
Test(blocks, best_of_k) {
    const double v[] = {0.7, 0.2, 0.5, 0.9, 0.4}, expected[] = {0.54, 0.71, 0.8, 0.86, 0.9};
    double got[5];
    cr_assert(zero(int, stat_best_of_k(v, 5, got, NULL)));
    for (int k = 0; k < 5; k++) cr_assert(epsilon_eq(dbl, got[k], expected[k], 1e-12));
}
