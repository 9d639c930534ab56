/* The tasks with one loss over logits: an image's label, or the pixels of its mask. */
#include "experiments/harness/mask_scores.h"
#include "experiments/harness/train_task.h"

#include "lib/base/repro_math.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    loss *l;
    float *target; /* [batch][outputs] */
    void *scratch;
    double prior; /* share of defects, or of defect pixels, that the loss sees */
} own_room;

static loss_batch batch_of(const session *s, size_t images) {
    const own_room *own = s->own;
    return (loss_batch){.images = images,
                        .channels = 1,
                        .pixels = s->outputs,
                        .width = s->t->task == TASK_MASK ? s->d->width : 0,
                        .input = s->output,
                        .target = own->target};
}

/* Goods and defects that the loss sees, of images or of pixels. */
static loss_counts counts_of(const session *s) {
    const dataset_items *train = &s->d->sets[SET_TRAIN];
    const double goods = (double)train->goods, defects = (double)(train->count - train->goods);
    if (s->t->task == TASK_IMAGE && s->t->sampler == SAMPLER_BALANCED)
        return (loss_counts){(goods + defects) / 2, (goods + defects) / 2};
    if (s->t->task == TASK_IMAGE) return (loss_counts){goods, defects};
    const double defect = (double)mask_defect_pixels(train, s->outputs) * session_weight(s, 1);
    return (loss_counts){(double)(train->count * s->outputs) - defect, defect};
}

static int logits_open(session *s, lb_error *error) {
    own_room *own = s->own = calloc(1, sizeof *own);
    if (!own) return lb_fail_memory(error, "a training run");
    own->l = objective_loss(s->goal);
    own->target = calloc(s->t->batch * s->outputs, sizeof *own->target);
    const loss_counts counts = counts_of(s);
    own->prior = counts.defect / (counts.good + counts.defect);
    const int code = loss_resolve(own->l, &counts, error);
    if (code) return code;
    const loss_batch batch = batch_of(s, s->t->batch);
    const size_t scratch = loss_scratch(own->l, &batch);
    own->scratch = malloc(scratch ? scratch : 1);
    return own->target && own->scratch ? LB_OK : lb_fail_memory(error, "a training run");
}

static void logits_close(session *s) {
    own_room *own = s->own;
    free(own->target);
    free(own->scratch);
    free(own);
}

static int logits_evaluate(session *s, size_t images, double *value, lb_error *error) {
    const own_room *own = s->own;
    const loss_batch batch = batch_of(s, images);
    return loss_eval(own->l, &batch, LOSS_MEAN, value, NULL, s->gradient, own->scratch, error);
}

/* --- images ------------------------------------------------------------------------------------------------------ */

static int image_check(const trial *t, const dataset *d, lb_error *error) {
    if (d->sets[SET_TRAIN].goods) return LB_OK;
    return lb_fail(error, LB_INVALID,
                   "data set '%s' has no goods, and model '%s' learns to tell them from defects: train on types, "
                   "types = ce, or choose a model for boxes, such as detector",
                   t->data, t->model);
}

static size_t one(const dataset *d) {
    (void)d;
    return 1;
}

static void image_target(session *s, const dataset_items *set, size_t item, size_t place) {
    ((own_room *)s->own)->target[place] = item >= set->goods ? 1.0f : 0.0f;
}

/* The loss of a net that knows the share of defects and nothing else. */
static int image_begin(session *s, rng stream, trial_result *out, lb_error *error) {
    const own_room *own = s->own;
    (void)stream;
    const float logit = s->head_bias[0] = (float)(out->prior_logit = loss_prior_logit(own->l, own->prior));
    const float logits[2] = {logit, logit}, target[2] = {0, 1};
    const float weight[2] = {(float)(1 - own->prior), (float)own->prior};
    const loss_batch two = {
        .images = 2, .channels = 1, .pixels = 1, .input = logits, .target = target, .weight = weight};
    return loss_eval(own->l, &two, LOSS_SUM, &out->prior_loss, NULL, NULL, own->scratch, error);
}

static int image_score(session *s, dataset_set which, const char *name, const float *output, trial_result *out,
                       lb_error *error) {
    const dataset_items *set = &s->d->sets[which];
    float *scores = trial_result_add(out, name, set->count, set->goods);
    if (!scores) return lb_fail_memory(error, "scores");
    for (size_t i = 0; i < set->count; i++) {
        scores[i] = output[i];
        if (!isfinite(scores[i])) out->outcome = OUTCOME_DIVERGED;
    }
    return LB_OK;
}

const task_type task_image = {.check = image_check,
                              .channels = one,
                              .open = logits_open,
                              .close = logits_close,
                              .begin = image_begin,
                              .target = image_target,
                              .evaluate = logits_evaluate,
                              .score = image_score};

/* --- masks ------------------------------------------------------------------------------------------------------- */

static size_t pixels_of(const dataset *d) { return d->height * d->width; }

static void mask_target(session *s, const dataset_items *set, size_t item, size_t place) {
    float *target = ((own_room *)s->own)->target + place * s->outputs;
    const unsigned char *mask = set->masks + item * s->outputs;
    for (size_t i = 0; i < s->outputs; i++) target[i] = mask[i] > 127 ? 1.0f : 0.0f;
}

/* What the prior pays, on random batches, since what a mask costs depends on the masks beside it. An overlap has no
   prior of its own, its best constant is everything or nothing: the logit of the share of defect pixels serves. */
static int mask_prior(session *s, rng stream, trial_result *out, lb_error *error) {
    enum { BATCHES = 16 };
    const own_room *own = s->own;
    const size_t images = s->t->batch;
    const loss_batch batch = batch_of(s, images);
    const int has_own = loss_kind_of(own->l) == LOSS_BINARY;
    out->prior_logit = has_own ? loss_prior_logit(own->l, own->prior) : repro_log(own->prior / (1 - own->prior));
    s->head_bias[0] = (float)out->prior_logit;
    for (size_t i = 0; i < images * s->outputs; i++) s->output[i] = s->head_bias[0];
    for (int k = 0; k < BATCHES; k++) {
        double value;
        for (size_t i = 0; i < images; i++) mask_target(s, &s->d->sets[SET_TRAIN], session_draw(s, i, &stream), i);
        const int code = loss_eval(own->l, &batch, LOSS_MEAN, &value, NULL, NULL, own->scratch, error);
        if (code) return code;
        out->prior_loss += value / BATCHES;
    }
    return LB_OK;
}

static int mask_begin(session *s, rng stream, trial_result *out, lb_error *error) {
    const int code = mask_scores_begin(s->d, ((own_room *)s->own)->prior, out, error);
    return code ? code : mask_prior(s, stream, out, error);
}

static int mask_score(session *s, dataset_set which, const char *name, const float *output, trial_result *out,
                      lb_error *error) {
    return mask_scores_add(s->d, which, name, output, out, error);
}

const task_type task_mask = {.check = mask_scores_check,
                             .channels = pixels_of,
                             .open = logits_open,
                             .close = logits_close,
                             .begin = mask_begin,
                             .target = mask_target,
                             .evaluate = logits_evaluate,
                             .score = mask_score,
                             .keeps_net = 1};
