/* Nearest up-sampling: out[y][x] = in[y/2][x/2]. */
#include "lib/base/simd.h"
#include "lib/nn/kernels.h"
#include "lib/nn/layer.h"

static void forward(const layer *l, size_t first, size_t count) {
    (void)count;
    const tensor *in = l->in, *out = l->out;
    for (size_t y = 0; y < out->shape.height; y++) {
        const float *from = tensor_value(in, first) + y / 2 * tensor_row(in);
        float *to = tensor_value(out, first) + y * tensor_row(out);
        for (size_t x = 0; x < out->shape.width; x++)
            for (size_t c = 0; c < in->shape.channels; c += SIMD_LANES)
                simd_store(to + x * out->stride + c, simd_load(from + x / 2 * in->stride + c));
    }
}

/* The four pixels' gradients are added as (upper left + right) + (lower left + right). */
static void backward(const layer *l, size_t first, size_t count) {
    (void)count;
    const tensor *in = l->in, *out = l->out;
    const size_t row = out->shape.width * out->stride, pixel = out->stride;
    for (size_t y = 0; y < in->shape.height; y++) {
        const float *from = tensor_gradient(out, first) + 2 * y * row;
        float *to = tensor_gradient(in, first) + y * in->shape.width * in->stride;
        for (size_t x = 0; x < in->shape.width; x++, from += 2 * pixel, to += in->stride)
            for (size_t c = 0; c < in->shape.channels; c += SIMD_LANES) {
                const simd_float upper = simd_load(from + c) + simd_load(from + pixel + c);
                const simd_float sum = upper + (simd_load(from + row + c) + simd_load(from + row + pixel + c));
                simd_store(to + c, l->adds ? simd_load(to + c) + sum : sum);
            }
    }
}

static const layer_type upsample = {"upsample", 0, forward, backward};

tensor *net_upsample_into(nn_net *net, tensor *in, tensor *out, lb_error *error) {
    if (!in || !out) return NULL;
    if (in->shape.channels == out->shape.channels && in->shape.channels % NN_PANEL == 0 &&
        out->shape.height == 2 * in->shape.height && out->shape.width == 2 * in->shape.width)
        return net_layer(net, &upsample, in, out, error) ? out : NULL;
    lb_fail(error, LB_INVALID, "upsample layer: %zux%zux%zu cannot become %zux%zux%zu", in->shape.height,
            in->shape.width, in->shape.channels, out->shape.height, out->shape.width, out->shape.channels);
    return NULL;
}
