/* Radix sort from the lowest digit up, 11 bits a pass, on the bits of the keys made to order as whole numbers do. Each
   pass is stable, so equal keys stay by index. A pass in which all keys have the same digit is left out. */
#include "lib/loss/sort.h"

#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS, SHORT = 48 };

#ifdef LOSS_DOUBLE
typedef uint64_t key_bits;
enum { PASSES = 6 };
#else
typedef uint32_t key_bits;
enum { PASSES = 3 };
#endif

typedef struct {
    key_bits bits;
    uint32_t index;
} keyed;

static size_t rounded_up(size_t bytes) { return (bytes + 63) / 64 * 64; }

size_t loss_sort_scratch(size_t n) {
    return rounded_up(PASSES * DIGITS * sizeof(uint32_t)) + 2 * rounded_up(n * sizeof(keyed));
}

const char *loss_check_sortable(const double *params, const loss_batch *batch) {
    (void)params;
    return batch->images * batch->channels * batch->pixels > UINT32_MAX ? "it sorts fewer than 2^32 elements" : NULL;
}

/* Smaller numbers for larger keys. Adding 0 turns -0 into 0. */
static inline key_bits descending_bits(real key) {
    const real clean = key + 0;
    const key_bits sign = (key_bits)1 << (8 * sizeof sign - 1);
    key_bits bits;
    memcpy(&bits, &clean, sizeof bits);
    return bits & sign ? bits : ~bits & ~sign;
}

LOSS_INLINE real key_of(key_bits bits) {
    const key_bits sign = (key_bits)1 << (8 * sizeof sign - 1), plain = bits & sign ? bits : ~bits & ~sign;
    real key;
    memcpy(&key, &plain, sizeof key);
    return key;
}

static inline uint32_t digit_of(key_bits bits, int pass) {
    return (uint32_t)(bits >> (DIGIT_BITS * pass)) & (DIGITS - 1);
}

static void sort_short(const real *key, size_t n, uint32_t *order) {
    for (size_t i = 0; i < n; i++) {
        size_t place = i;
        for (; place > 0 && key[order[place - 1]] < key[i]; place--) order[place] = order[place - 1];
        order[place] = (uint32_t)i;
    }
}

/* Where each digit's keys start, from how many there are; 0 when all n have the same. */
static int start_digits(uint32_t *counts, size_t n) {
    uint32_t sum = 0;
    for (size_t digit = 0; digit < DIGITS; digit++) {
        const uint32_t count = counts[digit];
        if (count == n) return 0;
        counts[digit] = sum;
        sum += count;
    }
    return 1;
}

static void sort_short_pairs(real *key, uint32_t *item, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const real own = key[i] + 0;
        const uint32_t own_item = item[i];
        size_t place = i;
        for (; place > 0 && key[place - 1] < own; place--) {
            key[place] = key[place - 1];
            item[place] = item[place - 1];
        }
        key[place] = own;
        item[place] = own_item;
    }
}

/* The parts of the scratch memory. */
typedef struct {
    uint32_t (*counts)[DIGITS];
    keyed *from, *to;
} sort_memory;

static sort_memory lay_out(size_t n, void *scratch) {
    sort_memory m = {.counts = scratch};
    memset(m.counts, 0, PASSES * sizeof m.counts[0]);
    m.from = (keyed *)((char *)scratch + rounded_up(PASSES * DIGITS * sizeof(uint32_t)));
    m.to = (keyed *)((char *)m.from + rounded_up(n * sizeof(keyed)));
    return m;
}

/* Takes in key i and counts its digits. */
static inline void take_in(sort_memory *m, size_t i, real key, uint32_t index) {
    m->from[i] = (keyed){.bits = descending_bits(key), .index = index};
    for (int pass = 0; pass < PASSES; pass++) m->counts[pass][digit_of(m->from[i].bits, pass)]++;
}

/* The n keys taken in, sorted. */
static const keyed *sort_keyed(sort_memory *m, size_t n) {
    keyed *from = m->from, *to = m->to;
    for (int pass = 0; pass < PASSES; pass++) {
        if (!start_digits(m->counts[pass], n)) continue;
        for (size_t i = 0; i < n; i++) to[m->counts[pass][digit_of(from[i].bits, pass)]++] = from[i];
        keyed *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

void loss_sort_descending(const real *key, size_t n, uint32_t *order, void *scratch) {
    if (n <= SHORT) {
        sort_short(key, n, order);
        return;
    }
    sort_memory m = lay_out(n, scratch);
    for (size_t i = 0; i < n; i++) take_in(&m, i, key[i], (uint32_t)i);
    const keyed *sorted = sort_keyed(&m, n);
    for (size_t i = 0; i < n; i++) order[i] = sorted[i].index;
}

void loss_sort_pairs(real *key, uint32_t *item, size_t n, void *scratch) {
    if (n <= SHORT) {
        sort_short_pairs(key, item, n);
        return;
    }
    sort_memory m = lay_out(n, scratch);
    for (size_t i = 0; i < n; i++) take_in(&m, i, key[i], item[i]);
    const keyed *sorted = sort_keyed(&m, n);
    for (size_t i = 0; i < n; i++) {
        key[i] = key_of(sorted[i].bits);
        item[i] = sorted[i].index;
    }
}
