/* What every loss promises, tried on every registered loss at its defaults and with each parameter at several places of
   its range. A new loss is tested here the moment it is listed. */
#include "tests/loss/fixture.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- settings: every parameter, one at a time -------------------------------------------------------------------- */

enum { SETTING_TEXT = 200 };

/* Writes setting number `i` of a loss as an expression; 0 when there are no more. Number 0 is the defaults. */
static int setting(const loss_type *type, size_t i, char *out) {
    snprintf(out, SETTING_TEXT, "%s", type->name);
    if (i-- == 0) return 1;
    for (size_t p = 0; p < type->param_count; p++) {
        const param *row = &type->params[p];
        for (const param_word *w = row->words; w && w->word; w++)
            if (i-- == 0) return snprintf(out, SETTING_TEXT, "%s(%s=%s)", type->name, row->name, w->word) > 0;
        if (row->scale == PARAM_CHOICE) continue;
        const double twentieth = row->low + (row->high - row->low) / 20;
        const double places[] = {row->low, row->high, twentieth, row->tune_low, row->tune_high};
        const size_t count = row->tune_low < row->tune_high ? 5 : 3;
        if (i < count) return snprintf(out, SETTING_TEXT, "%s(%s=%.17g)", type->name, row->name, places[i]) > 0;
        i -= count;
    }
    return 0;
}

#define EACH_SETTING(type, text) for (size_t number = 0; setting(type, number, text); number++)

/* A setting whose gradient is by definition not that of its value. */
static int is_detached(const char *expression) { return strstr(expression, "detached=on") != NULL; }

/* --- the gradient ------------------------------------------------------------------------------------------------ */

enum { GRID = 99 };

/* Logits from -8 to 8 in steps of a half, each with the labels 0, 1 and 0.3. */
static void fill_grid(float *input, float *target) {
    static const float labels[] = {0, 1, 0.3f};
    for (int i = 0; i < GRID; i++) {
        input[i] = (float)(i / 3) * 0.5f - 8;
        target[i] = labels[i % 3];
    }
}

static void values_at(const loss *l, const float *input, const float *target, float shift, float *values) {
    float moved[GRID];
    for (int i = 0; i < GRID; i++) moved[i] = input[i] + shift;
    const loss_batch batch = batch_of(GRID, moved, target);
    evaluated(l, &batch, LOSS_NONE, values, NULL);
}

/* Central differences of fourth order; the error is a few 1e-4 of value and slope for the steepest settings, gamma
 * = 10. */
static void expect_gradient_of_value(const char *expression) {
    const float h = 1.0f / 64;
    float input[GRID], target[GRID], grad[GRID], values[GRID], at[4][GRID];
    fill_grid(input, target);
    loss *l = resolved(expression);
    const loss_batch batch = batch_of(GRID, input, target);
    evaluated(l, &batch, LOSS_NONE, values, grad);
    values_at(l, input, target, -2 * h, at[0]);
    values_at(l, input, target, -h, at[1]);
    values_at(l, input, target, h, at[2]);
    values_at(l, input, target, 2 * h, at[3]);
    double worst = 0;
    int where = 0;
    for (int i = 0; i < GRID; i++) {
        const double slope =
            (8 * ((double)at[2][i] - (double)at[1][i]) - ((double)at[3][i] - (double)at[0][i])) / (12 * (double)h);
        const double allowed = 3e-4 * (fabs((double)grad[i]) + fabs((double)values[i])) + 1e-12;
        const double error = fabs(slope - (double)grad[i]) / allowed;
        if (!(error > worst)) continue;
        worst = error;
        where = i;
    }
    cr_assert(worst <= 1, "%s: at logit %g, label %g the gradient %g is off by %.1f times what is allowed",
              loss_label(l), (double)input[where], (double)target[where], (double)grad[where], worst);
    loss_free(l);
}

TEST_EVERY_LOSS(loss_contract, gradient_is_the_derivative_of_the_value) {
    char expression[SETTING_TEXT];
    const loss_type *type = loss_type_at(*index);
    EACH_SETTING(type, expression)
    if (!is_detached(expression)) expect_gradient_of_value(expression);
}

/* --- extremes ---------------------------------------------------------------------------------------------------- */

TEST_EVERY_LOSS(loss_contract, is_finite_and_not_negative_for_every_finite_logit) {
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
    EACH_SETTING(loss_type_at(*index), expression) {
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
TEST_EVERY_LOSS(loss_contract, grows_with_the_mistake) {
    static const float input[] = {80, -80, 1e4f, -1e4f, -80, 80, -1e4f, 1e4f};
    static const float target[] = {0, 1, 0, 1, 0, 1, 0, 1};
    float values[8], grad[8];
    loss *l = resolved(loss_type_at(*index)->name);
    const loss_batch batch = batch_of(8, input, target);
    evaluated(l, &batch, LOSS_NONE, values, grad);
    for (int i = 0; i < 4; i++) {
        cr_assert(values[i] > 0.5f, "a wrong logit of %g costs only %g", (double)input[i], (double)values[i]);
        cr_assert(values[i + 4] < 1e-9f && fabsf(grad[i + 4]) < 1e-9f, "a right logit of %g costs %g, gradient %g",
                  (double)input[i + 4], (double)values[i + 4], (double)grad[i + 4]);
    }
    loss_free(l);
}

TEST_EVERY_LOSS(loss_contract, batches_of_one_class_and_of_one_element) {
    static const float input[] = {-2, 0.5f, 3}, goods[] = {0, 0, 0}, defects[] = {1, 1, 1};
    const float *const targets[] = {goods, defects};
    char expression[SETTING_TEXT];
    EACH_SETTING(loss_type_at(*index), expression) {
        loss *l = resolved(expression);
        for (int c = 0; c < 2; c++)
            for (size_t n = 1; n <= 3; n += 2) {
                float grad[3];
                const loss_batch batch = batch_of(n, input, targets[c]);
                cr_assert(isfinite(evaluated(l, &batch, LOSS_MEAN, NULL, grad)));
                for (size_t i = 0; i < n; i++) cr_assert(isfinite(grad[i]));
            }
        loss_free(l);
    }
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

TEST_EVERY_LOSS(loss_contract, order_of_the_elements_does_not_matter) {
    static float input[LONG], target[LONG], grad[LONG], reversed_grad[LONG];
    fill_long();
    for (int i = 0; i < LONG; i++) {
        input[i] = long_input[LONG - 1 - i];
        target[i] = long_target[LONG - 1 - i];
    }
    loss *l = resolved(loss_type_at(*index)->name);
    const loss_batch batch = batch_of(LONG, long_input, long_target), reversed = batch_of(LONG, input, target);
    const double value = evaluated(l, &batch, LOSS_MEAN, NULL, grad);
    const double other = evaluated(l, &reversed, LOSS_MEAN, NULL, reversed_grad);
    cr_assert(nearly(value, other), "%.17g, reversed %.17g", value, other);
    for (int i = 0; i < LONG; i++) cr_assert(eq(flt, grad[i], reversed_grad[LONG - 1 - i]));
    loss_free(l);
}

TEST_EVERY_LOSS(loss_contract, reductions_agree) {
    static float values[LONG], none[LONG], sum[LONG], mean[LONG];
    fill_long();
    loss *l = resolved(loss_type_at(*index)->name);
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
        cr_assert(fabsf(mean[i] * LONG - sum[i]) <= 1e-6f * fabsf(sum[i]));
    }
    cr_assert(nearly(added, total));
    loss_free(l);
}

TEST_EVERY_LOSS(loss_contract, weights_are_repetition) {
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
    loss *l = resolved(loss_type_at(*index)->name);
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

TEST_EVERY_LOSS(loss_contract, ignored_elements_are_as_if_removed_whatever_they_hold) {
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
    loss *l = resolved(loss_type_at(*index)->name);
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

TEST_EVERY_LOSS(loss_contract, nothing_that_counts_gives_zero) {
    static const unsigned char ignore[] = {1, 1};
    static const float input[] = {1, -1}, target[] = {1, 0};
    float grad[2] = {9, 9};
    char expression[SETTING_TEXT];
    EACH_SETTING(loss_type_at(*index), expression) {
        loss *l = resolved(expression);
        loss_batch batch = batch_of(2, input, target);
        batch.ignore = ignore;
        cr_assert(eq(dbl, evaluated(l, &batch, LOSS_MEAN, NULL, grad), 0), "%s", expression);
        cr_assert(grad[0] == 0 && grad[1] == 0, "%s", expression);
        loss_free(l);
    }
}

TEST_EVERY_LOSS(loss_contract, gives_the_same_bits_twice_and_per_channel_and_pixel) {
    static float grad[LONG], again[LONG];
    fill_long();
    loss *l = resolved(loss_type_at(*index)->name);
    loss_batch batch = batch_of(1330, long_input, long_target);
    const double value = evaluated(l, &batch, LOSS_MEAN, NULL, grad);
    batch.images = 2;
    batch.channels = 5;
    batch.pixels = 133;
    if (loss_type_at(*index)->kind == LOSS_BINARY)
        cr_assert(eq(dbl, value, evaluated(l, &batch, LOSS_MEAN, NULL, again)));
    else
        cr_assert(isfinite(evaluated(l, &batch, LOSS_MEAN, NULL, again)));
    if (loss_type_at(*index)->kind == LOSS_BINARY) cr_assert(memcmp(grad, again, 1330 * sizeof grad[0]) == 0);
    loss_free(l);
}

/* --- refusals ---------------------------------------------------------------------------------------------------- */

static void expect_refused(const char *name, const param *row, double value) {
    char expression[SETTING_TEXT];
    lb_error error = {0};
    snprintf(expression, sizeof expression, "%s(%s=%.17g)", name, row->name, value);
    loss *l = loss_parse(expression, &error);
    cr_assert(l == NULL, "'%s' is accepted", expression);
    cr_assert(strstr(error.message, row->name) != NULL && strstr(error.message, name) != NULL, "'%s' says only: %s",
              expression, error.message);
}

TEST_EVERY_LOSS(loss_contract, refuses_parameters_out_of_range) {
    const loss_type *type = loss_type_at(*index);
    for (size_t p = 0; p < type->param_count; p++) {
        const param *row = &type->params[p];
        expect_refused(type->name, row, row->high + 0.001 * (1 + fabs(row->high)));
        expect_refused(type->name, row, row->low - 0.001 * (1 + fabs(row->low)));
    }
    const param unknown = {.name = "no_such_parameter"};
    expect_refused(type->name, &unknown, 1);
}

static void expect_sentence(const loss *l, const loss_batch *batch, const char *wanted) {
    lb_error error = {0};
    double value;
    float grad[8];
    cr_assert(eq(int, loss_eval(l, batch, LOSS_MEAN, &value, NULL, grad, NULL, &error), LB_INVALID), "no %s", wanted);
    cr_assert(strstr(error.message, wanted) != NULL, "'%s' is not in: %s", wanted, error.message);
}

TEST_EVERY_LOSS(loss_contract, refuses_unsound_elements_and_names_them) {
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
    loss *l = resolved(loss_type_at(*index)->name);
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

TEST_EVERY_LOSS(loss_contract, names_the_element_in_later_blocks) {
    static float grad[LONG];
    fill_long();
    long_input[1201] = NAN;
    long_input[1300] = NAN;
    loss *l = resolved(loss_type_at(*index)->name);
    const loss_batch batch = batch_of(LONG, long_input, long_target);
    lb_error error = {0};
    double value;
    cr_assert(loss_eval(l, &batch, LOSS_MEAN, &value, NULL, grad, NULL, &error) == LB_INVALID);
    cr_assert(strstr(error.message, "element 1201:") != NULL, "%s", error.message);
    loss_free(l);
}

TEST_EVERY_LOSS(loss_contract, refuses_calls_without_data) {
    static const float some[] = {0, 1};
    float values[2];
    double value;
    lb_error error;
    loss *l = resolved(loss_type_at(*index)->name);
    const loss_batch good = batch_of(2, some, some), empty = batch_of(0, some, some);
    const loss_batch no_input = batch_of(2, NULL, some), no_target = batch_of(2, some, NULL);
    expect_sentence(l, &empty, "empty");
    expect_sentence(l, &no_input, "no logits");
    expect_sentence(l, &no_target, "no labels");
    cr_assert(loss_eval(NULL, &good, LOSS_SUM, &value, NULL, NULL, NULL, &error) == LB_INVALID);
    cr_assert(loss_eval(l, NULL, LOSS_SUM, &value, NULL, NULL, NULL, &error) == LB_INVALID);
    cr_assert(loss_eval(l, &good, LOSS_SUM, NULL, NULL, NULL, NULL, &error) == LB_INVALID);
    cr_assert(loss_eval(l, &good, LOSS_NONE, &value, NULL, NULL, NULL, &error) == LB_INVALID);
    cr_assert(loss_eval(l, &good, LOSS_SUM, &value, values, NULL, NULL, &error) == LB_INVALID);
    cr_assert(loss_eval(l, &good, LOSS_SUM, &value, NULL, NULL, NULL, NULL) == LB_OK, "error may be NULL");
    loss_free(l);
}

/* --- description and prior --------------------------------------------------------------------------------------- */

TEST_EVERY_LOSS(loss_contract, describes_itself) {
    const loss_type *type = loss_type_at(*index);
    cr_assert(type->version >= 1 && type->summary != NULL && type->citation != NULL &&
              type->param_count <= SPEC_MAX_PARAMS);
    cr_assert(ne(int, type->elements != NULL, type->eval != NULL), "%s needs one of elements and eval", type->name);
    cr_assert(loss_type_find(type->name) == type, "%s is listed twice", type->name);
    for (size_t p = 0; p < type->param_count; p++) {
        const param *row = &type->params[p];
        int has_word = 0, has_auto = 0;
        for (const param_word *w = row->words; w && w->word; w++) {
            has_word |= w->value == row->fallback;
            has_auto |= strcmp(w->word, "auto") == 0;
        }
        cr_assert(row->summary != NULL, "%s: %s has no summary", type->name, row->name);
        cr_assert(has_word || (row->fallback >= row->low && row->fallback <= row->high), "%s: default of %s",
                  type->name, row->name);
        cr_assert(row->tune_low >= row->low || row->tune_low == 0, "%s: tuning range of %s", type->name, row->name);
        cr_assert(row->tune_high <= row->high, "%s: tuning range of %s", type->name, row->name);
        cr_assert(has_auto == 0 || type->resolve != NULL, "%s: %s=auto is never resolved", type->name, row->name);
    }
}

/* At the prior logit the gradient changes sign, at any imbalance. */
TEST_EVERY_LOSS(loss_contract, prior_logit_is_where_the_expected_gradient_changes_sign) {
    static const float target[] = {0, 1};
    static const double priors[] = {0.5, 0.1, 0.01, 0.0001};
    loss *l = resolved(loss_type_at(*index)->name);
    for (int p = 0; p < 4; p++) {
        const double logit = loss_prior_logit(l, priors[p]);
        const float weight[] = {(float)(1 - priors[p]), (float)priors[p]};
        cr_assert(logit > -30 && logit < 30);
        for (int side = -1; side <= 1; side += 2) {
            const float z = (float)logit + (float)side * 0.001f, input[] = {z, z};
            float grad[2];
            loss_batch batch = batch_of(2, input, target);
            batch.weight = weight;
            evaluated(l, &batch, LOSS_SUM, NULL, grad);
            cr_assert(ge(dbl, (double)side * ((double)grad[0] + (double)grad[1]), 0),
                      "prior %g, logit %g: gradient %g at %+g", priors[p], logit, (double)(grad[0] + grad[1]),
                      side * 0.001);
        }
    }
    loss_free(l);
}
