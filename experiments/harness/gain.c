#include "experiments/harness/gain.h"

#include "experiments/harness/mask_analysis.h"
#include "lib/base/repro_math.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Mean area of the defects of a place, in % of the image, of the first cell that knows it; NaN: none does. */
static double place_area(const evidence *e, const gain_kind *kind, const place *p) {
    for (size_t c = 0; c < e->study->cell_count; c++) {
        const cell *at = &e->study->cells[c];
        if (at->block != p->b || at->ratio != p->ratio) continue;
        const double share = estimate_seeds(e, c, kind->area, kind->which).mean;
        if (share > 0) return 100 * share;
    }
    return (double)NAN;
}

size_t gain_places(const evidence *e, const gain_kind *kind, place *out, double *area) {
    size_t kept = 0;
    for (size_t i = 0, count = places_of(e->study, out); i < count; i++) {
        const double here = place_area(e, kind, &out[i]);
        if (!isfinite(here)) continue;
        out[kept] = out[i];
        area[kept++] = here;
    }
    order_places(out, area, kept);
    return kept;
}

/* --- figure ------------------------------------------------------------------------------------------------------ */

/* Gain of a loss over the baseline at a place; count 0: there is none. */
static estimate gain_at(const evidence *e, const place *p, const char *label, measure_field field) {
    const long c = usable_field(e, p, label, field), base = usable_field(e, p, e->study->e.baseline, field);
    if (c < 0 || base < 0) return (estimate){.mean = (double)NAN};
    return compare_cells(e, (size_t)c, (size_t)base, field).difference;
}

static table *gain_table(const evidence *e, const gain_kind *kind, const place *places, const double *area,
                         size_t count) {
    const experiment *x = &e->study->e;
    const char *labels[MAX_ENTRIES];
    char header[60];
    size_t lines = 0;
    for (size_t n = 0; n < x->entry_count; n++)
        if (strcmp(x->entries[n].label, x->baseline) != 0) labels[lines++] = x->entries[n].label;
    snprintf(header, sizeof header, "%s area, %%", kind->thing);
    table *t = bands_new(header, labels, lines);
    for (size_t i = 0; t && i < count; i++) {
        table_cell(t, "%.4f", area[i]);
        for (size_t l = 0; l < lines; l++) {
            const estimate gain = gain_at(e, &places[i], labels[l], kind->field);
            bands_add(t, &gain, -1, 1);
        }
    }
    return t;
}

int gain_figure(report *r, const evidence *e, const gain_kind *kind, const place *places, const double *area,
                size_t count, lb_error *error) {
    const experiment *x = &e->study->e;
    char xlabel[80], ylabel[LABEL + 60], caption[500];
    if (x->entry_count < 2 || count < 2) return LB_OK;
    snprintf(xlabel, sizeof xlabel, "mean %s area, %% of the image", kind->thing);
    snprintf(ylabel, sizeof ylabel, "gain in %s over %s", kind->name, x->baseline);
    snprintf(caption, sizeof caption,
             "Gain in %s over %s against the mean area of the %s, mean of %u seeds with 95 %% interval of the "
             "paired difference.",
             kind->name, x->baseline, kind->plural, x->seeds);
    const figure_option options[] = {{"xlabel", xlabel}, {"ylabel", ylabel}, {"logx", "1"},     {"ymin", "auto"},
                                     {"ymax", "auto"},   {"hline", "0"},     {"baseline", "0"}, {NULL, NULL}};
    return report_figure(r, e->study, "bands", "gain", gain_table(e, kind, places, area, count), options, caption,
                         error);
}

/* --- trend ------------------------------------------------------------------------------------------------------- */

double gain_slope(const evidence *e, const place *places, const double *area, size_t count, const char *label,
                  const char *base, measure_field field, unsigned seed) {
    double x[MAX_PLACES], y[MAX_PLACES], xy = 0, xx = 0;
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        const long a = usable_field(e, &places[i], label, field), b = usable_field(e, &places[i], base, field);
        if (a < 0 || b < 0) continue;
        y[n] = field(&evidence_seeds(e, (size_t)a)[seed]) - field(&evidence_seeds(e, (size_t)b)[seed]);
        x[n] = repro_log(area[i]);
        n += isfinite(y[n]) != 0;
    }
    for (size_t i = 0; i < n; i++) {
        const double step = x[i] - stat_mean(x, n);
        xy += step * y[i];
        xx += step * step;
    }
    return xx > 0 ? xy / xx : (double)NAN;
}

/* Mean and interval over seeds. */
static estimate trend_of(const evidence *e, const gain_kind *kind, const place *places, const double *area,
                         size_t count, const char *label) {
    double values[SEEDS_MOST];
    const unsigned seeds = e->study->e.seeds;
    const double tenfold = repro_log(10);
    for (unsigned k = 0; k < seeds; k++)
        values[k] = -tenfold * gain_slope(e, places, area, count, label, e->study->e.baseline, kind->field, k);
    const long any = evidence_find(e, places[0].b, places[0].ratio, label, 0);
    return any < 0 ? (estimate){0} : estimate_values(values, seeds, evidence_seeds(e, (size_t)any));
}

static const char *trend_word(const estimate *trend) {
    if (trend->count < 2) return "undecided";
    return trend->interval.low > 0 ? "rises" : trend->interval.high < 0 ? "falls" : "undecided";
}

void gain_say_trend(report *r, const evidence *e, const gain_kind *kind, const place *places, const double *area,
                    size_t count) {
    const experiment *x = &e->study->e;
    text sentence = {0};
    for (size_t n = 0; count > 1 && n < x->entry_count; n++) {
        char shown[WORDS];
        if (strcmp(x->entries[n].label, x->baseline) == 0) continue;
        const estimate trend = trend_of(e, kind, places, area, count, x->entries[n].label);
        if (!trend.count) continue;
        estimate_text(&trend, 1, shown, sizeof shown);
        text_add(&sentence, "%s `%s` %s (%s)", sentence.length ? "," : "", x->entries[n].label, shown,
                 trend_word(&trend));
    }
    if (sentence.data)
        report_say(r,
                   "What a tenfold smaller %s adds to the gain over `%s`, as the slope of each seed's gain on the "
                   "logarithm of the area, mean with 95 %% interval over %u seed%s:%s.",
                   kind->thing, x->baseline, x->seeds, x->seeds == 1 ? "" : "s", sentence.data);
    text_free(&sentence);
}
