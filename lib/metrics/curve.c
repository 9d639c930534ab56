/* Areas and curves over all thresholds. Each walks the two descending arrays together, one group of equal scores at a
   time, so ties count as the straight line (ROC) or the single point (precision) that they are. */
#include "lib/metrics/metrics.h"

#include <math.h>

/* Where a walk from the highest score downward stands: items at or above the current score. */
typedef struct {
    size_t goods, defects;
} walk;

/* Moves past the next group of equal scores; 0 at the end. */
static int walk_next(const metric_scores *s, walk *at) {
    const int more_goods = at->goods < s->goods, more_defects = at->defects < s->defects;
    if (!more_goods && !more_defects) return 0;
    float score = more_goods ? s->good[at->goods] : s->defect[at->defects];
    if (more_goods && more_defects && s->defect[at->defects] > score) score = s->defect[at->defects];
    while (at->goods < s->goods && s->good[at->goods] == score) at->goods++;
    while (at->defects < s->defects && s->defect[at->defects] == score) at->defects++;
    return 1;
}

/* Area under the ROC curve for FR in 0..max_fr. */
static double roc_area(const metric_scores *s, double max_fr) {
    const double goods = (double)s->goods, defects = (double)s->defects, limit = max_fr * goods;
    double area = 0.0; /* in goods times defects */
    walk from = {0, 0}, to = {0, 0};
    while ((double)from.goods < limit && walk_next(s, &to)) {
        const double width = (double)(to.goods - from.goods), rise = (double)(to.defects - from.defects);
        const double inside = fmin(width, limit - (double)from.goods);
        if (width > 0.0) area += inside * ((double)from.defects + 0.5 * rise * inside / width);
        from = to;
    }
    return area / (goods * defects);
}

double metric_auroc(const metric_scores *s) { return roc_area(s, 1.0); }

double metric_pauc(const metric_scores *s, double max_fr) {
    const double chance = 0.5 * max_fr * max_fr;
    return 0.5 * (1.0 + (roc_area(s, max_fr) - chance) / (max_fr - chance));
}

double metric_average_precision(const metric_scores *s, double prevalence) {
    double sum = 0.0;
    walk from = {0, 0}, to = {0, 0};
    while (walk_next(s, &to)) {
        const double found = prevalence * (double)to.defects / (double)s->defects;
        const double false_rejects = (1.0 - prevalence) * (double)to.goods / (double)s->goods;
        if (to.defects > from.defects) sum += (double)(to.defects - from.defects) * found / (found + false_rejects);
        from = to;
    }
    return sum / (double)s->defects;
}

void metric_log_grid(double low, double high, size_t count, double *out) {
    const double step = log(high / low) / (double)(count - 1);
    for (size_t i = 0; i < count; i++) out[i] = low * exp(step * (double)i);
    out[0] = low;
    out[count - 1] = high;
}

void metric_roc_curve(const metric_scores *s, const double *fr, size_t count, double *recall) {
    for (size_t i = 0; i < count; i++) recall[i] = metric_recall_at(s, fr[i], NULL).recall;
}
