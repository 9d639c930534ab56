/* The box-regression simulation of the DIoU paper (Zheng et al., AAAI 2020, 1911.08287, Algorithm 1): boxes on a disc
   descend a loss towards seven targets in its middle, without a network, so that nothing but the loss decides how fast
   and how far they come. Everything in double; the same bits for every compiler, optimisation level and vector width.

   Cases: at each of N points 7 areas x 7 aspect ratios of the box, each against 7 targets: 343 N. State (x, y, w, h),
   centre and size, updated directly and never clamped: a box with w <= 0 or h <= 0 overlaps nothing. */
#ifndef SIMULATION_BOX_SIMULATION_H
#define SIMULATION_BOX_SIMULATION_H

#include "lib/base/error.h"

#include <stddef.h>

enum { SIMULATION_STEPS = 200, SIMULATION_CASES = 343, SIMULATION_MOST_POINTS = 100000 };

/* How a box moves: by the exact gradient of a loss ("diou"), by the same in corner coordinates ("corner_diou"), by the
   update the authors published ("zheng_diou"), or by the exact gradient with one of their departures from it
   ("diou+both_sides"; "ciou_unit" keeps the name the field gave it). */
typedef enum { RULE_EXACT, RULE_CORNER, RULE_AUTHORS, RULE_DEPARTURE } box_rule_kind;

typedef struct {
    const char *name; /* as above */
    const char *loss; /* "diou": what it descends, and the library's name of that, but for iou, there box_iou */
    box_rule_kind kind;
    const char *summary; /* formula, or what departs */
} box_rule;

/* All rules, in the order of tables; `name` NULL behind the last. */
extern const box_rule box_rules[];
const box_rule *box_rule_find(const char *name); /* NULL: there is none */

/* Where case `index` of N points starts and where it should end, both (x, y, w, h): index =
   ((point*7 + target)*7 + area)*7 + ratio. */
void simulation_case(size_t points, size_t index, double box[4], double target[4]);

/* Point k of N: on a spiral over the disc of radius 3 around (10, 10). */
void simulation_point(size_t points, size_t k, double *x, double *y);

/* What a step adds to the box at rate 1, without the factor 2 - IoU: minus the gradient for exact rules. */
void simulation_direction(const box_rule *rule, const double box[4], const double target[4], double out[4]);

/* The state of one box after each of `steps` updates: trace[steps + 1][4], [0] the start. steps <= SIMULATION_STEPS. */
void simulation_trace(const box_rule *rule, const double box[4], const double target[4], size_t steps,
                      double (*trace)[4]);

/* The outcome of all cases. Error of a case: |x-X| + |y-Y| + |w-W| + |h-H|. */
typedef struct {
    double curve[SIMULATION_STEPS + 1]; /* mean error after t updates; [0]: at the start */
    double missed;                      /* share of cases with a final error above .1 */
    double *final_by_point;             /* [points] mean final error of the cases that start there; owned */
} simulation_result;

/* Runs all 343 N cases on one thread. LB_INVALID: points is 0 or above the most; LB_MEMORY. Free with
   simulation_result_free. */
int simulation_run(const box_rule *rule, size_t points, simulation_result *out, lb_error *error);
void simulation_result_free(simulation_result *r);

#endif
