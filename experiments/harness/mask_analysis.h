/* Pieces that what is shown of masks shares: the name of the headline recall, cells of tables in words, and gains over
   the area of the defects. */
#ifndef HARNESS_MASK_ANALYSIS_H
#define HARNESS_MASK_ANALYSIS_H

#include "experiments/harness/analysis.h"

enum { SEEDS_MOST = 1000, WORDS = 120 };

/* "recall at FR 1 %", or "recall at FR 5 %" where the test goods of the place are too few for 1 %. */
const char *recall_name(const evidence *e, const place *p);

/* Why a cell has no number of this kind, or "". What ties, or has too few goods for a recall, has its other numbers. c
   -1: "not run" */
const char *missing_field(const evidence *e, long c, measure_field field);

/* A field of a cell as a table shows it: mean with interval, or why there is none. */
void field_text(const evidence *e, long c, measure_field field, char *out, size_t size);

/* Paired difference a - b with its verdict, or why there is none; "the same" when a is b. */
void difference_text(const evidence *e, long a, long b, measure_field field, char *out, size_t size);

/* Number written as "key=1e-6" in "dice(smooth_nr=1e-6, batch=on)"; 0: there is none. */
int argument_number(const char *expression, const char *key, double *out);

/* Least-squares slope over ln(area) of one seed's gain in recall, loss `label` over loss `base`, on the places that
   have both; NaN: fewer than two areas. */
double gain_slope(const evidence *e, const place *places, const double *area, size_t count, const char *label,
                  const char *base, unsigned seed);

/* Sorts places by the number of each, ascending, and the numbers with them. */
void order_places(place *places, double *number, size_t count);

#endif
