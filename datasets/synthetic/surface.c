#include "datasets/synthetic/synthetic.h"

#include "lib/base/repro_math.h"

#include <math.h>
#include <string.h>

const float texture_grey = 12, sensor_grey = 3;

static const float base_grey = 128, shade_limit = 16;
static const float weave_grey = 14, weave_period = 8;
static const float feature_pitch = 10, feature_radius = 2.6f;

/* A texture is a sum of box filters of one white noise field: wide boxes are its coarse structure. Odd widths. */
typedef struct {
    size_t width, height;
    double weight;
} box_filter;

enum { FILTERS = 4 };
static const box_filter filters[TEXTURE_COUNT][FILTERS] = {
    [TEXTURE_BRUSHED] = {{25, 1, 1.0}, {13, 1, 0.7}, {5, 3, 0.5}, {1, 1, 0.35}},
    [TEXTURE_CAST] = {{11, 11, 1.0}, {5, 5, 0.8}, {3, 3, 0.6}, {1, 1, 0.4}},
    [TEXTURE_WOVEN] = {{7, 7, 0.6}, {5, 1, 0.6}, {1, 5, 0.6}, {1, 1, 0.5}},
    [TEXTURE_PRINTED] = {{9, 9, 0.7}, {5, 5, 0.6}, {3, 3, 0.6}, {1, 1, 0.6}},
};

surface_setting surface_setting_draw(rng *stream) {
    surface_setting s;
    s.pattern_x = rng_range(stream, 0, 2 * feature_pitch);
    s.pattern_y = rng_range(stream, 0, 2 * feature_pitch);
    s.shade_x = rng_range(stream, -shade_limit, shade_limit);
    s.shade_y = rng_range(stream, -shade_limit, shade_limit);
    return s;
}

/* Each box has unit variance before its weight. */
static double filter_gain(const box_filter *f) { return f->weight / sqrt((double)(f->width * f->height)); }

/* The sum of the boxes before it is scaled to unit variance; returns its power. */
static double raw_kernel(texture_kind kind, double kernel[KERNEL_SIDE * KERNEL_SIDE]) {
    double power = 0;
    memset(kernel, 0, KERNEL_SIDE * KERNEL_SIDE * sizeof *kernel);
    for (size_t i = 0; i < FILTERS; i++) {
        const box_filter *f = &filters[kind][i];
        for (size_t y = KERNEL_REACH - f->height / 2; y <= KERNEL_REACH + f->height / 2; y++)
            for (size_t x = KERNEL_REACH - f->width / 2; x <= KERNEL_REACH + f->width / 2; x++)
                kernel[y * KERNEL_SIDE + x] += filter_gain(f);
    }
    for (size_t i = 0; i < KERNEL_SIDE * KERNEL_SIDE; i++) power += kernel[i] * kernel[i];
    return power;
}

void texture_kernel(texture_kind kind, double kernel[KERNEL_SIDE * KERNEL_SIDE]) {
    const double power = raw_kernel(kind, kernel);
    for (size_t i = 0; i < KERNEL_SIDE * KERNEL_SIDE; i++) kernel[i] /= sqrt(power);
}

void texture_add(texture_kind kind, rng *stream, size_t size, float *image) {
    double kernel[KERNEL_SIDE * KERNEL_SIDE];
    const double power = raw_kernel(kind, kernel);
    enum { FIELD = SURFACE_MAX + 2 * KERNEL_REACH };
    static float noise[FIELD * FIELD];
    static double sums[(FIELD + 1) * (FIELD + 1)]; /* summed-area table: a box is four corners */
    const size_t side = size + 2 * KERNEL_REACH, stride = side + 1;
    rng_normals(stream, noise, side * side);
    for (size_t y = 0; y < side; y++) {
        double row = 0;
        for (size_t x = 0; x < side; x++) {
            row += (double)noise[y * side + x];
            sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
        }
    }
    for (size_t i = 0; i < FILTERS; i++) {
        const box_filter *f = &filters[kind][i];
        const double gain = (double)texture_grey * filter_gain(f) / sqrt(power);
        const size_t left = KERNEL_REACH - f->width / 2, top = KERNEL_REACH - f->height / 2;
        for (size_t y = 0; y < size; y++) {
            const double *above = &sums[(y + top) * stride + left], *below = above + f->height * stride;
            for (size_t x = 0; x < size; x++)
                image[y * size + x] +=
                    (float)(gain * (below[x + f->width] - below[x] - above[x + f->width] + above[x]));
        }
    }
}

/* Over-and-under of two thread directions. */
static float weave(float x, float y) {
    const float thread = weave_period / 2;
    const int across = (int)floorf(x / thread), along = (int)floorf(y / thread);
    return repro_cosf_turn(((across + along) & 1 ? x : y) / weave_period - 0.25f);
}

float feature_profile(float distance) {
    const float edge = feature_radius + 0.5f - distance;
    return edge < 0 ? 0 : edge > 1 ? 1 : edge;
}

static float nearest_on_grid(float x, float offset) {
    return floorf((x - offset) / feature_pitch + 0.5f) * feature_pitch + offset;
}

void feature_nearest(const surface_setting *setting, float *x, float *y) {
    *x = nearest_on_grid(*x, setting->pattern_x);
    *y = nearest_on_grid(*y, setting->pattern_y);
}

static float print_at(const surface_setting *setting, float x, float y) {
    float near_x = x, near_y = y;
    feature_nearest(setting, &near_x, &near_y);
    return feature_profile(sqrtf((x - near_x) * (x - near_x) + (y - near_y) * (y - near_y)));
}

void surface_add(texture_kind kind, const surface_setting *setting, int printed, float feature_grey, size_t size,
                 float *image) {
    for (size_t row = 0; row < size; row++)
        for (size_t column = 0; column < size; column++) {
            const float x = (float)column, y = (float)row, middle = 0.5f * (float)(size - 1);
            float grey = base_grey + (setting->shade_x * (x - middle) + setting->shade_y * (y - middle)) / (float)size;
            if (kind == TEXTURE_WOVEN) grey += weave_grey * weave(x + setting->pattern_x, y + setting->pattern_y);
            if (printed) grey += feature_grey * print_at(setting, x, y);
            image[row * size + column] += grey;
        }
}
