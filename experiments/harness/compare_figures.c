/* Figures of one place of a comparison: losses in lanes, recall over FR, and the best of k tuning points. */
#include "experiments/harness/compare.h"

#include <math.h>
#include <stdio.h>

/* Expected best partial AUROC on select after k of the K points, one line a loss. */
int compare_tuning(report *r, const evidence *e, const place *p, lb_error *error) {
    enum { MAX_POINTS = 64 };
    const experiment *x = &e->study->e;
    double best[MAX_ENTRIES][MAX_POINTS], scores[MAX_POINTS];
    const char *labels[MAX_ENTRIES];
    size_t lines = 0;
    if (x->points < 2 || x->points > MAX_POINTS) return LB_OK;
    for (size_t n = 0; n < x->entry_count; n++) {
        const long c = evidence_find(e, p->b, p->ratio, x->entries[n].label, 0);
        if (c < 0 || e->study->cells[c].chosen < 0) continue; /* not all points are there */
        for (unsigned k = 0; k < x->points; k++)
            scores[k] = study_point_score(e->study, &e->study->cells[c], k, r->from);
        const int code = stat_best_of_k(scores, x->points, best[lines], error);
        if (code) return code;
        labels[lines++] = x->entries[n].label;
    }
    if (!lines) return LB_OK;
    table *t = bands_new("points", labels, lines);
    for (unsigned k = 0; t && k < x->points; k++) {
        table_cell(t, "%u", k + 1);
        for (size_t l = 0; l < lines; l++) bands_add_value(t, best[l][k]);
    }
    char name[PLACE_LABEL + 20], label[PLACE_LABEL], caption[600];
    place_label(p, label, sizeof label);
    place_file("tuning", p, name, sizeof name);
    snprintf(
        caption, sizeof caption,
        "%s: expected best partial AUROC (FR up to 5 %%, select set, mean of %u tuning seeds) after k of %u tuning "
        "points. A loss that leads only at the right edge owes it to the budget.",
        label, x->tuning_seeds, x->points);
    const figure_option options[] = {{"title", label},
                                     {"xlabel", "tuning points tried"},
                                     {"ylabel", "best partial AUROC on select"},
                                     {"ymin", "auto"},
                                     {"ymax", "auto"},
                                     {NULL, NULL}};
    return report_figure(r, e->study, "bands", name, t, options, caption, error);
}

static double jitter(unsigned seed) { return 0.09 * ((double)(seed % 5) - 2) / 2; }

void compare_add_lane(table *t, unsigned row, const char *label, const evidence *e, size_t c, measure_field field) {
    const estimate all = estimate_field(e, c, field);
    const int interval = all.count > 1;
    table_cell(t, "%u", row);
    table_cell(t, "%s", label);
    table_cell(t, "mean");
    table_cell(t, "%.4f", all.mean);
    table_cell(t, "%.4f", interval ? all.interval.low : all.mean);
    table_cell(t, "%.4f", interval ? all.interval.high : all.mean);
    table_cell(t, "0");
    for (unsigned k = 0; k < e->study->e.seeds; k++) {
        table_cell(t, "%u", row);
        table_cell(t, "%s", label);
        table_cell(t, "seed");
        table_cell(t, "%.4f", field(&evidence_seeds(e, c)[k]));
        table_cell(t, "NaN");
        table_cell(t, "NaN");
        table_cell(t, "%.3f", jitter(k));
    }
}

int compare_lanes(report *r, const evidence *e, const place *p, lb_error *error) {
    static const char *const headers[] = {"row", "label", "kind", "value", "low", "high", "jitter"};
    const experiment *x = &e->study->e;
    const long base = usable_cell(e, p, x->baseline);
    const char *level = level_name(level_at(e, p));
    char base_value[32] = "", name[PLACE_LABEL + 20], label[PLACE_LABEL], caption[600], axis[40], base_name[LABEL];
    table *t = table_new(headers, 7);
    unsigned row = 0;
    for (size_t n = 0; t && n < x->entry_count; n++) {
        const long c = usable_cell(e, p, x->entries[n].label);
        if (c >= 0) compare_add_lane(t, ++row, x->entries[n].label, e, (size_t)c, field_recall);
    }
    if (base < 0 || !row) {
        table_free(t);
        return LB_OK;
    }
    snprintf(base_value, sizeof base_value, "%.4f", estimate_field(e, (size_t)base, field_recall).mean);
    place_label(p, label, sizeof label);
    place_file("lanes", p, name, sizeof name);
    compare_baseline_name(x, base_name);
    const int fresh = evidence_seeds(e, (size_t)base)[0].data[DATA_INDEPENDENT] != 0;
    snprintf(caption, sizeof caption,
             "%s: recall at %s (ROC point) per loss, mean with 95 %% interval over %u seeds (%s); circles are the "
             "seeds; the rule is %s.",
             label, level, x->seeds, fresh ? "t, fresh data" : "Nadeau-Bengio, re-split data", base_name);
    snprintf(axis, sizeof axis, "recall at %s", level);
    const figure_option options[] = {
        {"title", label}, {"xlabel", axis}, {"value", base_value}, {"value_label", compare_rule_label(x)},
        {"xmin", "0"},    {"xmax", "1"},    {NULL, NULL}};
    return report_figure(r, e->study, "lanes", name, t, options, caption, error);
}

static double curve_value(const measure *m, size_t i) { return m->curve[i]; }

/* Mean recall over FR with its band, one line a loss. */
int compare_curve(report *r, const evidence *e, const place *p, lb_error *error) {
    const experiment *x = &e->study->e;
    const char *labels[MAX_ENTRIES];
    size_t cells[MAX_ENTRIES], lines = 0;
    double fr[CURVE_POINTS];
    for (size_t n = 0; n < x->entry_count; n++) {
        const long c = usable_cell(e, p, x->entries[n].label);
        if (c < 0) continue;
        labels[lines] = x->entries[n].label;
        cells[lines++] = (size_t)c;
    }
    if (!lines) return LB_OK;
    metric_log_grid(curve_low, curve_high, CURVE_POINTS, fr);
    table *t = bands_new("FR", labels, lines);
    for (size_t i = 0; t && i < CURVE_POINTS; i++) {
        table_cell(t, "%.6f", fr[i]);
        for (size_t l = 0; l < lines; l++) {
            const estimate at = estimate_seeds(e, cells[l], curve_value, i);
            bands_add(t, &at, 0, 1);
        }
    }
    char name[PLACE_LABEL + 20], label[PLACE_LABEL], caption[600];
    char rule[16];
    const size_t level = level_at(e, p);
    const float *data = evidence_seeds(e, cells[0])[0].data;
    place_label(p, label, sizeof label);
    place_file("curve", p, name, sizeof name);
    snprintf(rule, sizeof rule, "%g", fr_levels[level]);
    snprintf(caption, sizeof caption,
             "%s: recall over the false-rejection rate, mean of %u seeds with 95 %% band; the rule is %s. %.0f test "
             "goods and %.0f test defects a seed.",
             label, x->seeds, level_name(level), (double)data[DATA_GOODS + SET_TEST],
             (double)data[DATA_DEFECTS + SET_TEST]);
    const figure_option options[] = {{"title", label},
                                     {"xlabel", "FR, %"},
                                     {"ylabel", "recall"},
                                     {"logx", "1"},
                                     {"percent", "1"},
                                     {"rule", rule},
                                     {"rule_label", level_name(level)},
                                     {NULL, NULL}};
    return report_figure(r, e->study, "bands", name, t, options, caption, error);
}
