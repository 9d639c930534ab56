/* The synthetic data set: textured surfaces with defects, masks, types and boxes, fresh for every seed. */
#include "datasets/dataset.h"
#include "datasets/synthetic/synthetic.h"
#include "datasets/synthetic/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const param_word texture_words[] = {{"brushed", TEXTURE_BRUSHED},
                                           {"cast", TEXTURE_CAST},
                                           {"woven", TEXTURE_WOVEN},
                                           {"printed", TEXTURE_PRINTED},
                                           {NULL, 0}};
static const param_word defect_words[] = {
    {"scratch", DEFECT_SCRATCH}, {"dent", DEFECT_DENT},   {"contamination", DEFECT_CONTAMINATION},
    {"missing", DEFECT_MISSING}, {"mixed", DEFECT_MIXED}, {NULL, 0}};
static const param_word contrast_words[] = {{"calibrated", 0}, {NULL, 0}};

static const char *const type_names[] = {"good", "scratch", "dent", "contamination", "missing", NULL};

static const param params[] = {
    [TEXTURE] = {.name = "texture", .scale = PARAM_CHOICE, .words = texture_words, .summary = "surface"},
    [DEFECT] = {.name = "defect",
                .scale = PARAM_CHOICE,
                .words = defect_words,
                .summary = "kind of defect; mixed: all kinds that the surface can have"},
    [CONTRAST] = {.name = "contrast",
                  .low = 0,
                  .high = 20,
                  .words = contrast_words,
                  .summary = "height of a defect in standard deviations of the texture"},
    [LENGTH] = {.name = "length", .fallback = 14, .low = 3, .high = 100, .summary = "extent of a defect, pixels"},
    [SIZE] = {.name = "size",
              .fallback = 32,
              .low = 24,
              .high = SURFACE_MAX,
              .scale = PARAM_INTEGER,
              .summary = "side of the image, pixels"},
    [LABEL_NOISE] = {.name = "label_noise",
                     .high = 0.5,
                     .summary = "share of training labels that are flipped, both ways"},
    [MISSED_NOISE] = {.name = "missed_noise",
                      .high = 0.9,
                      .summary = "share of training defects that are labelled good"},
    [TRAIN_GOODS] = {.name = "train",
                     .fallback = 5000,
                     .low = 20,
                     .high = 1e6,
                     .scale = PARAM_INTEGER,
                     .summary = "goods in train, more if the ratio needs it"},
    [LEAST_DEFECTS] = {.name = "least_defects",
                       .fallback = 25,
                       .low = 2,
                       .high = 1e5,
                       .scale = PARAM_INTEGER,
                       .summary = "defects in train, at least"},
    [SELECT_GOODS] = {.name = "select",
                      .fallback = 1000,
                      .low = 20,
                      .high = 1e6,
                      .scale = PARAM_INTEGER,
                      .summary = "goods in select, with a tenth as many defects"},
    [CALIBRATE_GOODS] = {.name = "calibrate",
                         .fallback = 3000,
                         .low = 20,
                         .high = 1e6,
                         .scale = PARAM_INTEGER,
                         .summary = "goods in calibrate"},
    [TEST_GOODS] =
        {.name = "test", .fallback = 3000, .low = 20, .high = 1e6, .scale = PARAM_INTEGER, .summary = "goods in test"},
    [TEST_DEFECTS] = {.name = "test_defects",
                      .fallback = 400,
                      .low = 2,
                      .high = 1e6,
                      .scale = PARAM_INTEGER,
                      .summary = "defects in test"},
};

enum { NATURAL_RATIO = 200 };

/* Contrast at which BCE with prior bias at 1:200 finds a good part of the defects but not all (cnn(width=narrow), 20000
 * visits). */
static const float calibrated[TEXTURE_COUNT][DEFECT_MIXED] = {
    [TEXTURE_BRUSHED] = {3.0f, 2.4f, 3.5f, 2.2f},
    [TEXTURE_CAST] = {3.0f, 2.4f, 3.5f, 2.2f},
    [TEXTURE_WOVEN] = {3.0f, 2.4f, 3.5f, 2.2f},
    [TEXTURE_PRINTED] = {3.0f, 2.4f, 3.5f, 2.2f},
};

/* --- one item
 * -------------------------------------------------------------------------------------------------------------- */

/* Contrast is not part of the name: the same surfaces and places at every contrast. */
static rng item_stream(const double *v, const dataset_request *request, const char *purpose, dataset_set set,
                       size_t index, int defect) {
    char name[200];
    snprintf(name, sizeof name, "synthetic 1|%s|texture %g|defect %g|length %g|size %g|seed %u|%s|%s|%zu", purpose,
             v[TEXTURE], v[DEFECT], v[LENGTH], v[SIZE], request->seed, dataset_set_names[set],
             defect ? "defect" : "good", index);
    return rng_from_text(name);
}

static defect_kind kind_of(const double *v, rng *stream) {
    if (v[DEFECT] != DEFECT_MIXED) return (defect_kind)v[DEFECT];
    return (defect_kind)rng_below(stream, v[TEXTURE] == TEXTURE_PRINTED ? 4 : 3);
}

static float contrast_of(const double *v, defect_kind kind) {
    return v[CONTRAST] > 0 ? (float)v[CONTRAST] : calibrated[(size_t)v[TEXTURE]][kind];
}

static int is_printed(const double *v) { return v[TEXTURE] == TEXTURE_PRINTED || v[DEFECT] == DEFECT_MISSING; }

/* Height of the printed features: that of a missing one. */
static float feature_grey(const double *v) { return contrast_of(v, DEFECT_MISSING) * texture_grey; }

defect_kind synthetic_profile(const double *v, const dataset_request *request, dataset_set set, size_t index,
                              float *profile) {
    rng place = item_stream(v, request, "place", set, index, 1),
        shape = item_stream(v, request, "shape", set, index, 1);
    const surface_setting setting = surface_setting_draw(&place);
    const size_t size = (size_t)v[SIZE];
    memset(profile, 0, size * size * sizeof *profile);
    const defect_kind kind = kind_of(v, &shape);
    defect_add(kind, &setting, contrast_of(v, kind), (float)v[LENGTH], &shape, size, profile);
    return kind;
}

static unsigned char to_grey(float value) {
    const float rounded = floorf(value + 0.5f);
    return (unsigned char)(rounded < 0 ? 0 : rounded > 255 ? 255 : rounded);
}

/* Writes pixels[size][size]; `profile` is the defect's, or NULL. */
static void draw_item(const double *v, const dataset_request *request, dataset_set set, size_t index,
                      const float *profile, unsigned char *pixels) {
    float image[SURFACE_MAX * SURFACE_MAX], sensor[SURFACE_MAX * SURFACE_MAX];
    const size_t size = (size_t)v[SIZE], pixel_count = size * size;
    rng place = item_stream(v, request, "place", set, index, profile != NULL),
        noise = item_stream(v, request, "noise", set, index, profile != NULL);
    const surface_setting setting = surface_setting_draw(&place);
    memset(image, 0, pixel_count * sizeof *image);
    surface_add((texture_kind)v[TEXTURE], &setting, is_printed(v), feature_grey(v), size, image);
    texture_add((texture_kind)v[TEXTURE], &noise, size, image);
    rng_normals(&noise, sensor, pixel_count);
    for (size_t i = 0; i < pixel_count; i++)
        pixels[i] = to_grey(image[i] + sensor_grey * sensor[i] + (profile ? profile[i] : 0));
}

/* --- masks and boxes
 * ---------------------------------------------------------------------------------------------------------- */

/* Pixels where the defect shows at least a quarter of its peak. */
static void write_mask(const float *profile, size_t size, unsigned char *mask) {
    float peak = 0;
    for (size_t i = 0; i < size * size; i++) peak = fmaxf(peak, fabsf(profile[i]));
    for (size_t i = 0; i < size * size; i++) mask[i] = fabsf(profile[i]) >= 0.25f * peak ? 255 : 0;
}

static dataset_box box_of(const unsigned char *mask, size_t size, uint32_t item, uint32_t type) {
    size_t left = size, top = size, right = 0, bottom = 0;
    for (size_t i = 0; i < size * size; i++) {
        if (!mask[i]) continue;
        const size_t x = i % size, y = i / size;
        if (x < left) left = x;
        if (x + 1 > right) right = x + 1;
        if (y < top) top = y;
        if (y + 1 > bottom) bottom = y + 1;
    }
    return (dataset_box){item, type, (float)left, (float)top, (float)right, (float)bottom};
}

/* --- a set
 * ------------------------------------------------------------------------------------------------------------------------
 */

typedef struct {
    size_t goods, defects;
} set_size;

static set_size size_of_set(const double *v, const dataset_request *request, dataset_set set) {
    const size_t ratio = request->ratio ? request->ratio : NATURAL_RATIO;
    set_size s = {(size_t)v[TRAIN_GOODS], 0};
    switch (set) {
    case SET_SELECT:
        return (set_size){(size_t)v[SELECT_GOODS], (size_t)v[SELECT_GOODS] / 10};
    case SET_CALIBRATE:
        return (set_size){(size_t)v[CALIBRATE_GOODS], 0};
    case SET_TEST:
        return (set_size){(size_t)v[TEST_GOODS], (size_t)v[TEST_DEFECTS]};
    default:
        break;
    }
    s.defects = (size_t)((double)s.goods / (double)ratio + 1e-9);
    if (s.defects < (size_t)v[LEAST_DEFECTS]) {
        s.defects = (size_t)v[LEAST_DEFECTS];
        s.goods = s.defects * ratio;
    }
    return s;
}

/* Whether the label of a true good or defect is turned round. */
static int is_flipped(const double *v, rng *stream, int defect) {
    const int symmetric = rng_uniform(stream) < (float)v[LABEL_NOISE];
    const int missed = defect && rng_uniform(stream) < (float)v[MISSED_NOISE];
    return symmetric || missed;
}

/* Order of items in the set: labelled goods first. order[n] holds true items, goods 0..goods-1, then defects; returns
 * labelled goods. */
static size_t order_by_label(const double *v, const dataset_request *request, dataset_set set, set_size s,
                             uint32_t *order) {
    rng stream = item_stream(v, request, "labels", set, 0, 0);
    unsigned char flipped;
    size_t goods = 0, defects = 0;
    const size_t n = s.goods + s.defects;
    for (uint32_t i = 0; i < n; i++) {
        const int defect = i >= s.goods;
        flipped = set == SET_TRAIN && is_flipped(v, &stream, defect);
        if (defect != flipped)
            order[n - 1 - defects++] = i;
        else
            order[goods++] = i;
    }
    for (size_t low = goods, high = n; low + 1 < high; low++) { /* defects were filled from the end */
        const uint32_t held = order[low];
        order[low] = order[--high];
        order[high] = held;
    }
    return goods;
}

static int allocate_set(dataset_items *items, size_t n, size_t pixels, unsigned want) {
    items->pixels = malloc(n * pixels + 1);
    items->types = calloc(n + 1, sizeof *items->types);
    items->parts = calloc(n + 1, sizeof *items->parts);
    if (want & (DATASET_MASKS | DATASET_BOXES)) items->masks = calloc(n * pixels + 1, 1);
    if (want & DATASET_BOXES) items->boxes = calloc(n + 1, sizeof *items->boxes);
    return items->pixels && items->types && items->parts &&
           (!(want & (DATASET_MASKS | DATASET_BOXES)) || items->masks) && (!(want & DATASET_BOXES) || items->boxes);
}

static int fill_set(const double *v, const dataset_request *request, dataset_set set, uint32_t *part,
                    dataset_items *items, lb_error *error) {
    const size_t size = (size_t)v[SIZE], pixels = size * size;
    const set_size s = size_of_set(v, request, set);
    const size_t n = s.goods + s.defects;
    float profile[SURFACE_MAX * SURFACE_MAX];
    uint32_t *order = malloc((n + 1) * sizeof *order);
    if (!order || !allocate_set(items, n, pixels, request->want)) {
        free(order);
        return lb_fail_memory(error, "synthetic images");
    }
    items->count = n;
    items->goods = order_by_label(v, request, set, s, order);
    for (size_t i = 0; i < n; i++) {
        const int defect = order[i] >= s.goods;
        const size_t index = defect ? order[i] - s.goods : order[i];
        items->parts[i] = (*part)++;
        if (defect) items->types[i] = (uint16_t)(1 + synthetic_profile(v, request, set, index, profile));
        draw_item(v, request, set, index, defect ? profile : NULL, items->pixels + i * pixels);
        if (!defect || !items->masks) continue;
        write_mask(profile, size, items->masks + i * pixels);
        if (items->boxes)
            items->boxes[items->box_count++] = box_of(items->masks + i * pixels, size, (uint32_t)i, items->types[i]);
    }
    free(order);
    return LB_OK;
}

/* --- the data set
 * --------------------------------------------------------------------------------------------------------------------
 */

static int synthetic_identify(const double *v, const dataset_request *request, char *out, size_t size,
                              lb_error *error) {
    (void)v, (void)request, (void)error;
    snprintf(out, size, "%s", "");
    return LB_OK;
}

static int synthetic_open(const double *v, const dataset_request *request, dataset *out, lb_error *error) {
    uint32_t part = 0;
    int code = LB_OK;
    if (v[LENGTH] > v[SIZE] - 6)
        return lb_fail(error, LB_INVALID, "data set 'synthetic': length=%g does not fit into size=%g", v[LENGTH],
                       v[SIZE]);
    out->height = out->width = (size_t)v[SIZE];
    out->channels = 1;
    out->type_names = type_names;
    out->independent = 1;
    for (int set = 0; !code && set < SET_COUNT; set++)
        code = fill_set(v, request, (dataset_set)set, &part, &out->sets[set], error);
    return code;
}

const dataset_type dataset_synthetic = {
    .name = "synthetic",
    .version = 1,
    .summary = "textured surfaces with defects, fresh for every seed",
    .tasks = "classification, masks, boxes, types",
    .source = "generated",
    .licence = "MIT",
    .citation = "this project",
    .params = params,
    .param_count = sizeof params / sizeof *params,
    .identify = synthetic_identify,
    .open = synthetic_open,
    .ceiling = synthetic_ceiling,
    .ceiling_note = "an ideal observer that is told each defect's place, shape and contrast, the shading and the "
                    "pattern, and the covariance of texture and "
                    "noise: no detector can exceed it",
};
