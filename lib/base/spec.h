/* Parameter tables, and the one notation for anything with a name and parameters:

       focal(gamma=2, alpha=auto)      cnn(width=narrow)      synthetic(texture=brushed, defect=scratch)

   Losses, models and data sets all describe their parameters with `param` tables and are all written this way, in the
   library, in experiment files and on the command line. */
#ifndef BASE_SPEC_H
#define BASE_SPEC_H

#include "lib/base/error.h"

#include <stddef.h>

typedef enum { PARAM_LINEAR, PARAM_LOG, PARAM_LOGIT, PARAM_INTEGER, PARAM_CHOICE } param_scale;

/* A word that stands for a value, e.g. {"off", -1}: allowed whatever the range. */
typedef struct {
    const char *word;
    double value;
} param_word;

typedef struct {
    const char *name;
    double fallback;   /* the default: the published value where there is one */
    double low, high;  /* allowed range, both ends included */
    param_scale scale; /* how a tuner walks low..high (PARAM_LOGIT: log(x/(1-x))); PARAM_CHOICE: only `words` */
    double tune_low, tune_high; /* the part of the range that tuning explores; both 0: not tuned */
    const param_word *words;    /* ends with {NULL, 0}; NULL: none */
    const char *summary;        /* one line, with the unit where there is one */
} param;

enum { SPEC_MAX_PARAMS = 24, SPEC_MAX_TEXT = 512 };

/* Splits "name(args)" or "name" at *text, moves *text behind it. `name` and `args` receive copies (args without the
   parentheses, "" when absent); both hold SPEC_MAX_TEXT bytes. `what` ("loss", "model") is for the sentence. */
int spec_split(const char **text, const char *what, char *name, char *args, lb_error *error);

/* Reads "key=value, key=value" into values[count], defaults first. Refuses unknown, repeated and out-of-range keys,
   naming `owner` ("loss 'focal'") and listing what is allowed. */
int spec_read(const char *args, const char *owner, const param *table, size_t count, double *values, lb_error *error);

/* Puts one value into the table's place for `key`; same refusals. */
int spec_set(const char *key, const char *text, const char *owner, const param *table, size_t count, double *values,
             lb_error *error);

/* Writes the value as its word, or as the shortest decimal that reads back equal. */
void spec_format_value(const param *row, double value, char *out, size_t size);

/* Writes "name(a=1, b=off)" with every parameter, in table order: equal specs give equal text. With
   `only_changed` defaults are left out: the form for people. Returns LB_INVALID if it does not fit. */
int spec_format(const char *name, const param *table, size_t count, const double *values, int only_changed, char *out,
                size_t size);

#endif
