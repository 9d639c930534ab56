/* Opening a data set while memory runs out: for the tests of importers, each of which includes it once. */
#ifndef TESTS_DATASETS_FAILING_OPEN_H
#define TESTS_DATASETS_FAILING_OPEN_H

#include "datasets/dataset.h"
#include "tests/failing_malloc.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#if FAILING_MALLOC
/* Opens `expression`, found below `search`, with the nth allocation failing, for every n up to `each` and every
   `step`th beyond, until all succeed: each failure must be told, and none may crash. */
static void open_while_memory_fails(const char *expression, const char *search, unsigned want, long each, long step) {
    const dataset_request request = {.want = want, .search = search};
    dataset d;
    lb_error error;
    int code = LB_MEMORY;
    long n = 0;
    for (; code != LB_OK; n += n < each ? 1 : step) {
        cr_assert(lt(long, n, 1000000));
        dataset_forget();
        error = (lb_error){0};
        fail_malloc_after(n);
        code = dataset_open(expression, &request, &d, &error);
        const int spent = calls_before_failure < 0;
        fail_malloc_after(-1);
        cr_assert(code == LB_OK || error.message[0]);
        cr_assert(spent || code == LB_OK, "%s", error.message); /* else nothing would end the loop */
        if (code == LB_OK && spent) {                           /* the failure was absorbed, by stdio or qsort */
            dataset_free(&d);
            code = LB_MEMORY;
        }
    }
    cr_expect(gt(long, n, 100));
    dataset_free(&d);
}
#endif

#endif
