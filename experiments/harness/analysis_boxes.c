/* Box losses side by side with equal budgets: AP50 and its paired difference to a baseline, place by place.
 */
#include "experiments/harness/box_sheet.h"
#include "experiments/harness/compare.h"
#include "experiments/harness/compare_boxes.h"
#include "experiments/harness/compare_field.h"
#include "experiments/harness/gain.h"
#include "experiments/harness/mask_analysis.h"

#include <stdio.h>

/* --- one place --------------------------------------------------------------------------------------------------- */

static void place_caption(const evidence *e, const place *p, char *out, size_t size) {
    char label[PLACE_LABEL], base[LABEL];
    place_label(p, label, sizeof label);
    compare_baseline_name(&e->study->e, base);
    snprintf(out, size,
             "%s: boxes on test, the highest AP50 first. Means over %u seeds, of AP50 and its paired difference to %s "
             "with 95 %% interval, verdict at margin %g.%s",
             label, e->study->e.seeds, base, STAT_MARGIN,
             boxes_have_goods(e, p) ? "" : " No clean images, and so no recall at a fixed FR.");
}

static int place_figures(report *r, const evidence *e, const place *p, lb_error *error) {
    const char *wanted = e->study->e.figures;
    int code = LB_OK;
    if (in_list(wanted, "lanes")) code = compare_box_lanes(r, e, p, error);
    if (!code && in_list(wanted, "sizes")) code = compare_box_size_dots(r, e, p, error);
    if (!code && in_list(wanted, "sheet")) code = report_box_sheet(r, e, p, error);
    return code;
}

static int show_place(report *r, const evidence *e, const place *p, lb_error *error) {
    char caption[600], name[PLACE_LABEL + 20];
    place_caption(e, p, caption, sizeof caption);
    place_file("ap50", p, name, sizeof name);
    int code = report_table(r, e->study, name, compare_box_place(e, p), TABLE_INLINE, caption, error);
    if (code) return code;
    say_box_verdicts(r, e, p);
    say_box_spread(r, e, p);
    if (e->study->e.checkpoints > 1) say_box_early(r, e, p);
    return place_figures(r, e, p, error);
}

/* --- all places -------------------------------------------------------------------------------------------------- */

static int show_summary(report *r, const evidence *e, const place *places, size_t count, lb_error *error) {
    char base[LABEL], caption[400];
    if (count < 2) return LB_OK;
    compare_baseline_name(&e->study->e, base);
    snprintf(caption, sizeof caption,
             "All blocks at a glance: mean AP50 over blocks (the ratios of one data set averaged first) and the number "
             "of blocks with each verdict against %s.",
             base);
    return report_table(r, e->study, "summary", compare_summary_of(e, places, count, field_box_ap50, "AP50"),
                        TABLE_INLINE, caption, error);
}

/* What gains when the defects get smaller: for experiments whose blocks differ in nothing else. */
static int show_gain(report *r, const evidence *e, lb_error *error) {
    static place places[MAX_PLACES];
    static double area[MAX_PLACES];
    static const gain_kind kind = {.field = field_box_ap50,
                                   .name = "AP50",
                                   .area = field_box,
                                   .which = BOX_MEAN_SHARE,
                                   .thing = "box",
                                   .plural = "true boxes"};
    const size_t count = gain_places(e, &kind, places, area);
    if (!count || !in_list(e->study->e.figures, "gain")) return LB_OK;
    gain_say_trend(r, e, &kind, places, area, count);
    return gain_figure(r, e, &kind, places, area, count, error);
}

static int linked_tables(report *r, const evidence *e, const place *places, size_t count, lb_error *error) {
    const study *s = e->study;
    char caption[400], when[40];
    int code = report_table(r, s, "sizes", compare_box_sizes(e, places, count), TABLE_LINKED,
                            "AP50 and AP50:95 by the share of the image that the true box covers: small below 2 %, "
                            "medium to 10 %, large above, and the true boxes of each over all seeds; fewer than 20 "
                            "are too few.",
                            error);
    if (!code && s->e.checkpoints > 1) {
        boxes_first_checkpoint(&s->e, when, sizeof when);
        snprintf(caption, sizeof caption,
                 "AP50 at %s against the end, and the differences to the baseline; over the seeds that did not "
                 "diverge.",
                 when);
        code = report_table(r, s, "early", compare_box_early(e, places, count), TABLE_LINKED, caption, error);
    }
    if (!code && s->e.points)
        code = report_table(r, s, "settings", compare_settings(e, places, count, field_box_ap50), TABLE_LINKED,
                            "what tuning chose: the losses with their weight and parameters, rate and decay.", error);
    if (!code)
        code = report_table(r, s, "detail", compare_box_metrics(e, places, count), TABLE_LINKED,
                            "every number of boxes with 95 % interval, and the seeds that were lost.", error);
    if (!code)
        code = report_table(r, s, "difference", compare_box_differences(e, places, count), TABLE_LINKED,
                            "paired difference to the baseline in each of them, 95 % interval, verdict at margin 0.02.",
                            error);
    if (!code)
        code = report_table(r, s, "box_trials", compare_box_trials(e), TABLE_LINKED, "every trial's numbers of boxes.",
                            error);
    return code;
}

static void say_words(report *r, const evidence *e, const place *places, size_t count) {
    int goods = 0;
    for (size_t i = 0; i < count; i++) goods |= boxes_have_goods(e, &places[i]);
    report_say(r,
               "AP50 and AP75 count a box as right from an IoU of .5 and .75 on, AP50:95 is the mean over .50, .55, .. "
               ".95. The IoU of matched boxes is that of true boxes with the detection that takes them at 1/2; best "
               "IoU is the mean over all true boxes of the largest IoU with any detection. A diverged model has 0.%s",
               goods ? " Recall is read from the ROC, an image scored by its best box; a true box is found when a box "
                       "that overlaps it with an IoU of at least 1/2 scores above the same threshold."
                     : "");
}

int analyse_boxes(report *r, const evidence *e, lb_error *error) {
    static place places[MAX_PLACES];
    const size_t count = places_of(e->study, places);
    if (!evidence_has_boxes(e))
        return lb_fail(error, LB_INVALID,
                       "experiment %s: analysis boxes needs a model that is trained on boxes, such as detector",
                       e->study->e.name);
    compare_say_edges(r, e->study);
    say_words(r, e, places, count);
    int code = show_summary(r, e, places, count, error);
    for (size_t i = 0; !code && i < count; i++) code = show_place(r, e, &places[i], error);
    if (!code) code = show_gain(r, e, error);
    return code ? code : linked_tables(r, e, places, count, error);
}
