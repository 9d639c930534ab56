/* Average precision of detections by the rule of COCO: evaluateImg (box_match.c) and accumulate (coco.c). */
#include "lib/metrics/box_match.h"
#include "lib/metrics/coco.h"

#include <math.h>
#include <stdlib.h>

/* pycocotools takes no higher level than this, so that IoU 1 with rounding errors reaches level 1. */
static const double highest_level = 1.0 - 1e-10;

/* Fills hit for the detections of `type`, the first of which is *next, by descending score; without those that are left
   out. Returns how many; *next passes all. */
static size_t match_type(box_match *m, size_t *next, uint32_t type, double level, unsigned char *hit) {
    size_t n = 0;
    for (; *next < m->detections && box_entry_type(m->detection + *next) == type; ++*next) {
        const box_entry *const d = m->detection + *next;
        const size_t t = box_match_take(m, d, level);
        const int takes = t < m->truths, left_out = takes ? m->truth[t].outside : d->outside;
        if (!left_out) hit[n++] = (unsigned char)takes;
    }
    return n;
}

/* Mean over the types. hit is [detections]. */
static double precision_at(box_match *m, double level, unsigned char *hit) {
    double sum = 0.0;
    size_t types = 0, next = 0;
    for (size_t t = 0; t < m->truths; t++) m->taken[t] = 0;
    for (size_t t = 0; t < m->truths;) {
        const uint32_t type = box_entry_type(m->truth + t);
        size_t inside = 0;
        for (; t < m->truths && box_entry_type(m->truth + t) == type; t++) inside += !m->truth[t].outside;
        while (next < m->detections && box_entry_type(m->detection + next) < type) next++;
        if (inside == 0) continue;
        sum += metric_coco_precision(hit, match_type(m, &next, type, level, hit), inside);
        types++;
    }
    return types ? sum / (double)types : (double)NAN;
}

static int check_types(const metric_box *box, size_t n, uint32_t types, const char *kind, lb_error *error) {
    for (size_t i = 0; i < n; i++)
        if (box[i].type >= types)
            return lb_fail(error, LB_INVALID, "%s %zu is of type %u, but there are %u types, numbered from 0", kind, i,
                           (unsigned)box[i].type, (unsigned)types);
    return LB_OK;
}

int metric_box_ap(const metric_box *truth, size_t truths, const metric_box *detection, size_t detections,
                  uint32_t types, metric_area_range range, const double *level, size_t levels, double *ap,
                  lb_error *error) {
    if (check_types(truth, truths, types, "true box", error) ||
        check_types(detection, detections, types, "detection", error))
        return LB_INVALID;
    box_match m;
    unsigned char *hit = NULL;
    int code = box_match_new(&m, truth, truths, detection, detections, range, 1, error);
    if (!code && !(hit = malloc(detections + 1))) code = lb_fail_memory(error, "hits of detections");
    if (!code)
        for (size_t i = 0; i < levels; i++)
            ap[i] = precision_at(&m, level[i] < highest_level ? level[i] : highest_level, hit);
    free(hit);
    box_match_free(&m);
    return code;
}
