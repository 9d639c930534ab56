/* Unified focal loss, symmetric and asymmetric: lambda (focal Tversky) + (1-lambda) focal. Each logit is background and
   foreground, with probabilities 1-p and p (a softmax over two channels is the logit z1 - z0). The focal Tversky part
   is the mean over background and foreground of

     fore (1-D_1)^(1-gamma)      back (1-D_0)^(1-gamma), asymmetric 1-D_0

   with D = (tp + smooth) / (tp + delta fn + (1-delta) fp + smooth), over each image and channel; the focal part is the
   mean over pixels of (1-delta) (1-y) p^gamma log(1/(1-p)) + delta y log(1/p) (1-p)^gamma, asymmetric without the last
   factor. The power of 1-D is the chord below 1e-16 (region.h), so slopes are finite at a perfect prediction. Off by
   default: the authors' clip of all probabilities to eps_clip..1-eps_clip, with gradient 0 where they are clipped. */
#include "lib/loss/elements.h"
#include "lib/loss/region.h"

enum { DELTA, GAMMA, LAMBDA, LAMBDA_FTL, LAMBDA_FL, SMOOTH, EPS_CLIP };
enum { FROM_LAMBDA = -1 };

static const param_word from_lambda[] = {{"from_lambda", FROM_LAMBDA}, {NULL, 0}};

static const param params[] = {
    [DELTA] = {.name = "delta",
               .fallback = 0.6,
               .low = 0,
               .high = 1,
               .scale = PARAM_LOGIT,
               .tune_low = 0.4,
               .tune_high = 0.98,
               .summary = "weight of defects and of pixels missed, 1-delta that of goods and false alarms"},
    [GAMMA] = {.name = "gamma",
               .fallback = 0.5,
               .low = 0,
               .high = 1,
               .scale = PARAM_LINEAR,
               .tune_low = 0.1,
               .tune_high = 0.9,
               .summary = "how strongly easy goods are played down, and good overlaps played up"},
    [LAMBDA] = {.name = "lambda",
                .fallback = 0.5,
                .low = 0,
                .high = 1,
                .scale = PARAM_LINEAR,
                .tune_low = 0.1,
                .tune_high = 0.9,
                .summary = "share of the focal Tversky part"},
    [LAMBDA_FTL] = {.name = "lambda_ftl",
                    .fallback = FROM_LAMBDA,
                    .low = 0,
                    .high = 1e6,
                    .scale = PARAM_LOG,
                    .words = from_lambda,
                    .summary = "weight of the focal Tversky part; from_lambda: lambda"},
    [LAMBDA_FL] = {.name = "lambda_fl",
                   .fallback = FROM_LAMBDA,
                   .low = 0,
                   .high = 1e6,
                   .scale = PARAM_LOG,
                   .words = from_lambda,
                   .summary = "weight of the focal part; from_lambda: 1-lambda"},
    [SMOOTH] = {.name = "smooth",
                .fallback = 1e-7,
                .low = 0,
                .high = 1e6,
                .scale = PARAM_LOG,
                .summary = "added to both sides of D, in pixels"},
    [EPS_CLIP] = {.name = "eps_clip",
                  .fallback = 0,
                  .low = 0,
                  .high = 0.1,
                  .scale = PARAM_LOG,
                  .summary = "probabilities are clipped to eps_clip..1-eps_clip; 0: not"},
};

static double tversky_weight(const double *values) {
    return values[LAMBDA_FTL] < 0 ? values[LAMBDA] : values[LAMBDA_FTL];
}

static double focal_weight(const double *values) {
    return values[LAMBDA_FL] < 0 ? 1 - values[LAMBDA] : values[LAMBDA_FL];
}

/* p^gamma = e^(-gamma log(1/p)), so nothing is lost and nothing infinite: the slopes of the powers are gamma times
   products of a loss with the probability that makes it large. */
LOSS_INLINE element focal_element(logistic l, real y, real good, real defect, real gamma, real defect_gamma) {
    const real easy_good = good * real_exp_negative(gamma * l.defect_loss);
    const real easy_defect = defect * real_exp_negative(defect_gamma * l.good_loss);
    return (element){.loss = by_label(y, easy_good * l.good_loss, easy_defect * l.defect_loss),
                     .slope = by_label(y, easy_good * (gamma * (l.q * l.good_loss) + l.p),
                                       -easy_defect * (defect_gamma * (l.p * l.defect_loss) + l.q))};
}

LOSS_KERNEL static void focal_elements(const double *values, double defect_power, const loss_block *block,
                                       real *restrict losses, real *restrict slopes) {
    const real good = (real)(focal_weight(values) * (1 - values[DELTA]));
    const real defect = (real)(focal_weight(values) * values[DELTA]);
    const real gamma = (real)values[GAMMA], defect_gamma = (real)defect_power;
    EACH_ELEMENT(focal_element(BLOCK_LOGISTIC(i), y[i], good, defect, gamma, defect_gamma))
}

static loss_cell mean_of(loss_cell a, loss_cell b, double weight) {
    return (loss_cell){weight * (a.value + b.value) / 2, weight * (a.by_intersection + b.by_intersection) / 2,
                       weight * (a.by_prediction + b.by_prediction) / 2};
}

static void tversky_region(const double *values, double back_exponent, size_t count, const loss_sums *sums,
                           loss_cell *cells) {
    for (size_t i = 0; i < count; i++) {
        const region_pair missed = loss_pair_costs(&sums[i], values[DELTA], values[SMOOTH]);
        const loss_cell fore = loss_cost_power(missed.foreground, 1 - values[GAMMA]);
        const loss_cell back =
            back_exponent == 1 ? missed.background : loss_cost_power(missed.background, back_exponent);
        cells[i] = mean_of(fore, back, tversky_weight(values));
    }
}

static void unified_options(const double *values, loss_region_options *options) { options->clip = values[EPS_CLIP]; }

/* --- symmetric --------------------------------------------------------------------------------------------------- */

static void sym_elements(const double *values, const loss_block *block, real *restrict losses, real *restrict slopes) {
    focal_elements(values, values[GAMMA], block, losses, slopes);
}

static void sym_region(const double *values, size_t rows, size_t channels, const loss_sums *sums, loss_cell *cells) {
    tversky_region(values, 1 - values[GAMMA], rows * channels, sums, cells);
}

LOSS_TYPE(unified_focal_sym) = {
    .name = "unified_focal_sym",
    .version = 1,
    .summary = "lambda (1-D)^(1-gamma) of back- and foreground + (1-lambda) focal",
    .citation = "Yeung et al. 2022, Unified focal loss, arXiv:2102.04525, symmetric variant",
    .use = "masks with few defect pixels, one loss in place of dice plus focal with parameters that mean the same in "
           "both parts",
    .traps =
        "gamma plays down easy pixels but plays up good overlaps; the authors' code clips at 1e-7, which stops the "
        "gradient of saturated pixels; with gamma below 1 peers without a clip give NaN gradients on them",
    .kind = LOSS_MASK,
    .values = LOSS_PER_CELL,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "unified_focal_sym",
               .images = 1,
               .channels = 1,
               .pixels = 4,
               .width = 2,
               .input = {1.5, -0.5, 0.25, -2},
               .target = {1, 0, 1, 1},
               .value = 0.5486730117585497,
               .grad = {-0.020113881413901, 0.042570838371944, -0.048958702030522, -0.079109558626346},
               .source = "torch 1.13 float64: the formula, by autograd"},
    .elements = sym_elements,
    .region_options = unified_options,
    .region = sym_region,
};

/* --- asymmetric -------------------------------------------------------------------------------------------------- */

static void asym_elements(const double *values, const loss_block *block, real *restrict losses, real *restrict slopes) {
    focal_elements(values, 0, block, losses, slopes);
}

static void asym_region(const double *values, size_t rows, size_t channels, const loss_sums *sums, loss_cell *cells) {
    tversky_region(values, 1, rows * channels, sums, cells);
}

LOSS_TYPE(unified_focal_asym) = {
    .name = "unified_focal_asym",
    .version = 1,
    .summary = "lambda ((1-D_1)^(1-gamma) + 1-D_0)/2 + (1-lambda) (focal on goods, cross-entropy on defects)",
    .citation = "Yeung et al. 2022, Unified focal loss, arXiv:2102.04525, asymmetric variant",
    .use = "as unified_focal_sym, when defects are rare: no defect pixel is played down",
    .traps = "as unified_focal_sym; beside it the focal part alone grows several times, since defects keep their whole "
             "cross-entropy",
    .kind = LOSS_MASK,
    .values = LOSS_PER_CELL,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "unified_focal_asym",
               .images = 1,
               .channels = 1,
               .pixels = 4,
               .width = 2,
               .input = {1.5, -0.5, 0.25, -2},
               .target = {1, 0, 1, 1},
               .value = 0.535549826947845,
               .grad = {-0.026808498772424, 0.053919573458877, -0.054499361760091, -0.075300410781239},
               .source = "torch 1.13 float64: the formula, by autograd"},
    .elements = asym_elements,
    .region_options = unified_options,
    .region = asym_region,
};
