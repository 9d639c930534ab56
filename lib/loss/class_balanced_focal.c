/* Class-balanced focal loss over K classes, each a sigmoid of its own: w_y sum_c focal(z_c, [c = y]) without alpha,
   w_c = (1-beta) / (1-beta^n_c) scaled so that the K weights sum to K. A class without training items counts as the
   rarest that has some. The mean divides by the number of items. */
#include "lib/loss/classes.h"
#include "lib/loss/elements.h"

enum { BETA, GAMMA };

static const param params[] = {
    [BETA] = {.name = "beta",
              .fallback = 0.9999,
              .low = 0,
              .high = 0.9999999,
              .scale = PARAM_LOGIT,
              .tune_low = 0.9,
              .tune_high = 0.99999,
              .summary = "1 - 1 / (effective size of a class); the authors try .9, .99, .999, .9999"},
    [GAMMA] = {.name = "gamma",
               .fallback = 2,
               .low = 0,
               .high = 10,
               .scale = PARAM_LINEAR,
               .tune_low = 0,
               .tune_high = 5,
               .summary = "how strongly well-classified classes are played down"},
};

static const char *class_balanced_focal_check_batch(const double *values, const loss_batch *batch) {
    (void)values;
    return loss_lack_of_counts(batch);
}

/* Before the scale: the share of class c. */
static double share_of(double beta, const loss_tile *tile, double rarest, size_t c) {
    return loss_inverse_effective_number(beta, loss_count_or(tile->class_counts[c], rarest));
}

/* weight[i] = w of item i's class */
static void fill_weights(double beta, const loss_tile *tile, real *weight) {
    const double rarest = loss_rarest_count(tile->class_counts, tile->classes);
    double sum = 0;
    for (size_t c = 0; c < tile->classes; c++) sum += share_of(beta, tile, rarest, c);
    for (size_t c = 0; c < tile->classes; c++) {
        const real own = (real)(share_of(beta, tile, rarest, c) * (double)tile->classes / sum);
        for (size_t i = 0; i < tile->n; i++)
            if (tile->label[i] == (int)c) weight[i] = own;
    }
}

/* One class of the tile: adds to losses, sets slopes. */
LOSS_KERNEL static void add_focal(const loss_tile *tile, size_t c, real gamma, const real *restrict weight,
                                  real *restrict losses, real *restrict slopes) {
    const real *restrict z = tile->logit + c * LOSS_TILE;
    real power[LOSS_TILE], m[LOSS_TILE];
    for (size_t i = 0; i < tile->n; i++) {
        const logistic l = logistic_of(z[i]);
        m[i] = real_select(tile->label[i] == (int)c, l.q, l.p);
    }
    for (size_t i = 0; i < tile->n; i++) power[i] = power_of_unit(m[i], gamma);
    for (size_t i = 0; i < tile->n; i++) {
        const real y = real_select(tile->label[i] == (int)c, 1, 0);
        const element e = element_times(weight[i], focal_from(logistic_of(z[i]), y, gamma, m[i], power[i]));
        losses[i] += e.loss;
        slopes[i] = e.slope;
    }
}

static void class_balanced_focal_classes(const double *values, const loss_tile *tile, real *restrict losses,
                                         real *slopes) {
    real weight[LOSS_TILE] = {0};
    fill_weights(values[BETA], tile, weight);
    for (size_t i = 0; i < tile->n; i++) losses[i] = 0;
    for (size_t c = 0; c < tile->classes; c++)
        add_focal(tile, c, (real)values[GAMMA], weight, losses, slopes + c * LOSS_TILE);
}

LOSS_TYPE(class_balanced_focal) = {
    .name = "class_balanced_focal",
    .version = 1,
    .summary = "w_y sum_c sigmoid focal(z_c, [c = y]), w = (1-beta) / (1-beta^n) scaled to sum to K",
    .citation =
        "Cui et al. 2019, Class-balanced loss based on effective number of samples, arXiv:1901.05555, equation 13",
    .use = "a long tail of classes when inverse frequency over-weights the rarest",
    .traps =
        "the weight is that of the item's class for all K sigmoids; the classes are sigmoids, so the K scores do not "
        "sum to 1; the authors divide by the number of positive labels, which is that of the items",
    .kind = LOSS_MULTICLASS,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "class_balanced_focal(beta=0.99)",
               .images = 2,
               .channels = 3,
               .pixels = 1,
               .input = {1, 2, 3, 0.5, -1, 0.25},
               .target = {0, 2},
               .class_counts = {500, 100, 4},
               .value = 0.9346492708966385,
               .grad = {-0.0028393176776151, 0.05814124439505, 0.060843136229719, 0.71629514818536, 0.07158315665399,
                        -0.2832448139877},
               .source =
                   "torch 1.13 float64: w_y (1-p_t)^2 binary_cross_entropy_with_logits on one-hot labels, by autograd"},
    .check_batch = class_balanced_focal_check_batch,
    .classes = class_balanced_focal_classes,
};
