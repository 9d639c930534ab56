/* A stored net asked again: what a trial of masks says of its test images, pixel by pixel, without a new training. */
#ifndef HARNESS_MASK_PREDICT_H
#define HARNESS_MASK_PREDICT_H

#include "experiments/harness/mask_scores.h"

/* logit[count][height][width] of test images `items`[count], from the parameters that trial t left in r. `d` must be
   the data set the trial names. Refuses, with LB_VERSION, a net that no longer gives the very image scores the store
   holds: such a picture would show another net than the tables. */
int mask_predict(const trial *t, const dataset *d, const trial_result *r, const uint32_t *items, size_t count,
                 float *logit, lb_error *error);

#endif
