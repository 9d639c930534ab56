/* What all data sets share: room for the items of a set, and boxes. */
#ifndef DATASETS_ITEMS_H
#define DATASETS_ITEMS_H

#include "datasets/dataset.h"

typedef enum { ITEMS_BYTES, ITEMS_FLOATS } items_kind;

/* Gives `set`, whose `count` is filled in, zeroed room: `area` (height x width) times `channels` bytes or floats, types
   and parts per item; masks and space for `boxes` boxes if `want` has them. On failure items_free. */
int items_allocate(dataset_items *set, size_t area, size_t channels, items_kind kind, unsigned want, size_t boxes,
                   lb_error *error);
void items_free(dataset_items *set);

/* Bytes of one item's picture, and where it starts. */
size_t items_bytes(const dataset_items *set, size_t area, size_t channels);
const void *items_at(const dataset_items *set, size_t bytes, size_t item);

/* The box around mask > 127; mask is [height][width]. An empty mask gives an empty box. */
dataset_box items_box_of_mask(const unsigned char *mask, size_t height, size_t width, uint32_t item, uint16_t type);

#endif
