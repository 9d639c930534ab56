/* Pieces of the analysis `compare`: losses side by side on each place. */
#ifndef HARNESS_COMPARE_H
#define HARNESS_COMPARE_H

#include "experiments/harness/analysis.h"

/* Is entry n the baseline that the experiment names: the first of that label or family? */
int compare_is_baseline(const experiment *x, size_t n);
long compare_baseline(const evidence *e, const place *p); /* its cell; -1: not run */
/* "tuned BCE", or the label: what was trained at one fixed rate is not tuned. LABEL bytes. */
void compare_baseline_name(const experiment *x, char *out);
const char *compare_rule_label(const experiment *x); /* "BCE, tuned", or the label */

/* Overviews: verdicts over all places; published defaults beside tuned settings. */
table *compare_summary(const evidence *e, const place *places, size_t count); /* of the headline recall */
table *compare_summary_of(const evidence *e, const place *places, size_t count, measure_field field, const char *name);
table *compare_published(const report *r, const evidence *e);

/* First cells of a row of every trial's numbers: key, block, ratio, loss, seed, outcome. */
void compare_trial_names(table *t, const cell *at, unsigned seed, const measure *m);

/* Whether tuned rates crowd at the ends of their range. */
void compare_say_edges(report *r, const study *s);

/* A row of lanes.gp: mean, interval and seeds of a field. */
void compare_add_lane(table *t, unsigned row, const char *label, const evidence *e, size_t cell, measure_field field);

/* Figures of one place; nothing where there are no numbers. */
int compare_lanes(report *r, const evidence *e, const place *p, lb_error *error);  /* recall, one lane a loss */
int compare_curve(report *r, const evidence *e, const place *p, lb_error *error);  /* recall over FR */
int compare_tuning(report *r, const evidence *e, const place *p, lb_error *error); /* best of k tuning points */

/* --- masks ------------------------------------------------------------------------------------------------------- */

/* A row a place and loss; with `intervals`, or the means alone. */
table *compare_mask_metrics(const evidence *e, const place *places, size_t count, int intervals);
/* Paired differences to the baseline, with their verdicts. */
table *compare_mask_differences(const evidence *e, const place *places, size_t count);
/* Instance recall by the size of the defect, and how many such instances a seed has. */
table *compare_mask_sizes(const evidence *e, const place *places, size_t count);
/* A row a trial: every number of its masks. */
table *compare_mask_trials(const evidence *e);

int compare_masks_inline(report *r, const evidence *e, const place *places, size_t count, lb_error *error);
int compare_masks_linked(report *r, const evidence *e, const place *places, size_t count, lb_error *error);
/* Dice per loss, in the order of image recall. */
int compare_overlap(report *r, const evidence *e, const place *p, lb_error *error);

#endif
