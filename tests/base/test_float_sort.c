#include "lib/base/float_sort.h"

#include "lib/base/rng.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { MOST = 5000 };

typedef struct {
    float x;
    size_t place;
} placed;

static int compare_placed(const void *a, const void *b) {
    const placed *p = a, *q = b;
    if (p->x != q->x) return p->x < q->x ? 1 : -1;
    return p->place < q->place ? -1 : p->place > q->place;
}

/* Compares bits with those of a stable sort by comparison. */
static void expect_stable_order(const float *x, size_t n) {
    static placed expected[MOST];
    static float sorted[MOST], room[MOST];
    for (size_t i = 0; i < n; i++) expected[i] = (placed){x[i], i};
    qsort(expected, n, sizeof *expected, compare_placed);
    memcpy(sorted, x, n * sizeof *x);
    float_sort_descending(sorted, n, room);
    for (size_t i = 0; i < n; i++)
        cr_assert(zero(int, memcmp(&sorted[i], &expected[i].x, sizeof(float))), "n = %zu: place %zu is %g, not %g", n,
                  i, (double)sorted[i], (double)expected[i].x);
}

/* Both sides of the length at which the method changes. */
static const size_t lengths[] = {0, 1, 2, 3, 63, 64, 65, 66, 1000, MOST};

Test(float_sort, any_floats_in_any_number) {
    static float x[MOST];
    rng stream = rng_from_text("float_sort|bits");
    for (size_t i = 0; i < MOST; i++) {
        uint32_t bits = (uint32_t)rng_u64(&stream);
        if ((bits >> 23 & 255) == 255) bits &= 0xff800000u; /* infinities, not NaN */
        memcpy(&x[i], &bits, sizeof bits);
    }
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) expect_stable_order(x, lengths[i]);
}

Test(float_sort, equal_floats_keep_their_order_and_zeros_are_equal) {
    static const float values[] = {0.0f, -0.0f, 1.0f, -1.0f, FLT_TRUE_MIN, -FLT_TRUE_MIN, FLT_MAX, -FLT_MAX, INFINITY};
    static float x[MOST];
    rng stream = rng_from_text("float_sort|ties");
    for (size_t i = 0; i < MOST; i++) x[i] = values[rng_below(&stream, 9)];
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) expect_stable_order(x, lengths[i]);
    for (size_t i = 0; i < MOST; i++) x[i] = values[rng_below(&stream, 2)];
    expect_stable_order(x, MOST);
}

/* Passes are left out where all keys share a digit, so the result may end in either array. */
Test(float_sort, keys_that_differ_in_one_digit_only) {
    static float x[MOST];
    rng stream = rng_from_text("float_sort|digits");
    for (unsigned pass = 0; pass < 3; pass++) {
        for (size_t i = 0; i < MOST; i++) {
            const uint32_t bits = 0x3f800000u ^ rng_below(&stream, pass < 2 ? 2048 : 900) << 11 * pass;
            memcpy(&x[i], &bits, sizeof bits);
            if (!isfinite(x[i])) x[i] = 1.0f;
        }
        expect_stable_order(x, MOST);
    }
}
