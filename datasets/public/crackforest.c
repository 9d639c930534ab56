/* CrackForest: photographs of road surface, 480 x 320 pixels, with hand-drawn masks of the cracks. Y. Shi, L. Cui,
   Z. Qi, F. Meng, Z. Chen, "Automatic road crack detection using random structured forests", IEEE T-ITS 17(12),
   3434-3445 (2016).

   Every photograph with a mask holds cracks, so the items are square tiles cut from them at their own scale: a crack is
   about 4 pixels wide and would not survive being made smaller. Tiles with only a trace of a crack are neither good nor
   defect. A photograph is a part. Those without a mask are not used. */
#include "datasets/public/file_names.h"
#include "datasets/public/kept_pools.h"
#include "datasets/public/picture.h"
#include "datasets/public/seg_text.h"
#include "datasets/whole_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { VERSION = 1, TILE_STEP = 4, MOST_SEG = 256 << 20, LONG_PATH = PACK_PATH + 100 };
enum { GOOD, CRACK };

/* A defect has at least 2 crack pixels in 1000. */
enum { CRACK_PER_MILLE = 2 };

#define NAME "crackforest"

static const char *const type_names[] = {"good", "crack", NULL};

static const param params[] = {{"tile", 64, 32, 160, PARAM_INTEGER, 0, 0, NULL,
                                "pixels, height and width of the tiles that the photographs are cut into; a multiple "
                                "of 4"}};

/* --- photographs --- */

typedef struct {
    uint32_t number;
    picture image, mask; /* of one size */
} photograph;

typedef struct {
    photograph *items;
    size_t count;
} photograph_list;

static void free_photographs(photograph_list *l) {
    for (size_t i = 0; i < l->count; i++) {
        picture_free(&l->items[i].image);
        picture_free(&l->items[i].mask);
    }
    free(l->items);
}

/* The number in "<number>.seg"; 0 when it is named otherwise. */
static int read_number(const char *name, uint32_t *number) {
    const size_t digits = strspn(name, "0123456789");
    if (digits < 1 || digits > 9 || strcmp(name + digits, ".seg") != 0) return 0;
    *number = (uint32_t)strtoul(name, NULL, 10);
    return 1;
}

static int read_mask(const char *path, picture *mask, lb_error *error) {
    char *bytes;
    size_t size;
    int code = whole_file_read(path, MOST_SEG, &bytes, &size, error);
    if (!code) code = seg_text_read(bytes, size, path, mask, error);
    free(bytes);
    return code;
}

static int read_photograph(const char *directory, const char *name, photograph *out, lb_error *error) {
    char seg[LONG_PATH], path[LONG_PATH];
    if (!read_number(name, &out->number))
        return lb_fail(error, LB_FORMAT, "'%.300s/seg/%.60s' is not named <number>.seg; remove what does not belong",
                       directory, name);
    snprintf(seg, sizeof seg, "%s/seg/%s", directory, name);
    snprintf(path, sizeof path, "%s/image/%.*s.jpg", directory, (int)(strlen(name) - strlen(".seg")), name);
    if (access(path, F_OK))
        return lb_fail(error, LB_FORMAT, "'%.300s' has no image '%.60s'; fetch the data again with `make datasets`",
                       seg, path + strlen(directory) + 1);
    int code = read_mask(seg, &out->mask, error);
    if (!code) code = picture_read(path, &out->image, error);
    if (code || (out->image.width == out->mask.width && out->image.height == out->mask.height)) return code;
    return lb_fail(
        error, LB_FORMAT,
        "'%.300s' is for %zu x %zu pixels, its image has %zu x %zu; fetch the data again with `make datasets`", seg,
        out->mask.width, out->mask.height, out->image.width, out->image.height);
}

/* In the order of their names. */
static int read_photographs(const char *directory, photograph_list *l, lb_error *error) {
    char folder[LONG_PATH];
    file_names f = {0};
    snprintf(folder, sizeof folder, "%s/seg", directory);
    int code = file_names_read(folder, &f, error);
    if (!code) {
        l->items = calloc(f.count + 1, sizeof *l->items);
        if (!l->items) code = lb_fail_memory(error, "the photographs");
    }
    for (size_t i = 0; i < f.count && !code; i++)
        code = read_photograph(directory, f.names[i], &l->items[l->count++], error);
    file_names_free(&f);
    return code;
}

/* --- tiles --- */

static void copy_tile(const picture *from, size_t top, size_t left, size_t tile, unsigned char *out) {
    for (size_t y = 0; y < tile; y++) memcpy(out + y * tile, from->pixels + (top + y) * from->width + left, tile);
}

static void fill_item(image_pool *pool, size_t i, const photograph *p, size_t top, size_t left) {
    const size_t tile = pool->width, area = tile * tile;
    unsigned char *mask = pool->items.masks + i * area;
    size_t crack = 0;
    copy_tile(&p->image, top, left, tile, pool->items.pixels + i * area);
    copy_tile(&p->mask, top, left, tile, mask);
    for (size_t k = 0; k < area; k++) crack += mask[k] != 0;
    const int between = crack > 0 && 1000 * crack < CRACK_PER_MILLE * area;
    pool->items.types[i] = crack ? CRACK : GOOD;
    pool->items.parts[i] = p->number;
    pool->usable[i] = !between;
    pool->between += (size_t)between;
}

static size_t count_tiles(const photograph_list *l, size_t tile) {
    size_t count = 0;
    for (size_t i = 0; i < l->count; i++) count += l->items[i].image.height / tile * (l->items[i].image.width / tile);
    return count;
}

static void cut_tiles(const photograph_list *l, image_pool *pool) {
    const size_t tile = pool->width;
    size_t n = 0;
    for (size_t i = 0; i < l->count; i++)
        for (size_t top = 0; top + tile <= l->items[i].image.height; top += tile)
            for (size_t left = 0; left + tile <= l->items[i].image.width; left += tile)
                fill_item(pool, n++, &l->items[i], top, left);
}

static int read_pool(const char *directory, size_t tile, image_pool *out, lb_error *error) {
    photograph_list l = {0};
    int code = read_photographs(directory, &l, error);
    const size_t count = code ? 0 : count_tiles(&l, tile);
    if (!code && count == 0)
        code = lb_fail(error, LB_FORMAT,
                       "'%.300s' holds no photograph of %zu x %zu pixels or more; ask for a smaller tile", directory,
                       tile, tile);
    if (!code) code = image_pool_allocate(out, tile, tile, count, DATASET_MASKS, 0, error);
    if (!code) {
        cut_tiles(&l, out);
        code = image_pool_finish(out, error);
    }
    free_photographs(&l);
    return code;
}

/* --- the data set --- */

static kept_pools pools = {.name = NAME, .marker = "seg/001.seg", .read = read_pool};

static int pool_of(const double *values, const dataset_request *request, const image_pool **out, lb_error *error) {
    const size_t tile = (size_t)values[0];
    const int code = check_step(NAME, "tile", tile, TILE_STEP, error);
    return code ? code : kept_pools_get(&pools, tile, request->search, out, error);
}

static int identify(const double *values, const dataset_request *request, char *out, size_t size, lb_error *error) {
    const image_pool *pool;
    const int code = pool_of(values, request, &pool, error);
    return code ? code : image_pool_identify(pool, out, size, error);
}

static int open_tiles(const double *values, const dataset_request *request, dataset *out, lb_error *error) {
    const image_pool *pool;
    const int code = pool_of(values, request, &pool, error);
    return code ? code : image_pool_open(pool, NAME, type_names, NULL, request, out, error);
}

static void forget(void) { kept_pools_forget(&pools); }

const dataset_type dataset_crackforest = {
    .name = NAME,
    .version = VERSION,
    .summary = "square tiles of road surface, cracked or not, with masks of the cracks",
    .tasks = "image class, pixel masks",
    .source = "https://github.com/cuilimeng/CrackForest-dataset, commit ed57c2d96754e6c7d105805cd29aeeb3a799f267",
    .licence = "non-commercial research purposes only",
    .citation = "Y. Shi, L. Cui, Z. Qi, F. Meng, Z. Chen, Automatic road crack detection using random structured "
                "forests, IEEE T-ITS 17(12), 3434-3445 (2016)",
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .identify = identify,
    .open = open_tiles,
    .forget = forget,
};
