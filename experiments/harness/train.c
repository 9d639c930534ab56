/* The training loop: the one place where a network, an objective and a data set meet. */
#include "experiments/harness/train_task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOSS_CURVE = 40 };

/* Order of visits: `natural` walks shuffled epochs over all items; `balanced` walks goods and defects apart. */
typedef struct {
    uint32_t *items;
    size_t count, at;
} epoch;

typedef struct {
    session s;
    const task_type *task;
    rng order;
    epoch epochs[2]; /* natural: [0] only; balanced: goods, defects */
} run;

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

static int balanced(const session *s) { return s->t->sampler == SAMPLER_BALANCED; }

size_t session_draw(const session *s, size_t place, rng *stream) {
    const dataset_items *train = &s->d->sets[SET_TRAIN];
    const size_t goods = train->goods, defects = train->count - goods;
    const int defect = balanced(s) && place % 2;
    const size_t many = !balanced(s) ? train->count : defect ? defects : goods;
    return (defect ? goods : 0) + rng_below(stream, (uint32_t)many);
}

double session_weight(const session *s, int is_defect) {
    const dataset_items *train = &s->d->sets[SET_TRAIN];
    const double half = (double)train->count / 2;
    if (!balanced(s)) return 1;
    return half / (double)(is_defect ? train->count - train->goods : train->goods);
}

static void load_batch(run *r) {
    session *s = &r->s;
    const dataset_items *train = &s->d->sets[SET_TRAIN];
    for (size_t i = 0; i < s->t->batch; i++) {
        const uint32_t item = epoch_next(&r->epochs[balanced(s) && i % 2], &r->order);
        input_load(&s->scale, s->d, train, item, s->input + i * input_size(s->d));
        r->task->target(s, train, item, i);
    }
}

/* Warm-up over the first tenth, then a straight line to zero: the same for every loss. */
static double rate_at(const trial *t, size_t step, size_t steps) {
    const double warm = (double)steps / 10, at = (double)step + 0.5;
    return t->learning_rate * (at < warm ? at / warm : ((double)steps - at) / ((double)steps - warm));
}

/* output is [count][outputs] */
static void forward_items(session *s, const dataset_items *set, float *output) {
    for (size_t from = 0; from < set->count; from += s->t->batch) {
        const size_t n = set->count - from < s->t->batch ? set->count - from : s->t->batch;
        for (size_t i = 0; i < n; i++) input_load(&s->scale, s->d, set, from + i, s->input + i * input_size(s->d));
        nn_net_forward(s->net, s->input, n, output + from * s->outputs);
    }
}

static int score_set(run *r, dataset_set which, const char *name, trial_result *out, lb_error *error) {
    const dataset_items *set = &r->s.d->sets[which];
    float *output = malloc((set->count ? set->count : 1) * r->s.outputs * sizeof *output);
    if (!output) return lb_fail_memory(error, "the scores of a set");
    forward_items(&r->s, set, output);
    const int code = r->task->score(&r->s, which, name, output, out, error);
    free(output);
    return code;
}

/* --- a run ------------------------------------------------------------------------------------------------------- */

static int make_room(run *r, lb_error *error) {
    session *s = &r->s;
    const dataset_items *train = &s->d->sets[SET_TRAIN];
    const nn_shape output = nn_net_output(s->net);
    s->outputs = output.height * output.width * output.channels;
    s->input = malloc(s->t->batch * input_size(s->d) * sizeof *s->input);
    s->output = calloc(s->t->batch * s->outputs, sizeof *s->output);
    s->gradient = calloc(s->t->batch * s->outputs, sizeof *s->gradient);
    s->head_bias = calloc(output.channels, sizeof *s->head_bias);
    const int ready = balanced(s) ? epoch_start(&r->epochs[0], 0, train->goods) &&
                                        epoch_start(&r->epochs[1], train->goods, train->count - train->goods)
                                  : epoch_start(&r->epochs[0], 0, train->count);
    if (!s->input || !s->output || !s->gradient || !s->head_bias || !ready)
        return lb_fail_memory(error, "a training run");
    return LB_OK;
}

static int check_sampler(const session *s, lb_error *error) {
    if (!balanced(s) || s->d->sets[SET_TRAIN].goods) return LB_OK;
    return lb_fail(error, LB_INVALID, "data set '%s' has no goods to balance its defects with: use sampler=natural",
                   s->t->data);
}

static int run_open(run *r, lb_error *error) {
    session *s = &r->s;
    const nn_shape shape = {s->d->height, s->d->width, s->d->channels};
    int code = r->task->check ? r->task->check(s->t, s->d, error) : LB_OK;
    if (!code) code = check_sampler(s, error);
    if (code) return code;
    s->net = nn_net_new(s->t->model, shape, r->task->channels(s->d), s->t->batch, error);
    s->goal = s->net ? objective_parse(s->t->task, s->t->loss, error) : NULL;
    if (!s->goal) return error ? (int)error->code : LB_INVALID;
    code = make_room(r, error);
    return code ? code : r->task->open(s, error);
}

static void run_close(run *r) {
    session *s = &r->s;
    if (s->own) r->task->close(s);
    nn_net_free(s->net);
    objective_free(s->goal);
    free(r->epochs[0].items);
    free(r->epochs[1].items);
    free(s->input);
    free(s->output);
    free(s->gradient);
    free(s->head_bias);
}

/* The streams are named by data and seed only: every loss sees the same weights and the same batches. */
static rng stream_of(const trial *t, const char *purpose) {
    char name[SPEC_MAX_TEXT + 80];
    snprintf(name, sizeof name, "%s|%s|seed=%u|%c", purpose, t->content, t->seed, t->streams);
    return rng_from_text(name);
}

/* One step; returns 0 when the loss is no longer finite. */
static int train_step(run *r, double rate, double *value) {
    session *s = &r->s;
    lb_error ignored;
    load_batch(r);
    nn_net_forward(s->net, s->input, s->t->batch, s->output);
    if (r->task->evaluate(s, s->t->batch, value, &ignored)) return 0;
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
static int checkpoint(run *r, size_t done, size_t steps, trial_result *out, lb_error *error) {
    const unsigned checkpoints = r->s.t->checkpoints;
    for (unsigned k = 1; k < checkpoints; k++) {
        char name[24];
        snprintf(name, sizeof name, "test@%u", k);
        if (done == steps * k / checkpoints) return score_set(r, SET_TEST, name, out, error);
    }
    return LB_OK;
}

static int train(run *r, trial_result *out, lb_error *error) {
    const size_t steps = r->s.t->visits / r->s.t->batch, tail = steps - steps / 10;
    float *curve = trial_result_add(out, "train_loss", LOSS_CURVE, 0);
    if (!curve) return lb_fail_memory(error, "the loss curve");
    double tail_sum = 0;
    for (size_t step = 0; step < steps; step++) {
        double value = 0;
        if (!train_step(r, rate_at(r->s.t, step, steps), &value)) {
            out->outcome = OUTCOME_DIVERGED;
            return LB_OK;
        }
        curve[step * LOSS_CURVE / steps] += (float)(value * LOSS_CURVE / (double)steps);
        if (step >= tail) tail_sum += value;
        const int code = checkpoint(r, step + 1, steps, out, error);
        if (code) return code;
    }
    out->train_loss = tail_sum / (double)(steps - tail);
    return LB_OK;
}

/* What the report says of the data, so that it need not open them again. */
static int note_data(const dataset *d, trial_result *out, lb_error *error) {
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

static int train_and_score(run *r, trial_result *out, lb_error *error) {
    session *s = &r->s;
    int code = run_open(r, error);
    if (!code) code = note_data(s->d, out, error);
    if (!code) code = r->task->begin(s, stream_of(s->t, "prior"), out, error);
    if (code) return code;
    s->scale = input_scale_of(s->d);
    rng init = stream_of(s->t, "init");
    r->order = stream_of(s->t, "order");
    nn_net_init(s->net, &init);
    if (s->t->bias == BIAS_PRIOR) nn_net_set_head_bias(s->net, s->head_bias);
    code = train(r, out, error);
    if (!code) code = score_set(r, SET_SELECT, "select", out, error);
    if (!code) code = score_set(r, SET_CALIBRATE, "calibrate", out, error);
    if (!code) code = score_set(r, SET_TEST, "test", out, error);
    if (!code && r->task->keeps_net) code = note_parameters(s, out, error);
    out->weights = nn_net_hash(s->net);
    return code;
}

const task_type *task_of(const trial *t) {
    static const task_type *const tasks[] = {[TASK_IMAGE] = &task_image,
                                             [TASK_TYPES] = &task_types,
                                             [TASK_MASK] = &task_mask,
                                             [TASK_BOX] = &task_box,
                                             [TASK_SIMULATION] = NULL};
    return tasks[t->task];
}

int train_trial(const trial *t, const dataset *d, trial_result *out, lb_error *error) {
    run r = {.s = {.t = t, .d = d}, .task = task_of(t)};
    const int code = train_and_score(&r, out, error);
    run_close(&r);
    return code;
}
