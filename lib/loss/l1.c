/* Mean absolute error: |d|, d = prediction - target. The slope is the sign of d, 0 at d = 0. */
#include "lib/loss/elements.h"

LOSS_INLINE element l1_element(real d) { return (element){.loss = real_abs(d), .slope = real_sign(d)}; }

LOSS_KERNEL static void l1_elements(const double *values, const loss_block *block, real *restrict losses,
                                    real *restrict slopes) {
    (void)values;
    EACH_ELEMENT(l1_element(real_capped(z[i] - y[i])))
}

LOSS_TYPE(l1) = {
    .name = "l1",
    .version = 1,
    .summary = "absolute error, |d|",
    .citation = "Boscovich 1757, Laplace 1793; as a regression loss: Hastie et al. 2009, The elements of statistical "
                "learning, loss functions and robustness",
    .use = "numbers with outliers, where the median and not the mean is wanted",
    .traps = "the slope does not shrink near the target: with a fixed learning rate predictions jitter around it",
    .kind = LOSS_REGRESSION,
    .golden = {.expression = "l1",
               .images = 1,
               .channels = 1,
               .pixels = 4,
               .input = {1, -2, 0.5, 3},
               .target = {0, 1, 0.5, 2.75},
               .value = 1.0625,
               .grad = {0.25, -0.25, 0, 0.25},
               .source = "by hand: (1 + 3 + 0 + 0.25) / 4"},
    .elements = l1_elements,
};
