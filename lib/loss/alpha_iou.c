/* Alpha IoU: 1 - IoU^alpha. */
#include "lib/loss/boxes.h"

enum { ALPHA = BOX_EPS + 1 };

static const param params[] = {
    BOX_EPS_PARAM,
    [ALPHA] = {.name = "alpha",
               .fallback = 3,
               .low = 0.1,
               .high = 10,
               .scale = PARAM_LINEAR,
               .tune_low = 0.5,
               .tune_high = 5,
               .summary = "power; above 1 good boxes pull harder than poor ones"},
};

LOSS_INLINE box_cost alpha_iou_cost(const box_pair *pair, real eps, real alpha) {
    const box_iou o = pair_iou(pair, eps);
    const real power = real_select(o.iou > 0, power_of_unit(o.iou, alpha), 0);
    return cost_by_iou(pair, &o, (real)1 - power, -alpha * power / at_least(BOX_FLOOR, o.iou));
}

LOSS_KERNEL static void alpha_iou_boxes(const double *values, const loss_boxes *boxes, real *restrict losses,
                                        real (*restrict slopes)[LOSS_TILE]) {
    const real eps = (real)values[BOX_EPS], alpha = (real)values[ALPHA];
    EACH_BOX(alpha_iou_cost(&pair, eps, alpha))
}

LOSS_TYPE(alpha_iou) = {
    .name = "alpha_iou",
    .version = 1,
    .summary = "1 - IoU^alpha",
    .citation = "He et al. 2021, Alpha-IoU, arXiv:2110.13675",
    .use = "boxes that should fit tightly: high IoU thresholds",
    .traps = "for alpha > 1 boxes that hardly overlap have hardly any slope",
    .kind = LOSS_BOX,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "alpha_iou",
               .images = 2,
               .channels = 4,
               .pixels = 1,
               .input = {1, 1, 4, 3, 6, 2, 8, 7},
               .target = {2, 0.5, 4.5, 4, 5.5, 3, 9, 6},
               .value = 0.93881545505955,
               .grad = {-0.0143769701717064, 0.0314496222506077, -0.0386381073364609, -0.0314496222506077,
                        0.0384797555709824, -0.0146589545032314, -0.0384797555709824, 0.0146589545032314},
               .source = "PyTorch 1.13, the formula written out in float64, gradient by autograd"},
    .boxes = alpha_iou_boxes,
};
