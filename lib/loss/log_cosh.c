/* log cosh d, d = prediction - target; the slope is tanh d. Near the target it is log(1 + sinh^2 d) / 2 with sinh^2 d
   from its series, since |d| + log(1+e^(-2|d|)) - log 2, which is used beyond, cancels there. */
#include "lib/loss/elements.h"

#define SERIES_LIMIT ((real)0.75) /* sinh^2 = 0.68 */
#define LOG_2 ((real)0x1.62e42fefa39efp-1)

/* sinh^2 d = sum of 2^(2k-1) / (2k)! d^(2k), for |d| up to SERIES_LIMIT within the rounding of a double. */
LOSS_INLINE real sinh_squared(real square) {
    real sum = 1;
    for (int k = 11; k >= 1; k--) sum = real_fma(square * ((real)4 / (real)((2 * k + 1) * (2 * k + 2))), sum, 1);
    return square * sum;
}

LOSS_INLINE element log_cosh_element(real d) {
    const real magnitude = real_abs(d), decay = real_exp_negative(2 * magnitude);
    const real s = sinh_squared(d * d);
    const int near = magnitude < SERIES_LIMIT;
    const real common = real_log1p_unit(real_select(near, s, decay));
    const real slope = real_select(near, real_sqrt(s / ((real)1 + s)), ((real)1 - decay) / ((real)1 + decay));
    return (element){.loss = real_select(near, (real)0.5 * common, magnitude + (common - LOG_2)),
                     .slope = real_select(d < 0, -slope, slope)};
}

LOSS_KERNEL static void log_cosh_elements(const double *values, const loss_block *block, real *restrict losses,
                                          real *restrict slopes) {
    (void)values;
    EACH_ELEMENT(log_cosh_element(real_capped(z[i] - y[i])))
}

LOSS_TYPE(log_cosh) = {
    .name = "log_cosh",
    .version = 1,
    .summary = "log cosh d",
    .citation = "Green 1990, Bayesian reconstructions from emission tomography data, IEEE Transactions on Medical "
                "Imaging 9",
    .use = "as huber with delta = 1, but smooth everywhere",
    .traps = "log(cosh(d)) as written overflows at |d| = 89 in float and is 0 below |d| = 3e-4; |d| + log(1+e^(-2|d|)) "
             "- log 2 loses all digits for small d",
    .kind = LOSS_REGRESSION,
    .golden = {.expression = "log_cosh",
               .images = 1,
               .channels = 1,
               .pixels = 4,
               .input = {1, -2, 0.5, 3},
               .target = {0, 1, 0.5, 2.75},
               .value = 0.693509784670243,
               .grad = {0.190398538988941, -0.248763688421683, 0, 0.0612296656009273},
               .source = "PyTorch 1.13, log(cosh(d)) in float64, gradient by autograd"},
    .elements = log_cosh_elements,
};
