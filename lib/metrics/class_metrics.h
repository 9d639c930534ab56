/* Metrics of items sorted into classes: a class is called by the largest of the item's logits. Everything but the
   defect score is a function of the confusion matrix, so matrices of several sets may be added up before. Classes are
   numbered from 0; rates are shares in 0..1. Nothing here prints or allocates. */
#ifndef METRICS_CLASS_METRICS_H
#define METRICS_CLASS_METRICS_H

#include "lib/base/error.h"

#include <stddef.h>
#include <stdint.h>

/* --- counts ------------------------------------------------------------------------------------------------------ */

/* The class of the largest of logit[classes], of equal ones the first; classes >= 1, no logit NaN. */
size_t metric_called_class(const float *logit, size_t classes);

/* confusion[t][c] = how many of the n items of true class t are called c. logit is [n][classes], truth [n], confusion
   [classes][classes]; classes >= 1. LB_INVALID names the first item with a class that is not below `classes`, or a
   logit that is not finite; confusion is untouched then. */
int metric_confusion(const float *logit, const uint32_t *truth, size_t n, size_t classes, size_t *confusion,
                     lb_error *error);

/* --- one class --------------------------------------------------------------------------------------------------- */

/* Counts are kept so that intervals can be made from the rates. */
typedef struct {
    size_t items, called, hit; /* of this class; called so, rightly or not; both */
    double recall;             /* hit / items; NaN: no item */
    double precision;          /* hit / called; NaN: never called */
    double f1; /* 2 hit / (items + called), so 0 of a class never called; NaN: neither items nor calls */
} metric_one_class;

metric_one_class metric_of_class(const size_t *confusion, size_t classes, size_t which); /* which < classes */

/* --- all classes ------------------------------------------------------------------------------------------------- */

/* NaN of a matrix without items. */
typedef struct {
    double accuracy; /* share of items called what they are */
    double balanced; /* balanced accuracy: mean recall of the classes that have items, as scikit-learn's
                        balanced_accuracy_score */
    double macro_f1; /* mean F1 of the classes that have items, 0 of one never called (the mean of F1s, not the F1 of
                        means: Opitz & Burst, Macro F1 and Macro F1, arXiv 1911.03347). A class without items is left
                        out; calls of it cost the classes they were taken from. scikit-learn's f1_score counts it as 0
                        when it was called, unless given only the labels with items */
} metric_all_classes;

metric_all_classes metric_of_classes(const size_t *confusion, size_t classes);

/* --- good against any defect ------------------------------------------------------------------------------------- */

/* Log-odds that an item is not of class 0, "good", under the softmax of its logit[classes], classes >= 2:
   ln(sum over k >= 1 of e^logit[k]) - logit[0]. For metric_scores_new. The same bits on every machine, and it does not
   saturate: computed in double around the largest defect logit, with two classes it is their difference. Finite for
   logits within FLT_MAX / 2; NaN when a logit is. */
float metric_defect_score(const float *logit, size_t classes);

#endif
