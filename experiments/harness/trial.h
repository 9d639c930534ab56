/* A trial: one training run, described completely by canonical text, which is its key. Two trials with equal text give
   equal scores, bit for bit, on any machine. */
#ifndef HARNESS_TRIAL_H
#define HARNESS_TRIAL_H

#include "datasets/dataset.h"
#include "lib/base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { TRIAL_VERSION = 1 }; /* raise when the training loop changes a number: retires every trial */
enum { MASK_VERSION = 1 };  /* raise when a number of mask_scores.h changes: retires the trials of masks */
enum { TYPES_VERSION = 1 }; /* the same of class_scores.h */
enum { BOX_VERSION = 1 };   /* the same of box_scores.h and box_cells.h */

/* What is trained and measured: a logit an image, a logit a pixel, boxes; or boxes without a net (box_simulation.h). */
#define SIMULATION_MODEL "simulation" /* in place of a model: TASK_SIMULATION */
typedef enum { TASK_IMAGE, TASK_TYPES, TASK_MASK, TASK_BOX, TASK_SIMULATION } trial_task;

typedef enum { BIAS_PRIOR, BIAS_ZERO } trial_bias;
typedef enum { SAMPLER_NATURAL, SAMPLER_BALANCED } trial_sampler;

enum { TRIAL_KEY = 17, TRIAL_TEXT = 1800 };

typedef struct {
    char data[SPEC_MAX_TEXT];    /* dataset expression */
    char content[SPEC_MAX_TEXT]; /* canonical data text from dataset_text */
    char model[SPEC_MAX_TEXT], model_text[SPEC_MAX_TEXT];
    char loss[SPEC_MAX_TEXT], loss_text[SPEC_MAX_TEXT];
    unsigned ratio, seed;
    trial_bias bias;       /* head bias at the loss's own prior, or 0 */
    trial_sampler sampler; /* every item once an epoch, or half goods and half defects in each batch */
    char streams;          /* variant of the `init` and `order` streams; 'a', another letter for A/A tests */
    double learning_rate, weight_decay;
    unsigned visits, batch; /* images seen in all, images in a batch */
    unsigned checkpoints;   /* test scores are kept at 1/n, 2/n, .. n/n of the visits */
    trial_task task;        /* of the model: what it gives, and is trained on */
} trial;

/* Fills the canonical parts and the task from the expressions (`content` only where it is empty); refuses unknown
   names, bad parameters, and a loss that does not suit the model. */
int trial_prepare(trial *t, const char *search, lb_error *error);

/* What to ask dataset_open for. */
dataset_request trial_request(const trial *t, const char *search);

/* Canonical text (TRIAL_TEXT bytes) and key, its 16 hexadecimal digits. */
void trial_describe(const trial *t, char *out);
void trial_key(const trial *t, char out[TRIAL_KEY]);

/* Named float arrays: what a trial leaves behind. `test`, `select`, `calibrate` hold a logit an image, goods first; of
   masks, mask_scores.h tells which. */
typedef struct {
    char name[24];
    float *data;
    uint32_t count, goods;
} trial_array;

/* Places in the array `data`: what was trained and scored on. */
enum {
    DATA_HEIGHT,
    DATA_WIDTH,
    DATA_INDEPENDENT,
    DATA_DUPLICATES,
    DATA_CONFLICTS,
    DATA_GOODS, /* one a set */
    DATA_DEFECTS = DATA_GOODS + SET_COUNT,
    DATA_FACTS = DATA_DEFECTS + SET_COUNT
};

typedef enum { OUTCOME_OK, OUTCOME_DIVERGED, OUTCOME_CRASHED, OUTCOME_TIMEOUT } trial_outcome;
extern const char *const trial_outcome_names[];

enum { TRIAL_MAX_ARRAYS = 32 }; /* boxes at ten checkpoints leave 27 */

typedef struct {
    trial_outcome outcome;
    char message[256];
    double seconds;     /* wall time of the training, measured: never part of a table */
    double prior_logit; /* the loss's own prior */
    double prior_loss;  /* its value there: what a net that ignores the image pays */
    double train_loss;  /* mean over the last tenth of the steps */
    uint64_t weights;   /* nn_net_hash at the end */
    trial_array arrays[TRIAL_MAX_ARRAYS];
    size_t array_count;
} trial_result;

const trial_array *trial_result_find(const trial_result *r, const char *name);
float *trial_result_add(trial_result *r, const char *name, size_t count, size_t goods); /* NULL: out of memory */
void trial_result_free(trial_result *r);
uint64_t trial_scores_hash(const trial_result *r); /* hash64 over all arrays, in order */

/* Refuses data that this trial cannot be trained or measured on. */
int trial_check(const trial *t, const dataset *d, lb_error *error);

/* Trains and scores, or simulates (then d may be NULL). `d` must be the data set the trial names. A non-finite score is
 * the outcome `diverged`, not an error. */
int trial_run(const trial *t, const dataset *d, trial_result *out, lb_error *error);

#endif
