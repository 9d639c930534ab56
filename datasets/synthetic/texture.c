#include "datasets/synthetic/texture.h"

#include <math.h>
#include <string.h>

typedef struct {
    float weight;
    unsigned step_y, step_x;
} octave;

/* Octaves per texture. Brushed: streaks along x. Cast: round grains of all sizes. Woven: yarn thickness along both
   axes. Printed: paper, fine. Weights are squared shares of variance before scaling to unit sum. */
static const octave octaves[TEXTURE_COUNT][TEXTURE_MAX_FIELDS] = {
    [TEXTURE_BRUSHED] = {{0.15f, 1, 3}, {0.30f, 1, 8}, {0.30f, 1, 32}, {0.15f, 4, 32}, {0.10f, 8, 16}},
    [TEXTURE_CAST] = {{0.25f, 1, 1}, {0.30f, 2, 2}, {0.25f, 4, 4}, {0.20f, 8, 8}},
    [TEXTURE_WOVEN] = {{0.20f, 1, 1}, {0.25f, 8, 1}, {0.25f, 1, 8}, {0.15f, 3, 3}, {0.15f, 10, 10}},
    [TEXTURE_PRINTED] = {{0.50f, 1, 1}, {0.35f, 2, 2}, {0.15f, 4, 4}},
};

/* Cubic B-spline weights at distance u in [0,1) behind the second of four lattice points. */
static void spline_weights(float u, float out[SPLINE_TAPS]) {
    const float v = 1.0f - u, u2 = u * u, u3 = u2 * u;
    out[0] = v * v * v / 6.0f;
    out[1] = (3.0f * u3 - 6.0f * u2 + 4.0f) / 6.0f;
    out[2] = (3.0f * (u2 - u3) + 3.0f * u + 1.0f) / 6.0f;
    out[3] = u3 / 6.0f;
}

static void axis_design(texture_axis *axis, size_t size, unsigned step) {
    for (size_t p = 0; p < size; p++) {
        float *w = axis->weight[p];
        axis->first[p] = p / step;
        spline_weights((float)(p % step) / (float)step, w);
        const float norm = sqrtf(w[0] * w[0] + w[1] * w[1] + w[2] * w[2] + w[3] * w[3]);
        for (int t = 0; t < SPLINE_TAPS; t++) w[t] /= norm;
    }
    axis->length = (size - 1) / step + SPLINE_TAPS;
}

void texture_design(texture *t, texture_kind kind, size_t size) {
    float sum = 0;
    t->kind = kind;
    t->size = size;
    t->field_count = 0;
    for (size_t i = 0; i < TEXTURE_MAX_FIELDS; i++) sum += octaves[kind][i].weight;
    for (size_t i = 0; i < TEXTURE_MAX_FIELDS && octaves[kind][i].weight > 0; i++) {
        texture_field *f = &t->fields[t->field_count++];
        f->sd = sqrtf(octaves[kind][i].weight / sum);
        axis_design(&f->y, size, octaves[kind][i].step_y);
        axis_design(&f->x, size, octaves[kind][i].step_x);
    }
}

texture_phase texture_draw_phase(rng *stream) {
    texture_phase phase;
    phase.x = rng_range(stream, 0, 2 * YARN_PITCH); /* the period of both patterns */
    phase.y = rng_range(stream, 0, 2 * YARN_PITCH);
    return phase;
}

/* A yarn is a parabola across and a flatter one along, where it dips under the next. */
weave_point texture_weave(texture_phase phase, size_t x, size_t y) {
    const float u = ((float)x + phase.x) / (float)YARN_PITCH, v = ((float)y + phase.y) / (float)YARN_PITCH;
    weave_point w = {.column = (int)u, .row = (int)v};
    const float a = u - (float)w.column, b = v - (float)w.row;
    w.warp = (w.column + w.row) % 2 == 0;
    const float across = w.warp ? a : b, along = w.warp ? b : a;
    w.height = 4.0f * across * (1.0f - across) * (0.6f + 1.6f * along * (1.0f - along));
    return w;
}

float texture_dot(float center_x, float center_y, float diameter, size_t x, size_t y) {
    const float dx = (float)x - center_x, dy = (float)y - center_y;
    const float inside = 0.5f * diameter + 0.5f - sqrtf(dx * dx + dy * dy);
    return inside < 0 ? 0 : inside > 1 ? 1 : inside;
}

/* Distance to the nearest centre of a row of dots. */
static float dot_center(float phase, size_t p) {
    return floorf(((float)p + phase) / (float)DOT_PITCH) * (float)DOT_PITCH + 0.5f * (float)DOT_PITCH - phase;
}

static float pattern_at(const texture *t, texture_phase phase, size_t x, size_t y) {
    if (t->kind == TEXTURE_WOVEN) return texture_weave(phase, x, y).height - 0.55f;
    if (t->kind == TEXTURE_PRINTED)
        return 0.3f - texture_dot(dot_center(phase.x, x), dot_center(phase.y, y), t->feature, x, y);
    return 0;
}

/* noise is [y.length][x.length]; adds sd * field to out [size][size]. */
static void add_field(const texture_field *f, size_t size, const float *noise, float sd, float *out) {
    float rows[(TEXTURE_MAX_SIZE + SPLINE_TAPS) * TEXTURE_MAX_SIZE]; /* [y.length][size] */
    for (size_t y = 0; y < f->y.length; y++)
        for (size_t x = 0; x < size; x++) {
            const float *n = noise + y * f->x.length + f->x.first[x], *w = f->x.weight[x];
            rows[y * size + x] = ((w[0] * n[0] + w[1] * n[1]) + w[2] * n[2]) + w[3] * n[3];
        }
    for (size_t y = 0; y < size; y++) {
        const float *r = rows + f->y.first[y] * size, *v = f->y.weight[y];
        const float w[SPLINE_TAPS] = {sd * v[0], sd * v[1], sd * v[2], sd * v[3]};
        for (size_t x = 0; x < size; x++)
            out[y * size + x] += ((w[0] * r[x] + w[1] * r[size + x]) + w[2] * r[2 * size + x]) + w[3] * r[3 * size + x];
    }
}

/* Brightness and slope along x and y; positions run from -1 to 1. */
static void draw_shading(const texture *t, rng *stream, float *out) {
    float plane[3];
    rng_normals(stream, plane, 3);
    const float to_unit = 2.0f / (float)(t->size - 1);
    for (size_t y = 0; y < t->size; y++)
        for (size_t x = 0; x < t->size; x++) {
            const float slope = plane[1] * ((float)x * to_unit - 1.0f) + plane[2] * ((float)y * to_unit - 1.0f);
            out[y * t->size + x] += t->shading_sd * (plane[0] + slope);
        }
}

void texture_draw(const texture *t, texture_phase phase, rng *stream, float *out) {
    float noise[(TEXTURE_MAX_SIZE + SPLINE_TAPS) * (TEXTURE_MAX_SIZE + SPLINE_TAPS)];
    for (size_t y = 0; y < t->size; y++)
        for (size_t x = 0; x < t->size; x++)
            out[y * t->size + x] = TEXTURE_BASE + t->pattern_amplitude * pattern_at(t, phase, x, y);
    draw_shading(t, stream, out);
    for (size_t i = 0; i < t->field_count; i++) {
        const texture_field *f = &t->fields[i];
        rng_normals(stream, noise, f->y.length * f->x.length);
        add_field(f, t->size, noise, t->texture_sd * f->sd, out);
    }
    rng_normals(stream, noise, t->size * t->size);
    for (size_t i = 0; i < t->size * t->size; i++) out[i] += t->sensor_sd * noise[i];
}
