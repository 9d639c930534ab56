/* The ratio that dice, iou and tversky are: region.h. */
#include "lib/loss/region.h"

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
