/* From doubles to a loss_batch and back; see eval_call.h. */
#include "experiments/harness/eval_call.h"

#include <stdlib.h>

#ifdef LOSS_DOUBLE
#define EVAL_CALL eval_call_double
#else
#define EVAL_CALL eval_call_float
#endif

/* The numbers in the library's precision, at *next, which moves behind them. */
static const loss_real *convert(const double *from, size_t n, loss_real **next) {
    if (!from) return NULL;
    loss_real *to = *next;
    for (size_t i = 0; i < n; i++) to[i] = (loss_real)from[i];
    *next += n;
    return to;
}

/* One of weight for each item, in the shape that loss_batch says. */
static size_t weight_count(const loss *l, const eval_call *call) {
    if (call->classes) return call->images * call->pixels;
    return loss_kind_of(l) == LOSS_BOX ? call->images : call->images * call->channels * call->pixels;
}

/* The batch, its numbers converted into `room`. */
static loss_batch batch_of(const loss *l, const eval_call *call, loss_real *room) {
    const size_t n = call->images * call->channels * call->pixels;
    return (loss_batch){.images = call->images,
                        .channels = call->channels,
                        .pixels = call->pixels,
                        .width = call->width,
                        .input = convert(call->input, n, &room),
                        .target = convert(call->target, n, &room),
                        .weight = convert(call->weight, weight_count(l, call), &room),
                        .map = convert(call->map, n, &room),
                        .class_weight = convert(call->class_weight, call->channels, &room),
                        .class_counts = call->class_counts,
                        .ignore = call->ignore,
                        .skip_channel = call->skip_channel,
                        .classes = call->classes,
                        .activation = call->activation};
}

static void name_states(const loss *l, eval_result *result) {
    result->state_count = loss_state_count(l);
    if (result->state_count > EVAL_STATES) result->state_count = EVAL_STATES;
    for (size_t i = 0; i < result->state_count; i++) {
        result->state_names[i] = loss_state_name(l, i);
        result->state_grad[i] = 0;
    }
}

/* Evaluates into `grad` and `values`, both in the library's precision. */
static int evaluate(const loss *l, loss_batch *batch, const eval_call *call, loss_real *values, loss_real *grad,
                    eval_result *result, lb_error *error) {
    double state[EVAL_STATES];
    name_states(l, result);
    if (loss_state_count(l) > EVAL_STATES)
        return lb_fail(error, LB_INTERNAL, "the loss learns more than %d numbers", EVAL_STATES);
    if (result->state_count) {
        loss_state_start(l, state);
        batch->state = state;
        batch->state_grad = result->state_grad;
    }
    const size_t bytes = loss_scratch(l, batch);
    void *scratch = malloc(bytes ? bytes : 1);
    if (!scratch) return lb_fail_memory(error, "the scratch memory of a loss");
    const int code = loss_eval(l, batch, call->reduction, &result->value, values, grad, scratch, error);
    free(scratch);
    return code;
}

static int evaluate_parsed(const loss *l, const eval_call *call, eval_result *result, lb_error *error) {
    const size_t n = call->images * call->channels * call->pixels;
    loss_real *const room = malloc((5 * n + call->channels) * sizeof *room);
    loss_real *values = NULL;
    int code = room ? LB_OK : lb_fail_memory(error, "a batch");
    if (code) goto done;
    loss_batch batch = batch_of(l, call, room + n);
    if (call->reduction == LOSS_NONE) {
        result->value_count = loss_value_count(l, &batch);
        values = calloc(result->value_count + 1, sizeof *values);
        result->values = calloc(result->value_count + 1, sizeof *result->values);
        if (!values || !result->values) code = lb_fail_memory(error, "the values of a loss");
    }
    if (!code) code = evaluate(l, &batch, call, values, room, result, error);
    for (size_t i = 0; !code && i < n; i++) result->grad[i] = (double)room[i];
    for (size_t i = 0; !code && i < result->value_count; i++) result->values[i] = (double)values[i];
done:
    free(values);
    free(room);
    return code;
}

int EVAL_CALL(const eval_call *call, eval_result *result, lb_error *error) {
    loss *l = loss_parse(call->expression, error);
#ifdef LOSS_DOUBLE
    if (!l) /* in float it was parsed before: it has what only the library in float has */
        return lb_fail(error, LB_INVALID, "a loss of a plug-in is there in float only: add --precision float");
#endif
    if (!l) return LB_INVALID;
    const int counted = call->counts.good > 0 || call->counts.defect > 0;
    int code = counted ? loss_resolve(l, &call->counts, error) : LB_OK;
    if (!code) code = evaluate_parsed(l, call, result, error);
    loss_free(l);
    return code;
}
