/* Max pooling 2x2 (odd last row and column dropped), and global pooling: the maximum of each channel, then the mean of
   each channel. Where several pixels share the maximum, the first in reading order gets the gradient. */
#include "lib/base/simd.h"
#include "lib/nn/kernels.h"
#include "lib/nn/layer.h"

#include <string.h>

/* a > b ? a : b, so that a NaN in b stays: maximum(new, old) */
SIMD_INLINE simd_float maximum(simd_float a, simd_float b) { return simd_choose((simd_int)(a > b), a, b); }

static void max_pool_forward(const layer *l, size_t first, size_t count) {
    (void)count;
    const tensor *in = l->in, *out = l->out;
    for (size_t y = 0; y < out->shape.height; y++) {
        const float *from = tensor_value(in, first) + 2 * y * tensor_row(in), *below = from + tensor_row(in);
        float *to = tensor_value(out, first) + y * tensor_row(out);
        for (size_t x = 0; x < out->shape.width; x++)
            for (size_t c = 0; c < out->shape.channels; c += SIMD_LANES) {
                const size_t left = 2 * x * in->stride + c, right = left + in->stride;
                const simd_float upper = maximum(simd_load(from + right), simd_load(from + left));
                const simd_float lower = maximum(simd_load(below + right), simd_load(below + left));
                simd_store(to + x * out->stride + c, maximum(lower, upper));
            }
    }
}

/* Puts a gradient at an input pixel: `adds` where another layer's part is there. */
SIMD_INLINE void put(float *at, simd_float gradient, int adds) {
    simd_store(at, adds ? simd_load(at) + gradient : gradient);
}

/* The gradient of one pooled vector to the first maximum of its four pixels; `below`: floats to the next row. */
SIMD_INLINE void spread(const int adds, const float *in, size_t right, size_t below, simd_float most,
                        simd_float gradient, float *to, size_t to_below) {
    const size_t from[3] = {0, right, below}, at[3] = {0, right, to_below};
    for (int i = 0; i < 3; i++) {
        const simd_int here = (simd_int)(simd_load(in + from[i]) == most);
        put(to + at[i], simd_keep(here, gradient), adds);
        gradient = simd_keep(~here, gradient);
    }
    put(to + to_below + right, gradient, adds);
}

SIMD_INLINE void spread_row(const int adds, const tensor *in, const tensor *out, const float *value, const float *most,
                            const float *gradient, float *to) {
    const size_t below = tensor_row(in), to_below = in->shape.width * in->stride;
    for (size_t x = 0; x < out->shape.width; x++)
        for (size_t c = 0; c < out->shape.channels; c += SIMD_LANES) {
            const size_t corner = 2 * x * in->stride + c, pooled = x * out->stride + c;
            spread(adds, value + corner, in->stride, below, simd_load(most + pooled), simd_load(gradient + pooled),
                   to + corner, to_below);
        }
}

/* The dropped row and column keep the zeros they were allocated with. */
static void max_pool_backward(const layer *l, size_t first, size_t count) {
    (void)count;
    const tensor *in = l->in, *out = l->out;
    const float *value = tensor_value(in, first), *most = tensor_value(out, first);
    const float *gradient = tensor_gradient(out, first);
    float *to = tensor_gradient(in, first);
    for (size_t y = 0; y < out->shape.height; y++) {
        if (l->adds)
            spread_row(1, in, out, value, most, gradient, to);
        else
            spread_row(0, in, out, value, most, gradient, to);
        value += 2 * tensor_row(in);
        most += tensor_row(out);
        gradient += out->shape.width * out->stride;
        to += 2 * in->shape.width * in->stride;
    }
}

static void global_forward(const layer *l, size_t first, size_t count) {
    (void)count;
    const tensor *in = l->in;
    const size_t channels = in->shape.channels, row = tensor_row(in), height = in->shape.height;
    const size_t width = in->shape.width, pixel = in->stride;
    const simd_float pixels = simd_all((float)(height * width));
    float *out = tensor_value(l->out, first);
    for (size_t c = 0; c < channels; c += SIMD_LANES) {
        const float *from = tensor_value(in, first) + c;
        simd_float most = simd_load(from), sum = simd_all(0);
        for (size_t y = 0; y < height; y++, from += row)
            for (size_t x = 0; x < width; x++) {
                const simd_float value = simd_load(from + x * pixel);
                most = maximum(value, most);
                sum += value;
            }
        simd_store(out + c, most);
        simd_store(out + channels + c, sum / pixels);
    }
}

/* One vector of channels: the mean's gradient everywhere, that of the maximum at its first pixel. */
SIMD_INLINE void spread_global(const int adds, const tensor *in, const float *value, simd_float most,
                               simd_float gradient, simd_float mean, float *to) {
    const size_t row = tensor_row(in), pixel = in->stride;
    for (size_t y = 0; y < in->shape.height; y++, value += row)
        for (size_t x = 0; x < in->shape.width; x++, to += pixel) {
            const simd_int here = (simd_int)(simd_load(value + x * pixel) == most);
            put(to, mean + simd_keep(here, gradient), adds);
            gradient = simd_keep(~here, gradient);
        }
}

static void global_backward(const layer *l, size_t first, size_t count) {
    (void)count;
    const tensor *in = l->in;
    const size_t channels = in->shape.channels;
    const float *out = tensor_value(l->out, first), *gradient = tensor_gradient(l->out, first);
    const float *value = tensor_value(in, first);
    float *to = tensor_gradient(in, first);
    const simd_float pixels = simd_all((float)(in->shape.height * in->shape.width));
    for (size_t c = 0; c < channels; c += SIMD_LANES) {
        const simd_float most = simd_load(out + c), of_most = simd_load(gradient + c);
        const simd_float of_mean = simd_load(gradient + channels + c) / pixels;
        if (l->adds)
            spread_global(1, in, value + c, most, of_most, of_mean, to + c);
        else
            spread_global(0, in, value + c, most, of_most, of_mean, to + c);
    }
}

static const layer_type max_pool = {"max_pool", 0, max_pool_forward, max_pool_backward};
static const layer_type global_pool = {"global_pool", 0, global_forward, global_backward};

static tensor *add_pool(nn_net *net, const layer_type *type, tensor *in, nn_shape shape, size_t halo, lb_error *error) {
    if (in->shape.channels % NN_PANEL || !shape.height || !shape.width) {
        lb_fail(error, LB_INVALID,
                "%s layer: cannot pool %zux%zu pixels of %zu channels (at least 2x2 of a multiple of %d)", type->name,
                in->shape.height, in->shape.width, in->shape.channels, NN_PANEL);
        return NULL;
    }
    tensor *out = net_tensor(net, shape, halo, error);
    return out && net_layer(net, type, in, out, error) ? out : NULL;
}

tensor *net_max_pool(nn_net *net, tensor *in, lb_error *error) {
    if (!in) return NULL;
    const nn_shape shape = {in->shape.height / 2, in->shape.width / 2, in->shape.channels};
    return add_pool(net, &max_pool, in, shape, 1, error);
}

tensor *net_global_pool(nn_net *net, tensor *in, lb_error *error) {
    if (!in) return NULL;
    const nn_shape shape = {1, 1, 2 * in->shape.channels};
    return add_pool(net, &global_pool, in, shape, 0, error);
}
