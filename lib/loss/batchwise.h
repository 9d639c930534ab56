/* What binary losses share that look at the batch as a whole: ghmc, hard_mining and the ranking losses. */
#ifndef LOSS_BATCHWISE_H
#define LOSS_BATCHWISE_H

#include "lib/loss/evaluate.h"

/* Bytes for n numbers, a multiple of 64. */
static inline size_t room_for(size_t n, size_t size) { return (n * size + 63) / 64 * 64; }

/* Factor on the losses of element i's channel. */
static inline double channel_weight(const loss_batch *batch, size_t i) {
    return batch->class_weight ? (double)batch->class_weight[i / batch->pixels % batch->channels] : 1;
}

/* Rounded; what float cannot hold becomes its largest number. */
static inline real saturated(double x) {
    const double most = (double)REAL_MAX;
    return (real)(x > most ? most : x < -most ? -most : x);
}

static inline void add_saturated(real *sum, double x) { *sum = saturated((double)*sum + x); }

/* Cross-entropy of each element and its slope, losses[n] and slopes[n]; ignored ones count as logit 0, label 0. */
void loss_bce_of_batch(const loss_batch *batch, real *losses, real *slopes);

/* Adds `scale` times the losses and slopes, each times factor[i], to values and grad (NULL: not wanted), and returns
   the unscaled sum of losses. */
double loss_add_weighted(const loss_batch *batch, const double *factor, const real *losses, const real *slopes,
                         double scale, real *values, real *grad);

#endif
