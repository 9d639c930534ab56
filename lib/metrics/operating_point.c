/* Thresholds from the goods, and what a set of scores does at a threshold. A part is rejected when score > t, and t is
   the (k+1)-th largest good score, so at most k goods are rejected. */
#include "lib/metrics/metrics.h"

#include "lib/base/fr_rule.h"

#include <stdint.h>

metric_point metric_at(const metric_scores *s, float threshold) {
    const size_t false_rejects = metric_count_above(s->good, s->goods, threshold);
    const size_t found = metric_count_above(s->defect, s->defects, threshold);
    const size_t right = found + (s->goods - false_rejects), rejected = found + false_rejects;
    return (metric_point){
        .threshold = threshold,
        .false_rejects = false_rejects,
        .goods = s->goods,
        .found = found,
        .defects = s->defects,
        .fr = (double)false_rejects / (double)s->goods,
        .recall = (double)found / (double)s->defects,
        .accuracy = (double)right / (double)(s->goods + s->defects),
        .precision = rejected > 0 ? (double)found / (double)rejected : (double)NAN,
        .f1 = 2.0 * (double)found / (double)(rejected + s->defects),
    };
}

size_t metric_minimum_goods(double alpha) {
    if (alpha <= 0.0) return SIZE_MAX;
    return (size_t)ceil(log(0.05) / log1p(-alpha));
}

/* Goods equal to the threshold; the array is descending and holds the threshold at place `rejected`. */
static size_t count_tied(const metric_scores *s, size_t rejected, float threshold) {
    size_t tied = 0;
    while (rejected + tied < s->goods && s->good[rejected + tied] == threshold) tied++;
    return tied;
}

metric_threshold metric_order_threshold(const metric_scores *s, long k, double alpha) {
    if (k < 0) return (metric_threshold){.status = METRIC_TOO_FEW, .threshold = INFINITY};
    const size_t allowed = (size_t)k < s->goods ? (size_t)k : s->goods - 1;
    const float threshold = s->good[allowed];
    const size_t rejected = metric_count_above(s->good, s->goods, threshold);
    const size_t tied = count_tied(s, rejected, threshold);
    metric_status status = METRIC_OK;
    if (tied > 1 && tied > fr_allowed(alpha, (double)s->goods)) status = METRIC_TIED;
    if (s->goods < metric_minimum_goods(alpha)) status = METRIC_TOO_FEW;
    return (metric_threshold){
        .status = status, .threshold = threshold, .allowed = allowed, .rejected = rejected, .tied = tied};
}

metric_threshold metric_frr_threshold(const metric_scores *s, double alpha) {
    return metric_order_threshold(s, (long)fr_allowed(alpha, (double)s->goods), alpha);
}

metric_point metric_recall_at(const metric_scores *s, double alpha, metric_status *status) {
    const metric_threshold t = metric_frr_threshold(s, alpha);
    if (status) *status = t.status;
    return metric_at(s, t.threshold);
}
