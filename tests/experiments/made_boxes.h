/* A small data set with boxes, whose four sets are the same: one good image and two defects, two types. */
#ifndef TESTS_EXPERIMENTS_MADE_BOXES_H
#define TESTS_EXPERIMENTS_MADE_BOXES_H

#include "datasets/dataset.h"

#include <string.h>

enum { MADE_ROWS = 4, MADE_COLUMNS = 3, MADE_CELLS = MADE_ROWS * MADE_COLUMNS, MADE_TYPES = 2 };
enum { MADE_HEIGHT = 8 * MADE_ROWS, MADE_WIDTH = 8 * MADE_COLUMNS, MADE_PIXELS = MADE_HEIGHT * MADE_WIDTH };
enum { MADE_IMAGES = 3, MADE_BOXES = 3 };

typedef struct {
    unsigned char pixels[MADE_IMAGES * MADE_PIXELS];
    uint16_t types[MADE_IMAGES];
    uint32_t parts[MADE_IMAGES];
    dataset_box boxes[SET_COUNT][MADE_BOXES];
    dataset d;
} made_boxes;

static const char *const made_type_names[] = {"good", "crack", "dent", NULL};

static const dataset_box made_box_list[MADE_BOXES] = {{.item = 1, .type = 1, .x1 = 3, .y1 = 4, .x2 = 15, .y2 = 11},
                                                      {.item = 1, .type = 2, .x1 = 10, .y1 = 14, .x2 = 23, .y2 = 30},
                                                      {.item = 2, .type = 1, .x1 = 2, .y1 = 9, .x2 = 14, .y2 = 31}};

/* Grey noise, brighter inside a box, cracks brighter than dents. */
static inline void made_paint(unsigned char *pixels) {
    for (int i = 0; i < MADE_IMAGES * MADE_PIXELS; i++) pixels[i] = (unsigned char)(i * 37 % 61);
    for (int b = 0; b < MADE_BOXES; b++) {
        const dataset_box *box = &made_box_list[b];
        for (int y = (int)box->y1; y < (int)box->y2; y++)
            for (int x = (int)box->x1; x < (int)box->x2; x++)
                pixels[(int)box->item * MADE_PIXELS + y * MADE_WIDTH + x] = box->type == 1 ? 230 : 150;
    }
}

static inline void made_boxes_open(made_boxes *m) {
    *m = (made_boxes){.types = {0, 1, 1}, .parts = {0, 1, 2}};
    m->d =
        (dataset){.height = MADE_HEIGHT, .width = MADE_WIDTH, .channels = 1, .type_names = made_type_names, .clean = 1};
    made_paint(m->pixels);
    for (int which = 0; which < SET_COUNT; which++) {
        memcpy(m->boxes[which], made_box_list, sizeof made_box_list);
        m->d.sets[which] = (dataset_items){.count = MADE_IMAGES,
                                           .goods = 1,
                                           .pixels = m->pixels,
                                           .types = m->types,
                                           .parts = m->parts,
                                           .boxes = m->boxes[which],
                                           .box_count = MADE_BOXES};
    }
}

#endif
