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

LOSS_INLINE element weighted_bce_element(logistic l, real y, real pos_weight, real neg_weight) {
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
    .citation = "King & Zeng 2001, Logistic regression in rare events data, weighting; PyTorch BCEWithLogitsLoss",
    .use = "unequal costs of a miss and a false alarm, or rare defects that must not be drowned: the first thing to "
           "try",
    .traps = "the scores are no probabilities any more, the logit is shifted by log(pos_weight / neg_weight); a large"
             " pos_weight makes the few defects of a batch set the step, so lower the learning rate with it; peers "
             "that divide the mean by the sum of weights train at another rate",
    .kind = LOSS_BINARY,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "weighted_bce(pos_weight=auto)",
               .images = 4,
               .channels = 1,
               .pixels = 1,
               .input = {-2, 0.5, 1.5, -0.25},
               .target = {0, 1, 0, 1},
               .value = 3.382122231389069,
               .grad = {0.02980073050552939, -0.8494665047958272, 0.2043936190484109, -1.264897126993046},
               .source = "mpmath, 40 digits: mean of 9 y log(1+e^-z) + (1-y) log(1+e^z), 900 goods / 100 defects; "
                         "gradient by its numerical derivative"},
    .resolve = weighted_bce_resolve,
    .elements = weighted_bce_elements,
};
