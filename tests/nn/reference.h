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

/* One image or sample through the net; the outputs come back in memory that the caller frees. */
static inline double *reference_forward(const nn_net *net, const double *parameters, const float *input) {
    const nn_shape first = net->input->shape;
    double *in = malloc(first.height * first.width * first.channels * sizeof *in);
    for (size_t i = 0; i < first.height * first.width * first.channels; i++) in[i] = (double)input[i];
    for (size_t i = 0; i < net->layer_count; i++) {
        const layer *l = &net->layers[i];
        const nn_shape s = l->in->shape, t = l->out->shape;
        double *out = malloc(t.height * t.width * t.channels * sizeof *out);
        if (strcmp(l->type->name, "conv3") == 0)
            parameters = reference_conv3(in, s, t.channels, l->relu, parameters, out);
        else if (strcmp(l->type->name, "conv3_pool") == 0) {
            double *unpooled = malloc(s.height * s.width * t.channels * sizeof *unpooled);
            parameters = reference_conv3(in, s, t.channels, 1, parameters, unpooled);
            reference_max_pool(unpooled, (nn_shape){s.height, s.width, t.channels}, out);
            free(unpooled);
        } else if (strcmp(l->type->name, "dense") == 0)
            parameters = reference_dense(in, s.channels, t.channels, l->relu, parameters, out);
        else if (strcmp(l->type->name, "max_pool") == 0)
            reference_max_pool(in, s, out);
        else if (strcmp(l->type->name, "global_pool") == 0)
            reference_global_pool(in, s, out);
        else
            abort(); /* a layer without a reference must not pass */
        free(in);
        in = out;
    }
    return in;
}

#endif
