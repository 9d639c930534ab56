/* What the ranking losses share. They see a batch as scores of positives and of negatives, whatever channel or pixel
   they come from: an element with label y and weight w is a positive of weight w y and a negative of weight w (1-y), so
   a hard label makes it one of the two, a weight of 2 is the element twice, and an ignored element is neither. The
   weights hold the batch's class_weight. */
#ifndef LOSS_RANKING_H
#define LOSS_RANKING_H

#include "lib/loss/batchwise.h"

extern const param_word loss_score_words[]; /* logit 0, sigmoid 1 */

#define RANKING_SCORES_PARAM(default_word)                                                                             \
    {                                                                                                                  \
        .name = "scores", .fallback = default_word, .low = 0, .high = 1, .scale = PARAM_CHOICE,                        \
        .words = loss_score_words, .summary = "what is compared: the logits, or their sigmoid"                         \
    }
enum { SCORES_LOGIT, SCORES_SIGMOID };

/* Scores and weights, [n] each; 0 where an element is ignored. */
typedef struct {
    size_t n;
    real *score, *slope; /* slope: derivative of the score by the logit */
    double *positive, *negative;
    double positives, negatives; /* sums of the weights */
    void *rest;                  /* behind the arrays in scratch, aligned to 64 bytes */
} ranking;

/* Bytes of scratch for loss_ranking_of, a multiple of 64. */
size_t loss_ranking_scratch(const loss_batch *batch);

ranking loss_ranking_of(const loss_batch *batch, int sigmoid, void *scratch);

/* Without positives or without negatives (of weight above 0) there is nothing to rank: value 0, gradient 0. */
static inline int nothing_to_rank(const ranking *r) { return !(r->positives > 0 && r->negatives > 0); }

/* Adds a derivative by score i to the gradient. */
static inline void add_by_score(const ranking *r, size_t i, double by_score, real *grad) {
    add_saturated(&grad[i], by_score * (double)r->slope[i]);
}

#endif
