/* Figures: a table and a gnuplot script become <stem>.tsv, <stem>.svg and <stem>.png.

   C computes, gnuplot draws: a script reads the numbers from the TSV, which stays beside the pictures, so that every
   point can be checked. The scripts are plots/NAME.gp; the head of each lists its columns and options. The same table
   and options give the same bytes. */
#ifndef HARNESS_FIGURE_H
#define HARNESS_FIGURE_H

#include "lib/base/error.h"
#include "lib/base/text.h"

/* An option of a script. Any text is drawn literally: quotes, %, {}, _, backquotes; "\n" breaks a line. A NULL value
   leaves the option out. A list ends with {NULL, NULL}; NULL is an empty list. */
typedef struct figure_option {
    const char *name, *value;
} figure_option;

/* Draws `data` with <scripts>/<script>.gp (scripts NULL: "plots", below the working directory). The directory of `stem`
   must exist. `note` becomes the first line of the TSV as a comment; NULL: none. Numbers in cells are read up to their
   first other character ("0.71 *" is 0.71); an empty cell or a word is "no number". All three files are replaced
   together, or none is: a failure leaves the old ones. Refuses option names that the script does not know,
   text that is not UTF-8, and cells with a double quote or backslash, which gnuplot would misread. */
int figure_draw(const char *scripts, const char *script, const char *stem, const table *data, const char *note,
                const figure_option *options, lb_error *error);

#endif
