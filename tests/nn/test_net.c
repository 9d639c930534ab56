/* Nets from the outside: expressions, refusals, initial weights, parameters in and out, learning, memory. */
#include "lib/nn/nn.h"
#include "lib/base/hash.h"
#include "tests/failing_malloc.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#if FAILING_MALLOC /* a net also uses these two */
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static int fails(void) { return calls_before_failure >= 0 && calls_before_failure-- == 0; }

void *calloc(size_t count, size_t size) { return fails() ? NULL : __libc_calloc(count, size); }

void *aligned_alloc(size_t alignment, size_t size) { return fails() ? NULL : __libc_memalign(alignment, size); }
#endif

static const nn_shape tile = {32, 32, 1}, row = {1, 1, 64};

Test(net, text_of_a_model_has_version_and_all_parameters) {
    char text[SPEC_MAX_TEXT];
    cr_assert(eq(int, nn_model_text("cnn", text, sizeof text, NULL), LB_OK));
    cr_expect(eq(str, text, "cnn@1(width=wide)"));
    cr_assert(eq(int, nn_model_text(" mlp( layers = 3 ) ", text, sizeof text, NULL), LB_OK));
    cr_expect(eq(str, text, "mlp@1(hidden=64, layers=3)"));
    cr_expect(eq(int, nn_model_text("mlp", text, 5, NULL), LB_INVALID));
}

typedef struct {
    const char *model;
    nn_shape input;
    size_t outputs, batch;
    const char *sentence; /* part of it */
} refusal;

static const refusal refusals[] = {
    {"cnnn", {32, 32, 1}, 1, 1, "there is no model 'cnnn'; there are: cnn, "},
    {"cnn(width=huge)", {32, 32, 1}, 1, 1, "width=huge is not one of: narrow, wide"},
    {"cnn(depth=3)", {32, 32, 1}, 1, 1, "no parameter 'depth'"},
    {"cnn + mlp", {32, 32, 1}, 1, 1, "nothing may follow"},
    {"mlp(hidden=20)", {1, 1, 3}, 1, 1, "hidden=20 is not a multiple of 16"},
    {"cnn", {3, 32, 1}, 1, 1, "at least 4x4 pixels, not 3x32"},
    {"unet", {32, 30, 1}, 960, 1, "divisible by 4, not 32x30"},
    {"unet", {32, 32, 1}, 1, 1, "one output per pixel: 1024 of 32x32, not 1"},
    {"detector", {64, 60, 1}, 11, 1, "divisible by 8, not 64x60"},
    {"detector", {4, 64, 1}, 11, 1, "divisible by 8, not 4x64"},
    {"detector", {0, 64, 1}, 11, 1, "0x64x1"},
    {"detector", {64, 64, 1}, 0, 1, "outputs"},
    {"detector(hidden=16)", {64, 64, 1}, 11, 1, "no parameter 'hidden'"},
    {"cnn", {32, 32, 0}, 1, 1, "32x32x0"},
    {"cnn", {32, 32, 1}, 0, 1, "outputs"},
    {"mlp", {1, 1, 1}, 1, 0, "batch"},
};

Test(net, refuses_with_a_sentence) {
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const refusal *r = &refusals[i];
        lb_error error = {0};
        nn_net *net = nn_net_new(r->model, r->input, r->outputs, r->batch, &error);
        cr_expect(net == NULL, "%s", r->model);
        cr_expect(error.code != LB_OK);
        cr_expect(strstr(error.message, r->sentence) != NULL, "%s: %s", r->model, error.message);
        nn_net_free(net);
    }
}

/* By hand: 16(9+1) + 32(144+1) + 64(288+1) + 128+1; multiply-adds: 1024*9*16 + 256*144*32 + 64*288*64 + 128. */
Test(net, counts_of_the_wide_cnn) {
    nn_net *net = nn_net_new("cnn", tile, 1, 1, NULL);
    cr_assert(net != NULL);
    cr_expect(eq(sz, nn_net_parameters(net), 160 + 4640 + 18496 + 129));
    cr_expect(eq(dbl, nn_net_macs(net), 147456.0 + 1179648 + 1179648 + 128));
    nn_net_free(net);
}

/* By hand: 16(9+1) + 32(144+1) + 64(288+1) + 2 * 64(576+1) + 11(64+1); multiply-adds: pixels times weights. */
Test(net, counts_of_the_wide_detector) {
    nn_net *net = nn_net_new("detector", (nn_shape){64, 64, 1}, 11, 1, NULL);
    cr_assert(net != NULL);
    cr_expect(eq(sz, nn_net_parameters(net), 160 + 4640 + 18496 + 2 * 36928 + 715));
    cr_expect(eq(dbl, nn_net_macs(net),
                 4096.0 * 144 + 1024.0 * 144 * 32 + 256.0 * 288 * 64 + 64 * (2.0 * 576 * 64 + 64 * 11)));
    nn_net_free(net);
}

typedef struct {
    const char *model;
    nn_shape input;
    size_t outputs;
    nn_output_kind kind;
    nn_shape output;
} output_case;

static const output_case output_cases[] = {
    {"cnn", {32, 24, 1}, 3, NN_IMAGE, {1, 1, 3}},
    {"mlp", {2, 3, 4}, 2, NN_IMAGE, {1, 1, 2}},
    {"unet(width=narrow)", {8, 12, 1}, 96, NN_PIXEL, {8, 12, 1}},
    {"detector", {64, 64, 1}, 11, NN_CELL, {8, 8, 11}},
    {"detector(width=narrow)", {16, 40, 3}, 6, NN_CELL, {2, 5, 6}},
};

Test(net, output_has_the_shape_of_its_kind) {
    for (size_t i = 0; i < sizeof output_cases / sizeof *output_cases; i++) {
        const output_case *c = &output_cases[i];
        nn_net *net = nn_net_new(c->model, c->input, c->outputs, 1, NULL);
        cr_assert(net != NULL, "%s", c->model);
        const nn_shape out = nn_net_output(net);
        cr_expect(eq(int, (int)nn_model_output(c->model), (int)c->kind), "%s", c->model);
        cr_expect(eq(sz, out.height, c->output.height), "%s", c->model);
        cr_expect(eq(sz, out.width, c->output.width), "%s", c->model);
        cr_expect(eq(sz, out.channels, c->output.channels), "%s", c->model);
        nn_net_free(net);
    }
    cr_expect(eq(int, (int)nn_model_output("no model"), (int)NN_IMAGE));
}

/* With all weights zero every cell says its biases, channel by channel and without padding between the cells. */
Test(net, head_bias_is_per_channel) {
    enum { IMAGES = 2, CELLS = 2 * 3, CHANNELS = 17 };
    nn_net *net = nn_net_new("detector(width=narrow)", (nn_shape){16, 24, 1}, CHANNELS, IMAGES, NULL);
    const size_t n = nn_net_parameters(net);
    float *zeros = calloc(n, sizeof *zeros), *input = calloc(IMAGES * 16 * 24, sizeof *input), bias[CHANNELS];
    float output[IMAGES * CELLS * CHANNELS];
    for (size_t c = 0; c < CHANNELS; c++) bias[c] = (float)c - 4.5f;
    nn_net_set(net, zeros);
    nn_net_set_head_bias(net, bias);
    nn_net_forward(net, input, IMAGES, output);
    for (size_t i = 0; i < IMAGES * CELLS * CHANNELS; i++) cr_expect(eq(flt, output[i], bias[i % CHANNELS]));
    free(zeros);
    free(input);
    nn_net_free(net);
}

/* The biases are the last parameters; all others, and what training does with them, stay those of nn_net_init. */
Test(net, head_bias_replaces_the_one_before_and_nothing_else) {
    const float first[3] = {1, 1, 1}, bias[3] = {-4, 0.5f, 2};
    nn_net *net = nn_net_new("detector(width=narrow)", (nn_shape){8, 8, 1}, 3, 1, NULL);
    const size_t n = nn_net_parameters(net);
    float *before = malloc(n * sizeof *before), *after = malloc(n * sizeof *after);
    rng stream = rng_from_text("head");
    nn_net_init(net, &stream);
    nn_net_set_head_bias(net, first);
    nn_net_get(net, before);
    nn_net_set_head_bias(net, bias);
    nn_net_get(net, after);
    cr_expect(eq(int, memcmp(before, after, (n - 3) * sizeof *before), 0));
    for (size_t c = 0; c < 3; c++) {
        cr_expect(eq(flt, before[n - 3 + c], 1));
        cr_expect(eq(flt, after[n - 3 + c], bias[c]));
    }
    free(before);
    free(after);
    nn_net_free(net);
}

/* Weights of the middle layer of an mlp: 64*64 normals of sd sqrt(2/64). Bounds: 5 standard errors. */
Test(net, initial_weights_are_he_normal) {
    nn_net *net = nn_net_new("mlp(hidden=64, layers=2)", row, 3, 1, NULL);
    const size_t n = 64 * 64, at = n + 64;
    float *p = malloc(nn_net_parameters(net) * sizeof *p);
    rng stream = rng_from_text("init"), again = rng_from_text("init");
    const float bias[3] = {-2.5f, -2.5f, -2.5f};
    nn_net_init(net, &stream);
    nn_net_set_head_bias(net, bias);
    nn_net_get(net, p);
    cr_expect(eq(flt, p[0], sqrtf(2.0f / 64) * rng_normal(&again)), "drawn in logical order");
    double sum = 0, squares = 0;
    for (size_t i = at; i < at + n; i++) {
        sum += (double)p[i];
        squares += (double)p[i] * (double)p[i];
    }
    const double sd = sqrt(2.0 / 64);
    cr_expect(fabs(sum / (double)n) < 5 * sd / sqrt((double)n));
    cr_expect(fabs(squares / (double)n / (sd * sd) - 1) < 5 * sqrt(2.0 / (double)n));
    for (size_t i = 0; i < 64; i++) cr_expect(eq(flt, p[n + i], 0), "hidden biases are zero");
    for (size_t i = nn_net_parameters(net) - 3; i < nn_net_parameters(net); i++) cr_expect(eq(flt, p[i], -2.5f));
    free(p);
    nn_net_free(net);
}

Test(net, parameters_go_in_and_out_unchanged) {
    nn_net *net = nn_net_new("cnn(width=narrow)", (nn_shape){8, 8, 3}, 2, 1, NULL);
    const size_t n = nn_net_parameters(net);
    float *in = malloc(n * sizeof *in), *out = calloc(n, sizeof *out);
    for (size_t i = 0; i < n; i++) in[i] = (float)i;
    nn_net_set(net, in);
    nn_net_get(net, out);
    cr_expect(eq(int, memcmp(in, out, n * sizeof *in), 0));
    const uint64_t expected =
        hash64_finish(hash64_add(HASH64_START, in, n * sizeof *in)); /* on little-endian machines */
    if (*(const unsigned char *)&(const uint16_t){1}) cr_expect(eq(u64, nn_net_hash(net), expected));
    in[n / 2] += 1;
    nn_net_set(net, in);
    cr_expect(ne(u64, nn_net_hash(net), expected));
    free(in);
    free(out);
    nn_net_free(net);
}

/* A bright dot on noise: 300 steps must find it. Also: training reads only its own state, so twice gives the same bits.
 */
static uint64_t train_on_dots(double *accuracy) {
    enum { BATCH = 16, STEPS = 300, PIXELS = 16 * 12 };
    static float input[BATCH * PIXELS], output[BATCH], gradient[BATCH];
    const nn_optimiser o = {NN_ADAM, .learning_rate = 3e-3, .momentum = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    nn_net *net = nn_net_new("cnn(width=narrow)", (nn_shape){16, 12, 1}, 1, BATCH, NULL);
    rng stream = rng_from_text("dots");
    nn_net_init(net, &stream);
    int right = 0;
    for (int step = 0; step < STEPS; step++) {
        rng_normals(&stream, input, BATCH * PIXELS);
        for (size_t i = 0; i < BATCH; i += 2) input[i * PIXELS + rng_below(&stream, PIXELS)] += 8;
        nn_net_forward(net, input, BATCH, output);
        for (size_t i = 0; i < BATCH; i++) {
            const float label = i % 2 ? 0.0f : 1.0f;
            gradient[i] = (1 / (1 + expf(-output[i])) - label) / BATCH;
            right += step >= STEPS - 50 && (output[i] > 0) == (label > 0);
        }
        nn_net_backward(net, gradient, BATCH);
        nn_net_step(net, &o);
    }
    *accuracy = right / (50.0 * BATCH);
    const uint64_t hash = nn_net_hash(net);
    nn_net_free(net);
    return hash;
}

Test(net, learns_and_repeats) {
    double first, second;
    const uint64_t hash = train_on_dots(&first);
    cr_expect(first > 0.9, "accuracy %.3f", first);
    cr_expect(eq(u64, train_on_dots(&second), hash));
}

#if FAILING_MALLOC
Test(net, every_failed_allocation_is_an_error) {
    for (long n = 0; n < 1000; n++) {
        lb_error error = {0};
        fail_malloc_after(n);
        nn_net *net = nn_net_new("cnn", tile, 1, 4, &error);
        fail_malloc_after(-1);
        if (net) {
            cr_expect(n > 10, "only %ld allocations were seen", n);
            nn_net_free(net);
            return;
        }
        cr_expect(eq(int, (int)error.code, LB_MEMORY), "allocation %ld: %s", n, error.message);
    }
    cr_expect(0, "a net needs more than 1000 allocations");
}
#endif
