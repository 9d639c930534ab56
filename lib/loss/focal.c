/* Focal loss: alpha_t (1-p_t)^gamma bce, p_t = y p + (1-y)(1-p), alpha_t = y alpha + (1-y)(1-alpha) or 1 when alpha is
   off. alpha = auto is the inverse frequency: alpha / (1-alpha) = goods / defects. Soft labels as in torchvision. */
#include "lib/loss/elements.h"

enum { GAMMA, ALPHA, MEAN_DIVISOR };
enum { OFF = -1, AUTO = -2 };
enum { ELEMENTS, POSITIVES };

static const param_word alpha_words[] = {{"off", OFF}, {"auto", AUTO}, {NULL, 0}};
static const param_word divisor_words[] = {{"elements", ELEMENTS}, {"positives", POSITIVES}, {NULL, 0}};

static const param params[] = {
    [GAMMA] = {.name = "gamma",
               .fallback = 2,
               .low = 0,
               .high = 10,
               .scale = PARAM_LINEAR,
               .tune_low = 0,
               .tune_high = 5,
               .summary = "how strongly well-classified elements are played down"},
    [ALPHA] = {.name = "alpha",
               .fallback = OFF,
               .low = 0,
               .high = 1,
               .scale = PARAM_LOGIT,
               .tune_low = 0.05,
               .tune_high = 0.999,
               .words = alpha_words,
               .summary = "weight of defects, 1-alpha that of goods; auto: goods / all of the training set"},
    [MEAN_DIVISOR] = {.name = "mean_divisor",
                      .fallback = ELEMENTS,
                      .low = ELEMENTS,
                      .high = POSITIVES,
                      .scale = PARAM_CHOICE,
                      .words = divisor_words,
                      .summary = "what the mean divides by: all elements, or the sum of labels (at least 1)"},
};

/* Three loops: 1-p_t, its power (a logarithm and an exponential), and the rest. */
LOSS_KERNEL void loss_focal_block(const loss_block *block, real gamma, real good, real defect, real *restrict losses,
                                  real *restrict slopes) {
    real m[LOSS_BLOCK], weight[LOSS_BLOCK];
    const size_t n = block->n;
    const real *restrict z = block->input, *restrict y = block->target;
    for (size_t i = 0; i < n; i++) {
        const logistic l = BLOCK_LOGISTIC(i);
        m[i] = by_label(y[i], l.p, l.q);
    }
    for (size_t i = 0; i < n; i++) weight[i] = gamma * real_log_normal(real_select(m[i] < REAL_MIN, REAL_MIN, m[i]));
    for (size_t i = 0; i < n; i++) weight[i] = real_exp_negative(real_abs(weight[i]));
    for (size_t i = 0; i < n; i++) {
        const element e =
            element_times(by_label(y[i], good, defect), focal_from(BLOCK_LOGISTIC(i), y[i], gamma, m[i], weight[i]));
        losses[i] = e.loss;
        slopes[i] = e.slope;
    }
}

static void focal_elements(const double *values, const loss_block *block, real *restrict losses,
                           real *restrict slopes) {
    const int off = values[ALPHA] < 0;
    loss_focal_block(block, (real)values[GAMMA], off ? 1 : (real)(1.0 - values[ALPHA]), off ? 1 : (real)values[ALPHA],
                     losses, slopes);
}

static void focal_resolve(double *values, const loss_counts *counts) {
    if (values[ALPHA] == AUTO) values[ALPHA] = counts->good / (counts->good + counts->defect);
}

/* Lin et al. 2017, section 4.1, divide by the number of anchors that hold an object. */
static double focal_divisor(const double *values, const loss_batch *batch) {
    const size_t n = batch->images * batch->channels * batch->pixels;
    double counted = 0, positives = 0;
    for (size_t i = 0; i < n; i++) {
        if (batch->ignore && batch->ignore[i]) continue;
        counted += 1;
        positives += (double)batch->target[i];
    }
    if (values[MEAN_DIVISOR] == ELEMENTS || counted == 0) return counted;
    return positives > 1 ? positives : 1;
}

LOSS_TYPE(focal) = {
    .name = "focal",
    .version = 1,
    .summary = "alpha_t (1-p_t)^gamma bce",
    .citation = "Lin et al. 2017, Focal loss for dense object detection, arXiv:1708.02002, equation 5",
    .kind = LOSS_BINARY,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .resolve = focal_resolve,
    .divisor = focal_divisor,
    .elements = focal_elements,
};
