/* Multi-layer perceptron for tabular data; images are taken as one long row of features. */
#include "lib/nn/kernels.h"
#include "lib/nn/layer.h"
#include "lib/nn/models.h"

enum { HIDDEN, LAYERS, PARAMS };

static const param params[PARAMS] = {
    [HIDDEN] = {.name = "hidden",
                .fallback = 64,
                .low = 16,
                .high = 1024,
                .scale = PARAM_INTEGER,
                .summary = "units of each hidden layer, a multiple of 16"},
    [LAYERS] = {.name = "layers",
                .fallback = 2,
                .low = 0,
                .high = 8,
                .scale = PARAM_INTEGER,
                .summary = "number of hidden layers; 0 is logistic regression"},
};

static int build(nn_net *net, const double *values, nn_shape input, size_t outputs, lb_error *error) {
    const size_t hidden = (size_t)values[HIDDEN], layers = (size_t)values[LAYERS];
    if (hidden % NN_PANEL)
        return lb_fail(error, LB_INVALID, "model 'mlp': hidden=%zu is not a multiple of %d", hidden, NN_PANEL);
    tensor *t = net_input(net, (nn_shape){1, 1, input.height * input.width * input.channels}, 0, error);
    for (size_t i = 0; i < layers; i++) t = net_dense(net, t, hidden, 1, error);
    return net_dense(net, t, outputs, 0, error) ? LB_OK : LB_INVALID;
}

const nn_model_type nn_model_mlp = {.name = "mlp",
                                    .version = 1,
                                    .summary = "tabular data: dense layers with relu, dense",
                                    .params = params,
                                    .param_count = PARAMS,
                                    .build = build};
