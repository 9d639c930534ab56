/* Dice loss: 1 - (2 I + smooth_nr) / (P + T + smooth_dr), I = sum p y, P = sum p, T = sum y over an image and channel.
   An image without foreground costs P/(P + smooth) nearly: false alarms on it are punished. */
#include "lib/loss/region.h"

static const param params[] = {REGION_PARAMS};

static void dice_region(const double *values, size_t rows, size_t channels, const loss_sums *sums, loss_cell *cells) {
    for (size_t i = 0; i < rows * channels; i++) {
        const loss_sums *s = &sums[i];
        const region_term numerator = {.value = 2 * s->intersection + values[SMOOTH_NR], .by_intersection = 2};
        const region_term denominator = {.value = s->prediction + s->target + values[SMOOTH_DR], .by_prediction = 1};
        cells[i] = loss_ratio_cost(values, s, numerator, denominator);
    }
}

LOSS_TYPE(dice) = {
    .name = "dice",
    .version = 1,
    .summary = "1 - (2 I + smooth_nr) / (P + T + smooth_dr)",
    .citation = "Milletari et al. 2016, V-Net, arXiv:1606.04797, section 3; Sorensen 1948, Dice 1945",
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
