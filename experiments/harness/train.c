/* The training loop: the one place where a network, a loss and a data set meet. */
#include "experiments/harness/input_scale.h"
#include "experiments/harness/mask_scores.h"

#include "lib/base/repro_math.h"
#include "lib/loss/loss.h"
#include "lib/nn/nn.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOSS_CURVE = 40 };

/* Order of visits: `natural` walks shuffled epochs over all items; `balanced` walks goods and defects apart. */
typedef struct {
    uint32_t *items;
    size_t count, at;
} epoch;

typedef struct {
    const trial *t;
    const dataset *d;
    nn_net *net;
    loss *l;
    rng order;
    epoch epochs[2]; /* natural: [0] only; balanced: goods, defects */
    size_t outputs;  /* logits an image: 1, or one a pixel */
    input_scale scale;
    float *input, *logits, *target, *gradient;
    void *scratch;
    double prior; /* share of defects, or of defect pixels, that the loss sees */
} session;

/* target is [outputs]: the label, or the mask */
static void load_target(const session *s, const dataset_items *set, size_t item, float *target) {
    if (!s->t->per_pixel) {
        target[0] = item >= set->goods ? 1.0f : 0.0f;
        return;
    }
    const unsigned char *mask = set->masks + item * s->outputs;
    for (size_t i = 0; i < s->outputs; i++) target[i] = mask[i] > 127 ? 1.0f : 0.0f;
}

static int epoch_start(epoch *e, size_t first, size_t count) {
    e->items = malloc((count ? count : 1) * sizeof *e->items);
    if (!e->items) return 0;
    for (size_t i = 0; i < count; i++) e->items[i] = (uint32_t)(first + i);
    e->count = count;
    e->at = count; /* shuffled before first use */
    return 1;
}

static uint32_t epoch_next(epoch *e, rng *order) {
    if (e->at == e->count) {
        rng_shuffle(order, e->items, e->count);
        e->at = 0;
    }
    return e->items[e->at++];
}

static void load_batch(session *s) {
    const dataset_items *train = &s->d->sets[SET_TRAIN];
    for (size_t i = 0; i < s->t->batch; i++) {
        epoch *e = &s->epochs[s->t->sampler == SAMPLER_BALANCED && i % 2];
        const uint32_t item = epoch_next(e, &s->order);
        input_load(&s->scale, s->d, train, item, s->input + i * input_size(s->d));
        load_target(s, train, item, s->target + i * s->outputs);
    }
}

static loss_batch batch_of(const session *s) {
    return (loss_batch){.images = s->t->batch,
                        .channels = 1,
                        .pixels = s->outputs,
                        .width = s->t->per_pixel ? s->d->width : 0,
                        .input = s->logits,
                        .target = s->target};
}

/* Warm-up over the first tenth, then a straight line to zero: the same for every loss. */
static double rate_at(const trial *t, size_t step, size_t steps) {
    const double warm = (double)steps / 10, at = (double)step + 0.5;
    return t->learning_rate * (at < warm ? at / warm : ((double)steps - at) / ((double)steps - warm));
}

/* logit is [count][outputs] */
static void score_items(session *s, const dataset_items *set, float *logit) {
    for (size_t from = 0; from < set->count; from += s->t->batch) {
        const size_t n = set->count - from < s->t->batch ? set->count - from : s->t->batch;
        for (size_t i = 0; i < n; i++) input_load(&s->scale, s->d, set, from + i, s->input + i * input_size(s->d));
        nn_net_forward(s->net, s->input, n, logit + from * s->outputs);
    }
}

static int score_images(session *s, dataset_set which, const char *name, trial_result *out, lb_error *error) {
    const dataset_items *set = &s->d->sets[which];
    float *scores = trial_result_add(out, name, set->count, set->goods);
    if (!scores) return lb_fail_memory(error, "scores");
    score_items(s, set, scores);
    for (size_t i = 0; i < set->count; i++)
        if (!isfinite(scores[i])) out->outcome = OUTCOME_DIVERGED;
    return LB_OK;
}

static int score_masks(session *s, dataset_set which, const char *name, trial_result *out, lb_error *error) {
    const dataset_items *set = &s->d->sets[which];
    float *logit = malloc((set->count ? set->count : 1) * s->outputs * sizeof *logit);
    if (!logit) return lb_fail_memory(error, "the masks of a set");
    score_items(s, set, logit);
    int code = mask_scores_images(s->d, which, name, logit, out, error);
    if (!code && which == SET_SELECT) code = mask_scores_select(s->d, logit, out, error);
    if (!code && strcmp(name, "test") == 0) code = mask_scores_test(s->d, logit, out, error);
    free(logit);
    return code;
}

static int score_set(session *s, dataset_set which, const char *name, trial_result *out, lb_error *error) {
    return (s->t->per_pixel ? score_masks : score_images)(s, which, name, out, error);
}

/* --- where the loss starts --- */

/* The loss of a net that knows the share of defects and nothing else. */
static int measure_label_prior(session *s, trial_result *out, lb_error *error) {
    const float logit = (float)(out->prior_logit = loss_prior_logit(s->l, s->prior));
    const float logits[2] = {logit, logit}, target[2] = {0, 1};
    const float weight[2] = {(float)(1 - s->prior), (float)s->prior};
    const loss_batch two = {
        .images = 2, .channels = 1, .pixels = 1, .input = logits, .target = target, .weight = weight};
    return loss_eval(s->l, &two, LOSS_SUM, &out->prior_loss, NULL, NULL, s->scratch, error);
}

/* The same for masks, on random batches, since what a mask costs depends on the masks beside it. An overlap has no
   prior of its own, its best constant is everything or nothing: the logit of the share of defect pixels serves. */
static int measure_mask_prior(session *s, rng stream, trial_result *out, lb_error *error) {
    enum { BATCHES = 16 };
    const dataset_items *train = &s->d->sets[SET_TRAIN];
    const size_t goods = train->goods, defects = train->count - goods, n = s->t->batch * s->outputs;
    const int own = loss_kind_of(s->l) == LOSS_BINARY;
    out->prior_logit = own ? loss_prior_logit(s->l, s->prior) : repro_log(s->prior / (1 - s->prior));
    for (size_t i = 0; i < n; i++) s->logits[i] = (float)out->prior_logit;
    for (int k = 0; k < BATCHES; k++) {
        double value;
        for (size_t i = 0; i < s->t->batch; i++) {
            const int defect = s->t->sampler == SAMPLER_BALANCED && i % 2;
            const size_t many = s->t->sampler != SAMPLER_BALANCED ? train->count : defect ? defects : goods;
            const size_t item = (defect ? goods : 0) + rng_below(&stream, (uint32_t)many);
            load_target(s, train, item, s->target + i * s->outputs);
        }
        const loss_batch batch = batch_of(s);
        const int code = loss_eval(s->l, &batch, LOSS_MEAN, &value, NULL, NULL, s->scratch, error);
        if (code) return code;
        out->prior_loss += value / BATCHES;
    }
    return LB_OK;
}

/* Goods and defects that the loss sees, of images or of pixels. */
static loss_counts counts_of(const session *s) {
    const dataset_items *train = &s->d->sets[SET_TRAIN];
    const double goods = (double)train->goods, defects = (double)(train->count - train->goods);
    const int balanced = s->t->sampler == SAMPLER_BALANCED;
    const double half = (double)train->count / 2;
    if (!s->t->per_pixel) return (loss_counts){balanced ? half : goods, balanced ? half : defects};
    const double defect = (double)mask_defect_pixels(train, s->outputs) * (balanced ? half / defects : 1);
    return (loss_counts){(double)(train->count * s->outputs) - defect, defect};
}

static int session_open(session *s, lb_error *error) {
    const trial *t = s->t;
    const dataset_items *train = &s->d->sets[SET_TRAIN];
    const int balanced = t->sampler == SAMPLER_BALANCED;
    const size_t defects = train->count - train->goods;
    const nn_shape shape = {s->d->height, s->d->width, s->d->channels};
    s->outputs = t->per_pixel ? s->d->height * s->d->width : 1;
    int code = t->per_pixel ? mask_scores_check(t, s->d, error) : LB_OK;
    if (code) return code;
    s->net = nn_net_new(t->model, shape, s->outputs, t->batch, error);
    s->l = loss_parse(t->loss, error);
    if (!s->net || !s->l) return error ? (int)error->code : LB_INVALID;
    const loss_counts counts = counts_of(s);
    s->prior = counts.defect / (counts.good + counts.defect);
    code = loss_resolve(s->l, &counts, error);
    if (code) return code;
    const size_t n = t->batch * s->outputs;
    s->input = malloc(t->batch * input_size(s->d) * sizeof *s->input);
    s->logits = calloc(n, sizeof *s->logits);
    s->target = calloc(n, sizeof *s->target);
    s->gradient = calloc(n, sizeof *s->gradient);
    const loss_batch batch = batch_of(s);
    const size_t scratch = loss_scratch(s->l, &batch);
    s->scratch = malloc(scratch ? scratch : 1);
    const int ready =
        balanced ? epoch_start(&s->epochs[0], 0, train->goods) && epoch_start(&s->epochs[1], train->goods, defects)
                 : epoch_start(&s->epochs[0], 0, train->count);
    if (!s->input || !s->logits || !s->target || !s->gradient || !s->scratch || !ready)
        return lb_fail_memory(error, "a training run");
    return LB_OK;
}

static void session_close(session *s) {
    nn_net_free(s->net);
    loss_free(s->l);
    free(s->epochs[0].items);
    free(s->epochs[1].items);
    free(s->input);
    free(s->logits);
    free(s->target);
    free(s->gradient);
    free(s->scratch);
}

/* The streams are named by data and seed only: every loss sees the same weights and the same batches. */
static rng stream_of(const trial *t, const char *purpose) {
    char name[SPEC_MAX_TEXT + 80];
    snprintf(name, sizeof name, "%s|%s|seed=%u|%c", purpose, t->content, t->seed, t->streams);
    return rng_from_text(name);
}

/* One step; returns 0 when the loss is no longer finite. */
static int train_step(session *s, double rate, double *value) {
    load_batch(s);
    nn_net_forward(s->net, s->input, s->t->batch, s->logits);
    const loss_batch batch = batch_of(s);
    lb_error ignored;
    if (loss_eval(s->l, &batch, LOSS_MEAN, value, NULL, s->gradient, s->scratch, &ignored)) return 0;
    const nn_optimiser adam = {.kind = NN_ADAM,
                               .learning_rate = rate,
                               .weight_decay = s->t->weight_decay,
                               .momentum = 0.9,
                               .beta2 = 0.999,
                               .epsilon = 1e-8};
    nn_net_backward(s->net, s->gradient, s->t->batch);
    nn_net_step(s->net, &adam);
    return isfinite(*value);
}

/* Scores the test set as "test@k" at checkpoint k of n. The last one is "test". */
static int checkpoint(session *s, size_t done, size_t steps, trial_result *out, lb_error *error) {
    for (unsigned k = 1; k < s->t->checkpoints; k++) {
        char name[24];
        snprintf(name, sizeof name, "test@%u", k);
        if (done == steps * k / s->t->checkpoints) return score_set(s, SET_TEST, name, out, error);
    }
    return LB_OK;
}

static int train(session *s, trial_result *out, lb_error *error) {
    const size_t steps = s->t->visits / s->t->batch, tail = steps - steps / 10;
    float *curve = trial_result_add(out, "train_loss", LOSS_CURVE, 0);
    if (!curve) return lb_fail_memory(error, "the loss curve");
    double tail_sum = 0;
    for (size_t step = 0; step < steps; step++) {
        double value = 0;
        if (!train_step(s, rate_at(s->t, step, steps), &value)) {
            out->outcome = OUTCOME_DIVERGED;
            return LB_OK;
        }
        curve[step * LOSS_CURVE / steps] += (float)(value * LOSS_CURVE / (double)steps);
        if (step >= tail) tail_sum += value;
        const int code = checkpoint(s, step + 1, steps, out, error);
        if (code) return code;
    }
    out->train_loss = tail_sum / (double)(steps - tail);
    return LB_OK;
}

/* What the report says of the data, so that it need not open them again. */
static int note_data(const session *s, trial_result *out, lb_error *error) {
    const dataset *d = s->d;
    float *facts = trial_result_add(out, "data", DATA_FACTS, 0);
    if (!facts) return lb_fail_memory(error, "the data's counts");
    facts[DATA_HEIGHT] = (float)d->height;
    facts[DATA_WIDTH] = (float)d->width;
    facts[DATA_INDEPENDENT] = (float)d->independent;
    facts[DATA_DUPLICATES] = (float)d->duplicates;
    facts[DATA_CONFLICTS] = (float)d->conflicts;
    for (int set = 0; set < SET_COUNT; set++) {
        facts[DATA_GOODS + set] = (float)d->sets[set].goods;
        facts[DATA_DEFECTS + set] = (float)(d->sets[set].count - d->sets[set].goods);
    }
    return LB_OK;
}

static int note_parameters(const session *s, trial_result *out, lb_error *error) {
    float *values = trial_result_add(out, "parameters", nn_net_parameters(s->net), 0);
    if (!values) return lb_fail_memory(error, "the parameters of a net");
    nn_net_get(s->net, values);
    return LB_OK;
}

static int train_and_score(session *s, trial_result *out, lb_error *error) {
    int code = session_open(s, error);
    if (!code) code = note_data(s, out, error);
    if (!code && s->t->per_pixel) code = mask_scores_begin(s->d, s->prior, out, error);
    if (!code)
        code = s->t->per_pixel ? measure_mask_prior(s, stream_of(s->t, "prior"), out, error)
                               : measure_label_prior(s, out, error);
    if (code) return code;
    s->scale = input_scale_of(s->d);
    rng init = stream_of(s->t, "init");
    s->order = stream_of(s->t, "order");
    nn_net_init(s->net, &init, s->t->bias == BIAS_PRIOR ? (float)out->prior_logit : 0.0f);
    code = train(s, out, error);
    if (!code) code = score_set(s, SET_SELECT, "select", out, error);
    if (!code) code = score_set(s, SET_CALIBRATE, "calibrate", out, error);
    if (!code) code = score_set(s, SET_TEST, "test", out, error);
    if (!code && s->t->per_pixel) code = note_parameters(s, out, error);
    out->weights = nn_net_hash(s->net);
    return code;
}

int trial_run(const trial *t, const dataset *d, trial_result *out, lb_error *error) {
    struct timespec begin, end;
    session s = {.t = t, .d = d};
    *out = (trial_result){0};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    const int code = train_and_score(&s, out, error);
    clock_gettime(CLOCK_MONOTONIC, &end);
    out->seconds = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
    session_close(&s);
    if (code) trial_result_free(out);
    return code;
}
