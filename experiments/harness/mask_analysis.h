/* Pieces that what is shown of masks and of boxes shares: the name of the headline recall, cells of tables in words,
   and the order of losses. */
#ifndef HARNESS_MASK_ANALYSIS_H
#define HARNESS_MASK_ANALYSIS_H

#include "experiments/harness/analysis.h"

enum { SEEDS_MOST = 1000, WORDS = 120 };

/* "recall at FR 1 %", or "recall at FR 5 %" where the test goods of the place are too few for 1 %. */
const char *recall_name(const evidence *e, const place *p);

/* Why a cell has no number of this kind, or "". What ties, or has too few goods for a recall, has its other numbers. c
   -1: "not run" */
const char *missing_field(const evidence *e, long c, measure_field field);

/* Cell of a loss that has a number of this kind, or -1. */
long usable_field(const evidence *e, const place *p, const char *label, measure_field field);

/* Such cells of a place by the mean of the field, the highest first; equals stay in the order of the losses. cells
   holds MAX_ENTRIES; returns how many there are. */
size_t ranked_cells(const evidence *e, const place *p, measure_field field, size_t *cells);

/* A field of a cell as a table shows it: mean with interval, or why there is none. */
void field_text(const evidence *e, long c, measure_field field, char *out, size_t size);

/* Paired difference a - b with its verdict, or why there is none; "the same" when a is b. */
void difference_text(const evidence *e, long a, long b, measure_field field, char *out, size_t size);

/* Number written as "key=1e-6" in "dice(smooth_nr=1e-6, batch=on)"; 0: there is none. */
int argument_number(const char *expression, const char *key, double *out);

/* Sorts places by the number of each, ascending, and the numbers with them. */
void order_places(place *places, double *number, size_t count);

#endif
