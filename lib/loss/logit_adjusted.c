/* Logit-adjusted cross-entropy: bce(z + tau log(prior/(1-prior)), y), prior = share of defects in the training set.
   With tau = 1 the logit learnt is that of a balanced world, which is the one that ranks best at equal class weights.

   K classes: cross-entropy of z_c + tau log(prior_c), prior_c the class's share of class_counts; `prior` is not used. A
   class without training items counts as the rarest that has some (peers: log(prior^tau + eps)). */
#include "lib/loss/classes.h"
#include "lib/loss/elements.h"

enum { TAU, PRIOR };

static const param_word automatic[] = {{"auto", -1}, {NULL, 0}};

static const param params[] = {
    [TAU] = {.name = "tau",
             .fallback = 1,
             .low = 0,
             .high = 10,
             .scale = PARAM_LINEAR,
             .tune_low = 0,
             .tune_high = 2,
             .summary = "how much of the prior is taken out of the logit"},
    [PRIOR] = {.name = "prior",
               .fallback = -1,
               .low = 1e-9,
               .high = 1 - 1e-9,
               .scale = PARAM_LOG,
               .words = automatic,
               .summary = "share of defects; auto: that of the training set"},
};

LOSS_KERNEL static void logit_adjusted_elements(const double *values, const loss_block *block, real *restrict losses,
                                                real *restrict slopes) {
    const real shift = (real)(values[TAU] * repro_log(values[PRIOR] / (1 - values[PRIOR])));
    EACH_ELEMENT(cross_entropy(logistic_of(z[i] + shift), y[i]))
}

static void logit_adjusted_resolve(double *values, const loss_counts *counts) {
    if (values[PRIOR] < 0) values[PRIOR] = counts->defect / (counts->good + counts->defect);
}

LOSS_KERNEL static void adjust(const double *values, const loss_tile *tile, real *adjusted) {
    const double rarest = loss_rarest_count(tile->class_counts, tile->classes);
    double total = 0;
    for (size_t c = 0; c < tile->classes; c++) total += loss_count_or(tile->class_counts[c], rarest);
    for (size_t c = 0; c < tile->classes; c++) {
        const double prior = loss_count_or(tile->class_counts[c], rarest) / total;
        const real shift = (real)(values[TAU] * repro_log(prior));
        for (size_t i = 0; i < tile->n; i++) adjusted[c * LOSS_TILE + i] = tile->logit[c * LOSS_TILE + i] + shift;
    }
}

static void logit_adjusted_classes(const double *values, const loss_tile *tile, real *restrict losses, real *slopes) {
    adjust(values, tile, tile_free_rows(tile));
    loss_cross_entropy(tile, tile_free_rows(tile), 1, losses, slopes);
}

static const char *logit_adjusted_check_batch(const double *values, const loss_batch *batch) {
    (void)values;
    return batch->classes ? loss_lack_of_counts(batch) : NULL;
}

LOSS_TYPE(logit_adjusted) = {
    .name = "logit_adjusted",
    .version = 1,
    .summary = "bce(z + tau log(prior/(1-prior)), y)",
    .citation =
        "Menon et al. 2021, Long-tail learning via logit adjustment, arXiv:2007.07314, equation 10, two classes",
    .use = "rare defects when ranks or a balanced error count: the net learns the logit of a world with equal "
           "classes, and the prior is put back when a probability is wanted",
    .traps = "train with the shift, score without it: adding it at test time too cancels it; prior is the defects' "
             "share, not the odds; peers with log(prior^tau + eps) shift less than the formula where the prior is "
             "tiny",
    .kind = LOSS_BINARY,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "logit_adjusted(prior=0.1)",
               .images = 4,
               .channels = 1,
               .pixels = 1,
               .input = {-2, 0.5, 1.5, -0.25},
               .target = {0, 1, 0, 1},
               .value = 1.203672452724108,
               .grad = {0.003703621132684468, -0.2112929752599363, 0.08310696543577983, -0.2300895631185261},
               .source =
                   "mpmath, 40 digits: mean of log(1+e^s) - y s, s = z - log 9; gradient by its numerical derivative"},
    .resolve = logit_adjusted_resolve,
    .check_batch = logit_adjusted_check_batch,
    .elements = logit_adjusted_elements,
    .classes = logit_adjusted_classes,
};
