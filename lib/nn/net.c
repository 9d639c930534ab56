/* The net: building, memory, and the order in which layers run. */
#include "lib/nn/layer.h"
#include "lib/nn/kernels.h"
#include "lib/nn/models.h"

#include "lib/base/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

float *nn_zeros(size_t floats) {
    const size_t bytes = (floats * sizeof(float) + 63) / 64 * 64;
    float *memory = aligned_alloc(64, bytes ? bytes : 64);
    if (memory) memset(memory, 0, bytes);
    return memory;
}

/* --- tensors --- */

size_t tensor_row(const tensor *t) { return (t->shape.width + 2 * t->halo) * t->stride; }

size_t tensor_image(const tensor *t) { return (t->shape.height + 2 * t->halo) * tensor_row(t); }

static size_t tensor_gradient_image(const tensor *t) { return t->shape.height * t->shape.width * t->stride; }

float *tensor_value(const tensor *t, size_t image) { return t->value + image * tensor_image(t); }

float *tensor_gradient(const tensor *t, size_t image) {
    return t->gradient + (t->gradient_of_batch ? image * tensor_gradient_image(t) : 0);
}

/* A slice was made after its whole, so the whole has its memory already. */
static int tensor_allocate(tensor *t, size_t images) {
    if (t->whole) {
        t->value = t->whole->value + t->first_channel;
        t->gradient = t->whole->gradient + t->first_channel;
        t->gradient_of_batch = t->whole->gradient_of_batch;
        return 1;
    }
    t->value_memory = nn_zeros(images * tensor_image(t));
    if (!t->value_memory) return 0;
    t->value = (float *)t->value_memory + t->halo * (tensor_row(t) + t->stride);
    if (!t->has_gradient) return 1;
    t->gradient_memory = nn_zeros((t->gradient_of_batch ? images : 1) * tensor_gradient_image(t));
    t->gradient = t->gradient_memory;
    return t->gradient != NULL;
}

/* --- building --- */

tensor *net_tensor(nn_net *net, nn_shape shape, size_t halo, lb_error *error) {
    if (net->tensor_count == NN_MAX_TENSORS) {
        lb_fail(error, LB_INVALID, "a net may have at most %d tensors; raise NN_MAX_TENSORS", NN_MAX_TENSORS);
        return NULL;
    }
    tensor *t = &net->tensors[net->tensor_count++];
    const size_t padded = (shape.channels + NN_PANEL - 1) / NN_PANEL * NN_PANEL;
    *t = (tensor){.shape = shape, .stride = padded, .halo = halo, .has_gradient = 1};
    return t;
}

tensor *net_input(nn_net *net, nn_shape shape, size_t halo, lb_error *error) {
    tensor *t = net_tensor(net, shape, halo, error);
    if (!t) return NULL;
    t->stride = shape.channels;
    t->has_gradient = 0;
    return net->input = t;
}

tensor *net_joined(nn_net *net, nn_shape shape, lb_error *error) { return net_tensor(net, shape, 1, error); }

tensor *net_slice(nn_net *net, tensor *whole, size_t first_channel, size_t channels, lb_error *error) {
    if (!whole) return NULL;
    const nn_shape shape = {whole->shape.height, whole->shape.width, channels};
    tensor *t = net_tensor(net, shape, whole->halo, error);
    if (!t) return NULL;
    t->stride = whole->stride;
    t->whole = whole;
    t->first_channel = first_channel;
    return t;
}

layer *net_layer(nn_net *net, const layer_type *type, tensor *in, tensor *out, lb_error *error) {
    if (net->layer_count == NN_MAX_LAYERS) {
        lb_fail(error, LB_INVALID, "a net may have at most %d layers; raise NN_MAX_LAYERS", NN_MAX_LAYERS);
        return NULL;
    }
    layer *l = &net->layers[net->layer_count++];
    *l = (layer){.type = type, .in = in, .out = out};
    net->output = out;
    return l;
}

/* Backwards, because a layer adds to a gradient that a later layer has written. Only layers that run image by image may
   share a tensor: its gradient then holds the image that both are at. */
static void plan_gradients(nn_net *net) {
    for (size_t i = net->layer_count; i-- > 0;) {
        layer *l = &net->layers[i];
        l->adds = l->in->written || (l->in->whole && l->in->whole->written);
        l->in->written = 1;
        if (l->type->whole_batch) l->in->gradient_of_batch = l->out->gradient_of_batch = 1;
    }
    net->output->gradient_of_batch = 1;
}

static int allocate(nn_net *net) {
    for (size_t i = 0; i < net->layer_count; i++) {
        net->layers[i].weight_offset = net->size;
        net->size += net->layers[i].weight_count + net->layers[i].bias_count;
    }
    net->parameters = nn_zeros(net->size);
    net->gradient = nn_zeros(net->size);
    net->first_moment = nn_zeros(net->size);
    net->second_moment = nn_zeros(net->size);
    if (!net->parameters || !net->gradient || !net->first_moment || !net->second_moment) return 0;
    for (size_t i = 0; i < net->tensor_count; i++)
        if (!tensor_allocate(&net->tensors[i], net->max_batch)) return 0;
    for (size_t i = 0; i < net->layer_count; i++) {
        layer *l = &net->layers[i];
        l->weight = net->parameters + l->weight_offset;
        l->bias = l->weight + l->weight_count;
        l->weight_gradient = net->gradient + l->weight_offset;
        l->bias_gradient = l->weight_gradient + l->weight_count;
        if (l->size && !layer_allocate(l, net->max_batch)) return 0;
    }
    return 1;
}

static int check_sizes(nn_shape input, size_t outputs, size_t max_batch, lb_error *error) {
    enum { MOST = 1 << 14 };
    if (input.height && input.width && input.channels && outputs && max_batch && input.height <= MOST &&
        input.width <= MOST && input.channels <= MOST && outputs <= MOST * 4 && max_batch <= MOST * 4)
        return LB_OK;
    return lb_fail(
        error, LB_INVALID,
        "a net needs an input, outputs and a batch of at least 1 and at most some thousands, not %zux%zux%zu, "
        "%zu and %zu",
        input.height, input.width, input.channels, outputs, max_batch);
}

nn_net *net_assemble(const nn_model_type *type, const double *values, nn_shape input, size_t outputs, size_t max_batch,
                     lb_error *error) {
    nn_net *net = calloc(1, sizeof *net);
    if (!net) {
        lb_fail_memory(error, "a net");
        return NULL;
    }
    net->max_batch = max_batch;
    net->beta1_power = net->beta2_power = 1;
    net->flipped_is_old = 1;
    if (type->build(net, values, input, outputs, error)) goto fail;
    plan_gradients(net);
    if (!allocate(net)) {
        lb_fail_memory(error, "the values and weights of a net");
        goto fail;
    }
    return net;
fail:
    nn_net_free(net);
    return NULL;
}

nn_net *nn_net_new(const char *expression, nn_shape input, size_t outputs, size_t max_batch, lb_error *error) {
    const nn_model_type *type;
    double values[SPEC_MAX_PARAMS];
    if (model_parse(expression, &type, values, error) || check_sizes(input, outputs, max_batch, error)) return NULL;
    return net_assemble(type, values, input, outputs, max_batch, error);
}

void nn_net_free(nn_net *net) {
    if (!net) return;
    for (size_t i = 0; i < net->tensor_count; i++) {
        free(net->tensors[i].value_memory);
        free(net->tensors[i].gradient_memory);
    }
    for (size_t i = 0; i < net->layer_count; i++) layer_release(&net->layers[i]);
    free(net->parameters);
    free(net->gradient);
    free(net->first_moment);
    free(net->second_moment);
    free(net);
}

nn_shape nn_net_output(const nn_net *net) { return net->output->shape; }

/* --- running --- */

static void load_image(const tensor *t, const float *input, size_t image) {
    const size_t row = t->shape.width * t->shape.channels;
    for (size_t y = 0; y < t->shape.height; y++)
        memcpy(tensor_value(t, image) + y * tensor_row(t), input + (image * t->shape.height + y) * row,
               row * sizeof *input);
}

/* A group of layers either runs image by image, or is one layer that takes the whole batch. */
static int ends_group(const nn_net *net, size_t last) {
    return last + 1 == net->layer_count || net->layers[last].type->whole_batch ||
           net->layers[last + 1].type->whole_batch;
}

static void forward_group(const nn_net *net, size_t first, size_t last) {
    if (net->layers[first].type->whole_batch) {
        net->layers[first].type->forward(&net->layers[first], 0, net->batch);
        return;
    }
    for (size_t image = 0; image < net->batch; image++)
        for (size_t i = first; i <= last; i++) net->layers[i].type->forward(&net->layers[i], image, 1);
}

/* An output is a pixel's channel: [height][width][channels], padding left out. */
static void copy_outputs(const nn_net *net, float *output) {
    const tensor *t = net->output;
    const size_t channels = t->shape.channels;
    for (size_t image = 0; image < net->batch; image++)
        for (size_t y = 0; y < t->shape.height; y++)
            for (size_t x = 0; x < t->shape.width; x++, output += channels)
                memcpy(output, tensor_value(t, image) + y * tensor_row(t) + x * t->stride, channels * sizeof *output);
}

void nn_net_forward(nn_net *net, const float *input, size_t n, float *output) {
    net->batch = n;
    for (size_t image = 0; image < n; image++) load_image(net->input, input, image);
    for (size_t first = 0, last = 0; last < net->layer_count; last++)
        if (ends_group(net, last)) {
            forward_group(net, first, last);
            first = last + 1;
        }
    copy_outputs(net, output);
}

/* The padding of the gradient stays zero, so padded weights never move. */
static void load_output_gradient(const nn_net *net, const float *output_gradient) {
    const tensor *t = net->output;
    const size_t channels = t->shape.channels, pixels = net->batch * t->shape.height * t->shape.width;
    for (size_t i = 0; i < pixels; i++)
        memcpy(t->gradient + i * t->stride, output_gradient + i * channels, channels * sizeof *output_gradient);
}

static void flip_weights(nn_net *net) {
    for (size_t i = 0; i < net->layer_count && net->flipped_is_old; i++)
        if (net->layers[i].size && net->layers[i].in->has_gradient) layer_flip(&net->layers[i]);
    net->flipped_is_old = 0;
}

static void backward_group(const nn_net *net, size_t first, size_t last) {
    if (net->layers[first].type->whole_batch) {
        net->layers[first].type->backward(&net->layers[first], 0, net->batch);
        return;
    }
    for (size_t image = 0; image < net->batch; image++)
        for (size_t i = last + 1; i-- > first;) net->layers[i].type->backward(&net->layers[i], image, 1);
}

void nn_net_backward(nn_net *net, const float *output_gradient, size_t n) {
    net->batch = n;
    memset(net->gradient, 0, net->size * sizeof *net->gradient);
    load_output_gradient(net, output_gradient);
    flip_weights(net);
    for (size_t end = net->layer_count, first = end; first-- > 0;)
        if (first == 0 || ends_group(net, first - 1)) {
            backward_group(net, first, end - 1);
            end = first;
        }
}

/* --- parameters --- */

/* Calls `visit` for every parameter in logical order with its place in the padded vectors. */
static void each_parameter(const nn_net *net, void (*visit)(void *context, size_t logical, size_t place),
                           void *context) {
    size_t logical = 0;
    for (size_t i = 0; i < net->layer_count; i++) {
        const layer *l = &net->layers[i];
        if (!l->size) continue;
        const size_t outputs = l->out->shape.channels, inputs = l->in->shape.channels;
        for (size_t o = 0; o < outputs; o++)
            for (size_t tap = 0; tap < l->size * l->size; tap++)
                for (size_t input = 0; input < inputs; input++)
                    visit(context, logical++,
                          l->weight_offset + layer_weight_index(l, o, tap / l->size, tap % l->size, input));
        for (size_t o = 0; o < outputs; o++) visit(context, logical++, l->weight_offset + l->weight_count + o);
    }
}

typedef struct {
    const float *from;
    float *to;
} copy;

static void gather(void *context, size_t logical, size_t place) {
    const copy *c = context;
    c->to[logical] = c->from[place];
}

static void scatter(void *context, size_t logical, size_t place) {
    const copy *c = context;
    c->to[place] = c->from[logical];
}

size_t nn_net_parameters(const nn_net *net) {
    size_t count = 0;
    for (size_t i = 0; i < net->layer_count; i++) {
        const layer *l = &net->layers[i];
        if (l->size) count += l->out->shape.channels * (l->size * l->size * l->in->shape.channels + 1);
    }
    return count;
}

void nn_net_get(const nn_net *net, float *out) { each_parameter(net, gather, &(copy){net->parameters, out}); }

void nn_net_get_gradient(const nn_net *net, float *out) { each_parameter(net, gather, &(copy){net->gradient, out}); }

void nn_net_set(nn_net *net, const float *values) {
    each_parameter(net, scatter, &(copy){values, net->parameters});
    net->flipped_is_old = 1;
}

typedef struct {
    const float *from;
    uint64_t state;
} hashing;

static void hash_parameter(void *context, size_t logical, size_t place) {
    (void)logical;
    hashing *h = context;
    uint32_t bits;
    memcpy(&bits, &h->from[place], sizeof bits);
    const unsigned char bytes[4] = {(unsigned char)bits, (unsigned char)(bits >> 8), (unsigned char)(bits >> 16),
                                    (unsigned char)(bits >> 24)};
    h->state = hash64_add(h->state, bytes, sizeof bytes);
}

uint64_t nn_net_hash(const nn_net *net) {
    hashing h = {net->parameters, HASH64_START};
    each_parameter(net, hash_parameter, &h);
    return hash64_finish(h.state);
}

/* The weights of a layer, [output][ky][kx][input]: normal with sd sqrt(2 / fan in), drawn in this order (He et al.
   2015, 1502.01852, equation 10), or with the head's own. */
static void init_layer(nn_net *net, const layer *l, rng *stream) {
    const size_t outputs = l->out->shape.channels, inputs = l->in->shape.channels;
    const int is_head = l == &net->layers[net->layer_count - 1];
    const float sd = is_head && net->head_sd > 0 ? net->head_sd : sqrtf(2.0f / (float)(l->size * l->size * inputs));
    for (size_t o = 0; o < outputs; o++)
        for (size_t tap = 0; tap < l->size * l->size; tap++)
            for (size_t i = 0; i < inputs; i++)
                net->parameters[l->weight_offset + layer_weight_index(l, o, tap / l->size, tap % l->size, i)] =
                    sd * rng_normal(stream);
}

void nn_net_init(nn_net *net, rng *stream) {
    const size_t bytes = net->size * sizeof(float);
    memset(net->parameters, 0, bytes);
    memset(net->first_moment, 0, bytes);
    memset(net->second_moment, 0, bytes);
    net->beta1_power = net->beta2_power = 1;
    net->flipped_is_old = 1;
    for (size_t i = 0; i < net->layer_count; i++)
        if (net->layers[i].size) init_layer(net, &net->layers[i], stream);
}

/* Every model ends in a layer with weights, the head. */
void nn_net_set_head_bias(nn_net *net, const float *bias) {
    const layer *head = &net->layers[net->layer_count - 1];
    memcpy(net->parameters + head->weight_offset + head->weight_count, bias,
           net->output->shape.channels * sizeof *bias);
}

double nn_net_macs(const nn_net *net) {
    double macs = 0;
    for (size_t i = 0; i < net->layer_count; i++) {
        const layer *l = &net->layers[i];
        const nn_shape out = l->grid;
        macs += (double)(l->size * l->size * l->in->shape.channels) * (double)(out.height * out.width * out.channels);
    }
    return macs;
}
