/* Lovasz losses: the convex surrogate of the Jaccard loss. With errors e sorted downwards, the loss is
   sum_i max(e_i, 0) (J_i - J_{i-1}), J_i = 1 - (T - F_i) / (T + B_i) the Jaccard loss when the first i pixels are
   wrong: F_i, B_i their weight of foreground and background, T all foreground. A pixel of weight w and label y in [0,1]
   is w y of foreground and w (1-y) of background, as in the authors' formula; weight 2 is the pixel twice.

     lovasz_hinge     masks, e = 1 - z (2y-1), each channel by itself
     lovasz_softmax   K classes, e = |[c = y] - p_c|, each class by itself, then their mean

   Ties: of equal errors foreground comes first, and background shares its part by weight. That is a subgradient, and
   one that does not depend on the order of the pixels (peers take them as their sort leaves them: a batch with constant
   scores pushes its first pixels hardest). At e = 0 (hinge) the derivative is 0. Without foreground the loss is the
   largest error: J is 1 from the first pixel on. Nothing that counts: value 0, gradient 0.

   Values of LOSS_NONE: lovasz_hinge one an image and channel, with per_image=off those of the first image hold the
   channels and the others 0; lovasz_softmax one an image, with per_image=off one. */
#include "lib/loss/classes.h"
#include "lib/loss/evaluate.h"
#include "lib/loss/region.h"
#include "lib/loss/sort.h"

#include <string.h>

/* --- ranking ------------------------------------------------------------------------------------------------------ */

/* The pixels that are ranked together. */
typedef struct {
    size_t count;
    double foreground;  /* T, of all pixels: those that are left out because their error is not above 0, too */
    real *error;        /* [count] the ranking sorts it */
    uint32_t *item;     /* [count] the pixel of each error, sorted with it */
    real *label;        /* [count] by pixel; the ranking puts the derivative of the loss by its error here */
    const real *weight; /* [count] by pixel; NULL: all 1 */
    void *sort;
} row;

/* How far the walk down the ranking is: T - F, and T + B with its inverse, 0 where there is none. */
typedef struct {
    double left, joined, inverse;
} walk;

/* Pixels of the ranking with equal errors, and their weights of foreground and background. */
typedef struct {
    size_t first, last; /* first .. last-1 */
    double front, back;
} tie;

static inline double weight_at(const row *r, size_t rank) { return r->weight ? (double)r->weight[r->item[rank]] : 1; }

static inline tie tie_from(const row *r, size_t first) {
    tie t = {.first = first, .last = first};
    do {
        const double weight = weight_at(r, t.last), label = (double)r->label[r->item[t.last]];
        t.front += weight * label;
        t.back += weight * (1 - label);
        t.last++;
    } while (t.last < r->count && r->error[t.last] == r->error[first]);
    return t;
}

/* Goes down by a tie and sets its slopes; returns by how much J grows. */
static inline double step(walk *w, const row *r, const tie *t) {
    const double joined = w->joined + t->back, left = t->front < w->left ? w->left - t->front : 0;
    const double inverse = t->back > 0 ? 1 / joined : w->inverse;
    const double by_front = w->inverse, by_back = w->joined > 0 ? by_front * left * inverse : inverse;
    for (size_t rank = t->first; rank < t->last; rank++) {
        real *own = &r->label[r->item[rank]];
        *own = (real)(weight_at(r, rank) * ((double)*own * by_front + (1 - (double)*own) * by_back));
    }
    *w = (walk){.left = left, .joined = joined, .inverse = inverse};
    return t->front * by_front + t->back * by_back;
}

/* The loss of a row; its labels become slopes. */
static double rank_row(row *r) {
    const double all = r->foreground;
    walk w = {.left = all, .joined = all, .inverse = all > 0 ? 1 / all : 0};
    double value = 0;
    loss_sort_pairs(r->error, r->item, r->count, r->sort);
    for (size_t first = 0; first < r->count;) {
        const tie t = tie_from(r, first);
        value += (double)r->error[first] * step(&w, r, &t);
        first = t.last;
    }
    return value;
}

/* Lays parts[count] of sizes[] out from `base` on (NULL: only measures); returns the bytes. */
static size_t lay_out(const size_t *sizes, size_t count, char *base, void **parts) {
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        parts[i] = base ? base + used : NULL;
        used += (sizes[i] + 63) / 64 * 64;
    }
    return used;
}

enum { ROW_PARTS = 4 };

static void size_row(size_t n, size_t *sizes) {
    sizes[0] = n * sizeof(real);
    sizes[1] = n * sizeof(uint32_t);
    sizes[2] = n * sizeof(real);
    sizes[3] = loss_sort_scratch(n);
}

static row row_in(void *const *parts) {
    return (row){.error = parts[0], .item = parts[1], .label = parts[2], .sort = parts[3]};
}

/* --- what both have ----------------------------------------------------------------------------------------------- */

static int is_skipped(const loss_batch *batch, size_t channel) {
    return batch->skip_channel && batch->skip_channel[channel];
}

static double class_weight_of(const loss_batch *batch, size_t channel) {
    return batch->class_weight ? (double)batch->class_weight[channel] : 1;
}

/* Beyond the largest number a value counts as that. */
static double capped(double value) { return value > (double)REAL_MAX ? (double)REAL_MAX : value; }

/* Places in the batch are held in 32 bits. */
static const char *lovasz_check_batch(const double *values, const loss_batch *batch) {
    (void)values;
    return batch_size(batch) > UINT32_MAX ? "it takes at most 4294967295 elements at a time" : NULL;
}

/* Whether one of n items from `start` on is not ignored. */
static int any_counts(const loss_batch *batch, size_t start, size_t n) {
    for (size_t i = start; i < start + n; i++)
        if (!is_ignored(batch, i)) return 1;
    return 0;
}

/* --- lovasz_hinge ------------------------------------------------------------------------------------------------- */

enum { HINGE_PER_IMAGE };

static const param hinge_params[] = {
    [HINGE_PER_IMAGE] = {.name = "per_image",
                         .fallback = 1,
                         .low = 0,
                         .high = 1,
                         .scale = PARAM_CHOICE,
                         .words = loss_switch_words,
                         .summary = "on: each image ranked by itself, then the mean; off: all images together"},
};

/* Images that are ranked together. */
static size_t hinge_group(const double *values, const loss_batch *batch) {
    return values[HINGE_PER_IMAGE] != 0 ? 1 : batch->images;
}

/* A row, and beside it for each of its pixels: where it lies in the batch, its label and weight. */
typedef struct {
    row row;
    uint32_t *place;
    real *label, *weight;
} hinge_row;

static size_t lay_out_hinge(const double *values, const loss_batch *batch, char *base, hinge_row *h) {
    const size_t n = hinge_group(values, batch) * batch->pixels;
    size_t sizes[ROW_PARTS + 3];
    void *parts[ROW_PARTS + 3];
    size_row(n, sizes);
    sizes[ROW_PARTS] = n * sizeof(uint32_t);
    sizes[ROW_PARTS + 1] = n * sizeof(real);
    sizes[ROW_PARTS + 2] = batch->weight ? n * sizeof(real) : 0;
    const size_t bytes = lay_out(sizes, ROW_PARTS + 3, base, parts);
    *h = (hinge_row){.row = row_in(parts),
                     .place = parts[ROW_PARTS],
                     .label = parts[ROW_PARTS + 1],
                     .weight = batch->weight ? parts[ROW_PARTS + 2] : NULL};
    h->row.weight = h->weight;
    return bytes;
}

static size_t hinge_scratch(const double *values, const loss_batch *batch) {
    hinge_row h;
    return lay_out_hinge(values, batch, NULL, &h);
}

static double hinge_divisor(const double *values, const loss_batch *batch) {
    const size_t group = hinge_group(values, batch);
    size_t count = 0;
    for (size_t c = 0; c < batch->channels; c++)
        for (size_t first = 0; first < batch->images && !is_skipped(batch, c); first += group) {
            int counts = 0;
            for (size_t image = first; image < first + group; image++)
                counts |= any_counts(batch, (image * batch->channels + c) * batch->pixels, batch->pixels);
            count += counts != 0;
        }
    return (double)count;
}

/* A block of pixels; ignored ones have weight and label 0. */
typedef struct {
    size_t n;
    const real *label;
    real error[LOSS_BLOCK], labels[LOSS_BLOCK], weights[LOSS_BLOCK];
} hinge_block;

/* 1 - z (2y-1) */
LOSS_KERNEL static void fill_errors(const real *restrict z, const real *restrict y, size_t n, real *restrict error) {
    for (size_t i = 0; i < n; i++) error[i] = real_fma(-z[i], 2 * y[i] - 1, 1);
}

static void load_hinge(const loss_batch *batch, size_t start, size_t n, hinge_block *b) {
    const int plain = !batch->ignore && !batch->weight;
    const real *z = batch->input + start;
    real input[LOSS_BLOCK];
    b->n = n;
    b->label = plain ? batch->target + start : b->labels;
    for (size_t i = 0; i < n; i++) b->weights[i] = 1;
    for (size_t i = 0; i < n && !plain; i++) {
        b->weights[i] = (real)item_weight(batch, start + i);
        input[i] = is_ignored(batch, start + i) ? 0 : z[i];
        b->labels[i] = is_ignored(batch, start + i) ? 0 : batch->target[start + i];
    }
    fill_errors(plain ? z : input, b->label, n, b->error);
}

LOSS_KERNEL static double foreground_of(const real *restrict weight, const real *restrict label, size_t n) {
    double lanes[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t lane = 0; lane < LANES; lane++) lanes[lane] += (double)weight[i + lane] * (double)label[i + lane];
    for (; i < n; i++) lanes[i % LANES] += (double)weight[i] * (double)label[i];
    return sum_of_lanes(lanes);
}

/* Appends the pixels of a block that have weight and an error above 0. */
static void append(const hinge_block *b, size_t start, hinge_row *h) {
    row *r = &h->row;
    size_t count = r->count;
    for (size_t i = 0; i < b->n; i++) {
        r->error[count] = b->error[i];
        r->item[count] = (uint32_t)count;
        r->label[count] = h->label[count] = b->label[i];
        h->place[count] = (uint32_t)(start + i);
        if (h->weight) h->weight[count] = b->weights[i];
        count += b->error[i] > 0 && b->weights[i] > 0;
    }
    r->count = count;
}

static void collect(const loss_batch *batch, size_t first, size_t images, size_t channel, hinge_row *h) {
    hinge_block b;
    h->row.count = 0;
    h->row.foreground = 0;
    for (size_t image = first; image < first + images; image++)
        for (size_t done = 0; done < batch->pixels; done += LOSS_BLOCK) {
            const size_t start = (image * batch->channels + channel) * batch->pixels + done,
                         left = batch->pixels - done;
            load_hinge(batch, start, left < LOSS_BLOCK ? left : LOSS_BLOCK, &b);
            h->row.foreground += foreground_of(b.weights, b.label, b.n);
            append(&b, start, h);
        }
}

static double hinge_eval(const double *values, const loss_batch *batch, double scale, real *out, real *grad,
                         void *scratch) {
    const size_t group = hinge_group(values, batch);
    hinge_row h;
    double sum = 0;
    lay_out_hinge(values, batch, scratch, &h);
    for (size_t c = 0; c < batch->channels; c++)
        for (size_t first = 0; first < batch->images && !is_skipped(batch, c); first += group) {
            const double weight = class_weight_of(batch, c);
            collect(batch, first, group, c, &h);
            const double value = capped(weight * rank_row(&h.row));
            const real coefficient = (real)(scale * weight);
            sum += value;
            if (out) out[first * batch->channels + c] += (real)(scale * value);
            for (size_t i = 0; grad && i < h.row.count; i++)
                grad[h.place[i]] -= coefficient * h.row.label[i] * (2 * h.label[i] - 1);
        }
    return sum;
}

LOSS_TYPE(lovasz_hinge) = {
    .name = "lovasz_hinge",
    .version = 1,
    .summary = "Lovasz extension of the Jaccard loss over max(1 - z (2y-1), 0)",
    .citation = "Berman et al. 2018, The Lovasz-softmax loss, arXiv:1705.08790, algorithm 1; Yu and "
                "Blaschko 2015, The Lovasz hinge, arXiv:1512.07797",
    .use = "masks judged by IoU, often to finish a training begun with bce",
    .traps =
        "all that counts is the order of the errors, so scores are no probabilities and gradients are coarse on small "
        "batches: add bce; per_image=on and off are different losses when images differ in foreground; an image "
        "without defect feels its worst pixel only; peers break ties by pixel order",
    .kind = LOSS_MASK,
    .values = LOSS_PER_CELL,
    .params = hinge_params,
    .param_count = sizeof hinge_params / sizeof hinge_params[0],
    .golden = {.expression = "lovasz_hinge",
               .images = 1,
               .channels = 1,
               .pixels = 4,
               .input = {-2, 0.5, 0.25, -0.5},
               .target = {0, 1, 0, 1},
               .value = 1.125,
               .grad = {0.0, -0.33333333333333, 0.16666666666667, -0.5},
               .source = "torch 1.13 float64: the authors' lovasz_hinge_flat, by autograd"},
    .check_batch = lovasz_check_batch,
    .divisor = hinge_divisor,
    .eval = hinge_eval,
    .scratch = hinge_scratch,
};

/* --- lovasz_softmax ----------------------------------------------------------------------------------------------- */

enum { CLASSES, PER_IMAGE };
enum { PRESENT, ALL };

static const param_word classes_words[] = {{"present", PRESENT}, {"all", ALL}, {NULL, 0}};

static const param softmax_params[] = {
    [CLASSES] = {.name = "classes",
                 .fallback = PRESENT,
                 .low = PRESENT,
                 .high = ALL,
                 .scale = PARAM_CHOICE,
                 .words = classes_words,
                 .summary = "which classes the mean is over: those that have a pixel in the image (batch), or all"},
    [PER_IMAGE] = {.name = "per_image",
                   .fallback = 0,
                   .low = 0,
                   .high = 1,
                   .scale = PARAM_CHOICE,
                   .words = loss_switch_words,
                   .summary = "on: each image ranked by itself, then the mean; off: all images together"},
};

/* The pixels of a group that count, and what is known of them. */
typedef struct {
    size_t count, limit;
    uint32_t *place; /* [limit] where the logit of class 0 lies in the batch */
    int *label;      /* [limit] */
    real *weight;    /* [limit]; NULL: all 1 */
    real *miss;      /* [limit] 1 - p_y */
    real *p;         /* [classes][limit] */
    real *slope;     /* [classes][limit] derivative of the loss by p */
    real *tile;      /* [4][classes][LOSS_TILE]: logits, scratch */
    row row;
} planes;

static size_t softmax_group(const double *values, const loss_batch *batch) {
    return values[PER_IMAGE] != 0 ? 1 : batch->images;
}

static size_t lay_out_planes(const double *values, const loss_batch *batch, char *base, planes *out) {
    const size_t n = softmax_group(values, batch) * batch->pixels, classes = batch->channels;
    size_t sizes[ROW_PARTS + 7];
    void *parts[ROW_PARTS + 7], **own = parts + ROW_PARTS;
    const size_t own_sizes[] = {
        n * sizeof *out->place,     n * sizeof *out->label,     batch->weight ? n * sizeof(real) : 0,  n * sizeof(real),
        classes * n * sizeof(real), classes * n * sizeof(real), 4 * classes * LOSS_TILE * sizeof(real)};
    size_row(n, sizes);
    for (int i = 0; i < 7; i++) sizes[ROW_PARTS + i] = own_sizes[i];
    const size_t bytes = lay_out(sizes, ROW_PARTS + 7, base, parts);
    *out = (planes){.limit = n,
                    .place = own[0],
                    .label = own[1],
                    .weight = batch->weight ? own[2] : NULL,
                    .miss = own[3],
                    .p = own[4],
                    .slope = own[5],
                    .tile = own[6],
                    .row = row_in(parts)};
    out->row.weight = out->weight;
    return bytes;
}

static size_t softmax_scratch(const double *values, const loss_batch *batch) {
    planes g;
    return lay_out_planes(values, batch, NULL, &g);
}

static loss_value_shape softmax_value_shape(const double *values) {
    return values[PER_IMAGE] != 0 ? LOSS_PER_ROW : LOSS_PER_BATCH;
}

static double softmax_divisor(const double *values, const loss_batch *batch) {
    const size_t group = softmax_group(values, batch);
    size_t count = 0;
    for (size_t first = 0; first < batch->images; first += group)
        count += any_counts(batch, first * batch->pixels, group * batch->pixels) != 0;
    return (double)count;
}

/* The pixels of `images` images from `first` on that have weight. */
static void collect_items(const loss_batch *batch, size_t first, size_t images, planes *g) {
    g->count = 0;
    for (size_t image = first; image < first + images; image++)
        for (size_t i = 0; i < batch->pixels; i++) {
            const size_t item = image * batch->pixels + i;
            const double weight = item_weight(batch, item);
            if (!(weight > 0)) continue;
            g->place[g->count] = (uint32_t)(image * batch->channels * batch->pixels + i);
            g->label[g->count] = batch->classes[item];
            if (g->weight) g->weight[g->count] = (real)weight;
            g->count++;
        }
}

/* p and miss of up to LOSS_TILE pixels from `start` on. */
static void fill_tile(const loss_batch *batch, size_t start, size_t n, planes *g) {
    const size_t area = batch->channels * LOSS_TILE;
    const loss_tile tile = {
        .n = n, .classes = batch->channels, .logit = g->tile, .label = g->label + start, .scratch = g->tile + area};
    const uint32_t *place = g->place + start;
    tile_softmax s = tile_softmax_in_scratch(&tile);
    for (size_t c = 0; c < batch->channels; c++)
        for (size_t i = 0; i < n; i++) g->tile[c * LOSS_TILE + i] = batch->input[place[i] + c * batch->pixels];
    loss_softmax(&tile, g->tile, &s);
    for (size_t c = 0; c < batch->channels; c++)
        for (size_t i = 0; i < n; i++) g->p[c * g->limit + start + i] = s.p[c * LOSS_TILE + i];
    for (size_t i = 0; i < n; i++) g->miss[start + i] = s.miss[i];
}

/* The errors and labels of class c. */
LOSS_KERNEL static void fill_row(const planes *g, int c) {
    const int *restrict label = g->label;
    const real *restrict p = g->p + (size_t)c * g->limit, *restrict miss = g->miss;
    real *restrict error = g->row.error, *restrict own = g->row.label;
    uint32_t *restrict item = g->row.item;
    for (size_t i = 0; i < g->count; i++) {
        error[i] = real_select(label[i] == c, miss[i], p[i]);
        own[i] = real_select(label[i] == c, 1, 0);
        item[i] = (uint32_t)i;
    }
}

/* The slopes of class c by p, times `factor`. */
LOSS_KERNEL static void fill_slopes(const planes *g, int c, real factor) {
    const int *restrict label = g->label;
    const real *restrict by_error = g->row.label;
    real *restrict slope = g->slope + (size_t)c * g->limit;
    for (size_t i = 0; i < g->count; i++) slope[i] = by_error[i] * real_select(label[i] == c, -factor, factor);
}

static double foreground_of_class(const planes *g, int c) {
    uint32_t count = 0;
    double sum = 0;
    for (size_t i = 0; i < g->count && !g->weight; i++) count += g->label[i] == c;
    for (size_t i = 0; i < g->count && g->weight; i++) sum += g->label[i] == c ? (double)g->weight[i] : 0;
    return g->weight ? sum : (double)count;
}

/* The mean over classes; slopes are those of the sum over classes, of which there are `used`. */
static double rank_classes(const double *values, const loss_batch *batch, planes *g, size_t *used) {
    double sum = 0;
    *used = 0;
    g->row.count = g->count;
    for (size_t c = 0; c < batch->channels; c++) {
        const double weight = class_weight_of(batch, c);
        g->row.foreground = foreground_of_class(g, (int)c);
        if (is_skipped(batch, c) || !(g->count > 0 && (values[CLASSES] == ALL || g->row.foreground > 0))) {
            memset(g->slope + c * g->limit, 0, g->count * sizeof *g->slope);
            continue;
        }
        fill_row(g, (int)c);
        sum += weight * rank_row(&g->row);
        fill_slopes(g, (int)c, (real)weight);
        ++*used;
    }
    return *used ? sum / (double)*used : 0;
}

/* Gradients of up to LOSS_TILE pixels from `start` on into the tile: by z_c it is p_c (s_c - sum_k p_k s_k), s the
   slopes by p, here less that of the true class, so that nothing cancels where p_y is nearly 1. */
LOSS_KERNEL static void fill_gradient(const planes *g, size_t classes, size_t start, size_t n, real *restrict out) {
    const int *restrict label = g->label + start;
    real base[LOSS_TILE], mean[LOSS_TILE];
    for (size_t i = 0; i < n; i++) base[i] = mean[i] = 0;
    for (size_t c = 0; c < classes; c++) {
        const real *restrict slope = g->slope + c * g->limit + start;
        for (size_t i = 0; i < n; i++) base[i] = real_select(label[i] == (int)c, slope[i], base[i]);
    }
    for (size_t c = 0; c < classes; c++) {
        const real *restrict p = g->p + c * g->limit + start, *restrict slope = g->slope + c * g->limit + start;
        for (size_t i = 0; i < n; i++) mean[i] += real_select(label[i] == (int)c, 0, p[i] * (slope[i] - base[i]));
    }
    for (size_t c = 0; c < classes; c++) {
        const real *restrict p = g->p + c * g->limit + start, *restrict slope = g->slope + c * g->limit + start;
        for (size_t i = 0; i < n; i++) out[c * LOSS_TILE + i] = p[i] * (slope[i] - base[i] - mean[i]);
    }
}

static void add_gradient(const loss_batch *batch, const planes *g, real coefficient, real *grad) {
    for (size_t start = 0; start < g->count; start += LOSS_TILE) {
        const size_t n = g->count - start < LOSS_TILE ? g->count - start : LOSS_TILE;
        fill_gradient(g, batch->channels, start, n, g->tile);
        for (size_t c = 0; c < batch->channels; c++)
            for (size_t i = 0; i < n; i++)
                grad[g->place[start + i] + c * batch->pixels] += coefficient * g->tile[c * LOSS_TILE + i];
    }
}

static double softmax_eval(const double *values, const loss_batch *batch, double scale, real *out, real *grad,
                           void *scratch) {
    const size_t group = softmax_group(values, batch);
    planes g;
    double sum = 0;
    lay_out_planes(values, batch, scratch, &g);
    for (size_t first = 0; first < batch->images; first += group) {
        size_t used;
        collect_items(batch, first, group, &g);
        for (size_t start = 0; start < g.count; start += LOSS_TILE)
            fill_tile(batch, start, g.count - start < LOSS_TILE ? g.count - start : LOSS_TILE, &g);
        const double value = rank_classes(values, batch, &g, &used);
        sum += value;
        if (out) out[first] += (real)(scale * value);
        if (grad && used) add_gradient(batch, &g, (real)(scale / (double)used), grad);
    }
    return sum;
}

LOSS_TYPE(lovasz_softmax) = {
    .name = "lovasz_softmax",
    .version = 1,
    .summary = "mean over classes of the Lovasz extension of the Jaccard loss over |[c = y] - p_c|",
    .citation = "Berman et al. 2018, The Lovasz-softmax loss, arXiv:1705.08790, algorithm 1",
    .use = "K classes of pixels judged by mean IoU, often to finish a training begun with ce",
    .traps =
        "classes=all lets one wrong pixel of an absent class cost up to 1 / K; classes=present forgives false alarms "
        "of absent classes, so a class's share of the loss jumps between batches; add ce, whose gradient does not "
        "vanish on hopeless pixels; peers break ties by pixel order",
    .kind = LOSS_MULTICLASS,
    .values = LOSS_PER_BATCH,
    .value_shape = softmax_value_shape,
    .params = softmax_params,
    .param_count = sizeof softmax_params / sizeof softmax_params[0],
    .golden = {.expression = "lovasz_softmax",
               .images = 1,
               .channels = 3,
               .pixels = 4,
               .input = {1, 2, 3, 0.5, -1, 0.25, 0, 1.5, 0.75, -0.5, 2, -2},
               .target = {0, 2, 1, 0},
               .value = 0.8629130813910404,
               .grad = {-0.020791412036229, 0.035373500829077, 0.014030172626709, -0.021543753826239,
                        0.0030781102950861, -0.0092275173273437, -0.011983349682649, 0.020912258342833,
                        0.017713301741143, -0.026145983501733, -0.0020468229440592, 0.00063149548340512},
               .source = "torch 1.13 float64: the authors' lovasz_softmax_flat, by autograd"},
    .check_batch = lovasz_check_batch,
    .divisor = softmax_divisor,
    .eval = softmax_eval,
    .scratch = softmax_scratch,
};
