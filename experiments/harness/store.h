/* The trial store: one SQLite file, one row a trial, raw scores as blobs, so that a new metric or false-rejection level
   never needs a retraining. One process at a time has it open for writing; every trial is one transaction. */
#ifndef HARNESS_STORE_H
#define HARNESS_STORE_H

#include "experiments/harness/trial.h"

typedef struct store store;

/* Opens or creates. LB_VERSION: made by another layout; LB_IO: read-only, full, or in use by another run. */
store *store_open(const char *path, lb_error *error);
/* Opens for reading only; the file must be there. */
store *store_open_reader(const char *path, lb_error *error);
void store_close(store *s);

/* 1 when the trial is there and done (`ok` or `diverged`); crashed and timed-out ones count as not done. */
int store_has(store *s, const char *key);

/* Adds or replaces one trial; all or nothing. */
int store_put(store *s, const trial *t, const trial_result *r, lb_error *error);

/* Reads a trial with its arrays; LB_NOT_FOUND when it is not there. Free with trial_result_free. */
int store_get(store *s, const char *key, trial_result *out, lb_error *error);

/* Canonical text of a trial whose key begins with `prefix` into text[TRIAL_TEXT] and its whole key into key[TRIAL_KEY];
   refuses an ambiguous prefix. */
int store_describe(store *s, const char *prefix, char *text, char *key, lb_error *error);

/* Mean seconds of the finished trials of this model on data of this name; 0 when there are none. */
double store_seconds(store *s, const trial *t);

#endif
