/* libloss: losses for defect detection with value and exact gradient, for classes, masks, boxes and regression.

   A loss is written as text and parsed once; evaluating it is pure: no files, no printing, no allocation, no globals.

       lb_error error;
       loss *l = loss_parse("dice + 0.5*bce + 2*focal(gamma=3, alpha=0.9)", &error);
       if (!l) { puts(error.message); return 1; }
       loss_batch batch = {.images = 8, .channels = 1, .pixels = 64 * 64, .input = logits, .target = masks};
       void *scratch = malloc(loss_scratch(l, &batch));
       double value;
       if (loss_eval(l, &batch, LOSS_MEAN, &value, NULL, grad, scratch, &error)) puts(error.message);
       free(scratch);
       loss_free(l);

   Which losses there are: loss_type_at gives them all, each with its formula, source, use, traps and parameters.
   Input is logits, not probabilities, unless the batch says so; `grad` is the derivative of *value by each element of
   it. Value and gradient are those of the same function, finite for every finite input, and the same bits on every
   machine.
   Errors: functions that can fail return LB_OK (0), or a code with one sentence in the caller's lb_error, which may be
   NULL. Ownership: loss_parse and loss_copy give objects for loss_free; every other pointer stays its owner's and is
   not kept after a call. Threads: a loss may be evaluated from several threads at once, each with its own scratch,
   values and grad, while none changes it (loss_resolve, loss_set_tunable); different losses share nothing;
   loss_register must not run beside other calls. Numbers in an expression have a decimal point: parse while the
   locale's LC_NUMERIC has one too, as in "C". */
#ifndef LOSS_LOSS_H
#define LOSS_LOSS_H

#include "lib/base/spec.h"

#include <stddef.h>

/* The type of inputs and gradients. Values and sums are double. */
#ifdef LOSS_DOUBLE
typedef double loss_real; /* loss_double.h */
#else
typedef float loss_real;
#endif

/* What a loss is evaluated on. */
typedef enum {
    LOSS_BINARY,     /* logits and labels 0..1, element by element; also per pixel of a mask */
    LOSS_MASK,       /* masks: sums over the pixels of an image and channel, distances, ranks */
    LOSS_MULTICLASS, /* one of K classes an item or pixel, softmax over channels */
    LOSS_REGRESSION, /* any numbers, element by element; also per corner coordinate of boxes */
    LOSS_BOX         /* pairs of boxes x1, y1, x2, y2 */
} loss_kind;

/* "binary", "mask", "multiclass", "regression", "box" */
extern const char *const loss_kind_names[];

/* Described at loss_eval. */
typedef enum { LOSS_MEAN, LOSS_SUM, LOSS_NONE } loss_reduction;

/* What turns the input of a mask loss into probabilities. */
typedef enum {
    LOSS_SIGMOID,      /* each channel by itself; the only one for element-wise losses */
    LOSS_SOFTMAX,      /* over the channels of a pixel */
    LOSS_PROBABILITIES /* the input is probabilities, 0..1; mask losses only */
} loss_activation;

/* A batch. Borrowed pointers, row-major [images][channels][pixels]; start from {0} and set what applies.

       binary classification of n parts   images = n, channels = pixels = 1
       masks                              pixels = height * width, width set when the loss looks at distances
       K classes                          channels = K, labels in `classes`
       n boxes                            images = n, channels = 4, pixels = 1 */
typedef struct {
    size_t images, channels, pixels;
    const loss_real *input;      /* logits, predictions, or predicted boxes */
    const loss_real *target;     /* labels in [0,1], numbers, or true boxes; same shape. NULL when `classes` is given */
    const loss_real *weight;     /* >= 0, one an element; multi-class: one an item [images][pixels]; boxes: one a box
                                    [images]. NULL: all 1 */
    const unsigned char *ignore; /* shape of `weight`; non-zero: left out of value, gradient and count, whatever it
                                    holds. NULL: none */
    const int *classes;          /* multi-class labels 0..channels-1, [images][pixels] */
    const loss_real *class_weight; /* >= 0, [channels]: factor on a class's (a channel's) losses. NULL: all 1 */
    const double *class_counts; /* [channels], items of each class in the training set, 0 or from 1 on, for the losses
                                   that use them */
    const unsigned char *skip_channel; /* [channels], non-zero: not among the regions that a mask loss averages */
    loss_activation activation;
    size_t width;         /* pixels in a row of a mask; 0: unknown */
    const loss_real *map; /* shape of `input`: replaces the map a loss makes of the target (boundary: phi,
                             hausdorff_dt: weights). NULL: made */
    const double *state;  /* [loss_state_count] what the loss learns beside the net. NULL: as its parameters say */
    double *state_grad;   /* [loss_state_count] receives the gradient of the value by the state. NULL: not wanted */
} loss_batch;

/* Items in the training set, for `auto` parameters and prior-aware losses: loss_resolve. */
typedef struct {
    double good, defect;
} loss_counts;

/* --- writing a loss ----------------------------------------------------------------------------------------------

   A loss is one file that ends in LOSS_TYPE(name) = {...}, and one line in losses.h; where only the installed library
   is at hand, loss_register takes &loss_type_name. It has one of the functions `elements`, `region`, `classes`,
   `boxes`, `eval` (elements with region, or with classes: see there). Inputs have been checked; parameters are
   resolved; weights, ignore, reductions and sums are the library's, except for `eval`. */

enum {
    LOSS_BLOCK = 512, /* elements at most that `elements` gets at a time */
    LOSS_TILE = 64    /* items or boxes at most that `classes` or `boxes` get at a time */
};

/* A block of elements. `decay` and `common` are for logits only: exp(-|z|) and log(1+exp(-|z|)), computed once for all
   losses of an expression; NULL for regression. */
typedef struct {
    size_t n;
    const loss_real *input, *target, *decay, *common;
} loss_block;

/* Sums over the pixels of a region, weighted: of p y, p, y and 1. With option `squared`, of p^2 and y^2 in place of p
   and y. */
typedef struct {
    double intersection, prediction, target, total;
} loss_sums;

/* What a region costs, and the derivatives by its sums. */
typedef struct {
    double value, by_intersection, by_prediction;
} loss_cell;

/* How the sums of a region loss are taken. */
typedef struct {
    int batch;   /* over the images of the batch too */
    int micro;   /* over the channels too */
    int squared; /* prediction and target are sums of squares */
    double clip; /* probabilities are clipped to [clip, 1-clip], without gradient where they are; 0: not */
} loss_region_options;

/* A tile of up to LOSS_TILE items with K classes. */
typedef struct {
    size_t n, classes;
    const loss_real *logit;     /* [classes][LOSS_TILE] */
    const int *label;           /* [n] */
    const double *class_counts; /* [classes] or NULL */
    loss_real *scratch;         /* [3][classes][LOSS_TILE], for the loss to use */
} loss_tile;

/* Up to LOSS_TILE pairs of boxes, coordinate by coordinate: x1, y1, x2, y2. */
typedef struct {
    size_t n;
    loss_real box[4][LOSS_TILE], target[4][LOSS_TILE];
} loss_boxes;

/* What LOSS_NONE gives one value for, and LOSS_MEAN averages. */
typedef enum {
    LOSS_PER_ELEMENT, /* element; multi-class: item or pixel; boxes: box */
    LOSS_PER_CELL,    /* image and channel (row and channel of the region options) */
    LOSS_PER_ROW,     /* image (row) */
    LOSS_PER_BATCH    /* the batch */
} loss_value_shape;

/* A worked example from another source, checked by the contract tests: mean loss (and gradient) of a small batch. */
enum { LOSS_GOLDEN = 12 };
typedef struct {
    const char *expression; /* the loss with its parameters */
    size_t images, channels, pixels, width;
    double input[LOSS_GOLDEN], target[LOSS_GOLDEN]; /* target: class indices for multi-class losses */
    double class_counts[LOSS_GOLDEN];               /* all 0: none */
    double value, grad[LOSS_GOLDEN];                /* grad all 0: not given */
    const char *source;                             /* who computed it */
} loss_golden;

typedef struct loss_type {
    const char *name;
    int version;          /* raise when a number changes: retires exactly the trials that used it */
    const char *summary;  /* one line with the formula */
    const char *citation; /* paper and equation */
    const char *use;      /* when to use it */
    const char *traps;    /* what goes wrong with it, here or in other implementations; NULL: nothing known */
    loss_kind kind;
    loss_value_shape values; /* with `elements` and `region`: of the regions */
    const param *params;
    size_t param_count;
    loss_golden golden;

    /* Replaces `values` where the shape depends on a parameter; NULL: it does not. */
    loss_value_shape (*value_shape)(const double *params);

    /* NULL, or a sentence on what the ranges in `params` cannot say. */
    const char *(*check)(const double *params);

    /* NULL, or a sentence on what the batch lacks for this loss ("needs class_counts"). */
    const char *(*check_batch)(const double *params, const loss_batch *batch);

    /* Replaces every `auto` by a number; both counts are above 0. NULL: there is none. */
    void (*resolve)(double *params, const loss_counts *counts);

    /* What LOSS_MEAN divides the sum by, 0 if nothing counts; NULL: the number of values that are not ignored. */
    double (*divisor)(const double *params, const loss_batch *batch);

    /* Element-wise: the loss of each element of a block and its derivative with respect to the input. */
    void (*elements)(const double *params, const loss_block *block, loss_real *restrict losses,
                     loss_real *restrict slopes);

    /* From sums over regions: sums[rows][channels] to cells[rows][channels]. LOSS_PER_ROW puts a row's value into the
       row's first cell, LOSS_PER_BATCH the batch's into the first; the derivatives are by each cell's own sums. With
       `elements` too, the loss is the sum of both. */
    void (*region)(const double *params, size_t rows, size_t channels, const loss_sums *sums, loss_cell *cells);
    void (*region_options)(const double *params, loss_region_options *options); /* NULL: all 0 */

    /* Multi-class: the loss of each item of a tile and its derivatives, slopes[classes][LOSS_TILE]. A binary loss that
       has `classes` beside `elements` exists for K classes too. */
    void (*classes)(const double *params, const loss_tile *tile, loss_real *restrict losses, loss_real *slopes);

    /* Multi-class: factor on the losses of each class, beside the batch's class_weight. NULL: 1 */
    double (*class_factor)(const double *params, const loss_batch *batch, size_t class_index);

    /* Boxes: the loss of each pair and its derivatives with respect to `box`. */
    void (*boxes)(const double *params, const loss_boxes *boxes, loss_real *restrict losses,
                  loss_real (*restrict slopes)[LOSS_TILE]);

    /* All others: ADDS `scale` times the gradient of the weighted sum to grad[n] (NULL: not wanted) and `scale` times
       each value to values[] (NULL: not wanted); returns the unscaled weighted sum. Ignored elements may hold anything.
     */
    double (*eval)(const double *params, const loss_batch *batch, double scale, loss_real *values, loss_real *grad,
                   void *scratch);
    size_t (*scratch)(const double *params, const loss_batch *batch); /* bytes for eval; NULL: none */
    int any_activation; /* eval takes every activation, and K classes as one-hot masks: it reads them with planes.h */

    /* Numbers that the loss learns beside the net (`eval` only): their names, ending in NULL, and where they start. */
    const char *const *state_names;
    void (*state_start)(const double *params, double *state);
} loss_type;

/* LOSS_TYPE(name) = {...}; ends a loss file. The same file built as a shared object with -DLOSS_PLUGIN can be loaded at
   run time: it then exports its type and the version of this struct. */
#define LOSS_ABI 2
#ifdef LOSS_DOUBLE
#define LOSS_SYMBOL(name) loss_double_type_##name
#else
#define LOSS_SYMBOL(name) loss_type_##name
#endif
#ifdef LOSS_PLUGIN
#define LOSS_TYPE(name)                                                                                                \
    extern const loss_type LOSS_SYMBOL(name);                                                                          \
    extern const int loss_plugin_abi;                                                                                  \
    extern const loss_type *const loss_plugin;                                                                         \
    const int loss_plugin_abi = LOSS_ABI;                                                                              \
    const loss_type *const loss_plugin = &LOSS_SYMBOL(name);                                                           \
    const loss_type LOSS_SYMBOL(name)
#else
#define LOSS_TYPE(name)                                                                                                \
    extern const loss_type LOSS_SYMBOL(name);                                                                          \
    const loss_type LOSS_SYMBOL(name)
#endif

/* --- the registry ------------------------------------------------------------------------------------------------ */

enum { LOSS_MAX_TERMS = 8, LOSS_MAX_PLUGINS = 16 };

/* All losses, in the order of `lossbench list`: those of the library, then registered ones. NULL behind the last. */
const loss_type *loss_type_at(size_t i);
const loss_type *loss_type_find(const char *name);

/* Adds a loss from outside, which must stay in memory. Refuses a name that is taken, a type that lacks what every loss
   has, and more than LOSS_MAX_PLUGINS. */
int loss_register(const loss_type *type, lb_error *error);

/* A short name for a compound: dice_focal(lambda_dice=1, lambda_focal=0.5, smooth_nr=0) is dice(smooth_nr=0) +
   0.5*focal. Parameters that are not weights go to every part that has one of that name. */
typedef struct {
    const char *name, *summary;
    struct {
        const char *weight, *loss; /* the name of the weight, default 1, and of the part */
        const char *defaults;      /* "pos_weight=1": what the alias gives the part, unless told otherwise; or NULL */
    } parts[4];                    /* ends with {NULL} */
} loss_alias;
extern const loss_alias loss_aliases[]; /* ends with {NULL} */

/* --- using a loss ------------------------------------------------------------------------------------------------ */

/* An expression over losses of kinds that can be added: "dice + 0.5*bce + 2*focal(gamma=3, alpha=0.9)". Binary losses
   may stand among mask losses (per pixel), mask losses among multi-class ones (on one-hot labels), regression losses
   among box losses (per coordinate). */
typedef struct loss loss;

loss *loss_parse(const char *expression, lb_error *error); /* NULL on error; free with loss_free */
loss *loss_copy(const loss *l);                            /* NULL when out of memory; the same */
void loss_free(loss *l);                                   /* NULL: nothing happens */
loss_kind loss_kind_of(const loss *l);

/* Whether the expression can be evaluated on batches of this kind: "dice" on masks and, one-hot, on multi-class ones.
 */
int loss_takes(const loss *l, loss_kind kind);

/* Canonical text, all parameters written, versions included ("0.5*bce@1(label_smoothing=0)"): the loss's part of a
   trial key. Borrowed, valid until the loss is changed or freed. */
const char *loss_text(const loss *l);

/* The same for people and for loss_parse: no versions, defaults left out. Borrowed as above. */
const char *loss_label(const loss *l);

/* Replaces `auto` by numbers from the training counts; without any `auto` nothing happens. Refuses counts without goods
   or without defects when needed. */
int loss_resolve(loss *l, const loss_counts *counts, lb_error *error);

/* Parameters that a tuner may move: those with a tuning range that the expression does not write out, numbered from 0
   over all terms. Setting one refuses values outside its allowed range. */
size_t loss_tunables(const loss *l);
const param *loss_tunable(const loss *l, size_t i);
int loss_set_tunable(loss *l, size_t i, double value, lb_error *error);

/* Bytes of scratch that loss_eval needs for this batch and others of its shape with the same members set; 0: it may be
   NULL. Aligned as malloc does; what it holds does not matter, and it can be used again. */
size_t loss_scratch(const loss *l, const loss_batch *batch);

/* How many values LOSS_NONE gives for this batch; 0: the expression has no such values (a sum of terms with values of
   different shapes). */
size_t loss_value_count(const loss *l, const loss_batch *batch);

/* The numbers that the terms learn beside the net, one after the other: how many (0 for nearly all losses), and where
   they start. The caller keeps them and descends by state_grad, as by a weight of the net. */
size_t loss_state_count(const loss *l);
void loss_state_start(const loss *l, double *state);
const char *loss_state_name(const loss *l, size_t i); /* NULL behind the last */

/* Evaluates. LOSS_MEAN divides each term by the number of its values that count (0 of them: value 0, gradient 0);
   LOSS_NONE writes each value to values[loss_value_count] and the gradient of their sum, *value is the sum. `values` is
   for LOSS_NONE, else NULL; `grad`, of the shape of the input and apart from it, may be NULL; `scratch` holds
   loss_scratch bytes. Sums are in double in a fixed order; an element's loss beyond FLT_MAX counts as FLT_MAX. Refuses
   non-finite input, labels outside [0,1], negative or non-finite weights, inverted boxes, empty batches, a batch of
   another kind and unresolved `auto`, naming the element (ignored elements may hold anything); then grad and values are
   undefined. */
int loss_eval(const loss *l, const loss_batch *batch, loss_reduction reduction, double *value, loss_real *values,
              loss_real *grad, void *scratch, lb_error *error);

/* The constant logit at which the expected gradient is zero when a share `prior` (0..1, exclusive) of the items are
   defects and the input says nothing: the loss's own prior, where a head bias starts. log(prior/(1-prior)) for bce, 0
   for inverse-frequency weighting. Found by bisection on loss_eval in [-30, 30], so it holds for compounds and plug-ins
   too; a mask loss sees one image of which that share is defect. Where the gradient is zero on a whole interval (asl
   ignores goods below `clip`; a weight of 0 ignores a class), the point of it nearest to 0. NaN when the loss cannot be
   evaluated on binary labels, is unresolved, or prior is not inside (0,1). */
double loss_prior_logit(const loss *l, double prior);

#endif
