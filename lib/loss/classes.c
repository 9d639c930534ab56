/* The softmax of a tile: classes.h. */
#include "lib/loss/classes.h"

LOSS_KERNEL void loss_softmax(const loss_tile *tile, const real *logit, tile_softmax *out) {
    const size_t n = tile->n, classes = tile->classes;
    real largest[LOSS_TILE], sum[LOSS_TILE];
    for (size_t i = 0; i < n; i++) {
        largest[i] = logit[i];
        sum[i] = 0;
    }
    for (size_t c = 1; c < classes; c++)
        for (size_t i = 0; i < n; i++) largest[i] = real_max(largest[i], logit[c * LOSS_TILE + i]);
    for (size_t c = 0; c < classes; c++) {
        const real *restrict z = logit + c * LOSS_TILE;
        real *restrict p = out->p + c * LOSS_TILE, *restrict log_p = out->log_p + c * LOSS_TILE;
        for (size_t i = 0; i < n; i++) {
            const real below = real_min(largest[i] - z[i], REAL_MAX);
            log_p[i] = -below;
            p[i] = real_exp_negative(below);
            sum[i] += p[i];
        }
    }
    real log_sum[LOSS_TILE];
    for (size_t i = 0; i < n; i++) log_sum[i] = real_log_normal(sum[i]);
    for (size_t c = 0; c < classes; c++) {
        real *restrict p = out->p + c * LOSS_TILE, *restrict log_p = out->log_p + c * LOSS_TILE;
        for (size_t i = 0; i < n; i++) {
            p[i] = p[i] / sum[i];
            log_p[i] -= log_sum[i];
        }
    }
    for (size_t i = 0; i < n; i++) out->true_loss[i] = -out->log_p[(size_t)tile->label[i] * LOSS_TILE + i];
}

LOSS_KERNEL void loss_true_class_slopes(const loss_tile *tile, const tile_softmax *s, const real *factor,
                                        real *slopes) {
    for (size_t c = 0; c < tile->classes; c++)
        for (size_t i = 0; i < tile->n; i++)
            slopes[c * LOSS_TILE + i] =
                factor[i] * (s->p[c * LOSS_TILE + i] - real_select(tile->label[i] == (int)c, 1, 0));
}
