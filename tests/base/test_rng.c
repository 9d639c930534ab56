#include "lib/base/rng.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

Test(rng, golden_values_of_the_reference_code) {
    rng stream = {{1, 2, 3, 4}};
    const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240u};
    for (size_t i = 0; i < 4; i++) cr_assert(eq(u64, rng_u64(&stream), expected[i]));
}

Test(rng, streams_depend_on_their_text_only) {
    rng a = rng_from_text("order|seed=1"), b = rng_from_text("order|seed=1"), c = rng_from_text("order|seed=2");
    const uint64_t first = rng_u64(&a);
    cr_assert(eq(u64, first, rng_u64(&b)));
    cr_assert(ne(u64, first, rng_u64(&c)));
}

Test(rng, below_is_uniform) {
    rng stream = rng_from_text("below");
    unsigned counts[6] = {0};
    for (int i = 0; i < 60000; i++) counts[rng_below(&stream, 6)]++;
    for (int i = 0; i < 6; i++)
        cr_assert(counts[i] > 9600 && counts[i] < 10400, "value %d came %u times of 60000", i, counts[i]);
}

Test(rng, normals_have_unit_variance_and_tails) {
    enum { N = 200000 };
    static float x[N];
    rng stream = rng_from_text("normals");
    rng_normals(&stream, x, N);
    double sum = 0, squares = 0, beyond = 0;
    for (int i = 0; i < N; i++) {
        sum += (double)x[i];
        squares += (double)x[i] * (double)x[i];
        beyond += __builtin_fabsf(x[i]) > 1.959964f;
    }
    cr_assert(epsilon_eq(dbl, sum / N, 0, 0.01));
    cr_assert(epsilon_eq(dbl, squares / N, 1, 0.015));
    cr_assert(epsilon_eq(dbl, beyond / N, 0.05, 0.003));
}

Test(rng, shuffle_is_a_permutation) {
    uint32_t items[100];
    for (uint32_t i = 0; i < 100; i++) items[i] = i;
    rng stream = rng_from_text("shuffle");
    rng_shuffle(&stream, items, 100);
    unsigned seen[100] = {0}, moved = 0;
    for (uint32_t i = 0; i < 100; i++) {
        seen[items[i]]++;
        moved += items[i] != i;
    }
    for (int i = 0; i < 100; i++) cr_assert(eq(uint, seen[i], 1));
    cr_assert(moved > 90);
}
