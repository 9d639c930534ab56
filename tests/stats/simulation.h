/* Simulations run small in `make test` and in full with LOSSBENCH_NIGHTLY=1 (`make nightly`). A share that is estimated
   from n runs may miss its true value by three binomial standard errors: that slack is added to every band. */
#ifndef TESTS_STATS_SIMULATION_H
#define TESTS_STATS_SIMULATION_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

static inline size_t runs(size_t reduced, size_t nightly) {
    const char *set = getenv("LOSSBENCH_NIGHTLY");
    return set && strcmp(set, "1") == 0 ? nightly : reduced;
}

static inline double slack(double share, size_t n) { return 3.0 * sqrt(share * (1.0 - share) / (double)n); }

#endif
