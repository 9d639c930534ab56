/* Squared error: d^2, d = prediction - target, without the factor 1/2 that some give it. Losses and slopes beyond the
   largest number count as it. */
#include "lib/loss/elements.h"

LOSS_INLINE element l2_element(real d) { return (element){.loss = real_capped(d * d), .slope = real_capped(2 * d)}; }

LOSS_KERNEL static void l2_elements(const double *values, const loss_block *block, real *restrict losses,
                                    real *restrict slopes) {
    (void)values;
    EACH_ELEMENT(l2_element(z[i] - y[i]))
}

LOSS_TYPE(l2) = {
    .name = "l2",
    .version = 1,
    .summary = "squared error, d^2",
    .citation = "Gauss 1809, Theoria motus; Hastie et al. 2009, The elements of statistical learning",
    .use = "numbers with errors of one size, where the mean is wanted",
    .traps = "one outlier outweighs the batch; peers differ by a factor of 2 (d^2/2) and in what the mean divides by",
    .kind = LOSS_REGRESSION,
    .golden = {.expression = "l2",
               .images = 1,
               .channels = 1,
               .pixels = 4,
               .input = {1, -2, 0.5, 3},
               .target = {0, 1, 0.5, 2.75},
               .value = 2.515625,
               .grad = {0.5, -1.5, 0, 0.125},
               .source = "by hand: (1 + 9 + 0 + 0.0625) / 4"},
    .elements = l2_elements,
};
