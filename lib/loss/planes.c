/* Masks as probabilities: planes.h. */
#include "lib/loss/planes.h"

#include "lib/loss/distance.h"

#include <string.h>

size_t loss_plane_count(const loss_batch *batch, size_t image, size_t channel) {
    const size_t start = plane_item(batch, image, channel);
    size_t ignored = 0;
    for (size_t i = 0; batch->ignore && i < batch->pixels; i++) ignored += batch->ignore[start + i] != 0;
    return batch->pixels - ignored;
}

void loss_plane_labels(const loss_batch *batch, size_t image, size_t channel, size_t first, size_t n, real *out) {
    const size_t item = plane_item(batch, image, channel) + first;
    const real *target = batch->classes ? NULL : batch->target + (image * batch->channels + channel) * batch->pixels;
    if (target && !batch->ignore) {
        memcpy(out, target + first, n * sizeof *out);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (is_ignored(batch, item + i))
            out[i] = 0;
        else
            out[i] = target ? target[first + i] : batch->classes[item + i] == (int)channel;
    }
}

/* --- probabilities ----------------------------------------------------------------------------------------------- */

static int is_softmax(const loss_batch *batch) { return batch->classes || batch->activation == LOSS_SOFTMAX; }

/* p and p (1-p); from p the latter would be 0 too soon. */
LOSS_KERNEL static void fill_sigmoid(const real *restrict z, size_t n, real *restrict p, real *restrict spread) {
    for (size_t i = 0; i < n; i++) {
        const real decay = real_exp_negative(real_abs(z[i])), large = (real)1 / ((real)1 + decay);
        const real small = decay * large;
        p[i] = real_select(z[i] < 0, small, large);
        spread[i] = large * small;
    }
}

static void zero_ignored(const loss_batch *batch, size_t start, size_t n, real *x) {
    for (size_t i = 0; batch->ignore && i < n; i++)
        if (batch->ignore[start + i]) x[i] = 0;
}

/* p and dp/dz of n elements from `start` on, n <= LOSS_BLOCK, where each channel is by itself. */
static void fill_block(const loss_batch *batch, size_t start, size_t n, real *restrict p, real *restrict spread) {
    if (batch->activation == LOSS_SIGMOID)
        fill_sigmoid(batch->input + start, n, p, spread);
    else
        for (size_t i = 0; i < n; i++) {
            p[i] = batch->input[start + i];
            spread[i] = 1;
        }
    zero_ignored(batch, start, n, p);
    zero_ignored(batch, start, n, spread);
}

/* Pixels first .. first+n-1, n <= LOSS_TILE, of all channels. */
static void fill_softmax(const loss_batch *batch, size_t image, size_t first, size_t n, real *p) {
    real largest[LOSS_TILE], sum[LOSS_TILE];
    for (size_t c = 0; c < batch->channels; c++)
        for (size_t i = 0; i < n; i++) {
            const size_t at = c * batch->pixels + first + i;
            const int ignored = is_ignored(batch, plane_item(batch, image, c) + first + i);
            p[at] = ignored ? 0 : batch->input[image * batch->channels * batch->pixels + at];
            largest[i] = c ? real_max(largest[i], p[at]) : p[at];
            sum[i] = 0;
        }
    for (size_t c = 0; c < batch->channels; c++)
        for (size_t i = 0; i < n; i++) {
            const size_t at = c * batch->pixels + first + i;
            p[at] = real_exp_negative(largest[i] - p[at]);
            sum[i] += p[at];
        }
    for (size_t c = 0; c < batch->channels; c++)
        for (size_t i = 0; i < n; i++) p[c * batch->pixels + first + i] /= sum[i];
}

static size_t tile_from(const loss_batch *batch, size_t first) {
    return batch->pixels - first < LOSS_TILE ? batch->pixels - first : LOSS_TILE;
}

void loss_planes_fill(const loss_batch *batch, size_t image, real *p) {
    const size_t size = batch->channels * batch->pixels;
    real unused[LOSS_BLOCK];
    if (is_softmax(batch))
        for (size_t first = 0; first < batch->pixels; first += LOSS_TILE)
            fill_softmax(batch, image, first, tile_from(batch, first), p);
    else
        for (size_t first = 0; first < size; first += LOSS_BLOCK)
            fill_block(batch, image * size + first, size - first < LOSS_BLOCK ? size - first : LOSS_BLOCK, p + first,
                       unused);
}

/* --- the way back ------------------------------------------------------------------------------------------------ */

/* grad += scale slope spread */
LOSS_KERNEL static void spread_block(const real *restrict slope, const real *restrict spread, real scale, size_t n,
                                     real *restrict grad) {
    for (size_t i = 0; i < n; i++) grad[i] = real_fma(scale * slope[i], spread[i], grad[i]);
}

/* p_c (slope_c - sum_k p_k slope_k) */
static void spread_softmax(const loss_batch *batch, size_t image, size_t first, size_t n, const real *p,
                           const real *slope, double scale, real *grad) {
    double mean[LOSS_TILE] = {0};
    for (size_t c = 0; c < batch->channels; c++)
        for (size_t i = 0; i < n; i++) {
            const size_t at = c * batch->pixels + first + i;
            mean[i] += (double)p[at] * (double)slope[at];
        }
    for (size_t c = 0; c < batch->channels; c++)
        for (size_t i = 0; i < n; i++) {
            const size_t at = c * batch->pixels + first + i;
            if (is_ignored(batch, plane_item(batch, image, c) + first + i)) continue;
            grad[at] += (real)(scale * (double)p[at] * ((double)slope[at] - mean[i]));
        }
}

void loss_planes_spread(const loss_batch *batch, size_t image, const real *p, const real *slope, double scale,
                        real *grad) {
    const size_t size = batch->channels * batch->pixels, start = image * size;
    real unused[LOSS_BLOCK], spread[LOSS_BLOCK];
    if (is_softmax(batch))
        for (size_t first = 0; first < batch->pixels; first += LOSS_TILE)
            spread_softmax(batch, image, first, tile_from(batch, first), p, slope, scale, grad + start);
    else
        for (size_t first = 0; first < size; first += LOSS_BLOCK) {
            const size_t n = size - first < LOSS_BLOCK ? size - first : LOSS_BLOCK;
            fill_block(batch, start + first, n, unused, spread);
            spread_block(slope + first, spread, (real)scale, n, grad + start + first);
        }
}

/* --- means over pixels ------------------------------------------------------------------------------------------- */

const char *loss_needs_width(const loss_batch *batch) {
    return batch->width ? NULL : "it needs width, the number of pixels in a row of a mask";
}

const char *loss_each_mask_check(const double *params, const loss_batch *batch) {
    (void)params;
    if (!batch->map) return loss_needs_width(batch);
    for (size_t image = 0; image < batch->images; image++)
        for (size_t c = 0; c < batch->channels; c++)
            for (size_t i = 0; i < batch->pixels; i++)
                if (!real_is_finite(batch->map[(image * batch->channels + c) * batch->pixels + i]) &&
                    !is_ignored(batch, plane_item(batch, image, c) + i))
                    return "its map holds a number that is not finite";
    return NULL;
}

void loss_map_distances(const double *params, const loss_mask_map *m, const unsigned char *inside, real *out) {
    loss_distance_squared(inside, m->height, m->width, params[SPACING_Y], params[SPACING_X], out, m->scratch);
}

double loss_each_mask_divisor(const double *params, const loss_batch *batch) {
    size_t count = 0;
    (void)params;
    for (size_t image = 0; image < batch->images; image++)
        for (size_t c = 0; c < batch->channels; c++)
            count += !plane_is_skipped(batch, c) && loss_plane_count(batch, image, c) > 0;
    return (double)count;
}

/* What lies in the scratch memory. */
typedef struct {
    real *p, *slope;            /* [channels][pixels] with a softmax, else nothing */
    real *map, *spare;          /* [pixels] */
    unsigned char *of_y, *of_p; /* [pixels] */
    void *distance;
} mask_memory;

/* One call of loss_each_mask, and the mask it is at. */
typedef struct {
    const loss_mask_functions *functions;
    const double *params;
    const loss_batch *batch;
    mask_memory memory;
    double scale;
    real *grad;
    size_t image, channel;
} mask_run;

static size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }

static size_t lay_out(const loss_batch *batch, char *base, mask_memory *m) {
    const size_t n = batch->pixels, planes = is_softmax(batch) ? batch->channels * n : 0;
    real **const reals[] = {&m->p, &m->slope, &m->map, &m->spare};
    const size_t counts[] = {planes, planes, n, n};
    size_t used = 0;
    for (int i = 0; i < 4; i++) {
        *reals[i] = base ? (real *)(void *)(base + used) : NULL;
        used += rounded(counts[i] * sizeof(real));
    }
    m->of_y = base ? (unsigned char *)base + used : NULL;
    m->of_p = base ? (unsigned char *)base + used + rounded(n) : NULL;
    m->distance = base ? base + used + 2 * rounded(n) : NULL;
    return used + 2 * rounded(n) + loss_distance_scratch(batch->width);
}

size_t loss_each_mask_scratch(const double *params, const loss_batch *batch) {
    mask_memory m;
    (void)params;
    return lay_out(batch, NULL, &m);
}

/* Pixels of a block from `first` on. */
static size_t block_from(const loss_batch *batch, size_t first) {
    return batch->pixels - first < LOSS_BLOCK ? batch->pixels - first : LOSS_BLOCK;
}

static size_t start_of_mask(const mask_run *run) {
    return (run->image * run->batch->channels + run->channel) * run->batch->pixels;
}

/* p of a block; with a softmax there is no `spread`. */
static void load_p(const mask_run *run, size_t first, size_t n, real *p, real *spread) {
    if (is_softmax(run->batch))
        memcpy(p, run->memory.p + run->channel * run->batch->pixels + first, n * sizeof *p);
    else
        fill_block(run->batch, start_of_mask(run) + first, n, p, spread);
}

LOSS_KERNEL static void threshold(const real *restrict x, size_t n, unsigned char *restrict out) {
    for (size_t i = 0; i < n; i++) out[i] = x[i] > (real)0.5;
}

static void make_map(const mask_run *run) {
    const loss_batch *batch = run->batch;
    const mask_memory *m = &run->memory;
    const loss_mask_map map = {.height = batch->pixels / batch->width,
                               .width = batch->width,
                               .of_y = m->of_y,
                               .of_p = m->of_p,
                               .map = m->map,
                               .spare = m->spare,
                               .scratch = m->distance};
    real x[LOSS_BLOCK], unused[LOSS_BLOCK];
    for (size_t first = 0; first < batch->pixels; first += LOSS_BLOCK) {
        const size_t n = block_from(batch, first);
        loss_plane_labels(batch, run->image, run->channel, first, n, x);
        threshold(x, n, m->of_y + first);
        if (!run->functions->map_of_p) continue;
        load_p(run, first, n, x, unused);
        threshold(x, n, m->of_p + first);
    }
    run->functions->map(run->params, &map);
}

/* Weights in, ignored pixels out, whatever a map made of them. */
static void weigh(const loss_batch *batch, size_t item, size_t n, real *x) {
    for (size_t i = 0; batch->weight && i < n; i++) x[i] *= batch->weight[item + i];
    zero_ignored(batch, item, n, x);
}

LOSS_KERNEL static void store_scaled(const real *restrict x, real factor, size_t n, real *restrict out) {
    for (size_t i = 0; i < n; i++) out[i] = factor * x[i];
}

/* `factor` times the gradient of the sum over a block: into grad, or by p for the softmax to spread. */
static void take_slopes(const mask_run *run, size_t first, size_t n, const real *slopes, const real *spread,
                        double factor) {
    if (is_softmax(run->batch))
        store_scaled(slopes, (real)factor, n, run->memory.slope + run->channel * run->batch->pixels + first);
    else if (run->grad)
        spread_block(slopes, spread, (real)(run->scale * factor), n, run->grad + start_of_mask(run) + first);
}

/* Sum of the losses of one mask. */
static double add_up(const mask_run *run, double factor) {
    const loss_batch *batch = run->batch;
    const size_t item = plane_item(batch, run->image, run->channel);
    const real *map = batch->map ? batch->map + start_of_mask(run) : run->memory.map;
    real p[LOSS_BLOCK], y[LOSS_BLOCK], spread[LOSS_BLOCK], losses[LOSS_BLOCK], slopes[LOSS_BLOCK];
    double lanes[LANES] = {0};
    for (size_t first = 0; first < batch->pixels; first += LOSS_BLOCK) {
        const size_t n = block_from(batch, first);
        const loss_mask_block block = {.n = n, .p = p, .y = y, .map = map + first, .made = !batch->map};
        load_p(run, first, n, p, spread);
        loss_plane_labels(batch, run->image, run->channel, first, n, y);
        run->functions->pixels(run->params, &block, losses, slopes);
        weigh(batch, item + first, n, losses);
        weigh(batch, item + first, n, slopes);
        add_to_lanes(losses, n, lanes);
        take_slopes(run, first, n, slopes, spread, factor);
    }
    return sum_of_lanes(lanes);
}

static double value_of_mask(const mask_run *run) {
    const loss_batch *batch = run->batch;
    const size_t c = run->channel, count = plane_is_skipped(batch, c) ? 0 : loss_plane_count(batch, run->image, c);
    if (count == 0) {
        if (is_softmax(batch)) memset(run->memory.slope + c * batch->pixels, 0, batch->pixels * sizeof(real));
        return 0;
    }
    const double factor = plane_class_weight(batch, c) / (double)count;
    if (!batch->map) make_map(run);
    return factor * add_up(run, factor);
}

double loss_each_mask(const loss_mask_functions *functions, const double *params, const loss_batch *batch, double scale,
                      real *values, real *grad, void *scratch) {
    mask_run run = {.functions = functions, .params = params, .batch = batch, .scale = scale, .grad = grad};
    double sum = 0;
    lay_out(batch, scratch, &run.memory);
    for (; run.image < batch->images; run.image++) {
        if (is_softmax(batch)) loss_planes_fill(batch, run.image, run.memory.p);
        for (run.channel = 0; run.channel < batch->channels; run.channel++) {
            const double value = value_of_mask(&run);
            if (values) values[run.image * batch->channels + run.channel] += (real)(scale * value);
            sum += value;
        }
        if (grad && is_softmax(batch))
            loss_planes_spread(batch, run.image, run.memory.p, run.memory.slope, scale, grad);
    }
    return sum;
}
