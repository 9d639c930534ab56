/* Values and gradients of every layer and every model against a plain double-precision reference and its central
   differences. The objective is a fixed random combination of all outputs of all images of a batch. */
#include "tests/nn/normals.h"
#include "tests/nn/reference.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdio.h>

enum { BATCH = 3 };

/* --- nets of one or two layers, so that a fault names its layer --- */

static int build_conv(nn_net *net, const double *v, nn_shape in, size_t outputs, lb_error *e) {
    (void)v;
    return net_conv3(net, net_input(net, in, 1, e), outputs, 0, e) ? LB_OK : LB_INVALID;
}

static int build_conv_conv(nn_net *net, const double *v, nn_shape in, size_t outputs, lb_error *e) {
    (void)v;
    tensor *t = net_conv3(net, net_input(net, in, 1, e), 32, 1, e);
    return net_conv3(net, t, outputs, 0, e) ? LB_OK : LB_INVALID;
}

static int build_max_pool(nn_net *net, const double *v, nn_shape in, size_t outputs, lb_error *e) {
    (void)v;
    (void)outputs;
    tensor *t = net_conv3(net, net_input(net, in, 1, e), 16, 0, e);
    return net_max_pool(net, t, e) ? LB_OK : LB_INVALID;
}

static int build_conv_pool(nn_net *net, const double *v, nn_shape in, size_t outputs, lb_error *e) {
    (void)v;
    return net_conv3_pool(net, net_input(net, in, 1, e), outputs, e) ? LB_OK : LB_INVALID;
}

static int build_conv_pool_conv(nn_net *net, const double *v, nn_shape in, size_t outputs, lb_error *e) {
    (void)v;
    tensor *t = net_conv3_pool(net, net_conv3_pool(net, net_input(net, in, 1, e), 16, e), 32, e);
    return net_conv3(net, t, outputs, 0, e) ? LB_OK : LB_INVALID;
}

static int build_global_pool(nn_net *net, const double *v, nn_shape in, size_t outputs, lb_error *e) {
    (void)v;
    (void)outputs;
    tensor *t = net_conv3(net, net_input(net, in, 1, e), 16, 0, e);
    return net_global_pool(net, t, e) ? LB_OK : LB_INVALID;
}

static int build_dense(nn_net *net, const double *v, nn_shape in, size_t outputs, lb_error *e) {
    (void)v;
    return net_dense(net, net_input(net, in, 0, e), outputs, 0, e) ? LB_OK : LB_INVALID;
}

static int build_dense_dense(nn_net *net, const double *v, nn_shape in, size_t outputs, lb_error *e) {
    (void)v;
    tensor *t = net_dense(net, net_input(net, in, 0, e), 48, 1, e);
    return net_dense(net, t, outputs, 0, e) ? LB_OK : LB_INVALID;
}

static const nn_model_type small[] = {
    {.name = "conv", .build = build_conv},
    {.name = "conv conv", .build = build_conv_conv},
    {.name = "max_pool", .build = build_max_pool},
    {.name = "global_pool", .build = build_global_pool},
    {.name = "dense", .build = build_dense},
    {.name = "dense dense", .build = build_dense_dense},
    {.name = "conv_pool", .build = build_conv_pool},
    {.name = "conv_pool conv_pool conv", .build = build_conv_pool_conv},
};

typedef struct {
    int small;         /* index above, or -1 */
    const char *model; /* expression */
    nn_shape input;
    size_t outputs;
} test_case;

static const test_case cases[] = {
    {0, NULL, {5, 7, 1}, 3},
    {0, NULL, {1, 1, 3}, 17},
    {0, NULL, {4, 9, 16}, 16},
    {0, NULL, {3, 4, 48}, 16},
    {1, NULL, {5, 7, 1}, 3},
    {1, NULL, {1, 1, 2}, 1},
    {1, NULL, {6, 13, 3}, 20},
    {2, NULL, {6, 8, 1}, 16},
    {2, NULL, {5, 7, 3}, 16},
    {3, NULL, {5, 3, 2}, 32},
    {4, NULL, {1, 1, 1}, 1},
    {4, NULL, {1, 1, 21}, 19},
    {5, NULL, {1, 1, 37}, 2},
    {6, NULL, {2, 2, 1}, 16},
    {6, NULL, {7, 9, 3}, 32},
    {7, NULL, {10, 7, 1}, 3},
    {7, NULL, {8, 24, 1}, 16},
    {-1, "cnn(width=narrow)", {8, 8, 1}, 1},
    {-1, "cnn(width=wide)", {13, 9, 3}, 2},
    {-1, "unet", {4, 4, 1}, 16},
    {-1, "unet(width=narrow)", {4, 8, 1}, 32},
    {-1, "unet", {8, 12, 2}, 96},
    {-1, "detector", {8, 8, 1}, 1},
    {-1, "detector(width=narrow)", {16, 24, 1}, 11}, /* channels that end inside a panel */
    {-1, "detector", {24, 16, 3}, 17},
    {-1, "mlp", {1, 1, 20}, 1},
    {-1, "mlp(hidden=16, layers=0)", {2, 3, 2}, 3},
    {-1, "mlp(hidden=32, layers=3)", {2, 3, 2}, 3},
};

enum { CASES = sizeof cases / sizeof *cases };

/* --- --- */

static nn_net *open_case(const test_case *c) {
    lb_error error = {0};
    nn_net *net = c->small < 0 ? nn_net_new(c->model, c->input, c->outputs, BATCH, &error)
                               : net_assemble(&small[c->small], NULL, c->input, c->outputs, BATCH, &error);
    cr_assert(net != NULL, "%s", error.message);
    return net;
}

typedef struct {
    nn_net *net;
    size_t inputs, outputs, parameters;
    float *input, *coefficients; /* [BATCH][...] */
    double *values;              /* parameters */
} fixture;

static fixture set_up(size_t index) {
    fixture f = {.net = open_case(&cases[index])};
    rng stream = rng_from_text("test_gradients");
    const nn_shape in = f.net->input->shape, out = f.net->output->shape;
    f.inputs = in.height * in.width * in.channels;
    f.outputs = out.height * out.width * out.channels;
    f.parameters = nn_net_parameters(f.net);
    f.input = normals(&stream, BATCH * f.inputs);
    f.coefficients = normals(&stream, BATCH * f.outputs);
    float *parameters = normals(&stream, f.parameters); /* biases too: zero ones would hide their place */
    f.values = malloc(f.parameters * sizeof *f.values);
    for (size_t i = 0; i < f.parameters; i++) {
        parameters[i] *= 0.2f;
        f.values[i] = (double)parameters[i];
    }
    nn_net_set(f.net, parameters);
    free(parameters);
    return f;
}

static void tear_down(fixture *f) {
    nn_net_free(f->net);
    free(f->input);
    free(f->coefficients);
    free(f->values);
}

static double objective(const fixture *f) {
    double sum = 0;
    for (size_t n = 0; n < BATCH; n++) {
        double *out = reference_forward(f->net, f->values, f->input + n * f->inputs);
        for (size_t i = 0; i < f->outputs; i++) sum += (double)f->coefficients[n * f->outputs + i] * out[i];
        free(out);
    }
    return sum;
}

ParameterizedTestParameters(gradients, forward_is_the_reference) {
    static int index[CASES];
    for (int i = 0; i < CASES; i++) index[i] = i;
    return cr_make_param_array(int, index, CASES);
}

ParameterizedTest(int *index, gradients, forward_is_the_reference) {
    fixture f = set_up((size_t)*index);
    float *out = malloc(BATCH * f.outputs * sizeof *out);
    nn_net_forward(f.net, f.input, BATCH, out);
    for (size_t n = 0; n < BATCH; n++) {
        double *expected = reference_forward(f.net, f.values, f.input + n * f.inputs), largest = 1;
        for (size_t i = 0; i < f.outputs; i++) largest = fmax(largest, fabs(expected[i]));
        for (size_t i = 0; i < f.outputs; i++)
            cr_expect(epsilon_eq(dbl, (double)out[n * f.outputs + i], expected[i], 4e-6 * largest),
                      "case %d image %zu output %zu", *index, n, i);
        free(expected);
    }
    free(out);
    tear_down(&f);
}

/* At most about 200 parameters of a net, evenly spread, and always the last: the biases of the head. */
static size_t next_parameter(size_t at, size_t count) {
    const size_t step = 1 + count / 200;
    return at + 1 == count ? count : at + step < count ? at + step : count - 1;
}

ParameterizedTestParameters(gradients, backward_is_the_central_difference) {
    static int index[CASES];
    for (int i = 0; i < CASES; i++) index[i] = i;
    return cr_make_param_array(int, index, CASES);
}

ParameterizedTest(int *index, gradients, backward_is_the_central_difference) {
    const double step = 1e-6;
    fixture f = set_up((size_t)*index);
    float *out = malloc(BATCH * f.outputs * sizeof *out), *gradient = malloc(f.parameters * sizeof *gradient);
    for (int repeat = 0; repeat < 2; repeat++) { /* the second must replace, not add */
        nn_net_forward(f.net, f.input, BATCH, out);
        nn_net_backward(f.net, f.coefficients, BATCH);
    }
    nn_net_get_gradient(f.net, gradient);
    double largest = 0, worst = 0;
    size_t worst_at = 0;
    for (size_t i = 0; i < f.parameters; i++) largest = fmax(largest, fabs((double)gradient[i]));
    for (size_t i = 0; i < f.parameters; i = next_parameter(i, f.parameters)) {
        const double kept = f.values[i];
        f.values[i] = kept + step;
        const double above = objective(&f);
        f.values[i] = kept - step;
        const double slope = (above - objective(&f)) / (2 * step);
        f.values[i] = kept;
        if (fabs(slope - (double)gradient[i]) <= worst) continue;
        worst = fabs(slope - (double)gradient[i]);
        worst_at = i;
    }
    cr_expect(largest > 0.01);
    cr_expect(worst <= 1e-5 * largest, "case %d: parameter %zu is off by %g of %g", *index, worst_at, worst, largest);
    free(out);
    free(gradient);
    tear_down(&f);
}

/* The weight gradients of 16 equal channels of a 2x2 image that is pooled to one pixel. All weights are zero and all
   biases `bias`, so that the four pixels are equal, but each sees another window of the image. */
static void pooled_gradient(int index, float bias, float gradient[16 * 10]) {
    const test_case c = {index, NULL, {2, 2, 1}, 16};
    nn_net *net = open_case(&c);
    float parameters[16 * 10] = {0}, out[BATCH * 16], ones[BATCH * 16];
    const float input[BATCH * 4] = {1, 2, 3, 4};
    for (size_t i = 0; i < BATCH * 16; i++) ones[i] = 1;
    for (size_t i = 16 * 9; i < 16 * 10; i++) parameters[i] = bias;
    nn_net_set(net, parameters);
    nn_net_forward(net, input, BATCH, out);
    nn_net_backward(net, ones, BATCH);
    nn_net_get_gradient(net, gradient);
    nn_net_free(net);
}

Test(gradients, first_of_equal_pixels_takes_the_gradient) {
    const float first_window[9] = {0, 0, 0, 0, 1, 2, 0, 3, 4};
    const int pooling[] = {2, 6};
    float gradient[16 * 10];
    for (int k = 0; k < 2; k++) {
        pooled_gradient(pooling[k], 1, gradient);
        for (size_t i = 0; i < 9; i++) cr_expect(eq(flt, gradient[i], first_window[i]), "net %d element %zu", k, i);
    }
}

Test(gradients, nothing_goes_back_where_the_relu_stopped_all_pixels) {
    float gradient[16 * 10];
    pooled_gradient(6, 0, gradient);
    for (size_t i = 0; i < 16 * 10; i++) cr_expect(eq(flt, gradient[i], 0), "element %zu", i);
}

/* Values of an image must not depend on the batch it came in. */
Test(gradients, batches_do_not_mix) {
    lb_error error;
    const nn_shape shape = {12, 10, 1};
    nn_net *net = nn_net_new("cnn", shape, 1, 8, &error);
    rng stream = rng_from_text("batches");
    nn_net_init(net, &stream);
    float *input = normals(&stream, 8 * 120), together[8], alone;
    nn_net_forward(net, input, 8, together);
    for (size_t i = 0; i < 8; i++) {
        nn_net_forward(net, input + i * 120, 1, &alone);
        cr_expect(eq(flt, alone, together[i]));
    }
    free(input);
    nn_net_free(net);
}
