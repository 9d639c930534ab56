/* X-SDD: 1,360 grey images of hot-rolled steel strip, nearly all 128 x 128 pixels, each of one of seven kinds of
   defect. X. Feng, X. Gao, L. Luo, "X-SDD: A New Benchmark for Hot Rolled Steel Strip Surface Defects Detection",
   Symmetry 13(4), 706 (2021).

   Whole images are resized to one square size. There are no clean images. The numbers of a class run along the strip
   without a gap, and neighbours look alike: the likeness of their textures (correlation of log power spectra, up to 0.2
   for next neighbours) is lost in that of the class ten numbers on. A part is therefore the images of one class whose
   numbers agree but for the last digit. Longer parts would leave the rarest class, 63 images, none to choose by. */
#include "datasets/public/file_names.h"
#include "datasets/public/kept_pools.h"
#include "datasets/public/picture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, SIZE_STEP = 4, PART_NUMBERS = 10, MOST_NUMBER = 99999, LONG_PATH = PACK_PATH + 100 };

#define NAME "x_sdd"
#define IMAGES "X-SDD/datas"

static const char *const folders[] = {NULL, /* good */
                                      "slag inclusion",
                                      "red iron",
                                      "iron sheet ash",
                                      "surface scratch",
                                      "oxide scale of plate system",
                                      "finishing roll printing",
                                      "oxide scale of temperature system"};
enum { TYPES = sizeof folders / sizeof *folders };
static const char *const type_names[TYPES + 1] = {"good",
                                                  "slag_inclusion",
                                                  "red_iron",
                                                  "iron_sheet_ash",
                                                  "surface_scratch",
                                                  "oxide_scale_of_plate_system",
                                                  "finishing_roll_printing",
                                                  "oxide_scale_of_temperature_system",
                                                  NULL};

static const param params[] = {{"size", 64, 32, 128, PARAM_INTEGER, 0, 0, NULL,
                                "pixels, height and width that each image is resized to; a multiple of 4"}};

/* --- the list of images --- */

/* By type. */
typedef struct {
    file_names of[TYPES];
    size_t count; /* in all */
} image_list;

static void free_list(image_list *l) {
    for (int type = 1; type < TYPES; type++) file_names_free(&l->of[type]);
}

static void write_folder(const char *directory, int type, char out[LONG_PATH]) {
    snprintf(out, LONG_PATH, "%s/" IMAGES "/%s", directory, folders[type]);
}

static int list_images(const char *directory, image_list *l, lb_error *error) {
    char folder[LONG_PATH];
    int code = LB_OK;
    for (int type = 1; type < TYPES && !code; type++) {
        write_folder(directory, type, folder);
        code = file_names_read(folder, &l->of[type], error);
        l->count += l->of[type].count;
    }
    if (code || l->count) return code;
    return lb_fail(error, LB_FORMAT, "'%.300s/" IMAGES "' holds no image; fetch the data again with `make datasets`",
                   directory);
}

/* Whether the name is exactly <number>.jpg or <number>.png. */
static int read_number(const char *name, uint32_t *number) {
    char jpeg[30], png[30];
    *number = (uint32_t)strtoul(name, NULL, 10);
    snprintf(jpeg, sizeof jpeg, "%u.jpg", *number);
    snprintf(png, sizeof png, "%u.png", *number);
    return *number <= MOST_NUMBER && (strcmp(name, jpeg) == 0 || strcmp(name, png) == 0);
}

/* --- images --- */

/* The images of a class become the items from *item on; *item moves behind them. */
static int read_class(const char *directory, int type, const file_names *f, image_pool *pool, size_t *item,
                      lb_error *error) {
    char folder[LONG_PATH], path[LONG_PATH + 20];
    int code = LB_OK;
    write_folder(directory, type, folder);
    for (size_t i = 0; i < f->count && !code; i++, ++*item) {
        uint32_t number;
        if (!read_number(f->names[i], &number))
            return lb_fail(error, LB_FORMAT,
                           "'%.250s/%.60s' is not named <number>.jpg or .png; remove what does not belong", folder,
                           f->names[i]);
        pool->items.types[*item] = (uint16_t)type;
        pool->items.parts[*item] = (uint32_t)type * (MOST_NUMBER / PART_NUMBERS + 1) + number / PART_NUMBERS;
        snprintf(path, sizeof path, "%s/%s", folder, f->names[i]);
        code = picture_read_resized(path, pool->height, pool->width,
                                    pool->items.pixels + *item * pool->height * pool->width, error);
    }
    return code;
}

static int read_pool(const char *directory, size_t size, image_pool *out, lb_error *error) {
    image_list l = {0};
    size_t item = 0;
    int code = list_images(directory, &l, error);
    if (!code) code = image_pool_allocate(out, size, size, l.count, 0, 0, error);
    for (int type = 1; type < TYPES && !code; type++)
        code = read_class(directory, type, &l.of[type], out, &item, error);
    if (!code) code = image_pool_finish(out, error);
    free_list(&l);
    return code;
}

/* --- the data set --- */

/* By size. */
static kept_pools pools = {.name = NAME, .marker = IMAGES, .read = read_pool};

static int pool_of(const double *values, const dataset_request *request, const image_pool **out, lb_error *error) {
    const size_t size = (size_t)values[0];
    const int code = check_step(NAME, "size", size, SIZE_STEP, error);
    return code ? code : kept_pools_get(&pools, size, request->search, out, error);
}

static int identify(const double *values, const dataset_request *request, char *out, size_t size, lb_error *error) {
    const image_pool *pool;
    const int code = pool_of(values, request, &pool, error);
    return code ? code : image_pool_identify(pool, out, size, error);
}

static int open_images(const double *values, const dataset_request *request, dataset *out, lb_error *error) {
    const image_pool *pool;
    const int code = pool_of(values, request, &pool, error);
    return code ? code : image_pool_open(pool, NAME, type_names, NULL, request, out, error);
}

static void forget(void) { kept_pools_forget(&pools); }

const dataset_type dataset_x_sdd = {
    .name = NAME,
    .version = VERSION,
    .summary = "grey images of hot-rolled steel strip, seven kinds of defect; no clean images",
    .tasks = "image class",
    .source = "https://github.com/Fighter20092392/X-SDD-A-New-benchmark, commit "
              "adf880814dbd365c73fc3643019272b5637fecc2",
    .licence = "Apache-2.0",
    .citation = "X. Feng, X. Gao, L. Luo, X-SDD: A New Benchmark for Hot Rolled Steel Strip Surface Defects Detection, "
                "Symmetry 13(4), 706 (2021)",
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .no_clean = 1,
    .identify = identify,
    .open = open_images,
    .forget = forget,
};
