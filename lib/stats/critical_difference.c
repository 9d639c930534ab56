/* The critical-difference diagram (Demsar, JMLR 7, 2006): its critical value, and which neighbours share a bar. */
#include "lib/stats/stats.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

/* P(range of k standard normals <= q) = k * integral of phi(z) (Phi(z) - Phi(z - q))^(k-1), z the largest. The
   trapezium rule converges faster than any power of the step on a smooth integrand that vanishes at both ends. */
static double range_probability(double q, double k) {
    const double low = -9.0, high = 9.0, step = 0.05;
    double sum = 0.0;
    for (int i = 0; i <= (int)((high - low) / step); i++) {
        const double z = low + step * i;
        sum += gsl_ran_ugaussian_pdf(z) * pow(gsl_cdf_ugaussian_P(z) - gsl_cdf_ugaussian_P(z - q), k - 1.0);
    }
    return k * sum * step;
}

double stat_demsar_q(size_t methods, double level) {
    double low = 0.0, high = 40.0;
    for (int i = 0; i < 60; i++) {
        const double middle = 0.5 * (low + high);
        if (range_probability(middle, (double)methods) < level)
            low = middle;
        else
            high = middle;
    }
    return 0.5 * (low + high) / sqrt(2.0);
}

double stat_critical_difference(size_t methods, size_t blocks, double level) {
    const double k = (double)methods;
    return stat_demsar_q(methods, level) * sqrt(k * (k + 1.0) / (6.0 * (double)blocks));
}

/* No one in first..last-1 is separated from `last`. */
static int joins(const unsigned char *separated, size_t methods, size_t first, size_t last) {
    for (size_t i = first; i < last; i++)
        if (separated[i * methods + last]) return 0;
    return 1;
}

size_t stat_cd_cliques(const unsigned char *separated, size_t methods, stat_run *bars) {
    size_t count = 0;
    for (size_t first = 0; first < methods; first++) {
        size_t last = first;
        while (last + 1 < methods && joins(separated, methods, first, last + 1)) last++;
        const int inside_previous = count > 0 && last <= bars[count - 1].last;
        if (last > first && !inside_previous) bars[count++] = (stat_run){first, last};
    }
    return count;
}

static int under_a_bar(const stat_run *bars, size_t count, size_t first, size_t last) {
    for (size_t i = 0; i < count; i++)
        if (bars[i].first <= first && last <= bars[i].last) return 1;
    return 0;
}

size_t stat_cd_leftover(const unsigned char *separated, size_t methods, const stat_run *bars, size_t bar_count,
                        stat_run *pairs) {
    size_t count = 0;
    for (size_t i = 0; i < methods; i++)
        for (size_t j = i + 1; j < methods; j++)
            if (!separated[i * methods + j] && !under_a_bar(bars, bar_count, i, j)) pairs[count++] = (stat_run){i, j};
    return count;
}
