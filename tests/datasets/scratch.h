/* A directory of a test's own. */
#ifndef TESTS_DATASETS_SCRATCH_H
#define TESTS_DATASETS_SCRATCH_H

#include "datasets/dataset.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>

static char root[] = "/tmp/lossbench_XXXXXX";

static void make_root(void) { cr_assert(mkdtemp(root) != NULL); }

static void remove_root(void) {
    char command[80];
    dataset_forget();
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    cr_expect(eq(int, system(command), 0));
}

#endif
