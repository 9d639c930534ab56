/* Pieces of the analysis `types`: losses for K classes side by side, place by place, the highest balanced accuracy
   first. The classes of a third are the rarest, or the commonest, by the items of train. */
#ifndef HARNESS_COMPARE_TYPES_H
#define HARNESS_COMPARE_TYPES_H

#include "experiments/harness/analysis.h"

/* Classes in a third of so many: the nearest number, 1 at least. */
size_t types_in_third(size_t classes);

/* The classes that have items in test, the rarest in train first; equals stay in the order of the data set. All
   [classes]; returns how many there are. */
size_t types_by_items(const double *train, const double *test, size_t classes, size_t *order);

/* Mean recall of the classes of a third. NaN: there is none. */
double field_rare_recall(const measure *m);
double field_common_recall(const measure *m);

/* The classes of a place: names of the data set, and items as means over the seeds that are there. `order` leads to
   the `count` of them that have items in test, the rarest in train first. */
enum { CLASS_NAME = 48 };
typedef struct {
    size_t count, third;
    char name[CLASS_MOST][CLASS_NAME];
    double train[CLASS_MOST], test[CLASS_MOST];
    size_t order[CLASS_MOST];
    int goods; /* test has clean images, without which there is no false rejection */
} place_classes;

/* Opens the block's data set for the names. */
int types_at(const report *r, const evidence *e, const place *p, place_classes *out, lb_error *error);

/* "`crack` (12), `dent` (31)": classes from place `from` of the order to before `to`, with their items of train. */
void types_words(const place_classes *at, size_t from, size_t to, char *out, size_t size);

/* --- tables ------------------------------------------------------------------------------------------------------ */

/* Of one place. A column of image recall only with goods, of lost seeds only where there are any. */
table *compare_type_place(const evidence *e, const place *p, const place_classes *at);

/* A row a place and loss: all numbers with intervals; their differences to the baseline. */
table *compare_type_metrics(const evidence *e, const place *places, size_t count);
table *compare_type_differences(const evidence *e, const place *places, size_t count);

/* A row a class and loss. `at` is [count]. */
table *compare_type_classes(const evidence *e, const place *places, const place_classes *at, size_t count);

/* A row a trial: every number of its types. */
table *compare_type_trials(const evidence *e);

/* --- of one place ------------------------------------------------------------------------------------------------ */

/* Recall of each class over its items in train, a panel a loss. Nothing where there are no numbers. */
int compare_type_figure(report *r, const evidence *e, const place *p, const place_classes *at, lb_error *error);

/* What each loss gains on the rarest third against what it loses on the commonest. */
void say_type_thirds(report *r, const evidence *e, const place *p, const place_classes *at);

#endif
