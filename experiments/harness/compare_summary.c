/* Overviews of a comparison: verdicts over all places, and what tuning did to the published defaults. */
#include "experiments/harness/compare.h"
#include "experiments/harness/mask_analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int compare_is_baseline(const experiment *x, size_t n) {
    size_t first = 0;
    while (first < x->entry_count && strcmp(x->entries[first].label, x->baseline) != 0 &&
           strcmp(x->entries[first].family, x->baseline) != 0)
        first++;
    return n == first;
}

long compare_baseline(const evidence *e, const place *p) {
    return evidence_find(e, p->b, p->ratio, e->study->e.baseline, 0);
}

static int is_tuned_bce(const experiment *x) { return x->points && strcmp(x->baseline, "bce") == 0; }

const char *compare_rule_label(const experiment *x) { return is_tuned_bce(x) ? "BCE, tuned" : x->baseline; }

void compare_baseline_name(const experiment *x, char *out) {
    snprintf(out, LABEL, "%s", is_tuned_bce(x) ? "tuned BCE" : x->baseline);
}

/* Mean over blocks of a loss's recall, or another field, and of its difference to the baseline. Ratios of one data set
   are no independent blocks: they are averaged first. */
typedef struct {
    double mean, difference;
    size_t blocks, verdicts[4];
} overview;

static overview overview_of(const evidence *e, const place *places, size_t count, const char *label,
                            measure_field field) {
    overview out = {0};
    for (size_t i = 0; i < count;) {
        const block *b = places[i].b;
        double mean = 0, difference = 0;
        size_t ratios = 0;
        for (; i < count && places[i].b == b; i++) {
            const long c = usable_field(e, &places[i], label, field);
            const long base = usable_field(e, &places[i], e->study->e.baseline, field);
            if (c < 0 || base < 0) continue;
            const comparison d = compare_cells(e, (size_t)c, (size_t)base, field);
            mean += estimate_field(e, (size_t)c, field).mean;
            difference += d.difference.mean;
            out.verdicts[d.verdict]++;
            ratios++;
        }
        if (!ratios) continue;
        out.mean += mean / (double)ratios;
        out.difference += difference / (double)ratios;
        out.blocks++;
    }
    return out;
}

table *compare_summary_of(const evidence *e, const place *places, size_t count, measure_field field, const char *name) {
    char mean[80], difference[LABEL + 40], base[LABEL];
    static const stat_verdict_kind order[] = {STAT_BETTER, STAT_EQUIVALENT, STAT_UNCLEAR, STAT_WORSE};
    const experiment *x = &e->study->e;
    compare_baseline_name(x, base);
    snprintf(mean, sizeof mean, "mean %s over blocks", name);
    snprintf(difference, sizeof difference, "mean difference to %s", base);
    const char *const headers[] = {"loss", mean, difference, "blocks", "better", "equivalent", "unclear", "worse"};
    table *t = table_new(headers, 8);
    for (size_t n = 0; t && n < x->entry_count; n++) {
        const overview o = overview_of(e, places, count, x->entries[n].label, field);
        const int is_base = compare_is_baseline(x, n);
        table_cell(t, "%s", x->entries[n].label);
        if (o.blocks)
            table_cell(t, "%.3f", o.mean / (double)o.blocks);
        else
            table_cell(t, "none");
        if (o.blocks && !is_base)
            table_cell(t, "%+.3f", o.difference / (double)o.blocks);
        else
            table_cell(t, " ");
        table_cell(t, "%zu", o.blocks);
        for (size_t v = 0; v < 4; v++)
            if (is_base)
                table_cell(t, " ");
            else
                table_cell(t, "%zu", o.verdicts[order[v]]);
    }
    return t;
}

table *compare_summary(const evidence *e, const place *places, size_t count) {
    char name[60];
    snprintf(name, sizeof name, "recall at %s", levels_name(e, places, count));
    return compare_summary_of(e, places, count, field_recall, name);
}

/* Mean test recall of the published defaults at the middle rate, tuning point 0, over the tuning seeds. NaN: not there.
 */
static double published_recall(const report *r, const evidence *e, const cell *c) {
    double sum = 0;
    const unsigned seeds = e->study->e.tuning_seeds;
    for (unsigned k = 0; k < seeds; k++) {
        measure m;
        if (evidence_measure(r->from, &c->tuning[k], &m, NULL)) return (double)NAN;
        sum += field_recall(&m);
    }
    return sum / seeds;
}

table *compare_published(const report *r, const evidence *e) {
    static const char *const headers[] = {
        "block", "ratio", "loss", "as published, tuning seeds", "tuned, reported seeds", "tuned setting"};
    table *t = table_new(headers, 6);
    for (size_t c = 0; t && c < e->study->cell_count; c++) {
        const cell *at = &e->study->cells[c];
        char ratio[32], shown[80];
        const estimate tuned = estimate_field(e, c, field_recall);
        ratio_text(at->ratio, ratio, sizeof ratio);
        estimate_text(&tuned, 0, shown, sizeof shown);
        table_cell(t, "%s", at->block->label);
        table_cell(t, "%s", ratio);
        table_cell(t, "%s", at->entry->label);
        table_cell(t, "%.3f", at->tuning ? published_recall(r, e, at) : (double)NAN);
        table_cell(t, "%s", shown);
        table_cell(t, "%s, rate %.3g, decay %.2g", at->finals[0].loss, at->finals[0].learning_rate,
                   at->finals[0].weight_decay);
    }
    return t;
}

static int near_edge(double rate, double low, double high) {
    const double share = log(rate / low) / log(high / low);
    return share < 0.05 || share > 0.95;
}

void compare_say_edges(report *r, const study *s) {
    size_t edge = 0, tuned = 0;
    if (!s->e.points) return;
    for (size_t i = 0; i < s->cell_count; i++) {
        if (s->cells[i].chosen < 0) continue;
        tuned++;
        edge += (size_t)near_edge(s->cells[i].finals[0].learning_rate, s->e.learning_rate_low, s->e.learning_rate_high);
    }
    if (tuned)
        report_say(r,
                   "Sanity of the tuning range: %zu of %zu chosen learning rates lie in the outer 5 %% of [%g, %g]; "
                   "more than one in ten would "
                   "mean that the range is too narrow: %s.",
                   edge, tuned, s->e.learning_rate_low, s->e.learning_rate_high,
                   10 * edge > tuned ? "**the check fails**" : "the check passes");
}

void compare_trial_names(table *t, const cell *at, unsigned seed, const measure *m) {
    char ratio[32];
    ratio_text(at->ratio, ratio, sizeof ratio);
    table_cell(t, "%s", m->key);
    table_cell(t, "%s", at->block->label);
    table_cell(t, "%s", ratio);
    table_cell(t, "%s", at->entry->label);
    table_cell(t, "%u", at->finals[seed].seed);
    table_cell(t, "%s", m->present || m->outcome ? trial_outcome_names[m->outcome] : "missing");
}
