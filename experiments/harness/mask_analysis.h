/* Pieces that the analyses of masks share: what to call the headline recall, and cells of tables in words. */
#ifndef HARNESS_MASK_ANALYSIS_H
#define HARNESS_MASK_ANALYSIS_H

#include "experiments/harness/analysis.h"

enum { SEEDS_MOST = 1000, WORDS = 120 };

/* "recall at FR 1 %", or "recall at FR 5 %" where the test goods of the place are too few for 1 %. */
const char *recall_name(const evidence *e, const place *p);

/* A field of a cell as a table shows it: mean with interval, or why there is none. c -1: "not run". What ties or lacks
   goods has no recall, but may have other fields. */
void field_text(const evidence *e, long c, measure_field field, char *out, size_t size);

/* Paired difference a - b with its verdict, or why there is none; "the same" when a is b. */
void difference_text(const evidence *e, long a, long b, measure_field field, char *out, size_t size);

/* Number written as "key=1e-6" in "dice(smooth_nr=1e-6, batch=on)"; 0: there is none. */
int argument_number(const char *expression, const char *key, double *out);

/* Sorts places by the number of each, ascending, and the numbers with them. */
void order_places(place *places, double *number, size_t count);

#endif
