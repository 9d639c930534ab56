/* Pieces that the analyses share. */
#ifndef HARNESS_ANALYSIS_H
#define HARNESS_ANALYSIS_H

#include "experiments/harness/figure.h"
#include "experiments/harness/report.h"

/* A block at one ratio: where losses meet. */
typedef struct {
    const block *b;
    unsigned ratio;
} place;

enum { MAX_PLACES = MAX_BLOCKS * MAX_RATIOS, PLACE_LABEL = LABEL + 40, MAX_LINES = MAX_ENTRIES };

/* The places of a study in the order of its cells; out holds MAX_PLACES. */
size_t places_of(const study *s, place *out);
/* "brushed 1:200" */
void place_label(const place *p, char *out, size_t size);
/* "<what>-brushed-200", a file name */
void place_file(const char *what, const place *p, char *out, size_t size);

/* Level of the headline recall at a place: FR_FALLBACK as soon as one of its trials says so. */
size_t level_at(const evidence *e, const place *p);
const char *level_name(size_t level); /* "FR 1 %" */
/* "tile natural, FR 5 %" where the level is not FR 1 %; else as place_label. */
void place_heading(const evidence *e, const place *p, char *out, size_t size);
/* What to call the headline recall of several places: "FR 1 %", "FR 5 %", or "FR 1 % or 5 %". */
const char *levels_name(const evidence *e, const place *places, size_t count);
/* A sentence (with a space before it) that says why, for captions; "" where all is at FR 1 %. */
const char *levels_note(const evidence *e, const place *places, size_t count);

/* A table for bands.gp: x, then three columns a line. */
table *bands_new(const char *x, const char *const *labels, size_t lines);
/* Mean and interval, cut to [low, high]; no interval for fewer than two values. */
void bands_add(table *t, const estimate *e, double low, double high);
/* A line without a band. */
void bands_add_value(table *t, double value);

/* Mean over seeds of any per-seed number. */
typedef double (*seed_value)(const measure *m, size_t which);
estimate estimate_seeds(const evidence *e, size_t cell, seed_value value, size_t which);

/* Share of the gradient that the hardest 1 % of a class carry on test, over seeds; 0: no numbers. */
int easy_gradient_share(const report *r, const evidence *e, size_t cell, metric_class which, double gamma,
                        estimate *out);

/* Goods per defect of the training set, for natural ratios too, of the first seed that is there; NaN: none is. */
double trained_ratio(const evidence *e, size_t cell);

/* Cell that exists and has numbers for its place, or -1. */
long usable_cell(const evidence *e, const place *p, const char *label);

#endif
