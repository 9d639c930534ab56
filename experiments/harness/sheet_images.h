/* What sheets of masks and of boxes share: the images of a test set that they show. */
#ifndef HARNESS_SHEET_IMAGES_H
#define HARNESS_SHEET_IMAGES_H

#include "experiments/harness/trial.h"

/* 1: item is one of items[count]. */
int sheet_has(const uint32_t *items, size_t count, uint32_t item);

/* The `most` goods with the highest scores, false alarms if there are any; the first of equals. Returns how many:
   fewer only where there are fewer goods. items is [most]. */
size_t sheet_worst_goods(const trial_array *scores, size_t most, uint32_t *items);

/* The k-th of `shown` places spread evenly over 0 .. count - 1, from the first to the last; one alone is the first. */
size_t sheet_spread(size_t k, size_t shown, size_t count);

/* A test image as a reader sees it; rgb is [height][width][3]. */
void sheet_picture(const dataset *d, size_t item, unsigned char *rgb);

#endif
