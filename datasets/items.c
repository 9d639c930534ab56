#include "datasets/items.h"

#include <stdlib.h>

int items_allocate(dataset_items *set, size_t area, size_t channels, items_kind kind, unsigned want, size_t boxes,
                   lb_error *error) {
    const size_t n = set->count ? set->count : 1, size = area * channels;
    if (kind == ITEMS_BYTES)
        set->pixels = calloc(n, size);
    else
        set->values = calloc(n, size * sizeof *set->values);
    set->types = calloc(n, sizeof *set->types);
    set->parts = calloc(n, sizeof *set->parts);
    if (want & DATASET_MASKS) set->masks = calloc(n, area);
    if (want & DATASET_BOXES) set->boxes = calloc(boxes ? boxes : 1, sizeof *set->boxes);
    if ((!set->pixels && !set->values) || !set->types || !set->parts || ((want & DATASET_MASKS) && !set->masks) ||
        ((want & DATASET_BOXES) && !set->boxes))
        return lb_fail_memory(error, "the images of a data set");
    return LB_OK;
}

void items_free(dataset_items *set) {
    free(set->pixels);
    free(set->values);
    free(set->masks);
    free(set->types);
    free(set->parts);
    free(set->boxes);
    *set = (dataset_items){0};
}

size_t items_bytes(const dataset_items *set, size_t area, size_t channels) {
    return area * channels * (set->pixels ? 1 : sizeof *set->values);
}

const void *items_at(const dataset_items *set, size_t bytes, size_t item) {
    return (set->pixels ? set->pixels : (const unsigned char *)set->values) + item * bytes;
}

dataset_box items_box_of_mask(const unsigned char *mask, size_t height, size_t width, uint32_t item, uint16_t type) {
    size_t left = width, top = height, right = 0, bottom = 0;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            if (mask[y * width + x] <= 127) continue;
            if (x < left) left = x;
            if (y < top) top = y;
            if (x >= right) right = x + 1;
            if (y >= bottom) bottom = y + 1;
        }
    if (right == 0) return (dataset_box){.item = item, .type = type};
    return (dataset_box){item, type, (float)left, (float)top, (float)right, (float)bottom};
}
