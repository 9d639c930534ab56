/* Element-wise terms, block by block: a block of inputs and labels is read from memory once, checked, its logistic
   computed once for all terms, and its gradient written once. Sums run in eight double lanes, element i in lane i mod
   8, and are added in a fixed order: their bits do not depend on vector width or compiler. */
#include "lib/loss/elements.h"
#include "lib/loss/evaluate.h"

#include <string.h>

/* --- checks ------------------------------------------------------------------------------------------------------ */

static int label_is_sound(const evaluation *e, real y) {
    return e->form == LOSS_REGRESSION || e->form == LOSS_BOX ? real_is_finite(y) : y >= 0 && y <= 1;
}

static int input_is_sound(const evaluation *e, real z) {
    return real_is_finite(z) && (e->batch->activation != LOSS_PROBABILITIES || (z >= 0 && z <= 1));
}

static int weight_is_sound(const loss_batch *batch, size_t i) {
    return !batch->weight || (batch->weight[i] >= 0 && real_is_finite(batch->weight[i]));
}

static int fail_weight(const loss_batch *batch, size_t i, lb_error *error) {
    return lb_fail(error, LB_INVALID, "element %zu: the weight is %g; weights must be finite and 0 or more", i,
                   (double)batch->weight[i]);
}

/* LB_OK, or the sentence for element i. */
static int check_element(const evaluation *e, size_t i, lb_error *error) {
    const loss_batch *batch = e->batch;
    const size_t item = e->form == LOSS_BOX ? i / 4 : i;
    if (is_ignored(batch, item)) return LB_OK;
    const double z = (double)batch->input[i], y = (double)batch->target[i];
    if (!input_is_sound(e, batch->input[i]))
        return batch->activation == LOSS_PROBABILITIES
                   ? lb_fail(error, LB_INVALID, "element %zu: the probability is %g; it must be from 0 to 1", i, z)
               : e->form == LOSS_REGRESSION
                   ? lb_fail(error, LB_INVALID, "element %zu: the prediction is %g; it must be finite", i, z)
                   : lb_fail(error, LB_INVALID, "element %zu: the logit is %g; logits must be finite", i, z);
    if (!label_is_sound(e, batch->target[i]))
        return lb_fail(error, LB_INVALID, "element %zu: the label is %g; labels must be %s", i, y,
                       e->form == LOSS_REGRESSION ? "finite" : "from 0 to 1");
    return weight_is_sound(batch, item) ? LB_OK : fail_weight(batch, item, error);
}

static int check_range(const evaluation *e, size_t start, size_t n, lb_error *error) {
    for (size_t i = start; i < start + n; i++)
        if (check_element(e, i, error)) return LB_INVALID;
    return LB_OK;
}

LOSS_KERNEL static int logits_and_labels_are_sound(const real *restrict z, const real *restrict y, size_t n) {
    int unsound = 0;
    for (size_t i = 0; i < n; i++) unsound |= (z[i] - z[i] != 0) | (y[i] - y[i] != 0) | (y[i] < 0) | (y[i] > 1);
    return !unsound;
}

/* Blocks of plain logits are looked at once, all elements together. */
int check_elements(const evaluation *e, lb_error *error) {
    const loss_batch *batch = e->batch;
    const size_t size = batch_size(batch);
    const int plain =
        e->form <= LOSS_MASK && batch->activation != LOSS_PROBABILITIES && !batch->weight && !batch->ignore;
    for (size_t start = 0; start < size; start += LOSS_BLOCK) {
        const size_t n = size - start < LOSS_BLOCK ? size - start : LOSS_BLOCK;
        if (plain && logits_and_labels_are_sound(batch->input + start, batch->target + start, n)) continue;
        if (check_range(e, start, n, error)) return LB_INVALID;
    }
    return LB_OK;
}

/* --- loading ----------------------------------------------------------------------------------------------------- */

#ifdef LOSS_DOUBLE

static int logits_are_plain(const real *z, const real *y, size_t n, real *decay) {
    int plain = 1;
    for (size_t i = 0; i < n; i++) {
        plain &= real_is_finite(z[i]) && y[i] >= 0 && y[i] <= 1;
        decay[i] = real_exp_negative(real_abs(z[i]));
    }
    return plain;
}

#else

/* decay = exp(-|z|); whether all logits are finite and all labels in [0,1]: as unsigned integers, floats from 0 to 1
   are 0..bits(1). -0 is taken for unsound here and looked at again. */
LOSS_KERNEL static int logits_are_plain(const real *restrict z, const real *restrict y, size_t n,
                                        real *restrict decay) {
    uint32_t largest_z = 0, largest_y = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t magnitude = repro_bits_of(z[i]) & 0x7fffffffu, label = repro_bits_of(y[i]);
        largest_z = magnitude > largest_z ? magnitude : largest_z;
        largest_y = label > largest_y ? label : largest_y;
        decay[i] = real_exp_negative(real_abs(z[i]));
    }
    return largest_z < 0x7f800000u && largest_y <= 0x3f800000u;
}

#endif

/* The same for numbers: all predictions and targets are finite. */
LOSS_KERNEL static int numbers_are_plain(const real *restrict z, const real *restrict y, size_t n) {
    int unsound = 0;
    for (size_t i = 0; i < n; i++) unsound |= (z[i] - z[i] != 0) | (y[i] - y[i] != 0);
    return !unsound;
}

LOSS_KERNEL static void fill_common(const real *restrict decay, size_t n, real *restrict common) {
    for (size_t i = 0; i < n; i++) common[i] = real_log1p_unit(decay[i]);
}

static void fill_weights(const evaluation *e, size_t start, size_t n, int weigh_classes, real *weights) {
    const loss_batch *batch = e->batch;
    for (size_t i = 0; i < n; i++) {
        const size_t item = e->form == LOSS_BOX ? (start + i) / 4 : start + i;
        const real own = batch->weight && !is_ignored(batch, item) ? batch->weight[item] : 1;
        const real by_class = weigh_classes && batch->class_weight
                                  ? batch->class_weight[(start + i) / batch->pixels % batch->channels]
                                  : 1;
        weights[i] = is_ignored(batch, item) ? 0 : real_capped(own * by_class);
    }
}

/* Ignored elements become 0. */
static const real *without_ignored(const evaluation *e, const real *from, size_t start, size_t n, real *out) {
    if (!e->batch->ignore) return from + start;
    for (size_t i = 0; i < n; i++)
        out[i] = is_ignored(e->batch, e->form == LOSS_BOX ? (start + i) / 4 : start + i) ? 0 : from[start + i];
    return out;
}

/* Asks for elements of the next block, so that memory works while the units compute; array by array between the loops,
   since the processor keeps only some requests under way. */
static void prefetch_next(const evaluation *e, const real *from, size_t start) {
    const size_t next = start + LOSS_BLOCK;
    enum { LINE = 64 / sizeof(real) };
    if (next + LOSS_BLOCK > batch_size(e->batch)) return;
    for (size_t i = next; i < next + LOSS_BLOCK; i += LINE) __builtin_prefetch(from + i);
}

int load_block(const evaluation *e, size_t start, size_t n, int weigh_classes, loaded_block *out, lb_error *error) {
    const loss_batch *batch = e->batch;
    loss_block *b = &out->block;
    *b = (loss_block){.n = n};
    prefetch_next(e, batch->input, start);
    b->input = without_ignored(e, batch->input, start, n, out->input);
    b->target = without_ignored(e, batch->target, start, n, out->target);
    const int logits = e->form == LOSS_BINARY || e->form == LOSS_MASK;
    const int plain =
        logits ? logits_are_plain(b->input, b->target, n, out->decay) : numbers_are_plain(b->input, b->target, n);
    if (e->form != LOSS_BOX && (!plain || batch->activation == LOSS_PROBABILITIES))
        if (check_range(e, start, n, error)) return LB_INVALID;
    if (batch->weight || batch->ignore || (weigh_classes && batch->class_weight)) {
        for (size_t i = start; batch->weight && e->form != LOSS_BOX && i < start + n; i++)
            if (!is_ignored(batch, i) && !weight_is_sound(batch, i)) return fail_weight(batch, i, error);
        fill_weights(e, start, n, weigh_classes, out->weights);
        out->weight = out->weights;
    } else
        out->weight = NULL;
    if (e->clip > 0) {
        const real limit = (real)(repro_log(1 - e->clip) - repro_log(e->clip));
        for (size_t i = 0; i < n; i++) out->input[i] = real_max(real_min(b->input[i], limit), -limit);
        b->input = out->input;
        for (size_t i = 0; i < n; i++) out->decay[i] = real_exp_negative(real_abs(out->input[i]));
    }
    prefetch_next(e, batch->target, start);
    if (e->grad && !e->has_elements) prefetch_next(e, e->grad, start); /* evaluate_block does it else */
    if (logits && e->has_elements) {
        fill_common(out->decay, n, out->common);
        b->common = out->common;
    }
    if (logits) b->decay = out->decay;
    return LB_OK;
}

/* --- the terms --------------------------------------------------------------------------------------------------- */

/* Capped, so that a weight of 0 for the term finds nothing infinite. */
LOSS_KERNEL static void multiply(real *restrict x, const real *restrict by, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] = real_capped(x[i] * by[i]);
}

/* Adds losses to their lanes, and out = coefficient * slopes in the same loop, which hides the latency of the sums. The
   rest of a block is left to a function of its own, so that the compiler keeps the lanes of the loop in registers. */
LOSS_KERNEL static void add_and_write_lanes(const real *restrict losses, const real *restrict slopes, real coefficient,
                                            size_t n, double *restrict sums, real *restrict out) {
    for (size_t i = 0; i + LANES <= n; i += LANES) {
        for (size_t lane = 0; lane < LANES; lane++) sums[lane] += (double)losses[i + lane];
        for (size_t lane = 0; lane < LANES; lane++) out[i + lane] = coefficient * slopes[i + lane];
    }
}

static void add_and_write(const real *losses, const real *slopes, real coefficient, size_t n, double *sums, real *out) {
    add_and_write_lanes(losses, slopes, coefficient, n, sums, out);
    for (size_t i = n / LANES * LANES; i < n; i++) {
        sums[i % LANES] += (double)losses[i];
        out[i] = coefficient * slopes[i];
    }
}

/* out += coefficient * x */
LOSS_KERNEL static void add_scaled(const real *restrict x, real coefficient, size_t n, real *restrict out) {
    for (size_t i = 0; i < n; i++) out[i] = real_fma(coefficient, x[i], out[i]);
}

static int are_finite(const double *lanes) {
    double poison = 0;
    for (size_t lane = 0; lane < LANES; lane++) poison += lanes[lane] * 0;
    return poison == 0;
}

LOSS_KERNEL static void add_lanes(const real *restrict x, size_t n, double *restrict sums) {
    for (size_t i = 0; i + LANES <= n; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) sums[lane] += (double)x[i + lane];
}

static void add_all(const real *x, size_t n, double *sums) {
    add_lanes(x, n, sums);
    for (size_t i = n / LANES * LANES; i < n; i++) sums[i % LANES] += (double)x[i];
}

void add_to_lanes(real *losses, size_t n, double *lanes) {
    double before[LANES];
    memcpy(before, lanes, sizeof before);
    add_all(losses, n, lanes);
    if (are_finite(lanes)) return;
    memcpy(lanes, before, sizeof before);
    for (size_t i = 0; i < n; i++) losses[i] = real_min(losses[i], REAL_MAX);
    add_all(losses, n, lanes);
}

/* Where probabilities were clipped there is no gradient. */
static void drop_clipped(const evaluation *e, const loaded_block *loaded, size_t start, real *slopes) {
    for (size_t i = 0; e->clip > 0 && i < loaded->block.n; i++)
        if (loaded->block.input[i] != e->batch->input[start + i]) slopes[i] = 0;
}

/* One term's losses and slopes into sums, gradient and values; `first` of the terms writes, the others add. */
static void take_term(const evaluation *e, size_t t, size_t start, size_t n, real *losses, real *slopes, int first,
                      double *lanes) {
    double before[LANES];
    const real coefficient = (real)e->scale[t];
    real *grad = e->grad ? e->grad + start : NULL;
    memcpy(before, lanes, sizeof before);
    if (grad && first) add_and_write(losses, slopes, coefficient, n, lanes, grad);
    if (!(grad && first) || !are_finite(lanes)) {
        memcpy(lanes, before, sizeof before);
        add_to_lanes(losses, n, lanes);
    }
    if (grad && !first) add_scaled(slopes, coefficient, n, grad);
    for (size_t i = 0; e->values && i < n; i++)
        e->values[start + i] = first ? coefficient * losses[i] : real_fma(coefficient, losses[i], e->values[start + i]);
}

void evaluate_block(const evaluation *e, size_t start, loaded_block *loaded, double lanes[][LANES]) {
    real losses[LOSS_BLOCK], slopes[LOSS_BLOCK];
    const size_t n = loaded->block.n;
    int first = 1;
    for (size_t t = 0; t < e->l->count; t++) {
        const loss_term *term = &e->l->terms[t];
        if (!term_has_elements(term, e->form)) continue;
        if (e->grad && first) prefetch_next(e, e->grad, start);
        term->type->elements(term->values, &loaded->block, losses, slopes);
        if (loaded->weight) {
            multiply(losses, loaded->weight, n);
            multiply(slopes, loaded->weight, n);
        }
        drop_clipped(e, loaded, start, slopes);
        take_term(e, t, start, n, losses, slopes, first, lanes[t]);
        first = 0;
    }
}

int evaluate_elements(evaluation *e, lb_error *error) {
    loaded_block loaded;
    double lanes[LOSS_MAX_TERMS][LANES] = {{0}};
    const size_t n = batch_size(e->batch);
    for (size_t start = 0; start < n; start += LOSS_BLOCK) {
        const size_t count = n - start < LOSS_BLOCK ? n - start : LOSS_BLOCK;
        if (load_block(e, start, count, 1, &loaded, error)) return LB_INVALID;
        evaluate_block(e, start, &loaded, lanes);
    }
    for (size_t t = 0; t < e->l->count; t++)
        if (term_has_elements(&e->l->terms[t], e->form)) e->value += e->scale[t] * sum_of_lanes(lanes[t]);
    return LB_OK;
}
