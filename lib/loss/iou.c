/* IoU (Jaccard) loss of masks: 1 - (I + smooth_nr) / (P + T - I + smooth_dr). With dice = 2 iou / (1 + iou) it orders
   masks as Dice does. */
#include "lib/loss/region.h"

static const param params[] = {REGION_PARAMS};

static void iou_region(const double *values, size_t rows, size_t channels, const loss_sums *sums, loss_cell *cells) {
    for (size_t i = 0; i < rows * channels; i++) {
        const loss_sums *s = &sums[i];
        const region_term numerator = {.value = s->intersection + values[SMOOTH_NR], .by_intersection = 1};
        const region_term denominator = {.value = s->prediction + s->target - s->intersection + values[SMOOTH_DR],
                                         .by_intersection = -1,
                                         .by_prediction = 1};
        cells[i] = loss_ratio_cost(values, s, numerator, denominator);
    }
}

LOSS_TYPE(iou) = {
    .name = "iou",
    .version = 1,
    .summary = "1 - (I + smooth_nr) / (P + T - I + smooth_dr)",
    .citation = "Rahman & Wang 2016, Optimizing intersection-over-union in deep neural networks for image "
                "segmentation, ISVC",
    .use = "as dice, when IoU is what is reported",
    .traps = "for labels between 0 and 1 the union of a perfect prediction exceeds the intersection: the loss is not 0",
    .kind = LOSS_MASK,
    .values = LOSS_PER_CELL,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "iou(smooth_nr=0, smooth_dr=0)",
               .images = 1,
               .channels = 1,
               .pixels = 4,
               .input = {0, 0, 0, 0},
               .target = {1, 0, 0, 0},
               .value = 0.8,
               .grad = {-0.1, 0.02, 0.02, 0.02},
               .source = "by hand: p = 1/2, I = 1/2, union = 5/2, so 1 - 1/5; dI = -(1/u + I/u^2), dP = I/u^2"},
    .region_options = loss_ratio_options,
    .region = iou_region,
};
