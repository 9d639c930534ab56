/* Sorting for the losses that look at ranks: radix sort, linear time, no allocation, the same order everywhere. */
#ifndef LOSS_SORT_H
#define LOSS_SORT_H

#include "lib/loss/real.h"

#include <stdint.h>

/* Bytes of scratch, aligned as malloc does, to sort n keys; a multiple of 64. */
size_t loss_sort_scratch(size_t n);

/* order[n] receives the indices of the keys from the largest to the smallest; equal keys (-0 and 0 are) by ascending
   index. n < 2^32; no key is NaN. For ascending order negate the keys. */
void loss_sort_descending(const real *key, size_t n, uint32_t *order, void *scratch);

/* The same in place, with a number that goes along with each key: what comes next in a walk down the keys lies next to
   it in memory. -0 becomes 0. */
void loss_sort_pairs(real *key, uint32_t *item, size_t n, void *scratch);

/* For check_batch of a loss that sorts: NULL, or a sentence when the batch has too many elements. */
const char *loss_check_sortable(const double *params, const loss_batch *batch);

#endif
