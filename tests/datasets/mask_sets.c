#include "tests/datasets/mask_sets.h"

#include "lib/base/hash.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

const char *public_data(void) {
    const char *path = getenv("LOSSBENCH_DATASETS");
    return path ? path : "datasets/public/cache:../shared/datasets";
}

dataset open_public(const char *expression, unsigned seed) {
    const dataset_request request = {.seed = seed, .want = DATASET_MASKS, .search = public_data()};
    lb_error error = {0};
    dataset d;
    const int code = dataset_open(expression, &request, &d, &error);
    if (code == LB_NOT_FOUND) cr_skip_test("%s is not fetched", expression);
    cr_assert(eq(int, code, LB_OK), "%s", error.message);
    return d;
}

size_t count_type(const dataset *d, int type) {
    size_t count = 0;
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < d->sets[set].count; i++) count += type < 0 || d->sets[set].types[i] == type;
    return count;
}

typedef struct {
    uint64_t key;
    int set;
} keyed;

static int by_key(const void *a, const void *b) {
    const keyed *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static uint64_t hash_of(const unsigned char *pixels, size_t n) {
    return hash64_finish(hash64_add(HASH64_START, pixels, n));
}

/* Sorted by part, or by picture; *count items. Free it. */
static keyed *keys_of(const dataset *d, int of_pictures, size_t *count) {
    const size_t area = d->height * d->width;
    keyed *keys = malloc((count_type(d, -1) + 1) * sizeof *keys);
    cr_assert(keys != NULL);
    *count = 0;
    for (int set = 0; set < SET_COUNT; set++)
        for (size_t i = 0; i < d->sets[set].count; i++)
            keys[(*count)++] =
                (keyed){of_pictures ? hash_of(d->sets[set].pixels + i * area, area) : d->sets[set].parts[i], set};
    qsort(keys, *count, sizeof *keys, by_key);
    return keys;
}

size_t count_parts(const dataset *d, uint32_t *most) {
    size_t count, parts = 0;
    keyed *keys = keys_of(d, 0, &count);
    for (size_t i = 0; i < count; i++) parts += i == 0 || keys[i].key != keys[i - 1].key;
    *most = count ? (uint32_t)keys[count - 1].key : 0;
    free(keys);
    return parts;
}

static void expect_keys_apart(const dataset *d) {
    size_t count, copies = 0, torn = 0;
    keyed *parts = keys_of(d, 0, &count), *pictures = keys_of(d, 1, &count);
    for (size_t i = 1; i < count; i++) {
        torn += parts[i].key == parts[i - 1].key && parts[i].set != parts[i - 1].set;
        copies += pictures[i].key == pictures[i - 1].key;
    }
    cr_expect(eq(sz, torn, 0));
    cr_expect(eq(sz, copies, 0));
    free(parts);
    free(pictures);
}

static void expect_mask(const unsigned char *mask, size_t n, int is_defect) {
    size_t marked = 0, grey = 0;
    for (size_t i = 0; i < n; i++) {
        marked += mask[i] == 255;
        grey += mask[i] != 0 && mask[i] != 255;
    }
    cr_assert(eq(sz, grey, 0));
    cr_assert(eq(int, marked > 0, is_defect));
}

void expect_sound(const dataset *d) {
    const size_t area = d->height * d->width;
    expect_keys_apart(d);
    for (int set = 0; set < SET_COUNT; set++) {
        cr_assert(d->sets[set].masks != NULL);
        for (size_t i = 0; i < d->sets[set].count; i++)
            expect_mask(d->sets[set].masks + i * area, area, d->sets[set].types[i] != 0);
    }
}

void expect_same_data(const dataset *a, const dataset *b) {
    const size_t area = a->height * a->width;
    for (int set = 0; set < SET_COUNT; set++) {
        const dataset_items *x = &a->sets[set], *y = &b->sets[set];
        cr_assert(eq(sz, x->count, y->count));
        cr_expect(eq(int, memcmp(x->pixels, y->pixels, x->count * area), 0));
        cr_expect(eq(int, memcmp(x->masks, y->masks, x->count * area), 0));
        cr_expect(eq(int, memcmp(x->types, y->types, x->count * sizeof *x->types), 0));
        cr_expect(eq(int, memcmp(x->parts, y->parts, x->count * sizeof *x->parts), 0));
    }
}
