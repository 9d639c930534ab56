/* Layers with weights: 3x3 convolution with zero padding (one image at a time) and dense (the batch at once, a sample
   being a pixel). out[y][x][o] = bias[o] + sum over ky, kx, i of weight[o][ky][kx][i] in[y+ky-1][x+kx-1][i], then relu.

   The gradient of the input is the same convolution of delta, the gradient before the relu, with the weights flipped in
   ky, kx and with inputs and outputs exchanged (Dumoulin & Visin 2016, section 4). */
#include "lib/base/simd.h"
#include "lib/nn/kernels.h"
#include "lib/nn/layer.h"

#include <string.h>

size_t layer_padded_outputs(const layer *l) { return (l->out->shape.channels + NN_PANEL - 1) / NN_PANEL * NN_PANEL; }

size_t layer_weight_index(const layer *l, size_t output, size_t ky, size_t kx, size_t input) {
    const size_t inputs = l->in->shape.channels, run = l->size * inputs;
    const size_t tap = (output / NN_PANEL * l->size + ky) * run + kx * inputs + input;
    return tap * NN_PANEL + output % NN_PANEL;
}

size_t layer_flipped_floats(const layer *l) {
    const size_t inputs = l->in->shape.channels;
    return l->size * l->size * layer_padded_outputs(l) * inputs + inputs;
}

/* flipped[i/16][2-ky][(2-kx) * outputs + o][i%16] = weight[o][ky][kx][i] */
void layer_flip(const layer *l) {
    const size_t inputs = l->in->shape.channels, outputs = layer_padded_outputs(l), last = l->size - 1;
    float *to = l->flipped;
    for (size_t panel = 0; panel < inputs; panel += NN_PANEL)
        for (size_t ky = 0; ky < l->size; ky++)
            for (size_t kx = 0; kx < l->size; kx++)
                for (size_t o = 0; o < outputs; o++, to += NN_PANEL) {
                    const float *from = l->weight + layer_weight_index(l, o, last - ky, last - kx, panel);
                    for (size_t i = 0; i < NN_PANEL; i++) to[i] = from[i * NN_PANEL];
                }
}

/* Delta has one image with a halo, or one row of samples. */
static size_t delta_halo(const layer *l) { return l->size / 2; }

static size_t delta_row(const layer *l) { return (l->out->shape.width + 2 * delta_halo(l)) * layer_padded_outputs(l); }

size_t layer_delta_floats(const layer *l, size_t max_batch) {
    if (l->type->whole_batch) return max_batch * layer_padded_outputs(l);
    return (l->out->shape.height + 2 * delta_halo(l)) * delta_row(l);
}

static float *delta_interior(const layer *l) {
    return l->delta + delta_halo(l) * (delta_row(l) + layer_padded_outputs(l));
}

/* From the input to the output of the layer, one image or `count` samples. */
static nn_window window_of(const layer *l, size_t count) {
    const int batch = l->type->whole_batch;
    return (nn_window){.height = batch ? 1 : l->out->shape.height,
                       .width = batch ? count : l->out->shape.width,
                       .channels = layer_padded_outputs(l),
                       .rows = l->size,
                       .run = l->size * l->in->shape.channels,
                       .in_row = tensor_row(l->in),
                       .in_pixel = l->in->stride,
                       .out_row = tensor_row(l->out),
                       .out_pixel = l->out->stride};
}

/* The input as the first window sees it: its upper left corner lies in the halo. */
static const float *first_window(const layer *l, size_t image) {
    return tensor_value(l->in, image) - delta_halo(l) * (tensor_row(l->in) + l->in->stride);
}

static void forward(const layer *l, size_t first, size_t count) {
    const nn_window g = window_of(l, count);
    nn_kernels_in_use()->convolve(&g, first_window(l, first), l->weight, l->bias, l->relu, tensor_value(l->out, first));
}

/* delta = gradient where the relu let the value pass; bias gradient += sum over pixels in order, for one vector of
   channels. */
static void mask_channels(const layer *l, const nn_window *g, const float *value, const float *gradient, float *delta,
                          float *bias_gradient) {
    const size_t gradient_row = g->width * g->out_pixel, pixel = layer_padded_outputs(l);
    const simd_float zero = simd_all(0);
    simd_float sum = simd_load(bias_gradient);
    for (size_t y = 0; y < g->height; y++)
        for (size_t x = 0; x < g->width; x++) {
            simd_float d = simd_load(gradient + y * gradient_row + x * g->out_pixel);
            if (l->relu) d = simd_keep((simd_int)(simd_load(value + y * g->out_row + x * g->out_pixel) > zero), d);
            simd_store(delta + y * delta_row(l) + x * pixel, d);
            sum += d;
        }
    simd_store(bias_gradient, sum);
}

static void input_gradient(const layer *l, size_t first, size_t count) {
    nn_window g = window_of(l, count);
    const size_t inputs = l->in->shape.channels, outputs = g.channels;
    g.channels = inputs;
    g.run = l->size * outputs;
    g.in_row = delta_row(l);
    g.in_pixel = outputs;
    g.out_row = g.width * l->in->stride;
    g.out_pixel = l->in->stride;
    const float *zero_bias = l->flipped + l->size * l->size * outputs * inputs;
    nn_kernels_in_use()->convolve(&g, l->delta, l->flipped, l->adds ? NULL : zero_bias, 0,
                                  tensor_gradient(l->in, first));
}

static void backward(const layer *l, size_t first, size_t count) {
    nn_window g = window_of(l, count);
    const float *value = tensor_value(l->out, first), *gradient = tensor_gradient(l->out, first);
    float *delta = delta_interior(l);
    for (size_t c = 0; c < g.channels; c += SIMD_LANES)
        mask_channels(l, &g, value + c, gradient + c, delta + c, l->bias_gradient + c);
    g.out_row = delta_row(l);
    g.out_pixel = g.channels;
    nn_kernels_in_use()->weight_gradient(&g, first_window(l, first), delta, l->weight_gradient);
    if (l->in->has_gradient) input_gradient(l, first, count);
}

static const layer_type conv3 = {"conv3", 0, forward, backward};
static const layer_type dense = {"dense", 1, forward, backward};

static tensor *add_weights(nn_net *net, const layer_type *type, tensor *in, nn_shape shape, size_t size, size_t halo,
                           int relu, lb_error *error) {
    if (in->stride != in->shape.channels || (in != net->input && in->stride % NN_PANEL)) {
        lb_fail(error, LB_INVALID, "%s layer: its %zu input channels must be a multiple of %d and not a slice",
                type->name, in->shape.channels, NN_PANEL);
        return NULL;
    }
    tensor *out = net_tensor(net, shape, halo, error);
    layer *l = out ? net_layer(net, type, in, out, error) : NULL;
    if (!l) return NULL;
    l->size = size;
    l->relu = relu;
    l->bias_count = layer_padded_outputs(l);
    l->weight_count = size * size * in->shape.channels * l->bias_count;
    return out;
}

tensor *net_conv3(nn_net *net, tensor *in, size_t channels, int relu, lb_error *error) {
    if (!in) return NULL;
    const nn_shape shape = {in->shape.height, in->shape.width, channels};
    return add_weights(net, &conv3, in, shape, 3, 1, relu, error);
}

tensor *net_dense(nn_net *net, tensor *in, size_t channels, int relu, lb_error *error) {
    if (!in) return NULL;
    const nn_shape shape = {1, 1, channels};
    return add_weights(net, &dense, in, shape, 1, 0, relu, error);
}
