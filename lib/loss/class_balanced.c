/* Class-balanced loss: w_y times bce or focal (without alpha), w_c = (1-beta) / (1-beta^n_c) scaled so that the two
   weights sum to 2: beta = 0 is no weighting, beta -> 1 inverse frequency. 1/(1-beta) is the number of distinct samples
   that the authors assume a class can have. Counts come from the training set. */
#include "lib/loss/classes.h"
#include "lib/loss/elements.h"

enum { BETA, BASE, GAMMA, GOODS, DEFECTS };
enum { BASE_BCE, BASE_FOCAL };

static const param_word automatic[] = {{"auto", -1}, {NULL, 0}};
static const param_word base_words[] = {{"bce", BASE_BCE}, {"focal", BASE_FOCAL}, {NULL, 0}};

static const param params[] = {
    [BETA] = {.name = "beta",
              .fallback = 0.9999,
              .low = 0,
              .high = 0.9999999,
              .scale = PARAM_LOGIT,
              .tune_low = 0.9,
              .tune_high = 0.99999,
              .summary = "1 - 1 / (effective size of a class); the authors try .9, .99, .999, .9999"},
    [BASE] = {.name = "base",
              .fallback = BASE_BCE,
              .low = BASE_BCE,
              .high = BASE_FOCAL,
              .scale = PARAM_CHOICE,
              .words = base_words,
              .summary = "the loss that is weighted"},
    [GAMMA] = {.name = "gamma",
               .fallback = 2,
               .low = 0,
               .high = 10,
               .scale = PARAM_LINEAR,
               .summary = "exponent of base=focal; without effect on base=bce, so tuned only when asked for"},
    [GOODS] = {.name = "goods",
               .fallback = -1,
               .low = 1,
               .high = 1e12,
               .scale = PARAM_LOG,
               .words = automatic,
               .summary = "good parts in the training set"},
    [DEFECTS] = {.name = "defects",
                 .fallback = -1,
                 .low = 1,
                 .high = 1e12,
                 .scale = PARAM_LOG,
                 .words = automatic,
                 .summary = "defects in the training set"},
};

LOSS_KERNEL static void weighted_cross_entropy(const loss_block *block, real good, real defect, real *restrict losses,
                                               real *restrict slopes) {
    EACH_ELEMENT(element_times(by_label(y[i], good, defect), cross_entropy(BLOCK_LOGISTIC(i), y[i])))
}

static void class_balanced_elements(const double *values, const loss_block *block, real *restrict losses,
                                    real *restrict slopes) {
    const double good_share = loss_inverse_effective_number(values[BETA], values[GOODS]);
    const double defect_share = loss_inverse_effective_number(values[BETA], values[DEFECTS]);
    const real good = (real)(2 * good_share / (good_share + defect_share));
    const real defect = (real)(2 * defect_share / (good_share + defect_share));
    if (values[BASE] == BASE_BCE)
        weighted_cross_entropy(block, good, defect, losses, slopes);
    else
        loss_focal_block(block, (real)values[GAMMA], good, defect, losses, slopes);
}

static void class_balanced_resolve(double *values, const loss_counts *counts) {
    if (values[GOODS] < 0) values[GOODS] = counts->good;
    if (values[DEFECTS] < 0) values[DEFECTS] = counts->defect;
}

LOSS_TYPE(class_balanced) = {
    .name = "class_balanced",
    .version = 1,
    .summary = "(1-beta) / (1-beta^n_y) bce or focal, weights scaled to sum to 2",
    .citation =
        "Cui et al. 2019, Class-balanced loss based on effective number of samples, arXiv:1901.05555, equation 6",
    .use = "rare defects when inverse frequency over-weights them: beta moves between no weighting and inverse "
           "frequency",
    .traps = "beta acts through (1-beta) n: with n far below 1/(1-beta) it is inverse frequency, far above no "
             "weighting, so choose it by the class sizes; counts are those of the training set, not of the batch; "
             "peers scale the weights to sum to the number of classes or not at all, which is another learning rate",
    .kind = LOSS_BINARY,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "class_balanced(beta=0.999)",
               .images = 4,
               .channels = 1,
               .pixels = 1,
               .input = {-2, 0.5, 1.5, -0.25},
               .target = {0, 1, 0, 1},
               .value = 0.686520344591614,
               .grad = {0.008238025893799777, -0.1626787776422297, 0.05650196816268766, -0.2422366477084992},
               .source = "mpmath, 40 digits: w_c = 2 E_c / (E_0 + E_1), E_c = 0.001 / (1 - 0.999^n), n = 900 and 100;"
                         " gradient by its numerical derivative"},
    .resolve = class_balanced_resolve,
    .elements = class_balanced_elements,
};
