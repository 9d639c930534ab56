/* The softmax of a tile, and class counts: classes.h. */
#include "lib/loss/classes.h"

#include "lib/loss/evaluate.h"

/* p = exp(z - largest), log_p = z - largest, rest = the sum of p without the largest one, which is 1: log(1 + rest)
   keeps the relative accuracy of a small loss. */
LOSS_KERNEL static void fill_powers(const loss_tile *tile, const real *logit, tile_softmax *out, real *restrict rest) {
    const size_t n = tile->n, classes = tile->classes;
    real largest[LOSS_TILE], found[LOSS_TILE];
    for (size_t i = 0; i < n; i++) {
        largest[i] = logit[i];
        found[i] = rest[i] = 0;
    }
    for (size_t c = 1; c < classes; c++)
        for (size_t i = 0; i < n; i++) largest[i] = real_max(largest[i], logit[c * LOSS_TILE + i]);
    for (size_t c = 0; c < classes; c++) {
        const real *restrict z = logit + c * LOSS_TILE;
        real *restrict p = out->p + c * LOSS_TILE, *restrict log_p = out->log_p + c * LOSS_TILE;
        for (size_t i = 0; i < n; i++) {
            const real below = real_min(largest[i] - z[i], REAL_MAX);
            const real first = real_select(below > 0, 0, (real)1 - found[i]); /* the first of the largest */
            log_p[i] = -below;
            p[i] = real_exp_negative(below);
            found[i] += first;
            rest[i] += p[i] - first;
        }
    }
}

LOSS_KERNEL void loss_softmax(const loss_tile *tile, const real *logit, tile_softmax *out) {
    const size_t n = tile->n;
    real rest[LOSS_TILE], log_sum[LOSS_TILE], miss[LOSS_TILE];
    fill_powers(tile, logit, out, rest);
    for (size_t i = 0; i < n; i++) {
        log_sum[i] = real_log1p(rest[i]);
        miss[i] = 0;
    }
    for (size_t c = 0; c < tile->classes; c++) {
        real *restrict p = out->p + c * LOSS_TILE, *restrict log_p = out->log_p + c * LOSS_TILE;
        for (size_t i = 0; i < n; i++) {
            p[i] = p[i] / ((real)1 + rest[i]);
            log_p[i] -= log_sum[i];
            miss[i] += real_select(tile->label[i] == (int)c, 0, p[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        out->miss[i] = miss[i];
        out->true_loss[i] = -out->log_p[(size_t)tile->label[i] * LOSS_TILE + i];
    }
}

LOSS_KERNEL void loss_true_class_slopes(const loss_tile *tile, const tile_softmax *s, const real *factor,
                                        real *slopes) {
    for (size_t c = 0; c < tile->classes; c++)
        for (size_t i = 0; i < tile->n; i++)
            slopes[c * LOSS_TILE + i] =
                factor[i] * real_select(tile->label[i] == (int)c, -s->miss[i], s->p[c * LOSS_TILE + i]);
}

void loss_cross_entropy(const loss_tile *tile, const real *logit, real factor, real *restrict losses, real *slopes) {
    real factors[LOSS_TILE];
    tile_softmax s = tile_softmax_in_scratch(tile);
    loss_softmax(tile, logit, &s);
    for (size_t i = 0; i < tile->n; i++) {
        losses[i] = s.true_loss[i];
        factors[i] = factor;
    }
    loss_true_class_slopes(tile, &s, factors, slopes);
}

/* --- class counts ------------------------------------------------------------------------------------------------- */

double loss_rarest_count(const double *counts, size_t classes) {
    double rarest = 0;
    for (size_t c = 0; c < classes; c++)
        if (counts[c] > 0 && !(rarest > 0 && rarest < counts[c])) rarest = counts[c];
    return rarest > 0 ? rarest : 1;
}

const char *loss_lack_of_counts(const loss_batch *batch) {
    return batch->class_counts ? NULL : "it needs class_counts, the number of training items of each class";
}

double loss_inverse_effective_number(double beta, double n) {
    return beta == 0 ? 1 : (1 - beta) / (1 - repro_exp(n * repro_log(beta)));
}

/* --- means -------------------------------------------------------------------------------------------------------- */

double loss_counted_items(const loss_batch *batch) {
    size_t count = 0;
    for (size_t i = 0, n = batch_items(batch, LOSS_MULTICLASS); i < n; i++) count += !is_ignored(batch, i);
    return (double)count;
}

double loss_weighted_items(const loss_batch *batch) {
    double sum = 0;
    for (size_t i = 0, n = batch_items(batch, LOSS_MULTICLASS); i < n; i++)
        if (!is_ignored(batch, i))
            sum += item_weight(batch, i) * (batch->class_weight ? (double)batch->class_weight[batch->classes[i]] : 1);
    return sum;
}
