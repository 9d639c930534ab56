/* Tversky loss: 1 - (I + smooth_nr) / (I + alpha (P-I) + beta (T-I) + smooth_dr): alpha weighs false positives, beta
   false negatives. With both 1/2 it is dice with half the smoothing, with both 1 iou.

   Focal Tversky loss: a power of it, of each region (power_of = class) or of the mean over regions (mean, as
   segmentation-models; the value is then one for the batch and class_weight does not reach it). The published power
   1/gamma = 3/4 has an infinite slope at 0; here it is the chord below 1e-16, and 0 with slope 0 at a perfect
   prediction and where rounding or squared = on takes the base below 0. */
#include "lib/loss/region.h"

enum { ALPHA = REGION_PARAM_COUNT, BETA, EXPONENT, POWER_OF };
enum { CLASS, MEAN };

static const param_word power_words[] = {{"class", CLASS}, {"mean", MEAN}, {NULL, 0}};

#define TVERSKY_PARAMS                                                                                                 \
    REGION_PARAMS,                                                                                                     \
        [ALPHA] = {.name = "alpha",                                                                                    \
                   .fallback = 0.3,                                                                                    \
                   .low = 0,                                                                                           \
                   .high = 10,                                                                                         \
                   .scale = PARAM_LINEAR,                                                                              \
                   .tune_low = 0.05,                                                                                   \
                   .tune_high = 0.5,                                                                                   \
                   .summary = "weight of false positives"},                                                            \
        [BETA] = {.name = "beta",                                                                                      \
                  .fallback = 0.7,                                                                                     \
                  .low = 0,                                                                                            \
                  .high = 10,                                                                                          \
                  .scale = PARAM_LINEAR,                                                                               \
                  .tune_low = 0.5,                                                                                     \
                  .tune_high = 0.95,                                                                                   \
                  .summary = "weight of false negatives"}

static const param tversky_params[] = {TVERSKY_PARAMS};

static const param focal_params[] = {
    TVERSKY_PARAMS,
    [EXPONENT] = {.name = "exponent",
                  .fallback = 0.75,
                  .low = 0.01,
                  .high = 10,
                  .scale = PARAM_LOG,
                  .tune_low = 0.3,
                  .tune_high = 2,
                  .summary = "below 1 the last mistakes of nearly right masks count more, above 1 less"},
    [POWER_OF] = {.name = "power_of",
                  .fallback = CLASS,
                  .low = CLASS,
                  .high = MEAN,
                  .scale = PARAM_CHOICE,
                  .words = power_words,
                  .summary = "of which loss the power is taken: each region's, or their mean"},
};

static loss_cell tversky_cost(const double *values, const loss_sums *s) {
    const double alpha = values[ALPHA], beta = values[BETA];
    const region_term numerator = {.value = s->intersection + values[SMOOTH_NR], .by_intersection = 1};
    const region_term denominator = {.value = s->intersection + alpha * (s->prediction - s->intersection) +
                                              beta * (s->target - s->intersection) + values[SMOOTH_DR],
                                     .by_intersection = 1 - alpha - beta,
                                     .by_prediction = alpha};
    return loss_ratio_cost(values, s, numerator, denominator);
}

static void tversky_region(const double *values, size_t rows, size_t channels, const loss_sums *sums,
                           loss_cell *cells) {
    for (size_t i = 0; i < rows * channels; i++) cells[i] = tversky_cost(values, &sums[i]);
}

/* cells[n] hold the losses; the first becomes the power of their mean, the derivatives those of it. */
static void take_power_of_mean(double exponent, size_t n, const loss_sums *sums, loss_cell *cells) {
    loss_cell mean = {.by_prediction = 1};
    double count = 0;
    for (size_t i = 0; i < n; i++) count += sums[i].total > 0;
    if (count == 0) return;
    for (size_t i = 0; i < n; i++) mean.value += cells[i].value / count;
    const loss_cell power = loss_cost_power(mean, exponent);
    for (size_t i = 0; i < n; i++)
        cells[i] = (loss_cell){0, power.by_prediction / count * cells[i].by_intersection,
                               power.by_prediction / count * cells[i].by_prediction};
    cells[0].value = power.value;
}

static void focal_region(const double *values, size_t rows, size_t channels, const loss_sums *sums, loss_cell *cells) {
    const size_t n = rows * channels;
    for (size_t i = 0; i < n; i++) {
        cells[i] = sums[i].total > 0 ? tversky_cost(values, &sums[i]) : (loss_cell){0};
        if (values[POWER_OF] == CLASS) cells[i] = loss_cost_power(cells[i], values[EXPONENT]);
    }
    if (values[POWER_OF] == MEAN) take_power_of_mean(values[EXPONENT], n, sums, cells);
}

static loss_value_shape focal_shape(const double *values) {
    return values[POWER_OF] == MEAN ? LOSS_PER_BATCH : LOSS_PER_CELL;
}

LOSS_TYPE(tversky) = {
    .name = "tversky",
    .version = 1,
    .summary = "1 - (I + smooth_nr) / (I + alpha (P-I) + beta (T-I) + smooth_dr)",
    .citation = "Salehi et al. 2017, Tversky loss function for image segmentation using 3D fully convolutional deep "
                "networks, arXiv:1706.05721",
    .use = "masks where a missed defect pixel costs more than a false one: beta above alpha",
    .traps = "some implementations give alpha to false negatives; smoothing of 1 is twice that of dice; saturated "
             "pixels have no gradient, so add bce or focal",
    .kind = LOSS_MASK,
    .values = LOSS_PER_CELL,
    .params = tversky_params,
    .param_count = sizeof tversky_params / sizeof tversky_params[0],
    .golden = {.expression = "tversky",
               .images = 1,
               .channels = 1,
               .pixels = 4,
               .width = 2,
               .input = {1.5, -0.5, 0.25, -2},
               .target = {1, 0, 1, 1},
               .value = 0.4371057708674063,
               .grad = {-0.046549863602756, 0.014902474807142, -0.076820519833898, -0.032769382119748},
               .source = "torch 1.13 float64: the formula, by autograd"},
    .region_options = loss_ratio_options,
    .region = tversky_region,
};

LOSS_TYPE(focal_tversky) = {
    .name = "focal_tversky",
    .version = 1,
    .summary = "(1 - Tversky index)^exponent",
    .citation = "Abraham & Khan 2019, A novel focal Tversky loss function with improved attention U-Net for lesion "
                "segmentation, arXiv:1810.07842",
    .use = "as tversky, for small defects: an exponent above 1 turns to the hard images, below 1 to the last pixels of "
           "good ones",
    .traps =
        "the paper writes the power as 1/gamma with gamma = 4/3, its code as gamma = 3/4; with an exponent below 1 "
        "peers give NaN gradients at a perfect prediction; on batches of several images class and mean differ",
    .kind = LOSS_MASK,
    .values = LOSS_PER_CELL,
    .value_shape = focal_shape,
    .params = focal_params,
    .param_count = sizeof focal_params / sizeof focal_params[0],
    .golden = {.expression = "focal_tversky(power_of=mean)",
               .images = 2,
               .channels = 1,
               .pixels = 2,
               .width = 2,
               .input = {1.5, -0.5, 0.25, -2},
               .target = {1, 0, 1, 0},
               .value = 0.4084152034800401,
               .grad = {-0.054713304314909, 0.026000057351069, -0.11190063613628, 0.010941690136616},
               .source = "torch 1.13 float64: the formula, by autograd"},
    .region_options = loss_ratio_options,
    .region = focal_region,
};
