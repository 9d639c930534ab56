/* Hard example mining (top-k bce): the mean bce of the hardest elements, those with the largest bce. Of elements with
   weights that sum to W,

       K = max(min_keep, keep W rounded down),  at most W,

   are kept, a weight of 2 counting as the element twice: hardest first, equal losses in the order of the batch, until
   their weights reach K; of the last one only the part that fits. The mean divides by K, dropped elements have value 0.
   class_weight multiplies the losses and does not change what is kept. The gradient is that of the kept elements: the
   derivative of the value except where two elements tie at the border, there a subgradient. All ignored: 0. */
#include "lib/loss/batchwise.h"
#include "lib/loss/sort.h"

enum { KEEP, MIN_KEEP };

static const param params[] = {
    [KEEP] = {.name = "keep",
              .fallback = 0.1,
              .low = 0,
              .high = 1,
              .scale = PARAM_LOG,
              .tune_low = 0.01,
              .tune_high = 1,
              .summary = "share of the elements that are kept, the hardest; 1: bce"},
    [MIN_KEEP] = {.name = "min_keep",
                  .fallback = 1,
                  .low = 1,
                  .high = 1e9,
                  .scale = PARAM_INTEGER,
                  .summary = "how many are kept at least"},
};

/* K. The share of a whole number is not missed by rounding: 0.29 of 100 is 28.999999999999996. */
static double kept_weight(const double *values, const loss_batch *batch) {
    double total = 0;
    for (size_t i = 0; i < batch_size(batch); i++) total += item_weight(batch, i);
    const double share = __builtin_floor(values[KEEP] * total * (1 + 1e-12));
    const double kept = share > values[MIN_KEEP] ? share : values[MIN_KEEP];
    return kept < total ? kept : total;
}

static double hard_mining_eval(const double *values, const loss_batch *batch, double scale, real *out, real *grad,
                               void *scratch) {
    const size_t n = batch_size(batch);
    double *factor = scratch, left = kept_weight(values, batch);
    real *losses = (real *)((char *)scratch + room_for(n, sizeof *factor));
    real *slopes = (real *)((char *)losses + room_for(n, sizeof *losses));
    uint32_t *order = (uint32_t *)((char *)slopes + room_for(n, sizeof *slopes));
    loss_bce_of_batch(batch, losses, slopes);
    loss_sort_descending(losses, n, order, (char *)order + room_for(n, sizeof *order));
    for (size_t k = 0; k < n; k++) {
        const size_t i = order[k];
        const double weight = item_weight(batch, i), part = weight < left ? weight : left;
        factor[i] = part * channel_weight(batch, i);
        left -= part;
    }
    return loss_add_weighted(batch, factor, losses, slopes, scale, out, grad);
}

static size_t hard_mining_scratch(const double *values, const loss_batch *batch) {
    const size_t n = batch_size(batch);
    (void)values;
    return room_for(n, sizeof(double)) + 2 * room_for(n, sizeof(real)) + room_for(n, sizeof(uint32_t)) +
           loss_sort_scratch(n);
}

LOSS_TYPE(hard_mining) = {
    .name = "hard_mining",
    .version = 1,
    .summary = "mean bce of the max(min_keep, keep n) elements with the largest bce",
    .citation = "Shrivastava et al. 2016, Training region-based object detectors with online hard example mining, "
                "arXiv:1604.03540; top-k pixels: Wu et al. 2016, arXiv:1605.06885",
    .use = "nearly all elements are easy goods and the labels are right: steps are spent on what is still wrong",
    .traps =
        "wrong labels are the hardest elements of all and are always kept; most elements give no gradient, so keep "
        "below the share of defects forgets the goods; the scores are no probabilities; what is kept depends on "
        "the batch, so its size is a parameter too",
    .kind = LOSS_BINARY,
    .values = LOSS_PER_ELEMENT,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "hard_mining(keep=0.5)",
               .images = 4,
               .channels = 1,
               .pixels = 1,
               .input = {-2, 0.5, 1.5, -0.25},
               .target = {0, 1, 0, 1},
               .value = 1.263676348930798,
               .grad = {0, 0, 0.4087872380968218, -0.2810882504428991},
               .source = "mpmath, 40 digits: bce is 0.127, 0.474, 1.701, 0.826; the mean of the last two"},
    .check_batch = loss_check_sortable,
    .divisor = kept_weight,
    .eval = hard_mining_eval,
    .scratch = hard_mining_scratch,
};
