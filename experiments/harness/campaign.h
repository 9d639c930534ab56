/* A campaign: all selected experiments of one profile, their studies, and the phases tuning -> choice -> final trials.
 */
#ifndef HARNESS_CAMPAIGN_H
#define HARNESS_CAMPAIGN_H

#include "experiments/harness/pool.h"
#include "experiments/harness/study.h"

enum { MAX_STUDIES = 64, PATH_SIZE = 1024 };

typedef struct {
    selection chosen;
    char out[PATH_SIZE];         /* everything is written below it */
    char search[PATH_SIZE];      /* where public data are */
    char experiments[PATH_SIZE]; /* directory of the ini files */
    unsigned jobs;
    double limit;               /* seconds a trial may take */
    study studies[MAX_STUDIES]; /* in the order of the file names */
    size_t count;
} campaign;

/* Reads and expands every selected experiment; refuses an ONLY name that does not exist. Free with campaign_close. */
int campaign_open(campaign *c, lb_error *error);
void campaign_close(campaign *c);

/* Path of the store, made with its directories when `create`. */
int campaign_store_path(const campaign *c, int create, char *out, lb_error *error);

/* Trains what is missing. *failed counts trials that crashed or timed out. */
int campaign_run(campaign *c, store *into, size_t *failed, lb_error *error);

/* Prints the number of trials per experiment, how many are to be trained, and the expected time. */
int campaign_plan(campaign *c, lb_error *error);

/* mkdir -p */
int make_directories(const char *path, lb_error *error);

#endif
