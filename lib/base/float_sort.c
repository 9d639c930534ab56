/* Radix sort from the lowest digit up, three passes of 11 bits, on keys that order as whole numbers do. A pass in which
   all keys have the same digit moves nothing and is left out. The floats themselves are moved and their keys made anew
   in each pass, which costs less than the memory for both. */
#include "lib/base/float_sort.h"

#include "lib/base/repro_math.h"

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, PASSES = 3, SHORT = 64 };

/* Smaller for larger x. Adding 0 makes 0 of -0; the bits of negative floats already fall as x rises. */
static inline uint32_t descending_key(float x) {
    const uint32_t bits = repro_bits_of(x + 0.0f), negative = 0u - (bits >> 31);
    return bits ^ (~negative & 0x7fffffffu);
}

static inline size_t digit_of(float x, int pass) { return descending_key(x) >> (DIGIT_BITS * pass) & (DIGITS - 1); }

static void sort_short(float *x, size_t n) {
    for (size_t i = 1; i < n; i++) {
        const float own = x[i];
        size_t place = i;
        for (; place > 0 && x[place - 1] < own; place--) x[place] = x[place - 1];
        x[place] = own;
    }
}

/* Makes of the counts where each digit's floats start; 0 when all n have the same digit. */
static int start_digits(size_t *counts, size_t n) {
    size_t sum = 0;
    for (size_t digit = 0; digit < DIGITS; digit++) {
        const size_t count = counts[digit];
        if (count == n) return 0;
        counts[digit] = sum;
        sum += count;
    }
    return 1;
}

void float_sort_descending(float *x, size_t n, float *room) {
    size_t place[PASSES][DIGITS] = {{0}};
    float *from = x, *to = room;
    if (n <= SHORT) {
        sort_short(x, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        for (int pass = 0; pass < PASSES; pass++) place[pass][digit_of(x[i], pass)]++;
    for (int pass = 0; pass < PASSES; pass++) {
        if (!start_digits(place[pass], n)) continue;
        for (size_t i = 0; i < n; i++) to[place[pass][digit_of(from[i], pass)]++] = from[i];
        float *const swap = from;
        from = to;
        to = swap;
    }
    if (from != x) memcpy(x, from, n * sizeof *x);
}
