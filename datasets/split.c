#include "datasets/split.h"

#include "datasets/items.h"
#include "lib/base/hash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const split_shares split_usual = {.good = {0.50, 0.10, 0.15, 0.25}, .defect = {0.50, 0.15, 0.00, 0.35}};

void split_free(item_split *s) {
    for (int set = 0; set < SET_COUNT; set++) free(s->items[set]);
    *s = (item_split){0};
}

/* --- duplicates --- */

typedef struct {
    uint64_t key;
    uint32_t item;
} keyed_item;

static int by_key(const void *a, const void *b) {
    const keyed_item *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* items[from..to) are identical. */
static void drop_group(const dataset_items *all, const keyed_item *items, size_t from, size_t to, unsigned char *keep,
                       size_t *duplicates, size_t *conflicts) {
    int conflict = 0;
    for (size_t i = from; i < to; i++) conflict |= all->types[items[i].item] != all->types[items[from].item];
    for (size_t i = from + !conflict; i < to; i++) keep[items[i].item] = 0;
    *(conflict ? conflicts : duplicates) += to - from - (size_t)!conflict;
}

int split_drop_duplicates(const dataset_items *all, size_t bytes, unsigned char *keep, size_t *duplicates,
                          size_t *conflicts, lb_error *error) {
    keyed_item *items = malloc((all->count ? all->count : 1) * sizeof *items);
    size_t n = 0;
    if (!items) return lb_fail_memory(error, "the search for duplicates");
    for (size_t i = 0; i < all->count; i++)
        if (keep[i])
            items[n++] =
                (keyed_item){hash64_finish(hash64_add(HASH64_START, items_at(all, bytes, i), bytes)), (uint32_t)i};
    qsort(items, n, sizeof *items, by_key);
    *duplicates = *conflicts = 0;
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && items[to].key == items[from].key; to++) {
        }
        if (to - from > 1) drop_group(all, items, from, to, keep, duplicates, conflicts);
    }
    free(items);
    return LB_OK;
}

/* --- dealing parts --- */

/* A part: items[first..first+count) of the list sorted by part. */
typedef struct {
    size_t first, count;
    uint16_t stratum;
} part_range;

typedef struct {
    keyed_item *items; /* key: part */
    part_range *parts;
    size_t item_count, part_count, type_count;
    size_t *of_type; /* items per type */
} deal;

static int deal_open(deal *d, const dataset_items *all, const unsigned char *keep) {
    d->items = malloc((all->count ? all->count : 1) * sizeof *d->items);
    d->parts = calloc(all->count ? all->count : 1, sizeof *d->parts);
    d->type_count = 1;
    for (size_t i = 0; i < all->count; i++)
        if (all->types[i] >= d->type_count) d->type_count = (size_t)all->types[i] + 1;
    d->of_type = calloc(d->type_count, sizeof *d->of_type);
    if (!d->items || !d->parts || !d->of_type) return 0;
    for (size_t i = 0; i < all->count; i++) {
        if (!keep[i]) continue;
        d->items[d->item_count++] = (keyed_item){all->parts[i], (uint32_t)i};
        d->of_type[all->types[i]]++;
    }
    qsort(d->items, d->item_count, sizeof *d->items, by_key);
    return 1;
}

static void deal_close(deal *d) {
    free(d->items);
    free(d->parts);
    free(d->of_type);
}

/* A part with a defect counts as its rarest defect. */
static uint16_t stratum_of(const deal *d, const dataset_items *all, const part_range *part) {
    uint16_t rarest = 0;
    for (size_t i = part->first; i < part->first + part->count; i++) {
        const uint16_t type = all->types[d->items[i].item];
        if (type != 0 && (rarest == 0 || d->of_type[type] < d->of_type[rarest])) rarest = type;
    }
    return rarest;
}

static void find_parts(deal *d, const dataset_items *all) {
    for (size_t from = 0, to; from < d->item_count; from = to) {
        for (to = from + 1; to < d->item_count && d->items[to].key == d->items[from].key; to++) {
        }
        part_range *part = &d->parts[d->part_count++];
        *part = (part_range){.first = from, .count = to - from};
        part->stratum = stratum_of(d, all, part);
    }
}

/* The set in whose share the middle of a part falls. */
static dataset_set set_at(double middle, double total, const double share[SET_COUNT]) {
    double end = 0;
    for (int set = 0; set < SET_COUNT - 1; set++) {
        end += share[set];
        if (middle < floor(end * total + 1e-9)) return (dataset_set)set;
    }
    return SET_TEST;
}

static void deal_stratum(const deal *d, uint16_t stratum, const split_shares *shares, rng *stream, uint32_t *order,
                         unsigned char *set_of) {
    size_t n = 0, total = 0, before = 0;
    for (size_t p = 0; p < d->part_count; p++) {
        if (d->parts[p].stratum != stratum) continue;
        order[n++] = (uint32_t)p;
        total += d->parts[p].count;
    }
    rng_shuffle(stream, order, n);
    for (size_t k = 0; k < n; k++) {
        const part_range *part = &d->parts[order[k]];
        const double middle = (double)before + (double)part->count / 2;
        const dataset_set set = set_at(middle, (double)total, stratum ? shares->defect : shares->good);
        for (size_t i = 0; i < part->count; i++) set_of[d->items[part->first + i].item] = (unsigned char)set;
        before += part->count;
    }
}

int split_by_part(const dataset_items *all, const unsigned char *keep, const split_shares *shares, rng *stream,
                  item_split *out, lb_error *error) {
    deal d = {0};
    int code = LB_MEMORY;
    unsigned char *set_of = calloc(all->count ? all->count : 1, 1);
    uint32_t *order = malloc((all->count ? all->count : 1) * sizeof *order);
    if (set_of && order && deal_open(&d, all, keep)) {
        find_parts(&d, all);
        for (size_t stratum = 0; stratum < d.type_count; stratum++)
            deal_stratum(&d, (uint16_t)stratum, shares, stream, order, set_of);
        code = split_as_given(all, keep, set_of, stream, out, error);
    } else
        lb_fail_memory(error, "the split of a data set");
    deal_close(&d);
    free(set_of);
    free(order);
    return code;
}

/* --- sets --- */

static void count_sets(const dataset_items *all, const unsigned char *keep, const unsigned char *set_of,
                       item_split *out) {
    for (size_t i = 0; i < all->count; i++) {
        if (!keep[i]) continue;
        out->count[set_of[i]]++;
        if (all->types[i] == 0) out->goods[set_of[i]]++;
    }
}

int split_as_given(const dataset_items *all, const unsigned char *keep, const unsigned char *set_of, rng *stream,
                   item_split *out, lb_error *error) {
    *out = (item_split){0};
    count_sets(all, keep, set_of, out);
    for (int set = 0; set < SET_COUNT; set++) {
        const size_t count = out->count[set], goods = out->goods[set];
        uint32_t *items = out->items[set] = malloc((count ? count : 1) * sizeof *items);
        if (!items) {
            split_free(out);
            return lb_fail_memory(error, "the split of a data set");
        }
        size_t good = 0, defect = goods;
        for (size_t i = 0; i < all->count; i++)
            if (keep[i] && set_of[i] == set) items[all->types[i] ? defect++ : good++] = (uint32_t)i;
        rng_shuffle(stream, items, goods);
        rng_shuffle(stream, items + goods, count - goods);
    }
    return LB_OK;
}

int split_thin_train(item_split *s, unsigned ratio, const char *owner, size_t *dropped, lb_error *error) {
    uint32_t *items = s->items[SET_TRAIN];
    const size_t had = s->count[SET_TRAIN];
    size_t goods = s->goods[SET_TRAIN], defects = had - goods;
    *dropped = 0;
    if (ratio == 0) return LB_OK;
    if (goods / ratio <= defects)
        defects = goods / ratio;
    else if (defects * ratio < goods)
        goods = defects * ratio;
    if (defects == 0)
        return lb_fail(error, LB_INVALID,
                       "data set '%s': at 1:%u its %zu good train items leave no defect; ask for at most 1:%zu", owner,
                       ratio, goods, goods);
    memmove(items + goods, items + s->goods[SET_TRAIN], defects * sizeof *items);
    s->goods[SET_TRAIN] = goods;
    s->count[SET_TRAIN] = goods + defects;
    *dropped = had - goods - defects;
    return LB_OK;
}

/* --- copying --- */

/* first[i] is where the boxes of item i start; first[count] their number. */
static size_t *index_boxes(const dataset_items *all) {
    size_t *first = calloc(all->count + 1, sizeof *first), box = 0;
    for (size_t i = 0; first && i <= all->count; i++) {
        while (box < all->box_count && all->boxes[box].item < i) box++;
        first[i] = box;
    }
    return first;
}

static void copy_boxes(const dataset_items *all, const size_t *first, uint32_t from, size_t to, dataset_items *set) {
    for (size_t b = first[from]; b < first[from + 1]; b++) {
        dataset_box *box = &set->boxes[set->box_count++];
        *box = all->boxes[b];
        box->item = (uint32_t)to;
    }
}

static void copy_item(const dataset_items *all, size_t area, size_t bytes, uint32_t from, size_t to,
                      dataset_items *set) {
    memcpy(set->pixels ? set->pixels + to * bytes : (unsigned char *)set->values + to * bytes,
           items_at(all, bytes, from), bytes);
    set->types[to] = all->types[from];
    set->parts[to] = all->parts[from];
    if (set->masks) memcpy(set->masks + to * area, all->masks + (size_t)from * area, area);
}

int split_apply(const item_split *s, const dataset_items *all, unsigned want, dataset *out, lb_error *error) {
    const size_t area = out->height * out->width, bytes = items_bytes(all, area, out->channels);
    const unsigned has = (all->masks ? DATASET_MASKS : 0u) | (all->boxes ? DATASET_BOXES : 0u);
    size_t *first_box = index_boxes(all);
    int code = first_box ? LB_OK : lb_fail_memory(error, "the boxes of a data set");
    for (int which = 0; which < SET_COUNT && !code; which++) {
        dataset_items *set = &out->sets[which];
        set->count = s->count[which];
        set->goods = s->goods[which];
        code = items_allocate(set, area, out->channels, all->pixels ? ITEMS_BYTES : ITEMS_FLOATS, want & has,
                              all->box_count, error);
        for (size_t i = 0; i < set->count && !code; i++) {
            copy_item(all, area, bytes, s->items[which][i], i, set);
            if (set->boxes) copy_boxes(all, first_box, s->items[which][i], i, set);
        }
    }
    free(first_box);
    return code;
}

/* --- parts that hold goods and defects --- */

static int by_value(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* *alone: whether at least half of the goods are of parts without a defect. */
static int find_goods_alone(const dataset_items *all, const unsigned char *keep, int *alone, lb_error *error) {
    uint32_t *mixed = malloc((all->count ? all->count : 1) * sizeof *mixed); /* parts with a defect, ascending */
    size_t n = 0, goods = 0, found = 0;
    if (!mixed) return lb_fail_memory(error, "the split of a data set");
    for (size_t i = 0; i < all->count; i++)
        if (keep[i] && all->types[i] != 0) mixed[n++] = all->parts[i];
    qsort(mixed, n, sizeof *mixed, by_value);
    for (size_t i = 0; i < all->count; i++) {
        if (!keep[i] || all->types[i] != 0) continue;
        goods++;
        found += n == 0 || !bsearch(&all->parts[i], mixed, n, sizeof *mixed, by_value);
    }
    free(mixed);
    *alone = 2 * found >= goods;
    return LB_OK;
}

/* Deals all parts by the shares of goods; set_of is [all->count]. */
static int deal_mixed(const dataset_items *all, const unsigned char *keep, const char *name, unsigned seed,
                      unsigned char *set_of, lb_error *error) {
    split_shares shares = split_usual;
    char stream_name[100];
    item_split split = {0};
    memcpy(shares.defect, shares.good, sizeof shares.defect);
    snprintf(stream_name, sizeof stream_name, "parts|%.60s|seed=%u", name, seed);
    rng stream = rng_from_text(stream_name);
    const int code = split_by_part(all, keep, &shares, &stream, &split, error);
    for (int set = 0; set < SET_COUNT && !code; set++)
        for (size_t i = 0; i < split.count[set]; i++) set_of[split.items[set][i]] = (unsigned char)set;
    split_free(&split);
    return code;
}

/* *set_of: NULL where split_usual serves, else [all->count], to be freed. */
static int split_mixed(const char *name, const dataset_items *all, const unsigned char *keep, unsigned seed,
                       unsigned char **set_of, lb_error *error) {
    int alone = 0, code = find_goods_alone(all, keep, &alone, error);
    *set_of = NULL;
    if (code || alone) return code;
    *set_of = calloc(all->count ? all->count : 1, 1);
    return *set_of ? deal_mixed(all, keep, name, seed, *set_of, error)
                   : lb_fail_memory(error, "the split of a data set");
}

/* --- all of it --- */

static int check_thinned(const char *name, const item_split *s, unsigned ratio, lb_error *error) {
    const size_t goods = s->goods[SET_TRAIN], defects = s->count[SET_TRAIN] - goods;
    if (ratio == 0 || defects >= SPLIT_LEAST_DEFECTS) return LB_OK;
    return lb_fail(error, LB_INVALID,
                   "data set '%s': 1:%u leaves %zu defects to train on, and %d are needed; ask for at most 1:%zu", name,
                   ratio, defects, SPLIT_LEAST_DEFECTS, goods / SPLIT_LEAST_DEFECTS);
}

static int check_goods(const char *name, const dataset_items *all, const unsigned char *keep, unsigned ratio,
                       lb_error *error) {
    for (size_t i = 0; i < all->count; i++)
        if (keep[i] && all->types[i] == 0) return LB_OK;
    if (ratio == 0) return LB_OK;
    return lb_fail(error, LB_INVALID,
                   "data set '%s' has no clean images, so there is no ratio of 1:%u to make; ask for ratio natural",
                   name, ratio);
}

int split_collection(const char *name, const dataset_items *all, const unsigned char *keep, const unsigned char *given,
                     const dataset_request *request, dataset *out, lb_error *error) {
    char stream_name[100];
    item_split split = {0};
    unsigned char *mixed = NULL;
    snprintf(stream_name, sizeof stream_name, "split|%.60s|seed=%u", name, request->seed);
    rng stream = rng_from_text(stream_name);
    int code = check_goods(name, all, keep, request->ratio, error);
    if (!code && !given) code = split_mixed(name, all, keep, request->seed, &mixed, error);
    if (mixed) given = mixed;
    if (!code)
        code = given ? split_as_given(all, keep, given, &stream, &split, error)
                     : split_by_part(all, keep, &split_usual, &stream, &split, error);
    if (!code) code = split_thin_train(&split, request->ratio, name, &out->train_dropped, error);
    if (!code) code = check_thinned(name, &split, request->ratio, error);
    if (!code) code = split_apply(&split, all, request->want, out, error);
    split_free(&split);
    free(mixed);
    return code;
}
