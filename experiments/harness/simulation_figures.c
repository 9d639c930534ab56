#include "experiments/harness/simulation_figures.h"

#include "experiments/harness/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAIN = 6, SURFACE_POINTS = 600, FIELD_SIDE = 12, DISTANCES = 161 };

/* The losses that figures show, and their hues in curves.gp: 8 is grey. */
static const char *const main_losses[MAIN] = {"iou", "giou", "diou", "ciou", "eiou", "siou"};
static const int hues[MAIN] = {7, 2, 3, 4, 5, 6};

/* --- error over iteration ----------------------------------------------------------------------------------------- */

typedef struct {
    const box_run *run;
    char header[80];
    int hue;
} line;

static size_t add_line(line *to, size_t count, const box_run *run, const char *panel, const char *name, int hue) {
    if (!run) return count;
    to[count] = (line){.run = run, .hue = hue};
    snprintf(to[count].header, sizeof to[count].header, "%s; %s", panel, name);
    return count + 1;
}

static size_t convergence_lines(const box_runs *b, line *out) {
    static const char *const exact = "exact gradients", *const published = "published update";
    size_t count = add_line(out, 0, box_runs_find(b, "", "smooth_l1", ""), exact, "smooth_l1", 8);
    for (size_t i = 0; i < MAIN; i++)
        count = add_line(out, count, box_runs_find(b, "", main_losses[i], ""), exact, main_losses[i], hues[i]);
    for (size_t i = 0; i < MAIN; i++)
        count =
            add_line(out, count, box_runs_find(b, "zheng_", main_losses[i], ""), published, main_losses[i], hues[i]);
    return add_line(out, count, box_runs_find(b, "zheng_", "giou", "_fixed"), published, "giou, mended", 8);
}

static table *convergence_table(const line *lines, size_t count) {
    const char *headers[2 * MAIN + 3] = {"iteration"};
    for (size_t i = 0; i < count; i++) headers[i + 1] = lines[i].header;
    table *t = table_new(headers, count + 1);
    for (size_t k = 0; t && k <= SIMULATION_STEPS; k++) {
        table_cell(t, "%zu", k);
        for (size_t i = 0; i < count; i++) table_cell(t, "%.6g", lines[i].run->curve[k]);
    }
    return t;
}

int figure_convergence(report *r, const study *s, const box_runs *b, lb_error *error) {
    line lines[2 * MAIN + 2];
    char shown[80] = "", caption[700];
    const size_t count = convergence_lines(b, lines);
    for (size_t i = 0, used = 0; i < count && used < sizeof shown; i++)
        used += (size_t)snprintf(shown + used, sizeof shown - used, "%d ", lines[i].hue);
    const figure_option options[] = {
        {"xlabel", "iteration"}, {"ylabel", "mean error of a box"}, {"hues", shown}, {"logy", "1"}, {"ymin", "0.001"},
        {"ymax", "5"},           {"rules", "160=÷10 180=÷10"},      {NULL, NULL}};
    if (!count) return LB_OK;
    snprintf(
        caption, sizeof caption,
        "Mean error |dx| + |dy| + |dw| + |dh| over %zu cases, logarithmic, against the iteration: on the left boxes "
        "descend the exact gradient of the loss, on the right they follow the update that the authors of DIoU "
        "published. Dotted: the rate falls to a tenth, from 0.1 and from 0.01. giou, mended: their update without the "
        "overlap it counts for boxes that are apart.",
        b->points * SIMULATION_CASES);
    return report_figure(r, s, "curves", "convergence", convergence_table(lines, count), options, caption, error);
}

/* --- final error over the disc ------------------------------------------------------------------------------------ */

int thin_spiral(const double *value, size_t points, size_t cells, double *mean) {
    double *x = malloc(cells * sizeof *x), *y = malloc(cells * sizeof *y), px, py;
    size_t *count = calloc(cells, sizeof *count);
    const int ready = x && y && count;
    for (size_t c = 0; ready && c < cells; c++) {
        simulation_point(cells, c, &x[c], &y[c]);
        mean[c] = 0;
    }
    for (size_t k = 0; ready && k < points; k++) {
        size_t nearest = 0;
        double least = (double)INFINITY;
        simulation_point(points, k, &px, &py);
        for (size_t c = 0; c < cells; c++) {
            const double distance = (px - x[c]) * (px - x[c]) + (py - y[c]) * (py - y[c]);
            if (distance >= least) continue;
            least = distance;
            nearest = c;
        }
        mean[nearest] += value[k];
        count[nearest]++;
    }
    for (size_t c = 0; ready && c < cells; c++) mean[c] = count[c] ? mean[c] / (double)count[c] : (double)NAN;
    free(x);
    free(y);
    free(count);
    return ready;
}

/* Rows: places relative to the target; means[MAIN][cells], of the losses that ran. */
static table *surface_rows(const char *const *headers, size_t losses, const double *means, size_t cells) {
    table *t = table_new(headers, losses + 2);
    for (size_t c = 0; t && c < cells; c++) {
        double x, y;
        simulation_point(cells, c, &x, &y);
        table_cell(t, "%.4f", x - 10);
        table_cell(t, "%.4f", y - 10);
        for (size_t i = 0; i < losses; i++) {
            if (isfinite(means[i * cells + c]))
                table_cell(t, "%.5g", means[i * cells + c]);
            else
                table_cell(t, "%s", "");
        }
    }
    return t;
}

static table *surface_table(const box_runs *b, size_t cells) {
    const char *headers[MAIN + 2] = {"x - 10", "y - 10"};
    double *means = malloc(MAIN * cells * sizeof *means);
    size_t losses = 0;
    int ready = means != NULL;
    for (size_t i = 0; ready && i < MAIN; i++) {
        const box_run *run = box_runs_find(b, "", main_losses[i], "");
        if (!run) continue;
        ready = thin_spiral(run->final, b->points, cells, means + losses * cells);
        headers[2 + losses++] = main_losses[i];
    }
    table *t = ready ? surface_rows(headers, losses, means, cells) : NULL;
    free(means);
    return t;
}

static int has_main(const box_runs *b) {
    for (size_t i = 0; i < MAIN; i++)
        if (box_runs_find(b, "", main_losses[i], "")) return 1;
    return 0;
}

int figure_surface(report *r, const study *s, const box_runs *b, lb_error *error) {
    const size_t cells = b->points < SURFACE_POINTS ? b->points : SURFACE_POINTS;
    static const figure_option options[] = {{"cblabel", "mean error at the end"},
                                            {"low", "0.001"},
                                            {"high", "5"},
                                            {"logcb", "1"},
                                            {"half", "0.5"},
                                            {NULL, NULL}};
    char caption[400];
    if (!has_main(b)) return LB_OK;
    snprintf(
        caption, sizeof caption,
        "Error after %d iterations of exact gradients over the place where a box starts, mean over the 343 cases of "
        "a point and over the points nearest to the %zu shown; colours are logarithmic, axes relative to the target. "
        "White: the square target.",
        SIMULATION_STEPS, cells);
    return report_figure(r, s, "disc", "surface", surface_table(b, cells), options, caption, error);
}

/* --- gradients ---------------------------------------------------------------------------------------------------- */

static const double target[4] = {10, 10, 1, 1};

static table *field_table(void) {
    const char *headers[2 * MAIN + 2] = {"x", "y"};
    char across[MAIN][24];
    for (size_t i = 0; i < MAIN; i++) {
        snprintf(across[i], sizeof across[i], "%s, along y", main_losses[i]);
        headers[2 + 2 * i] = main_losses[i];
        headers[3 + 2 * i] = across[i];
    }
    table *t = table_new(headers, 2 * MAIN + 2);
    for (size_t at = 0; t && at < FIELD_SIDE * FIELD_SIDE; at++) {
        const double x = 0.5 * (double)(at % FIELD_SIDE) - 2.75, y = 0.5 * (double)(at / FIELD_SIDE) - 2.75;
        const double box[4] = {10 + x, 10 + y, 1, 1};
        table_cell(t, "%.2f", x);
        table_cell(t, "%.2f", y);
        for (size_t i = 0; i < MAIN; i++) {
            double step[4];
            simulation_direction(box_rule_find(main_losses[i]), box, target, step);
            table_cell(t, "%.6g", step[0]);
            table_cell(t, "%.6g", step[1]);
        }
    }
    return t;
}

int figure_field(report *r, const study *s, lb_error *error) {
    static const figure_option options[] = {{"cblabel", "gradient, per unit of length"},
                                            {"low", "0.03"},
                                            {"high", "3"},
                                            {"half", "0.5"},
                                            {"reach", "1"},
                                            {NULL, NULL}};
    return report_figure(
        r, s, "field", "field", field_table(), options,
        "Minus the gradient of the loss in the centre of a unit box, around a unit target (blue); axes "
        "are the centre's place relative to it, in sides of the target. Boxes outside the dashed square "
        "do not touch it. A grey dot: exactly 0.",
        error);
}

static double norm(const double *v) { return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2] + v[3] * v[3]); }

static table *distance_table(void) {
    const char *headers[MAIN + 1] = {"distance"};
    for (size_t i = 0; i < MAIN; i++) headers[1 + i] = main_losses[i];
    table *t = table_new(headers, MAIN + 1);
    for (size_t k = 0; t && k < DISTANCES; k++) {
        const double distance = 0.0125 + 0.025 * (double)k, box[4] = {10 + distance, 10, 1, 1};
        table_cell(t, "%.4f", distance);
        for (size_t i = 0; i < MAIN; i++) {
            double step[4];
            simulation_direction(box_rule_find(main_losses[i]), box, target, step);
            table_cell(t, "%.6g", norm(step));
        }
    }
    return t;
}

int figure_distance(report *r, const study *s, lb_error *error) {
    static const figure_option options[] = {{"xlabel", "distance of the centres, sides of a box"},
                                            {"ylabel", "norm of the gradient in x, y, w, h"},
                                            {"hues", "7 2 3 4 5 6"},
                                            {"rules", "1=boxes_touch"},
                                            {NULL, NULL}};
    return report_figure(
        r, s, "curves", "distance", distance_table(), options,
        "Norm of the gradient over the distance of two equal unit boxes, one beside the other. Once "
        "they are apart that of iou is exactly 0. Without a difference in size diou, ciou and eiou are one.",
        error);
}
