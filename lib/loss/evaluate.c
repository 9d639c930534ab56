/* Evaluation of expressions: checks, weights, ignore, reductions and sums, the same for all losses.

   Element-wise terms are evaluated together, block by block: a block of logits and labels is read from memory once,
   checked, given to every term, and its gradient written once. Sums run in eight double lanes, element i in lane i mod
   8, and are added in a fixed order: their bits do not depend on vector width or compiler. */
#include "lib/loss/expression.h"

#include "lib/base/repro_math.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 512, LANES = 8 };

/* One call of loss_eval. */
typedef struct {
    const loss *l;
    const loss_batch *batch;
    float *values, *grad;
    float coefficient[LOSS_MAX_TERMS]; /* term weight / divisor: what turns a term's sum into its part of the value */
    double lanes[LOSS_MAX_TERMS][LANES];
} evaluation;

static size_t batch_size(const loss_batch *batch) { return batch->images * batch->channels * batch->pixels; }

/* --- checks ----------------------------------------------------------------------------------------------------- */

static int is_finite_bits(float x) { return (repro_bits_of(x) & 0x7fffffffu) < 0x7f800000u; }

static int is_ignored(const loss_batch *batch, size_t i) { return batch->ignore && batch->ignore[i]; }

static int element_is_sound(const loss_batch *batch, size_t i) {
    if (is_ignored(batch, i)) return 1;
    if (!is_finite_bits(batch->input[i]) || !(batch->target[i] >= 0.0f && batch->target[i] <= 1.0f)) return 0;
    return !batch->weight || (batch->weight[i] >= 0.0f && is_finite_bits(batch->weight[i]));
}

/* Whether all logits are finite and all labels in [0,1]: as unsigned integers, floats from 0 to 1 are 0..bits(1), and
 * -0. */
static int block_is_plain(const float *restrict input, const float *restrict target, size_t n) {
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t z = repro_bits_of(input[i]) & 0x7fffffffu, y = repro_bits_of(target[i]);
        bad |= (uint32_t)(z >= 0x7f800000u) | (uint32_t)(y > 0x3f800000u && y != 0x80000000u);
    }
    return !bad;
}

/* The same for weights: finite and 0 or more. */
static int weights_are_plain(const float *weight, size_t n) {
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t w = repro_bits_of(weight[i]);
        bad |= (uint32_t)(w >= 0x7f800000u && w != 0x80000000u);
    }
    return !bad;
}

/* Whether every element that is not ignored is sound; one by one only when an ignored one may be to blame. */
static int block_is_sound(const loss_batch *batch, size_t start, size_t n) {
    if (block_is_plain(batch->input + start, batch->target + start, n) &&
        (!batch->weight || weights_are_plain(batch->weight + start, n)))
        return 1;
    for (size_t i = start; i < start + n; i++)
        if (!element_is_sound(batch, i)) return 0;
    return 1;
}

/* The sentence for the first unsound element of a block. */
static int fail_element(const loss_batch *batch, size_t i, lb_error *error) {
    while (element_is_sound(batch, i)) i++;
    if (!is_finite_bits(batch->input[i]))
        return lb_fail(error, LB_INVALID, "element %zu: the logit is %g; logits must be finite", i,
                       (double)batch->input[i]);
    if (!(batch->target[i] >= 0.0f && batch->target[i] <= 1.0f))
        return lb_fail(error, LB_INVALID, "element %zu: the label is %g; labels must be from 0 to 1", i,
                       (double)batch->target[i]);
    return lb_fail(error, LB_INVALID, "element %zu: the weight is %g; weights must be finite and 0 or more", i,
                   (double)batch->weight[i]);
}

static int check_call(const loss *l, const loss_batch *batch, loss_reduction reduction, const double *value,
                      const float *values, lb_error *error) {
    if (!l || !batch || !value)
        return lb_fail(error, LB_INVALID, "loss_eval needs a loss, a batch and a place for the value");
    if (batch_size(batch) == 0) return lb_fail(error, LB_INVALID, "loss '%.200s': the batch is empty", l->label);
    if (!batch->input || !batch->target)
        return lb_fail(error, LB_INVALID, "loss '%.200s': the batch has no %s", l->label,
                       batch->input ? "labels" : "logits");
    if ((reduction == LOSS_NONE) != (values != NULL))
        return lb_fail(error, LB_INVALID, "loss '%.200s': values go with LOSS_NONE and only with it", l->label);
    for (size_t t = 0; t < l->count; t++) {
        const param *row = loss_term_unresolved(&l->terms[t]);
        if (row)
            return lb_fail(error, LB_INVALID, "loss '%s': %s is still auto; call loss_resolve with the training counts",
                           l->terms[t].type->name, row->name);
    }
    return LB_OK;
}

/* --- element-wise terms ----------------------------------------------------------------------------------------- */

/* Multiplies by the element weights; elements that are ignored become 0, whatever they were. */
static void apply_weights(const loss_batch *batch, size_t start, size_t n, float *restrict losses,
                          float *restrict slopes) {
    if (batch->weight) {
        const float *weight = batch->weight + start;
        for (size_t i = 0; i < n; i++) {
            losses[i] *= weight[i];
            slopes[i] *= weight[i];
        }
    }
    if (!batch->ignore) return;
    for (size_t i = 0; i < n; i++)
        if (batch->ignore[start + i]) losses[i] = slopes[i] = 0.0f;
}

/* Caps each loss at FLT_MAX and adds it to its lane. */
static void add_to_lanes(float *losses, size_t n, double *restrict lanes) {
    size_t i = 0;
    for (size_t j = 0; j < n; j++) losses[j] = repro_select(losses[j] > FLT_MAX, FLT_MAX, losses[j]);
    for (; i + LANES <= n; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) lanes[lane] += (double)losses[i + lane];
    for (; i < n; i++) lanes[i % LANES] += (double)losses[i];
}

static double sum_of_lanes(const double *lanes) {
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/* out (+)= coefficient * x */
static void write_scaled(const float *restrict x, float coefficient, int add, size_t n, float *restrict out) {
    if (add)
        for (size_t i = 0; i < n; i++) out[i] = __builtin_fmaf(coefficient, x[i], out[i]);
    else
        for (size_t i = 0; i < n; i++) out[i] = coefficient * x[i];
}

static void evaluate_block(evaluation *e, size_t start, size_t n) {
    float losses[BLOCK], slopes[BLOCK];
    int add = 0;
    for (size_t t = 0; t < e->l->count; t++) {
        const loss_term *term = &e->l->terms[t];
        if (!term->type->elements) continue;
        term->type->elements(term->values, n, e->batch->input + start, e->batch->target + start, losses, slopes);
        apply_weights(e->batch, start, n, losses, slopes);
        add_to_lanes(losses, n, e->lanes[t]);
        if (e->grad) write_scaled(slopes, e->coefficient[t], add, n, e->grad + start);
        if (e->values) write_scaled(losses, e->coefficient[t], add, n, e->values + start);
        add = 1;
    }
    if (!add && e->grad) memset(e->grad + start, 0, n * sizeof *e->grad);
    if (!add && e->values) memset(e->values + start, 0, n * sizeof *e->values);
}

/* --- all terms -------------------------------------------------------------------------------------------------- */

static double count_elements(const loss_batch *batch) {
    const size_t n = batch_size(batch);
    size_t ignored = 0;
    if (batch->ignore)
        for (size_t i = 0; i < n; i++) ignored += batch->ignore[i] != 0;
    return (double)(n - ignored);
}

static double term_scale(const loss_term *term, const loss_batch *batch, loss_reduction reduction) {
    if (reduction != LOSS_MEAN) return term->weight;
    const double divisor = term->type->divisor ? term->type->divisor(term->values, batch) : count_elements(batch);
    return divisor > 0 ? term->weight / divisor : 0;
}

size_t loss_scratch(const loss *l, const loss_batch *batch) {
    size_t bytes = 0;
    for (size_t t = 0; t < l->count; t++) {
        const loss_term *term = &l->terms[t];
        const size_t own = term->type->scratch ? term->type->scratch(term->values, batch) : 0;
        if (own > bytes) bytes = own;
    }
    return bytes;
}

int loss_eval(const loss *l, const loss_batch *batch, loss_reduction reduction, double *value, float *values,
              float *grad, void *scratch, lb_error *error) {
    if (check_call(l, batch, reduction, value, values, error)) return LB_INVALID;
    const size_t n = batch_size(batch);
    evaluation e = {.l = l, .batch = batch, .values = values, .grad = grad};
    double scale[LOSS_MAX_TERMS];
    for (size_t t = 0; t < l->count; t++) {
        scale[t] = term_scale(&l->terms[t], batch, reduction);
        e.coefficient[t] = (float)scale[t];
    }
    for (size_t start = 0; start < n; start += BLOCK) {
        const size_t count = n - start < BLOCK ? n - start : BLOCK;
        if (!block_is_sound(batch, start, count)) return fail_element(batch, start, error);
        evaluate_block(&e, start, count);
    }
    *value = 0;
    for (size_t t = 0; t < l->count; t++) {
        const loss_term *term = &l->terms[t];
        const double sum = term->type->elements
                               ? sum_of_lanes(e.lanes[t])
                               : term->type->eval(term->values, batch, scale[t], values, grad, scratch);
        *value += scale[t] * sum;
    }
    return LB_OK;
}

/* --- the prior -------------------------------------------------------------------------------------------------- */

/* Expected gradient at a constant logit; NaN if the loss refuses. */
static double expected_gradient(const loss *l, double logit, double prior, void *scratch) {
    const float input[2] = {(float)logit, (float)logit}, target[2] = {0.0f, 1.0f};
    const float weight[2] = {(float)(1 - prior), (float)prior};
    const loss_batch batch = {
        .images = 2, .channels = 1, .pixels = 1, .input = input, .target = target, .weight = weight};
    double value;
    float grad[2];
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
    const loss_batch shape = {.images = 2, .channels = 1, .pixels = 1};
    const size_t bytes = loss_scratch(l, &shape);
    void *scratch = bytes ? malloc(bytes) : NULL;
    if (bytes && !scratch) return __builtin_nan("");
    const double first = find_edge(l, prior, 0, scratch), last = find_edge(l, prior, 1, scratch);
    free(scratch);
    if (isnan(first) || isnan(last)) return __builtin_nan("");
    return fmin(fmax(0, first), last);
}
