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
static inline element shifted_good(logistic l, float clip, float excess) {
    const float n = l.q + clip;
    const float shifted = -repro_select(excess < 0.5f, repro_log1pf(-excess), repro_logf(n));
    const float shifted_slope = repro_select(excess > 0.0f, ratio_or_zero(l.p * l.q, n), 0.0f);
    return (element){.loss = repro_select(clip > 0.0f, shifted, l.good_loss),
                     .slope = repro_select(clip > 0.0f, shifted_slope, l.p)};
}

static inline element asl_element(float z, float y, float gamma_neg, float gamma_pos, float clip, float attached) {
    const logistic l = logistic_of(z);
    const float above = l.p - clip;
    const float excess = repro_select(above > 0.0f, above, 0.0f);
    const element good = shifted_good(l, clip, excess);
    const element ce = {.loss = by_label(y, good.loss, l.defect_loss), .slope = by_label(y, good.slope, -l.q)};
    const float m = by_label(y, excess, l.q); /* 1-p_t; m' = p q direction */
    const float direction = repro_select(above > 0.0f, 1.0f - y, 0.0f) - y;
    const float gamma = by_label(y, gamma_neg, gamma_pos);
    const float weight = power_of_unit(m, gamma);
    const float log_slope = attached * gamma * direction * ratio_or_zero(l.p * l.q, m);
    return (element){.loss = weight * ce.loss, .slope = weight * (log_slope * ce.loss + ce.slope)};
}

static void asl_elements(const double *values, size_t n, const float *restrict z, const float *restrict y,
                         float *restrict losses, float *restrict slopes) {
    const float gamma_neg = (float)values[GAMMA_NEG], gamma_pos = (float)values[GAMMA_POS];
    const float clip = (float)values[CLIP], attached = values[WEIGHT_DETACHED] != 0 ? 0.0f : 1.0f;
    EACH_ELEMENT(asl_element(z[i], y[i], gamma_neg, gamma_pos, clip, attached))
}

const loss_type loss_asl = {
    .name = "asl",
    .version = 1,
    .summary = "(1-p_t)^(gamma_pos | gamma_neg) bce, goods with their probability shifted down by clip",
    .citation = "Ridnik et al. 2021, Asymmetric loss for multi-label classification, arXiv:2009.14119, equation 7",
    .kind = LOSS_BINARY,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .elements = asl_elements,
};
