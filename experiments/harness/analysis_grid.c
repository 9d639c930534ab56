/* gamma x alpha x ratio: heat maps of recall at FR 1 %, the best gamma, and the spread over seeds. */
#include "experiments/harness/grid.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static double cell_mean(const evidence *e, long c) {
    return c < 0 ? (double)NAN : estimate_field(e, (size_t)c, field_recall).mean;
}

/* The highest mean of the grid; 0 when the grid is empty. */
static int find_best(const evidence *e, const grid *g, const place *p, size_t *gamma, size_t *alpha) {
    double best = -1;
    for (size_t i = 0; i < g->gammas; i++)
        for (size_t j = 0; j < g->alphas; j++) {
            const double mean = cell_mean(e, grid_cell(e, g, p, i, j));
            if (!(mean > best)) continue;
            best = mean;
            *gamma = i;
            *alpha = j;
        }
    return best >= 0;
}

static int heat_figure(report *r, const evidence *e, const grid *g, const place *p, lb_error *error) {
    const char *headers[MAX_AXIS + 1] = {"gamma \\ alpha"};
    size_t gamma = 0, alpha = 0;
    const long bce = usable_cell(e, p, "bce");
    if (!find_best(e, g, p, &gamma, &alpha)) return LB_OK;
    for (size_t j = 0; j < g->alphas; j++) headers[j + 1] = g->alpha[j].text;
    table *t = table_new(headers, g->alphas + 1);
    for (size_t i = 0; t && i < g->gammas; i++) {
        table_cell(t, "%s", g->gamma[i].text);
        for (size_t j = 0; j < g->alphas; j++) table_cell(t, "%.3f", cell_mean(e, grid_cell(e, g, p, i, j)));
    }
    char name[PLACE_LABEL + 20], label[PLACE_LABEL], title[PLACE_LABEL + 60], caption[700];
    place_label(p, label, sizeof label);
    place_file("heat", p, name, sizeof name);
    snprintf(title, sizeof title, "%s: recall at FR 1 %%, BCE %.3f", label, cell_mean(e, bce));
    snprintf(caption, sizeof caption,
             "%s: recall at FR 1 %% of focal(gamma, alpha), mean of %u seeds; BCE with prior bias %.3f; boxed: the "
             "highest mean, gamma %s, "
             "alpha %s (%.3f), the winner of %zu and so flattered by chance.",
             label, e->study->e.seeds, cell_mean(e, bce), g->gamma[gamma].text, g->alpha[alpha].text,
             cell_mean(e, grid_cell(e, g, p, gamma, alpha)), g->gammas * g->alphas);
    char best[40];
    snprintf(best, sizeof best, "%zu,%zu", gamma + 1, alpha + 1);
    const figure_option options[] = {
        {"title", title}, {"xlabel", "alpha"}, {"ylabel", "gamma"}, {"cblabel", "recall at FR 1 %"},
        {"best", best},   {"low", "0"},        {"high", "1"},       {NULL, NULL}};
    return report_figure(r, e->study, "heat", name, t, options, caption, error);
}

/* --- lines over gamma, one a ratio
 * ----------------------------------------------------------------------------------------- */

static size_t ratios_of(const place *places, size_t count, const block *b, const place **out) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (places[i].b == b) out[n++] = &places[i];
    return n;
}

static estimate marginal_estimate(const evidence *e, const grid *g, const place *p, size_t gamma) {
    double values[1000];
    for (unsigned k = 0; k < e->study->e.seeds; k++) values[k] = grid_marginal(e, g, p, gamma, k);
    return estimate_values(values, e->study->e.seeds, grid_seeds(e, p));
}

static int gamma_figure(report *r, const evidence *e, const grid *g, const place *places, size_t count, const block *b,
                        int spread, lb_error *error) {
    const place *here[MAX_RATIOS];
    const size_t lines = ratios_of(places, count, b, here);
    static char labels[MAX_RATIOS][40];
    const char *label_list[MAX_RATIOS];
    for (size_t i = 0; i < lines; i++) {
        ratio_text(here[i]->ratio, labels[i], sizeof labels[i]);
        label_list[i] = labels[i];
    }
    table *t = bands_new("gamma", label_list, lines);
    for (size_t i = 0; t && i < g->gammas; i++) {
        table_cell(t, "%s", g->gamma[i].text);
        for (size_t l = 0; l < lines; l++) {
            const estimate mean = marginal_estimate(e, g, here[l], i);
            if (spread)
                bands_add_value(t, grid_spread(e, g, here[l], i, -1));
            else
                bands_add(t, &mean, 0, 1);
        }
    }
    char name[LABEL + 20], caption[500];
    snprintf(name, sizeof name, "%s-%s", spread ? "spread" : "gamma", b->label);
    snprintf(caption, sizeof caption,
             spread ? "%s: standard deviation over seeds of recall at FR 1 %%, pooled over alpha, per imbalance ratio."
                    : "%s: recall at FR 1 %% over gamma, mean over all alphas and seeds with 95 %% interval over "
                      "seeds, per imbalance ratio.",
             b->label);
    const figure_option options[] = {{"title", b->label},
                                     {"xlabel", "gamma"},
                                     {"ylabel", spread ? "sd over seeds of recall at FR 1 %" : "recall at FR 1 %"},
                                     {"ymin", "0"},
                                     {"ymax", spread ? "auto" : "1"},
                                     {"baseline", "0"},
                                     {NULL, NULL}};
    return report_figure(r, e->study, "bands", name, t, options, caption, error);
}

/* --- tables
 * --------------------------------------------------------------------------------------------------------------------
 */

static void comparison_cells(table *t, const evidence *e, long c, long base) {
    char shown[80];
    if (c < 0 || base < 0) {
        table_cell(t, "not run");
        return;
    }
    const comparison d = compare_cells(e, (size_t)c, (size_t)base, field_recall);
    estimate_text(&d.difference, 1, shown, sizeof shown);
    table_cell(t, "%s %s", shown, stat_verdict_word(d.verdict));
}

static size_t best_marginal(const evidence *e, const grid *g, const place *p) {
    size_t best = 0;
    for (size_t i = 1; i < g->gammas; i++)
        if (marginal_estimate(e, g, p, i).mean > marginal_estimate(e, g, p, best).mean) best = i;
    return best;
}

static void best_row(table *t, const evidence *e, const grid *g, const place *p) {
    char shown[80];
    size_t gamma = 0, alpha = 0;
    const long bce = usable_cell(e, p, "bce");
    place_label(p, shown, sizeof shown);
    table_cell(t, "%s", shown);
    const estimate base = bce < 0 ? (estimate){0} : estimate_field(e, (size_t)bce, field_recall);
    estimate_text(&base, 0, shown, sizeof shown);
    table_cell(t, "%s", shown);
    const long two = grid_index(g->gamma, g->gammas, "2"), quarter = grid_index(g->alpha, g->alphas, "0.25");
    comparison_cells(t, e, two < 0 || quarter < 0 ? -1 : grid_cell(e, g, p, (size_t)two, (size_t)quarter), bce);
    const long automatic = grid_index(g->alpha, g->alphas, "auto");
    comparison_cells(t, e, two < 0 || automatic < 0 ? -1 : grid_cell(e, g, p, (size_t)two, (size_t)automatic), bce);
    const int any = find_best(e, g, p, &gamma, &alpha);
    table_cell(t, any ? "gamma %s, alpha %s" : "none", g->gamma[gamma].text, g->alpha[alpha].text);
    comparison_cells(t, e, any ? grid_cell(e, g, p, gamma, alpha) : -1, bce);
    const size_t marginal = best_marginal(e, g, p);
    const long zero = grid_index(g->gamma, g->gammas, "0");
    table_cell(t, "%s", g->gamma[marginal].text);
    if (zero < 0 || marginal == (size_t)zero)
        table_cell(t, "0 is best");
    else {
        const comparison d = grid_contrast(e, g, p, marginal, (size_t)zero);
        estimate_text(&d.difference, 1, shown, sizeof shown);
        table_cell(t, "%s %s", shown, stat_verdict_word(d.verdict));
    }
}

static table *best_table(const evidence *e, const grid *g, const place *places, size_t count) {
    static const char *const headers[] = {"block",
                                          "BCE",
                                          "focal(2, 0.25) - BCE",
                                          "focal(2, auto) - BCE",
                                          "highest of the grid",
                                          "highest - BCE",
                                          "best gamma over all alphas",
                                          "best gamma - gamma 0"};
    table *t = table_new(headers, 8);
    for (size_t i = 0; t && i < count; i++) best_row(t, e, g, &places[i]);
    return t;
}

static table *grid_table(const evidence *e, const grid *g, const place *places, size_t count) {
    static const char *const headers[] = {"block",         "gamma", "alpha",    "recall at FR 1 %", "difference to BCE",
                                          "sd over seeds", "AP",    "diverged", "not started",      "tied",
                                          "failed"};
    table *t = table_new(headers, 11);
    for (size_t i = 0; t && i < count; i++)
        for (size_t k = 0; k < g->gammas * g->alphas; k++) {
            char shown[80];
            const long c = grid_cell(e, g, &places[i], k / g->alphas, k % g->alphas);
            if (c < 0) continue;
            const estimate recall = estimate_field(e, (size_t)c, field_recall);
            const troubles bad = troubles_of(e, (size_t)c);
            place_label(&places[i], shown, sizeof shown);
            table_cell(t, "%s", shown);
            table_cell(t, "%s", g->gamma[k / g->alphas].text);
            table_cell(t, "%s", g->alpha[k % g->alphas].text);
            estimate_text(&recall, 0, shown, sizeof shown);
            table_cell(t, "%s", shown);
            comparison_cells(t, e, c, usable_cell(e, &places[i], "bce"));
            table_cell(t, "%.3f", recall.sd);
            table_cell(t, "%.3f", estimate_field(e, (size_t)c, field_average_precision).mean);
            table_cell(t, "%u", bad.diverged);
            table_cell(t, "%u", bad.not_started);
            table_cell(t, "%u", bad.tied);
            table_cell(t, "%u", bad.failed);
        }
    return t;
}

int analyse_grid(report *r, const evidence *e, lb_error *error) {
    static place places[MAX_PLACES];
    const size_t count = places_of(e->study, places);
    grid g;
    grid_of(&e->study->e, &g);
    if (!g.gammas)
        return lb_fail(error, LB_INVALID, "%s: analysis grid needs losses with gamma and alpha", e->study->e.name);
    int code = report_table(
        r, e->study, "best", best_table(e, &g, places, count), TABLE_INLINE,
        "Focal loss against BCE with prior bias, paired differences in recall at FR 1 % with 95 % intervals. The "
        "highest of the grid is the "
        "winner of many and so flattered by chance; the best gamma over all alphas is not picked by alpha.",
        error);
    for (size_t i = 0; !code && i < count; i++) code = heat_figure(r, e, &g, &places[i], error);
    for (size_t i = 0; !code && i < e->study->e.block_count; i++) {
        const place *here[MAX_RATIOS];
        if (!ratios_of(places, count, &e->study->e.blocks[i], here)) continue;
        code = gamma_figure(r, e, &g, places, count, &e->study->e.blocks[i], 0, error);
        if (!code) code = gamma_figure(r, e, &g, places, count, &e->study->e.blocks[i], 1, error);
    }
    if (!code)
        code = report_table(r, e->study, "grid", grid_table(e, &g, places, count), TABLE_LINKED,
                            "every gamma, alpha, block and ratio.", error);
    return code;
}
