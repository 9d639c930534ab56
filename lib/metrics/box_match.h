/* Which true box a detection takes: what the metrics of box_metrics.h share. */
#ifndef METRICS_BOX_MATCH_H
#define METRICS_BOX_MATCH_H

#include "lib/metrics/box_metrics.h"

/* A box in sorted order. */
typedef struct {
    const metric_box *box; /* in the array given: of equal ones the lower address is first */
    uint64_t group;        /* type << 32 | image: only boxes of one group meet */
    size_t first, last;    /* the group's true boxes: from first to before last; detections only */
    int outside;           /* its area is outside the range */
} box_entry;

typedef struct {
    size_t truths, detections;
    box_entry *truth;     /* [truths] by group, those inside the range before those outside */
    box_entry *detection; /* [detections] by type, then descending score */
    unsigned char *taken; /* [truths] taken by a detection: all 0 at first, then the caller's */
} box_match;

static inline uint32_t box_entry_type(const box_entry *e) { return (uint32_t)(e->group >> 32); }

/* typed = 0 takes all types for one. LB_INVALID: a number that is not finite. Borrows the boxes. Free also after a
   failure. */
int box_match_new(box_match *m, const metric_box *truth, size_t truths, const metric_box *detection, size_t detections,
                  metric_area_range range, int typed, lb_error *error);
void box_match_free(box_match *m);

/* Marks and returns the place in m->truth of the one that d takes; m->truths when it takes none. */
size_t box_match_take(box_match *m, const box_entry *d, double level);

#endif
