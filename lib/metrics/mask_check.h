/* What the metrics of masks refuse. */
#ifndef METRICS_MASK_CHECK_H
#define METRICS_MASK_CHECK_H

#include "lib/base/error.h"

#include <math.h>
#include <stddef.h>

enum { METRIC_MASK_ABOVE = 127 }; /* bytes of a true mask are defect above this */

/* The first of n logits that is not finite, n when all are. */
static inline size_t first_not_finite(const float *logit, size_t n) {
    size_t i = 0;
    while (i < n && isfinite(logit[i])) i++;
    return i;
}

static inline int check_logits(const float *logit, size_t n, lb_error *error) {
    const size_t at = first_not_finite(logit, n);
    if (at == n) return LB_OK;
    return lb_fail(error, LB_INVALID, "the logit of pixel %zu is %g: the model diverged, so its masks have no metrics",
                   at, (double)logit[at]);
}

#endif
