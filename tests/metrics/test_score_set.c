#include "lib/metrics/metrics.h"

#include "tests/failing_malloc.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Test(score_set, sorts_copies_and_leaves_the_input_alone) {
    const float good[] = {1, 3, 2}, defect[] = {5, 4, 6, 5};
    metric_scores s;
    cr_assert(zero(int, metric_scores_new(&s, good, 3, defect, 4, NULL)));
    const float expected_good[] = {3, 2, 1}, expected_defect[] = {6, 5, 5, 4};
    cr_assert(zero(int, memcmp(s.good, expected_good, sizeof expected_good)));
    cr_assert(zero(int, memcmp(s.defect, expected_defect, sizeof expected_defect)));
    cr_assert(eq(flt, good[0], 1));
    cr_assert(epsilon_eq(dbl, metric_prevalence(&s), 4.0 / 7.0, 1e-15));
    metric_scores_free(&s);
}

Test(score_set, refuses_what_has_no_metrics_and_says_why) {
    const float fine[] = {1, 2}, diverged[] = {1, NAN}, infinite[] = {INFINITY};
    metric_scores s;
    lb_error error = {0};
    cr_assert(eq(int, metric_scores_new(&s, diverged, 2, fine, 2, &error), LB_INVALID));
    cr_assert(strstr(error.message, "good score 1 is nan") != NULL, "%s", error.message);
    cr_assert(eq(int, metric_scores_new(&s, fine, 2, infinite, 1, &error), LB_INVALID));
    cr_assert(strstr(error.message, "defect score 0 is inf") != NULL, "%s", error.message);
    cr_assert(eq(int, metric_scores_new(&s, fine, 2, fine, 0, &error), LB_INVALID));
    cr_assert(strstr(error.message, "no defect scores") != NULL, "%s", error.message);
    cr_assert(eq(int, metric_scores_new(&s, fine, 0, fine, 2, NULL), LB_INVALID));
    metric_scores_free(&s); /* safe after a failure */
}

Test(score_set, counts_strictly_above) {
    const float descending[] = {5, 4, 4, 4, 1};
    const float threshold[] = {6, 5, 4.5f, 4, 3, 1, 0};
    const size_t above[] = {0, 0, 1, 1, 4, 4, 5};
    for (size_t i = 0; i < 7; i++) cr_assert(eq(sz, metric_count_above(descending, 5, threshold[i]), above[i]));
    cr_assert(eq(sz, metric_count_above(descending, 0, 1), 0));
}

Test(score_set, a_failed_allocation_is_an_error_and_leaks_nothing) {
#if FAILING_MALLOC
    const float good[] = {1, 3, 2}, defect[] = {5, 4};
    for (long n = 0; n < 2; n++) {
        metric_scores s;
        lb_error error = {0};
        fail_malloc_after(n);
        const int code = metric_scores_new(&s, good, 3, defect, 2, &error);
        fail_malloc_after(-1);
        cr_assert(eq(int, code, LB_MEMORY));
        cr_assert(s.good == NULL && s.defect == NULL);
    }
#else
    cr_skip_test("the sanitizer has its own malloc");
#endif
}
