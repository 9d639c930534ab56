/* The kernels for the vector width of the including file (lib/base/simd.h), which returns `kernels` from its own
   function. Tile sizes may be overridden at compile time: any choice gives the same bits (tests/bits/run). */
#ifndef NN_KERNELS_BODY_H
#define NN_KERNELS_BODY_H

#include "lib/base/simd.h"
#include "lib/nn/kernels.h"

enum { PARTS = NN_PANEL / SIMD_LANES }; /* vectors in a panel */

/* Accumulators must fit the registers (32 with AVX-512, otherwise 16) beside the weights and one input. */
#ifndef NN_TILE_PIXELS
#define NN_TILE_PIXELS (SIMD_LANES == 16 ? 8 : SIMD_LANES == 8 ? 6 : 2)
#endif
#ifndef NN_TILE_TAPS /* window elements per tile of the weight gradient; NN_PANEL lanes each */
#define NN_TILE_TAPS (SIMD_LANES == 16 ? 12 : SIMD_LANES == 8 ? 6 : 2)
#endif
#ifndef NN_TILE_BYTES /* of a weight panel that stays in the first-level cache while a tile of pixels goes by */
#define NN_TILE_BYTES 20480
#endif
#ifndef NN_BLOCK_PIXELS /* pixels per load and store of a weight-gradient tile */
#define NN_BLOCK_PIXELS 64
#endif

enum { TILE_PIXELS = NN_TILE_PIXELS, TILE_TAPS = NN_TILE_TAPS, BLOCK_PIXELS = NN_BLOCK_PIXELS };
enum { PIECE_TAPS = NN_TILE_BYTES / (NN_PANEL * sizeof(float)) };
_Static_assert(TILE_PIXELS >= 1 && TILE_PIXELS <= 12 && TILE_TAPS >= 1 && TILE_TAPS <= 12, "see EACH_UP_TO_12");

/* Calls f(n, ...) with n as a constant, so that the accumulators of a tile are registers. */
#define CALL_CONSTANT(most, k, f, ...)                                                                                 \
    case k:                                                                                                            \
        if (k <= most) f(k, __VA_ARGS__);                                                                              \
        break;
#define CALL_WITH_CONSTANT(most, n, f, ...)                                                                            \
    switch (n) {                                                                                                       \
        CALL_CONSTANT(most, 1, f, __VA_ARGS__)                                                                         \
        CALL_CONSTANT(most, 2, f, __VA_ARGS__)                                                                         \
        CALL_CONSTANT(most, 3, f, __VA_ARGS__)                                                                         \
        CALL_CONSTANT(most, 4, f, __VA_ARGS__)                                                                         \
        CALL_CONSTANT(most, 5, f, __VA_ARGS__)                                                                         \
        CALL_CONSTANT(most, 6, f, __VA_ARGS__)                                                                         \
        CALL_CONSTANT(most, 7, f, __VA_ARGS__)                                                                         \
        CALL_CONSTANT(most, 8, f, __VA_ARGS__)                                                                         \
        CALL_CONSTANT(most, 9, f, __VA_ARGS__)                                                                         \
        CALL_CONSTANT(most, 10, f, __VA_ARGS__)                                                                        \
        CALL_CONSTANT(most, 11, f, __VA_ARGS__)                                                                        \
        CALL_CONSTANT(most, 12, f, __VA_ARGS__)                                                                        \
    }

/* A panel of output channels and as much of the window as fits NN_TILE_BYTES. */
typedef struct {
    size_t rows, run;
    const float *in;     /* of the first output pixel */
    const float *weight; /* [rows][run][NN_PANEL] */
    const float *start;  /* what the sums start from: the bias, or out itself */
    size_t start_pixel, start_row;
    int relu;
    float *out; /* of the first output pixel, this panel's channels */
} piece;

/* One row of `pixels` outputs. in, start, out point at the first of them. */
SIMD_INLINE void convolve_tile(const size_t pixels, const size_t rows, const size_t run, const nn_window *g,
                               const piece *p, const float *in, const float *start, float *out) {
    simd_float sum[TILE_PIXELS][PARTS];
    for (size_t x = 0; x < pixels; x++)
        for (size_t v = 0; v < PARTS; v++) sum[x][v] = simd_load(start + x * p->start_pixel + v * SIMD_LANES);
    const float *weight = p->weight;
    for (size_t y = 0; y < rows; y++, in += g->in_row)
        for (size_t r = 0; r < run; r++, weight += NN_PANEL) {
            simd_float w[PARTS];
            for (size_t v = 0; v < PARTS; v++) w[v] = simd_load(weight + v * SIMD_LANES);
            for (size_t x = 0; x < pixels; x++) {
                const simd_float input = simd_all(in[x * g->in_pixel + r]);
                for (size_t v = 0; v < PARTS; v++) sum[x][v] = simd_fma(w[v], input, sum[x][v]);
            }
        }
    for (size_t x = 0; x < pixels; x++)
        for (size_t v = 0; v < PARTS; v++) {
            const simd_float zero = simd_all(0), s = sum[x][v]; /* a NaN stays a NaN */
            simd_store(out + x * g->out_pixel + v * SIMD_LANES, p->relu ? simd_choose(zero > s, zero, s) : s);
        }
}

/* The window of a 3x3 convolution of one channel is known when compiling. */
SIMD_INLINE void convolve_pixels(const size_t pixels, const nn_window *g, const piece *p, const float *in,
                                 const float *start, float *out) {
    if (p->rows == 3 && p->run == 3)
        convolve_tile(pixels, 3, 3, g, p, in, start, out);
    else
        convolve_tile(pixels, p->rows, p->run, g, p, in, start, out);
}

/* Tiles of nearly equal width: 8 pixels are 4 + 4 rather than 6 + 2. */
static void convolve_row(const nn_window *g, const piece *p, size_t y) {
    size_t tiles = (g->width + TILE_PIXELS - 1) / TILE_PIXELS;
    for (size_t x = 0; x < g->width; tiles--) {
        const size_t pixels = (g->width - x + tiles - 1) / tiles;
        const float *in = p->in + y * g->in_row + x * g->in_pixel;
        const float *start = p->start + y * p->start_row + x * p->start_pixel;
        float *out = p->out + y * g->out_row + x * g->out_pixel;
        CALL_WITH_CONSTANT(TILE_PIXELS, pixels, convolve_pixels, g, p, in, start, out)
        x += pixels;
    }
}

/* The piece that starts at element `tap` of the window: all of it, or part of one row. */
static piece piece_at(const nn_window *g, size_t tap) {
    piece p = {.rows = g->rows, .run = g->run};
    if (g->rows * g->run <= PIECE_TAPS) return p;
    const size_t left = g->run - tap % g->run;
    p.rows = 1;
    p.run = left < PIECE_TAPS ? left : PIECE_TAPS;
    return p;
}

static void convolve(const nn_window *g, const float *in, const float *weight, const float *bias, int relu,
                     float *out) {
    const size_t taps = g->rows * g->run;
    for (size_t channel = 0; channel < g->channels; channel += NN_PANEL)
        for (size_t tap = 0; tap < taps;) {
            piece p = piece_at(g, tap);
            p.in = in + tap / g->run * g->in_row + tap % g->run;
            p.weight = weight + channel * taps + tap * NN_PANEL;
            p.out = out + channel;
            const int fresh = tap == 0 && bias;
            p.start = fresh ? bias + channel : p.out;
            p.start_pixel = fresh ? 0 : g->out_pixel;
            p.start_row = fresh ? 0 : g->out_row;
            tap += p.rows * p.run;
            p.relu = relu && tap == taps;
            for (size_t y = 0; y < g->height; y++) convolve_row(g, &p, y);
        }
}

/* A block of pixels for the weight gradient. */
typedef struct {
    size_t height, width;
    const float *in, *out_gradient; /* of the first pixel */
} block;

/* gradient [taps][NN_PANEL] += sum over the block; `rows` rows of `taps` elements each; `vectors` of the panel's
 * vectors. */
SIMD_INLINE void gradient_tile(const size_t taps, const size_t rows, const size_t vectors, const nn_window *g,
                               const block *b, const float *in_first, const float *out_first, float *gradient) {
    simd_float sum[TILE_TAPS > 9 ? TILE_TAPS : 9][PARTS];
    for (size_t k = 0; k < rows * taps; k++)
        for (size_t v = 0; v < vectors; v++) sum[k][v] = simd_load(gradient + k * NN_PANEL + v * SIMD_LANES);
    for (size_t y = 0; y < b->height; y++) {
        const float *in = in_first + y * g->in_row, *out = out_first + y * g->out_row;
        for (size_t x = 0; x < b->width; x++, in += g->in_pixel, out += g->out_pixel) {
            simd_float d[PARTS];
            for (size_t v = 0; v < vectors; v++) d[v] = simd_load(out + v * SIMD_LANES);
            for (size_t k = 0; k < rows * taps; k++) {
                const simd_float input = simd_all(in[k / taps * g->in_row + k % taps]);
                for (size_t v = 0; v < vectors; v++) sum[k][v] = simd_fma(d[v], input, sum[k][v]);
            }
        }
    }
    for (size_t k = 0; k < rows * taps; k++)
        for (size_t v = 0; v < vectors; v++) simd_store(gradient + k * NN_PANEL + v * SIMD_LANES, sum[k][v]);
}

SIMD_INLINE void gradient_taps(const size_t taps, const nn_window *g, const block *b, const float *in,
                               const float *out_gradient, float *gradient) {
    gradient_tile(taps, 1, PARTS, g, b, in, out_gradient, gradient);
}

/* One row of the window for one panel. */
static void gradient_run(const nn_window *g, const block *b, const float *in, const float *out_gradient,
                         float *gradient) {
    for (size_t r = 0; r < g->run; r += TILE_TAPS) {
        const size_t taps = g->run - r < TILE_TAPS ? g->run - r : TILE_TAPS;
        CALL_WITH_CONSTANT(TILE_TAPS, taps, gradient_taps, g, b, in + r, out_gradient, gradient + r * NN_PANEL)
    }
}

static void gradient_block(const nn_window *g, const block *b, float *gradient) {
    for (size_t channel = 0; channel < g->channels; channel += NN_PANEL) {
        const float *out_gradient = b->out_gradient + channel;
        float *panel = gradient + channel * g->rows * g->run;
        if (g->rows == 3 && g->run == 3) /* three rows of three would leave most registers idle: all nine at once */
            for (size_t v = 0; v < NN_PANEL; v += SIMD_LANES)
                gradient_tile(3, 3, 1, g, b, b->in, out_gradient + v, panel + v);
        else
            for (size_t y = 0; y < g->rows; y++)
                gradient_run(g, b, b->in + y * g->in_row, out_gradient, panel + y * g->run * NN_PANEL);
    }
}

static void weight_gradient(const nn_window *g, const float *in, const float *out_gradient, float *gradient) {
    const size_t width = g->width < BLOCK_PIXELS ? g->width : BLOCK_PIXELS, height = BLOCK_PIXELS / width;
    for (size_t y = 0; y < g->height; y += height)
        for (size_t x = 0; x < g->width; x += width) {
            const block b = {.height = width < g->width         ? 1
                                       : g->height - y < height ? g->height - y
                                                                : height,
                             .width = g->width - x < width ? g->width - x : width,
                             .in = in + y * g->in_row + x * g->in_pixel,
                             .out_gradient = out_gradient + y * g->out_row + x * g->out_pixel};
            gradient_block(g, &b, gradient);
        }
}

static const nn_kernels kernels = {SIMD_NAME, convolve, weight_gradient};

#endif
