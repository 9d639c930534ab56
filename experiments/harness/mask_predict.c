#include "experiments/harness/mask_predict.h"

#include "experiments/harness/input_scale.h"
#include "lib/metrics/mask_metrics.h"
#include "lib/nn/nn.h"

#include <stdlib.h>

static int stored_net(const trial *t, const dataset *d, const trial_result *r, size_t batch, nn_net **out,
                      lb_error *error) {
    const trial_array *parameters = trial_result_find(r, "parameters");
    const nn_shape shape = {d->height, d->width, d->channels};
    *out = nn_net_new(t->model, shape, d->height * d->width, batch, error);
    if (!*out) return error ? (int)error->code : LB_INVALID;
    if (parameters && parameters->count == nn_net_parameters(*out)) {
        nn_net_set(*out, parameters->data);
        return LB_OK;
    }
    nn_net_free(*out);
    return lb_fail(error, LB_VERSION,
                   "the store holds no parameters that fit model '%s': choose another OUT to train anew", t->model);
}

static int forward(nn_net *net, const dataset *d, const uint32_t *items, size_t count, size_t batch, float *logit,
                   lb_error *error) {
    const input_scale scale = input_scale_of(d);
    float *input = malloc(batch * input_size(d) * sizeof *input);
    if (!input) return lb_fail_memory(error, "the input of a stored net");
    for (size_t from = 0; from < count; from += batch) {
        const size_t n = count - from < batch ? count - from : batch;
        for (size_t i = 0; i < n; i++)
            input_load(&scale, d, &d->sets[SET_TEST], items[from + i], input + i * input_size(d));
        nn_net_forward(net, input, n, logit + from * d->height * d->width);
    }
    free(input);
    return LB_OK;
}

static int check_scores(const trial *t, const dataset *d, const trial_result *r, const uint32_t *items, size_t count,
                        const float *logit, lb_error *error) {
    const trial_array *stored = trial_result_find(r, "test");
    const size_t area = d->height * d->width, top = mask_top(area);
    float *room = malloc(top * sizeof *room);
    if (!room) return lb_fail_memory(error, "the scores of images");
    int same = stored && stored->count == d->sets[SET_TEST].count;
    for (size_t i = 0; same && i < count; i++)
        same = metric_top_mean(logit + i * area, area, top, room) == stored->data[items[i]];
    free(room);
    if (same) return LB_OK;
    return lb_fail(error, LB_VERSION,
                   "the stored net of loss '%s' on '%s' no longer gives the scores in the store: the code has changed "
                   "since; choose another OUT to train anew",
                   t->loss, t->data);
}

int mask_predict(const trial *t, const dataset *d, const trial_result *r, const uint32_t *items, size_t count,
                 float *logit, lb_error *error) {
    const size_t batch = count < t->batch ? count : t->batch;
    if (!count) return LB_OK;
    nn_net *net;
    int code = stored_net(t, d, r, batch, &net, error);
    if (code) return code;
    code = forward(net, d, items, count, batch, logit, error);
    nn_net_free(net);
    return code ? code : check_scores(t, d, r, items, count, logit, error);
}
