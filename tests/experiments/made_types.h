/* A small data set of types, whose four sets are alike: images of 4 x 4 whose row number `type` is bright. */
#ifndef TESTS_EXPERIMENTS_MADE_TYPES_H
#define TESTS_EXPERIMENTS_MADE_TYPES_H

#include "datasets/dataset.h"

#include <string.h>

enum { MADE_NAMES = 4, MADE_SIDE = 4, MADE_AREA = MADE_SIDE * MADE_SIDE, MADE_MOST = 200 };

typedef struct {
    unsigned char pixels[MADE_MOST * MADE_AREA];
    uint16_t types[MADE_MOST];
    uint32_t parts[MADE_MOST];
    dataset d;
} made_types;

static const char *const made_type_names[] = {"good", "crack", "dent", "stain", NULL};

/* counts[0] goods, counts[1] cracks, ...; without goods there is no clean class. */
static inline void made_types_open(made_types *m, const unsigned counts[MADE_NAMES]) {
    size_t count = 0;
    *m = (made_types){.d = {.height = MADE_SIDE,
                            .width = MADE_SIDE,
                            .channels = 1,
                            .type_names = made_type_names,
                            .clean = counts[0] > 0}};
    for (unsigned type = 0; type < MADE_NAMES; type++)
        for (unsigned i = 0; i < counts[type]; i++, count++) {
            unsigned char *pixel = m->pixels + count * MADE_AREA;
            for (size_t k = 0; k < MADE_AREA; k++) pixel[k] = (unsigned char)((count * 37 + k * 53) % 61);
            for (size_t k = 0; k < MADE_SIDE; k++) pixel[type * MADE_SIDE + k] = (unsigned char)(pixel[k] + 80);
            m->types[count] = (uint16_t)type;
            m->parts[count] = (uint32_t)count;
        }
    for (int which = 0; which < SET_COUNT; which++)
        m->d.sets[which] = (dataset_items){
            .count = count, .goods = counts[0], .pixels = m->pixels, .types = m->types, .parts = m->parts};
    if (!counts[0]) m->d.sets[SET_CALIBRATE].count = 0;
}

#endif
