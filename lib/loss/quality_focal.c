/* Focal losses for soft labels, such as the overlap of a detection with its object.

       quality_focal    |p-y|^beta bce: zero where the probability is the label, whatever it is
       varifocal        y > 0: y bce, y = 0: alpha p^gamma bce; only goods are played down

   At p = y the slope of quality_focal is 0; with beta < 1 and a label inside (0,1) the loss has a cusp there. A hard
   label makes quality_focal focal with gamma = beta. */
#include "lib/loss/focal.h"

/* --- quality focal ------------------------------------------------------------------------------------------------ */

enum { BETA, QUALITY_MEAN_DIVISOR };

static const param quality_params[] = {
    [BETA] = {.name = "beta",
              .fallback = 2,
              .low = 0,
              .high = 10,
              .scale = PARAM_LINEAR,
              .tune_low = 0,
              .tune_high = 5,
              .summary = "how strongly elements near their label are played down"},
    [QUALITY_MEAN_DIVISOR] = LOSS_DIVISOR_PARAM,
};

/* |p-y| and its sign: the slope of the cross-entropy is p-y without cancellation where the label is hard. */
LOSS_INLINE element quality_element(logistic l, real y, real beta) {
    const element ce = cross_entropy(l, y);
    const real distance = real_abs(ce.slope);
    const real weight = power_of_unit(distance, beta);
    const real log_slope = beta * real_sign(ce.slope) * ratio_or_zero(l.p * l.q, distance);
    return element_times(weight, (element){.loss = ce.loss, .slope = log_slope * ce.loss + ce.slope});
}

LOSS_KERNEL static void quality_focal_elements(const double *values, const loss_block *block, real *restrict losses,
                                               real *restrict slopes) {
    const real beta = (real)values[BETA];
    EACH_ELEMENT(quality_element(BLOCK_LOGISTIC(i), y[i], beta))
}

static double quality_focal_divisor(const double *values, const loss_batch *batch) {
    return loss_count_divisor(values[QUALITY_MEAN_DIVISOR] != 0, batch);
}

LOSS_TYPE(quality_focal) = {
    .name = "quality_focal",
    .version = 1,
    .summary = "|p-y|^beta bce",
    .citation = "Li et al. 2020, Generalized focal loss, arXiv:2006.04388, quality focal loss",
    .use = "labels that are degrees (overlap, severity, disagreement of annotators) with many easy elements",
    .traps = "where the label is uncertain the best score is not its mean unless beta = 0; with beta < 1 the "
             "slope grows without bound near a soft label; on hard labels it is focal without alpha",
    .kind = LOSS_BINARY,
    .params = quality_params,
    .param_count = sizeof quality_params / sizeof quality_params[0],
    .golden = {.expression = "quality_focal",
               .images = 4,
               .channels = 1,
               .pixels = 1,
               .input = {-2, 0.5, 1.5, -0.25},
               .target = {0, 1, 0.3, 0.8},
               .value = 0.1265978010473009,
               .grad = {0.001217735048848192, -0.03448424933772861, 0.08296344121399404, -0.0464620018831145},
               .source = "mpmath, 40 digits: mean of |p-y|^2 bce; gradient by its numerical derivative"},
    .divisor = quality_focal_divisor,
    .elements = quality_focal_elements,
};

/* --- varifocal ---------------------------------------------------------------------------------------------------- */

enum { VARIFOCAL_ALPHA, VARIFOCAL_GAMMA, IOU_WEIGHTED, VARIFOCAL_MEAN_DIVISOR };

static const param_word switch_words[] = {{"off", 0}, {"on", 1}, {NULL, 0}};

static const param varifocal_params[] = {
    [VARIFOCAL_ALPHA] = {.name = "alpha",
                         .fallback = 0.75,
                         .low = 0,
                         .high = 100,
                         .scale = PARAM_LOG,
                         .tune_low = 0.05,
                         .tune_high = 2,
                         .summary = "weight of goods"},
    [VARIFOCAL_GAMMA] = {.name = "gamma",
                         .fallback = 2,
                         .low = 0,
                         .high = 10,
                         .scale = PARAM_LINEAR,
                         .tune_low = 0,
                         .tune_high = 5,
                         .summary = "how strongly well-classified goods are played down"},
    [IOU_WEIGHTED] = {.name = "iou_weighted",
                      .fallback = 1,
                      .low = 0,
                      .high = 1,
                      .scale = PARAM_CHOICE,
                      .words = switch_words,
                      .summary = "on: defects are weighted with their label, off: with 1"},
    [VARIFOCAL_MEAN_DIVISOR] = LOSS_DIVISOR_PARAM,
};

/* A good costs alpha p^gamma log(1+e^z), which is never negative and smooth where p vanishes. */
LOSS_INLINE element varifocal_element(logistic l, real y, real alpha, real gamma, real by_quality) {
    const element ce = cross_entropy(l, y);
    const real played_down = alpha * power_of_unit(l.p, gamma);
    const real defect = real_select(by_quality > 0, y, 1);
    const real good_slope = gamma * l.q * l.good_loss + l.p;
    return (element){.loss = real_select(y > 0, defect * ce.loss, played_down * l.good_loss),
                     .slope = real_select(y > 0, defect * ce.slope, played_down * good_slope)};
}

LOSS_KERNEL static void varifocal_elements(const double *values, const loss_block *block, real *restrict losses,
                                           real *restrict slopes) {
    const real alpha = (real)values[VARIFOCAL_ALPHA], gamma = (real)values[VARIFOCAL_GAMMA];
    const real by_quality = (real)values[IOU_WEIGHTED];
    EACH_ELEMENT(varifocal_element(BLOCK_LOGISTIC(i), y[i], alpha, gamma, by_quality))
}

static double varifocal_divisor(const double *values, const loss_batch *batch) {
    return loss_count_divisor(values[VARIFOCAL_MEAN_DIVISOR] != 0, batch);
}

LOSS_TYPE(varifocal) = {
    .name = "varifocal",
    .version = 1,
    .summary = "y bce for y > 0, alpha p^gamma bce for y = 0",
    .citation = "Zhang et al. 2021, VarifocalNet, arXiv:2008.13367, varifocal loss",
    .use = "dense detection with the overlap as label: few positives keep their full gradient, easy goods are played "
           "down",
    .traps = "alpha is the weight of goods here, not of defects; a defect with a small label hardly counts, so wrong "
             "overlaps early in training silence objects; the authors divide by the number of positives "
             "(mean_divisor=positives divides by the sum of labels)",
    .kind = LOSS_BINARY,
    .params = varifocal_params,
    .param_count = sizeof varifocal_params / sizeof varifocal_params[0],
    .golden = {.expression = "varifocal",
               .images = 4,
               .channels = 1,
               .pixels = 1,
               .input = {-2, 0.5, 1.5, -0.25},
               .target = {0, 1, 0.3, 0},
               .value = 0.233413689537501,
               .grad = {0.0009133012866361437, -0.09438516719953636, 0.03881808571452327, 0.03901057108591206},
               .source = "mpmath, 40 digits: mean of y bce and 0.75 p^2 bce; gradient by its numerical derivative"},
    .divisor = varifocal_divisor,
    .elements = varifocal_elements,
};
