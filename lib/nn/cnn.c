/* Image classifier: three 3x3 convolutions with max pooling between, global maximum and mean, dense. The maximum is
   what finds a small defect: the mean alone dilutes it over the image. */
#include "lib/nn/layer.h"
#include "lib/nn/models.h"

static const param params[] = {
    {.name = "width",
     .fallback = 1,
     .low = 0,
     .high = 1,
     .scale = PARAM_CHOICE,
     .words = model_widths,
     .summary = "channels of the three convolutions: narrow 16-16-32, wide 16-32-64"},
};

static int build(nn_net *net, const double *values, nn_shape input, size_t outputs, lb_error *error) {
    const size_t *c = model_channels[values[0] != 0];
    if (input.height < 4 || input.width < 4)
        return lb_fail(error, LB_INVALID, "model 'cnn' needs images of at least 4x4 pixels, not %zux%zu", input.height,
                       input.width);
    tensor *t = net_input(net, input, 1, error);
    t = net_conv3_pool(net, t, c[0], error);
    t = net_conv3_pool(net, t, c[1], error);
    t = net_conv3(net, t, c[2], 1, error);
    t = net_global_pool(net, t, error);
    return net_dense(net, t, outputs, 0, error) ? LB_OK : LB_INVALID;
}

const nn_model_type nn_model_cnn = {
    .name = "cnn",
    .version = 1,
    .summary = "image classifier: 3 convolutions 3x3 with max pooling, global maximum and mean, dense",
    .params = params,
    .param_count = 1,
    .build = build};
