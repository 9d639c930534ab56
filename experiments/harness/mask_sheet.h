/* A sheet of masks: what the nets of several losses call defect, image by image, beside the truth. */
#ifndef HARNESS_MASK_SHEET_H
#define HARNESS_MASK_SHEET_H

#include "experiments/harness/analysis.h"

/* Draws plots/<experiment>/sheet-<block>.png (.svg, .tsv) and shows it: ten test defects of seed 1 spread over their
   areas, and the two goods that the baseline scores highest; columns are the input, the truth, and the probabilities of
   each loss of the experiment's `sheet` whose seed 1 succeeded. Draws nothing when there is no such loss, or the data
   are not there. The nets come from the store: nothing is trained. */
int report_mask_sheet(report *r, const evidence *e, const place *p, lb_error *error);

#endif
