/* Comparisons over several data sets: Friedman's test, probability of improvement, and the tuning curve. */
#include "lib/stats/stats.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- Friedman --------------------------------------------------------------------------------------------------- */

/* Sum of t^3 - t over groups of t equal ranks: how much ties narrow the rank distribution. */
static double tie_term(const double *rank, size_t n) {
    double sum = 0.0; /* over items: (t^2 - 1), t times per group */
    for (size_t i = 0; i < n; i++) {
        double t = 0.0;
        for (size_t j = 0; j < n; j++) t += rank[j] == rank[i];
        sum += t * t - 1.0;
    }
    return sum;
}

/* Adds the ranks of one block, 1 = largest, to mean_rank; negated and rank are work space. */
static int add_block(const double *value, size_t methods, double *negated, double *rank, double *mean_rank,
                     double *ties, lb_error *error) {
    for (size_t j = 0; j < methods; j++) negated[j] = -value[j];
    const int code = stat_midrank(negated, methods, rank, error);
    if (code != LB_OK) return code;
    for (size_t j = 0; j < methods; j++) mean_rank[j] += rank[j];
    *ties += tie_term(rank, methods);
    return LB_OK;
}

/* From mean ranks: chi-square as Hollander & Wolfe (7.8) (and R's friedman.test), F as Iman & Davenport, Communications
   in Statistics A9, 1980. */
static stat_friedman friedman_from_ranks(const double *mean_rank, size_t blocks, size_t methods, double ties) {
    const double n = (double)blocks, k = (double)methods;
    double squares = 0.0;
    for (size_t j = 0; j < methods; j++) squares += pow(n * (mean_rank[j] - 0.5 * (k + 1.0)), 2.0);
    const double scale = n * k * (k + 1.0) - ties / (k - 1.0), most = n * (k - 1.0);
    stat_friedman out = {.chi_square = scale > 0.0 ? 12.0 * squares / scale : 0.0};
    const double rest = most - out.chi_square;
    out.f = rest > 1e-12 * most ? (n - 1.0) * out.chi_square / rest : (double)INFINITY;
    out.p = isinf(out.f) ? 0.0 : gsl_cdf_fdist_Q(out.f, k - 1.0, (k - 1.0) * (n - 1.0));
    return out;
}

static int check_cells(const double *value, size_t blocks, size_t methods, lb_error *error) {
    if (blocks < 2 || methods < 2)
        return lb_fail(error, LB_INVALID, "Friedman's test needs two blocks and two methods, not %zu and %zu", blocks,
                       methods);
    for (size_t i = 0; i < blocks * methods; i++)
        if (isnan(value[i]))
            return lb_fail(error, LB_INVALID, "block %zu has no value for method %zu: ranks need every cell",
                           i / methods, i % methods);
    return LB_OK;
}

int stat_friedman_f(const double *value, size_t blocks, size_t methods, stat_friedman *out, double *mean_rank,
                    lb_error *error) {
    int code = check_cells(value, blocks, methods, error);
    if (code != LB_OK) return code;
    double *work = malloc(2 * methods * sizeof *work), ties = 0.0;
    if (!work) return lb_fail_memory(error, "Friedman's test");
    memset(mean_rank, 0, methods * sizeof *mean_rank);
    for (size_t i = 0; i < blocks && code == LB_OK; i++)
        code = add_block(value + i * methods, methods, work, work + methods, mean_rank, &ties, error);
    for (size_t j = 0; j < methods; j++) mean_rank[j] /= (double)blocks;
    if (code == LB_OK) *out = friedman_from_ranks(mean_rank, blocks, methods, ties);
    free(work);
    return code;
}

/* --- improvement and tuning ------------------------------------------------------------------------------------- */

double stat_prob_improve(const double *x, const double *y, size_t blocks, size_t repeats) {
    double wins = 0.0;
    for (size_t block = 0; block < blocks; block++)
        for (size_t i = block * repeats; i < (block + 1) * repeats; i++)
            for (size_t j = block * repeats; j < (block + 1) * repeats; j++)
                wins += x[i] > y[j] ? 1.0 : x[i] == y[j] ? 0.5 : 0.0;
    return wins / ((double)blocks * (double)repeats * (double)repeats);
}

/* sum over i of v_(i) C(i-1, k-1) / C(n, k), v ascending; the largest has weight k/n, each next is (i-k)/(i-1) of it.
 */
static double expected_best(const double *ascending, size_t n, size_t k) {
    double sum = 0.0, weight = (double)k / (double)n;
    for (size_t i = n; i >= k; i--) {
        sum += weight * ascending[i - 1];
        if (i > 1) weight *= (double)(i - k) / (double)(i - 1);
    }
    return sum;
}

int stat_best_of_k(const double *value, size_t n, double *expected, lb_error *error) {
    double *ascending = malloc((n ? n : 1) * sizeof *ascending);
    if (!ascending) return lb_fail_memory(error, "the tuning curve");
    if (n) memcpy(ascending, value, n * sizeof *ascending);
    stat_sort(ascending, n);
    for (size_t k = 1; k <= n; k++) expected[k - 1] = expected_best(ascending, n, k);
    free(ascending);
    return LB_OK;
}
