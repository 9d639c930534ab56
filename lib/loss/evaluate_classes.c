/* Multi-class terms, tile by tile: the logits of up to LOSS_TILE items are gathered class by class, so that a loss
   works on whole rows whatever the layout of the batch. */
#include "lib/loss/evaluate.h"

/* Whether n logits are all finite. */
LOSS_KERNEL static int are_finite(const real *z, size_t n) {
    real poison[LOSS_TILE] = {0};
    size_t i = 0;
    for (; i + LOSS_TILE <= n; i += LOSS_TILE)
        for (size_t k = 0; k < LOSS_TILE; k++) poison[k] += z[i + k] * 0;
    for (; i < n; i++) poison[0] += z[i] * 0;
    real sum = 0;
    for (size_t k = 0; k < LOSS_TILE; k++) sum += poison[k];
    return sum == 0;
}

static int check_item(const loss_batch *batch, size_t i, int look_at_logits, lb_error *error) {
    if (is_ignored(batch, i)) return LB_OK;
    if (batch->classes[i] < 0 || (size_t)batch->classes[i] >= batch->channels)
        return lb_fail(error, LB_INVALID, "item %zu: the class is %d; classes go from 0 to %zu", i, batch->classes[i],
                       batch->channels - 1);
    if (batch->weight && !(batch->weight[i] >= 0 && real_is_finite(batch->weight[i])))
        return lb_fail(error, LB_INVALID, "item %zu: the weight is %g; weights must be finite and 0 or more", i,
                       (double)batch->weight[i]);
    const real *z = batch->input + i / batch->pixels * batch->channels * batch->pixels + i % batch->pixels;
    for (size_t c = 0; look_at_logits && c < batch->channels; c++)
        if (!real_is_finite(z[c * batch->pixels]))
            return lb_fail(error, LB_INVALID, "item %zu: the logit of class %zu is %g; logits must be finite", i, c,
                           (double)z[c * batch->pixels]);
    return LB_OK;
}

/* Whether n labels are all below `classes`. */
LOSS_KERNEL static int are_below(const int *label, size_t n, unsigned classes) {
    unsigned largest = 0;
    for (size_t i = 0; i < n; i++) largest = (unsigned)label[i] > largest ? (unsigned)label[i] : largest;
    return largest < classes;
}

int check_classes(const evaluation *e, lb_error *error) {
    const loss_batch *batch = e->batch;
    const size_t items = batch_items(batch, LOSS_MULTICLASS);
    const int plain = are_finite(batch->input, batch_size(batch));
    if (plain && !batch->weight && are_below(batch->classes, items, (unsigned)batch->channels)) return LB_OK;
    for (size_t i = 0; i < items; i++)
        if (check_item(batch, i, !plain, error)) return LB_INVALID;
    return LB_OK;
}

/* Logits, slopes and three more rows a class, and the factor of each class for each term. */
size_t classes_scratch(const loss_batch *batch) {
    return LOSS_MAX_TERMS * batch->channels * sizeof(double) + 5 * batch->channels * LOSS_TILE * sizeof(real);
}

/* Items start .. start+n-1 of the batch; they belong to one image unless images have one pixel. Where the logit of
   class c of item i lies: input + first + c * class_step + i * item_step. */
typedef struct {
    size_t start, n, first, class_step, item_step;
} tile_place;

static tile_place place_of(const loss_batch *batch, size_t start) {
    const size_t items = batch->images * batch->pixels, left = items - start;
    tile_place place = {.start = start, .n = left < LOSS_TILE ? left : LOSS_TILE, .class_step = batch->pixels};
    if (batch->pixels == 1) {
        place.first = start * batch->channels;
        place.item_step = batch->channels;
    } else {
        const size_t pixel = start % batch->pixels, in_image = batch->pixels - pixel;
        place.first = start / batch->pixels * batch->channels * batch->pixels + pixel;
        place.item_step = 1;
        if (place.n > in_image) place.n = in_image;
    }
    return place;
}

/* Ignored items get logits 0 and class 0. */
LOSS_KERNEL static void gather(const loss_batch *batch, const tile_place *place, real *restrict logit,
                               int *restrict label) {
    for (size_t c = 0; c < batch->channels; c++) {
        const real *restrict from = batch->input + place->first + c * place->class_step;
        if (place->item_step == 1)
            for (size_t i = 0; i < place->n; i++) logit[c * LOSS_TILE + i] = from[i];
        else
            for (size_t i = 0; i < place->n; i++) logit[c * LOSS_TILE + i] = from[i * place->item_step];
    }
    for (size_t i = 0; i < place->n; i++) label[i] = batch->classes[place->start + i];
    for (size_t i = 0; batch->ignore && i < place->n; i++) {
        if (!batch->ignore[place->start + i]) continue;
        label[i] = 0;
        for (size_t c = 0; c < batch->channels; c++) logit[c * LOSS_TILE + i] = 0;
    }
}

/* grad += coefficient[i] * slopes, class by class */
LOSS_KERNEL static void add_gradient(const tile_place *place, size_t classes, const real *restrict coefficient,
                                     const real *restrict slopes, real *restrict grad) {
    for (size_t c = 0; c < classes; c++) {
        real *restrict to = grad + place->first + c * place->class_step;
        const real *restrict row = slopes + c * LOSS_TILE;
        if (place->item_step == 1)
            for (size_t i = 0; i < place->n; i++) to[i] += coefficient[i] * row[i];
        else
            for (size_t i = 0; i < place->n; i++) to[i * place->item_step] += coefficient[i] * row[i];
    }
}

/* Losses in, weighted and capped losses out; their sum. `factors` NULL and no weights, no ignore: all weights are 1. */
static double weigh(const evaluation *e, const loss_tile *tile, size_t start, double scale, const double *factors,
                    real *losses, real *coefficient) {
    double sum = 0;
    const int plain = !factors && !e->batch->weight && !e->batch->ignore;
    for (size_t i = 0; i < tile->n; i++) {
        double weight = plain ? 1 : item_weight(e->batch, start + i);
        if (factors) weight *= factors[tile->label[i]];
        const double value = weight > 0 ? weight * (double)losses[i] : 0;
        losses[i] = (real)(value > (double)REAL_MAX ? (double)REAL_MAX : value);
        sum += (double)losses[i];
        coefficient[i] = real_capped((real)(weight * scale));
    }
    return sum;
}

static double evaluate_tile(evaluation *e, size_t t, const loss_tile *tile, const tile_place *place,
                            const double *factors, real *slopes) {
    real losses[LOSS_TILE], coefficient[LOSS_TILE];
    e->l->terms[t].type->classes(e->l->terms[t].values, tile, losses, slopes);
    const double sum = weigh(e, tile, place->start, e->scale[t], factors, losses, coefficient);
    for (size_t i = 0; e->values && i < tile->n; i++)
        e->values[place->start + i] += (real)(e->scale[t] * (double)losses[i]);
    if (e->grad) add_gradient(place, tile->classes, coefficient, slopes, e->grad);
    return sum;
}

/* The factor of each class for a term, or NULL where all are 1. */
static const double *fill_factors(const evaluation *e, size_t t, double *factors) {
    const loss_batch *batch = e->batch;
    const loss_term *term = &e->l->terms[t];
    if (!term->type->class_factor && !batch->class_weight) return NULL;
    for (size_t c = 0; c < batch->channels; c++) {
        factors[c] = term->type->class_factor ? term->type->class_factor(term->values, batch, c) : 1;
        if (batch->class_weight) factors[c] *= (double)batch->class_weight[c];
    }
    return factors;
}

void evaluate_classes(evaluation *e) {
    const loss_batch *batch = e->batch;
    const size_t items = batch_items(batch, LOSS_MULTICLASS), row = batch->channels * LOSS_TILE;
    const double *factors[LOSS_MAX_TERMS];
    double *table = e->scratch;
    real *logit = (real *)(table + LOSS_MAX_TERMS * batch->channels), *slopes = logit + row;
    int label[LOSS_TILE];
    double sums[LOSS_MAX_TERMS] = {0};
    loss_tile tile = {.classes = batch->channels,
                      .logit = logit,
                      .label = label,
                      .class_counts = batch->class_counts,
                      .scratch = slopes + row};
    for (size_t t = 0; t < e->l->count; t++)
        if (term_has_classes(&e->l->terms[t], e->form)) factors[t] = fill_factors(e, t, table + t * batch->channels);
    for (size_t start = 0; start < items; start += tile.n) {
        const tile_place place = place_of(batch, start);
        tile.n = place.n;
        gather(batch, &place, logit, label);
        for (size_t t = 0; t < e->l->count; t++)
            if (term_has_classes(&e->l->terms[t], e->form))
                sums[t] += evaluate_tile(e, t, &tile, &place, factors[t], slopes);
    }
    for (size_t t = 0; t < e->l->count; t++)
        if (term_has_classes(&e->l->terms[t], e->form)) e->value += e->scale[t] * sums[t];
}
