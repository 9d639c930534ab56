/* Trains every kind of network a little with every kernel set of this build and prints a line for each: model, kernel
   set, hash of the weights. tests/bits/run compares the hashes over compilers, flags and tilings. */
#include "lib/base/repro_math.h"
#include "lib/nn/nn.h"

#include <inttypes.h>
#include <stdio.h>

enum { BATCH = 5, ADAM_STEPS = 20, SGD_STEPS = 5, HEIGHT = 20, WIDTH = 13, MAX_OUTPUTS = 8 * 12 };

typedef struct {
    const char *model;
    nn_shape input;
    size_t outputs;
} subject;

/* Odd sizes, so that tiles of every width occur, and several input channels. */
static const subject subjects[] = {
    {"cnn(width=narrow)", {HEIGHT, WIDTH, 1}, 1},
    {"cnn(width=wide)", {HEIGHT, WIDTH, 3}, 1},
    {"mlp", {1, 1, 21}, 1},
    {"unet(width=narrow)", {8, 12, 1}, MAX_OUTPUTS},
    {"unet", {8, 12, 1}, MAX_OUTPUTS},
    {"detector(width=narrow)", {16, 24, 1}, 11},
    {"detector", {16, 16, 3}, 17},
};

static void train(nn_net *net, nn_shape shape) {
    static float input[BATCH * HEIGHT * WIDTH * 3], output[BATCH * MAX_OUTPUTS], gradient[BATCH * MAX_OUTPUTS];
    const nn_shape out = nn_net_output(net);
    const size_t n = BATCH * out.height * out.width * out.channels;
    nn_optimiser o = {NN_ADAM,         .learning_rate = 3e-3, .weight_decay = 1e-2,
                      .momentum = 0.9, .beta2 = 0.999,        .epsilon = 1e-8};
    rng stream = rng_from_text("bits");
    nn_net_init(net, &stream);
    for (size_t i = 0; i < out.channels; i++) gradient[i] = -1.5f;
    nn_net_set_head_bias(net, gradient);
    for (int step = 0; step < ADAM_STEPS + SGD_STEPS; step++) {
        o.kind = step < ADAM_STEPS ? NN_ADAM : NN_SGD;
        rng_normals(&stream, input, BATCH * shape.height * shape.width * shape.channels);
        nn_net_forward(net, input, BATCH, output);
        for (size_t i = 0; i < n; i++) gradient[i] = (repro_sigmoidf(output[i]) - (float)(i % 2)) / (float)n;
        nn_net_backward(net, gradient, BATCH);
        nn_net_step(net, &o);
    }
}

static int print_hash(const subject *s, const char *kernels, lb_error *error) {
    if (nn_kernels_select(kernels, error)) return (int)error->code;
    nn_net *net = nn_net_new(s->model, s->input, s->outputs, BATCH, error);
    if (!net) return (int)error->code;
    train(net, s->input);
    printf("%s %s %016" PRIx64 "\n", s->model, kernels, nn_net_hash(net));
    nn_net_free(net);
    return LB_OK;
}

int main(void) {
    lb_error error;
    int code = LB_OK;
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++)
        for (const char *const *kernels = nn_kernels_available(); *kernels && !code; kernels++)
            code = print_hash(&subjects[i], *kernels, &error);
    if (code) fprintf(stderr, "weights: %s\n", error.message);
    return code != LB_OK;
}
