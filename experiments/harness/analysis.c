#include "experiments/harness/analysis.h"

#include <math.h>
#include <stdio.h>

size_t places_of(const study *s, place *out) {
    size_t n = 0;
    for (size_t i = 0; i < s->cell_count; i++)
        if (!n || out[n - 1].b != s->cells[i].block || out[n - 1].ratio != s->cells[i].ratio)
            out[n++] = (place){s->cells[i].block, s->cells[i].ratio};
    return n;
}

void place_label(const place *p, char *out, size_t size) {
    char ratio[32];
    ratio_text(p->ratio, ratio, sizeof ratio);
    snprintf(out, size, "%s %s", p->b->label, ratio);
}

void place_file(const char *what, const place *p, char *out, size_t size) {
    if (p->ratio)
        snprintf(out, size, "%s-%s-%u", what, p->b->label, p->ratio);
    else
        snprintf(out, size, "%s-%s", what, p->b->label);
}

table *bands_new(const char *x, const char *const *labels, size_t lines) {
    static const char *const endings[3] = {"", " low", " high"};
    static char names[3 * MAX_LINES][LABEL + 8];
    const char *headers[3 * MAX_LINES + 1] = {x};
    for (size_t i = 0; i < 3 * lines; i++) {
        snprintf(names[i], sizeof names[i], "%s%s", labels[i / 3], endings[i % 3]);
        headers[i + 1] = names[i];
    }
    return table_new(headers, 1 + 3 * lines);
}

void bands_add_value(table *t, double value) {
    table_cell(t, "%.4f", value);
    table_cell(t, "NaN");
    table_cell(t, "NaN");
}

void bands_add(table *t, const estimate *e, double low, double high) {
    if (e->count < 2) {
        bands_add_value(t, e->mean);
        return;
    }
    table_cell(t, "%.4f", e->mean);
    table_cell(t, "%.4f", fmax(low, e->interval.low));
    table_cell(t, "%.4f", fmin(high, e->interval.high));
}

estimate estimate_seeds(const evidence *e, size_t c, seed_value value, size_t which) {
    double values[1000];
    const measure *seeds = evidence_seeds(e, c);
    for (unsigned k = 0; k < e->study->e.seeds; k++)
        values[k] = seeds[k].present ? value(&seeds[k], which) : (double)NAN;
    return estimate_values(values, e->study->e.seeds, seeds);
}

long usable_cell(const evidence *e, const place *p, const char *label) {
    const long c = evidence_find(e, p->b, p->ratio, label, 0);
    return c < 0 || *missing_word(e, (size_t)c) ? -1 : c;
}

double trained_ratio(const evidence *e, size_t c) {
    for (unsigned k = 0; k < e->study->e.seeds; k++) {
        const float *data = evidence_seeds(e, c)[k].data;
        const double defects = (double)data[DATA_DEFECTS + SET_TRAIN];
        if (defects > 0) return (double)data[DATA_GOODS + SET_TRAIN] / defects;
    }
    return (double)NAN;
}
