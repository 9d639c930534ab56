#include "experiments/harness/grid.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Value of "key=" in "focal(gamma=2, alpha=off)"; 0 when it is not written. */
static int argument(const char *expression, const char *key, char out[24]) {
    char pattern[32];
    snprintf(pattern, sizeof pattern, "%s=", key);
    const char *at = strstr(expression, pattern);
    if (!at) return 0;
    at += strlen(pattern);
    snprintf(out, 24, "%.*s", (int)strcspn(at, ",) "), at);
    return 1;
}

long grid_index(const axis_value *axis, size_t count, const char *value) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(axis[i].text, value) == 0) return (long)i;
    return -1;
}

static void add_value(axis_value *axis, size_t *count, const char *value) {
    if (grid_index(axis, *count, value) >= 0 || *count == MAX_AXIS) return;
    snprintf(axis[(*count)++].text, 24, "%s", value);
}

void grid_of(const experiment *x, grid *out) {
    *out = (grid){0};
    for (size_t i = 0; i < x->entry_count; i++) {
        char gamma[24], alpha[24];
        if (!argument(x->entries[i].loss, "gamma", gamma) || !argument(x->entries[i].loss, "alpha", alpha)) continue;
        add_value(out->gamma, &out->gammas, gamma);
        add_value(out->alpha, &out->alphas, alpha);
    }
}

long grid_cell(const evidence *e, const grid *g, const place *p, size_t gamma, size_t alpha) {
    for (size_t c = 0; c < e->study->cell_count; c++) {
        const cell *at = &e->study->cells[c];
        char value[24];
        if (at->block != p->b || at->ratio != p->ratio) continue;
        if (!argument(at->entry->loss, "gamma", value) || strcmp(value, g->gamma[gamma].text) != 0) continue;
        if (!argument(at->entry->loss, "alpha", value) || strcmp(value, g->alpha[alpha].text) != 0) continue;
        return *missing_word(e, c) ? -1 : (long)c;
    }
    return -1;
}

const measure *grid_seeds(const evidence *e, const place *p) {
    size_t c = 0;
    while (e->study->cells[c].block != p->b || e->study->cells[c].ratio != p->ratio) c++;
    return evidence_seeds(e, c);
}

/* Mean over the alphas that have numbers at `gamma` and at `other`. */
static double shared_marginal(const evidence *e, const grid *g, const place *p, size_t gamma, size_t other,
                              unsigned seed) {
    double sum = 0;
    size_t n = 0;
    for (size_t a = 0; a < g->alphas; a++) {
        const long c = grid_cell(e, g, p, gamma, a);
        if (c < 0 || grid_cell(e, g, p, other, a) < 0) continue;
        sum += field_recall(&evidence_seeds(e, (size_t)c)[seed]);
        n++;
    }
    return n ? sum / (double)n : (double)NAN;
}

double grid_marginal(const evidence *e, const grid *g, const place *p, size_t gamma, unsigned seed) {
    return shared_marginal(e, g, p, gamma, gamma, seed);
}

double grid_spread(const evidence *e, const grid *g, const place *p, size_t gamma, long left_out) {
    double squares = 0, freedom = 0;
    for (size_t a = 0; a < g->alphas; a++) {
        double values[1000];
        size_t n = 0;
        const long c = grid_cell(e, g, p, gamma, a);
        for (unsigned k = 0; c >= 0 && k < e->study->e.seeds; k++) {
            const double value = field_recall(&evidence_seeds(e, (size_t)c)[k]);
            if (k != left_out && isfinite(value)) values[n++] = value;
        }
        if (n < 2) continue;
        const double sd = stat_sd(values, n);
        squares += sd * sd * (double)(n - 1);
        freedom += (double)(n - 1);
    }
    return freedom > 0 ? sqrt(squares / freedom) : (double)NAN;
}

static double log_ratio(const evidence *e, const grid *g, const place *p, size_t gamma, size_t other, long left_out) {
    return log(grid_spread(e, g, p, gamma, left_out) / grid_spread(e, g, p, other, left_out));
}

/* Quenouille & Tukey's pseudo-values: n times the whole less n - 1 times the rest. */
estimate grid_spread_ratio(const evidence *e, const grid *g, const place *p, size_t gamma, size_t other) {
    double pseudo[1000];
    const unsigned n = e->study->e.seeds;
    const double whole = log_ratio(e, g, p, gamma, other, -1);
    estimate out = {.mean = exp(whole), .interval = {0, (double)INFINITY}, .count = n};
    int finite = isfinite(whole);
    for (unsigned k = 0; k < n; k++) {
        pseudo[k] = n * whole - (n - 1) * log_ratio(e, g, p, gamma, other, (long)k);
        finite = finite && isfinite(pseudo[k]);
    }
    if (!finite || n < 3) return out;
    const stat_interval logs = stat_t_interval(pseudo, n, 0.95);
    out.interval = (stat_interval){exp(logs.low), exp(logs.high)};
    return out;
}

comparison grid_contrast(const evidence *e, const grid *g, const place *p, size_t gamma, size_t other) {
    double difference[1000];
    for (unsigned k = 0; k < e->study->e.seeds; k++)
        difference[k] = shared_marginal(e, g, p, gamma, other, k) - shared_marginal(e, g, p, other, gamma, k);
    return compare_values(difference, e->study->e.seeds, grid_seeds(e, p));
}
