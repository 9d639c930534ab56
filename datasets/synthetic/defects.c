/* Defects: scratch, dent, contamination, missing feature. Each adds a known profile to the surface. */
#include "datasets/synthetic/synthetic.h"

#include "lib/base/repro_math.h"

#include <math.h>

/* A place whose distance to every side is at least `margin`. */
static void draw_place(rng *stream, size_t size, float margin, float *x, float *y) {
    const float limit = (float)size - 1 - margin;
    *x = rng_range(stream, margin, limit > margin ? limit : margin + 0.01f);
    *y = rng_range(stream, margin, limit > margin ? limit : margin + 0.01f);
}

static float bell(float distance, float sigma) { return repro_expf(-0.5f * distance * distance / (sigma * sigma)); }

/* A thin bowed line, brighter or darker than its ground, fading at both ends. */
static void add_scratch(float height, float length, rng *stream, size_t size, float *image) {
    float centre_x, centre_y;
    draw_place(stream, size, 0.5f * length, &centre_x, &centre_y);
    const float turn = rng_range(stream, 0, 1), cosine = repro_cosf_turn(turn), sine = repro_sinf_turn(turn);
    const float bow = rng_range(stream, -0.12f, 0.12f), sigma = rng_range(stream, 0.6f, 0.9f);
    for (size_t i = 0; i < size * size; i++) {
        const float x = (float)(i % size) - centre_x, y = (float)(i / size) - centre_y;
        const float along = x * cosine + y * sine, across = y * cosine - x * sine;
        const float share = 2 * along / length; /* -1..1 on the scratch */
        if (share < -1 || share > 1) continue;
        const float fade = fminf(1, 3 * (1 - fabsf(share)));
        image[i] += height * fade * bell(across - bow * length * (share * share - 0.5f), sigma);
    }
}

/* A shallow hollow under slanting light: bright on one side, dark on the other. */
static void add_dent(float height, float length, rng *stream, size_t size, float *image) {
    float centre_x, centre_y;
    const float sigma = length / 5 * rng_range(stream, 0.8f, 1.2f);
    draw_place(stream, size, 2.2f * sigma, &centre_x, &centre_y);
    const float turn = rng_range(stream, 0, 1), cosine = repro_cosf_turn(turn), sine = repro_sinf_turn(turn);
    for (size_t i = 0; i < size * size; i++) {
        const float x = (float)(i % size) - centre_x, y = (float)(i / size) - centre_y;
        const float lit = (x * cosine + y * sine) / sigma;
        image[i] += height * 1.6487213f * lit * bell(sqrtf(x * x + y * y), sigma); /* sqrt(e): peak 1 at lit = 1 */
    }
}

/* A dark irregular spot: a few drops that touch. */
static void add_contamination(float height, float length, rng *stream, size_t size, float *image) {
    enum { DROPS = 4 };
    float x[DROPS], y[DROPS], sigma[DROPS];
    draw_place(stream, size, 0.5f * length, &x[0], &y[0]);
    sigma[0] = length / 6;
    for (size_t k = 1; k < DROPS; k++) {
        const float turn = rng_range(stream, 0, 1), reach = rng_range(stream, 0.1f, 0.3f) * length;
        x[k] = x[0] + reach * repro_cosf_turn(turn);
        y[k] = y[0] + reach * repro_sinf_turn(turn);
        sigma[k] = rng_range(stream, 0.5f, 1.0f) * length / 7;
    }
    for (size_t i = 0; i < size * size; i++) {
        float deepest = 0;
        for (size_t k = 0; k < DROPS; k++) {
            const float dx = (float)(i % size) - x[k], dy = (float)(i / size) - y[k];
            deepest = fmaxf(deepest, bell(sqrtf(dx * dx + dy * dy), sigma[k]));
        }
        image[i] -= height * deepest;
    }
}

/* One printed feature is not there. */
static void add_missing(const surface_setting *setting, float height, rng *stream, size_t size, float *image) {
    float x, y;
    draw_place(stream, size, 9, &x, &y); /* the nearest feature is then wholly inside */
    feature_nearest(setting, &x, &y);
    for (size_t i = 0; i < size * size; i++) {
        const float dx = (float)(i % size) - x, dy = (float)(i / size) - y;
        image[i] -= height * feature_profile(sqrtf(dx * dx + dy * dy));
    }
}

void defect_add(defect_kind kind, const surface_setting *setting, float contrast, float length, rng *stream,
                size_t size, float *image) {
    const float height = contrast * texture_grey;
    const float sign = rng_uniform(stream) < 0.5f ? -1.0f : 1.0f;
    switch (kind) {
    case DEFECT_SCRATCH:
        add_scratch(sign * height, length, stream, size, image);
        break;
    case DEFECT_DENT:
        add_dent(height, length, stream, size, image);
        break;
    case DEFECT_CONTAMINATION:
        add_contamination(height, length, stream, size, image);
        break;
    default:
        add_missing(setting, height, stream, size, image);
        break;
    }
}
