/* Metrics of predicted masks: overlap of pixels, outlines, and instances. Predictions are float logits, higher = more
   defect-like; a pixel is called defect when its logit > threshold. True masks are bytes, defect where > 127. Nothing
   here prints; what allocates says so and returns LB_MEMORY when it cannot. */
#ifndef METRICS_MASK_METRICS_H
#define METRICS_MASK_METRICS_H

#include "lib/base/error.h"

#include <stddef.h>
#include <stdint.h>

/* A set of images with their true masks; borrowed, row-major [images][height][width]. */
typedef struct {
    size_t images, height, width;
    const float *logit;
    const unsigned char *mask;
} metric_masks;

/* --- scores of an image ------------------------------------------------------------------------------------------ */

/* Mean of the k largest of n logits, 1 <= k <= n; k = 1 is the maximum. Summed in double from the largest down, so the
   order of the pixels does not matter. NaN when any logit is not finite. `room` holds k floats. */
float metric_top_mean(const float *logit, size_t n, size_t k, float *room);

/* --- overlap of pixels ------------------------------------------------------------------------------------------- */

typedef struct {
    size_t hit, false_alarm, miss, rest; /* defect and called so; not defect but called so; missed; neither */
} metric_overlap;

/* Over all n pixels together (images of a set may be pooled by passing images x height x width). */
metric_overlap metric_overlap_at(const float *logit, const unsigned char *mask, size_t n, float threshold);

/* Each 0..1. */
double metric_dice(const metric_overlap *o);     /* 2 hit / (2 hit + false_alarm + miss); NaN: none true, none called */
double metric_iou(const metric_overlap *o);      /* hit / (hit + false_alarm + miss); NaN as above */
double metric_mean_iou(const metric_overlap *o); /* mean of the IoU of defect and of background; NaN terms left out */

/* The threshold at which the pooled Dice of n pixels is largest, of equal Dice the highest: halfway between the lowest
   logit called and the highest not called, the latter itself where no float lies between them; the next float below
   the lowest logit when all are called. dice may be NULL. Allocates. LB_INVALID when no pixel is defect or a logit is
   not finite. */
int metric_best_dice(const float *logit, const unsigned char *mask, size_t n, float *threshold, double *dice,
                     lb_error *error);

/* --- connected components ---------------------------------------------------------------------------------------- */

/* Numbers the 8-connected components of inside[height][width] (non-zero = inside) from 1 in the order of their first
   pixel; label[height][width] receives 0 outside. Returns how many there are. Allocates nothing: label is its own work
   space. As scipy.ndimage.label with a full 3x3 structure. Fewer than 2^32 pixels. */
size_t metric_components(const unsigned char *inside, size_t height, size_t width, uint32_t *label);

/* A true instance: one component of a true mask. It is found at threshold t when `score` > t. */
typedef struct {
    uint32_t image, area; /* pixels */
    float score;          /* largest logit inside it */
} metric_instance;

/* All true instances of a set in the order of images and labels: *out is allocated, free it; *count may be 0.
   LB_INVALID when a logit is not finite; *out is NULL after a failure. */
int metric_instances(const metric_masks *m, metric_instance **out, size_t *count, lb_error *error);

/* --- outlines ---------------------------------------------------------------------------------------------------- */

/* Both compare outlines: pixels inside a mask with one of their four neighbours outside it or outside the image, that
   is mask & ~scipy.ndimage.binary_erosion(mask). predicted and truth are [height][width], non-zero = inside. Distances
   are Euclidean, in pixels. Both allocate. */

/* F1 of outline pixels that lie within `tolerance` of the other outline (Csurka et al., BMVC 2013). 0 when exactly one
   mask is empty, NaN when both are. */
int metric_boundary_f1(const unsigned char *predicted, const unsigned char *truth, size_t height, size_t width,
                       double tolerance, double *f1, lb_error *error);

/* 95th percentile (linear between order statistics, numpy's default) of the distances from each outline pixel to the
   other outline, both directions pooled, as medpy.metric.binary.hd95. The image's diagonal when exactly one mask is
   empty, NaN when both are. */
int metric_hausdorff_95(const unsigned char *predicted, const unsigned char *truth, size_t height, size_t width,
                        double *distance, lb_error *error);

/* --- instance segmentation --------------------------------------------------------------------------------------- */

/* Average precision of predicted instances, the components of logit > threshold, each scored by its mean probability
   (mean of 1/(1+exp(-logit)) with repro_math). COCO: over all images together predictions by descending score (equal
   scores: by image, then label); each takes the true instance of its image, not taken yet, with the largest mask IoU
   that is at least `level` in (0,1] (of equal IoU the last); precision made monotone, mean at 101 recalls 0, .01, .. 1.
   ap[i] for level[i], i < levels. NaN when there is no true instance; 0 when nothing is predicted. Allocates.
   LB_INVALID when a logit is not finite. */
int metric_instance_ap(const metric_masks *m, float threshold, const double *level, size_t levels, double *ap,
                       lb_error *error);

#endif
