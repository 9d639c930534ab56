/* Distance maps against brute force: every column of a row tried for each pixel. */
#include "lib/loss/distance.h"

#include "tests/loss/fixture.h"

#include <math.h>
#include <stdlib.h>

enum { HIGH = 70, WIDE = 400 };

static unsigned char inside[HIGH * WIDE];
static float out[HIGH * WIDE];
static double down[HIGH * WIDE]; /* to the nearest pixel of the other side in the column of each pixel, by side */

/* Distance down or up a column to the nearest pixel that is not `side`; infinite where there is none. */
static double column_distance(size_t height, size_t width, size_t y, size_t x, int side, double spacing_y) {
    for (size_t d = 0; d < height; d++) {
        if (y >= d && inside[(y - d) * width + x] != side) return (double)d * spacing_y;
        if (y + d < height && inside[(y + d) * width + x] != side) return (double)d * spacing_y;
    }
    return (double)INFINITY;
}

static void expect_map(size_t height, size_t width, double spacing_y, double spacing_x, const char *what) {
    void *scratch = malloc(loss_distance_scratch(width));
    const double tolerance = spacing_y == 1 && spacing_x == 1 ? 0 : 1e-6;
    loss_distance_squared(inside, height, width, spacing_y, spacing_x, out, scratch);
    free(scratch);
    for (int side = 0; side < 2; side++) {
        for (size_t y = 0; y < height; y++)
            for (size_t x = 0; x < width; x++)
                down[y * width + x] = column_distance(height, width, y, x, side, spacing_y);
        for (size_t y = 0; y < height; y++)
            for (size_t x = 0; x < width; x++) {
                double wanted = (double)INFINITY;
                if (inside[y * width + x] != side) continue;
                for (size_t k = 0; k < width; k++) {
                    const double dx = ((double)k - (double)x) * spacing_x, dy = down[y * width + k];
                    wanted = fmin(wanted, dx * dx + dy * dy);
                }
                if (isinf(wanted)) wanted = 0;
                cr_assert(fabs((double)out[y * width + x] - wanted) <= tolerance * wanted,
                          "%s, %zu x %zu: at %zu, %zu %.9g, not %.9g", what, height, width, y, x,
                          (double)out[y * width + x], wanted);
            }
    }
}

static const size_t sizes[][2] = {{1, 1}, {1, 7}, {9, 1}, {5, 8}, {16, 33}, {3, 150}, {40, 100}, {7, 399}, {HIGH, 120}};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* From one pixel inside to all but one. */
Test(distance, of_random_masks_is_exact) {
    static const double densities[] = {0, 0.001, 0.01, 0.2, 0.5, 0.9, 0.995, 1};
    for (size_t k = 0; k < SIZES; k++)
        for (unsigned d = 0; d < 8; d++) {
            for (unsigned i = 0; i < sizes[k][0] * sizes[k][1]; i++) inside[i] = sample_noise(i, d) < densities[d];
            expect_map(sizes[k][0], sizes[k][1], 1, 1, "random");
        }
}

/* Discs, bars and a frame: long runs of one side. */
Test(distance, of_shapes_is_exact) {
    for (size_t k = 0; k < SIZES; k++)
        for (int shape = 0; shape < 5; shape++) {
            const size_t height = sizes[k][0], width = sizes[k][1];
            for (size_t y = 0; y < height; y++)
                for (size_t x = 0; x < width; x++) {
                    const double dy = (double)y - 0.4 * (double)height, dx = (double)x - 0.6 * (double)width;
                    const int frame = y == 0 || x == 0 || y + 1 == height || x + 1 == width;
                    const int at[] = {dy * dy + dx * dx < 200, dx * dx<900, dx> 3, frame, x == 0 && y == height / 2};
                    inside[y * width + x] = (unsigned char)at[shape];
                }
            expect_map(height, width, 1, 1, "shape");
        }
}

Test(distance, knows_spacing) {
    static const double spacings[][2] = {{2, 1}, {1, 3}, {0.5, 0.125}, {7.3, 1.7}, {0.013, 110}};
    for (size_t k = 0; k < 5; k++)
        for (unsigned d = 0; d < 3; d++) {
            for (unsigned i = 0; i < 40 * 100; i++)
                inside[i] = sample_noise(i, d) < (d == 0 ? 0.002 : d == 1 ? 0.3 : 0.99);
            expect_map(40, 100, spacings[k][0], spacings[k][1], "with spacing");
        }
}

/* Scratch may hold anything, and nothing is written around it: with masks whose far pixels take the longest way, too.
 */
Test(distance, keeps_to_its_scratch) {
    enum { GUARD = 1 << 15, HEIGHT = 20 };
    static _Alignas(64) unsigned char memory[GUARD + (1 << 17) + GUARD];
    static float first[HIGH * WIDE];
    static const double densities[] = {0, 0.0005, 0.01, 0.5, 0.999};
    static const size_t widths[] = {33, 130, 300, 399};
    for (size_t w = 0; w < 4; w++)
        for (unsigned d = 0; d < 5; d++)
            for (int round = 0; round < 2; round++) {
                const size_t width = widths[w], bytes = loss_distance_scratch(width);
                cr_assert(bytes < 1 << 17);
                memset(memory, round ? 0xff : 0, sizeof memory);
                for (unsigned i = 0; i < HEIGHT * width; i++)
                    inside[i] = i == 7 * width || sample_noise(i, 77) < densities[d];
                loss_distance_squared(inside, HEIGHT, width, 1, 1, out, memory + GUARD);
                for (size_t i = 0; i < GUARD; i++)
                    cr_assert(memory[i] == (round ? 0xff : 0) && memory[GUARD + bytes + i] == memory[i]);
                if (round) cr_assert(memcmp(first, out, HEIGHT * width * sizeof *out) == 0);
                memcpy(first, out, HEIGHT * width * sizeof *out);
            }
}
