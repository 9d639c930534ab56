#include "experiments/harness/box_scores.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LEVELS = 10 };

const double box_size_edges[BOX_SIZES + 1] = {0, 0.02, 0.1, (double)INFINITY};
const char *const box_size_names[BOX_SIZES] = {"small", "medium", "large"};

size_t box_size_of(double share) {
    size_t size = 0;
    while (size + 1 < BOX_SIZES && share >= box_size_edges[size + 1]) size++;
    return size;
}

static const double match_iou = 0.5;
static const metric_area_range all = {0, (double)INFINITY};

static float *numbers_of(const trial_result *r) {
    const trial_array *a = trial_result_find(r, "boxes");
    return a ? a->data : NULL;
}

size_t *box_index(const dataset_items *set) {
    size_t *first = calloc(set->count + 1, sizeof *first);
    for (size_t i = 0; first && i < set->box_count; i++) first[set->boxes[i].item + 1]++;
    for (size_t i = 0; first && i < set->count; i++) first[i + 1] += first[i];
    return first;
}

/* --- before training -----------------------------------------------------------------------------------------------
 */

static int check_box(const trial *t, const dataset *d, dataset_set which, const dataset_box *b, lb_error *error) {
    const dataset_items *set = &d->sets[which];
    const float width = (float)d->width, height = (float)d->height;
    if (b->item < set->count && b->type > 0 && b->x1 >= 0 && b->x1 < b->x2 && b->x2 <= width && b->y1 >= 0 &&
        b->y1 < b->y2 && b->y2 <= height)
        return LB_OK;
    return lb_fail(
        error, LB_INVALID,
        "data set '%s': a box of image %u of set %s runs from (%g, %g) to (%g, %g): it must have an area, lie "
        "inside the image of %zux%zu pixels, and be of a defect type",
        t->data, b->item, dataset_set_names[which], (double)b->x1, (double)b->y1, (double)b->x2, (double)b->y2,
        d->width, d->height);
}

int box_scores_check(const trial *t, const dataset *d, lb_error *error) {
    for (int which = 0; which < SET_COUNT; which++) {
        const dataset_items *set = &d->sets[which];
        if (!set->box_count && which != SET_CALIBRATE)
            return lb_fail(
                error, LB_INVALID,
                "data set '%s' has no boxes in its %s set, and model '%s' is trained on boxes: add boxes.csv, "
                "or choose a model for images, such as cnn",
                t->data, dataset_set_names[which], t->model);
        for (size_t i = 0; i < set->box_count; i++) {
            const int code = check_box(t, d, (dataset_set)which, &set->boxes[i], error);
            if (code) return code;
        }
    }
    return LB_OK;
}

metric_box box_truth(const dataset_box *b) {
    return (metric_box){.image = b->item, .type = b->type - 1, .x1 = b->x1, .y1 = b->y1, .x2 = b->x2, .y2 = b->y2};
}

static metric_area_range size_range(const dataset *d, int size) {
    const double area = (double)(d->height * d->width);
    return (metric_area_range){box_size_edges[size] * area, box_size_edges[size + 1] * area};
}

static void count_sizes(const dataset *d, float *number) {
    const dataset_items *test = &d->sets[SET_TEST];
    for (int size = 0; size < BOX_SIZES; size++) {
        const metric_area_range range = size_range(d, size);
        number[BOX_TRUTHS_SIZE + size] = 0;
        for (size_t i = 0; i < test->box_count; i++) {
            const metric_box b = box_truth(&test->boxes[i]);
            const double area = metric_box_area(&b);
            number[BOX_TRUTHS_SIZE + size] += area >= range.low && area < range.high;
        }
    }
}

static double mean_share(const dataset *d) {
    const dataset_items *test = &d->sets[SET_TEST];
    double sum = 0;
    for (size_t i = 0; i < test->box_count; i++) {
        const metric_box b = box_truth(&test->boxes[i]);
        sum += metric_box_area(&b);
    }
    return sum / (double)test->box_count / (double)(d->height * d->width);
}

/* Boxes of train that own no cell. */
static int count_lost(const dataset *d, const detector_grid *g, float *lost, lb_error *error) {
    const dataset_items *train = &d->sets[SET_TRAIN];
    size_t *first = box_index(train), sum = 0;
    int32_t *owner = calloc(detector_cells(g), sizeof *owner);
    for (size_t i = 0; first && owner && i < train->count; i++)
        sum += detector_assign(g, train->boxes + first[i], first[i + 1] - first[i], owner);
    const int ready = first && owner;
    free(first);
    free(owner);
    *lost = (float)sum;
    return ready ? LB_OK : lb_fail_memory(error, "the boxes of a data set");
}

int box_scores_begin(const dataset *d, const detector_grid *g, double cell_share, trial_result *out, lb_error *error) {
    float *number = trial_result_add(out, "boxes", BOX_NUMBERS, 0);
    if (!number) return lb_fail_memory(error, "the numbers of boxes");
    for (size_t i = 0; i < BOX_NUMBERS; i++) number[i] = NAN;
    count_sizes(d, number);
    number[BOX_TRAIN_TRUTHS] = (float)d->sets[SET_TRAIN].box_count;
    number[BOX_CELL_SHARE] = (float)cell_share;
    number[BOX_ABSENT] = (float)d->absent;
    number[BOX_CUT] = (float)d->cut;
    number[BOX_BAD] = (float)d->bad_boxes;
    number[BOX_UNMARKED] = (float)d->unmarked;
    number[BOX_MEAN_SHARE] = (float)mean_share(d);
    return count_lost(d, g, &number[BOX_LOST], error);
}

/* --- detections ----------------------------------------------------------------------------------------------------
 */

/* Truths and detections of one set. */
typedef struct {
    metric_box *truth, *found;
    size_t truths, count;
} boxes_of_set;

static void boxes_free(boxes_of_set *b) {
    free(b->truth);
    free(b->found);
}

/* Finds the boxes of every image, and writes the image scores under `name`. */
static int find_boxes(const dataset *d, const detector_grid *g, dataset_set which, const char *name,
                      const float *output, boxes_of_set *b, trial_result *out, lb_error *error) {
    const dataset_items *set = &d->sets[which];
    const size_t cells = detector_cells(g);
    float *score = trial_result_add(out, name, set->count, set->goods);
    b->truth = malloc((set->box_count ? set->box_count : 1) * sizeof *b->truth);
    b->found = malloc((set->count * DETECTOR_MOST + cells) * sizeof *b->found);
    if (!score || !b->truth || !b->found) return lb_fail_memory(error, "the boxes of a set");
    for (size_t i = 0; i < set->box_count; i++) b->truth[b->truths++] = box_truth(&set->boxes[i]);
    for (size_t i = 0; i < set->count; i++) {
        int finite;
        metric_box *here = b->found + b->count;
        b->count += detector_find(g, output + i * cells * detector_channels(g), (uint32_t)i, here, &finite);
        score[i] = here->score;
        if (!finite) out->outcome = OUTCOME_DIVERGED;
    }
    return LB_OK;
}

/* --- the test set --------------------------------------------------------------------------------------------------
 */

static void fill_levels(double level[LEVELS]) {
    for (int i = 0; i < LEVELS; i++) level[i] = (50 + 5 * i) / 100.0;
}

static double mean_of(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

static int measure_precision(const dataset *d, const detector_grid *g, const boxes_of_set *b, float *number,
                             lb_error *error) {
    double level[LEVELS], ap[LEVELS];
    const uint32_t types = (uint32_t)g->types;
    fill_levels(level);
    int code = metric_box_ap(b->truth, b->truths, b->found, b->count, types, all, level, LEVELS, ap, error);
    if (code) return code;
    number[BOX_AP50] = (float)ap[0];
    number[BOX_AP75] = (float)ap[5];
    number[BOX_AP] = (float)mean_of(ap, LEVELS);
    for (int size = 0; size < BOX_SIZES; size++) {
        code = metric_box_ap(b->truth, b->truths, b->found, b->count, types, size_range(d, size), level, LEVELS, ap,
                             error);
        if (code) return code;
        number[BOX_AP50_SIZE + size] = (float)ap[0];
        number[BOX_AP_SIZE + size] = (float)mean_of(ap, LEVELS);
    }
    return LB_OK;
}

static int measure_found(const boxes_of_set *b, float *number, trial_result *out, lb_error *error) {
    metric_found *found = malloc((b->truths ? b->truths : 1) * sizeof *found);
    float *score = trial_result_add(out, "instance_score", b->truths, 0);
    float *area = score ? trial_result_add(out, "instance_area", b->truths, 0) : NULL;
    double overlap = 0, best = 0;
    size_t taken = 0;
    int code = found && area ? metric_box_find(b->truth, b->truths, b->found, b->count, match_iou, found, error)
                             : lb_fail_memory(error, "the boxes of a set");
    for (size_t i = 0; !code && i < b->truths; i++) {
        score[i] = found[i].score < -FLT_MAX ? -FLT_MAX : found[i].score;
        area[i] = (float)metric_box_area(&b->truth[i]);
        best += (double)found[i].best;
        if (isnan(found[i].overlap)) continue;
        overlap += (double)found[i].overlap;
        taken++;
    }
    free(found);
    if (code) return code;
    number[BOX_MATCHED] = (float)((double)taken / (double)b->truths);
    number[BOX_MATCHED_IOU] = taken ? (float)(overlap / (double)taken) : 0;
    number[BOX_BEST_IOU] = (float)(best / (double)b->truths);
    return LB_OK;
}

static int measure_select(const detector_grid *g, const boxes_of_set *b, float *number, lb_error *error) {
    double ap;
    const int code =
        metric_box_ap(b->truth, b->truths, b->found, b->count, (uint32_t)g->types, all, &match_iou, 1, &ap, error);
    if (!code) number[BOX_SELECT_AP50] = (float)ap;
    return code;
}

/* "test@2": AP under way. */
static int measure_checkpoint(const detector_grid *g, const boxes_of_set *b, const char *name, trial_result *out,
                              lb_error *error) {
    double level[LEVELS], ap[LEVELS];
    char array[24];
    snprintf(array, sizeof array, "boxes%.10s", name + strlen("test"));
    fill_levels(level);
    const int code =
        metric_box_ap(b->truth, b->truths, b->found, b->count, (uint32_t)g->types, all, level, LEVELS, ap, error);
    float *number = code ? NULL : trial_result_add(out, array, BOX_AT_NUMBERS, 0);
    if (!number) return code ? code : lb_fail_memory(error, "the numbers of boxes");
    number[BOX_AT_AP50] = (float)ap[0];
    number[BOX_AT_AP] = (float)mean_of(ap, LEVELS);
    return LB_OK;
}

static int measure_test(const dataset *d, const detector_grid *g, const boxes_of_set *b, trial_result *out,
                        lb_error *error) {
    float *number = numbers_of(out);
    const int code = measure_precision(d, g, b, number, error);
    return code ? code : measure_found(b, number, out, error);
}

int box_scores_add(const dataset *d, const detector_grid *g, dataset_set which, const char *name, const float *output,
                   trial_result *out, lb_error *error) {
    boxes_of_set b = {0};
    int code = find_boxes(d, g, which, name, output, &b, out, error);
    if (!code && out->outcome == OUTCOME_OK) {
        if (which == SET_SELECT) code = measure_select(g, &b, numbers_of(out), error);
        if (strcmp(name, "test") == 0) code = measure_test(d, g, &b, out, error);
        if (strncmp(name, "test@", 5) == 0) code = measure_checkpoint(g, &b, name, out, error);
    }
    boxes_free(&b);
    return code;
}
