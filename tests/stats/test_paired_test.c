/* Golden values: R 4.2, the call stands beside each. */
#include "lib/stats/stats.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

static const double ten[] = {0.031, -0.012, 0.045, 0.027, 0.008, -0.003, 0.052, 0.019, 0.036, 0.014};

/* All sign vectors, one by one: two-sided p of a statistic that is a sum of signed sizes, around its centre. */
static double brute_p(const double *size, size_t n, double observed) {
    double extreme = 0, all = ldexp(1, (int)n);
    for (unsigned long signs = 0; signs < (1ul << n); signs++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += (signs >> i) & 1 ? size[i] : -size[i];
        extreme += fabs(sum) >= fabs(observed) - 1e-9;
    }
    return extreme / all;
}

Test(paired, signflip_equals_enumeration) {
    for (size_t n = 1; n <= 10; n++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += ten[i];
        cr_assert(epsilon_eq(dbl, stat_signflip(ten, n, 0, NULL), brute_p(ten, n, sum), 1e-12));
    }
}

/* PROTOCOL.md: R = 10 seeds, smallest p 0.002 = 2/2^10. Ties and zeros count on both sides. */
Test(paired, signflip_limits) {
    const double same_sign[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, zeros[] = {0, 0, 0};
    cr_assert(epsilon_eq(dbl, stat_signflip(same_sign, 10, 0, NULL), 2.0 / 1024, 1e-15));
    cr_assert(eq(dbl, stat_signflip(zeros, 3, 0, NULL), 1));
    const double rounding[] = {0.1, 0.2, -0.3, 0.1, 0.2}; /* .1 + .2 is not .3 in floating point */
    cr_assert(epsilon_eq(dbl, stat_signflip(rounding, 5, 0, NULL), brute_p(rounding, 5, 0.3), 1e-12));
}

/* Beyond 20 the sampled p must agree with the exact one of the same numbers doubled in count: here with the normal
 * limit. */
Test(paired, signflip_sampled_agrees_with_exact) {
    double twenty[21];
    for (size_t i = 0; i < 21; i++) twenty[i] = i < 20 ? ten[i % 10] - 0.015 : 0;
    rng stream = rng_from_text("signflip");
    const double exact = stat_signflip(twenty, 20, 0, NULL), sampled = stat_signflip(twenty, 21, 100000, &stream);
    cr_assert(epsilon_eq(dbl, sampled, exact, 4 * sqrt(exact / 100000))); /* the 21st is 0 and changes nothing */
    cr_assert(lt(dbl, exact, 0.9));
}

/* wilcox.test(d, exact=TRUE)$p.value; wilcox.test(c(-3,5,-1,2,4,-6,7,8), exact=TRUE)$p.value
   i <- 1:49; wilcox.test(((i*37)%%101)-40.5+i*1e-3, exact=TRUE)$p.value */
Test(paired, wilcoxon_exact_golden) {
    double p, many[49];
    cr_assert(zero(int, stat_wilcoxon(ten, 10, &p, NULL)));
    cr_assert(epsilon_eq(dbl, p, 0.013671875, 1e-12));
    const double eight[] = {-3, 5, -1, 2, 4, -6, 7, 8};
    cr_assert(zero(int, stat_wilcoxon(eight, 8, &p, NULL)));
    cr_assert(epsilon_eq(dbl, p, 0.3125, 1e-12));
    for (int i = 1; i <= 49; i++) many[i - 1] = (i * 37) % 101 - 40.5 + i * 1e-3;
    cr_assert(zero(int, stat_wilcoxon(many, 49, &p, NULL)));
    cr_assert(epsilon_eq(dbl, p, 0.0223913856349, 1e-10));
}

/* i <- 1:60; wilcox.test(((i*37)%%13)-4.5, exact=FALSE, correct=TRUE)$p.value (ties, no zeros) */
Test(paired, wilcoxon_normal_golden) {
    double many[60], p;
    for (int i = 1; i <= 60; i++) many[i - 1] = (i * 37) % 13 - 4.5;
    cr_assert(zero(int, stat_wilcoxon(many, 60, &p, NULL)));
    cr_assert(epsilon_eq(dbl, p, 0.00257861810208, 1e-10));
}

/* Zeros by Pratt: ranked with the others, then left out. Ranks by hand: sizes 0 0 1 1 2 3 4 -> 1.5 1.5 3.5 3.5 5 6 7.
 */
Test(paired, wilcoxon_zeros_and_ties_equal_enumeration) {
    const double d[] = {0, 1, -1, 2, 0, 3, 4}, rank[] = {3.5, 3.5, 5, 6, 7};
    double p;
    cr_assert(zero(int, stat_wilcoxon(d, 7, &p, NULL)));
    cr_assert(epsilon_eq(dbl, p, brute_p(rank, 5, 3.5 - 3.5 + 5 + 6 + 7), 1e-12));
    const double zeros[60] = {0};
    cr_assert(zero(int, stat_wilcoxon(zeros, 5, &p, NULL)));
    cr_assert(eq(dbl, p, 1));
    cr_assert(zero(int, stat_wilcoxon(zeros, 60, &p, NULL)));
    cr_assert(eq(dbl, p, 1));
    cr_assert(eq(int, stat_wilcoxon(zeros, 0, &p, NULL), LB_INVALID));
}

/* PROTOCOL.md: never below 2/2^N; N = 50 is the last exact one. */
Test(paired, wilcoxon_smallest_p) {
    double d[50], p;
    for (size_t n = 1; n <= 50; n++) {
        d[n - 1] = (double)n;
        cr_assert(zero(int, stat_wilcoxon(d, n, &p, NULL)));
        cr_assert(epsilon_eq(dbl, p, fmin(1, ldexp(2, -(int)n)), 1e-20));
    }
}

/* Negating all differences must not change any p. */
Test(paired, p_is_two_sided) {
    double negated[10], p, q;
    for (int i = 0; i < 10; i++) negated[i] = -ten[i];
    cr_assert(zero(int, stat_wilcoxon(ten, 10, &p, NULL)));
    cr_assert(zero(int, stat_wilcoxon(negated, 10, &q, NULL)));
    cr_assert(eq(dbl, p, q));
    cr_assert(eq(dbl, stat_signflip(ten, 10, 0, NULL), stat_signflip(negated, 10, 0, NULL)));
}

/* p.adjust(c(.01,.04,.03,.005,.2,.04,.9), "holm") */
Test(paired, holm) {
    const double p[] = {0.01, 0.04, 0.03, 0.005, 0.2, 0.04, 0.9};
    const double expected[] = {0.060, 0.160, 0.150, 0.035, 0.400, 0.160, 0.900};
    double adjusted[7], in_place[7];
    for (int i = 0; i < 7; i++) in_place[i] = p[i];
    cr_assert(zero(int, stat_holm(p, 7, adjusted, NULL)));
    cr_assert(zero(int, stat_holm(in_place, 7, in_place, NULL)));
    for (int i = 0; i < 7; i++) {
        cr_assert(epsilon_eq(dbl, adjusted[i], expected[i], 1e-12));
        cr_assert(eq(dbl, in_place[i], adjusted[i]));
    }
}
