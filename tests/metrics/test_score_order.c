/* Sets of many scores: their order, and what happens when memory runs out on the way. */
#include "lib/metrics/metrics.h"

#include "lib/base/rng.h"
#include "tests/failing_malloc.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 3000 };
static float good[MANY], defect[MANY];

static void draw_scores(void) {
    rng stream = rng_from_text("score_order");
    rng_normals(&stream, good, MANY);
    rng_normals(&stream, defect, MANY);
    for (size_t i = 0; i < MANY; i++) defect[i] = roundf(4 * defect[i]) / 4 + 1; /* ties */
}

static int compare_descending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x < y) - (x > y);
}

Test(score_order, many_scores_as_qsort_has_them) {
    metric_scores s;
    draw_scores();
    cr_assert(zero(int, metric_scores_new(&s, good, MANY, defect, MANY, NULL)));
    qsort(good, MANY, sizeof *good, compare_descending);
    qsort(defect, MANY, sizeof *defect, compare_descending);
    for (size_t i = 0; i < MANY; i++) {
        cr_assert(eq(flt, s.good[i], good[i]));
        cr_assert(eq(flt, s.defect[i], defect[i]));
    }
    metric_scores_free(&s);
}

/* A score of -0 is not below one of 0, neither for the areas nor at a threshold. */
Test(score_order, both_zeros_tie) {
    metric_scores s;
    for (size_t i = 0; i < MANY; i++) {
        good[i] = i % 3 ? 0.0f : -0.0f;
        defect[i] = i % 2 ? 0.0f : -0.0f;
    }
    cr_assert(zero(int, metric_scores_new(&s, good, MANY, defect, MANY, NULL)));
    cr_assert(eq(dbl, metric_auroc(&s), 0.5));
    cr_assert(eq(dbl, metric_average_precision(&s, 0.25), 0.25));
    const metric_threshold t = metric_frr_threshold(&s, 0.01);
    cr_assert(eq(sz, t.rejected, 0));
    cr_assert(eq(sz, t.tied, MANY));
    metric_scores_free(&s);
}

Test(score_order, every_failed_allocation_is_an_error) {
#if FAILING_MALLOC
    draw_scores();
    int code = LB_MEMORY;
    long n = 0;
    for (; code; n++) {
        metric_scores s;
        lb_error error = {0};
        fail_malloc_after(n);
        code = metric_scores_new(&s, good, MANY, defect, MANY, &error);
        fail_malloc_after(-1);
        cr_assert(eq(int, code, n < 4 ? LB_MEMORY : LB_OK));
        cr_assert(eq(int, s.good != NULL && s.defect != NULL, !code));
        metric_scores_free(&s);
    }
    cr_assert(eq(int, (int)n, 5));
#else
    cr_skip_test("the sanitizer has its own malloc");
#endif
}
