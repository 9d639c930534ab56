/* The box simulation: how fast and how far each rule brings boxes to their targets, and what the published ranking of
   the losses depends on. */
#include "experiments/harness/analysis.h"
#include "experiments/harness/simulation_figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 16 }; /* losses in a ranking, departures of one kind */

static const double paper_millions = 1.715; /* cases of the published figure, which shows a sum over them */

/* --- curves.tsv, and what came of each rule ----------------------------------------------------------------------- */

/* Plain TSV, its header the first line, for other programs to read. */
static int write_curves(report *r, const study *s, const box_runs *b, lb_error *error) {
    char path[PATH_SIZE];
    text out = {0};
    snprintf(path, sizeof path, "%.700s/results/%s", r->c->out, s->e.name);
    int code = make_directories(path, error);
    text_add(&out, "loss\tpoints\titeration\tmean_l1_error\n");
    for (size_t i = 0; i < b->count; i++)
        for (size_t t = 0; t <= SIMULATION_STEPS; t++)
            text_add(&out, "%s\t%zu\t%zu\t%.14g\n", b->runs[i].rule->name, b->points, t, b->runs[i].curve[t]);
    snprintf(path, sizeof path, "%.700s/results/%s/curves.tsv", r->c->out, s->e.name);
    if (!code) code = write_file(path, &out, error);
    text_free(&out);
    if (!code)
        report_say(r,
                   "The mean error of every rule after each iteration: [curves.tsv](results/%s/curves.tsv), %zu points "
                   "and so %zu cases.",
                   s->e.name, b->points, b->points * SIMULATION_CASES);
    return code;
}

static void first_below_cell(table *t, const box_run *run, double level) {
    const int first = curve_first_below(run->curve, level);
    if (first < 0)
        table_cell(t, "never");
    else
        table_cell(t, "%d", first);
}

static void outcome_cells(table *t, const box_run *run) {
    table_cell(t, "%.3g", run->curve[SIMULATION_STEPS]);
    table_cell(t, "%.2f %%", 100 * run->missed);
    first_below_cell(t, run, 1);
    first_below_cell(t, run, 0.5);
    table_cell(t, "%.2f", curve_sum(run->curve));
}

static table *summary_table(const box_runs *b) {
    static const char *const headers[] = {"rule",          "final error",     "cases above 0.1",
                                          "first below 1", "first below 0.5", "sum over t",
                                          "sum, millions", "drift",           "what it is"};
    table *t = table_new(headers, 9);
    for (size_t i = 0; t && i < b->count; i++) {
        const box_run *run = &b->runs[i];
        if (run->rule->kind == RULE_DEPARTURE) continue;
        table_cell(t, "%s", run->rule->name);
        outcome_cells(t, run);
        table_cell(t, "%.1f", paper_millions * curve_sum(run->curve));
        table_cell(t, "%.3f", run->drift);
        table_cell(t, "%s", run->rule->summary);
    }
    return t;
}

/* --- rankings ----------------------------------------------------------------------------------------------------- */

/* A loss under the three ways to move; NULL where a way has no rule for it. */
enum { PUBLISHED, EXACT, CORNER, WAYS };
static const char *const way_names[WAYS] = {"published update", "exact gradients", "corner coordinates"};
static const char *const way_prefix[WAYS] = {"zheng_", "", "corner_"};

typedef struct {
    const char *loss;
    const box_run *run[WAYS];
} ranked;

/* Losses that have more than one way. */
static size_t ranked_losses(const box_runs *b, ranked *out) {
    size_t count = 0;
    for (size_t i = 0; i < b->count && count < MOST; i++) {
        if (b->runs[i].rule->kind != RULE_EXACT) continue;
        ranked *at = &out[count];
        at->loss = b->runs[i].rule->name;
        for (size_t w = 0; w < WAYS; w++) at->run[w] = box_runs_find(b, way_prefix[w], at->loss, "");
        count += at->run[PUBLISHED] || at->run[CORNER];
    }
    return count;
}

/* Keeps losses that all three ways have: only these can be compared. */
static size_t comparable(ranked *losses, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (losses[i].run[PUBLISHED] && losses[i].run[CORNER]) losses[kept++] = losses[i];
    return kept;
}

/* NaN: no such run. Never smaller than another, and so without a rank among them. */
static double sum_of(const box_run *run) { return run ? curve_sum(run->curve) : (double)NAN; }

static table *ranking_table(const ranked *losses, size_t count) {
    static const char *const headers[] = {"loss",       "published update",   "published rank", "exact gradients",
                                          "exact rank", "corner coordinates", "corner rank"};
    double sums[WAYS][MOST];
    size_t ranks[WAYS][MOST];
    table *t = table_new(headers, 7);
    for (size_t w = 0; w < WAYS; w++) {
        for (size_t i = 0; i < count; i++) sums[w][i] = sum_of(losses[i].run[w]);
        rank_values(sums[w], count, ranks[w]);
    }
    for (size_t i = 0; t && i < count; i++) {
        table_cell(t, "%s", losses[i].loss);
        for (size_t w = 0; w < WAYS; w++) {
            if (isnan(sums[w][i])) {
                table_cell(t, "none");
                table_cell(t, "%s", "");
            } else {
                table_cell(t, "%.2f", sums[w][i]);
                table_cell(t, "%zu", ranks[w][i]);
            }
        }
    }
    return t;
}

/* "ciou 66.10, diou 77.05": smallest sum first. */
static void order_words(const ranked *losses, const double *sums, size_t count, char *out, size_t size) {
    size_t rank[MOST], used = 0;
    rank_values(sums, count, rank);
    out[0] = '\0';
    for (size_t at = 1; at <= count; at++)
        for (size_t i = 0; i < count && used < size; i++)
            if (rank[i] == at)
                used +=
                    (size_t)snprintf(out + used, size - used, "%s%s %.1f", used ? ", " : "", losses[i].loss, sums[i]);
}

static void say_orders(report *r, const ranked *losses, size_t count) {
    double sums[MOST];
    char words[WAYS][300];
    for (size_t w = 0; w < WAYS; w++) {
        for (size_t i = 0; i < count; i++) sums[i] = sum_of(losses[i].run[w]);
        order_words(losses, sums, count, words[w], sizeof words[w]);
    }
    report_say(r, "The %zu losses of the paper, smallest sum over t first. With the %s: %s. With %s: %s. In %s: %s.",
               count, way_names[PUBLISHED], words[PUBLISHED], way_names[EXACT], words[EXACT], way_names[CORNER],
               words[CORNER]);
}

/* --- departures --------------------------------------------------------------------------------------------------- */

/* What follows the loss in the name of such a rule: "+sign", "_unit". */
static const char *departure_of(const box_run *run) {
    return run->rule->kind == RULE_DEPARTURE ? run->rule->name + strlen(run->rule->loss) : NULL;
}

/* The different departures in the order of the rules. */
static size_t departures(const box_runs *b, const char **out) {
    size_t count = 0;
    for (size_t i = 0; i < b->count; i++) {
        const char *name = departure_of(&b->runs[i]);
        size_t k = 0;
        while (name && k < count && strcmp(out[k], name) != 0) k++;
        if (name && k == count && count < MOST) out[count++] = name;
    }
    return count;
}

/* A loss's exact rule with the departure, or without where it has no such rule. */
static double departed_sum(const box_runs *b, const ranked *l, const char *departure) {
    const box_run *run = box_runs_find(b, "", l->loss, departure);
    return sum_of(run ? run : l->run[EXACT]);
}

/* Departures that alone put `first` before `second`; "none" when there are none. */
static void restoring(const box_runs *b, const ranked *first, const ranked *second, char *out, size_t size) {
    const char *names[MOST];
    size_t used = 0;
    snprintf(out, size, "none");
    for (size_t k = 0, count = departures(b, names); k < count && used < size; k++) {
        const double x = departed_sum(b, first, names[k]), y = departed_sum(b, second, names[k]);
        if (x < y)
            used += (size_t)snprintf(out + used, size - used, "%s`%s` (%.1f against %.1f)", used ? ", " : "",
                                     names[k] + 1, x, y);
    }
}

/* For each pair of losses whose order the exact gradients turn round. */
static void say_turned(report *r, const box_runs *b, const ranked *losses, size_t count) {
    size_t turned = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            char words[500];
            const ranked *x = &losses[i], *y = &losses[k];
            if (!(sum_of(x->run[PUBLISHED]) < sum_of(y->run[PUBLISHED])) ||
                !(sum_of(x->run[EXACT]) > sum_of(y->run[EXACT])))
                continue;
            turned++;
            restoring(b, x, y, words, sizeof words);
            report_say(r,
                       "The published order %s before %s (%.1f against %.1f) is not that of the exact gradients (%.1f "
                       "against %.1f). Departures that restore it when made alone: %s.",
                       x->loss, y->loss, sum_of(x->run[PUBLISHED]), sum_of(y->run[PUBLISHED]), sum_of(x->run[EXACT]),
                       sum_of(y->run[EXACT]), words);
        }
    if (!turned && count > 1)
        report_say(r, "Exact gradients and the published update put these losses in the same order.");
}

static table *departures_table(const box_runs *b) {
    static const char *const headers[] = {"rule",
                                          "final error",
                                          "cases above 0.1",
                                          "first below 1",
                                          "first below 0.5",
                                          "sum over t",
                                          "sum, against the exact rule",
                                          "what departs"};
    table *t = table_new(headers, 8);
    for (size_t i = 0; t && i < b->count; i++) {
        const box_run *run = &b->runs[i], *exact = box_runs_find(b, "", run->rule->loss, "");
        if (run->rule->kind != RULE_DEPARTURE) continue;
        table_cell(t, "%s", run->rule->name);
        outcome_cells(t, run);
        if (exact)
            table_cell(t, "%+.1f %%", 100 * (sum_of(run) / sum_of(exact) - 1));
        else
            table_cell(t, "%s", "");
        table_cell(t, "%s", run->rule->summary);
    }
    return t;
}

static int show_departures(report *r, const study *s, const box_runs *b, lb_error *error) {
    const char *names[MOST];
    if (!departures(b, names)) return LB_OK;
    return report_table(r, s, "departures", departures_table(b), TABLE_INLINE,
                        "The exact rule with one departure of the published update at a time: what each does to the "
                        "outcome.",
                        error);
}

static int show_ranking(report *r, const study *s, const box_runs *b, lb_error *error) {
    ranked losses[MOST];
    size_t count = ranked_losses(b, losses);
    if (!count) return LB_OK;
    int code =
        report_table(r, s, "ranking", ranking_table(losses, count), TABLE_INLINE,
                     "The published ranking and that of exact gradients: sum of the mean error over t = 1 .. 200 "
                     "and its rank among the losses that the column has.",
                     error);
    count = comparable(losses, count);
    if (!code && count) {
        say_orders(r, losses, count);
        say_turned(r, b, losses, count);
    }
    return code ? code : show_departures(r, s, b, error);
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

/* What did not run is said, not passed over. */
static void say_missing(report *r, const study *s, const box_runs *b) {
    text names = {0};
    for (size_t c = 0; c < s->cell_count; c++)
        if (s->cells[c].block == s->cells[0].block && !box_runs_find(b, "", s->cells[c].finals[0].loss_text, ""))
            text_add(&names, "%s %s", names.length ? "," : "", s->cells[c].finals[0].loss_text);
    if (names.data) report_say(r, "Without a result, because it crashed or left the numbers:%s.", names.data);
    text_free(&names);
}

static int show_figures(report *r, const study *s, const box_runs *b, lb_error *error) {
    int code = figure_convergence(r, s, b, error);
    if (!code) code = figure_surface(r, s, b, error);
    if (!code) code = figure_field(r, s, error);
    return code ? code : figure_distance(r, s, error);
}

int analyse_simulation(report *r, const evidence *e, lb_error *error) {
    const study *s = e->study;
    box_runs b;
    int code = box_runs_read(e, r->from, &b, error);
    if (!code) say_missing(r, s, &b);
    if (!code && b.count) code = write_curves(r, s, &b, error);
    if (!code && b.count)
        code =
            report_table(r, s, "rules", summary_table(&b), TABLE_INLINE,
                         "What each rule makes of the boxes. Error of a case: |dx| + |dy| + |dw| + |dh|, in sides of "
                         "the target's square; final: mean after 200 iterations; first below: the iteration at which "
                         "the mean passes 1 and 0.5; millions: the sum over t and over 1,715,000 cases, the unit of "
                         "the published figure; drift: largest distance of the centre from the straight way to the "
                         "target, mean.",
                         error);
    if (!code && b.count) code = show_ranking(r, s, &b, error);
    if (!code && b.count) code = show_figures(r, s, &b, error);
    box_runs_free(&b);
    return code;
}
