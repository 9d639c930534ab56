/* The inside of loss_eval: evaluate.c checks, scales and adds up; the other evaluate_*.c files each run one shape of
   loss over the batch. */
#ifndef LOSS_EVALUATE_H
#define LOSS_EVALUATE_H

#include "lib/loss/expression.h"
#include "lib/loss/real.h"

enum { LANES = 8 };

/* One call of loss_eval. */
typedef struct {
    const loss *l;
    const loss_batch *batch;
    loss_kind form; /* the kind of the batch */
    loss_reduction reduction;
    real *values, *grad;
    void *scratch;
    double scale[LOSS_MAX_TERMS];        /* term weight / divisor: what turns a term's sum into its part of the value */
    double region_scale[LOSS_MAX_TERMS]; /* the same for the region part of a term that has both */
    double clip;                         /* of all terms; 0: none */
    int has_elements;                    /* an element-wise term is there: it wants log(1+exp(-|z|)), and writes grad */
    double value;                        /* the sum so far */
} evaluation;

/* A block of the batch as the kernels want it: checked, ignored elements 0 with weight 0, logits clipped. */
typedef struct {
    loss_block block;
    const real *weight; /* NULL: all 1 */
    real input[LOSS_BLOCK], target[LOSS_BLOCK], decay[LOSS_BLOCK], common[LOSS_BLOCK], weights[LOSS_BLOCK];
} loaded_block;

static inline size_t batch_size(const loss_batch *batch) { return batch->images * batch->channels * batch->pixels; }

/* How many items the batch has in the shape of `weight` and `ignore`. */
static inline size_t batch_items(const loss_batch *batch, loss_kind form) {
    if (form == LOSS_MULTICLASS) return batch->images * batch->pixels;
    return form == LOSS_BOX ? batch->images : batch_size(batch);
}

static inline int is_ignored(const loss_batch *batch, size_t i) { return batch->ignore && batch->ignore[i]; }

/* Weight of item i, 0 when it is ignored; class_weight is not in it. */
static inline double item_weight(const loss_batch *batch, size_t i) {
    if (is_ignored(batch, i)) return 0;
    return batch->weight ? (double)batch->weight[i] : 1;
}

/* The form of a batch for this expression. */
loss_kind form_of(const loss *l, const loss_batch *batch);

/* Loads elements start .. start+n-1, n <= LOSS_BLOCK; class weights are put in only when `weigh_classes`. */
int load_block(const evaluation *e, size_t start, size_t n, int weigh_classes, loaded_block *out, lb_error *error);

/* Checks all elements without computing anything. */
int check_elements(const evaluation *e, lb_error *error);
int check_classes(const evaluation *e, lb_error *error);
int check_boxes(const evaluation *e, size_t start, size_t n, lb_error *error);

/* Adds losses to lanes, element i to lane i mod 8; those beyond REAL_MAX become REAL_MAX. */
void add_to_lanes(real *losses, size_t n, double *lanes);

static inline double sum_of_lanes(const double *lanes) {
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/* The element-wise terms on a loaded block: writes its part of grad and values, adds to lanes[LOSS_MAX_TERMS][LANES].
   Capped losses, element i of the block in lane i mod 8. */
void evaluate_block(const evaluation *e, size_t start, loaded_block *loaded, double lanes[][LANES]);

/* Whether the sums of regions are those of logits with the sigmoid; that way writes all of grad. */
static inline int regions_go_fast(const evaluation *e) {
    return e->form != LOSS_MULTICLASS && e->batch->activation == LOSS_SIGMOID;
}

/* Element-wise terms, and the sums of regions, in one pass. */
int evaluate_elements(evaluation *e, lb_error *error);
int evaluate_regions(evaluation *e, lb_error *error);
void evaluate_classes(evaluation *e);
int evaluate_boxes(evaluation *e, int add, lb_error *error); /* `add`: grad holds other terms already */

size_t region_scratch(const loss *l, const loss_batch *batch);
size_t classes_scratch(const loss_batch *batch);
size_t region_values(const loss_term *term, const loss_batch *batch, int counted);

/* Whether a term has a part of this shape in a batch of form `form`. */
static inline int term_has_elements(const loss_term *term, loss_kind form) {
    return term->type->elements && form != LOSS_MULTICLASS;
}
static inline int term_has_classes(const loss_term *term, loss_kind form) {
    return term->type->classes && form == LOSS_MULTICLASS;
}

#endif
