/* Normalised Wasserstein distance: 1 - exp(-d / constant), d^2 = dx^2 + dy^2 + ((w-wg)^2 + (h-hg)^2) / 4 + eps, the
   distance of two Gaussians in place of the boxes. The slope at d = 0 is 0. */
#include "lib/loss/boxes.h"

enum { CONSTANT = BOX_EPS + 1 };

static const param params[] = {
    BOX_EPS_PARAM,
    [CONSTANT] = {.name = "constant",
                  .fallback = 12.8,
                  .low = 1e-6,
                  .high = 1e6,
                  .scale = PARAM_LOG,
                  .tune_low = 1,
                  .tune_high = 100,
                  .summary = "distance at which the loss is 0.63, near the mean size of the objects, in units of the "
                             "coordinates"},
};

/* A quarter of the difference of sides: the derivative of its share of d^2, by the side, is twice that. */
LOSS_INLINE real quarter_growth(const box_axis *a) { return (real)0.25 * (a->size - a->target_size); }

/* Offsets and sides are in the pair's unit, the distance in coordinates, where its square may overflow. */
LOSS_INLINE box_cost nwd_cost(const box_pair *pair, real eps, real one_over_constant) {
    const real dx = pair->x.offset, dy = pair->y.offset;
    const real dw = quarter_growth(&pair->x), dh = quarter_growth(&pair->y);
    const real plain = pair->unit * real_sqrt(dx * dx + dy * dy + 4 * (dw * dw + dh * dh));
    const real distance = real_select(eps > 0, real_sqrt(real_min(plain * plain, REAL_MAX) + eps), real_capped(plain));
    const real decay = real_exp_negative(distance * one_over_constant);
    const real per_distance = real_min(real_select(distance > 0, pair->unit / distance, 0), (real)0x1p100);
    const real slope = decay * one_over_constant * per_distance;
    return (box_cost){.loss = (real)1 - decay,
                      .x = {.size = slope * dw * pair->unit, .offset = slope * dx * pair->unit},
                      .y = {.size = slope * dh * pair->unit, .offset = slope * dy * pair->unit}};
}

LOSS_KERNEL static void nwd_boxes(const double *values, const loss_boxes *boxes, real *restrict losses,
                                  real (*restrict slopes)[LOSS_TILE]) {
    const real eps = (real)values[BOX_EPS], one_over_constant = (real)(1 / values[CONSTANT]);
    EACH_BOX(nwd_cost(&pair, eps, one_over_constant))
}

LOSS_TYPE(nwd) = {
    .name = "nwd",
    .version = 1,
    .summary = "1 - exp(-d/constant), d^2 = dx^2 + dy^2 + ((w-wg)^2 + (h-hg)^2)/4",
    .citation = "Wang et al. 2021, A normalized Gaussian Wasserstein distance for tiny object detection, "
                "arXiv:2110.13389",
    .use = "objects of a few pixels, where IoU jumps with every pixel",
    .traps =
        "constant is in units of the coordinates: 12.8 suits pixels of the authors' data, not boxes in units of the "
        "image; far boxes have no slope; peers add eps = 1e-7 under the root, so that equal boxes cost 2e-5",
    .kind = LOSS_BOX,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "nwd(constant=2)",
               .images = 3,
               .channels = 4,
               .pixels = 1,
               .input = {1, 1, 4, 3, 6, 2, 8, 7, 0, 0, 1, 2},
               .target = {2, 0.5, 4.5, 4, 5.5, 3, 9, 6, 3, 4, 5, 5},
               .value = 0.605822354783531,
               .grad = {-0.0426172823154435, 0.0213086411577217, -0.0213086411577217, -0.0426172823154435,
                        0.0172803514471227, -0.0345607028942454, -0.0345607028942454, 0.0345607028942454,
                        -0.00410424993119494, -0.00547233324159325, -0.00547233324159325, -0.00410424993119494},
               .source = "PyTorch 1.13, the formula written out in float64, gradient by autograd"},
    .boxes = nwd_boxes,
};
