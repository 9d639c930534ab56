/* IoU loss of a pair of boxes, IoU = I / (U + eps):

       linear   1 - IoU
       log      -log max(IoU, eps_log)
       square   1 - max(IoU, eps_log)^2

   Boxes that touch or are apart have IoU 0 and no slope, and so have boxes without area, except that IoU is 1 for equal
   ones. Below eps_log there is no slope. */
#include "lib/loss/boxes.h"

enum { FORM = BOX_EPS + 1, EPS_LOG };
enum { LINEAR, LOGARITHM, SQUARE };

static const param_word form_words[] = {{"linear", LINEAR}, {"log", LOGARITHM}, {"square", SQUARE}, {NULL, 0}};

static const param params[] = {
    BOX_EPS_PARAM,
    [FORM] = {.name = "form",
              .fallback = LINEAR,
              .low = LINEAR,
              .high = SQUARE,
              .scale = PARAM_CHOICE,
              .words = form_words,
              .summary = "what of IoU is the loss"},
    [EPS_LOG] = {.name = "eps_log",
                 .fallback = 1e-6,
                 .low = 1e-30,
                 .high = 0.5,
                 .scale = PARAM_LOG,
                 .summary = "least IoU for log and square; without slope below"},
};

LOSS_INLINE box_cost linear_cost(const box_pair *pair, real eps) {
    const box_iou o = pair_iou(pair, eps);
    return cost_by_iou(pair, &o, o.distance, -1);
}

LOSS_INLINE box_cost log_cost(const box_pair *pair, real eps, real least) {
    const box_iou o = pair_iou(pair, eps);
    const real iou = at_least(least, o.iou);
    return cost_by_iou(pair, &o, -real_log_normal(iou), real_select(o.iou < least, 0, (real)-1 / iou));
}

LOSS_INLINE box_cost square_cost(const box_pair *pair, real eps, real least) {
    const box_iou o = pair_iou(pair, eps);
    const real iou = at_least(least, o.iou);
    return cost_by_iou(pair, &o, (real)1 - iou * iou, real_select(o.iou < least, 0, -2 * iou));
}

LOSS_KERNEL static void box_iou_boxes(const double *values, const loss_boxes *boxes, real *restrict losses,
                                      real (*restrict slopes)[LOSS_TILE]) {
    const real eps = (real)values[BOX_EPS], least = (real)values[EPS_LOG];
    if (values[FORM] == LINEAR)
        EACH_BOX(linear_cost(&pair, eps))
    else if (values[FORM] == LOGARITHM)
        EACH_BOX(log_cost(&pair, eps, least))
    else
        EACH_BOX(square_cost(&pair, eps, least))
}

LOSS_TYPE(box_iou) = {
    .name = "box_iou",
    .version = 1,
    .summary = "1 - IoU, -log IoU or 1 - IoU^2",
    .citation = "Yu et al. 2016, UnitBox, arXiv:1608.01471 (log)",
    .use = "boxes that overlap their targets already: the measure itself",
    .traps = "no slope for boxes that do not overlap; a derivative of I that is not zeroed together with I moves such "
             "boxes to wrong places",
    .kind = LOSS_BOX,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "box_iou(form=log)",
               .images = 2,
               .channels = 4,
               .pixels = 1,
               .input = {1, 1, 4, 3, 6, 2, 8, 7},
               .target = {2, 0.5, 4.5, 4, 5.5, 3, 9, 6},
               .value = 0.935500286826128,
               .grad = {-0.0930232558139535, 0.203488372093023, -0.25, -0.203488372093023, 0.181034482758621,
                        -0.0689655172413793, -0.181034482758621, 0.0689655172413793},
               .source = "PyTorch 1.13, the formula written out in float64, gradient by autograd"},
    .boxes = box_iou_boxes,
};
