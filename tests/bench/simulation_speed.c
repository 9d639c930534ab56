/* Speed of the box simulation on one core.

       simulation_speed POINTS ROUNDS [RULE...]     all rules if none is given
       simulation_speed --curve POINTS RULE         its mean error at each iteration, for peers

   prints a line per rule: name, ns a case-iteration, millions of case-iterations a second (of the fastest round), then
   the outcome: final error, share of cases above .1, first iteration below 1 and below .5 (-1: none), sum over the
   iterations from 1 on. */
#include "experiments/simulation/box_simulation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void run(const box_rule *rule, size_t points, simulation_result *result) {
    lb_error error = {0};
    if (simulation_run(rule, points, result, &error) == LB_OK) return;
    fprintf(stderr, "simulation_speed: %s\n", error.message);
    exit(1);
}

static int first_below(const double *curve, double level) {
    for (int t = 0; t <= SIMULATION_STEPS; t++)
        if (curve[t] < level) return t;
    return -1;
}

static void measure(const box_rule *rule, size_t points, int rounds) {
    simulation_result result = {0};
    const double work = (double)points * SIMULATION_CASES * SIMULATION_STEPS;
    double best = 1e9, sum = 0;
    for (int round = 0; round < rounds; round++) {
        simulation_result_free(&result);
        const double start = now();
        run(rule, points, &result);
        const double took = now() - start;
        best = took < best ? took : best;
    }
    for (int t = 1; t <= SIMULATION_STEPS; t++) sum += result.curve[t];
    printf("%s\t%.3f\t%.1f\t%.6f\t%.6f\t%d\t%d\t%.4f\n", rule->name, best / work * 1e9, work / best * 1e-6,
           result.curve[SIMULATION_STEPS], result.missed, first_below(result.curve, 1), first_below(result.curve, 0.5),
           sum);
    fflush(stdout);
    simulation_result_free(&result);
}

static void print_curve(const box_rule *rule, size_t points) {
    simulation_result result;
    run(rule, points, &result);
    for (int t = 0; t <= SIMULATION_STEPS; t++) printf("%.17g\n", result.curve[t]);
    simulation_result_free(&result);
}

static const box_rule *rule_named(const char *name) {
    const box_rule *rule = box_rule_find(name);
    if (rule) return rule;
    fprintf(stderr, "simulation_speed: there is no rule '%s'\n", name);
    exit(2);
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--curve") == 0) {
        print_curve(rule_named(argv[3]), strtoul(argv[2], NULL, 10));
        return 0;
    }
    const size_t points = argc > 1 ? strtoul(argv[1], NULL, 10) : 200;
    const int rounds = argc > 2 ? atoi(argv[2]) : 1;
    for (int i = 3; i < argc; i++) measure(rule_named(argv[i]), points, rounds);
    for (const box_rule *rule = box_rules; argc <= 3 && rule->name; rule++) measure(rule, points, rounds);
    return 0;
}
