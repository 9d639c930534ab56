/* One line of results/<experiment>/trials.tsv: a trial as it is published, enough to train it again. */
#ifndef HARNESS_TRIAL_ROW_H
#define HARNESS_TRIAL_ROW_H

#include "experiments/harness/evidence.h"
#include "lib/base/text.h"

enum {
    COLUMN_KEY,
    COLUMN_BLOCK,
    COLUMN_LABEL,
    COLUMN_DATA,
    COLUMN_RATIO,
    COLUMN_SEED,
    COLUMN_MODEL,
    COLUMN_LOSS,
    COLUMN_BIAS,
    COLUMN_SAMPLER,
    COLUMN_STREAMS,
    COLUMN_RATE,
    COLUMN_DECAY,
    COLUMN_VISITS,
    COLUMN_BATCH,
    COLUMN_CHECKPOINTS,
    COLUMN_OUTCOME,
    COLUMN_RECALL,
    COLUMN_PAUC = COLUMN_RECALL + FR_LEVELS,
    COLUMN_AUROC,
    COLUMN_AP,
    COLUMN_ECE,
    COLUMN_ACCURACY,
    COLUMN_RECALL_HALF,
    COLUMN_SCORES,
    COLUMN_WEIGHTS,
    TRIAL_COLUMNS
};

extern const char *const trial_columns[TRIAL_COLUMNS];

void trial_to_row(table *t, const cell *c, const trial *described, const measure *m);

/* The trial of a line cut at its tabs, not yet prepared; 0 when a cell cannot be read. */
int trial_from_row(char *const cells[TRIAL_COLUMNS], trial *out);

#endif
