/* Magnetic tile defects: 1,344 grey images of magnetic tiles of many sizes, each with a pixel mask; five kinds of
   defect and clean tiles. Y. Huang, C. Qiu, K. Yuan, "Surface defect saliency of magnetic tile", The Visual Computer
   36, 85-96 (2020).

   Whole images are resized to one size. A tile was photographed under about six lightings, with neighbouring frame
   numbers, and its images look alike: images whose numbers lie close together are one part, whatever their class (a
   defect does not show in every lighting, so some parts hold good and defective images). */
#include "datasets/public/file_names.h"
#include "datasets/public/kept_pools.h"
#include "datasets/public/picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, LEVEL = 127, PART_GAP = 200, LONG_PATH = PACK_PATH + 100 };

#define NAME "magnetic_tile"

static const char *const folders[] = {"MT_Free/Imgs",  "MT_Blowhole/Imgs", "MT_Break/Imgs",
                                      "MT_Crack/Imgs", "MT_Fray/Imgs",     "MT_Uneven/Imgs"};
enum { TYPES = sizeof folders / sizeof *folders };
static const char *const type_names[TYPES + 1] = {"good", "Blowhole", "Break", "Crack", "Fray", "Uneven", NULL};

static const param params[] = {
    {"size", 64, 64, 256, PARAM_INTEGER, 0, 0, NULL,
     "pixels, height and width that each image is resized to; below 64 the masks of too many defects vanish"}};

/* --- the list of images --- */

/* exp<lighting>_num_<number>.jpg and .png */
typedef struct {
    unsigned number, lighting;
    uint16_t type;
} entry;

typedef struct {
    entry *entries;
    size_t count;
} entry_list;

/* Also the order of the pool. No two are equal: a folder cannot hold a name twice. */
static int by_number(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->number != y->number) return x->number < y->number ? -1 : 1;
    if (x->lighting != y->lighting) return x->lighting < y->lighting ? -1 : 1;
    return (x->type > y->type) - (x->type < y->type);
}

static void write_name(const entry *e, const char *ending, char *out, size_t size) {
    snprintf(out, size, "exp%u_num_%u.%s", e->lighting, e->number, ending);
}

/* Whether the name is exactly the one that the numbers in it make. */
static int read_name(const char *name, const char *ending, entry *out) {
    char again[60];
    if (sscanf(name, "exp%9u_num_%9u", &out->lighting, &out->number) != 2) return 0;
    write_name(out, ending, again, sizeof again);
    return strcmp(name, again) == 0;
}

/* Image and mask of one stem follow each other in the order of names. */
static int read_pair(const char *folder, const file_names *f, size_t at, entry *out, lb_error *error) {
    char mask[60];
    entry image = {0};
    if (read_name(f->names[at], "png", &image))
        return lb_fail(error, LB_FORMAT,
                       "'%.250s/%.60s' is a mask without its image; fetch the data again with `make datasets`", folder,
                       f->names[at]);
    if (!read_name(f->names[at], "jpg", out))
        return lb_fail(
            error, LB_FORMAT,
            "'%.250s/%.60s' is not named exp<lighting>_num_<number>.jpg or .png; remove what does not belong", folder,
            f->names[at]);
    write_name(out, "png", mask, sizeof mask);
    if (at + 1 < f->count && strcmp(f->names[at + 1], mask) == 0) return LB_OK;
    return lb_fail(error, LB_FORMAT, "'%.250s/%.60s' lacks its mask %s; fetch the data again with `make datasets`",
                   folder, f->names[at], mask);
}

static int list_class(const char *directory, uint16_t type, entry_list *l, lb_error *error) {
    char folder[LONG_PATH];
    file_names f = {0};
    snprintf(folder, sizeof folder, "%s/%s", directory, folders[type]);
    int code = file_names_read(folder, &f, error);
    entry *more = code ? NULL : realloc(l->entries, (l->count + f.count / 2 + 1) * sizeof *more);
    if (more)
        l->entries = more;
    else if (!code)
        code = lb_fail_memory(error, "the list of images");
    for (size_t i = 0; i < f.count && !code; i += 2) {
        code = read_pair(folder, &f, i, &l->entries[l->count], error);
        if (!code) l->entries[l->count++].type = type;
    }
    file_names_free(&f);
    return code;
}

static int list_images(const char *directory, entry_list *l, lb_error *error) {
    int code = LB_OK;
    for (uint16_t type = 0; type < TYPES && !code; type++) code = list_class(directory, type, l, error);
    if (!code) qsort(l->entries, l->count, sizeof *l->entries, by_number);
    return code;
}

/* --- images --- */

static size_t count_marked(const unsigned char *mask, size_t n) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += mask[i] > LEVEL;
    return count;
}

static int resize_whole(const picture *p, const image_pool *pool, unsigned char *out, lb_error *error) {
    return picture_resize(p, 0, 0, p->height, p->width, pool->height, pool->width, out, error);
}

/* Item i from its image and its grey mask, which are of one size. */
static int fill_item(image_pool *pool, size_t i, const picture *image, const picture *mask, lb_error *error) {
    const size_t area = pool->height * pool->width;
    unsigned char *out = pool->items.masks + i * area;
    int code = resize_whole(image, pool, pool->items.pixels + i * area, error);
    if (!code) code = resize_whole(mask, pool, out, error);
    if (code) return code;
    picture_binarise(out, area, LEVEL);
    const int is_defect = pool->items.types[i] != 0;
    const int empty = is_defect && !count_marked(mask->pixels, mask->height * mask->width);
    const int vanished = is_defect && !empty && !count_marked(out, area);
    pool->empty += (size_t)empty;
    pool->vanished += (size_t)vanished;
    pool->usable[i] = !empty && !vanished;
    return LB_OK;
}

/* Image and mask; the grey of the mask's edges is the share of a pixel that the defect covers. */
static int read_pictures(const char *path, const char *mask_path, uint16_t type, picture *image, picture *mask,
                         lb_error *error) {
    int code = picture_read(path, image, error);
    if (!code) code = picture_read(mask_path, mask, error);
    if (code) return code;
    if (image->height != mask->height || image->width != mask->width)
        return lb_fail(error, LB_FORMAT,
                       "'%.250s' is %zu x %zu pixels, its mask %zu x %zu; fetch the data again with `make datasets`",
                       path, image->width, image->height, mask->width, mask->height);
    if (type == 0 && count_marked(mask->pixels, mask->height * mask->width))
        return lb_fail(error, LB_FORMAT,
                       "'%.250s' marks a defect in a tile without any; fetch the data again with `make datasets`",
                       mask_path);
    return LB_OK;
}

static int read_item(const char *directory, const entry *e, image_pool *pool, size_t i, lb_error *error) {
    char name[60], path[LONG_PATH + 60], mask_path[LONG_PATH + 60];
    picture image = {0}, mask = {0};
    write_name(e, "jpg", name, sizeof name);
    snprintf(path, sizeof path, "%s/%s/%s", directory, folders[e->type], name);
    write_name(e, "png", name, sizeof name);
    snprintf(mask_path, sizeof mask_path, "%s/%s/%s", directory, folders[e->type], name);
    int code = read_pictures(path, mask_path, e->type, &image, &mask, error);
    if (!code) code = fill_item(pool, i, &image, &mask, error);
    picture_free(&image);
    picture_free(&mask);
    return code;
}

static int read_pool(const char *directory, size_t size, image_pool *out, lb_error *error) {
    entry_list l = {0};
    uint32_t part = 0;
    int code = list_images(directory, &l, error);
    if (!code && l.count == 0)
        code =
            lb_fail(error, LB_FORMAT, "'%.300s' holds no image; fetch the data again with `make datasets`", directory);
    if (!code) code = image_pool_allocate(out, size, size, l.count, DATASET_MASKS, 0, error);
    for (size_t i = 0; i < l.count && !code; i++) {
        if (i && l.entries[i].number - l.entries[i - 1].number > PART_GAP) part++;
        out->items.parts[i] = part;
        out->items.types[i] = l.entries[i].type;
        code = read_item(directory, &l.entries[i], out, i, error);
    }
    if (!code) code = image_pool_finish(out, error);
    free(l.entries);
    return code;
}

/* --- the data set --- */

static kept_pools pools = {.name = NAME, .marker = "MT_Free/Imgs", .read = read_pool};

static int identify(const double *values, const dataset_request *request, char *out, size_t size, lb_error *error) {
    const image_pool *pool;
    const int code = kept_pools_get(&pools, (size_t)values[0], request->search, &pool, error);
    return code ? code : image_pool_identify(pool, out, size, error);
}

static int open_tiles(const double *values, const dataset_request *request, dataset *out, lb_error *error) {
    const image_pool *pool;
    const int code = kept_pools_get(&pools, (size_t)values[0], request->search, &pool, error);
    return code ? code : image_pool_open(pool, NAME, type_names, NULL, request, out, error);
}

static void forget(void) { kept_pools_forget(&pools); }

const dataset_type dataset_magnetic_tile = {
    .name = NAME,
    .version = VERSION,
    .summary = "grey images of magnetic tiles, five kinds of defect against tiles without, a mask for each",
    .tasks = "image class, pixel masks",
    .source = "https://github.com/abin24/Magnetic-tile-defect-datasets. (the dot belongs to the name), commit "
              "cc4eb530b57b9cb7225bf76023873043ffd50655",
    .licence = "none stated; README: \"welcomed to use our dataset ... please cite our paper\"",
    .citation = "Y. Huang, C. Qiu, K. Yuan, Surface defect saliency of magnetic tile, The Visual Computer 36, 85-96 "
                "(2020), doi 10.1007/s00371-018-1588-5",
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .identify = identify,
    .open = open_tiles,
    .forget = forget,
};
