/* Focal loss: alpha_t (1-p_t)^gamma bce, p_t = y p + (1-y)(1-p), alpha_t = y alpha + (1-y)(1-alpha) or 1 when alpha is
   off. alpha = auto is the inverse frequency: alpha / (1-alpha) = goods / defects. Soft labels as in torchvision. */
#include "lib/loss/focal.h"

const param_word loss_focal_alpha_words[] = {{"off", FOCAL_ALPHA_OFF}, {"auto", FOCAL_ALPHA_AUTO}, {NULL, 0}};
const param_word loss_divisor_words[] = {{"elements", 0}, {"positives", 1}, {NULL, 0}};

static const param params[] = {FOCAL_PARAMS};

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

void loss_focal_resolve(double *values, const loss_counts *counts) {
    if (values[ALPHA] == FOCAL_ALPHA_AUTO) values[ALPHA] = counts->good / (counts->good + counts->defect);
}

/* Lin et al. 2017, section 4.1, divide by the number of anchors that hold an object. */
double loss_count_divisor(int by_positives, const loss_batch *batch) {
    const size_t n = batch->images * batch->channels * batch->pixels;
    double counted = 0, positives = 0;
    if (!by_positives && !batch->ignore) return (double)n;
    for (size_t i = 0; i < n; i++) {
        if (batch->ignore && batch->ignore[i]) continue;
        counted += 1;
        if (by_positives) positives += (double)batch->target[i];
    }
    if (!by_positives || counted == 0) return counted;
    return positives > 1 ? positives : 1;
}

double loss_focal_divisor(const double *values, const loss_batch *batch) {
    return loss_count_divisor(values[MEAN_DIVISOR] != 0, batch);
}

LOSS_TYPE(focal) = {
    .name = "focal",
    .version = 1,
    .summary = "alpha_t (1-p_t)^gamma bce",
    .citation = "Lin et al. 2017, Focal loss for dense object detection, arXiv:1708.02002, equation 5",
    .use = "very many easy goods, as in dense detection and masks: their sum no longer outweighs the few hard "
           "elements",
    .traps = "alpha is the weight of defects, and the paper's 0.25 plays them down; the scores are not probabilities,"
             " they are drawn towards 1/2; wrong labels are the hardest elements and get the largest share; peers "
             "give NaN gradients for gamma < 1 on saturated logits, or clip, or (dlib) have a gradient that is not "
             "that of the value",
    .kind = LOSS_BINARY,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "focal(gamma=2, alpha=0.25)",
               .images = 4,
               .channels = 1,
               .pixels = 1,
               .input = {-2, 0.5, 1.5, -0.25},
               .target = {0, 1, 0, 1},
               .value = 0.2341145635864491,
               .grad = {0.0009133012866361437, -0.008621062334432151, 0.1802671289006925, -0.02539021331262671},
               .source = "mpmath, 40 digits: mean of alpha_t (1-p_t)^2 bce; gradient by its numerical derivative"},
    .resolve = loss_focal_resolve,
    .divisor = loss_focal_divisor,
    .elements = focal_elements,
};
