/* Distances between the outlines of two masks, and what is made of them: boundary F1 (Csurka, Larlus & Perronnin, "What
   is a good evaluation measure for semantic segmentation?", BMVC 2013) and the 95th percentile of the Hausdorff
   distance (definition: medpy 0.4, metric.binary.hd95).

   For each pixel, how many rows away the column has its next outline pixel; the nearest outline pixel of all is then
   found by looking at columns ever farther to both sides, until they alone are farther than what was found. That is
   exact, in integers, and only the pixels of the other outline pay for it. */
#include "lib/metrics/mask_metrics.h"

#include <math.h>
#include <stdlib.h>

enum { PREDICTED, TRUTH, SIDES };

typedef struct {
    size_t height, width;
    unsigned char *outline[SIDES]; /* [height][width] */
    size_t count[SIDES];           /* pixels of each outline */
    uint32_t *rows;                /* [height][width] rows to the next outline pixel of the column */
    double *distance;              /* [count[PREDICTED]] to the true outline, then [count[TRUTH]] to the predicted */
} outlines;

#define NO_ROW UINT32_MAX /* the column has no outline pixel */

static int is_outline(const unsigned char *inside, size_t height, size_t width, size_t y, size_t x) {
    const unsigned char *pixel = inside + y * width + x;
    if (!*pixel) return 0;
    if (y == 0 || x == 0 || y + 1 == height || x + 1 == width) return 1;
    return !(pixel[-1] && pixel[1] && *(pixel - width) && pixel[width]);
}

/* Returns how many pixels the outline has. */
static size_t draw_outline(const unsigned char *inside, size_t height, size_t width, unsigned char *outline) {
    size_t count = 0;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            outline[y * width + x] = (unsigned char)is_outline(inside, height, width, y, x);
            count += outline[y * width + x];
        }
    return count;
}

static uint32_t one_row_on(uint32_t rows) { return rows == NO_ROW ? NO_ROW : rows + 1; }

static void measure_columns(outlines *o, const unsigned char *outline) {
    const size_t width = o->width, pixels = o->height * width;
    uint32_t *const rows = o->rows;
    for (size_t i = 0; i < pixels; i++) rows[i] = outline[i] ? 0 : i < width ? NO_ROW : one_row_on(rows[i - width]);
    for (size_t i = pixels; i-- > width;) {
        const uint32_t from_below = one_row_on(rows[i]);
        if (from_below < rows[i - width]) rows[i - width] = from_below;
    }
}

static uint64_t squared(uint64_t x) { return x * x; }

/* Squared distance of pixel x of a row to the nearest outline pixel; there is one. */
static uint64_t nearest_squared(const uint32_t *rows, size_t width, size_t x) {
    uint64_t best = UINT64_MAX;
    for (size_t away = 0; away < width && squared(away) < best; away++) {
        const uint32_t left = x >= away ? rows[x - away] : NO_ROW, right = width - x > away ? rows[x + away] : NO_ROW;
        const uint32_t rows_away = left < right ? left : right;
        if (rows_away == NO_ROW) continue;
        const uint64_t found = squared(away) + squared(rows_away);
        if (found < best) best = found;
    }
    return best;
}

/* Fills distance[] with those of the pixels of `from` to the outline `to`. */
static void measure_side(outlines *o, int from, int to, double *distance) {
    measure_columns(o, o->outline[to]);
    for (size_t y = 0; y < o->height; y++)
        for (size_t x = 0; x < o->width; x++)
            if (o->outline[from][y * o->width + x])
                *distance++ = sqrt((double)nearest_squared(o->rows + y * o->width, o->width, x));
}

static void outlines_free(outlines *o) {
    free(o->outline[PREDICTED]);
    free(o->rows);
    free(o->distance);
}

/* Distances only when both outlines have pixels. Free also after a failure. */
static int outlines_new(outlines *o, const unsigned char *predicted, const unsigned char *truth, size_t height,
                        size_t width, lb_error *error) {
    const size_t pixels = height * width;
    *o = (outlines){.height = height, .width = width};
    o->outline[PREDICTED] = malloc(SIDES * pixels + 1);
    if (!o->outline[PREDICTED]) return lb_fail_memory(error, "the outlines of masks");
    o->outline[TRUTH] = o->outline[PREDICTED] + pixels;
    o->count[PREDICTED] = draw_outline(predicted, height, width, o->outline[PREDICTED]);
    o->count[TRUTH] = draw_outline(truth, height, width, o->outline[TRUTH]);
    if (!o->count[PREDICTED] || !o->count[TRUTH]) return LB_OK;
    o->rows = malloc(pixels * sizeof *o->rows);
    o->distance = malloc((o->count[PREDICTED] + o->count[TRUTH]) * sizeof *o->distance);
    if (!o->rows || !o->distance) return lb_fail_memory(error, "the distances between outlines");
    measure_side(o, PREDICTED, TRUTH, o->distance);
    measure_side(o, TRUTH, PREDICTED, o->distance + o->count[PREDICTED]);
    return LB_OK;
}

/* The value when a mask is empty: NaN when both are. */
static double when_empty(const outlines *o, double one_empty) {
    return o->count[PREDICTED] || o->count[TRUTH] ? one_empty : (double)NAN;
}

static double share_within(const double *distance, size_t n, double tolerance) {
    size_t within = 0;
    for (size_t i = 0; i < n; i++) within += distance[i] <= tolerance;
    return (double)within / (double)n;
}

static double boundary_f1(const outlines *o, double tolerance) {
    if (!o->distance) return when_empty(o, 0.0);
    const double precision = share_within(o->distance, o->count[PREDICTED], tolerance);
    const double recall = share_within(o->distance + o->count[PREDICTED], o->count[TRUTH], tolerance);
    return precision + recall > 0.0 ? 2.0 * precision * recall / (precision + recall) : 0.0;
}

int metric_boundary_f1(const unsigned char *predicted, const unsigned char *truth, size_t height, size_t width,
                       double tolerance, double *f1, lb_error *error) {
    outlines o;
    const int code = outlines_new(&o, predicted, truth, height, width, error);
    if (!code) *f1 = boundary_f1(&o, tolerance);
    outlines_free(&o);
    return code;
}

static int compare_ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Percentile 95 by linear interpolation between order statistics. Sorts the distances. */
static double percentile_95(double *distance, size_t n) {
    qsort(distance, n, sizeof *distance, compare_ascending);
    const double place = 0.95 * (double)(n - 1);
    const size_t below = (size_t)place;
    if (below + 1 == n) return distance[below];
    return distance[below] + (place - (double)below) * (distance[below + 1] - distance[below]);
}

int metric_hausdorff_95(const unsigned char *predicted, const unsigned char *truth, size_t height, size_t width,
                        double *distance, lb_error *error) {
    outlines o;
    const int code = outlines_new(&o, predicted, truth, height, width, error);
    if (!code)
        *distance = o.distance ? percentile_95(o.distance, o.count[PREDICTED] + o.count[TRUTH])
                               : when_empty(&o, sqrt((double)(squared(height) + squared(width))));
    outlines_free(&o);
    return code;
}
