/* Focal loss over K classes: alpha_y (1-p_y)^gamma (-log p_y), p the softmax; alpha is the batch's class_weight. With
   m = 1-p_y the derivative by log p_y is -m^gamma (1 + gamma p_y (-log p_y)/m); the ratio tends to 1 where m
   vanishes, so that the slope is finite for gamma < 1 too. */
#include "lib/loss/classes.h"

enum { GAMMA, MEAN_DIVISOR };
enum { SAMPLES, ELEMENTS };

static const param_word divisor_words[] = {{"samples", SAMPLES}, {"elements", ELEMENTS}, {NULL, 0}};

static const param params[] = {
    [GAMMA] = {.name = "gamma",
               .fallback = 2,
               .low = 0,
               .high = 10,
               .scale = PARAM_LINEAR,
               .tune_low = 0,
               .tune_high = 5,
               .summary = "how strongly well-classified items are played down"},
    [MEAN_DIVISOR] = {.name = "mean_divisor",
                      .fallback = SAMPLES,
                      .low = SAMPLES,
                      .high = ELEMENTS,
                      .scale = PARAM_CHOICE,
                      .words = divisor_words,
                      .summary = "what the mean divides by: the items, or items times classes"},
};

static double focal_multiclass_divisor(const double *values, const loss_batch *batch) {
    return loss_counted_items(batch) * (values[MEAN_DIVISOR] == SAMPLES ? 1 : (double)batch->channels);
}

LOSS_KERNEL static void focal_multiclass_classes(const double *values, const loss_tile *tile, real *restrict losses,
                                                 real *slopes) {
    const real gamma = (real)values[GAMMA];
    real factor[LOSS_TILE], true_p[LOSS_TILE];
    tile_softmax s = tile_softmax_in_scratch(tile);
    loss_softmax(tile, tile->logit, &s);
    for (size_t i = 0; i < tile->n; i++) true_p[i] = tile_true_p(tile, &s, i);
    for (size_t i = 0; i < tile->n; i++) {
        const real weight = power_of_unit(s.miss[i], gamma);
        losses[i] = weight * s.true_loss[i];
        factor[i] = weight * ((real)1 + gamma * ratio_or_zero(true_p[i] * s.true_loss[i], s.miss[i]));
    }
    loss_true_class_slopes(tile, &s, factor, slopes);
}

LOSS_TYPE(focal_multiclass) = {
    .name = "focal_multiclass",
    .version = 1,
    .summary = "class_weight_y (1-p_y)^gamma (-log p_y) over the softmax",
    .citation = "Lin et al. 2017, Focal loss for dense object detection, arXiv:1708.02002, equation 5, over K classes",
    .use = "K classes where most items are easy and a few decide",
    .traps =
        "not the sum of K sigmoid focal losses, which some libraries call by the same name; the mean over elements "
        "is K times smaller, another learning rate; the shares p_y it learns are less sure than the true ones",
    .kind = LOSS_MULTICLASS,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "focal_multiclass(gamma=0.5)",
               .images = 2,
               .channels = 3,
               .pixels = 1,
               .input = {1, 2, 3, 0.5, -1, 0.25},
               .target = {0, 2},
               .value = 1.5173177505610496,
               .grad = {-0.48571311766395, 0.13062837624259, 0.35508474142135, 0.25390241039149, 0.056653285492726,
                        -0.31055569588422},
               .source = "torch 1.13 float64: mean of (1-p)^0.5 (-log p), p = softmax(z)[y], by autograd"},
    .divisor = focal_multiclass_divisor,
    .classes = focal_multiclass_classes,
};
