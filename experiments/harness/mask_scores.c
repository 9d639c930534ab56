#include "experiments/harness/mask_scores.h"

#include "lib/metrics/mask_metrics.h"
#include "lib/metrics/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOP_SHARE = 256, PIXEL_LEVELS = 4 };
static const double pixel_fr[PIXEL_LEVELS] = {0.001, 0.005, 0.01, 0.05};
static const double boundary_tolerance = 1;

static size_t area_of(const dataset *d) { return d->height * d->width; }

size_t mask_top(size_t pixels) { return pixels < TOP_SHARE ? 1 : pixels / TOP_SHARE; }

static float *numbers_of(const trial_result *r) {
    const trial_array *a = trial_result_find(r, "masks");
    return a ? a->data : NULL;
}

/* --- before training ------------------------------------------------------------------------------------------- */

size_t mask_defect_pixels(const dataset_items *set, size_t area) {
    size_t n = 0;
    for (size_t i = set->goods * area; i < set->count * area; i++) n += set->masks[i] > 127;
    return n;
}

int mask_scores_check(const trial *t, const dataset *d, lb_error *error) {
    static const dataset_set needed[] = {SET_TRAIN, SET_SELECT, SET_TEST};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        const dataset_items *set = &d->sets[needed[i]];
        if (!set->masks)
            return lb_fail(error, LB_INVALID,
                           "data set '%s' has no masks, and model '%s' is trained on masks: add masks.tif, or choose a "
                           "model for images, such as cnn",
                           t->data, t->model);
        if (!mask_defect_pixels(set, area_of(d)))
            return lb_fail(error, LB_INVALID,
                           "data set '%s': all masks of its %s set are empty, so there is nothing to %s; mark the "
                           "defects (> 127), or give that set images whose masks are not empty",
                           t->data, dataset_set_names[needed[i]],
                           needed[i] == SET_TRAIN    ? "learn"
                           : needed[i] == SET_SELECT ? "choose a threshold by"
                                                     : "measure");
    }
    return LB_OK;
}

int mask_scores_begin(const dataset *d, double share, trial_result *out, lb_error *error) {
    const dataset_items *test = &d->sets[SET_TEST];
    float *number = trial_result_add(out, "masks", MASK_NUMBERS, 0);
    if (!number) return lb_fail_memory(error, "the numbers of masks");
    for (size_t i = 0; i < MASK_NUMBERS; i++) number[i] = NAN;
    const double defects = (double)(test->count - test->goods) * (double)area_of(d);
    number[MASK_PIXEL_SHARE] = (float)share;
    number[MASK_AREA] = (float)((double)mask_defect_pixels(test, area_of(d)) / defects);
    number[MASK_VANISHED] = (float)d->vanished;
    number[MASK_EMPTY] = (float)d->empty;
    number[MASK_BETWEEN] = (float)d->between;
    return LB_OK;
}

/* --- scores of images ------------------------------------------------------------------------------------------ */

static int add_scores(const dataset *d, dataset_set which, const char *name, const float *logit, size_t top,
                      trial_result *out, lb_error *error) {
    const dataset_items *set = &d->sets[which];
    float *scores = trial_result_add(out, name, set->count, set->goods), *room = malloc(top * sizeof *room);
    for (size_t i = 0; scores && room && i < set->count; i++) {
        scores[i] = metric_top_mean(logit + i * area_of(d), area_of(d), top, room);
        if (!isfinite(scores[i])) out->outcome = OUTCOME_DIVERGED;
    }
    const int ready = scores && room;
    free(room);
    return ready ? LB_OK : lb_fail_memory(error, "the scores of images");
}

static int add_images(const dataset *d, dataset_set which, const char *name, const float *logit, trial_result *out,
                      lb_error *error) {
    for (size_t i = 0; i < d->sets[which].count * area_of(d); i++)
        if (!isfinite(logit[i])) out->outcome = OUTCOME_DIVERGED;
    return add_scores(d, which, name, logit, mask_top(area_of(d)), out, error);
}

static int choose_threshold(const dataset *d, const float *logit, trial_result *out, lb_error *error) {
    const dataset_items *set = &d->sets[SET_SELECT];
    if (out->outcome != OUTCOME_OK) return LB_OK;
    return metric_best_dice(logit, set->masks, set->count * area_of(d), &numbers_of(out)[MASK_THRESHOLD], NULL, error);
}

/* --- the test set ---------------------------------------------------------------------------------------------- */

static void measure_overlap(const float *logit, const unsigned char *mask, size_t n, float *number) {
    const metric_overlap best = metric_overlap_at(logit, mask, n, number[MASK_THRESHOLD]);
    const metric_overlap half = metric_overlap_at(logit, mask, n, 0);
    number[MASK_DICE] = (float)metric_dice(&best);
    number[MASK_MEAN_IOU] = (float)metric_mean_iou(&best);
    number[MASK_DICE_HALF] = (float)metric_dice(&half);
    number[MASK_MEAN_IOU_HALF] = (float)metric_mean_iou(&half);
}

/* The pixels as goods and defects of the metrics for scores. */
static int measure_pixels(const float *logit, const unsigned char *mask, size_t n, float *number, lb_error *error) {
    float *sorted = malloc(n * sizeof *sorted);
    if (!sorted) return lb_fail_memory(error, "the pixels of the test set");
    size_t goods = 0, defects = 0;
    for (size_t i = 0; i < n; i++)
        if (mask[i] > 127)
            sorted[n - ++defects] = logit[i];
        else
            sorted[goods++] = logit[i];
    metric_scores pixels;
    const int code = metric_scores_new(&pixels, sorted, goods, sorted + goods, defects, error);
    free(sorted);
    if (code) return code;
    number[MASK_PIXEL_AP] = (float)metric_average_precision(&pixels, metric_prevalence(&pixels));
    for (size_t i = 0; i < PIXEL_LEVELS; i++)
        number[MASK_PIXEL_RECALL + i] = (float)metric_recall_at(&pixels, pixel_fr[i], NULL).recall;
    metric_scores_free(&pixels);
    return LB_OK;
}

typedef struct {
    double f1, distance;
    size_t count, nothing; /* defect images, and those in which nothing is called defect */
} outlines;

static int add_outline(const dataset *d, const float *logit, const unsigned char *mask, float threshold,
                       unsigned char *called, unsigned char *truth, outlines *sum, lb_error *error) {
    size_t inside = 0, true_pixels = 0;
    double f1, distance;
    for (size_t i = 0; i < area_of(d); i++) {
        inside += called[i] = logit[i] > threshold;
        true_pixels += truth[i] = mask[i] > 127;
    }
    if (!true_pixels) return LB_OK; /* a false alarm of whoever labelled */
    int code = metric_boundary_f1(called, truth, d->height, d->width, boundary_tolerance, &f1, error);
    if (!code) code = metric_hausdorff_95(called, truth, d->height, d->width, &distance, error);
    if (code) return code;
    sum->f1 += f1;
    sum->distance += distance;
    sum->nothing += !inside;
    sum->count++;
    return LB_OK;
}

static int measure_outlines(const dataset *d, const float *logit, float *number, lb_error *error) {
    const dataset_items *test = &d->sets[SET_TEST];
    const size_t area = area_of(d);
    unsigned char *called = malloc(2 * area);
    outlines sum = {0};
    int code = called ? LB_OK : lb_fail_memory(error, "the outlines of masks");
    for (size_t i = test->goods; !code && i < test->count; i++)
        code = add_outline(d, logit + i * area, test->masks + i * area, number[MASK_THRESHOLD], called, called + area,
                           &sum, error);
    free(called);
    if (code || !sum.count) return code;
    number[MASK_BOUNDARY_F1] = (float)(sum.f1 / (double)sum.count);
    number[MASK_HAUSDORFF_95] = (float)(sum.distance / (double)sum.count);
    number[MASK_NOTHING] = (float)((double)sum.nothing / (double)sum.count);
    return LB_OK;
}

static int add_instances(const metric_masks *masks, trial_result *out, lb_error *error) {
    metric_instance *instances;
    size_t count;
    const int code = metric_instances(masks, &instances, &count, error);
    if (code) return code;
    float *score = trial_result_add(out, "instance_score", count, 0);
    float *area = score ? trial_result_add(out, "instance_area", count, 0) : NULL;
    for (size_t i = 0; area && i < count; i++) {
        score[i] = instances[i].score;
        area[i] = (float)instances[i].area;
    }
    free(instances);
    return area ? LB_OK : lb_fail_memory(error, "the instances of masks");
}

static int measure_test(const dataset *d, const float *logit, trial_result *out, lb_error *error) {
    static const double levels[2] = {0.5, 0.75};
    const dataset_items *test = &d->sets[SET_TEST];
    const size_t n = test->count * area_of(d);
    const metric_masks masks = {test->count, d->height, d->width, logit, test->masks};
    double ap[2];
    if (out->outcome != OUTCOME_OK) return LB_OK;
    float *number = numbers_of(out);
    measure_overlap(logit, test->masks, n, number);
    int code = measure_pixels(logit, test->masks, n, number, error);
    if (!code) code = measure_outlines(d, logit, number, error);
    if (!code) code = metric_instance_ap(&masks, number[MASK_THRESHOLD], levels, 2, ap, error);
    if (code) return code;
    number[MASK_AP50] = (float)ap[0];
    number[MASK_AP75] = (float)ap[1];
    code = add_instances(&masks, out, error);
    return code ? code : add_scores(d, SET_TEST, "test_max", logit, 1, out, error);
}

int mask_scores_add(const dataset *d, dataset_set which, const char *name, const float *logit, trial_result *out,
                    lb_error *error) {
    int code = add_images(d, which, name, logit, out, error);
    if (!code && which == SET_SELECT) code = choose_threshold(d, logit, out, error);
    if (!code && strcmp(name, "test") == 0) code = measure_test(d, logit, out, error);
    return code;
}
