#include "experiments/harness/compare_field.h"

#include "experiments/harness/compare.h"
#include "experiments/harness/mask_analysis.h"

#include <math.h>
#include <stdio.h>

size_t compare_ordered(const evidence *e, const place *p, measure_field field, size_t *cells) {
    const experiment *x = &e->study->e;
    size_t count = ranked_cells(e, p, field, cells);
    for (size_t n = 0; n < x->entry_count; n++) {
        const char *label = x->entries[n].label;
        const long c = evidence_find(e, p->b, p->ratio, label, 0);
        if (c >= 0 && usable_field(e, p, label, field) < 0) cells[count++] = (size_t)c;
    }
    return count;
}

size_t compare_baseline_row(const evidence *e, const place *p, const size_t *cells, size_t count) {
    const long base = compare_baseline(e, p);
    for (size_t i = 0; i < count; i++)
        if ((long)cells[i] == base) return i + 1;
    return 0;
}

unsigned compare_lost_seeds(const evidence *e, const size_t *cells, size_t count) {
    unsigned lost = 0;
    for (size_t i = 0; i < count; i++) {
        const troubles bad = troubles_of(e, cells[i]);
        lost += bad.diverged + bad.not_started;
    }
    return lost;
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

void compare_value_cell(table *t, const evidence *e, size_t c, measure_field field) {
    char shown[WORDS];
    field_text(e, (long)c, field, shown, sizeof shown);
    table_cell(t, "%s", shown);
}

void compare_mean_cell(table *t, const evidence *e, size_t c, measure_field field) {
    const char *missing = missing_field(e, (long)c, field);
    if (*missing)
        table_cell(t, "%s", missing);
    else
        table_cell(t, "%.3f", estimate_field(e, c, field).mean);
}

void compare_difference_cell(table *t, const evidence *e, const place *p, size_t c, measure_field field) {
    char shown[WORDS];
    const long base = compare_baseline(e, p);
    difference_text(e, (long)c, base, field, shown, sizeof shown);
    table_cell(t, "%s", (long)c == base ? "baseline" : shown);
}

void compare_number_cell(table *t, double value) {
    if (isfinite(value))
        table_cell(t, "%.6g", value);
    else
        table_cell(t, "NaN");
}

static void row_names(table *t, const evidence *e, const place *p, size_t c) {
    char label[PLACE_LABEL];
    place_label(p, label, sizeof label);
    table_cell(t, "%s", label);
    table_cell(t, "%s", e->study->cells[c].entry->label);
}

table *compare_rows(const evidence *e, const place *places, size_t count, measure_field order,
                    const char *const *headers, size_t width, compare_row write) {
    table *t = table_new(headers, width);
    for (size_t i = 0; t && i < count; i++) {
        size_t cells[MAX_ENTRIES];
        const size_t losses = compare_ordered(e, &places[i], order, cells);
        for (size_t n = 0; n < losses; n++) {
            row_names(t, e, &places[i], cells[n]);
            write(t, e, &places[i], cells[n]);
        }
    }
    return t;
}

static void settings_row(table *t, const evidence *e, const place *p, size_t c) {
    const cell *at = &e->study->cells[c];
    (void)p;
    if (at->chosen < 0) {
        for (int i = 0; i < 3; i++) table_cell(t, "not tuned yet");
        return;
    }
    table_cell(t, "%s", at->finals[0].loss);
    table_cell(t, "%.3g", at->finals[0].learning_rate);
    table_cell(t, "%.3g", at->finals[0].weight_decay);
}

table *compare_settings(const evidence *e, const place *places, size_t count, measure_field order) {
    static const char *const headers[] = {"block", "loss", "as trained", "learning rate", "weight decay"};
    return compare_rows(e, places, count, order, headers, 5, settings_row);
}

/* --- lanes ------------------------------------------------------------------------------------------------------- */

static const char *interval_words(const evidence *e, size_t c) {
    return evidence_seeds(e, c)[0].data[DATA_INDEPENDENT] != 0 ? "t, fresh data" : "Nadeau-Bengio, re-split data";
}

/* Where the axis must end because an interval leaves [0, 1] on that side: its end; else NULL, that of the data. */
static const char *axis_end(const evidence *e, const size_t *cells, size_t count, measure_field field, int high) {
    for (size_t i = 0; i < count; i++) {
        const stat_interval at = estimate_field(e, cells[i], field).interval;
        if (high ? at.high > 1 : at.low < 0) return high ? "1" : "0";
    }
    return NULL;
}

int compare_field_lanes(report *r, const evidence *e, const place *p, measure_field field, const char *what,
                        lb_error *error) {
    static const char *const headers[] = {"row", "label", "kind", "value", "low", "high", "jitter"};
    const experiment *x = &e->study->e;
    size_t cells[MAX_ENTRIES];
    const size_t count = ranked_cells(e, p, field, cells), base = compare_baseline_row(e, p, cells, count);
    char row[32], value[32] = "", name[PLACE_LABEL + 20], label[PLACE_LABEL], base_name[LABEL], caption[600];
    if (!count) return LB_OK;
    table *t = table_new(headers, 7);
    for (size_t i = 0; t && i < count; i++)
        compare_add_lane(t, (unsigned)i + 1, e->study->cells[cells[i]].entry->label, e, cells[i], field);
    if (base) snprintf(value, sizeof value, "%.4f", estimate_field(e, cells[base - 1], field).mean);
    snprintf(row, sizeof row, "%zu", base);
    place_label(p, label, sizeof label);
    place_file("lanes", p, name, sizeof name);
    compare_baseline_name(x, base_name);
    snprintf(caption, sizeof caption,
             "%s: %s per loss, mean with 95 %% interval over %u seeds (%s); circles are the seeds; the rule is %s. "
             "The axis is cut to the values.",
             label, what, x->seeds, interval_words(e, cells[0]),
             base ? base_name : "missing: the baseline has no numbers");
    const figure_option options[] = {{"title", label},
                                     {"xlabel", what},
                                     {"xmin", axis_end(e, cells, count, field, 0)},
                                     {"xmax", axis_end(e, cells, count, field, 1)},
                                     {"value", base ? value : NULL},
                                     {"value_label", base ? compare_rule_label(x) : NULL},
                                     {"baseline", row},
                                     {NULL, NULL}};
    return report_figure(r, e->study, "lanes", name, t, options, caption, error);
}

/* --- sentences --- */

void compare_add_names(text *to, const evidence *e, const size_t *cells, size_t count, size_t base, measure_field field,
                       stat_verdict_kind wanted) {
    size_t named = 0;
    for (size_t i = 0; i < count; i++)
        if (cells[i] != base && compare_cells(e, cells[i], base, field).verdict == wanted)
            text_add(to, "%s`%s`", named++ ? ", " : "", e->study->cells[cells[i]].entry->label);
}

/* Appends "; better: `a`, `b`"; nothing when there is no such loss. */
static void add_verdict(text *to, const evidence *e, const size_t *cells, size_t count, size_t base,
                        measure_field field, stat_verdict_kind wanted) {
    text names = {0};
    compare_add_names(&names, e, cells, count, base, field, wanted);
    if (names.data) text_add(to, "%s%s: %s", to->length ? "; " : "", stat_verdict_word(wanted), names.data);
    text_free(&names);
}

void compare_say_verdicts(report *r, const evidence *e, const place *p, measure_field field, const char *name) {
    static const stat_verdict_kind order[] = {STAT_BETTER, STAT_EQUIVALENT, STAT_UNCLEAR, STAT_WORSE};
    size_t cells[MAX_ENTRIES];
    char label[PLACE_LABEL], base_name[LABEL];
    text verdicts = {0};
    const size_t count = ranked_cells(e, p, field, cells), base = compare_baseline_row(e, p, cells, count);
    if (!base) return;
    for (size_t v = 0; v < sizeof order / sizeof *order; v++)
        add_verdict(&verdicts, e, cells, count, cells[base - 1], field, order[v]);
    place_label(p, label, sizeof label);
    compare_baseline_name(&e->study->e, base_name);
    if (verdicts.data) report_say(r, "**%s**, %s against `%s`: %s.", label, name, base_name, verdicts.data);
    text_free(&verdicts);
}

/* --- what was lost ----------------------------------------------------------------------------------------------- */

const char *const compare_lost_headers[COMPARE_LOST] = {"recall at", "diverged", "not started", "failed"};

void compare_lost_cells(table *t, const evidence *e, const place *p, size_t c, int goods) {
    const troubles bad = troubles_of(e, c);
    table_cell(t, "%s", goods ? level_name(level_at(e, p)) : "no goods");
    table_cell(t, "%u", bad.diverged);
    table_cell(t, "%u", bad.not_started);
    table_cell(t, "%u", bad.failed);
}
