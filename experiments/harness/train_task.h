/* What a net is trained on: the part of the training loop (train.c) that knows whether the target is an image's label,
   its mask, or its boxes. */
#ifndef HARNESS_TRAIN_TASK_H
#define HARNESS_TRAIN_TASK_H

#include "experiments/harness/input_scale.h"
#include "experiments/harness/objective.h"
#include "lib/nn/nn.h"

/* A training run. */
typedef struct {
    const trial *t;
    const dataset *d;
    nn_net *net;
    objective *goal;
    input_scale scale;
    size_t outputs;                   /* numbers that the net gives for an image */
    float *input, *output, *gradient; /* of a batch; gradient: of the objective by the output */
    float *head_bias;                 /* [channels of the net's output], where the loss's own prior lies */
    void *own;                        /* the task's */
} session;

typedef struct {
    /* Refuses data that cannot be trained or measured on. NULL: what dataset_open checks is enough. */
    int (*check)(const trial *t, const dataset *d, lb_error *error);

    /* What nn_net_new is asked for. */
    size_t (*channels)(const dataset *d);

    /* Resolves the objective, makes room in `own`; on failure `close` is called all the same. */
    int (*open)(session *s, lb_error *error);
    void (*close)(session *s);

    /* Before training: adds what is known of the data; puts the loss's own prior into head_bias and out->prior_logit,
       and what a net pays that knows nothing else into out->prior_loss. */
    int (*begin)(session *s, rng stream, trial_result *out, lb_error *error);

    /* Takes the target of one item of a set for place `place` of the batch. */
    void (*target)(session *s, const dataset_items *set, size_t item, size_t place);

    /* Objective and gradient of the first `images` places. */
    int (*evaluate)(session *s, size_t images, double *value, lb_error *error);

    /* Adds the scores of one set under `name` (select, calibrate, test, test@k) to the result; output is
       [images][outputs]. */
    int (*score)(session *s, dataset_set which, const char *name, const float *output, trial_result *out,
                 lb_error *error);

    int keeps_net; /* the result holds the trained parameters */
} task_type;

extern const task_type task_image, task_types, task_mask, task_box;
const task_type *task_of(const trial *t); /* NULL: a trial without a net */

/* The training loop, for a trial with a net: as trial_run, which measures its time. */
int train_trial(const trial *t, const dataset *d, trial_result *out, lb_error *error);

/* Items that the sampler draws: `balanced` takes goods and defects in turn. A random one for place `place`. */
size_t session_draw(const session *s, size_t place, rng *stream);

/* Weight of an item of train in what the sampler shows, mean 1 over the items. */
double session_weight(const session *s, int is_defect);

#endif
