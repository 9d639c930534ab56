/* Claims: statements that engineers are told about losses for imbalanced data. A judge tries one on every place (a
   block at one ratio) that can decide it and writes one sentence of finding; verdict words are computed from the
   places. */
#ifndef HARNESS_CLAIMS_H
#define HARNESS_CLAIMS_H

#include "experiments/harness/analysis.h"

typedef enum { HOLDS, FAILS, OPEN } place_verdict;

typedef struct {
    size_t counts[3];  /* of places, by place_verdict */
    char finding[800]; /* one generated sentence, or two */
    table *places;     /* claim, block, verdict, numbers */
    const char *id;
} ruling;

/* Adds a place to the counts and to the table. */
void rule_place(ruling *out, const char *where, place_verdict verdict, const char *numbers);

/* "focal - BCE +0.012 [-0.003, +0.027]" */
void difference_words(const char *what, const comparison *d, char *out, size_t size);

/* A gain holds when the whole interval lies above the margin, and is ruled out when the whole interval lies below it.
 */
place_verdict gain_verdict(const comparison *c);

/* --- judges: of one experiment ------------------------------------------------------------------------------------ */

typedef void claim_judge(const report *r, const evidence *e, ruling *out);
claim_judge judge_accuracy, judge_prior, judge_focal_zero, judge_easy, judge_gamma, judge_unstable, judge_alpha,
    judge_weighting;
claim_judge judge_dice_iou, judge_epsilon, judge_boundary, judge_small_defects;

/* --- judges: of the `count` experiments of a claim that have cells, in its order ---------------------------------- */

enum { CLAIM_EXPERIMENTS = 3 };
typedef void claim_judge_several(const evidence *const *e, size_t count, ruling *out);
claim_judge_several judge_dice_bce, judge_compound, judge_unified;

#endif
