/* A stored net asked again: what the net of a trial of masks or boxes says of its test images, without a new training.
 */
#ifndef HARNESS_STORED_NET_H
#define HARNESS_STORED_NET_H

#include "experiments/harness/trial.h"

/* What the net that trial t left in r gives for the test images `items`[count]. `d` must be the data set the trial
   names. output is, of masks, a logit a pixel, [count][height][width]; of boxes [count][cells][channels], box_cells.h.
   Refuses, with LB_VERSION, a net that no longer gives the very image scores the store holds: such a picture would show
   another net than the tables. */
int stored_net_ask(const trial *t, const dataset *d, const trial_result *r, const uint32_t *items, size_t count,
                   float *output, lb_error *error);

#endif
