/* Scores for tests: goods N(0,1), defects N(shift,1), rounded to multiples of `step` where ties are wanted (0: none).
 */
#ifndef TESTS_METRICS_BINORMAL_H
#define TESTS_METRICS_BINORMAL_H

#include "lib/base/rng.h"

#include <math.h>

static inline void binormal(const char *stream_name, float shift, float step, float *good, size_t goods, float *defect,
                            size_t defects) {
    rng stream = rng_from_text(stream_name);
    rng_normals(&stream, good, goods);
    rng_normals(&stream, defect, defects);
    for (size_t i = 0; i < defects; i++) defect[i] += shift;
    if (step <= 0.0f) return;
    for (size_t i = 0; i < goods; i++) good[i] = step * roundf(good[i] / step);
    for (size_t i = 0; i < defects; i++) defect[i] = step * roundf(defect[i] / step);
}

#endif
