/* Poly-1 cross-entropy: -log p_y + epsilon (1-p_y): the first term of the series -log p = sum_j (1-p)^j / j is weighted
   1 + epsilon in place of 1. epsilon >= -1, where the loss is never negative; for epsilon < 0 it is written as
   (-log p_y - m) + (1 + epsilon) m, m = 1-p_y, with the bracket held at 0 against rounding. */
#include "lib/loss/classes.h"

enum { EPSILON };

static const param params[] = {
    [EPSILON] = {.name = "epsilon",
                 .fallback = 1,
                 .low = -1,
                 .high = 100,
                 .scale = PARAM_LINEAR,
                 .tune_low = -1,
                 .tune_high = 6,
                 .summary = "added to the weight of the first term of the series; 0 is ce"},
};

LOSS_KERNEL static void poly1_ce_classes(const double *values, const loss_tile *tile, real *restrict losses,
                                         real *slopes) {
    const real epsilon = (real)values[EPSILON];
    real factor[LOSS_TILE];
    tile_softmax s = tile_softmax_in_scratch(tile);
    loss_softmax(tile, tile->logit, &s);
    for (size_t i = 0; i < tile->n; i++) factor[i] = (real)1 + epsilon * tile_true_p(tile, &s, i);
    for (size_t i = 0; i < tile->n; i++)
        losses[i] = real_max(s.true_loss[i] - s.miss[i], 0) + ((real)1 + epsilon) * s.miss[i];
    loss_true_class_slopes(tile, &s, factor, slopes);
}

LOSS_TYPE(poly1_ce) = {
    .name = "poly1_ce",
    .version = 1,
    .summary = "-log p_y + epsilon (1-p_y) over the softmax",
    .citation = "Leng et al. 2022, PolyLoss, arXiv:2204.12511, Poly-1 form of cross-entropy",
    .use = "as ce with one knob: epsilon > 0 pushes harder on items that are nearly right (balanced data), epsilon < 0 "
           "less (the authors' choice for imbalanced data)",
    .traps =
        "epsilon near -1 takes the pull off nearly right items: they stay unsure; the slope of a hopeless item is 1 "
        "whatever epsilon is",
    .kind = LOSS_MULTICLASS,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "poly1_ce(epsilon=2)",
               .images = 2,
               .channels = 3,
               .pixels = 1,
               .input = {1, 2, 3, 0.5, -1, 0.25},
               .target = {0, 2},
               .value = 3.196803703116185,
               .grad = {-0.5369097824798, 0.14439728004757, 0.39251250243223, 0.44408364941235, 0.099088455812678,
                        -0.54317210522503},
               .source = "torch 1.13 float64: mean of -log p + 2 (1-p), p = softmax(z)[y], by autograd"},
    .classes = poly1_ce_classes,
};
