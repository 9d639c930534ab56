/* One evaluation of a loss on plain doubles, by the library in float or in double: all of `lossbench eval` that depends
   on the precision. eval_call.c is compiled twice, by itself and included by eval_call_double.c. */
#ifndef HARNESS_EVAL_CALL_H
#define HARNESS_EVAL_CALL_H

#include "lib/loss/loss.h"

enum { EVAL_STATES = 8 };

/* A loss_batch in doubles, with the loss and the reduction. Borrowed pointers; NULL: none. */
typedef struct {
    const char *expression;
    loss_counts counts; /* for parameters that are `auto`; both 0: unknown */
    loss_reduction reduction;
    size_t images, channels, pixels, width;
    const double *input, *target, *weight, *map; /* as in loss_batch */
    const double *class_weight, *class_counts;   /* [channels] */
    const unsigned char *ignore, *skip_channel;
    const int *classes;
    loss_activation activation;
} eval_call;

/* What came out. */
typedef struct {
    double value;
    double *grad;   /* [images][channels][pixels], the caller's; it is filled */
    double *values; /* with LOSS_NONE: [value_count], for the caller to free; else NULL */
    size_t value_count;
    size_t state_count; /* numbers that the loss learns beside the net, their names and gradients */
    const char *state_names[EVAL_STATES];
    double state_grad[EVAL_STATES];
} eval_result;

int eval_call_float(const eval_call *call, eval_result *result, lb_error *error);
int eval_call_double(const eval_call *call, eval_result *result, lb_error *error);

#endif
