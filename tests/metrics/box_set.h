/* Boxes for tests. */
#ifndef TESTS_METRICS_BOX_SET_H
#define TESTS_METRICS_BOX_SET_H

#include "lib/metrics/box_metrics.h"
#include "tests/metrics/mask_picture.h"

/* From x1 to x2, 10 high: its area is 10 times its width. */
static inline metric_box box_row(uint32_t image, uint32_t type, float x1, float x2, float score) {
    return (metric_box){.image = image, .type = type, .x1 = x1, .y1 = 0, .x2 = x2, .y2 = 10, .score = score};
}

enum { BOX_IMAGES = 40, BOX_TYPES = 3, BOX_TRUTHS = 57, BOX_DETECTIONS = 121 };

static inline metric_box draw_box(uint32_t *state, uint32_t image) {
    metric_box b = {.image = image, .type = (uint32_t)draw_byte(state) % BOX_TYPES};
    b.x1 = (float)(draw_byte(state) % 48);
    b.y1 = (float)(draw_byte(state) % 48);
    b.x2 = b.x1 + (float)(4 + draw_byte(state) % 24);
    b.y2 = b.y1 + (float)(4 + draw_byte(state) % 24);
    return b;
}

static inline float draw_offset(uint32_t *state) { return (float)(draw_byte(state) % 7 - 3); }

/* Near a true box, mostly of its type. */
static inline metric_box draw_detection(uint32_t *state, metric_box b) {
    if (draw_byte(state) >= 200) b.type = (uint32_t)draw_byte(state) % BOX_TYPES;
    b.x1 += draw_offset(state);
    b.y1 += draw_offset(state);
    b.x2 += draw_offset(state);
    b.y2 += draw_offset(state);
    b.score = (float)(draw_byte(state) / 16) / 4;
    return b;
}

/* By image: up to 3 true boxes, each with up to 3 detections near it, and up to 2 elsewhere. Whole coordinates, scores
   in steps of 1/4, so that many are equal. */
static inline void draw_boxes(metric_box truth[BOX_TRUTHS], metric_box detection[BOX_DETECTIONS]) {
    uint32_t state = 2024;
    for (uint32_t image = 0; image < BOX_IMAGES; image++) {
        for (int own = draw_byte(&state) % 4; own > 0; own--) {
            const metric_box b = *truth++ = draw_box(&state, image);
            for (int near = draw_byte(&state) % 4; near > 0; near--) *detection++ = draw_detection(&state, b);
        }
        for (int wild = draw_byte(&state) % 3; wild > 0; wild--) {
            *detection = draw_box(&state, image);
            detection++->score = (float)(draw_byte(&state) / 32) / 4;
        }
    }
}

#endif
