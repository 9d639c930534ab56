/* Places in the synthetic parameter table, and what generator.c and ceiling.c share. */
#ifndef SYNTHETIC_OPTIONS_H
#define SYNTHETIC_OPTIONS_H

#include "datasets/dataset.h"
#include "datasets/synthetic/synthetic.h"

enum {
    TEXTURE,
    DEFECT,
    CONTRAST,
    LENGTH,
    SIZE,
    LABEL_NOISE,
    MISSED_NOISE,
    TRAIN_GOODS,
    LEAST_DEFECTS,
    SELECT_GOODS,
    CALIBRATE_GOODS,
    TEST_GOODS,
    TEST_DEFECTS
};

/* What the defect adds to its surface: profile[size][size] in grey levels. Returns its kind. */
defect_kind synthetic_profile(const double *v, const dataset_request *request, dataset_set set, size_t index,
                              float *profile);

/* dataset_type.ceiling; LB_INVALID where the image is too large for the exact covariance. */
int synthetic_ceiling(const double *v, const dataset_request *request, double fr, double *recall, lb_error *error);

#endif
