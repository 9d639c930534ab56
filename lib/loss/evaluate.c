/* Evaluation of expressions: checks, scales and sums, the same for all losses; and the prior logit. */
#include "lib/loss/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

loss_kind form_of(const loss *l, const loss_batch *batch) {
    if (batch->classes) return LOSS_MULTICLASS;
    return loss_kind_of(l);
}

/* --- checks ----------------------------------------------------------------------------------------------------- */

static int check_shape(const evaluation *e, lb_error *error) {
    const loss_batch *batch = e->batch;
    const char *label = e->l->label;
    if (batch_size(batch) == 0) return lb_fail(error, LB_INVALID, "loss '%.200s': the batch is empty", label);
    if (!batch->input)
        return lb_fail(error, LB_INVALID, "loss '%.200s': the batch has no %s", label,
                       e->form == LOSS_BOX          ? "boxes"
                       : e->form == LOSS_REGRESSION ? "predictions"
                                                    : "logits");
    if (!batch->target && e->form != LOSS_MULTICLASS)
        return lb_fail(error, LB_INVALID, "loss '%.200s': the batch has no %s", label,
                       e->form == LOSS_BOX ? "true boxes" : "labels");
    if (!loss_takes(e->l, e->form))
        return lb_fail(error, LB_INVALID, "loss '%.200s' is not for %s batches", label, loss_kind_names[e->form]);
    if (e->form == LOSS_MULTICLASS && !batch->classes)
        return lb_fail(error, LB_INVALID, "loss '%.200s': the batch has no classes", label);
    if (e->form == LOSS_BOX && (batch->channels != 4 || batch->pixels != 1))
        return lb_fail(error, LB_INVALID, "loss '%.200s': boxes have 4 channels and 1 pixel, not %zu and %zu", label,
                       batch->channels, batch->pixels);
    if (batch->width && batch->pixels % batch->width)
        return lb_fail(error, LB_INVALID, "loss '%.200s': %zu pixels are not rows of %zu", label, batch->pixels,
                       batch->width);
    return LB_OK;
}

/* Element-wise and other terms read logits channel by channel; only sums over regions and what
   reads planes know other activations. */
static int check_activation(const evaluation *e, lb_error *error) {
    if (e->form == LOSS_MULTICLASS || e->batch->activation == LOSS_SIGMOID) return LB_OK;
    for (size_t t = 0; t < e->l->count; t++) {
        const loss_type *type = e->l->terms[t].type;
        if (e->form == LOSS_MASK && ((type->region && !type->elements) || type->any_activation)) continue;
        return lb_fail(error, LB_INVALID, "loss '%s' takes logits with the sigmoid; %s is for sums over masks",
                       type->name, e->batch->activation == LOSS_SOFTMAX ? "softmax" : "a batch of probabilities");
    }
    return LB_OK;
}

static int check_terms(const evaluation *e, lb_error *error) {
    for (size_t t = 0; t < e->l->count; t++) {
        const loss_term *term = &e->l->terms[t];
        /* the `auto`s of a binary loss are of goods and defects: K classes have class_counts */
        const param *row = term_has_classes(term, e->form) ? NULL : loss_term_unresolved(term);
        if (row)
            return lb_fail(error, LB_INVALID, "loss '%s': %s is still auto; call loss_resolve with the training counts",
                           term->type->name, row->name);
        const char *sentence = term->type->check_batch ? term->type->check_batch(term->values, e->batch) : NULL;
        if (sentence) return lb_fail(error, LB_INVALID, "loss '%s': %s", term->type->name, sentence);
        const double clip = loss_term_options(term).clip;
        if (clip != loss_term_options(&e->l->terms[0]).clip)
            return lb_fail(error, LB_INVALID, "loss '%.200s': all terms must clip probabilities alike", e->l->label);
    }
    return LB_OK;
}

static int check_class_data(const evaluation *e, lb_error *error) {
    for (size_t c = 0; c < e->batch->channels; c++) {
        if (e->batch->class_weight && !(e->batch->class_weight[c] >= 0 && real_is_finite(e->batch->class_weight[c])))
            return lb_fail(error, LB_INVALID, "class %zu: the weight is %g; weights must be finite and 0 or more", c,
                           (double)e->batch->class_weight[c]);
        const double count = e->batch->class_counts ? e->batch->class_counts[c] : 0;
        if (!(count == 0 || (count >= 1 && count <= 1e18))) /* shares of 1 are no counts */
            return lb_fail(error, LB_INVALID, "class %zu: the count is %g; counts are of items, 0 or 1 to 1e18", c,
                           count);
    }
    return LB_OK;
}

static int check_call(const evaluation *e, const double *value, lb_error *error) {
    if (!e->l || !e->batch || !value)
        return lb_fail(error, LB_INVALID, "loss_eval needs a loss, a batch and a place for the value");
    if ((e->reduction == LOSS_NONE) != (e->values != NULL))
        return lb_fail(error, LB_INVALID, "loss '%.200s': values go with LOSS_NONE and only with it", e->l->label);
    if (check_shape(e, error) || check_activation(e, error) || check_terms(e, error) || check_class_data(e, error))
        return LB_INVALID;
    if (e->reduction == LOSS_NONE && !loss_value_count(e->l, e->batch))
        return lb_fail(error, LB_INVALID, "loss '%.200s' has no value for each element or region to return",
                       e->l->label);
    if (!e->scratch && loss_scratch(e->l, e->batch))
        return lb_fail(error, LB_INVALID, "loss '%.200s' needs scratch memory; loss_scratch says how much",
                       e->l->label);
    return LB_OK;
}

/* --- scales ------------------------------------------------------------------------------------------------------ */

static double count_items(const loss_batch *batch, loss_kind form) {
    const size_t n = batch_items(batch, form);
    size_t ignored = 0;
    if (batch->ignore)
        for (size_t i = 0; i < n; i++) ignored += batch->ignore[i] != 0;
    return (double)(n - ignored);
}

/* How many values a term has; `counted`: how many of them are not ignored altogether. */
static size_t term_values(const loss_term *term, const loss_batch *batch, loss_kind form, int counted) {
    if (term->type->region && !term->type->elements) return region_values(term, batch, counted);
    switch (term->type->elements ? LOSS_PER_ELEMENT : loss_term_shape(term)) {
    case LOSS_PER_BATCH:
        return 1;
    case LOSS_PER_ROW:
        return batch->images;
    case LOSS_PER_CELL:
        return batch->images * batch->channels;
    default:
        break;
    }
    /* coordinates of boxes, where a regression loss stands among box losses */
    if (form == LOSS_BOX && term->type->elements)
        return counted ? 4 * (size_t)count_items(batch, form) : batch_size(batch);
    return counted ? (size_t)count_items(batch, form) : batch_items(batch, form);
}

size_t loss_value_count(const loss *l, const loss_batch *batch) {
    const loss_kind form = form_of(l, batch);
    size_t count = 0;
    for (size_t t = 0; t < l->count; t++) {
        const loss_term *term = &l->terms[t];
        if (term->type->region && term->type->elements) return 0;
        const size_t own = term_values(term, batch, form, 0);
        if (t && (own != count || loss_term_shape(term) != loss_term_shape(&l->terms[0]))) return 0;
        count = own;
    }
    return count;
}

static double term_scale(const loss_term *term, const evaluation *e) {
    if (e->reduction != LOSS_MEAN) return term->weight;
    const double divisor = term->type->divisor ? term->type->divisor(term->values, e->batch)
                                               : (double)term_values(term, e->batch, e->form, 1);
    return divisor > 0 ? term->weight / divisor : 0;
}

static void set_scales(evaluation *e) {
    for (size_t t = 0; t < e->l->count; t++) {
        const loss_term *term = &e->l->terms[t];
        e->scale[t] = term_scale(term, e);
        e->region_scale[t] = e->scale[t];
        if (!term->type->region || !term->type->elements || e->reduction != LOSS_MEAN) continue;
        const size_t regions = region_values(term, e->batch, 1);
        e->region_scale[t] = regions ? term->weight / (double)regions : 0;
    }
}

/* --- evaluation -------------------------------------------------------------------------------------------------- */

size_t loss_scratch(const loss *l, const loss_batch *batch) {
    size_t bytes = region_scratch(l, batch);
    if (form_of(l, batch) == LOSS_MULTICLASS && classes_scratch(batch) > bytes) bytes = classes_scratch(batch);
    for (size_t t = 0; t < l->count; t++) {
        const loss_term *term = &l->terms[t];
        const size_t own = term->type->scratch ? term->type->scratch(term->values, batch) : 0;
        if (own > bytes) bytes = own;
    }
    return bytes;
}

/* The terms that no other pass evaluates; their states lie one after the other. */
static void evaluate_others(evaluation *e) {
    size_t states = 0;
    for (size_t t = 0; t < e->l->count; t++) {
        const loss_term *term = &e->l->terms[t];
        loss_batch own = *e->batch;
        if (!term->type->eval) continue;
        if (own.state) own.state += states;
        if (own.state_grad) own.state_grad += states;
        states += loss_term_states(term);
        e->value += e->scale[t] * term->type->eval(term->values, &own, e->scale[t], e->values, e->grad, e->scratch);
    }
}

static void clear_outputs(evaluation *e, int grad) {
    if (e->grad && grad) memset(e->grad, 0, batch_size(e->batch) * sizeof *e->grad);
    if (e->values) memset(e->values, 0, loss_value_count(e->l, e->batch) * sizeof *e->values);
}

static int evaluate(evaluation *e, lb_error *error) {
    int has_elements = 0, has_regions = 0, has_classes = 0, has_boxes = 0;
    for (size_t t = 0; t < e->l->count; t++) {
        const loss_term *term = &e->l->terms[t];
        has_elements |= term_has_elements(term, e->form);
        has_regions |= term->type->region != NULL;
        has_classes |= term_has_classes(term, e->form);
        has_boxes |= term->type->boxes != NULL;
    }
    e->has_elements = has_elements;
    if (e->form == LOSS_BOX && !has_boxes && check_boxes(e, 0, e->batch->images, error)) return LB_INVALID;
    const int passes_check = has_elements || has_regions || e->form == LOSS_MULTICLASS || e->form == LOSS_BOX;
    if (!passes_check && check_elements(e, error)) return LB_INVALID;
    /* a pass over elements or boxes alone writes both first, one over regions the gradient */
    if (has_regions || !(has_elements || has_boxes)) clear_outputs(e, !(has_regions && regions_go_fast(e)));
    if (has_regions ? evaluate_regions(e, error) : has_elements ? evaluate_elements(e, error) : LB_OK)
        return LB_INVALID;
    if (has_classes) evaluate_classes(e);
    if (has_boxes && evaluate_boxes(e, has_elements, error)) return LB_INVALID;
    evaluate_others(e);
    return LB_OK;
}

int loss_eval(const loss *l, const loss_batch *batch, loss_reduction reduction, double *value, loss_real *values,
              loss_real *grad, void *scratch, lb_error *error) {
    evaluation e = {.l = l, .batch = batch, .reduction = reduction, .values = values, .grad = grad, .scratch = scratch};
    if (l && batch) e.form = form_of(l, batch);
    if (check_call(&e, value, error)) return LB_INVALID;
    e.clip = loss_term_options(&l->terms[0]).clip;
    if (e.form == LOSS_MULTICLASS && check_classes(&e, error)) return LB_INVALID; /* divisors look at classes */
    set_scales(&e);
    if (evaluate(&e, error)) return LB_INVALID;
    *value = e.value;
    return LB_OK;
}

/* --- the prior -------------------------------------------------------------------------------------------------- */

/* Expected gradient at a constant logit; NaN if the loss refuses. */
static double expected_gradient(const loss *l, double logit, double prior, void *scratch) {
    const real input[2] = {(real)logit, (real)logit}, target[2] = {0, 1};
    const real weight[2] = {(real)(1 - prior), (real)prior};
    const loss_batch batch = {
        .images = 1, .channels = 1, .pixels = 2, .width = 2, .input = input, .target = target, .weight = weight};
    double value;
    real grad[2];
    if (loss_eval(l, &batch, LOSS_SUM, &value, NULL, grad, scratch, NULL)) return __builtin_nan("");
    return (double)grad[0] + (double)grad[1];
}

/* Where the expected gradient stops being negative (edge = 0) or starts being positive (edge = 1). */
static double find_edge(const loss *l, double prior, int edge, void *scratch) {
    double low = -30, high = 30;
    for (int i = 0; i < 40; i++) {
        const double middle = 0.5 * (low + high);
        const double gradient = expected_gradient(l, middle, prior, scratch);
        if (isnan(gradient)) return __builtin_nan("");
        if (edge ? gradient > 0 : gradient >= 0)
            high = middle;
        else
            low = middle;
    }
    return 0.5 * (low + high);
}

double loss_prior_logit(const loss *l, double prior) {
    if (!(prior > 0 && prior < 1) || loss_kind_of(l) > LOSS_MASK) return __builtin_nan("");
    const real any[2] = {0, 0}; /* scratch depends on which members are set */
    const loss_batch shape = {
        .images = 1, .channels = 1, .pixels = 2, .width = 2, .input = any, .target = any, .weight = any};
    const size_t bytes = loss_scratch(l, &shape);
    void *scratch = bytes ? malloc(bytes) : NULL;
    if (bytes && !scratch) return __builtin_nan("");
    const double first = find_edge(l, prior, 0, scratch), last = find_edge(l, prior, 1, scratch);
    free(scratch);
    if (isnan(first) || isnan(last)) return __builtin_nan("");
    return fmin(fmax(0, first), last);
}
