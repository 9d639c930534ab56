/* A parabola near the target, a straight line away from it, d = prediction - target:

       huber       d^2 / 2            for |d| <= delta,   delta (|d| - delta/2)  beyond
       smooth_l1   d^2 / (2 beta)     for |d| < beta,     |d| - beta/2           beyond

   huber(delta) = delta smooth_l1(beta = delta). Both are smooth where the pieces meet. smooth_l1(beta=0) is l1. */
#include "lib/loss/elements.h"

enum { THRESHOLD };

static const param huber_params[] = {
    [THRESHOLD] = {.name = "delta",
                   .fallback = 1,
                   .low = 1e-6,
                   .high = 1e6,
                   .scale = PARAM_LOG,
                   .tune_low = 0.01,
                   .tune_high = 10,
                   .summary = "error at which the parabola becomes a line, in units of the target"},
};

static const param smooth_l1_params[] = {
    [THRESHOLD] = {.name = "beta",
                   .fallback = 1,
                   .low = 0,
                   .high = 1e6,
                   .scale = PARAM_LINEAR,
                   .tune_low = 0.01,
                   .tune_high = 2,
                   .summary = "error at which the parabola becomes a line, in units of the target; 0: l1"},
};

LOSS_INLINE element huber_element(real d, real delta) {
    const real magnitude = real_abs(d);
    const int near = magnitude <= delta;
    return (element){.loss = real_select(near, (real)0.5 * d * d, delta * (magnitude - (real)0.5 * delta)),
                     .slope = real_max(real_min(d, delta), -delta)};
}

/* d / beta is computed beyond beta too, where it is not used. */
LOSS_INLINE element smooth_l1_element(real d, real beta) {
    const real magnitude = real_abs(d), ratio = d / beta;
    const int near = magnitude < beta;
    return (element){.loss = real_select(near, (real)0.5 * d * ratio, magnitude - (real)0.5 * beta),
                     .slope = real_select(near, ratio, real_sign(d))};
}

LOSS_KERNEL static void huber_elements(const double *values, const loss_block *block, real *restrict losses,
                                       real *restrict slopes) {
    const real delta = (real)values[THRESHOLD];
    EACH_ELEMENT(huber_element(real_capped(z[i] - y[i]), delta))
}

LOSS_KERNEL static void smooth_l1_elements(const double *values, const loss_block *block, real *restrict losses,
                                           real *restrict slopes) {
    const real beta = (real)values[THRESHOLD];
    EACH_ELEMENT(smooth_l1_element(real_capped(z[i] - y[i]), beta))
}

LOSS_TYPE(smooth_l1) = {
    .name = "smooth_l1",
    .version = 1,
    .summary = "d^2/(2 beta) for |d| < beta, |d| - beta/2 beyond",
    .citation = "Girshick 2015, Fast R-CNN, arXiv:1504.08083, smooth L1 (beta = 1)",
    .use = "box offsets: l1 with a slope that shrinks near the target",
    .traps = "beta is in units of the target: offsets normalised to about 0.1 never leave a parabola of beta = 1",
    .kind = LOSS_REGRESSION,
    .params = smooth_l1_params,
    .param_count = sizeof smooth_l1_params / sizeof smooth_l1_params[0],
    .golden = {.expression = "smooth_l1(beta=0.5)",
               .images = 1,
               .channels = 1,
               .pixels = 4,
               .input = {1, -2, 0.5, 3},
               .target = {0, 1, 0.5, 2.75},
               .value = 0.890625,
               .grad = {0.25, -0.25, 0, 0.125},
               .source = "by hand: (0.75 + 2.75 + 0 + 0.0625) / 4"},
    .elements = smooth_l1_elements,
};

LOSS_TYPE(huber) = {
    .name = "huber",
    .version = 1,
    .summary = "d^2/2 for |d| <= delta, delta (|d| - delta/2) beyond",
    .citation = "Huber 1964, Robust estimation of a location parameter, Annals of Mathematical Statistics 35",
    .use = "numbers with outliers; delta is where an error starts to count as one",
    .traps = "scales with delta, unlike smooth_l1: a sweep over delta changes the step size too",
    .kind = LOSS_REGRESSION,
    .params = huber_params,
    .param_count = sizeof huber_params / sizeof huber_params[0],
    .golden = {.expression = "huber(delta=0.5)",
               .images = 1,
               .channels = 1,
               .pixels = 4,
               .input = {1, -2, 0.5, 3},
               .target = {0, 1, 0.5, 2.75},
               .value = 0.4453125,
               .grad = {0.125, -0.125, 0, 0.0625},
               .source = "by hand: (0.375 + 1.375 + 0 + 0.03125) / 4"},
    .elements = huber_elements,
};
