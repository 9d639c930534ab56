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

/* 0..255 from a congruential generator that is written in a line of any language (Numerical Recipes, 7.1). */
static inline int draw_byte(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return (int)(*state >> 24);
}

#endif
