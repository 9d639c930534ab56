/* A sheet of boxes: what the detectors of several losses find, image by image, beside the true boxes. */
#ifndef HARNESS_BOX_SHEET_H
#define HARNESS_BOX_SHEET_H

#include "experiments/harness/analysis.h"

/* Draws plots/<experiment>/boxes-<block>.png (.svg, .tsv) and shows it: six test defects spread over types and sizes,
   and the two goods that the baseline scores highest, where there are goods. All are of one seed, since each seed has
   images of its own: that in which the baseline (without it, the first loss of the list) has its median AP50. Columns
   are the image with its true boxes, and one for each loss of the experiment's `sheet` that succeeded in that seed,
   with the boxes above the threshold that rejects the level's share of the test goods by their best box; without goods,
   above that which as many boxes of the whole test set exceed as it has true ones.
   Draws nothing when there is no such loss, or the data are not there. The nets come from the store: nothing is
   trained. */
int report_box_sheet(report *r, const evidence *e, const place *p, lb_error *error);

#endif
