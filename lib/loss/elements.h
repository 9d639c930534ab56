/* What the element-wise losses share: the logistic of a logit without cancellation, and the loop over a block.
   Everything is selects and explicit fused multiply-adds, so that the loops vectorise with the same bits at any width.

   A loss file holds a static inline function from (logit, label, constants) to an `element` and one `..._elements`
   function that reads its constants from the parameters and ends in EACH_ELEMENT. */
#ifndef LOSS_ELEMENTS_H
#define LOSS_ELEMENTS_H

#include "lib/base/repro_math.h"
#include "lib/loss/loss.h"

/* The loss of one element and its derivative with respect to the logit. */
typedef struct {
    float loss, slope;
} element;

/* With z[i], y[i] as input and target: losses[i], slopes[i] = call, for i < n. */
#define EACH_ELEMENT(call)                                                                                             \
    for (size_t i = 0; i < n; i++) {                                                                                   \
        const element result = call;                                                                                   \
        losses[i] = result.loss;                                                                                       \
        slopes[i] = result.slope;                                                                                      \
    }

/* A logit z seen as a probability of being a defect. No member is a difference: all keep their relative accuracy for
   any finite z, where p and q may underflow to 0 and the two losses grow like |z|. */
typedef struct {
    float p, q;        /* sigmoid(z), 1 - sigmoid(z) */
    float defect_loss; /* -log p = log(1+e^-z), the cross-entropy of a defect */
    float good_loss;   /* -log q = log(1+e^z), the cross-entropy of a good part */
} logistic;

static inline logistic logistic_of(float z) {
    const float magnitude = __builtin_fabsf(z);
    const float e = repro_exp_negative(magnitude);
    const float large = 1.0f / (1.0f + e), small = e * large;
    const float common = repro_log1p_unit(e);
    return (logistic){.p = repro_select(z < 0.0f, small, large),
                      .q = repro_select(z < 0.0f, large, small),
                      .defect_loss = common + repro_select(z < 0.0f, magnitude, 0.0f),
                      .good_loss = common + repro_select(z < 0.0f, 0.0f, magnitude)};
}

/* What a label y makes of a quantity that is `good` for goods (y = 0) and `defect` for defects (y = 1). */
static inline float by_label(float y, float good, float defect) { return (1.0f - y) * good + y * defect; }

/* Cross-entropy for any label y in [0,1], and its derivative p - y. */
static inline element cross_entropy(logistic l, float y) {
    return (element){.loss = by_label(y, l.good_loss, l.defect_loss), .slope = by_label(y, l.p, -l.q)};
}

/* m^gamma for m in [0,1], with 0^0 = 1. Below 2^-126 m counts as 2^-126: there, what m^gamma multiplies has vanished.
 */
static inline float power_of_unit(float m, float gamma) {
    const float floored = repro_select(m < 0x1p-126f, 0x1p-126f, m);
    return repro_exp_negative(__builtin_fabsf(gamma * repro_log_normal(floored)));
}

/* a / b for a, b >= 0, with 0/0 = 0. */
static inline float ratio_or_zero(float a, float b) { return a / repro_select(b < 0x1p-126f, 0x1p-126f, b); }

/* (1-p_t)^gamma times the cross-entropy. m = 1-p_t = (1-y) p + y q, m' = p q (1-2y); written with m'/m, which stays
   bounded where m vanishes, so that the slope is finite for gamma < 1 too. */
static inline element focal_element(float z, float y, float gamma) {
    const logistic l = logistic_of(z);
    const element ce = cross_entropy(l, y);
    const float m = by_label(y, l.p, l.q);
    const float weight = power_of_unit(m, gamma);
    const float log_slope = gamma * ratio_or_zero(l.p * l.q, m) * (1.0f - 2.0f * y); /* (log weight)' */
    return (element){.loss = weight * ce.loss, .slope = weight * (log_slope * ce.loss + ce.slope)};
}

static inline element element_times(float weight, element x) {
    return (element){.loss = weight * x.loss, .slope = weight * x.slope};
}

#endif
