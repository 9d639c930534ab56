/* Trials of boxes from data to numbers: equal bits, learning, what is left behind, what is refused. */
#include "experiments/harness/box_scores.h"
#include "experiments/harness/evidence.h"
#include "experiments/harness/pool.h"
#include "tests/experiments/fixture.h"
#include "tests/experiments/made_boxes.h"

#include <criterion/parameterized.h>
#include <math.h>

static made_boxes data; /* every test has its own process */

/* --- trials --------------------------------------------------------------------------------------------------------
 */

/* Of a twentieth of a second. */
static trial tiny_boxes(const char *expression) {
    trial t = tiny_trial();
    snprintf(t.model, sizeof t.model, "detector(width=narrow)");
    snprintf(t.loss, sizeof t.loss, "%s", expression);
    t.batch = 16;
    t.content[0] = '\0';
    lb_error error = {0};
    cr_assert(zero(int, trial_prepare(&t, "", &error)), "%s", error.message);
    return t;
}

static trial_result run(const trial *t) {
    lb_error error = {0};
    dataset d;
    trial_result r;
    const dataset_request request = trial_request(t, "");
    cr_assert(zero(int, dataset_open(t->data, &request, &d, &error)), "%s", error.message);
    cr_assert(zero(int, trial_run(t, &d, &r, &error)), "%s", error.message);
    dataset_free(&d);
    return r;
}

static const float *boxes_of(const trial_result *r) {
    const trial_array *a = trial_result_find(r, "boxes");
    cr_assert(ne(ptr, (void *)a, NULL));
    cr_assert(eq(u32, a->count, BOX_NUMBERS));
    return a->data;
}

static const char *const trained[] = {"box = smooth_l1", "box = focal_eiou", "box = wiou_v1",
                                      "cls = varifocal, target = iou, box = 2*siou",
                                      "cls = weighted_bce, obj = weighted_bce, box = ciou"};

ParameterizedTestParameters(box_trials, equal_trials_give_equal_bits) {
    static size_t index[sizeof trained / sizeof *trained];
    const size_t count = sizeof trained / sizeof *trained;
    for (size_t i = 0; i < count; i++) index[i] = i;
    return cr_make_param_array(size_t, index, count);
}

ParameterizedTest(size_t *index, box_trials, equal_trials_give_equal_bits) {
    const trial t = tiny_boxes(trained[*index]);
    trial_result a = run(&t), b = run(&t);
    cr_assert(eq(int, (int)a.outcome, (int)OUTCOME_OK));
    cr_assert(eq(u64, a.weights, b.weights));
    cr_assert(eq(u64, trial_scores_hash(&a), trial_scores_hash(&b)));
    cr_assert(eq(dbl, a.prior_loss, b.prior_loss));
    cr_assert(gt(dbl, a.prior_loss, 0));
    trial_result_free(&a);
    trial_result_free(&b);
}

static store *stored(const trial *trials, size_t count, unsigned jobs) {
    const pool_options options = {.jobs = jobs, .limit = 60, .search = "", .title = "test", .quiet = 1};
    size_t failed = 0;
    lb_error error = {0};
    store *to = memory_store();
    cr_assert(zero(int, pool_run(trials, count, to, &options, &failed, &error)), "%s", error.message);
    cr_assert(zero(sz, failed));
    return to;
}

Test(box_trials, any_number_of_workers_gives_the_same_bits) {
    trial trials[4];
    for (unsigned i = 0; i < 4; i++) {
        trials[i] = i < 2 ? tiny_boxes(trained[i]) : tiny_trial(); /* images of the same data too: without boxes */
        trials[i].seed = 1 + i % 2;
    }
    store *one = stored(trials, 4, 1), *three = stored(trials, 4, 3);
    for (size_t i = 0; i < 4; i++) {
        char key[TRIAL_KEY];
        trial_result a, b, own = run(&trials[i]);
        trial_key(&trials[i], key);
        cr_assert(zero(int, store_get(one, key, &a, NULL)));
        cr_assert(zero(int, store_get(three, key, &b, NULL)));
        cr_assert(eq(u64, trial_scores_hash(&a), trial_scores_hash(&own)));
        cr_assert(eq(u64, trial_scores_hash(&b), trial_scores_hash(&own)));
        trial_result_free(&a);
        trial_result_free(&b);
        trial_result_free(&own);
    }
    store_close(one);
    store_close(three);
}

Test(box_trials, learns) {
    trial t = tiny_boxes("box = smooth_l1");
    snprintf(t.data, sizeof t.data, "synthetic(texture=cast, defect=dent, size=32, length=14, scale=0.1)");
    t.ratio = 2;
    t.visits = 8000;
    t.learning_rate = 0.01;
    t.content[0] = '\0';
    cr_assert(zero(int, trial_prepare(&t, "", NULL)));
    trial_result r = run(&t);
    cr_assert(eq(int, (int)r.outcome, (int)OUTCOME_OK));
    cr_assert(lt(dbl, r.train_loss, 0.5 * r.prior_loss));
    const float *number = boxes_of(&r);
    cr_assert(gt(flt, number[BOX_AP50], 0.3f));
    cr_assert(gt(flt, number[BOX_SELECT_AP50], 0.3f));
    cr_assert(ge(flt, number[BOX_AP50], number[BOX_AP75]));
    cr_assert(gt(flt, number[BOX_BEST_IOU], 0.5f));
    trial_result_free(&r);
}

/* Learning rate 0: a net that is not trained finds little. */
Test(box_trials, an_untrained_net_finds_less) {
    trial t = tiny_boxes("box = smooth_l1");
    t.learning_rate = t.weight_decay = 0;
    trial_result r = run(&t);
    cr_assert(lt(flt, boxes_of(&r)[BOX_AP50], 0.2f));
    trial_result_free(&r);
}

Test(box_trials, leaves_what_the_header_says) {
    trial t = tiny_boxes("box = ciou");
    t.checkpoints = 3;
    trial_result r = run(&t);
    static const char *const names[] = {"data",           "boxes",         "train_loss", "test@1",    "boxes@1",
                                        "test@2",         "boxes@2",       "select",     "calibrate", "test",
                                        "instance_score", "instance_area", "parameters"};
    cr_assert(eq(sz, r.array_count, sizeof names / sizeof *names));
    for (size_t i = 0; i < r.array_count; i++) cr_assert(eq(str, r.arrays[i].name, (char *)names[i]));
    cr_assert(eq(u32, r.arrays[4].count, BOX_AT_NUMBERS));
    cr_assert(eq(u32, r.arrays[10].count, r.arrays[11].count));
    const float *number = boxes_of(&r);
    cr_assert(eq(flt, number[BOX_TRUTHS_SIZE] + number[BOX_TRUTHS_SIZE + 1] + number[BOX_TRUTHS_SIZE + 2],
                 (float)r.arrays[10].count));
    for (size_t i = 0; i < BOX_MATCHED; i++)
        cr_assert(isnan(number[i]) || (number[i] >= 0 && number[i] <= 1), "number %zu is %g", i, (double)number[i]);
    trial_result_free(&r);
}

Test(box_trials, checkpoints_change_no_weight) {
    const trial plain = tiny_boxes("box = ciou");
    trial t = plain;
    t.checkpoints = 10; /* as many as an experiment may have: all arrays find room */
    trial_result a = run(&plain), b = run(&t);
    cr_assert(eq(u64, a.weights, b.weights));
    cr_assert(ne(ptr, (void *)trial_result_find(&b, "boxes@9"), NULL));
    trial_result_free(&a);
    trial_result_free(&b);
}

Test(box_trials, balanced_batches_change_the_share) {
    const trial natural = tiny_boxes("box = l1");
    trial balanced = natural;
    balanced.sampler = SAMPLER_BALANCED;
    trial_result a = run(&natural), b = run(&balanced);
    const float *facts = trial_result_find(&a, "data")->data;
    const float goods = facts[DATA_GOODS + SET_TRAIN], defects = facts[DATA_DEFECTS + SET_TRAIN];
    const double factor = (double)(goods + defects) / 2 / (double)defects;
    cr_assert(
        epsilon_eq(dbl, (double)boxes_of(&b)[BOX_CELL_SHARE] / (double)boxes_of(&a)[BOX_CELL_SHARE], factor, 1e-5));
    cr_assert(ne(u64, a.weights, b.weights));
    trial_result_free(&a);
    trial_result_free(&b);
}

/* --- data without goods ---------------------------------------------------------------------------------------------
 */

static void forget_goods(made_boxes *m) {
    m->d.clean = 0;
    for (int which = 0; which < SET_COUNT; which++) {
        dataset_items *set = &m->d.sets[which];
        set->goods = 0;
        set->count = which == SET_CALIBRATE ? 0 : 2; /* images 1 and 2 */
        set->pixels = m->pixels + MADE_PIXELS;
        set->types = m->types + 1;
        set->parts = m->parts + 1;
        if (which == SET_CALIBRATE) set->box_count = 0;
        for (size_t i = 0; i < set->box_count; i++) set->boxes[i].item--;
    }
}

Test(box_trials, without_goods_a_net_is_trained_and_measured) {
    trial t = tiny_boxes("box = ciou");
    trial_result r;
    lb_error error = {0};
    made_boxes_open(&data);
    forget_goods(&data);
    t.batch = 2;
    cr_assert(zero(int, trial_run(&t, &data.d, &r, &error)), "%s", error.message);
    cr_assert(eq(int, (int)r.outcome, (int)OUTCOME_OK));
    cr_assert(zero(u32, trial_result_find(&r, "calibrate")->count));
    cr_assert(gt(flt, boxes_of(&r)[BOX_AP50], 0.8f)); /* learned by heart */
    trial_result_free(&r);
}

Test(box_trials, without_goods_there_is_nothing_to_balance) {
    trial t = tiny_boxes("box = ciou");
    trial_result r;
    lb_error error = {0};
    made_boxes_open(&data);
    forget_goods(&data);
    t.sampler = SAMPLER_BALANCED;
    cr_assert(eq(int, trial_run(&t, &data.d, &r, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "has no goods to balance"), NULL), "%s", error.message);
    cr_assert(ne(ptr, strstr(error.message, "sampler=natural"), NULL), "%s", error.message);
}

Test(box_trials, without_goods_there_are_no_images_to_tell_apart) {
    const trial t = tiny_trial();
    lb_error error = {0};
    made_boxes_open(&data);
    forget_goods(&data);
    cr_assert(eq(int, trial_check(&t, &data.d, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "has no goods"), NULL), "%s", error.message);
}

/* --- what cannot be trained -----------------------------------------------------------------------------------------
 */

Test(box_trials, images_that_cells_do_not_tile_are_refused) {
    const trial t = tiny_boxes("box = ciou");
    trial_result r;
    lb_error error = {0};
    made_boxes_open(&data);
    data.d.height = 30;
    for (int which = 0; which < SET_COUNT; which++)
        for (size_t i = 0; i < MADE_BOXES; i++)
            if (data.boxes[which][i].y2 > 30) data.boxes[which][i].y2 = 30;
    cr_assert(eq(int, trial_run(&t, &data.d, &r, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "divisible by 8, not 30x24"), NULL), "%s", error.message);
}

Test(box_trials, an_absurd_rate_is_an_outcome_and_its_numbers_are_zero) {
    trial t = tiny_boxes("box = ciou");
    t.learning_rate = 1e30;
    trial_result r = run(&t);
    cr_assert(eq(int, (int)r.outcome, (int)OUTCOME_DIVERGED));
    store *to = memory_store();
    measure m;
    cr_assert(zero(int, store_put(to, &t, &r, NULL)));
    cr_assert(zero(int, evidence_measure(to, &t, &m, NULL)));
    cr_assert(zero(dbl, field_box_ap50(&m)));
    cr_assert(zero(dbl, field_box_ap(&m)));
    cr_assert(zero(dbl, field_box(&m, BOX_SELECT_AP50)));
    cr_assert(zero(dbl, field_box_matched_iou(&m)));
    cr_assert(zero(dbl, field_box_recall(&m)));
    cr_assert(isnan(field_box_half_ap50(&m)));                /* one checkpoint: there is only the last */
    cr_assert(gt(dbl, field_box(&m, BOX_TRAIN_TRUTHS), 0.0)); /* what is known of the data stays */
    cr_assert_not(m.started);
    for (size_t size = 0; size < BOX_SIZES; size++) {
        const int none = field_box(&m, BOX_TRUTHS_SIZE + size) == 0; /* no such box: no number, not 0 */
        cr_assert(none ? isnan(field_box_ap50_size[size](&m)) : field_box_ap50_size[size](&m) == 0, "size %zu", size);
        cr_assert(none ? isnan(field_box_recall_size[size](&m)) : field_box_recall_size[size](&m) == 0);
    }
    store_close(to);
    trial_result_free(&r);
}
