#include "experiments/harness/trial.h"

#include "experiments/harness/objective.h"
#include "experiments/harness/simulation_trial.h"
#include "experiments/harness/train_task.h"

#include "lib/base/hash.h"
#include "lib/nn/nn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *const trial_outcome_names[] = {"ok", "diverged", "crashed", "timeout", NULL};

dataset_request trial_request(const trial *t, const char *search) {
    static const unsigned want[] = {[TASK_MASK] = DATASET_MASKS, [TASK_BOX] = DATASET_BOXES};
    return (dataset_request){.ratio = t->ratio,
                             .seed = t->seed,
                             .want = t->task < sizeof want / sizeof *want ? want[t->task] : 0,
                             .search = search};
}

static trial_task task_of_model(const char *model) {
    static const trial_task tasks[] = {[NN_IMAGE] = TASK_IMAGE, [NN_PIXEL] = TASK_MASK, [NN_CELL] = TASK_BOX};
    return tasks[nn_model_output(model)];
}

int trial_prepare(trial *t, const char *search, lb_error *error) {
    if (strcmp(t->model, SIMULATION_MODEL) == 0) return simulation_trial_prepare(t, error);
    const dataset_request request = trial_request(t, search);
    int code = t->content[0] ? LB_OK : dataset_text(t->data, &request, t->content, sizeof t->content, error);
    if (!code) code = nn_model_text(t->model, t->model_text, sizeof t->model_text, error);
    if (code) return code;
    t->task = objective_task(task_of_model(t->model), t->loss);
    objective *goal = objective_parse(t->task, t->loss, error);
    if (!goal) return error ? (int)error->code : LB_INVALID;
    if (snprintf(t->loss_text, sizeof t->loss_text, "%s", objective_text(goal)) >= (int)sizeof t->loss_text)
        code = lb_fail(error, LB_INVALID, "loss '%s' is longer than %d characters", t->loss, SPEC_MAX_TEXT);
    objective_free(goal);
    return code;
}

void trial_describe(const trial *t, char *out) {
    if (t->task == TASK_SIMULATION) {
        simulation_trial_describe(t, out);
        return;
    }
    snprintf(out, TRIAL_TEXT,
             "trial %d\ndata %s seed=%u\nmodel %s\nloss %s\n"
             "train visits=%u batch=%u optimiser=adam learning_rate=%.6g weight_decay=%.6g bias=%s sampler=%s "
             "checkpoints=%u\nstreams %c\n",
             TRIAL_VERSION, t->content, t->seed, t->model_text, t->loss_text, t->visits, t->batch, t->learning_rate,
             t->weight_decay, t->bias == BIAS_PRIOR ? "prior" : "0",
             t->sampler == SAMPLER_NATURAL ? "natural" : "balanced", t->checkpoints, t->streams);
    const size_t used = strlen(out);
    if (t->task == TASK_TYPES) snprintf(out + used, TRIAL_TEXT - used, "types %d\n", TYPES_VERSION);
    if (t->task == TASK_MASK) snprintf(out + used, TRIAL_TEXT - used, "masks %d\n", MASK_VERSION);
    if (t->task == TASK_BOX) snprintf(out + used, TRIAL_TEXT - used, "boxes %d\n", BOX_VERSION);
}

void trial_key(const trial *t, char out[TRIAL_KEY]) {
    char description[TRIAL_TEXT];
    trial_describe(t, description);
    snprintf(out, TRIAL_KEY, "%016" PRIx64, hash64_text(description));
}

const trial_array *trial_result_find(const trial_result *r, const char *name) {
    for (size_t i = 0; i < r->array_count; i++)
        if (strcmp(r->arrays[i].name, name) == 0) return &r->arrays[i];
    return NULL;
}

float *trial_result_add(trial_result *r, const char *name, size_t count, size_t goods) {
    if (r->array_count == TRIAL_MAX_ARRAYS) return NULL;
    trial_array *a = &r->arrays[r->array_count];
    a->data = calloc(count ? count : 1, sizeof *a->data);
    if (!a->data) return NULL;
    snprintf(a->name, sizeof a->name, "%s", name);
    a->count = (uint32_t)count;
    a->goods = (uint32_t)goods;
    r->array_count++;
    return a->data;
}

void trial_result_free(trial_result *r) {
    for (size_t i = 0; i < r->array_count; i++) free(r->arrays[i].data);
    *r = (trial_result){0};
}

uint64_t trial_scores_hash(const trial_result *r) {
    uint64_t state = HASH64_START;
    for (size_t i = 0; i < r->array_count; i++)
        state = hash64_add(state, r->arrays[i].data, r->arrays[i].count * sizeof(float));
    return hash64_finish(state);
}

int trial_check(const trial *t, const dataset *d, lb_error *error) {
    const task_type *task = task_of(t);
    return task && task->check ? task->check(t, d, error) : LB_OK;
}

int trial_run(const trial *t, const dataset *d, trial_result *out, lb_error *error) {
    struct timespec begin, end;
    *out = (trial_result){0};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    const int code = t->task == TASK_SIMULATION ? simulation_trial_run(t, out, error) : train_trial(t, d, out, error);
    clock_gettime(CLOCK_MONOTONIC, &end);
    out->seconds = (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec);
    if (code) trial_result_free(out);
    return code;
}
