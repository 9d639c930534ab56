/* Small networks with exactly reproducible arithmetic: same weights after any number of steps for every compiler,
   optimisation level, vector width and tiling. Single-threaded; a net belongs to one thread at a time. */
#ifndef NN_NN_H
#define NN_NN_H

#include "lib/base/rng.h"
#include "lib/base/spec.h"

#include <stddef.h>
#include <stdint.h>

typedef struct {
    size_t height, width, channels;
} nn_shape;

typedef struct nn_net nn_net;

/* What a model gives, and what the `outputs` of nn_net_new count. */
typedef enum {
    NN_IMAGE, /* `outputs` numbers for the image */
    NN_PIXEL, /* a logit for each pixel: outputs = height * width */
    NN_CELL   /* `outputs` channels for each cell of a grid, NN_DETECTOR_STRIDE pixels apart */
} nn_output_kind;

enum { NN_DETECTOR_STRIDE = 8 }; /* pixels from one cell to the next; cell (r, c) covers the 8x8 pixels from (8r, 8c) */

/* A model: one file, one line in models.c. `build` adds layers to an empty net. */
typedef struct nn_model_type {
    const char *name;
    int version;
    const char *summary;
    nn_output_kind output;
    const param *params;
    size_t param_count;
    int (*build)(nn_net *net, const double *params, nn_shape input, size_t outputs, lb_error *error);
} nn_model_type;

extern const nn_model_type *const nn_model_types[]; /* NULL-terminated */
const nn_model_type *nn_model_find(const char *name);

/* What the model of this expression gives; NN_IMAGE also when it is no model. */
nn_output_kind nn_model_output(const char *expression);

/* Canonical text of a model expression with version, "cnn@1(width=narrow)": the model's part of a trial key. */
int nn_model_text(const char *expression, char *out, size_t size, lb_error *error);

/* Builds a net for images of `input` shape ([height][width][channels]; tabular data: height = width = 1) with room for
   `max_batch` images; `outputs` as nn_output_kind has it. NULL on error. */
nn_net *nn_net_new(const char *expression, nn_shape input, size_t outputs, size_t max_batch, lb_error *error);
void nn_net_free(nn_net *net);

/* The output of one image: 1 x 1 x outputs, height x width x 1, or rows x columns x channels of the cells. */
nn_shape nn_net_output(const nn_net *net);

/* He initialisation (normal, sd sqrt(2/fan_in)) of all weights, the detector's head apart (sd 0.01), drawn in the order
   of nn_net_get; zero biases; optimiser state zero. */
void nn_net_init(nn_net *net, rng *stream);

/* After nn_net_init: where the outputs start; bias is [nn_net_output(net).channels]. */
void nn_net_set_head_bias(nn_net *net, const float *bias);

/* output is [n][height][width][channels] of nn_net_output; input is [n][height][width][channels] of the image,
   n <= max_batch. Activations are kept for nn_net_backward. */
void nn_net_forward(nn_net *net, const float *input, size_t n, float *output);

/* output_gradient has the shape of output, of the last nn_net_forward; replaces the parameter gradients. */
void nn_net_backward(nn_net *net, const float *output_gradient, size_t n);

/* In max pooling, local and global, the first of equal pixels takes the gradient; relu has slope 0 at 0. */

typedef enum { NN_ADAM, NN_SGD } nn_optimiser_kind;

typedef struct {
    nn_optimiser_kind kind;
    double learning_rate;
    double weight_decay;   /* decoupled (Loshchilov & Hutter 2019), weights only, times learning_rate */
    double momentum;       /* SGD: velocity; Adam: beta1 */
    double beta2, epsilon; /* Adam only */
} nn_optimiser;

/* One step of the optimiser with the gradients at hand. */
void nn_net_step(nn_net *net, const nn_optimiser *optimiser);

/* Parameters in logical order, independent of tiling: per layer weights [output][ky][kx][input], then biases. */
size_t nn_net_parameters(const nn_net *net);
void nn_net_get(const nn_net *net, float *out); /* parameters */
void nn_net_set(nn_net *net, const float *values);
void nn_net_get_gradient(const nn_net *net, float *out); /* same order */
uint64_t nn_net_hash(const nn_net *net);                 /* hash64 over nn_net_get, little-endian bytes */
double nn_net_macs(const nn_net *net);                   /* multiply-adds of one forward pass of one image */

/* Kernel sets of this binary that this CPU runs, widest first, e.g. "avx512", "avx2", "portable"; NULL-terminated. All
   give the same bits; the widest is chosen at first use. nn_kernels_select forces one (for tests and benchmarks). */
const char *const *nn_kernels_available(void);
int nn_kernels_select(const char *name, lb_error *error);

#endif
