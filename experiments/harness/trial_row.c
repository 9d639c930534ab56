#include "experiments/harness/trial_row.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const trial_columns[TRIAL_COLUMNS] = {"key",
                                                  "block",
                                                  "label",
                                                  "data",
                                                  "ratio",
                                                  "seed",
                                                  "model",
                                                  "loss",
                                                  "bias",
                                                  "sampler",
                                                  "streams",
                                                  "learning_rate",
                                                  "weight_decay",
                                                  "visits",
                                                  "batch",
                                                  "checkpoints",
                                                  "outcome",
                                                  "recall at FR 0.1 %",
                                                  "recall at FR 0.5 %",
                                                  "recall at FR 1 %",
                                                  "recall at FR 5 %",
                                                  "partial AUROC",
                                                  "AUROC",
                                                  "AP",
                                                  "ECE",
                                                  "accuracy",
                                                  "recall at 1/2",
                                                  "scores",
                                                  "weights"};

/* A trial that is not there has no numbers, not zeros. */
static void number_cell(table *t, const measure *m, double value) {
    table_cell(t, "%.4f", m->present ? value : (double)NAN);
}

static void recall_cell(table *t, const measure *m, size_t level) {
    if (!m->present || m->status[level] == METRIC_OK)
        number_cell(t, m, m->recall[level]);
    else
        table_cell(t, m->status[level] == METRIC_TIED      ? "tied"
                      : m->data[DATA_GOODS + SET_TEST] > 0 ? "too few goods"
                                                           : "no goods");
}

void trial_to_row(table *t, const cell *c, const trial *described, const measure *m) {
    table_cell(t, "%s", m->key);
    table_cell(t, "%s", c->block->label);
    table_cell(t, "%s", c->entry->label);
    table_cell(t, "%s", described->data);
    table_cell(t, "%u", described->ratio);
    table_cell(t, "%u", described->seed);
    table_cell(t, "%s", described->model);
    table_cell(t, "%s", described->loss);
    table_cell(t, "%s", described->bias == BIAS_PRIOR ? "prior" : "0");
    table_cell(t, "%s", described->sampler == SAMPLER_NATURAL ? "natural" : "balanced");
    table_cell(t, "%c", described->streams);
    table_cell(t, "%.6g", described->learning_rate);
    table_cell(t, "%.6g", described->weight_decay);
    table_cell(t, "%u", described->visits);
    table_cell(t, "%u", described->batch);
    table_cell(t, "%u", described->checkpoints);
    table_cell(t, "%s", m->present || m->outcome ? trial_outcome_names[m->outcome] : "missing");
    for (size_t i = 0; i < FR_LEVELS; i++) recall_cell(t, m, i);
    number_cell(t, m, m->pauc);
    number_cell(t, m, m->auroc);
    number_cell(t, m, m->average_precision);
    number_cell(t, m, m->calibration_error);
    number_cell(t, m, m->accuracy);
    number_cell(t, m, m->recall_half);
    table_cell(t, "%016" PRIx64, m->scores);
    table_cell(t, "%016" PRIx64, m->weights);
}

static int copy(char *out, size_t size, const char *value) { return snprintf(out, size, "%s", value) < (int)size; }

int trial_from_row(char *const cells[TRIAL_COLUMNS], trial *out) {
    *out = (trial){.ratio = (unsigned)strtoul(cells[COLUMN_RATIO], NULL, 10),
                   .seed = (unsigned)strtoul(cells[COLUMN_SEED], NULL, 10),
                   .bias = strcmp(cells[COLUMN_BIAS], "prior") == 0 ? BIAS_PRIOR : BIAS_ZERO,
                   .sampler = strcmp(cells[COLUMN_SAMPLER], "natural") == 0 ? SAMPLER_NATURAL : SAMPLER_BALANCED,
                   .streams = cells[COLUMN_STREAMS][0],
                   .learning_rate = strtod(cells[COLUMN_RATE], NULL),
                   .weight_decay = strtod(cells[COLUMN_DECAY], NULL),
                   .visits = (unsigned)strtoul(cells[COLUMN_VISITS], NULL, 10),
                   .batch = (unsigned)strtoul(cells[COLUMN_BATCH], NULL, 10),
                   .checkpoints = (unsigned)strtoul(cells[COLUMN_CHECKPOINTS], NULL, 10)};
    const int trained = strcmp(cells[COLUMN_MODEL], SIMULATION_MODEL) != 0;
    return (!trained || (out->batch && out->visits)) && copy(out->data, sizeof out->data, cells[COLUMN_DATA]) &&
           copy(out->model, sizeof out->model, cells[COLUMN_MODEL]) &&
           copy(out->loss, sizeof out->loss, cells[COLUMN_LOSS]);
}
