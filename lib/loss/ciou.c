/* Complete IoU: diou + alpha v, v = 4/pi^2 (atan(wg/hg) - atan(w/h))^2, alpha = v / (1 - IoU + v + eps), a constant for
   the gradient as published; alpha_detached=off differentiates it too. inner_ciou takes the IoU of both boxes scaled
   about their centres by `ratio` in place of IoU, except in alpha.

   The angle of a point (w = h = 0) is that of its target, v = 0. alpha is 0 where it is 0/0, for equal boxes. */
#include "lib/loss/boxes.h"

enum { ALPHA_DETACHED = BOX_EPS + 1, ALPHA_IOU_GATE, CLAMP, GRADIENT };
enum { RATIO = BOX_EPS + 1 };
enum { EXACT, UNIT };

static const param_word gradient_words[] = {{"true", EXACT}, {"unit", UNIT}, {NULL, 0}};

static const param ciou_params[] = {
    BOX_EPS_PARAM,
    [ALPHA_DETACHED] = {.name = "alpha_detached",
                        .fallback = 1,
                        .low = 0,
                        .high = 1,
                        .scale = PARAM_CHOICE,
                        .words = loss_switch_words,
                        .summary = "on: alpha is a constant for the gradient"},
    [ALPHA_IOU_GATE] = {.name = "alpha_iou_gate",
                        .fallback = 0,
                        .low = 0,
                        .high = 1,
                        .scale = PARAM_LINEAR,
                        .summary = "alpha is 0 unless IoU is above this (0.5: the authors' later code); 0: no gate"},
    [CLAMP] = {.name = "clamp",
               .fallback = 0,
               .low = 0,
               .high = 1,
               .scale = PARAM_CHOICE,
               .words = loss_switch_words,
               .summary = "on: the loss is at most 2, without gradient beyond"},
    [GRADIENT] = {.name = "gradient",
                  .fallback = EXACT,
                  .low = EXACT,
                  .high = UNIT,
                  .scale = PARAM_CHOICE,
                  .words = gradient_words,
                  .summary = "unit: 1/(w^2+h^2) is taken as 1 in the gradient of v, in units of the coordinates; the "
                             "gradient is then not that of the value"},
};

static const param inner_params[] = {
    BOX_EPS_PARAM,
    [RATIO] = {.name = "ratio",
               .fallback = 0.7,
               .low = 0.1,
               .high = 10,
               .scale = PARAM_LOG,
               .tune_low = 0.5,
               .tune_high = 1.5,
               .summary = "size of the inner boxes; below 1 for boxes that fit well, above 1 for those that do not"},
};

typedef struct {
    real detached; /* 1 or 0 */
    real gate;     /* alpha is 0 unless IoU is above; -1: no gate */
    real limit;    /* largest loss */
} ciou_options;

/* v and its derivatives by the sides of the predicted box. */
typedef struct {
    real value, by_width, by_height;
} aspect;

/* atan(wg/hg) - atan(w/h) as one arc tangent, exactly 0 for equal shapes. The sides are measured in a power of two
   near the larger one. Inverted boxes, w/h < 0, may turn by more than a quarter. */
LOSS_INLINE real turn_of_aspect(real w, real h, real target_w, real target_h) {
    const real pi = (real)0x1.921fb54442d18p+1;
    const real upright_w = real_select(h < 0, -w, w), upright_h = real_abs(h);
    const real across = target_w * upright_h - target_h * upright_w,
               along = target_w * upright_w + target_h * upright_h;
    return real_atan(real_select(across == 0, 0, across / along)) + real_select(along < 0, pi, 0);
}

LOSS_INLINE aspect aspect_of(const box_pair *p, int unit) {
    const real k = (real)0.40528473456935108578; /* 4 / pi^2 */
    const real larger = at_least(BOX_FLOOR, real_max(real_abs(p->x.size), real_abs(p->y.size)));
    const real factor = power_of_two_under_1_over(larger);
    const real w = p->x.size * factor, h = p->y.size * factor;
    const real turn = turn_of_aspect(w, h, p->x.target_size, p->y.target_size);
    const real length = real_min(p->unit, (real)0x1p40); /* 1/(w^2+h^2) = 1 in the pair's unit is its square */
    const real shrink = unit ? length * length / factor : factor / at_least((real)0.25, w * w + h * h);
    const real by_angle = -2 * k * turn;
    return (aspect){
        .value = k * turn * turn, .by_width = by_angle * (h * shrink), .by_height = -by_angle * (w * shrink)};
}

/* The aspects of a tile, a loop of their own: two shorter chains of operations keep the processor's units busy where
   one long chain would not. */
typedef struct {
    real value[LOSS_TILE], by_width[LOSS_TILE], by_height[LOSS_TILE];
} aspects;

LOSS_INLINE void fill_aspects(const loss_boxes *boxes, int unit, aspects *out) {
    for (size_t i = 0; i < boxes->n; i++) {
        const box_pair pair = box_pair_at(boxes, i);
        const aspect a = aspect_of(&pair, unit);
        out->value[i] = a.value;
        out->by_width[i] = a.by_width;
        out->by_height[i] = a.by_height;
    }
}

LOSS_INLINE aspect aspect_at(const aspects *all, size_t i) {
    return (aspect){all->value[i], all->by_width[i], all->by_height[i]};
}

/* alpha v, with the derivative by v and, through alpha, by IoU. */
typedef struct {
    real value, by_aspect, by_iou;
} trade_off;

LOSS_INLINE trade_off trade_off_of(const box_iou *o, real v, real eps, const ciou_options *options) {
    const real alpha = v / at_least(BOX_FLOOR, o->distance + v + eps);
    const real a = real_select(o->iou > options->gate, alpha, 0);
    const real attached = (real)1 - options->detached;
    return (trade_off){.value = a * v, .by_aspect = a + attached * (a - a * a), .by_iou = attached * a * a};
}

LOSS_INLINE void add_aspect_slopes(box_cost *cost, const aspect *v, real factor) {
    cost->x.size += factor * v->by_width;
    cost->y.size += factor * v->by_height;
}

LOSS_INLINE box_cost ciou_cost(const box_pair *pair, real eps, const ciou_options *options, aspect v) {
    const box_iou o = pair_iou(pair, eps);
    const centre_distance d = centre_distance_of(pair, eps);
    const trade_off t = trade_off_of(&o, v.value, eps, options);
    const real all = o.distance + d.value + t.value, keep = real_select(all > options->limit, 0, 1);
    box_cost cost = cost_by_iou(pair, &o, real_min(all, options->limit), keep * (t.by_iou - (real)1));
    add_centre_slopes(&cost, pair, &d, keep);
    add_aspect_slopes(&cost, &v, keep * t.by_aspect);
    return cost;
}

LOSS_KERNEL static void ciou_boxes(const double *values, const loss_boxes *boxes, real *restrict losses,
                                   real (*restrict slopes)[LOSS_TILE]) {
    const real eps = (real)values[BOX_EPS], gate = (real)values[ALPHA_IOU_GATE];
    const ciou_options options = {.detached = (real)values[ALPHA_DETACHED],
                                  .gate = gate > 0 ? gate : -1,
                                  .limit = values[CLAMP] != 0 ? 2 : REAL_MAX};
    aspects all;
    if (values[GRADIENT] == UNIT)
        fill_aspects(boxes, 1, &all);
    else
        fill_aspects(boxes, 0, &all);
    EACH_BOX(ciou_cost(&pair, eps, &options, aspect_at(&all, i)))
}

/* --- inner_ciou -------------------------------------------------------------------------------------------------- */

/* Side of the intersection of both boxes scaled about their centres, and its derivatives; at ties 0, as in boxes.h. */
typedef struct {
    real overlap, by_size, by_offset;
} inner_axis;

LOSS_INLINE inner_axis inner_axis_of(const box_axis *a, real ratio) {
    const real half = (real)0.5 * ratio, grown = half * (a->size - a->target_size);
    const real low = a->offset - grown, high = a->offset + grown; /* edges, from those of the target */
    const real low_inside = real_select(low > 0, 1, 0), high_inside = real_select(high < 0, 1, 0);
    return (inner_axis){.overlap = ratio * a->target_size + real_min(high, 0) - real_max(low, 0),
                        .by_size = half * (high_inside + low_inside),
                        .by_offset = high_inside - low_inside};
}

LOSS_INLINE box_cost inner_ciou_cost(const box_pair *pair, real eps, real ratio, aspect v) {
    const ciou_options options = {.detached = 1, .gate = -1, .limit = REAL_MAX};
    const inner_axis x = inner_axis_of(&pair->x, ratio), y = inner_axis_of(&pair->y, ratio);
    const int overlapping = (x.overlap > 0) & (y.overlap > 0);
    const real growth = ratio * ratio;
    const box_iou o = iou_of(growth * pair->x.size * pair->y.size, growth * pair->x.target_size * pair->y.target_size,
                             real_select(overlapping, x.overlap * y.overlap, 0), area_in_unit(pair, eps), pair->equal);
    const box_iou whole = pair_iou(pair, eps);
    const trade_off t = trade_off_of(&whole, v.value, eps, &options);
    const real by_intersection = real_select(overlapping, o.by_intersection, 0);
    const real by_x = by_intersection * y.overlap, by_y = by_intersection * x.overlap;
    box_cost cost = cost_by_areas(pair, o.distance, -growth * o.by_area, 0);
    cost.x.size -= by_x * x.by_size;
    cost.y.size -= by_y * y.by_size;
    cost.x.offset = -by_x * x.by_offset;
    cost.y.offset = -by_y * y.by_offset;
    add_centre_distance(&cost, pair, eps);
    cost.loss += t.value;
    add_aspect_slopes(&cost, &v, t.by_aspect);
    return cost;
}

LOSS_KERNEL static void inner_ciou_boxes(const double *values, const loss_boxes *boxes, real *restrict losses,
                                         real (*restrict slopes)[LOSS_TILE]) {
    const real eps = (real)values[BOX_EPS], ratio = (real)values[RATIO];
    aspects all;
    fill_aspects(boxes, 0, &all);
    EACH_BOX(inner_ciou_cost(&pair, eps, ratio, aspect_at(&all, i)))
}

LOSS_TYPE(ciou) = {
    .name = "ciou",
    .version = 1,
    .summary = "diou + alpha v, v = 4/pi^2 (atan(wg/hg) - atan(w/h))^2, alpha = v/(1-IoU+v) constant for the gradient",
    .citation = "Zheng et al. 2020, Distance-IoU loss, arXiv:1911.08287, equations 9 to 11",
    .use = "boxes whose aspect ratio matters; the usual default of detectors",
    .traps =
        "w and h get slopes of opposite sign, so both cannot shrink together; peers differ in the gate on IoU and in "
        "whether alpha is differentiated; a zero-height box gives NaN in several",
    .kind = LOSS_BOX,
    .params = ciou_params,
    .param_count = sizeof ciou_params / sizeof ciou_params[0],
    .golden = {.expression = "ciou",
               .images = 3,
               .channels = 4,
               .pixels = 1,
               .input = {1, 1, 4, 3, 6, 2, 8, 7, 0, 0, 1, 2},
               .target = {2, 0.5, 4.5, 4, 5.5, 3, 9, 6, 3, 4, 5, 5},
               .value = 0.9241941851386,
               .grad = {-0.0320286001712964, 0.048844163356637, -0.0710410600500509, -0.0556468844450724,
                        0.0508049355234172, -0.0201154368948879, -0.0552792084540659, 0.0201154368948879,
                        0.0193277865661122, 0.00433610671694391, -0.0333277865661122, -0.0183361067169439},
               .source = "PyTorch 1.13, the formula written out in float64, gradient by autograd"},
    .boxes = ciou_boxes,
};

LOSS_TYPE(inner_ciou) = {
    .name = "inner_ciou",
    .version = 1,
    .summary = "ciou with the IoU of both boxes scaled by ratio; alpha constant for the gradient",
    .citation = "Zhang et al. 2023, Inner-IoU, arXiv:2311.02877",
    .use = "faster approach: ratio below 1 for boxes that nearly fit, above 1 for small boxes far off",
    .traps = "the value is no function of IoU: 0 only for equal boxes, but comparable only at one ratio",
    .kind = LOSS_BOX,
    .params = inner_params,
    .param_count = sizeof inner_params / sizeof inner_params[0],
    .golden = {.expression = "inner_ciou",
               .images = 2,
               .channels = 4,
               .pixels = 1,
               .input = {1, 1, 4, 3, 6, 2, 8, 7},
               .target = {2, 0.5, 4.5, 4, 5.5, 3, 9, 6},
               .value = 0.667943412881297,
               .grad = {-0.0636452972646757, 0.0541282914394171, -0.125663804726232, -0.0643323730720702,
                        0.0762074032851257, -0.0301731553423319, -0.0829188126810989, 0.0301731553423319},
               .source = "PyTorch 1.13, the formula written out in float64, gradient by autograd"},
    .boxes = inner_ciou_boxes,
};
