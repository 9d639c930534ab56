#include "experiments/harness/lambda.h"
#include "experiments/harness/mask_analysis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double equal_means = 1e-9; /* the rounding of a mean over seeds */

int lambda_weights(const char *expression, double *l1, double *l2) {
    static const char name[] = "dice_bce_focal(";
    return strncmp(expression, name, sizeof name - 1) == 0 && argument_number(expression, "lambda_bce", l1) &&
           argument_number(expression, "lambda_focal", l2);
}

static void add_weight(double *axis, size_t *count, double weight) {
    size_t at = 0;
    while (at < *count && axis[at] < weight) at++;
    if (*count == MAX_LAMBDAS || (at < *count && axis[at] == weight)) return;
    memmove(&axis[at + 1], &axis[at], (*count - at) * sizeof *axis);
    axis[at] = weight;
    (*count)++;
}

void lambda_axes_of(const experiment *x, lambda_axes *out) {
    *out = (lambda_axes){0};
    for (size_t i = 0; i < x->entry_count; i++) {
        double l1, l2;
        if (!lambda_weights(x->entries[i].loss, &l1, &l2)) continue;
        add_weight(out->bce, &out->bces, l1);
        add_weight(out->focal, &out->focals, l2);
    }
}

/* 1 when the cell is of that place and of the grid, and complete. */
static int is_grid_cell(const evidence *e, size_t c, const place *p, double *l1, double *l2) {
    const cell *at = &e->study->cells[c];
    return at->block == p->b && at->ratio == p->ratio && lambda_weights(at->entry->loss, l1, l2) &&
           !troubles_of(e, c).failed;
}

long lambda_cell(const evidence *e, const place *p, double l1, double l2) {
    for (size_t c = 0; c < e->study->cell_count; c++) {
        double a, b;
        if (is_grid_cell(e, c, p, &a, &b) && a == l1 && b == l2) return (long)c;
    }
    return -1;
}

typedef struct {
    double mean, l1, l2;
} candidate;

static int is_preferred(const candidate *a, const candidate *b) {
    if (fabs(a->mean - b->mean) > equal_means) return a->mean > b->mean;
    if (a->l1 + a->l2 != b->l1 + b->l2) return a->l1 + a->l2 < b->l1 + b->l2;
    return a->l1 < b->l1;
}

static long largest(const evidence *e, const place *p, measure_field field, int needs_test) {
    candidate best = {.mean = -1};
    long found = -1;
    for (size_t c = 0; c < e->study->cell_count; c++) {
        candidate here;
        if (!is_grid_cell(e, c, p, &here.l1, &here.l2) || (needs_test && *missing_word(e, c))) continue;
        here.mean = estimate_field(e, c, field).mean;
        if (!isfinite(here.mean) || !is_preferred(&here, &best)) continue;
        best = here;
        found = (long)c;
    }
    return found;
}

long lambda_chosen(const evidence *e, const place *p) { return largest(e, p, field_select_recall, 0); }
long lambda_best(const evidence *e, const place *p) { return largest(e, p, field_recall, 1); }
