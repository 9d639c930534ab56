/* Boundary loss: the mean of p phi over the pixels of a mask. phi is the distance to the defects outside of them, and
   less than 0 inside: phi = edt(outside) outside - (edt(inside) - 1) inside as the authors' one_hot2dist makes it,
   exact Euclidean; the rim of a defect has phi 0 where spacing is 1. y > 1/2 is inside; ignored pixels count as
   outside. Without foreground phi is 0, and without background (where the authors' code has no distances to take) it is
   0 too: a mask without a boundary costs nothing. */
#include "lib/loss/planes.h"

static const param params[] = {
    SPACING_PARAMS,
};

/* `phi` holds squared distances; those of a mask with one side only are 0. */
LOSS_KERNEL static void fill_phi(const unsigned char *restrict inside, size_t n, real *restrict phi) {
    for (size_t i = 0; i < n; i++) {
        const real distance = real_sqrt(phi[i]);
        phi[i] = real_select(inside[i] & (distance > 0), 1 - distance, distance);
    }
}

LOSS_KERNEL static void fill_products(const real *restrict a, const real *restrict b, size_t n, real *restrict out) {
    for (size_t i = 0; i < n; i++) out[i] = a[i] * b[i];
}

static void boundary_mask(const double *values, const loss_mask *mask) {
    const size_t n = mask->pixels;
    if (mask->map)
        for (size_t i = 0; i < n; i++) mask->slope[i] = mask->map[i];
    else {
        loss_mask_distances(values, mask, mask->y, mask->slope);
        fill_phi(mask->inside, n, mask->slope);
    }
    fill_products(mask->p, mask->slope, n, mask->loss);
}

static double boundary_eval(const double *values, const loss_batch *batch, double scale, real *each, real *grad,
                            void *scratch) {
    return loss_each_mask(boundary_mask, values, batch, scale, each, grad, scratch);
}

LOSS_TYPE(boundary) = {
    .name = "boundary",
    .version = 1,
    .summary = "mean of p phi, phi the signed distance to the boundary of the defects",
    .citation = "Kervadec et al. 2019, Boundary loss for highly unbalanced segmentation, arXiv:1812.07032, equation 5",
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
