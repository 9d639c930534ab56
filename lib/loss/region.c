/* Ratios of sums over regions: region.h. */
#include "lib/loss/region.h"

#include <math.h>

const param_word loss_switch_words[] = {{"off", 0}, {"on", 1}, {NULL, 0}};
const param_word loss_average_words[] = {{"macro", 0}, {"micro", 1}, {NULL, 0}};

void loss_ratio_options(const double *params, loss_region_options *options) {
    options->batch = params[BATCH] != 0;
    options->squared = params[SQUARED] != 0;
    options->micro = params[AVERAGE] != 0;
}

region_term loss_ratio_score(const double *params, region_term numerator, region_term denominator) {
    if (denominator.value < params[DEN_MIN]) denominator = (region_term){.value = params[DEN_MIN]};
    if (!(denominator.value > 0)) return (region_term){.value = 1};
    const double score = numerator.value / denominator.value;
    return (region_term){score, (numerator.by_intersection - score * denominator.by_intersection) / denominator.value,
                         (numerator.by_prediction - score * denominator.by_prediction) / denominator.value};
}

loss_cell loss_ratio_cost(const double *params, const loss_sums *sums, region_term numerator, region_term denominator) {
    if (params[EMPTY_ZERO] != 0 && !(sums->target > 0)) return (loss_cell){0};
    const region_term score = loss_ratio_score(params, numerator, denominator);
    if (params[LOG_LOSS] == 0) return (loss_cell){1 - score.value, -score.by_intersection, -score.by_prediction};
    if (score.value <= params[LOG_EPS]) return (loss_cell){.value = -repro_log(params[LOG_EPS])};
    return (loss_cell){-repro_log(score.value), -score.by_intersection / score.value,
                       -score.by_prediction / score.value};
}

loss_cell loss_dice_cost(const double *params, const loss_sums *sums) {
    const region_term numerator = {.value = 2 * sums->intersection + params[SMOOTH_NR], .by_intersection = 2};
    const region_term denominator = {.value = sums->prediction + sums->target + params[SMOOTH_DR], .by_prediction = 1};
    return loss_ratio_cost(params, sums, numerator, denominator);
}

static loss_cell scaled(loss_cell cost, double value, double slope) {
    return (loss_cell){value, slope * cost.by_intersection, slope * cost.by_prediction};
}

loss_cell loss_cost_power(loss_cell cost, double exponent) {
    const double smallest = 1e-16;
    if (!(cost.value > 0)) return (loss_cell){0};
    const double slope = repro_exp((exponent - 1) * repro_log(fmax(cost.value, smallest)));
    return scaled(cost, slope * cost.value, cost.value < smallest ? slope : exponent * slope);
}

/* 1 - D = wrong / denominator without the difference; nothing there and nothing predicted is no miss. */
static loss_cell missed(region_term wrong, region_term denominator) {
    if (!(denominator.value > 0)) return (loss_cell){0};
    const double share = wrong.value / denominator.value;
    return (loss_cell){share, (wrong.by_intersection - share * denominator.by_intersection) / denominator.value,
                       (wrong.by_prediction - share * denominator.by_prediction) / denominator.value};
}

/* false positives of the one class are false negatives of the other; the background's true positives are N-P-T+I */
region_pair loss_pair_costs(const loss_sums *sums, double delta, double smooth) {
    const double high = sums->prediction - sums->intersection, low = sums->target - sums->intersection;
    const double fore = delta * low + (1 - delta) * high, back = delta * high + (1 - delta) * low;
    const double outside = sums->total - sums->target - high;
    return (region_pair){
        .background = missed((region_term){back, -1, delta}, (region_term){outside + back + smooth, 0, delta - 1}),
        .foreground = missed((region_term){fore, -1, 1 - delta},
                             (region_term){sums->intersection + fore + smooth, 0, 1 - delta})};
}
