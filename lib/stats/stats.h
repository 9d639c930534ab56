/* Intervals, bootstraps and tests for recall at a fixed false-rejection rate, on GSL. Levels and shares are in 0..1 (a
   95 % interval has level 0.95); p values are two-sided. Functions that allocate return a code and fill an lb_error;
   the others cannot fail on finite input. Same stream, same numbers. */
#ifndef STATS_STATS_H
#define STATS_STATS_H

#include "lib/base/error.h"
#include "lib/base/rng.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    double low, high;
} stat_interval;

/* --- verdicts ------------------------------------------------------------------------------------------------ */

typedef enum { STAT_BETTER, STAT_WORSE, STAT_EQUIVALENT, STAT_UNCLEAR } stat_verdict_kind;

#define STAT_MARGIN 0.02 /* declared practical margin, in recall */

/* An interval of a difference to the baseline: above +margin better, below -margin worse, inside equivalent. */
stat_verdict_kind stat_verdict(stat_interval difference, double margin);
const char *stat_verdict_word(stat_verdict_kind verdict); /* "better", "worse", "equivalent", "unclear" */

/* --- samples ------------------------------------------------------------------------------------------------- */

double stat_mean(const double *x, size_t n);
double stat_sd(const double *x, size_t n); /* n-1 in the denominator; NaN for n < 2 */
void stat_sort(double *x, size_t n);       /* ascending, in place */

/* Quantile p of an ascending array, linear between order statistics (type 7 of Hyndman & Fan, R's default). */
double stat_quantile(const double *ascending, size_t n, double p);

/* Mean of the middle half: floor(n/4) values cut at each end (R: mean(x, trim=.25)). */
int stat_iqm(const double *x, size_t n, double *out, lb_error *error);

/* Rank 1 = smallest; ties share the mean of their ranks. */
int stat_midrank(const double *x, size_t n, double *rank, lb_error *error);

/* Kendall's tau-b; NaN where one side is constant. */
double stat_kendall(const double *x, const double *y, size_t n);

/* --- proportions and order statistics ------------------------------------------------------------------------- */

/* Exact interval of successes / n (Clopper & Pearson 1934): for recall and FR at a fixed threshold. n >= 1. */
stat_interval stat_clopper_pearson(size_t successes, size_t n, double level);

/* Neyman-Pearson order statistic (Tong, Feng & Li, Science Advances 4, 2018): the largest k with
   P(Bin(n, alpha) <= k) <= delta; -1 where none exists. Setting the threshold at the (k+1)-th largest of n goods keeps
   the true FR below alpha with probability 1 - delta. */
long stat_np_order(size_t n, double alpha, double delta);

/* --- means over seeds ------------------------------------------------------------------------------------------ */

/* Student's t with n-1 degrees of freedom, for fresh data in every repeat. n < 2: (-inf, inf). */
stat_interval stat_t_interval(const double *x, size_t n, double level);

/* For repeated splits of one data set: the variance of the mean is (1/n + test/train) s^2 (Nadeau & Bengio, Machine
   Learning 52, 2003). test_over_train is the ratio of the numbers of items; 0 gives stat_t_interval. */
stat_interval stat_corrected_t_interval(const double *x, size_t n, double test_over_train, double level);

/* --- bootstrap of recall at FR alpha ---------------------------------------------------------------------------- */

/* One model on one test set. Any order. Items of one part are drawn together; good_part / defect_part number the parts
   0, 1, ... (gaps are allowed); NULL: every item is a part of its own. */
typedef struct {
    const float *good, *defect; /* finite scores */
    size_t goods, defects;      /* both at least 1 */
    const uint32_t *good_part, *defect_part;
} stat_scored;

/* Percentile interval from `replicates` draws of goods and defects separately, the threshold (fr_allowed + 1-th largest
   good, reject strictly above) redone in each. Where the recall of the data is 0 or 1 the bootstrap collapses: then
   Clopper-Pearson on the number of defect parts. Refuses empty classes, non-finite scores and alpha outside [0,1).
   2000 replicates of 3000 goods and 400 defects take about a millisecond without parts. */
int stat_boot_recall(const stat_scored *data, double alpha, size_t replicates, double level, rng *stream,
                     stat_interval *out, lb_error *error);

/* Several losses and seeds on one fixed test set. Scores of loss l, seed s: good[l * seeds + s][goods] and
   defect[l * seeds + s][defects], items in the same order everywhere. */
typedef struct {
    size_t losses, seeds, goods, defects;
    const float *const *good;
    const float *const *defect;
    const uint32_t *good_part, *defect_part; /* as in stat_scored */
} stat_crossed;

/* Percentile intervals of the mean recall over seeds, and of its difference to loss `baseline`: seeds and items are
   drawn independently, one item draw for all seeds and losses of a replicate. recall[losses], difference[losses] (NULL:
   not wanted; the baseline's own is 0,0). Where the bootstrap collapses Clopper-Pearson on the defect parts steps in:
   for a recall of 0 or 1 in all seeds as above; for a difference of 0 in every replicate the upper limit of 0
   disagreements, on both sides. 12 losses, 10 seeds, 2000 replicates of 3000 goods and 400 defects take a quarter of a
   second. */
int stat_boot_crossed(const stat_crossed *data, double alpha, size_t baseline, size_t replicates, double level,
                      rng *stream, stat_interval *recall, stat_interval *difference, lb_error *error);

/* --- AUROC (DeLong, DeLong & Clarke-Pearson, Biometrics 44, 1988) ------------------------------------------------ */

typedef struct {
    double auroc[2];
    double variance[2];
    double covariance;
    double difference; /* auroc[0] - auroc[1] */
    double p;          /* of no difference; 1 where variance and difference are both 0 */
} stat_delong_pair;

int stat_delong(const float *good, size_t goods, const float *defect, size_t defects, double *auroc, double *variance,
                lb_error *error);

/* Two models on the same items, in the same order. */
int stat_delong_paired(const float *const good[2], size_t goods, const float *const defect[2], size_t defects,
                       stat_delong_pair *out, lb_error *error);

/* --- paired tests over seeds or blocks --------------------------------------------------------------------------- */

/* Sign-flip permutation of the mean of paired differences. Exact over all 2^n signs for n <= 20; beyond, `draws` random
   sign vectors, p = (hits + 1) / (draws + 1). stream may be NULL for n <= 20. n >= 1. */
double stat_signflip(const double *difference, size_t n, size_t draws, rng *stream);

/* Wilcoxon signed-rank, zeros by Pratt (ranked, then left out), mid-ranks for ties. Exact given the ranks up to n = 50,
   beyond it the normal approximation with continuity correction. All zero: p = 1; none at all: refused. */
int stat_wilcoxon(const double *difference, size_t n, double *p, lb_error *error);

/* Holm's step-down adjustment; adjusted may be p. */
int stat_holm(const double *p, size_t n, double *adjusted, lb_error *error);

/* --- across blocks ------------------------------------------------------------------------------------------------ */

typedef struct {
    double chi_square; /* Friedman's, corrected for ties */
    double f, p;       /* Iman & Davenport's F and its p; all blocks agreeing gives inf and 0 */
} stat_friedman;

/* value[blocks][methods], higher = better. mean_rank[methods] receives mean mid-ranks, 1 = best. Needs two blocks and
   two methods; refuses missing cells (NaN). */
int stat_friedman_f(const double *value, size_t blocks, size_t methods, stat_friedman *out, double *mean_rank,
                    lb_error *error);

/* Mann-Whitney P(x > y) + P(x = y)/2 over all pairs within a block, mean over blocks; x and y are [blocks][repeats]. */
double stat_prob_improve(const double *x, const double *y, size_t blocks, size_t repeats);

/* expected[k-1] = expected best of k of the n tried values, drawn without replacement, k = 1..n. */
int stat_best_of_k(const double *value, size_t n, double *expected, lb_error *error);

/* Studentised range at infinite degrees of freedom over sqrt 2 (Demsar, JMLR 7, 2006, table 5): level 0.95 gives 1.960
   for 2 methods, 3.164 for 10. */
double stat_demsar_q(size_t methods, double level);

/* Nemenyi's critical difference of mean ranks: q sqrt(k (k+1) / (6 blocks)). */
double stat_critical_difference(size_t methods, size_t blocks, double level);

typedef struct {
    size_t first, last; /* places in the order of mean ranks, 0 = best; or the two places of a pair */
} stat_run;

/* Bars of a critical-difference diagram. separated[methods][methods] (symmetric, non-zero = a test told the pair apart)
   is indexed by place, best first. bars[methods] receives the maximal runs of two or more in which no pair is
   separated; returns their number. */
size_t stat_cd_cliques(const unsigned char *separated, size_t methods, stat_run *bars);

/* Pairs that are not separated and lie under no bar: for the note below the diagram. pairs holds methods*(methods-1)/2.
 */
size_t stat_cd_leftover(const unsigned char *separated, size_t methods, const stat_run *bars, size_t bar_count,
                        stat_run *pairs);

#endif
