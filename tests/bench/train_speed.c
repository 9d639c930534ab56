/* Training speed on one core: images per second of whole steps (forward, a plain logistic gradient, backward, Adam) and
   the share of the operations per second that the same core reaches in a loop of registers only, measured in between.

       train_speed [seconds per model] [kernel set, or "widest"] [model]

   prints one line per model: model, images/s, GFLOP/s, share of the ceiling. */
#include "lib/base/repro_math.h"
#include "lib/nn/nn.h"
#include "tests/bench/ceiling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 64, MAX_OUTPUTS = 32 * 32 };

typedef struct {
    const char *label, *model;
    nn_shape input;
    size_t outputs;
} workload;

static const workload workloads[] = {
    {"cnn-wide", "cnn(width=wide)", {32, 32, 1}, 1},
    {"cnn-narrow", "cnn(width=narrow)", {32, 32, 1}, 1},
    {"unet", "unet", {32, 32, 1}, MAX_OUTPUTS},
    {"mlp", "mlp(hidden=64, layers=2)", {1, 1, 64}, 1},
    {"detector-wide", "detector(width=wide)", {64, 64, 1}, 11}, /* 6 types, objectness, 4 of the box */
    {"detector-narrow", "detector(width=narrow)", {64, 64, 1}, 11},
};

/* Processor time: waiting for a core that others use does not count. */
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef struct {
    nn_net *net;
    float *input;
    size_t outputs;
    float output[BATCH * MAX_OUTPUTS], gradient[BATCH * MAX_OUTPUTS];
} training;

static void train_step(training *t) {
    const nn_optimiser adam = {NN_ADAM, .learning_rate = 1e-3, .momentum = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    nn_net_forward(t->net, t->input, BATCH, t->output);
    const size_t n = BATCH * t->outputs;
    for (size_t i = 0; i < n; i++) t->gradient[i] = (repro_sigmoidf(t->output[i]) - (float)(i % 2)) / (float)n;
    nn_net_backward(t->net, t->gradient, BATCH);
    nn_net_step(t->net, &adam);
}

static int open_training(training *t, const workload *w, lb_error *error) {
    *t = (training){0};
    const size_t size = BATCH * w->input.height * w->input.width * w->input.channels;
    rng stream = rng_from_text(w->label);
    t->net = nn_net_new(w->model, w->input, w->outputs, BATCH, error);
    if (!t->net) return (int)error->code;
    const nn_shape out = nn_net_output(t->net);
    t->outputs = out.height * out.width * out.channels;
    t->input = malloc(size * sizeof *t->input);
    if (!t->input) return lb_fail_memory(error, "a batch");
    rng_normals(&stream, t->input, size);
    nn_net_init(t->net, &stream);
    return LB_OK;
}

/* Multiply-adds of a training step per image: forward, weight gradient, and the input gradient of all but the first
   layer. */
static double macs_per_image(const workload *w, const nn_net *net) {
    const double first = w->input.height > 1 ? 9.0 * (double)(w->input.height * w->input.width * w->input.channels) * 16
                                             : (double)w->input.channels * 64;
    return 3 * nn_net_macs(net) - first;
}

/* In the widest vectors that this CPU runs, whatever kernels train. */
static double ceiling(void) {
    return strcmp(nn_kernels_available()[0], "avx512") == 0 ? ceiling_avx512() : ceiling_native();
}

/* Slices of 50 ms of training and of the ceiling by turns, so that both see the same clock and the same neighbours. */
static int measure(const workload *w, double seconds, lb_error *error) {
    static training t;
    const int code = open_training(&t, w, error);
    if (!code) {
        double trained = 0, steps = 0, spun = 0, flops = 0;
        train_step(&t);
        for (const double end = now() + seconds; now() < end;) {
            double start = now(), stop = start;
            for (; stop - start < 0.05; stop = now(), steps++) train_step(&t);
            trained += stop - start;
            start = now();
            flops += ceiling();
            spun += now() - start;
        }
        const double rate = steps * BATCH / trained, gflops = rate * 2e-9 * macs_per_image(w, t.net);
        printf("%s\t%.0f\t%.1f\t%.3f\n", w->label, rate, gflops, gflops / (flops / spun * 1e-9));
    }
    nn_net_free(t.net);
    free(t.input);
    return code;
}

int main(int argc, char **argv) {
    const double seconds = argc > 1 ? atof(argv[1]) : 1;
    lb_error error;
    int code = argc > 2 && strcmp(argv[2], "widest") != 0 ? nn_kernels_select(argv[2], &error) : LB_OK;
    for (size_t i = 0; !code && i < sizeof workloads / sizeof *workloads; i++)
        if (argc <= 3 || strcmp(argv[3], workloads[i].label) == 0) code = measure(&workloads[i], seconds, &error);
    if (code) fprintf(stderr, "train_speed: %s\n", error.message);
    return code != LB_OK;
}
