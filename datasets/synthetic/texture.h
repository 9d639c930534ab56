/* Textured surfaces that are Gaussian given their pattern, so that what no detector can exceed is computable.

   An image is   base + pattern + shading + texture + sensor noise   in grey levels, before rounding to 8 bits:
   pattern   deterministic given its phase: yarns (woven), dots (printed), none (brushed, cast);
   shading   a random plane, three normals;
   texture   fractal noise of unit sd: a sum of fields, each white noise on a lattice of step_y x step_x pixels,
             interpolated by cubic B-splines whose weights are scaled to unit variance at every pixel;
   sensor    white noise.
   The covariance of all but the pattern is a short sum of separable terms (ceiling.c). */
#ifndef DATASETS_SYNTHETIC_TEXTURE_H
#define DATASETS_SYNTHETIC_TEXTURE_H

#include "lib/base/error.h"
#include "lib/base/rng.h"

#include <stddef.h>

typedef enum { TEXTURE_BRUSHED, TEXTURE_CAST, TEXTURE_WOVEN, TEXTURE_PRINTED, TEXTURE_COUNT } texture_kind;

enum { TEXTURE_MAX_SIZE = 64, SPLINE_TAPS = 4 };

/* One axis of one field: pixel p is sum over t of weight[p][t] * lattice[first[p] + t]. */
typedef struct {
    size_t length; /* lattice points */
    size_t first[TEXTURE_MAX_SIZE];
    float weight[TEXTURE_MAX_SIZE][SPLINE_TAPS];
} texture_axis;

typedef struct {
    float sd; /* squares of all fields add up to 1 */
    texture_axis y, x;
} texture_field;

enum { TEXTURE_MAX_FIELDS = 5 };

typedef struct {
    texture_kind kind;
    size_t size;                             /* images are size x size */
    float texture_sd, sensor_sd, shading_sd; /* grey levels */
    float pattern_amplitude;                 /* grey levels, between the pattern's low and high */
    float feature;                           /* printed: diameter of a dot; woven: length of a missing yarn; pixels */
    size_t field_count;
    texture_field fields[TEXTURE_MAX_FIELDS];
} texture;

/* Where the pattern lies, in pixels. */
typedef struct {
    float x, y;
} texture_phase;

enum { YARN_PITCH = 4, DOT_PITCH = 8 };
#define TEXTURE_BASE 128.0f

/* Fills `fields` for kind and size; the caller sets the other members. */
void texture_design(texture *t, texture_kind kind, size_t size);

/* The first two numbers of an item's stream. */
texture_phase texture_draw_phase(rng *stream);

/* out is [size][size]: base, pattern, shading, texture and sensor noise. */
void texture_draw(const texture *t, texture_phase phase, rng *stream, float *out);

/* The pattern between 0 and 1: of a plain weave at (x, y), and which yarn is on top there. */
typedef struct {
    float height;
    int warp;        /* 1: the vertical yarn is on top */
    int column, row; /* yarns crossing here */
} weave_point;
weave_point texture_weave(texture_phase phase, size_t x, size_t y);

/* Share of pixel (x, y) inside a dot of the given diameter around (center_x, center_y). */
float texture_dot(float center_x, float center_y, float diameter, size_t x, size_t y);

#endif
