/* A comparison of losses by any one number: rows, lanes and verdicts of a place, the highest mean first. What the
   analyses `boxes` and `types` share. */
#ifndef HARNESS_COMPARE_FIELD_H
#define HARNESS_COMPARE_FIELD_H

#include "experiments/harness/analysis.h"

/* Cells of a place by the mean of a field, the highest first, then those without one; cells holds MAX_ENTRIES. */
size_t compare_ordered(const evidence *e, const place *p, measure_field field, size_t *cells);

/* Place of the baseline among the cells, from 1; 0: it is not there. */
size_t compare_baseline_row(const evidence *e, const place *p, const size_t *cells, size_t count);

/* Seeds of these cells that diverged or did not start. */
unsigned compare_lost_seeds(const evidence *e, const size_t *cells, size_t count);

/* --- cells of tables: a number, or why there is none ------------------------------------------------------------- */

void compare_value_cell(table *t, const evidence *e, size_t c, measure_field field); /* mean with interval */
void compare_mean_cell(table *t, const evidence *e, size_t c, measure_field field);
void compare_difference_cell(table *t, const evidence *e, const place *p, size_t c, measure_field field);
void compare_number_cell(table *t, double value); /* of one trial; "NaN" */

/* Block, loss, and what `write` adds, for every loss of every place in the order of the field. */
typedef void (*compare_row)(table *t, const evidence *e, const place *p, size_t c);
table *compare_rows(const evidence *e, const place *places, size_t count, measure_field order,
                    const char *const *headers, size_t width, compare_row write);

/* What tuning chose, in that form. */
table *compare_settings(const evidence *e, const place *places, size_t count, measure_field order);

/* --- a place ----------------------------------------------------------------------------------------------------- */

/* One lane a loss; `name` is what the field is called. Nothing where there are no numbers. */
int compare_field_lanes(report *r, const evidence *e, const place *p, measure_field field, const char *name,
                        lb_error *error);

/* Appends "`a`, `b`": the cells with that verdict against the cell `base`. */
void compare_add_names(text *to, const evidence *e, const size_t *cells, size_t count, size_t base, measure_field field,
                       stat_verdict_kind wanted);

/* "**dents 1:2**, AP50 against `smooth_l1`: better: `ciou`; unclear: `giou`." */
void compare_say_verdicts(report *r, const evidence *e, const place *p, measure_field field, const char *name);

/* Last cells of a row of every number: at which FR recall is read, or that there are no goods, and the seeds that were
   lost. */
enum { COMPARE_LOST = 4 };
extern const char *const compare_lost_headers[COMPARE_LOST];
void compare_lost_cells(table *t, const evidence *e, const place *p, size_t cell, int goods);

#endif
