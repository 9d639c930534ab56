/* What a comparison of box losses draws and says of one place. */
#include "experiments/harness/compare.h"
#include "experiments/harness/compare_boxes.h"
#include "experiments/harness/mask_analysis.h"
#include "experiments/harness/objective.h"

#include <math.h>
#include <stdio.h>

/* --- figures ----------------------------------------------------------------------------------------------------- */

static const char *interval_words(const evidence *e, size_t c) {
    return evidence_seeds(e, c)[0].data[DATA_INDEPENDENT] != 0 ? "t, fresh data" : "Nadeau-Bengio, re-split data";
}

/* The row of the baseline among the ranked cells, from 1; 0: it is not there. */
static size_t baseline_row(const evidence *e, const place *p, const size_t *cells, size_t count) {
    const long base = compare_baseline(e, p);
    for (size_t i = 0; i < count; i++)
        if ((long)cells[i] == base) return i + 1;
    return 0;
}

/* Where the axis must end because an interval leaves [0, 1] on that side: its end; else NULL, that of the data. */
static const char *axis_end(const evidence *e, const size_t *cells, size_t count, int high) {
    for (size_t i = 0; i < count; i++) {
        const stat_interval at = estimate_field(e, cells[i], field_box_ap50).interval;
        if (high ? at.high > 1 : at.low < 0) return high ? "1" : "0";
    }
    return NULL;
}

int compare_box_lanes(report *r, const evidence *e, const place *p, lb_error *error) {
    static const char *const headers[] = {"row", "label", "kind", "value", "low", "high", "jitter"};
    const experiment *x = &e->study->e;
    size_t cells[MAX_ENTRIES];
    const size_t count = ranked_cells(e, p, field_box_ap50, cells), base = baseline_row(e, p, cells, count);
    char row[32], value[32] = "", name[PLACE_LABEL + 20], label[PLACE_LABEL], base_name[LABEL], caption[600];
    if (!count) return LB_OK;
    table *t = table_new(headers, 7);
    for (size_t i = 0; t && i < count; i++)
        compare_add_lane(t, (unsigned)i + 1, e->study->cells[cells[i]].entry->label, e, cells[i], field_box_ap50);
    if (base) snprintf(value, sizeof value, "%.4f", estimate_field(e, cells[base - 1], field_box_ap50).mean);
    snprintf(row, sizeof row, "%zu", base);
    place_label(p, label, sizeof label);
    place_file("lanes", p, name, sizeof name);
    compare_baseline_name(x, base_name);
    snprintf(caption, sizeof caption,
             "%s: AP50 per loss, mean with 95 %% interval over %u seeds (%s); circles are the seeds; the rule is %s. "
             "The axis is cut to the values.",
             label, x->seeds, interval_words(e, cells[0]), base ? base_name : "missing: the baseline has no numbers");
    const figure_option options[] = {{"title", label},
                                     {"xlabel", "AP50"},
                                     {"xmin", axis_end(e, cells, count, 0)},
                                     {"xmax", axis_end(e, cells, count, 1)},
                                     {"value", base ? value : NULL},
                                     {"value_label", base ? compare_rule_label(x) : NULL},
                                     {"baseline", row},
                                     {NULL, NULL}};
    return report_figure(r, e->study, "lanes", name, t, options, caption, error);
}

static void add_dot(table *t, size_t row, const char *label, size_t size, const estimate *at) {
    const int interval = at->count > 1;
    table_cell(t, "%zu", row);
    table_cell(t, "%s", label);
    table_cell(t, "%zu", size + 1);
    table_cell(t, "%s", box_size_names[size]);
    table_cell(t, "%.4f", at->mean);
    table_cell(t, "%.4f", interval ? fmax(0, at->interval.low) : at->mean);
    table_cell(t, "%.4f", interval ? fmin(1, at->interval.high) : at->mean);
}

/* "small (34), medium (210)": what is drawn, and on how many true boxes. */
static void sizes_words(const evidence *e, const place *p, char *out, size_t size) {
    size_t used = 0;
    out[0] = 0;
    for (size_t i = 0; i < BOX_SIZES && used < size; i++) {
        const size_t boxes = boxes_of_size(e, p, i);
        used += (size_t)snprintf(out + used, size - used, "%s%s (%zu%s)", i ? ", " : "", box_size_names[i], boxes,
                                 boxes && boxes < FEW_BOXES ? ", too few to show" : "");
    }
}

int compare_box_size_dots(report *r, const evidence *e, const place *p, lb_error *error) {
    static const char *const headers[] = {"row", "label", "series", "name", "value", "low", "high"};
    size_t cells[MAX_ENTRIES];
    const size_t count = ranked_cells(e, p, field_box_ap50, cells);
    char label[PLACE_LABEL], name[PLACE_LABEL + 20], sizes[160], caption[700];
    table *t = table_new(headers, 7);
    for (size_t i = 0; t && i < count; i++)
        for (size_t size = 0; size < BOX_SIZES; size++) {
            const estimate at = estimate_field(e, cells[i], field_box_ap50_size[size]);
            if (boxes_of_size(e, p, size) < FEW_BOXES) continue;
            add_dot(t, i + 1, e->study->cells[cells[i]].entry->label, size, &at);
        }
    if (t && !table_rows(t)) {
        table_free(t);
        return LB_OK;
    }
    place_label(p, label, sizeof label);
    place_file("sizes", p, name, sizeof name);
    sizes_words(e, p, sizes, sizeof sizes);
    snprintf(caption, sizeof caption,
             "%s: AP50 by the share of the image that the true box covers, small below 2 %%, medium to 10 %%, large "
             "above, in brackets the true boxes over all seeds: %s. Mean with 95 %% interval over %u seeds, losses by "
             "their AP50 over all sizes.",
             label, sizes, e->study->e.seeds);
    const figure_option options[] = {{"title", label}, {"xlabel", "AP50"}, {NULL, NULL}};
    return report_figure(r, e->study, "dots", name, t, options, caption, error);
}

/* --- sentences --------------------------------------------------------------------------------------------------- */

static double mean_of(const evidence *e, size_t c, measure_field field) { return estimate_field(e, c, field).mean; }

/* Appends "`a`, `b`": the cells with that verdict against the baseline. */
static void add_names(text *to, const evidence *e, const size_t *cells, size_t count, size_t base, measure_field field,
                      stat_verdict_kind wanted) {
    size_t named = 0;
    for (size_t i = 0; i < count; i++)
        if (cells[i] != base && compare_cells(e, cells[i], base, field).verdict == wanted)
            text_add(to, "%s`%s`", named++ ? ", " : "", e->study->cells[cells[i]].entry->label);
}

/* Appends "; better: `a`, `b`"; nothing when there is no such loss. */
static void add_verdict(text *to, const evidence *e, const size_t *cells, size_t count, size_t base,
                        stat_verdict_kind wanted) {
    text names = {0};
    add_names(&names, e, cells, count, base, field_box_ap50, wanted);
    if (names.data) text_add(to, "%s%s: %s", to->length ? "; " : "", stat_verdict_word(wanted), names.data);
    text_free(&names);
}

void say_box_verdicts(report *r, const evidence *e, const place *p) {
    static const stat_verdict_kind order[] = {STAT_BETTER, STAT_EQUIVALENT, STAT_UNCLEAR, STAT_WORSE};
    size_t cells[MAX_ENTRIES];
    char label[PLACE_LABEL], base_name[LABEL];
    text verdicts = {0};
    const size_t count = ranked_cells(e, p, field_box_ap50, cells), base = baseline_row(e, p, cells, count);
    if (!base) return;
    for (size_t v = 0; v < sizeof order / sizeof *order; v++)
        add_verdict(&verdicts, e, cells, count, cells[base - 1], order[v]);
    place_label(p, label, sizeof label);
    compare_baseline_name(&e->study->e, base_name);
    if (verdicts.data) report_say(r, "**%s**, AP50 against `%s`: %s.", label, base_name, verdicts.data);
    text_free(&verdicts);
}

/* Overlap is what the box head descends, whatever else is added to it. */
static int is_iou_type(const entry *n) {
    objective *o = objective_parse(TASK_BOX, n->loss, NULL);
    const int iou = o && loss_kind_of(objective_head_loss(o, HEAD_BOX)) == LOSS_BOX;
    objective_free(o);
    return iou;
}

static const char *spread_words(const comparison *d) {
    return d->verdict == STAT_BETTER       ? "more than"
           : d->verdict == STAT_EQUIVALENT ? "within"
                                           : "which may lie on either side of";
}

void say_box_spread(report *r, const evidence *e, const place *p) {
    size_t cells[MAX_ENTRIES], family = 0;
    char label[PLACE_LABEL], shown[WORDS];
    const size_t count = ranked_cells(e, p, field_box_ap50, cells);
    for (size_t i = 0; i < count; i++)
        if (is_iou_type(e->study->cells[cells[i]].entry)) cells[family++] = cells[i];
    if (family < 2) return;
    const size_t first = cells[0], last = cells[family - 1];
    const comparison d = compare_cells(e, first, last, field_box_ap50);
    estimate_text(&d.difference, 1, shown, sizeof shown);
    place_label(p, label, sizeof label);
    report_say(
        r,
        "Inside the IoU family (%zu losses) the AP50 of %s runs from %.3f (`%s`) to %.3f (`%s`), a spread of %s, "
        "%s the margin of %g. Both ends are picked by their result, which widens the spread.",
        family, label, mean_of(e, last, field_box_ap50), e->study->cells[last].entry->label,
        mean_of(e, first, field_box_ap50), e->study->cells[first].entry->label, shown, spread_words(&d), STAT_MARGIN);
}

/* " Kendall's tau-b between .."; "" for orders without one. */
static void agreement_words(const evidence *e, const size_t *cells, size_t count, char *out, size_t size) {
    double early[MAX_ENTRIES], late[MAX_ENTRIES];
    for (size_t i = 0; i < count; i++) {
        early[i] = estimate_field(e, cells[i], field_box_half_ap50).mean;
        late[i] = estimate_field(e, cells[i], field_box_kept_ap50).mean;
    }
    const double tau = stat_kendall(early, late, count);
    out[0] = 0;
    if (count > 2 && isfinite(tau))
        snprintf(out, size, " Kendall's tau-b between the two orders of the %zu losses: %+.2f.", count, tau);
}

void say_box_early(report *r, const evidence *e, const place *p) {
    size_t early[MAX_ENTRIES], late[MAX_ENTRIES];
    const size_t count = ranked_cells(e, p, field_box_half_ap50, early), base = baseline_row(e, p, early, count);
    char label[PLACE_LABEL], when[40], base_name[LABEL], agreement[120];
    text ahead = {0};
    if (count < 2 || !base || ranked_cells(e, p, field_box_kept_ap50, late) != count) return;
    place_label(p, label, sizeof label);
    boxes_first_checkpoint(&e->study->e, when, sizeof when);
    compare_baseline_name(&e->study->e, base_name);
    agreement_words(e, early, count, agreement, sizeof agreement);
    add_names(&ahead, e, early, count, early[base - 1], field_box_half_ap50, STAT_BETTER);
    report_say(r,
               "On %s `%s` leads at %s with an AP50 of %.3f, and %s`%s` at the end with %.3f; better than `%s` at that "
               "early point: %s.%s",
               label, e->study->cells[early[0]].entry->label, when, mean_of(e, early[0], field_box_half_ap50),
               early[0] == late[0] ? "still " : "", e->study->cells[late[0]].entry->label,
               mean_of(e, late[0], field_box_kept_ap50), base_name, ahead.data ? ahead.data : "none", agreement);
    text_free(&ahead);
}
