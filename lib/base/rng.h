/* Random numbers: xoshiro256** (Blackman & Vigna, ACM TOMS 47(4), 2021), integer only, one stream per purpose.
   A stream is named by text, e.g. "order|synthetic(...)|seed=3": equal text, equal numbers, on every machine.
   Golden: state {1,2,3,4} gives 11520, 0, 1509978240, 1215971899390074240 (authors' reference code). */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t s[4];
} rng;

rng rng_from_text(const char *text);
uint64_t rng_u64(rng *stream);

/* Uniform in 0..n-1 without bias (Lemire's rejection); n >= 1. */
uint32_t rng_below(rng *stream, uint32_t n);

/* Uniform in [0,1), 24 bits: exact in float. */
float rng_uniform(rng *stream);

/* Uniform in [low, high). */
float rng_range(rng *stream, float low, float high);

/* Standard normal by Box-Muller on the reproducible log, sin, cos; takes two uniforms, gives one value. */
float rng_normal(rng *stream);

/* n standard normals, both Box-Muller values used. Not the same numbers as n calls of rng_normal. */
void rng_normals(rng *stream, float *out, size_t n);

/* Fisher-Yates. */
void rng_shuffle(rng *stream, uint32_t *items, size_t n);

#endif
