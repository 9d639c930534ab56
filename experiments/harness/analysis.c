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

size_t level_at(const evidence *e, const place *p) {
    for (size_t c = 0; c < e->study->cell_count; c++) {
        const cell *at = &e->study->cells[c];
        if (at->block == p->b && at->ratio == p->ratio && evidence_level(e, c) == FR_FALLBACK) return FR_FALLBACK;
    }
    return FR_HEADLINE;
}

const char *level_name(size_t level) {
    static const char *const names[FR_LEVELS] = {"FR 0.1 %", "FR 0.5 %", "FR 1 %", "FR 5 %"};
    return names[level];
}

void place_heading(const evidence *e, const place *p, char *out, size_t size) {
    char label[PLACE_LABEL];
    const size_t level = level_at(e, p);
    place_label(p, label, sizeof label);
    if (level == FR_HEADLINE)
        snprintf(out, size, "%s", label);
    else
        snprintf(out, size, "%s, %s", label, level_name(level));
}

static size_t fallbacks(const evidence *e, const place *places, size_t count) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) n += level_at(e, &places[i]) == FR_FALLBACK;
    return n;
}

const char *levels_name(const evidence *e, const place *places, size_t count) {
    const size_t n = fallbacks(e, places, count);
    return n == 0 ? level_name(FR_HEADLINE) : n == count ? level_name(FR_FALLBACK) : "FR 1 % or 5 %";
}

const char *levels_note(const evidence *e, const place *places, size_t count) {
    return fallbacks(e, places, count) ? " FR 5 % where there are fewer than 299 test goods." : "";
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
