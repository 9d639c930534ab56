/* clang-format off */
/* An experiment: one ini file that a user reads, copies and edits.

       [experiment]  question, analysis (compare | grid | ratios | easy | rates | lambda | epsilon | equivalence | sizes |
                     boxes | heads | types | simulation),
                     caption, figures (which of the analysis's figures; none named: all),
                     baseline (the loss that differences are taken to; bce), sheet (losses whose masks are shown as
                     pictures)
       [blocks]      label = data set expression @ ratio ratio ...   (`natural`: as the data are)
       [losses]      label = loss expression [| bias=0] [| sampler=balanced] [| streams=b]
                     {a, b} in an expression stands for each of a and b: a grid
       [train]       model (or simulation), visits, batch, learning_rate, weight_decay, checkpoints, seeds
       [tuning]      points, seeds, learning_rate_low/high, weight_decay_low/high   (no section: fixed rate)
       [profile X]   seeds, points, tuning_seeds, blocks, losses, block.LABEL, loss.LABEL override the above for a profile */
/* clang-format on */
#ifndef HARNESS_EXPERIMENT_H
#define HARNESS_EXPERIMENT_H

#include "experiments/harness/trial.h"

enum { MAX_RATIOS = 12, MAX_BLOCKS = 24, MAX_ENTRIES = 80, LABEL = 96 };

typedef struct {
    char label[LABEL], data[SPEC_MAX_TEXT];
    unsigned ratios[MAX_RATIOS]; /* 0: natural */
    size_t ratio_count;
} block;

/* One loss as it is compared: expression, start and sampling. A grid gives several entries of one family. */
typedef struct {
    char label[LABEL];  /* unique; for a grid "focal(gamma=2, alpha=off)" */
    char family[LABEL]; /* the ini key */
    char loss[SPEC_MAX_TEXT];
    trial_bias bias;
    trial_sampler sampler;
    char streams;
} entry;

typedef struct {
    char name[LABEL], question[600], analysis[32], figures[200], caption[1200], baseline[LABEL], sheet[400];
    block blocks[MAX_BLOCKS];
    size_t block_count;
    entry entries[MAX_ENTRIES];
    size_t entry_count;
    char model[SPEC_MAX_TEXT];
    unsigned visits, batch, checkpoints, seeds;
    double learning_rates[8]; /* several: each is run (analysis rates) */
    size_t learning_rate_count;
    double weight_decay;
    unsigned points, tuning_seeds; /* 0: no tuning */
    double learning_rate_low, learning_rate_high, weight_decay_low, weight_decay_high;
} experiment;

/* What the command line narrows. Empty strings: no filter. Lists are separated by commas. */
typedef struct {
    char profile[LABEL], only[256], loss[256], data[256];
} selection;

/* Reads one file for one profile and narrows it. LB_NOT_FOUND, LB_FORMAT or LB_INVALID with file and line. */
int experiment_read(const char *path, const selection *chosen, experiment *out, lb_error *error);

/* 1 when its model is the box simulation: nothing is trained. */
int is_simulation(const experiment *e);

/* 1 when the experiment, as narrowed, has a loss (a block) of this label or name. */
int experiment_has_loss(const experiment *e, const char *word);
int experiment_has_data(const experiment *e, const char *word);

/* 1 when `name` is an item of the comma-separated `list`, or the list is empty. */
int in_list(const char *list, const char *name);

#endif
