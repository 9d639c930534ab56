#include "datasets/public/pack.h"

#include "datasets/items.h"
#include "datasets/split.h"
#include "lib/base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- finding --- */

static int holds(const char *directory, const char *marker) {
    char path[PACK_PATH + 300];
    return snprintf(path, sizeof path, "%s/%s", directory, marker) < (int)sizeof path && access(path, F_OK) == 0;
}

int pack_find(const char *name, const char *marker, const char *search, char *directory, lb_error *error) {
    const char *at = search ? search : "";
    while (*(at += strspn(at, ":"))) {
        const int length = (int)strcspn(at, ":");
        if (snprintf(directory, PACK_PATH, "%.*s/%s", length, at, name) < PACK_PATH && holds(directory, marker))
            return LB_OK;
        if (snprintf(directory, PACK_PATH, "%.*s", length, at) < PACK_PATH && holds(directory, marker)) return LB_OK;
        at += length;
    }
    return lb_fail(error, LB_NOT_FOUND,
                   "data set '%.60s' is not in '%.200s': fetch it with `make datasets`, or name its folder with "
                   "DATASETS=directory",
                   name, search ? search : "");
}

/* --- pools --- */

int mask_pool_allocate(mask_pool *p, size_t height, size_t width, size_t count, lb_error *error) {
    *p = (mask_pool){.height = height, .width = width, .items.count = count};
    int code = items_allocate(&p->items, height * width, 1, ITEMS_BYTES, DATASET_MASKS, 0, error);
    if (!code) {
        p->usable = malloc(count ? count : 1);
        if (p->usable)
            memset(p->usable, 1, count);
        else
            code = lb_fail_memory(error, "the images of a data set");
    }
    if (code) mask_pool_free(p);
    return code;
}

void mask_pool_free(mask_pool *p) {
    items_free(&p->items);
    free(p->usable);
    *p = (mask_pool){0};
}

int mask_pool_finish(mask_pool *p, lb_error *error) {
    return split_drop_duplicates(&p->items, p->height * p->width, p->usable, &p->duplicates, &p->conflicts, error);
}

int mask_pool_identify(const mask_pool *p, char *out, size_t size, lb_error *error) {
    const size_t area = p->height * p->width;
    uint64_t state = HASH64_START;
    for (size_t i = 0; i < p->items.count; i++) {
        if (!p->usable[i]) continue;
        const uint32_t part = p->items.parts[i], type = p->items.types[i];
        const unsigned char label[] = {(unsigned char)part,         (unsigned char)(part >> 8),
                                       (unsigned char)(part >> 16), (unsigned char)(part >> 24),
                                       (unsigned char)type,         (unsigned char)(type >> 8)};
        state = hash64_add(state, label, sizeof label);
        state = hash64_add(state, p->items.pixels + i * area, area);
        state = hash64_add(state, p->items.masks + i * area, area);
    }
    if (snprintf(out, size, "content=%016llx", (unsigned long long)hash64_finish(state)) < (int)size) return LB_OK;
    return lb_fail(error, LB_INVALID, "no room for the content of a data set in %zu bytes", size);
}

/* One box around the mask of each defect that is used, by item. Free `boxes`. */
static int boxes_of(const mask_pool *p, dataset_box **boxes, size_t *count, lb_error *error) {
    *count = 0;
    *boxes = malloc((p->items.count ? p->items.count : 1) * sizeof **boxes);
    if (!*boxes) return lb_fail_memory(error, "the boxes of a data set");
    for (size_t i = 0; i < p->items.count; i++)
        if (p->usable[i] && p->items.types[i] != 0)
            (*boxes)[(*count)++] = items_box_of_mask(p->items.masks + i * p->height * p->width, p->height, p->width,
                                                     (uint32_t)i, p->items.types[i]);
    return LB_OK;
}

/* --- splitting --- */

static int by_value(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* *alone: whether at least half of the goods are of parts without a defect. */
static int find_goods_alone(const mask_pool *p, int *alone, lb_error *error) {
    const dataset_items *all = &p->items;
    uint32_t *mixed = malloc((all->count ? all->count : 1) * sizeof *mixed); /* parts with a defect, ascending */
    size_t n = 0, goods = 0, found = 0;
    if (!mixed) return lb_fail_memory(error, "the split of a data set");
    for (size_t i = 0; i < all->count; i++)
        if (p->usable[i] && all->types[i] != 0) mixed[n++] = all->parts[i];
    qsort(mixed, n, sizeof *mixed, by_value);
    for (size_t i = 0; i < all->count; i++) {
        if (!p->usable[i] || all->types[i] != 0) continue;
        goods++;
        found += n == 0 || !bsearch(&all->parts[i], mixed, n, sizeof *mixed, by_value);
    }
    free(mixed);
    *alone = 2 * found >= goods;
    return LB_OK;
}

/* Deals all parts by the shares of goods; set_of is [items.count]. */
static int deal_mixed(const mask_pool *p, const char *name, unsigned seed, unsigned char *set_of, lb_error *error) {
    split_shares shares = split_usual;
    char stream_name[100];
    item_split split = {0};
    memcpy(shares.defect, shares.good, sizeof shares.defect);
    snprintf(stream_name, sizeof stream_name, "parts|%.60s|seed=%u", name, seed);
    rng stream = rng_from_text(stream_name);
    const int code = split_by_part(&p->items, p->usable, &shares, &stream, &split, error);
    for (int set = 0; set < SET_COUNT && !code; set++)
        for (size_t i = 0; i < split.count[set]; i++) set_of[split.items[set][i]] = (unsigned char)set;
    split_free(&split);
    return code;
}

/* The usual split gives calibrate no part with a defect. Where most goods are tiles of an image that shows a defect
   elsewhere it would find few goods or none there: then calibrate gets such parts as well. */
static int split_pool(const mask_pool *p, const char *name, const dataset_items *view, const dataset_request *request,
                      dataset *out, lb_error *error) {
    unsigned char *set_of = NULL;
    int alone = 0, code = find_goods_alone(p, &alone, error);
    if (!code && !alone) {
        set_of = calloc(p->items.count ? p->items.count : 1, 1);
        code = set_of ? deal_mixed(p, name, request->seed, set_of, error)
                      : lb_fail_memory(error, "the split of a data set");
    }
    if (!code) code = split_collection(name, view, p->usable, set_of, request, out, error);
    free(set_of);
    return code;
}

int mask_pool_open(const mask_pool *p, const char *name, const char *const *type_names, const dataset_request *request,
                   dataset *out, lb_error *error) {
    dataset_items view = p->items; /* borrows all but its boxes */
    view.boxes = NULL;
    int code = request->want & DATASET_BOXES ? boxes_of(p, &view.boxes, &view.box_count, error) : LB_OK;
    if (!code) {
        *out = (dataset){.height = p->height,
                         .width = p->width,
                         .channels = 1,
                         .type_names = type_names,
                         .duplicates = p->duplicates,
                         .conflicts = p->conflicts,
                         .vanished = p->vanished,
                         .empty = p->empty,
                         .between = p->between};
        code = split_pool(p, name, &view, request, out, error);
    }
    free(view.boxes);
    return code;
}
