/* The batch as scores of positives and negatives. */
#include "lib/loss/ranking.h"

#include "lib/loss/elements.h"

const param_word loss_score_words[] = {{"logit", SCORES_LOGIT}, {"sigmoid", SCORES_SIGMOID}, {NULL, 0}};

size_t loss_ranking_scratch(const loss_batch *batch) {
    const size_t n = batch_size(batch);
    return 2 * room_for(n, sizeof(real)) + 2 * room_for(n, sizeof(double));
}

/* Logits to probabilities and p (1-p). */
LOSS_KERNEL static void apply_sigmoid(real *restrict score, real *restrict slope, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const real decay = real_exp_negative(real_abs(score[i]));
        const real large = (real)1 / ((real)1 + decay);
        score[i] = real_select(score[i] < 0, decay * large, large);
        slope[i] = decay * large * large;
    }
}

static void add_element(const loss_batch *batch, size_t i, ranking *r) {
    const int ignored = is_ignored(batch, i);
    const double weight = item_weight(batch, i) * channel_weight(batch, i),
                 label = ignored ? 0 : (double)batch->target[i];
    r->score[i] = ignored ? 0 : batch->input[i];
    r->slope[i] = 1;
    r->positive[i] = weight * label;
    r->negative[i] = weight * (1 - label);
    r->positives += r->positive[i];
    r->negatives += r->negative[i];
}

ranking loss_ranking_of(const loss_batch *batch, int sigmoid, void *scratch) {
    const size_t n = batch_size(batch);
    char *memory = scratch;
    ranking r = {.n = n, .score = scratch};
    r.slope = (real *)(memory += room_for(n, sizeof(real)));
    r.positive = (double *)(memory += room_for(n, sizeof(real)));
    r.negative = (double *)(memory += room_for(n, sizeof(double)));
    r.rest = memory + room_for(n, sizeof(double));
    for (size_t i = 0; i < n; i++) add_element(batch, i, &r);
    if (sigmoid) apply_sigmoid(r.score, r.slope, n);
    return r;
}
