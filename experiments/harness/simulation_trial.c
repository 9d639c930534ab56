#include "experiments/harness/simulation_trial.h"

#include "lib/base/spec.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DRIFT_POINTS = 40 };

static const char *const data_name = "spiral";

static const param spiral[] = {{.name = "points",
                                .fallback = 5000,
                                .low = 1,
                                .high = SIMULATION_MOST_POINTS,
                                .scale = PARAM_INTEGER,
                                .summary = "points where boxes start, 343 cases at each"}};

/* --- what is asked for -------------------------------------------------------------------------------------------- */

static int read_points(const char *expression, double *points, lb_error *error) {
    char name[SPEC_MAX_TEXT], args[SPEC_MAX_TEXT];
    const char *rest = expression;
    const int code = spec_split(&rest, "data set", name, args, error);
    if (code) return code;
    if (strcmp(name, data_name) != 0 || rest[strspn(rest, " \t")])
        return lb_fail(error, LB_INVALID, "data set '%.200s': the box simulation knows only %s, as in %s(points=5000)",
                       expression, data_name, data_name);
    return spec_read(args, "data set 'spiral'", spiral, 1, points, error);
}

int simulation_trial_prepare(trial *t, lb_error *error) {
    double points;
    const int code = read_points(t->data, &points, error);
    if (code) return code;
    if (!box_rule_find(t->loss))
        return lb_fail(error, LB_INVALID,
                       "there is no rule '%.200s' for the box simulation: there are diou, corner_diou, zheng_diou and "
                       "others, all listed in experiments/box_simulation.ini",
                       t->loss);
    snprintf(t->loss_text, sizeof t->loss_text, "%s", t->loss);
    snprintf(t->model_text, sizeof t->model_text, "%s", t->model);
    t->task = TASK_SIMULATION;
    return spec_format(data_name, spiral, 1, &points, 0, t->content, sizeof t->content);
}

/* Of a prepared trial. */
static size_t points_of(const trial *t) {
    double points = 0;
    return read_points(t->data, &points, NULL) ? 0 : (size_t)points;
}

void simulation_trial_describe(const trial *t, char *out) {
    snprintf(out, TRIAL_TEXT, "simulation %d\nspiral points=%zu\nrule %s\n", SIMULATION_VERSION, points_of(t),
             t->loss_text);
}

/* --- drift -------------------------------------------------------------------------------------------------------- */

/* Of one box; its start is not the target. */
static double largest_distance(double (*trace)[4], const double *target) {
    const double x = target[0] - trace[0][0], y = target[1] - trace[0][1], length = sqrt(x * x + y * y);
    double largest = 0;
    for (size_t t = 0; t <= SIMULATION_STEPS; t++) {
        const double across = fabs(x * (trace[t][1] - trace[0][1]) - y * (trace[t][0] - trace[0][0])) / length;
        if (!(across <= largest)) largest = across; /* keeps a NaN */
    }
    return largest;
}

double simulation_drift(const box_rule *rule, size_t points) {
    double sum = 0, trace[SIMULATION_STEPS + 1][4], box[4], target[4];
    for (size_t i = 0; i < points * SIMULATION_CASES; i++) {
        simulation_case(points, i, box, target);
        simulation_trace(rule, box, target, SIMULATION_STEPS, trace);
        sum += largest_distance(trace, target);
    }
    return sum / (double)(points * SIMULATION_CASES);
}

/* --- running, and reading back ------------------------------------------------------------------------------------ */

static int keep(const simulation_result *from, size_t points, double drift, trial_result *to) {
    float *high = trial_result_add(to, "curve_high", SIMULATION_STEPS + 1, 0);
    float *low = trial_result_add(to, "curve_low", SIMULATION_STEPS + 1, 0);
    float *missed = trial_result_add(to, "missed", 1, 0);
    float *strayed = trial_result_add(to, "drift", 1, 0);
    float *final = trial_result_add(to, "final", points, 0);
    if (!high || !low || !missed || !strayed || !final) return 0;
    for (size_t t = 0; t <= SIMULATION_STEPS; t++) {
        high[t] = (float)from->curve[t];
        low[t] = (float)(from->curve[t] - (double)high[t]);
    }
    missed[0] = (float)from->missed;
    strayed[0] = (float)drift;
    for (size_t k = 0; k < points; k++) final[k] = (float)from->final_by_point[k];
    return 1;
}

static trial_outcome outcome_of(const trial_result *r) {
    for (size_t a = 0; a < r->array_count; a++)
        for (size_t i = 0; i < r->arrays[a].count; i++)
            if (!isfinite(r->arrays[a].data[i])) return OUTCOME_DIVERGED;
    return OUTCOME_OK;
}

int simulation_trial_run(const trial *t, trial_result *out, lb_error *error) {
    const box_rule *rule = box_rule_find(t->loss_text);
    const size_t points = points_of(t);
    simulation_result ran = {0};
    *out = (trial_result){0};
    if (!rule) return lb_fail(error, LB_INTERNAL, "the trial of rule '%.200s' was not prepared", t->loss);
    int code = simulation_run(rule, points, &ran, error);
    if (!code && !keep(&ran, points, simulation_drift(rule, points < DRIFT_POINTS ? points : DRIFT_POINTS), out))
        code = lb_fail_memory(error, "a trial of the box simulation");
    simulation_result_free(&ran);
    if (code) return code;
    out->outcome = outcome_of(out);
    if (out->outcome == OUTCOME_DIVERGED)
        snprintf(out->message, sizeof out->message, "rule %s leaves the numbers", rule->name);
    return LB_OK;
}

int simulation_trial_curve(const trial_result *r, double curve[SIMULATION_STEPS + 1], lb_error *error) {
    const trial_array *high = trial_result_find(r, "curve_high"), *low = trial_result_find(r, "curve_low");
    if (!high || !low || high->count != SIMULATION_STEPS + 1 || low->count != SIMULATION_STEPS + 1)
        return lb_fail(error, LB_FORMAT,
                       "the trial holds no curve of the box simulation: it was stored by another version");
    for (size_t t = 0; t <= SIMULATION_STEPS; t++) curve[t] = (double)high->data[t] + (double)low->data[t];
    return LB_OK;
}
