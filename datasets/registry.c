/* The data sets of lossbench, one line each. */
#include "datasets/dataset.h"

#include <stddef.h>
#include <string.h>

extern const dataset_type dataset_synthetic, dataset_infrared_solar_modules, dataset_rsdds, dataset_magnetic_tile,
    dataset_crackforest, dataset_neu_det, dataset_deeppcb, dataset_x_sdd, dataset_elpv, dataset_steel_plates,
    dataset_ai4i2020, dataset_ucr_wafer, dataset_stack;

const dataset_type *const dataset_types[] = {&dataset_synthetic,   &dataset_infrared_solar_modules,
                                             &dataset_rsdds,       &dataset_magnetic_tile,
                                             &dataset_crackforest, &dataset_neu_det,
                                             &dataset_deeppcb,     &dataset_x_sdd,
                                             &dataset_elpv,        &dataset_steel_plates,
                                             &dataset_ai4i2020,    &dataset_ucr_wafer,
                                             &dataset_stack,       NULL};

const dataset_type *dataset_type_find(const char *name) {
    for (const dataset_type *const *t = dataset_types; *t; t++)
        if (strcmp((*t)->name, name) == 0) return *t;
    return NULL;
}
