/* Trials of the box simulation: what is accepted, their text, and that a curve survives the store. */
#include "tests/experiments/fixture.h"

#include "experiments/harness/simulation_trial.h"

#include <math.h>

static trial of(const char *data, const char *rule) {
    trial t = {.model = SIMULATION_MODEL, .seed = 1, .streams = 'a'};
    snprintf(t.data, sizeof t.data, "%s", data);
    snprintf(t.loss, sizeof t.loss, "%s", rule);
    return t;
}

static trial prepared(const char *data, const char *rule) {
    lb_error error = {0};
    trial t = of(data, rule);
    cr_assert(zero(int, simulation_trial_prepare(&t, &error)), "%s", error.message);
    return t;
}

Test(simulation_trial, text_is_of_points_and_rule) {
    char text[TRIAL_TEXT];
    trial t = prepared("spiral", "diou");
    cr_assert(eq(int, (int)t.task, TASK_SIMULATION));
    simulation_trial_describe(&t, text);
    cr_assert(eq(str, text, "simulation 1\nspiral points=5000\nrule diou\n"));
    t = prepared(" spiral ( points=7 ) ", "corner_siou");
    simulation_trial_describe(&t, text);
    cr_assert(eq(str, text, "simulation 1\nspiral points=7\nrule corner_siou\n"));
    cr_assert(eq(str, t.content, "spiral(points=7)"));
}

/* The general functions lead here: the same text, and another key for another rule or number of points. */
Test(simulation_trial, keys_differ_with_rule_and_points) {
    static const char *const what[][2] = {
        {"spiral(points=3)", "diou"}, {"spiral(points=4)", "diou"}, {"spiral(points=3)", "giou"}};
    char keys[3][TRIAL_KEY], text[TRIAL_TEXT], own[TRIAL_TEXT];
    lb_error error = {0};
    for (size_t i = 0; i < 3; i++) {
        trial t = of(what[i][0], what[i][1]);
        cr_assert(zero(int, trial_prepare(&t, "", &error)), "%s", error.message);
        trial_describe(&t, text);
        simulation_trial_describe(&t, own);
        cr_assert(eq(str, text, own));
        trial_key(&t, keys[i]);
    }
    cr_assert(ne(str, keys[0], keys[1]));
    cr_assert(ne(str, keys[0], keys[2]));
    cr_assert(ne(str, keys[1], keys[2]));
}

Test(simulation_trial, bad_input_is_refused_with_a_sentence) {
    static const struct {
        const char *data, *rule, *says;
    } bad[] = {{"spiral(points=0)", "diou", "points"},
               {"spiral(points=100001)", "diou", "points"},
               {"spiral(points=2.5)", "diou", "points"},
               {"spiral(points=many)", "diou", "points"},
               {"spiral(radius=3)", "diou", "radius"},
               {"spiral(points=3, points=4)", "diou", "points"},
               {"circle(points=3)", "diou", "spiral"},
               {"spiral(points=3", "diou", "closed"},
               {"spiral(points=3) spiral", "diou", "spiral"},
               {"", "diou", "expected"},
               {"spiral", "dio", "zheng_diou"},
               {"spiral", "", "zheng_diou"},
               {"spiral", "diou(beta=1)", "zheng_diou"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lb_error error = {0};
        trial t = of(bad[i].data, bad[i].rule);
        cr_assert(eq(int, simulation_trial_prepare(&t, &error), LB_INVALID), "%s / %s", bad[i].data, bad[i].rule);
        cr_assert(ne(ptr, strstr(error.message, bad[i].says), NULL), "%s", error.message);
    }
}

/* Relative 1e-14 at most between what was simulated and what comes back from a store. */
Test(simulation_trial, curve_survives_the_store) {
    enum { POINTS = 5 };
    lb_error error = {0};
    trial_result kept = {0}, back;
    simulation_result ran;
    double curve[SIMULATION_STEPS + 1];
    char key[TRIAL_KEY];
    trial t = prepared("spiral(points=5)", "giou");
    store *s = memory_store();
    cr_assert(zero(int, simulation_run(box_rule_find("giou"), POINTS, &ran, &error)), "%s", error.message);
    cr_assert(zero(int, simulation_trial_run(&t, &kept, &error)), "%s", error.message);
    cr_assert(eq(int, (int)kept.outcome, OUTCOME_OK));
    cr_assert(zero(int, store_put(s, &t, &kept, &error)), "%s", error.message);
    trial_key(&t, key);
    cr_assert(zero(int, store_get(s, key, &back, &error)), "%s", error.message);
    cr_assert(zero(int, simulation_trial_curve(&back, curve, &error)), "%s", error.message);
    for (size_t i = 0; i <= SIMULATION_STEPS; i++)
        cr_assert(le(dbl, fabs(curve[i] - ran.curve[i]), 1e-14 * ran.curve[i]), "step %zu", i);
    cr_assert(gt(dbl, curve[0], 3.0));
    cr_assert(lt(dbl, curve[SIMULATION_STEPS], 0.5));
    const trial_array *missed = trial_result_find(&back, "missed"), *final = trial_result_find(&back, "final");
    cr_assert(all(ne(ptr, (void *)missed, NULL), ne(ptr, (void *) final, NULL)));
    cr_assert(epsilon_eq(dbl, (double)missed->data[0], ran.missed, 1e-6));
    cr_assert(eq(u32, final->count, POINTS));
    double sum = 0;
    for (size_t k = 0; k < POINTS; k++) sum += (double) final->data[k] / POINTS;
    cr_assert(epsilon_eq(dbl, sum, curve[SIMULATION_STEPS], 1e-6));
    simulation_result_free(&ran);
    trial_result_free(&kept);
    trial_result_free(&back);
    store_close(s);
}

Test(simulation_trial, curve_of_another_result_is_refused) {
    lb_error error = {0};
    double curve[SIMULATION_STEPS + 1];
    trial_result r = {0};
    cr_assert(eq(int, simulation_trial_curve(&r, curve, &error), LB_FORMAT));
    cr_assert(ne(ptr, trial_result_add(&r, "curve_high", 7, 0), NULL));
    cr_assert(ne(ptr, trial_result_add(&r, "curve_low", 7, 0), NULL));
    cr_assert(eq(int, simulation_trial_curve(&r, curve, &error), LB_FORMAT));
    trial_result_free(&r);
}

/* iou leaves boxes that are apart where they are: a drift of 0 for all of them; of the others none is off by more than
   the disc is wide. Symmetric pulls stay on the line: l1 moves x and y at one rate, not along the line, so it strays.
 */
Test(simulation_trial, drift_is_the_distance_from_the_straight_way) {
    const double still = simulation_drift(box_rule_find("iou"), 5), diou = simulation_drift(box_rule_find("diou"), 5),
                 bent = simulation_drift(box_rule_find("l1"), 5);
    cr_assert(lt(dbl, still, diou));
    cr_assert(gt(dbl, bent, 0.05));
    cr_assert(lt(dbl, bent, 3.0));
}
