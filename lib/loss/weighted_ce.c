/* Cross-entropy with a weight for each class: w_y (-log p_y). The weights are the batch's class_weight; without one,
   inverse frequency from class_counts, w_c = (1/n_c) / mean_k(1/n_k), so that they average 1 over the classes (a class
   without items counts as the rarest that has some). The mean divides by the sum of the weights of the items, as torch
   does, or by their number. All weights 0: value 0, gradient 0. */
#include "lib/loss/classes.h"
#include "lib/loss/evaluate.h"

enum { MEAN_DIVISOR };
enum { WEIGHT_SUM, COUNT };

static const param_word divisor_words[] = {{"weight_sum", WEIGHT_SUM}, {"count", COUNT}, {NULL, 0}};

static const param params[] = {
    [MEAN_DIVISOR] = {.name = "mean_divisor",
                      .fallback = WEIGHT_SUM,
                      .low = WEIGHT_SUM,
                      .high = COUNT,
                      .scale = PARAM_CHOICE,
                      .words = divisor_words,
                      .summary = "what the mean divides by: the sum of the weights of the items, or their number"},
};

static const char *weighted_ce_check_batch(const double *values, const loss_batch *batch) {
    (void)values;
    if (batch->class_weight || batch->class_counts) return NULL;
    return "it needs class_weight, or class_counts, the number of training items of each class";
}

/* 1 / n_c over the mean of that. */
typedef struct {
    double rarest, mean;
} frequency_scale;

static frequency_scale frequency_scale_of(const loss_batch *batch) {
    frequency_scale scale = {.rarest = loss_rarest_count(batch->class_counts, batch->channels)};
    for (size_t c = 0; c < batch->channels; c++) scale.mean += 1 / loss_count_or(batch->class_counts[c], scale.rarest);
    scale.mean /= (double)batch->channels;
    return scale;
}

static double inverse_frequency(const frequency_scale *scale, double count) {
    return 1 / (loss_count_or(count, scale->rarest) * scale->mean);
}

static double weighted_ce_factor(const double *values, const loss_batch *batch, size_t class_index) {
    (void)values;
    if (batch->class_weight) return 1;
    const frequency_scale scale = frequency_scale_of(batch);
    return inverse_frequency(&scale, batch->class_counts[class_index]);
}

static double weighted_ce_divisor(const double *values, const loss_batch *batch) {
    if (values[MEAN_DIVISOR] == COUNT) return loss_counted_items(batch);
    if (batch->class_weight) return loss_weighted_items(batch);
    const frequency_scale scale = frequency_scale_of(batch);
    double sum = 0;
    for (size_t i = 0, n = batch_items(batch, LOSS_MULTICLASS); i < n; i++)
        if (!is_ignored(batch, i))
            sum += item_weight(batch, i) * inverse_frequency(&scale, batch->class_counts[batch->classes[i]]);
    return sum;
}

static void weighted_ce_classes(const double *values, const loss_tile *tile, real *restrict losses, real *slopes) {
    (void)values;
    loss_cross_entropy(tile, tile->logit, 1, losses, slopes);
}

LOSS_TYPE(weighted_ce) = {
    .name = "weighted_ce",
    .version = 1,
    .summary = "w_y (-log p_y) over the softmax; w: class_weight, or inverse frequency",
    .citation = "King and Zeng 2001, Logistic regression in rare events data, weighting; mean over weights as "
                "torch.nn.CrossEntropyLoss",
    .use = "K classes of unlike frequency when every class counts the same in the end",
    .traps =
        "with mean_divisor=weight_sum a batch of one class has the mean of ce whatever its weight: the weights act "
        "between the classes of a batch only, so small batches blunt them; mmdetection, mmsegmentation and Keras "
        "divide by the number of items, which is another learning rate",
    .kind = LOSS_MULTICLASS,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "weighted_ce",
               .images = 3,
               .channels = 3,
               .pixels = 1,
               .input = {1, 2, 3, 0.5, -1, 0.25, -0.5, 0, 1},
               .target = {0, 2, 1},
               .class_counts = {50, 10, 4},
               .value = 1.1638298494598938,
               .grad = {-0.049187536585385, 0.013228566002962, 0.035958970582423, 0.33751197960352, 0.075309102060948,
                        -0.41282108166447, 0.037903887342186, -0.20777732496699, 0.1698734376248},
               .source = "torch 1.13 float64: cross_entropy(z, y, weight=w), w = (1/n) / mean(1/n)"},
    .check_batch = weighted_ce_check_batch,
    .divisor = weighted_ce_divisor,
    .classes = weighted_ce_classes,
    .class_factor = weighted_ce_factor,
};
