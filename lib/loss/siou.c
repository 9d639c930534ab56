/* SCYLLA IoU: 1 - IoU + (distance + shape) / 2 with, signs as in YOLOv6,

       angle    = sin 2a = 2 m / (1 + m^2), m = min(|dx|,|dy|) / max(|dx|,|dy|), a the direction of the centre offset
       distance = 2 - exp(-(2 - angle) (dx/cw)^2) - exp(-(2 - angle) (dy/ch)^2)
       shape    = (1 - exp(-|w-wg| / max(w,wg)))^theta + the same of h

   all of it differentiated. For concentric boxes angle = 0 and all slopes through dx, dy are 0; where one of dx, dy is
   0 or w = wg, the slope of the absolute value is taken as 0. eps is added to dx and dy, as YOLOv6 does. */
#include "lib/loss/boxes.h"

enum { THETA = BOX_EPS + 1 };

static const param params[] = {
    BOX_EPS_PARAM,
    [THETA] = {.name = "theta",
               .fallback = 4,
               .low = 1,
               .high = 10,
               .scale = PARAM_LINEAR,
               .tune_low = 2,
               .tune_high = 6,
               .summary = "how little small differences of shape cost"},
};

/* angle, and its derivatives by the signed offsets. */
typedef struct {
    real value, by_x, by_y;
} angle_term;

LOSS_INLINE angle_term angle_of(real dx, real dy) {
    const real x = real_abs(dx), y = real_abs(dy);
    const real one_over = (real)1 / at_least(BOX_FLOOR, real_max(x, y));
    const real m = real_min(x, y) * one_over, shrink = (real)1 / ((real)1 + m * m);
    const real slope =
        2 * ((real)1 - m * m) * shrink * shrink * one_over; /* by the smaller one; -m times it by the other */
    return (angle_term){.value = 2 * m * shrink,
                        .by_x = real_sign(dx) * slope * real_select(x < y, 1, -m),
                        .by_y = real_sign(dy) * slope * real_select(y < x, 1, -m)};
}

/* 1 - exp(-g (offset/enclosing)^2), with its derivatives; 0 where both boxes are on one line. */
typedef struct {
    real value, by_offset, by_enclosing, by_g;
} distance_term;

LOSS_INLINE distance_term distance_of(real offset, real enclosing, real g) {
    const int flat = enclosing < BOX_FLOOR;
    const real one_over = real_select(flat, 0, (real)1 / real_select(flat, 1, enclosing));
    const real ratio = real_max(real_min(offset * one_over, (real)0x1p30), (real)-0x1p30);
    const real near = real_exp_negative(g * ratio * ratio);
    const real slope = 2 * near * g * ratio;
    return (distance_term){.value = (real)1 - near,
                           .by_offset = slope * one_over,
                           .by_enclosing = -slope * ratio * one_over,
                           .by_g = near * ratio * ratio};
}

/* Adds half of (1 - exp(-|size-target| / larger))^theta. theta 4 is multiplied out. */
LOSS_INLINE void add_shape(real *sum, box_slopes *by, const box_axis *a, real theta, int four) {
    const real difference = a->size - a->target_size;
    const real one_over = (real)1 / at_least(BOX_FLOOR, real_max(a->size, a->target_size));
    const real decay = real_exp_negative(real_abs(difference) * one_over), x = (real)1 - decay;
    const real power = four ? x * x * x : real_select(x > 0, power_of_unit(x, theta - (real)1), 0);
    const real by_size = one_over * real_select(difference > 0, a->target_size * one_over, 1);
    *sum += (real)0.5 * power * x;
    by->size += (real)0.5 * theta * power * decay * real_sign(difference) * by_size;
}

LOSS_INLINE box_cost siou_cost(const box_pair *pair, real eps, real theta, int four) {
    const box_iou o = pair_iou(pair, 0);
    box_cost cost = cost_by_iou(pair, &o, o.distance, -1);
    const real shift = real_min(eps * pair->scale, (real)0x1p30);
    const real dx = pair->x.offset + shift, dy = pair->y.offset + shift;
    const angle_term angle = angle_of(dx, dy);
    const real g = (real)2 - angle.value;
    const distance_term x = distance_of(dx, pair->x.enclosing, g), y = distance_of(dy, pair->y.enclosing, g);
    const real by_angle = -(x.by_g + y.by_g);
    cost.loss += (real)0.5 * (x.value + y.value);
    cost.x.offset = (real)0.5 * (x.by_offset + by_angle * angle.by_x);
    cost.y.offset = (real)0.5 * (y.by_offset + by_angle * angle.by_y);
    cost.x.enclosing = (real)0.5 * x.by_enclosing;
    cost.y.enclosing = (real)0.5 * y.by_enclosing;
    add_shape(&cost.loss, &cost.x, &pair->x, theta, four);
    add_shape(&cost.loss, &cost.y, &pair->y, theta, four);
    return cost;
}

LOSS_KERNEL static void siou_boxes(const double *values, const loss_boxes *boxes, real *restrict losses,
                                   real (*restrict slopes)[LOSS_TILE]) {
    const real eps = (real)values[BOX_EPS], theta = (real)values[THETA];
    if (values[THETA] == 4)
        EACH_BOX(siou_cost(&pair, eps, 4, 1))
    else
        EACH_BOX(siou_cost(&pair, eps, theta, 0))
}

LOSS_TYPE(siou) = {
    .name = "siou",
    .version = 1,
    .summary = "1 - IoU + (distance + shape)/2, the distance weighted by its direction",
    .citation = "Gevorgyan 2022, SIoU loss, arXiv:2205.12740; signs as in YOLOv6",
    .use = "boxes whose centre should first reach the nearer axis of the target",
    .traps = "0/0 for concentric boxes in most peers; in one of them the loss falls when boxes move apart",
    .kind = LOSS_BOX,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "siou",
               .images = 3,
               .channels = 4,
               .pixels = 1,
               .input = {1, 1, 4, 3, 6, 2, 8, 7, 0, 0, 1, 2},
               .target = {2, 0.5, 4.5, 4, 5.5, 3, 9, 6, 3, 4, 5, 5},
               .value = 0.895389246962345,
               .grad = {-0.0338643615537426, 0.0587044693621945, -0.077411260237695, -0.0527604680603526,
                        0.0484616214397849, -0.020946511987558, -0.0619289384925568, 0.020946511987558,
                        0.0180336908147156, -0.000440075888775995, -0.0266104603332975, -0.00813669362980583},
               .source = "PyTorch 1.13, the formula written out in float64, gradient by autograd"},
    .boxes = siou_boxes,
};
