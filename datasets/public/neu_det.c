/* NEU-DET: 1,800 grey images of hot-rolled steel strip, 200 x 200 pixels, with boxes around six kinds of defect. Y. He,
   K. Song, Q. Meng, Y. Yan, "An End-to-End Steel Surface Defect Detection Approach via Fusing Multiple Hierarchical
   Features", IEEE TIM 69(4), 1493-1504 (2020); K. Song, Y. Yan, Applied Surface Science 285, 858-864 (2013).

   Whole images are resized to one size, and their boxes with them. There are no clean images. A box is of the type that
   its annotation names, which for 123 images is not the one in the file name; an image is of the type of its largest
   box. What strip an image is from is not known: each is a part of its own, and images of one strip may be in two sets.
 */
#include "datasets/public/file_names.h"
#include "datasets/public/kept_pools.h"
#include "datasets/public/picture.h"
#include "datasets/public/voc_xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, SIZE_STEP = 8, MOST_NUMBER = 99999, LONG_PATH = PACK_PATH + 100 };

#define NAME "neu_det"
#define IMAGES "NEU-DET/IMAGES"
#define ANNOTATIONS "NEU-DET/ANNOTATIONS"

static const char *const type_names[] = {"good",           "crazing",         "inclusion", "patches",
                                         "pitted_surface", "rolled-in_scale", "scratches", NULL};

enum { PARAM_BOXES, PARAM_SIZE };
enum { BOXES_SINGLE, BOXES_ALL, BOXES };
static const param_word boxes_words[] = {{"single", BOXES_SINGLE}, {"all", BOXES_ALL}, {NULL, 0}};
static const param params[] = {
    [PARAM_BOXES] = {"boxes", BOXES_ALL, BOXES_SINGLE, BOXES_ALL, PARAM_CHOICE, 0, 0, boxes_words,
                     "single: only the images with exactly one box; all: every image"},
    [PARAM_SIZE] = {"size", 64, 32, 200, PARAM_INTEGER, 0, 0, NULL,
                    "pixels, height and width that each image is resized to; a multiple of 8"}};

/* 0: none of the six. */
static uint16_t type_of(const char *name) {
    uint16_t type = 1;
    while (type_names[type] && strcmp(name, type_names[type]) != 0) type++;
    return type_names[type] ? type : 0;
}

/* --- the list of images --- */

/* <type>_<number>.jpg and .xml */
typedef struct {
    uint16_t type; /* that the file is named after */
    uint32_t number;
    voc_annotation boxes;
} entry;

typedef struct {
    entry *entries;
    size_t count;
} entry_list;

static void free_entries(entry_list *l) {
    for (size_t i = 0; i < l->count; i++) voc_free(&l->entries[i].boxes);
    free(l->entries);
    *l = (entry_list){0};
}

/* Also the order of the pool. */
static int by_number(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->type != y->type) return x->type < y->type ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static void write_path(const char *directory, const char *folder, const entry *e, const char *ending,
                       char out[LONG_PATH]) {
    snprintf(out, LONG_PATH, "%s/%s/%s_%u.%s", directory, folder, type_names[e->type], e->number, ending);
}

/* Whether the name is exactly the one that its type and number make. */
static int read_name(const char *name, const char *ending, entry *out) {
    char stem[40], again[60];
    const char *bar = strrchr(name, '_');
    const size_t length = bar ? (size_t)(bar - name) : 0;
    if (length < 1 || length >= sizeof stem) return 0;
    memcpy(stem, name, length);
    stem[length] = '\0';
    *out = (entry){.type = type_of(stem), .number = (uint32_t)strtoul(bar + 1, NULL, 10)};
    if (out->type == 0 || out->number > MOST_NUMBER) return 0;
    snprintf(again, sizeof again, "%s_%u.%s", stem, out->number, ending);
    return strcmp(name, again) == 0;
}

static int list_folder(const char *directory, const char *folder, const char *ending, entry_list *l, lb_error *error) {
    char path[LONG_PATH];
    file_names f = {0};
    snprintf(path, sizeof path, "%s/%s", directory, folder);
    int code = file_names_read(path, &f, error);
    if (!code) {
        l->entries = calloc(f.count + 1, sizeof *l->entries);
        if (!l->entries) code = lb_fail_memory(error, "the list of images");
    }
    for (size_t i = 0; i < f.count && !code; i++)
        if (!read_name(f.names[i], ending, &l->entries[l->count++]))
            code =
                lb_fail(error, LB_FORMAT, "'%.250s/%.60s' is not named <type>_<number>.%s; remove what does not belong",
                        path, f.names[i], ending);
    if (!code) qsort(l->entries, l->count, sizeof *l->entries, by_number);
    file_names_free(&f);
    return code;
}

/* Leaves in `l` what is in `other` too; returns how many are in one of them alone. Both are in order. */
static size_t keep_common(entry_list *l, const entry_list *other) {
    size_t kept = 0, at = 0;
    for (size_t i = 0; i < l->count; i++) {
        while (at < other->count && by_number(&other->entries[at], &l->entries[i]) < 0) at++;
        if (at < other->count && by_number(&other->entries[at], &l->entries[i]) == 0)
            l->entries[kept++] = l->entries[i];
    }
    const size_t alone = l->count + other->count - 2 * kept;
    l->count = kept;
    return alone;
}

/* The images that have an annotation, and the annotations that have an image. */
static int list_images(const char *directory, entry_list *l, size_t *absent, lb_error *error) {
    entry_list images = {0};
    int code = list_folder(directory, ANNOTATIONS, "xml", l, error);
    if (!code) code = list_folder(directory, IMAGES, "jpg", &images, error);
    if (!code) *absent = keep_common(l, &images);
    if (!code && l->count == 0)
        code = lb_fail(error, LB_FORMAT, "'%.300s' holds no image with its annotation; unpack data set '" NAME "' anew",
                       directory);
    free_entries(&images);
    return code;
}

/* --- annotations --- */

static int is_item(const voc_annotation *a, int boxes) {
    return a->count > 0 && (boxes == BOXES_ALL || a->count + a->bad == 1);
}

static int read_annotation(const char *directory, entry *e, lb_error *error) {
    char path[LONG_PATH];
    write_path(directory, ANNOTATIONS, e, "xml", path);
    int code = voc_read(path, &e->boxes, error);
    for (size_t i = 0; i < e->boxes.count && !code; i++)
        if (type_of(e->boxes.objects[i].name) == 0)
            code = lb_fail(error, LB_FORMAT,
                           "'%.250s' names '%.60s', which is none of the six types; unpack data set '" NAME "' anew",
                           path, e->boxes.objects[i].name);
    return code;
}

/* Fills in the boxes of every image; *items of them, with *boxes_of_items, are to be used. */
static int read_annotations(const char *directory, int boxes, entry_list *l, size_t *items, size_t *boxes_of_items,
                            lb_error *error) {
    int code = LB_OK;
    *items = *boxes_of_items = 0;
    for (size_t i = 0; i < l->count && !code; i++) {
        const voc_annotation *a = &l->entries[i].boxes;
        code = read_annotation(directory, &l->entries[i], error);
        if (!is_item(a, boxes)) continue;
        ++*items;
        *boxes_of_items += a->count;
    }
    if (code || *items) return code;
    return lb_fail(error, LB_FORMAT, "'%.300s/" ANNOTATIONS "' holds no box to use; unpack data set '" NAME "' anew",
                   directory);
}

/* --- items --- */

/* The type of the largest box, the first of equals. */
static uint16_t type_of_largest(const voc_annotation *a) {
    const voc_object *largest = NULL;
    long most = 0;
    for (size_t i = 0; i < a->count; i++) {
        const voc_object *o = &a->objects[i];
        const long area = (long)(o->xmax - o->xmin) * (o->ymax - o->ymin);
        if (area <= most) continue;
        most = area;
        largest = o;
    }
    return largest ? type_of(largest->name) : 0;
}

static float scale(int edge, size_t from, size_t to) { return (float)((double)edge * (double)to / (double)from); }

static void add_boxes(image_pool *pool, size_t item, const voc_annotation *a) {
    for (size_t i = 0; i < a->count; i++) {
        const voc_object *o = &a->objects[i];
        pool->items.boxes[pool->items.box_count++] = (dataset_box){
            (uint32_t)item,
            type_of(o->name),
            scale(o->xmin, a->width, pool->width),
            scale(o->ymin, a->height, pool->height),
            scale(o->xmax, a->width, pool->width),
            scale(o->ymax, a->height, pool->height),
        };
    }
}

static int read_image(const char *directory, const entry *e, image_pool *pool, size_t item, lb_error *error) {
    char path[LONG_PATH];
    picture image = {0};
    write_path(directory, IMAGES, e, "jpg", path);
    int code = picture_read(path, &image, error);
    if (!code && (image.width != e->boxes.width || image.height != e->boxes.height))
        code = lb_fail(error, LB_FORMAT,
                       "'%.250s' is %zu x %zu pixels, its annotation for %zu x %zu; unpack data set '" NAME "' anew",
                       path, image.width, image.height, e->boxes.width, e->boxes.height);
    if (!code)
        code = picture_resize(&image, 0, 0, image.height, image.width, pool->height, pool->width,
                              pool->items.pixels + item * pool->height * pool->width, error);
    picture_free(&image);
    pool->items.types[item] = type_of_largest(&e->boxes);
    pool->items.parts[item] = e->type * (MOST_NUMBER + 1u) + e->number;
    add_boxes(pool, item, &e->boxes);
    return code;
}

static int fill(const char *directory, int boxes, const entry_list *l, image_pool *pool, lb_error *error) {
    size_t item = 0;
    int code = LB_OK;
    for (size_t i = 0; i < l->count && !code; i++) {
        const voc_annotation *a = &l->entries[i].boxes;
        pool->bad_boxes += a->bad;
        pool->unmarked += a->count == 0;
        if (is_item(a, boxes)) code = read_image(directory, &l->entries[i], pool, item++, error);
    }
    return code ? code : image_pool_finish(pool, error);
}

static int read_pool(const char *directory, int boxes, size_t size, image_pool *out, lb_error *error) {
    entry_list l = {0};
    size_t absent = 0, items, boxes_of_items;
    int code = list_images(directory, &l, &absent, error);
    if (!code) code = read_annotations(directory, boxes, &l, &items, &boxes_of_items, error);
    if (!code) code = image_pool_allocate(out, size, size, items, DATASET_BOXES, boxes_of_items, error);
    if (!code) {
        out->absent = absent;
        code = fill(directory, boxes, &l, out, error);
    }
    free_entries(&l);
    return code;
}

static int read_single(const char *directory, size_t size, image_pool *out, lb_error *error) {
    return read_pool(directory, BOXES_SINGLE, size, out, error);
}

static int read_all(const char *directory, size_t size, image_pool *out, lb_error *error) {
    return read_pool(directory, BOXES_ALL, size, out, error);
}

/* --- the data set --- */

/* By size. */
static kept_pools pools[BOXES] = {
    [BOXES_SINGLE] = {.name = NAME, .marker = ANNOTATIONS, .read = read_single},
    [BOXES_ALL] = {.name = NAME, .marker = ANNOTATIONS, .read = read_all},
};

static int pool_of(const double *values, const dataset_request *request, const image_pool **out, lb_error *error) {
    const size_t size = (size_t)values[PARAM_SIZE];
    const int code = check_step(NAME, "size", size, SIZE_STEP, error);
    return code ? code : kept_pools_get(&pools[(int)values[PARAM_BOXES]], size, request->search, out, error);
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

static void forget(void) {
    for (int i = 0; i < BOXES; i++) kept_pools_forget(&pools[i]);
}

const dataset_type dataset_neu_det = {
    .name = NAME,
    .version = VERSION,
    .summary = "grey images of hot-rolled steel strip with boxes around six kinds of defect; no clean images",
    .tasks = "boxes",
    .source = "http://faculty.neu.edu.cn/songkechen/zh_CN/zdylm/263270/list/index.htm (NEU-DET.zip)",
    .licence = "none stated; research use with citation",
    .citation = "Y. He, K. Song, Q. Meng, Y. Yan, An End-to-End Steel Surface Defect Detection Approach via Fusing "
                "Multiple Hierarchical Features, IEEE TIM 69(4), 1493-1504 (2020); K. Song, Y. Yan, Applied Surface "
                "Science 285, 858-864 (2013)",
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .no_clean = 1,
    .identify = identify,
    .open = open_images,
    .forget = forget,
};
