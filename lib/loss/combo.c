/* Combo loss: alpha times the weighted cross-entropy, less (1-alpha) times the mean dice coefficient of background and
   foreground; each logit is both, with probabilities 1-p and p (a softmax over two channels is the logit z1 - z0):

     alpha mean(beta (1-y) log(1/(1-p)) + (1-beta) y log(1/p)) - (1-alpha) mean((D_0 + D_1) / 2)

   D = (tp + smooth) / (tp + fn/2 + fp/2 + smooth). Best is -(1-alpha). As in the authors' reimplementation (Yeung et
   al., unified-focal-loss) beta weighs the background; in the paper it weighs the foreground. eps_clip clips the
   probabilities of the cross-entropy only, as there; the gradient is 0 where they are clipped. */
#include "lib/loss/elements.h"
#include "lib/loss/region.h"

enum { ALPHA, BETA, SMOOTH, EPS_CLIP };

static const param params[] = {
    [ALPHA] = {.name = "alpha",
               .fallback = 0.5,
               .low = 0,
               .high = 1,
               .scale = PARAM_LINEAR,
               .tune_low = 0.1,
               .tune_high = 0.9,
               .summary = "share of the cross-entropy"},
    [BETA] = {.name = "beta",
              .fallback = 0.5,
              .low = 0,
              .high = 1,
              .scale = PARAM_LOGIT,
              .tune_low = 0.02,
              .tune_high = 0.9,
              .summary = "weight of good pixels in the cross-entropy, 1-beta that of defects"},
    [SMOOTH] = {.name = "smooth",
                .fallback = 1e-6,
                .low = 0,
                .high = 1e6,
                .scale = PARAM_LOG,
                .summary = "added to both sides of the dice coefficients, in pixels"},
    [EPS_CLIP] = {.name = "eps_clip",
                  .fallback = 0,
                  .low = 0,
                  .high = 0.1,
                  .scale = PARAM_LOG,
                  .summary = "probabilities of the cross-entropy are clipped to eps_clip..1-eps_clip; 0: not"},
};

/* Where probabilities are clipped: the logit, and the least and the largest cross-entropy. */
typedef struct {
    real logit, least, most;
} clip_limits;

static clip_limits limits_of(double clip) {
    if (!(clip > 0)) return (clip_limits){REAL_MAX, 0, REAL_MAX};
    const double least = -repro_log(1 - clip), most = -repro_log(clip);
    return (clip_limits){(real)(most - least), (real)least, (real)most};
}

LOSS_INLINE real clipped(real x, clip_limits limits) { return real_max(real_min(x, limits.most), limits.least); }

LOSS_INLINE element combo_element(real z, logistic l, real y, real good, real defect, clip_limits limits) {
    const real inside = real_select(real_abs(z) > limits.logit, 0, 1);
    const real good_loss = clipped(l.good_loss, limits), defect_loss = clipped(l.defect_loss, limits);
    return (element){.loss = by_label(y, good * good_loss, defect * defect_loss),
                     .slope = inside * by_label(y, good * l.p, -defect * l.q)};
}

LOSS_KERNEL static void combo_elements(const double *values, const loss_block *block, real *restrict losses,
                                       real *restrict slopes) {
    const real good = (real)(values[ALPHA] * values[BETA]), defect = (real)(values[ALPHA] * (1 - values[BETA]));
    const clip_limits limits = limits_of(values[EPS_CLIP]);
    EACH_ELEMENT(combo_element(z[i], BLOCK_LOGISTIC(i), y[i], good, defect, limits))
}

static void combo_region(const double *values, size_t rows, size_t channels, const loss_sums *sums, loss_cell *cells) {
    const double half = (1 - values[ALPHA]) / 2;
    for (size_t i = 0; i < rows * channels; i++) {
        const region_pair missed = loss_pair_costs(&sums[i], 0.5, values[SMOOTH]);
        const loss_cell *back = &missed.background, *fore = &missed.foreground;
        cells[i] = (loss_cell){.value = half * (back->value + fore->value) - 2 * half,
                               .by_intersection = half * (back->by_intersection + fore->by_intersection),
                               .by_prediction = half * (back->by_prediction + fore->by_prediction)};
    }
}

LOSS_TYPE(combo) = {
    .name = "combo",
    .version = 1,
    .summary = "alpha weighted cross-entropy - (1-alpha) dice coefficient, of background and foreground",
    .citation = "Taghanaki et al. 2019, Combo loss, arXiv:1805.02798; as in Yeung et al. 2022, "
                "arXiv:2102.04525, code at unified-focal-loss",
    .use = "masks: overlap and calibrated pixels in one loss, with one weight between them",
    .traps = "values are below 0; beta weighs the background here and in its usual code, the foreground in the paper; "
             "clipping stops the gradient of the worst pixels",
    .kind = LOSS_MASK,
    .values = LOSS_PER_CELL,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "combo(alpha=0.3, beta=0.7)",
               .images = 1,
               .channels = 1,
               .pixels = 4,
               .width = 2,
               .input = {1.5, -0.5, 0.25, -2},
               .target = {1, 0, 1, 1},
               .value = -0.2644308791284015,
               .grad = {-0.025593998244928, 0.072360667898218, -0.045314692674846, -0.034945693838601},
               .source = "torch 1.13 float64: the formula, by autograd"},
    .elements = combo_elements,
    .region = combo_region,
};
