/* Dice loss: 1 - (2 I + smooth_nr) / (P + T + smooth_dr), I = sum p y, P = sum p, T = sum y over an image and channel.
   An image without foreground costs P/(P + smooth) nearly: false alarms on it are punished. */
#include "lib/loss/region.h"

#include <math.h>

static const param params[] = {REGION_PARAMS};

static void dice_region(const double *values, size_t rows, size_t channels, const loss_sums *sums, loss_cell *cells) {
    for (size_t i = 0; i < rows * channels; i++) cells[i] = loss_dice_cost(values, &sums[i]);
}

LOSS_TYPE(dice) = {
    .name = "dice",
    .version = 1,
    .summary = "1 - (2 I + smooth_nr) / (P + T + smooth_dr)",
    .citation = "Milletari et al. 2016, V-Net, arXiv:1606.04797, Dice loss layer; Sorensen 1948, Dice 1945",
    .use = "masks with few defect pixels, where the overlap counts and not the share of pixels that are right",
    .traps = "smooth_nr = smooth_dr = 1 makes a clean image with few false pixels nearly free; empty_zero=on makes it "
             "quite free; the gradient vanishes with the mistake on saturated pixels, so add bce or focal",
    .kind = LOSS_MASK,
    .values = LOSS_PER_CELL,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "dice(smooth_nr=0, smooth_dr=0)",
               .images = 1,
               .channels = 1,
               .pixels = 4,
               .input = {0, 0, 0, 0},
               .target = {1, 0, 0, 0},
               .value = 2.0 / 3,
               .grad = {-5.0 / 36, 1.0 / 36, 1.0 / 36, 1.0 / 36},
               .source = "by hand: p = 1/2, I = 1/2, P = 2, T = 1, so 1 - 1/3; dI = -2/3, dP = 1/9"},
    .region_options = loss_ratio_options,
    .region = dice_region,
};

/* log(cosh(x)) and its slope tanh(x); the series where the formulas cancel. Below 0, where smooth_nr > smooth_dr can
   take the dice loss, it rises again. */
static loss_cell log_cosh(loss_cell cost) {
    const double x = fabs(cost.value), square = x * x, decay = repro_exp(-2 * x);
    const double value = x < 0.01 ? square * (0.5 - square * (1.0 / 12 - square / 45)) : x + repro_log((1 + decay) / 2);
    const double size = x < 0.01 ? x * (1 - square * (1.0 / 3 - square * 2 / 15)) : (1 - decay) / (1 + decay);
    const double slope = cost.value < 0 ? -size : size;
    return (loss_cell){value, slope * cost.by_intersection, slope * cost.by_prediction};
}

static void log_cosh_region(const double *values, size_t rows, size_t channels, const loss_sums *sums,
                            loss_cell *cells) {
    for (size_t i = 0; i < rows * channels; i++) cells[i] = log_cosh(loss_dice_cost(values, &sums[i]));
}

LOSS_TYPE(log_cosh_dice) = {
    .name = "log_cosh_dice",
    .version = 1,
    .summary = "log(cosh(dice loss))",
    .citation = "Jadon 2020, A survey of loss functions for semantic segmentation, arXiv:2006.14822, log-cosh Dice",
    .use = "as dice, when its gradient is too rough near the end of training",
    .traps = "the gradient is that of dice times tanh of the loss: at most 0.76 of it, and near 0 for good masks",
    .kind = LOSS_MASK,
    .values = LOSS_PER_CELL,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "log_cosh_dice",
               .images = 1,
               .channels = 1,
               .pixels = 4,
               .width = 2,
               .input = {1.5, -0.5, 0.25, -2},
               .target = {1, 0, 1, 1},
               .value = 0.07243613846972592,
               .grad = {-0.015558942607707, 0.010880036931585, -0.025676682307595, -0.01095292007818},
               .source = "torch 1.13 float64: the formula, by autograd"},
    .region_options = loss_ratio_options,
    .region = log_cosh_region,
};
