/* A picture of a data set: what the report shows, and what a reader judges the data by. */
#ifndef DATASETS_CONTACT_SHEET_H
#define DATASETS_CONTACT_SHEET_H

#include "datasets/dataset.h"

/* Writes a PNG of the test set: 48 goods on the left, where there are goods, 48 defects on the right, grouped by type,
   each enlarged by whole pixels. Equal data, equal bytes (for one zlib). */
int dataset_contact_sheet(const dataset *d, const char *path, lb_error *error);

/* The byte that shows one number of a set, pixels[index] or values[index]; values are standardised: -3..3 becomes
   black..white. */
unsigned char dataset_shade(const dataset_items *set, size_t index);

#endif
