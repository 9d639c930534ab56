/* Masks and logits for tests, drawn as text. */
#ifndef TESTS_METRICS_MASK_PICTURE_H
#define TESTS_METRICS_MASK_PICTURE_H

#include <stddef.h>
#include <stdint.h>

/* out[height][width] = 255 where a row of the picture has no '.', else 0. */
static inline void draw_mask(const char *const *picture, size_t height, size_t width, unsigned char *out) {
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) out[y * width + x] = picture[y][x] == '.' ? 0 : 255;
}

/* Copies in[height][width] into out[to_height][to_width], which is 0 elsewhere, at (top, left). */
static inline void place_mask(const unsigned char *in, size_t height, size_t width, size_t top, size_t left,
                              unsigned char *out, size_t to_height, size_t to_width) {
    for (size_t i = 0; i < to_height * to_width; i++) out[i] = 0;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) out[(top + y) * to_width + left + x] = in[y * width + x];
}

enum { SCATTERED = 3, SCATTERED_HEIGHT = 12, SCATTERED_WIDTH = 16 };

/* numpy.random.RandomState(7), m = rand(12, 16) < p with p = .18, .38, .5 one after the other; 1..9, a..z are the
   labels of scipy.ndimage.label(m, numpy.ones((3, 3))), scipy 1.10.1. */
static const char *const scattered[SCATTERED][SCATTERED_HEIGHT] = {
    {"1......2.....3..", "...4.....5......", "................", ".......66.....7.", ".......6....8...",
     "9...........8...", "..a.b.......8..c", "....b..d..e..8..", "..f......e...88.", ".ff.ggg...e.....",
     "f.......h..e.i.i", ".......h......i."},
    {"1.1......2...3..", ".1....3....333.3", "...3...3.4..3..3", "....3.3....3.33.", "...3.33.33.3..33",
     "3..33.3.3..3.3..", "333333.3.33...3.", "3..........33...", "3.5.5.66.6..3.3.", "3.55....6..3.3.3",
     "...5.5..6....333", "..5.55.6..7..3.."},
    {"1..1....2.2..11.", ".111.3..22....11", "1..1......2.111.", ".11..1111.2...11", "1.1111..1...11..",
     ".1.11111...11111", "..11..111....1..", "11.1.11.1.111111", "1.....11.11.....", ".1.11.111.1....1",
     "1..1.11111.11111", "1.111.111111.1.1"}};

/* 0..255 from a congruential generator that is written in a line of any language (Numerical Recipes, 7.1). */
static inline int draw_byte(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (int)(*state >> 24);
}

#endif
