/* What a trial of types leaves behind, on logits that are made so that the numbers are known. */
#include "experiments/harness/class_scores.h"
#include "tests/experiments/made_types.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdio.h>

static made_types data; /* every test has its own process */
static trial_result result;
static lb_error error;

static void end(void) { trial_result_free(&result); }

static void begin_with(const unsigned counts[MADE_NAMES]) {
    made_types_open(&data, counts);
    cr_assert(zero(int, class_scores_begin(&data.d, &result, &error)), "%s", error.message);
}

static const float *array_of(const char *name, size_t count) {
    const trial_array *a = trial_result_find(&result, name);
    cr_assert(ne(ptr, (void *)a, NULL), "no array %s", name);
    cr_assert(eq(sz, a->count, count), "array %s", name);
    return a->data;
}

static void add(dataset_set which, const char *name, const float *logit) {
    cr_assert(zero(int, class_scores_add(&data.d, which, name, logit, &result, &error)), "%s", error.message);
}

/* Three goods, two cracks, one dent, no stain. Called: good, good, crack; crack, stain; dent. */
static const unsigned mixed[MADE_NAMES] = {3, 2, 1, 0};
enum { ITEMS = 6 };
static const float logits[ITEMS * MADE_NAMES] = {4,  0, 0, 0, 2, 1, 1, 1, 0, 3, 0, 0, /* goods */
                                                 0,  5, 0, 0, 0, 1, 0, 2,             /* cracks */
                                                 -1, 0, 1, 0};                        /* a dent */

static void start(void) { begin_with(mixed); }

Test(class_scores, numbers_are_of_the_classes_that_have_items, .init = start, .fini = end) {
    add(SET_TEST, "test", logits);
    const float *number = array_of("types", CLASS_NUMBERS);
    const double recall[] = {2.0 / 3, 1.0 / 2, 1}, f1[] = {4.0 / 5, 2.0 / 4, 1};
    cr_assert(epsilon_eq(dbl, (double)number[CLASS_BALANCED], (recall[0] + recall[1] + recall[2]) / 3, 1e-6));
    cr_assert(epsilon_eq(dbl, (double)number[CLASS_MACRO_F1], (f1[0] + f1[1] + f1[2]) / 3, 1e-6));
    cr_assert(epsilon_eq(dbl, (double)number[CLASS_ACCURACY], 4.0 / 6, 1e-6));
    cr_assert(isnan(number[CLASS_SELECT_BALANCED]));
    const float *by_recall = array_of("type_recall", MADE_NAMES), *by_f1 = array_of("type_f1", MADE_NAMES);
    for (size_t c = 0; c < 3; c++) {
        cr_assert(epsilon_eq(dbl, (double)by_recall[c], recall[c], 1e-6), "class %zu", c);
        cr_assert(epsilon_eq(dbl, (double)by_f1[c], f1[c], 1e-6), "class %zu", c);
    }
    cr_assert(isnan(by_recall[3]) && isnan(by_f1[3])); /* called once, but there is none */
}

Test(class_scores, items_are_kept_as_called_and_as_labelled, .init = start, .fini = end) {
    static const float called[ITEMS] = {0, 0, 1, 1, 3, 2}, truth[ITEMS] = {0, 0, 0, 1, 1, 2};
    static const float counts[MADE_NAMES] = {3, 2, 1, 0};
    add(SET_TEST, "test", logits);
    cr_assert(zero(int, memcmp(array_of("called", ITEMS), called, sizeof called)));
    cr_assert(zero(int, memcmp(array_of("truth", ITEMS), truth, sizeof truth)));
    cr_assert(zero(int, memcmp(array_of("logits", ITEMS * MADE_NAMES), logits, sizeof logits)));
    cr_assert(zero(int, memcmp(array_of("type_train", MADE_NAMES), counts, sizeof counts)));
    cr_assert(zero(int, memcmp(array_of("type_test", MADE_NAMES), counts, sizeof counts)));
    cr_assert(eq(u32, trial_result_find(&result, "called")->goods, 3));
    cr_assert(eq(u32, trial_result_find(&result, "logits")->goods, 3 * MADE_NAMES));
}

Test(class_scores, an_image_scores_the_log_odds_of_any_defect, .init = start, .fini = end) {
    add(SET_CALIBRATE, "calibrate", logits);
    const float *score = array_of("calibrate", ITEMS);
    for (size_t i = 0; i < ITEMS; i++) {
        double defects = 0;
        for (size_t c = 1; c < MADE_NAMES; c++) defects += exp((double)logits[i * MADE_NAMES + c]);
        cr_assert(epsilon_eq(dbl, (double)score[i], log(defects) - (double)logits[i * MADE_NAMES], 1e-5));
    }
    cr_assert(eq(u32, trial_result_find(&result, "calibrate")->goods, 3));
    cr_assert(eq(ptr, (void *)trial_result_find(&result, "called"), NULL));
    for (size_t i = 0; i < CLASS_NUMBERS; i++) cr_assert(isnan(array_of("types", CLASS_NUMBERS)[i]));
}

Test(class_scores, select_has_its_own_number, .init = start, .fini = end) {
    add(SET_SELECT, "select", logits);
    const float *number = array_of("types", CLASS_NUMBERS);
    cr_assert(epsilon_eq(dbl, (double)number[CLASS_SELECT_BALANCED], (2.0 / 3 + 1.0 / 2 + 1) / 3, 1e-6));
    cr_assert(isnan(number[CLASS_BALANCED]));
}

/* A checkpoint of the test set is scored, and measures nothing. */
Test(class_scores, a_checkpoint_leaves_image_scores_alone, .init = start, .fini = end) {
    add(SET_TEST, "test@1", logits);
    array_of("test@1", ITEMS);
    cr_assert(isnan(array_of("types", CLASS_NUMBERS)[CLASS_BALANCED]));
    cr_assert(eq(ptr, (void *)trial_result_find(&result, "logits"), NULL));
}

Test(class_scores, without_goods_the_first_type_is_class_0, .fini = end) {
    static const unsigned counts[MADE_NAMES] = {0, 2, 1, 1};
    static const float three[4 * 3] = {3, 0, 1, 0, 2, -1, 0, 5, 0, 4, 1, 2}; /* crack, dent; dent; crack */
    static const float largest[4] = {3, 2, 5, 4}, called[4] = {0, 1, 1, 0}, truth[4] = {0, 0, 1, 2};
    begin_with(counts);
    cr_assert(eq(sz, class_count(&data.d), 3));
    cr_assert(eq(str, (char *)class_label(&data.d, 0), "crack"));
    add(SET_TEST, "test", three);
    cr_assert(zero(int, memcmp(array_of("test", 4), largest, sizeof largest)));
    cr_assert(zero(int, memcmp(array_of("called", 4), called, sizeof called)));
    cr_assert(zero(int, memcmp(array_of("truth", 4), truth, sizeof truth)));
    const float *number = array_of("types", CLASS_NUMBERS);
    cr_assert(epsilon_eq(dbl, (double)number[CLASS_BALANCED], (1.0 / 2 + 1 + 0) / 3, 1e-6));
    cr_assert(epsilon_eq(dbl, (double)number[CLASS_MACRO_F1], (1.0 / 2 + 2.0 / 3 + 0) / 3, 1e-6));
}

Test(class_scores, one_logit_that_is_not_finite_diverges) {
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++)
        for (size_t at = 0; at < ITEMS * MADE_NAMES; at++) {
            float spoiled[ITEMS * MADE_NAMES];
            memcpy(spoiled, logits, sizeof logits);
            spoiled[at] = bad[i];
            begin_with(mixed);
            add(SET_TEST, "test", spoiled);
            cr_assert(eq(int, (int)result.outcome, (int)OUTCOME_DIVERGED));
            cr_assert(isnan(array_of("types", CLASS_NUMBERS)[CLASS_BALANCED]));
            cr_assert(eq(ptr, (void *)trial_result_find(&result, "type_recall"), NULL));
            trial_result_free(&result);
        }
}

/* --- refusals ------------------------------------------------------------------------------------------------------
 */

static void assert_check(const unsigned counts[MADE_NAMES], const char *sentence) {
    static const trial typed = {.data = "mine", .model = "mlp", .task = TASK_TYPES};
    made_types_open(&data, counts);
    error = (lb_error){0};
    cr_assert(eq(int, class_scores_check(&typed, &data.d, &error), sentence ? LB_INVALID : LB_OK));
    cr_assert(eq(str, error.message, (char *)(sentence ? sentence : "")));
}

Test(class_scores, one_class_in_train_is_refused) {
    assert_check((const unsigned[]){0, 5, 0, 0},
                 "data set 'mine' has 3 classes, one of them in train: a loss for K classes needs 2 to 64");
    assert_check((const unsigned[]){0, 5, 0, 1}, NULL);
    assert_check((const unsigned[]){5, 0, 1, 0}, NULL);
}

Test(class_scores, more_classes_than_there_is_room_for_are_refused) {
    static const trial typed = {.data = "mine", .model = "mlp", .task = TASK_TYPES};
    static const char *names[CLASS_MOST + 2];
    made_types_open(&data, mixed);
    for (size_t i = 0; i < CLASS_MOST; i++) names[i] = "type";
    data.d.type_names = names;
    cr_assert(zero(int, class_scores_check(&typed, &data.d, &error)));
    names[CLASS_MOST] = "one more";
    cr_assert(eq(int, class_scores_check(&typed, &data.d, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "has 65 classes"), NULL), "%s", error.message);
}
