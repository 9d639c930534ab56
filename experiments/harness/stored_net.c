#include "experiments/harness/stored_net.h"

#include "experiments/harness/box_cells.h"
#include "experiments/harness/mask_scores.h"
#include "experiments/harness/train_task.h"
#include "lib/metrics/mask_metrics.h"

#include <stdlib.h>

static int open_net(const trial *t, const dataset *d, const trial_result *r, size_t batch, nn_net **out,
                    lb_error *error) {
    const trial_array *parameters = trial_result_find(r, "parameters");
    const nn_shape shape = {d->height, d->width, d->channels};
    *out = nn_net_new(t->model, shape, task_of(t)->channels(d), batch, error);
    if (!*out) return error ? (int)error->code : LB_INVALID;
    if (parameters && parameters->count == nn_net_parameters(*out)) {
        nn_net_set(*out, parameters->data);
        return LB_OK;
    }
    nn_net_free(*out);
    return lb_fail(error, LB_VERSION,
                   "the store holds no parameters that fit model '%s': choose another OUT to train anew", t->model);
}

static size_t outputs_of(const nn_net *net) {
    const nn_shape shape = nn_net_output(net);
    return shape.height * shape.width * shape.channels;
}

static int forward(nn_net *net, const dataset *d, const uint32_t *items, size_t count, size_t batch, float *output,
                   lb_error *error) {
    const input_scale scale = input_scale_of(d);
    float *input = malloc(batch * input_size(d) * sizeof *input);
    if (!input) return lb_fail_memory(error, "the input of a stored net");
    for (size_t from = 0; from < count; from += batch) {
        const size_t n = count - from < batch ? count - from : batch;
        for (size_t i = 0; i < n; i++)
            input_load(&scale, d, &d->sets[SET_TEST], items[from + i], input + i * input_size(d));
        nn_net_forward(net, input, n, output + from * outputs_of(net));
    }
    free(input);
    return LB_OK;
}

/* --- the scores of images, as the trial scored them --------------------------------------------------------------- */

static int mask_scores_of(const dataset *d, const float *output, size_t count, float *score, lb_error *error) {
    const size_t area = d->height * d->width, top = mask_top(area);
    float *room = malloc(top * sizeof *room);
    if (!room) return lb_fail_memory(error, "the scores of images");
    for (size_t i = 0; i < count; i++) score[i] = metric_top_mean(output + i * area, area, top, room);
    free(room);
    return LB_OK;
}

static int box_scores_of(const dataset *d, const float *output, size_t count, float *score, lb_error *error) {
    const detector_grid g = detector_grid_of(d);
    metric_box *room = malloc(detector_cells(&g) * sizeof *room);
    if (!room) return lb_fail_memory(error, "the scores of images");
    for (size_t i = 0; i < count; i++) {
        int finite;
        detector_find(&g, output + i * detector_cells(&g) * detector_channels(&g), 0, room, &finite);
        score[i] = room->score;
    }
    free(room);
    return LB_OK;
}

static int check_scores(const trial *t, const dataset *d, const trial_result *r, const uint32_t *items, size_t count,
                        const float *output, lb_error *error) {
    const trial_array *stored = trial_result_find(r, "test");
    float *score = malloc(count * sizeof *score);
    if (!score) return lb_fail_memory(error, "the scores of images");
    const int code = t->task == TASK_BOX ? box_scores_of(d, output, count, score, error)
                                         : mask_scores_of(d, output, count, score, error);
    int same = stored && stored->count == d->sets[SET_TEST].count;
    for (size_t i = 0; !code && same && i < count; i++) same = score[i] == stored->data[items[i]];
    free(score);
    if (code || same) return code;
    return lb_fail(error, LB_VERSION,
                   "the stored net of loss '%s' on '%s' no longer gives the scores in the store: the code has changed "
                   "since; choose another OUT to train anew",
                   t->loss, t->data);
}

int stored_net_ask(const trial *t, const dataset *d, const trial_result *r, const uint32_t *items, size_t count,
                   float *output, lb_error *error) {
    const size_t batch = count < t->batch ? count : t->batch;
    if (!count) return LB_OK;
    nn_net *net;
    int code = open_net(t, d, r, batch, &net, error);
    if (code) return code;
    code = forward(net, d, items, count, batch, output, error);
    nn_net_free(net);
    return code ? code : check_scores(t, d, r, items, count, output, error);
}
