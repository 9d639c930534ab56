/* A grid of focal losses, gamma x alpha, read back from the entries of an experiment. Rows gamma, columns alpha. */
#ifndef HARNESS_GRID_H
#define HARNESS_GRID_H

#include "experiments/harness/analysis.h"

enum { MAX_AXIS = 16 };

typedef struct {
    char text[24];
} axis_value;

typedef struct {
    axis_value gamma[MAX_AXIS], alpha[MAX_AXIS];
    size_t gammas, alphas;
} grid;

void grid_of(const experiment *x, grid *out);

/* Cell of a gamma and an alpha at a place; -1: not run or without numbers. */
long grid_cell(const evidence *e, const grid *g, const place *p, size_t gamma, size_t alpha);
long grid_index(const axis_value *axis, size_t count, const char *value); /* -1: not on the axis */

/* Seeds of a cell of that place, for what a mean must know of the data. */
const measure *grid_seeds(const evidence *e, const place *p);

/* Recall at FR 1 % of one seed, mean over all alphas at that gamma: no alpha is picked, so nothing is picked by luck.
 */
double grid_marginal(const evidence *e, const grid *g, const place *p, size_t gamma, unsigned seed);

/* Standard deviation over seeds within cells, pooled over alphas, without the seed `left_out` (-1: with all). */
double grid_spread(const evidence *e, const grid *g, const place *p, size_t gamma, long left_out);

/* Ratio of two gammas' spreads with a 95 % jackknife interval over seeds, in logarithms: the alphas share their seeds,
   so they are no independent samples. (0, inf) where leaving out a seed leaves no spread; mean NaN: no numbers. */
estimate grid_spread_ratio(const evidence *e, const grid *g, const place *p, size_t gamma, size_t other);

/* Paired contrast of two gammas over seeds, mean over the alphas that have numbers at both. */
comparison grid_contrast(const evidence *e, const grid *g, const place *p, size_t gamma, size_t other);

#endif
