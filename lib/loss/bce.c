/* Binary cross-entropy: log(1+e^z) - y z, with labels y smoothed to y (1-s) + s/2. The slope is sigmoid(z) - y. */
#include "lib/loss/elements.h"

enum { LABEL_SMOOTHING };

static const param params[] = {
    [LABEL_SMOOTHING] = {.name = "label_smoothing",
                         .fallback = 0,
                         .low = 0,
                         .high = 1,
                         .scale = PARAM_LINEAR,
                         .summary = "share of each label that is spread evenly over both classes"},
};

LOSS_KERNEL static void bce_elements(const double *values, const loss_block *block, real *restrict losses,
                                     real *restrict slopes) {
    const real smoothing = (real)values[LABEL_SMOOTHING], keep = (real)1 - smoothing, spread = (real)0.5 * smoothing;
    EACH_ELEMENT(cross_entropy(BLOCK_LOGISTIC(i), y[i] * keep + spread))
}

LOSS_TYPE(bce) = {
    .name = "bce",
    .version = 1,
    .summary = "binary cross-entropy, log(1+e^z) - y z",
    .citation = "Cox 1958, The regression analysis of binary sequences; label smoothing: Szegedy et al. 2016, "
                "arXiv:1512.00567, section 7",
    .kind = LOSS_BINARY,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .elements = bce_elements,
};
