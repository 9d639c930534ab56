/* Overlap and suppression of boxes. */
#include "lib/metrics/box_metrics.h"

#include "lib/base/rng.h"
#include "tests/metrics/box_set.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* --- overlap ----------------------------------------------------------------------------------------------------- */

static metric_box corners(float x1, float y1, float x2, float y2) {
    return (metric_box){.x1 = x1, .y1 = y1, .x2 = x2, .y2 = y2};
}

static const struct {
    const char *what;
    float a[4], b[4];
    double iou;
} pairs[] = {
    {"same", {1, 2, 4, 6}, {1, 2, 4, 6}, 1},
    {"apart", {0, 0, 1, 1}, {2, 2, 3, 3}, 0},
    {"side by side", {0, 0, 2, 2}, {2, 0, 4, 2}, 0},
    {"at a corner", {0, 0, 2, 2}, {2, 2, 4, 4}, 0},
    {"above, same columns", {0, 0, 2, 2}, {0, 5, 2, 7}, 0},
    {"crossing", {0, 0, 2, 2}, {1, 1, 3, 3}, 1.0 / 7},
    {"contained", {0, 0, 10, 10}, {2, 3, 5, 5}, 0.06},
    {"half", {0, 0, 10, 10}, {0, 0, 5, 10}, 0.5},
    {"negative coordinates", {-3, -3, -1, -1}, {-2, -3, 0, -1}, 1.0 / 3},
    {"inverted", {4, 6, 1, 2}, {1, 2, 4, 6}, 0},
    {"inverted in one direction", {4, 2, 1, 6}, {0, 0, 9, 9}, 0},
    {"inverted, both", {4, 6, 1, 2}, {4, 6, 1, 2}, 0},
    {"no width", {2, 0, 2, 9}, {0, 0, 9, 9}, 0},
    {"a point, both", {2, 2, 2, 2}, {2, 2, 2, 2}, 0},
    {"huge", {-FLT_MAX, -FLT_MAX, FLT_MAX, FLT_MAX}, {0, -FLT_MAX, FLT_MAX, FLT_MAX}, 0.5},
    {"tiny", {0, 0, 1e-40f, 1e-40f}, {0, 0, 1e-40f, 1e-40f}, 1},
};

Test(box_overlap, iou_by_hand_and_either_way) {
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const float *const p = pairs[i].a, *const q = pairs[i].b;
        const metric_box a = corners(p[0], p[1], p[2], p[3]), b = corners(q[0], q[1], q[2], q[3]);
        cr_assert(epsilon_eq(dbl, metric_box_iou(&a, &b), pairs[i].iou, 1e-15), "%s", pairs[i].what);
        cr_assert(eq(dbl, metric_box_iou(&b, &a), metric_box_iou(&a, &b)), "%s", pairs[i].what);
    }
}

Test(box_overlap, area) {
    const metric_box b = corners(-1, 2, 2.5f, 4), thin = corners(1, 1, 1, 9), turned = corners(5, 9, 1, 2),
                     half_turned = corners(5, 2, 1, 9);
    cr_assert(eq(dbl, metric_box_area(&b), 7));
    cr_assert(eq(dbl, metric_box_area(&thin), 0));
    cr_assert(eq(dbl, metric_box_area(&turned), 0));
    cr_assert(eq(dbl, metric_box_area(&half_turned), 0));
}

/* --- suppression ------------------------------------------------------------------------------------------------- */

Test(box_suppress, drops_within_a_type_what_a_kept_box_shows) {
    metric_box b[] = {
        box_row(0, 0, 0, 8, 1),    /* 6/10 of the best one's type: dropped */
        box_row(0, 0, 2, 10, 4),   /* best */
        box_row(0, 1, 2, 10, 2),   /* another type */
        box_row(0, 0, -2, 6, 0),   /* overlaps the dropped one, but the best by 4/12 only */
        box_row(0, 0, 20, 28, -3), /* elsewhere */
    };
    const metric_box kept[] = {b[1], b[2], b[3], b[4]};
    cr_assert(eq(sz, metric_box_suppress(b, 5, 0.5, 100), 4));
    cr_assert(zero(int, memcmp(b, kept, sizeof kept)));
}

Test(box_suppress, keeps_the_level_itself) {
    const metric_box whole = box_row(0, 0, 0, 10, 1), half = box_row(0, 0, 0, 5, 0);
    metric_box at[] = {half, whole}, above[] = {half, whole};
    cr_assert(eq(sz, metric_box_suppress(at, 2, 0.5, 9), 2));
    cr_assert(eq(flt, at[0].x2, 10));
    cr_assert(eq(sz, metric_box_suppress(above, 2, nextafter(0.5, 0), 9), 1));
    cr_assert(eq(flt, above[0].x2, 10));
}

Test(box_suppress, keeps_at_most_so_many_and_the_first_of_equal_scores) {
    for (size_t most = 0; most <= 6; most++) {
        metric_box b[6];
        const float score[] = {1, 3, 1, 3, -0.0f, 0.0f}, order[] = {100, 300, 0, 200, 400, 500};
        for (int i = 0; i < 6; i++) b[i] = box_row(0, 0, (float)(100 * i), (float)(100 * i + 9), score[i]);
        const float first[] = {order[0], order[1], 0, order[3], order[4], order[5]}; /* 1 3 | 0 2 | 4 5 */
        cr_assert(eq(sz, metric_box_suppress(b, 6, 0.5, most), most));
        for (size_t i = 0; i < most; i++) cr_assert(eq(flt, b[i].x1, first[i]), "%zu of %zu", i, most);
    }
    metric_box same[] = {box_row(0, 0, 0, 9, 1), box_row(0, 0, 1, 9, 1)};
    cr_assert(eq(sz, metric_box_suppress(same, 2, 0.5, 9), 1));
    cr_assert(eq(flt, same[0].x1, 0));
    cr_assert(eq(sz, metric_box_suppress(NULL, 0, 0.5, 9), 0));
}

/* As the textbook has it: sort all (by insertion, which is stable), then run down the list. */
static size_t suppress_sorted(metric_box *b, size_t n, double iou, size_t most) {
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k > 0 && b[k].score > b[k - 1].score; k--) {
            const metric_box swap = b[k];
            b[k] = b[k - 1];
            b[k - 1] = swap;
        }
    size_t kept = 0;
    for (size_t i = 0; i < n && kept < most; i++) {
        int shown = 0;
        for (size_t k = 0; k < kept; k++) shown |= b[k].type == b[i].type && metric_box_iou(b + k, b + i) > iou;
        if (shown == 0) b[kept++] = b[i];
    }
    return kept;
}

Test(box_suppress, is_what_sorting_first_gives) {
    rng stream = rng_from_text("suppress");
    for (int round = 0; round < 200; round++) {
        metric_box b[64], sorted[64];
        const size_t n = 1 + rng_below(&stream, 64), most = 1 + rng_below(&stream, 40);
        for (size_t i = 0; i < n; i++) {
            const float x = (float)rng_below(&stream, 40), y = (float)rng_below(&stream, 40);
            b[i] = corners(x, y, x + 5 + (float)rng_below(&stream, 20), y + 5 + (float)rng_below(&stream, 20));
            b[i].type = (uint32_t)rng_below(&stream, 2);
            b[i].score = (float)rng_below(&stream, 12);
        }
        memcpy(sorted, b, sizeof b);
        const double iou = 0.1 * (double)rng_below(&stream, 10);
        const size_t kept = metric_box_suppress(b, n, iou, most);
        cr_assert(eq(sz, kept, suppress_sorted(sorted, n, iou, most)));
        cr_assert(zero(int, memcmp(b, sorted, kept * sizeof *b)));
    }
}
