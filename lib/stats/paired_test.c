/* Tests on paired differences, and Holm's adjustment for several of them. */
#include "lib/stats/stats.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>

/* --- sign flips ------------------------------------------------------------------------------------------------- */

enum { EXACT_SIGNS = 20, EXACT_RANKS = 50 };

/* Sign vectors of difference[0..n) whose sum, added to `sum`, is at least `limit` in size. */
static double count_extreme(const double *difference, size_t n, double sum, double limit) {
    if (n == 0) return fabs(sum) >= limit;
    return count_extreme(difference + 1, n - 1, sum + difference[0], limit) +
           count_extreme(difference + 1, n - 1, sum - difference[0], limit);
}

static double flipped_sum(const double *difference, size_t n, rng *stream) {
    double sum = 0.0;
    uint64_t signs = 0;
    for (size_t i = 0; i < n; i++) {
        if (i % 64 == 0) signs = rng_u64(stream);
        sum += (signs >> (i % 64)) & 1 ? difference[i] : -difference[i];
    }
    return sum;
}

double stat_signflip(const double *difference, size_t n, size_t draws, rng *stream) {
    double sum = 0.0, size = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += difference[i];
        size += fabs(difference[i]);
    }
    const double limit = fabs(sum) - 1e-12 * size; /* equal sums may differ by their rounding */
    if (n <= EXACT_SIGNS)                          /* the first sign is held: flipping all of them changes no size */
        return count_extreme(difference + 1, n - 1, difference[0], limit) / ldexp(1.0, (int)n - 1);
    double hits = 0.0;
    for (size_t i = 0; i < draws; i++) hits += fabs(flipped_sum(difference, n, stream)) >= limit;
    return (hits + 1.0) / ((double)draws + 1.0);
}

/* --- Wilcoxon signed-rank --------------------------------------------------------------------------------------- */

/* Twice the smaller tail of the rank sum over all signs. Ranks are doubled, so that mid-ranks are whole numbers, and
   counts stay below 2^50, so that doubles hold them exactly. rank[i] = 0 marks a zero difference. */
static double exact_rank_p(const double *rank, size_t n, double rank_sum) {
    double ways[EXACT_RANKS * (EXACT_RANKS + 1) + 1] = {1.0};
    size_t most = 0;
    double all = 1.0;
    for (size_t i = 0; i < n; i++) {
        const size_t step = (size_t)(2.0 * rank[i]);
        if (step == 0) continue;
        most += step;
        all *= 2.0;
        for (size_t sum = most; sum >= step; sum--) ways[sum] += ways[sum - step];
    }
    const size_t seen = (size_t)(2.0 * rank_sum);
    double lower = 0.0, upper = 0.0;
    for (size_t sum = 0; sum <= most; sum++) {
        if (sum <= seen) lower += ways[sum];
        if (sum >= seen) upper += ways[sum];
    }
    return fmin(1.0, 2.0 * fmin(lower, upper) / all);
}

static double normal_rank_p(const double *rank, size_t n, double rank_sum) {
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += rank[i];
        squares += rank[i] * rank[i];
    }
    if (squares <= 0.0) return 1.0;
    const double distance = fmax(0.0, fabs(rank_sum - 0.5 * sum) - 0.5);
    return 2.0 * gsl_cdf_ugaussian_Q(distance / (0.5 * sqrt(squares)));
}

int stat_wilcoxon(const double *difference, size_t n, double *p, lb_error *error) {
    if (n == 0) return lb_fail(error, LB_INVALID, "the signed-rank test needs at least one difference");
    double *size = malloc(2 * n * sizeof *size);
    if (!size) return lb_fail_memory(error, "the signed-rank test");
    double *rank = size + n, positive = 0.0;
    for (size_t i = 0; i < n; i++) size[i] = fabs(difference[i]);
    const int code = stat_midrank(size, n, rank, error);
    for (size_t i = 0; code == LB_OK && i < n; i++) {
        if (size[i] == 0.0) rank[i] = 0.0;
        if (difference[i] > 0.0) positive += rank[i];
    }
    if (code == LB_OK) *p = n <= EXACT_RANKS ? exact_rank_p(rank, n, positive) : normal_rank_p(rank, n, positive);
    free(size);
    return code;
}

/* --- several tests ---------------------------------------------------------------------------------------------- */

int stat_holm(const double *p, size_t n, double *adjusted, lb_error *error) {
    size_t *order = malloc((n ? n : 1) * sizeof *order);
    if (!order) return lb_fail_memory(error, "Holm's adjustment");
    gsl_sort_index(order, p, 1, n);
    double running = 0.0;
    for (size_t i = 0; i < n; i++) {
        running = fmax(running, fmin(1.0, (double)(n - i) * p[order[i]]));
        adjusted[order[i]] = running;
    }
    free(order);
    return LB_OK;
}
