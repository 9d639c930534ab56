#include "tests/experiments/fixture.h"

#include "experiments/harness/trial_row.h"

#include <inttypes.h>

/* Writes a trial as a row of trials.tsv and reads it back. */
static trial round_trip(const trial *t) {
    const block b = {.label = "cast"};
    const entry n = {.label = "bce"};
    const cell c = {.block = &b, .entry = &n};
    const measure m = {.present = 1, .scores = 0xabc, .weights = 0xdef};
    table *row = table_new(trial_columns, TRIAL_COLUMNS);
    trial_to_row(row, &c, t, &m);
    cr_assert(eq(sz, table_rows(row), 1));
    char *cells[TRIAL_COLUMNS];
    for (size_t i = 0; i < TRIAL_COLUMNS; i++) cells[i] = (char *)table_at(row, 0, i);
    cr_assert(eq(str, cells[COLUMN_OUTCOME], "ok"));
    cr_assert(eq(str, cells[COLUMN_SCORES], "0000000000000abc"));
    trial again;
    cr_assert(trial_from_row(cells, &again));
    table_free(row);
    return again;
}

static void assert_same_after_round_trip(const trial *t) {
    char before[TRIAL_KEY], after[TRIAL_KEY];
    lb_error error = {0};
    trial again = round_trip(t);
    cr_assert(zero(int, trial_prepare(&again, "", &error)), "%s", error.message);
    trial_key(t, before);
    trial_key(&again, after);
    cr_assert(eq(str, before, after));
    cr_assert(eq(dbl, again.learning_rate, t->learning_rate));
    cr_assert(eq(dbl, again.weight_decay, t->weight_decay));
}

Test(trial_row, a_row_is_the_whole_trial) {
    trial t = tiny_trial();
    assert_same_after_round_trip(&t);
    t.bias = BIAS_ZERO;
    t.sampler = SAMPLER_BALANCED;
    t.streams = 'q';
    t.seed = 1007;
    t.batch = 64;
    t.checkpoints = 5;
    assert_same_after_round_trip(&t);
}

Test(trial_row, a_trial_of_boxes_reads_back) {
    trial t = tiny_trial();
    snprintf(t.model, sizeof t.model, "detector(width=narrow)");
    snprintf(t.loss, sizeof t.loss, "obj=focal(gamma=2), cls=varifocal,target=iou, box = 2*ciou + 0.5*l1");
    cr_assert(zero(int, trial_prepare(&t, "", NULL)));
    cr_assert(eq(int, (int)t.task, (int)TASK_BOX));
    assert_same_after_round_trip(&t);
}

Test(trial_row, a_trial_of_types_reads_back) {
    trial t = tiny_trial();
    snprintf(t.loss, sizeof t.loss, "types= 2*ce + focal_multiclass(gamma=3)");
    cr_assert(zero(int, trial_prepare(&t, "", NULL)));
    cr_assert(eq(int, (int)t.task, (int)TASK_TYPES));
    assert_same_after_round_trip(&t);
}

/* An experiment of the simulation needs no visits. */
Test(trial_row, a_trial_of_the_simulation_reads_back) {
    trial t = {.data = "spiral(points=7)", .model = SIMULATION_MODEL, .loss = "corner_diou", .seed = 1, .streams = 'a'};
    cr_assert(zero(int, trial_prepare(&t, "", NULL)));
    assert_same_after_round_trip(&t);
    static study s;
    expand_text(
        "e",
        "[experiment]\nanalysis = simulation\n[blocks]\nb = spiral(points=7) @ natural\n[losses]\nexact = {diou, "
        "giou}\n[train]\nmodel = simulation\nseeds = 1\n",
        &s);
    cr_assert(eq(sz, s.cell_count, 2));
    for (size_t c = 0; c < 2; c++) assert_same_after_round_trip(&s.cells[c].finals[0]);
    study_free(&s);
}

Test(trial_row, tuned_trials_of_boxes_read_back) {
    static study s;
    expand_text(
        "e",
        "[experiment]\nanalysis = boxes\nbaseline = l\n[blocks]\nb = " TINY_DATA " @ 10\n[losses]\nl = box = "
        "smooth_l1\nf = cls = focal, obj = weighted_bce, box = focal_eiou\nw = box = wiou_v1\ns = cls = varifocal, "
        "box = siou, target = iou\n"
        "[train]\nmodel = detector\nvisits = 640\nbatch = 32\nseeds = 1\n"
        "[tuning]\npoints = 8\nseeds = 1\nlearning_rate_low = 1e-5\nlearning_rate_high = 1e-1\n"
        "weight_decay_low = 1e-6\nweight_decay_high = 1e-2\n",
        &s);
    cr_assert(eq(sz, s.cell_count, 4));
    for (size_t c = 0; c < s.cell_count; c++)
        for (size_t p = 0; p < 8; p++) assert_same_after_round_trip(&s.cells[c].tuning[p]);
    study_free(&s);
}

/* What tuning chose is written by the loss itself and must read back to the same canonical text and rates. */
Test(trial_row, tuned_trials_read_back) {
    static study s;
    expand_text("e",
                "[experiment]\nanalysis = compare\n[blocks]\nb = " TINY_DATA " @ 10\n[losses]\nbce = bce\nf = focal\n"
                "w = weighted_bce\nc = class_balanced\nl = logit_adjusted\na = asl\n"
                "[train]\nmodel = cnn\nvisits = 640\nbatch = 32\nseeds = 1\n"
                "[tuning]\npoints = 8\nseeds = 1\nlearning_rate_low = 1e-5\nlearning_rate_high = 1e-1\n"
                "weight_decay_low = 1e-6\nweight_decay_high = 1e-2\n",
                &s);
    cr_assert(eq(sz, s.cell_count, 6));
    for (size_t c = 0; c < s.cell_count; c++)
        for (size_t p = 0; p < 8; p++) assert_same_after_round_trip(&s.cells[c].tuning[p]);
    study_free(&s);
}

Test(trial_row, rates_of_many_digits_read_back) {
    static study s;
    expand_text("e",
                "[experiment]\nanalysis = compare\n[blocks]\nb = " TINY_DATA " @ 10\n[losses]\nbce = bce\n"
                "[train]\nmodel = cnn\nvisits = 640\nbatch = 32\nseeds = 1\nlearning_rate = 0.0012345678\n"
                "weight_decay = 1.23456789e-4\n",
                &s);
    assert_same_after_round_trip(&s.cells[0].finals[0]);
    study_free(&s);
}

Test(trial_row, every_column_has_a_name) {
    for (size_t i = 0; i < TRIAL_COLUMNS; i++) {
        cr_assert(ne(ptr, (void *)trial_columns[i], NULL));
        for (size_t k = 0; k < i; k++) cr_assert(ne(str, (char *)trial_columns[i], (char *)trial_columns[k]));
    }
}

Test(trial_row, rows_that_cannot_be_trials_are_refused) {
    static char longer[SPEC_MAX_TEXT + 10];
    char *cells[TRIAL_COLUMNS];
    trial t;
    for (size_t i = 0; i < TRIAL_COLUMNS; i++) cells[i] = "1";
    cr_assert(trial_from_row(cells, &t));
    cells[COLUMN_BATCH] = "none";
    cr_assert_not(trial_from_row(cells, &t));
    cells[COLUMN_BATCH] = "32";
    memset(longer, 'x', sizeof longer - 1);
    cells[COLUMN_LOSS] = longer;
    cr_assert_not(trial_from_row(cells, &t));
}

static void assert_row(const measure *m, const char *recall, const char *auroc) {
    const block b = {.label = "steel"};
    const entry n = {.label = "ciou"};
    const cell c = {.block = &b, .entry = &n};
    const trial t = tiny_trial();
    table *row = table_new(trial_columns, TRIAL_COLUMNS);
    trial_to_row(row, &c, &t, m);
    for (size_t i = 0; i < FR_LEVELS; i++)
        cr_assert(eq(str, (char *)table_at(row, 0, COLUMN_RECALL + i), (char *)recall));
    cr_assert(eq(str, (char *)table_at(row, 0, COLUMN_AUROC), (char *)auroc));
    table_free(row);
}

Test(trial_row, recall_says_why_there_is_none) {
    measure m = {.present = 1, .auroc = 0.5};
    assert_row(&m, "0.0000", "0.5000");
    for (size_t i = 0; i < FR_LEVELS; i++) m.status[i] = METRIC_TOO_FEW;
    m.data[DATA_GOODS + SET_TEST] = 20;
    assert_row(&m, "too few goods", "0.5000");
    for (size_t i = 0; i < FR_LEVELS; i++) m.status[i] = METRIC_TIED;
    assert_row(&m, "tied", "0.5000");
}

/* As evidence measures it, of a trial on data that are all defects, and of a simulation. */
static void assert_no_goods(const trial *t, const trial_result *r) {
    measure m;
    store *to = memory_store();
    const block b = {.label = "steel"};
    const entry n = {.label = "ciou"};
    const cell c = {.block = &b, .entry = &n};
    cr_assert(zero(int, store_put(to, t, r, NULL)));
    cr_assert(zero(int, evidence_measure(to, t, &m, NULL)));
    table *row = table_new(trial_columns, TRIAL_COLUMNS);
    trial_to_row(row, &c, t, &m);
    cr_assert(eq(str, (char *)table_at(row, 0, COLUMN_OUTCOME), "ok"));
    for (size_t i = 0; i < FR_LEVELS; i++) cr_assert(eq(str, (char *)table_at(row, 0, COLUMN_RECALL + i), "no goods"));
    for (size_t i = COLUMN_PAUC; i <= COLUMN_RECALL_HALF; i++)
        cr_assert(eq(str, (char *)table_at(row, 0, i), "nan"), "%s", trial_columns[i]);
    table_free(row);
    store_close(to);
}

Test(trial_row, without_goods_there_are_no_zeros) {
    trial t = tiny_trial();
    trial_result r = made_result(&(made){.found = 37});
    snprintf(t.model, sizeof t.model, "detector");
    snprintf(t.loss, sizeof t.loss, "box = ciou");
    cr_assert(zero(int, trial_prepare(&t, "", NULL)));
    r.arrays[0].data[DATA_GOODS + SET_TEST] = r.arrays[0].data[DATA_GOODS + SET_TRAIN] = 0;
    for (size_t i = 1; i < r.array_count; i++) r.arrays[i].goods = 0;
    cr_assert(ne(ptr, trial_result_add(&r, "boxes", BOX_NUMBERS, 0), NULL));
    assert_no_goods(&t, &r);
    trial_result_free(&r);
}

Test(trial_row, types_without_goods_have_no_zeros) {
    trial t = tiny_trial();
    trial_result r = made_result(&(made){.found = 37});
    snprintf(t.loss, sizeof t.loss, "types = ce");
    cr_assert(zero(int, trial_prepare(&t, "", NULL)));
    r.arrays[0].data[DATA_GOODS + SET_TEST] = r.arrays[0].data[DATA_GOODS + SET_TRAIN] = 0;
    for (size_t i = 1; i < r.array_count; i++) r.arrays[i].goods = 0;
    cr_assert(ne(ptr, trial_result_add(&r, "types", CLASS_NUMBERS, 0), NULL));
    cr_assert(ne(ptr, trial_result_add(&r, "type_test", 3, 0), NULL));
    assert_no_goods(&t, &r);
    trial_result_free(&r);
}

Test(trial_row, a_simulation_has_no_goods) {
    trial t = {.data = "spiral(points=2)", .model = SIMULATION_MODEL, .loss = "diou", .seed = 1, .streams = 'a'};
    trial_result r;
    cr_assert(zero(int, trial_prepare(&t, "", NULL)));
    cr_assert(zero(int, trial_run(&t, NULL, &r, NULL)));
    assert_no_goods(&t, &r);
    trial_result_free(&r);
}

/* A trial that is not there has no numbers, not zeros. */
Test(trial_row, a_missing_trial_shows_no_numbers) {
    const block b = {.label = "cast"};
    const entry n = {.label = "bce"};
    const cell c = {.block = &b, .entry = &n};
    const measure m = {0};
    const trial t = tiny_trial();
    table *row = table_new(trial_columns, TRIAL_COLUMNS);
    trial_to_row(row, &c, &t, &m);
    cr_assert(eq(str, (char *)table_at(row, 0, COLUMN_OUTCOME), "missing"));
    for (size_t i = COLUMN_RECALL; i <= COLUMN_RECALL_HALF; i++) cr_assert(eq(str, (char *)table_at(row, 0, i), "nan"));
    table_free(row);
}
