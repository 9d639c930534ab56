/* Weighted binary cross-entropy: pos_weight y log(1+e^-z) + neg_weight (1-y) log(1+e^z). LOSS_MEAN divides by the
   number of elements, not by the sum of weights, as PyTorch does. pos_weight = auto is the inverse frequency, goods /
   defects. */
#include "lib/loss/elements.h"

enum { POS_WEIGHT, NEG_WEIGHT };

static const param_word automatic[] = {{"auto", -1}, {NULL, 0}};

static const param params[] = {
    [POS_WEIGHT] = {.name = "pos_weight",
                    .fallback = -1,
                    .low = 0,
                    .high = 1e6,
                    .scale = PARAM_LOG,
                    .tune_low = 0.1,
                    .tune_high = 1000,
                    .words = automatic,
                    .summary = "weight of defects; auto: goods / defects of the training set"},
    [NEG_WEIGHT] = {.name = "neg_weight",
                    .fallback = 1,
                    .low = 0,
                    .high = 1e6,
                    .scale = PARAM_LOG,
                    .summary = "weight of good parts"},
};

static inline element weighted_bce_element(logistic l, real y, real pos_weight, real neg_weight) {
    const real defect = pos_weight * y, good = neg_weight * ((real)1 - y);
    return (element){.loss = defect * l.defect_loss + good * l.good_loss, .slope = good * l.p - defect * l.q};
}

LOSS_KERNEL static void weighted_bce_elements(const double *values, const loss_block *block, real *restrict losses,
                                              real *restrict slopes) {
    const real pos_weight = (real)values[POS_WEIGHT], neg_weight = (real)values[NEG_WEIGHT];
    EACH_ELEMENT(weighted_bce_element(BLOCK_LOGISTIC(i), y[i], pos_weight, neg_weight))
}

static void weighted_bce_resolve(double *values, const loss_counts *counts) {
    if (values[POS_WEIGHT] < 0) values[POS_WEIGHT] = counts->good / counts->defect;
}

LOSS_TYPE(weighted_bce) = {
    .name = "weighted_bce",
    .version = 1,
    .summary = "pos_weight y log(1+e^-z) + neg_weight (1-y) log(1+e^z)",
    .citation = "King & Zeng 2001, Logistic regression in rare events data, equation 8; PyTorch BCEWithLogitsLoss",
    .kind = LOSS_BINARY,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .resolve = weighted_bce_resolve,
    .elements = weighted_bce_elements,
};
