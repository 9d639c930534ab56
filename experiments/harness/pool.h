/* Workers: forked processes, one trial each, single-threaded. The parent alone writes the store. A worker that crashes,
   hangs past its limit or diverges is a recorded outcome. Kill anything at any time: at most the trials in flight are
   lost. */
#ifndef HARNESS_POOL_H
#define HARNESS_POOL_H

#include "experiments/harness/store.h"

typedef struct {
    unsigned jobs;      /* workers at a time, at least 1 */
    double limit;       /* seconds a trial may take before its worker is killed */
    const char *search; /* where public data are */
    const char *title;  /* of the progress line */
    int quiet;
} pool_options;

enum { POOL_ATTEMPTS = 3 }; /* a worker killed from outside gets its trial tried again */

/* Runs those of `trials` that the store does not hold as done. *failed counts trials that crashed or timed out for
   good. Stops at the first error of the store or of a data set, with finished trials kept. */
int pool_run(const trial *trials, size_t count, store *into, const pool_options *options, size_t *failed,
             lb_error *error);

#endif
