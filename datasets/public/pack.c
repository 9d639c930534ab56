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

int check_step(const char *name, const char *what, size_t side, size_t step, lb_error *error) {
    const size_t below = side - side % step;
    if (side == below) return LB_OK;
    return lb_fail(error, LB_INVALID, "data set '%s': %s=%zu is no multiple of %zu; ask for %zu or %zu", name, what,
                   side, step, below, below + step);
}

int image_pool_allocate(image_pool *p, size_t height, size_t width, size_t count, unsigned want, size_t boxes,
                        lb_error *error) {
    *p = (image_pool){.height = height, .width = width, .items.count = count};
    int code = items_allocate(&p->items, height * width, 1, ITEMS_BYTES, want, boxes, error);
    if (!code) {
        p->usable = malloc(count ? count : 1);
        if (p->usable)
            memset(p->usable, 1, count);
        else
            code = lb_fail_memory(error, "the images of a data set");
    }
    if (code) image_pool_free(p);
    return code;
}

void image_pool_free(image_pool *p) {
    items_free(&p->items);
    free(p->usable);
    *p = (image_pool){0};
}

int image_pool_finish(image_pool *p, lb_error *error) {
    return split_drop_duplicates(&p->items, p->height * p->width, p->usable, &p->duplicates, &p->conflicts, error);
}

static uint64_t hash_number(uint64_t state, uint32_t x) {
    const unsigned char bytes[] = {(unsigned char)x, (unsigned char)(x >> 8), (unsigned char)(x >> 16),
                                   (unsigned char)(x >> 24)};
    return hash64_add(state, bytes, sizeof bytes);
}

static uint64_t hash_box(uint64_t state, const dataset_box *box) {
    const float sides[] = {box->x1, box->y1, box->x2, box->y2};
    state = hash_number(state, box->type);
    for (size_t k = 0; k < 4; k++) {
        uint32_t bits;
        memcpy(&bits, &sides[k], sizeof bits);
        state = hash_number(state, bits);
    }
    return state;
}

/* Item `item`, whose boxes start at boxes[first]; *first moves behind them. */
static uint64_t hash_item(uint64_t state, const image_pool *p, size_t item, size_t *first) {
    const dataset_items *all = &p->items;
    const size_t area = p->height * p->width, start = *first;
    const unsigned char type[] = {(unsigned char)all->types[item], (unsigned char)(all->types[item] >> 8)};
    while (*first < all->box_count && all->boxes[*first].item == item) ++*first;
    if (!p->usable[item]) return state;
    state = hash64_add(hash_number(state, all->parts[item]), type, sizeof type);
    state = hash64_add(state, all->pixels + item * area, area);
    if (all->masks) state = hash64_add(state, all->masks + item * area, area);
    if (all->boxes) state = hash_number(state, (uint32_t)(*first - start));
    for (size_t b = start; b < *first; b++) state = hash_box(state, &all->boxes[b]);
    return state;
}

int image_pool_identify(const image_pool *p, char *out, size_t size, lb_error *error) {
    uint64_t state = HASH64_START;
    for (size_t i = 0, box = 0; i < p->items.count; i++) state = hash_item(state, p, i, &box);
    if (snprintf(out, size, "content=%016llx", (unsigned long long)hash64_finish(state)) < (int)size) return LB_OK;
    return lb_fail(error, LB_INVALID, "no room for the content of a data set in %zu bytes", size);
}

/* One box around the mask of each defect that is used, by item. Free `boxes`. */
static int boxes_around_masks(const image_pool *p, dataset_box **boxes, size_t *count, lb_error *error) {
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

int image_pool_open(const image_pool *p, const char *name, const char *const *type_names, const unsigned char *given,
                    const dataset_request *request, dataset *out, lb_error *error) {
    dataset_items view = p->items; /* borrowed, but boxes around masks */
    const int around = (request->want & DATASET_BOXES) && !view.boxes && view.masks;
    int code = around ? boxes_around_masks(p, &view.boxes, &view.box_count, error) : LB_OK;
    if (!code) {
        *out = (dataset){.height = p->height,
                         .width = p->width,
                         .channels = 1,
                         .type_names = type_names,
                         .duplicates = p->duplicates,
                         .conflicts = p->conflicts,
                         .vanished = p->vanished,
                         .empty = p->empty,
                         .between = p->between,
                         .absent = p->absent,
                         .cut = p->cut,
                         .bad_boxes = p->bad_boxes,
                         .unmarked = p->unmarked};
        code = split_collection(name, &view, p->usable, given, request, out, error);
    }
    if (around) free(view.boxes);
    return code;
}
