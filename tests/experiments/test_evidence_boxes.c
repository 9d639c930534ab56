/* Evidence of trials of boxes, from made scores whose numbers are known. */
#include "experiments/harness/evidence.h"
#include "tests/experiments/fixture.h"

#include <float.h>
#include <math.h>

#define ABOUT                                                                                                          \
    "[experiment]\nanalysis = boxes\nbaseline = smooth_l1\n[blocks]\ndents = " TINY_DATA " @ 10\n"                     \
    "[losses]\nsmooth_l1 = box = smooth_l1\nciou = box = ciou\n"
#define TRAIN "[train]\nmodel = detector(width=narrow)\nvisits = 640\nbatch = 32\ncheckpoints = 3\nseeds = 2\n"
#define RATE "learning_rate = 0.01\nweight_decay = 1e-4\n"

static study s; /* large; every test has its own process */
static evidence e;
static store *from;

static void begin(void) {
    expand_text("e", ABOUT TRAIN RATE, &s);
    from = memory_store();
}

static void end(void) {
    evidence_free(&e);
    store_close(from);
    study_free(&s);
}

static const measure *read_first(void) {
    lb_error error = {0};
    cr_assert(zero(int, evidence_read(&s, from, &e, &error)), "%s", error.message);
    return evidence_seeds(&e, 0);
}

/* --- made results
 * ----------------------------------------------------------------------------------------------------- */

enum { FOUND = 37, BOXES = 10 };

static float *add(trial_result *r, const char *name, size_t count, size_t goods) {
    float *data = trial_result_add(r, name, count, goods);
    cr_assert(ne(ptr, data, NULL));
    return data;
}

static float *numbers_of(trial_result *r) {
    float *number = add(r, "boxes", BOX_NUMBERS, 0);
    for (size_t i = 0; i < BOX_NUMBERS; i++) number[i] = (float)i / 100;
    number[BOX_TRUTHS_SIZE] = 4;
    number[BOX_TRUTHS_SIZE + 1] = 6;
    number[BOX_TRUTHS_SIZE + 2] = 0;
    number[BOX_AP50_SIZE + 2] = number[BOX_AP_SIZE + 2] = NAN;
    return number;
}

/* 400 goods at -i / 400 and 37 defects above them all, moved below 0 as scores of boxes are. Of ten boxes of an image
   of 24 x 24, four small and six medium, the first of the small and the first three of the medium score above all
   goods. */
static trial_result made_of_boxes(int goods) {
    trial_result r = made_result(&(made){.found = FOUND, .offset = -200});
    if (!goods) r.arrays[0].data[DATA_GOODS + SET_TEST] = r.arrays[0].data[DATA_GOODS + SET_TRAIN] = 0;
    for (size_t i = 1; i < r.array_count && !goods; i++) r.arrays[i].goods = 0;
    numbers_of(&r);
    float *score = add(&r, "instance_score", BOXES, 0), *area = add(&r, "instance_area", BOXES, 0);
    for (size_t i = 0; i < BOXES; i++) {
        const int small = i < 4;
        area[i] = small ? 9 : 36; /* 1.6 and 6.3 % of 576 pixels */
        score[i] = i == 0 || (i >= 4 && i < 7) ? -198 : i % 2 ? -201 : -FLT_MAX;
    }
    for (int k = 1; k < 3; k++) {
        char name[24];
        snprintf(name, sizeof name, "boxes@%d", k);
        float *at = add(&r, name, BOX_AT_NUMBERS, 0);
        at[BOX_AT_AP50] = 0.1f * (float)k;
        at[BOX_AT_AP] = 0.01f * (float)k;
    }
    return r;
}

static void put(const trial *t, trial_result *r) {
    lb_error error = {0};
    cr_assert(zero(int, store_put(from, t, r, &error)), "%s", error.message);
    trial_result_free(r);
}

/* --- with goods
 * ------------------------------------------------------------------------------------------------------- */

Test(evidence_boxes, recall_is_of_boxes_above_the_threshold_of_the_goods, .init = begin, .fini = end) {
    trial_result r = made_of_boxes(1);
    put(&s.cells[0].finals[0], &r);
    const measure *m = read_first();
    cr_assert(m->present && m->has_boxes && m->started && !m->has_masks);
    cr_assert(evidence_has_boxes(&e) && !evidence_has_masks(&e));
    cr_assert(epsilon_eq(dbl, field_box_recall(m), 0.4, 1e-12));
    cr_assert(epsilon_eq(dbl, field_box_recall_size[0](m), 1.0 / 4, 1e-12));
    cr_assert(epsilon_eq(dbl, field_box_recall_size[1](m), 3.0 / 6, 1e-12));
    cr_assert(isnan(field_box_recall_size[2](m)));
    cr_assert(epsilon_eq(dbl, field_recall(m), 0.37, 1e-12)); /* of images, by their best box */
    cr_assert(eq(sz, m->level, FR_HEADLINE));
}

Test(evidence_boxes, numbers_are_as_stored, .init = begin, .fini = end) {
    trial_result r = made_of_boxes(1);
    put(&s.cells[0].finals[0], &r);
    const measure *m = read_first();
    cr_assert(epsilon_eq(dbl, field_box_ap50(m), BOX_AP50 / 100.0, 1e-6));
    cr_assert(epsilon_eq(dbl, field_box_ap75(m), BOX_AP75 / 100.0, 1e-6));
    cr_assert(epsilon_eq(dbl, field_box_ap(m), BOX_AP / 100.0, 1e-6));
    cr_assert(epsilon_eq(dbl, field_box_matched_iou(m), BOX_MATCHED_IOU / 100.0, 1e-6));
    cr_assert(epsilon_eq(dbl, field_box_best_iou(m), BOX_BEST_IOU / 100.0, 1e-6));
    for (size_t size = 0; size < 2; size++) {
        cr_assert(epsilon_eq(dbl, field_box_ap50_size[size](m), (double)(BOX_AP50_SIZE + size) / 100, 1e-6));
        cr_assert(epsilon_eq(dbl, field_box_ap_size[size](m), (double)(BOX_AP_SIZE + size) / 100, 1e-6));
    }
    cr_assert(isnan(field_box_ap50_size[2](m)) && isnan(field_box_ap_size[2](m)));
    cr_assert(epsilon_eq(dbl, field_box_half_ap50(m), 0.1, 1e-6));
    cr_assert(epsilon_eq(dbl, m->box.at[1][BOX_AT_AP], 0.02, 1e-6));
    cr_assert(isnan(m->box.at[2][BOX_AT_AP50])); /* the last one is `boxes` */
}

/* Scores are logarithms of probabilities: one half is at ln 1/2, and at 0 nothing would be found. Goods then lie from
   -1 to 0, of which 277 are above -0.6931, and defects above them. */
Test(evidence_boxes, one_half_is_a_logarithm, .init = begin, .fini = end) {
    trial_result r = made_result(&(made){.found = FOUND, .offset = -1});
    for (size_t i = 1; i < r.array_count; i++)
        for (uint32_t k = 0; k < r.arrays[i].count; k++)
            if (r.arrays[i].data[k] > 0) r.arrays[i].data[k] = 0;
    numbers_of(&r);
    put(&s.cells[0].finals[0], &r);
    const measure *m = read_first();
    cr_assert(epsilon_eq(dbl, field_recall_half(m), 0.37, 1e-12));
    cr_assert(epsilon_eq(dbl, field_accuracy(m), (2000.0 / 2010) * (123.0 / 400) + (10.0 / 2010) * 0.37, 1e-9));
}

/* An image in which no cell has a box to offer scores -FLT_MAX: every number stays one. */
Test(evidence_boxes, the_lowest_score_that_there_is, .init = begin, .fini = end) {
    trial_result r = made_of_boxes(1);
    for (size_t i = 1; i < 4; i++)
        for (uint32_t k = 0; k < r.arrays[i].count; k++)
            if (r.arrays[i].data[k] < -200) r.arrays[i].data[k] = -FLT_MAX;
    put(&s.cells[0].finals[0], &r);
    const measure *m = read_first();
    cr_assert(epsilon_eq(dbl, field_box_recall(m), 0.4, 1e-12));
    cr_assert(epsilon_eq(dbl, field_recall(m), 0.37, 1e-12));
    cr_assert(isfinite(field_calibration_error(m)) && isfinite(field_average_precision(m)));
}

Test(evidence_boxes, images_have_no_numbers_of_boxes, .init = begin, .fini = end) {
    put_made(from, &s.cells[0].finals[0], &(made){.found = FOUND});
    const measure *m = read_first();
    cr_assert(m->present && !m->has_boxes);
    cr_assert(isnan(field_box_ap50(m)) && isnan(field_box_recall(m)) && isnan(field_box_half_ap50(m)));
    cr_assert(isnan(field_box_ap50_size[0](m)) && isnan(field_box_recall_size[0](m)));
}

/* --- without goods
 * ---------------------------------------------------------------------------------------------------- */

Test(evidence_boxes, without_goods_nothing_is_known_of_them, .init = begin, .fini = end) {
    trial_result r = made_of_boxes(0);
    put(&s.cells[0].finals[0], &r);
    const measure *m = read_first();
    cr_assert(m->present && m->has_boxes && m->started);
    cr_assert(epsilon_eq(dbl, field_box_ap50(m), BOX_AP50 / 100.0, 1e-6));
    cr_assert(epsilon_eq(dbl, field_box_half_ap50(m), 0.1, 1e-6));
    for (size_t i = 0; i < FR_LEVELS; i++) {
        cr_assert(eq(int, (int)m->status[i], (int)METRIC_TOO_FEW));
        cr_assert(isnan(field_level(m, i)));
    }
    static const measure_field of_goods[] = {field_recall,      field_select_recall,     field_pauc,
                                             field_auroc,       field_average_precision, field_accuracy,
                                             field_recall_half, field_box_recall,        field_calibration_error};
    for (size_t i = 0; i < sizeof of_goods / sizeof *of_goods; i++) cr_assert(isnan(of_goods[i](m)), "field %zu", i);
    for (size_t size = 0; size < BOX_SIZES; size++) cr_assert(isnan(field_box_recall_size[size](m)));
    cr_assert(isnan(m->curve[0]) && isnan(m->checkpoint[0]));
    cr_assert(lt(long, m->np_order, 0L));
    cr_assert(zero(sz, estimate_field(&e, 0, field_recall).count));
}

Test(evidence_boxes, a_diverged_trial_without_goods_found_nothing, .init = begin, .fini = end) {
    trial_result r = made_of_boxes(0);
    r.outcome = OUTCOME_DIVERGED;
    float *number = trial_result_find(&r, "boxes")->data;
    for (size_t i = 0; i < BOX_TRUTHS_SIZE; i++) number[i] = NAN;
    put(&s.cells[0].finals[0], &r);
    const measure *m = read_first();
    cr_assert(zero(dbl, field_box_ap50(m)));
    cr_assert(zero(dbl, field_box_ap50_size[1](m)));
    cr_assert(isnan(field_box_ap50_size[2](m))); /* there is no such box to find */
    cr_assert(isnan(field_recall(m)) && isnan(field_box_recall(m)) && isnan(field_auroc(m)));
    cr_assert_not(m->started);
}

/* --- tuning
 * ----------------------------------------------------------------------------------------------------------- */

/* A point whose images would be ranked best, and another whose boxes are found best on select. */
Test(evidence_boxes, tuning_chooses_by_ap50_on_select) {
    size_t open;
    expand_text("e",
                ABOUT TRAIN "[tuning]\npoints = 4\nseeds = 1\nlearning_rate_low = 1e-4\nlearning_rate_high = 1e-2\n"
                            "weight_decay_low = 1e-6\nweight_decay_high = 1e-2\n",
                &s);
    from = memory_store();
    for (unsigned p = 0; p < 4; p++) {
        trial_result r = made_result(&(made){.found = p == 1 ? 100 : 10});
        float *number = numbers_of(&r);
        number[BOX_SELECT_AP50] = p == 2 ? 0.5f : 0.25f;
        number[BOX_AP50] = p == 3 ? 0.9f : 0.1f; /* of test: not to be looked at */
        r.outcome = p == 0 ? OUTCOME_DIVERGED : OUTCOME_OK;
        put(&s.cells[0].tuning[p], &r);
    }
    study_choose(&s, from, &open);
    cr_assert(eq(sz, open, 1)); /* nothing is there of the other cell */
    cr_assert(eq(int, s.cells[0].chosen, 2));
    cr_assert(zero(dbl, study_point_score(&s, &s.cells[0], 0, from)));
    cr_assert(eq(dbl, study_point_score(&s, &s.cells[0], 2, from), 0.5));
    store_close(from);
    study_free(&s);
}

/* What tuning writes is one text of three heads, whose box loss has its weight in it. */
Test(evidence_boxes, tuned_weights_are_written_into_the_objective) {
    expand_text("e",
                ABOUT TRAIN "[tuning]\npoints = 4\nseeds = 1\nlearning_rate_low = 1e-4\nlearning_rate_high = 1e-2\n"
                            "weight_decay_low = 1e-6\nweight_decay_high = 1e-2\n",
                &s);
    for (unsigned p = 1; p < 4; p++) {
        const trial *t = &s.cells[1].tuning[p];
        cr_assert(ne(ptr, strstr(t->loss, "*ciou"), NULL), "%s", t->loss);
        cr_assert(ne(ptr, strstr(t->loss_text, "cls=bce@1"), NULL), "%s", t->loss_text);
        cr_assert(ne(str, (char *)t->loss, (char *)s.cells[1].tuning[0].loss));
    }
    study_free(&s);
}
