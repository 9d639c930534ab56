/* Losses: value and exact gradient in one pass. Pure: no files, no printing, no globals; safe from several threads as
   long as each has its own scratch and gradient. */
#ifndef LOSS_LOSS_H
#define LOSS_LOSS_H

#include "lib/base/spec.h"

#include <stddef.h>

typedef enum {
    LOSS_BINARY,     /* logits and labels 0..1, element by element; also per pixel of a mask */
    LOSS_MASK,       /* images x pixels, summed over a region */
    LOSS_MULTICLASS, /* items x classes */
    LOSS_BOX         /* items x 4 corners */
} loss_kind;

typedef enum { LOSS_MEAN, LOSS_SUM, LOSS_NONE } loss_reduction;

/* What a loss is evaluated on. Borrowed pointers, row-major [images][channels][pixels].
   Binary classification of n parts: images = n, channels = pixels = 1. */
typedef struct {
    size_t images, channels, pixels;
    const float *input;          /* logits */
    const float *target;         /* labels in [0,1], same shape */
    const float *weight;         /* element weights >= 0, same shape; NULL: all 1 */
    const unsigned char *ignore; /* same shape, non-zero: left out of value, gradient and count; NULL: none */
} loss_batch;

/* Counts of the training set, for `auto` parameters and prior-aware losses. */
typedef struct {
    double good, defect;
} loss_counts;

/* A loss: one file, one line in registry.c. */
typedef struct loss_type {
    const char *name;
    int version;          /* raise when a number changes: retires exactly the trials that used it */
    const char *summary;  /* one line with the formula */
    const char *citation; /* paper and equation */
    loss_kind kind;
    const param *params;
    size_t param_count;

    /* NULL, or a sentence on what the ranges in `params` cannot say. */
    const char *(*check)(const double *params);

    /* Replaces every `auto` by a number; both counts are above 0. NULL: there is none. */
    void (*resolve)(double *params, const loss_counts *counts);

    /* What LOSS_MEAN divides the sum by, 0 if nothing counts; NULL: the number of elements that are not ignored. */
    double (*divisor)(const double *params, const loss_batch *batch);

    /* Exactly one of the two below is set. Inputs have been checked; parameters are resolved. */

    /* Element-wise losses: the loss of each of n elements and its derivative with respect to the logit. Weights,
       ignore, sums and reductions are the library's (evaluate.c); an expression of such losses is one pass over memory.
     */
    void (*elements)(const double *params, size_t n, const float *restrict input, const float *restrict target,
                     float *restrict losses, float *restrict slopes);

    /* All others: ADDS `scale` times the gradient of the weighted sum to grad[n] (NULL: not wanted) and `scale` times
       each item's loss to values[] (NULL: not wanted); returns the unscaled weighted sum. Bytes of scratch; NULL: none.
     */
    double (*eval)(const double *params, const loss_batch *batch, double scale, float *values, float *grad,
                   void *scratch);
    size_t (*scratch)(const double *params, const loss_batch *batch);
} loss_type;

/* The registry: NULL-terminated, in the order of `lossbench list`. */
extern const loss_type *const loss_types[];
const loss_type *loss_type_find(const char *name);

enum { LOSS_MAX_TERMS = 8 };

/* An expression over registered losses of one kind: "dice + 0.5*bce + 2*focal(gamma=3, alpha=0.9)". Binary losses may
   stand in an expression of mask losses, which makes it one of masks. */
typedef struct loss loss;

loss *loss_parse(const char *expression, lb_error *error); /* NULL on error; free with loss_free */
loss *loss_copy(const loss *l);                            /* NULL when out of memory */
void loss_free(loss *l);
loss_kind loss_kind_of(const loss *l);

/* Canonical text, all parameters written, versions included ("0.5*bce@1(label_smoothing=0)"): the loss's part of a
   trial key. Borrowed, valid until the loss is changed or freed. */
const char *loss_text(const loss *l);

/* The same for people and for loss_parse: no versions, defaults left out. Borrowed as above. */
const char *loss_label(const loss *l);

/* Replaces `auto` by numbers from the training counts. Refuses counts without goods or without defects when needed. */
int loss_resolve(loss *l, const loss_counts *counts, lb_error *error);

/* Parameters that a tuner may move: those with a tuning range that the expression does not write out. */
size_t loss_tunables(const loss *l);
const param *loss_tunable(const loss *l, size_t i);
int loss_set_tunable(loss *l, size_t i, double value, lb_error *error);

/* Bytes of scratch that loss_eval needs for this shape; 0: may be NULL. */
size_t loss_scratch(const loss *l, const loss_batch *batch);

/* Evaluates. LOSS_MEAN divides each term by the number of elements that count (0 of them: value 0, gradient 0);
   LOSS_NONE writes each element's loss to values[n] and the gradient of their sum, *value is the sum. `values` is for
   LOSS_NONE, else NULL; `grad` may be NULL. Sums are in double in a fixed order; an element's loss beyond FLT_MAX
   counts as FLT_MAX. Refuses non-finite logits, labels outside [0,1], negative or non-finite weights, empty batches and
   unresolved `auto`, naming the element (ignored elements may hold anything); then grad and values are undefined. */
int loss_eval(const loss *l, const loss_batch *batch, loss_reduction reduction, double *value, float *values,
              float *grad, void *scratch, lb_error *error);

/* The constant logit at which the expected gradient is zero when a share `prior` (0..1, exclusive) of the items are
   defects and the input says nothing: the loss's own prior, where a head bias starts. log(prior/(1-prior)) for bce, 0
   for inverse-frequency weighting. Found by bisection on loss_eval in [-30, 30], so it holds for compounds and plug-ins
   too. Where the gradient is zero on a whole interval (asl ignores goods below `clip`; a weight of 0 ignores a class),
   the point of it nearest to 0. NaN when the loss cannot be evaluated on binary labels, is unresolved, or prior is not
   inside (0,1). */
double loss_prior_logit(const loss *l, double prior);

#endif
