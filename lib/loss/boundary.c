/* Boundary loss: the mean of p phi over the pixels of a mask. phi is the distance to the defects outside of them, and
   less than 0 inside: phi = edt(outside) outside - (edt(inside) - 1) inside as the authors' one_hot2dist makes it,
   exact Euclidean; the rim of a defect has phi 0 where spacing is 1. y > 1/2 is inside; ignored pixels count as
   outside. Without foreground phi is 0, and without background (where the authors' code has no distances to take) it is
   0 too: a mask without a boundary costs nothing. */
#include "lib/loss/planes.h"

static const param params[] = {
    SPACING_PARAMS,
};

static void boundary_map(const double *values, const loss_mask_map *m) {
    loss_map_distances(values, m, m->of_y, m->map);
}

/* phi from the squared distance, which is 0 where a mask has one side only. */
LOSS_INLINE real signed_distance(real squared, real y) {
    const real distance = real_sqrt(squared);
    return real_select((y > (real)0.5) & (distance > 0), 1 - distance, distance);
}

LOSS_KERNEL static void fill_phi(const real *restrict map, const real *restrict y, int made, size_t n,
                                 real *restrict phi) {
    if (made)
        for (size_t i = 0; i < n; i++) phi[i] = signed_distance(map[i], y[i]);
    else
        for (size_t i = 0; i < n; i++) phi[i] = map[i];
}

LOSS_KERNEL static void boundary_pixels(const double *values, const loss_mask_block *block, real *restrict losses,
                                        real *restrict slopes) {
    const real *restrict p = block->p;
    (void)values;
    fill_phi(block->map, block->y, block->made, block->n, slopes);
    for (size_t i = 0; i < block->n; i++) losses[i] = p[i] * slopes[i];
}

static double boundary_eval(const double *values, const loss_batch *batch, double scale, real *each, real *grad,
                            void *scratch) {
    static const loss_mask_functions functions = {.map = boundary_map, .pixels = boundary_pixels};
    return loss_each_mask(&functions, values, batch, scale, each, grad, scratch);
}

LOSS_TYPE(boundary) = {
    .name = "boundary",
    .version = 1,
    .summary = "mean of p phi, phi the signed distance to the boundary of the defects",
    .citation = "Kervadec et al. 2019, Boundary loss for highly unbalanced segmentation, arXiv:1812.07032",
    .use = "beside dice or bce, with a weight that grows during training: small defects, where the distance of a false "
           "pixel matters",
    .traps = "alone it is least for the empty prediction wherever defects are small; its values are below 0 for good "
             "masks; a clean image costs nothing, so false alarms on it go unpunished; its scale grows with the image",
    .kind = LOSS_MASK,
    .values = LOSS_PER_CELL,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "boundary",
               .images = 1,
               .channels = 1,
               .pixels = 12,
               .width = 4,
               .input = {1.5, -0.5, 0.25, -2, 0.5, -1, 2, -0.25, 1, -3, 0.75, 0},
               .target = {0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 0},
               .value = 0.2995626760516646,
               .grad = {0.012428871005861, 0.019583642683466, 0.020511173561467, 0.012373612703318, 0, 0, 0,
                        0.020511173561467, 0.016384327770123, 0, 0, 0.020833333333333},
               .source = "torch 1.13 float64, phi by scipy distance_transform_edt"},
    .check_batch = loss_each_mask_check,
    .divisor = loss_each_mask_divisor,
    .eval = boundary_eval,
    .scratch = loss_each_mask_scratch,
    .any_activation = 1,
};
