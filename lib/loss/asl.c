/* Asymmetric loss: (1-p_t)^(y gamma_pos + (1-y) gamma_neg) [-y log p - (1-y) log n], n = min(1-p+clip, 1), p_t = y p +
   (1-y) n. Goods below p = clip cost nothing; at p = clip the derivative is taken as 0. With gamma_pos = gamma_neg =
   clip = 0 it is bce: the authors' clamp of the logarithm at 1e-8, which stops the gradient of the worst mistakes, is
   left out. weight_detached=on takes the power as a constant, as the authors' code can; the slope is then not that of
   the value. */
#include "lib/loss/elements.h"

enum { GAMMA_NEG, GAMMA_POS, CLIP, WEIGHT_DETACHED };

static const param_word switch_words[] = {{"off", 0}, {"on", 1}, {NULL, 0}};

static const param params[] = {
    [GAMMA_NEG] = {.name = "gamma_neg",
                   .fallback = 4,
                   .low = 0,
                   .high = 10,
                   .scale = PARAM_LINEAR,
                   .tune_low = 0,
                   .tune_high = 8,
                   .summary = "how strongly well-classified goods are played down"},
    [GAMMA_POS] = {.name = "gamma_pos",
                   .fallback = 1,
                   .low = 0,
                   .high = 10,
                   .scale = PARAM_LINEAR,
                   .tune_low = 0,
                   .tune_high = 8,
                   .summary = "how strongly well-classified defects are played down"},
    [CLIP] = {.name = "clip",
              .fallback = 0.05,
              .low = 0,
              .high = 0.9,
              .scale = PARAM_LINEAR,
              .tune_low = 0,
              .tune_high = 0.2,
              .summary = "probability below which goods cost nothing"},
    [WEIGHT_DETACHED] = {.name = "weight_detached",
                         .fallback = 0,
                         .low = 0,
                         .high = 1,
                         .scale = PARAM_CHOICE,
                         .words = switch_words,
                         .summary = "on: the power is a constant for the gradient"},
};

/* -log n and its slope for a good part; excess = 1-n = max(p-clip, 0). Both logarithms and the unshifted loss are
   computed, and the accurate one is taken. */
LOSS_INLINE element shifted_good(logistic l, real clip, real excess) {
    const real n = l.q + clip;
    const real shifted = -real_select(excess < (real)0.5, real_log1p(-excess), real_log(n));
    const real shifted_slope = real_select(excess > 0, ratio_or_zero(l.p * l.q, n), 0);
    return (element){.loss = real_select(clip > 0, shifted, l.good_loss),
                     .slope = real_select(clip > 0, shifted_slope, l.p)};
}

LOSS_INLINE element asl_element(logistic l, real y, real gamma_neg, real gamma_pos, real clip, real attached) {
    const real above = l.p - clip;
    const real excess = real_select(above > 0, above, 0);
    const element good = shifted_good(l, clip, excess);
    const element ce = {.loss = by_label(y, good.loss, l.defect_loss), .slope = by_label(y, good.slope, -l.q)};
    const real m = by_label(y, excess, l.q); /* 1-p_t; m' = p q direction */
    const real direction = real_select(above > 0, (real)1 - y, 0) - y;
    const real gamma = by_label(y, gamma_neg, gamma_pos);
    const real weight = power_of_unit(m, gamma);
    const real log_slope = attached * gamma * direction * ratio_or_zero(l.p * l.q, m);
    return (element){.loss = weight * ce.loss, .slope = weight * (log_slope * ce.loss + ce.slope)};
}

LOSS_KERNEL static void asl_elements(const double *values, const loss_block *block, real *restrict losses,
                                     real *restrict slopes) {
    const real gamma_neg = (real)values[GAMMA_NEG], gamma_pos = (real)values[GAMMA_POS];
    const real clip = (real)values[CLIP], attached = values[WEIGHT_DETACHED] != 0 ? 0 : 1;
    EACH_ELEMENT(asl_element(BLOCK_LOGISTIC(i), y[i], gamma_neg, gamma_pos, clip, attached))
}

LOSS_TYPE(asl) = {
    .name = "asl",
    .version = 1,
    .summary = "(1-p_t)^(gamma_pos | gamma_neg) bce, goods with their probability shifted down by clip",
    .citation = "Ridnik et al. 2021, Asymmetric loss for multi-label classification, arXiv:2009.14119",
    .use = "many labels an image or many easy goods: goods and defects are focused apart, and goods below clip are "
           "dropped",
    .traps = "goods above are pulled to p = clip and no further, so scores below it say nothing and ranks there are "
             "noise; the authors' clamp of the logarithm stops the gradient of the worst mistakes; their code can "
             "detach the weight, the paper's formula does not",
    .kind = LOSS_BINARY,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "asl",
               .images = 4,
               .channels = 1,
               .pixels = 1,
               .input = {-2, 0.5, 1.5, -0.25},
               .target = {0, 1, 0, 1},
               .value = 0.2874560097323982,
               .grad = {3.142162110080431e-6, -0.06348670193705315, 0.1541070344650177, -0.1298335649142258},
               .source = "mpmath, 40 digits: mean of the formula with gamma_neg 4, gamma_pos 1, clip 0.05; gradient "
                         "by its numerical derivative"},
    .elements = asl_elements,
};
