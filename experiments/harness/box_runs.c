#include "experiments/harness/box_runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fill(box_run *run, const trial_result *from, size_t points, lb_error *error) {
    const trial_array *missed = trial_result_find(from, "missed"), *drift = trial_result_find(from, "drift"),
                      *final = trial_result_find(from, "final");
    const int code = simulation_trial_curve(from, run->curve, error);
    if (code) return code;
    if (!missed || !drift || !final || missed->count != 1 || drift->count != 1 || final->count != points)
        return lb_fail(error, LB_FORMAT,
                       "the trial of rule %s lacks a part: it was stored by another version; move the store away",
                       run->rule->name);
    run->final = malloc(points * sizeof *run->final);
    if (!run->final) return lb_fail_memory(error, "a run of the box simulation");
    run->missed = (double)missed->data[0];
    run->drift = (double)drift->data[0];
    for (size_t k = 0; k < points; k++) run->final[k] = (double) final->data[k];
    return LB_OK;
}

/* Adds the trial, or leaves it out. */
static int add_run(box_runs *b, const trial *t, store *from, lb_error *error) {
    char key[TRIAL_KEY];
    trial_result stored;
    const box_rule *rule = box_rule_find(t->loss_text);
    trial_key(t, key);
    if (!rule || !store_has(from, key)) return LB_OK;
    int code = store_get(from, key, &stored, error);
    if (code) return code;
    const trial_array *final = trial_result_find(&stored, "final");
    if (stored.outcome == OUTCOME_OK) {
        if (!b->points && final) b->points = final->count;
        b->runs[b->count].rule = rule;
        code = fill(&b->runs[b->count], &stored, b->points, error);
        b->count++;
    }
    trial_result_free(&stored);
    return code;
}

static int by_rule(const void *a, const void *b) {
    const box_run *x = a, *y = b;
    return x->rule < y->rule ? -1 : x->rule > y->rule;
}

int box_runs_read(const evidence *e, store *from, box_runs *out, lb_error *error) {
    const study *s = e->study;
    int code = LB_OK;
    *out = (box_runs){.runs = calloc(s->cell_count + 1, sizeof *out->runs)};
    if (!out->runs) return lb_fail_memory(error, "the runs of the box simulation");
    for (size_t c = 0; !code && c < s->cell_count; c++)
        if (s->cells[c].block == s->cells[0].block) code = add_run(out, &s->cells[c].finals[0], from, error);
    if (!code) qsort(out->runs, out->count, sizeof *out->runs, by_rule);
    return code;
}

void box_runs_free(box_runs *b) {
    for (size_t i = 0; i < b->count; i++) free(b->runs[i].final);
    free(b->runs);
    *b = (box_runs){0};
}

const box_run *box_runs_find(const box_runs *b, const char *prefix, const char *loss, const char *suffix) {
    char name[80];
    snprintf(name, sizeof name, "%s%s%s", prefix, loss, suffix);
    for (size_t i = 0; i < b->count; i++)
        if (strcmp(b->runs[i].rule->name, name) == 0) return &b->runs[i];
    return NULL;
}

int curve_first_below(const double curve[SIMULATION_STEPS + 1], double level) {
    for (int t = 0; t <= SIMULATION_STEPS; t++)
        if (curve[t] < level) return t;
    return -1;
}

double curve_sum(const double curve[SIMULATION_STEPS + 1]) {
    double sum = 0;
    for (size_t t = 1; t <= SIMULATION_STEPS; t++) sum += curve[t];
    return sum;
}

void rank_values(const double *value, size_t count, size_t *rank) {
    for (size_t i = 0; i < count; i++) {
        rank[i] = 1;
        for (size_t k = 0; k < count; k++) rank[i] += value[k] < value[i];
    }
}
