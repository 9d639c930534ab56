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

static inline element bce_element(float z, float y, float smoothing) {
    return cross_entropy(logistic_of(z), y * (1.0f - smoothing) + 0.5f * smoothing);
}

static void bce_elements(const double *values, size_t n, const float *restrict z, const float *restrict y,
                         float *restrict losses, float *restrict slopes) {
    const float smoothing = (float)values[LABEL_SMOOTHING];
    EACH_ELEMENT(bce_element(z[i], y[i], smoothing))
}

const loss_type loss_bce = {
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
