/* Plain sample statistics: mean, sd, quantile, interquartile mean, mid-ranks, Kendall's tau-b. */
#include "lib/stats/stats.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double stat_mean(const double *x, size_t n) { return gsl_stats_mean(x, 1, n); }

double stat_sd(const double *x, size_t n) { return n < 2 ? (double)NAN : gsl_stats_sd(x, 1, n); }

void stat_sort(double *x, size_t n) { gsl_sort(x, 1, n); }

double stat_quantile(const double *ascending, size_t n, double p) {
    return gsl_stats_quantile_from_sorted_data(ascending, 1, n, p);
}

int stat_iqm(const double *x, size_t n, double *out, lb_error *error) {
    if (n == 0) return lb_fail(error, LB_INVALID, "the interquartile mean needs at least one value");
    double *sorted = malloc(n * sizeof *sorted);
    if (!sorted) return lb_fail_memory(error, "the interquartile mean");
    memcpy(sorted, x, n * sizeof *sorted);
    stat_sort(sorted, n);
    const size_t cut = n / 4;
    *out = stat_mean(sorted + cut, n - 2 * cut);
    free(sorted);
    return LB_OK;
}

int stat_midrank(const double *x, size_t n, double *rank, lb_error *error) {
    size_t *order = malloc((n ? n : 1) * sizeof *order);
    if (!order) return lb_fail_memory(error, "ranks");
    gsl_sort_index(order, x, 1, n);
    for (size_t first = 0, next; first < n; first = next) {
        for (next = first + 1; next < n && x[order[next]] == x[order[first]];) next++;
        for (size_t i = first; i < next; i++) rank[order[i]] = 0.5 * (double)(first + 1 + next);
    }
    free(order);
    return LB_OK;
}

static int sign(double difference) { return (difference > 0.0) - (difference < 0.0); }

double stat_kendall(const double *x, const double *y, size_t n) {
    double agreement = 0.0, untied_x = 0.0, untied_y = 0.0;
    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            const int dx = sign(x[i] - x[j]), dy = sign(y[i] - y[j]);
            agreement += dx * dy;
            untied_x += dx != 0;
            untied_y += dy != 0;
        }
    return agreement / sqrt(untied_x * untied_y);
}
