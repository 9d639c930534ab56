/* Average precision of predicted instances. */
#include "lib/metrics/mask_metrics.h"

#include "tests/failing_malloc.h"
#include "tests/metrics/mask_picture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- by hand ----------------------------------------------------------------------------------------------------- */

enum { ROW = 13, MOST_IMAGES = 3 };

/* Images of one row. A digit of `called` is a logit of that much, '.' one of -5; the threshold is 0.5. Comments say, in
   the order of the scores: T a true instance taken, F none. */
static const struct {
    const char *what;
    size_t images;
    const char *truth[MOST_IMAGES], *called[MOST_IMAGES];
    double level, ap;
} cases[] = {
    {"perfect", 1, {"###...##....."}, {"777...33....."}, 0.99, 1},
    /* F T: precision 1/2 at every recall */
    {"false positive above", 1, {"###.........."}, {"333....77...."}, 0.5, 0.5},
    /* T F: recall is 1 before it */
    {"false positive below", 1, {"###.........."}, {"777....33...."}, 0.5, 1},
    /* T F T: 1 at the recalls 0 .. .50, 2/3 at the other 50 */
    {"duplicate", 1, {"#####..###..."}, {"99.44..222..."}, 0.4, (51 + 50 * 2.0 / 3) / 101},
    /* F F T: neither half has an IoU of 1/2; 1/3 at the recalls 0 .. .50 */
    {"halves below the level", 1, {"#####..###..."}, {"99.44..222..."}, 0.5, 51 / 3.0 / 101},
    /* T, one missed */
    {"miss", 1, {"###....##...."}, {"444.........."}, 0.5, 51.0 / 101},
    /* F T, one missed */
    {"miss and false positive", 1, {"###....##...."}, {"444.......77."}, 0.5, 51 * 0.5 / 101},
    /* T T: the first takes what it covers best (6/9), not what comes first (2/13), which is left for the second */
    {"largest overlap", 1, {"######.######"}, {"333.777777777"}, 0.1, 1},
    {"largest overlap first", 1, {"######.######"}, {"777777777.333"}, 0.1, 1},
    /* F F T: what lies at the same place in another image is not taken */
    {"images apart", 2, {"............#", "###.........."}, {"777..........", "333.........9"}, 0.5, 51.0 / 303},
    /* T F by the means of the probabilities (.8808, .8655); the largest logits would say F T */
    {"mean and not largest", 1, {"##..........."}, {"22....91....."}, 0.5, 1},
    /* F T and T F: of equal scores the first image */
    {"equal scores", 2, {".............", "##..........."}, {"22...........", "22..........."}, 0.5, 0.5},
    {"equal scores turned", 2, {"##...........", "............."}, {"22...........", "22..........."}, 0.5, 1},
    {"equal scores in one image", 1, {"......##....."}, {"22....22....."}, 0.5, 0.5},
    {"IoU at the level", 1, {"####........."}, {"77..........."}, 0.5, 1},
    {"level 1", 1, {"####..##....."}, {"7777..333...."}, 1, 51.0 / 101},
    {"nothing called", 1, {"####........."}, {"............."}, 0.5, 0},
    {"nothing true", 2, {".............", "............."}, {"777..........", "............."}, 0.5, (double)NAN},
    {"neither", 1, {"............."}, {"............."}, 0.5, (double)NAN},
};

/* Images of height 1 drawn as text, as a set. */
static metric_masks draw_rows(size_t images, const char *const *truth, const char *const *called) {
    static float logit[MOST_IMAGES * ROW];
    static unsigned char mask[MOST_IMAGES * ROW];
    for (size_t i = 0; i < images * ROW; i++) {
        const char c = called[i / ROW][i % ROW];
        logit[i] = c == '.' ? -5.0f : (float)(c - '0');
    }
    draw_mask(truth, images, ROW, mask);
    return (metric_masks){.images = images, .height = 1, .width = ROW, .logit = logit, .mask = mask};
}

Test(mask_instance_ap, by_hand) {
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const metric_masks m = draw_rows(cases[i].images, cases[i].truth, cases[i].called);
        double ap = -1;
        cr_assert(zero(int, metric_instance_ap(&m, 0.5f, &cases[i].level, 1, &ap, NULL)));
        if (isnan(cases[i].ap))
            cr_assert(eq(int, isnan(ap), 1), "%s: %g", cases[i].what, ap);
        else
            cr_assert(epsilon_eq(dbl, ap, cases[i].ap, 1e-14), "%s", cases[i].what);
    }
}

/* Saturated: probabilities 0 and 1, no NaN. By the level of call, -80 can be called too. */
Test(mask_instance_ap, huge_logits) {
    const float sharp[] = {1e30f, 80, -1e30f, -80, 80, -1e30f}, low[] = {-80, -80, -1e30f, -90, -80, -90};
    const unsigned char mask[] = {255, 255, 0, 0, 255, 0};
    const double level = 0.5;
    metric_masks m = {.images = 1, .height = 1, .width = 6, .logit = sharp, .mask = mask};
    double ap;
    cr_assert(zero(int, metric_instance_ap(&m, 0, &level, 1, &ap, NULL)));
    cr_assert(eq(dbl, ap, 1));
    m.logit = low;
    cr_assert(zero(int, metric_instance_ap(&m, -85, &level, 1, &ap, NULL)));
    cr_assert(eq(dbl, ap, 1));
    cr_assert(zero(int, metric_instance_ap(&m, -2e30f, &level, 1, &ap, NULL))); /* all is one instance: 2 of 6 */
    cr_assert(eq(dbl, ap, 0));
}

/* --- a random set ------------------------------------------------------------------------------------------------ */

enum { IMAGES = 12, HEIGHT = 12, WIDTH = 16, PIXELS = HEIGHT * WIDTH };
static float logit[IMAGES * PIXELS];
static unsigned char mask[IMAGES * PIXELS];
static const metric_masks set = {.images = IMAGES, .height = HEIGHT, .width = WIDTH, .logit = logit, .mask = mask};

/* True blocks of 3 x 4 pixels, logits (byte - 128) / 32 around 0.75 and -3. */
static void draw_set(void) {
    uint32_t state = 2024;
    for (size_t image = 0; image < IMAGES; image++) {
        unsigned char *const own = mask + image * PIXELS;
        unsigned char block[4][4];
        for (size_t b = 0; b < 16; b++) block[b / 4][b % 4] = draw_byte(&state) < 40 ? 255 : 0;
        for (size_t i = 0; i < PIXELS; i++) own[i] = block[i / WIDTH / 3][i % WIDTH / 4];
        for (size_t i = 0; i < PIXELS; i++)
            logit[image * PIXELS + i] = (float)(draw_byte(&state) - 128) / 32 + (own[i] ? 0.75f : -3.0f);
    }
}

/* numpy 1.24.2 and scipy 1.10.1 (ndimage.label): evaluateImg and accumulate of pycocotools 2.0 written out anew (its
   two mergesorts, min(t, 1 - 1e-10), precision made monotone, searchsorted of linspace(0, 1, 101)). 17 true instances;
   144 predicted at threshold 0 and 35 at 1. */
Test(mask_instance_ap, as_the_rule_of_coco_in_numpy) {
    const double level[] = {0.1, 0.25, 0.5, 0.75, 0.9};
    const double at_0[] = {0.85254596888260203, 0.7296872544397297, 0.31188118811881188, 0.0066006600660065999, 0};
    const double at_1[] = {0.40307333900810904, 0.18611386138613861, 0};
    double ap[5];
    draw_set();
    cr_assert(zero(int, metric_instance_ap(&set, 0, level, 5, ap, NULL)));
    for (int i = 0; i < 5; i++) cr_assert(epsilon_eq(dbl, ap[i], at_0[i], 1e-13), "level %g", level[i]);
    cr_assert(zero(int, metric_instance_ap(&set, 1, level + 1, 3, ap, NULL)));
    for (int i = 0; i < 3; i++) cr_assert(epsilon_eq(dbl, ap[i], at_1[i], 1e-13), "level %g", level[i + 1]);
}

/* Logits that differ in every pixel, so that no order of equal scores matters. */
static void break_ties(void) {
    for (size_t i = 0; i < IMAGES * PIXELS; i++) logit[i] += (float)i * 1e-5f;
}

Test(mask_instance_ap, order_of_images_does_not_matter) {
    static float turned_logit[IMAGES * PIXELS];
    static unsigned char turned_mask[IMAGES * PIXELS];
    const double level[] = {0.1, 0.25, 0.5, 0.75};
    double ap[4], turned_ap[4];
    draw_set();
    break_ties();
    for (size_t i = 0; i < IMAGES; i++) {
        const size_t to = (5 * i + 3) % IMAGES;
        memcpy(turned_logit + to * PIXELS, logit + i * PIXELS, PIXELS * sizeof *logit);
        memcpy(turned_mask + to * PIXELS, mask + i * PIXELS, PIXELS);
    }
    metric_masks turned = set;
    turned.logit = turned_logit;
    turned.mask = turned_mask;
    cr_assert(zero(int, metric_instance_ap(&set, 0, level, 4, ap, NULL)));
    cr_assert(zero(int, metric_instance_ap(&turned, 0, level, 4, turned_ap, NULL)));
    for (int i = 0; i < 4; i++) cr_assert(eq(dbl, ap[i], turned_ap[i]));
    cr_assert(gt(dbl, ap[0], ap[3]));
}

/* A wider frame, and the pictures anywhere in it. */
Test(mask_instance_ap, does_not_move_with_the_masks) {
    enum { TALL = 15, WIDE = 21, WHOLE = TALL * WIDE };
    static float wide_logit[IMAGES * WHOLE];
    static unsigned char wide_mask[IMAGES * WHOLE];
    const double level[] = {0.25, 0.5};
    double ap[2], moved_ap[2];
    draw_set();
    for (size_t i = 0; i < IMAGES * WHOLE; i++) wide_logit[i] = -9;
    for (size_t i = 0; i < IMAGES; i++) {
        const size_t top = i % 4, left = i % 6;
        place_mask(mask + i * PIXELS, HEIGHT, WIDTH, top, left, wide_mask + i * WHOLE, TALL, WIDE);
        for (size_t p = 0; p < PIXELS; p++)
            wide_logit[i * WHOLE + (top + p / WIDTH) * WIDE + left + p % WIDTH] = logit[i * PIXELS + p];
    }
    const metric_masks moved = {
        .images = IMAGES, .height = TALL, .width = WIDE, .logit = wide_logit, .mask = wide_mask};
    cr_assert(zero(int, metric_instance_ap(&set, 0, level, 2, ap, NULL)));
    cr_assert(zero(int, metric_instance_ap(&moved, 0, level, 2, moved_ap, NULL)));
    for (int i = 0; i < 2; i++) cr_assert(eq(dbl, ap[i], moved_ap[i]));
}

Test(mask_instance_ap, falls_with_the_level) {
    double level[100], ap[100];
    draw_set();
    break_ties();
    for (int i = 0; i < 100; i++) level[i] = (double)(i + 1) / 100;
    cr_assert(zero(int, metric_instance_ap(&set, 0.5f, level, 100, ap, NULL)));
    for (int i = 1; i < 100; i++) cr_assert(le(dbl, ap[i], ap[i - 1]));
    cr_assert(gt(dbl, ap[0], 0.5));
}

Test(mask_instance_ap, refuses_logits_that_are_not_finite) {
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const double level = 0.5;
    for (int i = 0; i < 3; i++) {
        lb_error error = {0};
        double ap;
        draw_set();
        logit[700] = bad[i];
        cr_assert(eq(int, metric_instance_ap(&set, 0, &level, 1, &ap, &error), LB_INVALID));
        cr_assert(strstr(error.message, "the logit of pixel 700 is") != NULL, "%s", error.message);
        cr_assert(eq(int, metric_instance_ap(&set, 0, &level, 1, &ap, NULL), LB_INVALID));
    }
}

Test(mask_instance_ap, every_failed_allocation_is_an_error) {
#if FAILING_MALLOC
    const metric_masks m = draw_rows(1, cases[0].truth, cases[0].called); /* so few that qsort needs no memory */
    for (long n = 0; n <= 6; n++) {
        lb_error error = {0};
        double level = 0.5, ap = -1;
        fail_malloc_after(n);
        const int code = metric_instance_ap(&m, 0.5f, &level, 1, &ap, &error);
        fail_malloc_after(-1);
        cr_assert(eq(int, code, n < 6 ? LB_MEMORY : LB_OK));
        cr_assert(eq(int, (int)error.code, code));
        cr_assert(eq(int, ap < 0, code != LB_OK));
    }
#else
    cr_skip_test("the sanitizer has its own malloc");
#endif
}
