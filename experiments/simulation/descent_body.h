/* The directions of all rules, and the descent, for the vector width of the including file, which returns `kernels`.

   Coordinates are relative to the target's centre: its edges are -W/2 and W/2. Along each axis a force acts on an edge
   of the box that lies strictly inside the target (through iw, ih) or strictly outside (through cw, ch), on none that
   coincides with the target's. Forces are minus derivatives: what a step adds.

       I = iw ih, 0 with all its slopes unless iw > 0 and ih > 0     U = w h + W H - I     IoU = I / U
       cw, ch: sides of the smallest box around both                 C = cw ch
       c^2 = cw^2 + ch^2     rho^2 = x^2 + y^2 */
#ifndef SIMULATION_DESCENT_BODY_H
#define SIMULATION_DESCENT_BODY_H

#include "experiments/simulation/descent.h"
#include "experiments/simulation/rules.h"
#include "lib/base/repro_math_simd.h"

#define NEARLY_ZERO 0x1p-332 /* replaces denominators of 0; products of three of them are still normal numbers */

typedef struct {
    doubles offset, size, target; /* x, w, W */
    doubles edge, low, high;      /* W/2, l, r */
    doubles overlap, enclosing;   /* iw, cw */
} axis;

typedef struct {
    axis x, y;
    doubles_mask overlapping;
    doubles shared, whole; /* I, U */
    doubles distance;      /* rho^2 */
} pair;

typedef struct {
    doubles x, y, w, h;
} motion;

SIMD_INLINE axis axis_of(doubles offset, doubles size, doubles target) {
    const doubles half = size * 0.5, edge = target * 0.5, low = offset - half, high = offset + half;
    const doubles overlap = doubles_min(high, edge) - doubles_max(low, -edge);
    return (axis){offset, size, target, edge, low, high, overlap, size + target - overlap};
}

SIMD_INLINE pair pair_of(unsigned terms, motion box, doubles target_w, doubles target_h) {
    const doubles zero = doubles_all(0);
    pair p = {.x = axis_of(box.x, box.w, target_w), .y = axis_of(box.y, box.h, target_h)};
    p.overlapping = doubles_less(zero, p.x.overlap) & doubles_less(zero, p.y.overlap);
    if (!(terms & UNCLAMPED)) {
        p.x.overlap = doubles_keep(p.overlapping, p.x.overlap);
        p.y.overlap = doubles_keep(p.overlapping, p.y.overlap);
    }
    p.shared = p.x.overlap * p.y.overlap;
    p.whole = doubles_fma(box.w, box.h, target_w * target_h) - p.shared;
    p.distance = doubles_fma(box.x, box.x, box.y * box.y);
    return p;
}

/* Sum and half difference of the forces on the upper and lower edge: along the offset and along the size. */
typedef struct {
    doubles shift, grow;
} push;

SIMD_INLINE push push_between(doubles low, doubles high) { return (push){high - low, (high + low) * 0.5}; }

SIMD_INLINE push push_inside(const axis *a, doubles inside) {
    return push_between(doubles_keep(doubles_less(-a->edge, a->low), inside),
                        doubles_keep(doubles_less(a->high, a->edge), inside));
}

SIMD_INLINE push push_outside(const axis *a, doubles outside) {
    return push_between(doubles_keep(doubles_less(a->low, -a->edge), outside),
                        doubles_keep(doubles_less(a->edge, a->high), outside));
}

SIMD_INLINE push push_edges(const axis *a, doubles inside, doubles outside) {
    const doubles low = doubles_keep(doubles_less(-a->edge, a->low), inside);
    const doubles high = doubles_keep(doubles_less(a->high, a->edge), inside);
    return push_between(doubles_choose(doubles_less(a->low, -a->edge), outside, low),
                        doubles_choose(doubles_less(a->edge, a->high), outside, high));
}

/* --- one division for all denominators ---------------------------------------------------------------------------- */

/* 1/a and 1/b. */
SIMD_INLINE void reciprocals_of(doubles a, doubles b, doubles *one_over_a, doubles *one_over_b) {
    const doubles one_over = 1.0 / (a * b);
    *one_over_a = one_over * b;
    *one_over_b = one_over * a;
}

/* 1 over U (where IoU is not 0), C, c^2 and w^2 + h^2, as far as a rule needs them. */
typedef struct {
    doubles whole, hull, diagonal, sides;
} reciprocals;

SIMD_INLINE reciprocals pair_reciprocals(unsigned terms, const pair *p) {
    const doubles whole = doubles_choose(p->overlapping, p->whole, doubles_all(1));
    const doubles hull = p->x.enclosing * p->y.enclosing;
    const doubles diagonal = doubles_fma(p->x.enclosing, p->x.enclosing, p->y.enclosing * p->y.enclosing);
    const doubles sides =
        doubles_max(doubles_fma(p->x.size, p->x.size, p->y.size * p->y.size), doubles_all(NEARLY_ZERO));
    reciprocals r = {doubles_all(0), doubles_all(0), doubles_all(0), doubles_all(0)};
    doubles both;
    if (terms & TERM_HULL) {
        reciprocals_of(whole, hull, &r.whole, &r.hull);
    } else if (terms & TERM_SIDES) {
        reciprocals_of(whole, diagonal * hull, &r.whole, &both);
        r.diagonal = both * hull;
        r.hull = both * diagonal;
    } else if ((terms & TERM_ASPECT) && !(terms & UNIT)) {
        reciprocals_of(whole, diagonal * sides, &r.whole, &both);
        r.diagonal = both * sides;
        r.sides = both * diagonal;
    } else if (terms & (TERM_CENTRE | TERM_WISE)) {
        reciprocals_of(whole, diagonal, &r.whole, &r.diagonal);
    } else {
        r.whole = 1.0 / whole;
    }
    return r;
}

SIMD_INLINE doubles iou_of(const pair *p, const reciprocals *r) {
    return doubles_keep(p->overlapping, p->shared * r->whole);
}

/* --- terms -------------------------------------------------------------------------------------------------------- */

/* Forces on the edges inside and outside of each axis, and on the sizes beside them. */
typedef struct {
    doubles inside_x, inside_y, outside_x, outside_y, size_w, size_h;
} forces;

/* Of `pull` IoU, and U / C where the loss has it. */
SIMD_INLINE forces area_forces(unsigned terms, const pair *p, const reciprocals *r, doubles iou, doubles pull) {
    doubles by_overlap = (1.0 + iou) * r->whole, by_area = iou * r->whole; /* dIoU/dI, -dIoU/d(wh) */
    if (terms & (TERM_CUBE | TERM_ASPECT | TERM_WISE | FOCAL_SLOPE)) by_overlap *= pull, by_area *= pull;
    forces f = {.outside_x = doubles_all(0), .outside_y = doubles_all(0)};
    if (terms & TERM_HULL) {
        if (terms & UNCLAMPED) by_overlap = doubles_keep(p->overlapping, by_overlap);
        by_overlap -= r->hull;
        by_area -= r->hull;
        const doubles shrink = -(p->whole * r->hull * r->hull);
        f.outside_x = shrink * p->y.enclosing;
        f.outside_y = shrink * p->x.enclosing;
    }
    f.inside_x = by_overlap * p->y.overlap;
    f.inside_y = by_overlap * p->x.overlap;
    f.size_w = -(by_area * p->y.size);
    f.size_h = -(by_area * p->x.size);
    return f;
}

/* rho^2 / c^2 as published, added to the motion along one axis: `by_side` = 2 rho^2 / c^4. */
SIMD_INLINE void add_published_centre(unsigned terms, const axis *a, const axis *other, doubles by_side, doubles *shift,
                                      doubles *grow) {
    const push one = push_outside(a, by_side);
    const doubles reach = terms & BOTH_SIDES ? a->enclosing + other->enclosing : a->enclosing;
    const doubles_mask over_both = doubles_less(a->low, -a->edge) & doubles_less(a->edge, a->high);
    *shift += (terms & SIGN ? -reach : reach) * one.shift;
    *grow += (terms & SHRINK ? doubles_choose(over_both, -by_side, one.grow) : one.grow) * a->enclosing;
    if (terms & BOTH_SIDES) *grow += other->enclosing * one.grow;
}

/* The areas' step in w, h doubled, then the rest. */
SIMD_INLINE motion published_motion(unsigned terms, const pair *p, const reciprocals *r, const forces *f) {
    const push x = terms & TERM_HULL ? push_edges(&p->x, f->inside_x, f->outside_x) : push_inside(&p->x, f->inside_x);
    const push y = terms & TERM_HULL ? push_edges(&p->y, f->inside_y, f->outside_y) : push_inside(&p->y, f->inside_y);
    const double factor = terms & DOUBLE_SIZE ? 2 : 1;
    motion m = {x.shift, y.shift, (x.grow + f->size_w) * factor, (y.grow + f->size_h) * factor};
    if (terms & TERM_CENTRE) {
        const doubles twice = r->diagonal * 2.0, by_side = p->distance * r->diagonal * twice;
        m.x -= p->x.offset * twice;
        m.y -= p->y.offset * twice;
        add_published_centre(terms, &p->x, &p->y, by_side, &m.x, &m.w);
        add_published_centre(terms, &p->y, &p->x, by_side, &m.y, &m.h);
    }
    return m;
}

/* rho^2 / c^2, and the squared differences of the sides. */
SIMD_INLINE void add_centre_forces(unsigned terms, const pair *p, const reciprocals *r, forces *f) {
    const doubles by_side = p->distance * r->diagonal * (r->diagonal * 2.0);
    f->outside_x = by_side * p->x.enclosing;
    f->outside_y = by_side * p->y.enclosing;
    if (terms & TERM_SIDES) {
        const doubles over_w = r->hull * p->y.enclosing, over_h = r->hull * p->x.enclosing; /* 1/cw, 1/ch */
        const doubles w = (p->x.size - p->x.target) * over_w, h = (p->y.size - p->y.target) * over_h;
        const doubles slope_w = w * over_w * 2.0, slope_h = h * over_h * 2.0;
        f->size_w -= slope_w;
        f->size_h -= slope_h;
        f->outside_x = doubles_fma(slope_w, w, f->outside_x);
        f->outside_y = doubles_fma(slope_h, h, f->outside_y);
    }
}

SIMD_INLINE motion exact_motion(unsigned terms, const pair *p, const reciprocals *r, forces f) {
    if (terms & TERM_CENTRE) add_centre_forces(terms, p, r, &f);
    const int has_outside = (terms & (TERM_HULL | TERM_CENTRE)) != 0;
    const push x = has_outside ? push_edges(&p->x, f.inside_x, f.outside_x) : push_inside(&p->x, f.inside_x);
    const push y = has_outside ? push_edges(&p->y, f.inside_y, f.outside_y) : push_inside(&p->y, f.inside_y);
    motion m = {x.shift, y.shift, x.grow + f.size_w, y.grow + f.size_h};
    if (terms & TERM_CENTRE) {
        const doubles twice = r->diagonal * -2.0;
        m.x = doubles_fma(twice, p->x.offset, m.x);
        m.y = doubles_fma(twice, p->y.offset, m.y);
    }
    return m;
}

/* alpha v: D, and the derivative by v and, through alpha, by IoU. */
typedef struct {
    doubles difference, by_aspect, by_iou;
} aspect;

SIMD_INLINE aspect aspect_of(unsigned terms, const pair *p, doubles iou, doubles angle) {
    const doubles difference = angle - repro_atan_ratio_simd(p->x.size, p->y.size);
    const doubles v = difference * difference * 0x1.9f02f6222c72p-2; /* 4 / pi^2 */
    const doubles miss = doubles_max(1.0 - iou, doubles_all(0));
    doubles below = miss + v;
    if (terms & ALPHA_EPS) below += 1e-7;
    doubles alpha = v / doubles_max(below, doubles_all(NEARLY_ZERO));
    if (terms & ALPHA_GATED) alpha = doubles_keep(doubles_less(doubles_all(0.5), iou), alpha);
    if (!(terms & ALPHA_SLOPE)) return (aspect){difference, alpha, doubles_all(0)};
    return (aspect){difference, alpha * (2.0 - alpha), alpha * alpha};
}

SIMD_INLINE void add_aspect(unsigned terms, const pair *p, const reciprocals *r, const aspect *a, motion *m) {
    doubles turn = a->by_aspect * a->difference * 0x1.9f02f6222c72p-1; /* 8 / pi^2 */
    if (!(terms & UNIT)) turn *= r->sides;
    m->w = doubles_fma(turn, p->y.size, m->w);
    m->h = doubles_fma(-turn, p->x.size, m->h);
}

/* The value of eiou over IoU, where IoU is not 0. */
SIMD_INLINE doubles eiou_over_iou(const pair *p, const reciprocals *r, doubles iou) {
    const doubles w = (p->x.size - p->x.target) * r->hull * p->y.enclosing;
    const doubles h = (p->y.size - p->y.target) * r->hull * p->x.enclosing;
    const doubles value = 1.0 - iou + p->distance * r->diagonal + w * w + h * h;
    return value / doubles_max(iou, doubles_all(NEARLY_ZERO));
}

/* What the loss falls by per IoU gained, where that is not 1. */
SIMD_INLINE doubles pull_of(unsigned terms, const pair *p, const reciprocals *r, doubles iou, const aspect *a) {
    if (terms & TERM_CUBE) return iou * iou * 3.0;
    if (terms & TERM_ASPECT) return 1.0 - a->by_iou;
    if (terms & TERM_WISE) return repro_exp_simd(p->distance * r->diagonal);
    if (terms & FOCAL_SLOPE) return 1.0 - eiou_over_iou(p, r, iou) * 0.5; /* before the factor sqrt(IoU) */
    return doubles_all(1);
}

SIMD_INLINE motion box_motion(unsigned terms, const pair *p, doubles angle, doubles *iou) {
    const reciprocals r = pair_reciprocals(terms, p);
    *iou = iou_of(p, &r);
    aspect a = {doubles_all(0), doubles_all(0), doubles_all(0)};
    if (terms & TERM_ASPECT) a = aspect_of(terms, p, *iou, angle);
    const doubles pull = pull_of(terms, p, &r, *iou, &a);
    const forces f = area_forces(terms, p, &r, *iou, pull);
    const int as_published = (terms & (DOUBLE_SIZE | BOTH_SIDES | SIGN | SHRINK)) != 0;
    motion m = as_published ? published_motion(terms, p, &r, &f) : exact_motion(terms, p, &r, f);
    if (terms & TERM_ASPECT) add_aspect(terms, p, &r, &a, &m);
    if (terms & TERM_WISE) {
        const doubles slope = pull * (1.0 - *iou) * r.diagonal * -2.0;
        m.x = doubles_fma(slope, p->x.offset, m.x);
        m.y = doubles_fma(slope, p->y.offset, m.y);
    }
    if (terms & TERM_FOCAL) {
        const doubles weight = doubles_sqrt(*iou);
        m.x *= weight, m.y *= weight, m.w *= weight, m.h *= weight;
    }
    return m;
}

/* --- siou --------------------------------------------------------------------------------------------------------- */

/* a with the sign of b, 0 where b is 0. */
SIMD_INLINE doubles with_sign(doubles a, doubles b) {
    const doubles zero = doubles_all(0);
    return doubles_keep(doubles_less(zero, b), a) - doubles_keep(doubles_less(b, zero), a);
}

/* Force on w of (1 - exp(-|w-W| / max(w,W)))^4 / 2. */
SIMD_INLINE doubles shape_force(const axis *a, doubles one_over) {
    const doubles difference = a->size - a->target, zero = doubles_all(0);
    const doubles decay = repro_exp_simd(-(doubles_abs(difference) * one_over)), x = 1.0 - decay;
    const doubles growth = doubles_choose(doubles_less(zero, difference), a->target * one_over, doubles_all(1));
    return with_sign(x * x * x * decay * growth * one_over * -2.0, difference);
}

SIMD_INLINE motion siou_motion(const pair *p, doubles *iou) {
    const doubles larger_w = doubles_max(p->x.size, p->x.target), larger_h = doubles_max(p->y.size, p->y.target);
    const doubles distance = doubles_max(p->distance, doubles_all(NEARLY_ZERO));
    const doubles whole = doubles_choose(p->overlapping, p->whole, doubles_all(1));
    doubles over_hull, over_distance, over_sizes;
    reciprocals r = {doubles_all(0), doubles_all(0), doubles_all(0), doubles_all(0)};
    reciprocals_of(p->x.enclosing * p->y.enclosing, distance, &over_hull, &over_distance);
    reciprocals_of(larger_w * larger_h, whole, &over_sizes, &r.whole);
    *iou = iou_of(p, &r);
    forces f = area_forces(TERM_IOU, p, &r, *iou, doubles_all(1));

    const doubles over_w = over_hull * p->y.enclosing, over_h = over_hull * p->x.enclosing; /* 1/cw, 1/ch */
    const doubles x = p->x.offset * over_w, y = p->y.offset * over_h;                       /* x/cw, y/ch */
    const doubles across = doubles_abs(p->x.offset), along = doubles_abs(p->y.offset);
    const doubles g = 2.0 - across * along * over_distance * 2.0; /* 2 - Lambda */
    const doubles near_x = repro_exp_simd(-(g * x * x)), near_y = repro_exp_simd(-(g * y * y));
    f.outside_x = near_x * g * x * x * over_w;
    f.outside_y = near_y * g * y * y * over_h;
    f.size_w += shape_force(&p->x, over_sizes * larger_h);
    f.size_h += shape_force(&p->y, over_sizes * larger_w);
    motion m = exact_motion(TERM_HULL, p, &r, f); /* edges inside and outside */

    /* dLambda/dx = 2 sign(x) |y| (y^2 - x^2) / rho^4, and the same of y with x and y exchanged */
    const doubles turn = doubles_fma(near_x, x * x, near_y * y * y) * (along - across) * (along + across) *
                         over_distance * over_distance;
    m.x += with_sign(turn * along, p->x.offset) - near_x * g * x * over_w;
    m.y += with_sign(-(turn * across), p->y.offset) - near_y * g * y * over_h;
    return m;
}

/* --- rules without boxes ------------------------------------------------------------------------------------------ */

SIMD_INLINE doubles l1_force(unsigned terms, doubles difference) {
    if (terms & TERM_L1) return with_sign(doubles_all(-1), difference);
    return doubles_min(doubles_max(-difference, doubles_all(-1)), doubles_all(1));
}

SIMD_INLINE motion l1_motion(unsigned terms, const pair *p, doubles *iou) {
    const reciprocals r = pair_reciprocals(0, p);
    *iou = iou_of(p, &r);
    return (motion){l1_force(terms, p->x.offset), l1_force(terms, p->y.offset),
                    l1_force(terms, p->x.size - p->x.target), l1_force(terms, p->y.size - p->y.target)};
}

SIMD_INLINE motion motion_of(unsigned terms, const pair *p, doubles angle, doubles *iou) {
    motion m;
    if (terms & (TERM_L1 | TERM_HUBER)) {
        m = l1_motion(terms, p, iou);
    } else if (terms & TERM_SCYLLA) {
        m = siou_motion(p, iou);
    } else {
        m = box_motion(terms, p, angle, iou);
    }
    if (terms & FROM_CORNERS) m.x *= 0.5, m.y *= 0.5, m.w *= 2.0, m.h *= 2.0;
    return m;
}

/* --- descent ------------------------------------------------------------------------------------------------------ */

SIMD_INLINE motion load_box(const descent_group *g, size_t i) {
    return (motion){doubles_load(&g->box[0][i]), doubles_load(&g->box[1][i]), doubles_load(&g->box[2][i]),
                    doubles_load(&g->box[3][i])};
}

SIMD_INLINE void store_motion(double (*to)[DESCENT_GROUP], size_t i, motion m) {
    doubles_store(&to[0][i], m.x);
    doubles_store(&to[1][i], m.y);
    doubles_store(&to[2][i], m.w);
    doubles_store(&to[3][i], m.h);
}

SIMD_INLINE doubles error_of(const descent_group *g, size_t i, motion box) {
    return doubles_abs(box.x) + doubles_abs(box.y) + doubles_abs(box.w - doubles_load(&g->target[0][i])) +
           doubles_abs(box.h - doubles_load(&g->target[1][i]));
}

SIMD_INLINE void add_to(double *sum, doubles x) { doubles_store(sum, doubles_load(sum) + x); }

SIMD_INLINE void fill_angles(unsigned terms, descent_group *g) {
    if (!(terms & TERM_ASPECT)) return;
    for (size_t i = 0; i < g->chunks * DESCENT_CHUNK; i += DOUBLES)
        doubles_store(&g->angle[i],
                      repro_atan_ratio_simd(doubles_load(&g->target[0][i]), doubles_load(&g->target[1][i])));
}

SIMD_INLINE motion group_motion(unsigned terms, const descent_group *g, size_t i, motion box, doubles *iou) {
    const pair p = pair_of(terms, box, doubles_load(&g->target[0][i]), doubles_load(&g->target[1][i]));
    return motion_of(terms, &p, terms & TERM_ASPECT ? doubles_load(&g->angle[i]) : doubles_all(0), iou);
}

/* Vectors of a group follow one another within a step: their chains of operations overlap in the processor, which one
   case after the other through all steps would not. */
SIMD_INLINE void advance(unsigned terms, descent_group *g, const double *rate, size_t steps,
                         double (*sums)[DESCENT_CHUNK]) {
    const size_t n = g->chunks * DESCENT_CHUNK;
    fill_angles(terms, g);
    for (size_t t = 0; t <= steps; t++)
        for (size_t j = 0; j < DESCENT_CHUNK; j++) sums[t][j] = 0;
    for (size_t t = 0; t < steps; t++) {
        for (size_t i = 0; i < n; i += DOUBLES) {
            motion box = load_box(g, i);
            doubles iou;
            add_to(&sums[t][i % DESCENT_CHUNK], error_of(g, i, box));
            const motion m = group_motion(terms, g, i, box, &iou);
            const doubles step = (2.0 - iou) * rate[t];
            box.x = doubles_fma(step, m.x, box.x);
            box.y = doubles_fma(step, m.y, box.y);
            box.w = doubles_fma(step, m.w, box.w);
            box.h = doubles_fma(step, m.h, box.h);
            store_motion(g->box, i, box);
        }
    }
    for (size_t i = 0; i < n; i += DOUBLES) {
        const doubles error = error_of(g, i, load_box(g, i));
        doubles_store(&g->error[i], error);
        add_to(&sums[steps][i % DESCENT_CHUNK], error);
    }
}

SIMD_INLINE void direction(unsigned terms, descent_group *g, double (*out)[DESCENT_GROUP]) {
    doubles iou;
    fill_angles(terms, g);
    for (size_t i = 0; i < g->chunks * DESCENT_CHUNK; i += DOUBLES)
        store_motion(out, i, group_motion(terms, g, i, load_box(g, i), &iou));
}

#define RULE_KERNEL(identifier, name, loss, kind, terms, summary)                                                      \
    static void advance_##identifier(descent_group *g, const double *rate, size_t steps,                               \
                                     double(*sums)[DESCENT_CHUNK]) {                                                   \
        advance(terms, g, rate, steps, sums);                                                                          \
    }                                                                                                                  \
    static void direction_##identifier(descent_group *g, double(*out)[DESCENT_GROUP]) { direction(terms, g, out); }
EACH_RULE(RULE_KERNEL)

#define RULE_ENTRY(identifier, name, loss, kind, terms, summary) {advance_##identifier, direction_##identifier},
static const descent kernels[] = {EACH_RULE(RULE_ENTRY)};

#endif
