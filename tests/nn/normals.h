/* Numbers to feed a network with. */
#ifndef TESTS_NN_NORMALS_H
#define TESTS_NN_NORMALS_H

#include "lib/base/rng.h"

#include <criterion/criterion.h>
#include <stdlib.h>

/* n standard normals; the caller frees them. */
static float *normals(rng *stream, size_t n) {
    float *out = malloc(n * sizeof *out);
    cr_assert(out != NULL);
    rng_normals(stream, out, n);
    return out;
}

#endif
