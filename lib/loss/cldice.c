/* clDice of thin structures: 1 - 2 tprec tsens / (tprec + tsens) with tprec = (sum s_p y + smooth) / (sum s_p +
   smooth), tsens = (sum s_y p + smooth) / (sum s_y + smooth), s_p and s_y the soft skeletons of p and y: what an
   opening takes away from a mask eroded 0, 1, ... `iterations` times, s <- s + (1-s) max(e - open(e), 0) as in the
   authors' code. Erosion is the least of a pixel and its 4 neighbours, opening an erosion and the largest of 3 x 3.
   Sums are over the whole batch, as theirs, or over each image. 0/0 is 1 in both ratios, and 0/0 of them is a loss
   of 1.

   The gradient is exact, through the skeleton too. Subgradients: of equal pixels an erosion or dilation takes the
   middle one, else the first in reading order; max(x, 0) has slope 0 at 0. Pixels outside the image and ignored ones
   are not among the neighbours. */
#include "lib/loss/planes.h"
#include "lib/loss/region.h"

#include <string.h>

enum { ITERATIONS, SMOOTH, WHOLE_BATCH };

static const param params[] = {
    [ITERATIONS] = {.name = "iterations",
                    .fallback = 3,
                    .low = 0,
                    .high = 100,
                    .scale = PARAM_INTEGER,
                    .summary = "erosions: at least half the width in pixels of the thickest line"},
    [SMOOTH] = {.name = "smooth",
                .fallback = 1,
                .low = 0,
                .high = 1e6,
                .scale = PARAM_LOG,
                .summary = "added to both sides of the ratios, in pixels"},
    [WHOLE_BATCH] = {.name = "batch",
                     .fallback = 1,
                     .low = 0,
                     .high = 1,
                     .scale = PARAM_CHOICE,
                     .words = loss_switch_words,
                     .summary = "on: sums over all images, one value; off: each image by itself"},
};

/* --- memory ------------------------------------------------------------------------------------------------------ */

/* One mask and its skeleton. All planes are [height][width]. */
typedef struct {
    size_t height, width, steps; /* steps = iterations + 1 */
    const unsigned char *ignore; /* [height][width] or NULL */
    real *eroded;                /* [steps + 1] planes: the mask eroded 0, 1, ... times; ignored pixels 1 */
    real *skeleton;              /* [steps] planes: after each step */
    real *opened, *clean, *row;  /* [1], [1] planes, [width] */
    real *slope, *next_slope;    /* [1] plane each: by eroded[j] and eroded[j+1] */
} thinning;

typedef struct {
    thinning thinning;
    real *p, *slope;       /* [channels] planes */
    real *y, *of_y, *by_s; /* [1] plane each: labels, their skeleton, slope by the skeleton of p */
} cldice_memory;

static size_t lay_out(const double *values, const loss_batch *batch, char *base, cldice_memory *m) {
    thinning *t = &m->thinning;
    const size_t steps = (size_t)values[ITERATIONS] + 1, n = batch->pixels;
    real **const parts[] = {&t->eroded, &t->skeleton, &t->opened, &t->clean, &t->slope, &t->next_slope,
                            &m->p,      &m->slope,    &m->y,      &m->of_y,  &m->by_s,  &t->row};
    const size_t sizes[] = {(steps + 1) * n,     steps * n,           n, n, n, n,
                            batch->channels * n, batch->channels * n, n, n, n, batch->width};
    size_t used = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        *parts[i] = base ? (real *)(void *)(base + used) : NULL;
        used += (sizes[i] * sizeof(real) + 63) / 64 * 64;
    }
    t->width = batch->width;
    t->height = batch->width ? n / batch->width : 0;
    t->steps = steps;
    return used;
}

static size_t cldice_scratch(const double *values, const loss_batch *batch) {
    cldice_memory m;
    return lay_out(values, batch, NULL, &m);
}

/* --- pooling ----------------------------------------------------------------------------------------------------- */

static void put_where_ignored(const thinning *t, real value, real *x) {
    for (size_t i = 0; t->ignore && i < t->height * t->width; i++)
        if (t->ignore[i]) x[i] = value;
}

/* The least of each pixel and its 4 neighbours, a row; above and below may be the row itself. */
LOSS_KERNEL static void erode_row(const real *restrict above, const real *restrict x, const real *restrict below,
                                  size_t width, real *restrict out) {
    for (size_t i = 0; i < width; i++) out[i] = real_min(x[i], real_min(above[i], below[i]));
    for (size_t i = 1; i < width; i++) out[i] = real_min(out[i], x[i - 1]);
    for (size_t i = 1; i < width; i++) out[i - 1] = real_min(out[i - 1], x[i]);
}

/* The largest of 3 x 3 pixels, a row; `column` holds those of 3 x 1. */
LOSS_KERNEL static void dilate_row(const real *above, const real *x, const real *below, size_t width,
                                   real *restrict column, real *restrict out) {
    for (size_t i = 0; i < width; i++) column[i] = real_max(x[i], real_max(above[i], below[i]));
    for (size_t i = 0; i < width; i++) out[i] = column[i];
    for (size_t i = 1; i < width; i++) out[i] = real_max(out[i], column[i - 1]);
    for (size_t i = 1; i < width; i++) out[i - 1] = real_max(out[i - 1], column[i]);
}

static void erode(const thinning *t, const real *x, real *out) {
    for (size_t y = 0; y < t->height; y++) {
        const real *row = x + y * t->width;
        erode_row(y > 0 ? row - t->width : row, row, y + 1 < t->height ? row + t->width : row, t->width,
                  out + y * t->width);
    }
    put_where_ignored(t, 1, out);
}

/* The plane that a dilation of x looks at: ignored pixels 0. */
static const real *without_ignored(const thinning *t, const real *x) {
    if (!t->ignore) return x;
    memcpy(t->clean, x, t->height * t->width * sizeof *x);
    put_where_ignored(t, 0, t->clean);
    return t->clean;
}

static void dilate(const thinning *t, const real *eroded, real *out) {
    const real *x = without_ignored(t, eroded);
    for (size_t y = 0; y < t->height; y++) {
        const real *row = x + y * t->width;
        dilate_row(y > 0 ? row - t->width : row, row, y + 1 < t->height ? row + t->width : row, t->width, t->row,
                   out + y * t->width);
    }
}

/* Which pixel an erosion (sign 1) or a dilation (sign -1) of x took at (y, column); corners only for the latter. */
static size_t pixel_taken(const thinning *t, const real *x, size_t y, size_t column, int corners, real sign) {
    const size_t top = y > 0 ? y - 1 : y, bottom = y + 1 < t->height ? y + 1 : y;
    const size_t left = column > 0 ? column - 1 : column, right = column + 1 < t->width ? column + 1 : column;
    size_t taken = y * t->width + column;
    for (size_t v = top; v <= bottom; v++)
        for (size_t u = left; u <= right; u++)
            if ((corners || v == y || u == column) && sign * x[v * t->width + u] < sign * x[taken])
                taken = v * t->width + u;
    return taken;
}

/* --- the skeleton ------------------------------------------------------------------------------------------------ */

LOSS_KERNEL static void grow_skeleton(const real *restrict eroded, const real *restrict opened,
                                      const real *restrict before, size_t n, real *restrict skeleton) {
    for (size_t i = 0; i < n; i++) {
        const real rest = real_max(eroded[i] - opened[i], 0);
        skeleton[i] = before ? before[i] + rest * ((real)1 - before[i]) : rest;
    }
}

/* Returns the skeleton of x, inside the memory of t. */
static real *thin(const thinning *t, const real *x) {
    const size_t n = t->height * t->width;
    memcpy(t->eroded, x, n * sizeof *x);
    put_where_ignored(t, 1, t->eroded);
    for (size_t j = 0; j < t->steps; j++) {
        real *eroded = t->eroded + j * n, *skeleton = t->skeleton + j * n;
        erode(t, eroded, eroded + n);
        dilate(t, eroded + n, t->opened);
        grow_skeleton(eroded, t->opened, j ? skeleton - n : NULL, n, skeleton);
    }
    return t->skeleton + (t->steps - 1) * n;
}

/* Step j backwards: by_s is by the skeleton after step j, then by the one before; slope and next_slope get what comes
   through the opening. */
static void unthin_opening(const thinning *t, size_t j, real *by_s) {
    const size_t n = t->height * t->width;
    const real *eroded = t->eroded + j * n, *before = j ? t->skeleton + (j - 1) * n : NULL;
    dilate(t, eroded + n, t->opened);
    const real *pooled = without_ignored(t, eroded + n);
    for (size_t i = 0; i < n; i++) {
        const real rest = eroded[i] - t->opened[i];
        if (!(rest > 0) || by_s[i] == 0) continue;
        const real slope = before ? by_s[i] * ((real)1 - before[i]) : by_s[i];
        by_s[i] *= (real)1 - rest;
        t->slope[i] += slope;
        t->next_slope[pixel_taken(t, pooled, i / t->width, i % t->width, 1, -1)] -= slope;
    }
}

/* After `thin`: adds the slope by x to out. Uses up by_s, the slope by the skeleton. */
static void unthin(thinning *t, real *by_s, real *out) {
    const size_t n = t->height * t->width;
    memset(t->next_slope, 0, n * sizeof *t->next_slope);
    for (size_t j = t->steps; j-- > 0;) {
        memset(t->slope, 0, n * sizeof *t->slope);
        unthin_opening(t, j, by_s);
        for (size_t i = 0; i < n; i++)
            if (t->next_slope[i] != 0)
                t->slope[pixel_taken(t, t->eroded + j * n, i / t->width, i % t->width, 0, 1)] += t->next_slope[i];
        real *const done = t->next_slope;
        t->next_slope = t->slope;
        t->slope = done;
    }
    for (size_t i = 0; i < n; i++) out[i] += t->next_slope[i];
}

/* --- the loss ---------------------------------------------------------------------------------------------------- */

/* Sums over the pixels of a group of images. */
typedef struct {
    double skeleton_hits, skeleton, hits, true_skeleton;
} cldice_sums;

/* The loss and its derivatives by skeleton_hits, skeleton and hits. */
typedef struct {
    double value, by_skeleton_hits, by_skeleton, by_hits;
} cldice_cost;

static cldice_cost cost_of(const cldice_sums *s, double smooth) {
    const double of_p = s->skeleton + smooth, of_y = s->true_skeleton + smooth;
    const double precision = of_p > 0 ? (s->skeleton_hits + smooth) / of_p : 1;
    const double recall = of_y > 0 ? (s->hits + smooth) / of_y : 1;
    const double sum = precision + recall;
    if (!(sum > 0)) return (cldice_cost){.value = 1};
    const double share = precision / sum, rest = recall / sum;
    const double by_precision = -2 * rest * rest, by_recall = -2 * share * share;
    return (cldice_cost){.value = 1 - 2 * share * recall,
                         .by_skeleton_hits = of_p > 0 ? by_precision / of_p : 0,
                         .by_skeleton = of_p > 0 ? -by_precision * precision / of_p : 0,
                         .by_hits = of_y > 0 ? by_recall / of_y : 0};
}

static void add_mask(const loss_batch *batch, size_t image, size_t c, const cldice_memory *m, cldice_sums *sums) {
    const size_t n = batch->pixels, item = plane_item(batch, image, c);
    const real *p = m->p + c * n;
    loss_plane_labels(batch, image, c, 0, n, m->y);
    memcpy(m->of_y, thin(&m->thinning, m->y), n * sizeof *m->of_y);
    const real *of_p = thin(&m->thinning, p);
    for (size_t i = 0; i < n; i++) {
        const double w = item_weight(batch, item + i);
        sums->skeleton_hits += w * (double)of_p[i] * (double)m->y[i];
        sums->skeleton += w * (double)of_p[i];
        sums->hits += w * (double)m->of_y[i] * (double)p[i];
        sums->true_skeleton += w * (double)m->of_y[i];
    }
}

/* Slopes of one mask by p. The skeletons are made again: for a whole batch they would not fit into memory. */
static void fill_slope(const loss_batch *batch, size_t image, size_t c, const cldice_cost *cost, cldice_memory *m) {
    const size_t n = batch->pixels, item = plane_item(batch, image, c);
    real *slope = m->slope + c * n;
    loss_plane_labels(batch, image, c, 0, n, m->y);
    const real *of_y = thin(&m->thinning, m->y);
    for (size_t i = 0; i < n; i++) {
        const double w = item_weight(batch, item + i);
        slope[i] = (real)(w * cost->by_hits * (double)of_y[i]);
        m->by_s[i] = (real)(w * (cost->by_skeleton_hits * (double)m->y[i] + cost->by_skeleton));
    }
    thin(&m->thinning, m->p + c * n);
    unthin(&m->thinning, m->by_s, slope);
    put_where_ignored(&m->thinning, 0, slope);
}

static const unsigned char *ignored_pixels(const loss_batch *batch, size_t image, size_t c) {
    return batch->ignore ? batch->ignore + plane_item(batch, image, c) : NULL;
}

/* The value of images first .. first+count-1. */
static double value_of_images(const double *values, const loss_batch *batch, size_t first, size_t count, double scale,
                              real *grad, cldice_memory *m) {
    cldice_sums sums = {0};
    for (size_t image = first; image < first + count; image++) {
        loss_planes_fill(batch, image, m->p);
        for (size_t c = 0; c < batch->channels; c++) {
            m->thinning.ignore = ignored_pixels(batch, image, c);
            if (!plane_is_skipped(batch, c)) add_mask(batch, image, c, m, &sums);
        }
    }
    const cldice_cost cost = cost_of(&sums, values[SMOOTH]);
    for (size_t image = first; grad && image < first + count; image++) {
        loss_planes_fill(batch, image, m->p);
        memset(m->slope, 0, batch->channels * batch->pixels * sizeof *m->slope);
        for (size_t c = 0; c < batch->channels; c++) {
            m->thinning.ignore = ignored_pixels(batch, image, c);
            if (!plane_is_skipped(batch, c)) fill_slope(batch, image, c, &cost, m);
        }
        loss_planes_spread(batch, image, m->p, m->slope, scale, grad);
    }
    return cost.value;
}

static size_t images_together(const double *values, const loss_batch *batch) {
    return values[WHOLE_BATCH] != 0 ? batch->images : 1;
}

/* Whether any pixel of these images counts. */
static int any_counts(const loss_batch *batch, size_t first, size_t count) {
    for (size_t image = first; image < first + count; image++)
        for (size_t c = 0; c < batch->channels; c++)
            if (!plane_is_skipped(batch, c) && loss_plane_count(batch, image, c) > 0) return 1;
    return 0;
}

static double cldice_eval(const double *values, const loss_batch *batch, double scale, real *each, real *grad,
                          void *scratch) {
    const size_t count = images_together(values, batch);
    cldice_memory m;
    double sum = 0;
    lay_out(values, batch, scratch, &m);
    for (size_t first = 0; first < batch->images; first += count) {
        if (!any_counts(batch, first, count)) continue;
        const double value = value_of_images(values, batch, first, count, scale, grad, &m);
        if (each) each[first] += (real)(scale * value);
        sum += value;
    }
    return sum;
}

static double cldice_divisor(const double *values, const loss_batch *batch) {
    const size_t count = images_together(values, batch);
    double counted = 0;
    for (size_t first = 0; first < batch->images; first += count) counted += any_counts(batch, first, count);
    return counted;
}

static loss_value_shape cldice_shape(const double *values) {
    return values[WHOLE_BATCH] != 0 ? LOSS_PER_BATCH : LOSS_PER_ROW;
}

static const char *cldice_check_batch(const double *values, const loss_batch *batch) {
    (void)values;
    return loss_needs_width(batch);
}

LOSS_TYPE(cldice) = {
    .name = "cldice",
    .version = 1,
    .summary =
        "1 - 2 tprec tsens / (tprec + tsens), tprec and tsens the shares of the soft skeletons of p and y inside "
        "y and p",
    .citation = "Shit et al. 2021, clDice, arXiv:2003.07311, soft skeleton and soft clDice",
    .use = "cracks, scratches and wires, where connection counts and width does not; beside dice, as the authors do",
    .traps =
        "says nothing about width: alone it is no loss for masks; too few iterations leave the skeletons of thick "
        "lines hollow; the authors' default is 3 in one place and 10 in another; skeletons of uniform p are empty, "
        "so the gradient starts small; slow, a few dozen passes over the image",
    .kind = LOSS_MASK,
    .values = LOSS_PER_BATCH,
    .value_shape = cldice_shape,
    .params = params,
    .param_count = sizeof params / sizeof params[0],
    .golden = {.expression = "cldice(iterations=1)",
               .images = 1,
               .channels = 1,
               .pixels = 12,
               .width = 4,
               .input = {1.5, -0.5, 0.25, -2, 0.5, -1, 2, -0.25, 1, -3, 0.75, 0},
               .target = {0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 1, 0},
               .value = 0.4315565943072633,
               .grad = {0.010672370566049, 0.008905513265515, 0.019758170503843, -0.0041319400642276,
                        -0.033767291244557, -0.063036724500543, -0.014072298709684, 0.034441324022094,
                        0.015782828842184, -0.0035774288492773, -0.031308968042064, 0.01367426512603},
               .source = "torch 1.13 float64: the authors' soft_skel with max_pool2d, by autograd"},
    .check_batch = cldice_check_batch,
    .divisor = cldice_divisor,
    .eval = cldice_eval,
    .scratch = cldice_scratch,
    .any_activation = 1,
};
