/* Cross-entropy over K classes: -log p_y, p the softmax of the logits; with label smoothing s: (1-s) (-log p_y) + s
   mean_c(-log p_c). The slope by logit c is p_c - (1-s) [c = y] - s/K. */
#include "lib/loss/classes.h"

enum { LABEL_SMOOTHING };

static const param params[] = {
    [LABEL_SMOOTHING] = {.name = "label_smoothing",
                         .fallback = 0,
                         .low = 0,
                         .high = 1,
                         .scale = PARAM_LINEAR,
                         .summary = "share of each label that is spread evenly over all classes"},
};

static void ce_classes(const double *values, const loss_tile *tile, real *restrict losses, real *slopes) {
    const real smoothing = (real)values[LABEL_SMOOTHING], spread = smoothing / (real)tile->classes;
    tile_softmax s = tile_softmax_in_scratch(tile);
    loss_softmax(tile, tile->logit, &s);
    for (size_t i = 0; i < tile->n; i++) losses[i] = ((real)1 - smoothing) * s.true_loss[i];
    for (size_t c = 0; c < tile->classes; c++)
        for (size_t i = 0; i < tile->n; i++) {
            const size_t at = c * LOSS_TILE + i;
            losses[i] -= spread * s.log_p[at];
            slopes[at] = real_select(tile->label[i] == (int)c, smoothing - s.miss[i], s.p[at]) - spread;
        }
}

LOSS_TYPE(ce) = {
    .name = "ce",
    .version = 1,
    .summary = "-log p_y over the softmax",
    .citation = "Cox 1966, Some procedures associated with the logistic qualitative response curve; label smoothing: "
                "Szegedy et al. 2016, arXiv:1512.00567",
    .use = "K classes of comparable frequency; the baseline of every table",
    .traps = "frequent classes carry the gradient: rare defect types are learnt last",
    .kind = LOSS_MULTICLASS,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "ce",
               .images = 1,
               .channels = 3,
               .pixels = 1,
               .input = {1, 2, 3},
               .target = {0},
               .value = 2.4076059644443806,
               .grad = {-0.9099694268296196, 0.24472847105479767, 0.6652409557748219},
               .source = "numpy float64: log(e+e^2+e^3) - 1"},
    .classes = ce_classes,
};
