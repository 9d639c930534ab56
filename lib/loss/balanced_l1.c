/* Balanced L1, d = prediction - target, b = e^(gamma/alpha) - 1:

       alpha/b (b|d| + 1) log(b|d|/beta + 1) - alpha |d|   for |d| < beta,   gamma |d| + gamma/b - alpha beta   beyond

   as in the authors' code. The slope is alpha log(b|d| + 1) and gamma for beta = 1, the published case; for other beta
   the first piece has a kink at d = 0, where the slope is taken as 0, and does not meet the second. */
#include "lib/loss/elements.h"

enum { ALPHA, GAMMA, BETA };

static const param params[] = {
    [ALPHA] = {.name = "alpha",
               .fallback = 0.5,
               .low = 0.01,
               .high = 100,
               .scale = PARAM_LOG,
               .tune_low = 0.1,
               .tune_high = 2,
               .summary = "slope of small errors"},
    [GAMMA] = {.name = "gamma",
               .fallback = 1.5,
               .low = 0.01,
               .high = 100,
               .scale = PARAM_LOG,
               .tune_low = 0.5,
               .tune_high = 5,
               .summary = "slope of large errors"},
    [BETA] = {.name = "beta",
              .fallback = 1,
              .low = 1e-6,
              .high = 1e6,
              .scale = PARAM_LOG,
              .summary = "error at which the pieces change, in units of the target"},
};

static const char *balanced_l1_check(const double *values) {
    return values[GAMMA] > 50 * values[ALPHA] ? "gamma must be at most 50 alpha" : NULL;
}

LOSS_INLINE element balanced_l1_element(real d, real alpha, real gamma, real beta, real b) {
    const real magnitude = real_abs(d), inner = real_select(magnitude < beta, magnitude, beta);
    const real scaled = b * inner, ratio = b * (inner / beta);
    const real logarithm = real_log1p(ratio);
    const real near = alpha / b * (scaled + (real)1) * logarithm - alpha * inner;
    const real near_slope = alpha * (logarithm + ((real)1 - beta) / (scaled + beta));
    const real far = gamma * magnitude + (gamma / b - alpha * beta);
    return (element){.loss = real_capped(real_select(magnitude < beta, near, far)),
                     .slope = real_sign(d) * real_select(magnitude < beta, near_slope, gamma)};
}

LOSS_KERNEL static void balanced_l1_elements(const double *values, const loss_block *block, real *restrict losses,
                                             real *restrict slopes) {
    const real alpha = (real)values[ALPHA], gamma = (real)values[GAMMA], beta = (real)values[BETA];
    const real b = (real)(repro_exp(values[GAMMA] / values[ALPHA]) - 1);
    EACH_ELEMENT(balanced_l1_element(real_capped(z[i] - y[i]), alpha, gamma, beta, b))
}

LOSS_TYPE(balanced_l1) = {
    .name = "balanced_l1",
    .version = 1,
    .summary = "slope alpha log(b|d| + 1) for |d| < beta, gamma beyond, b = e^(gamma/alpha) - 1",
    .citation = "Pang et al. 2019, Libra R-CNN, arXiv:1904.02701, balanced L1 loss",
    .use = "box offsets: small errors pull harder than under smooth_l1, large ones are limited to gamma",
    .traps = "for beta other than 1 the authors' formula jumps at |d| = beta and has a kink at 0",
    .kind = LOSS_REGRESSION,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "balanced_l1",
               .images = 1,
               .channels = 1,
               .pixels = 4,
               .input = {1, -2, 0.5, 3},
               .target = {0, 1, 0.5, 2.75},
               .value = 1.32430590123662,
               .grad = {0.375, -0.375, 0, 0.219113994137446},
               .source = "PyTorch 1.13, the formula of mmdetection in float64, gradient by autograd"},
    .check = balanced_l1_check,
    .elements = balanced_l1_elements,
};
