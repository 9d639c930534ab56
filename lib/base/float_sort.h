/* Sorting many floats: linear time, no allocation, the same order everywhere. */
#ifndef BASE_FLOAT_SORT_H
#define BASE_FLOAT_SORT_H

#include <stddef.h>

/* Sorts x[n] from the largest to the smallest in place; equal ones (-0 and 0 are) keep their order, so the bits are
   those of any stable sort. No NaN; infinities are fine. `room` holds n floats. */
void float_sort_descending(float *x, size_t n, float *room);

#endif
