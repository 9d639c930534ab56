/* Cross-entropies of a whole batch, for losses that weigh them by what the batch holds. */
#include "lib/loss/batchwise.h"

#include "lib/loss/elements.h"

LOSS_KERNEL static void bce_of_block(const loss_block *block, real *restrict losses, real *restrict slopes) {
    EACH_ELEMENT(cross_entropy(logistic_of(z[i]), y[i]))
}

void loss_bce_of_batch(const loss_batch *batch, real *losses, real *slopes) {
    real input[LOSS_BLOCK], target[LOSS_BLOCK];
    for (size_t start = 0, n; start < batch_size(batch); start += n) {
        const size_t left = batch_size(batch) - start;
        n = left < LOSS_BLOCK ? left : LOSS_BLOCK;
        for (size_t i = 0; i < n; i++) {
            const int ignored = is_ignored(batch, start + i);
            input[i] = ignored ? 0 : batch->input[start + i];
            target[i] = ignored ? 0 : batch->target[start + i];
        }
        const loss_block block = {.n = n, .input = input, .target = target};
        bce_of_block(&block, losses + start, slopes + start);
    }
}

double loss_add_weighted(const loss_batch *batch, const double *factor, const real *losses, const real *slopes,
                         double scale, real *values, real *grad) {
    double lanes[LANES] = {0};
    for (size_t i = 0; i < batch_size(batch); i++) {
        const double cost = factor[i] * (double)losses[i];
        lanes[i % LANES] += cost;
        if (values) add_saturated(&values[i], scale * cost);
        if (grad) add_saturated(&grad[i], scale * factor[i] * (double)slopes[i]);
    }
    return sum_of_lanes(lanes);
}
