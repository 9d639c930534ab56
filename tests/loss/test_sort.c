/* The radix sort against counting: the order of every key by its size, then by its place. */
#include "lib/loss/sort.h"

#include "tests/loss/fixture.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { MOST = 5000 };

static float key[MOST], sorted[MOST];
static uint32_t order[MOST], item[MOST];

/* Keys of many kinds: few values, all magnitudes, both signs, zeros of both signs, infinities, subnormals. */
static float key_of(unsigned kind, unsigned i) {
    const double u = sample_noise(i, kind), side = sample_noise(i, kind + 100) < 0.5 ? -1 : 1;
    static const float odd[] = {0,         -0.0f,      FLT_MAX, -FLT_MAX, INFINITY, -INFINITY,
                                0x1p-149f, -0x1p-149f, 1,       FLT_MIN,  -FLT_MIN, -1};
    switch (kind) {
    case 0:
        return (float)floor(5 * u);
    case 1:
        return (float)(side * pow(10, 76 * u - 38));
    case 2:
        return odd[(int)(12 * u)];
    case 3:
        return 3;
    case 4:
        return (float)i;
    case 5:
        return -(float)i;
    default:
        return (float)(side * u);
    }
}

static int comes_first(uint32_t a, uint32_t b) { return key[a] > key[b] || (key[a] == key[b] && a < b); }

static void expect_order(size_t n, unsigned kind) {
    void *scratch = malloc(loss_sort_scratch(n));
    unsigned char *seen = calloc(n + 1, 1);
    for (unsigned i = 0; i < n; i++) {
        key[i] = sorted[i] = key_of(kind, i);
        item[i] = i;
    }
    loss_sort_descending(key, n, order, scratch);
    loss_sort_pairs(sorted, item, n, scratch);
    for (size_t i = 0; i < n; i++) {
        cr_assert(order[i] < n && !seen[order[i]]++, "kind %u, %zu keys: %u twice", kind, n, order[i]);
        cr_assert(i == 0 || comes_first(order[i - 1], order[i]), "kind %u, %zu keys: place %zu", kind, n, i);
        cr_assert(item[i] == order[i], "kind %u, %zu keys: pairs differ at %zu", kind, n, i);
        cr_assert(sorted[i] == key[order[i]] && !(sorted[i] == 0 && signbit(sorted[i])), "kind %u: key %zu", kind, i);
    }
    free(seen);
    free(scratch);
}

Test(sort, orders_keys_downwards_and_equal_ones_by_place) {
    static const size_t sizes[] = {0, 1, 2, 3, 15, 64, 65, 255, 256, 257, 1000, 2049, MOST};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++)
        for (unsigned kind = 0; kind < 7; kind++) expect_order(sizes[k], kind);
}

Test(sort, needs_no_more_than_its_scratch) {
    for (size_t n = 0; n < 300; n += 37) {
        const size_t bytes = loss_sort_scratch(n);
        unsigned char *scratch = malloc(bytes + 64);
        cr_assert(bytes % 64 == 0);
        memset(scratch, 0x5a, bytes + 64);
        for (unsigned i = 0; i < n; i++) key[i] = key_of(6, i);
        loss_sort_descending(key, n, order, scratch);
        for (size_t i = bytes; i < bytes + 64; i++) cr_assert(scratch[i] == 0x5a);
        free(scratch);
    }
}

Test(sort, refuses_what_it_cannot_count) {
    const loss_batch most = {.images = 65535, .channels = 1, .pixels = 65537},
                     more = {.images = 65536, .channels = 2, .pixels = 65536};
    cr_assert(loss_check_sortable(NULL, &most) == NULL);
    cr_assert(loss_check_sortable(NULL, &more) != NULL);
}
