/* Average precision of detections. */
#include "lib/metrics/box_metrics.h"

#include "tests/failing_malloc.h"
#include "tests/metrics/box_set.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const metric_area_range all = {0, (double)INFINITY};

/* --- by hand ----------------------------------------------------------------------------------------------------- */

/* A box 10 high as box_row makes it; x2 = 0 ends a list. */
typedef struct {
    uint32_t image, type;
    float x1, x2, score;
} row;

typedef struct {
    const char *what;
    row truth[4], detection[4];
    double level, ap;
} by_hand;

static size_t rows(const row *r, metric_box *out) {
    size_t n = 0;
    for (; n < 4 && r[n].x2 != 0; n++) out[n] = box_row(r[n].image, r[n].type, r[n].x1, r[n].x2, r[n].score);
    return n;
}

static void check(const by_hand *c, metric_area_range range) {
    metric_box truth[4], detection[4];
    const size_t truths = rows(c->truth, truth), detections = rows(c->detection, detection);
    double ap = -1;
    cr_assert(zero(int, metric_box_ap(truth, truths, detection, detections, 3, range, &c->level, 1, &ap, NULL)));
    if (isnan(c->ap))
        cr_assert(eq(int, isnan(ap), 1), "%s: %g", c->what, ap);
    else
        cr_assert(epsilon_eq(dbl, ap, c->ap, 1e-14), "%s", c->what);
}

/* Comments say, in the order of the scores: T takes a true box, F takes none. */
static const by_hand cases[] = {
    {"one on one", {{0, 0, 0, 10, 0}}, {{0, 0, 0, 10, -7}}, 0.5, 1},
    /* F T: precision 1/2 at every recall */
    {"false alarm above", {{0, 0, 0, 10, 0}}, {{0, 0, 0, 10, 1}, {0, 0, 30, 40, 2}}, 0.5, 0.5},
    /* T F: recall is 1 before it */
    {"duplicate, nothing left", {{0, 0, 0, 10, 0}}, {{0, 0, 0, 10, 2}, {0, 0, 0, 9, 1}}, 0.5, 1},
    /* T F T: 1 at the recalls 0 .. .50, 2/3 at the other 50 */
    {"duplicate",
     {{0, 0, 0, 10, 0}, {0, 0, 50, 60, 0}},
     {{0, 0, 0, 10, 1}, {0, 0, 0, 6, 3}, {0, 0, 50, 60, 0}},
     0.5,
     (51 + 50 * 2.0 / 3) / 101},
    {"wrong type", {{0, 0, 0, 10, 0}}, {{0, 1, 0, 10, 1}}, 0.5, 0},
    {"wrong image", {{0, 0, 0, 10, 0}}, {{1, 0, 0, 10, 1}}, 0.5, 0},
    {"miss", {{0, 0, 0, 10, 0}, {4, 0, 0, 10, 0}}, {{4, 0, 0, 10, 1}}, 0.5, 51.0 / 101},
    /* F T, one missed */
    {"miss and false alarm",
     {{0, 0, 0, 10, 0}, {1, 0, 0, 10, 0}},
     {{2, 0, 0, 9, 1}, {1, 0, 0, 10, 0}},
     0.5,
     51 * 0.5 / 101},
    /* F T T: 0, 1/2, 2/3; the 2/3 holds for lower recalls too */
    {"monotone",
     {{0, 0, 0, 10, 0}, {1, 0, 0, 10, 0}},
     {{2, 0, 0, 9, 9}, {0, 0, 0, 10, 8}, {1, 0, 0, 10, 7}},
     0.5,
     2.0 / 3},
    {"two types",
     {{0, 0, 0, 10, 0}, {0, 2, 0, 10, 0}, {1, 2, 0, 10, 0}},
     {{0, 0, 0, 10, 1}, {1, 2, 0, 10, 2}},
     0.5,
     (1 + 51.0 / 101) / 2},
    {"type without detections", {{0, 0, 0, 10, 0}, {0, 1, 50, 60, 0}}, {{0, 0, 0, 10, 1}}, 0.5, 0.5},
    {"type without true boxes", {{0, 1, 0, 10, 0}}, {{0, 1, 0, 10, 1}, {0, 0, 0, 10, 2}, {0, 2, 0, 10, 2}}, 0.5, 1},
    /* F T and T F: of equal scores the first given, not the first image */
    {"equal scores", {{0, 0, 0, 10, 0}}, {{1, 0, 0, 10, 1}, {0, 0, 0, 10, 1}}, 0.5, 0.5},
    {"equal scores turned", {{0, 0, 0, 10, 0}}, {{0, 0, 0, 10, 1}, {1, 0, 0, 10, 1}}, 0.5, 1},
    {"IoU at the level", {{0, 0, 0, 10, 0}}, {{0, 0, 0, 5, 1}}, 0.5, 1},
    {"IoU below the level", {{0, 0, 0, 10, 0}}, {{0, 0, 0, 5, 1}}, 0.51, 0},
    {"level 1", {{0, 0, 0, 10, 0}}, {{0, 0, 0, 10, 1}}, 1, 1},
    {"level 1 but for 1e-11", {{0, 0, 0, 1e7f, 0}}, {{0, 0, 1e-4f, 1e7f, 1}}, 1, 1},
    {"level 1 missed", {{0, 0, 0, 1000, 0}}, {{0, 0, 0, 999, 1}}, 1, 0},
    /* the first has 5/11 and 7/9: it leaves the second the one that this covers */
    {"largest overlap", {{0, 0, 0, 8, 0}, {0, 0, 4, 12, 0}}, {{0, 0, 3, 11, 2}, {0, 0, 0, 8, 1}}, 0.4, 1},
    {"largest overlap first", {{0, 0, 4, 12, 0}, {0, 0, 0, 8, 0}}, {{0, 0, 3, 11, 2}, {0, 0, 0, 8, 1}}, 0.4, 1},
    /* 6/10 of both: T F where the last is what the second wants, T T where it is not */
    {"equal overlap", {{0, 0, 0, 8, 0}, {0, 0, 4, 12, 0}}, {{0, 0, 2, 10, 2}, {0, 0, 4, 12, 1}}, 0.5, 51.0 / 101},
    {"equal overlap turned", {{0, 0, 4, 12, 0}, {0, 0, 0, 8, 0}}, {{0, 0, 2, 10, 2}, {0, 0, 4, 12, 1}}, 0.5, 1},
    {"second choice", {{0, 0, 0, 8, 0}, {0, 0, 1, 9, 0}}, {{0, 0, 0, 8, 2}, {0, 0, 0, 8, 1}}, 0.5, 1},
    {"inverted", {{0, 0, 0, 10, 0}, {0, 0, 9, 5, 0}}, {{0, 0, 0, 10, 1}, {0, 0, 9, 5, 2}}, 0.5, 51 * 0.5 / 101},
    {"nothing detected", {{0, 0, 0, 10, 0}}, {{0}}, 0.5, 0},
    {"nothing true", {{0}}, {{0, 0, 0, 10, 1}}, 0.5, (double)NAN},
    {"neither", {{0}}, {{0}}, 0.5, (double)NAN},
};

Test(box_ap, by_hand) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check(cases + i, all);
}

/* Areas from 50 to below 100: widths from 5 to below 10. */
static const by_hand ranged[] = {
    {"true box outside", {{0, 0, 0, 10, 0}}, {{0, 0, 0, 10, 1}}, 0.5, (double)NAN},
    {"low is inside", {{0, 0, 0, 5, 0}}, {{0, 0, 0, 5, 1}}, 0.5, 1},
    {"takes one outside", {{0, 0, 0, 20, 0}, {0, 0, 50, 55, 0}}, {{0, 0, 0, 20, 2}, {0, 0, 50, 55, 1}}, 0.5, 1},
    {"takes one outside, inside itself",
     {{0, 0, 0, 10, 0}, {0, 0, 50, 55, 0}},
     {{0, 0, 0, 9, 2}, {0, 0, 50, 55, 1}},
     0.5,
     1},
    {"takes none, outside", {{0, 0, 0, 5, 0}}, {{0, 0, 50, 70, 2}, {0, 0, 50, 54, 2}, {0, 0, 0, 5, 1}}, 0.5, 1},
    {"takes none, inside", {{0, 0, 0, 5, 0}}, {{0, 0, 50, 56, 2}, {0, 0, 0, 5, 1}}, 0.5, 0.5},
    {"takes one inside, outside itself", {{0, 0, 0, 8, 0}}, {{0, 0, 0, 10, 1}}, 0.5, 1},
    /* .8 of the one inside goes before 1 of the one outside, whichever is given first */
    {"inside first", {{0, 0, 0, 10, 0}, {0, 0, 0, 8, 0}}, {{0, 0, 0, 10, 1}}, 0.5, 1},
    {"inside first, given first", {{0, 0, 0, 8, 0}, {0, 0, 0, 10, 0}}, {{0, 0, 0, 10, 1}}, 0.5, 1},
    {"outside where inside is too little", {{0, 0, 0, 8, 0}, {0, 0, 0, 10, 0}}, {{0, 0, 0, 10, 1}}, 0.9, 0},
    /* the duplicate takes the one outside and is left out */
    {"duplicate takes one outside",
     {{0, 0, 0, 8, 0}, {0, 0, 0, 10, 0}, {0, 0, 50, 55, 0}},
     {{0, 0, 0, 8, 3}, {0, 0, 0, 8, 2}, {0, 0, 50, 55, 1}},
     0.5,
     1},
    /* what is outside can be taken once: - F T, and - - T for a detection outside */
    {"one outside twice",
     {{0, 0, 0, 10, 0}, {0, 0, 50, 55, 0}},
     {{0, 0, 0, 10, 3}, {0, 0, 0, 9, 2}, {0, 0, 50, 55, 1}},
     0.5,
     0.5},
    {"one outside twice, outside",
     {{0, 0, 0, 10, 0}, {0, 0, 50, 55, 0}},
     {{0, 0, 0, 10, 3}, {0, 0, 0, 11, 2}, {0, 0, 50, 55, 1}},
     0.5,
     1},
    {"type outside", {{0, 0, 0, 5, 0}, {0, 1, 0, 10, 0}}, {{0, 0, 0, 5, 1}, {0, 1, 0, 10, 2}, {0, 1, 0, 6, 3}}, 0.5, 1},
    {"only left out", {{0, 0, 0, 5, 0}}, {{0, 0, 50, 70, 1}}, 0.5, 0},
};

Test(box_ap, ranges_of_area_by_hand) {
    const metric_area_range range = {50, 100};
    for (size_t i = 0; i < sizeof ranged / sizeof *ranged; i++) check(ranged + i, range);
}

/* IoU .8: a hit at .5, .55, .. .8 and not at .85, .9, .95. */
Test(box_ap, levels) {
    const metric_box truth = box_row(0, 0, 0, 10, 0), detection = box_row(0, 0, 0, 8, 1);
    double level[10], ap[10], mean = 0;
    for (int i = 0; i < 10; i++) level[i] = (50 + 5 * i) / 100.0;
    cr_assert(zero(int, metric_box_ap(&truth, 1, &detection, 1, 1, all, level, 10, ap, NULL)));
    for (int i = 0; i < 10; i++) mean += ap[i] / 10;
    cr_assert(epsilon_eq(dbl, ap[0], 1, 1e-14));
    cr_assert(epsilon_eq(dbl, ap[5], 1, 1e-14));
    cr_assert(epsilon_eq(dbl, mean, 0.7, 1e-14));
}

/* 7 of 20 reach recall .35, which pycocotools rounds to two numbers: 7 / 20 < 35 * .01. */
Test(box_ap, recalls_are_met_exactly) {
    metric_box truth[20];
    for (uint32_t i = 0; i < 20; i++) truth[i] = box_row(i, 0, 0, 10, 1);
    const double level = 0.5;
    double ap;
    for (size_t found = 0; found <= 20; found++) {
        cr_assert(zero(int, metric_box_ap(truth, 20, truth, found, 1, all, &level, 1, &ap, NULL)));
        cr_assert(epsilon_eq(dbl, ap, found == 0 ? 0 : (double)(5 * found + 1) / 101, 1e-14), "%zu", found);
    }
}

/* --- a random set ------------------------------------------------------------------------------------------------ */

static metric_box truth[BOX_TRUTHS], detection[BOX_DETECTIONS];

static void random_ap(metric_area_range range, const double *level, size_t levels, double *ap) {
    cr_assert(zero(
        int, metric_box_ap(truth, BOX_TRUTHS, detection, BOX_DETECTIONS, BOX_TYPES, range, level, levels, ap, NULL)));
}

/* numpy 1.24.2: evaluateImg and accumulate of pycocotools 2.0 written out anew (its two mergesorts, min(t, 1 - 1e-10),
   true boxes to be ignored last, precision made monotone, searchsorted), with recalls arange(101) / 100. No area is a
   bound of a range, so that it does not matter which bounds a range includes. */
Test(box_ap, as_pycocotools_in_numpy) {
    static const struct {
        metric_area_range range;
        double ap[4], mean;
    } golden[] = {
        {{0, (double)INFINITY},
         {0.34495687940396857, 0.25422347355446034, 0.0071451066675294979, 0},
         0.06743202457570921},
        {{0, 100.5}, {0.50413041304130413, 0.2971397139713971, 0.0049504950495049506, 0}, 0.036974697469746971},
        {{100.5, 250.5}, {0.41346587039656346, 0.32092566399497097, 0.0099009900990099011, 0}, 0.093548461989056045},
        {{250.5, (double)INFINITY},
         {0.45124155272670124, 0.31587664260931586, 0.039970663733039972, 0},
         0.13844924785518847},
    };
    const double few[] = {0.3, 0.5, 0.75, 0.9};
    double level[10], ap[10];
    for (int i = 0; i < 10; i++) level[i] = (50 + 5 * i) / 100.0;
    draw_boxes(truth, detection);
    for (size_t g = 0; g < sizeof golden / sizeof *golden; g++) {
        random_ap(golden[g].range, few, 4, ap);
        for (int i = 0; i < 4; i++) cr_assert(epsilon_eq(dbl, ap[i], golden[g].ap[i], 1e-13), "range %zu", g);
        double mean = 0;
        random_ap(golden[g].range, level, 10, ap);
        for (int i = 0; i < 10; i++) mean += ap[i] / 10;
        cr_assert(epsilon_eq(dbl, mean, golden[g].mean, 1e-13), "range %zu", g);
    }
}

static const double three[] = {0.25, 0.5, 0.75};
static const metric_area_range middle = {100, 250};

static void expect_ap(const double before[3], const double before_middle[3]) {
    double ap[3];
    random_ap(all, three, 3, ap);
    for (int i = 0; i < 3; i++) cr_assert(eq(dbl, ap[i], before[i]));
    random_ap(middle, three, 3, ap);
    for (int i = 0; i < 3; i++) cr_assert(eq(dbl, ap[i], before_middle[i]));
}

Test(box_ap, only_the_order_of_scores_matters) {
    double before[3], before_middle[3];
    draw_boxes(truth, detection);
    random_ap(all, three, 3, before);
    random_ap(middle, three, 3, before_middle);
    for (int i = 0; i < BOX_DETECTIONS; i++) {
        const float s = detection[i].score;
        detection[i].score = s * s * s - 1000;
    }
    expect_ap(before, before_middle);
    for (int i = 0; i < BOX_DETECTIONS; i++) detection[i].score = -detection[i].score;
    double ap[3];
    random_ap(all, three, 3, ap);
    cr_assert(ne(dbl, ap[0], before[0])); /* it does matter */
}

/* Copies the boxes of the images 3, 8, 13, .. (modulo 40), one image after the other. */
static void turn_images(metric_box *boxes, size_t n) {
    metric_box turned[BOX_DETECTIONS];
    size_t out = 0;
    for (uint32_t image = 0; image < BOX_IMAGES; image++)
        for (size_t i = 0; i < n; i++)
            if (boxes[i].image == (7 * image + 3) % BOX_IMAGES) turned[out++] = boxes[i];
    memcpy(boxes, turned, n * sizeof *boxes);
}

/* The order of the images, and their numbers. */
Test(box_ap, order_of_images_does_not_matter) {
    double before[3], before_middle[3];
    draw_boxes(truth, detection);
    for (int i = 0; i < BOX_DETECTIONS; i++) detection[i].score += 1e-3f * (float)i; /* no two equal */
    random_ap(all, three, 3, before);
    random_ap(middle, three, 3, before_middle);
    turn_images(truth, BOX_TRUTHS);
    expect_ap(before, before_middle);
    turn_images(detection, BOX_DETECTIONS);
    expect_ap(before, before_middle);
    for (int i = 0; i < BOX_TRUTHS; i++) truth[i].image = UINT32_MAX - 1000 * truth[i].image;
    for (int i = 0; i < BOX_DETECTIONS; i++) detection[i].image = UINT32_MAX - 1000 * detection[i].image;
    expect_ap(before, before_middle);
}

Test(box_ap, falls_with_the_level) {
    double level[100], ap[100];
    draw_boxes(truth, detection);
    for (int i = 0; i < 100; i++) level[i] = (double)(i + 1) / 100;
    random_ap(all, level, 100, ap);
    for (int i = 1; i < 100; i++) cr_assert(le(dbl, ap[i], ap[i - 1]), "level %g", level[i]);
    cr_assert(gt(dbl, ap[0], 0.2));
    cr_assert(eq(dbl, ap[99], 0));
}

/* --- what is refused --------------------------------------------------------------------------------------------- */

Test(box_ap, refuses_numbers_that_are_not_finite) {
    const metric_box good = box_row(0, 0, 0, 10, 1);
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const double level = 0.5;
    for (int i = 0; i < 3; i++) {
        lb_error error = {0};
        double ap = -1;
        metric_box own[] = {good, good, good};
        own[2].score = bad[i];
        cr_assert(eq(int, metric_box_ap(&good, 1, own, 3, 1, all, &level, 1, &ap, &error), LB_INVALID));
        cr_assert(strstr(error.message, "detection 2 has a score of") != NULL, "%s", error.message);
        cr_assert(eq(int, metric_box_ap(&good, 1, own, 3, 1, all, &level, 1, &ap, NULL), LB_INVALID));
        for (int k = 0; k < 4; k++) {
            metric_box b = good;
            *(k == 0 ? &b.x1 : k == 1 ? &b.y1 : k == 2 ? &b.x2 : &b.y2) = bad[i];
            cr_assert(eq(int, metric_box_ap(&b, 1, own, 2, 1, all, &level, 1, &ap, &error), LB_INVALID));
            cr_assert(strstr(error.message, "true box 0 has a coordinate of") != NULL, "%s", error.message);
            cr_assert(eq(int, metric_box_ap(&good, 1, &b, 1, 1, all, &level, 1, &ap, &error), LB_INVALID));
            cr_assert(strstr(error.message, "detection 0 has a coordinate of") != NULL, "%s", error.message);
        }
        cr_assert(eq(dbl, ap, -1));
    }
}

Test(box_ap, refuses_unknown_types) {
    const metric_box boxes[] = {box_row(0, 1, 0, 10, 1), box_row(0, 2, 0, 10, 1)};
    const double level = 0.5;
    lb_error error = {0};
    double ap = -1;
    cr_assert(eq(int, metric_box_ap(boxes, 2, boxes, 1, 2, all, &level, 1, &ap, &error), LB_INVALID));
    cr_assert(strstr(error.message, "true box 1 is of type 2, but there are 2 types") != NULL, "%s", error.message);
    cr_assert(eq(int, metric_box_ap(boxes, 1, boxes, 2, 2, all, &level, 1, &ap, &error), LB_INVALID));
    cr_assert(strstr(error.message, "detection 1 is of type 2") != NULL, "%s", error.message);
    cr_assert(eq(dbl, ap, -1));
}

Test(box_ap, every_failed_allocation_is_an_error) {
#if FAILING_MALLOC
    const metric_box b = box_row(0, 0, 0, 10, 1); /* so few that qsort needs no memory */
    const double level = 0.5;
    for (long n = 0; n <= 4; n++) {
        lb_error error = {0};
        double ap = -1;
        fail_malloc_after(n);
        const int code = metric_box_ap(&b, 1, &b, 1, 1, all, &level, 1, &ap, &error);
        fail_malloc_after(-1);
        cr_assert(eq(int, code, n < 4 ? LB_MEMORY : LB_OK));
        cr_assert(eq(int, (int)error.code, code));
        cr_assert(eq(int, ap < 0, code != LB_OK));
    }
#else
    cr_skip_test("the sanitizer has its own malloc");
#endif
}
