/* Segmentation (Ronneberger et al. 2015, 1505.04597, made small): one 3x3 convolution per level on the way down (16,
   32, 64 channels) and up (32, 16), nearest up-sampling, concatenation with the level's own features, and a 1x1 head
   that gives a logit per pixel. Zero padding keeps the size. */
#include "lib/nn/layer.h"
#include "lib/nn/models.h"

enum { TOP = 16, MIDDLE = 32, BOTTOM = 64 };

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
    (void)values;
    const int code = check(input, outputs, error);
    if (code) return code;
    tensor *top = joined(net, input, 1, TOP, MIDDLE, error), *middle = joined(net, input, 2, MIDDLE, BOTTOM, error);
    tensor *t = net_input(net, input, 1, error);
    t = net_conv3_into(net, t, net_slice(net, top, 0, TOP, error), 1, error);
    t = net_max_pool(net, t, error);
    t = net_conv3_into(net, t, net_slice(net, middle, 0, MIDDLE, error), 1, error);
    t = net_max_pool(net, t, error);
    t = net_conv3(net, t, BOTTOM, 1, error);
    t = net_upsample_into(net, t, net_slice(net, middle, MIDDLE, BOTTOM, error), error);
    t = t ? net_conv3(net, middle, MIDDLE, 1, error) : NULL;
    t = net_upsample_into(net, t, net_slice(net, top, TOP, MIDDLE, error), error);
    t = t ? net_conv3(net, top, TOP, 1, error) : NULL;
    return net_conv1(net, t, 1, 0, error) ? LB_OK : LB_INVALID;
}

const nn_model_type nn_model_unet = {
    .name = "unet",
    .version = 1,
    .summary = "segmentation: 3 levels of 16, 32 and 64 channels, nearest up-sampling, a logit per pixel",
    .build = build};
