#include "datasets/synthetic/defect.h"

#include "lib/base/repro_math.h"

#include <math.h>

typedef struct {
    float x, y;
} point;

/* A centre from which `reach` pixels in every direction stay inside, as far as the image allows. */
static point draw_center(rng *stream, size_t size, float reach) {
    const float last = (float)(size - 1), most = 0.4f * last, margin = reach < most ? reach : most;
    point c;
    c.x = rng_range(stream, margin, last - margin);
    c.y = rng_range(stream, margin, last - margin);
    return c;
}

static float clamp_unit(float x) { return x < 0 ? 0 : x > 1 ? 1 : x; }

static void set_pixel(size_t i, float value, int inside, float *signal, unsigned char *mask) {
    signal[i] = value;
    mask[i] = inside ? 255 : 0;
}

static void draw_scratch(const texture *t, float length, float amplitude, rng *stream, float *signal,
                         unsigned char *mask) {
    const float half = 0.5f * length * rng_range(stream, 0.8f, 1.2f), sigma = 0.8f;
    const float turn = rng_range(stream, 0.0f, 0.5f), bend = rng_range(stream, -0.15f, 0.15f) / half;
    const point c = draw_center(stream, t->size, half);
    const float cosine = repro_cosf_turn(turn), sine = repro_sinf_turn(turn);
    for (size_t y = 0; y < t->size; y++)
        for (size_t x = 0; x < t->size; x++) {
            const float dx = (float)x - c.x, dy = (float)y - c.y;
            const float along = dx * cosine + dy * sine, across = dy * cosine - dx * sine - bend * along * along;
            const float end = clamp_unit(half + 0.5f - fabsf(along));
            const float line = end * repro_expf(-0.5f * across * across / (sigma * sigma));
            set_pixel(y * t->size + x, amplitude * line, line > 0.5f, signal, mask);
        }
}

static void draw_dent(const texture *t, float length, float amplitude, rng *stream, float *signal,
                      unsigned char *mask) {
    const float sigma = 0.25f * length * rng_range(stream, 0.85f, 1.15f), aspect = rng_range(stream, 0.8f, 1.25f);
    const float turn = rng_range(stream, 0.0f, 0.5f), light_x = 0.6f, light_y = 0.8f;
    const point c = draw_center(stream, t->size, 2 * sigma);
    const float cosine = repro_cosf_turn(turn), sine = repro_sinf_turn(turn);
    const float peak = 0x1.a61298p+0f; /* e^(1/2): u exp(-u^2/2) has its maximum e^(-1/2) at u = 1 */
    for (size_t y = 0; y < t->size; y++)
        for (size_t x = 0; x < t->size; x++) {
            const float dx = (float)x - c.x, dy = (float)y - c.y;
            const float a = (dx * cosine + dy * sine) / (sigma * aspect),
                        b = (dy * cosine - dx * sine) * aspect / sigma;
            const float square = a * a + b * b, slope = (dx * light_x + dy * light_y) / sigma;
            const float value = amplitude * peak * slope * repro_expf(-0.5f * square);
            set_pixel(y * t->size + x, value, square < 4, signal, mask);
        }
}

enum { DROPS = 4 };

static void draw_contamination(const texture *t, float length, float amplitude, rng *stream, float *signal,
                               unsigned char *mask) {
    const float radius = 0.5f * length * rng_range(stream, 0.85f, 1.15f), spread = 0.5f * radius;
    const point c = draw_center(stream, t->size, radius);
    point drops[DROPS];
    for (int k = 0; k < DROPS; k++) {
        drops[k].x = c.x + rng_range(stream, -spread, spread);
        drops[k].y = c.y + rng_range(stream, -spread, spread);
    }
    const float sharpness = -0.5f / (0.16f * radius * radius);
    for (size_t y = 0; y < t->size; y++)
        for (size_t x = 0; x < t->size; x++) {
            float thickness = 0;
            for (int k = 0; k < DROPS; k++) {
                const float dx = (float)x - drops[k].x, dy = (float)y - drops[k].y;
                thickness += repro_expf(sharpness * (dx * dx + dy * dy));
            }
            const float cover = clamp_unit(2.0f * thickness - 0.6f);
            set_pixel(y * t->size + x, -amplitude * cover, cover > 0.5f, signal, mask);
        }
}

/* The first centre of a row of dots, then every DOT_PITCH, that is at least `reach` from both edges. */
static float first_whole_dot(float phase, float reach) {
    float center = 0.5f * (float)DOT_PITCH - phase;
    while (center < reach) center += (float)DOT_PITCH;
    return center;
}

static uint32_t count_whole_dots(float first, size_t size, float reach) {
    const float room = (float)(size - 1) - reach - first;
    return room < 0 ? 1 : 1 + (uint32_t)(room / (float)DOT_PITCH);
}

static void draw_missing_dot(const texture *t, texture_phase phase, rng *stream, float *signal, unsigned char *mask) {
    const float reach = 0.5f * t->feature + 0.5f;
    const float first_x = first_whole_dot(phase.x, reach), first_y = first_whole_dot(phase.y, reach);
    const uint32_t column = rng_below(stream, count_whole_dots(first_x, t->size, reach));
    const uint32_t row = rng_below(stream, count_whole_dots(first_y, t->size, reach));
    const float center_x = first_x + (float)(column * DOT_PITCH), center_y = first_y + (float)(row * DOT_PITCH);
    for (size_t y = 0; y < t->size; y++)
        for (size_t x = 0; x < t->size; x++) {
            const float dot = texture_dot(center_x, center_y, t->feature, x, y);
            set_pixel(y * t->size + x, t->pattern_amplitude * dot, dot > 0.5f, signal, mask);
        }
}

/* A yarn is absent between begin and end: where it lay on top, the ground shows. */
static void draw_missing_yarn(const texture *t, texture_phase phase, rng *stream, float *signal, unsigned char *mask) {
    const int warp = (int)rng_below(stream, 2);
    const float middle = rng_range(stream, 0.3f, 0.7f) * (float)t->size, half = 0.5f * t->feature;
    const uint32_t yarns = (uint32_t)t->size / YARN_PITCH;
    const int yarn = 2 + (int)rng_below(stream, yarns > 3 ? yarns - 3 : 1); /* yarns 1 and below may start outside */
    for (size_t y = 0; y < t->size; y++)
        for (size_t x = 0; x < t->size; x++) {
            const weave_point w = texture_weave(phase, x, y);
            const float along = (float)(warp ? y : x) - middle;
            const int gone = (warp ? w.column : w.row) == yarn && fabsf(along) <= half;
            const float lost = gone && w.warp == warp ? w.height : 0;
            set_pixel(y * t->size + x, -t->pattern_amplitude * lost, gone, signal, mask);
        }
}

void defect_draw(defect_kind kind, const texture *t, texture_phase phase, float length, float amplitude, rng *stream,
                 float *signal, unsigned char *mask) {
    const float grey = amplitude * rng_range(stream, 0.85f, 1.15f);
    switch (kind) {
    case DEFECT_SCRATCH:
        draw_scratch(t, length, grey, stream, signal, mask);
        break;
    case DEFECT_DENT:
        draw_dent(t, length, grey, stream, signal, mask);
        break;
    case DEFECT_CONTAMINATION:
        draw_contamination(t, length, grey, stream, signal, mask);
        break;
    default:
        if (t->kind == TEXTURE_PRINTED)
            draw_missing_dot(t, phase, stream, signal, mask);
        else
            draw_missing_yarn(t, phase, stream, signal, mask);
    }
}
