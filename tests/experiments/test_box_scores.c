/* What a trial of boxes leaves behind, on outputs that are made so that the boxes found are known. */
#include "experiments/harness/box_scores.h"
#include "tests/experiments/made_boxes.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHANNELS = MADE_TYPES + 5, OUTPUTS = MADE_CELLS * CHANNELS, NUMBERS = MADE_IMAGES * OUTPUTS };

static made_boxes data; /* every test has its own process */
static detector_grid grid;
static float output[NUMBERS];
static trial_result result;

/* --- made outputs ----------------------------------------------------------------------------------------------------
 */

/* Every cell offers a box of a tenth of a pixel, and hardly believes in it. */
static void clear_output(void) {
    for (size_t i = 0; i < NUMBERS; i++) {
        static const float nothing[CHANNELS] = {-4, -4, -8, 0, 0, -3, -3};
        output[i] = nothing[i % CHANNELS];
    }
}

/* The cell offers this box (pixels; type from 1) with logits `certain` for objectness and its type. */
static void offer(size_t image, size_t row, size_t column, dataset_box b, float certain) {
    float *at = output + (image * MADE_CELLS + row * MADE_COLUMNS + column) * CHANNELS, *t = at + MADE_TYPES + 1;
    at[b.type - 1] = at[MADE_TYPES] = certain;
    t[0] = (b.x1 + b.x2) / 16 - 0.5f - (float)column;
    t[1] = (b.y1 + b.y2) / 16 - 0.5f - (float)row;
    t[2] = (float)log((double)(b.x2 - b.x1) / 8 / grid.mean_width);
    t[3] = (float)log((double)(b.y2 - b.y1) / 8 / grid.mean_height);
}

/* Each true box from the cell of its centre. */
static void offer_all(float certain) {
    for (size_t i = 0; i < MADE_BOXES; i++) {
        const dataset_box *b = &made_box_list[i];
        offer(b->item, (size_t)((b->y1 + b->y2) / 16), (size_t)((b->x1 + b->x2) / 16), *b, certain + (float)i);
    }
}

static void start(void) {
    made_boxes_open(&data);
    grid = detector_grid_of(&data.d);
    clear_output();
    cr_assert(zero(int, box_scores_begin(&data.d, &grid, 0.25, &result, NULL)));
}

static void end(void) { trial_result_free(&result); }

static const float *array_of(const char *name, size_t count) {
    const trial_array *a = trial_result_find(&result, name);
    cr_assert(ne(ptr, (void *)a, NULL), "no array %s", name);
    cr_assert(eq(sz, a->count, count), "array %s", name);
    return a->data;
}

static const float *add(dataset_set which, const char *name) {
    lb_error error = {0};
    cr_assert(zero(int, box_scores_add(&data.d, &grid, which, name, output, &result, &error)), "%s", error.message);
    return array_of(name, MADE_IMAGES);
}

static double score_of(float certain) { return -2 * log1p(exp(-(double)certain)); }

/* --- numbers ---------------------------------------------------------------------------------------------------------
 */

Test(box_scores, true_boxes_are_perfect, .init = start, .fini = end) {
    offer_all(3);
    const float *image = add(SET_TEST, "test"), *number = array_of("boxes", BOX_NUMBERS);
    cr_assert(lt(flt, image[0], image[1]));
    cr_assert(epsilon_eq(dbl, (double)image[1], score_of(4), 1e-5)); /* its best box: the second */
    cr_assert(epsilon_eq(dbl, (double)image[2], score_of(5), 1e-5));
    for (size_t i = BOX_AP50; i <= BOX_AP; i++) cr_assert(eq(flt, number[i], 1), "number %zu", i);
    cr_assert(eq(flt, number[BOX_MATCHED], 1));
    cr_assert(epsilon_eq(flt, number[BOX_MATCHED_IOU], 1, 1e-5f));
    cr_assert(epsilon_eq(flt, number[BOX_BEST_IOU], 1, 1e-5f));
    const float *score = array_of("instance_score", MADE_BOXES), *area = array_of("instance_area", MADE_BOXES);
    for (size_t i = 0; i < MADE_BOXES; i++) cr_assert(epsilon_eq(dbl, (double)score[i], score_of(3 + (float)i), 1e-5));
    cr_assert(area[0] == 12 * 7 && area[1] == 13 * 16 && area[2] == 12 * 22);
    cr_assert(isnan(number[BOX_SELECT_AP50]));
}

/* Of 24 x 32 pixels 84 are 11 %, 208 are 27 %, 264 are 34 %: all large. Boxes of 2 and 5 % beside them. */
Test(box_scores, numbers_by_size_are_of_the_boxes_of_that_size, .init = start, .fini = end) {
    const dataset_box small = {.item = 1, .type = 1, .x1 = 2, .y1 = 2, .x2 = 5, .y2 = 7};      /* 15 pixels: 1.95 % */
    const dataset_box medium = {.item = 1, .type = 2, .x1 = 16, .y1 = 16, .x2 = 22, .y2 = 22}; /* 36: 4.7 % */
    data.boxes[SET_TEST][0] = small;
    data.boxes[SET_TEST][1] = medium;
    trial_result_free(&result);
    cr_assert(zero(int, box_scores_begin(&data.d, &grid, 0.25, &result, NULL)));
    offer(1, 0, 0, small, 3);
    offer(2, 2, 1, made_box_list[2], 3);
    add(SET_TEST, "test");
    const float *number = array_of("boxes", BOX_NUMBERS);
    for (size_t i = 0; i < BOX_SIZES; i++) cr_assert(eq(flt, number[BOX_TRUTHS_SIZE + i], 1));
    cr_assert(eq(flt, number[BOX_AP50_SIZE], 1));
    cr_assert(eq(flt, number[BOX_AP50_SIZE + 1], 0)); /* not found */
    cr_assert(eq(flt, number[BOX_AP50_SIZE + 2], 1));
    cr_assert(eq(flt, number[BOX_AP_SIZE], 1));
    cr_assert(eq(flt, number[BOX_AP50], 0.5f)); /* type 1 perfect, type 2 not found */
    cr_assert(epsilon_eq(flt, number[BOX_MATCHED], 2.0f / 3, 1e-6f));
}

Test(box_scores, a_size_without_boxes_has_no_numbers, .init = start, .fini = end) {
    offer_all(3);
    add(SET_TEST, "test");
    const float *number = array_of("boxes", BOX_NUMBERS);
    cr_assert(eq(flt, number[BOX_TRUTHS_SIZE + 2], 3));
    for (size_t i = 0; i < 2; i++) {
        cr_assert(zero(flt, number[BOX_TRUTHS_SIZE + i]));
        cr_assert(isnan(number[BOX_AP50_SIZE + i]) && isnan(number[BOX_AP_SIZE + i]));
    }
}

Test(box_scores, sizes_have_their_edges_below) {
    cr_assert(zero(sz, box_size_of(0)));
    cr_assert(zero(sz, box_size_of(0.0199)));
    cr_assert(eq(sz, box_size_of(0.02), 1));
    cr_assert(eq(sz, box_size_of(0.0999), 1));
    cr_assert(eq(sz, box_size_of(0.1), 2));
    cr_assert(eq(sz, box_size_of(1), 2));
}

/* Its box is found by one of another type with a higher score, which AP does not count. */
Test(box_scores, an_instance_has_the_highest_score_that_overlaps_it, .init = start, .fini = end) {
    dataset_box wider = made_box_list[0];
    wider.x2 += 4; /* IoU 12 / 16 */
    wider.type = 2;
    offer(1, 0, 1, made_box_list[0], 1);
    offer(1, 1, 1, wider, 6);
    add(SET_TEST, "test");
    const float *score = array_of("instance_score", MADE_BOXES);
    cr_assert(epsilon_eq(dbl, (double)score[0], score_of(6), 1e-5));
    cr_assert(eq(flt, score[2], -FLT_MAX)); /* nothing there */
    const float *number = array_of("boxes", BOX_NUMBERS);
    cr_assert(epsilon_eq(flt, number[BOX_MATCHED_IOU], 0.75f, 1e-5f)); /* taken by the better score */
}

/* A detection displaced by 5 of 22 pixels counts at an IoU of 1/2, and not at 3/4. */
Test(box_scores, levels_of_overlap, .init = start, .fini = end) {
    dataset_box shifted = made_box_list[2];
    shifted.y1 += 5;
    shifted.y2 += 5; /* beyond the image, cut at 32: IoU 17 / (22 + 18 - 17) = 0.739 */
    offer_all(3);
    offer(2, 2, 1, shifted, 5);
    add(SET_TEST, "test");
    const float *number = array_of("boxes", BOX_NUMBERS);
    cr_assert(eq(flt, number[BOX_AP50], 1));
    cr_assert(lt(flt, number[BOX_AP75], 1.0f));
    cr_assert(lt(flt, number[BOX_AP], number[BOX_AP50]));
    cr_assert(gt(flt, number[BOX_AP], number[BOX_AP75] / 2));
}

Test(box_scores, nothing_found_is_zero, .init = start, .fini = end) {
    add(SET_TEST, "test");
    const float *number = array_of("boxes", BOX_NUMBERS);
    cr_assert(zero(flt, number[BOX_AP50]));
    cr_assert(zero(flt, number[BOX_MATCHED]));
    cr_assert(zero(flt, number[BOX_MATCHED_IOU]));
    for (size_t i = 0; i < MADE_BOXES; i++) cr_assert(eq(flt, array_of("instance_score", MADE_BOXES)[i], -FLT_MAX));
}

/* --- the other sets --------------------------------------------------------------------------------------------------
 */

Test(box_scores, select_and_checkpoints_leave_their_own_numbers, .init = start, .fini = end) {
    offer_all(3);
    add(SET_SELECT, "select");
    add(SET_CALIBRATE, "calibrate");
    const float *number = array_of("boxes", BOX_NUMBERS);
    cr_assert(eq(flt, number[BOX_SELECT_AP50], 1));
    cr_assert(isnan(number[BOX_AP50])); /* of test */
    clear_output();
    offer(1, 0, 1, made_box_list[0], 3);
    add(SET_TEST, "test@2");
    const float *under_way = array_of("boxes@2", BOX_AT_NUMBERS);
    cr_assert(epsilon_eq(flt, under_way[BOX_AT_AP50], 51.0f / 101 / 2, 1e-6f)); /* one of two of type 1, none of 2 */
    cr_assert(isnan(number[BOX_AP50]));
    cr_assert(eq(ptr, (void *)trial_result_find(&result, "instance_score"), NULL));
}

Test(box_scores, a_set_without_images, .init = start, .fini = end) {
    data.d.sets[SET_CALIBRATE] = (dataset_items){0};
    cr_assert(zero(int, box_scores_add(&data.d, &grid, SET_CALIBRATE, "calibrate", output, &result, NULL)));
    array_of("calibrate", 0);
    cr_assert(eq(int, (int)result.outcome, (int)OUTCOME_OK));
}

Test(box_scores, what_is_known_before_training, .init = start, .fini = end) {
    trial_result_free(&result);
    data.d.absent = 4;
    data.d.cut = 5;
    data.d.bad_boxes = 6;
    data.d.unmarked = 7;
    data.boxes[SET_TRAIN][2] = made_box_list[2];
    data.boxes[SET_TRAIN][1] = data.boxes[SET_TRAIN][0]; /* equal: the first owns all their cells */
    cr_assert(zero(int, box_scores_begin(&data.d, &grid, 0.25, &result, NULL)));
    const float *number = array_of("boxes", BOX_NUMBERS);
    cr_assert(eq(flt, number[BOX_TRAIN_TRUTHS], 3));
    cr_assert(eq(flt, number[BOX_LOST], 1));
    cr_assert(eq(flt, number[BOX_CELL_SHARE], 0.25f));
    cr_assert(number[BOX_ABSENT] == 4 && number[BOX_CUT] == 5 && number[BOX_BAD] == 6 && number[BOX_UNMARKED] == 7);
    for (size_t i = 0; i < BOX_TRUTHS_SIZE; i++) cr_assert(isnan(number[i]), "number %zu", i);
}

/* --- not finite
 * ------------------------------------------------------------------------------------------------------- */

Test(box_scores, one_logit_that_is_not_finite_diverges, .init = start, .fini = end) {
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    for (size_t i = 0; i < 3; i++)
        for (size_t channel = 0; channel < CHANNELS; channel++) {
            trial_result_free(&result);
            cr_assert(zero(int, box_scores_begin(&data.d, &grid, 0.25, &result, NULL)));
            clear_output();
            offer_all(3);
            output[OUTPUTS + 5 * CHANNELS + channel] = bad[i];
            const float *image = add(SET_TEST, "test");
            cr_assert(eq(int, (int)result.outcome, (int)OUTCOME_DIVERGED));
            for (size_t k = 0; k < MADE_IMAGES; k++) cr_assert(isfinite(image[k]));
            cr_assert(isnan(array_of("boxes", BOX_NUMBERS)[BOX_AP50]));
        }
}

/* --- refusals
 * --------------------------------------------------------------------------------------------------------- */

static const trial boxed = {.data = "mine", .model = "detector", .task = TASK_BOX};

static void assert_refused(const char *word) {
    lb_error error = {0};
    cr_assert(eq(int, box_scores_check(&boxed, &data.d, &error), LB_INVALID), "%s", word);
    cr_assert(ne(ptr, strstr(error.message, "data set 'mine'"), NULL), "%s", error.message);
    cr_assert(ne(ptr, strstr(error.message, word), NULL), "'%s' does not say '%s'", error.message, word);
    cr_assert(eq(ptr, strchr(error.message, '\n'), NULL));
}

Test(box_scores, sets_without_boxes_are_refused) {
    static const dataset_set sets[] = {SET_TRAIN, SET_SELECT, SET_TEST};
    for (size_t i = 0; i < 3; i++) {
        char word[60];
        made_boxes_open(&data);
        data.d.sets[sets[i]].box_count = 0;
        snprintf(word, sizeof word, "has no boxes in its %s set", dataset_set_names[sets[i]]);
        assert_refused(word);
    }
    made_boxes_open(&data);
    data.d.sets[SET_CALIBRATE].box_count = 0; /* its defects are not used */
    cr_assert(zero(int, box_scores_check(&boxed, &data.d, NULL)));
}

Test(box_scores, boxes_that_are_none_are_refused) {
    static const dataset_box bad[] = {{.item = 1, .type = 1, .x1 = -1, .y1 = 4, .x2 = 15, .y2 = 11},
                                      {.item = 1, .type = 1, .x1 = 3, .y1 = -2, .x2 = 15, .y2 = 11},
                                      {.item = 1, .type = 1, .x1 = 3, .y1 = 4, .x2 = 24.5f, .y2 = 11},
                                      {.item = 1, .type = 1, .x1 = 3, .y1 = 4, .x2 = 15, .y2 = 33},
                                      {.item = 1, .type = 1, .x1 = 15, .y1 = 4, .x2 = 3, .y2 = 11},
                                      {.item = 1, .type = 1, .x1 = 3, .y1 = 11, .x2 = 15, .y2 = 4},
                                      {.item = 1, .type = 1, .x1 = 3, .y1 = 4, .x2 = 3, .y2 = 11},
                                      {.item = 1, .type = 1, .x1 = 3, .y1 = 4, .x2 = 15, .y2 = 4},
                                      {.item = 1, .type = 1, .x1 = NAN, .y1 = 4, .x2 = 15, .y2 = 11},
                                      {.item = 1, .type = 0, .x1 = 3, .y1 = 4, .x2 = 15, .y2 = 11},
                                      {.item = 3, .type = 1, .x1 = 3, .y1 = 4, .x2 = 15, .y2 = 11}};
    for (int which = 0; which < SET_COUNT; which++)
        for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
            made_boxes_open(&data);
            cr_assert(zero(int, box_scores_check(&boxed, &data.d, NULL)));
            data.boxes[which][1] = bad[i];
            assert_refused("inside the image of 24x32 pixels");
            assert_refused(dataset_set_names[which]);
        }
}
