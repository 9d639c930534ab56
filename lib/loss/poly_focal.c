/* Poly-1 focal loss: focal + epsilon (1-p_t)^(gamma+1). Focal loss without alpha is the series of (1-p_t)^(gamma+j) / j
   over j = 1, 2, ...; epsilon is added to the coefficient of its first term, and alpha does not multiply it. With gamma
   = 0 it is poly-1 cross-entropy, with epsilon = 0 focal. Soft labels y as in focal, p_t = y p + (1-y)(1-p). A
   coefficient alpha_t + epsilon below 0 makes good predictions cost less than perfect ones. */
#include "lib/loss/focal.h"

enum { EPSILON = FOCAL_PARAM_COUNT };

static const param params[] = {
    FOCAL_PARAMS,
    [EPSILON] = {.name = "epsilon",
                 .fallback = 1,
                 .low = -1,
                 .high = 100,
                 .scale = PARAM_LINEAR,
                 .tune_low = -0.5,
                 .tune_high = 5,
                 .summary = "added to the coefficient 1 of the first term of the series"},
};

/* weight = m^gamma and m = 1-p_t given; m' = p q (1-2y). */
LOSS_INLINE element poly_element(logistic l, real y, real gamma, real alpha_t, real epsilon, real m, real weight) {
    const element focal = element_times(alpha_t, focal_from(l, y, gamma, m, weight));
    const real leading_slope = (gamma + 1) * weight * (l.p * l.q) * ((real)1 - 2 * y);
    return (element){.loss = real_fma(epsilon, weight * m, focal.loss),
                     .slope = real_fma(epsilon, leading_slope, focal.slope)};
}

/* m = 1-p_t and m^gamma */
LOSS_KERNEL static void fill_weights(const loss_block *block, real gamma, real *restrict m, real *restrict weight) {
    const real *restrict z = block->input, *restrict y = block->target;
    for (size_t i = 0; i < block->n; i++) {
        const logistic l = BLOCK_LOGISTIC(i);
        m[i] = by_label(y[i], l.p, l.q);
    }
    for (size_t i = 0; i < block->n; i++) weight[i] = power_of_unit(m[i], gamma);
}

LOSS_KERNEL static void poly_block(const loss_block *block, real gamma, real good, real defect, real epsilon,
                                   real *restrict losses, real *restrict slopes) {
    real m[LOSS_BLOCK], weight[LOSS_BLOCK];
    fill_weights(block, gamma, m, weight);
    EACH_ELEMENT(poly_element(BLOCK_LOGISTIC(i), y[i], gamma, by_label(y[i], good, defect), epsilon, m[i], weight[i]))
}

static void poly_focal_elements(const double *values, const loss_block *block, real *restrict losses,
                                real *restrict slopes) {
    const int off = values[ALPHA] < 0;
    poly_block(block, (real)values[GAMMA], off ? 1 : (real)(1.0 - values[ALPHA]), off ? 1 : (real)values[ALPHA],
               (real)values[EPSILON], losses, slopes);
}

LOSS_TYPE(poly_focal) = {
    .name = "poly_focal",
    .version = 1,
    .summary = "focal + epsilon (1-p_t)^(gamma+1)",
    .citation = "Leng et al. 2022, PolyLoss, arXiv:2204.12511, Poly-1 form of the focal loss",
    .use = "focal loss is the right shape but its first term should pull more (epsilon > 0: recall of hard defects) or "
           "less (epsilon < 0: detection of many easy goods)",
    .traps =
        "the best epsilon changes sign between tasks, so tune it; where alpha_t + epsilon < 0 the loss rewards being "
        "slightly wrong; some code multiplies the extra term by alpha, the authors' and this one do not",
    .kind = LOSS_BINARY,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden =
        {.expression = "poly_focal(epsilon=2, alpha=0.25)",
         .images = 4,
         .channels = 1,
         .pixels = 1,
         .input = {-2, 0.5, 1.5, -0.25},
         .target = {0, 1, 0, 1},
         .value = 0.6239488660007779,
         .grad = {0.00315113508332611, -0.05886613322359269, 0.3298076312942545, -0.1420734293582462},
         .source =
             "mpmath, 40 digits: mean of alpha_t (1-p_t)^2 bce + 2 (1-p_t)^3; gradient by its numerical derivative"},
    .resolve = loss_focal_resolve,
    .divisor = loss_focal_divisor,
    .elements = poly_focal_elements,
};
