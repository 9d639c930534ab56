/* Figures of the box simulation. */
#ifndef HARNESS_SIMULATION_FIGURES_H
#define HARNESS_SIMULATION_FIGURES_H

#include "experiments/harness/box_runs.h"
#include "experiments/harness/report.h"

/* Error over iteration under exact gradients and under the published update. */
int figure_convergence(report *r, const study *s, const box_runs *b, lb_error *error);

/* Final error over the disc where boxes start. */
int figure_surface(report *r, const study *s, const box_runs *b, lb_error *error);

/* Where each loss sends a box around a target, and how strongly, over the distance of two equal boxes. From the rules
   themselves: no run is needed. */
int figure_field(report *r, const study *s, lb_error *error);
int figure_distance(report *r, const study *s, lb_error *error);

/* Means of value[points] of the spiral over its points nearest to each of `cells` points of a spiral of its own, which
   covers the disc as evenly. NaN where there is none. 0: out of memory. */
int thin_spiral(const double *value, size_t points, size_t cells, double *mean);

#endif
