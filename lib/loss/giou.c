/* Generalised IoU: 1 - IoU + (C - U) / (C + eps), C the area of the smallest box around both. Where C has no area, both
   boxes lie on one line or point, its term is 0. */
#include "lib/loss/boxes.h"

static const param params[] = {BOX_EPS_PARAM};

LOSS_INLINE box_cost giou_cost(const box_pair *pair, real eps) {
    const box_iou o = pair_iou(pair, eps);
    const real c = pair->x.enclosing * pair->y.enclosing;
    const int flat = c < BOX_FLOOR;
    const real one_over = real_select(flat, 0, (real)1 / real_select(flat, 1, c + area_in_unit(pair, eps)));
    const real empty = (c - o.whole) * one_over, by_c = one_over - empty * one_over;
    /* U grows with the box and shrinks with the intersection */
    box_cost cost = cost_by_areas(pair, o.distance + empty, -o.by_area - one_over, -o.by_intersection + one_over);
    cost.x.enclosing = pair->y.enclosing * by_c;
    cost.y.enclosing = pair->x.enclosing * by_c;
    return cost;
}

LOSS_KERNEL static void giou_boxes(const double *values, const loss_boxes *boxes, real *restrict losses,
                                   real (*restrict slopes)[LOSS_TILE]) {
    const real eps = (real)values[BOX_EPS];
    EACH_BOX(giou_cost(&pair, eps))
}

LOSS_TYPE(giou) = {
    .name = "giou",
    .version = 1,
    .summary = "1 - IoU + (C-U)/C",
    .citation = "Rezatofighi et al. 2019, Generalized intersection over union, arXiv:1902.09630, algorithm 1",
    .use = "as box_iou, also for boxes that do not overlap yet",
    .traps = "boxes that are apart first grow towards the target; inside the target it is box_iou",
    .kind = LOSS_BOX,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "giou",
               .images = 3,
               .channels = 4,
               .pixels = 1,
               .input = {1, 1, 4, 3, 6, 2, 8, 7, 0, 0, 1, 2},
               .target = {2, 0.5, 4.5, 4, 5.5, 3, 9, 6, 3, 4, 5, 5},
               .value = 1.11599714143877,
               .grad = {-0.0522300552763793, 0.0776886200667395, -0.062015503875969, -0.0776886200667395,
                        0.0880357850631335, -0.0361678274163411, -0.0880357850631335, 0.0361678274163411, 0.016,
                        0.00266666666666666, -0.0266666666666667, -0.0133333333333333},
               .source = "PyTorch 1.13, the formula written out in float64, gradient by autograd"},
    .boxes = giou_boxes,
};
