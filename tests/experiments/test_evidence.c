#include "tests/experiments/fixture.h"

#include "experiments/harness/analysis.h"
#include "experiments/harness/grid.h"

#include <math.h>

#define ABOUT "[experiment]\nanalysis = compare\n[blocks]\ndents = " TINY_DATA " @ 200\n"
#define TRAIN "[train]\nmodel = cnn(width=narrow)\nvisits = 640\nbatch = 32\nlearning_rate = 0.01\n"
#define PAIR ABOUT "[losses]\nbce = bce\nasl = asl\n" TRAIN

static study s; /* large; every test has its own process */
static evidence e;
static store *from;

static void begin(const char *content) {
    expand_text("e", content, &s);
    from = memory_store();
}

static void read_evidence(void) {
    lb_error error = {0};
    cr_assert(zero(int, evidence_read(&s, from, &e, &error)), "%s", error.message);
}

static void end(void) {
    evidence_free(&e);
    store_close(from);
    study_free(&s);
}

static void plant(size_t c, unsigned seed, unsigned found) {
    put_made(from, &s.cells[c].finals[seed], &(made){.found = found});
}

/* --- one trial
 * -------------------------------------------------------------------------------------------------------- */

/* 400 goods from 0 to 0.9975 in steps of 1/400, 37 of 100 defects above them all, 63 below. */
Test(evidence, known_scores_give_known_measures) {
    begin(PAIR "seeds = 1\n");
    plant(0, 0, 37);
    read_evidence();
    const measure *m = evidence_seeds(&e, 0);
    cr_assert(m->present && m->started);
    cr_assert(eq(int, (int)m->status[0], (int)METRIC_TOO_FEW)); /* 400 goods: 0.1 % wants 2995, 0.5 % 598 */
    cr_assert(eq(int, (int)m->status[1], (int)METRIC_TOO_FEW));
    cr_assert(isnan(field_level(m, 0)));
    cr_assert(epsilon_eq(dbl, field_level(m, 3), 0.37, 1e-12));
    cr_assert(epsilon_eq(dbl, field_recall(m), 0.37, 1e-12));
    cr_assert(epsilon_eq(dbl, field_auroc(m), 0.37, 1e-12));
    cr_assert(epsilon_eq(dbl, field_pauc(m), 0.5 * (1 + (0.37 * 0.05 - 0.00125) / (0.05 - 0.00125)), 1e-9));
    cr_assert(epsilon_eq(dbl, field_recall_half(m), 0.37, 1e-12));
    /* at logit 0 the goods but the first are rejected; 2000 goods and 10 defects in train */
    cr_assert(epsilon_eq(dbl, field_accuracy(m), (2000.0 / 2010) * (1.0 / 400) + (10.0 / 2010) * 0.37, 1e-9));
    for (size_t i = 0; i < CURVE_POINTS; i++) cr_assert(epsilon_eq(dbl, m->curve[i], 0.37, 1e-12));
    cr_assert(epsilon_eq(dbl, m->checkpoint[0], 0.37, 1e-12));
    end();
}

/* With 400 goods the Neyman-Pearson order at 1 % is 0: the highest calibrate good. Naively 4 goods may lie above. */
Test(evidence, thresholds_come_from_calibrate_goods) {
    begin(PAIR "seeds = 1\n");
    plant(0, 0, 37);
    read_evidence();
    const measure *m = evidence_seeds(&e, 0);
    cr_assert(zero(long, m->np_order));
    cr_assert(eq(flt, m->transferred.threshold, 399.0f / 400));
    cr_assert(zero(sz, m->transferred.false_rejects));
    cr_assert(eq(sz, m->transferred.found, 37));
    cr_assert(eq(flt, m->naive.threshold, 395.0f / 400));
    cr_assert(eq(sz, m->naive.false_rejects, 4));
    end();
}

Test(evidence, a_model_that_never_left_the_prior_has_not_started) {
    begin(PAIR "seeds = 1\n");
    trial_result r = made_result(&(made){.found = 37});
    r.train_loss = 0.99 * r.prior_loss;
    cr_assert(zero(int, store_put(from, &s.cells[0].finals[0], &r, NULL)));
    trial_result_free(&r);
    read_evidence();
    cr_assert(evidence_seeds(&e, 0)->present);
    cr_assert_not(evidence_seeds(&e, 0)->started);
    cr_assert(eq(uint, troubles_of(&e, 0).not_started, 1));
    end();
}

Test(evidence, a_missing_trial_has_no_numbers) {
    begin(PAIR "seeds = 2\n");
    plant(0, 0, 37);
    read_evidence();
    cr_assert_not(evidence_seeds(&e, 0)[1].present);
    cr_assert(isnan(field_recall(&evidence_seeds(&e, 0)[1])) && isnan(field_auroc(&evidence_seeds(&e, 0)[1])));
    cr_assert(eq(uint, troubles_of(&e, 0).failed, 1));
    cr_assert(eq(str, (char *)missing_word(&e, 0), "failed"));
    measure m;
    cr_assert(eq(int, evidence_measure(from, &s.cells[1].finals[0], &m, NULL), LB_NOT_FOUND));
    end();
}

static void put_outcome(size_t c, unsigned seed, trial_outcome outcome) {
    trial_result r = made_result(&(made){.found = 37});
    r.outcome = outcome;
    cr_assert(zero(int, store_put(from, &s.cells[c].finals[seed], &r, NULL)));
    trial_result_free(&r);
}

Test(evidence, a_diverged_trial_counts_as_recall_zero) {
    begin(PAIR "seeds = 2\n");
    plant(0, 0, 60);
    put_outcome(0, 1, OUTCOME_DIVERGED);
    read_evidence();
    const measure *m = &evidence_seeds(&e, 0)[1];
    cr_assert(m->present);
    cr_assert(zero(dbl, field_recall(m)));
    cr_assert(eq(dbl, field_auroc(m), 0.5));
    cr_assert(isnan(field_calibration_error(m))); /* it has no probabilities, and not perfect ones */
    cr_assert(epsilon_eq(dbl, estimate_field(&e, 0, field_recall).mean, 0.3, 1e-12));
    cr_assert(eq(uint, troubles_of(&e, 0).diverged, 1));
    cr_assert(eq(str, (char *)missing_word(&e, 0), ""));
    end();
}

Test(evidence, crashed_and_late_trials_have_failed) {
    begin(PAIR "seeds = 2\n");
    put_outcome(0, 0, OUTCOME_CRASHED);
    put_outcome(0, 1, OUTCOME_TIMEOUT);
    read_evidence();
    cr_assert(eq(uint, troubles_of(&e, 0).failed, 2));
    cr_assert(zero(sz, estimate_field(&e, 0, field_recall).count));
    end();
}

/* `tied` of the goods share the highest score; 1 % of 400 are 4. */
static void put_tied(size_t c, unsigned seed, unsigned tied) {
    trial_result r = made_result(&(made){.found = 37});
    float *score = r.arrays[r.array_count - 1].data;
    for (unsigned i = 0; i < tied; i++) score[MADE_GOODS - 1 - i] = score[MADE_GOODS - 1];
    cr_assert(zero(int, store_put(from, &s.cells[c].finals[seed], &r, NULL)));
    trial_result_free(&r);
}

Test(evidence, ties_are_counted_and_name_a_cell_when_most_seeds_tie) {
    begin(PAIR "seeds = 3\n");
    put_tied(0, 0, 10);
    plant(0, 1, 37);
    plant(0, 2, 37);
    for (unsigned k = 0; k < 3; k++) put_tied(1, k, k ? 10 : 1);
    read_evidence();
    cr_assert(eq(int, (int)evidence_seeds(&e, 0)[0].status[FR_HEADLINE], (int)METRIC_TIED));
    cr_assert(epsilon_eq(dbl, field_recall(evidence_seeds(&e, 0)), 0.37, 1e-12)); /* strictly above the tie */
    cr_assert(eq(uint, troubles_of(&e, 0).tied, 1));
    cr_assert(eq(str, (char *)missing_word(&e, 0), ""));
    cr_assert(eq(uint, troubles_of(&e, 1).tied, 2));
    cr_assert(eq(str, (char *)missing_word(&e, 1), "tied"));
    end();
}

static void put_goods(size_t c, unsigned seed, size_t goods) {
    trial_result r = {.prior_loss = 1};
    float *facts = trial_result_add(&r, "data", DATA_FACTS, 0),
          *score = trial_result_add(&r, "test", goods + 10, goods);
    cr_assert(facts && score);
    for (size_t i = 0; i < goods + 10; i++) score[i] = (float)i;
    cr_assert(zero(int, store_put(from, &s.cells[c].finals[seed], &r, NULL)));
    trial_result_free(&r);
}

/* 298 goods in test: one too few for FR 1 %, so FR 5 % takes its place. Beside a diverged seed, which knows nothing of
   its number of goods. */
Test(evidence, too_few_goods_have_no_recall_at_that_rate) {
    begin(PAIR "seeds = 2\n");
    put_outcome(0, 0, OUTCOME_DIVERGED);
    put_goods(0, 1, 298);
    read_evidence();
    const measure *m = &evidence_seeds(&e, 0)[1];
    cr_assert(isnan(field_level(m, FR_HEADLINE)));
    cr_assert(eq(sz, m->level, FR_FALLBACK));
    cr_assert(eq(sz, evidence_level(&e, 0), FR_FALLBACK));
    cr_assert(eq(dbl, field_recall(m), 1));
    cr_assert(eq(str, (char *)missing_word(&e, 0), ""));
    end();
}

/* 58 goods are too few for FR 5 % as well. */
Test(evidence, far_too_few_goods_have_no_recall) {
    begin(PAIR "seeds = 2\n");
    put_goods(0, 0, 58);
    put_goods(0, 1, 58);
    read_evidence();
    cr_assert(isnan(field_recall(&evidence_seeds(&e, 0)[1])));
    cr_assert(eq(str, (char *)missing_word(&e, 0), "n<59"));
    end();
}

/* --- means and differences ------------------------------------------------------------------------------------------
 */

Test(evidence, cells_are_found_by_block_ratio_label_and_rate) {
    begin("[experiment]\nanalysis = rates\n[blocks]\ndents = " TINY_DATA " @ 10 20\n[losses]\nbce = bce\nasl = asl\n"
          "[train]\nmodel = cnn\nvisits = 640\nbatch = 32\nseeds = 1\nlearning_rate = 0.1 0.2\n");
    read_evidence();
    const block *b = &s.e.blocks[0];
    cr_assert(zero(long, evidence_find(&e, b, 10, "bce", 0)));
    cr_assert(eq(long, evidence_find(&e, b, 10, "asl", 0.2), 3));
    cr_assert(eq(long, evidence_find(&e, b, 20, "asl", 0.1), 6));
    cr_assert(eq(long, evidence_find(&e, b, 30, "asl", 0), -1));
    cr_assert(eq(long, evidence_find(&e, b, 10, "focal", 0), -1));
    cr_assert(eq(long, evidence_find(&e, b, 10, "asl", 0.3), -1));
    end();
}

static const unsigned low[5] = {50, 40, 60, 30, 70}, gain[5] = {3, 5, 1, 6, 4};

static void plant_pair(int resplit) {
    for (unsigned k = 0; k < 5; k++) {
        put_made(from, &s.cells[0].finals[k],
                 &(made){.found = low[k], .resplit = resplit, .train_goods = 900, .train_defects = 100});
        put_made(from, &s.cells[1].finals[k],
                 &(made){.found = low[k] + gain[k], .resplit = resplit, .train_goods = 900, .train_defects = 100});
    }
    read_evidence();
}

/* R: t.test(c(.03,.05,.01,.06,.04))$conf.int. All five signs agree: 2 / 2^5. */
Test(evidence, differences_are_paired_over_seeds) {
    begin(PAIR "seeds = 5\n");
    plant_pair(0);
    const comparison d = compare_cells(&e, 1, 0, field_recall);
    cr_assert(eq(sz, d.difference.count, 5));
    cr_assert(epsilon_eq(dbl, d.difference.mean, 0.038, 1e-9));
    cr_assert(epsilon_eq(dbl, d.difference.interval.low, 0.014116116119000197, 1e-9));
    cr_assert(epsilon_eq(dbl, d.difference.interval.high, 0.061883883880999802, 1e-9));
    cr_assert(epsilon_eq(dbl, d.p, 2.0 / 32, 1e-12));
    cr_assert(eq(int, (int)d.verdict, (int)STAT_UNCLEAR));
    const comparison back = compare_cells(&e, 0, 1, field_recall);
    cr_assert(epsilon_eq(dbl, back.difference.mean, -0.038, 1e-9));
    end();
}

/* Nadeau-Bengio with 500 test items over 1000 in train. R: mean(d) + c(-1,1) * qt(.975,4) * sd(d) * sqrt(1/5 + 0.5) */
Test(evidence, resplit_data_have_wider_intervals_and_no_signflip) {
    begin(PAIR "seeds = 5\n");
    plant_pair(1);
    const comparison d = compare_cells(&e, 1, 0, field_recall);
    cr_assert(epsilon_eq(dbl, d.difference.interval.low, -0.0066826552740969908, 1e-9));
    cr_assert(epsilon_eq(dbl, d.difference.interval.high, 0.0826826552740969889, 1e-9));
    cr_assert(isnan(d.p));
    end();
}

Test(evidence, a_missing_first_seed_does_not_make_data_fresh) {
    begin(PAIR "seeds = 3\n");
    for (unsigned k = 1; k < 3; k++)
        put_made(from, &s.cells[0].finals[k], &(made){.found = 10 * k, .resplit = 1, .train_goods = 1000});
    read_evidence();
    const estimate at = estimate_field(&e, 0, field_recall);
    const double values[2] = {0.1, 0.2};
    const stat_interval plain = stat_t_interval(values, 2, 0.95);
    cr_assert(eq(sz, at.count, 2));
    cr_assert(lt(dbl, at.interval.low, plain.low));
    end();
}

Test(evidence, a_seed_that_one_side_lacks_is_left_out_of_the_difference) {
    begin(PAIR "seeds = 3\n");
    for (unsigned k = 0; k < 3; k++) plant(0, k, 50);
    plant(1, 0, 60);
    plant(1, 2, 60);
    read_evidence();
    const comparison d = compare_cells(&e, 1, 0, field_recall);
    cr_assert(eq(sz, d.difference.count, 2));
    cr_assert(epsilon_eq(dbl, d.difference.mean, 0.1, 1e-9));
    end();
}

Test(evidence, one_seed_decides_nothing) {
    begin(PAIR "seeds = 1\n");
    plant(0, 0, 10);
    plant(1, 0, 90);
    read_evidence();
    const comparison d = compare_cells(&e, 1, 0, field_recall);
    char shown[80];
    cr_assert(eq(int, (int)d.verdict, (int)STAT_UNCLEAR));
    estimate_text(&d.difference, 1, shown, sizeof shown);
    cr_assert(eq(str, shown, "+0.800"));
    end();
}

/* --- places and grids ------------------------------------------------------------------------------------------------
 */

Test(grid, is_read_back_from_the_entries) {
    grid g;
    begin("[experiment]\nanalysis = grid\n[blocks]\ndents = " TINY_DATA " @ 10 20\n[losses]\nbce = bce\n"
          "focal = focal(gamma={0, 2, 5}, alpha={off, auto})\n" TRAIN "seeds = 1\n");
    for (size_t c = 0; c < s.cell_count; c++) plant(c, 0, (unsigned)c);
    read_evidence();
    grid_of(&s.e, &g);
    cr_assert(eq(sz, g.gammas, 3));
    cr_assert(eq(sz, g.alphas, 2));
    cr_assert(eq(long, grid_index(g.gamma, g.gammas, "5"), 2));
    cr_assert(eq(long, grid_index(g.alpha, g.alphas, "0.25"), -1));
    static place places[MAX_PLACES];
    cr_assert(eq(sz, places_of(&s, places), 2));
    cr_assert(eq(long, grid_cell(&e, &g, &places[0], 1, 1), 4));
    cr_assert(eq(long, grid_cell(&e, &g, &places[1], 2, 0), 12));
    cr_assert(epsilon_eq(dbl, grid_marginal(&e, &g, &places[1], 0, 0), (0.08 + 0.09) / 2, 1e-9));
    cr_assert(epsilon_eq(dbl, trained_ratio(&e, 0), 200, 1e-9));
    end();
}

/* gamma 0 has both alphas, gamma 2 lacks the second: the contrast is that of the first alone. */
Test(grid, contrasts_compare_the_same_alphas) {
    static place places[MAX_PLACES];
    grid g;
    begin("[experiment]\nanalysis = grid\n[blocks]\ndents = " TINY_DATA " @ 200\n[losses]\n"
          "focal = focal(gamma={0, 2}, alpha={off, auto})\n" TRAIN "seeds = 2\n");
    for (unsigned k = 0; k < 2; k++) {
        plant(0, k, 50);
        plant(1, k, 10);
        plant(2, k, 55);
    }
    read_evidence();
    grid_of(&s.e, &g);
    places_of(&s, places);
    cr_assert(epsilon_eq(dbl, grid_contrast(&e, &g, &places[0], 1, 0).difference.mean, 0.05, 1e-9));
    end();
}

/* Two alphas whose 2 seeds lie 0.1 and 0.3 apart. */
Test(grid, spread_is_pooled_over_alphas) {
    static place places[MAX_PLACES];
    grid g;
    begin("[experiment]\nanalysis = grid\n[blocks]\ndents = " TINY_DATA " @ 200\n[losses]\n"
          "focal = focal(gamma={0}, alpha={off, auto})\n" TRAIN "seeds = 2\n");
    plant(0, 0, 50);
    plant(0, 1, 60);
    plant(1, 0, 20);
    plant(1, 1, 50);
    read_evidence();
    grid_of(&s.e, &g);
    places_of(&s, places);
    const double spread = grid_spread(&e, &g, &places[0], 0, -1);
    cr_assert(epsilon_eq(dbl, spread, sqrt((0.01 / 2 + 0.09 / 2) / 2), 1e-9));
    end();
}

/* Recalls of 3 seeds .50 .54 .62 at gamma 0 and .40 .60 .70 at gamma 5; R: a <- c(.5,.54,.62); b <- c(.4,.6,.7); r <-
   function(i) log(sd(b[i])/sd(a[i])); w <- r(1:3); p <- sapply(1:3, function(k) 3*w-2*r(-k)); exp(t.test(p)$conf.int)
 */
Test(grid, spread_ratio_is_jackknifed_over_seeds) {
    static place places[MAX_PLACES];
    static const unsigned found[2][3] = {{50, 54, 62}, {40, 60, 70}};
    grid g;
    begin("[experiment]\nanalysis = grid\n[blocks]\ndents = " TINY_DATA " @ 200\n[losses]\n"
          "focal = focal(gamma={0, 5}, alpha={off})\n" TRAIN "seeds = 3\n");
    for (size_t c = 0; c < 2; c++)
        for (unsigned k = 0; k < 3; k++) plant(c, k, found[c][k]);
    read_evidence();
    grid_of(&s.e, &g);
    places_of(&s, places);
    const estimate ratio = grid_spread_ratio(&e, &g, &places[0], 1, 0);
    cr_assert(epsilon_eq(dbl, ratio.mean, 2.5, 1e-6));
    cr_assert(epsilon_eq(dbl, ratio.interval.low, 0.0798619811257, 1e-6));
    cr_assert(epsilon_eq(dbl, ratio.interval.high, 78.260016993115, 1e-6));
    end();
}

Test(grid, places_have_names) {
    const block b = {.label = "cast"};
    char label[PLACE_LABEL], file[PLACE_LABEL];
    place_label(&(place){&b, 200}, label, sizeof label);
    place_file("lanes", &(place){&b, 200}, file, sizeof file);
    cr_assert(eq(str, label, "cast 1:200"));
    cr_assert(eq(str, file, "lanes-cast-200"));
    place_label(&(place){&b, 0}, label, sizeof label);
    place_file("lanes", &(place){&b, 0}, file, sizeof file);
    cr_assert(eq(str, label, "cast natural"));
    cr_assert(eq(str, file, "lanes-cast"));
}
