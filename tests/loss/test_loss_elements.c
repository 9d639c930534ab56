/* What every element-wise binary loss promises: order, weights as repetition, ignored elements as if removed, the shape
   over the logit. */
#include "tests/loss/fixture.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The losses that are sums over logits one by one; what holds for all losses is in test_loss_contract.c. */
static int is_element_wise(const loss_type *type) {
    return type->kind == LOSS_BINARY && type->elements && !type->region;
}
#define TEST_EACH(name)                                                                                                \
    static void name##_of(const loss_type *type);                                                                      \
    TEST_EVERY_LOSS(loss_elements, name) {                                                                             \
        if (is_element_wise(loss_type_at(*index))) name##_of(loss_type_at(*index));                                    \
    }                                                                                                                  \
    static void name##_of(const loss_type *type)

/* --- extremes ---------------------------------------------------------------------------------------------------- */

TEST_EACH(is_finite_and_not_negative_for_every_finite_logit) {
    static const float sizes[] = {0,   0x1p-149f, 1e-30f, 1e-8f, 17,   40,    80,    87,     88,
                                  103, 104,       150,    1e3f,  1e4f, 1e10f, 1e30f, FLT_MAX};
    static const float labels[] = {0, 1, 0.5f, 1e-30f};
    enum { N = 2 * 4 * sizeof sizes / sizeof sizes[0] };
    float input[N], target[N], values[N], grad[N];
    for (size_t i = 0; i < N; i++) {
        input[i] = (i % 2 ? -1.0f : 1.0f) * sizes[i / 8];
        target[i] = labels[i / 2 % 4];
    }
    char expression[SETTING_TEXT];
    EACH_SETTING(type, expression) {
        loss *l = resolved(expression);
        const loss_batch batch = batch_of(N, input, target);
        const double sum = evaluated(l, &batch, LOSS_NONE, values, grad);
        cr_assert(isfinite(sum), "%s: the sum is %g", expression, sum);
        for (size_t i = 0; i < N; i++)
            cr_assert(isfinite(values[i]) && values[i] >= 0 && isfinite(grad[i]),
                      "%s: logit %g, label %g gives %g with gradient %g", expression, (double)input[i],
                      (double)target[i], (double)values[i], (double)grad[i]);
        loss_free(l);
    }
}

/* A certain mistake costs, a certain hit does not. */
TEST_EACH(grows_with_the_mistake) {
    static const float input[] = {80, -80, 1e4f, -1e4f, -80, 80, -1e4f, 1e4f};
    static const float target[] = {0, 1, 0, 1, 0, 1, 0, 1};
    float values[8], grad[8];
    loss *l = resolved(type->name);
    const loss_batch batch = batch_of(8, input, target);
    evaluated(l, &batch, LOSS_NONE, values, grad);
    for (int i = 0; i < 4; i++) {
        cr_assert(values[i] > 0.5f, "a wrong logit of %g costs only %g", (double)input[i], (double)values[i]);
        cr_assert(values[i + 4] < 1e-9f && fabsf(grad[i + 4]) < 1e-9f, "a right logit of %g costs %g, gradient %g",
                  (double)input[i + 4], (double)values[i + 4], (double)grad[i + 4]);
    }
    loss_free(l);
}

/* --- batches ----------------------------------------------------------------------------------------------------- */

enum { LONG = 1337 }; /* three blocks of evaluate.c, the last one odd */

static float long_input[LONG], long_target[LONG];

static void fill_long(void) {
    for (int i = 0; i < LONG; i++) {
        long_input[i] = (float)(i * 7919 % 1601) / 100 - 8;
        long_target[i] = i % 7 == 0;
    }
}

static int nearly(double a, double b) { return fabs(a - b) <= 1e-12 * (fabs(a) + fabs(b)); }

TEST_EACH(order_of_the_elements_does_not_matter) {
    static float input[LONG], target[LONG], grad[LONG], reversed_grad[LONG];
    fill_long();
    for (int i = 0; i < LONG; i++) {
        input[i] = long_input[LONG - 1 - i];
        target[i] = long_target[LONG - 1 - i];
    }
    loss *l = resolved(type->name);
    const loss_batch batch = batch_of(LONG, long_input, long_target), reversed = batch_of(LONG, input, target);
    const double value = evaluated(l, &batch, LOSS_MEAN, NULL, grad);
    const double other = evaluated(l, &reversed, LOSS_MEAN, NULL, reversed_grad);
    cr_assert(nearly(value, other), "%.17g, reversed %.17g", value, other);
    for (int i = 0; i < LONG; i++) cr_assert(eq(flt, grad[i], reversed_grad[LONG - 1 - i]));
    loss_free(l);
}

TEST_EACH(reductions_agree) {
    static float values[LONG], none[LONG], sum[LONG], mean[LONG];
    fill_long();
    loss *l = resolved(type->name);
    const loss_batch batch = batch_of(LONG, long_input, long_target);
    const double total = evaluated(l, &batch, LOSS_NONE, values, none);
    cr_assert(eq(dbl, total, evaluated(l, &batch, LOSS_SUM, NULL, sum)));
    cr_assert(eq(dbl, total, evaluated(l, &batch, LOSS_SUM, NULL, NULL)),
              "the value depends on whether grad is wanted");
    cr_assert(nearly(total / LONG, evaluated(l, &batch, LOSS_MEAN, NULL, mean)));
    double added = 0;
    for (int i = 0; i < LONG; i++) {
        added += (double)values[i];
        cr_assert(eq(flt, none[i], sum[i]));
        cr_assert(fabsf(mean[i] * LONG - sum[i]) <= 1e-6f * fabsf(sum[i]) + 1e-36f); /* beside subnormal ones */
    }
    cr_assert(nearly(added, total));
    loss_free(l);
}

TEST_EACH(weights_are_repetition) {
    static float weight[LONG], input[3 * LONG], target[3 * LONG], grad[LONG], repeated_grad[3 * LONG];
    fill_long();
    size_t n = 0;
    for (int i = 0; i < LONG; i++) {
        weight[i] = (float)(i % 4);
        for (int copy = 0; copy < i % 4; copy++, n++) {
            input[n] = long_input[i];
            target[n] = long_target[i];
        }
    }
    loss *l = resolved(type->name);
    loss_batch weighted = batch_of(LONG, long_input, long_target);
    weighted.weight = weight;
    const loss_batch repeated = batch_of(n, input, target);
    const double value = evaluated(l, &weighted, LOSS_SUM, NULL, grad);
    const double other = evaluated(l, &repeated, LOSS_SUM, NULL, repeated_grad);
    cr_assert(fabs(value - other) <= 1e-7 * other, "weighted %.9g, repeated %.9g", value, other);
    n = 0;
    for (int i = 0; i < LONG; i++) {
        cr_assert(eq(flt, grad[i], weight[i] * (i % 4 ? repeated_grad[n] : 0)));
        n += (size_t)(i % 4);
    }
    loss_free(l);
}

TEST_EACH(ignored_elements_are_as_if_removed_whatever_they_hold) {
    static unsigned char ignore[LONG];
    static float dirty[LONG], dirty_target[LONG], input[LONG], target[LONG], grad[LONG], kept_grad[LONG], values[LONG];
    fill_long();
    size_t n = 0;
    for (int i = 0; i < LONG; i++) {
        ignore[i] = i % 3 == 1;
        dirty[i] = ignore[i] ? NAN : long_input[i];
        dirty_target[i] = ignore[i] ? 255 : long_target[i];
        if (ignore[i]) continue;
        input[n] = long_input[i];
        target[n++] = long_target[i];
    }
    loss *l = resolved(type->name);
    loss_batch ignoring = batch_of(LONG, dirty, dirty_target);
    ignoring.ignore = ignore;
    const loss_batch kept = batch_of(n, input, target);
    cr_assert(nearly(evaluated(l, &ignoring, LOSS_MEAN, NULL, grad), evaluated(l, &kept, LOSS_MEAN, NULL, kept_grad)));
    n = 0;
    for (int i = 0; i < LONG; i++) cr_assert(eq(flt, grad[i], ignore[i] ? 0 : kept_grad[n++]));
    evaluated(l, &ignoring, LOSS_NONE, values, NULL);
    cr_assert(eq(flt, values[1], 0));
    loss_free(l);
}

TEST_EACH(gives_the_same_bits_twice_and_per_channel_and_pixel) {
    static float grad[LONG], again[LONG];
    fill_long();
    loss *l = resolved(type->name);
    loss_batch batch = batch_of(1330, long_input, long_target);
    const double value = evaluated(l, &batch, LOSS_MEAN, NULL, grad);
    batch.images = 2;
    batch.channels = 5;
    batch.pixels = 133;
    cr_assert(eq(dbl, value, evaluated(l, &batch, LOSS_MEAN, NULL, again)));
    cr_assert(memcmp(grad, again, 1330 * sizeof grad[0]) == 0);
    loss_free(l);
}

/* --- refusals ---------------------------------------------------------------------------------------------------- */

static void expect_sentence(const loss *l, const loss_batch *batch, const char *wanted) {
    lb_error error = {0};
    double value;
    float grad[8];
    cr_assert(eq(int, loss_eval(l, batch, LOSS_MEAN, &value, NULL, grad, NULL, &error), LB_INVALID), "no %s", wanted);
    cr_assert(strstr(error.message, wanted) != NULL, "'%s' is not in: %s", wanted, error.message);
}

TEST_EACH(refuses_unsound_elements_and_names_them) {
    static const float good_input[] = {1, 2, 3, 4}, good_target[] = {0, 1, 0, 1};
    const struct {
        float input, target, weight;
        const char *sentence;
    } unsound[] = {
        {NAN, 0, 1, "element 2: the logit is nan"},        {INFINITY, 0, 1, "element 2: the logit is inf"},
        {-INFINITY, 0, 1, "element 2: the logit is -inf"}, {0, 1.5f, 1, "element 2: the label is 1.5"},
        {0, -0.25f, 1, "element 2: the label is -0.25"},   {0, NAN, 1, "element 2: the label is nan"},
        {0, 0, -2, "element 2: the weight is -2"},         {0, 0, INFINITY, "element 2: the weight is inf"},
        {0, 0, NAN, "element 2: the weight is nan"},
    };
    loss *l = resolved(type->name);
    for (size_t i = 0; i < sizeof unsound / sizeof unsound[0]; i++) {
        float input[4], target[4], weight[4] = {1, 1, 1, 1};
        memcpy(input, good_input, sizeof input);
        memcpy(target, good_target, sizeof target);
        input[2] = unsound[i].input;
        target[2] = unsound[i].target;
        weight[2] = unsound[i].weight;
        loss_batch batch = batch_of(4, input, target);
        batch.weight = weight;
        expect_sentence(l, &batch, unsound[i].sentence);
    }
    loss_free(l);
}

TEST_EACH(names_the_element_in_later_blocks) {
    static float grad[LONG];
    fill_long();
    long_input[1201] = NAN;
    long_input[1300] = NAN;
    loss *l = resolved(type->name);
    const loss_batch batch = batch_of(LONG, long_input, long_target);
    lb_error error = {0};
    double value;
    cr_assert(loss_eval(l, &batch, LOSS_MEAN, &value, NULL, grad, NULL, &error) == LB_INVALID);
    cr_assert(strstr(error.message, "element 1201:") != NULL, "%s", error.message);
    loss_free(l);
}
