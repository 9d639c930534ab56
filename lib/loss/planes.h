/* What the mask losses with `eval` share: the masks of one image as probabilities, whatever the activation, and the way
   back to the gradient by the input. Class labels are one-hot masks; the softmax is over all channels. */
#ifndef LOSS_PLANES_H
#define LOSS_PLANES_H

#include "lib/loss/evaluate.h"

static inline int plane_is_skipped(const loss_batch *batch, size_t channel) {
    return batch->skip_channel && batch->skip_channel[channel];
}

static inline double plane_class_weight(const loss_batch *batch, size_t channel) {
    return batch->class_weight ? (double)batch->class_weight[channel] : 1;
}

/* Where the pixels of a mask begin in `weight` and `ignore`. */
static inline size_t plane_item(const loss_batch *batch, size_t image, size_t channel) {
    return (batch->classes ? image : image * batch->channels + channel) * batch->pixels;
}

/* Pixels of a mask that are not ignored. */
size_t loss_plane_count(const loss_batch *batch, size_t image, size_t channel);

/* out[n]: the labels of pixels first .. first+n-1 of a mask, ignored pixels 0. */
void loss_plane_labels(const loss_batch *batch, size_t image, size_t channel, size_t first, size_t n, real *out);

/* p[channels][pixels]; ignored pixels 0, in a softmax as if their logit were 0. */
void loss_planes_fill(const loss_batch *batch, size_t image, real *p);

/* Adds `scale` times the gradient by the input; slope[channels][pixels] is the one by p. Ignored pixels must have slope
   0 and get nothing. */
void loss_planes_spread(const loss_batch *batch, size_t image, const real *p, const real *slope, double scale,
                        real *grad);

/* NULL, or a sentence: distances between pixels need `width`. */
const char *loss_needs_width(const loss_batch *batch);

/* --- losses that are the mean over the pixels of each mask --------------------------------------------------------

   boundary and hausdorff_dt. Their values are LOSS_PER_CELL; the mean is over the pixels that are not ignored. Their
   first parameters are the same; own ones follow from SPACING_PARAM_COUNT on. */

enum { SPACING_Y, SPACING_X, SPACING_PARAM_COUNT };

#define SPACING_PARAMS                                                                                                 \
    [SPACING_Y] = {.name = "spacing_y",                                                                                \
                   .fallback = 1,                                                                                      \
                   .low = 1e-3,                                                                                        \
                   .high = 1e3,                                                                                        \
                   .scale = PARAM_LOG,                                                                                 \
                   .summary = "distance between rows of pixels"},                                                      \
    [SPACING_X] = {.name = "spacing_x",                                                                                \
                   .fallback = 1,                                                                                      \
                   .low = 1e-3,                                                                                        \
                   .high = 1e3,                                                                                        \
                   .scale = PARAM_LOG,                                                                                 \
                   .summary = "distance between neighbours in a row"}

/* What the map of one mask is made from. */
typedef struct {
    size_t height, width;
    const unsigned char *of_y, *of_p; /* [height][width] 1 where label and probability are above 1/2; ignored pixels 0;
                                         of_p only with `map_of_p` */
    real *map, *spare;                /* [height][width] to fill, and to use */
    void *scratch;                    /* of loss_distance_squared */
} loss_mask_map;

/* Up to LOSS_BLOCK pixels of a mask, ignored ones 0. */
typedef struct {
    size_t n;
    const real *p, *y, *map; /* [n] */
    int made;                /* the map is the loss's own, not the batch's */
} loss_mask_block;

/* Such a loss: its map, and the loss of each pixel with its derivative by p. */
typedef struct {
    void (*map)(const double *params, const loss_mask_map *m);
    int map_of_p;
    void (*pixels)(const double *params, const loss_mask_block *block, real *restrict losses, real *restrict slopes);
} loss_mask_functions;

/* `eval` of such a loss, and what goes with it. */
double loss_each_mask(const loss_mask_functions *functions, const double *params, const loss_batch *batch, double scale,
                      real *values, real *grad, void *scratch);
size_t loss_each_mask_scratch(const double *params, const loss_batch *batch);
double loss_each_mask_divisor(const double *params, const loss_batch *batch);

/* Squared distances of every pixel to the nearest on the other side of the mask `inside`. */
void loss_map_distances(const double *params, const loss_mask_map *m, const unsigned char *inside, real *out);

/* A map must be finite; without one `width` is needed. */
const char *loss_each_mask_check(const double *params, const loss_batch *batch);

#endif
