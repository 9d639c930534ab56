/* Which images a sheet of boxes shows, which boxes, and which of these are right. */
#include "experiments/harness/box_marks.h"
#include "experiments/harness/sheet_images.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <float.h>

/* --- which images ------------------------------------------------------------------------------------------------ */

enum { GOOD_ITEMS = 2, MADE_ITEMS = 40 };

/* Two goods, then defects of types[n] in that order; defect i has a box of area 8 sides[i], and a smaller one. */
typedef struct {
    dataset d;
    uint16_t types[MADE_ITEMS];
    dataset_box boxes[2 * MADE_ITEMS];
} made_set;

static void make_set(made_set *m, const unsigned *types, const unsigned *sides, size_t n) {
    *m = (made_set){.d = {.height = 64, .width = 64}};
    dataset_items *test = &m->d.sets[SET_TEST];
    *test = (dataset_items){.count = GOOD_ITEMS + n, .goods = GOOD_ITEMS, .types = m->types, .boxes = m->boxes};
    for (size_t i = 0; i < n; i++) {
        const uint32_t item = (uint32_t)(GOOD_ITEMS + i);
        m->types[item] = (uint16_t)types[i];
        m->boxes[test->box_count++] = (dataset_box){item, types[i], 1, 1, 2, 2};
        m->boxes[test->box_count++] = (dataset_box){item, types[i], 0, 0, (float)sides[i], 8};
    }
}

static void assert_images(made_set *m, size_t most, const uint32_t *wanted, size_t wanted_count) {
    uint32_t items[8];
    size_t count;
    cr_assert(zero(int, box_marks_images(&m->d, most, items, &count, NULL)));
    cr_assert(eq(sz, count, wanted_count));
    for (size_t i = 0; i < count; i++) cr_expect(eq(u32, items[i], wanted[i]), "place %zu", i);
}

Test(box_marks, images_of_one_type_are_spread_from_the_smallest_to_the_largest_box) {
    static made_set m;
    const unsigned types[5] = {1, 1, 1, 1, 1}, sides[5] = {30, 10, 50, 20, 40};
    make_set(&m, types, sides, 5);
    assert_images(&m, 3, (const uint32_t[]){3, 2, 4}, 3);
    assert_images(&m, 5, (const uint32_t[]){3, 5, 2, 6, 4}, 5);
    assert_images(&m, 1, (const uint32_t[]){3}, 1);
}

/* Types 1, 2, 5 in turn; the k-th of four stands at k/3 of its type. */
Test(box_marks, types_take_turns_whatever_their_number_of_images) {
    static made_set m;
    const unsigned types[8] = {5, 1, 1, 1, 1, 2, 2, 2}, sides[8] = {9, 11, 12, 13, 14, 21, 22, 23};
    make_set(&m, types, sides, 8);
    assert_images(&m, 4, (const uint32_t[]){3, 8, 2, 6}, 4);
}

Test(box_marks, no_image_is_shown_twice) {
    static made_set m;
    const unsigned types[3] = {1, 1, 2}, sides[3] = {20, 10, 30};
    make_set(&m, types, sides, 3);
    assert_images(&m, 6, (const uint32_t[]){3, 4, 2}, 3);
    make_set(&m, types, sides, 0);
    assert_images(&m, 6, NULL, 0);
}

Test(sheet_images, goods_with_the_highest_scores_come_first) {
    float scores[6] = {1, 5, 3, 5, 2, 9}; /* the last is a defect */
    const trial_array a = {.data = scores, .count = 6, .goods = 5};
    uint32_t items[6];
    cr_expect(eq(sz, sheet_worst_goods(&a, 3, items), 3));
    cr_expect(items[0] == 1 && items[1] == 3 && items[2] == 2);
    cr_expect(eq(sz, sheet_worst_goods(&a, 6, items), 5));
    const trial_array none = {.data = scores, .count = 6};
    cr_expect(zero(sz, sheet_worst_goods(&none, 2, items)));
}

/* --- which boxes ------------------------------------------------------------------------------------------------- */

static metric_box box(uint32_t image, uint32_t type, float x1, float x2, float score) {
    return (metric_box){.image = image, .type = type, .x1 = x1, .y1 = 0, .x2 = x2, .y2 = 10, .score = score};
}

Test(box_marks, as_many_boxes_exceed_the_threshold_as_are_wanted) {
    metric_box found[5];
    float threshold;
    const float scores[5] = {-3, -1, -5, -2, -4};
    for (size_t i = 0; i < 5; i++) found[i] = box(0, 0, 0, 10, scores[i]);
    for (size_t wanted = 0; wanted < 5; wanted++) {
        size_t above = 0;
        cr_assert(zero(int, box_marks_threshold(found, 5, wanted, &threshold, NULL)));
        for (size_t i = 0; i < 5; i++) above += found[i].score > threshold;
        cr_expect(eq(sz, above, wanted));
    }
    cr_assert(zero(int, box_marks_threshold(found, 5, 5, &threshold, NULL)));
    cr_expect(eq(flt, threshold, -FLT_MAX));
    found[3].score = -3; /* -1, -3, -3: two are wanted, one exceeds */
    cr_assert(zero(int, box_marks_threshold(found, 5, 2, &threshold, NULL)));
    cr_expect(eq(flt, threshold, -3));
}

/* Boxes of width 10; a shift by s gives an IoU of (10 - s) / (10 + s): 1/2 at 10/3. */
Test(box_marks, a_box_is_right_from_an_iou_of_one_half) {
    const metric_box truth[3] = {box(7, 0, 0, 10, 0), box(7, 1, 100, 110, 0), box(8, 0, 50, 60, 0)};
    const metric_box near = box(7, 0, 3, 13, -1), far = box(7, 0, 4, 14, -1), half = box(7, 0, 0, 5, -1);
    const metric_box other = box(7, 0, 100, 110, -1), elsewhere = box(7, 0, 50, 60, -1);
    cr_expect(eq(int, box_marks_of(truth, 3, &near), MARK_RIGHT));
    cr_expect(eq(int, box_marks_of(truth, 3, &half), MARK_RIGHT));
    cr_expect(eq(int, box_marks_of(truth, 3, &far), MARK_WRONG));
    cr_expect(eq(int, box_marks_of(truth, 3, &other), MARK_OTHER_TYPE));
    cr_expect(eq(int, box_marks_of(truth, 3, &elsewhere), MARK_WRONG));
    cr_expect(eq(int, box_marks_of(truth, 0, &near), MARK_WRONG));
}

/* In either order of the true boxes, the one of its type counts. */
Test(box_marks, its_own_type_goes_before_another) {
    const metric_box truth[2] = {box(1, 1, 0, 10, 0), box(1, 0, 1, 11, 0)};
    const metric_box turned[2] = {truth[1], truth[0]}, found = box(1, 0, 0, 10, -1);
    cr_expect(eq(int, box_marks_of(truth, 2, &found), MARK_RIGHT));
    cr_expect(eq(int, box_marks_of(turned, 2, &found), MARK_RIGHT));
}

Test(box_marks, a_true_box_is_found_by_any_type_above_the_threshold) {
    const metric_box truth = box(1, 0, 0, 10, 0);
    const metric_box found[3] = {box(1, 0, 5, 15, -1), box(2, 0, 0, 10, -1), box(1, 4, 0, 10, -3)};
    cr_expect(eq(int, box_marks_is_found(&truth, found, 3, -4), 1));
    cr_expect(zero(int, box_marks_is_found(&truth, found, 3, -3)));
    cr_expect(zero(int, box_marks_is_found(&truth, found, 2, -4)));
}
