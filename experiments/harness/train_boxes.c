/* The task of boxes: three heads, each with its loss (objective.h), over the cells of a grid (box_cells.h). */
#include "experiments/harness/box_scores.h"
#include "experiments/harness/train_task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    loss *l;
    float *input, *target, *gradient;
    void *scratch;
} head;

typedef struct {
    detector_grid grid;
    head heads[OBJECTIVE_HEADS];
    size_t *first;  /* of the boxes of train, by image: box_index */
    int32_t *owner; /* [batch][cells]: box of train, or -1 */
    double share;   /* share of cells that a box owns, as sampled */
    size_t *place;  /* [batch * cells]: cell of the batch of each row of the box head */
} own_room;

static size_t cells_of(const own_room *own) { return detector_cells(&own->grid); }

static size_t channels(const dataset *d) {
    const detector_grid g = detector_grid_of(d);
    return detector_channels(&g);
}

/* --- room ----------------------------------------------------------------------------------------------------------
 */

static loss_batch batch_of(const head *h, objective_head which, size_t n) {
    return (loss_batch){.images = which == HEAD_BOX ? n : 1,
                        .channels = which == HEAD_BOX ? 4 : 1,
                        .pixels = which == HEAD_BOX ? 1 : n,
                        .input = h->input,
                        .target = h->target};
}

static int open_head(session *s, objective_head which, const loss_counts *counts, size_t most, lb_error *error) {
    own_room *own = s->own;
    head *h = &own->heads[which];
    const size_t numbers = which == HEAD_BOX ? 4 * most : most;
    h->l = objective_head_loss(s->goal, which);
    const int code = loss_resolve(h->l, counts, error);
    if (code) return code;
    h->input = calloc(numbers, sizeof *h->input);
    h->target = calloc(numbers, sizeof *h->target);
    h->gradient = calloc(numbers, sizeof *h->gradient);
    const loss_batch batch = batch_of(h, which, most);
    const size_t scratch = loss_scratch(h->l, &batch);
    h->scratch = malloc(scratch ? scratch : 1);
    return h->input && h->target && h->gradient && h->scratch ? LB_OK : lb_fail_memory(error, "a training run");
}

static size_t assign(own_room *own, const dataset_items *set, size_t item, int32_t *owner) {
    const size_t first = own->first[item];
    const size_t lost = detector_assign(&own->grid, set->boxes + first, own->first[item + 1] - first, owner);
    for (size_t i = 0; i < cells_of(own); i++)
        if (owner[i] >= 0) owner[i] += (int32_t)first;
    return lost;
}

/* Share of the cells that a box owns, each image weighted as the sampler shows it. */
static void measure_share(session *s) {
    own_room *own = s->own;
    const dataset_items *train = &s->d->sets[SET_TRAIN];
    double owned = 0;
    for (size_t item = 0; item < train->count; item++) {
        size_t here = 0;
        assign(own, train, item, own->owner);
        for (size_t i = 0; i < cells_of(own); i++) here += own->owner[i] >= 0;
        owned += (double)here * session_weight(s, item >= train->goods);
    }
    own->share = owned / ((double)train->count * (double)cells_of(own));
}

static int open_heads(session *s, lb_error *error) {
    own_room *own = s->own;
    const double cells = (double)s->d->sets[SET_TRAIN].count * (double)cells_of(own), owned = own->share * cells;
    const size_t most = s->t->batch * cells_of(own);
    const loss_counts of_cells = {cells - owned, owned};
    const loss_counts of_types = {cells * (double)own->grid.types - owned, owned};
    int code = open_head(s, HEAD_CLS, &of_types, most * own->grid.types, error);
    if (!code) code = open_head(s, HEAD_OBJ, &of_cells, most, error);
    return code ? code : open_head(s, HEAD_BOX, &of_cells, most, error);
}

static int boxes_open(session *s, lb_error *error) {
    own_room *own = s->own = calloc(1, sizeof *own);
    if (!own) return lb_fail_memory(error, "a training run");
    own->grid = detector_grid_of(s->d);
    const size_t most = s->t->batch * cells_of(own);
    own->first = box_index(&s->d->sets[SET_TRAIN]);
    own->owner = calloc(most, sizeof *own->owner);
    own->place = calloc(most, sizeof *own->place);
    if (!own->first || !own->owner || !own->place) return lb_fail_memory(error, "a training run");
    measure_share(s);
    return open_heads(s, error);
}

static void boxes_close(session *s) {
    own_room *own = s->own;
    for (int i = 0; i < OBJECTIVE_HEADS; i++) {
        free(own->heads[i].input);
        free(own->heads[i].target);
        free(own->heads[i].gradient);
        free(own->heads[i].scratch);
    }
    free(own->first);
    free(own->owner);
    free(own->place);
    free(own);
}

/* --- the objective -------------------------------------------------------------------------------------------------
 */

static void boxes_target(session *s, const dataset_items *set, size_t item, size_t place) {
    own_room *own = s->own;
    assign(own, set, item, own->owner + place * cells_of(own));
}

/* Fills the box head's rows with what owned cells predict and ought to; returns their number. */
static size_t gather_boxes(session *s, size_t images) {
    own_room *own = s->own;
    const detector_grid *g = &own->grid;
    const dataset_items *train = &s->d->sets[SET_TRAIN];
    const size_t cells = cells_of(own);
    size_t rows = 0;
    for (size_t i = 0; i < images * cells; i++) {
        if (own->owner[i] < 0) continue;
        const size_t cell = i % cells;
        const dataset_box *b = &train->boxes[own->owner[i]];
        const float corners[4] = {b->x1, b->y1, b->x2, b->y2};
        detector_decode(g, s->output + i * detector_channels(g), cell / g->columns, cell % g->columns,
                        own->heads[HEAD_BOX].input + 4 * rows);
        for (size_t k = 0; k < 4; k++) own->heads[HEAD_BOX].target[4 * rows + k] = corners[k] / DETECTOR_STRIDE;
        own->place[rows++] = i;
    }
    return rows;
}

static float overlap(const float *a, const float *b) {
    const metric_box first = {.x1 = a[0], .y1 = a[1], .x2 = a[2], .y2 = a[3]};
    const metric_box second = {.x1 = b[0], .y1 = b[1], .x2 = b[2], .y2 = b[3]};
    return (float)metric_box_iou(&first, &second);
}

/* Fills the rows of both logit heads; the first `owned` rows of the box head are filled already. */
static void gather_logits(session *s, size_t images, size_t owned) {
    own_room *own = s->own;
    head *cls = &own->heads[HEAD_CLS], *obj = &own->heads[HEAD_OBJ];
    const head *box = &own->heads[HEAD_BOX];
    const size_t types = own->grid.types, stride = detector_channels(&own->grid), n = images * cells_of(own);
    for (size_t i = 0; i < n; i++) {
        const float *cell = s->output + i * stride;
        memcpy(cls->input + i * types, cell, types * sizeof *cell);
        obj->input[i] = cell[types];
        obj->target[i] = own->owner[i] >= 0;
    }
    memset(cls->target, 0, n * types * sizeof *cls->target);
    for (size_t row = 0; row < owned; row++) {
        const size_t i = own->place[row], type = s->d->sets[SET_TRAIN].boxes[own->owner[i]].type - 1;
        cls->target[i * types + type] =
            objective_soft(s->goal) ? overlap(box->input + 4 * row, box->target + 4 * row) : 1.0f;
    }
}

static int evaluate_head(own_room *own, objective_head which, size_t n, double factor, double *sum, lb_error *error) {
    head *h = &own->heads[which];
    const loss_batch batch = batch_of(h, which, n);
    double value;
    if (!n) return LB_OK;
    const int code = loss_eval(h->l, &batch, LOSS_SUM, &value, NULL, h->gradient, h->scratch, error);
    const size_t numbers = which == HEAD_BOX ? 4 * n : n;
    for (size_t i = 0; !code && i < numbers; i++) h->gradient[i] *= (float)factor;
    *sum += factor * value;
    return code;
}

/* The gradients of the three heads, each in its rows, to that of the output. */
static void scatter(session *s, size_t images, size_t owned) {
    own_room *own = s->own;
    const detector_grid *g = &own->grid;
    const size_t types = g->types, stride = detector_channels(g), n = images * cells_of(own);
    memset(s->gradient, 0, n * stride * sizeof *s->gradient);
    for (size_t i = 0; i < n; i++) {
        memcpy(s->gradient + i * stride, own->heads[HEAD_CLS].gradient + i * types, types * sizeof *s->gradient);
        s->gradient[i * stride + types] = own->heads[HEAD_OBJ].gradient[i];
    }
    for (size_t row = 0; row < owned; row++) {
        const size_t i = own->place[row];
        detector_decode_slope(g, s->output + i * stride, own->heads[HEAD_BOX].input + 4 * row,
                              own->heads[HEAD_BOX].gradient + 4 * row, s->gradient + i * stride + types + 1);
    }
}

static int boxes_evaluate(session *s, size_t images, double *value, lb_error *error) {
    own_room *own = s->own;
    const size_t owned = gather_boxes(s, images), n = images * cells_of(own);
    const double share = 1 / (double)(owned ? owned : 1);
    gather_logits(s, images, owned);
    *value = 0;
    int code = evaluate_head(own, HEAD_CLS, n * own->grid.types, share, value, error);
    if (!code) code = evaluate_head(own, HEAD_OBJ, n, share, value, error);
    if (!code) code = evaluate_head(own, HEAD_BOX, owned, share, value, error);
    if (!code) scatter(s, images, owned);
    return code;
}

/* --- before and after ----------------------------------------------------------------------------------------------
 */

/* The head bias: each logit head's own prior for the share of owned cells; boxes start at the mean size. */
static void set_bias(session *s, trial_result *out) {
    const own_room *own = s->own;
    const double cls = loss_prior_logit(own->heads[HEAD_CLS].l, own->share / (double)own->grid.types);
    out->prior_logit = loss_prior_logit(own->heads[HEAD_OBJ].l, own->share);
    for (size_t i = 0; i < own->grid.types; i++) s->head_bias[i] = (float)cls;
    s->head_bias[own->grid.types] = (float)out->prior_logit;
}

/* What that pays, on random batches. */
static int measure_prior(session *s, rng stream, trial_result *out, lb_error *error) {
    enum { BATCHES = 16 };
    const own_room *own = s->own;
    const size_t stride = detector_channels(&own->grid), images = s->t->batch;
    for (size_t i = 0; i < images * cells_of(own); i++)
        memcpy(s->output + i * stride, s->head_bias, stride * sizeof *s->output);
    for (int k = 0; k < BATCHES; k++) {
        double value;
        for (size_t i = 0; i < images; i++) boxes_target(s, &s->d->sets[SET_TRAIN], session_draw(s, i, &stream), i);
        const int code = boxes_evaluate(s, images, &value, error);
        if (code) return code;
        out->prior_loss += value / BATCHES;
    }
    return LB_OK;
}

static int boxes_begin(session *s, rng stream, trial_result *out, lb_error *error) {
    const own_room *own = s->own;
    const int code = box_scores_begin(s->d, &own->grid, own->share, out, error);
    if (code) return code;
    set_bias(s, out);
    return measure_prior(s, stream, out, error);
}

static int boxes_score(session *s, dataset_set which, const char *name, const float *output, trial_result *out,
                       lb_error *error) {
    const own_room *own = s->own;
    return box_scores_add(s->d, &own->grid, which, name, output, out, error);
}

const task_type task_box = {.check = box_scores_check,
                            .channels = channels,
                            .open = boxes_open,
                            .close = boxes_close,
                            .begin = boxes_begin,
                            .target = boxes_target,
                            .evaluate = boxes_evaluate,
                            .score = boxes_score,
                            .keeps_net = 1};
