/* What the multi-class losses share: the softmax of a tile, and the loss of the true class with its slopes.

   Rows of a tile are classes, columns items: logit[c * LOSS_TILE + i]. Every loop runs over the items of a row. */
#ifndef LOSS_CLASSES_H
#define LOSS_CLASSES_H

#include "lib/loss/real.h"

/* log p and p of the softmax over classes, and -log p of the true class, without overflow for any finite logits. */
typedef struct {
    real *log_p, *p;           /* [classes][LOSS_TILE] */
    real true_loss[LOSS_TILE]; /* -log p_y */
} tile_softmax;

/* `logit` may be the tile's or an adjusted copy; log_p and p are rows of the tile's scratch. */
void loss_softmax(const loss_tile *tile, const real *logit, tile_softmax *out);

/* The softmax kept in scratch rows 0 and 1; row 2 stays free for an adjusted copy of the logits. */
static inline tile_softmax tile_softmax_in_scratch(const loss_tile *tile) {
    return (tile_softmax){.log_p = tile->scratch, .p = tile->scratch + tile->classes * LOSS_TILE};
}
static inline real *tile_free_rows(const loss_tile *tile) { return tile->scratch + 2 * tile->classes * LOSS_TILE; }

/* slopes = factor[i] * (p_c - [c = y]): the gradient of any function of p_y alone, d f / d log p_y = -factor. */
void loss_true_class_slopes(const loss_tile *tile, const tile_softmax *s, const real *factor, real *slopes);

#endif
