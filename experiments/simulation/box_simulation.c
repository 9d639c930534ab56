/* Points, cases, and what is asked of the descent. */
#include "experiments/simulation/box_simulation.h"

#include "experiments/simulation/descent.h"

#include <stdlib.h>
#include <string.h>

enum { RATIOS = 7, AREAS = 7, TARGETS = 7, COORDINATES = 4 };

static const double centre = 10, radius = 3;
static const double ratios[RATIOS] = {1.0 / 4, 1.0 / 3, 1.0 / 2, 1, 2, 3, 4}; /* w : h */
static const double areas[AREAS] = {0.5, 0.67, 0.75, 1, 1.33, 1.5, 2};

/* --- points ------------------------------------------------------------------------------------------------------- */

/* sin x and cos x for |x| <= pi/4: Taylor series to below 1e-18. */
static double small_sin(double x) {
    const double z = x * x;
    double sum = 1;
    for (int n = 17; n >= 3; n -= 2) sum = 1 - z / (n * (n - 1)) * sum;
    return x * sum;
}

static double small_cos(double x) {
    const double z = x * x;
    double sum = 1;
    for (int n = 18; n >= 2; n -= 2) sum = 1 - z / (n * (n - 1)) * sum;
    return sum;
}

/* The angle is the double nearest to k times that nearest to pi (3 - sqrt 5), of which whole quarter turns are taken
   off: the numbers that programs with a libm get. */
void simulation_point(size_t points, size_t k, double *x, double *y) {
    const double quarter_turn = 0x1.921fb54442d18p+0, rest = 0x1.1a62633145c07p-54; /* pi/2 is their sum */
    const double n = (double)k, theta = n * 0x1.3331febfa4bfbp+1, quarter = __builtin_rint(theta / quarter_turn);
    const double angle = __builtin_fma(-quarter, rest, __builtin_fma(-quarter, quarter_turn, theta));
    const double r = radius * __builtin_sqrt((n + 0.5) / (double)points), s = small_sin(angle), c = small_cos(angle);
    const double cosine[4] = {c, -s, -c, s}, sine[4] = {s, c, -s, -c};
    const size_t q = (size_t)quarter % 4;
    *x = centre + r * cosine[q];
    *y = centre + r * sine[q];
}

/* --- cases -------------------------------------------------------------------------------------------------------- */

/* Sizes of case `index`, of the box and of its target. */
static void case_sizes(size_t index, double box[2], double target[2]) {
    const double side = __builtin_sqrt(areas[index / RATIOS % AREAS]);
    const double ratio = __builtin_sqrt(ratios[index % RATIOS]);
    const double target_ratio = __builtin_sqrt(ratios[index / (RATIOS * AREAS) % TARGETS]);
    box[0] = ratio * side;
    box[1] = side / ratio;
    target[0] = target_ratio;
    target[1] = 1 / target_ratio;
}

void simulation_case(size_t points, size_t index, double box[4], double target[4]) {
    simulation_point(points, index / SIMULATION_CASES, &box[0], &box[1]);
    case_sizes(index, box + 2, target + 2);
    target[0] = target[1] = centre;
}

/* --- single boxes ------------------------------------------------------------------------------------------------- */

static const descent *descent_of(const box_rule *rule) { return &descents()[rule - box_rules]; }

static double rate_at(size_t step) { return step < 160 ? 0.1 : step < 180 ? 0.01 : 0.001; }

/* A chunk of one box, many times. */
static void repeat_box(descent_group *g, const double box[4], const double target[4]) {
    g->chunks = 1;
    for (size_t j = 0; j < DESCENT_CHUNK; j++) {
        g->box[0][j] = box[0] - target[0];
        g->box[1][j] = box[1] - target[1];
        g->box[2][j] = box[2];
        g->box[3][j] = box[3];
        g->target[0][j] = target[2];
        g->target[1][j] = target[3];
    }
}

void simulation_direction(const box_rule *rule, const double box[4], const double target[4], double out[4]) {
    descent_group g;
    double all[COORDINATES][DESCENT_GROUP];
    repeat_box(&g, box, target);
    descent_of(rule)->direction(&g, all);
    for (size_t c = 0; c < COORDINATES; c++) out[c] = all[c][0];
}

void simulation_trace(const box_rule *rule, const double box[4], const double target[4], size_t steps,
                      double (*trace)[4]) {
    descent_group g;
    double sums[2][DESCENT_CHUNK];
    repeat_box(&g, box, target);
    memcpy(trace[0], box, sizeof trace[0]);
    for (size_t t = 0; t < steps; t++) {
        const double rate = rate_at(t);
        descent_of(rule)->advance(&g, &rate, 1, sums);
        for (size_t c = 0; c < COORDINATES; c++) trace[t + 1][c] = g.box[c][0] + (c < 2 ? target[c] : 0);
    }
}

/* --- all cases ---------------------------------------------------------------------------------------------------- */

typedef struct {
    size_t points, cases;
    double sizes[SIMULATION_CASES][4]; /* w, h, W, H */
    double rate[SIMULATION_STEPS];
    double sums[SIMULATION_STEPS + 1][DESCENT_CHUNK];  /* of errors */
    double group[SIMULATION_STEPS + 1][DESCENT_CHUNK]; /* the same of one group */
} simulation;

static void prepare(simulation *s, size_t points) {
    memset(s, 0, sizeof *s);
    s->points = points;
    s->cases = points * SIMULATION_CASES;
    for (size_t i = 0; i < SIMULATION_CASES; i++) case_sizes(i, s->sizes[i], s->sizes[i] + 2);
    for (size_t t = 0; t < SIMULATION_STEPS; t++) s->rate[t] = rate_at(t);
}

/* Cases from `first` on; behind the last they are repeated. Chunks are whole but for the very last one, which is a
   group of its own. Returns the number of cases. */
static size_t fill_group(const simulation *s, size_t first, descent_group *g) {
    const size_t left = s->cases - first;
    const size_t count = left >= DESCENT_GROUP  ? DESCENT_GROUP
                         : left > DESCENT_CHUNK ? left / DESCENT_CHUNK * DESCENT_CHUNK
                                                : left;
    double x = 0, y = 0;
    g->chunks = (count + DESCENT_CHUNK - 1) / DESCENT_CHUNK;
    for (size_t i = 0; i < g->chunks * DESCENT_CHUNK; i++) {
        const size_t index = first + (i < count ? i : count - 1), point = index / SIMULATION_CASES;
        const double *sizes = s->sizes[index % SIMULATION_CASES];
        if (i == 0 || index % SIMULATION_CASES == 0) simulation_point(s->points, point, &x, &y);
        g->box[0][i] = x - centre;
        g->box[1][i] = y - centre;
        g->box[2][i] = sizes[0];
        g->box[3][i] = sizes[1];
        g->target[0][i] = sizes[2];
        g->target[1][i] = sizes[3];
    }
    return count;
}

static void add_group(simulation *s, const descent_group *g, size_t first, size_t count, simulation_result *out) {
    const size_t lanes = count < DESCENT_CHUNK ? count : DESCENT_CHUNK;
    for (size_t t = 0; t <= SIMULATION_STEPS; t++)
        for (size_t j = 0; j < lanes; j++) s->sums[t][j] += s->group[t][j];
    for (size_t i = 0; i < count; i++) {
        out->final_by_point[(first + i) / SIMULATION_CASES] += g->error[i];
        out->missed += g->error[i] > 0.1;
    }
}

static void finish(const simulation *s, simulation_result *out) {
    for (size_t t = 0; t <= SIMULATION_STEPS; t++) {
        double sum = 0;
        for (size_t j = 0; j < DESCENT_CHUNK; j++) sum += s->sums[t][j];
        out->curve[t] = sum / (double)s->cases;
    }
    for (size_t k = 0; k < s->points; k++) out->final_by_point[k] /= SIMULATION_CASES;
    out->missed /= (double)s->cases;
}

int simulation_run(const box_rule *rule, size_t points, simulation_result *out, lb_error *error) {
    descent_group g;
    simulation s;
    memset(out, 0, sizeof *out);
    if (points < 1 || points > SIMULATION_MOST_POINTS)
        return lb_fail(error, LB_INVALID, "the box simulation runs at 1 to %d points, not at %zu",
                       SIMULATION_MOST_POINTS, points);
    out->final_by_point = calloc(points, sizeof *out->final_by_point);
    if (!out->final_by_point) return lb_fail_memory(error, "the errors of the simulated points");
    prepare(&s, points);
    for (size_t first = 0; first < s.cases;) {
        const size_t count = fill_group(&s, first, &g);
        descent_of(rule)->advance(&g, s.rate, SIMULATION_STEPS, s.group);
        add_group(&s, &g, first, count, out);
        first += count;
    }
    finish(&s, out);
    return LB_OK;
}

void simulation_result_free(simulation_result *r) {
    free(r->final_by_point);
    r->final_by_point = NULL;
}
