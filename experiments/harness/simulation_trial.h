/* Trials of the box-regression simulation (task TASK_SIMULATION): no net, no data, one rule a trial.

       data expression   spiral(points=5000)    343 cases start at each point
       loss expression   a rule's name: diou, corner_diou, zheng_diou, ... (box_simulation.h) */
#ifndef HARNESS_SIMULATION_TRIAL_H
#define HARNESS_SIMULATION_TRIAL_H

#include "experiments/harness/trial.h"
#include "experiments/simulation/box_simulation.h"

enum { SIMULATION_VERSION = 1 }; /* raise when a number of the simulation changes: retires its trials */

/* Fills the task, content, loss_text and model_text. LB_INVALID: no such data set, parameter or rule. */
int simulation_trial_prepare(trial *t, lb_error *error);

/* Canonical text (TRIAL_TEXT bytes) of a prepared trial. */
void simulation_trial_describe(const trial *t, char *out);

/* Runs a prepared trial into an empty result, which the caller frees even after a failure. It holds these arrays;
   numbers that are not finite are the outcome `diverged`: curve_high, curve_low   [SIMULATION_STEPS + 1] mean error; a
   double as the sum of two floats missed                  [1] share of cases with a final error above .1 drift [1] see
   simulation_drift final                   [points] mean final error of the cases that start at the point */
int simulation_trial_run(const trial *t, trial_result *out, lb_error *error);

/* The curve as it was computed, to a relative 2^-47. LB_FORMAT: the result is of no simulation. */
int simulation_trial_curve(const trial_result *r, double curve[SIMULATION_STEPS + 1], lb_error *error);

/* How far a box strays on its way: the largest distance of its centre from the straight line between its start and the
   target, in sides of the target's square; mean over the cases of `points` points. */
double simulation_drift(const box_rule *rule, size_t points);

#endif
