/* Bootstrap of recall at FR alpha: goods and defects are drawn apart, the threshold is found again in every draw,
   because both move the number (Clopper-Pearson on the defects alone covers 0.86-0.88 where it says 0.95).

   Without parts nothing has to be drawn item by item. Let goods be sorted from the top; a draw of n of them picks n
   places uniformly, and the (k+1)-th smallest place is floor(n U) with U the (k+1)-th order statistic of n uniforms,
   which is Beta(k+1, n-k). Given that threshold, the number of drawn defects above it is Binomial(m, share above).
   Two variates instead of n + m, and exactly the same distribution.

   With parts, or several models on the same items, draws are kept as counts per item: the items never move, each model
   keeps its own order of goods, and a threshold is a walk down that order until the counts exceed what FR alpha allows.
 */
#include "lib/stats/stats.h"

#include "lib/base/fr_rule.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_sort_float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- our streams as a GSL generator ----------------------------------------------------------------------------- */

static void stream_seed(void *state, unsigned long seed) { (void)state, (void)seed; } /* streams come seeded */
static unsigned long stream_integer(void *state) { return (unsigned long)(rng_u64(state) >> 32); }
static double stream_uniform(void *state) { return (double)(rng_u64(state) >> 11) * 0x1p-53; }

static const gsl_rng_type stream_type = {"lossbench stream", UINT32_MAX,    0, sizeof(rng), stream_seed,
                                         stream_integer,     stream_uniform};

/* --- checks ----------------------------------------------------------------------------------------------------- */

static int check_scores(const float *score, size_t n, const char *class_name, lb_error *error) {
    if (n == 0) return lb_fail(error, LB_INVALID, "there are no %s scores to draw from", class_name);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(score[i]))
            return lb_fail(error, LB_INVALID, "%s score %zu is %g: a diverged model has no interval", class_name, i,
                           (double)score[i]);
    return LB_OK;
}

static int check_options(double alpha, size_t replicates, double level, lb_error *error) {
    if (!(alpha >= 0.0 && alpha < 1.0)) return lb_fail(error, LB_INVALID, "FR %g is outside 0..1", alpha);
    if (!(level > 0.0 && level < 1.0)) return lb_fail(error, LB_INVALID, "level %g is outside 0..1", level);
    if (replicates < 2) return lb_fail(error, LB_INVALID, "a bootstrap needs at least 2 replicates (2000 is usual)");
    return LB_OK;
}

static stat_interval percentile_interval(double *replicate, size_t replicates, double level) {
    stat_sort(replicate, replicates);
    return (stat_interval){stat_quantile(replicate, replicates, 0.5 * (1.0 - level)),
                           stat_quantile(replicate, replicates, 0.5 * (1.0 + level))};
}

/* --- one model, every item its own part --------------------------------------------------------------------------- */

/* Items above the threshold in an ascending array. */
static size_t count_above(const float *ascending, size_t n, float threshold) {
    size_t low = 0, high = n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (ascending[middle] > threshold)
            high = middle;
        else
            low = middle + 1;
    }
    return n - low;
}

static int boot_items(const stat_scored *data, double alpha, size_t replicates, double level, rng *stream,
                      stat_interval *out, lb_error *error) {
    const size_t n = data->goods, m = data->defects, rule = fr_allowed(alpha, (double)n);
    const size_t allowed = rule < n ? rule : n - 1;
    const gsl_rng generator = {&stream_type, stream};
    int code = LB_OK;
    float *good = malloc(n * sizeof *good), *defect = malloc(m * sizeof *defect);
    double *recall = malloc(replicates * sizeof *recall);
    if (!good || !defect || !recall) {
        code = lb_fail_memory(error, "the bootstrap");
        goto done;
    }
    memcpy(good, data->good, n * sizeof *good);
    memcpy(defect, data->defect, m * sizeof *defect);
    gsl_sort_float(good, 1, n);
    gsl_sort_float(defect, 1, m);
    const size_t found = count_above(defect, m, good[n - 1 - allowed]);
    if (found == 0 || found == m) {
        *out = stat_clopper_pearson(found, m, level);
        goto done;
    }
    for (size_t b = 0; b < replicates; b++) {
        const double place = gsl_ran_beta(&generator, (double)(allowed + 1), (double)(n - allowed));
        const size_t from_top = (size_t)fmin(place * (double)n, (double)(n - 1));
        const double above = (double)count_above(defect, m, good[n - 1 - from_top]) / (double)m;
        recall[b] = (double)gsl_ran_binomial(&generator, above, (unsigned)m) / (double)m;
    }
    *out = percentile_interval(recall, replicates, level);
done:
    free(good);
    free(defect);
    free(recall);
    return code;
}

/* --- parts ----------------------------------------------------------------------------------------------------------
 */

/* Items drawn by part: `part` numbers the parts of the items 0..parts-1 without gaps. */
typedef struct {
    size_t items, parts;
    uint32_t *part;   /* [items] */
    uint32_t *drawn;  /* [parts] how often in this replicate */
    uint32_t *weight; /* [items] the same by item */
    size_t total;     /* sum of the weights */
} drawer;

static void drawer_free(drawer *d) {
    free(d->part);
    free(d->drawn);
    free(d->weight);
}

/* Replaces arbitrary part numbers by their places among the distinct ones. */
static int number_parts(drawer *d, const uint32_t *part) {
    size_t *order = malloc(d->items * sizeof *order);
    if (!order) return 0;
    gsl_sort_uint_index(order, part, 1, d->items);
    for (size_t i = 0; i < d->items; i++) {
        if (i == 0 || part[order[i]] != part[order[i - 1]]) d->parts++;
        d->part[order[i]] = (uint32_t)(d->parts - 1);
    }
    free(order);
    return 1;
}

static int drawer_new(drawer *d, size_t items, const uint32_t *part, lb_error *error) {
    *d = (drawer){.items = items};
    d->part = malloc(items * sizeof *d->part);
    d->drawn = malloc(items * sizeof *d->drawn);
    d->weight = malloc(items * sizeof *d->weight);
    if (!d->part || !d->drawn || !d->weight || (part && !number_parts(d, part)))
        return lb_fail_memory(error, "the bootstrap");
    if (part) return LB_OK;
    d->parts = items;
    for (size_t i = 0; i < items; i++) d->part[i] = (uint32_t)i;
    return LB_OK;
}

static void draw_counts(rng *stream, uint32_t *count, size_t n) {
    memset(count, 0, n * sizeof *count);
    for (size_t i = 0; i < n; i++) count[rng_below(stream, (uint32_t)n)]++;
}

static void set_weights(drawer *d) {
    d->total = 0;
    for (size_t i = 0; i < d->items; i++) d->total += d->weight[i] = d->drawn[d->part[i]];
}

static void draw(drawer *d, rng *stream) {
    draw_counts(stream, d->drawn, d->parts);
    set_weights(d);
}

/* The data as they are: every part once. */
static void draw_all(drawer *d) {
    for (size_t i = 0; i < d->parts; i++) d->drawn[i] = 1;
    set_weights(d);
}

/* --- several models on the same items -------------------------------------------------------------------------------
 */

typedef struct {
    const stat_crossed *data;
    double alpha;
    drawer good, defect;
    size_t *order;      /* [losses * seeds][goods], ascending in score */
    uint32_t *seed;     /* [seeds] how often drawn */
    double *recall;     /* [losses] of this replicate */
    double *replicate;  /* [losses][replicates] */
    double *difference; /* [replicates] */
    size_t replicates;
} crossed;

static void crossed_free(crossed *c) {
    drawer_free(&c->good);
    drawer_free(&c->defect);
    free(c->order);
    free(c->seed);
    free(c->recall);
    free(c->replicate);
    free(c->difference);
}

static int crossed_new(crossed *c, const stat_crossed *data, double alpha, size_t replicates, lb_error *error) {
    const size_t models = data->losses * data->seeds;
    *c = (crossed){.data = data, .alpha = alpha, .replicates = replicates};
    if (drawer_new(&c->good, data->goods, data->good_part, error)) return LB_MEMORY;
    if (drawer_new(&c->defect, data->defects, data->defect_part, error)) return LB_MEMORY;
    c->order = malloc(models * data->goods * sizeof *c->order);
    c->seed = malloc(data->seeds * sizeof *c->seed);
    c->recall = malloc(data->losses * sizeof *c->recall);
    c->replicate = malloc(data->losses * replicates * sizeof *c->replicate);
    c->difference = malloc(replicates * sizeof *c->difference);
    if (!c->order || !c->seed || !c->recall || !c->replicate || !c->difference)
        return lb_fail_memory(error, "the crossed bootstrap");
    for (size_t i = 0; i < models; i++) gsl_sort_float_index(c->order + i * data->goods, data->good[i], 1, data->goods);
    return LB_OK;
}

/* The (allowed+1)-th largest drawn good score of a model. */
static float drawn_threshold(const crossed *c, size_t model) {
    const size_t *order = c->order + model * c->data->goods;
    const size_t allowed = fr_allowed(c->alpha, (double)c->good.total);
    size_t place = c->data->goods, passed = 0;
    while (place > 0 && passed <= allowed) passed += c->good.weight[order[--place]];
    return c->data->good[model][order[place]];
}

static double drawn_recall(const crossed *c, size_t model) {
    const float threshold = drawn_threshold(c, model), *score = c->data->defect[model];
    size_t found = 0;
    for (size_t i = 0; i < c->data->defects; i++) found += score[i] > threshold ? c->defect.weight[i] : 0;
    return (double)found / (double)c->defect.total;
}

/* Mean recall over the drawn seeds, for every loss. */
static void drawn_means(const crossed *c) {
    for (size_t loss = 0; loss < c->data->losses; loss++) {
        double sum = 0.0;
        for (size_t seed = 0; seed < c->data->seeds; seed++)
            if (c->seed[seed] > 0) sum += c->seed[seed] * drawn_recall(c, loss * c->data->seeds + seed);
        c->recall[loss] = sum / (double)c->data->seeds;
    }
}

static void draw_replicates(crossed *c, rng *stream) {
    for (size_t b = 0; b < c->replicates; b++) {
        draw_counts(stream, c->seed, c->data->seeds);
        draw(&c->good, stream);
        draw(&c->defect, stream);
        drawn_means(c);
        for (size_t loss = 0; loss < c->data->losses; loss++) c->replicate[loss * c->replicates + b] = c->recall[loss];
    }
}

/* No replicate differs from another: the defects on which the two losses disagree are 0 of the parts. */
static stat_interval collapsed_difference(const crossed *c, double level) {
    const double most = stat_clopper_pearson(0, c->defect.parts, level).high;
    return (stat_interval){-most, most};
}

static void difference_intervals(crossed *c, size_t baseline, double level, stat_interval *difference) {
    const double *reference = c->replicate + baseline * c->replicates;
    for (size_t loss = 0; loss < c->data->losses; loss++) {
        const double *own = c->replicate + loss * c->replicates;
        for (size_t b = 0; b < c->replicates; b++) c->difference[b] = own[b] - reference[b];
        difference[loss] = percentile_interval(c->difference, c->replicates, level);
        if (loss != baseline && c->difference[0] == 0.0 && c->difference[c->replicates - 1] == 0.0)
            difference[loss] = collapsed_difference(c, level);
    }
}

/* Sorts the replicates, so it comes after the differences. `observed` is the recall of the data. */
static void recall_intervals(crossed *c, const double *observed, double level, stat_interval *recall) {
    for (size_t loss = 0; loss < c->data->losses; loss++) {
        recall[loss] = percentile_interval(c->replicate + loss * c->replicates, c->replicates, level);
        if (observed[loss] == 0.0) recall[loss] = stat_clopper_pearson(0, c->defect.parts, level);
        if (observed[loss] == 1.0) recall[loss] = stat_clopper_pearson(c->defect.parts, c->defect.parts, level);
    }
}

static void observed_means(crossed *c) {
    draw_all(&c->good);
    draw_all(&c->defect);
    for (size_t seed = 0; seed < c->data->seeds; seed++) c->seed[seed] = 1;
    drawn_means(c);
}

static int check_crossed(const stat_crossed *data, size_t baseline, lb_error *error) {
    if (data->losses == 0 || data->seeds == 0)
        return lb_fail(error, LB_INVALID, "a crossed bootstrap needs at least one loss and one seed");
    if (baseline >= data->losses)
        return lb_fail(error, LB_INVALID, "baseline %zu is not one of the %zu losses", baseline, data->losses);
    for (size_t i = 0; i < data->losses * data->seeds; i++)
        if (check_scores(data->good[i], data->goods, "good", error) ||
            check_scores(data->defect[i], data->defects, "defect", error))
            return LB_INVALID;
    return LB_OK;
}

int stat_boot_crossed(const stat_crossed *data, double alpha, size_t baseline, size_t replicates, double level,
                      rng *stream, stat_interval *recall, stat_interval *difference, lb_error *error) {
    if (check_options(alpha, replicates, level, error) || check_crossed(data, baseline, error)) return LB_INVALID;
    crossed c;
    const int code = crossed_new(&c, data, alpha, replicates, error);
    if (code == LB_OK) {
        draw_replicates(&c, stream);
        if (difference) difference_intervals(&c, baseline, level, difference);
        observed_means(&c);
        recall_intervals(&c, c.recall, level, recall);
    }
    crossed_free(&c);
    return code;
}

int stat_boot_recall(const stat_scored *data, double alpha, size_t replicates, double level, rng *stream,
                     stat_interval *out, lb_error *error) {
    if (data->good_part || data->defect_part) {
        const stat_crossed one = {.losses = 1,
                                  .seeds = 1,
                                  .goods = data->goods,
                                  .defects = data->defects,
                                  .good = &data->good,
                                  .defect = &data->defect,
                                  .good_part = data->good_part,
                                  .defect_part = data->defect_part};
        return stat_boot_crossed(&one, alpha, 0, replicates, level, stream, out, NULL, error);
    }
    if (check_options(alpha, replicates, level, error) || check_scores(data->good, data->goods, "good", error) ||
        check_scores(data->defect, data->defects, "defect", error))
        return LB_INVALID;
    return boot_items(data, alpha, replicates, level, stream, out, error);
}
