/* Judges of the claims about boxes. The simulation has no randomness: its places are decided by numbers, and open only
   where the numbers are level, within 1 %. */
#include "experiments/harness/box_runs.h"
#include "experiments/harness/claims.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NUMBERS = 300 };

/* --- iou-vanishes ------------------------------------------------------------------------------------------------- */

enum { VANISH_POINTS = 200 };

static int are_apart(const double *a, const double *b) {
    return fabs(a[0] - b[0]) >= (a[2] + b[2]) / 2 || fabs(a[1] - b[1]) >= (a[3] + b[3]) / 2;
}

/* Smallest and largest norm of the gradient over the starts whose box does not overlap its target. */
static size_t norms_apart(const box_rule *rule, double *least, double *most) {
    size_t apart = 0;
    *least = (double)INFINITY;
    *most = 0;
    for (size_t i = 0; i < VANISH_POINTS * SIMULATION_CASES; i++) {
        double box[4], target[4], g[4];
        simulation_case(VANISH_POINTS, i, box, target);
        if (!are_apart(box, target)) continue;
        simulation_direction(rule, box, target, g);
        const double norm = sqrt(g[0] * g[0] + g[1] * g[1] + g[2] * g[2] + g[3] * g[3]);
        *least = norm < *least ? norm : *least;
        *most = norm > *most ? norm : *most;
        apart++;
    }
    return apart;
}

void judge_iou_vanishes(const report *r, const evidence *e, ruling *out) {
    static const char *const others[] = {"giou", "diou", "ciou", "eiou", "siou"};
    double least, most, weakest = (double)INFINITY;
    char numbers[NUMBERS];
    (void)r;
    (void)e;
    const size_t apart = norms_apart(box_rule_find("iou"), &least, &most);
    snprintf(numbers, sizeof numbers, "largest gradient norm %.3g over %zu boxes that are apart", most, apart);
    rule_place(out, "iou", most > 0 ? FAILS : HOLDS, numbers);
    snprintf(out->finding, sizeof out->finding, "The gradient of iou is %s for all %zu boxes apart from their target",
             most > 0 ? "not 0" : "exactly 0", apart);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        norms_apart(box_rule_find(others[i]), &least, &most);
        snprintf(numbers, sizeof numbers, "gradient norm from %.3g to %.3g over the same boxes", least, most);
        rule_place(out, others[i], least > 0 ? HOLDS : FAILS, numbers);
        weakest = least < weakest ? least : weakest;
    }
    const size_t used = strlen(out->finding);
    snprintf(out->finding + used, sizeof out->finding - used,
             "; the weakest of giou, diou, ciou, eiou and siou there has norm %.3g.", weakest);
}

/* --- iou-family: the simulation's part ---------------------------------------------------------------------------- */

static const double level = 0.01; /* sums and errors closer than this share of the larger decide nothing */

/* HOLDS: x is smaller than y. */
static place_verdict smaller(double x, double y) {
    if (fabs(x - y) <= level * fmax(x, y)) return OPEN;
    return x < y ? HOLDS : FAILS;
}

typedef double (*run_number)(const box_run *run);
static double sum_of(const box_run *run) { return curve_sum(run->curve); }
static double final_of(const box_run *run) { return run->curve[SIMULATION_STEPS]; }
static double drift_of(const box_run *run) { return run->drift; }

/* A statement: the number of one loss is smaller than that of another. */
typedef struct {
    const char *said, *of, *than, *what;
    run_number number;
} family_statement;

static const family_statement family[] = {
    {"DIoU converges faster than GIoU", "diou", "giou", "sum of the error over t", sum_of},
    {"CIoU adds shape to DIoU", "ciou", "diou", "final error", final_of},
    {"EIoU converges faster than CIoU", "eiou", "ciou", "sum of the error over t", sum_of},
    {"SIoU drifts less than CIoU", "siou", "ciou", "distance from the straight way", drift_of},
    {"DIoU is better than the older Smooth L1", "diou", "smooth_l1", "sum of the error over t", sum_of},
};

/* One place, if both rules ran; adds "exact gradients no (198.1 against 158.2)" to `words`. */
static void judge_statement(const box_runs *b, const family_statement *s, const char *prefix, const char *way,
                            ruling *out, char *words) {
    static const char *const answers[] = {"yes", "no", "level"};
    const box_run *x = box_runs_find(b, prefix, s->of, ""), *y = box_runs_find(b, prefix, s->than, "");
    char where[160], numbers[NUMBERS];
    if (!x || !y) return;
    const place_verdict verdict = smaller(s->number(x), s->number(y));
    snprintf(where, sizeof where, "simulation, %s: %s", way, s->said);
    snprintf(numbers, sizeof numbers, "%s: %s %.4g, %s %.4g", s->what, s->of, s->number(x), s->than, s->number(y));
    rule_place(out, where, verdict, numbers);
    const size_t used = strlen(words);
    snprintf(words + used, NUMBERS - used, "%s%s %s (%.3g against %.3g)", used ? ", " : "", way, answers[verdict],
             s->number(x), s->number(y));
}

/* Adds to the finding, which the detector's part continues. */
static void judge_simulated_family(const report *r, ruling *out) {
    const evidence *e = report_evidence(r, "box_simulation");
    box_runs b;
    if (!e || !e->study->cell_count) return;
    const int code = box_runs_read(e, r->from, &b, NULL);
    for (size_t i = 0; !code && i < sizeof family / sizeof *family; i++) {
        char words[NUMBERS] = "";
        judge_statement(&b, &family[i], "", "exact gradients", out, words);
        judge_statement(&b, &family[i], "zheng_", "published update", out, words);
        const size_t used = strlen(out->finding);
        if (words[0])
            snprintf(out->finding + used, sizeof out->finding - used, "%s%s: %s", used ? "; " : "In the simulation, ",
                     family[i].said, words);
    }
    box_runs_free(&b);
}

/* Of several experiments, each found by its name: whichever of them ran comes as `e`. */
void judge_iou_family(const report *r, const evidence *e, ruling *out) {
    (void)e;
    judge_simulated_family(r, out);
    judge_detected_family(r, out);
    if (out->finding[0]) snprintf(out->finding + strlen(out->finding), sizeof out->finding - strlen(out->finding), ".");
}
