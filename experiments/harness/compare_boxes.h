/* Pieces of the analysis `boxes`: box losses side by side, place by place, the highest AP50 first. */
#ifndef HARNESS_COMPARE_BOXES_H
#define HARNESS_COMPARE_BOXES_H

#include "experiments/harness/analysis.h"

enum { FEW_BOXES = 20 }; /* fewer true boxes of a size, over all seeds, decide nothing */

/* Whether the test set of a place has clean images, without which there is no false rejection. */
int boxes_have_goods(const evidence *e, const place *p);

/* True boxes of a size in the test sets of all seeds of a place. */
size_t boxes_of_size(const evidence *e, const place *p, size_t size);

/* AP50 of a seed that also has it at the first checkpoint: one that diverged has not. */
double field_box_kept_ap50(const measure *m);

/* "half the visits", "1/4 of the visits" */
void boxes_first_checkpoint(const experiment *x, char *out, size_t size);

/* --- tables ------------------------------------------------------------------------------------------------------ */

/* Of one place. Columns of recall only with goods, of lost seeds only where there are any. */
table *compare_box_place(const evidence *e, const place *p);

/* A row a place and loss. */
table *compare_box_metrics(const evidence *e, const place *places, size_t count);     /* all numbers, with intervals */
table *compare_box_differences(const evidence *e, const place *places, size_t count); /* to the baseline */
table *compare_box_sizes(const evidence *e, const place *places, size_t count);       /* AP by the size of the boxes */
table *compare_box_early(const evidence *e, const place *places, size_t count); /* first checkpoint against the end */

/* A row a trial: every number of its boxes. */
table *compare_box_trials(const evidence *e);

/* --- figures of one place; nothing where there are no numbers ---------------------------------------------------- */

int compare_box_lanes(report *r, const evidence *e, const place *p, lb_error *error);
int compare_box_size_dots(report *r, const evidence *e, const place *p, lb_error *error);

/* --- sentences on one place -------------------------------------------------------------------------------------- */

void say_box_verdicts(report *r, const evidence *e, const place *p); /* which losses are better than the baseline */
void say_box_spread(report *r, const evidence *e, const place *p);   /* how far losses of the IoU family lie apart */
void say_box_early(report *r, const evidence *e, const place *p);    /* who leads early, and whether it lasts */

#endif
