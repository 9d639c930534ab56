/* Multi-class terms, tile by tile: the logits of up to LOSS_TILE items are gathered class by class, so that a loss
   works on whole rows whatever the layout of the batch. */
#include "lib/loss/evaluate.h"

#include <string.h>

int check_classes(const evaluation *e, lb_error *error) {
    const loss_batch *batch = e->batch;
    const size_t items = batch_items(batch, LOSS_MULTICLASS);
    for (size_t i = 0; i < items; i++) {
        if (is_ignored(batch, i)) continue;
        if (batch->classes[i] < 0 || (size_t)batch->classes[i] >= batch->channels)
            return lb_fail(error, LB_INVALID, "item %zu: the class is %d; classes go from 0 to %zu", i,
                           batch->classes[i], batch->channels - 1);
        if (batch->weight && !(batch->weight[i] >= 0 && real_is_finite(batch->weight[i])))
            return lb_fail(error, LB_INVALID, "item %zu: the weight is %g; weights must be finite and 0 or more", i,
                           (double)batch->weight[i]);
        const real *z = batch->input + i / batch->pixels * batch->channels * batch->pixels + i % batch->pixels;
        for (size_t c = 0; c < batch->channels; c++)
            if (!real_is_finite(z[c * batch->pixels]))
                return lb_fail(error, LB_INVALID, "item %zu: the logit of class %zu is %g; logits must be finite", i, c,
                               (double)z[c * batch->pixels]);
    }
    return LB_OK;
}

/* Logits, 3 rows of scratch and slopes for each class. */
size_t classes_scratch(const loss_batch *batch) { return 5 * batch->channels * LOSS_TILE * sizeof(real); }

/* Where the logit of class 0 of item i lies. */
static size_t place_of(const loss_batch *batch, size_t i) {
    return i / batch->pixels * batch->channels * batch->pixels + i % batch->pixels;
}

/* Ignored items get logits 0 and class 0. */
static void gather(const loss_batch *batch, size_t start, size_t n, real *logit, int *label) {
    for (size_t i = 0; i < n; i++) label[i] = is_ignored(batch, start + i) ? 0 : batch->classes[start + i];
    for (size_t c = 0; c < batch->channels; c++)
        for (size_t i = 0; i < n; i++)
            logit[c * LOSS_TILE + i] =
                is_ignored(batch, start + i) ? 0 : batch->input[place_of(batch, start + i) + c * batch->pixels];
}

static double factor_of(const loss_term *term, const loss_batch *batch, size_t class_index) {
    const double own = term->type->class_factor ? term->type->class_factor(term->values, batch, class_index) : 1;
    return batch->class_weight ? own * (double)batch->class_weight[class_index] : own;
}

static double evaluate_tile(evaluation *e, size_t t, const loss_tile *tile, size_t start, real *slopes) {
    const loss_batch *batch = e->batch;
    const loss_term *term = &e->l->terms[t];
    real losses[LOSS_TILE];
    double sum = 0;
    term->type->classes(term->values, tile, losses, slopes);
    for (size_t i = 0; i < tile->n; i++) {
        const double weight = item_weight(batch, start + i) * factor_of(term, batch, (size_t)tile->label[i]);
        const double value = weight > 0 ? weight * (double)losses[i] : 0;
        const double coefficient = weight * e->scale[t];
        sum += value > (double)REAL_MAX ? (double)REAL_MAX : value;
        if (e->values) e->values[start + i] += (real)(e->scale[t] * value);
        real *grad = e->grad ? e->grad + place_of(batch, start + i) : NULL;
        for (size_t c = 0; grad && c < tile->classes; c++)
            grad[c * batch->pixels] += (real)(coefficient * (double)slopes[c * LOSS_TILE + i]);
    }
    return sum;
}

void evaluate_classes(evaluation *e) {
    const loss_batch *batch = e->batch;
    const size_t items = batch_items(batch, LOSS_MULTICLASS), row = batch->channels * LOSS_TILE;
    real *logit = e->scratch, *slopes = logit + row;
    int label[LOSS_TILE];
    double sums[LOSS_MAX_TERMS] = {0};
    loss_tile tile = {.classes = batch->channels,
                      .logit = logit,
                      .label = label,
                      .class_counts = batch->class_counts,
                      .scratch = slopes + row};
    for (size_t start = 0; start < items; start += LOSS_TILE) {
        tile.n = items - start < LOSS_TILE ? items - start : LOSS_TILE;
        gather(batch, start, tile.n, logit, label);
        for (size_t t = 0; t < e->l->count; t++)
            if (term_has_classes(&e->l->terms[t], e->form)) sums[t] += evaluate_tile(e, t, &tile, start, slopes);
    }
    for (size_t t = 0; t < e->l->count; t++)
        if (term_has_classes(&e->l->terms[t], e->form)) e->value += e->scale[t] * sums[t];
}
