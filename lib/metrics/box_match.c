/* True boxes sorted by type and image, so that a detection finds those it may take by bisection; then evaluateImg of
   pycocotools, without its crowds. */
#include "lib/metrics/box_match.h"

#include <math.h>
#include <stdlib.h>

/* --- sorting ----------------------------------------------------------------------------------------------------- */

static int compare_places(const box_entry *p, const box_entry *q) { return p->box < q->box ? -1 : p->box > q->box; }

static int compare_truths(const void *a, const void *b) {
    const box_entry *p = a, *q = b;
    if (p->group != q->group) return p->group < q->group ? -1 : 1;
    if (p->outside != q->outside) return p->outside - q->outside;
    return compare_places(p, q);
}

static int compare_detections(const void *a, const void *b) {
    const box_entry *p = a, *q = b;
    if (box_entry_type(p) != box_entry_type(q)) return box_entry_type(p) < box_entry_type(q) ? -1 : 1;
    if (p->box->score != q->box->score) return p->box->score > q->box->score ? -1 : 1;
    return compare_places(p, q);
}

static box_entry *sorted(const metric_box *box, size_t n, metric_area_range range, int typed,
                         int (*compare)(const void *, const void *)) {
    box_entry *const entry = malloc(n * sizeof *entry + 1);
    if (!entry) return NULL;
    for (size_t i = 0; i < n; i++) {
        const double area = metric_box_area(box + i);
        entry[i] = (box_entry){.box = box + i,
                               .group = (uint64_t)(typed ? box[i].type : 0) << 32 | box[i].image,
                               .outside = !(area >= range.low && area < range.high)};
    }
    qsort(entry, n, sizeof *entry, compare);
    return entry;
}

/* How many true boxes belong to lower groups. */
static size_t count_below(const box_match *m, uint64_t group) {
    size_t low = 0, high = m->truths;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (m->truth[middle].group < group)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* --- matching ---------------------------------------------------------------------------------------------------- */

static int check(const metric_box *box, size_t n, int scored, const char *kind, lb_error *error) {
    for (size_t i = 0; i < n; i++) {
        const float number[] = {scored ? box[i].score : 0.0f, box[i].x1, box[i].y1, box[i].x2, box[i].y2};
        for (size_t k = 0; k < sizeof number / sizeof *number; k++)
            if (!isfinite(number[k]))
                return lb_fail(error, LB_INVALID, "%s %zu has a %s of %g: boxes need finite numbers", kind, i,
                               k == 0 ? "score" : "coordinate", (double)number[k]);
    }
    return LB_OK;
}

int box_match_new(box_match *m, const metric_box *truth, size_t truths, const metric_box *detection, size_t detections,
                  metric_area_range range, int typed, lb_error *error) {
    *m = (box_match){.truths = truths, .detections = detections};
    if (check(truth, truths, 0, "true box", error) || check(detection, detections, 1, "detection", error))
        return LB_INVALID;
    m->truth = sorted(truth, truths, range, typed, compare_truths);
    m->detection = sorted(detection, detections, range, typed, compare_detections);
    m->taken = malloc(truths + 1);
    if (!m->truth || !m->detection || !m->taken) return lb_fail_memory(error, "sorted boxes");
    for (size_t t = 0; t < truths; t++) m->taken[t] = 0;
    for (size_t i = 0; i < detections; i++) {
        box_entry *const d = m->detection + i;
        d->first = count_below(m, d->group);
        d->last = count_below(m, d->group + 1);
    }
    return LB_OK;
}

void box_match_free(box_match *m) {
    free(m->truth);
    free(m->detection);
    free(m->taken);
}

size_t box_match_take(box_match *m, const box_entry *d, double level) {
    double least = level;
    size_t best = m->truths;
    for (size_t t = d->first; t < d->last; t++) {
        if (m->taken[t]) continue;
        if (best < m->truths && m->truth[t].outside && !m->truth[best].outside) break;
        const double iou = metric_box_iou(d->box, m->truth[t].box);
        if (iou < least) continue;
        least = iou;
        best = t;
    }
    if (best < m->truths) m->taken[best] = 1;
    return best;
}
