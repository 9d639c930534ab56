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

void loss_plane_labels(const loss_batch *batch, size_t image, size_t channel, real *out) {
    const size_t item = plane_item(batch, image, channel);
    const size_t start = (image * batch->channels + channel) * batch->pixels;
    for (size_t i = 0; i < batch->pixels; i++) {
        if (is_ignored(batch, item + i))
            out[i] = 0;
        else
            out[i] = batch->classes ? batch->classes[item + i] == (int)channel : batch->target[start + i];
    }
}

void loss_plane_weigh(const loss_batch *batch, size_t image, size_t channel, real *x) {
    const size_t start = plane_item(batch, image, channel);
    for (size_t i = 0; batch->weight && i < batch->pixels; i++) x[i] *= batch->weight[start + i];
    for (size_t i = 0; batch->ignore && i < batch->pixels; i++)
        if (batch->ignore[start + i]) x[i] = 0;
}

/* --- probabilities ----------------------------------------------------------------------------------------------- */

static int is_softmax(const loss_batch *batch) { return batch->classes || batch->activation == LOSS_SOFTMAX; }

LOSS_KERNEL static void fill_sigmoid(const real *restrict z, size_t n, real *restrict p) {
    for (size_t i = 0; i < n; i++) {
        const real decay = real_exp_negative(real_abs(z[i])), large = (real)1 / ((real)1 + decay);
        p[i] = real_select(z[i] < 0, decay * large, large);
    }
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
    const real *input = batch->input + image * size;
    if (is_softmax(batch)) {
        for (size_t first = 0; first < batch->pixels; first += LOSS_TILE)
            fill_softmax(batch, image, first, tile_from(batch, first), p);
        return;
    }
    if (batch->activation == LOSS_SIGMOID)
        fill_sigmoid(input, size, p);
    else
        memcpy(p, input, size * sizeof *p);
    for (size_t i = 0; batch->ignore && i < size; i++)
        if (batch->ignore[image * size + i]) p[i] = 0;
}

/* --- the way back ------------------------------------------------------------------------------------------------ */

/* p (1-p) anew from the logits: from p it would be 0 too soon. */
LOSS_KERNEL static void spread_sigmoid(const real *restrict z, const real *restrict slope, real scale, size_t n,
                                       real *restrict grad) {
    for (size_t i = 0; i < n; i++) {
        const real decay = real_exp_negative(real_abs(z[i])), large = (real)1 / ((real)1 + decay);
        const real spread = real_select(slope[i] == 0, 0, decay * large * large); /* an ignored logit may be NaN */
        grad[i] = real_fma(scale * slope[i], spread, grad[i]);
    }
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
    const size_t size = batch->channels * batch->pixels;
    real *own = grad + image * size;
    if (is_softmax(batch))
        for (size_t first = 0; first < batch->pixels; first += LOSS_TILE)
            spread_softmax(batch, image, first, tile_from(batch, first), p, slope, scale, own);
    else if (batch->activation == LOSS_SIGMOID)
        spread_sigmoid(batch->input + image * size, slope, (real)scale, size, own);
    else
        for (size_t i = 0; i < size; i++) own[i] += (real)scale * slope[i];
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

LOSS_KERNEL static void threshold(const real *restrict x, size_t n, unsigned char *restrict out) {
    for (size_t i = 0; i < n; i++) out[i] = x[i] > (real)0.5;
}

void loss_mask_distances(const double *params, const loss_mask *mask, const real *x, real *out) {
    threshold(x, mask->pixels, mask->inside);
    loss_distance_squared(mask->inside, mask->pixels / mask->width, mask->width, params[SPACING_Y], params[SPACING_X],
                          out, mask->scratch);
}

double loss_each_mask_divisor(const double *params, const loss_batch *batch) {
    size_t count = 0;
    (void)params;
    for (size_t image = 0; image < batch->images; image++)
        for (size_t c = 0; c < batch->channels; c++)
            count += !plane_is_skipped(batch, c) && loss_plane_count(batch, image, c) > 0;
    return (double)count;
}

/* p and slope of all channels; labels and losses of one; for distances. */
typedef struct {
    real *p, *slope, *labels, *loss;
    unsigned char *inside;
    void *distance;
} mask_memory;

static size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }

static size_t lay_out(const loss_batch *batch, char *base, mask_memory *m) {
    real **const parts[] = {&m->p, &m->slope, &m->labels, &m->loss};
    size_t used = 0;
    for (int i = 0; i < 4; i++) {
        *parts[i] = base ? (real *)(void *)(base + used) : NULL;
        used += rounded((i < 2 ? batch->channels : 1) * batch->pixels * sizeof(real));
    }
    m->inside = base ? (unsigned char *)base + used : NULL;
    used += rounded(batch->pixels);
    m->distance = base ? base + used : NULL;
    return used + loss_distance_scratch(batch->width);
}

size_t loss_each_mask_scratch(const double *params, const loss_batch *batch) {
    mask_memory m;
    (void)params;
    return lay_out(batch, NULL, &m);
}

LOSS_KERNEL static void scale_by(real factor, size_t n, real *x) {
    for (size_t i = 0; i < n; i++) x[i] *= factor;
}

/* The value of one mask; its slopes become those of the value. */
static double value_of_mask(void (*fill)(const double *, const loss_mask *), const double *params,
                            const loss_batch *batch, size_t image, size_t c, const mask_memory *m) {
    const size_t n = batch->pixels, start = (image * batch->channels + c) * n;
    const int plain = !batch->ignore && !batch->classes;
    loss_mask mask = {.pixels = n,
                      .width = batch->width,
                      .p = m->p + c * n,
                      .y = plain ? batch->target + start : m->labels,
                      .map = batch->map ? batch->map + start : NULL,
                      .loss = m->loss,
                      .slope = m->slope + c * n,
                      .inside = m->inside,
                      .scratch = m->distance};
    const size_t count = plane_is_skipped(batch, c) ? 0 : loss_plane_count(batch, image, c);
    double lanes[LANES] = {0};
    if (count == 0) {
        memset(mask.slope, 0, n * sizeof *mask.slope);
        return 0;
    }
    if (!plain) loss_plane_labels(batch, image, c, m->labels);
    fill(params, &mask);
    loss_plane_weigh(batch, image, c, mask.loss);
    loss_plane_weigh(batch, image, c, mask.slope);
    add_to_lanes(mask.loss, n, lanes);
    const double factor = plane_class_weight(batch, c) / (double)count;
    scale_by((real)factor, n, mask.slope);
    return factor * sum_of_lanes(lanes);
}

double loss_each_mask(void (*fill)(const double *params, const loss_mask *mask), const double *params,
                      const loss_batch *batch, double scale, real *values, real *grad, void *scratch) {
    mask_memory m;
    double sum = 0;
    lay_out(batch, scratch, &m);
    for (size_t image = 0; image < batch->images; image++) {
        loss_planes_fill(batch, image, m.p);
        for (size_t c = 0; c < batch->channels; c++) {
            const double value = value_of_mask(fill, params, batch, image, c, &m);
            if (values) values[image * batch->channels + c] += (real)(scale * value);
            sum += value;
        }
        if (grad) loss_planes_spread(batch, image, m.p, m.slope, scale, grad);
    }
    return sum;
}
