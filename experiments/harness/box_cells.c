#include "experiments/harness/box_cells.h"

#include "lib/base/repro_math.h"

#include <float.h>
#include <math.h>

const double detector_suppress_iou = 0.5;

static size_t count_types(const dataset *d) {
    size_t count = 0;
    while (d->type_names[1 + count]) count++; /* [0] is "good" */
    return count;
}

detector_grid detector_grid_of(const dataset *d) {
    const dataset_items *train = &d->sets[SET_TRAIN];
    double width = 0, height = 0; /* sums of logarithms of sizes in cells */
    for (size_t i = 0; i < train->box_count; i++) {
        const dataset_box *b = &train->boxes[i];
        width += repro_log(((double)b->x2 - (double)b->x1) / DETECTOR_STRIDE);
        height += repro_log(((double)b->y2 - (double)b->y1) / DETECTOR_STRIDE);
    }
    const double count = train->box_count ? (double)train->box_count : 1;
    return (detector_grid){.rows = d->height / DETECTOR_STRIDE,
                           .columns = d->width / DETECTOR_STRIDE,
                           .types = count_types(d),
                           .mean_width = repro_exp(width / count),
                           .mean_height = repro_exp(height / count)};
}

/* --- owners --------------------------------------------------------------------------------------------------------
 */

/* The cell of a box's centre, and the rows and columns around it that there are, last ones included. */
typedef struct {
    size_t row, column, top, bottom, left, right;
} surroundings;

static size_t centre_cell(float low, float high, size_t cells) {
    const double at = ((double)low + (double)high) / 2 / DETECTOR_STRIDE;
    return at < 0 ? 0 : at < (double)cells ? (size_t)at : cells - 1;
}

static surroundings surroundings_of(const detector_grid *g, const dataset_box *b) {
    const size_t row = centre_cell(b->y1, b->y2, g->rows), column = centre_cell(b->x1, b->x2, g->columns);
    return (surroundings){.row = row,
                          .column = column,
                          .top = row ? row - 1 : 0,
                          .bottom = row + 1 < g->rows ? row + 1 : row,
                          .left = column ? column - 1 : 0,
                          .right = column + 1 < g->columns ? column + 1 : column};
}

static int wants(const dataset_box *b, const surroundings *s, size_t row, size_t column) {
    const double x = ((double)column + 0.5) * DETECTOR_STRIDE, y = ((double)row + 0.5) * DETECTOR_STRIDE;
    const int inside = x >= (double)b->x1 && x < (double)b->x2 && y >= (double)b->y1 && y < (double)b->y2;
    return inside || (row == s->row && column == s->column);
}

static double area_of(const dataset_box *b) {
    return ((double)b->x2 - (double)b->x1) * ((double)b->y2 - (double)b->y1);
}

static void claim(const detector_grid *g, const dataset_box *boxes, size_t box, int32_t *owner) {
    const surroundings s = surroundings_of(g, &boxes[box]);
    for (size_t row = s.top; row <= s.bottom; row++)
        for (size_t column = s.left; column <= s.right; column++) {
            int32_t *has = &owner[row * g->columns + column];
            if (!wants(&boxes[box], &s, row, column)) continue;
            if (*has < 0 || area_of(&boxes[box]) < area_of(&boxes[*has])) *has = (int32_t)box;
        }
}

static int owns_any(const detector_grid *g, const dataset_box *boxes, size_t box, const int32_t *owner) {
    const surroundings s = surroundings_of(g, &boxes[box]);
    for (size_t row = s.top; row <= s.bottom; row++)
        for (size_t column = s.left; column <= s.right; column++)
            if (owner[row * g->columns + column] == (int32_t)box) return 1;
    return 0;
}

size_t detector_assign(const detector_grid *g, const dataset_box *boxes, size_t count, int32_t *owner) {
    size_t lost = 0;
    for (size_t i = 0; i < detector_cells(g); i++) owner[i] = -1;
    for (size_t i = 0; i < count; i++) claim(g, boxes, i, owner);
    for (size_t i = 0; i < count; i++) lost += !owns_any(g, boxes, i, owner);
    return lost;
}

/* --- boxes of cells ------------------------------------------------------------------------------------------------
 */

static float cut(float x, float low, float high) { return x < low ? low : x > high ? high : x; }

/* Half of a side: of mean size `mean`, stretched by e^t. */
static float half_side(double mean, float t) {
    return 0.5f * (float)mean * repro_expf(cut(t, -DETECTOR_REACH, DETECTOR_REACH));
}

void detector_decode(const detector_grid *g, const float *channels, size_t row, size_t column, float box[4]) {
    const float *t = channels + g->types + 1; /* tx, ty, tw, th */
    const float x = (float)column + 0.5f + t[0], y = (float)row + 0.5f + t[1];
    const float half_width = half_side(g->mean_width, t[2]), half_height = half_side(g->mean_height, t[3]);
    box[0] = x - half_width;
    box[1] = y - half_height;
    box[2] = x + half_width;
    box[3] = y + half_height;
}

void detector_decode_slope(const detector_grid *g, const float *channels, const float box[4], const float corner[4],
                           float slope[4]) {
    const float *t = channels + g->types + 1;
    for (size_t axis = 0; axis < 2; axis++) {
        const float half = 0.5f * (box[axis + 2] - box[axis]);
        slope[axis] += corner[axis] + corner[axis + 2];
        const float by_size = half * (corner[axis + 2] - corner[axis]), beyond = t[axis + 2] * by_size;
        if (fabsf(t[axis + 2]) <= DETECTOR_REACH || beyond > 0) slope[axis + 2] += by_size;
    }
}

/* --- what is found -------------------------------------------------------------------------------------------------
 */

static int all_finite(const float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return 0;
    return 1;
}

static uint32_t best_type(const detector_grid *g, const float *channels) {
    uint32_t best = 0;
    for (uint32_t type = 1; type < g->types; type++)
        if (channels[type] > channels[best]) best = type;
    return best;
}

/* ln sigmoid(a) + ln sigmoid(b); finite for finite logits */
static float score_of(float a, float b) { return cut(-repro_softplusf(-a) - repro_softplusf(-b), -FLT_MAX, 0); }

/* What one cell offers, cut to the image: it may have no area left. */
static metric_box offer(const detector_grid *g, const float *channels, size_t row, size_t column, uint32_t image) {
    const float width = (float)(g->columns * DETECTOR_STRIDE), height = (float)(g->rows * DETECTOR_STRIDE);
    const uint32_t type = best_type(g, channels);
    float box[4];
    detector_decode(g, channels, row, column, box);
    return (metric_box){.image = image,
                        .type = type,
                        .x1 = cut(box[0] * DETECTOR_STRIDE, 0, width),
                        .y1 = cut(box[1] * DETECTOR_STRIDE, 0, height),
                        .x2 = cut(box[2] * DETECTOR_STRIDE, 0, width),
                        .y2 = cut(box[3] * DETECTOR_STRIDE, 0, height),
                        .score = score_of(channels[g->types], channels[type])};
}

static metric_box whole_image(const detector_grid *g, uint32_t image) {
    return (metric_box){.image = image,
                        .x2 = (float)(g->columns * DETECTOR_STRIDE),
                        .y2 = (float)(g->rows * DETECTOR_STRIDE),
                        .score = -FLT_MAX};
}

size_t detector_find(const detector_grid *g, const float *output, uint32_t image, metric_box *out, int *finite) {
    const size_t cells = detector_cells(g), channels = detector_channels(g);
    size_t count = 0;
    *finite = all_finite(output, cells * channels);
    for (size_t cell = 0; *finite && cell < cells; cell++) {
        const metric_box b = offer(g, output + cell * channels, cell / g->columns, cell % g->columns, image);
        if (b.x1 < b.x2 && b.y1 < b.y2) out[count++] = b;
    }
    if (!count) out[count++] = whole_image(g, image);
    return metric_box_suppress(out, count, detector_suppress_iou, DETECTOR_MOST);
}
