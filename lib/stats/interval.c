/* Intervals of proportions and of means over seeds, the Neyman-Pearson order statistic, and the verdict words. */
#include "lib/stats/stats.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

stat_verdict_kind stat_verdict(stat_interval difference, double margin) {
    if (difference.low > margin) return STAT_BETTER;
    if (difference.high < -margin) return STAT_WORSE;
    if (difference.low > -margin && difference.high < margin) return STAT_EQUIVALENT;
    return STAT_UNCLEAR;
}

const char *stat_verdict_word(stat_verdict_kind verdict) {
    static const char *const words[] = {"better", "worse", "equivalent", "unclear"};
    return words[verdict];
}

/* The p for which P(Bin(n, p) <= successes) = tail, by bisection: gsl_cdf_beta_Pinv calls its error handler, which
   aborts, where its own iteration does not converge. */
static double binomial_limit(size_t successes, size_t n, double tail) {
    double low = 0.0, high = 1.0;
    for (double middle = 0.5; middle > low && middle < high; middle = 0.5 * (low + high)) {
        if (gsl_cdf_beta_Q(middle, (double)successes + 1.0, (double)(n - successes)) > tail)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high);
}

stat_interval stat_clopper_pearson(size_t successes, size_t n, double level) {
    const double tail = 0.5 * (1.0 - level);
    return (stat_interval){
        .low = successes == 0 ? 0.0 : binomial_limit(successes - 1, n, 1.0 - tail),
        .high = successes == n ? 1.0 : binomial_limit(successes, n, tail),
    };
}

long stat_np_order(size_t n, double alpha, double delta) {
    long below = -1, above = (long)n; /* P(Bin <= below) <= delta < P(Bin <= above) */
    while (above - below > 1) {
        const long middle = below + (above - below) / 2;
        if (gsl_cdf_binomial_P((unsigned)middle, alpha, (unsigned)n) <= delta)
            below = middle;
        else
            above = middle;
    }
    return below;
}

stat_interval stat_corrected_t_interval(const double *x, size_t n, double test_over_train, double level) {
    if (n < 2) return (stat_interval){-(double)INFINITY, (double)INFINITY};
    const double factor = sqrt(1.0 / (double)n + test_over_train);
    const double half = gsl_cdf_tdist_Pinv(0.5 * (1.0 + level), (double)(n - 1)) * factor * stat_sd(x, n);
    const double mean = stat_mean(x, n);
    return (stat_interval){mean - half, mean + half};
}

stat_interval stat_t_interval(const double *x, size_t n, double level) {
    return stat_corrected_t_interval(x, n, 0.0, level);
}
