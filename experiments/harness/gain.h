/* Gains over the baseline against the size of the defects: of masks in recall, of boxes in AP50. */
#ifndef HARNESS_GAIN_H
#define HARNESS_GAIN_H

#include "experiments/harness/analysis.h"

typedef struct {
    measure_field field;        /* what gains */
    const char *name;           /* "AP50" */
    seed_value area;            /* mean share of the image that a defect covers */
    size_t which;               /* its argument */
    const char *thing, *plural; /* what has the area: "defect", "defects" */
} gain_kind;

/* Places whose area is known, from the smallest to the largest; out and area (in % of the image) hold MAX_PLACES. */
size_t gain_places(const evidence *e, const gain_kind *kind, place *out, double *area);

/* Least-squares slope over ln(area) of one seed's gain in a field, loss `label` over loss `base`, on the places that
   have both; NaN: fewer than two areas. */
double gain_slope(const evidence *e, const place *places, const double *area, size_t count, const char *label,
                  const char *base, measure_field field, unsigned seed);

/* What a tenfold smaller area adds to the gain of each loss; nothing for a single place. */
void gain_say_trend(report *r, const evidence *e, const gain_kind *kind, const place *places, const double *area,
                    size_t count);

/* Gain over the area, one line a loss; nothing for a single place. */
int gain_figure(report *r, const evidence *e, const gain_kind *kind, const place *places, const double *area,
                size_t count, lb_error *error);

#endif
