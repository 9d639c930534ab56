/* Pre-study: recall at FR 1 % over the learning rate, per loss, so that grids may fix one rate. */
#include "experiments/harness/analysis.h"

#include <math.h>
#include <stdio.h>

/* Nets that died at a high rate tie, and count with what lies above the tie: nothing. */
static estimate recall_at_rate(const evidence *e, const place *p, const char *label, double rate) {
    const long c = evidence_find(e, p->b, p->ratio, label, rate);
    return c < 0 ? (estimate){.mean = (double)NAN} : estimate_field(e, (size_t)c, field_recall);
}

static size_t best_rate(const evidence *e, const place *p, const char *label) {
    const experiment *x = &e->study->e;
    size_t best = 0;
    double highest = -1;
    for (size_t i = 0; i < x->learning_rate_count; i++) {
        const double mean = recall_at_rate(e, p, label, x->learning_rates[i]).mean;
        if (!(mean > highest)) continue;
        highest = mean;
        best = i;
    }
    return best;
}

static table *rates_table(const evidence *e, const place *places, size_t count) {
    static char names[8][32];
    const experiment *x = &e->study->e;
    const char *headers[11] = {"block", "loss"};
    for (size_t i = 0; i < x->learning_rate_count; i++) {
        snprintf(names[i], sizeof names[i], "rate %g", x->learning_rates[i]);
        headers[i + 2] = names[i];
    }
    headers[x->learning_rate_count + 2] = "best";
    table *t = table_new(headers, x->learning_rate_count + 3);
    for (size_t i = 0; t && i < count * x->entry_count; i++) {
        const place *p = &places[i / x->entry_count];
        const char *label = x->entries[i % x->entry_count].label;
        char shown[PLACE_LABEL];
        place_label(p, shown, sizeof shown);
        table_cell(t, "%s", shown);
        table_cell(t, "%s", label);
        for (size_t k = 0; k < x->learning_rate_count; k++) {
            const estimate at = recall_at_rate(e, p, label, x->learning_rates[k]);
            estimate_text(&at, 0, shown, sizeof shown);
            table_cell(t, "%s", shown);
        }
        table_cell(t, "%g", x->learning_rates[best_rate(e, p, label)]);
    }
    return t;
}

static int rates_figure(report *r, const evidence *e, const place *p, lb_error *error) {
    const experiment *x = &e->study->e;
    const char *labels[MAX_ENTRIES];
    for (size_t i = 0; i < x->entry_count; i++) labels[i] = x->entries[i].label;
    table *t = bands_new("learning rate", labels, x->entry_count);
    for (size_t k = 0; t && k < x->learning_rate_count; k++) {
        table_cell(t, "%g", x->learning_rates[k]);
        for (size_t l = 0; l < x->entry_count; l++) {
            const estimate at = recall_at_rate(e, p, labels[l], x->learning_rates[k]);
            bands_add(t, &at, 0, 1);
        }
    }
    char name[PLACE_LABEL + 20], label[PLACE_LABEL], caption[400];
    place_label(p, label, sizeof label);
    place_file("rates", p, name, sizeof name);
    snprintf(caption, sizeof caption,
             "%s: recall at FR 1 %% over the learning rate (Adam), mean of %u seeds with 95 %% interval.", label,
             x->seeds);
    const figure_option options[] = {
        {"title", label}, {"xlabel", "learning rate"}, {"ylabel", "recall at FR 1 %"}, {"logx", "1"}, {NULL, NULL}};
    return report_figure(r, e->study, "bands", name, t, options, caption, error);
}

int analyse_rates(report *r, const evidence *e, lb_error *error) {
    static place places[MAX_PLACES];
    const size_t count = places_of(e->study, places);
    int code = report_table(r, e->study, "rates", rates_table(e, places, count), TABLE_INLINE,
                            "Recall at FR 1 % over the learning rate, mean over seeds with 95 % interval.", error);
    for (size_t i = 0; !code && i < count; i++) code = rates_figure(r, e, &places[i], error);
    return code;
}
