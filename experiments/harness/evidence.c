#include "experiments/harness/evidence.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const double fr_levels[FR_LEVELS] = {0.001, 0.005, 0.01, 0.05};
const double curve_low = 0.001, curve_high = 0.1;

const double size_edges[SIZE_BINS - 1] = {0.002, 0.01, 0.05};

static const double partial_fr = 0.05, np_delta = 0.05;
static const float log_half = -0.6931472f; /* ln 1/2: a box's score is the logarithm of its probability */
static const double started_share = 0.98;  /* a training loss above this share of the prior's never left it */
enum { MAX_SEEDS = 1000, CALIBRATION_BINS = 15 };

static int sorted(const trial_result *r, const char *name, metric_scores *out) {
    const trial_array *a = trial_result_find(r, name);
    return a && !metric_scores_new(out, a->data, a->goods, a->data + a->goods, a->count - a->goods, NULL);
}

static void measure_test(measure *m, const metric_scores *test) {
    double fr[CURVE_POINTS];
    for (size_t i = 0; i < FR_LEVELS; i++) m->recall[i] = metric_recall_at(test, fr_levels[i], &m->status[i]).recall;
    m->level = m->status[FR_HEADLINE] == METRIC_TOO_FEW ? FR_FALLBACK : FR_HEADLINE;
    m->pauc = metric_pauc(test, partial_fr);
    m->auroc = metric_auroc(test);
    m->average_precision = metric_average_precision(test, metric_prevalence(test));
    metric_log_grid(curve_low, curve_high, CURVE_POINTS, fr);
    metric_roc_curve(test, fr, CURVE_POINTS, m->curve);
}

/* Accuracy as the line sees it: at the share of defects in the training data, not that of the enriched test set. */
static void measure_half(measure *m, const metric_scores *test, trial_task task) {
    const metric_point half = metric_at(test, task == TASK_BOX ? log_half : 0);
    const double goods = (double)m->data[DATA_GOODS + SET_TRAIN], defects = (double)m->data[DATA_DEFECTS + SET_TRAIN];
    const double prior = defects / (goods + defects);
    m->recall_half = half.recall;
    m->accuracy = (1 - prior) * (1 - half.fr) + prior * half.recall;
}

static void measure_select(measure *m, const trial_result *r, const metric_scores *test) {
    metric_scores select;
    if (!sorted(r, "select", &select)) return;
    m->select_recall = metric_recall_at(&select, fr_levels[m->level], NULL).recall;
    const metric_platt fit = metric_platt_fit(&select);
    m->calibration_error = metric_calibration_error(test, &fit, CALIBRATION_BINS);
    metric_scores_free(&select);
}

/* Thresholds from the calibrate goods, tried on test. */
static void measure_transfer(measure *m, const trial_result *r, const metric_scores *test) {
    const trial_array *a = trial_result_find(r, "calibrate");
    metric_scores calibrate;
    const float none = 0;
    m->np_order = -1;
    if (!a || !a->goods || metric_scores_new(&calibrate, a->data, a->goods, &none, 1, NULL)) return;
    const double fr = fr_levels[FR_HEADLINE];
    m->np_order = stat_np_order(a->goods, fr, np_delta);
    m->transferred = metric_at(test, metric_order_threshold(&calibrate, m->np_order, fr).threshold);
    m->naive = metric_at(test, metric_frr_threshold(&calibrate, fr).threshold);
    metric_scores_free(&calibrate);
}

static void measure_checkpoints(measure *m, const trial_result *r, unsigned checkpoints) {
    for (unsigned k = 1; k <= checkpoints && k <= MAX_CHECKPOINTS; k++) {
        char name[24];
        metric_scores scores;
        snprintf(name, sizeof name, k == checkpoints ? "test" : "test@%u", k);
        m->checkpoint[k - 1] = 0;
        if (!sorted(r, name, &scores)) continue;
        m->checkpoint[k - 1] = metric_recall_at(&scores, fr_levels[m->level], NULL).recall;
        metric_scores_free(&scores);
    }
}

static size_t size_bin(double share) {
    size_t bin = 0;
    while (bin < SIZE_BINS - 1 && share >= size_edges[bin]) bin++;
    return bin;
}

/* Instances found at the threshold that rejects the level's share of the goods by their largest logit. */
static void measure_instances(measure *m, const trial_result *r, double pixels) {
    const trial_array *score = trial_result_find(r, "instance_score"), *area = trial_result_find(r, "instance_area");
    metric_scores largest;
    size_t found[SIZE_BINS] = {0}, all_found = 0;
    if (!score || !area || !sorted(r, "test_max", &largest)) return;
    const metric_point at = metric_recall_at(&largest, fr_levels[m->level], NULL);
    metric_scores_free(&largest);
    m->mask.recall_max = at.recall;
    for (size_t i = 0; i < score->count; i++) {
        const size_t bin = size_bin((double)area->data[i] / pixels);
        m->mask.size_count[bin]++;
        found[bin] += score->data[i] > at.threshold;
        all_found += score->data[i] > at.threshold;
    }
    if (score->count) m->mask.instance_recall = (double)all_found / (double)score->count;
    for (size_t bin = 0; bin < SIZE_BINS; bin++)
        m->mask.size_recall[bin] =
            m->mask.size_count[bin] ? (double)found[bin] / (double)m->mask.size_count[bin] : (double)NAN;
}

static void measure_masks(measure *m, const trial_result *r) {
    const trial_array *number = trial_result_find(r, "masks");
    const double height = (double)m->data[DATA_HEIGHT], width = (double)m->data[DATA_WIDTH];
    m->has_masks = number && number->count == MASK_NUMBERS;
    for (size_t i = 0; m->has_masks && i < MASK_NUMBERS; i++)
        m->mask.number[i] = isnan(number->data[i]) && i < MASK_PIXEL_SHARE ? 0 : (double)number->data[i];
    if (m->has_masks && r->outcome != OUTCOME_OK)
        m->mask.number[MASK_HAUSDORFF_95] = sqrt(height * height + width * width);
    if (m->has_masks && r->outcome == OUTCOME_OK) measure_instances(m, r, height * width);
}

/* Boxes found at the threshold that rejects the level's share of the goods by their best box. */
static void measure_found_boxes(measure *m, const trial_result *r) {
    const trial_array *score = trial_result_find(r, "instance_score"), *area = trial_result_find(r, "instance_area");
    const double pixels = (double)m->data[DATA_HEIGHT] * (double)m->data[DATA_WIDTH];
    metric_scores test;
    size_t found[BOX_SIZES] = {0}, count[BOX_SIZES] = {0}, all_found = 0;
    if (!score || !area || !score->count || !sorted(r, "test", &test)) return;
    const metric_point at = metric_recall_at(&test, fr_levels[m->level], NULL);
    metric_scores_free(&test);
    for (size_t i = 0; i < score->count; i++) {
        const size_t size = box_size_of((double)area->data[i] / pixels);
        count[size]++;
        found[size] += score->data[i] > at.threshold;
        all_found += score->data[i] > at.threshold;
    }
    m->box.recall = (double)all_found / (double)score->count;
    for (size_t size = 0; size < BOX_SIZES; size++)
        if (count[size]) m->box.size_recall[size] = (double)found[size] / (double)count[size];
}

static void measure_box_checkpoints(measure *m, const trial_result *r, unsigned checkpoints) {
    for (unsigned k = 1; k < checkpoints && k <= MAX_CHECKPOINTS; k++) {
        char name[24];
        snprintf(name, sizeof name, "boxes@%u", k);
        const trial_array *a = trial_result_find(r, name);
        for (size_t i = 0; a && i < a->count && i < BOX_AT_NUMBERS; i++) m->box.at[k - 1][i] = (double)a->data[i];
    }
}

/* Without goods, or without images, no number of images exists. */
static void forget_images(measure *m) {
    for (size_t i = 0; i < FR_LEVELS; i++) m->status[i] = METRIC_TOO_FEW;
    m->pauc = m->auroc = m->average_precision = m->accuracy = m->recall_half = m->select_recall = (double)NAN;
    for (size_t i = 0; i < CURVE_POINTS; i++) m->curve[i] = (double)NAN;
    for (size_t k = 0; k < MAX_CHECKPOINTS; k++) m->checkpoint[k] = (double)NAN;
    m->np_order = -1;
}

/* A diverged model detects nothing: 0 where its data could have had the number. */
static double box_number(const trial_result *r, const float *number, size_t i) {
    const int by_size = i >= BOX_AP50_SIZE && i < BOX_MATCHED_IOU;
    const int possible = by_size ? number[BOX_TRUTHS_SIZE + (i - BOX_AP50_SIZE) % BOX_SIZES] > 0 : i < BOX_TRUTHS_SIZE;
    return isnan(number[i]) && possible && r->outcome != OUTCOME_OK ? 0 : (double)number[i];
}

static void measure_boxes(measure *m, const trial *t, const trial_result *r) {
    const trial_array *number = trial_result_find(r, "boxes");
    const int has_goods = m->data[DATA_GOODS + SET_TEST] > 0;
    m->has_boxes = number && number->count == BOX_NUMBERS;
    if (!m->has_boxes) return;
    if (!has_goods) forget_images(m);
    for (size_t i = 0; i < BOX_NUMBERS; i++) m->box.number[i] = box_number(r, number->data, i);
    m->box.recall = has_goods ? 0 : (double)NAN;
    for (size_t size = 0; size < BOX_SIZES; size++)
        m->box.size_recall[size] = m->box.number[BOX_TRUTHS_SIZE + size] > 0 ? m->box.recall : (double)NAN;
    for (unsigned k = 0; k < MAX_CHECKPOINTS; k++)
        for (size_t i = 0; i < BOX_AT_NUMBERS; i++) m->box.at[k][i] = (double)NAN;
    if (r->outcome != OUTCOME_OK) return;
    m->started = r->train_loss < started_share * r->prior_loss;
    measure_found_boxes(m, r);
    measure_box_checkpoints(m, r, t->checkpoints);
}

static int copy_types(const trial_result *r, const char *name, size_t classes, double *out) {
    const trial_array *a = trial_result_find(r, name);
    const int found = a && a->count == classes;
    for (size_t i = 0; found && i < classes; i++) out[i] = (double)a->data[i];
    return found;
}

/* A diverged model recalls nothing of the classes that have items. */
static void copy_type_rates(measure *m, const trial_result *r, const char *name, double *out) {
    if (copy_types(r, name, m->types.classes, out)) return;
    for (size_t i = 0; i < m->types.classes; i++) out[i] = m->types.test[i] > 0 ? 0 : (double)NAN;
}

static void measure_types(measure *m, const trial_result *r) {
    const trial_array *number = trial_result_find(r, "types"), *test = trial_result_find(r, "type_test");
    m->has_types = number && number->count == CLASS_NUMBERS && test && test->count <= CLASS_MOST;
    if (!m->has_types) return;
    if (m->data[DATA_GOODS + SET_TEST] == 0) forget_images(m);
    if (r->outcome == OUTCOME_OK) m->started = r->train_loss < started_share * r->prior_loss;
    for (size_t i = 0; i < CLASS_NUMBERS; i++)
        m->types.number[i] = isnan(number->data[i]) && r->outcome != OUTCOME_OK ? 0 : (double)number->data[i];
    m->types.classes = test->count;
    copy_types(r, "type_train", m->types.classes, m->types.train);
    copy_types(r, "type_test", m->types.classes, m->types.test);
    copy_type_rates(m, r, "type_recall", m->types.recall);
    copy_type_rates(m, r, "type_f1", m->types.f1);
}

static void measure_trial(measure *m, const trial *t, const trial_result *r) {
    metric_scores test;
    const trial_array *data = trial_result_find(r, "data");
    m->outcome = r->outcome;
    m->present = r->outcome == OUTCOME_OK || r->outcome == OUTCOME_DIVERGED;
    m->scores = trial_scores_hash(r);
    m->weights = r->weights;
    if (data && data->count == DATA_FACTS) memcpy(m->data, data->data, sizeof m->data);
    m->level = FR_HEADLINE;
    m->auroc = m->pauc = 0.5;
    m->calibration_error = (double)NAN; /* a diverged model has no probabilities */
    if (r->outcome == OUTCOME_OK && sorted(r, "test", &test)) {
        m->started = r->train_loss < started_share * r->prior_loss;
        measure_test(m, &test);
        measure_half(m, &test, t->task);
        measure_select(m, r, &test);
        measure_transfer(m, r, &test);
        measure_checkpoints(m, r, t->checkpoints);
        metric_scores_free(&test);
    }
    if (t->task == TASK_SIMULATION) forget_images(m);
    measure_masks(m, r);
    measure_types(m, r);
    measure_boxes(m, t, r);
}

int evidence_measure(store *from, const trial *t, measure *out, lb_error *error) {
    trial_result r;
    *out = (measure){0};
    trial_key(t, out->key);
    const int code = store_get(from, out->key, &r, error);
    if (code) return code;
    measure_trial(out, t, &r);
    trial_result_free(&r);
    return LB_OK;
}

int evidence_read(const study *s, store *from, evidence *out, lb_error *error) {
    const unsigned seeds = s->e.seeds;
    *out = (evidence){.study = s, .measures = calloc(s->cell_count * seeds + 1, sizeof *out->measures)};
    if (!out->measures) return lb_fail_memory(error, "the evidence");
    for (size_t c = 0; c < s->cell_count; c++)
        for (unsigned k = 0; s->cells[c].chosen >= 0 && k < seeds; k++) {
            const int code = evidence_measure(from, &s->cells[c].finals[k], &out->measures[c * seeds + k], error);
            if (code && code != LB_NOT_FOUND) return code;
        }
    return LB_OK;
}

void evidence_free(evidence *e) {
    free(e->measures);
    *e = (evidence){0};
}

const measure *evidence_seeds(const evidence *e, size_t c) { return &e->measures[c * e->study->e.seeds]; }

long evidence_find(const evidence *e, const block *b, unsigned ratio, const char *label, double rate) {
    for (size_t i = 0; i < e->study->cell_count; i++) {
        const cell *c = &e->study->cells[i];
        if (c->block != b || c->ratio != ratio || (rate > 0 && c->rate != rate)) continue;
        if (strcmp(c->entry->label, label) == 0 || strcmp(c->entry->family, label) == 0) return (long)i;
    }
    return -1;
}

static double present(const measure *m, double value) { return m->present ? value : (double)NAN; }

double field_level(const measure *m, size_t level) {
    return m->status[level] == METRIC_TOO_FEW ? (double)NAN : present(m, m->recall[level]);
}
double field_recall(const measure *m) { return field_level(m, m->level); }
double field_select_recall(const measure *m) { return present(m, m->select_recall); }
double field_pauc(const measure *m) { return present(m, m->pauc); }
double field_auroc(const measure *m) { return present(m, m->auroc); }
double field_average_precision(const measure *m) { return present(m, m->average_precision); }
double field_calibration_error(const measure *m) { return present(m, m->calibration_error); }
double field_accuracy(const measure *m) { return present(m, m->accuracy); }
double field_recall_half(const measure *m) { return present(m, m->recall_half); }

static double of_masks(const measure *m, double value) { return m->has_masks ? present(m, value) : (double)NAN; }

double field_mask(const measure *m, size_t number) { return of_masks(m, m->mask.number[number]); }
double field_dice(const measure *m) { return field_mask(m, MASK_DICE); }
double field_dice_half(const measure *m) { return field_mask(m, MASK_DICE_HALF); }
double field_mean_iou(const measure *m) { return field_mask(m, MASK_MEAN_IOU); }
double field_pixel_ap(const measure *m) { return field_mask(m, MASK_PIXEL_AP); }
double field_pixel_recall(const measure *m) { return field_mask(m, MASK_PIXEL_RECALL + FR_HEADLINE); }
double field_boundary_f1(const measure *m) { return field_mask(m, MASK_BOUNDARY_F1); }
double field_hausdorff_95(const measure *m) { return field_mask(m, MASK_HAUSDORFF_95); }
double field_ap50(const measure *m) { return field_mask(m, MASK_AP50); }
double field_ap75(const measure *m) { return field_mask(m, MASK_AP75); }
double field_recall_max(const measure *m) { return of_masks(m, m->mask.recall_max); }
double field_instance_recall(const measure *m) { return of_masks(m, m->mask.instance_recall); }

static double of_types(const measure *m, size_t number) {
    return m->has_types ? present(m, m->types.number[number]) : (double)NAN;
}

double field_balanced(const measure *m) { return of_types(m, CLASS_BALANCED); }
double field_macro_f1(const measure *m) { return of_types(m, CLASS_MACRO_F1); }
double field_type_accuracy(const measure *m) { return of_types(m, CLASS_ACCURACY); }

static double of_boxes(const measure *m, double value) { return m->has_boxes ? present(m, value) : (double)NAN; }

double field_box(const measure *m, size_t number) { return of_boxes(m, m->box.number[number]); }
double field_box_ap50(const measure *m) { return field_box(m, BOX_AP50); }
double field_box_ap75(const measure *m) { return field_box(m, BOX_AP75); }
double field_box_ap(const measure *m) { return field_box(m, BOX_AP); }
double field_box_matched_iou(const measure *m) { return field_box(m, BOX_MATCHED_IOU); }
double field_box_best_iou(const measure *m) { return field_box(m, BOX_BEST_IOU); }
double field_box_recall(const measure *m) { return of_boxes(m, m->box.recall); }
double field_box_half_ap50(const measure *m) { return of_boxes(m, m->box.at[0][BOX_AT_AP50]); }

#define BY_SIZE(size, name)                                                                                            \
    static double ap50_##name(const measure *m) { return field_box(m, BOX_AP50_SIZE + (size)); }                       \
    static double ap_##name(const measure *m) { return field_box(m, BOX_AP_SIZE + (size)); }                           \
    static double recall_##name(const measure *m) { return of_boxes(m, m->box.size_recall[size]); }
BY_SIZE(0, small)
BY_SIZE(1, medium)
BY_SIZE(2, large)
const measure_field field_box_ap50_size[BOX_SIZES] = {ap50_small, ap50_medium, ap50_large};
const measure_field field_box_ap_size[BOX_SIZES] = {ap_small, ap_medium, ap_large};
const measure_field field_box_recall_size[BOX_SIZES] = {recall_small, recall_medium, recall_large};

static int has_task(const evidence *e, trial_task task) {
    return e->study->cell_count && e->study->cells[0].finals && e->study->cells[0].finals[0].task == task;
}

int evidence_has_masks(const evidence *e) { return has_task(e, TASK_MASK); }

int evidence_has_types(const evidence *e) { return has_task(e, TASK_TYPES); }

int evidence_has_boxes(const evidence *e) { return has_task(e, TASK_BOX); }

size_t evidence_level(const evidence *e, size_t c) {
    for (unsigned k = 0; k < e->study->e.seeds; k++) {
        const measure *m = &evidence_seeds(e, c)[k];
        if (m->present && m->outcome == OUTCOME_OK) return m->level;
    }
    return FR_HEADLINE;
}

/* Items in test over items in train, for re-split data; 0 for fresh data. Of the first of n seeds that knows its data.
 */
static double overlap(const measure *seeds, size_t n) {
    for (size_t k = 0; k < n; k++) {
        const float *data = seeds[k].data;
        const double test = (double)(data[DATA_GOODS + SET_TEST] + data[DATA_DEFECTS + SET_TEST]);
        const double train = (double)(data[DATA_GOODS + SET_TRAIN] + data[DATA_DEFECTS + SET_TRAIN]);
        if (train > 0) return data[DATA_INDEPENDENT] != 0 ? 0 : test / train;
    }
    return 0;
}

estimate estimate_values(const double *values, size_t n, const measure *seeds) {
    double kept[MAX_SEEDS] = {0};
    estimate out = {0};
    for (size_t i = 0; i < n; i++)
        if (isfinite(values[i])) kept[out.count++] = values[i];
    out.mean = out.count ? stat_mean(kept, out.count) : (double)NAN;
    out.sd = stat_sd(kept, out.count);
    out.interval = stat_corrected_t_interval(kept, out.count, overlap(seeds, n), 0.95);
    return out;
}

estimate estimate_field(const evidence *e, size_t c, measure_field field) {
    double values[MAX_SEEDS];
    const measure *seeds = evidence_seeds(e, c);
    for (unsigned k = 0; k < e->study->e.seeds; k++) values[k] = field(&seeds[k]);
    return estimate_values(values, e->study->e.seeds, seeds);
}

comparison compare_values(const double *difference, size_t n, const measure *seeds) {
    double kept[MAX_SEEDS];
    comparison out = {.difference = estimate_values(difference, n, seeds), .p = (double)NAN};
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(difference[i])) kept[count++] = difference[i];
    rng stream = rng_from_text("signflip");
    if (count && overlap(seeds, n) == 0) out.p = stat_signflip(kept, count, 20000, &stream);
    out.verdict = count > 1 ? stat_verdict(out.difference.interval, STAT_MARGIN) : STAT_UNCLEAR;
    return out;
}

comparison compare_cells(const evidence *e, size_t a, size_t b, measure_field field) {
    double difference[MAX_SEEDS];
    const measure *left = evidence_seeds(e, a), *right = evidence_seeds(e, b);
    for (unsigned k = 0; k < e->study->e.seeds; k++) difference[k] = field(&left[k]) - field(&right[k]);
    return compare_values(difference, e->study->e.seeds, left);
}
