/* Minimum point distance IoU: 1 - IoU + (d1^2 + d2^2) / (img_w^2 + img_h^2), d1 and d2 the distances of the upper left
   and the lower right corners. Along an axis the squares of both corner distances sum to 2 offset^2 +
   (size-target)^2/2. Derivatives beyond 2^100 in the unit of the pair (boxes 1e20 images apart) count as it. */
#include "lib/loss/boxes.h"

enum { IMG_W = BOX_EPS + 1, IMG_H };

static const param params[] = {
    BOX_EPS_PARAM,
    [IMG_W] = {.name = "img_w",
               .fallback = 640,
               .low = 1e-6,
               .high = 1e6,
               .scale = PARAM_LOG,
               .summary = "width of the image, in units of the coordinates"},
    [IMG_H] = {.name = "img_h",
               .fallback = 640,
               .low = 1e-6,
               .high = 1e6,
               .scale = PARAM_LOG,
               .summary = "height of the image, in units of the coordinates"},
};

LOSS_INLINE real bounded(real x) { return real_max(real_min(x, (real)0x1p100), (real)-0x1p100); }

/* `per_diagonal`: the pair's unit over the diagonal of the image. */
LOSS_INLINE void add_corners(real *sum, box_slopes *by, const box_axis *a, real per_diagonal) {
    const real offset = a->offset * per_diagonal, growth = (a->size - a->target_size) * per_diagonal;
    *sum += 2 * offset * offset + (real)0.5 * growth * growth;
    by->offset = bounded(4 * offset * per_diagonal);
    by->size += bounded(growth * per_diagonal);
}

LOSS_INLINE box_cost mpdiou_cost(const box_pair *pair, real eps, real one_over_diagonal) {
    const box_iou o = pair_iou(pair, eps);
    box_cost cost = cost_by_iou(pair, &o, o.distance, -1);
    const real per_diagonal = pair->unit * one_over_diagonal;
    add_corners(&cost.loss, &cost.x, &pair->x, per_diagonal);
    add_corners(&cost.loss, &cost.y, &pair->y, per_diagonal);
    return cost;
}

LOSS_KERNEL static void mpdiou_boxes(const double *values, const loss_boxes *boxes, real *restrict losses,
                                     real (*restrict slopes)[LOSS_TILE]) {
    const real eps = (real)values[BOX_EPS];
    const double square = values[IMG_W] * values[IMG_W] + values[IMG_H] * values[IMG_H];
    const real one_over_diagonal = (real)(1 / __builtin_sqrt(square));
    EACH_BOX(mpdiou_cost(&pair, eps, one_over_diagonal))
}

LOSS_TYPE(mpdiou) = {
    .name = "mpdiou",
    .version = 1,
    .summary = "1 - IoU + (d1^2+d2^2)/(img_w^2+img_h^2), d1, d2 the distances of two corners",
    .citation = "Ma and Xu 2023, MPDIoU, arXiv:2307.07662",
    .use = "as eiou, with one term for centre and size",
    .traps = "depends on the size of the image: boxes in units of the image need img_w = img_h = 1",
    .kind = LOSS_BOX,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "mpdiou(img_w=10, img_h=8)",
               .images = 3,
               .channels = 4,
               .pixels = 1,
               .input = {1, 1, 4, 3, 6, 2, 8, 7, 0, 0, 1, 2},
               .target = {2, 0.5, 4.5, 4, 5.5, 3, 9, 6, 3, 4, 5, 5},
               .value = 0.851350965895385,
               .grad = {-0.0271405769763485, 0.0525102560382013, -0.0640480242011722, -0.0545427763634045,
                        0.0519730672930986, -0.0230900109238905, -0.0540055876183019, 0.0230900109238905,
                        -0.0121951219512195, -0.016260162601626, -0.016260162601626, -0.0121951219512195},
               .source = "PyTorch 1.13, the formula written out in float64, gradient by autograd"},
    .boxes = mpdiou_boxes,
};
