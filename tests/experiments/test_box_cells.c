#include "experiments/harness/box_cells.h"

#include "lib/base/rng.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>

/* 4 x 6 cells, images of 32 x 48 pixels */
static const detector_grid grid = {.rows = 4, .columns = 6, .types = 3, .mean_width = 1.5, .mean_height = 0.75};
enum { CELLS = 24, CHANNELS = 8, OBJECTNESS = 3, TX = 4, TY, TW, TH };

/* --- the grid of a data set ----------------------------------------------------------------------------------------
 */

static const char *const names[] = {"good", "crack", "dent", NULL};

Test(detector, the_grid_knows_the_geometric_mean_of_the_boxes_in_train) {
    dataset_box train[] = {{.item = 0, .type = 1, .x1 = 4, .y1 = 8, .x2 = 8, .y2 = 16},    /* 1/2 x 1 cells */
                           {.item = 0, .type = 2, .x1 = 0, .y1 = 0, .x2 = 32, .y2 = 8},    /* 4 x 1 */
                           {.item = 1, .type = 1, .x1 = 10, .y1 = 0, .x2 = 42, .y2 = 64}}; /* 4 x 8 */
    dataset_box test[] = {{.item = 0, .type = 1, .x2 = 1, .y2 = 1}};
    dataset d = {.height = 64, .width = 128, .channels = 1, .type_names = names};
    d.sets[SET_TRAIN].boxes = train;
    d.sets[SET_TRAIN].box_count = 3;
    d.sets[SET_TEST].boxes = test;
    d.sets[SET_TEST].box_count = 1;
    const detector_grid g = detector_grid_of(&d);
    cr_assert(eq(sz, g.rows, 8));
    cr_assert(eq(sz, g.columns, 16));
    cr_assert(eq(sz, g.types, 2));
    cr_assert(eq(sz, detector_cells(&g), 128));
    cr_assert(eq(sz, detector_channels(&g), 7));
    cr_assert(epsilon_eq(dbl, g.mean_width, 2, 1e-12));
    cr_assert(epsilon_eq(dbl, g.mean_height, 2, 1e-12));
}

Test(detector, without_boxes_the_mean_size_is_a_cell) {
    const dataset d = {.height = 16, .width = 8, .type_names = names};
    const detector_grid g = detector_grid_of(&d);
    cr_assert(eq(dbl, g.mean_width, 1));
    cr_assert(eq(dbl, g.mean_height, 1));
}

/* --- owners --------------------------------------------------------------------------------------------------------
 */

/* Compares with a picture of the grid: '.' nobody, '0'.. the box. */
static void assert_owners(const dataset_box *boxes, size_t count, size_t lost, const char *picture) {
    int32_t owner[CELLS];
    char seen[CELLS + 1] = "";
    cr_assert(eq(sz, detector_assign(&grid, boxes, count, owner), lost));
    for (size_t i = 0; i < CELLS; i++) seen[i] = owner[i] < 0 ? '.' : (char)('0' + owner[i]);
    cr_assert(eq(str, seen, (char *)picture));
}

static dataset_box box_at(float x1, float y1, float x2, float y2) {
    return (dataset_box){.type = 1, .x1 = x1, .y1 = y1, .x2 = x2, .y2 = y2};
}

Test(detector, no_box_owns_nothing) { assert_owners(NULL, 0, 0, "........................"); }

Test(detector, a_box_smaller_than_a_cell_owns_the_cell_of_its_centre) {
    const dataset_box b = box_at(17, 9, 19, 11); /* holds no cell's centre */
    assert_owners(&b, 1, 0, "........0...............");
}

Test(detector, a_box_owns_the_neighbours_whose_centres_are_inside) {
    /* centre (20, 12) of cell (1, 2); centres of columns at 12, 20, 28 and rows at 4, 12, 20; edges 28 and 20
       exclusive, 12 and 4 inclusive */
    const dataset_box b = box_at(12, 4, 28, 20);
    assert_owners(&b, 1, 0,
                  ".00..."
                  ".00..."
                  "......"
                  "......");
}

Test(detector, a_large_box_owns_nine_cells_at_most) {
    const dataset_box b = box_at(0, 0, 41, 32); /* centre (20.5, 16): row 2, column 2 */
    assert_owners(&b, 1, 0,
                  "......"
                  ".000.."
                  ".000.."
                  ".000..");
}

Test(detector, a_centre_between_cells_lies_in_the_later_one) {
    const dataset_box b = box_at(15, 7, 17, 9); /* centre (16, 8) */
    assert_owners(&b, 1, 0, "........0...............");
}

Test(detector, boxes_at_the_edge_stay_in_the_grid) {
    const dataset_box corners[] = {box_at(0, 0, 6, 6), box_at(40, 24, 48, 32), box_at(47.5f, 0, 48, 13),
                                   box_at(0, 31, 16, 32)};
    assert_owners(corners, 4, 0,
                  "0....2" /* the centre of box 2 is at y = 6.5, x = 47.75: no column's centre is inside */
                  "......"
                  "......"
                  ".3...1");
}

Test(detector, the_smallest_box_has_a_cell_whatever_the_order) {
    const dataset_box large = box_at(8, 8, 32, 32), small = box_at(16, 16, 24, 24); /* same centre: row 2, column 2 */
    const dataset_box order[] = {large, small}, other[] = {small, large};
    assert_owners(order, 2, 0,
                  "......"
                  ".000.."
                  ".010.."
                  ".000..");
    assert_owners(other, 2, 0,
                  "......"
                  ".111.."
                  ".101.."
                  ".111..");
}

Test(detector, of_equal_boxes_the_first_has_the_cell_and_the_other_is_lost) {
    const dataset_box twins[] = {box_at(17, 9, 19, 11), box_at(18, 9, 20, 11), box_at(0, 0, 2, 2)};
    assert_owners(twins, 3, 1, "2.......0...............");
}

Test(detector, a_box_that_lost_its_centre_may_keep_a_neighbour) {
    const dataset_box b[] = {box_at(12, 9, 28, 15), box_at(19, 11, 21, 13)};
    assert_owners(b, 2, 0, ".......01...............");
}

/* --- boxes of cells ------------------------------------------------------------------------------------------------
 */

static void fill(float channels[CHANNELS], float tx, float ty, float tw, float th) {
    for (size_t i = 0; i < CHANNELS; i++) channels[i] = 77; /* not looked at */
    channels[TX] = tx;
    channels[TY] = ty;
    channels[TW] = tw;
    channels[TH] = th;
}

Test(detector, decoding_gives_the_encoded_box_back) {
    /* x 2.1 .. 5.1, y -0.25 .. 0.95: centre (3.6, 0.35), 3 x 1.2 cells; for the cell in row 1, column 4 */
    float channels[CHANNELS], box[4];
    fill(channels, -0.9f, -1.15f, (float)log(3 / grid.mean_width), (float)log(1.2 / grid.mean_height));
    detector_decode(&grid, channels, 1, 4, box);
    const double want[4] = {2.1, -0.25, 5.1, 0.95};
    for (size_t k = 0; k < 4; k++) cr_assert(epsilon_eq(dbl, (double)box[k], want[k], 1e-6));
}

Test(detector, zeros_are_the_mean_box_at_the_centre_of_the_cell) {
    float channels[CHANNELS], box[4];
    fill(channels, 0, 0, 0, 0);
    detector_decode(&grid, channels, 2, 3, box);
    const float want[4] = {2.75f, 2.125f, 4.25f, 2.875f};
    for (size_t k = 0; k < 4; k++) cr_assert(eq(flt, box[k], want[k]));
}

Test(detector, sizes_are_cut_at_the_reach) {
    float channels[CHANNELS], box[4], far[4];
    fill(channels, 0, 0, DETECTOR_REACH, -DETECTOR_REACH);
    detector_decode(&grid, channels, 0, 0, box);
    fill(channels, 0, 0, 1e30f, -1e30f);
    detector_decode(&grid, channels, 0, 0, far);
    cr_assert(epsilon_eq(dbl, (double)box[2] - (double)box[0], 1.5 * exp(3), 1e-4));
    cr_assert(epsilon_eq(dbl, (double)box[3] - (double)box[1], 0.75 * exp(-3), 1e-6));
    for (size_t k = 0; k < 4; k++) cr_assert(eq(flt, box[k], far[k]));
}

/* Sum of corner[k] * box[k], in double from decoded floats. */
static double weighed(float channels[CHANNELS], const float corner[4]) {
    float box[4];
    double sum = 0;
    detector_decode(&grid, channels, 2, 1, box);
    for (size_t k = 0; k < 4; k++) sum += (double)corner[k] * (double)box[k];
    return sum;
}

static void assert_slope(float channels[CHANNELS]) {
    const float corner[4] = {0.7f, -1.3f, 0.4f, 2.1f};
    float box[4], slope[4] = {1, 2, 3, 4}; /* added to */
    detector_decode(&grid, channels, 2, 1, box);
    detector_decode_slope(&grid, channels, box, corner, slope);
    for (size_t k = 0; k < 4; k++) {
        const float at = channels[TX + k], step = 0x1p-7f;
        channels[TX + k] = at + step;
        const double above = weighed(channels, corner);
        channels[TX + k] = at - step;
        const double below = weighed(channels, corner);
        channels[TX + k] = at;
        const double numeric = (above - below) / (2 * (double)step), size = fmax(1, fabs(numeric));
        cr_assert(epsilon_eq(dbl, (double)slope[k] - (double)(k + 1), numeric, 2e-4 * size), "%zu", k);
    }
}

Test(detector, the_slope_is_that_of_decoding) {
    float channels[CHANNELS];
    rng stream = rng_from_text("detector slopes");
    for (int i = 0; i < 200; i++) {
        fill(channels, rng_uniform(&stream), rng_uniform(&stream), 5 * rng_uniform(&stream) - 2.5f,
             5 * rng_uniform(&stream) - 2.5f);
        assert_slope(channels);
    }
}

/* Descent adds minus the slope: tw = 4.5 comes back by a slope above 0, th = -6 by one below. */
Test(detector, beyond_the_reach_only_the_way_back_has_a_slope) {
    static const struct {
        float corner[4];
        int back[2];
    } cases[] = {{{1, 1, 2, 2}, {1, 0}}, {{2, 2, 1, 1}, {0, 1}}};
    for (size_t i = 0; i < 2; i++) {
        float channels[CHANNELS], box[4], slope[4] = {0};
        fill(channels, 0.2f, -0.3f, 4.5f, -6);
        detector_decode(&grid, channels, 2, 1, box);
        detector_decode_slope(&grid, channels, box, cases[i].corner, slope);
        cr_assert(eq(flt, slope[0], 3));
        cr_assert(eq(flt, slope[1], 3));
        for (size_t axis = 0; axis < 2; axis++) {
            const float side = box[axis + 2] - box[axis];
            const float whole = 0.5f * side * (cases[i].corner[axis + 2] - cases[i].corner[axis]);
            cr_assert(eq(flt, slope[axis + 2], cases[i].back[axis] ? whole : 0), "case %zu, axis %zu", i, axis);
        }
    }
}

/* --- what is found -------------------------------------------------------------------------------------------------
 */

/* Every cell: no objectness to speak of, type 0, and a box of a third of a cell, so that none touches another. */
static void clear_output(float output[CELLS][CHANNELS]) {
    for (size_t i = 0; i < CELLS; i++) {
        fill(output[i], 0, 0, (float)log(1 / (3 * grid.mean_width)), (float)log(1 / (3 * grid.mean_height)));
        output[i][0] = output[i][1] = output[i][2] = 0;
        output[i][OBJECTNESS] = -10;
    }
}

static double log_sigmoid(double z) { return -log1p(exp(-z)); }

Test(detector, every_cell_offers_a_box_of_its_best_type) {
    float output[CELLS][CHANNELS];
    metric_box found[CELLS];
    int finite = 0;
    clear_output(output);
    output[8][OBJECTNESS] = 3; /* row 1, column 2 */
    output[8][1] = 1.5f;
    output[8][2] = 0.5f;
    output[13][OBJECTNESS] = 2; /* row 2, column 1; types 1 and 2 equal */
    output[13][1] = output[13][2] = 2;
    cr_assert(eq(sz, detector_find(&grid, output[0], 7, found, &finite), CELLS));
    cr_assert(eq(int, finite, 1));
    for (size_t i = 0; i < CELLS; i++) cr_assert(eq(u32, found[i].image, 7));
    for (size_t i = 1; i < CELLS; i++) cr_assert(ge(flt, found[i - 1].score, found[i].score));
    cr_assert(eq(u32, found[0].type, 1));
    cr_assert(eq(u32, found[1].type, 1));
    cr_assert(eq(u32, found[2].type, 0));
    cr_assert(epsilon_eq(dbl, (double)found[0].score, log_sigmoid(3) + log_sigmoid(1.5), 1e-6));
    cr_assert(epsilon_eq(dbl, (double)found[1].score, log_sigmoid(2) + log_sigmoid(2), 1e-6));
    cr_assert(epsilon_eq(dbl, (double)found[0].x1, 20 - 4.0 / 3, 1e-5)); /* pixels */
    cr_assert(epsilon_eq(dbl, (double)found[0].y1, 12 - 4.0 / 3, 1e-5));
    cr_assert(epsilon_eq(dbl, (double)found[0].x2, 20 + 4.0 / 3, 1e-5));
    cr_assert(epsilon_eq(dbl, (double)found[0].y2, 12 + 4.0 / 3, 1e-5));
}

Test(detector, scores_of_sure_boxes_still_differ) {
    float output[CELLS][CHANNELS];
    metric_box found[CELLS];
    int finite;
    clear_output(output);
    for (size_t i = 0; i < CELLS; i++) output[i][0] = 40;
    output[3][OBJECTNESS] = 30;
    output[17][OBJECTNESS] = 35;
    detector_find(&grid, output[0], 0, found, &finite);
    cr_assert(gt(flt, found[0].score, found[1].score));
    cr_assert(lt(flt, found[0].score, 0));
    cr_assert(epsilon_eq(flt, found[0].x1, 44 - 4.0f / 3, 1e-4f)); /* cell 17 is in the last column */
}

/* The mean box in two cells side by side, moved onto each other. */
static size_t find_two(uint32_t second_type, float tx) {
    float output[CELLS][CHANNELS];
    metric_box found[CELLS];
    int finite;
    clear_output(output);
    for (size_t i = 8; i <= 9; i++) {
        output[i][OBJECTNESS] = 5;
        output[i][TW] = output[i][TH] = 0;
    }
    output[9][TX] = tx;
    output[9][second_type] = 1;
    output[8][0] = 1;
    return detector_find(&grid, output[0], 0, found, &finite);
}

Test(detector, boxes_of_a_type_that_overlap_by_more_than_half_are_one) {
    cr_assert(eq(sz, find_two(0, -1), CELLS - 1));
    cr_assert(eq(sz, find_two(1, -1), CELLS));
    cr_assert(eq(sz, find_two(0, -0.49f), CELLS));     /* .51 of 1.5 cells apart: IoU .49 */
    cr_assert(eq(sz, find_two(0, -0.51f), CELLS - 1)); /* .49: IoU .51 */
}

Test(detector, boxes_are_cut_to_the_image_and_dropped_outside) {
    float output[CELLS][CHANNELS];
    metric_box found[CELLS];
    int finite;
    clear_output(output);
    fill(output[0], 0, 0, 4, 4); /* covers the image */
    output[0][0] = output[0][1] = output[0][2] = 0;
    output[0][OBJECTNESS] = 9;
    output[5][TX] = 2; /* right of the image */
    output[5][OBJECTNESS] = 10;
    output[6][TY] = -3e38f; /* far above it */
    cr_assert(eq(sz, detector_find(&grid, output[0], 0, found, &finite), CELLS - 2));
    cr_assert(eq(int, finite, 1));
    cr_assert(eq(flt, found[0].x1, 0));
    cr_assert(eq(flt, found[0].y1, 0));
    cr_assert(eq(flt, found[0].x2, 48));
    cr_assert(eq(flt, found[0].y2, 32));
}

static void assert_whole_image(const metric_box *b) {
    cr_assert(eq(u32, b->image, 4));
    cr_assert(eq(u32, b->type, 0));
    cr_assert(eq(flt, b->x1, 0));
    cr_assert(eq(flt, b->y1, 0));
    cr_assert(eq(flt, b->x2, 48));
    cr_assert(eq(flt, b->y2, 32));
    cr_assert(eq(flt, b->score, -FLT_MAX));
}

Test(detector, without_any_box_the_image_is_found_with_the_lowest_score) {
    float output[CELLS][CHANNELS];
    metric_box found[CELLS];
    int finite = 0;
    clear_output(output);
    for (size_t i = 0; i < CELLS; i++) output[i][TX] = 1000;
    cr_assert(eq(sz, detector_find(&grid, output[0], 4, found, &finite), 1));
    cr_assert(eq(int, finite, 1));
    assert_whole_image(found);
}

Test(detector, a_channel_that_is_not_finite_is_told) {
    const float bad[] = {NAN, INFINITY, -INFINITY};
    float output[CELLS][CHANNELS];
    metric_box found[CELLS];
    for (size_t channel = 0; channel < CHANNELS; channel++)
        for (size_t k = 0; k < 3; k++) {
            int finite = 1;
            clear_output(output);
            output[CELLS - 1][channel] = bad[k];
            cr_assert(eq(sz, detector_find(&grid, output[0], 4, found, &finite), 1));
            cr_assert(eq(int, finite, 0));
            assert_whole_image(found);
        }
}

Test(detector, scores_of_the_largest_logits_are_finite) {
    float output[CELLS][CHANNELS];
    metric_box found[CELLS];
    int finite = 0;
    clear_output(output);
    for (size_t k = 0; k <= OBJECTNESS; k++) output[2][k] = -FLT_MAX;
    cr_assert(eq(sz, detector_find(&grid, output[0], 0, found, &finite), CELLS));
    cr_assert(eq(int, finite, 1));
    cr_assert(eq(flt, found[CELLS - 1].score, -FLT_MAX));
}

Test(detector, a_hundred_boxes_are_the_most) {
    const detector_grid wide = {.rows = 11, .columns = 10, .types = 1, .mean_width = 0.5, .mean_height = 0.5};
    float *output = calloc(detector_cells(&wide) * detector_channels(&wide), sizeof *output);
    metric_box *found = malloc(detector_cells(&wide) * sizeof *found);
    int finite;
    cr_assert(ne(ptr, output, NULL));
    cr_assert(ne(ptr, found, NULL));
    output[109 * 6 + 1] = 1; /* the last cell is the best */
    cr_assert(eq(sz, detector_find(&wide, output, 0, found, &finite), DETECTOR_MOST));
    cr_assert(eq(flt, found[0].x2, 78));
    free(output);
    free(found);
}
