/* The runs of the box simulation as its analysis and its claims read them: one a rule, in the order of the rules. */
#ifndef HARNESS_BOX_RUNS_H
#define HARNESS_BOX_RUNS_H

#include "experiments/harness/evidence.h"
#include "experiments/harness/simulation_trial.h"

typedef struct {
    const box_rule *rule;
    double curve[SIMULATION_STEPS + 1]; /* mean error over all cases after t updates */
    double missed, drift;               /* as simulation_trial.h has them */
    double *final;                      /* [points of the study] */
} box_run;

/* Of one study: of its first block. Rules whose trial is not there, or left the numbers, are left out. */
typedef struct {
    box_run *runs;
    size_t count, points;
} box_runs;

/* Free with box_runs_free, after a failure too. No trial at all: count 0. */
int box_runs_read(const evidence *e, store *from, box_runs *out, lb_error *error);
void box_runs_free(box_runs *b);

/* The run of rule `prefix` followed by `loss` and `suffix`: "zheng_", "diou", "". NULL: there is none. */
const box_run *box_runs_find(const box_runs *b, const char *prefix, const char *loss, const char *suffix);

/* --- numbers of a curve ------------------------------------------------------------------------------------------- */

/* First t at which the curve lies below `level`; -1: never. */
int curve_first_below(const double curve[SIMULATION_STEPS + 1], double level);

/* Sum over t = 1 .. 200: the smaller, the faster. The published figure shows it times the number of cases. */
double curve_sum(const double curve[SIMULATION_STEPS + 1]);

/* rank[i]: 1 + how many of value[count] are smaller than value[i]. */
void rank_values(const double *value, size_t count, size_t *rank);

#endif
