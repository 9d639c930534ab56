/* Losses for K classes side by side with equal budgets: balanced accuracy and its paired difference to a baseline,
   place by place, and what the rare classes gain against what the common ones lose. */
#include "experiments/harness/compare.h"
#include "experiments/harness/compare_field.h"
#include "experiments/harness/compare_types.h"

#include <stdio.h>
#include <stdlib.h>

/* --- one place --------------------------------------------------------------------------------------------------- */

static void place_caption(const evidence *e, const place *p, const place_classes *at, char *out, size_t size) {
    char label[PLACE_LABEL], base[LABEL], rare[700], common[700];
    const size_t third = at->count ? at->third : 0;
    place_label(p, label, sizeof label);
    compare_baseline_name(&e->study->e, base);
    types_words(at, 0, third, rare, sizeof rare);
    types_words(at, at->count - third, at->count, common, sizeof common);
    snprintf(out, size,
             "%s: %zu classes on test, the highest balanced accuracy first. Means over %u seeds, of balanced accuracy "
             "and its paired difference to %s with 95 %% interval, verdict at margin %g. The rarest, with their items "
             "in train: %s; the commonest: %s.%s",
             label, at->count, e->study->e.seeds, base, STAT_MARGIN, rare, common,
             at->goods ? "" : " No clean images, and so no recall at a fixed FR.");
}

static int show_place(report *r, const evidence *e, const place *p, const place_classes *at, lb_error *error) {
    char caption[2400], name[PLACE_LABEL + 20];
    const char *wanted = e->study->e.figures;
    place_caption(e, p, at, caption, sizeof caption);
    place_file("balanced", p, name, sizeof name);
    int code = report_table(r, e->study, name, compare_type_place(e, p, at), TABLE_INLINE, caption, error);
    if (code) return code;
    compare_say_verdicts(r, e, p, field_balanced, "balanced accuracy");
    say_type_thirds(r, e, p, at);
    if (in_list(wanted, "lanes")) code = compare_field_lanes(r, e, p, field_balanced, "balanced accuracy", error);
    if (!code && in_list(wanted, "classes")) code = compare_type_figure(r, e, p, at, error);
    return code;
}

/* --- all places -------------------------------------------------------------------------------------------------- */

static int show_summary(report *r, const evidence *e, const place *places, size_t count, lb_error *error) {
    char base[LABEL], caption[400];
    if (count < 2) return LB_OK;
    compare_baseline_name(&e->study->e, base);
    snprintf(caption, sizeof caption,
             "All blocks at a glance: mean balanced accuracy over blocks (the ratios of one data set averaged first) "
             "and the number of blocks with each verdict against %s.",
             base);
    return report_table(r, e->study, "summary",
                        compare_summary_of(e, places, count, field_balanced, "balanced accuracy"), TABLE_INLINE,
                        caption, error);
}

static int linked_tables(report *r, const evidence *e, const place *places, const place_classes *at, size_t count,
                         lb_error *error) {
    const study *s = e->study;
    int code = report_table(r, s, "classes", compare_type_classes(e, places, at, count), TABLE_LINKED,
                            "recall and F1 of every class with 95 % interval, the rarest class first; items are means "
                            "over the seeds.",
                            error);
    if (!code && s->e.points)
        code = report_table(r, s, "settings", compare_settings(e, places, count, field_balanced), TABLE_LINKED,
                            "what tuning chose: the losses with their parameters, rate and decay.", error);
    if (!code)
        code = report_table(r, s, "detail", compare_type_metrics(e, places, count), TABLE_LINKED,
                            "every number with 95 % interval, and the seeds that were lost.", error);
    if (!code)
        code = report_table(r, s, "difference", compare_type_differences(e, places, count), TABLE_LINKED,
                            "paired difference to the baseline in each of them, 95 % interval, verdict at margin 0.02.",
                            error);
    if (!code)
        code = report_table(r, s, "type_trials", compare_type_trials(e), TABLE_LINKED,
                            "every trial's numbers of types; classes in the order of the data set.", error);
    return code;
}

static void say_words(report *r, const place_classes *at, size_t count) {
    int goods = 0;
    for (size_t i = 0; i < count; i++) goods |= at[i].goods;
    report_say(r,
               "Each item, image or row of a table, is called by its largest logit. Balanced accuracy is the mean "
               "recall over classes, macro-F1 "
               "the mean F1; accuracy counts items, and so above all the common classes. A diverged model has 0.%s",
               goods ? " Image recall is that of defects of any type, scored by the log-odds of not being good, at a "
                       "threshold from the ROC."
                     : "");
}

int analyse_types(report *r, const evidence *e, lb_error *error) {
    static place places[MAX_PLACES];
    const size_t count = places_of(e->study, places);
    if (!evidence_has_types(e))
        return lb_fail(error, LB_INVALID,
                       "experiment %s: analysis types needs losses for many classes, such as 'types = ce'",
                       e->study->e.name);
    place_classes *at = calloc(count + 1, sizeof *at);
    int code = at ? LB_OK : lb_fail_memory(error, "the classes of an experiment");
    for (size_t i = 0; !code && i < count; i++) code = types_at(r, e, &places[i], &at[i], error);
    if (!code) {
        compare_say_edges(r, e->study);
        say_words(r, at, count);
        code = show_summary(r, e, places, count, error);
    }
    for (size_t i = 0; !code && i < count; i++) code = show_place(r, e, &places[i], &at[i], error);
    if (!code) code = linked_tables(r, e, places, at, count, error);
    free(at);
    return code;
}
