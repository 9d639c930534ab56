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
                "arXiv:1512.00567",
    .use = "the baseline: the proper score whose minimum is the true probability; any loss has to beat it tuned alike",
    .traps = "with rare defects most of the gradient comes from good parts, and early training is lost to learning "
             "the prior: start the head's bias at loss_prior_logit; peers that take probabilities clip them, so that "
             "the gradient is 0 where the mistake is largest; label_smoothing > 0 makes a sure hit cost and bends the"
             " probabilities",
    .kind = LOSS_BINARY,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "bce(label_smoothing=0.1)",
               .images = 4,
               .channels = 1,
               .pixels = 1,
               .input = {-2, 0.5, 1.5, -0.25},
               .target = {0, 1, 0, 1},
               .value = 0.7914644232711688,
               .grad = {0.01730073050552939, -0.08188516719953636, 0.1918936190484109, -0.1280441252214495},
               .source = "mpmath, 40 digits: mean of log(1+e^z) - y' z, y' = 0.05 and 0.95; gradient by its numerical"
                         " derivative"},
    .elements = bce_elements,
};
