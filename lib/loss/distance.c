/* The distance transform of Felzenszwalb & Huttenlocher 2012, Distance transforms of sampled functions, for both sides
   of a mask at once.

   Columns first: g, the distance to the nearest pixel of the other side in the same column. Then rows: the squared
   distance of pixel x is the least (x-v)^2 + G(v) over the pixels v of its row, G = g^2 on its own side and 0 on the
   other. Only the run of equal pixels that x lies in counts, with the two pixels that end it: what is behind an end is
   farther. So both sides take one pass.

   (x-v)^2 + G(v) = x^2 - 2xv + F(v), F(v) = G(v) + v^2: the v that are least somewhere are the corners of the lower
   convex hull of the points (v, F(v)), which needs no division. Integers stay exact in double.

   A hull is a chain of branches, so loops that vectorise do what they can: rows where the nearest pixels are few
   columns away, runs up to a fixed length, and of points above a chord of F that they are no corners. Time stays
   linear. */
#include "lib/loss/distance.h"

#include <stdint.h>
#include <string.h>

#define FAR ((real)1e15) /* no pixel of the other side in this column */

enum {
    NEAR = 2,   /* columns away, for every row */
    MIDDLE = 8, /* for rows that have come below PROMISING */
    PROMISING = 24,
    SHORT = 256, /* pixels of a run that goes without a hull */
    GROUP = 16,  /* pixels at a time there */
    CHORD_STEP = 4,
    LONGEST_CHORD = 16,
    WORD = 8
};

/* One row at a time. */
typedef struct {
    size_t width;
    real spacing2_y, spacing2_x; /* squared */
    const unsigned char *side;   /* [width] */
    real *steps;                 /* [width] steps down to the next pixel of the other side */
    real *sign, *level;          /* [width] 1 outside, -1 inside; sign * G */
    unsigned char *corner;       /* [width + WORD] whether the hull may have a corner here */
    /* The corners of the hull so far, [width + 2]: v, F and G there, the edge from the corner before. */
    double *v, *f, *g, *edge_v, *edge_f;
    int *end;      /* [width + 2] behind the last pixel that is nearest to the corner */
    real *squared; /* [width + WORD] the row as the hull has it */
} row_pass;

static size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }

/* Lays the rows out from `base` on (NULL: only measures); returns the bytes. */
static size_t lay_out(row_pass *pass, size_t width, char *base) {
    double **const corners[] = {&pass->v, &pass->f, &pass->g, &pass->edge_v, &pass->edge_f};
    real **const rows[] = {&pass->steps, &pass->sign, &pass->level, &pass->squared};
    size_t used = 0;
    for (int i = 0; i < 5; i++) {
        *corners[i] = base ? (double *)(void *)(base + used) : NULL;
        used += rounded((width + 2) * sizeof(double));
    }
    for (int i = 0; i < 4; i++) {
        *rows[i] = base ? (real *)(void *)(base + used) : NULL;
        used += rounded((width + WORD) * sizeof(real));
    }
    pass->end = base ? (int *)(void *)(base + used) : NULL;
    used += rounded((width + 2) * sizeof(int));
    pass->corner = base ? (unsigned char *)base + used : NULL;
    return used + rounded(width + WORD);
}

size_t loss_distance_scratch(size_t width) {
    row_pass pass;
    return lay_out(&pass, width, NULL);
}

/* --- columns ----------------------------------------------------------------------------------------------------- */

LOSS_KERNEL static void step_down(const unsigned char *restrict above, const unsigned char *restrict side,
                                  const real *restrict above_steps, size_t width, real *restrict out) {
    for (size_t x = 0; x < width; x++) out[x] = real_select(above[x] == side[x], above_steps[x] + 1, 1);
}

/* `steps` counts from below; the smaller count stays in out. */
LOSS_KERNEL static void step_up(const unsigned char *restrict below, const unsigned char *restrict side, size_t width,
                                real *restrict steps, real *restrict out) {
    for (size_t x = 0; x < width; x++) {
        steps[x] = real_select(below[x] == side[x], steps[x] + 1, 1);
        out[x] = real_min(steps[x], out[x]);
    }
}

static void fill_far(real *out, size_t width) {
    for (size_t x = 0; x < width; x++) out[x] = FAR;
}

/* --- rows: pixels few columns away ------------------------------------------------------------------------------- */

LOSS_KERNEL static void fill_levels(const unsigned char *restrict side, const real *restrict steps, real spacing2_y,
                                    size_t width, real *restrict sign, real *restrict level) {
    for (size_t x = 0; x < width; x++) {
        sign[x] = real_select(side[x] != 0, -1, 1);
        level[x] = sign[x] * (steps[x] * steps[x] * spacing2_y);
    }
}

/* G as a pixel with this sign sees it. */
LOSS_INLINE real level_for(real sign, real level) { return real_max(sign * level, 0); }

LOSS_KERNEL static void fill_own(const real *restrict sign, const real *restrict level, size_t width,
                                 real *restrict out) {
    for (size_t x = 0; x < width; x++) out[x] = level_for(sign[x], level[x]);
}

/* Takes in the pixels `from`..`to` columns away: both sides of a pixel, and where a row ends only one. */
LOSS_KERNEL static void take_in(const real *restrict sign, const real *restrict level, real spacing2_x, size_t width,
                                size_t from, size_t to, real *restrict out) {
    for (size_t k = from; k <= to && k < width; k++) {
        const real across = (real)(k * k) * spacing2_x;
        const size_t rest = width - k, low = k < rest ? k : rest, high = k < rest ? rest : k;
        for (size_t x = 0; x < low; x++) out[x] = real_min(out[x], level_for(sign[x], level[x + k]) + across);
        for (size_t x = k; x < rest; x++) {
            const real least = real_min(sign[x] * level[x - k], sign[x] * level[x + k]);
            out[x] = real_min(out[x], real_max(least, 0) + across);
        }
        for (size_t x = high; x < width; x++) out[x] = real_min(out[x], level_for(sign[x], level[x - k]) + across);
    }
}

LOSS_KERNEL static int any_above(const real *x, real limit, size_t n) {
    int any = 0;
    for (size_t i = 0; i < n; i++) any |= x[i] > limit;
    return any;
}

/* Squared distances up to this are right once the pixels `reach` columns away have been taken in. */
static real settled_by(const row_pass *pass, size_t reach) {
    return (real)((reach + 1) * (reach + 1)) * pass->spacing2_x;
}

/* Tries whether pixels a few columns away are enough for the whole row. */
static int settle_row(const row_pass *pass, real *out) {
    const real *sign = pass->sign, *level = pass->level;
    fill_own(sign, level, pass->width, out);
    take_in(sign, level, pass->spacing2_x, pass->width, 1, NEAR, out);
    if (!any_above(out, settled_by(pass, NEAR), pass->width)) return 1;
    if (any_above(out, settled_by(pass, PROMISING), pass->width)) return 0;
    take_in(sign, level, pass->spacing2_x, pass->width, NEAR + 1, MIDDLE, out);
    return !any_above(out, settled_by(pass, MIDDLE), pass->width);
}

/* --- rows: short runs -------------------------------------------------------------------------------------------- */

/* Whether a run goes without a hull. With an end on one side only it takes more pairs, so it must be shorter. */
static int is_short(const row_pass *pass, size_t first, size_t last) {
    return last - first <= (first > 0 && last < pass->width ? SHORT : SHORT / 4);
}

/* All pairs of pixels of a run that matter: those k away only for pixels that are k or more from its ends, in whole
   groups. `level` is G in the middle of pads that are as long as the run. */
LOSS_KERNEL static void compare_pairs(const real *restrict level, real spacing2_x, int has_first, int has_last,
                                      size_t n, real *restrict out) {
    for (size_t x = 0; x < n; x++) out[x] = level[x];
    for (size_t k = 1; k <= n; k++) {
        const size_t low = has_first ? k - 1 : 0, high = has_last ? n + 1 - k : n;
        const real across = (real)(int)(k * k) * spacing2_x;
        const real *restrict left = level - k, *restrict right = level + k;
        int any = 0;
        if (low >= high) return;
        for (size_t x = low / GROUP * GROUP; x < high; x += GROUP)
            for (size_t i = x; i < x + GROUP; i++) out[i] = real_min(out[i], real_min(left[i], right[i]) + across);
        if (k % 8) continue;
        for (size_t x = low; x < high; x++) any |= out[x] > across;
        if (!any) return;
    }
}

static void fill_short_run(const row_pass *pass, size_t first, size_t last, real *out) {
    real level[3 * SHORT + GROUP], squared[SHORT + GROUP] = {0};
    const size_t n = last - first;
    for (size_t i = 0; i < 3 * n + GROUP; i++) level[i] = FAR * FAR;
    for (size_t i = 0; i < n; i++) level[n + i] = pass->sign[first] * pass->level[first + i];
    if (first > 0) level[n - 1] = 0;
    if (last < pass->width) level[2 * n] = 0;
    compare_pairs(level + n, pass->spacing2_x, first > 0, last < pass->width, n, squared);
    memcpy(out + first, squared, n * sizeof *out);
}

/* --- rows: the hull ---------------------------------------------------------------------------------------------- */

/* A point is no corner where its column is FAR, or where it lies above a chord of F by more than rounding: (F(x-j) +
   F(x+j)) / 2 = (G(x-j) + G(x+j)) / 2 + x^2 + j^2. */
LOSS_KERNEL static void find_corners(const real *restrict sign, const real *restrict level, real spacing2_x, real far,
                                     size_t width, unsigned char *restrict corner) {
    for (size_t x = 0; x < width; x++) corner[x] = level_for(sign[x], level[x]) < far;
    for (size_t j = 1; j <= LONGEST_CHORD; j *= CHORD_STEP) {
        const real across = 2 * (real)(j * j) * spacing2_x, slack = 2 - (real)2e-6;
        for (size_t x = j; x + j < width; x++) {
            const real ends = level_for(sign[x], level[x - j]) + level_for(sign[x], level[x + j]);
            corner[x] &= ends + across > slack * level_for(sign[x], level[x]);
        }
    }
    memset(corner + width, 0, WORD);
}

/* Adds a point to the right; corners that come to lie above the new chord go. Returns the number of corners. */
static inline size_t add_point(const row_pass *pass, size_t count, size_t x, double g) {
    const double v = (double)(int)x, f = g + v * v * (double)pass->spacing2_x;
    double edge_v = 1, edge_f = -__builtin_inf(); /* the first corner stays */
    for (; count > 0; count--) {
        edge_v = v - pass->v[count - 1];
        edge_f = f - pass->f[count - 1];
        if (pass->edge_f[count - 1] * edge_v < edge_f * pass->edge_v[count - 1]) break;
    }
    pass->v[count] = v;
    pass->f[count] = f;
    pass->g[count] = g;
    pass->edge_v[count] = edge_v;
    pass->edge_f[count] = edge_f;
    return count + 1;
}

/* Eight bytes of 0 and 1, the first one lowest. */
static inline uint64_t word_at(const unsigned char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* The hull of the run [first, last) and of the two pixels that end it. */
static size_t build_hull(const row_pass *pass, size_t first, size_t last) {
    const double sign = (double)pass->sign[first];
    size_t count = 0;
    if (first > 0) count = add_point(pass, count, first - 1, 0);
    for (size_t start = first; start < last; start += WORD)
        for (uint64_t word = word_at(pass->corner + start); word; word &= word - 1) {
            const size_t x = start + (size_t)__builtin_ctzll(word) / 8;
            if (x >= last) break;
            count = add_point(pass, count, x, sign * (double)pass->level[x]);
        }
    if (last < pass->width) count = add_point(pass, count, last, 0);
    return count;
}

/* A corner is nearest up to where the slope of the next edge is 2x. */
LOSS_KERNEL static void find_ends(const double *restrict edge_v, const double *restrict edge_f, double spacing2_x,
                                  size_t count, double first, double last, int *restrict end) {
    for (size_t k = 0; k + 1 < count; k++) {
        double x = edge_f[k + 1] / (2 * spacing2_x * edge_v[k + 1]) + 1;
        x = x < first ? first : x;
        end[k] = (int)(x < last ? x : last);
    }
    end[count - 1] = (int)last;
}

LOSS_KERNEL static void fill_parabola(size_t first, size_t last, real v, real g, real spacing2_x, real *restrict out) {
    for (size_t x = first; x < last; x++) {
        const real across = (real)(int)x - v;
        out[x] = across * across * spacing2_x + g;
    }
}

/* Each corner writes a whole word of pixels, which needs no branch; the next one writes over what is too much. */
static void fill_long_run(const row_pass *pass, size_t first, size_t last, real *out) {
    const size_t count = build_hull(pass, first, last);
    find_ends(pass->edge_v, pass->edge_f, (double)pass->spacing2_x, count, (double)first, (double)last, pass->end);
    for (size_t k = 0, x = first; k < count; k++) {
        const real v = (real)pass->v[k], g = (real)pass->g[k];
        const size_t end = (size_t)pass->end[k];
        for (int i = 0; i < WORD; i++) {
            const real across = (real)((int)x + i) - v;
            pass->squared[x + (size_t)i] = across * across * pass->spacing2_x + g;
        }
        if (end > x + WORD) fill_parabola(x + WORD, end, v, g, pass->spacing2_x, pass->squared);
        x = end > x ? end : x;
    }
    memcpy(out + first, pass->squared + first, (last - first) * sizeof *out);
}

/* --- all --------------------------------------------------------------------------------------------------------- */

/* Where the run of equal pixels from `first` on ends. */
static size_t end_of_run(const row_pass *pass, size_t first) {
    const unsigned char *end = memchr(pass->side + first, !pass->side[first], pass->width - first);
    return end ? (size_t)(end - pass->side) : pass->width;
}

/* `out` holds steps in the column, and then squared distances. */
static void fill_row(row_pass *pass, real *out) {
    const real far = (real)0.5 * FAR * FAR * pass->spacing2_y;
    int has_corners = 0;
    fill_levels(pass->side, out, pass->spacing2_y, pass->width, pass->sign, pass->level);
    if (settle_row(pass, out)) return;
    for (size_t first = 0, last; first < pass->width; first = last) {
        last = end_of_run(pass, first);
        if (!any_above(out + first, settled_by(pass, NEAR), last - first)) continue;
        if (is_short(pass, first, last)) {
            fill_short_run(pass, first, last, out);
            continue;
        }
        if (!has_corners) find_corners(pass->sign, pass->level, pass->spacing2_x, far, pass->width, pass->corner);
        has_corners = 1;
        fill_long_run(pass, first, last, out);
    }
}

void loss_distance_squared(const unsigned char *inside, size_t height, size_t width, double spacing_y, double spacing_x,
                           real *out, void *scratch) {
    row_pass pass = {
        .width = width, .spacing2_y = (real)(spacing_y * spacing_y), .spacing2_x = (real)(spacing_x * spacing_x)};
    if (!memchr(inside, !inside[0], height * width)) {
        memset(out, 0, height * width * sizeof *out);
        return;
    }
    lay_out(&pass, width, scratch);
    fill_far(out, width);
    for (size_t y = 1; y < height; y++)
        step_down(inside + (y - 1) * width, inside + y * width, out + (y - 1) * width, width, out + y * width);
    fill_far(pass.steps, width);
    for (size_t y = height; y-- > 0;) {
        pass.side = inside + y * width;
        if (y + 1 < height) step_up(pass.side + width, pass.side, width, pass.steps, out + y * width);
        fill_row(&pass, out + y * width);
    }
}
