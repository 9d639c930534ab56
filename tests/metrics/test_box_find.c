/* What was found of each true box. */
#include "lib/metrics/box_metrics.h"

#include "tests/failing_malloc.h"
#include "tests/metrics/box_set.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Equal, or both NaN. */
static int same(float a, float b) { return a == b || (isnan(a) && isnan(b)); }

static void expect(const char *what, metric_found f, float score, float overlap, float best) {
    cr_assert(eq(int, same(f.score, score), 1), "%s: score %g", what, (double)f.score);
    cr_assert(eq(int, same(f.overlap, overlap), 1), "%s: overlap %g", what, (double)f.overlap);
    cr_assert(eq(int, same(f.best, best), 1), "%s: best %g", what, (double)f.best);
}

Test(box_find, by_hand) {
    const metric_box truth[] = {
        box_row(7, 0, 0, 10, 0),  box_row(7, 1, 2, 12, 0), box_row(7, 0, 50, 60, 0), box_row(3, 0, 50, 60, 0),
        box_row(7, 0, 90, 99, 0), box_row(9, 0, 0, 10, 0), box_row(7, 0, 70, 60, 0), /* inverted */
    };
    const metric_box detection[] = {
        box_row(7, 0, 0, 10, -4),  /* truth 0 exactly, last by score */
        box_row(7, 5, 1, 11, 2),   /* 9/11 of truths 0 and 1: takes the last */
        box_row(7, 0, 0, 8, -1),   /* .8 of truth 0, 6/12 of truth 1 */
        box_row(3, 2, 50, 55, -2), /* half of truth 3, whatever its type */
        box_row(7, 0, 50, 54, 9),  /* .4 of truth 2 */
        box_row(8, 0, 90, 99, 9),  /* truth 4, but in another image */
        box_row(7, 0, 70, 60, 5),
    };
    metric_found f[7];
    cr_assert(zero(int, metric_box_find(truth, 7, detection, 7, 0.5, f, NULL)));
    expect("taken by a lower one", f[0], 2, 0.8f, 1);
    expect("taken by the highest", f[1], 2, (float)(9.0 / 11), (float)(9.0 / 11));
    expect("touched", f[2], -INFINITY, NAN, 0.4f);
    expect("at the level", f[3], -2, 0.5f, 0.5f);
    expect("missed", f[4], -INFINITY, NAN, 0);
    expect("image without detections", f[5], -INFINITY, NAN, 0);
    expect("inverted", f[6], -INFINITY, NAN, 0);
}

/* Two true boxes that one detection shows: both are found, one is taken. */
Test(box_find, one_detection_finds_two_and_takes_one) {
    const metric_box truth[] = {box_row(0, 0, 0, 10, 0), box_row(0, 0, 0, 9, 0)};
    const metric_box detection = box_row(0, 0, 0, 10, 1);
    metric_found f[2];
    cr_assert(zero(int, metric_box_find(truth, 2, &detection, 1, 0.5, f, NULL)));
    expect("taken", f[0], 1, 1, 1);
    expect("found only", f[1], 1, NAN, 0.9f);
}

Test(box_find, nothing) {
    const metric_box b = box_row(0, 0, 0, 10, 1);
    metric_found f;
    cr_assert(zero(int, metric_box_find(&b, 1, NULL, 0, 0.5, &f, NULL)));
    expect("no detections", f, -INFINITY, NAN, 0);
    cr_assert(zero(int, metric_box_find(NULL, 0, &b, 1, 0.5, NULL, NULL)));
}

/* numpy 1.24.2, each rule written out anew over all pairs: 37 of the 57 true boxes. */
Test(box_find, sums_over_a_random_set) {
    metric_box truth[BOX_TRUTHS], detection[BOX_DETECTIONS];
    metric_found f[BOX_TRUTHS];
    double score = 0, overlap = 0, best = 0;
    int found = 0, taken = 0;
    draw_boxes(truth, detection);
    cr_assert(zero(int, metric_box_find(truth, BOX_TRUTHS, detection, BOX_DETECTIONS, 0.5, f, NULL)));
    for (int i = 0; i < BOX_TRUTHS; i++) {
        best += (double)f[i].best;
        if (!isinf(f[i].score)) found++, score += (double)f[i].score;
        if (!isnan(f[i].overlap)) taken++, overlap += (double)f[i].overlap;
    }
    cr_assert(eq(int, found, 37));
    cr_assert(eq(dbl, score, 70));
    cr_assert(eq(int, taken, 37));
    cr_assert(epsilon_eq(dbl, overlap, 24.004167152534233, 1e-6));
    cr_assert(epsilon_eq(dbl, best, 27.134246809949669, 1e-6));
}

Test(box_find, order_does_not_matter) {
    metric_box truth[BOX_TRUTHS], detection[BOX_DETECTIONS], turned[BOX_DETECTIONS];
    metric_found f[BOX_TRUTHS], g[BOX_TRUTHS];
    draw_boxes(truth, detection);
    for (int i = 0; i < BOX_DETECTIONS; i++) {
        detection[i].score += 1e-3f * (float)i;
        turned[BOX_DETECTIONS - 1 - i] = detection[i];
    }
    cr_assert(zero(int, metric_box_find(truth, BOX_TRUTHS, detection, BOX_DETECTIONS, 0.5, f, NULL)));
    cr_assert(zero(int, metric_box_find(truth, BOX_TRUTHS, turned, BOX_DETECTIONS, 0.5, g, NULL)));
    for (int i = 0; i < BOX_TRUTHS; i++) expect("turned", g[i], f[i].score, f[i].overlap, f[i].best);
}

Test(box_find, refuses_numbers_that_are_not_finite) {
    const metric_box good = box_row(0, 0, 0, 10, 1);
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        lb_error error = {0};
        metric_found f = {.best = 42};
        metric_box detection[] = {good, good}, truth = good;
        detection[1].score = bad[i];
        truth.y1 = bad[i];
        cr_assert(eq(int, metric_box_find(&good, 1, detection, 2, 0.5, &f, &error), LB_INVALID));
        cr_assert(strstr(error.message, "detection 1 has a score of") != NULL, "%s", error.message);
        cr_assert(eq(int, metric_box_find(&truth, 1, &good, 1, 0.5, &f, &error), LB_INVALID));
        cr_assert(strstr(error.message, "true box 0 has a coordinate of") != NULL, "%s", error.message);
        cr_assert(eq(flt, f.best, 42));
    }
    metric_box scored = good;
    metric_found f;
    scored.score = NAN; /* nobody reads the score of a true box */
    cr_assert(zero(int, metric_box_find(&scored, 1, &good, 1, 0.5, &f, NULL)));
}

Test(box_find, every_failed_allocation_is_an_error) {
#if FAILING_MALLOC
    const metric_box b = box_row(0, 0, 0, 10, 1);
    for (long n = 0; n <= 3; n++) {
        lb_error error = {0};
        metric_found f = {.best = 42};
        fail_malloc_after(n);
        const int code = metric_box_find(&b, 1, &b, 1, 0.5, &f, &error);
        fail_malloc_after(-1);
        cr_assert(eq(int, code, n < 3 ? LB_MEMORY : LB_OK));
        cr_assert(eq(int, (int)error.code, code));
        cr_assert(eq(int, f.best > 41, code != LB_OK));
    }
#else
    cr_skip_test("the sanitizer has its own malloc");
#endif
}
