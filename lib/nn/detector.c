/* Detector: a dense head at a single scale (as in YOLO, Redmon et al. 2016, 1506.02640, made small). The trunk of the
   cnn with a third pooling, two more 3x3 convolutions, so that a cell sees the 54x54 pixels around it, and a 1x1 head
   that gives `outputs` channels for each cell. What the channels mean is the caller's. The head's weights start near
   zero (sd 0.01, Lin et al. 2017, 1708.02002, section 4.1), so that every cell first says what the head bias says. */
#include "lib/nn/layer.h"
#include "lib/nn/models.h"

static const param params[] = {
    {.name = "width",
     .fallback = 1,
     .low = 0,
     .high = 1,
     .scale = PARAM_CHOICE,
     .words = model_widths,
     .summary = "channels of the five convolutions: narrow 16-16-32-32-32, wide 16-32-64-64-64"},
};

static int build(nn_net *net, const double *values, nn_shape input, size_t outputs, lb_error *error) {
    const size_t *c = model_channels[values[0] != 0], stride = NN_DETECTOR_STRIDE;
    if (input.height % stride || input.width % stride)
        return lb_fail(error, LB_INVALID,
                       "model 'detector' needs images of a height and width divisible by %d, not %zux%zu",
                       NN_DETECTOR_STRIDE, input.height, input.width);
    net->head_sd = 0.01f;
    tensor *t = net_input(net, input, 1, error);
    t = net_conv3_pool(net, t, c[0], error);
    t = net_conv3_pool(net, t, c[1], error);
    t = net_conv3_pool(net, t, c[2], error);
    t = net_conv3(net, t, c[2], 1, error);
    t = net_conv3(net, t, c[2], 1, error);
    return net_conv1(net, t, outputs, 0, error) ? LB_OK : LB_INVALID;
}

const nn_model_type nn_model_detector = {
    .name = "detector",
    .version = 1,
    .summary = "detector: 5 convolutions 3x3, 3 of them with max pooling, outputs for each cell of 8x8 pixels",
    .output = NN_CELL,
    .params = params,
    .param_count = 1,
    .build = build};
