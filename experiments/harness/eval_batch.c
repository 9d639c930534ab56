/* The numbers of a record: shape, input, labels, weights, maps. */
#include "experiments/harness/eval_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIMENSIONS = 6 };

static int takes(const eval_record *r, loss_kind kind) { return (r->forms >> kind & 1u) != 0; }

/* --- numbers ----------------------------------------------------------------------------------------------------- */

static int fail_kind(const json_t *json, const char *name, lb_error *error) {
    return lb_fail(error, LB_INVALID, "%s is %s, not an array of numbers", name, eval_json_kind(json));
}

/* The sentence for an entry that is no number. */
static int fail_entry(const json_t *entry, const char *name, size_t i, lb_error *error) {
    if (json_is_string(entry))
        return lb_fail(error, LB_INVALID, "%s[%zu] is \"%.40s\", not a finite number", name, i,
                       json_string_value(entry));
    return lb_fail(error, LB_INVALID, "%s[%zu] is %s, not a number", name, i, eval_json_kind(entry));
}

double *eval_numbers(eval_record *r, const json_t *json, const char *name, size_t count, lb_error *error) {
    if (!json_is_array(json)) return fail_kind(json, name, error), NULL;
    if (json_array_size(json) != count) {
        lb_fail(error, LB_INVALID, "%s has %zu entries; the shape needs %zu", name, json_array_size(json), count);
        return NULL;
    }
    double *numbers = eval_room(r, count, sizeof *numbers, error);
    for (size_t i = 0; numbers && i < count; i++) {
        const json_t *entry = json_array_get(json, i);
        if (!json_is_number(entry)) return fail_entry(entry, name, i, error), NULL;
        numbers[i] = json_number_value(entry);
    }
    return numbers;
}

/* The first of the keys that the record has. */
static const char *first_key(const eval_record *r, const char *const *keys) {
    for (; *keys; keys++)
        if (json_object_get(r->json, *keys)) return *keys;
    return NULL;
}

static int read_input(eval_record *r, lb_error *error) {
    static const char *const keys[] = {"logits", "preds", "scores", "boxes", NULL};
    const char *key = first_key(r, keys);
    if (!key) return lb_fail(error, LB_INVALID, "there is no input: one of logits, preds, scores or boxes");
    r->input = eval_numbers(r, json_object_get(r->json, key), key, r->size, error);
    if (!r->input) return LB_INVALID;
    r->has_scores = strcmp(key, "scores") == 0 || strcmp(key, "preds") == 0;
    r->grad = eval_room(r, r->size, sizeof *r->grad, error);
    return r->grad ? LB_OK : LB_INVALID;
}

/* --- shape ------------------------------------------------------------------------------------------------------- */

static int read_dimensions(const json_t *json, size_t *sizes, size_t *count, lb_error *error) {
    *count = json_array_size(json);
    if (!json_is_array(json)) return lb_fail(error, LB_INVALID, "shape is %s, not an array", eval_json_kind(json));
    if (*count < 1 || *count > DIMENSIONS)
        return lb_fail(error, LB_INVALID, "shape has %zu dimensions; it must have 1 to %d", *count, DIMENSIONS);
    for (size_t i = 0; i < *count; i++) {
        const json_t *entry = json_array_get(json, i);
        const double size = json_number_value(entry);
        if (!json_is_number(entry) || !(size >= 1 && size <= 1e9) || size != floor(size))
            return lb_fail(error, LB_INVALID, "shape[%zu] must be a whole number from 1 to 1e9", i);
        sizes[i] = (size_t)size;
    }
    return LB_OK;
}

/* [N,H,W] are N masks for losses that look at where pixels are, or rank them; for all others it is [N,C,L]. */
static int has_planes_only(const eval_record *r) {
    for (size_t t = 0; t < r->term_count; t++)
        if (r->terms[t].type->kind == LOSS_MASK && r->terms[t].type->eval) return 1;
    return 0;
}

static const char *wrong_shape(const eval_record *r, const size_t *sizes, size_t count) {
    if (r->kind == LOSS_BOX && (count != 2 || sizes[1] != 4)) return "shape: boxes are [N,4]";
    if (r->kind == LOSS_MULTICLASS && count < 2) return "shape: classes need [N,C] or [N,C,...]";
    return NULL;
}

int eval_read_input(eval_record *r, lb_error *error) {
    size_t sizes[DIMENSIONS] = {0}, count, first = 0;
    if (read_dimensions(json_object_get(r->json, "shape"), sizes, &count, error)) return LB_INVALID;
    const char *sentence = wrong_shape(r, sizes, count);
    if (sentence) return lb_fail(error, LB_INVALID, "%s", sentence);
    const int masks = r->kind <= LOSS_MASK && !takes(r, LOSS_BINARY), one_mask = masks && count == 1;
    const int planes = masks && count <= 3 && has_planes_only(r);
    r->images = one_mask ? 1 : sizes[first++];
    r->channels = one_mask || planes || first == count ? 1 : sizes[first++];
    r->pixels = 1;
    for (r->size = r->images * r->channels; first < count; first++) {
        r->pixels *= sizes[first];
        if (__builtin_mul_overflow(r->size, sizes[first], &r->size) || r->size > (size_t)1 << 40)
            return lb_fail(error, LB_INVALID, "shape: it has more elements than memory holds");
    }
    r->width = count == 4 || (planes && count == 3) ? sizes[count - 1] : 0;
    return read_input(r, error);
}

/* Class indices, one for each item. */
static int read_classes(eval_record *r, const double *labels, lb_error *error) {
    const size_t n = r->images * r->pixels;
    int *classes = eval_room(r, n, sizeof *classes, error);
    if (!classes) return LB_INVALID;
    for (size_t i = 0; i < n; i++) {
        if (r->call.ignore && r->call.ignore[i]) continue;
        if (!(labels[i] >= 0 && labels[i] < (double)r->channels) || labels[i] != floor(labels[i]))
            return lb_fail(error, LB_INVALID, "targets[%zu] is %g; the classes are 0 to %zu", i, labels[i],
                           r->channels - 1);
        classes[i] = (int)labels[i];
    }
    r->call.classes = classes;
    return LB_OK;
}

/* Labels that are the ignore_index are marked, and become 0. */
static int mark_ignored(eval_record *r, double *labels, size_t n, lb_error *error) {
    if (isnan(r->ignore_index)) return LB_OK;
    unsigned char *ignore = eval_room(r, n, 1, error);
    for (size_t i = 0; ignore && i < n; i++) {
        ignore[i] = labels[i] == r->ignore_index;
        if (ignore[i]) labels[i] = 0;
    }
    r->call.ignore = ignore;
    return ignore ? LB_OK : LB_INVALID;
}

static int read_targets(eval_record *r, lb_error *error) {
    static const char *const keys[] = {"targets", "target_boxes", NULL};
    const char *key = first_key(r, keys);
    const size_t n = r->kind == LOSS_MULTICLASS ? r->images * r->pixels : r->size;
    if (!key) return lb_fail(error, LB_INVALID, "there are no targets or target_boxes");
    double *labels = eval_numbers(r, json_object_get(r->json, key), key, n, error);
    if (!labels || mark_ignored(r, labels, n, error)) return LB_INVALID;
    if (r->kind == LOSS_MULTICLASS) return read_classes(r, labels, error);
    r->call.target = labels;
    return LB_OK;
}

/* How many weights the library wants: one for each item, box or element. */
static size_t count_weights(const eval_record *r) {
    if (r->kind == LOSS_MULTICLASS) return r->images * r->pixels;
    return r->kind == LOSS_BOX && !takes(r, LOSS_REGRESSION) ? r->images : r->size;
}

/* Records of classes and of boxes may have one weight for each row. */
static int read_weights(eval_record *r, lb_error *error) {
    const json_t *json = json_object_get(r->json, "weights");
    const size_t count = count_weights(r);
    if (!json || json_is_null(json)) return LB_OK;
    const int by_row = (r->kind == LOSS_MULTICLASS || r->kind == LOSS_BOX) && json_array_size(json) == r->images;
    const double *given = eval_numbers(r, json, "weights", by_row ? r->images : count, error);
    double *weights = eval_room(r, count, sizeof *weights, error);
    if (!given || !weights) return LB_INVALID;
    for (size_t i = 0; i < count; i++) weights[i] = given[by_row ? i / (count / r->images) : i];
    r->call.weight = weights;
    return LB_OK;
}

static int read_map(eval_record *r, lb_error *error) {
    static const char *const keys[] = {"dist_map", "dt_weight", NULL};
    const char *key = first_key(r, keys);
    if (!key || json_is_null(json_object_get(r->json, key))) return LB_OK;
    r->call.map = eval_numbers(r, json_object_get(r->json, key), key, r->size, error);
    return r->call.map ? LB_OK : LB_INVALID;
}

static int read_format(const eval_record *r, lb_error *error) {
    const json_t *format = json_object_get(r->json, "format");
    if (!format || (json_is_string(format) && strcmp(json_string_value(format), "xyxy") == 0)) return LB_OK;
    return lb_fail(error, LB_INVALID, "not supported: boxes in another format than xyxy");
}

int eval_read_batch(eval_record *r, lb_error *error) {
    if (read_format(r, error) || read_targets(r, error) || read_weights(r, error) || read_map(r, error))
        return LB_INVALID;
    r->call.images = r->images;
    r->call.channels = r->channels;
    r->call.pixels = r->pixels;
    r->call.width = r->width;
    r->call.input = r->input;
    return eval_choose_view(r, error);
}
