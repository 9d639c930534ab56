/* What the tests of importers with masks share. */
#ifndef TESTS_DATASETS_MASK_SETS_H
#define TESTS_DATASETS_MASK_SETS_H

#include "datasets/dataset.h"

/* Directories with public data. */
const char *public_data(void);

/* Opens with masks, at the natural ratio; skips the test when the data are not fetched. */
dataset open_public(const char *expression, unsigned seed);

/* Items of type `type`, or below 0 of all, over the four sets. */
size_t count_type(const dataset *d, int type);

/* Different parts over the four sets; *most receives the highest number. */
size_t count_parts(const dataset *d, uint32_t *most);

/* No part in two sets, no picture in two items, masks of goods empty, of defects not, and of 0 and 255 only. */
void expect_sound(const dataset *d);

void expect_same_data(const dataset *a, const dataset *b);

#endif
