/* One number over the imbalance ratio, and over image visits where checkpoints were kept. */
#include "experiments/harness/analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name, *axis, *about;
    measure_field field;
} shown_metric;

static const shown_metric metrics[] = {
    {"recall", "recall at FR 1 %", "recall at FR 1 % (ROC point)", field_recall},
    {"accuracy", "accuracy at probability 1/2", "accuracy at probability one half, at the training share of defects",
     field_accuracy},
    {"half", "recall at probability 1/2", "recall at probability one half", field_recall_half},
};

/* A model that calls (nearly) nothing a defect although it ranks well or not: recall at 1/2 below 1 %. */
static int collapsed(const measure *m) { return m->present && m->recall_half < 0.01; }

static unsigned collapses(const evidence *e, size_t c) {
    unsigned n = 0;
    for (unsigned k = 0; k < e->study->e.seeds; k++) n += (unsigned)collapsed(&evidence_seeds(e, c)[k]);
    return n;
}

static table *ratios_table(const evidence *e) {
    static const char *const headers[] = {"block",
                                          "ratio",
                                          "loss",
                                          "accuracy at 1/2",
                                          "recall at 1/2",
                                          "seeds with recall at 1/2 below 1 %",
                                          "recall at FR 1 %",
                                          "AP",
                                          "diverged",
                                          "not started",
                                          "tied",
                                          "failed"};
    table *t = table_new(headers, 12);
    for (size_t c = 0; t && c < e->study->cell_count; c++) {
        const cell *at = &e->study->cells[c];
        char shown[80];
        const troubles bad = troubles_of(e, c);
        const estimate recall = estimate_field(e, c, field_recall);
        ratio_text(at->ratio, shown, sizeof shown);
        table_cell(t, "%s", at->block->label);
        table_cell(t, "%s", shown);
        table_cell(t, "%s", at->entry->label);
        table_cell(t, "%.4f", estimate_field(e, c, field_accuracy).mean);
        table_cell(t, "%.3f", estimate_field(e, c, field_recall_half).mean);
        table_cell(t, "%u of %u", collapses(e, c), e->study->e.seeds);
        estimate_text(&recall, 0, shown, sizeof shown);
        table_cell(t, "%s", *missing_word(e, c) ? missing_word(e, c) : shown);
        table_cell(t, "%.3f", estimate_field(e, c, field_average_precision).mean);
        table_cell(t, "%u", bad.diverged);
        table_cell(t, "%u", bad.not_started);
        table_cell(t, "%u", bad.tied);
        table_cell(t, "%u", bad.failed);
    }
    return t;
}

static size_t labels_of(const experiment *x, const char **out) {
    for (size_t i = 0; i < x->entry_count; i++) out[i] = x->entries[i].label;
    return x->entry_count;
}

/* Where a ratio stands on the axis: a natural one at what was trained on. */
static double ratio_place(const evidence *e, const block *b, unsigned ratio) {
    double found = (double)NAN;
    for (size_t c = 0; !ratio && !isfinite(found) && c < e->study->cell_count; c++)
        if (e->study->cells[c].block == b && e->study->cells[c].ratio == ratio) found = trained_ratio(e, c);
    return ratio ? ratio : found;
}

static int ratio_figure(report *r, const evidence *e, const block *b, const shown_metric *metric, lb_error *error) {
    const char *labels[MAX_ENTRIES];
    const size_t lines = labels_of(&e->study->e, labels);
    table *t = bands_new("goods per defect", labels, lines);
    for (size_t i = 0; t && i < b->ratio_count; i++) {
        table_cell(t, "%.4g", ratio_place(e, b, b->ratios[i]));
        for (size_t l = 0; l < lines; l++) {
            const long c = evidence_find(e, b, b->ratios[i], labels[l], 0);
            const estimate at = c < 0 ? (estimate){.mean = (double)NAN} : estimate_field(e, (size_t)c, metric->field);
            bands_add(t, &at, 0, 1);
        }
    }
    char name[LABEL + 40], caption[500], ceiling[32] = "";
    const double oracle = metric->field == field_recall ? report_ceiling(r, b, b->ratios[0]) : (double)NAN;
    snprintf(ceiling, sizeof ceiling, "%.4f", oracle);
    snprintf(name, sizeof name, "%s-%s", metric->name, b->label);
    snprintf(caption, sizeof caption, "%s: %s over the imbalance ratio, mean of %u seeds with 95 %% interval.",
             b->label, metric->about, e->study->e.seeds);
    const figure_option options[] = {{"title", b->label},
                                     {"xlabel", "goods per defect in train"},
                                     {"ylabel", metric->axis},
                                     {"logx", "1"},
                                     {"hline", isfinite(oracle) ? ceiling : NULL},
                                     {"hline_label", isfinite(oracle) ? "oracle" : NULL},
                                     {NULL, NULL}};
    return report_figure(r, e->study, "bands", name, t, options, caption, error);
}

static double checkpoint_value(const measure *m, size_t k) { return m->checkpoint[k]; }

static int visits_figure(report *r, const evidence *e, const place *p, lb_error *error) {
    const experiment *x = &e->study->e;
    const char *labels[MAX_ENTRIES];
    const size_t lines = labels_of(x, labels);
    table *t = bands_new("image visits", labels, lines);
    for (unsigned k = 0; t && k < x->checkpoints; k++) {
        table_cell(t, "%u", x->visits / x->checkpoints * (k + 1));
        for (size_t l = 0; l < lines; l++) {
            const long c = evidence_find(e, p->b, p->ratio, labels[l], 0);
            const estimate at =
                c < 0 ? (estimate){.mean = (double)NAN} : estimate_seeds(e, (size_t)c, checkpoint_value, k);
            bands_add(t, &at, 0, 1);
        }
    }
    char name[PLACE_LABEL + 20], label[PLACE_LABEL], caption[500];
    place_label(p, label, sizeof label);
    place_file("visits", p, name, sizeof name);
    snprintf(caption, sizeof caption, "%s: recall at FR 1 %% over image visits, mean of %u seeds with 95 %% interval.",
             label, x->seeds);
    const figure_option options[] = {
        {"title", label}, {"xlabel", "image visits"}, {"ylabel", "recall at FR 1 %"}, {NULL, NULL}};
    return report_figure(r, e->study, "bands", name, t, options, caption, error);
}

int analyse_ratios(report *r, const evidence *e, lb_error *error) {
    static place places[MAX_PLACES];
    const experiment *x = &e->study->e;
    int code = report_table(
        r, e->study, "ratios", ratios_table(e), TABLE_INLINE,
        "Accuracy and recall at probability one half, and recall at FR 1 % with 95 % intervals over seeds.", error);
    for (size_t i = 0; !code && i < x->block_count; i++) {
        if (e->study->unavailable[i] || x->blocks[i].ratio_count < 2) continue;
        for (size_t m = 0; !code && m < sizeof metrics / sizeof *metrics; m++)
            if (in_list(x->figures, metrics[m].name)) code = ratio_figure(r, e, &x->blocks[i], &metrics[m], error);
    }
    const size_t count = places_of(e->study, places);
    for (size_t i = 0; !code && x->checkpoints > 1 && in_list(x->figures, "visits") && i < count; i++)
        code = visits_figure(r, e, &places[i], error);
    return code;
}
