/* Recall subject to a false rejection rate of at most x, as a Lagrangian of surrogates: with a threshold b on the
   logits and a multiplier lambda >= 0,

       mean over positives of f(z - b) + lambda (mean over negatives of f(b - z) - x),

   f(u) = log2(1 + e^-u) (logistic) or max(0, 1 - u) (hinge), both at least 1 for u <= 0: the first mean bounds the
   share of defects missed, the second the share of good parts rejected. Descent in the net and in the threshold, ascent
   in lambda, lambda kept at 0 or above: where they meet, the constraint holds or lambda is 0. Both are the state, given
   with the batch; `threshold` and `lambda` are where they start, or stay when the batch brings none. A lambda below 0
   counts as 0; its derivative stays what it is at 0, so that ascent can lead back. The derivative of the hinge at u = 1
   is taken as 0. With one class missing: value 0, all gradients 0. */
#include "lib/loss/elements.h"
#include "lib/loss/ranking.h"

enum { FR, START_LAMBDA, START_THRESHOLD, SURROGATE };
enum { LOGISTIC, HINGE };
enum { THRESHOLD, MULTIPLIER, STATES };

static const param_word surrogate_words[] = {{"logistic", LOGISTIC}, {"hinge", HINGE}, {NULL, 0}};

static const param params[] = {
    [FR] = {.name = "fr",
            .fallback = 0.01,
            .low = 0,
            .high = 1,
            .scale = PARAM_LOG,
            .summary = "share of good parts that may be rejected"},
    [START_LAMBDA] = {.name = "lambda",
                      .fallback = 1,
                      .low = 0,
                      .high = 1e6,
                      .scale = PARAM_LOG,
                      .tune_low = 0.1,
                      .tune_high = 100,
                      .summary = "where the multiplier of the constraint starts"},
    [START_THRESHOLD] = {.name = "threshold",
                         .fallback = 0,
                         .low = -1e6,
                         .high = 1e6,
                         .scale = PARAM_LINEAR,
                         .summary = "where the threshold on the logits starts"},
    [SURROGATE] = {.name = "surrogate",
                   .fallback = LOGISTIC,
                   .low = LOGISTIC,
                   .high = HINGE,
                   .scale = PARAM_CHOICE,
                   .words = surrogate_words,
                   .summary = "what stands for a missed defect or a rejected good part"},
};

/* f(u) and f(-u): what a defect and a good part cost at u = z - b, and the slopes by u. */
typedef struct {
    double defect, good, defect_slope, good_slope;
} costs;

static costs hinge_costs(double u) {
    return (costs){.defect = u < 1 ? 1 - u : 0,
                   .good = u > -1 ? 1 + u : 0,
                   .defect_slope = u < 1 ? -1 : 0,
                   .good_slope = u > -1 ? 1 : 0};
}

static costs logistic_costs(double u) {
    const double per_bit = 0x1.71547652b82fep+0; /* 1 / ln 2 */
    const logistic l = logistic_of(saturated(u));
    return (costs){.defect = per_bit * (double)l.defect_loss,
                   .good = per_bit * (double)l.good_loss,
                   .defect_slope = -per_bit * (double)l.q,
                   .good_slope = per_bit * (double)l.p};
}

static void recall_start(const double *values, double *state) {
    state[THRESHOLD] = values[START_THRESHOLD];
    state[MULTIPLIER] = values[START_LAMBDA];
}

static double recall_at_fr_eval(const double *values, const loss_batch *batch, double scale, real *out, real *grad,
                                void *scratch) {
    const ranking r = loss_ranking_of(batch, 0, scratch);
    double state[STATES], missed = 0, rejected = 0, by_threshold = 0;
    if (batch->state_grad) batch->state_grad[THRESHOLD] = batch->state_grad[MULTIPLIER] = 0;
    if (nothing_to_rank(&r)) return 0;
    recall_start(values, state);
    const double *now = batch->state ? batch->state : state;
    const double lambda = now[MULTIPLIER] > 0 ? now[MULTIPLIER] : 0;
    for (size_t i = 0; i < r.n; i++) {
        const double u = (double)r.score[i] - now[THRESHOLD];
        const double positive = r.positive[i] / r.positives, negative = r.negative[i] / r.negatives;
        const costs c = values[SURROGATE] == HINGE ? hinge_costs(u) : logistic_costs(u);
        const double by_score = positive * c.defect_slope + lambda * negative * c.good_slope;
        missed += positive * c.defect;
        rejected += negative * c.good;
        by_threshold -= by_score;
        if (grad) add_by_score(&r, i, scale * by_score, grad);
    }
    const double value = missed + lambda * (rejected - values[FR]);
    if (batch->state_grad) {
        batch->state_grad[THRESHOLD] = scale * by_threshold;
        batch->state_grad[MULTIPLIER] = scale * (rejected - values[FR]);
    }
    if (out) add_saturated(out, scale * value);
    return value;
}

static size_t recall_at_fr_scratch(const double *values, const loss_batch *batch) {
    (void)values;
    return loss_ranking_scratch(batch);
}

static const char *const state_names[] = {[THRESHOLD] = "threshold", [MULTIPLIER] = "lambda", [STATES] = NULL};

LOSS_TYPE(recall_at_fr) = {
    .name = "recall_at_fr",
    .version = 1,
    .summary = "mean_pos f(z-b) + lambda (mean_neg f(b-z) - fr), f logistic or hinge; b and lambda are the state",
    .citation = "Eban et al. 2017, Scalable learning of non-decomposable objectives, arXiv:1608.04802, recall at "
                "a fixed false positive rate",
    .use = "one operating point is the target: as many defects as possible at a given rate of good parts rejected",
    .traps =
        "the state must be learnt too, ascending in lambda: held fixed it is weighted_bce with a shifted logit; the "
        "surrogate of the rate is above the rate, so the point reached is on the safe side and recall is given "
        "away when fr is small; a rate of 1 % cannot be seen in a batch of 50, so steps of lambda must be small; "
        "the value may be below 0",
    .kind = LOSS_BINARY,
    .values = LOSS_PER_BATCH,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "recall_at_fr(fr=0.1, lambda=2, threshold=0.25)",
               .images = 6,
               .channels = 1,
               .pixels = 1,
               .input = {-2, 0.5, 1.5, -0.25, -1.9, 0.6},
               .target = {0, 1, 0, 1, 0, 1},
               .value = 2.448806872240623,
               .grad = {0.09170680010757437, -0.2105485969855708, 0.7476044366669377, -0.2993396634266588,
                        0.1003454254691088, -0.1987949229622137},
               .source = "mpmath, 40 digits: the formula as it stands; gradient by its numerical derivative"},
    .eval = recall_at_fr_eval,
    .scratch = recall_at_fr_scratch,
    .state_names = state_names,
    .state_start = recall_start,
};
