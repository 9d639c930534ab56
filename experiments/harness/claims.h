/* Claims: statements that engineers are told about losses for imbalanced data. A judge tries one on every place (a
   block at one ratio) that can decide it and writes one sentence of finding; verdict words are computed from the
   places. */
#ifndef HARNESS_CLAIMS_H
#define HARNESS_CLAIMS_H

#include "experiments/harness/analysis.h"

typedef enum { HOLDS, FAILS, OPEN } place_verdict;

typedef struct {
    size_t counts[3];   /* of places, by place_verdict */
    char finding[2000]; /* generated sentences */
    table *places;      /* claim, block, verdict, numbers */
    const char *id;
} ruling;

/* Adds a place to the counts and to the table. */
void rule_place(ruling *out, const char *where, place_verdict verdict, const char *numbers);

/* "focal - BCE +0.012 [-0.003, +0.027]" */
void difference_words(const char *what, const comparison *d, char *out, size_t size);

/* Appends "; focal - BCE +0.012 [-0.003, +0.027]" to numbers[CLAIM_NUMBERS]. */
enum { CLAIM_NUMBERS = 500 };
void add_words(char *numbers, const char *what, const comparison *d);

/* "masks: rail natural", for claims that draw on several experiments. */
void claim_place(const evidence *e, const place *p, char *out, size_t size);

/* Of alternatives: one that holds is enough, all must fail. Begin with FAILS. */
place_verdict any_of(place_verdict a, place_verdict b);

/* A gain holds when the whole interval lies above the margin, and is ruled out when the whole interval lies below it.
 */
place_verdict gain_verdict(const comparison *c);

/* --- judges: of one experiment ------------------------------------------------------------------------------------ */

typedef void claim_judge(const report *r, const evidence *e, ruling *out);
claim_judge judge_accuracy, judge_prior, judge_focal_zero, judge_easy, judge_gamma, judge_unstable, judge_alpha,
    judge_weighting;
claim_judge judge_dice_iou, judge_epsilon, judge_boundary;
claim_judge judge_iou_vanishes, judge_yolo;
/* These two find their experiments in the report by name. */
claim_judge judge_small_defects, judge_iou_family;

/* The part of iou-family that trained detectors judge; adds to the places and the finding. */
void judge_detected_family(const report *r, ruling *out);

/* "+0.100 where defects cover 0.05 % of the image and +0.010 where they cover 10 %": image recall, loss - bce, on
   masks. 0: fewer than two places have both. */
int mask_area_words(const evidence *e, const char *loss, char *out, size_t size);

/* --- judges: of the `count` experiments of a claim that have cells, in its order ---------------------------------- */

enum { CLAIM_EXPERIMENTS = 4 };
typedef void claim_judge_several(const evidence *const *e, size_t count, ruling *out);
claim_judge_several judge_weighting_types, judge_dice_bce, judge_compound, judge_unified;

#endif
