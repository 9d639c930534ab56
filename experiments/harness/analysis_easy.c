/* Where the focal loss looks: cumulative share of the loss over sorted samples of a trained model, goods and defects
   apart (Lin et al. 2017, figure 4), and the share of the gradient that the hardest 1 % carry. */
#include "experiments/harness/analysis.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GAMMAS = 6, FRACTIONS = 51 };
static const double gammas[GAMMAS] = {0, 0.5, 1, 2, 3, 5};
static const double hardest = 0.01;

/* Test scores of one seed of a cell; 0 when it is missing. */
static int test_scores(const report *r, const evidence *e, size_t c, unsigned seed, metric_scores *out) {
    trial_result trained;
    const measure *m = &evidence_seeds(e, c)[seed];
    if (!m->present || m->outcome != OUTCOME_OK || store_get(r->from, m->key, &trained, NULL)) return 0;
    const trial_array *a = trial_result_find(&trained, "test");
    const int found = a && !metric_scores_new(out, a->data, a->goods, a->data + a->goods, a->count - a->goods, NULL);
    trial_result_free(&trained);
    return found;
}

static const char *class_name(metric_class which) { return which == METRIC_GOODS ? "goods" : "defects"; }

static int share_figure(report *r, const evidence *e, size_t c, metric_class which, lb_error *error) {
    static char labels[GAMMAS][32];
    const char *list[GAMMAS];
    double fraction[FRACTIONS], share[GAMMAS][FRACTIONS];
    metric_scores s;
    if (!test_scores(r, e, c, 0, &s)) return LB_OK;
    for (size_t i = 0; i < FRACTIONS; i++) fraction[i] = (double)i / (FRACTIONS - 1);
    for (size_t g = 0; g < GAMMAS; g++) {
        snprintf(labels[g], sizeof labels[g], "gamma %g", gammas[g]);
        list[g] = labels[g];
        metric_loss_share(&s, which, gammas[g], fraction, FRACTIONS, share[g]);
    }
    metric_scores_free(&s);
    table *t = bands_new("fraction", list, GAMMAS);
    for (size_t i = 0; t && i < FRACTIONS; i++) {
        table_cell(t, "%.4f", fraction[i]);
        for (size_t g = 0; g < GAMMAS; g++) bands_add_value(t, share[g][i]);
    }
    const cell *at = &e->study->cells[c];
    const place p = {at->block, at->ratio};
    char name[PLACE_LABEL + 40], label[PLACE_LABEL], title[PLACE_LABEL + 20], caption[600], axis[80];
    place_label(&p, label, sizeof label);
    place_file(class_name(which), &p, name, sizeof name);
    snprintf(title, sizeof title, "%s, %s", label, class_name(which));
    snprintf(axis, sizeof axis, "share of test %s, easiest first", class_name(which));
    snprintf(caption, sizeof caption,
             "%s: cumulative share of the focal loss over the test %s of a model trained with %s (seed 1), sorted by "
             "loss, normalised to 1.",
             label, class_name(which), at->entry->label);
    const figure_option options[] = {{"title", title},
                                     {"xlabel", axis},
                                     {"ylabel", "cumulative share of the loss"},

                                     {NULL, NULL}};
    return report_figure(r, e->study, "bands", name, t, options, caption, error);
}

int easy_gradient_share(const report *r, const evidence *e, size_t c, metric_class which, double gamma, estimate *out) {
    double values[1000];
    for (unsigned k = 0; k < e->study->e.seeds; k++) {
        metric_scores s;
        values[k] = (double)NAN;
        if (!test_scores(r, e, c, k, &s)) continue;
        values[k] = metric_gradient_share(&s, which, gamma, hardest);
        metric_scores_free(&s);
    }
    *out = estimate_values(values, e->study->e.seeds, evidence_seeds(e, c));
    return out->count > 0;
}

static table *gradient_table(const report *r, const evidence *e) {
    static const char *const headers[] = {"block",   "class",   "gamma 0 (BCE)", "gamma 0.5",
                                          "gamma 1", "gamma 2", "gamma 3",       "gamma 5"};
    table *t = table_new(headers, 2 + GAMMAS);
    for (size_t c = 0; t && c < e->study->cell_count; c++)
        for (int which = METRIC_GOODS; which <= METRIC_DEFECTS; which++) {
            const place p = {e->study->cells[c].block, e->study->cells[c].ratio};
            char shown[PLACE_LABEL];
            place_label(&p, shown, sizeof shown);
            table_cell(t, "%s", shown);
            table_cell(t, "%s", class_name((metric_class)which));
            for (size_t g = 0; g < GAMMAS; g++) {
                estimate share;
                easy_gradient_share(r, e, c, (metric_class)which, gammas[g], &share);
                estimate_text(&share, 0, shown, sizeof shown);
                table_cell(t, "%s", shown);
            }
        }
    return t;
}

int analyse_easy(report *r, const evidence *e, lb_error *error) {
    int code = report_table(r, e->study, "gradient", gradient_table(r, e), TABLE_INLINE,
                            "Share of the total gradient magnitude that the hardest 1 % of the test samples of a class "
                            "carry, mean over seeds with 95 % interval.",
                            error);
    for (size_t c = 0; !code && c < e->study->cell_count; c++) {
        code = share_figure(r, e, c, METRIC_GOODS, error);
        if (!code) code = share_figure(r, e, c, METRIC_DEFECTS, error);
    }
    return code;
}
