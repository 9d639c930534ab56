/* Numbers of a curve, rankings, and runs read back from a store with planted trials. */
#include "tests/experiments/fixture.h"

#include "experiments/harness/box_runs.h"
#include "experiments/harness/report.h"
#include "experiments/harness/simulation_figures.h"

#include <math.h>

Test(box_runs, first_below_is_strict_and_may_be_never) {
    double curve[SIMULATION_STEPS + 1];
    for (size_t t = 0; t <= SIMULATION_STEPS; t++) curve[t] = 4 - 0.01 * (double)t;
    curve[50] = 3.5;
    cr_assert(eq(int, curve_first_below(curve, 3.5), 51));
    cr_assert(eq(int, curve_first_below(curve, 5), 0));
    cr_assert(eq(int, curve_first_below(curve, 1), -1));
}

/* A curve that rises again counts from its first time below. */
Test(box_runs, first_below_takes_the_first_time) {
    double curve[SIMULATION_STEPS + 1] = {4, 0.9, 2, 0.8};
    cr_assert(eq(int, curve_first_below(curve, 1), 1));
}

Test(box_runs, sum_leaves_the_start_out) {
    double curve[SIMULATION_STEPS + 1] = {1000};
    for (size_t t = 1; t <= SIMULATION_STEPS; t++) curve[t] = 0.5;
    cr_assert(eq(dbl, curve_sum(curve), 100.0));
}

Test(box_runs, equal_values_share_a_rank_and_nan_takes_none) {
    const double value[] = {3, 1, (double)NAN, 3, 2};
    size_t rank[5];
    rank_values(value, 5, rank);
    cr_assert(eq(sz, rank[0], 3));
    cr_assert(eq(sz, rank[1], 1));
    cr_assert(eq(sz, rank[3], 3));
    cr_assert(eq(sz, rank[4], 2));
}

/* Of a constant and of a plane: means over the nearest points keep the constant, and stay close to the plane. */
Test(box_runs, thinning_keeps_what_varies_slowly) {
    enum { POINTS = 900, CELLS = 100 };
    double value[POINTS], mean[CELLS], x, y;
    for (size_t k = 0; k < POINTS; k++) {
        simulation_point(POINTS, k, &x, &y);
        value[k] = 2 * x - y;
    }
    cr_assert(ne(int, thin_spiral(value, POINTS, CELLS, mean), 0));
    for (size_t c = 0; c < CELLS; c++) {
        simulation_point(CELLS, c, &x, &y);
        cr_assert(lt(dbl, fabs(mean[c] - (2 * x - y)), 0.5), "cell %zu", c);
    }
    cr_assert(ne(int, thin_spiral(value, CELLS, CELLS, mean), 0));
    for (size_t c = 0; c < CELLS; c++) cr_assert(eq(dbl, mean[c], value[c]));
}

/* --- runs of a planted store, and what the analysis makes of them ------------------------------------------------- */

#define PLANTED                                                                                                        \
    "[experiment]\nanalysis = simulation\n[blocks]\nspiral = spiral(points=3) @ natural\n[losses]\n"                   \
    "all = {diou, giou, corner_diou, corner_giou, zheng_diou, zheng_giou}\n[train]\nmodel = simulation\nseeds = 1\n"

static campaign c; /* large; every test has its own process */
static report r;

/* A made-up curve that falls from 4 by `fall` a step down to .1. */
static void plant(const study *s, const char *rule, double fall) {
    lb_error error = {0};
    for (size_t i = 0; i < s->cell_count; i++) {
        const trial *t = &s->cells[i].finals[0];
        if (strcmp(t->loss_text, rule) != 0) continue;
        trial_result fake = {0};
        float *high = trial_result_add(&fake, "curve_high", SIMULATION_STEPS + 1, 0);
        cr_assert(ne(ptr, trial_result_add(&fake, "curve_low", SIMULATION_STEPS + 1, 0), NULL));
        float *missed = trial_result_add(&fake, "missed", 1, 0), *drift = trial_result_add(&fake, "drift", 1, 0),
              *final = trial_result_add(&fake, "final", 3, 0);
        for (size_t k = 0; k <= SIMULATION_STEPS; k++) high[k] = (float)fmax(0.1, 4 - fall * (double)k);
        missed[0] = 0.25f;
        drift[0] = 0.5f;
        final[0] = final[1] = final[2] = 0.1f;
        cr_assert(zero(int, store_put(r.from, t, &fake, &error)), "%s", error.message);
        trial_result_free(&fake);
        return;
    }
    cr_assert(zero(int, 1), "no cell of rule %s", rule);
}

static void begin(void) {
    static char directory[] = "/tmp/test_box_runs_XXXXXX";
    cr_assert(ne(ptr, mkdtemp(directory), NULL));
    expand_text("planted", PLANTED, &c.studies[0]);
    c.count = 1;
    snprintf(c.out, sizeof c.out, "%s", directory);
    r = (report){.c = &c, .from = memory_store()};
    r.evidences[0].study = &c.studies[0];
}

static void end(void) {
    char command[PATH_SIZE + 8];
    snprintf(command, sizeof command, "rm -r %s", c.out);
    cr_assert(zero(int, system(command)));
    text_free(&r.body);
    store_close(r.from);
    study_free(&c.studies[0]);
}

/* The published update has DIoU first, exact gradients and corners have GIoU first. */
static void plant_all(void) {
    const study *s = &c.studies[0];
    plant(s, "diou", 0.02);
    plant(s, "giou", 0.04);
    plant(s, "corner_diou", 0.03);
    plant(s, "corner_giou", 0.05);
    plant(s, "zheng_diou", 0.08);
    plant(s, "zheng_giou", 0.02);
}

static int says(const char *what) { return strstr(r.body.data, what) != NULL; }

Test(box_runs, only_what_ran_is_read) {
    lb_error error = {0};
    box_runs b;
    begin();
    plant(&c.studies[0], "giou", 0.04);
    cr_assert(zero(int, box_runs_read(&r.evidences[0], r.from, &b, &error)), "%s", error.message);
    cr_assert(eq(sz, b.count, 1));
    cr_assert(eq(sz, b.points, 3));
    cr_assert(ne(ptr, (void *)box_runs_find(&b, "", "giou", ""), NULL));
    cr_assert(eq(ptr, (void *)box_runs_find(&b, "zheng_", "giou", ""), NULL));
    cr_assert(epsilon_eq(dbl, b.runs[0].curve[10], 3.6, 1e-6));
    cr_assert(epsilon_eq(dbl, b.runs[0].missed, 0.25, 1e-6));
    box_runs_free(&b);
    end();
}

Test(box_runs, analysis_says_which_order_turns) {
    lb_error error = {0};
    begin();
    plant_all();
    cr_assert(zero(int, analyse_simulation(&r, &r.evidences[0], &error)), "%s", error.message);
    const int turned = says("order diou before giou"), kept = says("in the same order"),
              none = says("when made alone: none"), missing = says("Without a result");
    cr_assert(all(ne(int, turned, 0), eq(int, kept, 0), ne(int, none, 0), eq(int, missing, 0)), "%s", r.body.data);
    end();
}

Test(box_runs, curves_are_a_plain_table) {
    lb_error error = {0};
    char path[PATH_SIZE + 60], first[80];
    size_t rows = 0;
    begin();
    plant_all();
    cr_assert(zero(int, analyse_simulation(&r, &r.evidences[0], &error)), "%s", error.message);
    snprintf(path, sizeof path, "%s/results/planted/curves.tsv", c.out);
    FILE *f = fopen(path, "r");
    cr_assert(ne(ptr, f, NULL));
    cr_assert(ne(ptr, fgets(first, sizeof first, f), NULL));
    cr_assert(eq(str, first, "loss\tpoints\titeration\tmean_l1_error\n"));
    char rule[32];
    double error_at = 0;
    size_t points, t;
    while (fscanf(f, "%31s\t%zu\t%zu\t%lf\n", rule, &points, &t, &error_at) == 4) {
        cr_assert(eq(sz, t, rows % (SIMULATION_STEPS + 1)));
        cr_assert(eq(sz, points, 3));
        rows++;
    }
    cr_assert(eq(sz, rows, 6 * (SIMULATION_STEPS + 1)));
    cr_assert(epsilon_eq(dbl, error_at, 0.1, 1e-6));
    fclose(f);
    end();
}

Test(box_runs, a_rule_without_a_result_is_named) {
    lb_error error = {0};
    begin();
    plant(&c.studies[0], "diou", 0.04);
    cr_assert(zero(int, analyse_simulation(&r, &r.evidences[0], &error)), "%s", error.message);
    const int named = says("left the numbers: giou, corner_diou");
    cr_assert(ne(int, named, 0), "%s", r.body.data);
    end();
}
