/* Seesaw loss: cross-entropy of the logits z_j + log(M_j K_j), y the true class. M_j = min(1, (n_j/n_y)^p) mitigates
   the push on classes that are rarer than y, n counts (at least 1, as in mmdetection); K_j = max(1, (p_j / max(p_y,
   eps))^q) compensates for classes that are mistaken for y. M and K are constant for the gradient; both are 1 for j =
   y. Written with logarithms: nothing overflows. */
#include "lib/loss/classes.h"

enum { MITIGATION, COMPENSATION, EPS };

static const param params[] = {
    [MITIGATION] = {.name = "p",
                    .fallback = 0.8,
                    .low = 0,
                    .high = 10,
                    .scale = PARAM_LINEAR,
                    .tune_low = 0,
                    .tune_high = 2,
                    .summary = "exponent of the ratio of counts; 0 needs no counts"},
    [COMPENSATION] = {.name = "q",
                      .fallback = 2,
                      .low = 0,
                      .high = 10,
                      .scale = PARAM_LINEAR,
                      .tune_low = 0,
                      .tune_high = 3,
                      .summary = "exponent of the ratio of probabilities"},
    [EPS] = {.name = "eps",
             .fallback = 0.01,
             .low = 1e-30,
             .high = 1,
             .scale = PARAM_LOG,
             .summary = "the true class's probability in that ratio is at least this"},
};

static const char *seesaw_check_batch(const double *values, const loss_batch *batch) {
    return values[MITIGATION] > 0 ? loss_lack_of_counts(batch) : NULL;
}

static real log_count(const loss_tile *tile, size_t class_index) {
    const double count = tile->class_counts[class_index];
    return (real)repro_log(count > 1 ? count : 1);
}

/* adjusted = z + log M */
LOSS_KERNEL static void mitigate(const loss_tile *tile, real exponent, real *adjusted) {
    real own[LOSS_TILE] = {0};
    for (size_t c = 0; c < tile->classes && exponent > 0; c++) {
        const real other = log_count(tile, c);
        for (size_t i = 0; i < tile->n; i++) own[i] = real_select(tile->label[i] == (int)c, other, own[i]);
    }
    for (size_t c = 0; c < tile->classes; c++) {
        const real other = exponent > 0 ? log_count(tile, c) : 0;
        const real *restrict z = tile->logit + c * LOSS_TILE;
        real *restrict out = adjusted + c * LOSS_TILE;
        for (size_t i = 0; i < tile->n; i++) out[i] = real_fma(exponent, real_min(other - own[i], 0), z[i]);
    }
}

/* adjusted += log K */
LOSS_KERNEL static void compensate(const loss_tile *tile, const tile_softmax *s, real exponent, real log_eps,
                                   real *restrict adjusted) {
    real own[LOSS_TILE];
    for (size_t i = 0; i < tile->n; i++) own[i] = real_max(-s->true_loss[i], log_eps);
    for (size_t c = 0; c < tile->classes; c++)
        for (size_t i = 0; i < tile->n; i++) {
            const size_t at = c * LOSS_TILE + i;
            const real excess = real_select(tile->label[i] == (int)c, 0, s->log_p[at] - own[i]);
            adjusted[at] = real_fma(exponent, real_max(excess, 0), adjusted[at]);
        }
}

static void seesaw_classes(const double *values, const loss_tile *tile, real *restrict losses, real *slopes) {
    real *adjusted = tile_free_rows(tile);
    mitigate(tile, (real)values[MITIGATION], adjusted);
    if (values[COMPENSATION] > 0) {
        tile_softmax s = tile_softmax_in_scratch(tile);
        loss_softmax(tile, tile->logit, &s);
        compensate(tile, &s, (real)values[COMPENSATION], (real)repro_log(values[EPS]), adjusted);
    }
    loss_cross_entropy(tile, adjusted, 1, losses, slopes);
}

LOSS_TYPE(seesaw) = {
    .name = "seesaw",
    .version = 1,
    .summary = "ce of z_j + log(M_j K_j): counts and mistakes shift the logits, constant for the gradient",
    .citation = "Wang et al. 2021, Seesaw loss for long-tailed instance segmentation, arXiv:2008.10032",
    .use = "many classes with a long tail, where frequent classes push the rare ones down",
    .traps =
        "mmdetection counts the items it has seen so far, so that its loss drifts in the first epochs: here counts "
        "are given; the gradient is not the derivative of the value, by design (M and K are held), so checks by "
        "differences fail unless q = 0",
    .kind = LOSS_MULTICLASS,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "seesaw",
               .images = 2,
               .channels = 3,
               .pixels = 1,
               .input = {1, 2, 3, 0.5, -1, 0.25},
               .target = {0, 2},
               .class_counts = {50, 10, 4},
               .value = 2.6598115028584948,
               .grad = {-0.49167060503005, 0.046165856632283, 0.44550474839777, 0.31100294147264, 0.042089671171619,
                        -0.35309261264426},
               .source = "torch 1.13 float64: the lines of mmdetection 3.3.0 seesaw_ce_loss, by autograd"},
    .check_batch = seesaw_check_batch,
    .classes = seesaw_classes,
};
