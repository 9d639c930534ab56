/* Trials of boxes: which numbers they leave behind. The detector's output is scored here, in the worker; the store
   keeps

   select, calibrate, test     a score an image: that of its best box (box_cells.h)
   instance_score, _area       of each true box of test: the highest score of the boxes that overlap it with an IoU of
   at least 1/2 (-FLT_MAX: none does), and its area in pixels; in the order of images boxes BOX_NUMBERS numbers, below
   boxes@k                     BOX_AT_NUMBERS at checkpoint k
   parameters                  the trained net, in the order of nn_net_get */
#ifndef HARNESS_BOX_SCORES_H
#define HARNESS_BOX_SCORES_H

#include "experiments/harness/box_cells.h"
#include "experiments/harness/trial.h"

/* Sizes of boxes, by their share of the image's pixels: small below 2 %, medium to 10 %, large above. */
enum { BOX_SIZES = 3 };
extern const double box_size_edges[BOX_SIZES + 1];
extern const char *const box_size_names[BOX_SIZES];
size_t box_size_of(double share); /* 0 small, 1 medium, 2 large */

/* Places in the array `boxes`. Of the test set unless said otherwise. NaN: there is no such number. */
enum {
    BOX_SELECT_AP50, /* of the select set: tuning chooses by it */
    BOX_AP50,
    BOX_AP75,
    BOX_AP,                                         /* mean over IoU .50, .55, .. .95 */
    BOX_AP50_SIZE,                                  /* by size: BOX_SIZES places */
    BOX_AP_SIZE = BOX_AP50_SIZE + BOX_SIZES,        /* the same of BOX_AP */
    BOX_MATCHED_IOU = BOX_AP_SIZE + BOX_SIZES,      /* mean IoU of the true boxes that a detection takes at IoU 1/2 */
    BOX_MATCHED,                                    /* their share */
    BOX_BEST_IOU,                                   /* mean over true boxes of the largest IoU with any detection */
    BOX_TRUTHS_SIZE,                                /* true boxes by size: BOX_SIZES places */
    BOX_TRAIN_TRUTHS = BOX_TRUTHS_SIZE + BOX_SIZES, /* true boxes of train */
    BOX_LOST,                                       /* of these, boxes that own no cell */
    BOX_CELL_SHARE,                                 /* share of cells of train that a box owns, as sampled */
    BOX_ABSENT,                                     /* left out by the importer, see dataset.h */
    BOX_CUT,
    BOX_BAD,
    BOX_UNMARKED,
    BOX_MEAN_SHARE, /* mean share of the image that a true box covers */
    BOX_NUMBERS
};

/* Places in `boxes@k`. */
enum { BOX_AT_AP50, BOX_AT_AP, BOX_AT_NUMBERS };

/* A box of a data set as the metrics take it; types count from 0. */
metric_box box_truth(const dataset_box *b);

/* Boxes of a set by image: those of item i are boxes[first[i]] .. boxes[first[i + 1] - 1]. NULL: out of memory. */
size_t *box_index(const dataset_items *set);

/* Refuses data without boxes, or with none in train, select or test; a box outside the image. */
int box_scores_check(const trial *t, const dataset *d, lb_error *error);

/* Adds `boxes` with what is known of the data. */
int box_scores_begin(const dataset *d, const detector_grid *g, double cell_share, trial_result *out, lb_error *error);

/* Adds the image scores of one set under `name`, and what else is known by then: of select its AP50, of test all
   numbers, of "test@k" `boxes@k`. output is [images][cells][channels]. A non-finite logit makes the trial diverged, and
   leaves the numbers NaN. */
int box_scores_add(const dataset *d, const detector_grid *g, dataset_set which, const char *name, const float *output,
                   trial_result *out, lb_error *error);

#endif
