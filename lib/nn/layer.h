/* Inside a net: tensors, layers, and the functions with which a model is put together.

   A net is a list of layers in the order of computation. Layers that see one image at a time run image by image, all of
   them for the first image, then all for the second: an image stays in the cache. Their gradient buffers hold one
   image. Layers that need the whole batch at once (dense ones: a sample is a pixel to them) run once per batch. */
#ifndef NN_LAYER_H
#define NN_LAYER_H

#include "lib/nn/nn.h"

enum { NN_MAX_LAYERS = 32, NN_MAX_TENSORS = 40 };

/* Values [images][height + 2 halo][width + 2 halo][stride], the halo zero; gradients [images or
   1][height][width][stride]. A slice is some channels of another tensor and owns no memory: writing to slices is
   concatenation. */
typedef struct tensor {
    nn_shape shape;
    size_t stride; /* floats per pixel; channels beyond shape.channels are padding, with zero weights */
    size_t halo;
    struct tensor *whole; /* NULL unless this is a slice */
    size_t first_channel;
    int has_gradient, gradient_of_batch, written; /* written: some later layer's backward has put a gradient */
    void *value_memory, *gradient_memory;
    float *value, *gradient; /* first pixel of the first image */
} tensor;

typedef struct layer layer;

typedef struct {
    const char *name;
    int whole_batch;
    void (*forward)(const layer *l, size_t first, size_t count);  /* images first .. first + count - 1 */
    void (*backward)(const layer *l, size_t first, size_t count); /* also adds to the parameter gradients */
} layer_type;

struct layer {
    const layer_type *type;
    tensor *in, *out;
    int adds; /* the input gradient holds another layer's part already: add to it */

    /* Layers with weights: windows of size x size pixels; weights [out padded/16][size][size * in][16], then biases. */
    size_t size;
    int relu;
    size_t weight_offset, weight_count, bias_count; /* in the net's parameter vectors; biases follow the weights */
    const float *weight, *bias;
    float *weight_gradient, *bias_gradient;
    nn_shape grid; /* the output before pooling; without pooling the shape of `out` */
    void *flipped_memory, *delta_memory, *unpooled_memory, *winner_memory;
    float *flipped;      /* weights of the input gradient [in/16][size][size * out padded][16], then `in` zero biases */
    float *delta;        /* gradient before the relu [grid] with halo, one image, or the batch */
    float *unpooled;     /* conv3_pool: values before pooling [grid], one image */
    signed char *winner; /* conv3_pool: which of the four pixels has the maximum, 0..3, or NO_WINNER; [images][out] */
};

struct nn_net {
    size_t max_batch, batch; /* batch: images of the last forward */
    layer layers[NN_MAX_LAYERS];
    tensor tensors[NN_MAX_TENSORS];
    size_t layer_count, tensor_count;
    tensor *input, *output;

    size_t size; /* of the parameter vectors, with padding */
    float *parameters, *gradient, *first_moment, *second_moment;
    double beta1_power, beta2_power; /* running products for Adam's bias correction */
    int flipped_is_old;              /* parameters changed since the last backward */
    float head_sd; /* of the initial weights of the last layer, set by `build`; 0: He, as all others */
};

/* nn_net_new with a type that need not be registered. */
nn_net *net_assemble(const nn_model_type *type, const double *values, nn_shape input, size_t outputs, size_t max_batch,
                     lb_error *error);

/* --- building: each adds one layer and returns its output; NULL, with the error set, on failure or when `in` is NULL
 * --- */
tensor *net_input(nn_net *net, nn_shape shape, size_t halo, lb_error *error);
tensor *net_conv3(nn_net *net, tensor *in, size_t channels, int relu, lb_error *error); /* 3x3, same size */
tensor *net_conv1(nn_net *net, tensor *in, size_t channels, int relu, lb_error *error); /* 1x1 */
tensor *net_conv3_pool(nn_net *net, tensor *in, size_t channels, lb_error *error); /* 3x3, relu, max pool, in one */
tensor *net_dense(nn_net *net, tensor *in, size_t channels, int relu, lb_error *error);
tensor *net_max_pool(nn_net *net, tensor *in, lb_error *error);    /* 2x2, stride 2, odd edges dropped */
tensor *net_global_pool(nn_net *net, tensor *in, lb_error *error); /* [max of each channel, mean of each channel] */

/* Concatenation: a tensor that nobody has written yet, slices of its channels, and layers that write into them. A slice
   may be read like any tensor, but not by a convolution. */
tensor *net_joined(nn_net *net, nn_shape shape, lb_error *error);
tensor *net_slice(nn_net *net, tensor *whole, size_t first_channel, size_t channels, lb_error *error);
tensor *net_conv3_into(nn_net *net, tensor *in, tensor *out, int relu, lb_error *error);
tensor *net_upsample_into(nn_net *net, tensor *in, tensor *out, lb_error *error); /* each pixel becomes 2x2 */

/* For layer files. */
tensor *net_tensor(nn_net *net, nn_shape shape, size_t halo, lb_error *error);
layer *net_layer(nn_net *net, const layer_type *type, tensor *in, tensor *out, lb_error *error);

/* --- addressing --- */
size_t tensor_row(const tensor *t);   /* floats from one row of values to the next */
size_t tensor_image(const tensor *t); /* floats from one image of values to the next */
float *tensor_value(const tensor *t, size_t image);
float *tensor_gradient(const tensor *t, size_t image); /* rows follow each other without gap */

/* --- layers with weights (conv.c) --- */
size_t layer_padded_outputs(const layer *l);
/* Place of weight (output, ky, kx, input) in the layer's weights. */
size_t layer_weight_index(const layer *l, size_t output, size_t ky, size_t kx, size_t input);
void layer_flip(const layer *l);
int layer_allocate(layer *l, size_t max_batch); /* 0: out of memory */
void layer_release(layer *l);

/* `floats` zeros, aligned for any vector; NULL when out of memory; free() frees. */
float *nn_zeros(size_t floats);

#endif
