/* `lossbench eval`: evaluates records, one JSON object a line, for checking the library against other implementations.
   docs/EVAL.md says what a record holds. */
#ifndef HARNESS_EVAL_H
#define HARNESS_EVAL_H

#include "lib/base/error.h"

#include <stddef.h>

typedef enum { EVAL_DOUBLE, EVAL_FLOAT } eval_precision;

/* Answers each line of the files (none: standard input) with a line on standard output. A line that is not JSON gets an
   answer too, and the next ones are read; in the end it is an error, with the number of the first such line. */
int eval_run(char *const *files, size_t count, eval_precision precision, lb_error *error);

#endif
