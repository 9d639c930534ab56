/* One-way partial AUC by distributional robustness: for each positive the soft maximum over negatives of a pair's loss,

       mean over positives of  lambda log mean over negatives of  e^(l / lambda),   l = max(margin - t, 0)^2,

   t = s_positive - s_negative. Small lambda looks at the negatives of highest score alone (recall at a low false
   alarm rate), large lambda at all (AUC). No moving averages: exact for the batch, all pairs. Computed as the largest l
   plus lambda log(1 - mean (1 - e^-x)), x = (largest - l) / lambda with the difference of squares as a product, so that
   nothing overflows and large lambda loses nothing. Weights: both means are weighted. With one class missing: value 0,
   gradient 0.

   weight_detached=on gives the value that estimators of the gradient report, the mean of w l with w = e^(l/lambda) /
   mean e^(l/lambda) held constant; the gradient is that of the first form in both cases. */
#include "lib/loss/ranking.h"

#include <string.h>

enum { MARGIN, LAMBDA, SCORES, WEIGHT_DETACHED };

static const param_word switch_words[] = {{"off", 0}, {"on", 1}, {NULL, 0}};

static const param params[] = {
    [MARGIN] = {.name = "margin",
                .fallback = 1,
                .low = 0,
                .high = 1000,
                .scale = PARAM_LINEAR,
                .tune_low = 0.1,
                .tune_high = 2,
                .summary = "by how much a defect's score should exceed a good part's"},
    [LAMBDA] = {.name = "lambda",
                .fallback = 1,
                .low = 1e-4,
                .high = 1e4,
                .scale = PARAM_LOG,
                .tune_low = 0.05,
                .tune_high = 10,
                .summary = "temperature: small looks at the hardest good parts only, large at all alike"},
    [SCORES] = RANKING_SCORES_PARAM(SCORES_LOGIT),
    [WEIGHT_DETACHED] = {.name = "weight_detached",
                         .fallback = 0,
                         .low = 0,
                         .high = 1,
                         .scale = PARAM_CHOICE,
                         .words = switch_words,
                         .summary = "on: the value is the mean of w l, w constant for the gradient"},
};

/* The negatives, filled up with weight 0 to a multiple of LANES, with room for what a positive makes of them: tilted =
   weight e^-x, shortfall = max(margin - t, 0), the root of l. */
typedef struct {
    size_t n;
    double total, highest;
    double *score, *weight, *tilted, *shortfall, *by_score;
} negatives;

enum { ARRAYS = 5 };
static size_t padded(size_t n) { return (n + LANES - 1) / LANES * LANES; }

static negatives negatives_of(const ranking *r, double *memory) {
    const size_t size = padded(r->n);
    negatives all = {.total = r->negatives, .highest = -(double)REAL_MAX};
    all.score = memory, all.weight = memory + size, all.tilted = memory + 2 * size;
    all.shortfall = memory + 3 * size, all.by_score = memory + 4 * size;
    for (size_t j = 0; j < r->n; j++) {
        if (!(r->negative[j] > 0)) continue;
        all.score[all.n] = (double)r->score[j];
        all.weight[all.n] = r->negative[j];
        if (all.score[all.n] > all.highest) all.highest = all.score[all.n];
        all.n++;
    }
    for (; all.n % LANES; all.n++) all.score[all.n] = all.weight[all.n] = 0;
    for (size_t j = 0; j < all.n; j++) all.by_score[j] = 0;
    return all;
}

/* x where the condition holds, else 0: in bits, so that loops vectorise (see repro_select). */
static inline double where(int condition, double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits &= 0u - (uint64_t)(condition != 0);
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline double shortfall_of(double margin, double positive, double negative) {
    const double d = margin - (positive - negative);
    return where(d > 0, d);
}

/* Weighted sums over the negatives. */
typedef struct {
    double tilted, missing, slope, cost; /* of e^-x, 1 - e^-x, e^-x times the shortfall, e^-x times its square */
} tilted_sums;

/* 1 - e^-x for x >= 0, given e^-x: the series where the difference would cancel. */
LOSS_INLINE real one_minus_exp(real x, real exp) {
    real series = 1;
    for (int k = 8; k > 1; k--) series = real_fma(x * ((real)-1 / (real)k), series, 1);
    return real_select(x < (real)0.03125, x * series, 1 - exp);
}

/* A block of n <= LOSS_BLOCK negatives against a positive of score s whose largest shortfall is `largest`: shortfall,
   e^-x and 1 - e^-x. Elements filled in may fall short by more, so x is kept at 0 or above. */
LOSS_KERNEL static void compare_block(const double *restrict score, size_t n, double s, double margin, double lambda,
                                      double largest, double *restrict shortfall, real *restrict exp,
                                      real *restrict missing) {
    for (size_t j = 0; j < n; j++) {
        const double d = shortfall_of(margin, s, score[j]), excess = (largest - d) * (largest + d) / lambda;
        shortfall[j] = d;
        missing[j] = (real)(where((excess > 0) & (excess < 1e30), excess) + where(excess >= 1e30, 1e30));
    }
    for (size_t j = 0; j < n; j++) exp[j] = real_exp_negative(missing[j]);
    for (size_t j = 0; j < n; j++) missing[j] = one_minus_exp(missing[j], exp[j]);
}

/* Adds a block to the lanes of the sums; tilted = weight e^-x. */
LOSS_KERNEL static void add_block(const double *restrict weight, const double *restrict shortfall,
                                  const real *restrict exp, const real *restrict missing, size_t n,
                                  double *restrict tilted, double (*restrict lanes)[LANES]) {
    for (size_t start = 0; start < n; start += LANES)
        for (size_t lane = 0; lane < LANES; lane++) {
            const size_t j = start + lane;
            const double share = weight[j] * (double)exp[j], slope = share * shortfall[j];
            tilted[j] = share;
            lanes[0][lane] += share;
            lanes[1][lane] += weight[j] * (double)missing[j];
            lanes[2][lane] += slope;
            lanes[3][lane] += slope * shortfall[j];
        }
}

static tilted_sums tilt(negatives *all, double s, double margin, double lambda, double largest) {
    real exp[LOSS_BLOCK], missing[LOSS_BLOCK];
    double lanes[4][LANES] = {{0}};
    for (size_t start = 0; start < all->n; start += LOSS_BLOCK) {
        const size_t n = all->n - start < LOSS_BLOCK ? all->n - start : LOSS_BLOCK;
        compare_block(all->score + start, n, s, margin, lambda, largest, all->shortfall + start, exp, missing);
        add_block(all->weight + start, all->shortfall + start, exp, missing, n, all->tilted + start, lanes);
    }
    return (tilted_sums){sum_of_lanes(lanes[0]), sum_of_lanes(lanes[1]), sum_of_lanes(lanes[2]),
                         sum_of_lanes(lanes[3])};
}

/* log of the mean of e^-x = 1 - missing: from what is missing where that is little (the rounding of 1 - y cancels),
   else from the mean, which does not vanish where nearly all is missing. */
static double log_of_mean(const tilted_sums *sums, double total) {
    const double missing = sums->missing / total, rest = 1 - missing;
    if (missing > 0.5) return repro_log(sums->tilted / total);
    return rest == 1 ? -missing : repro_log(rest) * (missing / (1 - rest));
}

LOSS_KERNEL static void add_slopes(const double *restrict tilted, const double *restrict shortfall, double factor,
                                   size_t n, double *restrict by_score) {
    for (size_t j = 0; j < n; j++) by_score[j] += factor * (tilted[j] * shortfall[j]);
}

/* What one positive pays. Adds `weight` times the derivatives of negatives; *by_score receives its own. */
static double cost_of_positive(const double *values, double s, double weight, negatives *all, double *by_score) {
    const double largest = shortfall_of(values[MARGIN], s, all->highest);
    const tilted_sums sums = tilt(all, s, values[MARGIN], values[LAMBDA], largest);
    const double factor = 2 * weight / sums.tilted;
    add_slopes(all->tilted, all->shortfall, factor, all->n, all->by_score);
    *by_score = -factor * sums.slope;
    if (values[WEIGHT_DETACHED] != 0) return sums.cost / sums.tilted;
    return largest * largest + values[LAMBDA] * log_of_mean(&sums, all->total);
}

static double pauc_eval(const double *values, const loss_batch *batch, double scale, real *out, real *grad,
                        void *scratch) {
    const ranking r = loss_ranking_of(batch, values[SCORES] == SCORES_SIGMOID, scratch);
    if (nothing_to_rank(&r)) return 0;
    negatives all = negatives_of(&r, r.rest);
    double value = 0;
    for (size_t i = 0; i < r.n; i++) {
        const double share = r.positive[i] / r.positives;
        double by_score;
        if (!(share > 0)) continue;
        value += share * cost_of_positive(values, (double)r.score[i], share, &all, &by_score);
        if (grad) add_by_score(&r, i, scale * by_score, grad);
    }
    for (size_t i = 0, j = 0; grad && i < r.n; i++)
        if (r.negative[i] > 0) add_by_score(&r, i, scale * all.by_score[j++], grad);
    if (out) add_saturated(out, scale * value);
    return value;
}

static size_t pauc_scratch(const double *values, const loss_batch *batch) {
    (void)values;
    return loss_ranking_scratch(batch) + room_for(ARRAYS * padded(batch_size(batch)), sizeof(double));
}

LOSS_TYPE(pauc) = {
    .name = "pauc",
    .version = 1,
    .summary = "mean over positives of lambda log mean over negatives of e^(max(margin - t, 0)^2 / lambda)",
    .citation = "Zhu et al. 2022, When AUC meets DRO, arXiv:2203.00176, one-way partial AUC, KL divergence",
    .use = "recall at a low false alarm rate is the target: the good parts with the highest scores decide",
    .traps =
        "exponentials of squares overflow at once in peers without a log-sum-exp; small lambda follows single good "
        "parts, and with wrong labels those; only differences of scores are learnt, so a threshold must be set "
        "afterwards; time grows with positives times negatives; a batch without defects teaches nothing",
    .kind = LOSS_BINARY,
    .values = LOSS_PER_BATCH,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden =
        {.expression = "pauc(lambda=0.5)",
         .images = 6,
         .channels = 1,
         .pixels = 1,
         .input = {-2, 0.5, 1.5, -0.25, -1.9, 0.6},
         .target = {0, 1, 0, 1, 0, 1},
         .value = 4.508549484834906,
         .grad = {0, -1.332439366110781, 4.430587186215414, -1.833332343488417, 0, -1.264815476616216},
         .source =
             "mpmath, 40 digits: the formula as it stands over the nine pairs; gradient by its numerical derivative"},
    .eval = pauc_eval,
    .scratch = pauc_scratch,
};
