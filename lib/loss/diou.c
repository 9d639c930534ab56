/* Distance IoU: 1 - IoU + (dx^2 + dy^2) / (cw^2 + ch^2 + eps), dx, dy the offset of the centres, cw x ch the smallest
   box around both, which is differentiated too. */
#include "lib/loss/boxes.h"

static const param params[] = {BOX_EPS_PARAM};

LOSS_INLINE box_cost diou_cost(const box_pair *pair, real eps) {
    const box_iou o = pair_iou(pair, eps);
    box_cost cost = cost_by_iou(pair, &o, o.distance, -1);
    add_centre_distance(&cost, pair, eps);
    return cost;
}

LOSS_KERNEL static void diou_boxes(const double *values, const loss_boxes *boxes, real *restrict losses,
                                   real (*restrict slopes)[LOSS_TILE]) {
    const real eps = (real)values[BOX_EPS];
    EACH_BOX(diou_cost(&pair, eps))
}

LOSS_TYPE(diou) = {
    .name = "diou",
    .version = 1,
    .summary = "1 - IoU + (dx^2+dy^2)/(cw^2+ch^2)",
    .citation = "Zheng et al. 2020, Distance-IoU loss, arXiv:1911.08287, DIoU loss",
    .use = "boxes that may start far from their targets: moves centres straight",
    .traps = "the size follows only from the overlap: concentric boxes of another shape are left to box_iou",
    .kind = LOSS_BOX,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "diou",
               .images = 3,
               .channels = 4,
               .pixels = 1,
               .input = {1, 1, 4, 3, 6, 2, 8, 7, 0, 0, 1, 2},
               .target = {2, 0.5, 4.5, 4, 5.5, 3, 9, 6, 3, 4, 5, 5},
               .value = 0.910433976575512,
               .grad = {-0.0308500747127252, 0.0470763751687803, -0.0722195855086221, -0.0538790962572157,
                        0.047703410502571, -0.0188748268865494, -0.0521776834332197, 0.0188748268865494,
                        0.00933333333333333, 0.00933333333333333, -0.0233333333333333, -0.0233333333333333},
               .source = "PyTorch 1.13, the formula written out in float64, gradient by autograd"},
    .boxes = diou_boxes,
};
