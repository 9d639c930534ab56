/* Metrics of predicted boxes: overlap, non-maximum suppression, average precision as COCO counts it, and what was found
   of each true box. Boxes are in any one unit; nothing here prints; what allocates says so. */
#ifndef METRICS_BOX_METRICS_H
#define METRICS_BOX_METRICS_H

#include "lib/base/error.h"

#include <stddef.h>
#include <stdint.h>

/* A true box, or a detection: the latter with a score, higher = more defect-like. All numbers finite. x1 < x2 and
   y1 < y2, else it is empty and overlaps nothing. */
typedef struct {
    uint32_t image, type;
    float x1, y1, x2, y2;
    float score;
} metric_box;

double metric_box_area(const metric_box *b);                     /* 0 of an empty one */
double metric_box_iou(const metric_box *a, const metric_box *b); /* intersection over union; 0 when one is empty */

/* Greedy suppression within one image: by descending score (equal scores: in the order given) keeps a box unless a kept
   one of the same type overlaps it by more than `iou`, at most `most`. Returns how many are kept; they come first, in
   that order, and what stands behind them is no list of the others. Time: count x kept. */
size_t metric_box_suppress(metric_box *boxes, size_t count, double iou, size_t most);

/* Average precision as COCO's evaluation: per type, detections over all images by descending score (equal: in the order
   given), each takes the true box of its image and type, not taken yet, with the largest IoU that is at least the level
   (of equal IoU the last; one in the range of area before any outside it); precision made monotone, mean at 101 recalls
   0, .01, .. 1; mean over the types that have a true box in the range. Left out are true boxes outside the range, and
   detections that take one of these, or take none and are themselves outside. How many detections of an image count is
   the caller's choice, made by giving no more.
   Differs from pycocotools 2.0 in three things: a range includes `low` but not `high`, so that ranges side by side
   share no box (there: both); a recall meets i / 100 exactly when whole numbers say so (there: when rounded ones do);
   and nothing is added to the divisor of precision (there: 2^-52). */
typedef struct {
    double low, high; /* low <= area < high; 0 and INFINITY: all */
} metric_area_range;

/* ap[i] for level[i] in (0, 1], i < levels. NaN when no true box lies in the range; 0 when nothing is detected. truth
   and detection of any images in any order. Allocates. LB_INVALID: a number is not finite, or a type is not below
   `types`; ap is untouched after a failure. */
int metric_box_ap(const metric_box *truth, size_t truths, const metric_box *detection, size_t detections,
                  uint32_t types, metric_area_range range, const double *level, size_t levels, double *ap,
                  lb_error *error);

/* What was found of each true box, whatever its type: */
typedef struct {
    float score;   /* highest score of the detections of its image with an IoU of at least `level`; -INFINITY: none */
    float overlap; /* IoU with the detection that takes it, when detections of its image by descending score each take
                      the free true box with the largest IoU of at least `level`; NaN: none takes it */
    float best;    /* largest IoU with any detection of its image; 0: none touches it */
} metric_found;

/* found is [truths]; level in (0, 1]; equal IoU and equal scores as above. Allocates. LB_INVALID: a number is not
   finite; found is untouched after a failure. */
int metric_box_find(const metric_box *truth, size_t truths, const metric_box *detection, size_t detections,
                    double level, metric_found *found, lb_error *error);

#endif
