/* Infrared Solar Modules: 20,000 infrared images, 24 x 40 pixels, half of them modules without anomaly, half of them
   with one of eleven. M. Millendorf, E. Obropta, N. Vadhavkar, "Infrared Solar Module Dataset for Anomaly Detection",
   ICLR 2020 workshop AI for Earth Sciences.

   A block is one anomaly class (the defects) against No-Anomaly (the goods), or all eleven, each a type of its own. The
   images are cut out and numbered by class, their place on the site is not published: each image counts as a part of
   its own.

   The pack is decoded once per process, all classes of it, since identical images are looked for in all of them, and
   kept until `forget`; one thread at a time. */
#include "datasets/dataset.h"
#include "datasets/items.h"
#include "datasets/public/jpeg_image.h"
#include "datasets/public/pack.h"
#include "datasets/split.h"
#include "datasets/whole_file.h"
#include "lib/base/hash.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, WIDTH = 24, HEIGHT = 40, AREA = WIDTH * HEIGHT, MOST_IMAGES = 1000000, MOST_JSON = 256 << 20 };

#define NAME "infrared_solar_modules"
#define METADATA "InfraredSolarModules/module_metadata.json"

/* The pack calls the first No-Anomaly. */
static const char *const class_names[] = {
    "good",           "Cell",           "Cell-Multi", "Cracking", "Diode",      "Diode-Multi", "Hot-Spot",
    "Hot-Spot-Multi", "Offline-Module", "Shadowing",  "Soiling",  "Vegetation", NULL};
enum { CLASS_COUNT = sizeof class_names / sizeof *class_names - 1, CRACKING = 3, DIODE_MULTI = 5, SOILING = 10 };

/* Values of `block`: a class, or all. */
enum { ALL = CLASS_COUNT };
static const param_word block_words[] = {
    {"Soiling", SOILING}, {"Diode-Multi", DIODE_MULTI}, {"Cracking", CRACKING}, {"all", ALL}, {NULL, 0}};
static const param params[] = {{"block", SOILING, 0, ALL, PARAM_CHOICE, 0, 0, block_words,
                                "the anomaly that counts as defect; all: the eleven of them, each a type"}};

/* All images by ascending id. */
typedef struct {
    char directory[PACK_PATH]; /* that holds METADATA; "": nothing is kept */
    dataset_items images;      /* types: index into class_names; parts: id */
    unsigned char *usable;     /* [images.count], 0: left out as a copy or a contradiction */
    size_t duplicates, conflicts;
} pack;

static pack kept;

/* --- the list of images --- */

typedef struct {
    uint32_t id;
    uint16_t class;
    const char *path; /* owned by the JSON */
} entry;

static int by_id(const void *a, const void *b) {
    const entry *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int read_id(const char *key, uint32_t *id) {
    const size_t length = strlen(key);
    if (length == 0 || length > 9 || strspn(key, "0123456789") != length || (key[0] == '0' && length > 1)) return 0;
    *id = (uint32_t)strtoul(key, NULL, 10);
    return 1;
}

/* A relative path that does not climb out of the pack. */
static int path_is_inside(const char *path) {
    if (path[0] == '\0' || path[0] == '/' || strchr(path, '\\')) return 0;
    for (const char *at = path; at; at = strchr(at, '/')) {
        at += *at == '/';
        if (strncmp(at, "..", 2) == 0 && (at[2] == '/' || at[2] == '\0')) return 0;
    }
    return 1;
}

static int read_entry(const char *file, const char *key, const json_t *value, entry *out, lb_error *error) {
    const char *class = json_string_value(json_object_get(value, "anomaly_class"));
    out->path = json_string_value(json_object_get(value, "image_filepath"));
    if (!read_id(key, &out->id)) return lb_fail(error, LB_FORMAT, "'%.250s': '%.40s' is no image number", file, key);
    if (!class || !out->path)
        return lb_fail(error, LB_FORMAT, "'%.250s': image %u lacks image_filepath or anomaly_class", file, out->id);
    if (!path_is_inside(out->path))
        return lb_fail(error, LB_FORMAT, "'%.250s': image %u has the path '%.60s', which leads out of the pack", file,
                       out->id, out->path);
    out->class = 0;
    if (strcmp(class, "No-Anomaly") == 0) return LB_OK;
    for (out->class = 1; out->class < CLASS_COUNT; out->class ++)
        if (strcmp(class, class_names[out->class]) == 0) return LB_OK;
    return lb_fail(error, LB_FORMAT, "'%.250s': image %u has the unknown class '%.60s'", file, out->id, class);
}

/* Sorted by id; jansson has refused equal keys. Free *out. */
static int read_entries(const char *file, json_t *root, entry **out, size_t *count, lb_error *error) {
    const char *key;
    json_t *value;
    size_t n = 0;
    int code = LB_OK;
    *out = NULL;
    *count = json_object_size(root);
    if (*count == 0 || *count > MOST_IMAGES)
        return lb_fail(error, LB_FORMAT, "'%.250s' is no JSON object of 1 to %d images", file, MOST_IMAGES);
    *out = malloc(*count * sizeof **out);
    if (!*out) return lb_fail_memory(error, "the list of images");
    json_object_foreach(root, key, value) {
        code = read_entry(file, key, value, &(*out)[n++], error);
        if (code) break;
    }
    if (!code) qsort(*out, n, sizeof **out, by_id);
    return code;
}

/* --- decoding --- */

static void pack_free(pack *p) {
    items_free(&p->images);
    free(p->usable);
    *p = (pack){0};
}

static int read_images(pack *p, const entry *entries, lb_error *error) {
    char path[1400];
    int code = items_allocate(&p->images, AREA, 1, ITEMS_BYTES, 0, 0, error);
    for (size_t i = 0; i < p->images.count && !code; i++) {
        p->images.types[i] = entries[i].class;
        p->images.parts[i] = entries[i].id;
        if (snprintf(path, sizeof path, "%s/InfraredSolarModules/%s", p->directory, entries[i].path) >=
            (int)sizeof path)
            return lb_fail(error, LB_FORMAT, "the path of image %u is too long", entries[i].id);
        code = jpeg_image_read(path, HEIGHT, WIDTH, 1, p->images.pixels + i * AREA, error);
    }
    return code;
}

static int mark_usable(pack *p, lb_error *error) {
    p->usable = malloc(p->images.count);
    if (!p->usable) return lb_fail_memory(error, "the images of '" NAME "'");
    memset(p->usable, 1, p->images.count);
    return split_drop_duplicates(&p->images, AREA, p->usable, &p->duplicates, &p->conflicts, error);
}

static int read_json(const char *path, json_t **root, lb_error *error) {
    json_error_t problem;
    char *bytes;
    size_t size;
    const int code = whole_file_read(path, MOST_JSON, &bytes, &size, error);
    if (code) return code;
    *root = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, &problem);
    free(bytes);
    if (*root) return LB_OK;
    return lb_fail(error, LB_FORMAT, "cannot read '%.250s', line %d: %.150s", path, problem.line, problem.text);
}

static int pack_read(pack *p, lb_error *error) {
    char path[1200];
    entry *entries = NULL;
    json_t *root = NULL;
    snprintf(path, sizeof path, "%s/" METADATA, p->directory);
    int code = read_json(path, &root, error);
    if (!code) code = read_entries(path, root, &entries, &p->images.count, error);
    if (!code) code = read_images(p, entries, error);
    if (!code) code = mark_usable(p, error);
    free(entries);
    json_decref(root);
    return code;
}

/* Sets *out to the decoded pack, which stays ours. */
static int pack_open(const dataset_request *request, const pack **out, lb_error *error) {
    char directory[sizeof kept.directory];
    int code = pack_find(NAME, METADATA, request->search, directory, error);
    if (!code && strcmp(directory, kept.directory) != 0) {
        pack_free(&kept);
        memcpy(kept.directory, directory, sizeof directory);
        code = pack_read(&kept, error);
        if (code) pack_free(&kept);
    }
    *out = &kept;
    return code;
}

static void forget(void) { pack_free(&kept); }

/* --- blocks --- */

/* The pack seen as one block: `view` borrows the pixels and ids and owns its types: 0 good, and 1 the defect or, of
   all, the class. */
typedef struct {
    dataset_items view;
    unsigned char *keep;
} block;

static void block_free(block *b) {
    free(b->view.types);
    free(b->keep);
}

/* which: a class, or ALL. */
static int block_of(const pack *p, uint16_t which, block *out, lb_error *error) {
    const size_t n = p->images.count;
    out->view = p->images;
    out->view.types = malloc(n * sizeof *out->view.types);
    out->keep = malloc(n);
    if (!out->view.types || !out->keep) return lb_fail_memory(error, "a block of '" NAME "'");
    for (size_t i = 0; i < n; i++) {
        const uint16_t class = p->images.types[i];
        out->view.types[i] = which == ALL ? class : class == which;
        out->keep[i] = p->usable[i] && (which == ALL || class == 0 || class == which);
    }
    return LB_OK;
}

/* Over number, label and pixels of the images that a block uses. */
static uint64_t content_of(const block *b) {
    uint64_t state = HASH64_START;
    for (size_t i = 0; i < b->view.count; i++) {
        if (!b->keep[i]) continue;
        const uint32_t id = b->view.parts[i], type = b->view.types[i];
        const unsigned char label[] = {(unsigned char)id, (unsigned char)(id >> 8), (unsigned char)(id >> 16),
                                       (unsigned char)(id >> 24), (unsigned char)type};
        state = hash64_add(state, label, sizeof label);
        state = hash64_add(state, b->view.pixels + i * AREA, AREA);
    }
    return hash64_finish(state);
}

static int identify(const double *values, const dataset_request *request, char *out, size_t size, lb_error *error) {
    const pack *p;
    block b = {0};
    int code = pack_open(request, &p, error);
    if (!code) code = block_of(p, (uint16_t)values[0], &b, error);
    if (!code && snprintf(out, size, "content=%016llx", (unsigned long long)content_of(&b)) >= (int)size)
        code = lb_fail(error, LB_INVALID, "no room for the content of '" NAME "'");
    block_free(&b);
    return code;
}

static int open_block(const double *values, const dataset_request *request, dataset *out, lb_error *error) {
    static const char *const type_names[CLASS_COUNT][3] = {
        [CRACKING] = {"good", "Cracking", NULL},
        [DIODE_MULTI] = {"good", "Diode-Multi", NULL},
        [SOILING] = {"good", "Soiling", NULL},
    };
    const uint16_t which = (uint16_t)values[0];
    const pack *p;
    block b = {0};
    int code = pack_open(request, &p, error);
    if (!code) code = block_of(p, which, &b, error);
    if (!code) {
        *out = (dataset){.height = HEIGHT,
                         .width = WIDTH,
                         .channels = 1,
                         .type_names = which == ALL ? class_names : type_names[which],
                         .duplicates = p->duplicates,
                         .conflicts = p->conflicts};
        code = split_collection(NAME, &b.view, b.keep, NULL, request, out, error);
    }
    block_free(&b);
    return code;
}

const dataset_type dataset_infrared_solar_modules = {
    .name = NAME,
    .version = VERSION,
    .summary = "infrared images of solar modules, one anomaly class or all eleven against modules without anomaly",
    .tasks = "classification",
    .source = "https://github.com/RaptorMaps/InfraredSolarModules, commit 88e2d1febbcefe401c17ec80b8973f36a02a1653",
    .licence = "MIT",
    .citation =
        "M. Millendorf, E. Obropta, N. Vadhavkar, Infrared Solar Module Dataset for Anomaly Detection, ICLR 2020 "
        "workshop AI for Earth Sciences",
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .identify = identify,
    .open = open_block,
    .forget = forget,
};
