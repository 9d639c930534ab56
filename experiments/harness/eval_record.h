/* The inside of `lossbench eval`: one record, from its JSON to an evaluation and back.

       eval_record.c    reads a record, evaluates it, writes the answer
       eval_terms.c     the loss and its parameters: terms of an expression, properties of the batch
       eval_batch.c     shape, input, labels, weights and maps: the numbers of the batch
       eval_view.c      these as the library takes them, and the gradient back
       eval_compare.c   whether the answer agrees with the expected one

   Everything a record needs is in `eval_record`; its memory is given back at once, at the end. */
#ifndef HARNESS_EVAL_RECORD_H
#define HARNESS_EVAL_RECORD_H

#include "experiments/harness/eval.h"
#include "experiments/harness/eval_call.h"

#include <jansson.h>

enum { EVAL_LISTS = 4 };

/* One term of the loss. */
typedef struct {
    const loss_type *type;
    double weight;
    char args[SPEC_MAX_TEXT];             /* "gamma=2, alpha=0.25" */
    const char *list_name[EVAL_LISTS];    /* parameters that the record gives channel by channel, */
    const double *list_value[EVAL_LISTS]; /* [channels] each */
    size_t lists;
    const char *divisor; /* the record's mean_divisor where the loss has no such word; NULL: as the library does */
} eval_term;

/* How the record's input becomes the library's, and the gradient goes the other way. */
typedef enum {
    EVAL_AS_IS,
    EVAL_FROM_PROBABILITY, /* p to its logit */
    EVAL_FROM_PAIR         /* two channels with the softmax, background and foreground, to z1 - z0 */
} eval_view;

typedef struct {
    const json_t *json, *params; /* params may be NULL */
    const loss_alias *alias;     /* the loss is a short name for a compound; else NULL */
    eval_term terms[LOSS_MAX_TERMS];
    size_t term_count;
    unsigned forms; /* bit k: the library takes the expression for loss_kind k */
    loss_kind kind;
    size_t images, channels, pixels, width;
    size_t size;         /* images * channels * pixels: the numbers in the input */
    const double *input; /* [size], as the record gives it */
    double *grad;        /* [size] */
    int activation;      /* loss_activation, or -1 when the record does not say */
    double ignore_index; /* NaN: none */
    double prior_eps;    /* added to the prior of logit_adjusted */
    int has_scores;      /* the input is called scores or preds */
    int ranks;           /* all terms are ranking losses, which take scores of any kind */
    eval_view view;
    eval_call call;            /* what the library gets: of the view, without the expression */
    struct eval_block *blocks; /* of eval_room */
} eval_record;

/* Zeroed memory that goes with the record; NULL when there is none left (the error says so). */
void *eval_room(eval_record *r, size_t count, size_t size, lb_error *error);

/* The array `json`, called `name` in sentences, as `count` finite numbers. NULL on error. */
double *eval_numbers(eval_record *r, const json_t *json, const char *name, size_t count, lb_error *error);

int eval_has_tag(const eval_record *r, const char *tag);

/* What a JSON value is, for sentences: "a number". */
const char *eval_json_kind(const json_t *json);

/* Reads `loss`, `kind` and the weights of a compound's parts in `params`. */
int eval_read_loss(eval_record *r, lb_error *error);

/* Reads the rest of `params`, when the shape is known. */
int eval_read_params(eval_record *r, lb_error *error);

/* Writes terms first .. first+count-1 as an expression that loss_parse takes; `channel`: which values of the lists. */
int eval_write_expression(const eval_record *r, size_t first, size_t count, size_t channel, char *out, size_t size,
                          lb_error *error);

/* Reads `shape` and the input; and, when the parameters are known, the rest of the batch. */
int eval_read_input(eval_record *r, lb_error *error);
int eval_read_batch(eval_record *r, lb_error *error);

/* Sets `view`, and what the library gets in place of the record's numbers. */
int eval_choose_view(eval_record *r, lb_error *error);

/* Adds `scale` times a gradient by the library's input to r->grad, the one by the record's input. */
void eval_add_gradient(eval_record *r, const double *grad, double scale);

/* Whether value, gradient and gradients of the state are as expected: 1, 0, or -1 when the record expects nothing. */
int eval_agrees(const eval_record *r, const eval_result *result, eval_precision precision);

/* The answer to a record. NULL: out of memory. */
json_t *eval_answer(const json_t *record, eval_precision precision);

/* The answer to a record that cannot be evaluated. `id` may be NULL. */
json_t *eval_refusal(const json_t *id, const char *sentence);

#endif
