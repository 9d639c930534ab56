/* Directions: of the exact rules against the losses of the library in double; of the authors' rules against their
   update written out edge by edge, as it was published; and what follows from one another. */
#include "experiments/simulation/box_simulation.h"
#include "experiments/simulation/rules.h"
#include "lib/base/rng.h"
#include "lib/loss/loss_double.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAIRS = 4000 };

#define RULE_TERMS(identifier, name, loss, kind, terms, summary) terms,
static const unsigned terms_of[] = {EACH_RULE(RULE_TERMS)};
enum { RULES = sizeof terms_of / sizeof terms_of[0] };

static unsigned terms_named(const char *name) {
    const box_rule *rule = box_rule_find(name);
    cr_assert(rule != NULL, "there is no rule '%s'", name);
    return terms_of[rule - box_rules];
}

static struct criterion_test_params rules_by_index(void) {
    static size_t index[RULES];
    for (size_t i = 0; i < RULES; i++) index[i] = i;
    return cr_make_param_array(size_t, index, RULES);
}

/* --- pairs -------------------------------------------------------------------------------------------------------- */

typedef struct {
    double box[4], target[4]; /* x, y, w, h */
} box_case;

/* A third each: anywhere; near the target; on a grid of halves, where edges often coincide. */
static box_case draw_pair(rng *stream, size_t i) {
    box_case c;
    const float reach = i % 3 == 0 ? 5.0f : 1.0f;
    for (size_t k = 0; k < 4; k++) {
        c.target[k] = (double)(k < 2 ? rng_range(stream, -9, 9) : rng_range(stream, 0.3f, 3));
        c.box[k] = k < 2 ? c.target[k] + (double)rng_range(stream, -reach, reach) : (double)rng_range(stream, 0.3f, 3);
    }
    for (size_t k = 0; i % 3 == 2 && k < 4; k++) {
        c.target[k] = k < 2 ? 10 : 0.5 + 0.5 * rng_below(stream, 4);
        c.box[k] = k < 2 ? 9 + 0.25 * rng_below(stream, 9) : 0.5 + 0.5 * rng_below(stream, 4);
    }
    return c;
}

static void expect_near(const char *what, const box_case *c, const double *got, const double *wanted, double scale) {
    static const char *const coordinate[] = {"x", "y", "w", "h"};
    for (size_t k = 0; k < 4; k++)
        cr_assert(fabs(got[k] - wanted[k]) <= scale * (1 + fabs(wanted[k])),
                  "%s: the step in %s is %.17g, not %.17g, at %g %g %g %g towards %g %g %g %g", what, coordinate[k],
                  got[k], wanted[k], c->box[0], c->box[1], c->box[2], c->box[3], c->target[0], c->target[1],
                  c->target[2], c->target[3]);
}

/* --- the library's losses ----------------------------------------------------------------------------------------- */

typedef struct {
    const char *rule, *expression;
} counterpart;

static const counterpart counterparts[] = {
    {"l1", "l1"},
    {"smooth_l1", "smooth_l1"},
    {"iou", "box_iou"},
    {"giou", "giou"},
    {"diou", "diou"},
    {"ciou", "ciou"},
    {"ciou_gated", "ciou(alpha_iou_gate=0.5)"},
    {"ciou_alphagrad", "ciou(alpha_detached=off)"},
    {"ciou_unit", "ciou(gradient=unit)"},
    {"eiou", "eiou"},
    {"focal_eiou", "focal_eiou"},
    {"focal_eiou_full", "focal_eiou(weight_detached=off)"},
    {"siou", "siou"},
    {"wiou_v1", "wiou_v1"},
    {"alpha_iou3", "alpha_iou(alpha=3)"},
};
enum { COUNTERPARTS = sizeof counterparts / sizeof counterparts[0] };

/* Minus the gradient of the sum over n pairs, in x, y, w, h. Regression losses take x, y, w, h, boxes corners. */
static void library_directions(const char *expression, const box_case *cases, size_t n, double (*out)[4]) {
    double(*input)[4] = malloc(3 * n * sizeof *input), (*target)[4] = input + n, (*grad)[4] = input + 2 * n, value;
    lb_error error = {0};
    loss *l = loss_parse(expression, &error);
    cr_assert(input && l, "%s: %s", expression, error.message);
    const int corners = loss_kind_of(l) == LOSS_BOX;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 4; k++) {
            const box_case *c = &cases[i];
            const double side = k < 2 ? -0.5 : 0.5;
            input[i][k] = corners ? c->box[k % 2] + side * c->box[2 + k % 2] : c->box[k];
            target[i][k] = corners ? c->target[k % 2] + side * c->target[2 + k % 2] : c->target[k];
        }
    const loss_batch batch = {
        .images = n, .channels = 4, .pixels = 1, .input = (double *)input, .target = (double *)target};
    const size_t bytes = loss_scratch(l, &batch);
    void *scratch = malloc(bytes ? bytes : 1);
    cr_assert(loss_eval(l, &batch, LOSS_SUM, &value, NULL, (double *)grad, scratch, &error) == LB_OK, "%s: %s",
              expression, error.message);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 4; k++) {
            const double low = grad[i][k % 2], high = grad[i][2 + k % 2];
            out[i][k] = -(!corners ? grad[i][k] : k < 2 ? low + high : 0.5 * (high - low));
        }
    free(scratch);
    free(input);
    loss_free(l);
}

ParameterizedTestParameters(box_rules, exact_directions_are_the_librarys) {
    static size_t index[COUNTERPARTS];
    for (size_t i = 0; i < COUNTERPARTS; i++) index[i] = i;
    return cr_make_param_array(size_t, index, COUNTERPARTS);
}
ParameterizedTest(size_t *index, box_rules, exact_directions_are_the_librarys) {
    static box_case cases[PAIRS];
    static double wanted[PAIRS][4];
    const counterpart *c = &counterparts[*index];
    const box_rule *rule = box_rule_find(c->rule);
    rng stream = rng_from_text("box rules");
    cr_assert(rule != NULL, "there is no rule '%s'", c->rule);
    for (size_t i = 0; i < PAIRS; i++) cases[i] = draw_pair(&stream, i);
    library_directions(c->expression, cases, PAIRS, wanted);
    for (size_t i = 0; i < PAIRS; i++) {
        double got[4];
        simulation_direction(rule, cases[i].box, cases[i].target, got);
        expect_near(c->rule, &cases[i], got, wanted[i], 1e-10);
    }
}

Test(box_rules, every_exact_rule_has_a_counterpart) {
    for (const box_rule *rule = box_rules; rule->name; rule++) {
        int found = rule->kind != RULE_EXACT;
        for (size_t i = 0; i < COUNTERPARTS; i++) found |= strcmp(counterparts[i].rule, rule->name) == 0;
        cr_assert(found, "%s is compared with no loss of the library", rule->name);
    }
}

/* --- the authors' update ------------------------------------------------------------------------------------------ */

typedef enum { PUBLISHED_IOU, PUBLISHED_GIOU, PUBLISHED_GIOU_FIXED, PUBLISHED_DIOU, PUBLISHED_CIOU } published_loss;

/* Edges l, t, r, b, each with whether it is inside or outside of the target's and with the derivatives by it. */
typedef struct {
    double box[4], target[4], width[2]; /* width, height */
    int inside[4], outside[4];
    double overlap[2], enclosing[2]; /* iw, ih; cw, ch */
    int overlapping;
} edges;

static edges edges_of(const box_case *c) {
    edges e;
    for (int k = 0; k < 4; k++) {
        const double side = k < 2 ? -0.5 : 0.5;
        e.box[k] = c->box[k % 2] - c->target[k % 2] + side * c->box[2 + k % 2];
        e.target[k] = side * c->target[2 + k % 2];
        e.inside[k] = k < 2 ? e.box[k] > e.target[k] : e.box[k] < e.target[k];
        e.outside[k] = k < 2 ? e.box[k] < e.target[k] : e.box[k] > e.target[k];
    }
    for (int k = 0; k < 2; k++) {
        e.width[k] = c->box[2 + k];
        e.overlap[k] = fmin(e.box[k + 2], e.target[k + 2]) - fmax(e.box[k], e.target[k]);
        e.enclosing[k] = fmax(e.box[k + 2], e.target[k + 2]) - fmin(e.box[k], e.target[k]);
    }
    e.overlapping = e.overlap[0] > 0 && e.overlap[1] > 0;
    return e;
}

/* p_e of iou and giou, all four edges. */
static void published_edges(const edges *e, const box_case *c, published_loss which, double p[4]) {
    const double area = c->box[2] * c->box[3] + c->target[2] * c->target[3];
    const double shared = e->overlap[0] * e->overlap[1], hull = e->enclosing[0] * e->enclosing[1];
    const int fixed = which != PUBLISHED_GIOU && !e->overlapping;
    const double whole = fixed ? area : area - shared;
    for (int k = 0; k < 4; k++) {
        const double side = k < 2 ? -1 : 1;
        const double by_shared = fixed ? 0 : side * e->overlap[1 - k % 2] * e->inside[k];
        const double by_area = side * e->width[1 - k % 2];
        const double by_hull = side * e->enclosing[1 - k % 2] * e->outside[k], by_whole = by_area - by_shared;
        p[k] = e->overlapping ? (whole * by_shared - shared * by_whole) / (whole * whole) : 0;
        if (which == PUBLISHED_GIOU || which == PUBLISHED_GIOU_FIXED)
            p[k] += (hull * by_whole - whole * by_hull) / (hull * hull);
    }
}

/* s of diou, along both axes. */
static void published_centre(const edges *e, const box_case *c, double out[4]) {
    const double cw = e->enclosing[0], ch = e->enclosing[1], c2 = cw * cw + ch * ch;
    double rho2 = 0;
    for (int k = 0; k < 2; k++) rho2 += pow(c->box[k] - c->target[k], 2);
    for (int k = 0; k < 2; k++) {
        const double shift = e->outside[k + 2] - e->outside[k], grow = 0.5 * (e->outside[k + 2] + e->outside[k]);
        const double shrink = e->outside[k] && e->outside[k + 2] ? -1 : grow;
        out[k] += (2 * (c->target[k] - c->box[k]) * c2 - 2 * (cw + ch) * shift * rho2) / (c2 * c2);
        out[2 + k] += 2 * (k == 0 ? cw * shrink + ch * grow : cw * grow + ch * shrink) * rho2 / (c2 * c2);
    }
}

static void published_aspect(const edges *e, const box_case *c, double out[4]) {
    const double shared = e->overlap[0] * e->overlap[1];
    const double whole = c->box[2] * c->box[3] + c->target[2] * c->target[3] - shared;
    const double iou = e->overlapping ? shared / whole : 0;
    const double difference = atan(c->target[2] / c->target[3]) - atan(c->box[2] / c->box[3]);
    const double v = 4 / (M_PI * M_PI) * difference * difference, alpha = v / (1 - iou + v + 1e-7);
    out[2] += alpha * 8 / (M_PI * M_PI) * difference * c->box[3];
    out[3] -= alpha * 8 / (M_PI * M_PI) * difference * c->box[2];
}

static void published(const box_case *c, published_loss which, double out[4]) {
    const edges e = edges_of(c);
    double p[4];
    published_edges(&e, c, which, p);
    for (int k = 0; k < 2; k++) {
        out[k] = p[k] + p[k + 2];
        out[2 + k] = p[k + 2] - p[k];
    }
    if (which == PUBLISHED_DIOU || which == PUBLISHED_CIOU) published_centre(&e, c, out);
    if (which == PUBLISHED_CIOU) published_aspect(&e, c, out);
}

static const char *const published_rules[] = {"zheng_iou", "zheng_giou", "zheng_giou_fixed", "zheng_diou",
                                              "zheng_ciou"};

ParameterizedTestParameters(box_rules, authors_directions_are_those_published) {
    static size_t index[] = {0, 1, 2, 3, 4};
    return cr_make_param_array(size_t, index, 5);
}
ParameterizedTest(size_t *index, box_rules, authors_directions_are_those_published) {
    const box_rule *rule = box_rule_find(published_rules[*index]);
    rng stream = rng_from_text("published rules");
    cr_assert(rule != NULL);
    for (size_t i = 0; i < PAIRS; i++) {
        box_case c = draw_pair(&stream, i);
        double got[4], wanted[4];
        if (i % 7 == 0) c.box[2] = -c.box[2]; /* a run may turn boxes inside out */
        published(&c, (published_loss)*index, wanted);
        simulation_direction(rule, c.box, c.target, got);
        expect_near(rule->name, &c, got, wanted, 1e-11);
    }
}

/* --- how rules hang together -------------------------------------------------------------------------------------- */

/* All departures of a loss on top of its exact rule are the authors' rule; 1e-7 beside alpha has no rule of its own. */
Test(box_rules, all_departures_together_are_the_authors_rule) {
    static const char *const losses[] = {"iou", "giou", "diou", "ciou"};
    for (size_t i = 0; i < 4; i++) {
        char authors[32];
        unsigned terms = terms_named(losses[i]) | (strcmp(losses[i], "ciou") == 0 ? ALPHA_EPS : 0);
        for (size_t r = 0; r < RULES; r++)
            if (box_rules[r].kind == RULE_DEPARTURE && strcmp(box_rules[r].loss, losses[i]) == 0) terms |= terms_of[r];
        snprintf(authors, sizeof authors, "zheng_%s", losses[i]);
        cr_assert(terms == terms_named(authors), "the departures of %s, %#x, are not %s, %#x", losses[i], terms,
                  authors, terms_named(authors));
    }
}

Test(box_rules, a_departure_is_one_departure_and_does_something) {
    for (size_t r = 0; r < RULES; r++) {
        const box_rule *rule = &box_rules[r];
        if (rule->kind != RULE_DEPARTURE) continue;
        const unsigned added = terms_of[r] & ~terms_named(rule->loss);
        const int one = added != 0 && (added & (added - 1)) == 0 && (added & DEPARTURES) == added;
        cr_assert(one, "%s adds %#x to %s", rule->name, added, rule->loss);
        rng stream = rng_from_text("departures");
        size_t differing = 0;
        for (size_t i = 0; i < 300; i++) {
            const box_case c = draw_pair(&stream, i);
            double departing[4], exact[4];
            simulation_direction(rule, c.box, c.target, departing);
            simulation_direction(box_rule_find(rule->loss), c.box, c.target, exact);
            for (size_t k = 0; k < 4; k++) differing += fabs(departing[k] - exact[k]) > 1e-6;
        }
        cr_assert(differing > 20, "%s differs from %s in %zu steps of 1200", rule->name, rule->loss, differing);
    }
}

Test(box_rules, corners_halve_the_shift_and_double_the_growth) {
    size_t corner_rules = 0;
    for (const box_rule *rule = box_rules; rule->name; rule++) {
        rng stream = rng_from_text("corners");
        corner_rules += rule->kind == RULE_CORNER;
        for (size_t i = 0; rule->kind == RULE_CORNER && i < 500; i++) {
            const box_case c = draw_pair(&stream, i);
            double got[4], exact[4];
            simulation_direction(rule, c.box, c.target, got);
            simulation_direction(box_rule_find(rule->loss), c.box, c.target, exact);
            for (size_t k = 0; k < 4; k++)
                cr_assert(got[k] == (k < 2 ? 0.5 : 2) * exact[k], "%s: coordinate %zu moves by %.17g, %s by %.17g",
                          rule->name, k, got[k], rule->loss, exact[k]);
        }
    }
    cr_assert(corner_rules == 6);
}

/* --- edge cases --------------------------------------------------------------------------------------------------- */

Test(box_rules, coinciding_edges_and_equal_numbers_exert_no_force) {
    const double box[4] = {10, 10, 2, 1}, shifted[4] = {10.5, 10, 1, 1};
    double out[4];
    simulation_direction(box_rule_find("l1"), box, box, out);
    for (size_t k = 0; k < 4; k++) cr_assert(out[k] == 0);
    simulation_direction(box_rule_find("iou"), box, box, out); /* only w h in U is left: IoU h / U = 1/2 */
    const double of_equal[4] = {0, 0, -0.5, -1};
    for (size_t k = 0; k < 4; k++) cr_assert(out[k] == of_equal[k], "coordinate %zu: %g", k, out[k]);
    /* only the left edge is inside: I = 1, U = 2, dIoU/dl = -(U+I)/U^2 = -3/4; with w h, dIoU/dw = 3/8 - 1/4 */
    simulation_direction(box_rule_find("iou"), shifted, box, out);
    const double of_shifted[4] = {-0.75, 0, 0.125, -0.25};
    for (size_t k = 0; k < 4; k++) cr_assert(out[k] == of_shifted[k], "coordinate %zu: %g", k, out[k]);
    simulation_direction(box_rule_find("siou"), box, box, out);
    cr_assert(out[0] == 0 && out[1] == 0, "%g %g", out[0], out[1]);
}

Test(box_rules, negative_sizes_overlap_nothing) {
    const double target[4] = {10, 10, 1, 1};
    const double boxes[][4] = {{10, 10, -0.2, 0.5}, {10, 10, 0.5, -0.2}, {10, 10, -0.2, -0.2}, {10, 10, 0, 0.5}};
    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++) {
        double out[4], trace[2][4];
        simulation_direction(box_rule_find("iou"), boxes[i], target, out);
        for (size_t k = 0; k < 4; k++) cr_assert(out[k] == 0, "iou moves coordinate %zu by %g", k, out[k]);
        simulation_direction(box_rule_find("l1"), boxes[i], target, out);
        simulation_trace(box_rule_find("l1"), boxes[i], target, 1, trace);
        for (size_t k = 0; k < 4; k++) /* 2 - IoU = 2 */
            cr_assert(fabs(trace[1][k] - trace[0][k] - 0.1 * 2 * out[k]) < 1e-14, "coordinate %zu: %.17g", k,
                      trace[1][k]);
    }
}

/* No size, no area, no distance, far away: whatever the rule divides by, steps are finite. */
ParameterizedTestParameters(box_rules, degenerate_boxes_give_finite_steps) { return rules_by_index(); }
ParameterizedTest(size_t *index, box_rules, degenerate_boxes_give_finite_steps) {
    const double target[4] = {10, 10, 1, 1};
    const double boxes[][4] = {{10, 10, 0, 0}, {10, 10, 1, 1},   {10, 10, 0, 1},     {10, 10, -1, 1},
                               {9, 10, 1, 1},  {10, 10, 5, -.2}, {1e6, 10, 1, 1e-9}, {10, 10, -1e6, -1}};
    for (size_t i = 0; i < sizeof boxes / sizeof boxes[0]; i++) {
        double out[4];
        simulation_direction(&box_rules[*index], boxes[i], target, out);
        for (size_t k = 0; k < 4; k++)
            cr_assert(isfinite(out[k]), "%s: coordinate %zu of box %zu moves by %g", box_rules[*index].name, k, i,
                      out[k]);
    }
}
