/* Golden values: R 4.2, the call stands beside each. */
#include "lib/stats/stats.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>

/* binom.test(x, n, conf.level=level)$conf.int */
Test(interval, clopper_pearson) {
    const struct {
        size_t x, n;
        double level, low, high;
    } rows[] = {
        {0, 20, 0.95, 0, 0.168433470983},
        {20, 20, 0.95, 0.831566529017, 1},
        {40, 50, 0.95, 0.662816891617, 0.899697762527},
        {3, 1000, 0.95, 0.00061909993165, 0.00874202323848},
        {396, 400, 0.95, 0.974595199093, 0.997268804029},
        {7, 30, 0.90, 0.114986895570, 0.393947422522},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const stat_interval got = stat_clopper_pearson(rows[i].x, rows[i].n, rows[i].level);
        cr_assert(epsilon_eq(dbl, got.low, rows[i].low, 1e-11));
        cr_assert(epsilon_eq(dbl, got.high, rows[i].high, 1e-11));
    }
}

/* The limits are where the binomial tail equals 2.5 %, for sizes up to the largest good sets. */
Test(interval, clopper_pearson_meets_its_definition) {
    const size_t sizes[] = {1, 2, 30, 1000, 100000};
    for (size_t s = 0; s < 5; s++)
        for (size_t x = 0; x <= sizes[s]; x += 1 + sizes[s] / 23) {
            const stat_interval got = stat_clopper_pearson(x, sizes[s], 0.95);
            const unsigned n = (unsigned)sizes[s], k = (unsigned)x;
            if (k > 0) cr_assert(epsilon_eq(dbl, gsl_cdf_binomial_Q(k - 1, got.low, n), 0.025, 1e-9));
            if (k < n) cr_assert(epsilon_eq(dbl, gsl_cdf_binomial_P(k, got.high, n), 0.025, 1e-9));
            const stat_interval mirrored = stat_clopper_pearson(sizes[s] - x, sizes[s], 0.95);
            cr_assert(epsilon_eq(dbl, got.low, 1 - mirrored.high, 1e-12));
        }
}

/* PROTOCOL.md: k = 0/1/4/12/38/83 for alpha 1 %, delta 5 %; least n 59, 299, 598, 2995. */
Test(interval, np_order) {
    const size_t n[] = {300, 500, 1000, 2000, 5000, 10000};
    const long k[] = {0, 1, 4, 12, 38, 83};
    for (int i = 0; i < 6; i++) cr_assert(eq(long, stat_np_order(n[i], 0.01, 0.05), k[i]));
    const double alpha[] = {0.05, 0.01, 0.005, 0.001};
    const size_t least[] = {59, 299, 598, 2995};
    for (int i = 0; i < 4; i++) {
        cr_assert(eq(long, stat_np_order(least[i], alpha[i], 0.05), 0));
        cr_assert(eq(long, stat_np_order(least[i] - 1, alpha[i], 0.05), -1));
    }
    cr_assert(eq(long, stat_np_order(0, 0.01, 0.05), -1));
}

Test(interval, np_order_is_the_largest_that_holds) {
    long last = -1;
    for (size_t n = 50; n < 6000; n += 37) {
        const long k = stat_np_order(n, 0.02, 0.05);
        cr_assert(ge(long, k, last));
        if (k >= 0) cr_assert(gsl_cdf_binomial_P((unsigned)k, 0.02, (unsigned)n) <= 0.05);
        cr_assert(gsl_cdf_binomial_P((unsigned)(k + 1), 0.02, (unsigned)n) > 0.05);
        last = k;
    }
}

static const double differences[] = {0.031, -0.012, 0.045, 0.027, 0.008, -0.003, 0.052, 0.019, 0.036, 0.014};

/* d <- c(.031,-.012,.045,.027,.008,-.003,.052,.019,.036,.014); t.test(d)$conf.int; t.test(d, conf.level=.9)$conf.int
   corrected, test/train = .25: mean(d) + c(-1,1)*qt(.975,9)*sqrt((1/10+.25)*var(d)) */
Test(interval, t_intervals) {
    const stat_interval plain = stat_t_interval(differences, 10, 0.95), narrow = stat_t_interval(differences, 10, 0.9);
    cr_assert(epsilon_eq(dbl, plain.low, 0.00703935208879, 1e-11));
    cr_assert(epsilon_eq(dbl, plain.high, 0.03636064791121, 1e-11));
    cr_assert(epsilon_eq(dbl, narrow.low, 0.00981991327167, 1e-11));
    cr_assert(epsilon_eq(dbl, narrow.high, 0.03358008672833, 1e-11));
    const stat_interval corrected = stat_corrected_t_interval(differences, 10, 0.25, 0.95);
    cr_assert(epsilon_eq(dbl, corrected.low, -0.00572756077593, 1e-11));
    cr_assert(epsilon_eq(dbl, corrected.high, 0.04912756077593, 1e-11));
    const stat_interval one = stat_t_interval(differences, 1, 0.95);
    cr_assert(one.low == -(double)INFINITY && one.high == (double)INFINITY);
}

Test(interval, verdicts) {
    const struct {
        stat_interval difference;
        const char *word;
    } rows[] = {
        {{0.021, 0.08}, "better"},     {{0.02, 0.08}, "unclear"},
        {{-0.09, -0.03}, "worse"},     {{-0.019, 0.019}, "equivalent"},
        {{-0.02, 0.0}, "unclear"},     {{-0.05, 0.05}, "unclear"},
        {{0.001, 0.01}, "equivalent"}, {{-(double)INFINITY, (double)INFINITY}, "unclear"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        cr_assert(
            eq(str, (char *)stat_verdict_word(stat_verdict(rows[i].difference, STAT_MARGIN)), (char *)rows[i].word));
}
