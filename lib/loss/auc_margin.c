/* AUC margin loss: over scores s of positives P and negatives N, with p the share of positives and means over all n,

       (1-p) mean((s-a)^2 P) + p mean((s-b)^2 N) + 2 alpha (p (1-p) margin + mean(p s N - (1-p) s P)) - p (1-p) alpha^2

   to be minimised over the net, a and b and maximised over alpha >= 0. At a, b = the mean scores of the classes and
   alpha = max(0, margin + b - a) it is p (1-p) (variance P + variance N + max(0, margin + b - a)^2): `batch` takes
   these optima of the batch, and since the loss is stationary there (alpha: or held at its bound), the gradient by the
   scores with a, b, alpha held is the gradient of the optimal value. Numbers are where the state a, b, alpha starts, or
   stays when the batch brings none: descent in a and b, ascent in alpha, alpha >= 0. What is of the batch is not
   learnt: its state is not looked at and its state gradient is 0.

   Without positives or negatives: 0 when p is of the batch, else the formula, a, b and alpha of the batch then being 0.
 */
#include "lib/loss/ranking.h"

enum { MARGIN, START_A, START_B, START_ALPHA, SHARE, SCORES };
#define BATCH_OPTIMUM (-1e9)

static const param_word batch_words[] = {{"batch", BATCH_OPTIMUM}, {NULL, 0}};

static const param params[] = {
    [MARGIN] = {.name = "margin",
                .fallback = 1,
                .low = 0,
                .high = 1000,
                .scale = PARAM_LINEAR,
                .tune_low = 0.1,
                .tune_high = 1,
                .summary = "by how much the mean score of defects should exceed that of goods"},
    [START_A] = {.name = "a",
                 .fallback = BATCH_OPTIMUM,
                 .low = -1e6,
                 .high = 1e6,
                 .scale = PARAM_LINEAR,
                 .words = batch_words,
                 .summary = "what scores of defects are drawn to; batch: their mean"},
    [START_B] = {.name = "b",
                 .fallback = BATCH_OPTIMUM,
                 .low = -1e6,
                 .high = 1e6,
                 .scale = PARAM_LINEAR,
                 .words = batch_words,
                 .summary = "what scores of goods are drawn to; batch: their mean"},
    [START_ALPHA] = {.name = "alpha",
                     .fallback = BATCH_OPTIMUM,
                     .low = -1e6,
                     .high = 1e6,
                     .scale = PARAM_LINEAR,
                     .words = batch_words,
                     .summary = "multiplier of the margin; batch: the best, at least 0"},
    [SHARE] = {.name = "p",
               .fallback = BATCH_OPTIMUM,
               .low = 0,
               .high = 1,
               .scale = PARAM_LOGIT,
               .words = batch_words,
               .summary = "share of defects; batch: that of the batch"},
    [SCORES] = RANKING_SCORES_PARAM(SCORES_SIGMOID),
};

/* The formula with its means worked out. */
typedef struct {
    double a, b, alpha, p;
    double positive_mean, negative_mean;     /* mean scores of the classes */
    double positive_factor, negative_factor; /* (1-p) share of P, p share of N: what class means are multiplied with */
    double slope, curvature;                 /* its part in alpha: 2 alpha slope - curvature alpha^2 */
} margin_terms;

/* Weighted mean of (score - centre)^power, power 1 or 2; 0 without weight. */
static double mean_power(const ranking *r, const double *weight, double total, double centre, int power) {
    double sum = 0;
    for (size_t i = 0; i < r->n; i++) {
        const double d = (double)r->score[i] - centre;
        sum += weight[i] * (power == 2 ? d * d : d);
    }
    return total > 0 ? sum / total : 0;
}

/* The state in use: of the batch, or where it starts; `best` where it is of the batch. */
static double state_value(const double *values, const double *state, int which, double best) {
    if (values[which] == BATCH_OPTIMUM) return best;
    return state ? state[which - START_A] : values[which];
}

static margin_terms margin_terms_of(const double *values, const double *state, const ranking *r) {
    const double total = r->positives + r->negatives;
    margin_terms t = {.p = values[SHARE] == BATCH_OPTIMUM ? r->positives / total : values[SHARE]};
    t.positive_mean = mean_power(r, r->positive, r->positives, 0, 1);
    t.negative_mean = mean_power(r, r->negative, r->negatives, 0, 1);
    t.positive_factor = (1 - t.p) * (r->positives / total);
    t.negative_factor = t.p * (r->negatives / total);
    t.curvature = t.p * (1 - t.p);
    t.slope = t.curvature * values[MARGIN] + t.negative_factor * t.negative_mean - t.positive_factor * t.positive_mean;
    const int has_best = !nothing_to_rank(r) && t.slope > 0 && t.curvature > 0;
    t.a = state_value(values, state, START_A, t.positive_mean);
    t.b = state_value(values, state, START_B, t.negative_mean);
    t.alpha = state_value(values, state, START_ALPHA, has_best ? t.slope / t.curvature : 0);
    return t;
}

static double margin_value(const margin_terms *t, const ranking *r) {
    return t->positive_factor * mean_power(r, r->positive, r->positives, t->a, 2) +
           t->negative_factor * mean_power(r, r->negative, r->negatives, t->b, 2) + 2 * t->alpha * t->slope -
           t->curvature * (t->alpha * t->alpha);
}

static void write_state_grad(const double *values, const margin_terms *t, double scale, double *state_grad) {
    const double by[] = {2 * t->positive_factor * (t->a - t->positive_mean),
                         2 * t->negative_factor * (t->b - t->negative_mean), 2 * (t->slope - t->curvature * t->alpha)};
    for (int k = 0; k < 3; k++) state_grad[k] = values[START_A + k] == BATCH_OPTIMUM ? 0 : scale * by[k];
}

static void add_margin_gradient(const margin_terms *t, const ranking *r, double scale, real *grad) {
    const double total = r->positives + r->negatives;
    for (size_t i = 0; i < r->n; i++) {
        const double s = (double)r->score[i];
        const double by_score = r->positive[i] / total * (1 - t->p) * (s - t->a - t->alpha) +
                                r->negative[i] / total * t->p * (s - t->b + t->alpha);
        add_by_score(r, i, 2 * scale * by_score, grad);
    }
}

static double auc_margin_eval(const double *values, const loss_batch *batch, double scale, real *out, real *grad,
                              void *scratch) {
    const ranking r = loss_ranking_of(batch, values[SCORES] == SCORES_SIGMOID, scratch);
    const int empty = !(r.positives + r.negatives > 0) || (values[SHARE] == BATCH_OPTIMUM && nothing_to_rank(&r));
    const margin_terms t = empty ? (margin_terms){0} : margin_terms_of(values, batch->state, &r);
    if (batch->state_grad) write_state_grad(values, &t, scale, batch->state_grad);
    if (empty) return 0;
    if (grad) add_margin_gradient(&t, &r, scale, grad);
    const double value = margin_value(&t, &r);
    if (out) add_saturated(out, scale * value);
    return value;
}

static size_t auc_margin_scratch(const double *values, const loss_batch *batch) {
    (void)values;
    return loss_ranking_scratch(batch);
}

static void auc_margin_start(const double *values, double *state) {
    for (int k = 0; k < 3; k++) state[k] = values[START_A + k] == BATCH_OPTIMUM ? 0 : values[START_A + k];
}

static const char *const state_names[] = {"a", "b", "alpha", NULL};

LOSS_TYPE(auc_margin) = {
    .name = "auc_margin",
    .version = 1,
    .summary = "(1-p) mean((s-a)^2 P) + p mean((s-b)^2 N) + 2 alpha (p(1-p) margin + mean(p s N - (1-p) s P)) - "
               "p(1-p) alpha^2",
    .citation = "Yuan et al. 2021, Large-scale robust deep AUC maximization, arXiv:2012.03173, AUC margin loss",
    .use = "the ranking itself is the target (AUC) and batches are small: a, b and alpha carry what a batch cannot say",
    .traps =
        "a batch without defects teaches nothing when p is of the batch: draw batches with both classes or give p; "
        "the variances of the scores are punished too, so it is not the AUC alone; a fixed alpha that is not "
        "raised against the net lets it shrink all scores; peers take probabilities, and where the sigmoid is "
        "saturated nothing is learnt",
    .kind = LOSS_BINARY,
    .values = LOSS_PER_BATCH,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "auc_margin",
               .images = 6,
               .channels = 1,
               .pixels = 1,
               .input = {-2, 0.5, 1.5, -0.25, -1.9, 0.6},
               .target = {0, 1, 0, 1, 0, 1},
               .value = 0.1836762144076944,
               .grad = {0.009634150905881036, -0.02871625092085313, 0.03104553243502681, -0.03765052043218615,
                        0.01059107092270259, -0.02707174625189348},
               .source = "mpmath, 40 digits: p (1-p) (variances + max(0, 1 + mean N - mean P)^2) of the sigmoids; "
                         "gradient by its numerical derivative"},
    .eval = auc_margin_eval,
    .scratch = auc_margin_scratch,
    .state_names = state_names,
    .state_start = auc_margin_start,
};
