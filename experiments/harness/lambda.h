/* The weights of Dice + l1 BCE + l2 focal, read back from the entries of an experiment, and their choice on select. */
#ifndef HARNESS_LAMBDA_H
#define HARNESS_LAMBDA_H

#include "experiments/harness/analysis.h"

enum { MAX_LAMBDAS = 16 };

/* The weights that occur, ascending. */
typedef struct {
    double bce[MAX_LAMBDAS], focal[MAX_LAMBDAS];
    size_t bces, focals;
} lambda_axes;

/* 1 when the expression is dice_bce_focal with both weights written: these are l1 and l2. */
int lambda_weights(const char *expression, double *l1, double *l2);

void lambda_axes_of(const experiment *x, lambda_axes *out);

/* Cell of these weights at a place; (0, 0) is Dice alone. -1: not run, or a seed of it failed. */
long lambda_cell(const evidence *e, const place *p, double l1, double l2);

/* The cell that a validation set chooses: largest mean of select recall over seeds; among equals the least l1 + l2,
   then the least l1. Test scores play no part, so that its recall on test may yet be missing: ask missing_word. -1:
   none. */
long lambda_chosen(const evidence *e, const place *p);

/* The cell of the largest mean of test recall, equals as above: known with hindsight only. -1: none. */
long lambda_best(const evidence *e, const place *p);

#endif
