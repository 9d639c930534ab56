/* What the multi-class losses share: the softmax of a tile, the loss of the true class with its slopes, and what
   follows from how many items a class has.

   Rows of a tile are classes, columns items: logit[c * LOSS_TILE + i]. Every loop runs over the items of a row. */
#ifndef LOSS_CLASSES_H
#define LOSS_CLASSES_H

#include "lib/loss/real.h"

/* log p and p of the softmax over classes, and of the true class -log p and 1-p, without overflow for any finite
   logits. No member is a difference: all keep their relative accuracy for items that are nearly certain, too. */
typedef struct {
    real *log_p, *p;           /* [classes][LOSS_TILE] */
    real true_loss[LOSS_TILE]; /* -log p_y */
    real miss[LOSS_TILE];      /* 1 - p_y, the sum of the others */
} tile_softmax;

/* `logit` may be the tile's or an adjusted copy, in which some but not all classes of an item may be -inf; log_p and p
   are rows of the tile's scratch. */
void loss_softmax(const loss_tile *tile, const real *logit, tile_softmax *out);

/* The softmax kept in scratch rows 0 and 1; row 2 stays free for an adjusted copy of the logits. */
static inline tile_softmax tile_softmax_in_scratch(const loss_tile *tile) {
    return (tile_softmax){.log_p = tile->scratch, .p = tile->scratch + tile->classes * LOSS_TILE};
}
static inline real *tile_free_rows(const loss_tile *tile) { return tile->scratch + 2 * tile->classes * LOSS_TILE; }

static inline real tile_true_p(const loss_tile *tile, const tile_softmax *s, size_t i) {
    return s->p[(size_t)tile->label[i] * LOSS_TILE + i];
}

/* slopes = factor[i] * (p_c - [c = y]): the gradient of any function of p_y alone, d f / d log p_y = -factor. */
void loss_true_class_slopes(const loss_tile *tile, const tile_softmax *s, const real *factor, real *slopes);

/* Cross-entropy of `logit` (the tile's, or an adjusted copy in the free rows), with slopes times `factor`. */
void loss_cross_entropy(const loss_tile *tile, const real *logit, real factor, real *restrict losses, real *slopes);

/* --- class counts ------------------------------------------------------------------------------------------------- */

/* The smallest count above 0; 1 if there is none. A class without training items is counted as this in every loss that
   uses counts: as the rarest that has items, so that it moves neither weights nor margins of the others far. */
double loss_rarest_count(const double *counts, size_t classes);

static inline double loss_count_or(double count, double rarest) { return count > 0 ? count : rarest; }

/* NULL, or what check_batch says where a loss cannot do without class_counts. */
const char *loss_lack_of_counts(const loss_batch *batch);

/* (1-beta) / (1-beta^n): the weight of a class with n items whose effective number is (1-beta^n) / (1-beta). */
double loss_inverse_effective_number(double beta, double n);

/* --- means -------------------------------------------------------------------------------------------------------- */

/* Items of a multi-class batch that are not ignored. */
double loss_counted_items(const loss_batch *batch);

/* Sum over these of weight times the batch's class_weight: what torch divides a weighted mean by. */
double loss_weighted_items(const loss_batch *batch);

#endif
