/* The gradient of every loss in every setting against central differences of its value, in the double build, whose
   arithmetic is that of the float build line by line. */
#include "lib/loss/loss_double.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <math.h>

#include "tests/loss/samples.h"

static struct criterion_test_params every_loss(void) {
    static size_t index[128];
    return cr_make_param_array(size_t, index, sample_losses(index));
}

static double value_at(const loss *l, const loss_batch *batch) {
    double value;
    lb_error error = {0};
    cr_assert(sample_eval(l, batch, LOSS_MEAN, &value, NULL, NULL, &error) == LB_OK, "%s: %s", loss_label(l),
              error.message);
    return value;
}

/* Fourth order, h = 1e-3: the error of the formula is below 1e-10 for smooth losses, that of rounding below 1e-11.
   Where the four points do not lie on one smooth piece (a kink, a change of order), shorter steps are tried. */
static double difference_at(const loss *l, sample *s, size_t i, double h) {
    static const double steps[] = {-2, -1, 1, 2}, weights[] = {1, -8, 8, -1};
    const double middle = s->input[i];
    double sum = 0;
    for (int k = 0; k < 4; k++) {
        s->input[i] = middle + steps[k] * h;
        sum += weights[k] * value_at(l, &s->batch);
    }
    s->input[i] = middle;
    return sum / (12 * h);
}

static void expect_gradient(const loss *l, sample *s, const char *what) {
    static double grad[SAMPLE_SIZE];
    double value, largest = 0;
    lb_error error = {0};
    cr_assert(sample_eval(l, &s->batch, LOSS_MEAN, &value, NULL, grad, &error) == LB_OK, "%s: %s", loss_label(l),
              error.message);
    const size_t n = sample_size(s);
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(grad[i]));
    for (size_t i = 0; i < n; i++) {
        double off = (double)INFINITY;
        for (double h = 1e-3; h > 1e-6 && !(off <= 1); h /= 8) {
            const double allowed = 1e-7 * (fabs(grad[i]) + largest) + 1e-11 * (1 + fabs(value)) / h * 1e-3 + 1e-13;
            off = fabs(difference_at(l, s, i, h) - grad[i]) / allowed;
        }
        cr_assert(off <= 1,
                  "%s, %s: at element %zu (input %g, target %g) the gradient %.12g is off by %.3g times what is "
                  "allowed",
                  loss_label(l), what, i, s->input[i], s->target[i], grad[i], off);
    }
}

static const char *const scenario_names[] = {"mixed", "far out", "no defect", "all defect", "one pixel", "one image"};

static void expect_gradients(const loss_type *type, const char *expression) {
    static sample s;
    lb_error error = {0};
    loss *l = sample_loss(expression, &error);
    if (!l) return;
    EACH_FORM(l, form)
    for (sample_scenario scenario = 0; scenario < SAMPLE_COUNT; scenario++) {
        sample_fill(&s, form, scenario);
        expect_gradient(l, &s, scenario_names[scenario]);
        s.batch.weight = s.weight;
        if (scenario == SAMPLE_MIXED) expect_gradient(l, &s, "weighted");
    }
    (void)type;
    loss_free(l);
}

ParameterizedTestParameters(loss_gradient, is_the_derivative_of_the_value) { return every_loss(); }
ParameterizedTest(size_t *index, loss_gradient, is_the_derivative_of_the_value) {
    char expression[SETTING_TEXT];
    const loss_type *type = loss_type_at(*index);
    EACH_SETTING(type, expression)
    if (!is_detached(type, expression)) expect_gradients(type, expression);
}

/* Labels between 0 and 1. */
ParameterizedTestParameters(loss_gradient, holds_for_soft_labels) { return every_loss(); }
ParameterizedTest(size_t *index, loss_gradient, holds_for_soft_labels) {
    static sample s;
    const loss_type *type = loss_type_at(*index);
    lb_error error = {0};
    if (type->kind > LOSS_MASK || is_detached(type, type->name)) return;
    loss *l = sample_loss(type->name, &error);
    sample_fill(&s, type->kind, SAMPLE_MIXED);
    for (size_t i = 0; i < sample_size(&s); i++) s.target[i] = 0.1 + 0.8 * sample_noise((unsigned)i, 9);
    double value;
    if (sample_eval(l, &s.batch, LOSS_MEAN, &value, NULL, NULL, &error) == LB_OK) /* some take hard labels only */
        expect_gradient(l, &s, "soft labels");
    else
        cr_assert(strstr(error.message, "label") != NULL, "%s", error.message);
    loss_free(l);
}

/* Sums over masks know other activations. */
ParameterizedTestParameters(loss_gradient, holds_for_softmax_and_probabilities) { return every_loss(); }
ParameterizedTest(size_t *index, loss_gradient, holds_for_softmax_and_probabilities) {
    static sample s;
    const loss_type *type = loss_type_at(*index);
    lb_error error = {0};
    char expression[SETTING_TEXT];
    if (type->kind != LOSS_MASK) return;
    EACH_SETTING(type, expression) {
        loss *l = is_detached(type, expression) ? NULL : sample_loss(expression, &error);
        for (int activation = LOSS_SOFTMAX; l && activation <= LOSS_PROBABILITIES; activation++) {
            double value;
            sample_fill(&s, LOSS_MASK, SAMPLE_MIXED);
            s.batch.channels = 3;
            for (size_t i = 0; i < sample_size(&s); i++) {
                s.target[i] = sample_noise((unsigned)i, 4) < 0.4;
                s.input[i] = activation == LOSS_PROBABILITIES ? 0.1 + 0.8 * sample_noise((unsigned)i, 5)
                                                              : 4 * sample_noise((unsigned)i, 5) - 2;
            }
            s.batch.activation = (loss_activation)activation;
            s.batch.skip_channel = (const unsigned char[]){0, 1, 0};
            if (sample_eval(l, &s.batch, LOSS_MEAN, &value, NULL, NULL, &error) != LB_OK) continue;
            expect_gradient(l, &s, activation == LOSS_SOFTMAX ? "softmax" : "probabilities");
        }
        loss_free(l);
    }
}

/* --- what a loss learns beside the net ------------------------------------------------------------------------------
 */

enum { STATES = 8 };

static void expect_state_gradient(const loss *l, sample *s, size_t count) {
    double state[STATES], slopes[STATES], moved[STATES];
    loss_state_start(l, state);
    for (size_t k = 0; k < count; k++) state[k] += 0.3 + 0.2 * (double)k;
    memcpy(moved, state, sizeof moved);
    s->batch.state = moved;
    s->batch.state_grad = slopes;
    const double value = value_at(l, &s->batch);
    s->batch.state_grad = NULL;
    for (size_t k = 0; k < count; k++) {
        const double h = 1e-4;
        moved[k] = state[k] + h;
        const double above = value_at(l, &s->batch);
        moved[k] = state[k] - h;
        const double below = value_at(l, &s->batch);
        moved[k] = state[k];
        cr_assert(fabs((above - below) / (2 * h) - slopes[k]) <= 1e-6 * (1 + fabs(slopes[k]) + fabs(value)),
                  "%s: the slope by %s is %.9g, not %.9g", loss_label(l), loss_state_name(l, k), slopes[k],
                  (above - below) / (2 * h));
    }
    s->batch.state = NULL;
}

/* Numbers written into the expression are states that move; what is left to the batch does not. */
Test(loss_gradient, by_the_state_is_the_derivative_of_the_value) {
    static const char *const learning[] = {"auc_margin(a=0.3, b=-0.2, alpha=0.4)",
                                           "auc_margin(a=0.3, b=-0.2, alpha=0.4, p=0.2, scores=logit, margin=0.5)",
                                           "auc_margin",
                                           "recall_at_fr",
                                           "recall_at_fr(surrogate=hinge, fr=0.05)",
                                           "2*recall_at_fr(lambda=3) + 0.5*auc_margin(a=1, b=0, alpha=1)"};
    static sample s;
    lb_error error = {0};
    for (size_t i = 0; i < sizeof learning / sizeof learning[0]; i++) {
        loss *l = sample_loss(learning[i], &error);
        cr_assert(l != NULL, "%s", error.message);
        const size_t count = loss_state_count(l);
        cr_assert(count > 0 && count <= STATES && loss_state_name(l, count) == NULL, "%s", learning[i]);
        sample_fill(&s, LOSS_BINARY, SAMPLE_MIXED);
        expect_state_gradient(l, &s, count);
        s.batch.weight = s.weight;
        expect_state_gradient(l, &s, count);
        loss_free(l);
    }
}

/* --- golden values: each loss carries one from another source -------------------------------------------------------
 */

ParameterizedTestParameters(loss_gradient, golden_values_of_the_type_hold) { return every_loss(); }
ParameterizedTest(size_t *index, loss_gradient, golden_values_of_the_type_hold) {
    const loss_type *type = loss_type_at(*index);
    const loss_golden *g = &type->golden;
    cr_assert(g->expression && g->source, "%s has no golden value", type->name);
    cr_assert(strncmp(g->expression, type->name, strlen(type->name)) == 0, "%s: its golden value is of %s", type->name,
              g->expression);
    double grad[LOSS_GOLDEN], value;
    int classes[LOSS_GOLDEN];
    lb_error error = {0};
    loss *l = sample_loss(g->expression, &error);
    cr_assert(l != NULL, "%s", error.message);
    for (int i = 0; i < LOSS_GOLDEN; i++) classes[i] = (int)g->target[i];
    const int multiclass = !loss_takes(l, LOSS_BINARY) && !loss_takes(l, LOSS_MASK) && loss_takes(l, LOSS_MULTICLASS);
    const loss_batch batch = {.images = g->images,
                              .channels = g->channels,
                              .pixels = g->pixels,
                              .width = g->width,
                              .input = g->input,
                              .target = multiclass ? NULL : g->target,
                              .classes = multiclass ? classes : NULL,
                              .class_counts = g->class_counts[0] > 0 ? g->class_counts : NULL};
    cr_assert(sample_eval(l, &batch, LOSS_MEAN, &value, NULL, grad, &error) == LB_OK, "%s", error.message);
    cr_assert(fabs(value - g->value) <= 1e-9 * fabs(g->value) + 1e-12, "%s is %.15g, not %.15g (%s)", g->expression,
              value, g->value, g->source);
    int given = 0;
    for (int i = 0; i < LOSS_GOLDEN; i++) given |= g->grad[i] != 0;
    for (size_t i = 0; given && i < g->images * g->channels * g->pixels; i++)
        cr_assert(fabs(grad[i] - g->grad[i]) <= 1e-9 * fabs(g->grad[i]) + 1e-11,
                  "%s: gradient %zu is %.15g, not %.15g (%s)", g->expression, i, grad[i], g->grad[i], g->source);
    loss_free(l);
}
