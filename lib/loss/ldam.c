/* Label-distribution-aware margin loss: cross-entropy of the logits s (z_c - m_c [c = y]), margins
   m_c = max_m (n_rarest / n_c)^(1/4), n the training counts: the rarest class has the margin max_m. A class without
   training items counts as the rarest that has some.

   K classes: the softmax, counts from class_counts; with a class_weight the mean divides by the sum of the weights of
   the items, as the authors' code does. Binary: z is the difference of the two logits, so a defect costs
   log(1+exp(-s(z - m_defect))), a good part log(1+exp(s(z + m_good))), counts from goods and defects. */
#include "lib/loss/classes.h"
#include "lib/loss/elements.h"

enum { MAX_M, SCALE, GOODS, DEFECTS };

static const param_word automatic[] = {{"auto", -1}, {NULL, 0}};

static const param params[] = {
    [MAX_M] = {.name = "max_m",
               .fallback = 0.5,
               .low = 0,
               .high = 100,
               .scale = PARAM_LINEAR,
               .tune_low = 0.1,
               .tune_high = 1,
               .summary = "margin of the rarest class, in logits before the factor s"},
    [SCALE] = {.name = "s",
               .fallback = 30,
               .low = 0.01,
               .high = 1000,
               .scale = PARAM_LOG,
               .summary = "factor on logits and margins"},
    [GOODS] = {.name = "goods",
               .fallback = -1,
               .low = 1,
               .high = 1e12,
               .scale = PARAM_LOG,
               .words = automatic,
               .summary = "good parts in the training set; binary batches only"},
    [DEFECTS] = {.name = "defects",
                 .fallback = -1,
                 .low = 1,
                 .high = 1e12,
                 .scale = PARAM_LOG,
                 .words = automatic,
                 .summary = "defects in the training set; binary batches only"},
};

static real margin_of(const double *values, double count, double rarest) {
    return (real)(values[MAX_M] * __builtin_sqrt(__builtin_sqrt(rarest / count)));
}

/* s z, without overflow: there the loss is the largest number anyway. */
LOSS_INLINE real scaled(real scale, real z) { return real_max(real_min(scale * z, REAL_MAX), -REAL_MAX); }

LOSS_INLINE element margin_element(real z, real y, real scale, real good_margin, real defect_margin) {
    const logistic good = logistic_of(scaled(scale, z + good_margin));
    const logistic defect = logistic_of(scaled(scale, z - defect_margin));
    return (element){.loss = by_label(y, good.good_loss, defect.defect_loss),
                     .slope = scale * by_label(y, good.p, -defect.q)};
}

LOSS_KERNEL static void ldam_elements(const double *values, const loss_block *block, real *restrict losses,
                                      real *restrict slopes) {
    const double rarest = values[GOODS] < values[DEFECTS] ? values[GOODS] : values[DEFECTS];
    const real good = margin_of(values, values[GOODS], rarest), defect = margin_of(values, values[DEFECTS], rarest);
    const real scale = (real)values[SCALE];
    EACH_ELEMENT(margin_element(z[i], y[i], scale, good, defect))
}

/* adjusted = s (z_c - largest z - margin [c = y]): the largest is taken off before the factor, which could overflow. */
LOSS_KERNEL static void adjust(const double *values, const loss_tile *tile, real *adjusted) {
    const real scale = (real)values[SCALE];
    const double rarest = loss_rarest_count(tile->class_counts, tile->classes);
    real largest[LOSS_TILE];
    for (size_t i = 0; i < tile->n; i++) largest[i] = tile->logit[i];
    for (size_t c = 1; c < tile->classes; c++)
        for (size_t i = 0; i < tile->n; i++) largest[i] = real_max(largest[i], tile->logit[c * LOSS_TILE + i]);
    for (size_t c = 0; c < tile->classes; c++) {
        const real margin = margin_of(values, loss_count_or(tile->class_counts[c], rarest), rarest);
        const real *restrict z = tile->logit + c * LOSS_TILE;
        real *restrict out = adjusted + c * LOSS_TILE;
        for (size_t i = 0; i < tile->n; i++)
            out[i] = scale * (z[i] - largest[i] - real_select(tile->label[i] == (int)c, margin, 0));
    }
}

static void ldam_classes(const double *values, const loss_tile *tile, real *restrict losses, real *slopes) {
    adjust(values, tile, tile_free_rows(tile));
    loss_cross_entropy(tile, tile_free_rows(tile), (real)values[SCALE], losses, slopes);
}

static const char *ldam_check_batch(const double *values, const loss_batch *batch) {
    (void)values;
    return batch->classes ? loss_lack_of_counts(batch) : NULL;
}

static void ldam_resolve(double *values, const loss_counts *counts) {
    if (values[GOODS] < 0) values[GOODS] = counts->good;
    if (values[DEFECTS] < 0) values[DEFECTS] = counts->defect;
}

static double ldam_divisor(const double *values, const loss_batch *batch) {
    (void)values;
    if (batch->classes) return batch->class_weight ? loss_weighted_items(batch) : loss_counted_items(batch);
    const size_t n = batch->images * batch->channels * batch->pixels;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += !(batch->ignore && batch->ignore[i]);
    return (double)count;
}

LOSS_TYPE(ldam) = {
    .name = "ldam",
    .version = 1,
    .summary = "ce of s (z_c - m_c [c = y]), m_c = max_m (n_rarest / n_c)^(1/4)",
    .citation = "Cao et al. 2019, Learning imbalanced datasets with label-distribution-aware margin loss, "
                "arXiv:1906.07413, equations 12 and 13",
    .use = "rare classes whose items are few enough to be learnt by heart: the margin keeps the border away from them",
    .traps =
        "made for normalised features and weights, where z is a cosine: on plain logits s = 30 makes it a hinge with "
        "gradients up to 30, so lower s or the learning rate; the margin belongs to training only; the authors "
        "switch to class weights late in training",
    .kind = LOSS_BINARY,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "ldam(s=2, goods=810, defects=10)",
               .images = 4,
               .channels = 1,
               .pixels = 1,
               .input = {-2, 0.5, 1.5, -0.25},
               .target = {0, 1, 0, 1},
               .value = 1.4470466269531128,
               .grad = {0.012462213323557, -0.25, 0.48277740216689, -0.40878723809682},
               .source =
                   "torch 1.13 float64: the authors' cross_entropy(s (z - m one-hot)) on logits (0, z), by autograd"},
    .check_batch = ldam_check_batch,
    .resolve = ldam_resolve,
    .divisor = ldam_divisor,
    .elements = ldam_elements,
    .classes = ldam_classes,
};
