/* Recall and the gain over the baseline against the area of the defects. */
#include "experiments/harness/gain.h"
#include "experiments/harness/mask_analysis.h"

#include <stdio.h>
#include <string.h>

static table *sizes_table(const evidence *e, const place *places, const double *area, size_t count) {
    static const char *const headers[] = {"block", "defect area, % of the image", "loss", "recall",
                                          "gain over the baseline"};
    const experiment *x = &e->study->e;
    table *t = table_new(headers, 5);
    for (size_t i = 0; t && i < count; i++)
        for (size_t n = 0; n < x->entry_count; n++) {
            const char *label = x->entries[n].label;
            const long c = evidence_find(e, places[i].b, places[i].ratio, label, 0);
            char shown[PLACE_LABEL];
            place_heading(e, &places[i], shown, sizeof shown);
            table_cell(t, "%s", shown);
            table_cell(t, "%.2g", area[i]);
            table_cell(t, "%s", label);
            field_text(e, c, field_recall, shown, sizeof shown);
            table_cell(t, "%s", shown);
            if (strcmp(label, x->baseline) == 0)
                snprintf(shown, sizeof shown, "baseline");
            else
                difference_text(e, c, evidence_find(e, places[i].b, places[i].ratio, x->baseline, 0), field_recall,
                                shown, sizeof shown);
            table_cell(t, "%s", shown);
        }
    return t;
}

int analyse_sizes(report *r, const evidence *e, lb_error *error) {
    static place places[MAX_PLACES];
    static double area[MAX_PLACES];
    gain_kind kind = {
        .field = field_recall, .area = field_mask, .which = MASK_AREA, .thing = "defect", .plural = "defects"};
    const size_t count = gain_places(e, &kind, places, area);
    if (!count) {
        report_say(r, "No trial of this experiment knows the area of its defects.");
        return LB_OK;
    }
    char caption[400];
    kind.name = recall_name(e, &places[0]);
    snprintf(caption, sizeof caption,
             "Image recall at %s (ROC point) and its paired gain over the baseline, from the smallest defects to "
             "the largest: mean over seeds with 95 %% interval, verdict at margin %g.%s",
             levels_name(e, places, count), STAT_MARGIN, levels_note(e, places, count));
    int code = report_table(r, e->study, "sizes", sizes_table(e, places, area, count), TABLE_INLINE, caption, error);
    if (!code) gain_say_trend(r, e, &kind, places, area, count);
    if (!code) code = gain_figure(r, e, &kind, places, area, count, error);
    return code;
}
