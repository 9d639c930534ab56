#include "datasets/dataset.h"

#include "lib/base/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const dataset_set_names[SET_COUNT] = {"train", "select", "calibrate", "test"};

/* Finds the type and reads its parameters. */
static int resolve(const char *expression, const dataset_type **type, double *values, lb_error *error) {
    char name[SPEC_MAX_TEXT], args[SPEC_MAX_TEXT], owner[SPEC_MAX_TEXT + 16], known[300] = "";
    const char *at = expression;
    const int code = spec_split(&at, "data set", name, args, error);
    if (code) return code;
    if (at[strspn(at, " \t")]) return lb_fail(error, LB_INVALID, "data set '%s': unexpected '%.40s'", name, at);
    *type = dataset_type_find(name);
    for (const dataset_type *const *t = dataset_types; *t; t++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", t == dataset_types ? "" : ", ",
                 (*t)->name);
    if (!*type) return lb_fail(error, LB_INVALID, "unknown data set '%s'; there are: %s", name, known);
    snprintf(owner, sizeof owner, "data set '%.500s'", name);
    return spec_read(args, owner, (*type)->params, (*type)->param_count, values, error);
}

int dataset_text(const char *expression, const dataset_request *request, char *out, size_t size, lb_error *error) {
    const dataset_type *type;
    double values[SPEC_MAX_PARAMS];
    char name[80], spec[SPEC_MAX_TEXT], content[80];
    int code = resolve(expression, &type, values, error);
    if (!code) code = type->identify(values, request, content, sizeof content, error);
    if (code) return code;
    snprintf(name, sizeof name, "%s@%d", type->name, type->version);
    if (spec_format(name, type->params, type->param_count, values, 0, spec, sizeof spec) ||
        snprintf(out, size, "%s ratio=%u%s%s", spec, request->ratio, content[0] ? " " : "", content) >= (int)size)
        return lb_fail(error, LB_INVALID, "data set '%.60s...': too many parameters", expression);
    return LB_OK;
}

/* --- what every data set must hold
 * ---------------------------------------------------------------------------------------- */

typedef struct {
    uint64_t value;
    uint32_t set;
} tagged;

static int by_value(const void *a, const void *b) {
    const tagged *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return x->set < y->set ? -1 : x->set > y->set;
}

static uint64_t image_hash(const dataset *d, const dataset_items *set, size_t item) {
    const size_t size = d->height * d->width * d->channels;
    const uint64_t state = set->pixels
                               ? hash64_add(HASH64_START, set->pixels + item * size, size)
                               : hash64_add(HASH64_START, set->values + item * size, size * sizeof *set->values);
    return hash64_finish(state);
}

/* 1 when a value stands in two sets. */
static int shared(tagged *list, size_t n) {
    qsort(list, n, sizeof *list, by_value);
    for (size_t i = 1; i < n; i++)
        if (list[i].value == list[i - 1].value && list[i].set != list[i - 1].set) return 1;
    return 0;
}

static int check_apart(const dataset *d, lb_error *error) {
    size_t n = 0;
    for (int set = 0; set < SET_COUNT; set++) n += d->sets[set].count;
    tagged *images = malloc((n + 1) * sizeof *images), *parts = malloc((n + 1) * sizeof *parts);
    int code = images && parts ? LB_OK : lb_fail_memory(error, "the check of a data set");
    n = 0;
    for (int set = 0; !code && set < SET_COUNT; set++)
        for (size_t i = 0; i < d->sets[set].count; i++, n++) {
            images[n] = (tagged){image_hash(d, &d->sets[set], i), (uint32_t)set};
            parts[n] = (tagged){d->sets[set].parts[i], (uint32_t)set};
        }
    if (!code && shared(parts, n))
        code = lb_fail(error, LB_FORMAT,
                       "one part has images in two of train, select, calibrate and test: give each part one set");
    if (!code && shared(images, n))
        code = lb_fail(error, LB_FORMAT,
                       "one image is in two of train, select, calibrate and test: remove the duplicates");
    free(images);
    free(parts);
    return code;
}

static int check_counts(const dataset *d, lb_error *error) {
    for (int set = 0; set < SET_COUNT; set++) {
        const dataset_items *s = &d->sets[set];
        const size_t defects = s->count - s->goods;
        if (set == SET_CALIBRATE) continue;
        if (!s->goods || !defects)
            return lb_fail(error, LB_INVALID, "the %s set has %zu goods and %zu defects: each needs at least one",
                           dataset_set_names[set], s->goods, defects);
    }
    return LB_OK;
}

int dataset_open(const char *expression, const dataset_request *request, dataset *out, lb_error *error) {
    const dataset_type *type;
    double values[SPEC_MAX_PARAMS];
    *out = (dataset){0};
    int code = resolve(expression, &type, values, error);
    if (!code) code = type->open(values, request, out, error);
    if (!code) code = check_counts(out, error);
    if (!code) code = check_apart(out, error);
    if (code) dataset_free(out);
    return code;
}

int dataset_ceiling(const char *expression, const dataset_request *request, double fr, double *recall,
                    lb_error *error) {
    const dataset_type *type;
    double values[SPEC_MAX_PARAMS];
    const int code = resolve(expression, &type, values, error);
    if (code) return code;
    if (!type->ceiling) return lb_fail(error, LB_NOT_FOUND, "no ceiling is known for data set '%s'", type->name);
    return type->ceiling(values, request, fr, recall, error);
}

void dataset_free(dataset *d) {
    for (int set = 0; set < SET_COUNT; set++) {
        dataset_items *s = &d->sets[set];
        free(s->pixels);
        free(s->values);
        free(s->masks);
        free(s->types);
        free(s->parts);
        free(s->boxes);
    }
    *d = (dataset){0};
}
