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

/* out[pixels], ignored pixels 0. */
void loss_plane_labels(const loss_batch *batch, size_t image, size_t channel, real *out);

/* Multiplies x[pixels] by the weights; what is ignored becomes 0, whatever it was. */
void loss_plane_weigh(const loss_batch *batch, size_t image, size_t channel, real *x);

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

/* One mask. */
typedef struct {
    size_t pixels, width;
    const real *p, *y;     /* [pixels], ignored pixels 0 */
    const real *map;       /* [pixels], the batch's; NULL: none */
    real *loss, *slope;    /* [pixels] to fill: the loss of each pixel, and its derivative by p */
    unsigned char *inside; /* [pixels] of loss_mask_distances */
    void *scratch;         /* likewise */
} loss_mask;

/* out[pixels] = squared distance of each pixel to the nearest one on the other side of the mask x > 1/2, which stays in
   mask->inside. */
void loss_mask_distances(const double *params, const loss_mask *mask, const real *x, real *out);

/* `eval` of such a loss, and what goes with it. */
double loss_each_mask(void (*fill)(const double *params, const loss_mask *mask), const double *params,
                      const loss_batch *batch, double scale, real *values, real *grad, void *scratch);
size_t loss_each_mask_scratch(const double *params, const loss_batch *batch);
double loss_each_mask_divisor(const double *params, const loss_batch *batch);

/* A map must be finite; without one `width` is needed. */
const char *loss_each_mask_check(const double *params, const loss_batch *batch);

#endif
