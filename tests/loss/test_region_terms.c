/* Losses that are not element-wise go through `eval`: here one made for the purpose, the squared sum of an image's
   logits, alone and in one expression with an element-wise loss. */
#include "tests/loss/fixture.h"

#include "lib/loss/expression.h"

#include <math.h>
#include <stdlib.h>

static double squared_sum_divisor(const double *values, const loss_batch *batch) {
    (void)values;
    return (double)batch->images;
}

static size_t squared_sum_scratch(const double *values, const loss_batch *batch) {
    (void)values;
    return batch->images * sizeof(double);
}

static double squared_sum_eval(const double *values, const loss_batch *batch, double scale, float *each, float *grad,
                               void *scratch) {
    double total = 0, *sums = scratch;
    (void)values;
    for (size_t image = 0; image < batch->images; image++) {
        const float *z = batch->input + image * batch->pixels;
        sums[image] = 0;
        for (size_t i = 0; i < batch->pixels; i++) sums[image] += (double)z[i];
        total += sums[image] * sums[image];
        if (each) each[image] += (float)(scale * sums[image] * sums[image]);
        for (size_t i = 0; grad && i < batch->pixels; i++)
            grad[image * batch->pixels + i] += (float)(2 * scale * sums[image]);
    }
    return total;
}

static const loss_type squared_sum = {
    .name = "squared_sum",
    .version = 1,
    .kind = LOSS_MASK,
    .divisor = squared_sum_divisor,
    .scratch = squared_sum_scratch,
    .eval = squared_sum_eval,
};

static const float input[] = {1, 2, 3, -1, -2, 0.5f}, target[] = {0, 1, 0, 1, 0, 0};
static const loss_batch masks = {.images = 2, .channels = 1, .pixels = 3, .input = input, .target = target};

/* weight * squared_sum, followed by the given element-wise expression if there is one */
static loss *with_squared_sum(double weight, const char *rest) {
    loss *l = rest ? resolved(rest) : calloc(1, sizeof *l);
    for (size_t i = l->count; i > 0; i--) l->terms[i] = l->terms[i - 1];
    l->terms[0] = (loss_term){.type = &squared_sum, .weight = weight};
    l->count++;
    return l;
}

static double evaluated_with_scratch(const loss *l, loss_reduction reduction, float *grad) {
    double scratch[2], value;
    lb_error error = {0};
    cr_assert(eq(sz, loss_scratch(l, &masks), sizeof scratch));
    cr_assert(loss_eval(l, &masks, reduction, &value, NULL, grad, scratch, &error) == LB_OK, "%s", error.message);
    return value;
}

Test(region_terms, alone_it_replaces_what_grad_held) {
    loss *l = with_squared_sum(0.5, NULL);
    float grad[6] = {7, 7, 7, 7, 7, 7};
    cr_assert(eq(dbl, evaluated_with_scratch(l, LOSS_SUM, grad), 0.5 * (36 + 6.25)));
    for (int i = 0; i < 6; i++) cr_assert(eq(flt, grad[i], i < 3 ? 6.0f : -2.5f));
    cr_assert(eq(dbl, evaluated_with_scratch(l, LOSS_MEAN, grad), 0.25 * (36 + 6.25)), "two images count");
    for (int i = 0; i < 6; i++) cr_assert(eq(flt, grad[i], i < 3 ? 3.0f : -1.25f));
    loss_free(l);
}

Test(region_terms, in_a_compound_it_adds_to_the_element_wise_terms) {
    loss *l = with_squared_sum(0.125, "bce + 2*focal"), *rest = resolved("bce + 2*focal");
    float grad[6], rest_grad[6];
    const double value = evaluated_with_scratch(l, LOSS_SUM, grad);
    const double rest_value = evaluated(rest, &masks, LOSS_SUM, NULL, rest_grad);
    cr_assert(epsilon_eq(dbl, value, rest_value + 0.125 * (36 + 6.25), 1e-12));
    for (int i = 0; i < 6; i++) cr_assert(fabsf(grad[i] - rest_grad[i] - (i < 3 ? 1.5f : -0.625f)) < 1e-6f);
    cr_assert(eq(int, (int)loss_kind_of(l), LOSS_MASK));
    loss_free(l);
    loss_free(rest);
}

Test(region_terms, unsound_logits_are_refused_before_eval_sees_them) {
    const float nan_input[] = {0, 0, 0, 0, NAN, 0};
    loss_batch batch = masks;
    batch.input = nan_input;
    loss *l = with_squared_sum(1, NULL);
    double scratch[2], value;
    lb_error error = {0};
    cr_assert(loss_eval(l, &batch, LOSS_SUM, &value, NULL, NULL, scratch, &error) == LB_INVALID);
    cr_assert(error.message[0] == 'e', "%s", error.message);
    loss_free(l);
}
