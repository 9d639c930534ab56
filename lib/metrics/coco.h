/* Average precision of ranked hits by the rule of COCO: what boxes and instances share. */
#ifndef METRICS_COCO_H
#define METRICS_COCO_H

#include <stddef.h>

/* hit[n] by descending score: 1 took one of `truths` true ones, 0 did not. Mean over the recalls 0, 1/100, .. 1 of the
   largest precision at this recall or a higher one; NaN when truths is 0. */
double metric_coco_precision(const unsigned char *hit, size_t n, size_t truths);

#endif
