/* What the loss tests in float share: parsing that must succeed, evaluation that must succeed, one parameter per
   registered loss. */
#ifndef TESTS_LOSS_FIXTURE_H
#define TESTS_LOSS_FIXTURE_H

#include "lib/loss/loss.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>

#include "tests/loss/samples.h"

/* The expression with its autos resolved for 900 goods and 100 defects. */
static inline loss *resolved(const char *expression) {
    lb_error error = {0};
    loss *l = sample_loss(expression, &error);
    cr_assert(l != NULL, "'%s': %s", expression, error.message);
    return l;
}

static inline loss_batch batch_of(size_t n, const float *input, const float *target) {
    return (loss_batch){.images = n, .channels = 1, .pixels = 1, .input = input, .target = target};
}

static inline double evaluated(const loss *l, const loss_batch *batch, loss_reduction reduction, float *values,
                               float *grad) {
    lb_error error = {0};
    double value;
    cr_assert(sample_eval(l, batch, reduction, &value, values, grad, &error) == LB_OK, "%s: %s", loss_label(l),
              error.message);
    return value;
}

static inline double mean_of(const char *expression, const loss_batch *batch, float *grad) {
    loss *l = resolved(expression);
    const double value = evaluated(l, batch, LOSS_MEAN, NULL, grad);
    loss_free(l);
    return value;
}

/* One test per registered loss. */
static inline struct criterion_test_params every_loss(void) {
    static size_t index[128];
    return cr_make_param_array(size_t, index, sample_losses(index));
}

#define TEST_EVERY_LOSS(suite, name)                                                                                   \
    ParameterizedTestParameters(suite, name) { return every_loss(); }                                                  \
    ParameterizedTest(size_t *index, suite, name)

#endif
