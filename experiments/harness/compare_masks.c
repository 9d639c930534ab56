/* What a comparison shows of masks: overlap, outlines and instances beside the recall of images. */
#include "experiments/harness/compare.h"
#include "experiments/harness/mask_analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double lost_recall = 0.1; /* image recall of a seed that found next to nothing */
enum { SHOWN = 120 };

typedef struct {
    const char *name;
    measure_field field;
    int pixels; /* a distance, where less is better; else a share */
} mask_column;

static const mask_column columns[] = {{"image recall", field_recall, 0},
                                      {"by largest logit", field_recall_max, 0},
                                      {"instance recall", field_instance_recall, 0},
                                      {"pixel AP", field_pixel_ap, 0},
                                      {"pixel recall at pixel FR 1 %", field_pixel_recall, 0},
                                      {"Dice", field_dice, 0},
                                      {"Dice at 1/2", field_dice_half, 0},
                                      {"mean IoU", field_mean_iou, 0},
                                      {"boundary F1", field_boundary_f1, 0},
                                      {"Hausdorff 95, pixels", field_hausdorff_95, 1},
                                      {"AP50", field_ap50, 0},
                                      {"AP75", field_ap75, 0}};
enum { COLUMNS = sizeof columns / sizeof *columns };

static const mask_column differences[] = {{"Dice", field_dice, 0},
                                          {"pixel AP", field_pixel_ap, 0},
                                          {"instance recall", field_instance_recall, 0},
                                          {"boundary F1", field_boundary_f1, 0},
                                          {"Hausdorff 95, pixels", field_hausdorff_95, 1}};
enum { DIFFERENCES = sizeof differences / sizeof *differences };

static void row_names(table *t, const evidence *e, const place *p, const char *loss) {
    char heading[PLACE_LABEL + 10];
    place_heading(e, p, heading, sizeof heading);
    table_cell(t, "%s", heading);
    table_cell(t, "%s", loss);
}

/* --- all numbers ------------------------------------------------------------------------------------------------- */

static void pixels_text(const estimate *value, char *out, size_t size) {
    if (value->count > 1)
        snprintf(out, size, "%.1f [%.1f, %.1f]", value->mean, fmax(0, value->interval.low), value->interval.high);
    else
        snprintf(out, size, "%.1f", value->mean);
}

static void metric_cell(table *t, const evidence *e, size_t c, const mask_column *column, int intervals) {
    const char *missing = missing_field(e, (long)c, column->field);
    estimate value = estimate_field(e, c, column->field);
    char shown[SHOWN];
    if (!intervals && value.count) value.count = 1;
    if (column->pixels && value.count)
        pixels_text(&value, shown, sizeof shown);
    else
        estimate_text(&value, 0, shown, sizeof shown);
    table_cell(t, "%s", *missing ? missing : shown);
}

/* An overlap either takes off or finds next to nothing: a mean over seeds hides which. */
static void lost_cell(table *t, const evidence *e, size_t c) {
    unsigned lost = 0, all = 0;
    for (unsigned k = 0; k < e->study->e.seeds; k++) {
        const double recall = field_recall(&evidence_seeds(e, c)[k]);
        all += isfinite(recall) != 0;
        lost += recall < lost_recall;
    }
    table_cell(t, "%u of %u", lost, all);
}

table *compare_mask_metrics(const evidence *e, const place *places, size_t count, int intervals) {
    const experiment *x = &e->study->e;
    const char *headers[3 + COLUMNS] = {"block", "loss"};
    char recall[60];
    for (size_t i = 0; i < COLUMNS; i++) headers[2 + i] = columns[i].name;
    snprintf(recall, sizeof recall, "image recall at %s", levels_name(e, places, count));
    headers[2] = recall;
    headers[2 + COLUMNS] = "seeds with image recall below 0.1";
    table *t = table_new(headers, 3 + COLUMNS);
    for (size_t i = 0; t && i < count; i++)
        for (size_t n = 0; n < x->entry_count; n++) {
            const long c = evidence_find(e, places[i].b, places[i].ratio, x->entries[n].label, 0);
            if (c < 0) continue;
            row_names(t, e, &places[i], x->entries[n].label);
            for (size_t k = 0; k < COLUMNS; k++) metric_cell(t, e, (size_t)c, &columns[k], intervals);
            lost_cell(t, e, (size_t)c);
        }
    return t;
}

/* --- differences ------------------------------------------------------------------------------------------------- */

/* A distance has no margin: what matters in pixels depends on the part. */
static const char *distance_word(const estimate *difference) {
    if (difference->count < 2) return "unclear";
    return difference->interval.high < 0 ? "shorter" : difference->interval.low > 0 ? "longer" : "unclear";
}

static void distance_text(const estimate *difference, char *out, size_t size) {
    if (difference->count > 1)
        snprintf(out, size, "%+.2f [%+.2f, %+.2f] %s", difference->mean, difference->interval.low,
                 difference->interval.high, distance_word(difference));
    else
        snprintf(out, size, "%+.2f %s", difference->mean, distance_word(difference));
}

static void mask_difference_cell(table *t, const evidence *e, long c, long base, const mask_column *column) {
    char shown[SHOWN];
    const char *missing = base < 0 ? "no baseline" : missing_field(e, c, column->field);
    if (!*missing && *missing_field(e, base, column->field)) missing = "no baseline";
    if (*missing) {
        table_cell(t, "%s", missing);
        return;
    }
    const comparison d = compare_cells(e, (size_t)c, (size_t)base, column->field);
    if (column->pixels && d.difference.count) {
        distance_text(&d.difference, shown, sizeof shown);
        table_cell(t, "%s", shown);
        return;
    }
    estimate_text(&d.difference, 1, shown, sizeof shown);
    table_cell(t, "%s %s", shown, stat_verdict_word(d.verdict));
}

table *compare_mask_differences(const evidence *e, const place *places, size_t count) {
    const experiment *x = &e->study->e;
    const char *headers[2 + DIFFERENCES] = {"block", "loss"};
    for (size_t i = 0; i < DIFFERENCES; i++) headers[2 + i] = differences[i].name;
    table *t = table_new(headers, 2 + DIFFERENCES);
    for (size_t i = 0; t && i < count; i++)
        for (size_t n = 0; n < x->entry_count; n++) {
            const long c = evidence_find(e, places[i].b, places[i].ratio, x->entries[n].label, 0);
            if (c < 0 || compare_is_baseline(x, n)) continue;
            row_names(t, e, &places[i], x->entries[n].label);
            for (size_t k = 0; k < DIFFERENCES; k++)
                mask_difference_cell(t, e, c, compare_baseline(e, &places[i]), &differences[k]);
        }
    return t;
}

/* --- by size ----------------------------------------------------------------------------------------------------- */

static void bin_name(size_t bin, char *out, size_t size) {
    if (bin == 0)
        snprintf(out, size, "below %g %%", 100 * size_edges[0]);
    else if (bin == SIZE_BINS - 1)
        snprintf(out, size, "%g %% and above", 100 * size_edges[bin - 1]);
    else
        snprintf(out, size, "%g to %g %%", 100 * size_edges[bin - 1], 100 * size_edges[bin]);
}

/* Names of the bins, and of the bins again after `counts`. */
static void bin_headers(const char *recall, const char *counts, char names[2 * SIZE_BINS][80], const char **headers) {
    for (size_t i = 0; i < 2 * SIZE_BINS; i++) {
        char bin[40];
        bin_name(i % SIZE_BINS, bin, sizeof bin);
        snprintf(names[i], sizeof names[i], "%s%s", i < SIZE_BINS ? recall : counts, bin);
        headers[i] = names[i];
    }
}

/* A diverged model finds nothing, of any size. */
static double size_recall(const measure *m, size_t bin) {
    return m->has_masks ? m->mask.size_recall[bin] : (double)NAN;
}

/* What the test set of a place and seed holds: any loss that did not diverge can tell. NULL: none can. */
static const measure *any_model(const evidence *e, const place *p, unsigned seed) {
    for (size_t c = 0; c < e->study->cell_count; c++) {
        const cell *at = &e->study->cells[c];
        const measure *m = &evidence_seeds(e, c)[seed];
        if (at->block == p->b && at->ratio == p->ratio && m->has_masks && m->outcome == OUTCOME_OK) return m;
    }
    return NULL;
}

/* Mean over seeds. */
static double instances_of(const evidence *e, const place *p, size_t bin) {
    size_t sum = 0, seeds = 0;
    for (unsigned k = 0; k < e->study->e.seeds; k++) {
        const measure *m = any_model(e, p, k);
        if (!m) continue;
        sum += m->mask.size_count[bin];
        seeds++;
    }
    return seeds ? (double)sum / (double)seeds : 0;
}

static void size_cells(table *t, const evidence *e, const place *p, size_t c) {
    const char *missing = missing_field(e, (long)c, field_instance_recall);
    for (size_t bin = 0; bin < SIZE_BINS; bin++) {
        char shown[SHOWN];
        const estimate recall = estimate_seeds(e, c, size_recall, bin);
        estimate_text(&recall, 0, shown, sizeof shown);
        table_cell(t, "%s", instances_of(e, p, bin) <= 0 ? "none" : *missing ? missing : shown);
    }
    for (size_t bin = 0; bin < SIZE_BINS; bin++) table_cell(t, "%.1f", instances_of(e, p, bin));
}

table *compare_mask_sizes(const evidence *e, const place *places, size_t count) {
    const experiment *x = &e->study->e;
    char names[2 * SIZE_BINS][80];
    const char *headers[2 + 2 * SIZE_BINS] = {"block", "loss"};
    bin_headers("", "instances a seed: ", names, headers + 2);
    table *t = table_new(headers, 2 + 2 * SIZE_BINS);
    for (size_t i = 0; t && i < count; i++)
        for (size_t n = 0; n < x->entry_count; n++) {
            const long c = evidence_find(e, places[i].b, places[i].ratio, x->entries[n].label, 0);
            if (c < 0) continue;
            row_names(t, e, &places[i], x->entries[n].label);
            size_cells(t, e, &places[i], (size_t)c);
        }
    return t;
}

/* --- every trial ------------------------------------------------------------------------------------------------- */

static const char *const number_names[MASK_NUMBERS] = {[MASK_THRESHOLD] = "select threshold, logit",
                                                       [MASK_DICE] = "Dice",
                                                       [MASK_DICE_HALF] = "Dice at 1/2",
                                                       [MASK_MEAN_IOU] = "mean IoU",
                                                       [MASK_MEAN_IOU_HALF] = "mean IoU at 1/2",
                                                       [MASK_PIXEL_AP] = "pixel AP",
                                                       [MASK_PIXEL_RECALL] = "pixel recall at pixel FR 0.1 %",
                                                       [MASK_PIXEL_RECALL + 1] = "pixel recall at pixel FR 0.5 %",
                                                       [MASK_PIXEL_RECALL + 2] = "pixel recall at pixel FR 1 %",
                                                       [MASK_PIXEL_RECALL + 3] = "pixel recall at pixel FR 5 %",
                                                       [MASK_BOUNDARY_F1] = "boundary F1",
                                                       [MASK_HAUSDORFF_95] = "Hausdorff 95, pixels",
                                                       [MASK_AP50] = "AP50",
                                                       [MASK_AP75] = "AP75",
                                                       [MASK_NOTHING] = "share of defect images without a call",
                                                       [MASK_PIXEL_SHARE] = "share of defect pixels in train",
                                                       [MASK_AREA] = "mean defect area",
                                                       [MASK_VANISHED] = "vanished",
                                                       [MASK_EMPTY] = "empty",
                                                       [MASK_BETWEEN] = "between"};

enum { TRIAL_NAMES = 6, TRIAL_RECALLS = 4, ALL_COLUMNS = TRIAL_NAMES + TRIAL_RECALLS + MASK_NUMBERS + 2 * SIZE_BINS };

static void trial_number(table *t, double value) {
    if (isfinite(value))
        table_cell(t, "%.4f", value);
    else
        table_cell(t, "NaN");
}

static void trial_row(table *t, const measure *m) {
    trial_number(t, 100 * fr_levels[m->level]);
    trial_number(t, field_recall(m));
    trial_number(t, field_recall_max(m));
    trial_number(t, field_instance_recall(m));
    for (size_t i = 0; i < MASK_NUMBERS; i++) trial_number(t, field_mask(m, i));
    for (size_t bin = 0; bin < SIZE_BINS; bin++) trial_number(t, m->present ? size_recall(m, bin) : (double)NAN);
    for (size_t bin = 0; bin < SIZE_BINS; bin++)
        if (m->has_masks && m->outcome == OUTCOME_OK)
            table_cell(t, "%zu", m->mask.size_count[bin]);
        else
            table_cell(t, "NaN");
}

table *compare_mask_trials(const evidence *e) {
    char names[2 * SIZE_BINS][80];
    const char *headers[ALL_COLUMNS] = {"key",
                                        "block",
                                        "ratio",
                                        "loss",
                                        "seed",
                                        "outcome",
                                        "FR in %",
                                        "image recall",
                                        "by largest logit",
                                        "instance recall"};
    memcpy(headers + TRIAL_NAMES + TRIAL_RECALLS, number_names, sizeof number_names);
    bin_headers("instance recall, ", "instances, ", names, headers + ALL_COLUMNS - 2 * SIZE_BINS);
    table *t = table_new(headers, ALL_COLUMNS);
    for (size_t c = 0; t && c < e->study->cell_count; c++)
        for (unsigned k = 0; k < e->study->e.seeds; k++) {
            const measure *m = &evidence_seeds(e, c)[k];
            compare_trial_names(t, &e->study->cells[c], k, m);
            trial_row(t, m);
        }
    return t;
}

/* Where the baseline ranks pixels hardly better than chance, whose average precision is the share of defect pixels, the
   order of the losses says little, and the report says so. */
static void say_unlearnt(report *r, const evidence *e, const place *places, size_t count) {
    static const double hardly = 3;
    for (size_t i = 0; i < count; i++) {
        const long c = evidence_find(e, places[i].b, places[i].ratio, e->study->e.baseline, 0);
        if (c < 0) continue;
        const measure *m = evidence_seeds(e, (size_t)c);
        const double goods = (double)m->data[DATA_GOODS + SET_TEST], defects = (double)m->data[DATA_DEFECTS + SET_TEST];
        const double chance = m->mask.number[MASK_AREA] * defects / (goods + defects);
        const double found = estimate_field(e, (size_t)c, field_pixel_ap).mean;
        char heading[PLACE_LABEL + 10], base[LABEL];
        if (!(found < hardly * chance)) continue;
        place_heading(e, &places[i], heading, sizeof heading);
        compare_baseline_name(&e->study->e, base);
        report_say(
            r,
            "**Little is learnt on %s**: the pixel AP of %s is %.3f, and that of chance %.3f. At this budget the "
            "order of the losses there says little.",
            heading, base, found, chance);
    }
}

/* --- into the report --------------------------------------------------------------------------------------------- */

int compare_masks_inline(report *r, const evidence *e, const place *places, size_t count, lb_error *error) {
    enum { MOST_ROWS = 24 }; /* longer tables are folded away */
    char base[LABEL], caption[900];
    const int folded = e->study->cell_count > MOST_ROWS;
    say_unlearnt(r, e, places, count);
    compare_baseline_name(&e->study->e, base);
    snprintf(caption, sizeof caption,
             "Masks on test, means over seeds (intervals: mask_intervals, below). Recall of images and instances is at "
             "%s (ROC point); by largest logit: an image is scored by its largest logit, and an instance is found when "
             "its own exceeds the same threshold.%s Dice, mean IoU, boundary F1 (tolerance 1 pixel), Hausdorff 95, "
             "AP50 and AP75 are at the threshold with the best Dice on select; Dice at 1/2 is at probability one half. "
             "A diverged model has 0, and the image's diagonal as its distance.",
             levels_name(e, places, count), levels_note(e, places, count));
    if (folded) text_add(&r->body, "<details><summary>Masks: overlap, outlines and instances per loss</summary>\n\n");
    int code = report_table(r, e->study, "mask_metrics", compare_mask_metrics(e, places, count, 0), TABLE_INLINE,
                            caption, error);
    if (code) return code;
    snprintf(caption, sizeof caption,
             "Paired difference to %s, 95 %% interval, verdict at margin 0.02; a distance has no margin: shorter or "
             "longer where the interval excludes 0. Dice, boundary F1 and Hausdorff 95 are at the select threshold.",
             base);
    code = report_table(r, e->study, "mask_differences", compare_mask_differences(e, places, count), TABLE_INLINE,
                        caption, error);
    if (folded) text_add(&r->body, "</details>\n\n");
    return code;
}

int compare_masks_linked(report *r, const evidence *e, const place *places, size_t count, lb_error *error) {
    int code = report_table(r, e->study, "mask_intervals", compare_mask_metrics(e, places, count, 1), TABLE_LINKED,
                            "the numbers of mask_metrics with 95 % intervals.", error);
    if (!code)
        code = report_table(r, e->study, "sizes", compare_mask_sizes(e, places, count), TABLE_LINKED,
                            "instance recall by the size of the defect, as a share of the image's pixels, with 95 % "
                            "interval, and the mean number of such instances in a test set.",
                            error);
    if (!code)
        code = report_table(r, e->study, "mask_trials", compare_mask_trials(e), TABLE_LINKED,
                            "every trial's numbers of masks.", error);
    return code;
}

/* --- Dice beside image recall ------------------------------------------------------------------------------------ */

typedef struct {
    size_t cells[MAX_ENTRIES], count;
    double recall[MAX_ENTRIES], dice[MAX_ENTRIES];
} ranking;

/* Cells of a place by image recall, the highest first; equals stay in the order of the losses. */
static void rank_cells(const evidence *e, const place *p, ranking *out) {
    out->count = ranked_cells(e, p, field_recall, out->cells);
    for (size_t i = 0; i < out->count; i++) {
        out->recall[i] = estimate_field(e, out->cells[i], field_recall).mean;
        out->dice[i] = estimate_field(e, out->cells[i], field_dice).mean;
    }
}

/* The lanes, and the row of the baseline; 0: it has no numbers. */
static table *overlap_table(const evidence *e, const ranking *order, long base, size_t *base_row) {
    static const char *const headers[] = {"row", "label", "kind", "value", "low", "high", "jitter"};
    table *t = table_new(headers, 7);
    *base_row = 0;
    for (size_t i = 0; t && i < order->count; i++) {
        char label[LABEL + 20];
        const size_t c = order->cells[i];
        snprintf(label, sizeof label, "%s (%.3f)", e->study->cells[c].entry->label, order->recall[i]);
        compare_add_lane(t, (unsigned)i + 1, label, e, c, field_dice);
        if ((long)c == base) *base_row = i + 1;
    }
    return t;
}

static void overlap_caption(const evidence *e, const place *p, const ranking *order, char *out, size_t size) {
    char label[PLACE_LABEL], base[LABEL], agreement[120] = "";
    const double tau = stat_kendall(order->recall, order->dice, order->count);
    place_label(p, label, sizeof label);
    compare_baseline_name(&e->study->e, base);
    if (order->count > 2 && isfinite(tau))
        snprintf(agreement, sizeof agreement, " Kendall's tau-b between the two over the %zu losses: %+.2f.",
                 order->count, tau);
    snprintf(out, size,
             "%s: Dice over all test pixels at the select threshold, mean with 95 %% interval over %u seeds (circles); "
             "in brackets the image recall at %s, which orders the losses from top to bottom; blue: %s.%s",
             label, e->study->e.seeds, level_name(level_at(e, p)), base, agreement);
}

int compare_overlap(report *r, const evidence *e, const place *p, lb_error *error) {
    static ranking order; /* large */
    const long base = usable_cell(e, p, e->study->e.baseline);
    size_t base_row;
    char row[32], value[32], name[PLACE_LABEL + 20], label[PLACE_LABEL], title[PLACE_LABEL + 60], caption[900];
    rank_cells(e, p, &order);
    if (!order.count) return LB_OK;
    table *t = overlap_table(e, &order, base, &base_row);
    snprintf(row, sizeof row, "%zu", base_row);
    snprintf(value, sizeof value, "%.4f", base_row ? order.dice[base_row - 1] : 0);
    place_label(p, label, sizeof label);
    place_file("overlap", p, name, sizeof name);
    snprintf(title, sizeof title, "%s, in brackets: recall at %s", label, level_name(level_at(e, p)));
    overlap_caption(e, p, &order, caption, sizeof caption);
    const figure_option options[] = {{"title", title},
                                     {"xlabel", "Dice at the select threshold"},
                                     {"xmin", "0"},
                                     {"xmax", "1"},
                                     {"value", base_row ? value : NULL},
                                     {"value_label", base_row ? compare_rule_label(&e->study->e) : NULL},
                                     {"baseline", row},
                                     {NULL, NULL}};
    return report_figure(r, e->study, "lanes", name, t, options, caption, error);
}
