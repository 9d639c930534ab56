/* The two loops where training time goes, compiled once per instruction set from kernels_body.h.

   Both work on windows: `rows` rows of `run` contiguous floats. A 3x3 convolution of c channels over an image with a
   zero halo has rows = 3, run = 3c; a dense layer over a batch has rows = 1, run = its inputs, and its "image" is one
   row with a pixel per sample. Output channels are the vector lanes, in panels of 16: weights are
   [channels/16][rows][run][16].

   Every result is one chain of fused multiply-adds: an output starts at its bias and adds the window's elements in
   order of (row, run); a weight gradient starts at what it holds and adds the pixels in order of (y, x). Vector width,
   tiling and cache blocking decide only which chains run side by side. */
#ifndef NN_KERNELS_H
#define NN_KERNELS_H

#include "lib/base/error.h"

#include <stddef.h>

enum { NN_PANEL = 16 };

typedef struct {
    size_t height, width, channels; /* of the output; channels: a multiple of NN_PANEL */
    size_t rows, run;               /* of the window */
    size_t in_row, in_pixel;        /* floats from one row, pixel to the next; `in` points at the first window */
    size_t out_row, out_pixel;
} nn_window;

typedef struct {
    const char *name;

    /* out [height][width][channels] = bias + weight * windows of in, negative results set to 0 with relu.
       bias [channels]; NULL: start from what out holds. */
    void (*convolve)(const nn_window *g, const float *in, const float *weight, const float *bias, int relu, float *out);

    /* weight_gradient += outer products of the windows of in with out_gradient, which has out's strides. */
    void (*weight_gradient)(const nn_window *g, const float *in, const float *out_gradient, float *weight_gradient);
} nn_kernels;

/* The set in use: the widest this CPU runs, unless nn_kernels_select chose. */
const nn_kernels *nn_kernels_in_use(void);

/* One file each; NULL where this build has no such set. */
const nn_kernels *nn_kernels_avx512(void);
const nn_kernels *nn_kernels_native(void);
const nn_kernels *nn_kernels_portable(void);

#endif
