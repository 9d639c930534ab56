/* Recall and the gain over the baseline against the area of the defects. */
#include "experiments/harness/mask_analysis.h"
#include "lib/base/repro_math.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Mean area of the defects of a place, in % of the image, of the first cell that knows it; NaN: none does. */
static double defect_area(const evidence *e, const place *p) {
    for (size_t c = 0; c < e->study->cell_count; c++) {
        const cell *at = &e->study->cells[c];
        if (at->block != p->b || at->ratio != p->ratio) continue;
        const double share = estimate_seeds(e, c, field_mask, MASK_AREA).mean;
        if (share > 0) return 100 * share;
    }
    return (double)NAN;
}

/* Places whose area is known, from the smallest defects to the largest; area[] in %. */
static size_t sized_places(const evidence *e, place *out, double *area) {
    size_t kept = 0;
    for (size_t i = 0, count = places_of(e->study, out); i < count; i++) {
        const double here = defect_area(e, &out[i]);
        if (!isfinite(here)) continue;
        out[kept] = out[i];
        area[kept++] = here;
    }
    order_places(out, area, kept);
    return kept;
}

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

/* Gain in recall of a loss over the baseline at a place; count 0: there is none. */
static estimate gain_at(const evidence *e, const place *p, const char *label) {
    const long c = usable_cell(e, p, label), base = usable_cell(e, p, e->study->e.baseline);
    if (c < 0 || base < 0) return (estimate){.mean = (double)NAN};
    return compare_cells(e, (size_t)c, (size_t)base, field_recall).difference;
}

static int gain_figure(report *r, const evidence *e, const place *places, const double *area, size_t count,
                       lb_error *error) {
    const experiment *x = &e->study->e;
    const char *labels[MAX_ENTRIES];
    size_t lines = 0;
    char ylabel[LABEL + 60], caption[500];
    for (size_t n = 0; n < x->entry_count; n++)
        if (strcmp(x->entries[n].label, x->baseline) != 0) labels[lines++] = x->entries[n].label;
    if (!lines || count < 2) return LB_OK;
    table *t = bands_new("defect area, %", labels, lines);
    for (size_t i = 0; t && i < count; i++) {
        table_cell(t, "%.4f", area[i]);
        for (size_t l = 0; l < lines; l++) {
            const estimate gain = gain_at(e, &places[i], labels[l]);
            bands_add(t, &gain, -1, 1);
        }
    }
    snprintf(ylabel, sizeof ylabel, "gain in %s over %s", recall_name(e, &places[0]), x->baseline);
    snprintf(caption, sizeof caption,
             "Gain in %s over %s against the mean area of the defects, mean of %u seeds with 95 %% interval of the "
             "paired difference.",
             recall_name(e, &places[0]), x->baseline, x->seeds);
    const figure_option options[] = {{"xlabel", "mean defect area, % of the image"},
                                     {"ylabel", ylabel},
                                     {"logx", "1"},
                                     {"ymin", "auto"},
                                     {"ymax", "auto"},
                                     {"hline", "0"},
                                     {"baseline", "0"},
                                     {NULL, NULL}};
    return report_figure(r, e->study, "bands", "gain", t, options, caption, error);
}

/* --- the trend --------------------------------------------------------------------------------------------------- */

/* What a tenfold smaller area adds to the gain, mean and interval over seeds. */
static estimate gain_trend(const evidence *e, const place *places, const double *area, size_t count,
                           const char *label) {
    double values[SEEDS_MOST];
    const unsigned seeds = e->study->e.seeds;
    const double tenfold = repro_log(10);
    for (unsigned k = 0; k < seeds; k++)
        values[k] = -tenfold * gain_slope(e, places, area, count, label, e->study->e.baseline, k);
    const long any = evidence_find(e, places[0].b, places[0].ratio, label, 0);
    return any < 0 ? (estimate){0} : estimate_values(values, seeds, evidence_seeds(e, (size_t)any));
}

static const char *trend_word(const estimate *trend) {
    if (trend->count < 2) return "undecided";
    return trend->interval.low > 0 ? "rises" : trend->interval.high < 0 ? "falls" : "undecided";
}

static void say_trend(report *r, const evidence *e, const place *places, const double *area, size_t count) {
    const experiment *x = &e->study->e;
    text sentence = {0};
    for (size_t n = 0; count > 1 && n < x->entry_count; n++) {
        char shown[WORDS];
        if (strcmp(x->entries[n].label, x->baseline) == 0) continue;
        const estimate trend = gain_trend(e, places, area, count, x->entries[n].label);
        if (!trend.count) continue;
        estimate_text(&trend, 1, shown, sizeof shown);
        text_add(&sentence, "%s `%s` %s (%s)", sentence.length ? "," : "", x->entries[n].label, shown,
                 trend_word(&trend));
    }
    if (sentence.data)
        report_say(r,
                   "What a tenfold smaller defect adds to the gain over `%s`, as the slope of each seed's gain on the "
                   "logarithm of the area, mean with 95 %% interval over %u seed%s:%s.",
                   x->baseline, x->seeds, x->seeds == 1 ? "" : "s", sentence.data);
    text_free(&sentence);
}

int analyse_sizes(report *r, const evidence *e, lb_error *error) {
    static place places[MAX_PLACES];
    static double area[MAX_PLACES];
    const size_t count = sized_places(e, places, area);
    if (!count) {
        report_say(r, "No trial of this experiment knows the area of its defects.");
        return LB_OK;
    }
    char caption[400];
    snprintf(caption, sizeof caption,
             "Image recall at %s (ROC point) and its paired gain over the baseline, from the smallest defects to "
             "the largest: mean over seeds with 95 %% interval, verdict at margin %g.%s",
             levels_name(e, places, count), STAT_MARGIN, levels_note(e, places, count));
    int code = report_table(r, e->study, "sizes", sizes_table(e, places, area, count), TABLE_INLINE, caption, error);
    if (!code) say_trend(r, e, places, area, count);
    if (!code) code = gain_figure(r, e, places, area, count, error);
    return code;
}
