/* Exact Euclidean distance maps of masks, in linear time. */
#ifndef LOSS_DISTANCE_H
#define LOSS_DISTANCE_H

#include "lib/loss/real.h"

/* Bytes of scratch for rows of this width, aligned as malloc does. */
size_t loss_distance_scratch(size_t width);

/* out[height][width] = squared distance of each pixel to the nearest pixel of the other side; inside[height][width] is
   1 inside and 0 outside. Pixels are spacing_y and spacing_x apart, 1e-3..1e3; with both 1 the result is exact while it
   is below 2^24 (float). A mask without an inside or without an outside gives 0 everywhere. */
void loss_distance_squared(const unsigned char *inside, size_t height, size_t width, double spacing_y, double spacing_x,
                           real *out, void *scratch);

#endif
