/* Overlap of predicted and true pixels: counts at a threshold, Dice and IoU of them, and the threshold of the best
   Dice.

   The best threshold comes from one walk down the sorted logits. Calling more pixels raises 2 hit / (called + true)
   only when there are defects among them, so just the values that a defect pixel has need to be looked at. */
#include "lib/metrics/mask_metrics.h"

#include "lib/base/float_sort.h"
#include "lib/metrics/mask_check.h"

#include <stdlib.h>

metric_overlap metric_overlap_at(const float *logit, const unsigned char *mask, size_t n, float threshold) {
    size_t hit = 0, called = 0, defects = 0;
    for (size_t i = 0; i < n; i++) {
        const int is_called = logit[i] > threshold, is_defect = mask[i] > METRIC_MASK_ABOVE;
        hit += (size_t)(is_called & is_defect);
        called += (size_t)is_called;
        defects += (size_t)is_defect;
    }
    return (metric_overlap){
        .hit = hit, .false_alarm = called - hit, .miss = defects - hit, .rest = n - called - (defects - hit)};
}

static double ratio(size_t part, size_t whole) { return whole > 0 ? (double)part / (double)whole : (double)NAN; }

double metric_dice(const metric_overlap *o) { return ratio(2 * o->hit, 2 * o->hit + o->false_alarm + o->miss); }

double metric_iou(const metric_overlap *o) { return ratio(o->hit, o->hit + o->false_alarm + o->miss); }

double metric_mean_iou(const metric_overlap *o) {
    const double defect = metric_iou(o), background = ratio(o->rest, o->rest + o->false_alarm + o->miss);
    if (isnan(defect)) return background;
    return isnan(background) ? defect : 0.5 * (defect + background);
}

/* Logits by class, each descending. */
typedef struct {
    const float *good, *defect;
    size_t goods, defects;
} sorted_pixels;

/* Fills sorted[n] with the logits of the defect pixels and then of the others. */
static sorted_pixels sort_pixels(const float *logit, const unsigned char *mask, size_t n, size_t defects, float *sorted,
                                 float *room) {
    float *const good = sorted + defects;
    size_t goods = 0, found = 0;
    for (size_t i = 0; i < n; i++) {
        if (mask[i] > METRIC_MASK_ABOVE)
            sorted[found++] = logit[i];
        else
            good[goods++] = logit[i];
    }
    float_sort_descending(sorted, defects, room);
    float_sort_descending(good, goods, room);
    return (sorted_pixels){.good = good, .defect = sorted, .goods = goods, .defects = defects};
}

/* A float t with `called` > t that keeps out `next`, the largest logit below it. */
static float threshold_between(float called, float next) {
    const float middle = (float)(0.5 * ((double)called + (double)next));
    return middle < called ? middle : next;
}

/* The threshold below the first goods and defects of the two descending arrays, the lowest of which is `called`. */
static float threshold_below(const sorted_pixels *p, size_t goods, size_t defects, float called) {
    const int more_goods = goods < p->goods, more_defects = defects < p->defects;
    if (!more_goods && !more_defects) return nextafterf(called, -INFINITY);
    float next = more_goods ? p->good[goods] : p->defect[defects];
    if (more_goods && more_defects && p->defect[defects] > next) next = p->defect[defects];
    return threshold_between(called, next);
}

/* Returns the largest Dice. */
static double search_dice(const sorted_pixels *p, float *threshold) {
    double best = 0.0;
    for (size_t hit = 1, goods = 0; hit <= p->defects; hit++) {
        const float called = p->defect[hit - 1];
        if (hit < p->defects && p->defect[hit] == called) continue; /* equal logits are called together */
        while (goods < p->goods && p->good[goods] >= called) goods++;
        const double dice = 2.0 * (double)hit / (double)(hit + goods + p->defects);
        if (dice <= best) continue;
        best = dice;
        *threshold = threshold_below(p, goods, hit, called);
    }
    return best;
}

int metric_best_dice(const float *logit, const unsigned char *mask, size_t n, float *threshold, double *dice,
                     lb_error *error) {
    size_t defects = 0;
    for (size_t i = 0; i < n; i++) defects += mask[i] > METRIC_MASK_ABOVE;
    if (defects == 0)
        return lb_fail(error, LB_INVALID,
                       "none of the %zu pixels is defect: the best Dice needs at least one true mask", n);
    if (check_logits(logit, n, error)) return LB_INVALID;
    float *const sorted = malloc(2 * n * sizeof *sorted);
    if (!sorted) return lb_fail_memory(error, "sorted pixels");
    const sorted_pixels pixels = sort_pixels(logit, mask, n, defects, sorted, sorted + n);
    const double best = search_dice(&pixels, threshold);
    if (dice) *dice = best;
    free(sorted);
    return LB_OK;
}
