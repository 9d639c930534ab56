/* Gradient harmonising (GHM-C): with g = |p-y|, the size of an element's gradient under bce, in equal bins of [0,1],

       weight = total / (count of its bin) / (number of bins that are not empty),    loss = weight bce,

   so that every bin that holds anything gets the same share, the many easy elements and the few outliers alike. The
   weights are constant for the gradient, as with the authors: it is that of bce times the weight, not that of the
   value, which jumps where an element changes its bin. Counts are sums of the batch's weights (class_weight only
   multiplies losses), no moving average over batches. The mean divides by the sum of weights: it is the mean over bins
   of their mean bce. g = 1 belongs to the last bin. */
#include "lib/loss/batchwise.h"

enum { BINS };
enum { MOST_BINS = 1000 };

static const param params[] = {
    [BINS] = {.name = "bins",
              .fallback = 10,
              .low = 1,
              .high = MOST_BINS,
              .scale = PARAM_INTEGER,
              .tune_low = 3,
              .tune_high = 50,
              .summary = "bins of |p-y|; 1: bce"},
};

static size_t bin_of(size_t bins, real distance) {
    const size_t bin = (size_t)(distance * (real)bins);
    return bin < bins ? bin : bins - 1;
}

static double total_weight(const double *values, const loss_batch *batch) {
    double total = 0;
    (void)values;
    for (size_t i = 0; i < batch_size(batch); i++) total += item_weight(batch, i);
    return total;
}

/* bin_weight[bins]: total / count / number of bins that hold anything; 0 for the others. */
static void weigh_bins(const loss_batch *batch, const real *slopes, size_t bins, double *bin_weight) {
    const double total = total_weight(NULL, batch);
    size_t filled = 0;
    for (size_t b = 0; b < bins; b++) bin_weight[b] = 0;
    for (size_t i = 0; i < batch_size(batch); i++)
        bin_weight[bin_of(bins, real_abs(slopes[i]))] += item_weight(batch, i);
    for (size_t b = 0; b < bins; b++) filled += bin_weight[b] > 0;
    for (size_t b = 0; b < bins; b++)
        if (bin_weight[b] > 0) bin_weight[b] = total / bin_weight[b] / (double)filled;
}

static double ghmc_eval(const double *values, const loss_batch *batch, double scale, real *out, real *grad,
                        void *scratch) {
    const size_t n = batch_size(batch), bins = (size_t)values[BINS];
    double bin_weight[MOST_BINS], *factor = scratch;
    real *losses = (real *)((char *)scratch + room_for(n, sizeof *factor));
    real *slopes = (real *)((char *)losses + room_for(n, sizeof *losses));
    loss_bce_of_batch(batch, losses, slopes);
    weigh_bins(batch, slopes, bins, bin_weight);
    for (size_t i = 0; i < n; i++)
        factor[i] = item_weight(batch, i) * channel_weight(batch, i) * bin_weight[bin_of(bins, real_abs(slopes[i]))];
    return loss_add_weighted(batch, factor, losses, slopes, scale, out, grad);
}

static size_t ghmc_scratch(const double *values, const loss_batch *batch) {
    const size_t n = batch_size(batch);
    (void)values;
    return room_for(n, sizeof(double)) + 2 * room_for(n, sizeof(real));
}

LOSS_TYPE(ghmc) = {
    .name = "ghmc",
    .version = 1,
    .summary = "total / (count of the bin of |p-y|) / (filled bins) times bce, the weight constant for the gradient",
    .citation = "Li et al. 2019, Gradient harmonized single-stage detector, arXiv:1811.05181, GHM-C loss",
    .use =
        "many easy elements and some wrong labels at once: focal loss would follow the outliers, this one gives them "
        "one bin's share",
    .traps =
        "the gradient is not that of the value, so a line search or a check by differences misleads; with few "
        "elements in a batch a single outlier fills a bin and gets its whole share: fewer bins then; authors' code "
        "averages counts over batches (momentum), this one does not",
    .kind = LOSS_BINARY,
    .values = LOSS_PER_ELEMENT,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "ghmc",
               .images = 6,
               .channels = 1,
               .pixels = 1,
               .input = {-2, 0.5, 1.5, -0.25, -1.9, 0.6},
               .target = {0, 1, 0, 1, 0, 1},
               .value = 0.7790731374643897,
               .grad = {0.01490036525276469, -0.04719258359976818, 0.2043936190484109, -0.1405441252214495,
                        0.01626355929537473, -0.04429296172177557},
               .source =
                   "mpmath, 40 digits: two elements each in bins 1 and 3, one each in 5 and 8, so weights 3/4 and 3/2"},
    .divisor = total_weight,
    .eval = ghmc_eval,
    .scratch = ghmc_scratch,
};
