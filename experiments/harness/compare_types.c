/* Tables of a comparison of losses for K classes. */
#include "experiments/harness/compare_types.h"

#include "experiments/harness/compare.h"
#include "experiments/harness/compare_field.h"
#include "experiments/harness/mask_analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name;
    measure_field field;
} type_column;

static const type_column columns[] = {{"balanced accuracy", field_balanced},
                                      {"macro-F1", field_macro_f1},
                                      {"accuracy", field_type_accuracy},
                                      {"recall, rarest third", field_rare_recall},
                                      {"recall, commonest third", field_common_recall},
                                      {"image recall", field_recall}}; /* the last needs goods */
enum { COLUMNS = sizeof columns / sizeof *columns, IMAGE_RECALL = COLUMNS - 1, RARE = 3, COMMON = 4 };

/* --- thirds ------------------------------------------------------------------------------------------------------ */

size_t types_in_third(size_t classes) { return classes < 3 ? 1 : (classes + 1) / 3; }

size_t types_by_items(const double *train, const double *test, size_t classes, size_t *order) {
    size_t count = 0;
    for (size_t c = 0; c < classes; c++) {
        if (!(test[c] > 0)) continue;
        size_t k = count++;
        for (; k && train[order[k - 1]] > train[c]; k--) order[k] = order[k - 1];
        order[k] = c;
    }
    return count;
}

static double recall_of_third(const measure *m, int common) {
    const class_measure *of = &m->types;
    size_t order[CLASS_MOST];
    double sum = 0;
    if (!m->present || !m->has_types) return (double)NAN;
    const size_t count = types_by_items(of->train, of->test, of->classes, order), third = types_in_third(count);
    if (!count) return (double)NAN;
    for (size_t i = 0; i < third; i++) sum += of->recall[order[common ? count - 1 - i : i]];
    return sum / (double)third;
}

double field_rare_recall(const measure *m) { return recall_of_third(m, 0); }
double field_common_recall(const measure *m) { return recall_of_third(m, 1); }

/* --- classes of a place ------------------------------------------------------------------------------------------ */

/* Of seed k of a place, what any loss knows of the data. NULL: none is there. */
static const measure *any_loss(const evidence *e, const place *p, unsigned seed) {
    for (size_t c = 0; c < e->study->cell_count; c++) {
        const cell *at = &e->study->cells[c];
        const measure *m = &evidence_seeds(e, c)[seed];
        if (at->block == p->b && at->ratio == p->ratio && m->present && m->has_types) return m;
    }
    return NULL;
}

static int have_goods(const evidence *e, const place *p) {
    for (unsigned k = 0; k < e->study->e.seeds; k++) {
        const measure *m = any_loss(e, p, k);
        if (m) return m->data[DATA_GOODS + SET_TEST] > 0;
    }
    return 0;
}

static void count_items(const evidence *e, const place *p, size_t classes, place_classes *out) {
    double seeds = 0;
    for (unsigned k = 0; k < e->study->e.seeds; k++) {
        const measure *m = any_loss(e, p, k);
        for (size_t c = 0; m && c < classes; c++) {
            out->train[c] += m->types.train[c];
            out->test[c] += m->types.test[c];
        }
        seeds += m != NULL;
    }
    for (size_t c = 0; seeds > 0 && c < classes; c++) {
        out->train[c] /= seeds;
        out->test[c] /= seeds;
    }
}

int types_at(const report *r, const evidence *e, const place *p, place_classes *out, lb_error *error) {
    const dataset_request request = {.ratio = p->ratio, .seed = 1, .search = r->c->search};
    dataset d;
    const int code = dataset_open(p->b->data, &request, &d, error);
    *out = (place_classes){0};
    if (code) return code;
    const size_t all = class_count(&d), classes = all < CLASS_MOST ? all : CLASS_MOST;
    for (size_t c = 0; c < classes; c++) snprintf(out->name[c], CLASS_NAME, "%s", class_label(&d, c));
    dataset_free(&d);
    out->goods = have_goods(e, p);
    count_items(e, p, classes, out);
    out->count = types_by_items(out->train, out->test, classes, out->order);
    out->third = types_in_third(out->count);
    return LB_OK;
}

void types_words(const place_classes *at, size_t from, size_t to, char *out, size_t size) {
    size_t used = 0;
    out[0] = 0;
    for (size_t i = from; i < to && used < size; i++) {
        const size_t c = at->order[i];
        used +=
            (size_t)snprintf(out + used, size - used, "%s`%s` (%.0f)", i > from ? ", " : "", at->name[c], at->train[c]);
    }
}

/* --- one place --------------------------------------------------------------------------------------------------- */

static void place_row(table *t, const evidence *e, const place *p, size_t c, int goods, int lost) {
    const troubles bad = troubles_of(e, c);
    table_cell(t, "%s", e->study->cells[c].entry->label);
    compare_value_cell(t, e, c, field_balanced);
    compare_difference_cell(t, e, p, c, field_balanced);
    for (size_t i = 1; i < COLUMNS - !goods; i++) compare_mean_cell(t, e, c, columns[i].field);
    if (!lost) return;
    table_cell(t, "%u", bad.diverged);
    table_cell(t, "%u", bad.not_started);
}

table *compare_type_place(const evidence *e, const place *p, const place_classes *at) {
    size_t cells[MAX_ENTRIES], width = 3;
    char difference[LABEL + 20], base[LABEL], rare[60], common[60], recall[60];
    const char *headers[4 + COLUMNS] = {"loss", "balanced accuracy", difference};
    const size_t count = compare_ordered(e, p, field_balanced, cells);
    const int lost = compare_lost_seeds(e, cells, count) > 0;
    compare_baseline_name(&e->study->e, base);
    snprintf(difference, sizeof difference, "difference to %s", base);
    snprintf(rare, sizeof rare, "recall, rarest %zu of %zu classes", at->third, at->count);
    snprintf(common, sizeof common, "recall, commonest %zu", at->third);
    snprintf(recall, sizeof recall, "image recall at %s", level_name(level_at(e, p)));
    for (size_t i = 1; i < COLUMNS - !at->goods; i++)
        headers[width++] = i == RARE ? rare : i == COMMON ? common : i == IMAGE_RECALL ? recall : columns[i].name;
    if (lost) headers[width++] = "seeds diverged";
    if (lost) headers[width++] = "seeds not started";
    table *t = table_new(headers, width);
    for (size_t i = 0; t && i < count; i++) place_row(t, e, p, cells[i], at->goods, lost);
    return t;
}

/* --- all numbers ------------------------------------------------------------------------------------------------- */

static void metrics_row(table *t, const evidence *e, const place *p, size_t c) {
    const int goods = have_goods(e, p);
    for (size_t i = 0; i < COLUMNS - !goods; i++) compare_value_cell(t, e, c, columns[i].field);
    if (!goods) table_cell(t, "no goods");
    compare_lost_cells(t, e, p, c, goods);
}

table *compare_type_metrics(const evidence *e, const place *places, size_t count) {
    const char *headers[2 + COLUMNS + COMPARE_LOST] = {"block", "loss"};
    for (size_t i = 0; i < COLUMNS; i++) headers[2 + i] = columns[i].name;
    memcpy(headers + 2 + COLUMNS, compare_lost_headers, sizeof compare_lost_headers);
    return compare_rows(e, places, count, field_balanced, headers, 2 + COLUMNS + COMPARE_LOST, metrics_row);
}

static void differences_row(table *t, const evidence *e, const place *p, size_t c) {
    const int goods = have_goods(e, p);
    for (size_t i = 0; i < COLUMNS - !goods; i++) compare_difference_cell(t, e, p, c, columns[i].field);
    if (!goods) table_cell(t, "no goods");
}

table *compare_type_differences(const evidence *e, const place *places, size_t count) {
    const char *headers[2 + COLUMNS] = {"block", "loss"};
    for (size_t i = 0; i < COLUMNS; i++) headers[2 + i] = columns[i].name;
    return compare_rows(e, places, count, field_balanced, headers, 2 + COLUMNS, differences_row);
}

/* --- classes ----------------------------------------------------------------------------------------------------- */

static double class_value(const measure *m, const double *values, size_t c) {
    return m->present && m->has_types && m->types.test[c] > 0 ? values[c] : (double)NAN;
}
static double class_recall(const measure *m, size_t c) { return class_value(m, m->types.recall, c); }
static double class_f1(const measure *m, size_t c) { return class_value(m, m->types.f1, c); }

static void class_cell(table *t, const estimate *of) {
    char shown[WORDS];
    if (of->count)
        estimate_text(of, 0, shown, sizeof shown);
    else
        snprintf(shown, sizeof shown, "none");
    table_cell(t, "%s", shown);
}

static void class_row(table *t, const evidence *e, const place *p, const place_classes *at, size_t c, size_t of) {
    const estimate recall = estimate_seeds(e, of, class_recall, c), f1 = estimate_seeds(e, of, class_f1, c);
    char label[PLACE_LABEL];
    place_label(p, label, sizeof label);
    table_cell(t, "%s", label);
    table_cell(t, "%s", at->name[c]);
    table_cell(t, "%.4g", at->train[c]);
    table_cell(t, "%.4g", at->test[c]);
    table_cell(t, "%s", e->study->cells[of].entry->label);
    class_cell(t, &recall);
    class_cell(t, &f1);
}

table *compare_type_classes(const evidence *e, const place *places, const place_classes *at, size_t count) {
    static const char *const headers[] = {"block", "class", "train items", "test items", "loss", "recall", "F1"};
    table *t = table_new(headers, 7);
    for (size_t i = 0; t && i < count; i++) {
        size_t cells[MAX_ENTRIES];
        const size_t losses = compare_ordered(e, &places[i], field_balanced, cells);
        for (size_t k = 0; k < at[i].count; k++)
            for (size_t n = 0; n < losses; n++) class_row(t, e, &places[i], &at[i], at[i].order[k], cells[n]);
    }
    return t;
}

/* --- every trial ------------------------------------------------------------------------------------------------- */

/* "0.91 0.5 NaN": of each class in the order of the data set. */
static void recalls_cell(table *t, const measure *m) {
    text all = {0};
    for (size_t c = 0; m->present && m->has_types && c < m->types.classes; c++) {
        const double recall = class_recall(m, c);
        if (isfinite(recall))
            text_add(&all, "%s%.6g", c ? " " : "", recall);
        else
            text_add(&all, "%sNaN", c ? " " : "");
    }
    table_cell(t, "%s", all.data ? all.data : "NaN");
    text_free(&all);
}

static void trial_row(table *t, const cell *at, unsigned seed, const measure *m) {
    compare_trial_names(t, at, seed, m);
    compare_number_cell(t, m->present && m->has_types ? m->types.number[CLASS_SELECT_BALANCED] : (double)NAN);
    for (size_t i = 0; i < COLUMNS; i++) compare_number_cell(t, columns[i].field(m));
    recalls_cell(t, m);
}

table *compare_type_trials(const evidence *e) {
    static const char *const names[] = {
        "key", "block", "ratio", "loss", "seed", "outcome", "balanced accuracy on select"};
    enum { NAMES = sizeof names / sizeof *names };
    const char *headers[NAMES + COLUMNS + 1];
    memcpy(headers, names, sizeof names);
    for (size_t i = 0; i < COLUMNS; i++) headers[NAMES + i] = columns[i].name;
    headers[NAMES + COLUMNS] = "recall of each class";
    table *t = table_new(headers, NAMES + COLUMNS + 1);
    for (size_t c = 0; t && c < e->study->cell_count; c++)
        for (unsigned k = 0; k < e->study->e.seeds; k++) trial_row(t, &e->study->cells[c], k, &evidence_seeds(e, c)[k]);
    return t;
}

/* --- figure ------------------------------------------------------------------------------------------------------ */

enum { LOSSES_SHOWN = 8 };

/* The baseline, then the others by balanced accuracy, at most LOSSES_SHOWN. 0: the baseline has no numbers. */
static size_t shown_cells(const evidence *e, const place *p, size_t *cells) {
    size_t count = ranked_cells(e, p, field_balanced, cells);
    const size_t row = compare_baseline_row(e, p, cells, count);
    if (!row) return 0;
    const size_t base = cells[row - 1];
    memmove(cells + 1, cells, (row - 1) * sizeof *cells);
    cells[0] = base;
    return count < LOSSES_SHOWN ? count : LOSSES_SHOWN;
}

static table *figure_table(const evidence *e, const place_classes *at, const size_t *cells, size_t count) {
    const char *headers[1 + LOSSES_SHOWN] = {"items in train"};
    for (size_t n = 0; n < count; n++) headers[1 + n] = e->study->cells[cells[n]].entry->label;
    table *t = table_new(headers, 1 + count);
    for (size_t k = 0; t && k < at->count; k++) {
        const size_t c = at->order[k];
        if (!(at->train[c] > 0)) continue; /* has no place on a logarithmic axis */
        table_cell(t, "%.4g", at->train[c]);
        for (size_t n = 0; n < count; n++) table_cell(t, "%.4f", estimate_seeds(e, cells[n], class_recall, c).mean);
    }
    return t;
}

int compare_type_figure(report *r, const evidence *e, const place *p, const place_classes *at, lb_error *error) {
    size_t cells[MAX_ENTRIES];
    char label[PLACE_LABEL], name[PLACE_LABEL + 20], base[LABEL], axis[PLACE_LABEL + 40], classes[1600], caption[2200];
    const size_t count = shown_cells(e, p, cells);
    table *t = count > 1 ? figure_table(e, at, cells, count) : NULL;
    if (count < 2 || (t && !table_rows(t))) {
        table_free(t);
        return LB_OK;
    }
    place_label(p, label, sizeof label);
    place_file("classes", p, name, sizeof name);
    compare_baseline_name(&e->study->e, base);
    types_words(at, 0, at->count, classes, sizeof classes);
    snprintf(axis, sizeof axis, "%s: items of the class in train", label);
    snprintf(
        caption, sizeof caption,
        "%s: recall of each class over its items in train, mean of %u seeds, a panel a loss: from %s (ring) to the "
        "loss (dot). The classes, the rarest first, with their items in train: %s.",
        label, e->study->e.seeds, base, classes);
    const figure_option options[] = {{"xlabel", axis}, {"ylabel", "recall of the class"}, {NULL, NULL}};
    return report_figure(r, e->study, "classes", name, t, options, caption, error);
}

/* --- sentences --------------------------------------------------------------------------------------------------- */

/* "+0.120", bold when the whole interval lies beyond the margin. */
static void add_change(text *to, const comparison *d) {
    const char *mark = d->verdict == STAT_BETTER || d->verdict == STAT_WORSE ? "**" : "";
    text_add(to, "%s%+.3f%s", mark, d->difference.mean, mark);
}

void say_type_thirds(report *r, const evidence *e, const place *p, const place_classes *at) {
    size_t cells[MAX_ENTRIES];
    char label[PLACE_LABEL], base_name[LABEL];
    const size_t count = ranked_cells(e, p, field_rare_recall, cells), row = compare_baseline_row(e, p, cells, count);
    text said = {0};
    for (size_t i = 0; row && i < count; i++) {
        if (i == row - 1) continue;
        const comparison rare = compare_cells(e, cells[i], cells[row - 1], field_rare_recall);
        const comparison common = compare_cells(e, cells[i], cells[row - 1], field_common_recall);
        text_add(&said, "%s`%s` ", said.length ? "; " : "", e->study->cells[cells[i]].entry->label);
        add_change(&said, &rare);
        text_add(&said, " and ");
        add_change(&said, &common);
    }
    place_label(p, label, sizeof label);
    compare_baseline_name(&e->study->e, base_name);
    if (said.data)
        report_say(r,
                   "Recall of the rarest and of the commonest %zu of %zu classes of %s, each loss less `%s`: %s. Bold: "
                   "the whole 95 %% interval lies beyond the margin of %g.",
                   at->third, at->count, label, base_name, said.data, STAT_MARGIN);
    text_free(&said);
}
