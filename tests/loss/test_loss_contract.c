/* What every loss promises, tried on every registered loss at its defaults and with each parameter at several places of
   its range, on every kind of batch it takes. A new loss is tested here the moment it is listed. Its gradient and its
   golden value are tested in test_loss_gradient.c. */
#include "tests/loss/fixture.h"

#include <float.h>
#include <math.h>

#include "tests/loss/other_precision.h"

static int nearly(double a, double b, double tolerance) {
    return fabs(a - b) <= tolerance * (fabs(a) + fabs(b)) + 1e-30;
}

static double largest_of(const float *x, size_t n) {
    double largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)x[i]));
    return largest;
}

/* Of the largest element. */
static void expect_same_gradient(const loss *l, const float *a, const float *b, size_t n, double tolerance) {
    const double allowed = tolerance * largest_of(a, n) + 1e-30;
    for (size_t i = 0; i < n; i++)
        cr_assert(fabs((double)a[i] - (double)b[i]) <= allowed, "%s: gradient %zu is %.9g and %.9g", loss_label(l), i,
                  (double)a[i], (double)b[i]);
}

static void expect_finite(const loss *l, const loss_batch *batch, const char *what) {
    static float grad[SAMPLE_SIZE];
    const size_t n = batch->images * batch->channels * batch->pixels;
    const double value = evaluated(l, batch, LOSS_MEAN, NULL, grad);
    cr_assert(isfinite(value), "%s, %s: the value is %g", loss_label(l), what, value);
    for (size_t i = 0; i < n; i++)
        cr_assert(isfinite(grad[i]), "%s, %s: the gradient of element %zu (input %g) is %g", loss_label(l), what, i,
                  (double)batch->input[i], (double)grad[i]);
}

#define EACH_LOSS_AND_FORM(type, expression, l, form)                                                                  \
    EACH_SETTING(type, expression)                                                                                     \
    for (loss *l = sample_loss(expression, NULL); l; loss_free(l), l = NULL) EACH_FORM(l, form)

/* --- precision --------------------------------------------------------------------------------------------------- */

/* Float is double but for rounding. Where the parameters ask for what float cannot hold (a power of ten thousand), only
   finiteness is asked. */
TEST_EVERY_LOSS(loss_contract, float_agrees_with_double) {
    static sample s;
    static float grad[SAMPLE_SIZE];
    static double wanted[SAMPLE_SIZE];
    char expression[SETTING_TEXT];
    EACH_LOSS_AND_FORM(loss_type_at(*index), expression, l, form) {
        sample_fill(&s, form, SAMPLE_MIXED);
        s.batch.weight = s.weight;
        const double value = evaluated(l, &s.batch, LOSS_MEAN, NULL, grad);
        const double other = double_sample_mean(expression, (int)form, wanted);
        const size_t n = sample_size(&s);
        double largest = 0;
        for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(wanted[i]));
        cr_assert(fabs(value - other) <= 2e-5 * fabs(other) + 2e-6, "%s: %.9g in float, %.9g in double", expression,
                  value, other);
        for (size_t i = 0; i < n; i++)
            cr_assert(fabs((double)grad[i] - wanted[i]) <= 2e-5 * fabs(wanted[i]) + 2e-5 * largest + 1e-9,
                      "%s: gradient %zu (input %g) is %.9g in float, %.9g in double", expression, i, (double)s.input[i],
                      (double)grad[i], wanted[i]);
    }
}

/* --- extremes ---------------------------------------------------------------------------------------------------- */

static const float extremes[] = {0,   0x1p-149f, 1e-30f, 1e-8f, 0.5f, 17,    40,    80,    87,     88,
                                 103, 104,       150,    1e3f,  1e4f, 1e10f, 1e19f, 1e30f, FLT_MAX};
enum { EXTREMES = sizeof extremes / sizeof extremes[0] };

/* Every size and sign in every place once, right and wrong, alone and with all others. */
static void expect_finite_logits(const loss *l, loss_kind form) {
    static sample s;
    for (int round = 0; round < 2 * EXTREMES; round++) {
        sample_fill(&s, form, round % 3 == 2 ? SAMPLE_ONE_IMAGE : SAMPLE_MIXED);
        const size_t n = sample_size(&s);
        for (size_t i = 0; i < n; i++) {
            const size_t which = ((size_t)round / 2 + (round % 2 ? 0 : i)) % EXTREMES;
            s.input[i] = sample_noise((unsigned)i, (unsigned)round) < 0.5 ? extremes[which] : -extremes[which];
        }
        expect_finite(l, &s.batch, "extreme logits");
        for (size_t i = 0; i < n && !s.batch.classes; i++) /* perfect, and perfectly wrong */
            s.input[i] = (s.target[i] > 0 ? 1.0f : -1.0f) * extremes[round / 2] * (round % 2 ? -1.0f : 1.0f);
        expect_finite(l, &s.batch, round % 2 ? "all wrong" : "all right");
    }
}

static const float boxes[][4] = {{0, 0, 1, 1},
                                 {0, 0, 0, 0},
                                 {2, 2, 2, 2},
                                 {1, 1, 3, 1},
                                 {1, 1, 1, 5},
                                 {0.25f, 0.25f, 0.75f, 0.75f},
                                 {-1, -1, 2, 2},
                                 {1, 0, 2, 1},
                                 {1e-30f, 1e-30f, 2e-30f, 2e-30f},
                                 {0, 0, 1e-40f, 1},
                                 {1e4f, 1e4f, 1e4f + 1, 1e4f + 1000},
                                 {-1e10f, -1e10f, 1e10f, 1e10f},
                                 {-1e30f, 0, 1e30f, 1e-30f},
                                 {1e30f, 1e30f, 1.5e30f, 3e30f},
                                 {0, 0, FLT_MAX, FLT_MAX},
                                 {-FLT_MAX, -FLT_MAX, FLT_MAX, FLT_MAX}};
enum { BOXES = sizeof boxes / sizeof boxes[0] };

static void expect_finite_boxes(const loss *l) {
    char what[200];
    for (int a = 0; a < BOXES; a++)
        for (int b = 0; b < BOXES; b++) {
            const loss_batch batch = {.images = 1, .channels = 4, .pixels = 1, .input = boxes[a], .target = boxes[b]};
            snprintf(what, sizeof what, "box %d against box %d of the list", a, b);
            expect_finite(l, &batch, what);
        }
}

static void expect_finite_numbers(const loss *l) {
    for (int a = 0; a < 2 * EXTREMES; a++)
        for (int b = 0; b < 2 * EXTREMES; b++) {
            const float x = extremes[a / 2] * (a % 2 ? -1.0f : 1.0f), y = extremes[b / 2] * (b % 2 ? -1.0f : 1.0f);
            const loss_batch batch = batch_of(1, &x, &y);
            expect_finite(l, &batch, "extreme numbers");
        }
}

TEST_EVERY_LOSS(loss_contract, is_finite_for_every_finite_input) {
    char expression[SETTING_TEXT];
    EACH_LOSS_AND_FORM(loss_type_at(*index), expression, l, form) {
        if (form == LOSS_BOX)
            expect_finite_boxes(l);
        else if (form == LOSS_REGRESSION)
            expect_finite_numbers(l);
        else
            expect_finite_logits(l, form);
    }
}

/* No defect, all defect, one pixel, one image: finite, and so small that nothing was divided by nothing. */
TEST_EVERY_LOSS(loss_contract, batches_of_one_class_of_one_image_and_of_one_pixel) {
    static sample s;
    char expression[SETTING_TEXT];
    EACH_LOSS_AND_FORM(loss_type_at(*index), expression, l, form)
    for (sample_scenario scenario = SAMPLE_NEGATIVE; scenario < SAMPLE_COUNT; scenario++) {
        sample_fill(&s, form, scenario);
        expect_finite(l, &s.batch, "a scenario");
        s.batch.weight = s.weight;
        expect_finite(l, &s.batch, "a weighted scenario");
        memset(s.weight, 0, sizeof s.weight);
        expect_finite(l, &s.batch, "weights of 0");
    }
}

/* Where nothing is defect, a false alarm is never rewarded. */
TEST_EVERY_LOSS(loss_contract, an_uncertain_batch_without_defect_pushes_no_score_up) {
    static sample s;
    static float grad[SAMPLE_SIZE];
    const loss_type *type = loss_type_at(*index);
    if (type->kind > LOSS_MASK || strcmp(type->name, "cldice") == 0) return; /* a higher score can thin a skeleton */
    loss *l = resolved(type->name);
    sample_fill(&s, type->kind, SAMPLE_NEGATIVE);
    evaluated(l, &s.batch, LOSS_MEAN, NULL, grad);
    for (size_t i = 0; i < sample_size(&s); i++)
        cr_assert(grad[i] >= -1e-6f, "%s: the score of a good element is pushed up by %g", type->name,
                  (double)-grad[i]);
    loss_free(l);
}

/* --- order, images, repetition ------------------------------------------------------------------------------------ */

/* Puts image `from` of `s` (input, labels, weights) into image `to` of `out`. */
static void copy_image(sample *out, size_t to, const sample *s, size_t from, loss_kind form) {
    const size_t size = s->batch.channels * s->batch.pixels;
    const size_t items = form == LOSS_MULTICLASS ? s->batch.pixels : form == LOSS_BOX ? 1 : size;
    memcpy(out->input + to * size, s->input + from * size, size * sizeof(float));
    memcpy(out->target + to * size, s->target + from * size, size * sizeof(float));
    memcpy(out->weight + to * items, s->weight + from * items, items * sizeof(float));
    memcpy(out->classes + to * items, s->classes + from * items, items * sizeof(int));
}

TEST_EVERY_LOSS(loss_contract, order_of_the_images_does_not_matter) {
    static sample s, reversed;
    static float grad[SAMPLE_SIZE], other_grad[SAMPLE_SIZE], turned[SAMPLE_SIZE];
    char expression[SETTING_TEXT];
    EACH_LOSS_AND_FORM(loss_type_at(*index), expression, l, form) {
        sample_fill(&s, form, SAMPLE_MIXED);
        sample_fill(&reversed, form, SAMPLE_MIXED);
        const size_t images = s.batch.images, size = s.batch.channels * s.batch.pixels;
        for (size_t i = 0; i < images; i++) copy_image(&reversed, images - 1 - i, &s, i, form);
        s.batch.weight = s.weight;
        reversed.batch.weight = reversed.weight;
        const double value = evaluated(l, &s.batch, LOSS_MEAN, NULL, grad);
        const double other = evaluated(l, &reversed.batch, LOSS_MEAN, NULL, other_grad);
        cr_assert(nearly(value, other, 1e-9), "%s: %.17g, reversed %.17g", expression, value, other);
        for (size_t i = 0; i < images; i++)
            memcpy(turned + (images - 1 - i) * size, other_grad + i * size, size * sizeof(float));
        expect_same_gradient(l, grad, turned, images * size, 1e-6);
    }
}

/* Ignored images are as if they were not there, whatever they hold. */
TEST_EVERY_LOSS(loss_contract, ignored_images_are_as_if_removed_whatever_they_hold) {
    static sample s, kept;
    static float grad[SAMPLE_SIZE], kept_grad[SAMPLE_SIZE];
    char expression[SETTING_TEXT];
    EACH_LOSS_AND_FORM(loss_type_at(*index), expression, l, form) {
        sample_fill(&s, form, SAMPLE_MIXED);
        sample_fill(&kept, form, SAMPLE_MIXED);
        const size_t images = s.batch.images, size = s.batch.channels * s.batch.pixels;
        const size_t items = form == LOSS_MULTICLASS ? s.batch.pixels : form == LOSS_BOX ? 1 : size;
        s.batch.ignore = s.ignore;
        kept.batch.images = images - 1;
        for (size_t i = 0; i < size; i++)
            s.input[(images - 1) * size + i] = NAN, s.target[(images - 1) * size + i] = 255;
        for (size_t i = 0; i < items; i++)
            s.ignore[(images - 1) * items + i] = 1, s.classes[(images - 1) * items + i] = -9;
        const double value = evaluated(l, &s.batch, LOSS_MEAN, NULL, grad);
        const double wanted = evaluated(l, &kept.batch, LOSS_MEAN, NULL, kept_grad);
        cr_assert(nearly(value, wanted, 1e-9), "%s: %.17g, without the ignored image %.17g", expression, value, wanted);
        expect_same_gradient(l, kept_grad, grad, (images - 1) * size, 1e-6);
        for (size_t i = (images - 1) * size; i < images * size; i++)
            cr_assert(eq(flt, grad[i], 0), "%s: an ignored element has gradient %g", expression, (double)grad[i]);
    }
}

/* Single ignored elements: no gradient of their own, and not looked at. */
TEST_EVERY_LOSS(loss_contract, ignored_elements_are_not_looked_at) {
    static sample s;
    static float grad[SAMPLE_SIZE], other_grad[SAMPLE_SIZE];
    char expression[SETTING_TEXT];
    EACH_LOSS_AND_FORM(loss_type_at(*index), expression, l, form) {
        double values[2];
        for (int round = 0; round < 2; round++) {
            sample_fill(&s, form, SAMPLE_MIXED);
            s.batch.ignore = s.ignore;
            const size_t items = form == LOSS_MULTICLASS ? s.batch.images * s.batch.pixels
                                 : form == LOSS_BOX      ? s.batch.images
                                                         : sample_size(&s);
            for (size_t i = 1; i < items; i += 3) {
                s.ignore[i] = 1;
                const size_t first = form == LOSS_BOX ? 4 * i
                                     : form == LOSS_MULTICLASS
                                         ? i / s.batch.pixels * s.batch.channels * s.batch.pixels + i % s.batch.pixels
                                         : i;
                s.input[first] = round ? NAN : 77;
                s.target[first] = round ? -3 : 0.5f;
                s.classes[i] = round ? 1000 : 1;
            }
            values[round] = evaluated(l, &s.batch, LOSS_MEAN, NULL, round ? other_grad : grad);
        }
        cr_assert(eq(dbl, values[0], values[1]), "%s", expression);
        cr_assert(memcmp(grad, other_grad, sample_size(&s) * sizeof(float)) == 0, "%s", expression);
        if (form != LOSS_MULTICLASS) cr_assert(eq(flt, grad[form == LOSS_BOX ? 4 : 1], 0), "%s", expression);
    }
}

TEST_EVERY_LOSS(loss_contract, nothing_that_counts_gives_zero) {
    static sample s;
    static float grad[SAMPLE_SIZE];
    char expression[SETTING_TEXT];
    EACH_LOSS_AND_FORM(loss_type_at(*index), expression, l, form) {
        sample_fill(&s, form, SAMPLE_MIXED);
        memset(s.ignore, 1, sizeof s.ignore);
        s.batch.ignore = s.ignore;
        cr_assert(eq(dbl, evaluated(l, &s.batch, LOSS_MEAN, NULL, grad), 0), "%s", expression);
        cr_assert(eq(dbl, largest_of(grad, sample_size(&s)), 0), "%s", expression);
    }
}

/* A weight of 0 is an element that does not count in the sum. (It still shapes the skeleton of cldice.) */
TEST_EVERY_LOSS(loss_contract, weight_0_leaves_no_gradient) {
    static sample s;
    static float grad[SAMPLE_SIZE];
    char expression[SETTING_TEXT];
    if (strcmp(loss_type_at(*index)->name, "cldice") == 0) return;
    EACH_LOSS_AND_FORM(loss_type_at(*index), expression, l, form) {
        sample_fill(&s, form, SAMPLE_MIXED);
        s.batch.weight = s.weight;
        for (size_t i = 0; i < SAMPLE_SIZE; i += 2) s.weight[i] = 0;
        evaluated(l, &s.batch, LOSS_MEAN, NULL, grad);
        for (size_t i = 0; i < sample_size(&s) && form != LOSS_MULTICLASS; i++)
            if ((form == LOSS_BOX ? i / 4 : i) % 2 == 0)
                cr_assert(eq(flt, grad[i], 0), "%s: element %zu has gradient %g", expression, i, (double)grad[i]);
    }
}

/* --- reductions --------------------------------------------------------------------------------------------------- */

TEST_EVERY_LOSS(loss_contract, reductions_agree) {
    static sample s;
    static float values[SAMPLE_SIZE], none[SAMPLE_SIZE], sum[SAMPLE_SIZE], mean[SAMPLE_SIZE];
    char expression[SETTING_TEXT];
    EACH_LOSS_AND_FORM(loss_type_at(*index), expression, l, form) {
        sample_fill(&s, form, SAMPLE_MIXED);
        s.batch.weight = s.weight;
        const size_t n = sample_size(&s), count = loss_value_count(l, &s.batch);
        const double total = evaluated(l, &s.batch, LOSS_SUM, NULL, sum);
        const double average = evaluated(l, &s.batch, LOSS_MEAN, NULL, mean);
        cr_assert(eq(dbl, total, evaluated(l, &s.batch, LOSS_SUM, NULL, NULL)),
                  "%s: the value depends on whether grad is wanted", expression);
        const double divisor = total / average;
        const int two_means =
            loss_type_at(*index)->region && loss_type_at(*index)->elements; /* of pixels, of regions */
        for (size_t i = 0; i < n && average != 0 && two_means == 0; i++)
            cr_assert(fabs((double)mean[i] * divisor - (double)sum[i]) <= 2e-6 * largest_of(sum, n) + 1e-30,
                      "%s: the gradient of the mean is not that of the sum divided by %g", expression, divisor);
        if (!count) continue;
        cr_assert(count <= SAMPLE_SIZE);
        cr_assert(nearly(total, evaluated(l, &s.batch, LOSS_NONE, values, none), 1e-12), "%s", expression);
        double added = 0;
        for (size_t i = 0; i < count; i++) added += (double)values[i];
        cr_assert(fabs(added - total) <= 1e-6 * (double)count * largest_of(values, count),
                  "%s: values add up to %.9g, the sum is %.9g", expression, added, total);
        expect_same_gradient(l, sum, none, n, 1e-6);
    }
}

/* --- bits ----------------------------------------------------------------------------------------------------------
 */

TEST_EVERY_LOSS(loss_contract, gives_the_same_bits_twice_whatever_memory_held) {
    static sample s;
    static float grad[SAMPLE_SIZE], again[SAMPLE_SIZE];
    char expression[SETTING_TEXT];
    EACH_LOSS_AND_FORM(loss_type_at(*index), expression, l, form) {
        sample_fill(&s, form, SAMPLE_OTHER);
        memset(again, 0x7f, sizeof again);
        double values[2];
        const size_t bytes = loss_scratch(l, &s.batch);
        for (int round = 0; round < 2; round++) {
            void *scratch = malloc(bytes + 1);
            memset(scratch, round ? 0xff : 0, bytes + 1);
            cr_assert(loss_eval(l, &s.batch, LOSS_MEAN, &values[round], NULL, round ? again : grad, scratch, NULL) ==
                      LB_OK);
            free(scratch);
        }
        cr_assert(memcmp(&values[0], &values[1], sizeof values[0]) == 0, "%s: %.17g and %.17g", expression, values[0],
                  values[1]);
        cr_assert(memcmp(grad, again, sample_size(&s) * sizeof(float)) == 0, "%s", expression);
    }
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
        expect_refused(type->name, row, (double)NAN);
        expect_refused(type->name, row, (double)INFINITY);
    }
    const param unknown = {.name = "no_such_parameter"};
    expect_refused(type->name, &unknown, 1);
}

static void expect_sentence(const loss *l, const loss_batch *batch, const char *wanted) {
    static float grad[SAMPLE_SIZE];
    lb_error error = {0};
    double value;
    cr_assert(eq(int, sample_eval(l, batch, LOSS_MEAN, &value, NULL, grad, &error), LB_INVALID), "%s: no '%s'",
              loss_label(l), wanted);
    cr_assert(strstr(error.message, wanted) != NULL, "%s: '%s' is not in: %s", loss_label(l), wanted, error.message);
}

TEST_EVERY_LOSS(loss_contract, refuses_what_is_not_finite_and_names_it) {
    static sample s;
    static const float unsound[] = {NAN, INFINITY, -INFINITY};
    loss *l = resolved(loss_type_at(*index)->name);
    EACH_FORM(l, form)
    for (int u = 0; u < 3; u++) {
        sample_fill(&s, form, SAMPLE_MIXED);
        const size_t place = sample_size(&s) - 7;
        char name[60];
        snprintf(name, sizeof name, "%s %zu",
                 form == LOSS_BOX          ? "box"
                 : form == LOSS_MULTICLASS ? "item"
                                           : "element",
                 form == LOSS_BOX          ? place / 4
                 : form == LOSS_MULTICLASS ? place / 90 * 30 + place % 30
                                           : place);
        s.input[place] = unsound[u];
        expect_sentence(l, &s.batch, name);
        sample_fill(&s, form, SAMPLE_MIXED);
        if (form != LOSS_MULTICLASS) {
            s.target[place] = unsound[u];
            expect_sentence(l, &s.batch, name);
            sample_fill(&s, form, SAMPLE_MIXED);
        }
        s.batch.weight = s.weight;
        s.weight[3] = u ? -unsound[u] : -1;
        expect_sentence(l, &s.batch, "3: the weight is");
        sample_fill(&s, form, SAMPLE_MIXED);
        s.batch.class_weight = (const float[]){1, u ? unsound[u] : -1, 1, 1};
        if (s.batch.channels > 1) expect_sentence(l, &s.batch, "class 1: the weight is");
    }
    loss_free(l);
}

TEST_EVERY_LOSS(loss_contract, refuses_labels_that_cannot_be) {
    static sample s;
    loss *l = resolved(loss_type_at(*index)->name);
    EACH_FORM(l, form) {
        sample_fill(&s, form, SAMPLE_MIXED);
        if (form <= LOSS_MASK) {
            s.target[11] = 1.5f;
            expect_sentence(l, &s.batch, "element 11: the label is 1.5");
            s.target[11] = -0.25f;
            expect_sentence(l, &s.batch, "element 11: the label is -0.25");
        } else if (form == LOSS_MULTICLASS) {
            s.classes[11] = 3;
            expect_sentence(l, &s.batch, "item 11: the class is 3");
            s.classes[11] = -1;
            expect_sentence(l, &s.batch, "item 11: the class is -1");
        } else if (form == LOSS_BOX) {
            s.input[4 * 11] = s.input[4 * 11 + 2] + 1;
            expect_sentence(l, &s.batch, "box 11: the predicted box");
            sample_fill(&s, form, SAMPLE_MIXED);
            s.target[4 * 11 + 1] = s.target[4 * 11 + 3] + 1;
            expect_sentence(l, &s.batch, "box 11: the true box");
        }
    }
    loss_free(l);
}

TEST_EVERY_LOSS(loss_contract, refuses_calls_without_data) {
    static sample s;
    static float values[SAMPLE_SIZE];
    double value;
    lb_error error;
    loss *l = resolved(loss_type_at(*index)->name);
    EACH_FORM(l, form) {
        sample_fill(&s, form, SAMPLE_MIXED);
        loss_batch bad = s.batch;
        bad.images = 0;
        expect_sentence(l, &bad, "empty");
        bad = s.batch;
        bad.input = NULL;
        expect_sentence(l, &bad, "has no");
        bad = s.batch;
        bad.target = NULL;
        bad.classes = NULL;
        expect_sentence(l, &bad, "has no");
        void *scratch = malloc(loss_scratch(l, &s.batch) + 1);
        const loss_batch *b = &s.batch;
        cr_assert(loss_eval(NULL, b, LOSS_SUM, &value, NULL, NULL, scratch, &error) == LB_INVALID);
        cr_assert(loss_eval(l, NULL, LOSS_SUM, &value, NULL, NULL, scratch, &error) == LB_INVALID);
        cr_assert(loss_eval(l, b, LOSS_SUM, NULL, NULL, NULL, scratch, &error) == LB_INVALID);
        cr_assert(loss_eval(l, b, LOSS_NONE, &value, NULL, NULL, scratch, &error) == LB_INVALID);
        cr_assert(loss_eval(l, b, LOSS_SUM, &value, values, NULL, scratch, &error) == LB_INVALID);
        cr_assert(loss_eval(l, b, LOSS_SUM, &value, NULL, NULL, scratch, NULL) == LB_OK, "error may be NULL");
        if (loss_scratch(l, b))
            cr_assert(loss_eval(l, b, LOSS_SUM, &value, NULL, NULL, NULL, &error) == LB_INVALID, "scratch is needed");
        free(scratch);
    }
    loss_free(l);
}

/* A batch of another kind, or one that lacks what the loss needs. */
TEST_EVERY_LOSS(loss_contract, refuses_batches_of_another_kind) {
    static sample s;
    loss *l = resolved(loss_type_at(*index)->name);
    sample_fill(&s, LOSS_MULTICLASS, SAMPLE_MIXED);
    if (!loss_takes(l, LOSS_MULTICLASS)) expect_sentence(l, &s.batch, "is not for multiclass batches");
    sample_fill(&s, LOSS_MASK, SAMPLE_MIXED);
    if (loss_kind_of(l) == LOSS_BOX) expect_sentence(l, &s.batch, "boxes have 4 channels");
    if (loss_kind_of(l) == LOSS_MULTICLASS) expect_sentence(l, &s.batch, "class");
    s.batch.width = 7;
    if (loss_kind_of(l) <= LOSS_MASK) expect_sentence(l, &s.batch, "are not rows of 7");
    loss_free(l);
}

/* --- description and prior --------------------------------------------------------------------------------------- */

TEST_EVERY_LOSS(loss_contract, describes_itself) {
    const loss_type *type = loss_type_at(*index);
    cr_assert(type->version >= 1 && type->summary && type->citation && type->use, "%s says too little", type->name);
    const int unfinished =
        strstr(type->summary, "FILL IN") || strstr(type->citation, "FILL IN") || strstr(type->use, "FILL IN");
    cr_assert(unfinished == 0, "%s is not filled in", type->name);
    cr_assert(type->param_count <= SPEC_MAX_PARAMS);
    cr_assert(type->elements || type->region || type->classes || type->boxes || type->eval);
    const int mixed = type->eval && (type->elements || type->region || type->boxes);
    cr_assert(mixed == 0, "%s has too many functions", type->name);
    cr_assert(loss_type_find(type->name) == type, "%s is listed twice", type->name);
    for (const loss_alias *a = loss_aliases; a->name; a++) cr_assert(strcmp(a->name, type->name) != 0);
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

/* At the prior logit the expected gradient changes sign, at any imbalance. */
TEST_EVERY_LOSS(loss_contract, prior_logit_is_where_the_expected_gradient_changes_sign) {
    static const float target[] = {0, 1};
    static const double priors[] = {0.5, 0.1, 0.01, 0.0001};
    loss *l = resolved(loss_type_at(*index)->name);
    for (int p = 0; p < 4 && loss_kind_of(l) <= LOSS_MASK; p++) {
        const double logit = loss_prior_logit(l, priors[p]);
        const float weight[] = {(float)(1 - priors[p]), (float)priors[p]};
        cr_assert(logit > -31 && logit < 31, "%s: %g", loss_label(l), logit);
        for (int side = -1; side <= 1 && fabs(logit) < 29; side += 2) {
            const float z = (float)logit + (float)side * 0.001f, input[] = {z, z};
            float grad[2];
            const loss_batch batch = {.images = 1,
                                      .channels = 1,
                                      .pixels = 2,
                                      .width = 2,
                                      .input = input,
                                      .target = target,
                                      .weight = weight};
            evaluated(l, &batch, LOSS_SUM, NULL, grad);
            cr_assert(ge(dbl, (double)side * ((double)grad[0] + (double)grad[1]), 0),
                      "%s: prior %g, logit %g: gradient %g at %+g", loss_label(l), priors[p], logit,
                      (double)(grad[0] + grad[1]), side * 0.001);
        }
    }
    loss_free(l);
}
