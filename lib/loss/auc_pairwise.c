/* Pairwise AUC loss: the mean over pairs of a positive and a negative of a surrogate of t = s_positive - s_negative,

       squared          (h - t)^2                 from means and variances, linear time
       squared_hinge    max(h - t, 0)^2           sorted, one sweep in each direction
       logistic         log(1 + e^(-h t))         all pairs, in blocks

   A pair weighs the product of its elements' weights. The sweeps hold the sums over d = h - t of the pairs that cost,
   all d >= 0, and move them from score to score: nothing is subtracted, so no accuracy is lost far from 0. No surrogate
   has a kink. With one class missing: value 0, gradient 0. */
#include "lib/loss/elements.h"
#include "lib/loss/ranking.h"
#include "lib/loss/sort.h"

#include <string.h>

enum { SURROGATE, HPARAM, SCORES };
enum { SQUARED, SQUARED_HINGE, LOGISTIC };

static const param_word surrogate_words[] = {
    {"squared", SQUARED}, {"squared_hinge", SQUARED_HINGE}, {"logistic", LOGISTIC}, {NULL, 0}};

static const param params[] = {
    [SURROGATE] = {.name = "surrogate",
                   .fallback = SQUARED_HINGE,
                   .low = SQUARED,
                   .high = LOGISTIC,
                   .scale = PARAM_CHOICE,
                   .words = surrogate_words,
                   .summary = "what a pair costs"},
    [HPARAM] = {.name = "hparam",
                .fallback = 1,
                .low = 0,
                .high = 1000,
                .scale = PARAM_LOG,
                .tune_low = 0.1,
                .tune_high = 10,
                .summary = "the margin h of the squared surrogates, the steepness h of the logistic one"},
    [SCORES] = RANKING_SCORES_PARAM(SCORES_LOGIT),
};

/* What the surrogates give: the sum over pairs, weights included, and its derivatives by_score[n]. */
typedef double surrogate(const ranking *r, double h, double *by_score, void *scratch);

/* --- squared ------------------------------------------------------------------------------------------------------ */

static double weighted_mean(const ranking *r, const double *weight, double total) {
    double sum = 0;
    for (size_t i = 0; i < r->n; i++) sum += weight[i] * (double)r->score[i];
    return sum / total;
}

static double variance(const ranking *r, const double *weight, double total, double mean) {
    double sum = 0;
    for (size_t i = 0; i < r->n; i++) {
        const double d = (double)r->score[i] - mean;
        sum += weight[i] * (d * d);
    }
    return sum / total;
}

/* Mean over pairs of (h - t)^2 = (h - mean t)^2 + the variances of both sides. */
static double squared(const ranking *r, double h, double *by_score, void *scratch) {
    const double positive = weighted_mean(r, r->positive, r->positives);
    const double negative = weighted_mean(r, r->negative, r->negatives);
    const double short_of = h - (positive - negative);
    (void)scratch;
    for (size_t i = 0; i < r->n; i++) {
        const double s = (double)r->score[i];
        by_score[i] = 2 * (r->negative[i] * r->positives * (h - (positive - s)) -
                           r->positive[i] * r->negatives * (h - (s - negative)));
    }
    return r->positives * r->negatives *
           (short_of * short_of + variance(r, r->positive, r->positives, positive) +
            variance(r, r->negative, r->negatives, negative));
}

/* --- squared hinge ------------------------------------------------------------------------------------------------ */

/* An element in the order of scores. */
typedef struct {
    double score, positive, negative, by_score;
} ranked;

/* A sweep over the scores, upwards or downwards: where it stands, at + above (above is 0 or h, kept apart because at +
   h may round to at), and the sums of weight, weight d and weight d^2 over the elements passed, d their distance. */
typedef struct {
    double at, above, weight, first, second;
} sweep;

static void move_by(sweep *w, double step, double at, double above) {
    w->second += 2 * step * w->first + step * step * w->weight;
    w->first += step * w->weight;
    w->at = at;
    w->above = above;
}
static void move_down(sweep *w, double at, double above) { move_by(w, (w->at - at) + (w->above - above), at, above); }
static void move_up(sweep *w, double at, double above) { move_by(w, (at - w->at) + (above - w->above), at, above); }

/* Downwards, positives stand at s and negatives at s + h: at a positive, d = h - t for the negatives passed. Gives the
   derivatives of positives and returns the sum over pairs. */
static double sweep_down(ranked *sorted, size_t n, double h) {
    sweep negatives = {0};
    double sum = 0;
    for (size_t i = 0, next = 0; i < n; i++) {
        const double s = sorted[i].score;
        if (!(sorted[i].positive > 0)) continue;
        for (; next < n && (sorted[next].score - s) + h >= 0; next++) {
            if (!(sorted[next].negative > 0)) continue;
            move_down(&negatives, sorted[next].score, h);
            negatives.weight += sorted[next].negative;
        }
        move_down(&negatives, s, 0);
        sorted[i].by_score -= 2 * sorted[i].positive * negatives.first;
        sum += sorted[i].positive * negatives.second;
    }
    return sum;
}

/* Upwards: at a negative, d = h - t for the positives passed. Gives the derivatives of negatives. */
static void sweep_up(ranked *sorted, size_t n, double h) {
    sweep positives = {0};
    for (size_t j = n, next = n; j-- > 0;) {
        const double s = sorted[j].score;
        if (!(sorted[j].negative > 0)) continue;
        for (; next > 0 && (s - sorted[next - 1].score) + h >= 0; next--) {
            if (!(sorted[next - 1].positive > 0)) continue;
            move_up(&positives, sorted[next - 1].score, 0);
            positives.weight += sorted[next - 1].positive;
        }
        move_up(&positives, s, h);
        sorted[j].by_score += 2 * sorted[j].negative * positives.first;
    }
}

/* Room for the order, and for the sorted elements, which come where the sort had its own. */
static size_t order_scratch(size_t n) { return room_for(n, sizeof(uint32_t)); }
static size_t ranked_scratch(size_t n) {
    const size_t sorting = loss_sort_scratch(n), sorted = room_for(n, sizeof(ranked));
    return sorting > sorted ? sorting : sorted;
}

static double squared_hinge(const ranking *r, double h, double *by_score, void *scratch) {
    uint32_t *order = scratch;
    ranked *sorted = (ranked *)((char *)scratch + order_scratch(r->n));
    loss_sort_descending(r->score, r->n, order, sorted);
    for (size_t k = 0; k < r->n; k++)
        sorted[k] = (ranked){(double)r->score[order[k]], r->positive[order[k]], r->negative[order[k]], 0};
    sweep_up(sorted, r->n, h);
    const double sum = sweep_down(sorted, r->n, h);
    for (size_t k = 0; k < r->n; k++) by_score[order[k]] = sorted[k].by_score;
    return sum;
}

/* --- logistic ----------------------------------------------------------------------------------------------------- */

/* Up to LOSS_BLOCK negatives, filled up with weight 0 to a multiple of LANES. */
typedef struct {
    size_t n, index[LOSS_BLOCK];
    real score[LOSS_BLOCK];
    double weight[LOSS_BLOCK], by_score[LOSS_BLOCK];
} negative_block;

/* Takes negatives from element `start` on; where to go on. */
static size_t fill_negatives(const ranking *r, size_t start, negative_block *b) {
    memset(b, 0, sizeof *b);
    for (; start < r->n && b->n < LOSS_BLOCK; start++) {
        if (!(r->negative[start] > 0)) continue;
        b->index[b->n] = start;
        b->score[b->n] = r->score[start];
        b->weight[b->n++] = r->negative[start];
    }
    return start;
}

LOSS_INLINE real bounded(real x) { return real_min(real_max(x, -REAL_MAX), REAL_MAX); }

/* log(1+e^x) and its slope, x = h (score - at) up to the largest number. */
LOSS_KERNEL static void logistic_of_pairs(const real *restrict score, size_t n, real at, real h, real *restrict losses,
                                          real *restrict slopes) {
    for (size_t j = 0; j < n; j++) {
        const real x = bounded(h * bounded(score[j] - at));
        const real decay = real_exp_negative(real_abs(x));
        losses[j] = real_log1p_unit(decay) + real_select(x < 0, 0, x);
        slopes[j] = real_select(x < 0, decay, 1) / ((real)1 + decay);
    }
}

/* Adds `weight` times the slopes to each negative's; returns the weighted sums of losses and slopes. */
LOSS_KERNEL static void add_pairs(const real *restrict losses, const real *restrict slopes, double weight,
                                  negative_block *restrict b, double *cost_sum, double *slope_sum) {
    double cost[LANES] = {0}, slope[LANES] = {0};
    for (size_t j = 0; j < b->n; j += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            cost[lane] += b->weight[j + lane] * (double)losses[j + lane];
            slope[lane] += b->weight[j + lane] * (double)slopes[j + lane];
            b->by_score[j + lane] += weight * (double)slopes[j + lane];
        }
    *cost_sum = sum_of_lanes(cost);
    *slope_sum = sum_of_lanes(slope);
}

static double logistic_block(const ranking *r, double h, negative_block *b, double *by_score) {
    real losses[LOSS_BLOCK], slopes[LOSS_BLOCK];
    const size_t padded = (b->n + LANES - 1) / LANES * LANES;
    double sum = 0;
    for (size_t i = 0; i < r->n; i++) {
        double cost, slope;
        if (!(r->positive[i] > 0)) continue;
        logistic_of_pairs(b->score, padded, r->score[i], (real)h, losses, slopes);
        add_pairs(losses, slopes, r->positive[i], b, &cost, &slope);
        by_score[i] -= h * r->positive[i] * slope;
        sum += r->positive[i] * cost;
    }
    for (size_t j = 0; j < b->n; j++) by_score[b->index[j]] += h * b->weight[j] * b->by_score[j];
    return sum;
}

static double logistic_surrogate(const ranking *r, double h, double *by_score, void *scratch) {
    negative_block block;
    double sum = 0;
    (void)scratch;
    memset(by_score, 0, r->n * sizeof *by_score);
    for (size_t start = 0; start < r->n;) {
        start = fill_negatives(r, start, &block);
        sum += logistic_block(r, h, &block, by_score);
    }
    return sum;
}

/* --- the loss ----------------------------------------------------------------------------------------------------- */

static surrogate *const surrogates[] = {
    [SQUARED] = squared, [SQUARED_HINGE] = squared_hinge, [LOGISTIC] = logistic_surrogate};

static double auc_pairwise_eval(const double *values, const loss_batch *batch, double scale, real *out, real *grad,
                                void *scratch) {
    const ranking r = loss_ranking_of(batch, values[SCORES] == SCORES_SIGMOID, scratch);
    if (nothing_to_rank(&r)) return 0;
    double *by_score = r.rest;
    const double pairs = r.positives * r.negatives;
    const double sum = surrogates[(int)values[SURROGATE]](&r, values[HPARAM], by_score,
                                                          (char *)r.rest + room_for(r.n, sizeof(double)));
    for (size_t i = 0; grad && i < r.n; i++) add_by_score(&r, i, scale * (by_score[i] / pairs), grad);
    if (out) add_saturated(out, scale * (sum / pairs));
    return sum / pairs;
}

static size_t auc_pairwise_scratch(const double *values, const loss_batch *batch) {
    const size_t n = batch_size(batch), base = loss_ranking_scratch(batch) + room_for(n, sizeof(double));
    return values[SURROGATE] == SQUARED_HINGE ? base + order_scratch(n) + ranked_scratch(n) : base;
}

LOSS_TYPE(auc_pairwise) = {
    .name = "auc_pairwise",
    .version = 1,
    .summary = "mean over positive-negative pairs of (h-t)^2, max(h-t,0)^2 or log(1+e^(-h t)), t = s_pos - s_neg",
    .citation = "Gao & Zhou 2015, On the consistency of AUC pairwise optimization; squared: Gao et al. 2013, "
                "One-pass AUC optimization; logistic: Burges et al. 2005, RankNet",
    .use = "the ranking itself is the target (AUC) and batches hold several defects: no state, exact for the batch",
    .traps = "only differences of scores are learnt: their level is free, so a threshold must be set afterwards (add a "
             "little bce to fix it); squared punishes pairs that are ordered too well; a batch without defects teaches "
             "nothing; logistic costs time with positives times negatives",
    .kind = LOSS_BINARY,
    .values = LOSS_PER_BATCH,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden =
        {.expression = "auc_pairwise",
         .images = 6,
         .channels = 1,
         .pixels = 1,
         .input = {-2, 0.5, 1.5, -0.25, -1.9, 0.6},
         .target = {0, 1, 0, 1, 0, 1},
         .value = 1.685833333333333,
         .grad = {0, -0.4444444444444444, 1.477777777777778, -0.6111111111111111, 0, -0.4222222222222222},
         .source =
             "mpmath, 40 digits: mean of max(1-t, 0)^2 over the nine pairs; gradient by its numerical derivative"},
    .check_batch = loss_check_sortable,
    .eval = auc_pairwise_eval,
    .scratch = auc_pairwise_scratch,
};
