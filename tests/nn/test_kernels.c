/* Every kernel set against one plain loop with the same chains of fused multiply-adds: equal to the last bit, over odd
   sizes, strides and numbers of channels. */
#include "tests/nn/normals.h"
#include "lib/nn/kernels.h"
#include "lib/nn/nn.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    size_t height, width, in_channels, out_channels, size; /* size of the window: 3 or 1 */
    size_t out_extra;                                      /* floats between pixels of the output: a slice */
    int relu;
} geometry;

static const geometry geometries[] = {
    {1, 1, 1, 16, 3, 0, 0},   {5, 7, 1, 16, 3, 0, 1},  {40, 24, 1, 16, 3, 0, 1},  {32, 32, 1, 32, 3, 16, 1},
    {5, 7, 3, 16, 3, 0, 0},   {1, 1, 16, 48, 3, 0, 1}, {5, 7, 16, 32, 3, 0, 1},   {20, 12, 16, 32, 3, 32, 1},
    {10, 6, 32, 64, 3, 0, 1}, {8, 8, 64, 32, 3, 0, 0}, {3, 11, 48, 16, 3, 16, 1}, {2, 67, 2, 16, 3, 0, 0},
    {1, 64, 64, 64, 1, 0, 1}, {1, 3, 1, 16, 1, 0, 0},  {1, 130, 21, 16, 1, 0, 0}, {1, 5, 1000, 32, 1, 0, 1},
    {7, 5, 130, 16, 3, 0, 1},
};

enum { GEOMETRIES = sizeof geometries / sizeof *geometries };

typedef struct {
    nn_window g;
    float *in, *weight, *bias, *out;
    size_t in_size, weight_size, out_size;
} fixture;

static fixture set_up(size_t index) {
    const geometry *q = &geometries[index];
    fixture f;
    rng stream = rng_from_text("test_kernels");
    f.g = (nn_window){.height = q->height,
                      .width = q->width,
                      .channels = q->out_channels,
                      .rows = q->size,
                      .run = q->size * q->in_channels,
                      .in_row = (q->width + q->size - 1) * q->in_channels,
                      .in_pixel = q->in_channels,
                      .out_pixel = q->out_channels + q->out_extra};
    f.g.out_row = q->width * f.g.out_pixel + q->out_extra;
    f.in_size = (q->height + q->size - 1) * f.g.in_row;
    f.weight_size = f.g.rows * f.g.run * q->out_channels;
    f.out_size = q->height * f.g.out_row;
    f.in = normals(&stream, f.in_size);
    f.weight = normals(&stream, f.weight_size);
    f.bias = normals(&stream, q->out_channels);
    f.out = normals(&stream, f.out_size);
    return f;
}

static void tear_down(fixture *f) {
    free(f->in);
    free(f->weight);
    free(f->bias);
    free(f->out);
}

static size_t weight_at(const nn_window *g, size_t channel, size_t row, size_t r) {
    return ((channel / 16 * g->rows + row) * g->run + r) * 16 + channel % 16;
}

static void plain_convolve(const nn_window *g, const float *in, const float *weight, const float *bias, int relu,
                           float *out) {
    for (size_t y = 0; y < g->height; y++)
        for (size_t x = 0; x < g->width; x++)
            for (size_t c = 0; c < g->channels; c++) {
                float *o = out + y * g->out_row + x * g->out_pixel + c, sum = bias ? bias[c] : *o;
                for (size_t row = 0; row < g->rows; row++)
                    for (size_t r = 0; r < g->run; r++)
                        sum =
                            fmaf(weight[weight_at(g, c, row, r)], in[(y + row) * g->in_row + x * g->in_pixel + r], sum);
                *o = relu && sum < 0 ? 0 : sum;
            }
}

static void plain_gradient(const nn_window *g, const float *in, const float *out_gradient, float *gradient) {
    for (size_t c = 0; c < g->channels; c++)
        for (size_t row = 0; row < g->rows; row++)
            for (size_t r = 0; r < g->run; r++) {
                float *sum = gradient + weight_at(g, c, row, r);
                for (size_t y = 0; y < g->height; y++)
                    for (size_t x = 0; x < g->width; x++)
                        *sum = fmaf(out_gradient[y * g->out_row + x * g->out_pixel + c],
                                    in[(y + row) * g->in_row + x * g->in_pixel + r], *sum);
            }
}

static float *copy_of(const float *from, size_t n) {
    float *copy = malloc(n * sizeof *copy);
    cr_assert(copy != NULL);
    memcpy(copy, from, n * sizeof *copy);
    return copy;
}

/* Also compares what lies between the pixels of a slice: nobody may write there. */
static void expect_same_bits(const float *a, const float *b, size_t n, const char *kernels, int index) {
    for (size_t i = 0; i < n; i++) {
        if (memcmp(&a[i], &b[i], sizeof *a) == 0) continue;
        cr_expect(0, "%s, geometry %d: element %zu is %.9g, not %.9g", kernels, index, i, (double)a[i], (double)b[i]);
        return;
    }
}

ParameterizedTestParameters(kernels, convolve_has_the_bits_of_a_plain_loop) {
    static int index[GEOMETRIES];
    for (int i = 0; i < GEOMETRIES; i++) index[i] = i;
    return cr_make_param_array(int, index, GEOMETRIES);
}

ParameterizedTest(int *index, kernels, convolve_has_the_bits_of_a_plain_loop) {
    fixture f = set_up((size_t)*index);
    const int relu = geometries[*index].relu;
    for (int with_bias = 0; with_bias < 2; with_bias++) {
        const float *bias = with_bias ? f.bias : NULL;
        float *expected = copy_of(f.out, f.out_size);
        plain_convolve(&f.g, f.in, f.weight, bias, relu, expected);
        for (const char *const *name = nn_kernels_available(); *name; name++) {
            float *out = copy_of(f.out, f.out_size);
            cr_assert(eq(int, nn_kernels_select(*name, NULL), LB_OK));
            nn_kernels_in_use()->convolve(&f.g, f.in, f.weight, bias, relu, out);
            expect_same_bits(out, expected, f.out_size, *name, *index);
            free(out);
        }
        free(expected);
    }
    tear_down(&f);
}

ParameterizedTestParameters(kernels, weight_gradient_has_the_bits_of_a_plain_loop) {
    static int index[GEOMETRIES];
    for (int i = 0; i < GEOMETRIES; i++) index[i] = i;
    return cr_make_param_array(int, index, GEOMETRIES);
}

ParameterizedTest(int *index, kernels, weight_gradient_has_the_bits_of_a_plain_loop) {
    fixture f = set_up((size_t)*index);
    float *expected = copy_of(f.weight, f.weight_size);
    plain_gradient(&f.g, f.in, f.out, expected);
    for (const char *const *name = nn_kernels_available(); *name; name++) {
        float *gradient = copy_of(f.weight, f.weight_size);
        cr_assert(eq(int, nn_kernels_select(*name, NULL), LB_OK));
        nn_kernels_in_use()->weight_gradient(&f.g, f.in, f.out, gradient);
        expect_same_bits(gradient, expected, f.weight_size, *name, *index);
        free(gradient);
    }
    free(expected);
    tear_down(&f);
}

Test(kernels, relu_keeps_nan) {
    fixture f = set_up(1);
    f.in[0] = NAN;
    for (const char *const *name = nn_kernels_available(); *name; name++) {
        nn_kernels_select(*name, NULL);
        nn_kernels_in_use()->convolve(&f.g, f.in, f.weight, f.bias, 1, f.out);
        cr_expect(isnan(f.out[0]), "%s hides a diverged net", *name);
    }
    tear_down(&f);
}

Test(kernels, portable_is_last_and_unknown_is_refused) {
    lb_error error;
    const char *const *names = nn_kernels_available();
    size_t count = 0;
    while (names[count]) count++;
    cr_assert(count >= 1);
    cr_expect(eq(str, (char *)names[count - 1], "portable"));
    cr_expect(eq(int, nn_kernels_select("mmx", &error), LB_INVALID));
    cr_expect(strstr(error.message, "'mmx'") != NULL, "%s", error.message);
    cr_expect(strstr(error.message, "portable") != NULL, "%s", error.message);
}
