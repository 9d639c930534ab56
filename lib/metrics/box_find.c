/* What was found of each true box. */
#include "lib/metrics/box_match.h"

#include <math.h>

/* Detections come by descending score: the first that reaches the level has the highest. */
static void note(const box_match *m, const box_entry *d, const metric_box *truth, double level, metric_found *found) {
    for (size_t t = d->first; t < d->last; t++) {
        const metric_box *const own = m->truth[t].box;
        metric_found *const f = found + (own - truth);
        const double iou = metric_box_iou(d->box, own);
        if (iou >= level && isinf(f->score)) f->score = d->box->score;
        if ((float)iou > f->best) f->best = (float)iou;
    }
}

int metric_box_find(const metric_box *truth, size_t truths, const metric_box *detection, size_t detections,
                    double level, metric_found *found, lb_error *error) {
    const metric_area_range all = {0.0, (double)INFINITY};
    box_match m;
    const int code = box_match_new(&m, truth, truths, detection, detections, all, 0, error);
    if (!code) {
        for (size_t t = 0; t < truths; t++) found[t] = (metric_found){.score = -INFINITY, .overlap = NAN};
        for (size_t i = 0; i < detections; i++) {
            const box_entry *const d = m.detection + i;
            note(&m, d, truth, level, found);
            const size_t t = box_match_take(&m, d, level);
            if (t < truths) found[m.truth[t].box - truth].overlap = (float)metric_box_iou(d->box, m.truth[t].box);
        }
    }
    box_match_free(&m);
    return code;
}
