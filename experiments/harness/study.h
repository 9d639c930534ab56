/* A study: an experiment expanded to cells (block x ratio x loss x rate), and each cell to its trials. */
#ifndef HARNESS_STUDY_H
#define HARNESS_STUDY_H

#include "experiments/harness/experiment.h"
#include "experiments/harness/store.h"

enum { TUNING_SEED_BASE = 1000 }; /* tuning seeds 1001.. never meet reported seeds 1.. */

typedef struct {
    const block *block;
    const entry *entry;
    unsigned ratio;
    char content[SPEC_MAX_TEXT]; /* canonical text of the data */
    double rate;                 /* learning rate of a fixed-rate experiment */
    trial *tuning;               /* [points][tuning_seeds], or NULL */
    int chosen;                  /* tuning point in use; -1: not chosen yet */
    trial *finals;               /* [seeds]; complete once chosen >= 0 */
} cell;

typedef struct {
    experiment e;
    cell *cells;
    size_t cell_count;
    int unavailable[MAX_BLOCKS]; /* block is not fetched: it has no cells */
    char reason[MAX_BLOCKS][256];
} study;

/* Expands; a block whose data are not there is noted, not an error. Free with study_free. */
int study_expand(const experiment *e, const char *search, study *out, lb_error *error);
void study_free(study *s);

/* After tuning: chooses each cell's point by partial AUROC on `select` (boxes: AP50; types: balanced accuracy), mean
   over tuning seeds, and fills its finals. Cells whose tuning is not complete in the store stay unchosen. Returns the
   number of unchosen cells in *open. */
void study_choose(study *s, store *from, size_t *open);

/* Score of one tuning point of a cell as study_choose sees it; NaN if a trial is missing. */
double study_point_score(const study *s, const cell *c, unsigned point, store *from);

/* Gathers trials over studies without repeats, ordered by data set and seed; tuning first when `tuning`, else finals of
 * chosen cells. */
int study_collect(const study *studies, size_t count, int tuning, trial **out, size_t *out_count, lb_error *error);

#endif
