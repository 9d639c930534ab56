#include "experiments/harness/trial.h"

#include "lib/base/hash.h"
#include "lib/loss/loss.h"
#include "lib/nn/nn.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const trial_outcome_names[] = {"ok", "diverged", "crashed", "timeout", NULL};

dataset_request trial_request(const trial *t, const char *search) {
    return (dataset_request){
        .ratio = t->ratio, .seed = t->seed, .want = t->per_pixel ? DATASET_MASKS : 0, .search = search};
}

static int check_kind(const trial *t, const loss *l, lb_error *error) {
    const loss_kind kind = loss_kind_of(l);
    if (kind == LOSS_BINARY || (kind == LOSS_MASK && t->per_pixel)) return LB_OK;
    if (kind == LOSS_MASK)
        return lb_fail(error, LB_INVALID,
                       "loss '%s' is for masks, not for good/defect classification: choose a model that gives masks, "
                       "such as unet",
                       t->loss);
    return lb_fail(error, LB_INVALID, "loss '%s' is not for %s", t->loss,
                   t->per_pixel ? "masks" : "good/defect classification");
}

int trial_prepare(trial *t, const char *search, lb_error *error) {
    const dataset_request request = trial_request(t, search);
    int code = t->content[0] ? LB_OK : dataset_text(t->data, &request, t->content, sizeof t->content, error);
    if (!code) code = nn_model_text(t->model, t->model_text, sizeof t->model_text, error);
    if (code) return code;
    t->per_pixel = nn_model_per_pixel(t->model);
    loss *l = loss_parse(t->loss, error);
    if (!l) return error ? (int)error->code : LB_INVALID;
    code = check_kind(t, l, error);
    if (!code && snprintf(t->loss_text, sizeof t->loss_text, "%s", loss_text(l)) >= (int)sizeof t->loss_text)
        code = lb_fail(error, LB_INVALID, "loss '%s' is longer than %d characters", t->loss, SPEC_MAX_TEXT);
    loss_free(l);
    return code;
}

void trial_describe(const trial *t, char *out) {
    snprintf(out, TRIAL_TEXT,
             "trial %d\ndata %s seed=%u\nmodel %s\nloss %s\n"
             "train visits=%u batch=%u optimiser=adam learning_rate=%.6g weight_decay=%.6g bias=%s sampler=%s "
             "checkpoints=%u\nstreams %c\n",
             TRIAL_VERSION, t->content, t->seed, t->model_text, t->loss_text, t->visits, t->batch, t->learning_rate,
             t->weight_decay, t->bias == BIAS_PRIOR ? "prior" : "0",
             t->sampler == SAMPLER_NATURAL ? "natural" : "balanced", t->checkpoints, t->streams);
    const size_t used = strlen(out);
    if (t->per_pixel) snprintf(out + used, TRIAL_TEXT - used, "masks %d\n", MASK_VERSION);
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
