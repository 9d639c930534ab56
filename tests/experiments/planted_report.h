/* One campaign and its report, on a store in memory that a test plants with made-up trials, written below a directory
   of its own. Every test has its own process, and so these to itself. */
#ifndef TESTS_EXPERIMENTS_PLANTED_REPORT_H
#define TESTS_EXPERIMENTS_PLANTED_REPORT_H

#include "experiments/harness/report.h"

extern campaign the_campaign; /* of no study yet; large */
extern report the_report;

/* Makes the directory and an empty store. Then expand studies into the campaign, and count them. */
void planted_begin(void);

/* Frees all of it: the studies, their evidence, the store, the directory. */
void planted_end(void);

/* Of study `i`, once its trials are planted. */
void planted_read(size_t i);

/* An analysis of the first study, which must succeed. */
void planted_run(int (*analyse)(report *, const evidence *, lb_error *));

/* The report has, or has not, this part. */
void says(const char *part);
void says_not(const char *part);

/* Files below the directory: it is there; a line begins with `start`; a word is in it; the first line that begins with
   `start`, which there must be, without its end, until the next call. */
void is_there(const char *file);
int has_line(const char *file, const char *start);
int contains(const char *file, const char *word);
const char *line_of(const char *file, const char *start);

/* Cell `column` of the row of claims.tsv that begins with `claim`; "": there is none. */
void read_claim(const char *claim, int column, char *out, size_t size);

/* places.tsv must have one row that begins so. */
void read_place(const char *row);

#endif
