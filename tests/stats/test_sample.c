/* Golden values: R 4.2, the call stands beside each. */
#include "lib/stats/stats.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

static const double ten[] = {3.1, 0.2, 9.5, 4.4, 5.0, -7, 6.3, 2.2, 1.1, 8.8};

/* x <- c(3.1,.2,9.5,4.4,5,-7,6.3,2.2,1.1,8.8); mean(x, trim=.25); sd(x) */
Test(sample, iqm_and_sd) {
    double iqm;
    cr_assert(zero(int, stat_iqm(ten, 10, &iqm, NULL)));
    cr_assert(epsilon_eq(dbl, iqm, 3.68333333333, 1e-10));
    cr_assert(epsilon_eq(dbl, stat_sd(ten, 10), 4.75562824451, 1e-10));
    cr_assert(zero(int, stat_iqm(ten, 1, &iqm, NULL)));
    cr_assert(eq(dbl, iqm, 3.1));
    cr_assert(eq(int, stat_iqm(ten, 0, &iqm, NULL), LB_INVALID));
    cr_assert(isnan(stat_sd(ten, 1)));
}

/* quantile(x, c(0,.025,.3,.5,.975,1), type=7) */
Test(sample, quantile) {
    const double p[] = {0, 0.025, 0.3, 0.5, 0.975, 1}, expected[] = {-7, -5.38, 1.87, 3.75, 9.3425, 9.5};
    double sorted[10];
    for (int i = 0; i < 10; i++) sorted[i] = ten[i];
    stat_sort(sorted, 10);
    for (int i = 0; i < 6; i++) cr_assert(epsilon_eq(dbl, stat_quantile(sorted, 10, p[i]), expected[i], 1e-12));
}

/* rank(c(2,7,2,5,7,7,1)) */
Test(sample, midrank) {
    const double x[] = {2, 7, 2, 5, 7, 7, 1}, expected[] = {2.5, 6, 2.5, 4, 6, 6, 1};
    double rank[7];
    cr_assert(zero(int, stat_midrank(x, 7, rank, NULL)));
    for (int i = 0; i < 7; i++) cr_assert(eq(dbl, rank[i], expected[i]));
}

/* cor(c(1,2,2,4,5,6,6,8), c(2,1,3,3,5,8,7,7), method="kendall") */
Test(sample, kendall) {
    const double a[] = {1, 2, 2, 4, 5, 6, 6, 8}, b[] = {2, 1, 3, 3, 5, 8, 7, 7}, flat[] = {1, 1, 1, 1, 1, 1, 1, 1};
    cr_assert(epsilon_eq(dbl, stat_kendall(a, b, 8), 0.769230769231, 1e-11));
    cr_assert(epsilon_eq(dbl, stat_kendall(a, a, 8), 1, 1e-12));
    cr_assert(isnan(stat_kendall(a, flat, 8)));
}
