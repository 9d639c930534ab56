/* Generalized Dice loss: 1 - (2 sum_c w_c I_c + smooth_nr) / (sum_c w_c (P_c + T_c) + smooth_dr) over the channels c of
   an image, w_c = 1/T_c^2, 1/T_c or 1, without gradient. As in MONAI, a channel without foreground, whose weight would
   be infinite, gets the largest weight there is among the other channels of the image (of the batch with batch = on);
   where there is none, 0: then the loss is 1 - smooth_nr / smooth_dr, and 0 when both are 0. */
#include "lib/loss/region.h"

enum { W_TYPE = BATCH + 1 };
enum { SQUARE, SIMPLE, UNIFORM };

static const param_word weight_words[] = {{"square", SQUARE}, {"simple", SIMPLE}, {"uniform", UNIFORM}, {NULL, 0}};

static const param params[] = {
    REGION_SMOOTHING_PARAMS,
    [W_TYPE] = {.name = "w_type",
                .fallback = SQUARE,
                .low = SQUARE,
                .high = UNIFORM,
                .scale = PARAM_CHOICE,
                .words = weight_words,
                .summary = "weight of a channel: 1/T^2, 1/T or 1"},
};

/* Infinite where there is no foreground. */
static double weight_of(double w_type, double target) {
    if (w_type == UNIFORM) return 1;
    return w_type == SIMPLE ? 1 / target : 1 / target / target;
}

/* Weights that are no use beside others count as infinite too: sums with them must not overflow. */
static int is_finite_weight(double weight) { return weight < 1e200; }

static double largest_finite(double w_type, size_t channels, const loss_sums *sums) {
    double largest = 0;
    for (size_t c = 0; c < channels; c++) {
        const double weight = weight_of(w_type, sums[c].target);
        if (is_finite_weight(weight) && weight > largest) largest = weight;
    }
    return largest;
}

static void generalized_row(const double *values, size_t channels, const loss_sums *sums, loss_cell *cells) {
    const double largest = largest_finite(values[W_TYPE], channels, sums);
    double numerator = values[SMOOTH_NR], denominator = values[SMOOTH_DR], total = 0;
    for (size_t c = 0; c < channels; c++) {
        const double own = weight_of(values[W_TYPE], sums[c].target);
        const double weight = is_finite_weight(own) ? own : largest;
        numerator += 2 * weight * sums[c].intersection;
        denominator += weight * (sums[c].prediction + sums[c].target);
        total += sums[c].total;
        cells[c] = (loss_cell){.by_intersection = 2 * weight, .by_prediction = weight};
    }
    const int counts = total > 0 && denominator > 0;
    const double score = counts ? numerator / denominator : 1, scale = counts ? 1 / denominator : 0;
    for (size_t c = 0; c < channels; c++)
        cells[c] = (loss_cell){.by_intersection = -scale * cells[c].by_intersection,
                               .by_prediction = scale * score * cells[c].by_prediction};
    cells[0].value = 1 - score;
}

static void generalized_region(const double *values, size_t rows, size_t channels, const loss_sums *sums,
                               loss_cell *cells) {
    for (size_t row = 0; row < rows; row++)
        generalized_row(values, channels, sums + row * channels, cells + row * channels);
}

static void generalized_options(const double *values, loss_region_options *options) {
    options->batch = values[BATCH] != 0;
}

LOSS_TYPE(generalized_dice) = {
    .name = "generalized_dice",
    .version = 1,
    .summary = "1 - (2 sum w I + smooth_nr) / (sum w (P+T) + smooth_dr), w = 1/T^2 of each channel",
    .citation = "Sudre et al. 2017, Generalised Dice overlap as a deep learning loss function for highly unbalanced "
                "segmentations, arXiv:1707.03237, section on loss functions for unbalanced data",
    .use = "masks of several classes of very different size, one value for all",
    .traps = "1/T^2 lets the smallest class decide, and a channel without foreground counts as much as the rarest one; "
             "with one channel an empty mask costs nothing, so false alarms on clean images go unpunished: "
             "w_type=uniform or batch=on; class_weight does not reach it",
    .kind = LOSS_MASK,
    .values = LOSS_PER_ROW,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "generalized_dice",
               .images = 1,
               .channels = 2,
               .pixels = 3,
               .width = 3,
               .input = {1.5, -0.5, 0.25, -2, 0.5, -1},
               .target = {1, 0, 0, 0, 1, 1},
               .value = 0.4071545724851772,
               .grad = {-0.059793432572798, 0.03969309375739, 0.041573059129431, 0.0044334621252396, -0.023553491257802,
                        -0.019705635316987},
               .source = "torch 1.13 float64: the formula, by autograd"},
    .region_options = generalized_options,
    .region = generalized_region,
};
