/* What the element-wise losses share: the logistic of a logit without cancellation, and the loop over a block.
   Everything is selects and explicit fused multiply-adds, so that the loops vectorise with the same bits at any width.

   A loss file holds a LOSS_INLINE function from logistic and label to an `element`, and one `..._elements` function
   that reads its constants from the parameters and ends in EACH_ELEMENT. A long chain of dependent operations is split
   into loops over the block with a buffer between: short loops keep the processor's units busy. */
#ifndef LOSS_ELEMENTS_H
#define LOSS_ELEMENTS_H

#include "lib/loss/real.h"

/* The loss of one element and its derivative with respect to the input. */
typedef struct {
    real loss, slope;
} element;

/* losses[i], slopes[i] = call, for each element i of `block`; z[i] is its input, y[i] its target. */
#define EACH_ELEMENT(call)                                                                                             \
    {                                                                                                                  \
        const real *restrict z = block->input, *restrict y = block->target;                                            \
        for (size_t i = 0, n = block->n; i < n; i++) {                                                                 \
            const element result = call;                                                                               \
            losses[i] = result.loss;                                                                                   \
            slopes[i] = result.slope;                                                                                  \
        }                                                                                                              \
        (void)z, (void)y;                                                                                              \
    }

/* A logit z seen as a probability of being a defect. No member is a difference: all keep their relative accuracy for
   any finite z, where p and q may underflow to 0 and the two losses grow like |z|. */
typedef struct {
    real p, q;        /* sigmoid(z), 1 - sigmoid(z) */
    real defect_loss; /* -log p = log(1+e^-z), the cross-entropy of a defect */
    real good_loss;   /* -log q = log(1+e^z), the cross-entropy of a good part */
} logistic;

/* From z, decay = exp(-|z|) and common = log(1+decay). */
LOSS_INLINE logistic logistic_from(real z, real decay, real common) {
    const real magnitude = real_abs(z);
    const real large = (real)1 / ((real)1 + decay), small = decay * large;
    return (logistic){.p = real_select(z < 0, small, large),
                      .q = real_select(z < 0, large, small),
                      .defect_loss = common + real_select(z < 0, magnitude, 0),
                      .good_loss = common + real_select(z < 0, 0, magnitude)};
}

LOSS_INLINE logistic logistic_of(real z) {
    const real decay = real_exp_negative(real_abs(z));
    return logistic_from(z, decay, real_log1p_unit(decay));
}

/* The logistic of element i of a block of logits. */
#define BLOCK_LOGISTIC(i) logistic_from(z[i], block->decay[i], block->common[i])

/* What a label y makes of a quantity that is `good` for goods (y = 0) and `defect` for defects (y = 1). */
LOSS_INLINE real by_label(real y, real good, real defect) { return ((real)1 - y) * good + y * defect; }

/* Cross-entropy for any label y in [0,1], and its derivative p - y. */
LOSS_INLINE element cross_entropy(logistic l, real y) {
    return (element){.loss = by_label(y, l.good_loss, l.defect_loss), .slope = by_label(y, l.p, -l.q)};
}

LOSS_INLINE element element_times(real weight, element x) {
    return (element){.loss = weight * x.loss, .slope = weight * x.slope};
}

/* (1-p_t)^gamma times the cross-entropy, weight = (1-p_t)^gamma given. m = 1-p_t = (1-y) p + y q, m' = p q (1-2y);
   written with m'/m, which stays bounded where m vanishes, so that the slope is finite for gamma < 1 too. */
LOSS_INLINE element focal_from(logistic l, real y, real gamma, real m, real weight) {
    const element ce = cross_entropy(l, y);
    const real log_slope = gamma * ratio_or_zero(l.p * l.q, m) * ((real)1 - 2 * y); /* (log weight)' */
    return (element){.loss = weight * ce.loss, .slope = weight * (log_slope * ce.loss + ce.slope)};
}

/* The losses of a block times by_label(y, good, defect): focal.c. */
void loss_focal_block(const loss_block *block, real gamma, real good, real defect, real *restrict losses,
                      real *restrict slopes);

#endif
