/* RSDDs: 195 images of rail surface with a mask each, of express rails (Type-I, 67 images, 160 pixels wide) and of
   common and heavy haul rails (Type-II, 128 images, 55 pixels wide). J. Gan, Q. Li, J. Wang, H. Yu, "A Hierarchical
   Extractor-Based Visual Rail Surface Inspection System", IEEE Sensors Journal 17(23), 7935-7944 (2017).

   Every image shows a defect, so an item is a tile: squares as wide as the image, cut from its top without overlap;
   what is left at the bottom is not used. A tile with at least LEAST_DEFECT defect pixels (mask > 127) is a defect, one
   with none is good, and those in between are left out. Picture and mask are then resized to size x size.

   A part is one image, or all images with the same pixels: the data hold 14 pairs of them. Tiles are made once per type
   and size in a process and kept until `forget`; one thread at a time. */
#include "datasets/public/file_names.h"
#include "datasets/public/kept_pools.h"
#include "datasets/public/pack.h"
#include "datasets/public/picture.h"
#include "lib/base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, LEAST_DEFECT = 8, MASK_LEVEL = 127, PATH = PACK_PATH + 300 };

#define NAME "rsdds"
#define FOLDER_I "Type-I RSDDs dataset"
#define FOLDER_II "Type-II RSDDs dataset"
#define IMAGES "Rail surface images" /* in each of both */
#define MASKS "GroundTruth"

enum { PARAM_TYPE, PARAM_SIZE };
enum { TYPE_I = 1, TYPE_II = 2 };
static const param_word type_words[] = {{"II", TYPE_II}, {"I", TYPE_I}, {NULL, 0}};
static const param params[] = {
    [PARAM_TYPE] = {"type", TYPE_II, TYPE_I, TYPE_II, PARAM_CHOICE, 0, 0, type_words,
                    "kind of rail: I express, II common and heavy haul"},
    [PARAM_SIZE] = {"size", 64, 16, 160, PARAM_INTEGER, 0, 0, NULL, "side of a tile after resizing, in pixels"}};

static const struct {
    const char *folder;
    size_t width; /* of each image, in pixels */
} kinds[] = {[TYPE_I] = {FOLDER_I, 160}, [TYPE_II] = {FOLDER_II, 55}};

static const char *const type_names[] = {"good", "defect", NULL};

/* --- the list of images --- */

/* Numbers n of the files rail_<n>.jpg of a folder, ascending. */
typedef struct {
    uint32_t *numbers; /* owned */
    size_t count;
} rail_list;

static int by_number(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Other files, such as a viewer's thumbnails, are none of ours. */
static int read_number(const char *file, uint32_t *number) {
    char exact[40];
    unsigned n;
    if (sscanf(file, "rail_%9u", &n) != 1) return 0;
    snprintf(exact, sizeof exact, "rail_%u.jpg", n);
    *number = n;
    return strcmp(file, exact) == 0;
}

/* Free out->numbers, also after a failure. */
static int list_folder(const char *pack, const char *folder, rail_list *out, lb_error *error) {
    char path[PATH];
    file_names files;
    snprintf(path, sizeof path, "%s/%s", pack, folder);
    int code = file_names_read(path, &files, error);
    if (code) return code;
    out->numbers = malloc((files.count ? files.count : 1) * sizeof *out->numbers);
    if (!out->numbers) code = lb_fail_memory(error, "the list of images");
    for (size_t i = 0; i < files.count && !code; i++)
        out->count += (size_t)read_number(files.names[i], &out->numbers[out->count]);
    if (out->count) qsort(out->numbers, out->count, sizeof *out->numbers, by_number);
    file_names_free(&files);
    return code;
}

/* Images and masks come in pairs; names the first that lacks its other half. */
static int check_pairs(const char *pack, const rail_list *images, const rail_list *masks, lb_error *error) {
    size_t i = 0;
    while (i < images->count && i < masks->count && images->numbers[i] == masks->numbers[i]) i++;
    if (i < images->count || i < masks->count) {
        const int mask_lacks = i == masks->count || (i < images->count && images->numbers[i] < masks->numbers[i]);
        return lb_fail(error, LB_FORMAT, "'%.250s/%s/rail_%u.jpg' is missing; unpack data set '" NAME "' anew", pack,
                       mask_lacks ? MASKS : IMAGES, mask_lacks ? images->numbers[i] : masks->numbers[i]);
    }
    if (images->count >= 2) return LB_OK;
    return lb_fail(error, LB_FORMAT,
                   "'%.250s/" IMAGES "' holds %zu images rail_<n>.jpg, and at least 2 are needed; unpack data set "
                   "'" NAME "' anew",
                   pack, images->count);
}

static int list_rails(const char *pack, rail_list *rails, lb_error *error) {
    rail_list masks = {0};
    int code = list_folder(pack, IMAGES, rails, error);
    if (!code) code = list_folder(pack, MASKS, &masks, error);
    if (!code) code = check_pairs(pack, rails, &masks, error);
    free(masks.numbers);
    return code;
}

/* --- reading --- */

typedef struct {
    picture image, mask; /* of one size; mask 0 or 255 */
    uint64_t pixels;     /* hash of the image */
    uint32_t part;       /* number of the first image with these pixels */
} rail;

static void rails_free(rail *rails, size_t count) {
    for (size_t i = 0; rails && i < count; i++) {
        picture_free(&rails[i].image);
        picture_free(&rails[i].mask);
    }
    free(rails);
}

static int check_sizes(const rail *r, size_t width, const char *image, const char *mask, lb_error *error) {
    if (r->image.width != width || r->image.height < width)
        return lb_fail(
            error, LB_FORMAT,
            "'%.300s' is %zu x %zu pixels (width x height), and this type's images are %zu wide and at least "
            "as high; unpack data set '" NAME "' anew",
            image, r->image.width, r->image.height, width);
    if (r->mask.width == r->image.width && r->mask.height == r->image.height) return LB_OK;
    return lb_fail(error, LB_FORMAT,
                   "mask '%.180s' is %zu x %zu pixels and its image '%.180s' %zu x %zu (width x height); unpack data "
                   "set '" NAME "' anew",
                   mask, r->mask.width, r->mask.height, image, r->image.width, r->image.height);
}

static int read_rail(rail *r, const char *pack, uint32_t number, size_t width, lb_error *error) {
    char image[PATH], mask[PATH];
    snprintf(image, sizeof image, "%s/" IMAGES "/rail_%u.jpg", pack, number);
    snprintf(mask, sizeof mask, "%s/" MASKS "/rail_%u.jpg", pack, number);
    int code = picture_read(image, &r->image, error);
    if (!code) code = picture_read(mask, &r->mask, error);
    if (!code) code = check_sizes(r, width, image, mask, error);
    if (code) return code;
    picture_binarise(r->mask.pixels, r->mask.height * width, MASK_LEVEL);
    r->pixels = hash64_add(HASH64_START, r->image.pixels, r->image.height * width);
    return LB_OK;
}

/* The first of the rails before `i` that shows the same, or `i`. */
static size_t first_like(const rail *rails, size_t i) {
    size_t first = 0;
    while (first < i && (rails[first].pixels != rails[i].pixels || rails[first].image.height != rails[i].image.height))
        first++;
    return first;
}

static int read_rails(const char *pack, const rail_list *list, size_t width, rail *rails, lb_error *error) {
    int code = LB_OK;
    for (size_t i = 0; i < list->count && !code; i++) {
        code = read_rail(&rails[i], pack, list->numbers[i], width, error);
        rails[i].part = list->numbers[first_like(rails, i)];
    }
    return code;
}

/* --- tiles --- */

static size_t count_tiles(const rail *rails, size_t count) {
    size_t tiles = 0;
    for (size_t i = 0; i < count; i++) tiles += rails[i].image.height / rails[i].image.width;
    return tiles;
}

static size_t defect_pixels(const unsigned char *mask, size_t n) {
    size_t found = 0;
    for (size_t i = 0; i < n; i++) found += mask[i] != 0;
    return found;
}

/* Appends the tile whose first row is `top`, unless it is left out; items.count is the number of items so far. */
static int add_tile(image_pool *pool, const rail *r, size_t top, lb_error *error) {
    const size_t side = r->image.width, area = pool->height * pool->width, at = pool->items.count;
    const size_t defects = defect_pixels(r->mask.pixels + top * side, side * side);
    unsigned char *pixels = pool->items.pixels + at * area, *mask = pool->items.masks + at * area;
    if (defects > 0 && defects < LEAST_DEFECT) {
        pool->between++;
        return LB_OK;
    }
    int code = picture_resize(&r->image, top, 0, side, side, pool->height, pool->width, pixels, error);
    if (!code) code = picture_resize(&r->mask, top, 0, side, side, pool->height, pool->width, mask, error);
    if (code) return code;
    picture_binarise(mask, area, MASK_LEVEL);
    if (defects > 0 && defect_pixels(mask, area) == 0) {
        pool->vanished++;
        return LB_OK;
    }
    pool->items.types[at] = defects > 0;
    pool->items.parts[at] = r->part;
    pool->items.count++;
    return LB_OK;
}

static int cut_tiles(const rail *rails, size_t count, size_t size, image_pool *pool, lb_error *error) {
    int code = image_pool_allocate(pool, size, size, count_tiles(rails, count), DATASET_MASKS, 0, error);
    pool->items.count = 0;
    for (size_t i = 0; i < count && !code; i++)
        for (size_t top = 0; top + rails[i].image.width <= rails[i].image.height && !code; top += rails[i].image.width)
            code = add_tile(pool, &rails[i], top, error);
    if (!code) code = image_pool_finish(pool, error);
    return code;
}

/* --- the pack --- */

static int read_type(const char *directory, int type, size_t size, image_pool *out, lb_error *error) {
    char folder[PATH];
    rail_list list = {0};
    rail *rails = NULL;
    snprintf(folder, sizeof folder, "%s/%s", directory, kinds[type].folder);
    int code = list_rails(folder, &list, error);
    if (!code) {
        rails = calloc(list.count, sizeof *rails);
        code = rails ? read_rails(folder, &list, kinds[type].width, rails, error)
                     : lb_fail_memory(error, "the images of '" NAME "'");
    }
    if (!code) code = cut_tiles(rails, list.count, size, out, error);
    rails_free(rails, list.count);
    free(list.numbers);
    return code;
}

static int read_type_i(const char *directory, size_t size, image_pool *out, lb_error *error) {
    return read_type(directory, TYPE_I, size, out, error);
}

static int read_type_ii(const char *directory, size_t size, image_pool *out, lb_error *error) {
    return read_type(directory, TYPE_II, size, out, error);
}

/* By size. */
static kept_pools pools[] = {
    [TYPE_I] = {.name = NAME, .marker = FOLDER_I, .read = read_type_i},
    [TYPE_II] = {.name = NAME, .marker = FOLDER_II, .read = read_type_ii},
};

static int get_pool(const double *values, const dataset_request *request, const image_pool **out, lb_error *error) {
    return kept_pools_get(&pools[(int)values[PARAM_TYPE]], (size_t)values[PARAM_SIZE], request->search, out, error);
}

static void forget(void) {
    kept_pools_forget(&pools[TYPE_I]);
    kept_pools_forget(&pools[TYPE_II]);
}

static int identify(const double *values, const dataset_request *request, char *out, size_t size, lb_error *error) {
    const image_pool *pool;
    const int code = get_pool(values, request, &pool, error);
    return code ? code : image_pool_identify(pool, out, size, error);
}

static int open_tiles(const double *values, const dataset_request *request, dataset *out, lb_error *error) {
    const image_pool *pool;
    const int code = get_pool(values, request, &pool, error);
    return code ? code : image_pool_open(pool, NAME, type_names, NULL, request, out, error);
}

const dataset_type dataset_rsdds = {
    .name = NAME,
    .version = VERSION,
    .summary = "square tiles of rail surface, with the defect's mask",
    .tasks = "classification, masks, boxes",
    .source = "http://icn.bjtu.edu.cn/Visint/resources/RSDDs.aspx",
    .licence = "none stated; cite the paper",
    .citation =
        "J. Gan, Q. Li, J. Wang, H. Yu, A Hierarchical Extractor-Based Visual Rail Surface Inspection System, IEEE "
        "Sensors Journal 17(23), 7935-7944 (2017)",
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .identify = identify,
    .open = open_tiles,
    .forget = forget,
};
