#include "datasets/public/number_table.h"

#include "datasets/items.h"
#include "datasets/split.h"
#include "datasets/whole_file.h"
#include "lib/base/hash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_BYTES ((size_t)64 << 20)

/* --- reading --- */

void number_table_forget(number_table *t) {
    items_free(&t->items);
    free(t->usable);
    t->usable = NULL;
    t->directory[0] = '\0';
}

/* Room for the rows that `size` bytes can hold, where a field has a digit and an end, and for the one that is refused.
 */
static int make_room(number_table *t, size_t size, lb_error *error) {
    t->items.count = (size + 1) / (2 * t->fields) + 1;
    t->usable = malloc(t->items.count);
    if (!t->usable) return lb_fail_memory(error, "a table");
    memset(t->usable, 1, t->items.count);
    return items_allocate(&t->items, 1, t->columns, ITEMS_FLOATS, 0, 0, error);
}

static int read_rows(number_table *t, numbers_text *text, lb_error *error) {
    size_t row = 0;
    int more, code = t->header ? numbers_header(text, t->header, error) : LB_OK;
    while (!code && !(code = numbers_row(text, t->fields, &more, error)) && more) {
        t->items.parts[row] = (uint32_t)(row / t->rows_per_part);
        code = t->read_row(text, t->items.values + row * t->columns, &t->items.types[row], error);
        row++;
    }
    t->items.count = row;
    return !code && row == 0 ? numbers_fail(text, "there are no rows", error) : code;
}

static int read_file(number_table *t, lb_error *error) {
    char path[PACK_PATH + 100], *bytes;
    size_t size;
    snprintf(path, sizeof path, "%s/%s", t->directory, t->file);
    int code = whole_file_read(path, MOST_BYTES, &bytes, &size, error);
    if (code) return code;
    numbers_text text = numbers_start(bytes, size, path, t->separator);
    code = make_room(t, size, error);
    if (!code) code = read_rows(t, &text, error);
    free(bytes);
    if (code) return code;
    return split_drop_duplicates(&t->items, items_bytes(&t->items, 1, t->columns), t->usable, &t->duplicates,
                                 &t->conflicts, error);
}

static int get(number_table *t, const dataset_request *request, lb_error *error) {
    char directory[PACK_PATH];
    int code = pack_find(t->name, t->file, request->search, directory, error);
    if (code || strcmp(directory, t->directory) == 0) return code;
    number_table_forget(t);
    memcpy(t->directory, directory, sizeof directory);
    code = read_file(t, error);
    if (code) number_table_forget(t);
    return code;
}

/* --- content --- */

static uint64_t hash_number(uint64_t state, uint32_t x) {
    const unsigned char bytes[] = {(unsigned char)x, (unsigned char)(x >> 8), (unsigned char)(x >> 16),
                                   (unsigned char)(x >> 24)};
    return hash64_add(state, bytes, sizeof bytes);
}

static uint64_t hash_row(uint64_t state, const number_table *t, size_t row) {
    state = hash_number(hash_number(state, t->items.parts[row]), t->items.types[row]);
    for (size_t c = 0; c < t->columns; c++) {
        uint32_t bits;
        memcpy(&bits, &t->items.values[row * t->columns + c], sizeof bits);
        state = hash_number(state, bits);
    }
    return state;
}

int number_table_identify(number_table *t, const dataset_request *request, char *out, size_t size, lb_error *error) {
    uint64_t state = HASH64_START;
    const int code = get(t, request, error);
    if (code) return code;
    for (size_t row = 0; row < t->items.count; row++)
        if (t->usable[row]) state = hash_row(state, t, row);
    if (snprintf(out, size, "content=%016llx", (unsigned long long)hash64_finish(state)) < (int)size) return LB_OK;
    return lb_fail(error, LB_INVALID, "no room for the content of data set '%s' in %zu bytes", t->name, size);
}

/* --- standardising --- */

/* Of one column of train, whose `count` is above 0. sd 0: it is constant. */
static void measure(const dataset_items *train, size_t columns, size_t column, double *mean, double *sd) {
    const float *values = train->values + column;
    const double n = (double)train->count;
    double sum = 0, squares = 0;
    int constant = 1;
    for (size_t i = 0; i < train->count; i++) {
        sum += (double)values[i * columns];
        constant &= values[i * columns] == values[0];
    }
    *mean = sum / n;
    for (size_t i = 0; i < train->count; i++) {
        const double apart = (double)values[i * columns] - *mean;
        squares += apart * apart;
    }
    *sd = constant ? 0 : sqrt(squares / n);
}

static float standardised(float value, double mean, double sd) {
    if (sd == 0) return 0;
    const double z = ((double)value - mean) / sd;
    return (float)(z > NUMBER_TABLE_MOST ? NUMBER_TABLE_MOST : z < -NUMBER_TABLE_MOST ? -NUMBER_TABLE_MOST : z);
}

void number_table_standardise(dataset *d) {
    if (d->sets[SET_TRAIN].count == 0) return;
    for (size_t c = 0; c < d->channels; c++) {
        double mean, sd;
        measure(&d->sets[SET_TRAIN], d->channels, c, &mean, &sd);
        for (int which = 0; which < SET_COUNT; which++) {
            float *values = d->sets[which].values + c;
            for (size_t i = 0; i < d->sets[which].count; i++)
                values[i * d->channels] = standardised(values[i * d->channels], mean, sd);
        }
    }
}

/* --- opening --- */

/* The types with one of them against all others; free them. */
static uint16_t *one_against_rest(const dataset_items *items, uint16_t defect) {
    uint16_t *types = malloc(items->count * sizeof *types);
    for (size_t i = 0; types && i < items->count; i++) types[i] = items->types[i] == defect;
    return types;
}

int number_table_open(number_table *t, uint16_t defect, const char *const *type_names, const dataset_request *request,
                      dataset *out, lb_error *error) {
    int code = get(t, request, error);
    if (code) return code;
    dataset_items view = t->items; /* borrowed, but the types of one against the rest */
    if (defect && !(view.types = one_against_rest(&t->items, defect))) return lb_fail_memory(error, "a table");
    *out = (dataset){.height = 1,
                     .width = 1,
                     .channels = t->columns,
                     .type_names = type_names,
                     .duplicates = t->duplicates,
                     .conflicts = t->conflicts};
    code = split_collection(t->name, &view, t->usable, NULL, request, out, error);
    if (!code) number_table_standardise(out);
    if (defect) free(view.types);
    return code;
}
