/* What the box losses share: the geometry of a pair, intersection over union, the distance of the centres, and the loop
   over a tile.

   A loss is a formula in lengths along x and y: sides of the predicted box, of the intersection, of the enclosing box,
   and the offset of the centres. Its file holds a LOSS_INLINE function from a `box_pair` to a `box_cost`, the loss with
   its derivatives by these lengths, and one `..._boxes` function that ends in EACH_BOX. The chain rule from the lengths
   to the corners is here, once, and with it what happens at ties: where two edges coincide, moving one changes neither
   intersection nor enclosing box (both one-sided derivatives exist, 0 is taken); boxes that touch or are apart have
   intersection 0 with derivative 0.

   Lengths are differences of coordinates, so that thin boxes far from the origin keep their accuracy, and are measured
   in a power of two near the larger side of the enclosing box, so that no area, square or quotient of boxes at 1e30 or
   1e-30 overflows. Slopes beyond the largest number count as it.

   Areas and lengths below BOX_FLOOR (in that unit) are nothing: 0/0 of two of them is defined below, case by case, and
   `eps`, which peers add to denominators, is 0 unless it is asked for. Sides may be negative: inverted boxes, which
   loss_eval refuses but simulations meet, overlap nothing. */
#ifndef LOSS_BOXES_H
#define LOSS_BOXES_H

#include "lib/loss/real.h"

enum { BOX_EPS };
#define BOX_EPS_PARAM                                                                                                  \
    [BOX_EPS] = {.name = "eps",                                                                                        \
                 .fallback = 0,                                                                                        \
                 .low = 0,                                                                                             \
                 .high = 1,                                                                                            \
                 .scale = PARAM_LOG,                                                                                   \
                 .summary = "added to denominators as other implementations do; 0: only 0/0 is replaced"}

extern const param_word loss_switch_words[]; /* off 0, on 1: region.c */

#define BOX_FLOOR (REAL_MIN * 64)

/* --- the geometry ------------------------------------------------------------------------------------------------ */

/* Lengths along one axis. */
typedef struct {
    real size, target_size; /* sides of the two boxes */
    real overlap;           /* side of the intersection; 0 in both axes when there is none */
    real enclosing;         /* side of the smallest box around both */
    real offset;            /* centre minus target's centre */
} box_axis;

typedef struct {
    box_axis x, y;
    real unit, scale; /* length in coordinates = unit * length here; scale = 1/unit */
    int equal;        /* all edges coincide */
} box_pair;

/* A loss, and its derivatives by the lengths of each axis. */
typedef struct {
    real size, overlap, enclosing, offset;
} box_slopes;
typedef struct {
    real loss;
    box_slopes x, y;
} box_cost;

/* 2^-k, where 2^k is the largest power of two not above x >= 0, as far as both are normal numbers. */
LOSS_INLINE real power_of_two_under_1_over(real x) {
#ifdef LOSS_DOUBLE
    const uint64_t exponent_mask = 0x7ff0000000000000u, one = 0x0010000000000000u;
    uint64_t bits;
#else
    const uint32_t exponent_mask = 0x7f800000u, one = 0x00800000u;
    uint32_t bits;
#endif
    memcpy(&bits, &x, sizeof bits);
    bits &= exponent_mask;
    bits = bits < one ? one : bits;
    bits = bits > exponent_mask - 2 * one ? exponent_mask - 2 * one : bits;
    bits = exponent_mask - one - bits;
    memcpy(&x, &bits, sizeof x);
    return x;
}

LOSS_INLINE real at_least(real least, real x) { return real_select(x < least, least, x); }

/* In halves, so that no difference of finite coordinates overflows. */
LOSS_INLINE box_axis half_axis(real low, real high, real target_low, real target_high) {
    const real half = (real)0.5;
    low *= half, high *= half, target_low *= half, target_high *= half;
    return (box_axis){.size = high - low,
                      .target_size = target_high - target_low,
                      .overlap = real_min(high, target_high) - real_max(low, target_low),
                      .enclosing = real_max(high, target_high) - real_min(low, target_low),
                      .offset = half * (low - target_low) + half * (high - target_high)};
}

LOSS_INLINE box_axis axis_times(box_axis a, real factor, int overlapping) {
    return (box_axis){.size = a.size * factor,
                      .target_size = a.target_size * factor,
                      .overlap = real_select(overlapping, a.overlap * factor, 0),
                      .enclosing = a.enclosing * factor,
                      .offset = a.offset * factor};
}

LOSS_INLINE box_pair box_pair_at(const loss_boxes *boxes, size_t i) {
    const real x1 = boxes->box[0][i], y1 = boxes->box[1][i], x2 = boxes->box[2][i], y2 = boxes->box[3][i];
    const real tx1 = boxes->target[0][i], ty1 = boxes->target[1][i];
    const real tx2 = boxes->target[2][i], ty2 = boxes->target[3][i];
    const box_axis x = half_axis(x1, x2, tx1, tx2), y = half_axis(y1, y2, ty1, ty2);
    const int overlapping = (x.overlap > 0) & (y.overlap > 0);
    const real factor = power_of_two_under_1_over(real_max(x.enclosing, y.enclosing));
    return (box_pair){.x = axis_times(x, factor, overlapping),
                      .y = axis_times(y, factor, overlapping),
                      .unit = (real)2 / factor,
                      .scale = (real)0.5 * factor,
                      .equal = (x1 == tx1) & (y1 == ty1) & (x2 == tx2) & (y2 == ty2)};
}

/* An area `eps` of coordinates in the pair's unit; beyond 2^100 it outweighs all others anyway. */
LOSS_INLINE real area_in_unit(const box_pair *p, real eps) {
    return real_min(eps * p->scale * p->scale, (real)0x1p100);
}

/* The derivatives by an axis's low and high corner. `side` -1: low, 1: high; `inside`: how far the edge lies inside the
   target, by its sign. */
LOSS_INLINE real corner_slope(const box_slopes *by, real side, real inside, real scale) {
    const real moved = by->size + real_select(inside > 0, by->overlap, 0) + real_select(inside < 0, by->enclosing, 0);
    return real_capped(scale * ((real)0.5 * by->offset + side * moved));
}

/* losses[i], slopes[.][i] = call, a box_cost of `pair`, for each pair of `boxes`. */
#define EACH_BOX(call)                                                                                                 \
    for (size_t i = 0, n = boxes->n; i < n; i++) {                                                                     \
        const box_pair pair = box_pair_at(boxes, i);                                                                   \
        const box_cost cost = call;                                                                                    \
        const real inside[4] = {boxes->box[0][i] - boxes->target[0][i], boxes->box[1][i] - boxes->target[1][i],        \
                                boxes->target[2][i] - boxes->box[2][i], boxes->target[3][i] - boxes->box[3][i]};       \
        losses[i] = real_capped(cost.loss);                                                                            \
        slopes[0][i] = corner_slope(&cost.x, -1, inside[0], pair.scale);                                               \
        slopes[1][i] = corner_slope(&cost.y, -1, inside[1], pair.scale);                                               \
        slopes[2][i] = corner_slope(&cost.x, 1, inside[2], pair.scale);                                                \
        slopes[3][i] = corner_slope(&cost.y, 1, inside[3], pair.scale);                                                \
    }

/* --- areas ------------------------------------------------------------------------------------------------------- */

/* IoU = I/(U+eps) with its derivatives. A union without area has no slope; IoU is then 1 for equal boxes, 0 for others.
 */
typedef struct {
    real iou, distance;            /* distance = 1 - iou, without cancellation */
    real by_area, by_intersection; /* derivatives of iou by the area of the predicted box and by I */
    real whole;                    /* U */
} box_iou;

LOSS_INLINE box_iou iou_of(real area, real target_area, real intersection, real eps, int equal) {
    const real rest = (area - intersection) + (target_area - intersection), whole = rest + intersection;
    const int flat = whole < BOX_FLOOR;
    const real one_over = (real)1 / real_select(flat, 1, whole + eps);
    const real ratio = real_select(flat, 0, intersection / real_select(flat, 1, whole + eps));
    const real flat_iou = real_select(equal, 1, 0);
    return (box_iou){.iou = real_select(flat, flat_iou, ratio),
                     .distance = real_select(flat, (real)1 - flat_iou, (rest + eps) * one_over),
                     .by_area = -ratio * one_over,
                     .by_intersection = real_select(flat, 0, ((real)1 + ratio) * one_over),
                     .whole = whole};
}

LOSS_INLINE box_iou pair_iou(const box_pair *p, real eps) {
    return iou_of(p->x.size * p->y.size, p->x.target_size * p->y.target_size, p->x.overlap * p->y.overlap,
                  area_in_unit(p, eps), p->equal);
}

/* A loss of area and intersection only. */
LOSS_INLINE box_cost cost_by_areas(const box_pair *p, real value, real by_area, real by_intersection) {
    return (box_cost){.loss = value,
                      .x = {.size = p->y.size * by_area, .overlap = p->y.overlap * by_intersection},
                      .y = {.size = p->x.size * by_area, .overlap = p->x.overlap * by_intersection}};
}

/* A loss whose derivative by IoU is by_iou. */
LOSS_INLINE box_cost cost_by_iou(const box_pair *p, const box_iou *o, real value, real by_iou) {
    return cost_by_areas(p, value, by_iou * o->by_area, by_iou * o->by_intersection);
}

/* --- the distance of the centres --------------------------------------------------------------------------------- */

/* (dx^2 + dy^2) / (cw^2 + ch^2 + eps), with half of its derivatives by the lengths: dx * by_offset, cw * by_enclosing.
 */
typedef struct {
    real value, by_offset, by_enclosing;
} centre_distance;

LOSS_INLINE centre_distance centre_distance_of(const box_pair *p, real eps) {
    const real diagonal = p->x.enclosing * p->x.enclosing + p->y.enclosing * p->y.enclosing;
    const real one_over = (real)1 / at_least(BOX_FLOOR, diagonal + area_in_unit(p, eps));
    const real value = (p->x.offset * p->x.offset + p->y.offset * p->y.offset) * one_over;
    return (centre_distance){.value = value, .by_offset = one_over, .by_enclosing = -value * one_over};
}

/* Adds to the derivatives those of a centre distance with this factor. */
LOSS_INLINE void add_centre_slopes(box_cost *cost, const box_pair *p, const centre_distance *d, real factor) {
    const real by_offset = 2 * factor * d->by_offset, by_enclosing = 2 * factor * d->by_enclosing;
    cost->x.offset += by_offset * p->x.offset;
    cost->y.offset += by_offset * p->y.offset;
    cost->x.enclosing += by_enclosing * p->x.enclosing;
    cost->y.enclosing += by_enclosing * p->y.enclosing;
}

LOSS_INLINE void add_centre_distance(box_cost *cost, const box_pair *p, real eps) {
    const centre_distance d = centre_distance_of(p, eps);
    cost->loss += d.value;
    add_centre_slopes(cost, p, &d, 1);
}

LOSS_INLINE box_cost cost_times(real factor, box_cost c) {
    return (box_cost){.loss = factor * c.loss,
                      .x = {factor * c.x.size, factor * c.x.overlap, factor * c.x.enclosing, factor * c.x.offset},
                      .y = {factor * c.y.size, factor * c.y.overlap, factor * c.y.enclosing, factor * c.y.offset}};
}

#endif
