/* The sorted set of scores that every metric reads: goods and defects, each descending. */
#include "lib/metrics/metrics.h"

#include "lib/base/float_sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static float *sorted_copy(const float *score, size_t n, const char *class_name, lb_error *error) {
    if (n == 0) {
        lb_fail(error, LB_INVALID, "there are no %s scores: recall and FR need at least one good and one defect",
                class_name);
        return NULL;
    }
    for (size_t i = 0; i < n; i++)
        if (!isfinite(score[i])) {
            lb_fail(error, LB_INVALID, "%s score %zu is %g: the model diverged, so it has no metrics", class_name, i,
                    (double)score[i]);
            return NULL;
        }
    float *copy = malloc(n * sizeof *copy), *room = copy ? malloc(n * sizeof *room) : NULL;
    if (!room) {
        free(copy);
        lb_fail_memory(error, "sorted scores");
        return NULL;
    }
    memcpy(copy, score, n * sizeof *copy);
    float_sort_descending(copy, n, room);
    free(room);
    return copy;
}

int metric_scores_new(metric_scores *out, const float *good, size_t goods, const float *defect, size_t defects,
                      lb_error *error) {
    lb_error own = {0};
    lb_error *const e = error ? error : &own;
    *out = (metric_scores){.goods = goods, .defects = defects};
    out->good = sorted_copy(good, goods, "good", e);
    if (out->good) out->defect = sorted_copy(defect, defects, "defect", e);
    if (out->defect) return LB_OK;
    metric_scores_free(out);
    return (int)e->code;
}

void metric_scores_free(metric_scores *s) {
    free(s->good);
    free(s->defect);
    *s = (metric_scores){0};
}

size_t metric_count_above(const float *descending, size_t n, float threshold) {
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (descending[middle] > threshold)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

double metric_prevalence(const metric_scores *s) { return (double)s->defects / (double)(s->defects + s->goods); }
