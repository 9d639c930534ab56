/* Segmentation (Ronneberger et al. 2015, 1505.04597, made small): one 3x3 convolution per level on the way down and up,
   nearest up-sampling, concatenation with the level's own features, and a 1x1 head that gives a logit per pixel. Zero
   padding keeps the size. */
#include "lib/nn/layer.h"
#include "lib/nn/models.h"

static const param params[] = {
    {.name = "width",
     .fallback = 1,
     .low = 0,
     .high = 1,
     .scale = PARAM_CHOICE,
     .words = model_widths,
     .summary = "channels of the three levels: narrow 16-16-32, wide 16-32-64"},
};

static int check(nn_shape input, size_t outputs, lb_error *error) {
    if (input.height % 4 || input.width % 4 || !input.height || !input.width)
        return lb_fail(error, LB_INVALID, "model 'unet' needs images of a height and width divisible by 4, not %zux%zu",
                       input.height, input.width);
    if (outputs != input.height * input.width)
        return lb_fail(error, LB_INVALID, "model 'unet' gives one output per pixel: %zu of %zux%zu, not %zu",
                       input.height * input.width, input.height, input.width, outputs);
    return LB_OK;
}

/* The features of a level: first its own, then those that come up from below. */
static tensor *joined(nn_net *net, nn_shape input, size_t shrink, size_t own, size_t below, lb_error *error) {
    return net_joined(net, (nn_shape){input.height / shrink, input.width / shrink, own + below}, error);
}

static int build(nn_net *net, const double *values, nn_shape input, size_t outputs, lb_error *error) {
    const size_t *level = model_channels[values[0] != 0], upper = level[0], inner = level[1], lowest = level[2];
    const int code = check(input, outputs, error);
    if (code) return code;
    tensor *top = joined(net, input, 1, upper, inner, error), *middle = joined(net, input, 2, inner, lowest, error);
    tensor *t = net_input(net, input, 1, error);
    t = net_conv3_into(net, t, net_slice(net, top, 0, upper, error), 1, error);
    t = net_max_pool(net, t, error);
    t = net_conv3_into(net, t, net_slice(net, middle, 0, inner, error), 1, error);
    t = net_max_pool(net, t, error);
    t = net_conv3(net, t, lowest, 1, error);
    t = net_upsample_into(net, t, net_slice(net, middle, inner, lowest, error), error);
    t = t ? net_conv3(net, middle, inner, 1, error) : NULL;
    t = net_upsample_into(net, t, net_slice(net, top, upper, inner, error), error);
    t = t ? net_conv3(net, top, upper, 1, error) : NULL;
    return net_conv1(net, t, 1, 0, error) ? LB_OK : LB_INVALID;
}

const nn_model_type nn_model_unet = {
    .name = "unet",
    .version = 1,
    .summary = "segmentation: 3 levels with a 3x3 convolution down and up, nearest up-sampling, a logit per pixel",
    .output = NN_PIXEL,
    .params = params,
    .param_count = 1,
    .build = build};
