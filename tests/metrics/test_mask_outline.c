/* Outlines: boundary F1 and the 95th percentile of the Hausdorff distance. */
#include "lib/metrics/mask_metrics.h"

#include "lib/base/rng.h"
#include "tests/failing_malloc.h"
#include "tests/metrics/mask_picture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEIGHT = SCATTERED_HEIGHT, WIDTH = SCATTERED_WIDTH, PIXELS = HEIGHT * WIDTH };

/* Ellipses; `draw` counts them after the scattered masks. */
static const char *const picture[][HEIGHT] = {
    {"................", "......1.........", "...1111111......", "..111111111.....", "..111111111.....",
     ".11111111111....", "..111111111.....", "..111111111.....", "...1111111....1.", "......1......111",
     "............1111", ".............111"},
    {"................", "................", "................", "......11111.....", ".....1111111....",
     ".....1111111....", "....111111111...", ".....1111111....", ".....1111111....", "......11111.....",
     "................", "................"}};

static void draw(size_t which, unsigned char *mask) {
    draw_mask(which < SCATTERED ? scattered[which] : picture[which - SCATTERED], HEIGHT, WIDTH, mask);
}

static double f1_of(const unsigned char *a, const unsigned char *b, size_t height, size_t width, double tolerance) {
    double f1 = -1;
    cr_assert(zero(int, metric_boundary_f1(a, b, height, width, tolerance, &f1, NULL)));
    return f1;
}

static double hd95_of(const unsigned char *a, const unsigned char *b, size_t height, size_t width) {
    double distance = -1;
    cr_assert(zero(int, metric_hausdorff_95(a, b, height, width, &distance, NULL)));
    return distance;
}

/* scipy 1.10.1 and numpy 1.24.2: outline(m) = m & ~scipy.ndimage.binary_erosion(m, cross),
   d(a, b) = scipy.ndimage.distance_transform_edt(~outline(b))[outline(a)]; f1 at tolerance t from P = mean(d(a, b) <=
   t) and R = mean(d(b, a) <= t); hd95 = numpy.percentile(hstack((d(a, b), d(b, a))), 95), which is the definition of
   medpy 0.4, metric.binary.hd95, with connectivity 1 and pixels of size 1. */
static const struct {
    size_t predicted, truth;
    double f1[3]; /* at tolerance 0, 1, 2 */
    double hd95;
} golden[] = {
    {0, 1, {0.25, 0.79120879120879117, 0.97959183673469385}, 2},
    {1, 0, {0.25, 0.79120879120879117, 0.97959183673469385}, 2},
    {0, 2, {0.3259259259259259, 0.79597989949748738, 0.97382198952879584}, 2},
    {2, 1, {0.43930635838150289, 0.95042563845768657, 1}, 1.1656854249492403},
    {3, 4, {0.15384615384615385, 0.50000000000000011, 0.70661157024793386}, 4.1768964032933908},
    {4, 3, {0.15384615384615385, 0.50000000000000011, 0.70661157024793386}, 4.1768964032933908},
    {0, 4, {0.2105263157894737, 0.51376146788990829, 0.74576271186440679}, 4.2885397406953425},
    {3, 0, {0.20289855072463767, 0.65748278021289919, 0.86956521739130432}, 3.0577579562783015},
};

Test(mask_outline, as_scipy_and_numpy_have_it) {
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        unsigned char predicted[PIXELS], truth[PIXELS];
        draw(golden[i].predicted, predicted);
        draw(golden[i].truth, truth);
        for (int t = 0; t < 3; t++)
            cr_assert(epsilon_eq(dbl, f1_of(predicted, truth, HEIGHT, WIDTH, t), golden[i].f1[t], 1e-14), "%zu", i);
        cr_assert(epsilon_eq(dbl, hd95_of(predicted, truth, HEIGHT, WIDTH), golden[i].hd95, 1e-13), "%zu", i);
    }
}

/* --- the definition, pixel by pixel ------------------------------------------------------------------------------ */

static int is_inside(const unsigned char *m, long height, long width, long y, long x) {
    return y >= 0 && x >= 0 && y < height && x < width && m[y * width + x];
}

static int on_outline(const unsigned char *m, long height, long width, long y, long x) {
    return is_inside(m, height, width, y, x) &&
           !(is_inside(m, height, width, y - 1, x) && is_inside(m, height, width, y + 1, x) &&
             is_inside(m, height, width, y, x - 1) && is_inside(m, height, width, y, x + 1));
}

/* Distances of the outline of a to that of b, by all pairs. */
static size_t all_pairs(const unsigned char *a, const unsigned char *b, long height, long width, double *out) {
    size_t count = 0;
    for (long i = 0; i < height * width; i++) {
        if (!on_outline(a, height, width, i / width, i % width)) continue;
        double least = (double)INFINITY;
        for (long j = 0; j < height * width; j++) {
            const double dy = (double)(i / width - j / width), dx = (double)(i % width - j % width);
            if (on_outline(b, height, width, j / width, j % width)) least = fmin(least, sqrt(dy * dy + dx * dx));
        }
        out[count++] = least;
    }
    return count;
}

static double share_within(const double *distance, size_t n, double tolerance) {
    size_t within = 0;
    for (size_t i = 0; i < n; i++) within += distance[i] <= tolerance;
    return (double)within / (double)n;
}

static int compare_ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

Test(mask_outline, equal_all_pairs_on_many_masks) {
    enum { LARGEST = 15, ROUNDS = 200 };
    rng stream = rng_from_text("outline");
    for (int round = 0; round < ROUNDS; round++) {
        const long height = 1 + (long)rng_below(&stream, LARGEST), width = 1 + (long)rng_below(&stream, LARGEST);
        unsigned char a[LARGEST * LARGEST], b[LARGEST * LARGEST];
        double d[2 * LARGEST * LARGEST];
        for (long i = 0; i < height * width; i++) {
            a[i] = rng_below(&stream, 8) == 0;
            b[i] = rng_below(&stream, 8) < (unsigned)(round % 8);
        }
        const size_t from_a = all_pairs(a, b, height, width, d),
                     n = from_a + all_pairs(b, a, height, width, d + from_a);
        if (from_a == 0 || n == from_a) continue;
        const double tolerance = sqrt((double)rng_below(&stream, 14));
        const double p = share_within(d, from_a, tolerance), r = share_within(d + from_a, n - from_a, tolerance);
        cr_assert(epsilon_eq(dbl, f1_of(a, b, (size_t)height, (size_t)width, tolerance),
                             p + r > 0 ? 2 * p * r / (p + r) : 0, 1e-14));
        qsort(d, n, sizeof *d, compare_ascending);
        const size_t twentieths = 19 * (n - 1), below = twentieths / 20; /* place .95 (n-1), in whole numbers */
        const double part = (double)(twentieths % 20) / 20, next = d[below + 1 < n ? below + 1 : below];
        cr_assert(
            epsilon_eq(dbl, hd95_of(a, b, (size_t)height, (size_t)width), d[below] + part * (next - d[below]), 1e-12));
    }
}

/* --- properties -------------------------------------------------------------------------------------------------- */

Test(mask_outline, a_mask_is_nearest_to_itself) {
    for (size_t i = 0; i < 5; i++) {
        unsigned char mask[PIXELS];
        draw(i, mask);
        cr_assert(eq(dbl, f1_of(mask, mask, HEIGHT, WIDTH, 0), 1));
        cr_assert(eq(dbl, hd95_of(mask, mask, HEIGHT, WIDTH), 0));
    }
}

Test(mask_outline, does_not_move_with_the_masks) {
    enum { TALL = 30, WIDE = 41 };
    static const size_t top[] = {1, 9, 17}, left[] = {1, 13, 24};
    unsigned char a[PIXELS], b[PIXELS], moved_a[TALL * WIDE], moved_b[TALL * WIDE];
    draw(3, a);
    draw(4, b);
    double f1[3], hd95[3];
    for (int i = 0; i < 3; i++) {
        place_mask(a, HEIGHT, WIDTH, top[i], left[i], moved_a, TALL, WIDE);
        place_mask(b, HEIGHT, WIDTH, top[i], left[i], moved_b, TALL, WIDE);
        f1[i] = f1_of(moved_a, moved_b, TALL, WIDE, 1.5);
        hd95[i] = hd95_of(moved_a, moved_b, TALL, WIDE);
    }
    for (int i = 1; i < 3; i++) {
        cr_assert(eq(dbl, f1[i], f1[0]));
        cr_assert(eq(dbl, hd95[i], hd95[0]));
    }
    cr_assert(
        epsilon_eq(dbl, hd95[0], 4.1768964032933908, 1e-13)); /* and the frame does not count where it is not met */
}

/* Two single pixels, (0,0) and (3,4): distance 5, whatever else. */
Test(mask_outline, two_pixels_by_hand) {
    unsigned char a[35] = {0}, b[35] = {0};
    a[0] = 1;
    b[3 * 7 + 4] = 200;
    cr_assert(eq(dbl, hd95_of(a, b, 5, 7), 5));
    cr_assert(eq(dbl, f1_of(a, b, 5, 7, 4.999), 0));
    cr_assert(eq(dbl, f1_of(a, b, 5, 7, 5), 1)); /* within includes the tolerance itself */
    b[0] = 1;
    cr_assert(epsilon_eq(dbl, f1_of(a, b, 5, 7, 0), 2.0 / 3, 1e-15)); /* P 1, R 1/2 */
    cr_assert(epsilon_eq(dbl, hd95_of(a, b, 5, 7), 4.5, 1e-15));      /* 0 0 5 at place 1.9 */
}

Test(mask_outline, empty_masks) {
    unsigned char none[12] = {0}, some[12] = {0};
    some[5] = 255;
    cr_assert(eq(dbl, f1_of(none, some, 3, 4, 100), 0));
    cr_assert(eq(dbl, f1_of(some, none, 3, 4, 100), 0));
    cr_assert(eq(dbl, hd95_of(none, some, 3, 4), 5));
    cr_assert(eq(dbl, hd95_of(some, none, 3, 4), 5));
    cr_assert(eq(int, isnan(f1_of(none, none, 3, 4, 1)) && isnan(hd95_of(none, none, 3, 4)), 1));
    cr_assert(eq(int, isnan(f1_of(none, none, 0, 4, 1)) && isnan(hd95_of(none, none, 3, 0)), 1));
}

Test(mask_outline, every_failed_allocation_is_an_error) {
#if FAILING_MALLOC
    unsigned char a[PIXELS], b[PIXELS];
    draw(3, a);
    draw(4, b);
    for (int which = 0; which < 2; which++)
        for (long n = 0; n <= 3; n++) {
            double value = -1;
            lb_error error = {0};
            fail_malloc_after(n);
            const int code = which ? metric_hausdorff_95(a, b, HEIGHT, WIDTH, &value, &error)
                                   : metric_boundary_f1(a, b, HEIGHT, WIDTH, 1, &value, &error);
            fail_malloc_after(-1);
            cr_assert(eq(int, code, n < 3 ? LB_MEMORY : LB_OK));
            cr_assert(eq(int, (int)error.code, code));
            cr_assert(eq(int, value < 0, code != LB_OK));
        }
#else
    cr_skip_test("the sanitizer has its own malloc");
#endif
}
