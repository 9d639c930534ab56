/* Trials of masks: which numbers they leave behind. A net that gives masks is scored here, in the worker, while the
   logits of all pixels are at hand; the store keeps

   select, calibrate, test   a score an image: the mean of its largest logits, mask_top of them
   test_max                  the largest logit of each test image
   instance_score, _area     of each true instance (connected component) of the test masks: its largest logit, and its
                             area in pixels; in the order of images
   masks                     MASK_NUMBERS numbers, below
   parameters                the trained net, in the order of nn_net_get: a new number needs no new training */
#ifndef HARNESS_MASK_SCORES_H
#define HARNESS_MASK_SCORES_H

#include "experiments/harness/trial.h"

/* Places in the array `masks`. Of the test set unless said otherwise. NaN: there is no such number. */
enum {
    MASK_THRESHOLD,     /* the logit that gives the best Dice over the pixels of the select set */
    MASK_DICE,          /* over all pixels of the set, at that threshold */
    MASK_DICE_HALF,     /* at logit 0, probability one half */
    MASK_MEAN_IOU,      /* mean of the IoU of defect and background, over all pixels, at the select threshold */
    MASK_MEAN_IOU_HALF, /* at logit 0 */
    MASK_PIXEL_AP,      /* average precision over all pixels */
    MASK_PIXEL_RECALL,  /* of pixels, at a false-rejection rate of pixels of 0.1, 0.5, 1 and 5 %: four places */
    MASK_BOUNDARY_F1 = MASK_PIXEL_RECALL + 4, /* mean over the defect images, tolerance 1 pixel, select threshold */
    MASK_HAUSDORFF_95, /* mean over the defect images, pixels, select threshold; the image's diagonal where nothing is
                          called defect */
    MASK_AP50,         /* of instances at the select threshold */
    MASK_AP75,
    MASK_NOTHING,     /* share of the defect images in which no pixel is called defect at the select threshold */
    MASK_PIXEL_SHARE, /* share of defect pixels in train, as sampled */
    MASK_AREA,        /* mean share of defect pixels in a defect image of test */
    MASK_VANISHED,    /* left out by the importer, see dataset.h */
    MASK_EMPTY,
    MASK_BETWEEN,
    MASK_NUMBERS
};

/* How many logits an image score averages: one in 256 pixels, at least one. */
size_t mask_top(size_t pixels);

/* Pixels that the masks of a set call defect. */
size_t mask_defect_pixels(const dataset_items *set, size_t area);

/* Refuses data without masks, or with no defect pixel in train, select or test. */
int mask_scores_check(const trial *t, const dataset *d, lb_error *error);

/* Adds `masks` with what is known of the data. `share`: of defect pixels in train. */
int mask_scores_begin(const dataset *d, double share, trial_result *out, lb_error *error);

/* Adds the image scores of one set under `name`, and what else is known by then: after select its threshold, after test
   everything else; logit is [images][height][width]. A non-finite one makes the trial diverged, and leaves the numbers
   NaN. */
int mask_scores_add(const dataset *d, dataset_set which, const char *name, const float *logit, trial_result *out,
                    lb_error *error);

#endif
