/* Connected components and true instances. */
#include "lib/metrics/mask_metrics.h"

#include "lib/base/rng.h"
#include "tests/failing_malloc.h"
#include "tests/metrics/mask_picture.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEIGHT = SCATTERED_HEIGHT, WIDTH = SCATTERED_WIDTH, PIXELS = HEIGHT * WIDTH, MASKS = SCATTERED };

static const size_t golden_count[MASKS] = {18, 7, 3};

static uint32_t label_of(char c) { return c == '.' ? 0 : c <= '9' ? (uint32_t)(c - '0') : (uint32_t)(c - 'a') + 10; }

Test(mask_components, as_scipy_labels_random_masks) {
    for (size_t m = 0; m < MASKS; m++) {
        unsigned char inside[PIXELS];
        uint32_t label[PIXELS];
        draw_mask(scattered[m], HEIGHT, WIDTH, inside);
        cr_assert(eq(sz, metric_components(inside, HEIGHT, WIDTH, label), golden_count[m]));
        for (size_t i = 0; i < PIXELS; i++)
            cr_assert(eq(u32, label[i], label_of(scattered[m][i / WIDTH][i % WIDTH])), "mask %zu, pixel %zu", m, i);
    }
}

static void flood(const unsigned char *inside, size_t height, size_t width, size_t pixel, uint32_t number,
                  uint32_t *label) {
    label[pixel] = number;
    const size_t y = pixel / width, x = pixel % width;
    for (size_t v = y > 0 ? y - 1 : 0; v <= y + 1 && v < height; v++)
        for (size_t u = x > 0 ? x - 1 : 0; u <= x + 1 && u < width; u++)
            if (inside[v * width + u] && !label[v * width + u])
                flood(inside, height, width, v * width + u, number, label);
}

/* The definition: flood from each pixel that has no label yet. Shapes with one row or column are among them. */
Test(mask_components, equal_a_flood_on_many_masks) {
    enum { LARGEST = 24 };
    rng stream = rng_from_text("components");
    for (int round = 0; round < 600; round++) {
        const size_t height = 1 + rng_below(&stream, LARGEST), width = 1 + rng_below(&stream, LARGEST);
        const uint32_t percent = rng_below(&stream, 101);
        unsigned char inside[LARGEST * LARGEST];
        uint32_t label[LARGEST * LARGEST], expected[LARGEST * LARGEST] = {0}, count = 0;
        for (size_t i = 0; i < height * width; i++) inside[i] = rng_below(&stream, 100) < percent;
        for (size_t i = 0; i < height * width; i++)
            if (inside[i] && !expected[i]) flood(inside, height, width, i, ++count, expected);
        cr_assert(eq(sz, metric_components(inside, height, width, label), count));
        cr_assert(zero(int, memcmp(label, expected, height * width * sizeof *label)), "round %d", round);
    }
}

Test(mask_components, empty_full_and_spiral) {
    static const char *const spiral[5] = {"#######", "......#", "#####.#", "#.....#", "#######"};
    unsigned char inside[35];
    uint32_t label[35];
    draw_mask(spiral, 5, 7, inside);
    cr_assert(eq(sz, metric_components(inside, 5, 7, label), 1));
    memset(inside, 0, sizeof inside);
    cr_assert(eq(sz, metric_components(inside, 5, 7, label), 0));
    for (size_t i = 0; i < 35; i++) cr_assert(zero(u32, label[i]));
    memset(inside, 7, sizeof inside);
    cr_assert(eq(sz, metric_components(inside, 5, 7, label), 1));
    for (size_t i = 0; i < 35; i++) cr_assert(eq(u32, label[i], 1));
    cr_assert(eq(sz, metric_components(inside, 0, 7, label), 0));
}

/* --- true instances ---------------------------------------------------------------------------------------------- */

/* Three images of 2 x 4: two instances, none, one. */
static const unsigned char true_mask[] = {255, 0, 0,   255, /**/ 0, 255, 0, 128, /**/ 0,   0,   127, 0,
                                          0,   0, 126, 0,   /**/ 0, 255, 0, 0,   /**/ 200, 255, 0,   0};
static const float true_logit[] = {-80, 9, 9, 3, /**/ 9, -3, 9,       1e30f, /**/ 9,  9,   9, 9,
                                   9,   9, 9, 9, /**/ 9, -7, FLT_MAX, 9,     /**/ -8, -90, 9, 9};
static const metric_masks true_set = {.images = 3, .height = 2, .width = 4, .logit = true_logit, .mask = true_mask};

Test(mask_instances, by_hand) {
    const metric_instance expected[] = {{0, 2, -3}, {0, 2, 1e30f}, {2, 3, -7}};
    metric_instance *found;
    size_t count;
    cr_assert(zero(int, metric_instances(&true_set, &found, &count, NULL)));
    cr_assert(eq(sz, count, 3));
    for (size_t i = 0; i < count; i++) {
        cr_assert(eq(u32, found[i].image, expected[i].image));
        cr_assert(eq(u32, found[i].area, expected[i].area));
        cr_assert(eq(flt, found[i].score, expected[i].score));
    }
    free(found);
}

Test(mask_instances, none_and_no_images) {
    static const unsigned char none[24] = {0};
    metric_masks m = true_set;
    metric_instance *found;
    size_t count = 7;
    m.mask = none;
    cr_assert(zero(int, metric_instances(&m, &found, &count, NULL)));
    cr_assert(zero(sz, count));
    free(found);
    m.images = 0;
    cr_assert(zero(int, metric_instances(&m, &found, &count, NULL)));
    cr_assert(zero(sz, count));
    free(found);
}

/* All instances of all images together, whatever is around them. */
Test(mask_instances, areas_sum_to_the_defect_pixels) {
    static unsigned char mask[MASKS * PIXELS];
    static float logit[MASKS * PIXELS];
    size_t count, pixels = 0, area = 0;
    metric_instance *found;
    for (size_t m = 0; m < MASKS; m++) draw_mask(scattered[m], HEIGHT, WIDTH, mask + m * PIXELS);
    for (size_t i = 0; i < MASKS * PIXELS; i++) pixels += mask[i] > 127;
    const metric_masks set = {.images = MASKS, .height = HEIGHT, .width = WIDTH, .logit = logit, .mask = mask};
    cr_assert(zero(int, metric_instances(&set, &found, &count, NULL)));
    cr_assert(eq(sz, count, golden_count[0] + golden_count[1] + golden_count[2]));
    for (size_t i = 0; i < count; i++) area += found[i].area;
    cr_assert(eq(sz, area, pixels));
    free(found);
}

Test(mask_instances, refuses_logits_that_are_not_finite) {
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        float logit[24] = {0};
        metric_masks m = true_set;
        metric_instance *found;
        size_t count;
        lb_error error = {0};
        logit[23] = bad[i];
        m.logit = logit;
        cr_assert(eq(int, metric_instances(&m, &found, &count, &error), LB_INVALID));
        cr_assert(strstr(error.message, "the logit of pixel 23 is") != NULL, "%s", error.message);
        cr_assert(eq(int, found == NULL && count == 0, 1));
    }
}

Test(mask_instances, every_failed_allocation_is_an_error) {
#if FAILING_MALLOC
    int code = LB_MEMORY;
    for (long n = 0; code; n++) {
        metric_instance *found;
        size_t count;
        lb_error error = {0};
        fail_malloc_after(n);
        code = metric_instances(&true_set, &found, &count, &error);
        fail_malloc_after(-1);
        cr_assert(eq(int, code, n < 3 ? LB_MEMORY : LB_OK));
        cr_assert(eq(int, (int)error.code, code));
        cr_assert(eq(int, found != NULL, !code));
        free(found);
    }
#else
    cr_skip_test("the sanitizer has its own malloc");
#endif
}
