/* Class loss x box loss of a detector: AP50 of every pair, the effect of each loss over all of the other head's, and
   what a pair has beyond both. */
#include "experiments/harness/head_grid.h"
#include "experiments/harness/mask_analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- numbers in words -------------------------------------------------------------------------------------------- */

/* Why a cell has no number of this kind, or "". Without goods there is no recall at a false-rejection rate. */
static const char *lacking(const evidence *e, long c, measure_field field) {
    if (c < 0) return "none";
    if (estimate_field(e, (size_t)c, field).count) return "";
    return evidence_seeds(e, (size_t)c)->data[DATA_GOODS + SET_TEST] > 0 ? "n<59" : "no goods";
}

static void value_cell(table *t, const evidence *e, long c, measure_field field) {
    const char *word = lacking(e, c, field);
    const estimate value = *word ? (estimate){0} : estimate_field(e, (size_t)c, field);
    char shown[WORDS];
    estimate_text(&value, 0, shown, sizeof shown);
    table_cell(t, "%s", *word ? word : shown);
}

/* "+0.012 [-0.003, +0.027] unclear" */
static void comparison_text(const comparison *d, char *out, size_t size) {
    char shown[WORDS];
    estimate_text(&d->difference, 1, shown, sizeof shown);
    snprintf(out, size, "%s %s", shown, stat_verdict_word(d->verdict));
}

static void comparison_cell(table *t, const comparison *d) {
    char shown[WORDS];
    comparison_text(d, shown, sizeof shown);
    table_cell(t, "%s", d->difference.count ? shown : "none");
}

static void pair_name(const head_grid *g, size_t cls, size_t box, char *out, size_t size) {
    snprintf(out, size, "%s x %s", g->cls[cls], g->box[box]);
}

static double mean_ap50(const head_grid *g, size_t cls, size_t box) {
    const long c = g->cell[cls][box];
    return c < 0 ? (double)NAN : estimate_field(g->e, (size_t)c, field_box_ap50).mean;
}

typedef struct {
    size_t cls, box;
} pair;

/* The highest mean AP50, the first among equals; 0: no pair has one. */
static int best_pair(const head_grid *g, pair *out) {
    double best = -1;
    for (size_t i = 0; i < g->classes; i++)
        for (size_t k = 0; k < g->boxes; k++) {
            const double mean = mean_ap50(g, i, k);
            if (!(mean > best)) continue;
            best = mean;
            *out = (pair){i, k};
        }
    return best >= 0;
}

/* --- the grid of a place: table and picture ---------------------------------------------------------------------- */

static table *grid_table(const head_grid *g) {
    const char *headers[MAX_HEADS + 1] = {"class \\ box"};
    for (size_t k = 0; k < g->boxes; k++) headers[k + 1] = g->box[k];
    return table_new(headers, g->boxes + 1);
}

/* "0.512, +0.012 unclear" */
static void pair_cell(table *t, const head_grid *g, size_t cls, size_t box) {
    const long c = g->cell[cls][box], base = g->cell[g->base_class][g->base_box];
    const char *word = lacking(g->e, c, field_box_ap50);
    if (*word)
        table_cell(t, "%s", word);
    else if (c == base || base < 0)
        table_cell(t, "%.3f", mean_ap50(g, cls, box));
    else {
        const comparison d = compare_cells(g->e, (size_t)c, (size_t)base, field_box_ap50);
        table_cell(t, "%.3f, %+.3f %s", mean_ap50(g, cls, box), d.difference.mean, stat_verdict_word(d.verdict));
    }
}

static int pairs_table(report *r, const head_grid *g, const place *p, lb_error *error) {
    char name[PLACE_LABEL + 20], label[PLACE_LABEL], base[2 * LABEL + 4], caption[700];
    table *t = grid_table(g);
    for (size_t i = 0; t && i < g->classes; i++) {
        table_cell(t, "%s", g->cls[i]);
        for (size_t k = 0; k < g->boxes; k++) pair_cell(t, g, i, k);
    }
    place_file("pairs", p, name, sizeof name);
    place_label(p, label, sizeof label);
    pair_name(g, g->base_class, g->base_box, base, sizeof base);
    snprintf(caption, sizeof caption,
             "%s: AP50 on test of each class loss with each box loss, mean of %u seeds, and the paired difference to "
             "%s with its verdict at margin %g.",
             label, g->e->study->e.seeds, base, STAT_MARGIN);
    return report_table(r, g->e->study, name, t, TABLE_INLINE, caption, error);
}

/* What holds the means of a grid, in steps of 0.05. Places are other data: their AP50 do not compare. */
static stat_interval heat_range(const head_grid *g) {
    stat_interval out = {1, 0};
    for (size_t i = 0; i < g->classes; i++)
        for (size_t k = 0; k < g->boxes; k++) {
            out.low = fmin(out.low, mean_ap50(g, i, k));
            out.high = fmax(out.high, mean_ap50(g, i, k));
        }
    return (stat_interval){floor(out.low * 20) / 20, ceil(out.high * 20) / 20};
}

static table *heat_table(const head_grid *g) {
    table *t = grid_table(g);
    for (size_t i = 0; t && i < g->classes; i++) {
        table_cell(t, "%s", g->cls[i]);
        for (size_t k = 0; k < g->boxes; k++) {
            const char *word = lacking(g->e, g->cell[i][k], field_box_ap50);
            if (*word)
                table_cell(t, "%s", word);
            else
                table_cell(t, "%.3f", mean_ap50(g, i, k));
        }
    }
    return t;
}

/* "ROW,COLUMN", counted from 1, as heat.gp wants it. */
static void heat_place(size_t cls, size_t box, char *out, size_t size) {
    snprintf(out, size, "%zu,%zu", cls + 1, box + 1);
}

static int heat_figure(report *r, const head_grid *g, const place *p, lb_error *error) {
    char name[PLACE_LABEL + 20], label[PLACE_LABEL], title[PLACE_LABEL + 20], base[2 * LABEL + 4], caption[700];
    char low[16], high[16], boxed[24], dashed[24];
    char dashed_words[2 * LABEL + 40] = "";
    const double base_mean = mean_ap50(g, g->base_class, g->base_box);
    pair best = {0, 0};
    if (!best_pair(g, &best)) return LB_OK;
    const stat_interval range = heat_range(g);
    place_file("heat", p, name, sizeof name);
    place_label(p, label, sizeof label);
    pair_name(g, g->base_class, g->base_box, base, sizeof base);
    heat_place(best.cls, best.box, boxed, sizeof boxed);
    heat_place(g->base_class, g->base_box, dashed, sizeof dashed);
    if (isfinite(base_mean)) snprintf(dashed_words, sizeof dashed_words, " Dashed: %s, %.3f.", base, base_mean);
    snprintf(low, sizeof low, "%.2f", range.low);
    snprintf(high, sizeof high, "%.2f", range.high);
    snprintf(title, sizeof title, "%s: AP50", label);
    snprintf(
        caption, sizeof caption,
        "%s: AP50 on test of class loss and box loss, mean of %u seeds. Boxed: the highest, the winner of %zu and so "
        "flattered by chance.%s",
        label, g->e->study->e.seeds, g->classes * g->boxes, dashed_words);
    const figure_option options[] = {{"title", title},
                                     {"xlabel", "box loss"},
                                     {"ylabel", "class loss"},
                                     {"cblabel", "AP50"},
                                     {"low", low},
                                     {"high", high},
                                     {"best", boxed},
                                     {"reference", *dashed_words ? dashed : NULL},
                                     {NULL, NULL}};
    return report_figure(r, g->e->study, "heat", name, heat_table(g), options, caption, error);
}

/* --- main effects ------------------------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    measure_field field;
} numbers[] = {{"AP50", field_box_ap50},
               {"AP50:95", field_box_ap},
               {"recall of boxes", field_box_recall},
               {"recall of images", field_recall}};
enum { FIELDS = sizeof numbers / sizeof *numbers };

static size_t levels_of(const head_grid *g, head_factor factor) {
    return factor == FACTOR_CLASS ? g->classes : g->boxes;
}
static size_t base_of(const head_grid *g, head_factor factor) {
    return factor == FACTOR_CLASS ? g->base_class : g->base_box;
}
static const char *level_of(const head_grid *g, head_factor factor, size_t level) {
    return factor == FACTOR_CLASS ? g->cls[level] : g->box[level];
}

static void effect_names(table *t, const head_grid *g, head_factor factor, size_t level) {
    table_cell(t, "%s", factor == FACTOR_CLASS ? "class" : "box");
    table_cell(t, "%s - %s", level_of(g, factor, level), level_of(g, factor, base_of(g, factor)));
}

/* Rows: every loss but the baseline's, class then box; a column for each place. */
static table *effects_table(const evidence *e, const place *places, size_t count) {
    static head_grid g;
    static char labels[MAX_PLACES][PLACE_LABEL];
    const char *headers[MAX_PLACES + 2] = {"head", "loss"};
    for (size_t i = 0; i < count; i++) {
        place_label(&places[i], labels[i], sizeof labels[i]);
        headers[i + 2] = labels[i];
    }
    table *t = table_new(headers, count + 2);
    head_grid_at(e, &places[0], &g); /* the axes are the same at all places */
    for (head_factor factor = FACTOR_CLASS; t && factor <= FACTOR_BOX; factor++)
        for (size_t level = 0; level < levels_of(&g, factor); level++) {
            if (level == base_of(&g, factor)) continue;
            effect_names(t, &g, factor, level);
            for (size_t i = 0; i < count; i++) {
                head_grid_at(e, &places[i], &g);
                const comparison d = head_effect(&g, factor, level, base_of(&g, factor), field_box_ap50);
                comparison_cell(t, &d);
            }
        }
    return t;
}

/* The same in all numbers. */
static table *effects_of_all(const evidence *e, const place *places, size_t count) {
    static head_grid g;
    const char *headers[FIELDS + 3] = {"block", "head", "loss"};
    for (size_t f = 0; f < FIELDS; f++) headers[f + 3] = numbers[f].name;
    table *t = table_new(headers, FIELDS + 3);
    for (size_t i = 0; t && i < count; i++) {
        char label[PLACE_LABEL + 12];
        place_heading(e, &places[i], label, sizeof label);
        head_grid_at(e, &places[i], &g);
        for (head_factor factor = FACTOR_CLASS; factor <= FACTOR_BOX; factor++)
            for (size_t level = 0; level < levels_of(&g, factor); level++) {
                if (level == base_of(&g, factor)) continue;
                table_cell(t, "%s", label);
                effect_names(t, &g, factor, level);
                for (size_t f = 0; f < FIELDS; f++) {
                    const comparison d = head_effect(&g, factor, level, base_of(&g, factor), numbers[f].field);
                    comparison_cell(t, &d);
                }
            }
    }
    return t;
}

/* --- every pair -------------------------------------------------------------------------------------------------- */

static void pair_row(table *t, const head_grid *g, const char *label, size_t cls, size_t box) {
    const long c = g->cell[cls][box], base = g->cell[g->base_class][g->base_box];
    const troubles bad = c < 0 ? (troubles){0} : troubles_of(g->e, (size_t)c);
    table_cell(t, "%s", label);
    table_cell(t, "%s", g->cls[cls]);
    table_cell(t, "%s", g->box[box]);
    for (size_t f = 0; f < FIELDS; f++) value_cell(t, g->e, c, numbers[f].field);
    if (c < 0 || base < 0 || c == base)
        table_cell(t, "%s", c >= 0 && c == base ? "the same" : "none");
    else {
        const comparison d = compare_cells(g->e, (size_t)c, (size_t)base, field_box_ap50);
        comparison_cell(t, &d);
    }
    const comparison rest = head_rest(g, cls, box, field_box_ap50);
    comparison_cell(t, &rest);
    table_cell(t, "%u", bad.diverged);
    table_cell(t, "%u", bad.not_started);
}

static table *all_table(const evidence *e, const place *places, size_t count) {
    static head_grid g;
    static const char *const headers[] = {"block",
                                          "class",
                                          "box",
                                          "AP50",
                                          "AP50:95",
                                          "recall of boxes",
                                          "recall of images",
                                          "AP50, difference to the baseline",
                                          "AP50 beyond both effects",
                                          "diverged",
                                          "not started"};
    table *t = table_new(headers, 11);
    for (size_t i = 0; t && i < count; i++) {
        char label[PLACE_LABEL + 12];
        place_heading(e, &places[i], label, sizeof label);
        head_grid_at(e, &places[i], &g);
        for (size_t k = 0; k < g.classes * g.boxes; k++) pair_row(t, &g, label, k / g.boxes, k % g.boxes);
    }
    return t;
}

/* --- in words ---------------------------------------------------------------------------------------------------- */

/* The pair of the sound detector loss: bce for the class, CIoU for the box. */
static const char *const usual_class = "bce", *const usual_box = "ciou";

/* How the others stand to the usual pair. */
static void say_usual(text *out, const head_grid *g, pair best) {
    const long usual = head_cell(g, usual_class, usual_box), top = g->cell[best.cls][best.box];
    size_t counts[4] = {0}, others = 0;
    if (usual < 0) return;
    for (size_t i = 0; i < g->classes; i++)
        for (size_t k = 0; k < g->boxes; k++) {
            const long c = g->cell[i][k];
            if (c < 0 || c == usual) continue;
            counts[compare_cells(g->e, (size_t)c, (size_t)usual, field_box_ap50).verdict]++;
            others++;
        }
    text_add(
        out,
        " Against %s x %s (%.3f), of the %zu other pairs %zu are better by more than %g, %zu worse, %zu equivalent "
        "and %zu unclear",
        usual_class, usual_box, estimate_field(g->e, (size_t)usual, field_box_ap50).mean, others, counts[STAT_BETTER],
        STAT_MARGIN, counts[STAT_WORSE], counts[STAT_EQUIVALENT], counts[STAT_UNCLEAR]);
    if (top == usual) {
        text_add(out, "; it is the highest itself.");
        return;
    }
    char shown[WORDS];
    const comparison d = compare_cells(g->e, (size_t)top, (size_t)usual, field_box_ap50);
    comparison_text(&d, shown, sizeof shown);
    text_add(out, "; the highest differs from it by %s.", shown);
}

/* Interact: some pair's rest lies wholly beyond the margin. Add up: all lie wholly within. */
static void say_interaction(text *out, const head_grid *g) {
    comparison largest = {0};
    pair at = {0, 0};
    size_t beyond = 0, within = 0;
    char shown[WORDS];
    if (g->classes < 2 || g->boxes < 2) return;
    for (size_t i = 0; i < g->classes; i++)
        for (size_t k = 0; k < g->boxes; k++) {
            const comparison rest = head_rest(g, i, k, field_box_ap50);
            if (!rest.difference.count) return;
            beyond += rest.verdict == STAT_BETTER || rest.verdict == STAT_WORSE;
            within += rest.verdict == STAT_EQUIVALENT;
            if (largest.difference.count && !(fabs(rest.difference.mean) > fabs(largest.difference.mean))) continue;
            largest = rest;
            at = (pair){i, k};
        }
    estimate_text(&largest.difference, 1, shown, sizeof shown);
    text_add(out,
             " %s: beyond the sum of both effects a pair has at most %s (%s x %s); of %zu such rests %zu lie wholly "
             "beyond %g and %zu wholly within.",
             beyond                            ? "The two losses interact"
             : within == g->classes * g->boxes ? "The effects of the two losses add up"
                                               : "Whether the two losses interact is not decided",
             shown, g->cls[at.cls], g->box[at.box], g->classes * g->boxes, beyond, STAT_MARGIN, within);
}

static void say_place(report *r, const head_grid *g, const place *p) {
    char label[PLACE_LABEL];
    text said = {0};
    pair best = {0, 0};
    if (!best_pair(g, &best)) return;
    place_label(p, label, sizeof label);
    text_add(&said, "%s: the highest mean AP50 of %zu pairs is %.3f, of %s x %s (picked with hindsight).", label,
             g->classes * g->boxes, mean_ap50(g, best.cls, best.box), g->cls[best.cls], g->box[best.box]);
    say_usual(&said, g, best);
    say_interaction(&said, g);
    r->body.failed |= said.failed;
    report_say(r, "%s", said.data ? said.data : "");
    text_free(&said);
}

static int show_place(report *r, const evidence *e, const place *p, lb_error *error) {
    static head_grid g;
    head_grid_at(e, p, &g);
    int code = pairs_table(r, &g, p, error);
    if (!code) code = heat_figure(r, &g, p, error);
    if (!code) say_place(r, &g, p);
    return code;
}

int analyse_heads(report *r, const evidence *e, lb_error *error) {
    static place places[MAX_PLACES];
    const size_t count = places_of(e->study, places);
    char caption[500];
    if (!evidence_has_boxes(e))
        return lb_fail(error, LB_INVALID, "%s: analysis heads needs boxes; choose model detector", e->study->e.name);
    int code = LB_OK;
    for (size_t i = 0; !code && i < count; i++) code = show_place(r, e, &places[i], error);
    if (code) return code;
    snprintf(caption, sizeof caption,
             "Effect of each loss on AP50, mean over the losses of the other head, paired over %u seeds with 95 %% "
             "interval and verdict at margin %g.",
             e->study->e.seeds, STAT_MARGIN);
    code = report_table(r, e->study, "effects", effects_table(e, places, count), TABLE_INLINE, caption, error);
    if (code) return code;
    snprintf(caption, sizeof caption, "the same in other numbers; recall at %s, where there are goods.%s",
             levels_name(e, places, count), levels_note(e, places, count));
    code = report_table(r, e->study, "effects-all", effects_of_all(e, places, count), TABLE_LINKED, caption, error);
    if (code) return code;
    snprintf(caption, sizeof caption, "every pair on every block; recall at %s, where there are goods.%s",
             levels_name(e, places, count), levels_note(e, places, count));
    return report_table(r, e->study, "pairs", all_table(e, places, count), TABLE_LINKED, caption, error);
}
