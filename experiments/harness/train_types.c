/* The task of types: one loss for K classes over the logits of an image, good among them where there are goods. */
#include "experiments/harness/class_scores.h"
#include "experiments/harness/train_task.h"

#include <math.h>
#include <stdlib.h>

typedef struct {
    loss *l;
    size_t classes;
    int *label;      /* [batch] */
    double *counts;  /* [classes], items of train as sampled */
    float *share;    /* [classes], of them, adding up to 1 */
    int *each;       /* [classes], 0, 1, ..: one item of each class, for the prior */
    float *constant; /* [classes][classes]: the same logits for each of these */
    float *slopes;   /* [classes][classes] */
    void *scratch;
} own_room;

static size_t channels(const dataset *d) { return class_count(d); }

static loss_batch batch_of(const session *s, size_t images) {
    const own_room *own = s->own;
    return (loss_batch){.images = images,
                        .channels = own->classes,
                        .pixels = 1,
                        .input = s->output,
                        .classes = own->label,
                        .class_counts = own->counts};
}

/* One item of each class, weighted by its share, all with the same logits. */
static loss_batch constant_batch(const own_room *own) {
    return (loss_batch){.images = own->classes,
                        .channels = own->classes,
                        .pixels = 1,
                        .input = own->constant,
                        .classes = own->each,
                        .weight = own->share,
                        .class_counts = own->counts};
}

static void count_classes(session *s) {
    own_room *own = s->own;
    const dataset_items *train = &s->d->sets[SET_TRAIN];
    double all = 0;
    for (size_t i = 0; i < train->count; i++)
        own->counts[class_of_type(s->d, train->types[i])] += session_weight(s, i >= train->goods);
    for (size_t c = 0; c < own->classes; c++) all += own->counts[c];
    for (size_t c = 0; c < own->classes; c++) own->share[c] = (float)(own->counts[c] / all);
    for (size_t c = 0; c < own->classes; c++) /* one item of many defects, balanced: a loss knows no part of an item */
        if (own->counts[c] > 0 && own->counts[c] < 1) own->counts[c] = 1;
}

/* What `auto` parameters of a binary loss for K classes count: goods (without goods the first class) and the rest. */
static loss_counts counts_of(const own_room *own) {
    loss_counts counts = {.good = own->counts[0]};
    for (size_t c = 1; c < own->classes; c++) counts.defect += own->counts[c];
    return counts;
}

static int make_room(session *s, lb_error *error) {
    own_room *own = s->own;
    const size_t k = own->classes;
    own->label = calloc(s->t->batch, sizeof *own->label);
    own->counts = calloc(k, sizeof *own->counts);
    own->share = calloc(k, sizeof *own->share);
    own->each = calloc(k, sizeof *own->each);
    own->constant = calloc(k * k, sizeof *own->constant);
    own->slopes = calloc(k * k, sizeof *own->slopes);
    if (!own->label || !own->counts || !own->share || !own->each || !own->constant || !own->slopes)
        return lb_fail_memory(error, "a training run");
    for (size_t c = 0; c < k; c++) own->each[c] = (int)c;
    return LB_OK;
}

static int types_open(session *s, lb_error *error) {
    own_room *own = s->own = calloc(1, sizeof *own);
    if (!own) return lb_fail_memory(error, "a training run");
    own->l = objective_loss(s->goal);
    own->classes = class_count(s->d);
    int code = make_room(s, error);
    if (code) return code;
    count_classes(s);
    const loss_counts counts = counts_of(own);
    code = loss_resolve(own->l, &counts, error);
    if (code) return code;
    const loss_batch batch = batch_of(s, s->t->batch), constant = constant_batch(own);
    const size_t first = loss_scratch(own->l, &batch), second = loss_scratch(own->l, &constant);
    own->scratch = malloc((first > second ? first : second) + 1);
    return own->scratch ? LB_OK : lb_fail_memory(error, "a training run");
}

static void types_close(session *s) {
    own_room *own = s->own;
    free(own->label);
    free(own->counts);
    free(own->share);
    free(own->each);
    free(own->constant);
    free(own->slopes);
    free(own->scratch);
    free(own);
}

static void types_target(session *s, const dataset_items *set, size_t item, size_t place) {
    ((own_room *)s->own)->label[place] = (int)class_of_type(s->d, set->types[item]);
}

static int types_evaluate(session *s, size_t images, double *value, lb_error *error) {
    const own_room *own = s->own;
    const loss_batch batch = batch_of(s, images);
    return loss_eval(own->l, &batch, LOSS_MEAN, value, NULL, s->gradient, own->scratch, error);
}

/* --- the prior -----------------------------------------------------------------------------------------------------
 */

/* The gradient of the loss of constant logits by them. */
static int slope_of_constant(own_room *own, const float *logit, double *slope, lb_error *error) {
    const size_t k = own->classes;
    for (size_t i = 0; i < k * k; i++) own->constant[i] = logit[i % k];
    const loss_batch batch = constant_batch(own);
    double value;
    const int code = loss_eval(own->l, &batch, LOSS_SUM, &value, NULL, own->slopes, own->scratch, error);
    for (size_t c = 0; !code && c < k; c++) {
        slope[c] = 0;
        for (size_t i = 0; i < k; i++) slope[c] += (double)own->slopes[i * k + c];
    }
    return code;
}

/* The constant logits at which the loss is smallest when the image says nothing: the loss's own prior, ln share for
   cross-entropy (and any constant more). By Rprop (Riedmiller & Braun 1993): only the signs of the slopes count, so
   that rare classes come along as fast as common ones. */
static int find_prior(session *s, lb_error *error) {
    enum { STEPS = 400, MOST = 30 };
    own_room *own = s->own;
    float *logit = s->head_bias;
    double slope[CLASS_MOST], last[CLASS_MOST] = {0}, step[CLASS_MOST];
    for (size_t c = 0; c < own->classes; c++) step[c] = 0.1;
    for (int i = 0; i < STEPS; i++) {
        const int code = slope_of_constant(own, logit, slope, error);
        if (code) return code;
        for (size_t c = 0; c < own->classes; c++) {
            const double turn = slope[c] * last[c];
            if (turn > 0 && step[c] < 1) step[c] *= 1.2;
            if (turn < 0) step[c] *= 0.5;
            last[c] = turn < 0 ? 0 : slope[c];
            if (last[c] != 0) logit[c] += (float)(last[c] > 0 ? -step[c] : step[c]);
            logit[c] = fmaxf(-MOST, fminf(MOST, logit[c])); /* a class without items goes on for ever */
        }
    }
    return LB_OK;
}

/* What that pays, on random batches: the mean of some losses divides by the weights of the items at hand. */
static int measure_prior(session *s, rng stream, trial_result *out, lb_error *error) {
    enum { BATCHES = 16 };
    const own_room *own = s->own;
    for (size_t i = 0; i < s->t->batch * own->classes; i++) s->output[i] = s->head_bias[i % own->classes];
    for (int k = 0; k < BATCHES; k++) {
        double value;
        for (size_t i = 0; i < s->t->batch; i++)
            types_target(s, &s->d->sets[SET_TRAIN], session_draw(s, i, &stream), i);
        const int code = types_evaluate(s, s->t->batch, &value, error);
        if (code) return code;
        out->prior_loss += value / BATCHES;
    }
    return LB_OK;
}

static int types_begin(session *s, rng stream, trial_result *out, lb_error *error) {
    int code = class_scores_begin(s->d, out, error);
    if (!code) code = find_prior(s, error);
    out->prior_logit = (double)s->head_bias[0];
    return code ? code : measure_prior(s, stream, out, error);
}

static int types_score(session *s, dataset_set which, const char *name, const float *output, trial_result *out,
                       lb_error *error) {
    return class_scores_add(s->d, which, name, output, out, error);
}

const task_type task_types = {.check = class_scores_check,
                              .channels = channels,
                              .open = types_open,
                              .close = types_close,
                              .begin = types_begin,
                              .target = types_target,
                              .evaluate = types_evaluate,
                              .score = types_score};
