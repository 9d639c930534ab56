/* Box terms, tile by tile: coordinates of up to LOSS_TILE pairs are laid out one after the other, so that a loss is a
   plain loop over pairs. */
#include "lib/loss/evaluate.h"

static void gather(const loss_batch *batch, size_t start, size_t n, loss_boxes *out) {
    out->n = n;
    for (size_t i = 0; i < n; i++) {
        const int ignored = is_ignored(batch, start + i);
        for (int k = 0; k < 4; k++) {
            out->box[k][i] = ignored ? 0 : batch->input[4 * (start + i) + (size_t)k];
            out->target[k][i] = ignored ? 0 : batch->target[4 * (start + i) + (size_t)k];
        }
    }
}

static double evaluate_tile(evaluation *e, size_t t, const loss_boxes *boxes, size_t start) {
    const loss_term *term = &e->l->terms[t];
    real losses[LOSS_TILE], slopes[4][LOSS_TILE];
    double sum = 0;
    term->type->boxes(term->values, boxes, losses, slopes);
    const int plain = !e->batch->weight && !e->batch->ignore;
    for (size_t i = 0; i < boxes->n; i++) {
        const real weight = plain ? 1 : (real)item_weight(e->batch, start + i);
        const real value = real_min(weight * losses[i], REAL_MAX);
        sum += (double)value;
        losses[i] = weight * (real)e->scale[t];
        if (e->values) e->values[start + i] += (real)(e->scale[t] * (double)value);
    }
    for (size_t i = 0; e->grad && i < boxes->n; i++)
        for (int k = 0; k < 4; k++) e->grad[4 * (start + i) + (size_t)k] += losses[i] * slopes[k][i];
    return sum;
}

void evaluate_boxes(evaluation *e) {
    loss_boxes boxes;
    double sums[LOSS_MAX_TERMS] = {0};
    for (size_t start = 0; start < e->batch->images; start += LOSS_TILE) {
        const size_t left = e->batch->images - start;
        gather(e->batch, start, left < LOSS_TILE ? left : LOSS_TILE, &boxes);
        for (size_t t = 0; t < e->l->count; t++)
            if (e->l->terms[t].type->boxes) sums[t] += evaluate_tile(e, t, &boxes, start);
    }
    for (size_t t = 0; t < e->l->count; t++) e->value += e->scale[t] * sums[t];
}
