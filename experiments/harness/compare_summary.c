/* Two overviews of a comparison: verdicts over all places, and what tuning did to the published defaults. */
#include "experiments/harness/compare.h"

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

/* Mean over blocks of a loss's recall and of its difference to the baseline. Ratios of one data set are no independent
   blocks: they are averaged first. */
typedef struct {
    double recall, difference;
    size_t blocks, verdicts[4];
} overview;

static overview overview_of(const evidence *e, const place *places, size_t count, const char *label) {
    overview out = {0};
    for (size_t i = 0; i < count;) {
        const block *b = places[i].b;
        double recall = 0, difference = 0;
        size_t ratios = 0;
        for (; i < count && places[i].b == b; i++) {
            const long c = usable_cell(e, &places[i], label), base = usable_cell(e, &places[i], e->study->e.baseline);
            if (c < 0 || base < 0) continue;
            const comparison d = compare_cells(e, (size_t)c, (size_t)base, field_recall);
            recall += estimate_field(e, (size_t)c, field_recall).mean;
            difference += d.difference.mean;
            out.verdicts[d.verdict]++;
            ratios++;
        }
        if (!ratios) continue;
        out.recall += recall / (double)ratios;
        out.difference += difference / (double)ratios;
        out.blocks++;
    }
    return out;
}

table *compare_summary(const evidence *e, const place *places, size_t count) {
    char recall[80], difference[LABEL + 40], base[LABEL];
    static const stat_verdict_kind order[] = {STAT_BETTER, STAT_EQUIVALENT, STAT_UNCLEAR, STAT_WORSE};
    const experiment *x = &e->study->e;
    compare_baseline_name(x, base);
    snprintf(recall, sizeof recall, "mean recall at %s over blocks", levels_name(e, places, count));
    snprintf(difference, sizeof difference, "mean difference to %s", base);
    const char *const headers[] = {"loss", recall, difference, "blocks", "better", "equivalent", "unclear", "worse"};
    table *t = table_new(headers, 8);
    for (size_t n = 0; t && n < x->entry_count; n++) {
        const overview o = overview_of(e, places, count, x->entries[n].label);
        const int is_base = compare_is_baseline(x, n);
        table_cell(t, "%s", x->entries[n].label);
        if (o.blocks)
            table_cell(t, "%.3f", o.recall / (double)o.blocks);
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
