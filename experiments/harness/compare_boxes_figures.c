/* What a comparison of box losses draws and says of one place. */
#include "experiments/harness/compare.h"
#include "experiments/harness/compare_boxes.h"
#include "experiments/harness/compare_field.h"
#include "experiments/harness/mask_analysis.h"
#include "experiments/harness/objective.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- figures ----------------------------------------------------------------------------------------------------- */

int compare_box_lanes(report *r, const evidence *e, const place *p, lb_error *error) {
    return compare_field_lanes(r, e, p, field_box_ap50, "AP50", error);
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

void say_box_verdicts(report *r, const evidence *e, const place *p) {
    compare_say_verdicts(r, e, p, field_box_ap50, "AP50");
}

static const entry *baseline_entry(const experiment *x) {
    size_t n = 0;
    while (n < x->entry_count && !compare_is_baseline(x, n)) n++;
    return n < x->entry_count ? &x->entries[n] : NULL;
}

/* The logit heads are the same. */
static int differ_in_boxes(objective *a, objective *b) {
    int same = objective_soft(a) == objective_soft(b);
    for (int head = HEAD_CLS; head <= HEAD_OBJ; head++) {
        const char *first = loss_text(objective_head_loss(a, (objective_head)head));
        same &= strcmp(first, loss_text(objective_head_loss(b, (objective_head)head))) == 0;
    }
    return same;
}

/* Overlap is what the box head descends, whatever else is added to it; class and objectness are the baseline's, where
   there is one. */
static int is_iou_type(const entry *n, const entry *base) {
    objective *o = objective_parse(TASK_BOX, n->loss, NULL);
    objective *other = objective_parse(TASK_BOX, base ? base->loss : n->loss, NULL);
    const int iou =
        o && other && loss_kind_of(objective_head_loss(o, HEAD_BOX)) == LOSS_BOX && differ_in_boxes(o, other);
    objective_free(o);
    objective_free(other);
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
        if (is_iou_type(e->study->cells[cells[i]].entry, baseline_entry(&e->study->e))) cells[family++] = cells[i];
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
    const size_t count = ranked_cells(e, p, field_box_half_ap50, early),
                 base = compare_baseline_row(e, p, early, count);
    char label[PLACE_LABEL], when[40], base_name[LABEL], agreement[120];
    text ahead = {0};
    if (count < 2 || !base || ranked_cells(e, p, field_box_kept_ap50, late) != count) return;
    place_label(p, label, sizeof label);
    boxes_first_checkpoint(&e->study->e, when, sizeof when);
    compare_baseline_name(&e->study->e, base_name);
    agreement_words(e, early, count, agreement, sizeof agreement);
    compare_add_names(&ahead, e, early, count, early[base - 1], field_box_half_ap50, STAT_BETTER);
    report_say(r,
               "On %s `%s` leads at %s with an AP50 of %.3f, and %s`%s` at the end with %.3f; better than `%s` at that "
               "early point: %s.%s",
               label, e->study->cells[early[0]].entry->label, when, mean_of(e, early[0], field_box_half_ap50),
               early[0] == late[0] ? "still " : "", e->study->cells[late[0]].entry->label,
               mean_of(e, late[0], field_box_kept_ap50), base_name, ahead.data ? ahead.data : "none", agreement);
    text_free(&ahead);
}
