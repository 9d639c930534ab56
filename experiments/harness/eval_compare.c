/* Whether an answer is the expected one: |x - ref| <= atol + rtol |ref|, element by element. A record brings its own
   tolerances; the float library cannot be held to less than its rounding. */
#include "experiments/harness/eval_record.h"

#include <math.h>

typedef struct {
    double relative, absolute;
} tolerance;

/* For float, and for records without their own; the absolute one relative to the largest element of a gradient. */
static const tolerance usual = {2e-5, 1e-6};

static int has_number(const json_t *json, const char *key) { return json_is_number(json_object_get(json, key)); }

static double number_or(const json_t *json, const char *key, double fallback) {
    return has_number(json, key) ? json_number_value(json_object_get(json, key)) : fallback;
}

/* For numbers of the size `scale`; `absolute`: the key of the record's own absolute tolerance. */
static tolerance tolerance_of(const eval_record *r, eval_precision precision, const char *absolute, double scale) {
    const int is_own = has_number(r->json, "rtol") || has_number(r->json, "atol");
    tolerance t = {number_or(r->json, "rtol", 0), number_or(r->json, absolute, number_or(r->json, "atol", 0))};
    if (is_own && precision == EVAL_DOUBLE) return t;
    t.relative = fmax(t.relative, usual.relative);
    t.absolute = fmax(t.absolute, usual.absolute * (scale > 0 ? scale : 1));
    return t;
}

static int is_near(double x, const json_t *reference, tolerance t) {
    const double ref = json_number_value(reference);
    return json_is_number(reference) && fabs(x - ref) <= t.absolute + t.relative * fabs(ref);
}

static int all_near(const double *x, size_t n, const json_t *reference, tolerance t) {
    if (json_array_size(reference) != n) return 0;
    for (size_t i = 0; i < n; i++)
        if (!is_near(x[i], json_array_get(reference, i), t)) return 0;
    return 1;
}

static int value_agrees(const eval_record *r, const eval_result *result, const json_t *expected,
                        eval_precision precision) {
    const tolerance t = tolerance_of(r, precision, "atol", 1);
    if (!result->values) return is_near(result->value, expected, t);
    return json_is_array(expected) && all_near(result->values, result->value_count, expected, t);
}

static int gradient_agrees(const eval_record *r, const json_t *expected, eval_precision precision) {
    double largest = 0;
    for (size_t i = 0; i < json_array_size(expected); i++)
        largest = fmax(largest, fabs(json_number_value(json_array_get(expected, i))));
    tolerance t = tolerance_of(r, precision, "grad_atol", largest);
    t.absolute += 1e-9 * largest;
    return json_is_array(expected) && all_near(r->grad, r->size, expected, t);
}

static int states_agree(const eval_record *r, const eval_result *result, const json_t *expected,
                        eval_precision precision) {
    const tolerance t = tolerance_of(r, precision, "atol", 1);
    for (size_t i = 0; i < result->state_count; i++)
        if (!is_near(result->state_grad[i], json_object_get(expected, result->state_names[i]), t)) return 0;
    return 1;
}

static const json_t *expected_of(const eval_record *r, const char *key) {
    const json_t *expected = json_object_get(r->json, key);
    return json_is_null(expected) ? NULL : expected;
}

int eval_agrees(const eval_record *r, const eval_result *result, eval_precision precision) {
    const json_t *value = expected_of(r, "value"), *states = expected_of(r, "grad_aux");
    const json_t *grad = eval_has_tag(r, "tie") ? NULL : expected_of(r, "grad"); /* a matter of choice */
    if (!value && !grad && !states) return -1;
    return (!value || value_agrees(r, result, value, precision)) && (!grad || gradient_agrees(r, grad, precision)) &&
           (!states || states_agree(r, result, states, precision));
}
