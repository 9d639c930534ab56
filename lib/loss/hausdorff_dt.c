/* Hausdorff distance loss by distance transforms: the mean of (p-y)^2 w over the pixels of a mask, w = d_p^alpha +
   d_y^alpha, d the distance of a pixel to the nearest pixel of the other side of the mask p > 1/2 or y > 1/2. A mask
   without one of its sides has d = 0, as in MONAI. w is a constant for the gradient; since it changes only where a p
   crosses 1/2, that is the derivative everywhere else. Ignored pixels count as outside. */
#include "lib/loss/planes.h"

enum { ALPHA = SPACING_PARAM_COUNT };

static const param params[] = {
    SPACING_PARAMS,
    [ALPHA] = {.name = "alpha",
               .fallback = 2,
               .low = 0,
               .high = 4,
               .scale = PARAM_LINEAR,
               .tune_low = 0.5,
               .tune_high = 3,
               .summary = "power of the distances: how much far mistakes weigh more than near ones"},
};

/* x^exponent for x >= 0; 0^0 = 1. */
LOSS_INLINE real power(real x, real exponent) {
    return real_select(x > 0, real_exp(exponent * real_log(x)), exponent == 0);
}

/* Squared distances a and b become d_a^alpha + d_b^alpha in a. */
LOSS_KERNEL static void add_powers(const real *restrict b, real half_alpha, size_t n, real *restrict a) {
    if (half_alpha == 1)
        for (size_t i = 0; i < n; i++) a[i] += b[i];
    else
        for (size_t i = 0; i < n; i++) a[i] = power(a[i], half_alpha) + power(b[i], half_alpha);
}

static void hausdorff_map(const double *values, const loss_mask_map *m) {
    loss_map_distances(values, m, m->of_p, m->map);
    loss_map_distances(values, m, m->of_y, m->spare);
    add_powers(m->spare, (real)(values[ALPHA] / 2), m->height * m->width, m->map);
}

LOSS_KERNEL static void hausdorff_pixels(const double *values, const loss_mask_block *block, real *restrict losses,
                                         real *restrict slopes) {
    const real *restrict p = block->p, *restrict y = block->y, *restrict weight = block->map;
    (void)values;
    for (size_t i = 0; i < block->n; i++) {
        const real error = p[i] - y[i];
        losses[i] = error * error * weight[i];
        slopes[i] = 2 * error * weight[i];
    }
}

static double hausdorff_eval(const double *values, const loss_batch *batch, double scale, real *each, real *grad,
                             void *scratch) {
    static const loss_mask_functions functions = {.map = hausdorff_map, .map_of_p = 1, .pixels = hausdorff_pixels};
    return loss_each_mask(&functions, values, batch, scale, each, grad, scratch);
}

LOSS_TYPE(hausdorff_dt) = {
    .name = "hausdorff_dt",
    .version = 1,
    .summary = "mean of (p-y)^2 (d_p^alpha + d_y^alpha), distances to the boundaries of both masks, constant for the "
               "gradient",
    .citation = "Karimi & Salcudean 2020, Reducing the Hausdorff distance in medical image segmentation with "
                "convolutional neural networks, arXiv:1904.10030",
    .use = "beside dice or bce, when the farthest wrong pixel is what counts",
    .traps =
        "its scale grows with the image and with alpha, so it needs a small weight; on an image without defect and "
        "without any p above 1/2 it is 0 with all gradients; two distance maps an evaluation",
    .kind = LOSS_MASK,
    .values = LOSS_PER_CELL,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "hausdorff_dt",
               .images = 1,
               .channels = 1,
               .pixels = 12,
               .width = 4,
               .input = {1.5, -0.5, 0.25, -2, 0.5, -1, 2, -0.25, 1, -3, 0.75, 0},
               .target = {0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 0},
               .value = 0.637662363053184,
               .grad = {0.040646110809181, 0.029574486224879, 0.046123599127386, 0.0062577710868384, -0.029574486224879,
                        -0.047911613485738, -0.0041718473912256, 0.03592109511848, 0.047911613485738,
                        -0.014344705731976, -0.023301785113945, 0.041666666666667},
               .source = "torch 1.13 float64, weights by scipy distance_transform_edt"},
    .check_batch = loss_each_mask_check,
    .divisor = loss_each_mask_divisor,
    .eval = hausdorff_eval,
    .scratch = loss_each_mask_scratch,
    .any_activation = 1,
};
