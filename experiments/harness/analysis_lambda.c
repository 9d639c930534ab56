/* Dice + l1 BCE + l2 focal over l1 and l2: heat maps of recall on select and on test, and the cell that select chooses
   against each part alone. */
#include "experiments/harness/lambda.h"
#include "experiments/harness/mask_analysis.h"

#include <math.h>
#include <stdio.h>

/* --- heat maps --------------------------------------------------------------------------------------------------- */

typedef struct {
    double low, high;
} heat_range;

/* What holds the means of all cells on both sets, in steps of 0.05: figures of all places compare. */
static heat_range range_of(const evidence *e) {
    static const measure_field fields[] = {field_recall, field_select_recall};
    heat_range out = {1, 0};
    for (size_t c = 0; c < e->study->cell_count; c++) {
        double l1, l2;
        if (!lambda_weights(e->study->cells[c].entry->loss, &l1, &l2)) continue;
        for (size_t f = 0; f < 2; f++) {
            const double mean = estimate_field(e, c, fields[f]).mean;
            out.low = fmin(out.low, mean);
            out.high = fmax(out.high, mean);
        }
    }
    if (out.low > out.high) return (heat_range){0, 1};
    return (heat_range){floor(out.low * 20) / 20, ceil(out.high * 20) / 20};
}

static table *heat_table(const evidence *e, const place *p, const lambda_axes *axes, measure_field field) {
    char names[MAX_LAMBDAS][24];
    const char *headers[MAX_LAMBDAS + 1] = {"l1 \\ l2"};
    for (size_t k = 0; k < axes->focals; k++) {
        snprintf(names[k], sizeof names[k], "%g", axes->focal[k]);
        headers[k + 1] = names[k];
    }
    table *t = table_new(headers, axes->focals + 1);
    for (size_t i = 0; t && i < axes->bces; i++) {
        table_cell(t, "%g", axes->bce[i]);
        for (size_t k = 0; k < axes->focals; k++) {
            const long c = lambda_cell(e, p, axes->bce[i], axes->focal[k]);
            const char *missing = c < 0 ? "failed" : field == field_recall ? missing_word(e, (size_t)c) : "";
            if (*missing)
                table_cell(t, "%s", missing);
            else
                table_cell(t, "%.3f", estimate_field(e, (size_t)c, field).mean);
        }
    }
    return t;
}

/* "ROW,COLUMN" of a cell, counted from 1, as heat.gp wants it. */
static void heat_place(const evidence *e, long c, const lambda_axes *axes, char *out, size_t size) {
    double l1 = 0, l2 = 0;
    size_t row = 0, column = 0;
    lambda_weights(e->study->cells[c].entry->loss, &l1, &l2);
    while (row < axes->bces && axes->bce[row] != l1) row++;
    while (column < axes->focals && axes->focal[column] != l2) column++;
    snprintf(out, size, "%zu,%zu", row + 1, column + 1);
}

/* "Dice alone 0.512, BCE 0.498, focal 0.487" */
static void parts_text(const evidence *e, const place *p, measure_field field, char *out, size_t size) {
    const long cells[] = {lambda_cell(e, p, 0, 0), usable_cell(e, p, "bce"), usable_cell(e, p, "focal")};
    static const char *const names[] = {"Dice alone", "BCE", "focal"};
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < 3 && used < size; i++) {
        if (cells[i] < 0) continue;
        used += (size_t)snprintf(out + used, size - used, "%s%s %.3f", used ? ", " : "", names[i],
                                 estimate_field(e, (size_t)cells[i], field).mean);
    }
}

static int heat_figure(report *r, const evidence *e, const place *p, const lambda_axes *axes, int on_test,
                       lb_error *error) {
    const measure_field field = on_test ? field_recall : field_select_recall;
    const char *set = on_test ? "test" : "select", *recall = recall_name(e, p);
    const long chosen = lambda_chosen(e, p), best = lambda_best(e, p);
    const heat_range range = range_of(e);
    char name[PLACE_LABEL + 20], label[PLACE_LABEL], title[PLACE_LABEL + 60], caption[900], parts[120];
    char low[16], high[16], box[24], dashed[24] = "";
    if (chosen < 0) return LB_OK;
    place_label(p, label, sizeof label);
    place_file(on_test ? "heat" : "select", p, name, sizeof name);
    parts_text(e, p, field, parts, sizeof parts);
    heat_place(e, chosen, axes, box, sizeof box);
    if (on_test && best >= 0 && best != chosen) heat_place(e, best, axes, dashed, sizeof dashed);
    snprintf(low, sizeof low, "%.2f", range.low);
    snprintf(high, sizeof high, "%.2f", range.high);
    snprintf(title, sizeof title, "%s: %s on %s", label, recall, set);
    snprintf(caption, sizeof caption,
             "%s: %s on the %s set of Dice + l1 BCE + l2 focal, mean of %u seeds; %s. Boxed: the weights that the "
             "select set chooses.%s",
             label, recall, set, e->study->e.seeds, parts,
             *dashed ? " Dashed: the highest on test, known with hindsight only." : "");
    const figure_option options[] = {{"title", title},
                                     {"xlabel", "l2, weight of focal"},
                                     {"ylabel", "l1, weight of BCE"},
                                     {"cblabel", recall},
                                     {"low", low},
                                     {"high", high},
                                     {"best", box},
                                     {"reference", *dashed ? dashed : NULL},
                                     {NULL, NULL}};
    return report_figure(r, e->study, "heat", name, heat_table(e, p, axes, field), options, caption, error);
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

static void weights_cell(table *t, const evidence *e, long c) {
    double l1, l2;
    if (c >= 0 && lambda_weights(e->study->cells[c].entry->loss, &l1, &l2))
        table_cell(t, "%g, %g", l1, l2);
    else
        table_cell(t, "none");
}

static void add_field(table *t, const evidence *e, long c, measure_field field) {
    char shown[WORDS];
    field_text(e, c, field, shown, sizeof shown);
    table_cell(t, "%s", shown);
}

static void add_difference(table *t, const evidence *e, long a, long b) {
    char shown[WORDS];
    difference_text(e, a, b, field_recall, shown, sizeof shown);
    table_cell(t, "%s", shown);
}

/* What choosing on select costs in test recall against the best with hindsight: an estimate without a verdict. */
static void add_regret(table *t, const evidence *e, long chosen, long best) {
    char shown[WORDS];
    if (chosen < 0 || best < 0 || *missing_word(e, (size_t)chosen)) {
        table_cell(t, "none");
    } else if (chosen == best) {
        table_cell(t, "0");
    } else {
        const comparison d = compare_cells(e, (size_t)best, (size_t)chosen, field_recall);
        estimate_text(&d.difference, 1, shown, sizeof shown);
        table_cell(t, "%s", shown);
    }
}

static table *chosen_table(const evidence *e, const place *places, size_t count) {
    static const char *const headers[] = {"block",
                                          "l1, l2 chosen on select",
                                          "recall on select",
                                          "recall on test",
                                          "chosen - Dice alone",
                                          "chosen - BCE",
                                          "chosen - focal",
                                          "l1, l2 best on test (hindsight)",
                                          "its recall on test",
                                          "regret"};
    table *t = table_new(headers, 10);
    for (size_t i = 0; t && i < count; i++) {
        const place *p = &places[i];
        const long chosen = lambda_chosen(e, p), best = lambda_best(e, p);
        char label[PLACE_LABEL];
        place_heading(e, p, label, sizeof label);
        table_cell(t, "%s", label);
        weights_cell(t, e, chosen);
        add_field(t, e, chosen, field_select_recall);
        add_field(t, e, chosen, field_recall);
        add_difference(t, e, chosen, lambda_cell(e, p, 0, 0));
        add_difference(t, e, chosen, usable_cell(e, p, "bce"));
        add_difference(t, e, chosen, usable_cell(e, p, "focal"));
        weights_cell(t, e, best);
        add_field(t, e, best, field_recall);
        add_regret(t, e, chosen, best);
    }
    return t;
}

static void grid_row(table *t, const evidence *e, const place *p, long c) {
    const troubles bad = troubles_of(e, (size_t)c);
    const cell *at = &e->study->cells[c];
    double l1, l2;
    char label[PLACE_LABEL];
    place_heading(e, p, label, sizeof label);
    table_cell(t, "%s", label);
    if (lambda_weights(at->entry->loss, &l1, &l2)) {
        table_cell(t, "%g", l1);
        table_cell(t, "%g", l2);
    } else {
        table_cell(t, "%s", at->entry->label);
        table_cell(t, "alone");
    }
    add_field(t, e, c, field_select_recall);
    add_field(t, e, c, field_recall);
    add_difference(t, e, c, lambda_cell(e, p, 0, 0));
    table_cell(t, "%.3f", estimate_field(e, (size_t)c, field_recall).sd);
    add_field(t, e, c, field_dice);
    table_cell(t, "%u", bad.diverged);
    table_cell(t, "%u", bad.not_started);
    table_cell(t, "%u", bad.tied);
    table_cell(t, "%u", bad.failed);
}

static table *grid_table(const evidence *e, const place *places, size_t count) {
    static const char *const headers[] = {"block",
                                          "l1",
                                          "l2",
                                          "recall on select",
                                          "recall on test",
                                          "difference to Dice alone",
                                          "sd over seeds",
                                          "Dice, select threshold",
                                          "diverged",
                                          "not started",
                                          "tied",
                                          "failed"};
    table *t = table_new(headers, 12);
    for (size_t i = 0; t && i < count; i++)
        for (size_t c = 0; c < e->study->cell_count; c++)
            if (e->study->cells[c].block == places[i].b && e->study->cells[c].ratio == places[i].ratio)
                grid_row(t, e, &places[i], (long)c);
    return t;
}

int analyse_lambda(report *r, const evidence *e, lb_error *error) {
    static place places[MAX_PLACES];
    const size_t count = places_of(e->study, places);
    lambda_axes axes;
    lambda_axes_of(&e->study->e, &axes);
    if (!axes.bces)
        return lb_fail(error, LB_INVALID,
                       "%s: analysis lambda needs losses dice_bce_focal(lambda_bce={...}, lambda_focal={...})",
                       e->study->e.name);
    char caption[700];
    snprintf(caption, sizeof caption,
             "Weights chosen on the select set, by the largest recall there at %s, mean over seeds; among equals "
             "the least l1 + l2, then the least l1. Recall on test and paired differences to each part alone, 95 %% "
             "intervals, verdict at margin %g. The best on test is picked with hindsight and so flattered by chance; "
             "regret: its recall less that of the chosen.%s",
             levels_name(e, places, count), STAT_MARGIN, levels_note(e, places, count));
    int code = report_table(r, e->study, "chosen", chosen_table(e, places, count), TABLE_INLINE, caption, error);
    for (size_t i = 0; !code && i < count; i++) {
        code = heat_figure(r, e, &places[i], &axes, 1, error);
        if (!code) code = heat_figure(r, e, &places[i], &axes, 0, error);
    }
    if (!code)
        code = report_table(r, e->study, "grid", grid_table(e, places, count), TABLE_LINKED,
                            "all weights, and the parts alone, on every block.", error);
    return code;
}
