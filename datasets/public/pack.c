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
        code = split_collection(name, &view, p->usable, NULL, request, out, error);
    }
    free(view.boxes);
    return code;
}
