#include "tests/experiments/fixture.h"

#include "experiments/harness/class_scores.h"
#include "lib/loss/loss.h"

#include <math.h>

#define HEAD "[experiment]\nanalysis = compare\n[blocks]\n"
#define TRAIN "[train]\nmodel = cnn(width=narrow)\nvisits = 640\nbatch = 32\nseeds = 3\n"
#define RATE "learning_rate = 0.01\nweight_decay = 1e-4\n"
#define LOSSES                                                                                                         \
    "[losses]\nbce = bce\nfocal = focal\nfixed = focal(gamma=2, alpha=0.25)\nweighted = weighted_bce\nasl = asl\n"
#define TUNING                                                                                                         \
    "[tuning]\npoints = 8\nseeds = 2\nlearning_rate_low = 1e-4\nlearning_rate_high = 1e-2\nweight_decay_low = 1e-6\n"  \
    "weight_decay_high = 1e-2\n"
#define DENTS "dents = " TINY_DATA " @ 10 20\n"
#define SCRATCHES "scratches = synthetic(texture=brushed, defect=scratch, size=24, scale=0.1) @ 10\n"

static study s; /* large; every test has its own process */

static const trial *point(const cell *c, unsigned p, unsigned k) { return &c->tuning[p * s.e.tuning_seeds + k]; }

/* --- cells -----------------------------------------------------------------------------------------------------------
 */

Test(study, a_cell_for_every_block_ratio_and_loss) {
    expand_text("e", HEAD DENTS SCRATCHES LOSSES TRAIN RATE, &s);
    cr_assert(eq(sz, s.cell_count, 3 * 5));
    for (size_t i = 0; i < s.cell_count; i++) {
        const cell *c = &s.cells[i];
        cr_assert(zero(int, c->chosen)); /* nothing to tune */
        cr_assert(eq(ptr, c->tuning, NULL));
        for (unsigned k = 0; k < 3; k++) {
            cr_assert(eq(uint, c->finals[k].seed, k + 1));
            cr_assert(eq(uint, c->finals[k].ratio, c->ratio));
            cr_assert(eq(dbl, c->finals[k].learning_rate, 0.01));
        }
    }
    study_free(&s);
}

Test(study, a_cell_for_every_learning_rate) {
    expand_text("e",
                "[experiment]\nanalysis = rates\n[blocks]\n" SCRATCHES "[losses]\nbce = bce\nasl = asl\n" TRAIN
                "learning_rate = 1e-3 1e-2 1e-1\n",
                &s);
    cr_assert(eq(sz, s.cell_count, 2 * 3));
    for (size_t i = 0; i < 6; i++) cr_assert(eq(dbl, s.cells[i].finals[0].learning_rate, s.e.learning_rates[i % 3]));
    study_free(&s);
}

Test(study, a_block_that_is_not_fetched_has_a_reason_and_no_cells) {
    expand_text("e", HEAD "pack = infrared_solar_modules @ natural\n" SCRATCHES LOSSES TRAIN RATE, &s);
    cr_assert(eq(sz, s.cell_count, 5));
    cr_assert(s.unavailable[0] && !s.unavailable[1]);
    cr_assert(gt(sz, strlen(s.reason[0]), 10));
    study_free(&s);
}

Test(study, refusals_name_the_block_or_the_loss) {
    static experiment e;
    const selection all = {.profile = "standard"};
    lb_error error = {0};
    cr_assert(
        zero(int, read_text("e", HEAD "odd = synthetic(texture=silk) @ 10\n" LOSSES TRAIN RATE, &all, &e, &error)));
    cr_assert(eq(int, study_expand(&e, "", &s, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "block 'odd'"), NULL), "%s", error.message);
    study_free(&s);
    cr_assert(zero(int, read_text("e", HEAD DENTS "[losses]\nbce = bse\n" TRAIN RATE, &all, &e, &error)));
    cr_assert(eq(int, study_expand(&e, "", &s, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "bse"), NULL), "%s", error.message);
    study_free(&s);
}

/* --- tuning points
 * ---------------------------------------------------------------------------------------------------- */

Test(study, point_zero_is_as_published_at_the_middle_of_the_ranges) {
    expand_text("e", HEAD DENTS LOSSES TRAIN TUNING, &s);
    for (size_t i = 0; i < s.cell_count; i++) {
        const trial *t = point(&s.cells[i], 0, 0);
        cr_assert(eq(str, (char *)t->loss, (char *)s.cells[i].entry->loss));
        cr_assert(epsilon_eq(dbl, t->learning_rate, 1e-3, 1e-12));
        cr_assert(epsilon_eq(dbl, t->weight_decay, 1e-4, 1e-13));
    }
    study_free(&s);
}

Test(study, all_losses_meet_the_same_rates_and_decays) {
    expand_text("e", HEAD DENTS LOSSES TRAIN TUNING, &s);
    for (size_t i = 0; i < s.cell_count; i++)
        for (unsigned p = 0; p < 8; p++) {
            const cell *first = &s.cells[i < 5 ? 0 : 5]; /* of the same ratio */
            cr_assert(eq(dbl, point(&s.cells[i], p, 0)->learning_rate, point(first, p, 0)->learning_rate));
            cr_assert(eq(dbl, point(&s.cells[i], p, 0)->weight_decay, point(first, p, 0)->weight_decay));
            cr_assert(eq(dbl, point(&s.cells[i], p, 1)->weight_decay, point(first, p, 0)->weight_decay));
        }
    cr_assert(
        ne(dbl, point(&s.cells[0], 1, 0)->learning_rate, point(&s.cells[5], 1, 0)->learning_rate)); /* own shift */
    study_free(&s);
}

Test(study, points_stay_in_range_and_differ) {
    expand_text("e", HEAD SCRATCHES LOSSES TRAIN TUNING, &s);
    for (unsigned p = 0; p < 8; p++) {
        const trial *t = point(&s.cells[0], p, 0);
        cr_assert(t->learning_rate >= 1e-4 && t->learning_rate <= 1e-2);
        cr_assert(t->weight_decay >= 1e-6 && t->weight_decay <= 1e-2);
        for (unsigned q = 0; q < p; q++) cr_assert(ne(dbl, t->learning_rate, point(&s.cells[0], q, 0)->learning_rate));
    }
    study_free(&s);
}

/* Seven Sobol points and a shift: every half of a range is visited by three or four of them. */
Test(study, points_spread_over_the_range) {
    unsigned upper = 0;
    expand_text("e", HEAD SCRATCHES LOSSES TRAIN TUNING, &s);
    for (unsigned p = 1; p < 8; p++) upper += point(&s.cells[0], p, 0)->learning_rate > 1e-3;
    cr_assert(upper == 3 || upper == 4, "%u of 7", upper);
    study_free(&s);
}

/* The value of a parameter in a loss label "asl(gamma_neg=4.1, clip=0.03)"; NaN where it is not written. */
static double written(const char *label, const char *name) {
    char pattern[40];
    snprintf(pattern, sizeof pattern, "%s=", name);
    const char *at = strstr(label, pattern);
    return at ? strtod(at + strlen(pattern), NULL) : (double)NAN;
}

Test(study, own_parameters_move_within_their_tuning_range) {
    unsigned moved = 0;
    expand_text("e", HEAD SCRATCHES LOSSES TRAIN TUNING, &s);
    for (size_t i = 0; i < s.cell_count; i++) {
        loss *l = loss_parse(s.cells[i].entry->loss, NULL);
        for (unsigned p = 1; p < 8; p++)
            for (size_t k = 0; k < loss_tunables(l); k++) {
                const param *row = loss_tunable(l, k);
                const double value = written(point(&s.cells[i], p, 0)->loss, row->name);
                if (isnan(value)) continue; /* its default, left out of the label */
                cr_assert(value >= row->tune_low && value <= row->tune_high, "%s", point(&s.cells[i], p, 0)->loss);
                moved++;
            }
        loss_free(l);
    }
    cr_assert(gt(uint, moved, 7 * 3));
    study_free(&s);
}

Test(study, written_parameters_are_not_tuned) {
    expand_text("e", HEAD SCRATCHES LOSSES TRAIN TUNING, &s);
    for (unsigned p = 0; p < 8; p++) {
        const trial *t = point(&s.cells[2], p, 0);
        cr_assert(eq(str, (char *)t->loss_text, (char *)point(&s.cells[2], 0, 0)->loss_text));
    }
    study_free(&s);
}

Test(study, tuning_seeds_never_meet_reported_seeds) {
    expand_text("e", HEAD SCRATCHES LOSSES TRAIN TUNING, &s);
    for (unsigned p = 0; p < 8; p++)
        for (unsigned k = 0; k < 2; k++) cr_assert(eq(uint, point(&s.cells[0], p, k)->seed, TUNING_SEED_BASE + 1 + k));
    cr_assert(gt(uint, point(&s.cells[0], 0, 0)->seed, 1000)); /* the most seeds an experiment may have */
    study_free(&s);
}

/* Published results name these points: a change of theirs is a change of the protocol. */
Test(study, points_are_pinned) {
    static const double rates[] = {0.001, 0.000383, 0.001211, 0.0001211, 0.0002154, 0.002154, 0.0006811, 0.006811};
    expand_text("e", HEAD SCRATCHES LOSSES TRAIN TUNING, &s);
    for (unsigned p = 0; p < 8; p++)
        cr_assert(eq(dbl, point(&s.cells[0], p, 0)->learning_rate, rates[p]), "point %u: %.17g", p,
                  point(&s.cells[0], p, 0)->learning_rate);
    study_free(&s);
}

/* --- choice ----------------------------------------------------------------------------------------------------------
 */

static void put_point(store *to, unsigned p, unsigned k, unsigned found) {
    put_made(to, point(&s.cells[0], p, k), &(made){.found = found});
}

Test(study, the_point_with_the_best_mean_is_chosen) {
    size_t open;
    store *from = memory_store();
    expand_text("e", HEAD SCRATCHES "[losses]\nasl = asl\n" TRAIN TUNING, &s);
    for (unsigned p = 0; p < 8; p++)
        for (unsigned k = 0; k < 2; k++) put_point(from, p, k, p == 5 ? 60 : p == 2 ? 100 * k : 40);
    study_choose(&s, from, &open);
    cr_assert(zero(sz, open));
    cr_assert(eq(int, s.cells[0].chosen, 5));
    for (unsigned k = 0; k < 3; k++) {
        const trial *t = &s.cells[0].finals[k], *best = point(&s.cells[0], 5, 0);
        cr_assert(eq(uint, t->seed, k + 1));
        cr_assert(eq(dbl, t->learning_rate, best->learning_rate));
        cr_assert(eq(dbl, t->weight_decay, best->weight_decay));
        cr_assert(eq(str, (char *)t->loss, (char *)best->loss));
        cr_assert(eq(str, (char *)t->loss_text, (char *)best->loss_text));
    }
    store_close(from);
    study_free(&s);
}

/* 60 of 100 defects above all goods and 40 below: the ROC stands at 0.6 up to FR 5 %, A = 0.03, and McClish's
   standardisation gives (1 + (0.03 - 0.00125) / (0.05 - 0.00125)) / 2. */
Test(study, points_are_scored_by_partial_auroc) {
    store *from = memory_store();
    expand_text("e", HEAD SCRATCHES "[losses]\nbce = bce\n" TRAIN TUNING, &s);
    put_point(from, 0, 0, 60);
    cr_assert(isnan(study_point_score(&s, &s.cells[0], 0, from))); /* its second seed is missing */
    put_point(from, 0, 1, 60);
    cr_assert(epsilon_eq(dbl, study_point_score(&s, &s.cells[0], 0, from), 0.5 * (1 + 0.02875 / 0.04875), 1e-9));
    store_close(from);
    study_free(&s);
}

/* The images of point 1 would be ranked best; types are told apart best on select at point 5, on test at point 3. */
Test(study, types_are_chosen_by_balanced_accuracy_on_select) {
    size_t open;
    store *from = memory_store();
    expand_text("e", HEAD SCRATCHES "[losses]\nce = types = ce\nfocal = types = focal_multiclass\n" TRAIN TUNING, &s);
    for (unsigned p = 0; p < 8; p++)
        for (unsigned k = 0; k < 2; k++) {
            trial_result r = made_result(&(made){.found = p == 1 ? 100 : 10});
            float *number = trial_result_add(&r, "types", CLASS_NUMBERS, 0);
            cr_assert(ne(ptr, number, NULL));
            number[CLASS_SELECT_BALANCED] = p == 5 ? 0.5f + 0.25f * (float)k : 0.5f;
            number[CLASS_BALANCED] = p == 3 ? 0.9f : 0.1f;
            r.outcome = p == 0 ? OUTCOME_DIVERGED : OUTCOME_OK;
            cr_assert(zero(int, store_put(from, point(&s.cells[0], p, k), &r, NULL)));
            trial_result_free(&r);
        }
    study_choose(&s, from, &open);
    cr_assert(eq(sz, open, 1)); /* nothing is there of the other cell */
    cr_assert(eq(int, s.cells[0].chosen, 5));
    cr_assert(eq(dbl, study_point_score(&s, &s.cells[0], 5, from), 0.625));
    cr_assert(zero(dbl, study_point_score(&s, &s.cells[0], 0, from)));
    for (unsigned p = 1; p < 8; p++)
        cr_assert(ne(ptr, strstr(point(&s.cells[1], p, 0)->loss, "types = focal_multiclass(gamma="), NULL));
    store_close(from);
    study_free(&s);
}

Test(study, a_diverged_point_scores_nothing) {
    size_t open;
    const trial_result diverged = {.outcome = OUTCOME_DIVERGED};
    store *from = memory_store();
    expand_text("e", HEAD SCRATCHES "[losses]\nbce = bce\n" TRAIN TUNING, &s);
    for (unsigned p = 0; p < 8; p++)
        for (unsigned k = 0; k < 2; k++)
            if (p == 6)
                put_point(from, p, k, 0);
            else
                cr_assert(zero(int, store_put(from, point(&s.cells[0], p, k), &diverged, NULL)));
    cr_assert(zero(dbl, study_point_score(&s, &s.cells[0], 1, from)));
    study_choose(&s, from, &open);
    cr_assert(eq(int, s.cells[0].chosen, 6)); /* the worst model that is one */
    store_close(from);
    study_free(&s);
}

Test(study, a_cell_stays_open_until_its_tuning_is_complete) {
    size_t open;
    const trial_result crashed = {.outcome = OUTCOME_CRASHED};
    store *from = memory_store();
    expand_text("e", HEAD SCRATCHES "[losses]\nbce = bce\nasl = asl\n" TRAIN TUNING, &s);
    for (unsigned p = 0; p < 8; p++)
        for (unsigned k = 0; k < 2; k++) put_point(from, p, k, 50);
    cr_assert(zero(int, store_put(from, point(&s.cells[0], 3, 1), &crashed, NULL)));
    study_choose(&s, from, &open);
    cr_assert(eq(sz, open, 2)); /* one has a crashed trial, one has none at all */
    put_point(from, 3, 1, 50);
    study_choose(&s, from, &open);
    cr_assert(eq(sz, open, 1));
    cr_assert(zero(int, s.cells[0].chosen)); /* all equal: as published */
    store_close(from);
    study_free(&s);
}

/* --- collecting ------------------------------------------------------------------------------------------------------
 */

static int in_order(const trial *a, const trial *b) {
    const int data = strcmp(a->data, b->data);
    return data < 0 || (data == 0 && (a->seed < b->seed || (a->seed == b->seed && a->ratio <= b->ratio)));
}

Test(study, collects_every_trial_once_ordered_by_data_and_seed) {
    static study both[2];
    trial *trials;
    size_t count;
    expand_text("one", HEAD DENTS SCRATCHES LOSSES TRAIN RATE, &both[0]);
    expand_text("two", HEAD "same = " TINY_DATA " @ 20 50\n" LOSSES "again = bce | bias=prior\n" TRAIN RATE, &both[1]);
    cr_assert(zero(int, study_collect(both, 2, 0, &trials, &count, NULL)));
    cr_assert(eq(sz, count, (3 + 1) * 5 * 3)); /* dents 1:20 is in both; bce and again are the same trial */
    for (size_t i = 0; i < count; i++) {
        char key[TRIAL_KEY], other[TRIAL_KEY];
        trial_key(&trials[i], key);
        if (i) cr_assert(in_order(&trials[i - 1], &trials[i]));
        for (size_t k = 0; k < i; k++) {
            trial_key(&trials[k], other);
            cr_assert(ne(str, key, other));
        }
    }
    free(trials);
    study_free(&both[0]);
    study_free(&both[1]);
}

Test(study, collects_tuning_first_and_finals_of_chosen_cells_only) {
    trial *trials;
    size_t count;
    expand_text("e", HEAD SCRATCHES "[losses]\nbce = bce\n" TRAIN TUNING, &s);
    cr_assert(zero(int, study_collect(&s, 1, 1, &trials, &count, NULL)));
    cr_assert(eq(sz, count, 8 * 2));
    free(trials);
    cr_assert(zero(int, study_collect(&s, 1, 0, &trials, &count, NULL)));
    cr_assert(zero(sz, count));
    free(trials);
    study_free(&s);
}
