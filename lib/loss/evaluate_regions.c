/* Region terms, in two passes over a group of images: the first adds up the sums of each cell (image and channel), and
   evaluates the element-wise terms of the same expression on the way; then each loss says what its sums cost; the
   second pass spreads the derivatives by the sums over the pixels. A group is one image, so that the second pass finds
   it in the cache, or the whole batch where a term's regions span images.

   Logits with the sigmoid take the fast way, which keeps p (1-p) of each pixel from the first pass. Softmax,
   probabilities and one-hot classes keep p and go plane by plane. */
#include "lib/loss/elements.h"
#include "lib/loss/evaluate.h"
#include "lib/loss/planes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The sums of one cell, plain and squared. */
typedef struct {
    double intersection, prediction, target, total, prediction_squared, target_squared;
} cell_sums;

/* Derivatives of the value by a cell's intersection, prediction and sum of squared prediction. */
typedef struct {
    double by_intersection, by_prediction, by_squared;
} cell_slopes;

/* The parts of the scratch memory. */
typedef struct {
    size_t images; /* of a group */
    cell_sums *cells;
    cell_slopes *slopes;
    loss_sums *sums;  /* one term's view of the cells */
    loss_cell *costs; /* what it says of them */
    real *spread;     /* fast way: weight p (1-p); others: p; [images][channels][pixels] of the group */
    real *p;          /* fast way, squared: p; others: the derivative by p */
} region_memory;

typedef struct {
    evaluation *e;
    region_memory memory;
    int squared; /* any term uses squares */
    size_t first_image;
    double lanes[LOSS_MAX_TERMS][LANES];
    double values[LOSS_MAX_TERMS]; /* sum of each region term's values */
    size_t value_at[LOSS_MAX_TERMS];
} region_run;

/* --- shapes ------------------------------------------------------------------------------------------------------ */

loss_region_options loss_term_options(const loss_term *term) {
    loss_region_options options = {0};
    if (term->type->region_options) term->type->region_options(term->values, &options);
    return options;
}

loss_value_shape loss_term_shape(const loss_term *term) {
    return term->type->value_shape ? term->type->value_shape(term->values) : term->type->values;
}

static size_t used_channels(const loss_batch *batch) {
    size_t count = 0;
    for (size_t c = 0; c < batch->channels; c++) count += !plane_is_skipped(batch, c);
    return count;
}

static int spans_images(const loss *l) {
    for (size_t t = 0; t < l->count; t++)
        if (l->terms[t].type->region &&
            (loss_term_options(&l->terms[t]).batch || loss_term_shape(&l->terms[t]) == LOSS_PER_BATCH))
            return 1;
    return 0;
}

static int has_region(const loss *l) {
    for (size_t t = 0; t < l->count; t++)
        if (l->terms[t].type->region) return 1;
    return 0;
}

static size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* Lays the parts out from `base` on (NULL: only measures); returns the bytes. */
static size_t lay_out(const loss *l, const loss_batch *batch, char *base, region_memory *m) {
    m->images = spans_images(l) ? batch->images : 1;
    const size_t cells = m->images * batch->channels, pixels = cells * batch->pixels;
    const size_t sizes[] = {cells * sizeof(cell_sums), cells * sizeof(cell_slopes), cells * sizeof(loss_sums),
                            cells * sizeof(loss_cell), pixels * sizeof(real),       pixels * sizeof(real)};
    void *parts[6];
    size_t used = 0;
    for (int i = 0; i < 6; i++) {
        parts[i] = base ? base + used : NULL;
        used += rounded(sizes[i]);
    }
    m->cells = parts[0];
    m->slopes = parts[1];
    m->sums = parts[2];
    m->costs = parts[3];
    m->spread = parts[4];
    m->p = parts[5];
    return used;
}

size_t region_scratch(const loss *l, const loss_batch *batch) {
    region_memory m;
    return has_region(l) ? lay_out(l, batch, NULL, &m) : 0;
}

/* Whether every pixel of a row (or cell) is ignored. */
static int all_ignored(const loss_batch *batch, size_t image, size_t channel) {
    const size_t start = (batch->classes ? image : image * batch->channels + channel) * batch->pixels;
    for (size_t i = 0; i < batch->pixels; i++)
        if (!is_ignored(batch, start + i)) return 0;
    return 1;
}

size_t region_values(const loss_term *term, const loss_batch *batch, int counted) {
    const loss_region_options options = loss_term_options(term);
    const size_t rows = options.batch ? 1 : batch->images;
    const size_t columns = loss_term_shape(term) == LOSS_PER_CELL ? (options.micro ? 1 : used_channels(batch)) : 1;
    if (loss_term_shape(term) == LOSS_PER_BATCH) return 1;
    if (!counted || !batch->ignore) return rows * columns;
    size_t count = 0; /* rows or cells with a pixel that counts */
    for (size_t row = 0; row < rows; row++)
        for (size_t column = 0; column < columns; column++) {
            int counts = 0;
            for (size_t image = row; image < (options.batch ? batch->images : row + 1); image++)
                for (size_t c = 0, used = 0; c < batch->channels; c++) {
                    if (plane_is_skipped(batch, c)) continue;
                    if (columns == 1 || used == column) counts |= !all_ignored(batch, image, c);
                    used++;
                }
            count += counts != 0;
        }
    return count;
}

/* --- first pass, the fast way --------------------------------------------------------------------------------------
 */

enum { SUM_INTERSECTION, SUM_PREDICTION, SUM_TARGET, SUM_TOTAL, SUM_PREDICTION_SQUARED, SUM_TARGET_SQUARED, SUMS };

/* p, p (1-p) and p y from logits and exp(-|z|) */
LOSS_KERNEL static void fill_probabilities(const loss_block *block, real *restrict p, real *restrict spread,
                                           real *restrict product) {
    const real *restrict z = block->input, *restrict y = block->target, *restrict decay = block->decay;
    for (size_t i = 0, n = block->n; i < n; i++) {
        const real large = (real)1 / ((real)1 + decay[i]), small = decay[i] * large;
        p[i] = real_select(z[i] < 0, small, large);
        spread[i] = large * small;
        product[i] = p[i] * y[i];
    }
}

/* Adds three arrays to three sums at once: their chains of additions run side by side. */
LOSS_KERNEL static void add_three_lanes(const real *restrict a, const real *restrict b, const real *restrict c,
                                        size_t n, double *restrict sum_a, double *restrict sum_b,
                                        double *restrict sum_c) {
    for (size_t i = 0; i + LANES <= n; i += LANES) {
        for (size_t lane = 0; lane < LANES; lane++) sum_a[lane] += (double)a[i + lane];
        for (size_t lane = 0; lane < LANES; lane++) sum_b[lane] += (double)b[i + lane];
        for (size_t lane = 0; lane < LANES; lane++) sum_c[lane] += (double)c[i + lane];
    }
}

static void add_three(const real *a, const real *b, const real *c, size_t n, double *sum_a, double *sum_b,
                      double *sum_c) {
    add_three_lanes(a, b, c, n, sum_a, sum_b, sum_c);
    for (size_t i = n / LANES * LANES; i < n; i++) {
        sum_a[i % LANES] += (double)a[i];
        sum_b[i % LANES] += (double)b[i];
        sum_c[i % LANES] += (double)c[i];
    }
}

LOSS_KERNEL static void multiply_into(const real *restrict a, const real *restrict b, size_t n, real *restrict out) {
    for (size_t i = 0; i < n; i++) out[i] = a[i] * b[i];
}

LOSS_KERNEL static void multiply_by(real *restrict x, const real *restrict by, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] *= by[i];
}

/* Adds a block to the sums of its cell and keeps what the second pass needs. */
static void add_block(const region_run *run, const loaded_block *loaded, real *spread, real *kept,
                      double lanes[SUMS][LANES]) {
    real p[LOSS_BLOCK], product[LOSS_BLOCK], weighted_p[LOSS_BLOCK], weighted_y[LOSS_BLOCK], square[LOSS_BLOCK];
    const size_t n = loaded->block.n;
    const real *y = loaded->block.target, *wp = p, *wy = y;
    fill_probabilities(&loaded->block, p, spread, product);
    if (loaded->weight) {
        multiply_into(p, loaded->weight, n, weighted_p);
        multiply_into(y, loaded->weight, n, weighted_y);
        wp = weighted_p;
        wy = weighted_y;
        multiply_by(product, loaded->weight, n);
        multiply_by(spread, loaded->weight, n);
        for (size_t i = 0; i < n; i++) lanes[SUM_TOTAL][i % LANES] += (double)loaded->weight[i];
    } else
        lanes[SUM_TOTAL][0] += (double)n;
    add_three(product, wp, wy, n, lanes[SUM_INTERSECTION], lanes[SUM_PREDICTION], lanes[SUM_TARGET]);
    if (!run->squared) return;
    real unused[LOSS_BLOCK] = {0};
    double nothing[LANES] = {0};
    multiply_into(wp, p, n, product);
    multiply_into(wy, y, n, square);
    add_three(product, square, unused, n, lanes[SUM_PREDICTION_SQUARED], lanes[SUM_TARGET_SQUARED], nothing);
    memcpy(kept, p, n * sizeof *p);
}

static cell_sums sums_of(double lanes[SUMS][LANES]) {
    return (cell_sums){.intersection = sum_of_lanes(lanes[SUM_INTERSECTION]),
                       .prediction = sum_of_lanes(lanes[SUM_PREDICTION]),
                       .target = sum_of_lanes(lanes[SUM_TARGET]),
                       .total = sum_of_lanes(lanes[SUM_TOTAL]),
                       .prediction_squared = sum_of_lanes(lanes[SUM_PREDICTION_SQUARED]),
                       .target_squared = sum_of_lanes(lanes[SUM_TARGET_SQUARED])};
}

/* Without element-wise terms the gradient's own place holds p (1-p) between the passes. */
static int keeps_spread_in_grad(const evaluation *e) { return e->grad && !e->has_elements; }

/* Cell number `cell` of the group. Class weights are the business of element-wise terms here: a region's weight
   multiplies what it costs. */
static int first_pass_fast(region_run *run, size_t cell, lb_error *error) {
    const evaluation *e = run->e;
    const loss_batch *batch = e->batch;
    loaded_block loaded;
    double lanes[SUMS][LANES] = {{0}};
    const size_t at = cell * batch->pixels, start = run->first_image * batch->channels * batch->pixels + at;
    for (size_t done = 0; done < batch->pixels; done += LOSS_BLOCK) {
        const size_t left = batch->pixels - done, n = left < LOSS_BLOCK ? left : LOSS_BLOCK;
        if (load_block(e, start + done, n, 0, &loaded, error)) return LB_INVALID;
        real *spread = keeps_spread_in_grad(e) ? e->grad + start + done : run->memory.spread + at + done;
        add_block(run, &loaded, spread, run->memory.p + at + done, lanes);
        for (size_t i = 0; e->clip > 0 && i < n; i++)
            if (loaded.block.input[i] != batch->input[start + done + i]) spread[i] = 0;
        if (batch->class_weight && load_block(e, start + done, n, 1, &loaded, error)) return LB_INVALID;
        evaluate_block(e, start + done, &loaded, run->lanes);
    }
    run->memory.cells[cell] = sums_of(lanes);
    return LB_OK;
}

/* --- first pass, plane by plane --------------------------------------------------------------------------------------
 */

/* The sums of one mask whose p are known, labels and weights block by block. */
static cell_sums sums_of_plane(const evaluation *e, size_t image, size_t channel, const real *p) {
    const loss_batch *batch = e->batch;
    const size_t item = plane_item(batch, image, channel);
    cell_sums s = {0};
    real y[LOSS_BLOCK];
    for (size_t done = 0; done < batch->pixels; done += LOSS_BLOCK) {
        const size_t left = batch->pixels - done, n = left < LOSS_BLOCK ? left : LOSS_BLOCK;
        loss_plane_labels(batch, image, channel, done, n, y);
        for (size_t i = 0; i < n; i++) {
            const double w = item_weight(batch, item + done + i), value = (double)p[done + i], label = (double)y[i];
            s.intersection += w * value * label;
            s.prediction += w * value;
            s.target += w * label;
            s.total += w;
            s.prediction_squared += w * value * value;
            s.target_squared += w * label * label;
        }
    }
    return s;
}

static int first_pass_planes(region_run *run, size_t image_of_group, lb_error *error) {
    const evaluation *e = run->e;
    const loss_batch *batch = e->batch;
    const size_t image = run->first_image + image_of_group, size = batch->channels * batch->pixels;
    real *p = run->memory.spread + image_of_group * size;
    loaded_block loaded; /* for its checks; multi-class batches have been checked */
    for (size_t done = 0; e->form == LOSS_MASK && done < size; done += LOSS_BLOCK)
        if (load_block(e, image * size + done, size - done < LOSS_BLOCK ? size - done : LOSS_BLOCK, 0, &loaded, error))
            return LB_INVALID;
    loss_planes_fill(batch, image, p);
    for (size_t c = 0; c < batch->channels; c++)
        run->memory.cells[image_of_group * batch->channels + c] = sums_of_plane(e, image, c, p + c * batch->pixels);
    return LB_OK;
}

/* --- between the passes ------------------------------------------------------------------------------------------ */

/* Where cell (image of the group, channel) stands among a term's rows and columns. */
typedef struct {
    size_t rows, columns;
    loss_region_options options;
} region_view;

static size_t place_in_view(const region_view *view, size_t image, size_t used_channel) {
    return (view->options.batch ? 0 : image) * view->columns + (view->options.micro ? 0 : used_channel);
}

static void add_to_view(const region_view *view, const cell_sums *cell, loss_sums *sum) {
    sum->intersection += cell->intersection;
    sum->prediction += view->options.squared ? cell->prediction_squared : cell->prediction;
    sum->target += view->options.squared ? cell->target_squared : cell->target;
    sum->total += cell->total;
}

/* Values of one term, weighted by class, into the sum and the caller's values. */
static void add_values(region_run *run, size_t t, const region_view *view) {
    evaluation *e = run->e;
    const loss_value_shape shape = loss_term_shape(&e->l->terms[t]);
    const size_t step = shape == LOSS_PER_CELL ? 1 : shape == LOSS_PER_ROW ? view->columns : view->rows * view->columns;
    for (size_t i = 0; i < view->rows * view->columns; i += step) {
        run->values[t] += run->memory.costs[i].value;
        if (e->values)
            e->values[run->value_at[t]++] += real_capped((real)(e->region_scale[t] * run->memory.costs[i].value));
    }
}

/* A slope by a sum may be beyond the range of `real` where next to nothing is in a region. So that sums of terms stay
   inside, a part of the range is the limit. */
static double limited(double slope) { return fmax(fmin(slope, (double)REAL_MAX / 64), -(double)REAL_MAX / 64); }

static void cost_of_term(region_run *run, size_t t) {
    evaluation *e = run->e;
    const loss_batch *batch = e->batch;
    const loss_term *term = &e->l->terms[t];
    region_memory *m = &run->memory;
    const size_t channels = batch->channels, used = used_channels(batch);
    region_view view = {.options = loss_term_options(term)};
    view.rows = view.options.batch ? 1 : m->images;
    view.columns = view.options.micro ? 1 : used;
    memset(m->sums, 0, view.rows * view.columns * sizeof *m->sums);
    memset(m->costs, 0, view.rows * view.columns * sizeof *m->costs);
    for (size_t image = 0; image < m->images; image++)
        for (size_t c = 0, u = 0; c < channels; c++)
            if (!plane_is_skipped(batch, c))
                add_to_view(&view, &m->cells[image * channels + c], &m->sums[place_in_view(&view, image, u++)]);
    term->type->region(term->values, view.rows, view.columns, m->sums, m->costs);
    const int weighs = batch->class_weight && loss_term_shape(term) == LOSS_PER_CELL && !view.options.micro;
    for (size_t row = 0; row < view.rows; row++)
        for (size_t c = 0, u = 0; c < channels; c++) {
            if (plane_is_skipped(batch, c)) continue;
            if (view.options.micro && u) break;
            loss_cell *cost = &m->costs[row * view.columns + u];
            const double weight = weighs ? (double)batch->class_weight[c] : 1;
            const int empty = !(m->sums[row * view.columns + u++].total > 0) && loss_term_shape(term) == LOSS_PER_CELL;
            *cost =
                empty ? (loss_cell){0}
                      : (loss_cell){weight * cost->value, weight * cost->by_intersection, weight * cost->by_prediction};
        }
    add_values(run, t, &view);
    for (size_t image = 0; image < m->images; image++)
        for (size_t c = 0, u = 0; c < channels; c++) {
            if (plane_is_skipped(batch, c)) continue;
            const loss_cell *cost = &m->costs[place_in_view(&view, image, u++)];
            cell_slopes *slopes = &m->slopes[image * channels + c];
            slopes->by_intersection += limited(e->region_scale[t] * cost->by_intersection);
            *(view.options.squared ? &slopes->by_squared : &slopes->by_prediction) +=
                limited(e->region_scale[t] * cost->by_prediction);
        }
}

/* --- second pass ------------------------------------------------------------------------------------------------- */

/* grad += spread (a y + b) */
LOSS_KERNEL static void add_spread(const real *restrict spread, const real *restrict y, real a, real b, size_t n,
                                   real *restrict grad) {
    for (size_t i = 0; i < n; i++) grad[i] = real_fma(spread[i], real_fma(a, y[i], b), grad[i]);
}

/* grad *= a y + b */
LOSS_KERNEL static void multiply_spread(const real *restrict y, real a, real b, size_t n, real *restrict grad) {
    for (size_t i = 0; i < n; i++) grad[i] *= real_fma(a, y[i], b);
}

/* The same two with a y + b + 2 c p: spread NULL multiplies. */
LOSS_KERNEL static void add_spread_squared(const real *spread, const real *restrict y, const real *restrict p, real a,
                                           real b, real c, size_t n, real *restrict grad) {
    for (size_t i = 0; i < n; i++) {
        const real slope = real_fma(a, y[i], real_fma(2 * c, p[i], b));
        grad[i] = spread ? real_fma(spread[i], slope, grad[i]) : grad[i] * slope;
    }
}

static void second_pass_fast(const region_run *run, size_t cell) {
    const evaluation *e = run->e;
    const loss_batch *batch = e->batch;
    const size_t at = cell * batch->pixels, start = run->first_image * batch->channels * batch->pixels + at;
    const cell_slopes s = run->memory.slopes[cell];
    const real a = real_capped((real)s.by_intersection), b = real_capped((real)s.by_prediction);
    const real c = real_capped((real)s.by_squared);
    real clean[LOSS_BLOCK];
    for (size_t done = 0; done < batch->pixels; done += LOSS_BLOCK) {
        const size_t left = batch->pixels - done, n = left < LOSS_BLOCK ? left : LOSS_BLOCK;
        const real *spread = e->has_elements ? run->memory.spread + at + done : NULL;
        const real *y = batch->target + start + done;
        real *grad = e->grad + start + done;
        for (size_t i = 0; batch->ignore && i < n; i++) clean[i] = is_ignored(batch, start + done + i) ? 0 : y[i];
        if (batch->ignore) y = clean;
        if (run->squared)
            add_spread_squared(spread, y, run->memory.p + at + done, a, b, c, n, grad);
        else if (spread)
            add_spread(spread, y, a, b, n, grad);
        else
            multiply_spread(y, a, b, n, grad);
    }
}

/* Derivative by p of the pixels of one mask. */
static void fill_slopes(const evaluation *e, const cell_slopes *s, size_t image, size_t channel, const real *p,
                        real *slope) {
    const loss_batch *batch = e->batch;
    const size_t item = plane_item(batch, image, channel);
    real y[LOSS_BLOCK];
    for (size_t done = 0; done < batch->pixels; done += LOSS_BLOCK) {
        const size_t left = batch->pixels - done, n = left < LOSS_BLOCK ? left : LOSS_BLOCK;
        loss_plane_labels(batch, image, channel, done, n, y);
        for (size_t i = 0; i < n; i++) {
            const double by_p = s->by_intersection * (double)y[i] + s->by_prediction;
            slope[done + i] =
                (real)(item_weight(batch, item + done + i) * (by_p + 2 * s->by_squared * (double)p[done + i]));
        }
    }
}

static void second_pass_planes(const region_run *run, size_t image_of_group) {
    const evaluation *e = run->e;
    const size_t channels = e->batch->channels, pixels = e->batch->pixels, at = image_of_group * channels * pixels;
    const size_t image = run->first_image + image_of_group;
    const real *p = run->memory.spread + at;
    real *slope = run->memory.p + at;
    for (size_t c = 0; c < channels; c++)
        fill_slopes(e, &run->memory.slopes[image_of_group * channels + c], image, c, p + c * pixels,
                    slope + c * pixels);
    loss_planes_spread(e->batch, image, p, slope, 1, e->grad);
}

/* --- both -------------------------------------------------------------------------------------------------------- */

static int evaluate_group(region_run *run, lb_error *error) {
    const evaluation *e = run->e;
    region_memory *m = &run->memory;
    const int fast = regions_go_fast(e);
    const size_t count = fast ? m->images * e->batch->channels : m->images;
    for (size_t i = 0; i < count; i++)
        if (fast ? first_pass_fast(run, i, error) : first_pass_planes(run, i, error)) return LB_INVALID;
    memset(m->slopes, 0, m->images * e->batch->channels * sizeof *m->slopes);
    for (size_t t = 0; t < e->l->count; t++)
        if (e->l->terms[t].type->region) cost_of_term(run, t);
    for (size_t i = 0; e->grad && i < count; i++) {
        if (fast)
            second_pass_fast(run, i);
        else
            second_pass_planes(run, i);
    }
    return LB_OK;
}

int evaluate_regions(evaluation *e, lb_error *error) {
    region_run run = {.e = e};
    lay_out(e->l, e->batch, e->scratch, &run.memory);
    for (size_t t = 0; t < e->l->count; t++) run.squared |= loss_term_options(&e->l->terms[t]).squared;
    for (; run.first_image < e->batch->images; run.first_image += run.memory.images)
        if (evaluate_group(&run, error)) return LB_INVALID;
    for (size_t t = 0; t < e->l->count; t++) {
        if (term_has_elements(&e->l->terms[t], e->form)) e->value += e->scale[t] * sum_of_lanes(run.lanes[t]);
        e->value += e->region_scale[t] * run.values[t];
    }
    return LB_OK;
}
