/* Logit-adjusted cross-entropy: bce(z + tau log(prior/(1-prior)), y), prior = share of defects in the training set.
   With tau = 1 the logit learnt is that of a balanced world, which is the one that ranks best at equal class weights.
 */
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

LOSS_TYPE(logit_adjusted) = {
    .name = "logit_adjusted",
    .version = 1,
    .summary = "bce(z + tau log(prior/(1-prior)), y)",
    .citation =
        "Menon et al. 2021, Long-tail learning via logit adjustment, arXiv:2007.07314, equation 10, two classes",
    .kind = LOSS_BINARY,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .resolve = logit_adjusted_resolve,
    .elements = logit_adjusted_elements,
};
