/* The catalogue of all losses: docs/LOSSES.md, written from their tables, and a picture of each in plots/losses/ as
   TSV, SVG and PNG. catalogue_path.c has the batches that the pictures follow, catalogue_sheet.c makes a loss's curves
   and draws them, catalogue_text.c writes the document, catalogue.c is the command. */
#ifndef HARNESS_CATALOGUE_H
#define HARNESS_CATALOGUE_H

#include "lib/base/error.h"
#include "lib/base/text.h"
#include "lib/loss/loss.h"

/* Writes both below `out`. `only` narrows it to these losses, "focal,asl"; "": all, plug-ins too. */
int catalogue_write(const char *out, const char *only, lb_error *error);

/* --- for its parts ----------------------------------------------------------------------------------------------- */

enum { PATH_POINTS = 65, PATH_CASES = 3, PATHS = 2 /* of a loss at most */ };

/* Value and slope of a loss along a path. */
typedef struct {
    double value[PATH_POINTS], slope[PATH_POINTS];
} curve;

struct path_batch;

/* A batch that depends on one number x, in up to PATH_CASES cases: the logit of a defect, of a good part. */
typedef struct loss_path {
    const char *axis, *slope_axis; /* what x and the slope are */
    const char *text;              /* for the document: what happens along it */
    double low, high;              /* of x */
    int powers;                    /* x is 2^low .. 2^high */
    const char *cases[PATH_CASES]; /* their names, then NULL; a single one needs none: "" */
    const char *reference;         /* a well-known loss to compare with */
    double rules[2];               /* places on x to be marked; 0: none */
    const double *goods, *defects; /* x of the others in the batch, which stand still; NULL: none */
    size_t good_count, defect_count;
    void (*place)(struct path_batch *b, double x, size_t which);
    double (*slope_of)(const struct path_batch *b);
} loss_path;

/* Those that a loss is drawn along, then NULL. */
void paths_of(const loss_type *type, const loss_path *out[PATHS + 1]);

double path_x(const loss_path *path, size_t point);
int path_follow(const loss_path *path, size_t which, const char *expression, curve *out, lb_error *error);

/* Draws <stem>.tsv, .svg and .png. */
int sheet_draw(const loss_type *type, const char *stem, lb_error *error);

/* Appends the document on the losses of `only`. */
int catalogue_text(const char *only, text *out, lb_error *error);

#endif
