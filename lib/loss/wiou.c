/* Wise IoU, version 1: exp((dx^2+dy^2) / (cw^2+ch^2)) (1 - IoU). As published the enclosing box is a constant for the
   gradient, the offset is not; enclosing_detached=off differentiates both. */
#include "lib/loss/boxes.h"

enum { ENCLOSING_DETACHED = BOX_EPS + 1 };

static const param params[] = {
    BOX_EPS_PARAM,
    [ENCLOSING_DETACHED] = {.name = "enclosing_detached",
                            .fallback = 1,
                            .low = 0,
                            .high = 1,
                            .scale = PARAM_CHOICE,
                            .words = loss_switch_words,
                            .summary = "on: cw^2+ch^2 is a constant for the gradient"},
};

LOSS_INLINE box_cost wiou_cost(const box_pair *pair, real eps, real attached) {
    const box_iou o = pair_iou(pair, eps);
    centre_distance d = centre_distance_of(pair, eps);
    const real factor = real_exp(d.value);
    box_cost cost = cost_by_iou(pair, &o, factor * o.distance, -factor);
    d.by_enclosing *= attached;
    add_centre_slopes(&cost, pair, &d, factor * o.distance);
    return cost;
}

LOSS_KERNEL static void wiou_boxes(const double *values, const loss_boxes *boxes, real *restrict losses,
                                   real (*restrict slopes)[LOSS_TILE]) {
    const real eps = (real)values[BOX_EPS], attached = (real)1 - (real)values[ENCLOSING_DETACHED];
    EACH_BOX(wiou_cost(&pair, eps, attached))
}

LOSS_TYPE(wiou_v1) = {
    .name = "wiou_v1",
    .version = 1,
    .summary = "exp((dx^2+dy^2)/(cw^2+ch^2)) (1-IoU), cw^2+ch^2 constant for the gradient",
    .citation = "Tong et al. 2023, Wise-IoU, arXiv:2301.10051, version 1",
    .use = "targets that are marked loosely: the distance matters less the better the boxes overlap",
    .traps = "versions 2 and 3 weigh by running means of the training: state that this version does not have",
    .kind = LOSS_BOX,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "wiou_v1",
               .images = 3,
               .channels = 4,
               .pixels = 1,
               .input = {1, 1, 4, 3, 6, 2, 8, 7, 0, 0, 1, 2},
               .target = {2, 0.5, 4.5, 4, 5.5, 3, 9, 6, 3, 4, 5, 5},
               .value = 0.954546194249073,
               .grad = {-0.0302445367037626, 0.0495910763111111, -0.0701906496971641, -0.0539729203384485,
                        0.0487107831185846, -0.0190569181589693, -0.051338037216004, 0.0190569181589693,
                        -0.0380873784656255, -0.0380873784656255, -0.0380873784656255, -0.0380873784656255},
               .source = "PyTorch 1.13, the formula written out in float64, gradient by autograd"},
    .boxes = wiou_boxes,
};
