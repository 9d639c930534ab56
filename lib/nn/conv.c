/* Layers with weights: 3x3 convolution with zero padding and 1x1 convolution (one image at a time), 3x3 with relu and
   max pooling in one, and dense (the batch at once, a sample being a pixel).

       out[y][x][o] = relu(bias[o] + sum over ky, kx, i of weight[o][ky][kx][i] in[y+ky-1][x+kx-1][i])

   The gradient of the input is the same convolution of delta, the gradient before the relu, with the weights flipped in
   ky, kx and with inputs and outputs exchanged (Dumoulin & Visin 2016, section 4).

   Convolution and pooling in one keep the values before pooling for one image only, and for backward a byte per pooled
   value: a quarter of the memory of two layers, and less than half of their time outside the kernels (measured). */
#include "lib/base/simd.h"
#include "lib/nn/kernels.h"
#include "lib/nn/layer.h"

#include <stdlib.h>

size_t layer_padded_outputs(const layer *l) { return (l->out->shape.channels + NN_PANEL - 1) / NN_PANEL * NN_PANEL; }

size_t layer_weight_index(const layer *l, size_t output, size_t ky, size_t kx, size_t input) {
    const size_t inputs = l->in->shape.channels, run = l->size * inputs;
    const size_t tap = (output / NN_PANEL * l->size + ky) * run + kx * inputs + input;
    return tap * NN_PANEL + output % NN_PANEL;
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
static size_t halo_of(const layer *l) { return l->size / 2; }

static size_t delta_row(const layer *l) { return (l->grid.width + 2 * halo_of(l)) * layer_padded_outputs(l); }

static float *delta_interior(const layer *l) {
    return l->delta + halo_of(l) * (delta_row(l) + layer_padded_outputs(l));
}

/* From the input to the output of the layer, one image or `count` samples. */
static nn_window window_of(const layer *l, size_t count) {
    const int batch = l->type->whole_batch;
    return (nn_window){.height = batch ? 1 : l->grid.height,
                       .width = batch ? count : l->grid.width,
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
    return tensor_value(l->in, image) - halo_of(l) * (tensor_row(l->in) + l->in->stride);
}

static void forward(const layer *l, size_t first, size_t count) {
    const nn_window g = window_of(l, count);
    nn_kernels_in_use()->convolve(&g, first_window(l, first), l->weight, l->bias, l->relu, tensor_value(l->out, first));
}

/* delta = gradient where the relu let the value pass, for one row and one vector of channels; sum[x % 4] += delta. */
SIMD_INLINE void mask_row(const int relu, const nn_window *g, const float *value, const float *gradient, float *delta,
                          size_t pixel, simd_float sum[4]) {
    const simd_float zero = simd_all(0);
    for (size_t x = 0; x < g->width; x++) {
        simd_float d = simd_load(gradient + x * g->out_pixel);
        if (relu) d = simd_keep((simd_int)(simd_load(value + x * g->out_pixel) > zero), d);
        simd_store(delta + x * pixel, d);
        sum[x % 4] += d;
    }
}

/* The bias gradient is the sum of delta, in four chains that take the pixels of a row by turns: a single chain would
   wait for each addition. */
static void mask(const layer *l, const nn_window *g, const float *value, const float *gradient, float *delta) {
    const size_t gradient_row = g->width * g->out_pixel, row = delta_row(l);
    for (size_t y = 0; y < g->height; y++, value += g->out_row, gradient += gradient_row, delta += row)
        for (size_t c = 0; c < g->channels; c += SIMD_LANES) {
            simd_float sum[4] = {simd_load(l->bias_gradient + c)};
            if (l->relu)
                mask_row(1, g, value + c, gradient + c, delta + c, g->channels, sum);
            else
                mask_row(0, g, value + c, gradient + c, delta + c, g->channels, sum);
            simd_store(l->bias_gradient + c, (sum[0] + sum[1]) + (sum[2] + sum[3]));
        }
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

/* The rest of backward, when delta and the bias gradient are there. */
static void weight_and_input_gradient(const layer *l, size_t first, size_t count) {
    nn_window g = window_of(l, count);
    g.out_row = delta_row(l);
    g.out_pixel = g.channels;
    nn_kernels_in_use()->weight_gradient(&g, first_window(l, first), delta_interior(l), l->weight_gradient);
    if (l->in->has_gradient) input_gradient(l, first, count);
}

static void backward(const layer *l, size_t first, size_t count) {
    const nn_window g = window_of(l, count);
    mask(l, &g, tensor_value(l->out, first), tensor_gradient(l->out, first), delta_interior(l));
    weight_and_input_gradient(l, first, count);
}

/* --- convolution, relu and max pooling in one --- */

typedef signed char bytes __attribute__((vector_size(SIMD_LANES), aligned(1), may_alias));

enum { NO_WINNER = 4 }; /* the relu stopped all four */

static size_t winner_image(const layer *l) { return l->out->shape.height * l->out->shape.width * l->out->stride; }

/* The maximum of the pixels at p, right, below, below right; the first of equals wins. */
SIMD_INLINE simd_float maximum_of_four(const float *p, size_t right, size_t below, simd_int *winner) {
    const size_t at[4] = {0, right, below, below + right};
    simd_float most = simd_load(p);
    *winner = (simd_int){0};
    for (int k = 1; k < 4; k++) {
        const simd_float value = simd_load(p + at[k]);
        const simd_int above = (simd_int)(value > most);
        most = simd_choose(above, value, most);
        *winner = (above & k) | (~above & *winner);
    }
    const simd_int positive = (simd_int)(most > simd_all(0));
    *winner = (positive & *winner) | (~positive & NO_WINNER);
    return most;
}

static void forward_pool(const layer *l, size_t first, size_t count) {
    nn_window g = window_of(l, count);
    const size_t width = l->out->shape.width, pixel = l->out->stride, below = g.width * pixel;
    g.out_row = below;
    nn_kernels_in_use()->convolve(&g, first_window(l, first), l->weight, l->bias, 1, l->unpooled);
    signed char *winner = l->winner + first * winner_image(l);
    for (size_t y = 0; y < l->out->shape.height; y++) {
        float *out = tensor_value(l->out, first) + y * tensor_row(l->out);
        const float *in = l->unpooled + 2 * y * below;
        for (size_t x = 0; x < width; x++, in += pixel)
            for (size_t c = 0; c < pixel; c += SIMD_LANES, in += SIMD_LANES, out += SIMD_LANES, winner += SIMD_LANES) {
                simd_int which;
                simd_store(out, maximum_of_four(in, pixel, below, &which));
                *(bytes *)winner = __builtin_convertvector(which, bytes);
            }
    }
}

/* One row of pooled pixels and one vector of channels; sum[x % 4] += what passes. */
SIMD_INLINE void unpool_row(size_t width, size_t pixel, size_t row, const signed char *winner, const float *gradient,
                            float *delta, simd_float sum[4]) {
    for (size_t x = 0; x < width; x++) {
        const simd_int which = __builtin_convertvector(*(const bytes *)(winner + x * pixel), simd_int);
        const simd_float g = simd_load(gradient + x * pixel);
        float *to = delta + 2 * x * pixel;
        simd_store(to, simd_keep((simd_int)(which == 0), g));
        simd_store(to + pixel, simd_keep((simd_int)(which == 1), g));
        simd_store(to + row, simd_keep((simd_int)(which == 2), g));
        simd_store(to + row + pixel, simd_keep((simd_int)(which == 3), g));
        sum[x % 4] += simd_keep((simd_int)(which != NO_WINNER), g);
    }
}

/* An odd last row or column of delta keeps the zeros it was allocated with. */
static void backward_pool(const layer *l, size_t first, size_t count) {
    const size_t width = l->out->shape.width, pixel = l->out->stride, row = delta_row(l);
    const signed char *winner = l->winner + first * winner_image(l);
    const float *gradient = tensor_gradient(l->out, first);
    float *delta = delta_interior(l);
    for (size_t y = 0; y < l->out->shape.height; y++) {
        for (size_t c = 0; c < pixel; c += SIMD_LANES) {
            simd_float sum[4] = {simd_load(l->bias_gradient + c)};
            unpool_row(width, pixel, row, winner + c, gradient + c, delta + c, sum);
            simd_store(l->bias_gradient + c, (sum[0] + sum[1]) + (sum[2] + sum[3]));
        }
        winner += width * pixel;
        gradient += width * pixel;
        delta += 2 * row;
    }
    weight_and_input_gradient(l, first, count);
}

/* --- --- */

static const layer_type conv3 = {"conv3", 0, forward, backward};
static const layer_type conv1 = {"conv1", 0, forward, backward};
static const layer_type conv3_pool = {"conv3_pool", 0, forward_pool, backward_pool};
static const layer_type dense = {"dense", 1, forward, backward};

int layer_allocate(layer *l, size_t max_batch) {
    const size_t outputs = layer_padded_outputs(l), inputs = l->in->shape.channels;
    const size_t samples = l->type->whole_batch ? max_batch : 1;
    const size_t flipped = l->size * l->size * outputs * inputs + inputs;
    l->delta = l->delta_memory = nn_zeros(samples * (l->grid.height + 2 * halo_of(l)) * delta_row(l));
    l->flipped = l->flipped_memory = nn_zeros(l->in->has_gradient ? flipped : 0);
    if (!l->delta || !l->flipped) return 0;
    if (l->type != &conv3_pool) return 1;
    l->unpooled = l->unpooled_memory = nn_zeros(l->grid.height * l->grid.width * outputs);
    l->winner = l->winner_memory = malloc(max_batch * winner_image(l));
    return l->unpooled && l->winner;
}

void layer_release(layer *l) {
    free(l->delta_memory);
    free(l->flipped_memory);
    free(l->unpooled_memory);
    free(l->winner_memory);
}

static int check_channels(const nn_net *net, const layer_type *type, const tensor *in, lb_error *error) {
    if (in->stride == in->shape.channels && (in == net->input || in->stride % NN_PANEL == 0)) return LB_OK;
    return lb_fail(error, LB_INVALID, "%s layer: its %zu input channels must be a multiple of %d and not a slice",
                   type->name, in->shape.channels, NN_PANEL);
}

/* out: NULL makes a new tensor; grid: the output before pooling. */
static tensor *add_weights(nn_net *net, const layer_type *type, tensor *in, tensor *out, nn_shape grid, int relu,
                           lb_error *error) {
    if (check_channels(net, type, in, error)) return NULL;
    const size_t size = type == &dense || type == &conv1 ? 1 : 3, pooled = type == &conv3_pool ? 2 : 1;
    const nn_shape shape = {grid.height / pooled, grid.width / pooled, grid.channels};
    if (!out) out = net_tensor(net, shape, size / 2, error);
    layer *l = out ? net_layer(net, type, in, out, error) : NULL;
    if (!l) return NULL;
    l->grid = grid;
    l->size = size;
    l->relu = relu;
    l->bias_count = layer_padded_outputs(l);
    l->weight_count = size * size * in->shape.channels * l->bias_count;
    return out;
}

static nn_shape with_channels(const tensor *in, size_t channels) {
    return (nn_shape){in->shape.height, in->shape.width, channels};
}

tensor *net_conv3(nn_net *net, tensor *in, size_t channels, int relu, lb_error *error) {
    return in ? add_weights(net, &conv3, in, NULL, with_channels(in, channels), relu, error) : NULL;
}

tensor *net_conv3_into(nn_net *net, tensor *in, tensor *out, int relu, lb_error *error) {
    return in && out ? add_weights(net, &conv3, in, out, with_channels(in, out->shape.channels), relu, error) : NULL;
}

tensor *net_conv1(nn_net *net, tensor *in, size_t channels, int relu, lb_error *error) {
    return in ? add_weights(net, &conv1, in, NULL, with_channels(in, channels), relu, error) : NULL;
}

tensor *net_dense(nn_net *net, tensor *in, size_t channels, int relu, lb_error *error) {
    return in ? add_weights(net, &dense, in, NULL, (nn_shape){1, 1, channels}, relu, error) : NULL;
}

tensor *net_conv3_pool(nn_net *net, tensor *in, size_t channels, lb_error *error) {
    if (!in) return NULL;
    if (in->shape.height >= 2 && in->shape.width >= 2 && channels % NN_PANEL == 0)
        return add_weights(net, &conv3_pool, in, NULL, with_channels(in, channels), 1, error);
    lb_fail(error, LB_INVALID,
            "conv3_pool layer: cannot pool %zux%zu pixels of %zu channels (at least 2x2 of a multiple of %d)",
            in->shape.height, in->shape.width, channels, NN_PANEL);
    return NULL;
}
