/* Networks in double precision, written as the textbook has them: plain loops over [height][width][channels] without
   halo, padding, panels or batches. Reads only the list of layers of a net and its parameters in logical order. */
#ifndef TESTS_NN_REFERENCE_H
#define TESTS_NN_REFERENCE_H

#include "lib/nn/layer.h"

#include <stdlib.h>
#include <string.h>

static double reference_relu(double x, int relu) { return relu && x < 0 ? 0 : x; }

/* weight [outputs][3][3][inputs], bias [outputs]; returns what follows the bias. */
static inline const double *reference_conv3(const double *in, nn_shape s, size_t outputs, int relu,
                                            const double *weight, double *out) {
    const double *bias = weight + outputs * 9 * s.channels;
    for (size_t y = 0; y < s.height; y++)
        for (size_t x = 0; x < s.width; x++)
            for (size_t o = 0; o < outputs; o++) {
                double sum = bias[o];
                for (size_t ky = 0; ky < 3; ky++)
                    for (size_t kx = 0; kx < 3; kx++) {
                        if (y + ky < 1 || y + ky > s.height || x + kx < 1 || x + kx > s.width) continue;
                        for (size_t i = 0; i < s.channels; i++)
                            sum += weight[((o * 3 + ky) * 3 + kx) * s.channels + i] *
                                   in[((y + ky - 1) * s.width + x + kx - 1) * s.channels + i];
                    }
                out[(y * s.width + x) * outputs + o] = reference_relu(sum, relu);
            }
    return bias + outputs;
}

static inline const double *reference_dense(const double *in, size_t inputs, size_t outputs, int relu,
                                            const double *weight, double *out) {
    const double *bias = weight + outputs * inputs;
    for (size_t o = 0; o < outputs; o++) {
        double sum = bias[o];
        for (size_t i = 0; i < inputs; i++) sum += weight[o * inputs + i] * in[i];
        out[o] = reference_relu(sum, relu);
    }
    return bias + outputs;
}

static inline void reference_max_pool(const double *in, nn_shape s, double *out) {
    for (size_t y = 0; y < s.height / 2; y++)
        for (size_t x = 0; x < s.width / 2; x++)
            for (size_t c = 0; c < s.channels; c++) {
                double most = in[((2 * y) * s.width + 2 * x) * s.channels + c];
                for (size_t k = 1; k < 4; k++) {
                    const double v = in[((2 * y + k / 2) * s.width + 2 * x + k % 2) * s.channels + c];
                    if (v > most) most = v;
                }
                out[(y * (s.width / 2) + x) * s.channels + c] = most;
            }
}

static inline void reference_global_pool(const double *in, nn_shape s, double *out) {
    for (size_t c = 0; c < s.channels; c++) {
        double most = in[c], sum = 0;
        for (size_t p = 0; p < s.height * s.width; p++) {
            sum += in[p * s.channels + c];
            if (in[p * s.channels + c] > most) most = in[p * s.channels + c];
        }
        out[c] = most;
        out[s.channels + c] = sum / (double)(s.height * s.width);
    }
}

static inline void reference_upsample(const double *in, nn_shape s, double *out) {
    for (size_t y = 0; y < 2 * s.height; y++)
        for (size_t x = 0; x < 2 * s.width; x++)
            for (size_t c = 0; c < s.channels; c++)
                out[(y * 2 * s.width + x) * s.channels + c] = in[((y / 2) * s.width + x / 2) * s.channels + c];
}

/* One layer; returns the parameters that follow its own. */
static inline const double *reference_layer(const layer *l, const double *parameters, const double *in, double *out) {
    const nn_shape s = l->in->shape, t = l->out->shape;
    const char *name = l->type->name;
    if (strcmp(name, "conv3") == 0) return reference_conv3(in, s, t.channels, l->relu, parameters, out);
    if (strcmp(name, "dense") == 0) return reference_dense(in, s.channels, t.channels, l->relu, parameters, out);
    if (strcmp(name, "conv1") == 0) {
        const double *next = NULL;
        for (size_t p = 0; p < s.height * s.width; p++)
            next =
                reference_dense(in + p * s.channels, s.channels, t.channels, l->relu, parameters, out + p * t.channels);
        return next;
    }
    if (strcmp(name, "conv3_pool") == 0) {
        double *unpooled = malloc(s.height * s.width * t.channels * sizeof *unpooled);
        parameters = reference_conv3(in, s, t.channels, 1, parameters, unpooled);
        reference_max_pool(unpooled, (nn_shape){s.height, s.width, t.channels}, out);
        free(unpooled);
    } else if (strcmp(name, "max_pool") == 0)
        reference_max_pool(in, s, out);
    else if (strcmp(name, "global_pool") == 0)
        reference_global_pool(in, s, out);
    else if (strcmp(name, "upsample") == 0)
        reference_upsample(in, s, out);
    else
        abort(); /* a layer without a reference must not pass */
    return parameters;
}

/* Concatenation: the channels of a slice, copied to their place in the whole. */
static inline void reference_join(const tensor *slice, const double *from, double *whole) {
    const size_t channels = slice->shape.channels, all = slice->whole->shape.channels;
    for (size_t p = 0; p < slice->shape.height * slice->shape.width; p++)
        memcpy(whole + p * all + slice->first_channel, from + p * channels, channels * sizeof *from);
}

/* One image or sample through the net; the outputs come back in memory that the caller frees. */
static inline double *reference_forward(const nn_net *net, const double *parameters, const float *input) {
    double *values[NN_MAX_TENSORS];
    for (size_t i = 0; i < net->tensor_count; i++) {
        const nn_shape s = net->tensors[i].shape;
        values[i] = malloc(s.height * s.width * s.channels * sizeof **values);
    }
    const nn_shape s = net->input->shape;
    for (size_t i = 0; i < s.height * s.width * s.channels; i++)
        values[net->input - net->tensors][i] = (double)input[i];
    for (size_t i = 0; i < net->layer_count; i++) {
        const tensor *in = net->layers[i].in, *out = net->layers[i].out;
        double *to = values[out - net->tensors];
        parameters = reference_layer(&net->layers[i], parameters, values[in - net->tensors], to);
        if (out->whole) reference_join(out, to, values[out->whole - net->tensors]);
    }
    for (size_t i = 0; i < net->tensor_count; i++)
        if (&net->tensors[i] != net->output) free(values[i]);
    return values[net->output - net->tensors];
}

#endif
