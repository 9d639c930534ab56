/* Efficient IoU: diou + (w-wg)^2 / (cw^2 + eps) + (h-hg)^2 / (ch^2 + eps), everything differentiated. focal_eiou is
   IoU^gamma eiou; as published IoU^gamma is a constant for the gradient, with weight_detached=off it is differentiated
   too. Where IoU is 0, focal_eiou (gamma > 0) is 0 without slope. */
#include "lib/loss/boxes.h"

enum { GAMMA = BOX_EPS + 1, WEIGHT_DETACHED };

static const param eiou_params[] = {BOX_EPS_PARAM};

static const param focal_params[] = {
    BOX_EPS_PARAM,
    [GAMMA] = {.name = "gamma",
               .fallback = 0.5,
               .low = 0,
               .high = 10,
               .scale = PARAM_LINEAR,
               .tune_low = 0,
               .tune_high = 2,
               .summary = "how strongly boxes that overlap little are played down"},
    [WEIGHT_DETACHED] = {.name = "weight_detached",
                         .fallback = 1,
                         .low = 0,
                         .high = 1,
                         .scale = PARAM_CHOICE,
                         .words = loss_switch_words,
                         .summary = "on: IoU^gamma is a constant for the gradient"},
};

/* Adds (size - target)^2 / (enclosing^2 + eps), written with quotients that do not leave [-1, 1]. */
LOSS_INLINE void add_side(real *sum, box_slopes *by, const box_axis *a, real eps) {
    const real one_over = (real)1 / at_least(BOX_FLOOR, a->enclosing);
    const real damping = (real)1 / ((real)1 + eps * one_over * one_over);
    const real ratio = (a->size - a->target_size) * one_over, damped = ratio * damping;
    *sum += ratio * damped;
    by->size += 2 * damped * one_over;
    by->enclosing -= 2 * damped * damped * one_over;
}

LOSS_INLINE box_cost eiou_cost(const box_pair *pair, const box_iou *o, real eps) {
    box_cost cost = cost_by_iou(pair, o, o->distance, -1);
    add_centre_distance(&cost, pair, eps);
    add_side(&cost.loss, &cost.x, &pair->x, area_in_unit(pair, eps));
    add_side(&cost.loss, &cost.y, &pair->y, area_in_unit(pair, eps));
    return cost;
}

LOSS_INLINE box_cost plain_eiou_cost(const box_pair *pair, real eps) {
    const box_iou o = pair_iou(pair, eps);
    return eiou_cost(pair, &o, eps);
}

/* attached = 1: the weight is differentiated, its logarithmic slope is gamma / IoU; 0: a constant. */
LOSS_INLINE box_cost focal_eiou_cost(const box_pair *pair, real eps, real gamma, real attached) {
    const box_iou o = pair_iou(pair, eps);
    const real weight = real_select((o.iou > 0) | (gamma == 0), power_of_unit(o.iou, gamma), 0);
    box_cost cost = cost_times(weight, eiou_cost(pair, &o, eps));
    const box_cost by_weight = cost_by_iou(pair, &o, 0, attached * gamma * cost.loss / at_least(BOX_FLOOR, o.iou));
    cost.x.size += by_weight.x.size;
    cost.y.size += by_weight.y.size;
    cost.x.overlap += by_weight.x.overlap;
    cost.y.overlap += by_weight.y.overlap;
    return cost;
}

LOSS_KERNEL static void eiou_boxes(const double *values, const loss_boxes *boxes, real *restrict losses,
                                   real (*restrict slopes)[LOSS_TILE]) {
    const real eps = (real)values[BOX_EPS];
    EACH_BOX(plain_eiou_cost(&pair, eps))
}

LOSS_KERNEL static void focal_eiou_boxes(const double *values, const loss_boxes *boxes, real *restrict losses,
                                         real (*restrict slopes)[LOSS_TILE]) {
    const real eps = (real)values[BOX_EPS], gamma = (real)values[GAMMA];
    const real attached = (real)1 - (real)values[WEIGHT_DETACHED];
    EACH_BOX(focal_eiou_cost(&pair, eps, gamma, attached))
}

LOSS_TYPE(eiou) = {
    .name = "eiou",
    .version = 1,
    .summary = "diou + (w-wg)^2/cw^2 + (h-hg)^2/ch^2",
    .citation = "Zhang et al. 2021, Focal and efficient IOU loss, arXiv:2101.08158, EIoU loss",
    .use = "as ciou, with slopes of their own for width and height",
    .traps = "three different losses are called EIoU; this is Efficient IoU",
    .kind = LOSS_BOX,
    .params = eiou_params,
    .param_count = sizeof eiou_params / sizeof eiou_params[0],
    .golden = {.expression = "eiou",
               .images = 3,
               .channels = 4,
               .pixels = 1,
               .input = {1, 1, 4, 3, 6, 2, 8, 7, 0, 0, 1, 2},
               .target = {2, 0.5, 4.5, 4, 5.5, 3, 9, 6, 3, 4, 5, 5},
               .value = 1.11968567725578,
               .grad = {-0.0541736898730751, 0.128709028230005, -0.0450087011548805, -0.13551174931844,
                        0.129336063563795, -0.0508748268865494, -0.133810336494444, 0.0508748268865494,
                        0.0413333333333333, -0.012, -0.05, 0.00333333333333333},
               .source = "PyTorch 1.13, the formula written out in float64, gradient by autograd"},
    .boxes = eiou_boxes,
};

LOSS_TYPE(focal_eiou) = {
    .name = "focal_eiou",
    .version = 1,
    .summary = "IoU^gamma eiou, IoU^gamma constant for the gradient",
    .citation = "Zhang et al. 2021, Focal and efficient IOU loss, arXiv:2101.08158, focal EIoU loss",
    .use = "many poor boxes per target, which should not outweigh the good ones",
    .traps =
        "boxes that do not overlap their target never learn; with weight_detached=off boxes of small IoU are pushed "
        "apart, since IoU = 0 costs nothing",
    .kind = LOSS_BOX,
    .params = focal_params,
    .param_count = sizeof focal_params / sizeof focal_params[0],
    .golden = {.expression = "focal_eiou",
               .images = 2,
               .channels = 4,
               .pixels = 1,
               .input = {1, 1, 4, 3, 6, 2, 8, 7},
               .target = {2, 0.5, 4.5, 4, 5.5, 3, 9, 6},
               .value = 0.561155259062338,
               .grad = {-0.0495684615317151, 0.117767656763848, -0.0411825754718804, -0.123992088205995,
                        0.124796533457991, -0.0490891856514953, -0.129113765141901, 0.0490891856514953},
               .source = "PyTorch 1.13, the formula written out in float64, gradient by autograd"},
    .boxes = focal_eiou_boxes,
};
