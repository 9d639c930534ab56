/* Trials of types: which numbers they leave behind. The net gives a logit for each class: the types of defect, and good
   first where there are goods. The store keeps

   select, calibrate, test    a score an image: the log-odds of not being good (metric_defect_score); without goods, of
                              nothing: the largest logit
   logits                     of the test set, [images][classes]
   called, truth              the class of each test image, as called and as labelled
   types                      CLASS_NUMBERS numbers, below
   type_train, type_test      items of each class; type_recall, type_f1: of the test set, NaN without items */
#ifndef HARNESS_CLASS_SCORES_H
#define HARNESS_CLASS_SCORES_H

#include "experiments/harness/trial.h"

/* Places in the array `types`. Of the test set unless said otherwise. NaN: there is no such number. */
enum {
    CLASS_SELECT_BALANCED, /* balanced accuracy of the select set: tuning chooses by it */
    CLASS_BALANCED,        /* mean recall over the classes that have items */
    CLASS_MACRO_F1,
    CLASS_ACCURACY,
    CLASS_NUMBERS
};

/* Classes of a data set: its types, and good where there are goods; CLASS_MOST at most. */
enum { CLASS_MOST = 64 };
size_t class_count(const dataset *d);
static inline size_t class_of_type(const dataset *d, uint16_t type) { return d->clean ? type : type - 1u; }
const char *class_label(const dataset *d, size_t which);

/* Refuses fewer than two classes, or more than CLASS_MOST, in train. */
int class_scores_check(const trial *t, const dataset *d, lb_error *error);

/* Adds `types`, all NaN, and the items of each class. */
int class_scores_begin(const dataset *d, trial_result *out, lb_error *error);

/* Adds the image scores of one set under `name`, and what else is known by then: of select its balanced accuracy, of
   test everything else; logit is [images][classes]. A non-finite one makes the trial diverged, and leaves the numbers
   NaN. */
int class_scores_add(const dataset *d, dataset_set which, const char *name, const float *logit, trial_result *out,
                     lb_error *error);

#endif
