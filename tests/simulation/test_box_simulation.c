/* Cases, the descent of single boxes and of all, and the kernels of the instruction sets against one another. */
#include "experiments/simulation/box_simulation.h"
#include "experiments/simulation/descent.h"
#include "lib/base/hash.h"
#include "lib/base/rng.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_RULES = 64 };

static size_t rule_count(void) {
    size_t count = 0;
    while (box_rules[count].name) count++;
    return count;
}

static struct criterion_test_params rules_by_index(void) {
    static size_t index[MOST_RULES];
    for (size_t i = 0; i < MOST_RULES; i++) index[i] = i;
    return cr_make_param_array(size_t, index, rule_count());
}

static double error_of(const double box[4], const double target[4]) {
    double sum = 0;
    for (size_t k = 0; k < 4; k++) sum += fabs(box[k] - target[k]);
    return sum;
}

static simulation_result run(const char *rule, size_t points) {
    simulation_result r;
    lb_error error = {0};
    cr_assert(simulation_run(box_rule_find(rule), points, &r, &error) == LB_OK, "%s", error.message);
    return r;
}

/* --- cases -------------------------------------------------------------------------------------------------------- */

/* BOXSIM.md, section 2: the protocol's starts, computed with numpy. */
static void expect_initial_error(size_t points, double wanted) {
    double sum = 0;
    for (size_t k = 0; k < points; k++) {
        double of_point = 0;
        for (size_t i = 0; i < SIMULATION_CASES; i++) {
            double box[4], target[4];
            simulation_case(points, k * SIMULATION_CASES + i, box, target);
            of_point += error_of(box, target);
        }
        sum += of_point;
    }
    const double mean = sum / (double)(points * SIMULATION_CASES);
    cr_assert(fabs(mean - wanted) < 1e-14 * wanted, "the mean error of %zu points is %.15g, not %.15g", points, mean,
              wanted);
}

Test(box_simulation, starts_with_the_documented_mean_error) {
    expect_initial_error(200, 3.87444773412028);
    expect_initial_error(5000, 3.87686872733533);
}

/* Areas and ratios to 1e-15, every combination once, points inside the disc. */
Test(box_simulation, enumerates_points_targets_areas_and_ratios) {
    static const double areas[] = {0.5, 0.67, 0.75, 1, 1.33, 1.5, 2};
    static const double ratios[] = {1.0 / 4, 1.0 / 3, 1.0 / 2, 1, 2, 3, 4};
    for (size_t i = 0; i < 3 * SIMULATION_CASES; i++) {
        double box[4], target[4], x, y;
        simulation_case(3, i, box, target);
        simulation_point(3, i / SIMULATION_CASES, &x, &y);
        const double k = (double)(i / SIMULATION_CASES), r = 3 * sqrt((k + 0.5) / 3), turn = k * M_PI * (3 - sqrt(5));
        cr_assert(box[0] == x && box[1] == y && target[0] == 10 && target[1] == 10);
        cr_assert(fabs(x - 10 - r * cos(turn)) < 1e-14 && fabs(y - 10 - r * sin(turn)) < 1e-14, "point %g", k);
        cr_assert(fabs(target[2] * target[3] - 1) < 1e-15 && fabs(box[2] * box[3] - areas[i / 7 % 7]) < 1e-15);
        cr_assert(fabs(target[2] / target[3] - ratios[i / 49 % 7]) < 2e-15);
        cr_assert(fabs(box[2] / box[3] - ratios[i % 7]) < 2e-15);
    }
}

/* The angle as a double, beyond it in long double. */
Test(box_simulation, far_points_are_on_the_spiral) {
    for (size_t k = 0; k < SIMULATION_MOST_POINTS; k += 997) {
        double x, y;
        simulation_point(SIMULATION_MOST_POINTS, k, &x, &y);
        const long double r = 3 * sqrtl(((long double)k + 0.5L) / SIMULATION_MOST_POINTS);
        const double theta = (double)k * (M_PI * (3 - sqrt(5)));
        const long double wanted_x = 10 + r * cosl((long double)theta), wanted_y = 10 + r * sinl((long double)theta);
        cr_assert(fabsl((long double)x - wanted_x) < 4e-15L && fabsl((long double)y - wanted_y) < 4e-15L,
                  "point %zu is at %.17g, %.17g", k, x, y);
    }
}

/* --- single boxes ------------------------------------------------------------------------------------------------- */

typedef struct {
    const char *rule;
    size_t index;
    double start[4], wanted[4]; /* after 10 updates */
} spot;

/* BOXSIM.md, section 4: numpy in float64, N = 200. */
static const spot spots[] = {
    {"diou",
     10587,
     {8.86715842452398, 10.2986134037062, 0.707106781186548, 0.707106781186548},
     {9.6157263857, 10.034439234, 1.1044412082, 0.53009802363}},
    {"ciou",
     41208,
     {11.1969504400154, 8.00254921358575, 2.82842712474619, 0.707106781186548},
     {11.024382743, 8.2219699822, 2.9005010561, 0.96339828659}},
    {"siou",
     10587,
     {8.86715842452398, 10.2986134037062, 0.707106781186548, 0.707106781186548},
     {9.5911240731, 9.7658081114, 1.1956913316, 0.52838915273}},
    {"zheng_ciou",
     10587,
     {8.86715842452398, 10.2986134037062, 0.707106781186548, 0.707106781186548},
     {9.727341948, 10.162981278, 1.4449968188, 0.75143257096}},
};

Test(box_simulation, single_boxes_go_where_the_reference_says) {
    for (size_t s = 0; s < sizeof spots / sizeof spots[0]; s++) {
        double box[4], target[4], trace[11][4];
        simulation_case(200, spots[s].index, box, target);
        simulation_trace(box_rule_find(spots[s].rule), box, target, 10, trace);
        for (size_t k = 0; k < 4; k++) {
            cr_assert(fabs(trace[0][k] - spots[s].start[k]) < 1e-14 * spots[s].start[k]);
            cr_assert(fabs(trace[10][k] - spots[s].wanted[k]) < 1e-10 * spots[s].wanted[k],
                      "%s, case %zu: coordinate %zu is %.12g, not %.12g", spots[s].rule, spots[s].index, k,
                      trace[10][k], spots[s].wanted[k]);
        }
    }
}

/* --- all cases ---------------------------------------------------------------------------------------------------- */

/* One point: 343 cases, no whole number of chunks. The mean over traces, case by case. */
ParameterizedTestParameters(box_simulation, a_run_is_the_mean_over_its_traces) { return rules_by_index(); }
ParameterizedTest(size_t *index, box_simulation, a_run_is_the_mean_over_its_traces) {
    static double trace[SIMULATION_STEPS + 1][4];
    double mean[SIMULATION_STEPS + 1] = {0}, by_point[3] = {0}, missed = 0;
    const size_t points = *index % 5 == 0 ? 3 : 1, cases = points * SIMULATION_CASES;
    const box_rule *rule = &box_rules[*index];
    for (size_t i = 0; i < cases; i++) {
        double box[4], target[4];
        simulation_case(points, i, box, target);
        simulation_trace(rule, box, target, SIMULATION_STEPS, trace);
        for (size_t t = 0; t <= SIMULATION_STEPS; t++) mean[t] += error_of(trace[t], target) / (double)cases;
        const double last = error_of(trace[SIMULATION_STEPS], target);
        by_point[i / SIMULATION_CASES] += last / SIMULATION_CASES;
        missed += (last > 0.1) / (double)cases;
    }
    simulation_result r = run(rule->name, points);
    for (size_t t = 0; t <= SIMULATION_STEPS; t++)
        cr_assert(fabs(r.curve[t] - mean[t]) < 1e-13 * (1 + mean[t]), "%s, iteration %zu: %.17g, not %.17g", rule->name,
                  t, r.curve[t], mean[t]);
    for (size_t k = 0; k < points; k++) cr_assert(fabs(r.final_by_point[k] - by_point[k]) < 1e-13 * (1 + by_point[k]));
    cr_assert(fabs(r.missed - missed) < 1e-12, "%s: %g missed, not %g", rule->name, r.missed, missed);
    simulation_result_free(&r);
}

/* BOXSIM.md, section 3: .0306, and .0140 where the slope of I is left standing without I. */
Test(box_simulation, diou_ends_at_the_documented_error) {
    simulation_result r = run("diou", 200);
    cr_assert(fabs(r.curve[SIMULATION_STEPS] - 0.0306) < 3e-4, "%g", r.curve[SIMULATION_STEPS]);
    cr_assert(fabs(r.curve[0] - 3.87444773412028) < 1e-13);
    simulation_result_free(&r);
}

/* The paper's figure: the sum of errors falls fastest under CIoU, then DIoU, then GIoU, then IoU. */
Test(box_simulation, the_authors_rules_rank_as_published) {
    static const char *const rules[] = {"zheng_ciou", "zheng_diou", "zheng_giou", "zheng_iou"};
    double last = 0;
    for (size_t i = 0; i < 4; i++) {
        simulation_result r = run(rules[i], 20);
        double sum = 0;
        for (size_t t = 1; t <= SIMULATION_STEPS; t++) sum += r.curve[t];
        cr_assert(sum > last, "%s sums to %g, no more than the one before it, %g", rules[i], sum, last);
        last = sum;
        simulation_result_free(&r);
    }
}

Test(box_simulation, refuses_numbers_of_points_that_cannot_be) {
    simulation_result r;
    static const size_t points[] = {0, SIMULATION_MOST_POINTS + 1, (size_t)-1};
    for (size_t i = 0; i < 3; i++) {
        lb_error error = {0};
        cr_assert(simulation_run(box_rule_find("diou"), points[i], &r, &error) == LB_INVALID);
        cr_assert(strstr(error.message, "1 to 100000 points") != NULL, "%s", error.message);
        simulation_result_free(&r);
    }
}

Test(box_simulation, finds_every_rule_by_its_name_and_no_other) {
    for (size_t i = 0; i < rule_count(); i++) {
        cr_assert(box_rule_find(box_rules[i].name) == &box_rules[i], "%s is there twice", box_rules[i].name);
        cr_assert(box_rules[i].loss && box_rules[i].summary, "%s", box_rules[i].name);
    }
    cr_assert(box_rule_find("zheng_siou") == NULL);
    cr_assert(box_rule_find("") == NULL);
}

/* --- the same bits everywhere ------------------------------------------------------------------------------------- */

static void fill_group(descent_group *g) {
    rng stream = rng_from_text("kernels");
    memset(g, 0, sizeof *g);
    g->chunks = 5;
    for (size_t i = 0; i < g->chunks * DESCENT_CHUNK; i++) {
        for (size_t k = 0; k < 4; k++)
            g->box[k][i] = (double)(k < 2 ? rng_range(&stream, -3, 3) : rng_range(&stream, 0.3f, 3));
        for (size_t k = 0; k < 2; k++) g->target[k][i] = (double)rng_range(&stream, 0.3f, 3);
    }
}

typedef struct {
    descent_group group;
    double sums[SIMULATION_STEPS + 1][DESCENT_CHUNK], direction[4][DESCENT_GROUP];
} descended;

static void descend(const descent *kernel, descended *out) {
    double rate[SIMULATION_STEPS];
    for (size_t t = 0; t < SIMULATION_STEPS; t++) rate[t] = 0.1;
    memset(out, 0, sizeof *out);
    fill_group(&out->group);
    kernel->direction(&out->group, out->direction);
    kernel->advance(&out->group, rate, SIMULATION_STEPS, out->sums);
}

Test(box_simulation, all_instruction_sets_give_the_same_bits) {
    static descended widest, native, portable;
    for (size_t i = 0; i < rule_count(); i++) {
        descend(&descents_portable()[i], &portable);
        descend(&descents()[i], &widest);
        cr_assert(memcmp(&widest, &portable, sizeof portable) == 0, "%s", box_rules[i].name);
        if (!descents_native()) continue;
        descend(&descents_native()[i], &native);
        cr_assert(memcmp(&native, &portable, sizeof portable) == 0, "%s", box_rules[i].name);
    }
}

/* Any change of bits, by a compiler or by hand, shows here. */
Test(box_simulation, bits_are_golden) {
    uint64_t state = HASH64_START;
    for (size_t i = 0; i < rule_count(); i++) {
        simulation_result r = run(box_rules[i].name, 2);
        state = hash64_add(state, r.curve, sizeof r.curve);
        simulation_result_free(&r);
    }
    const uint64_t hash = hash64_finish(state);
    cr_assert(hash == 0x0ee8ce13062e3b8cu, "the hash of all curves is 0x%016llx", (unsigned long long)hash);
}
