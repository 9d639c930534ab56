/* A record from its JSON to the answer. */
#include "experiments/harness/eval_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Memory of a record: a list of blocks. */
typedef struct eval_block {
    struct eval_block *next;
    double data[];
} eval_block;

void *eval_room(eval_record *r, size_t count, size_t size, lb_error *error) {
    eval_block *block = calloc(1, sizeof *block + count * size);
    if (!block) return lb_fail_memory(error, "a record"), NULL;
    block->next = r->blocks;
    r->blocks = block;
    return block->data;
}

static void free_rooms(eval_record *r) {
    for (eval_block *block = r->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
}

const char *eval_json_kind(const json_t *json) {
    if (!json) return "missing";
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a text";
    case JSON_NULL:
        return "null";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    default:
        return "a number";
    }
}

int eval_has_tag(const eval_record *r, const char *tag) {
    const json_t *tags = json_object_get(r->json, "tags"), *entry;
    size_t i;
    json_array_foreach((json_t *)tags, i,
                       entry) if (json_is_string(entry) && strcmp(json_string_value(entry), tag) == 0) return 1;
    return 0;
}

static int read_reduction(eval_record *r, lb_error *error) {
    static const struct {
        const char *word;
        loss_reduction reduction;
    } words[] = {{"mean", LOSS_MEAN}, {"sum", LOSS_SUM}, {"none", LOSS_NONE}};
    const json_t *json = json_object_get(r->json, "reduction");
    if (!json || json_is_null(json)) return LB_OK; /* mean */
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (json_is_string(json) && strcmp(json_string_value(json), words[i].word) == 0) {
            r->call.reduction = words[i].reduction;
            return LB_OK;
        }
    return lb_fail(error, LB_INVALID, "reduction must be mean, sum or none");
}

static int read_record(eval_record *r, lb_error *error) {
    if (!json_is_object(r->json))
        return lb_fail(error, LB_INVALID, "a record is a JSON object, not %s", eval_json_kind(r->json));
    if (eval_read_loss(r, error) || read_reduction(r, error) || eval_read_input(r, error) ||
        eval_read_params(r, error) || eval_read_batch(r, error))
        return LB_INVALID;
    return LB_OK;
}

/* --- evaluation -------------------------------------------------------------------------------------------------- */

/* What the mean of a term divides by, in place of what the library does. */
static double divisor_of(const eval_record *r, const char *word) {
    const eval_call *call = &r->call;
    const size_t items = call->images * call->pixels * (call->classes ? 1 : call->channels);
    double count = 0, positives = 0, weights = 0;
    if (strcmp(word, "rows") == 0) return (double)r->images;
    for (size_t i = 0; i < items; i++) {
        if (call->ignore && call->ignore[i]) continue;
        count += 1;
        if (call->target) positives += call->target[i];
        const double by_class = call->classes && call->class_weight ? call->class_weight[call->classes[i]] : 1;
        weights += (call->weight ? call->weight[i] : 1) * by_class;
    }
    if (strcmp(word, "positives") == 0) return fmax(positives, 1);
    if (strcmp(word, "weight_sum") == 0) return weights;
    return strcmp(word, "elements") == 0 && call->classes ? count * (double)call->channels : count;
}

/* Adds `scale` times a part's result to the whole's. */
static int add_result(eval_record *r, const eval_result *part, double scale, eval_result *total, lb_error *error) {
    total->value += scale * part->value;
    eval_add_gradient(r, part->grad, scale);
    for (size_t i = 0; i < part->state_count && total->state_count < EVAL_STATES; i++) {
        total->state_names[total->state_count] = part->state_names[i];
        total->state_grad[total->state_count++] = scale * part->state_grad[i];
    }
    if (!part->values) return LB_OK;
    if (!total->values) {
        total->values = eval_room(r, part->value_count, sizeof *total->values, error);
        total->value_count = part->value_count;
    }
    if (total->value_count != part->value_count)
        return lb_fail(error, LB_INVALID, "not supported: reduction none of terms with values of different shapes");
    for (size_t i = 0; total->values && i < part->value_count; i++) total->values[i] += scale * part->values[i];
    return total->values ? LB_OK : LB_INVALID;
}

/* Class weights that leave one channel. */
static const double *only_channel(eval_record *r, size_t channel, lb_error *error) {
    double *weights = eval_room(r, r->channels, sizeof *weights, error);
    if (weights) weights[channel] = r->call.class_weight ? r->call.class_weight[channel] : 1;
    return weights;
}

/* Evaluates terms first .. first+count-1; one that has a list of parameters, on one channel. */
static int evaluate_part(eval_record *r, eval_precision precision, size_t first, size_t count, size_t channel,
                         eval_result *total, lb_error *error) {
    char expression[2 * LOSS_MAX_TERMS * SPEC_MAX_TEXT];
    const eval_term *term = &r->terms[first];
    eval_call call = r->call;
    eval_result part = {.grad = eval_room(r, r->size, sizeof *part.grad, error)};
    double scale = 1;
    if (!part.grad || eval_write_expression(r, first, count, channel, expression, sizeof expression, error))
        return LB_INVALID;
    call.expression = expression;
    if (count == 1 && term->lists) {
        call.class_weight = only_channel(r, channel, error);
        if (!call.class_weight) return LB_INVALID;
    }
    if (count == 1 && term->divisor && call.reduction == LOSS_MEAN) {
        const double divisor = divisor_of(r, term->divisor);
        call.reduction = LOSS_SUM;
        scale = divisor > 0 ? 1 / divisor : 0;
    }
    int code = (precision == EVAL_DOUBLE ? eval_call_double : eval_call_float)(&call, &part, error);
    if (!code) code = add_result(r, &part, scale, total, error);
    free(part.values);
    return code;
}

/* All terms in one call, as in training, unless one of them needs its own. */
static int evaluate(eval_record *r, eval_precision precision, eval_result *total, lb_error *error) {
    int together = 1;
    for (size_t t = 0; t < r->term_count; t++) together &= !r->terms[t].lists && !r->terms[t].divisor;
    if (together) return evaluate_part(r, precision, 0, r->term_count, 0, total, error);
    for (size_t t = 0; t < r->term_count; t++)
        for (size_t c = 0; c < (r->terms[t].lists ? r->channels : 1); c++)
            if (evaluate_part(r, precision, t, 1, c, total, error)) return LB_INVALID;
    return LB_OK;
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

static json_t *copy_of_id(const json_t *id) { return id ? json_deep_copy(id) : json_null(); }

json_t *eval_refusal(const json_t *id, const char *sentence) {
    json_t *answer = json_object();
    if (json_object_set_new(answer, "id", copy_of_id(id)) ||
        json_object_set_new(answer, "error", json_string(sentence))) {
        json_decref(answer);
        return NULL;
    }
    return answer;
}

static json_t *json_of(const double *numbers, size_t count) {
    json_t *array = json_array();
    for (size_t i = 0; i < count; i++)
        if (json_array_append_new(array, json_real(numbers[i]))) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static int all_finite(const double *numbers, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!isfinite(numbers[i])) return 0;
    return 1;
}

static int check_finite(const eval_record *r, const eval_result *result, lb_error *error) {
    if (!isfinite(result->value) || !all_finite(result->values, result->value_count) ||
        !all_finite(result->state_grad, result->state_count))
        return lb_fail(error, LB_INTERNAL, "the value is beyond the largest number");
    return all_finite(r->grad, r->size) ? LB_OK
                                        : lb_fail(error, LB_INTERNAL, "the gradient is beyond the largest number");
}

static json_t *answer_of(const eval_record *r, const eval_result *result, eval_precision precision) {
    json_t *answer = json_object(), *states = json_object();
    const int agrees = eval_agrees(r, result, precision);
    int failed = json_object_set_new(answer, "id", copy_of_id(json_object_get(r->json, "id")));
    failed |= json_object_set_new(
        answer, "value", result->values ? json_of(result->values, result->value_count) : json_real(result->value));
    failed |= json_object_set_new(answer, "grad", json_of(r->grad, r->size));
    for (size_t i = 0; i < result->state_count; i++)
        failed |= json_object_set_new(states, result->state_names[i], json_real(result->state_grad[i]));
    if (result->state_count) failed |= json_object_set(answer, "grad_aux", states);
    if (agrees >= 0) failed |= json_object_set_new(answer, "ok", json_boolean(agrees));
    json_decref(states);
    if (!failed) return answer;
    json_decref(answer);
    return NULL;
}

json_t *eval_answer(const json_t *json, eval_precision precision) {
    lb_error error = {0};
    eval_record r = {.json = json, .activation = -1, .ignore_index = __builtin_nan("")};
    eval_result result = {0};
    int code = read_record(&r, &error);
    if (!code) code = evaluate(&r, precision, &result, &error);
    if (!code) code = check_finite(&r, &result, &error);
    json_t *answer =
        code ? eval_refusal(json_object_get(json, "id"), error.message) : answer_of(&r, &result, precision);
    free_rooms(&r);
    return answer;
}
