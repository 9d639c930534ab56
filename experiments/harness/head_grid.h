/* A grid of a detector's losses, class x box, read back from the entries of an experiment: a row is a family of
   entries, a column the loss of the box head. */
#ifndef HARNESS_HEAD_GRID_H
#define HARNESS_HEAD_GRID_H

#include "experiments/harness/analysis.h"

enum { MAX_HEADS = MAX_ENTRIES };

/* At one place; large, make it static. */
typedef struct {
    const evidence *e;
    char cls[MAX_HEADS][LABEL], box[MAX_HEADS][LABEL];
    size_t classes, boxes;
    size_t base_class, base_box;     /* of the experiment's baseline, 0 where it is not in the grid */
    long cell[MAX_HEADS][MAX_HEADS]; /* [class][box]; -1: not run, or a seed failed */
} head_grid;

void head_grid_at(const evidence *e, const place *p, head_grid *out);

/* Index of a name; -1: the grid does not have it. */
long head_class(const head_grid *g, const char *name);
long head_box(const head_grid *g, const char *name);

long head_cell(const head_grid *g, const char *cls, const char *box); /* by name; -1 as above */

typedef enum { FACTOR_CLASS, FACTOR_BOX } head_factor;

/* Main effect: level a of a factor less level b, paired over seeds, of each seed the mean over the levels of the other
   factor that have both. count 0: there are none. */
comparison head_effect(const head_grid *g, head_factor factor, size_t a, size_t b, measure_field field);

/* What a pair has beyond the sum of the effects of its two losses: y - mean of its row - mean of its column + mean of
   all, of each seed. count 0: the grid is not complete. */
comparison head_rest(const head_grid *g, size_t cls, size_t box, measure_field field);

#endif
