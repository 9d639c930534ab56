/* Box terms, tile by tile: coordinates of up to LOSS_TILE pairs are checked and laid out one after the other, so that a
   loss is a plain loop over pairs, and the gradient of all terms is written to memory once. Sums as in
   evaluate_elements.c. */
#include "lib/loss/evaluate.h"

/* boxes[n][4] to out[4][n]; whether all are finite and none is inverted. */
LOSS_KERNEL static int transpose(const real *restrict boxes, size_t n, real (*restrict out)[LOSS_TILE]) {
    int sound = 1;
    for (size_t i = 0; i < n; i++) {
        const real x1 = boxes[4 * i], y1 = boxes[4 * i + 1], x2 = boxes[4 * i + 2], y2 = boxes[4 * i + 3];
        sound &= (x1 >= -REAL_MAX) & (x1 <= x2) & (x2 <= REAL_MAX) & (y1 >= -REAL_MAX) & (y1 <= y2) & (y2 <= REAL_MAX);
        out[0][i] = x1;
        out[1][i] = y1;
        out[2][i] = x2;
        out[3][i] = y2;
    }
    return sound;
}

static int check_box(const real *b, const char *name, size_t i, lb_error *error) {
    for (int k = 0; k < 4; k++)
        if (!real_is_finite(b[k]))
            return lb_fail(error, LB_INVALID, "box %zu: a %s coordinate is %g; coordinates must be finite", i, name,
                           (double)b[k]);
    if (b[0] > b[2] || b[1] > b[3])
        return lb_fail(error, LB_INVALID,
                       "box %zu: the %s box %g %g %g %g is inverted; boxes are x1 y1 x2 y2 with x1 <= x2, y1 <= y2", i,
                       name, (double)b[0], (double)b[1], (double)b[2], (double)b[3]);
    return LB_OK;
}

int check_boxes(const evaluation *e, size_t start, size_t n, lb_error *error) {
    const loss_batch *batch = e->batch;
    for (size_t i = start; i < start + n; i++) {
        if (is_ignored(batch, i)) continue;
        if (check_box(batch->input + 4 * i, "predicted", i, error)) return LB_INVALID;
        if (check_box(batch->target + 4 * i, "true", i, error)) return LB_INVALID;
        if (batch->weight && !(batch->weight[i] >= 0 && real_is_finite(batch->weight[i])))
            return lb_fail(error, LB_INVALID, "box %zu: the weight is %g; weights must be finite and 0 or more", i,
                           (double)batch->weight[i]);
    }
    return LB_OK;
}

/* Ignored boxes become points at 0. */
static void clear_ignored(const loss_batch *batch, size_t start, loss_boxes *boxes) {
    for (size_t i = 0; i < boxes->n; i++)
        for (int k = 0; k < 4 && is_ignored(batch, start + i); k++) boxes->box[k][i] = boxes->target[k][i] = 0;
}

static int load_tile(const evaluation *e, size_t start, loss_boxes *boxes, lb_error *error) {
    const loss_batch *batch = e->batch;
    const size_t left = batch->images - start;
    boxes->n = left < LOSS_TILE ? left : LOSS_TILE;
    const int sound = transpose(batch->input + 4 * start, boxes->n, boxes->box) &
                      transpose(batch->target + 4 * start, boxes->n, boxes->target);
    if ((!sound || batch->weight) && check_boxes(e, start, boxes->n, error)) return LB_INVALID;
    if (batch->ignore) clear_ignored(batch, start, boxes);
    return LB_OK;
}

/* Weights losses and slopes; these capped, so that a weight of 0 for the term finds nothing infinite. */
static void weigh(const evaluation *e, size_t start, size_t n, real *losses, real (*slopes)[LOSS_TILE]) {
    for (size_t i = 0; i < n; i++) {
        const real weight = (real)item_weight(e->batch, start + i);
        losses[i] *= weight;
        for (int k = 0; k < 4; k++) slopes[k][i] = real_capped(slopes[k][i] * weight);
    }
}

/* sum (+)= coefficient * slopes; a sum beyond the largest number counts as it. */
LOSS_KERNEL static void add_slopes(real (*restrict slopes)[LOSS_TILE], size_t n, real coefficient, int add,
                                   real (*restrict sum)[LOSS_TILE]) {
    for (int k = 0; k < 4; k++)
        if (add)
            for (size_t i = 0; i < n; i++) sum[k][i] = real_capped(real_fma(coefficient, slopes[k][i], sum[k][i]));
        else
            for (size_t i = 0; i < n; i++) sum[k][i] = real_capped(coefficient * slopes[k][i]);
}

/* grad[n][4] (+)= slopes[4][n] */
LOSS_KERNEL static void write_gradient(real (*restrict slopes)[LOSS_TILE], size_t n, int add, real *restrict grad) {
    if (add)
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < 4; k++) grad[4 * i + k] = real_capped(grad[4 * i + k] + slopes[k][i]);
    else
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < 4; k++) grad[4 * i + k] = slopes[k][i];
}

static void evaluate_tile(evaluation *e, size_t start, const loss_boxes *boxes, int add, double lanes[][LANES]) {
    real losses[LOSS_TILE], slopes[4][LOSS_TILE], sum[4][LOSS_TILE];
    int later = 0;
    for (size_t t = 0; t < e->l->count; t++) {
        const loss_term *term = &e->l->terms[t];
        const real scale = (real)e->scale[t];
        if (!term->type->boxes) continue;
        term->type->boxes(term->values, boxes, losses, slopes);
        if (e->batch->weight || e->batch->ignore) weigh(e, start, boxes->n, losses, slopes);
        add_to_lanes(losses, boxes->n, lanes[t]);
        for (size_t i = 0; e->values && i < boxes->n; i++)
            e->values[start + i] = scale * losses[i] + (add || later ? e->values[start + i] : 0);
        if (e->grad) add_slopes(slopes, boxes->n, scale, later, sum);
        later = 1;
    }
    if (e->grad) write_gradient(sum, boxes->n, add, e->grad + 4 * start);
}

int evaluate_boxes(evaluation *e, int add, lb_error *error) {
    loss_boxes boxes;
    double lanes[LOSS_MAX_TERMS][LANES] = {{0}};
    for (size_t start = 0; start < e->batch->images; start += LOSS_TILE) {
        if (load_tile(e, start, &boxes, error)) return LB_INVALID;
        evaluate_tile(e, start, &boxes, add, lanes);
    }
    for (size_t t = 0; t < e->l->count; t++)
        if (e->l->terms[t].type->boxes) e->value += e->scale[t] * sum_of_lanes(lanes[t]);
    return LB_OK;
}
