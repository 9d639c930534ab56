/* Losses side by side with equal tuning budgets: recall at FR 1 % and its paired difference to a baseline, per block.
 */
#include "experiments/harness/compare.h"
#include "experiments/harness/mask_sheet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- the two matrices: losses x blocks
 * --------------------------------------------------------------------------------- */

static table *matrix_new(const evidence *e, const place *places, size_t count) {
    static char labels[MAX_PLACES][PLACE_LABEL + 10];
    const char *headers[MAX_PLACES + 1] = {"loss"};
    for (size_t i = 0; i < count; i++) {
        place_heading(e, &places[i], labels[i], sizeof labels[i]);
        headers[i + 1] = labels[i];
    }
    return table_new(headers, count + 1);
}

static void recall_cell(table *t, const evidence *e, long c) {
    char shown[80];
    const char *missing = c < 0 ? "not run" : missing_word(e, (size_t)c);
    const estimate recall = c < 0 ? (estimate){0} : estimate_field(e, (size_t)c, field_recall);
    estimate_text(&recall, 0, shown, sizeof shown);
    table_cell(t, "%s", *missing ? missing : shown);
}

static void difference_cell(table *t, const evidence *e, long c, long base) {
    char shown[80];
    const char *missing = c < 0 || base < 0                ? "not run"
                          : *missing_word(e, (size_t)c)    ? missing_word(e, (size_t)c)
                          : *missing_word(e, (size_t)base) ? "no baseline"
                                                           : "";
    if (*missing) {
        table_cell(t, "%s", missing);
        return;
    }
    const comparison d = compare_cells(e, (size_t)c, (size_t)base, field_recall);
    estimate_text(&d.difference, 1, shown, sizeof shown);
    if (isfinite(d.p))
        table_cell(t, "%s %s (p %.3f)", shown, stat_verdict_word(d.verdict), d.p);
    else
        table_cell(t, "%s %s", shown, stat_verdict_word(d.verdict));
}

static table *recall_matrix(const evidence *e, const place *places, size_t count) {
    const experiment *x = &e->study->e;
    table *t = matrix_new(e, places, count);
    for (size_t n = 0; t && n < x->entry_count; n++) {
        table_cell(t, "%s", x->entries[n].label);
        for (size_t i = 0; i < count; i++)
            recall_cell(t, e, evidence_find(e, places[i].b, places[i].ratio, x->entries[n].label, 0));
    }
    return t;
}

static table *difference_matrix(const evidence *e, const place *places, size_t count) {
    const experiment *x = &e->study->e;
    table *t = matrix_new(e, places, count);
    for (size_t n = 0; t && n < x->entry_count; n++) {
        if (compare_is_baseline(x, n)) continue;
        table_cell(t, "%s", x->entries[n].label);
        for (size_t i = 0; i < count; i++)
            difference_cell(t, e, evidence_find(e, places[i].b, places[i].ratio, x->entries[n].label, 0),
                            compare_baseline(e, &places[i]));
    }
    return t;
}

/* --- all numbers of a cell, linked
 * ----------------------------------------------------------------------------------------- */

static double field_level0(const measure *m) { return field_level(m, 0); }
static double field_level1(const measure *m) { return field_level(m, 1); }
static double field_level2(const measure *m) { return field_level(m, 2); }
static double field_level3(const measure *m) { return field_level(m, 3); }

static table *detail_table(report *r, const evidence *e) {
    static const char *const headers[] = {"block",
                                          "ratio",
                                          "loss",
                                          "as trained",
                                          "learning rate",
                                          "weight decay",
                                          "recall at FR 0.1 %",
                                          "recall at FR 0.5 %",
                                          "recall at FR 1 %",
                                          "recall at FR 5 %",
                                          "partial AUROC to FR 5 %",
                                          "AUROC",
                                          "AP",
                                          "ECE after Platt",
                                          "share of the ceiling at FR 1 %",
                                          "diverged",
                                          "not started",
                                          "tied",
                                          "failed"};
    static const measure_field fields[] = {field_level0,
                                           field_level1,
                                           field_level2,
                                           field_level3,
                                           field_pauc,
                                           field_auroc,
                                           field_average_precision,
                                           field_calibration_error};
    table *t = table_new(headers, sizeof headers / sizeof *headers);
    for (size_t c = 0; t && c < e->study->cell_count; c++) {
        const cell *at = &e->study->cells[c];
        char shown[80];
        const troubles bad = troubles_of(e, c);
        const int few = level_at(e, &(place){at->block, at->ratio}) == FR_FALLBACK;
        ratio_text(at->ratio, shown, sizeof shown);
        table_cell(t, "%s", at->block->label);
        table_cell(t, "%s", shown);
        table_cell(t, "%s", at->entry->label);
        table_cell(t, "%s", at->finals[0].loss);
        table_cell(t, "%.3g", at->finals[0].learning_rate);
        table_cell(t, "%.3g", at->finals[0].weight_decay);
        for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
            const estimate value = estimate_field(e, c, fields[f]);
            estimate_text(&value, 0, shown, sizeof shown);
            table_cell(t, "%s", few && fields[f] == field_level2 ? "n<299" : shown);
        }
        const double share = estimate_field(e, c, field_level2).mean / report_ceiling(r, at->block, at->ratio);
        if (isfinite(share) && !few)
            table_cell(t, "%.3f", share);
        else
            table_cell(t, "unknown");
        table_cell(t, "%u", bad.diverged);
        table_cell(t, "%u", bad.not_started);
        table_cell(t, "%u", bad.tied);
        table_cell(t, "%u", bad.failed);
    }
    return t;
}

/* --- deployment: the threshold comes from calibrate goods
 * ---------------------------------------------------------------------- */

static void deployment_half(table *t, const evidence *e, size_t c, int naive) {
    const measure *seeds = evidence_seeds(e, c);
    const unsigned count = e->study->e.seeds;
    double recall = 0, fr = 0;
    unsigned above = 0, n = 0, measured = 0;
    for (unsigned k = 0; k < count; k++) {
        const metric_point *p = naive ? &seeds[k].naive : &seeds[k].transferred;
        const int diverged = seeds[k].outcome == OUTCOME_DIVERGED; /* rejects nothing */
        if (!diverged && (!seeds[k].present || !p->goods || (!naive && seeds[k].np_order < 0))) continue;
        recall += p->recall;
        fr += p->fr;
        above += p->fr > fr_levels[FR_HEADLINE];
        n++;
        measured += !diverged;
    }
    if (!measured) {
        for (int i = 0; i < 3; i++) table_cell(t, "n<299");
        return;
    }
    const metric_point *first = naive ? &seeds[0].naive : &seeds[0].transferred;
    const stat_interval found =
        first->defects ? stat_clopper_pearson(first->found, first->defects, 0.95) : (stat_interval){0, 1};
    const stat_interval rejected =
        first->goods ? stat_clopper_pearson(first->false_rejects, first->goods, 0.95) : (stat_interval){0, 1};
    table_cell(t, "%.3f (%.3f [%.3f, %.3f])", recall / n, first->recall, found.low, found.high);
    table_cell(t, "%.2f %% (%.2f %% [%.2f, %.2f])", 100 * fr / n, 100 * first->fr, 100 * rejected.low,
               100 * rejected.high);
    table_cell(t, "%u of %u", above, n);
}

static table *deployment_table(const evidence *e) {
    static const char *const headers[] = {"block",        "ratio",        "loss",          "Neyman-Pearson: recall",
                                          "achieved FR",  "FR above 1 %", "naive: recall", "achieved FR ",
                                          "FR above 1 % "};
    table *t = table_new(headers, sizeof headers / sizeof *headers);
    for (size_t c = 0; t && c < e->study->cell_count; c++) {
        char ratio[32];
        ratio_text(e->study->cells[c].ratio, ratio, sizeof ratio);
        table_cell(t, "%s", e->study->cells[c].block->label);
        table_cell(t, "%s", ratio);
        table_cell(t, "%s", e->study->cells[c].entry->label);
        deployment_half(t, e, c, 0);
        deployment_half(t, e, c, 1);
    }
    return t;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int overviews(report *r, const evidence *e, const place *places, size_t count, lb_error *error) {
    const experiment *x = &e->study->e;
    const char *level = levels_name(e, places, count), *note = levels_note(e, places, count);
    char base[LABEL], caption[600];
    compare_baseline_name(x, base);
    snprintf(caption, sizeof caption,
             "All blocks at a glance: means over blocks (the ratios of one data set averaged first) and the number of "
             "block-ratio pairs with each verdict against %s.%s",
             base, note);
    int code = report_table(r, e->study, "summary", compare_summary(e, places, count), TABLE_INLINE, caption, error);
    if (code) return code;
    snprintf(caption, sizeof caption, "Recall at %s (ROC point), mean over seeds with 95 %% interval.%s", level, note);
    code = report_table(r, e->study, "recall", recall_matrix(e, places, count), TABLE_INLINE, caption, error);
    if (code) return code;
    snprintf(caption, sizeof caption,
             "Paired difference in recall at %s to %s%s, 95 %% interval, verdict at margin 0.02, sign-flip p where "
             "every seed draws fresh data.%s",
             level, base, strcmp(base, "tuned BCE") == 0 ? " with prior bias" : "", note);
    return report_table(r, e->study, "difference", difference_matrix(e, places, count), TABLE_INLINE, caption, error);
}

/* The curves of one place, folded away so that the report can be read through. */
static int folded_figures(report *r, const evidence *e, const place *p, lb_error *error) {
    const char *wanted = e->study->e.figures;
    char label[PLACE_LABEL];
    int code = LB_OK;
    if (!in_list(wanted, "curve") && !in_list(wanted, "tuning")) return LB_OK;
    place_label(p, label, sizeof label);
    text_add(&r->body, "<details><summary>%s: recall over FR, and over tuning points</summary>\n\n", label);
    if (in_list(wanted, "curve")) code = compare_curve(r, e, p, error);
    if (!code && in_list(wanted, "tuning")) code = compare_tuning(r, e, p, error);
    text_add(&r->body, "</details>\n\n");
    return code;
}

static int place_figures(report *r, const evidence *e, const place *p, lb_error *error) {
    const char *wanted = e->study->e.figures;
    int code = LB_OK;
    if (in_list(wanted, "lanes")) code = compare_lanes(r, e, p, error);
    if (!code && evidence_has_masks(e) && in_list(wanted, "overlap")) code = compare_overlap(r, e, p, error);
    if (!code && in_list(wanted, "sheet")) code = report_mask_sheet(r, e, p, error);
    return code ? code : folded_figures(r, e, p, error);
}

static int linked_tables(report *r, const evidence *e, const place *places, size_t count, lb_error *error) {
    char caption[400];
    int code = LB_OK;
    snprintf(caption, sizeof caption,
             "recall at %s with the published defaults at the middle learning rate (tuning point 0, on the tuning "
             "seeds) beside the tuned setting.%s",
             levels_name(e, places, count), levels_note(e, places, count));
    if (e->study->e.points)
        code = report_table(r, e->study, "published", compare_published(r, e), TABLE_LINKED, caption, error);
    if (!code)
        code = report_table(r, e->study, "detail", detail_table(r, e), TABLE_LINKED,
                            "every metric of every loss and block, with the parameters it was trained with.", error);
    if (!code)
        code = report_table(r, e->study, "deployment", deployment_table(e), TABLE_LINKED,
                            "thresholds set on calibrate goods for FR 1 % (Neyman-Pearson order at 5 % risk, and the "
                            "naive quantile), tried on test: mean over seeds, in "
                            "brackets seed 1 with its Clopper-Pearson interval.",
                            error);
    return code;
}

int analyse_compare(report *r, const evidence *e, lb_error *error) {
    static place places[MAX_PLACES];
    const size_t count = places_of(e->study, places);
    const int masks = evidence_has_masks(e);
    compare_say_edges(r, e->study);
    int code = overviews(r, e, places, count, error);
    if (!code && masks) code = compare_masks_inline(r, e, places, count, error);
    for (size_t i = 0; !code && i < count; i++) code = place_figures(r, e, &places[i], error);
    if (!code) code = linked_tables(r, e, places, count, error);
    if (!code && masks) code = compare_masks_linked(r, e, places, count, error);
    return code;
}
