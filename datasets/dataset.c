/* Opening, naming and checking data sets. */
#include "datasets/dataset.h"

#include "datasets/items.h"
#include "lib/base/hash.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const dataset_set_names[SET_COUNT] = {"train", "select", "calibrate", "test"};

/* --- expressions --- */

static int fail_unknown(const char *name, lb_error *error) {
    char known[300] = "";
    for (size_t i = 0; dataset_types[i]; i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", dataset_types[i]->name);
    return lb_fail(error, LB_INVALID, "there is no data set '%.60s'; there are: %s", name, known);
}

static int parse(const char *expression, const dataset_type **type, double values[SPEC_MAX_PARAMS], lb_error *error) {
    char name[SPEC_MAX_TEXT], args[SPEC_MAX_TEXT], owner[SPEC_MAX_TEXT + 16];
    const char *rest = expression;
    if (spec_split(&rest, "data set", name, args, error)) return LB_INVALID;
    while (isspace((unsigned char)*rest)) rest++;
    if (*rest) return lb_fail(error, LB_INVALID, "data set '%.60s': nothing may follow it, not '%.40s'", name, rest);
    *type = dataset_type_find(name);
    if (!*type) return fail_unknown(name, error);
    snprintf(owner, sizeof owner, "data set '%s'", name);
    return spec_read(args, owner, (*type)->params, (*type)->param_count, values, error);
}

int dataset_text(const char *expression, const dataset_request *request, char *out, size_t size, lb_error *error) {
    const dataset_type *type;
    double values[SPEC_MAX_PARAMS];
    char name[80], spec[SPEC_MAX_TEXT], content[100];
    int code = parse(expression, &type, values, error);
    if (!code) code = type->identify(values, request, content, sizeof content, error);
    if (code) return code;
    snprintf(name, sizeof name, "%s@%d", type->name, type->version);
    if (spec_format(name, type->params, type->param_count, values, 0, spec, sizeof spec) ||
        snprintf(out, size, "%s ratio=%u%s%s", spec, request->ratio, content[0] ? " " : "", content) >= (int)size)
        return lb_fail(error, LB_INVALID, "data set '%s' does not fit %zu bytes of text", type->name, size);
    return LB_OK;
}

int dataset_ceiling(const char *expression, const dataset_request *request, double fr, double *recall,
                    lb_error *error) {
    const dataset_type *type;
    double values[SPEC_MAX_PARAMS];
    const int code = parse(expression, &type, values, error);
    if (code) return code;
    if (!(fr > 0 && fr < 1))
        return lb_fail(error, LB_INVALID, "a false rejection rate lies between 0 and 1, not %g", fr);
    if (!type->ceiling)
        return lb_fail(error, LB_NOT_FOUND, "data set '%s' has no known ceiling: its densities are not known",
                       type->name);
    return type->ceiling(values, request, fr, recall, error);
}

/* --- checks --- */

static int check_order(const char *name, const dataset *d, int which, lb_error *error) {
    const dataset_items *set = &d->sets[which];
    for (size_t i = 0; i < set->count; i++)
        if ((set->types[i] == 0) != (i < set->goods))
            return lb_fail(error, LB_INTERNAL, "data set '%s': set %s does not hold its goods first", name,
                           dataset_set_names[which]);
    return LB_OK;
}

static int check_counts(const char *name, const dataset *d, lb_error *error) {
    int code = LB_OK;
    for (int which = 0; which < SET_COUNT && !code; which++) {
        const size_t goods = d->sets[which].goods, defects = d->sets[which].count - goods;
        if (!d->clean && goods)
            return lb_fail(error, LB_INTERNAL, "data set '%s' has no clean class, and set %s holds %zu goods", name,
                           dataset_set_names[which], goods);
        if ((goods == 0 && d->clean) || (defects == 0 && which != SET_CALIBRATE))
            return lb_fail(error, LB_FORMAT,
                           "data set '%s': set %s has %zu goods and %zu defects; it needs at least one %s (give more "
                           "data, or the sets yourself)",
                           name, dataset_set_names[which], goods, defects, d->clean ? "of each" : "defect");
        code = check_order(name, d, which, error);
    }
    return code;
}

typedef struct {
    uint64_t key;
    uint32_t item;
    uint32_t set;
} seen_item;

static int by_key(const void *a, const void *b) {
    const seen_item *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    if (x->set != y->set) return x->set < y->set ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* Sorts seen[n]; gives the first neighbours of equal key from two sets, or NULL. */
static const seen_item *find_shared(seen_item *seen, size_t n) {
    qsort(seen, n, sizeof *seen, by_key);
    for (size_t i = 1; i < n; i++)
        if (seen[i].key == seen[i - 1].key && seen[i].set != seen[i - 1].set) return &seen[i - 1];
    return NULL;
}

static const seen_item *find_shared_part(const dataset *d, seen_item *seen) {
    size_t n = 0;
    for (uint32_t which = 0; which < SET_COUNT; which++)
        for (uint32_t i = 0; i < d->sets[which].count; i++) seen[n++] = (seen_item){d->sets[which].parts[i], i, which};
    return find_shared(seen, n);
}

static const seen_item *find_shared_image(const dataset *d, seen_item *seen) {
    size_t n = 0;
    for (uint32_t which = 0; which < SET_COUNT; which++) {
        const dataset_items *set = &d->sets[which];
        const size_t bytes = items_bytes(set, d->height * d->width, d->channels);
        for (uint32_t i = 0; i < set->count; i++)
            seen[n++] = (seen_item){hash64_add(HASH64_START, items_at(set, bytes, i), bytes), i, which};
    }
    return find_shared(seen, n);
}

static int check_disjoint(const char *name, const dataset *d, lb_error *error) {
    size_t count = 0;
    for (int which = 0; which < SET_COUNT; which++) count += d->sets[which].count;
    seen_item *seen = malloc(count * sizeof *seen);
    if (!seen) return lb_fail_memory(error, "the check of a data set");
    const char *what = "part";
    const seen_item *pair = find_shared_part(d, seen);
    if (!pair) {
        what = "image";
        pair = find_shared_image(d, seen);
    }
    int code = LB_OK;
    if (pair)
        code = lb_fail(error, LB_FORMAT,
                       "data set '%s': the same %s is in %s (item %u) and in %s (item %u); keep it in one", name, what,
                       dataset_set_names[pair[0].set], pair[0].item, dataset_set_names[pair[1].set], pair[1].item);
    free(seen);
    return code;
}

/* --- opening --- */

int dataset_open(const char *expression, const dataset_request *request, dataset *out, lb_error *error) {
    const dataset_type *type;
    double values[SPEC_MAX_PARAMS];
    *out = (dataset){0};
    int code = parse(expression, &type, values, error);
    if (!code) code = type->open(values, request, out, error);
    if (!code) out->clean = type->is_clean ? type->is_clean(values) : !type->no_clean;
    if (!code) code = check_counts(type->name, out, error);
    if (!code) code = check_disjoint(type->name, out, error);
    if (code) dataset_free(out);
    return code;
}

void dataset_free(dataset *d) {
    for (int which = 0; which < SET_COUNT; which++) items_free(&d->sets[which]);
    *d = (dataset){0};
}

void dataset_forget(void) {
    for (size_t i = 0; dataset_types[i]; i++)
        if (dataset_types[i]->forget) dataset_types[i]->forget();
}
