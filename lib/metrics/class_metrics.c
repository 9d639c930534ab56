/* Confusion matrix of the largest logit, the rates read off it, and the log-odds of any defect. */
#include "lib/metrics/class_metrics.h"

#include "lib/base/repro_math.h"
#include "lib/metrics/mask_check.h"

#include <math.h>

size_t metric_called_class(const float *logit, size_t classes) {
    size_t best = 0;
    for (size_t k = 1; k < classes; k++)
        if (logit[k] > logit[best]) best = k;
    return best;
}

static int check_items(const float *logit, const uint32_t *truth, size_t n, size_t classes, lb_error *error) {
    for (size_t i = 0; i < n; i++) {
        if (truth[i] >= classes)
            return lb_fail(error, LB_INVALID, "item %zu is of class %u, but there are %zu classes, numbered from 0", i,
                           (unsigned)truth[i], classes);
        const float *const own = logit + i * classes;
        const size_t k = first_not_finite(own, classes);
        if (k < classes)
            return lb_fail(error, LB_INVALID,
                           "the logit of item %zu for class %zu is %g: the model diverged, so its classes have no "
                           "metrics",
                           i, k, (double)own[k]);
    }
    return LB_OK;
}

int metric_confusion(const float *logit, const uint32_t *truth, size_t n, size_t classes, size_t *confusion,
                     lb_error *error) {
    if (check_items(logit, truth, n, classes, error)) return LB_INVALID;
    for (size_t cell = 0; cell < classes * classes; cell++) confusion[cell] = 0;
    for (size_t i = 0; i < n; i++) confusion[truth[i] * classes + metric_called_class(logit + i * classes, classes)]++;
    return LB_OK;
}

static double ratio(size_t part, size_t whole) { return whole > 0 ? (double)part / (double)whole : (double)NAN; }

metric_one_class metric_of_class(const size_t *confusion, size_t classes, size_t which) {
    metric_one_class c = {.hit = confusion[which * classes + which]};
    for (size_t k = 0; k < classes; k++) {
        c.items += confusion[which * classes + k];
        c.called += confusion[k * classes + which];
    }
    c.recall = ratio(c.hit, c.items);
    c.precision = ratio(c.hit, c.called);
    c.f1 = ratio(2 * c.hit, c.items + c.called);
    return c;
}

metric_all_classes metric_of_classes(const size_t *confusion, size_t classes) {
    size_t items = 0, hit = 0, present = 0;
    double recall = 0.0, f1 = 0.0;
    for (size_t k = 0; k < classes; k++) {
        const metric_one_class c = metric_of_class(confusion, classes, k);
        if (c.items == 0) continue;
        items += c.items;
        hit += c.hit;
        present++;
        recall += c.recall;
        f1 += c.f1;
    }
    const double count = present > 0 ? (double)present : (double)NAN;
    return (metric_all_classes){.accuracy = ratio(hit, items), .balanced = recall / count, .macro_f1 = f1 / count};
}

float metric_defect_score(const float *logit, size_t classes) {
    const double largest = (double)logit[1 + metric_called_class(logit + 1, classes - 1)];
    double sum = 0.0;
    for (size_t k = 1; k < classes; k++) sum += repro_exp((double)logit[k] - largest);
    return (float)(largest - (double)logit[0] + repro_log(sum)); /* the difference first: the small term is not lost */
}
