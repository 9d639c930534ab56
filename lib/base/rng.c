#include "lib/base/rng.h"

#include "lib/base/hash.h"
#include "lib/base/repro_math.h"

rng rng_from_text(const char *text) {
    rng stream;
    uint64_t x = hash64_text(text);
    for (int i = 0; i < 4; i++) { /* splitmix64, as the authors of xoshiro advise */
        x += 0x9e3779b97f4a7c15u;
        stream.s[i] = hash64_finish(x);
    }
    return stream;
}

static uint64_t rotate_left(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

uint64_t rng_u64(rng *stream) {
    uint64_t *s = stream->s;
    const uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint32_t rng_below(rng *stream, uint32_t n) {
    const uint32_t threshold = (0u - n) % n;
    for (;;) {
        const uint64_t product = (rng_u64(stream) >> 32) * n;
        if ((uint32_t)product >= threshold) return (uint32_t)(product >> 32);
    }
}

float rng_uniform(rng *stream) { return (float)(rng_u64(stream) >> 40) * 0x1p-24f; }

float rng_range(rng *stream, float low, float high) { return low + (high - low) * rng_uniform(stream); }

/* Two independent standard normals from one 64-bit draw pair. */
static void normal_pair(rng *stream, float *first, float *second) {
    const float u = ((float)(rng_u64(stream) >> 41) + 0.5f) * 0x1p-23f; /* in (0,1), never 0 */
    const float turn = rng_uniform(stream);
    const float radius = __builtin_sqrtf(-2.0f * repro_logf(u));
    *first = radius * repro_cosf_turn(turn);
    *second = radius * repro_sinf_turn(turn);
}

float rng_normal(rng *stream) {
    float first, second;
    normal_pair(stream, &first, &second);
    return first;
}

void rng_normals(rng *stream, float *out, size_t n) {
    size_t i = 0;
    float spare;
    for (; i + 2 <= n; i += 2) normal_pair(stream, &out[i], &out[i + 1]);
    if (i < n) normal_pair(stream, &out[i], &spare);
}

void rng_shuffle(rng *stream, uint32_t *items, size_t n) {
    for (size_t i = n; i > 1; i--) {
        const uint32_t j = rng_below(stream, (uint32_t)i);
        const uint32_t held = items[i - 1];
        items[i - 1] = items[j];
        items[j] = held;
    }
}
