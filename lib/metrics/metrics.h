/* Metrics of goods and defects scored by float logits: higher = more defect-like; a part is rejected when score > t.
   FR (false-rejection rate) = share of goods rejected; recall = share of defects rejected. Rates are shares in 0..1.

   One sort serves all: make a metric_scores, ask it anything, free it. Nothing here but metric_scores_new allocates. */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include "lib/base/error.h"

#include <stddef.h>

/* --- a sorted set of scores ---------------------------------------------------------------------------------- */

typedef struct {
    size_t goods, defects; /* both at least 1 */
    float *good, *defect;  /* descending; owned */
} metric_scores;

/* Sorts private copies. Refuses an empty class and non-finite scores, naming the first such item. Free with
   metric_scores_free, which is also safe after a failure. */
int metric_scores_new(metric_scores *out, const float *good, size_t goods, const float *defect, size_t defects,
                      lb_error *error);
void metric_scores_free(metric_scores *s);

/* Items strictly above the threshold in a descending array, by bisection. */
size_t metric_count_above(const float *descending, size_t n, float threshold);

/* Share of defects in the set. */
double metric_prevalence(const metric_scores *s);

/* --- operating points ---------------------------------------------------------------------------------------- */

/* What a set of scores does at one threshold. Counts are kept so that intervals can be made from them. */
typedef struct {
    float threshold;
    size_t false_rejects, goods; /* goods above the threshold, of all */
    size_t found, defects;       /* defects above the threshold, of all */
    double fr, recall, accuracy;
    double precision; /* NaN when nothing is rejected */
    double f1;
} metric_point;

/* At a given threshold: 0 for the usual "probability above one half", a validation threshold for deployment. */
metric_point metric_at(const metric_scores *s, float threshold);

typedef enum {
    METRIC_OK,
    METRIC_TOO_FEW, /* fewer goods than metric_minimum_goods: print "n<299", not a number */
    METRIC_TIED     /* more than alpha of the goods tie at the threshold (saturated model): print "tied" */
} metric_status;

typedef struct {
    metric_status status;
    float threshold; /* reject strictly above */
    size_t allowed;  /* k: the threshold is the (k+1)-th largest good score */
    size_t rejected; /* goods strictly above: at most k, fewer where scores tie */
    size_t tied;     /* goods that equal the threshold, itself included */
} metric_threshold;

/* ceil(ln 0.05 / ln(1 - alpha)): 59, 299, 598, 2995 goods for FR 5, 1, 0.5, 0.1 %. alpha in (0,1). */
size_t metric_minimum_goods(double alpha);

/* The (k+1)-th largest good score with k = floor(alpha n + 1e-9); alpha in [0,1). The numbers are filled whatever the
   status says; a single good at the threshold is never "tied". */
metric_threshold metric_frr_threshold(const metric_scores *s, double alpha);

/* The same for a given k, as stat_np_order finds it; alpha only decides the status. k < 0 ("no k exists") gives
   METRIC_TOO_FEW and the threshold +inf: nothing is rejected. */
metric_threshold metric_order_threshold(const metric_scores *s, long k, double alpha);

/* The ROC point at FR alpha: metric_at(metric_frr_threshold). `status` may be NULL. */
metric_point metric_recall_at(const metric_scores *s, double alpha, metric_status *status);

/* --- areas and curves ---------------------------------------------------------------------------------------- */

/* P(defect score > good score) + P(equal) / 2. */
double metric_auroc(const metric_scores *s);

/* Area under the ROC curve from FR 0 to max_fr in (0,1], standardised as McClish (Med Decis Making 9(3), 1989):
   (1 + (A - max_fr^2/2) / (max_fr - max_fr^2/2)) / 2, so 0.5 = chance and 1 = perfect. Ties are joined by a straight
   line. */
double metric_pauc(const metric_scores *s, double max_fr);

/* Average precision, sum of (R_i - R_(i-1)) P_i over distinct thresholds, at the given share of defects; pass
   metric_prevalence(s) for the set's own. */
double metric_average_precision(const metric_scores *s, double prevalence);

/* count points from low to high, equal steps in the logarithm, both ends exact; count >= 2. */
void metric_log_grid(double low, double high, size_t count, double *out);

/* recall[i] = recall of metric_recall_at at fr[i]: the curve passes through the tables' numbers. */
void metric_roc_curve(const metric_scores *s, const double *fr, size_t count, double *recall);

/* --- calibration --------------------------------------------------------------------------------------------- */

typedef struct {
    double slope, offset; /* P(defect) = 1 / (1 + exp(-(slope * score + offset))) */
} metric_platt;

/* Platt's sigmoid with his smoothed targets, by the damped Newton method of Lin, Lin & Weng (Machine Learning 68,
   2007). Fit on selection or calibration scores, never on test. */
metric_platt metric_platt_fit(const metric_scores *s);

double metric_platt_probability(const metric_platt *fit, float score);

/* Expected calibration error of P(defect) over `bins` (at most METRIC_MAX_BINS) equal-width bins of the probability
   (Guo et al., ICML 2017, eq. 3, with P(defect) in the place of confidence). */
enum { METRIC_MAX_BINS = 100 };
double metric_calibration_error(const metric_scores *s, const metric_platt *fit, size_t bins);

/* --- where the loss goes (Lin et al., Focal Loss, ICCV 2017, figure 4) ------------------------------------------ */

typedef enum { METRIC_GOODS, METRIC_DEFECTS } metric_class;

/* share[i] = part of the class's total focal loss (gamma; 0 is BCE) that its easiest fraction[i] carries: items sorted
   by loss, cumulated, normalised; linear between items. NaN where the total is 0. fraction is ascending, in 0..1. */
void metric_loss_share(const metric_scores *s, metric_class which, double gamma, const double *fraction, size_t count,
                       double *share);

/* Part of the class's total gradient magnitude, sum of |d loss / d logit|, that its hardest `fraction` (by loss)
 * carries. */
double metric_gradient_share(const metric_scores *s, metric_class which, double gamma, double fraction);

#endif
