#include "experiments/harness/box_marks.h"

#include "experiments/harness/box_scores.h"

#include "experiments/harness/sheet_images.h"

#include <float.h>
#include <stdlib.h>

static const double match_iou = 0.5;

const char *const box_mark_names[] = {"right", "other type", "wrong"};

/* --- images ------------------------------------------------------------------------------------------------------- */

typedef struct {
    unsigned type;
    double area; /* of the largest box */
    uint32_t item;
} defect;

static int by_type_and_area(const void *left, const void *right) {
    const defect *a = left, *b = right;
    if (a->type != b->type) return a->type < b->type ? -1 : 1;
    if (a->area != b->area) return a->area < b->area ? -1 : 1;
    return a->item < b->item ? -1 : a->item > b->item;
}

/* defects is [test->count - test->goods] */
static void list_defects(const dataset_items *test, defect *defects) {
    for (size_t item = test->goods; item < test->count; item++)
        defects[item - test->goods] = (defect){.type = test->types[item], .item = (uint32_t)item};
    for (size_t i = 0; i < test->box_count; i++) {
        if (test->boxes[i].item < test->goods) continue;
        const metric_box b = box_truth(&test->boxes[i]);
        defect *of = &defects[b.image - test->goods];
        if (metric_box_area(&b) > of->area) of->area = metric_box_area(&b);
    }
    qsort(defects, test->count - test->goods, sizeof *defects, by_type_and_area);
}

/* Where each type starts in sorted defects; first is [n + 1], returns the number of types. */
static size_t list_types(const defect *defects, size_t n, size_t *first) {
    size_t types = 0;
    for (size_t i = 0; i < n; i++)
        if (!i || defects[i].type != defects[i - 1].type) first[types++] = i;
    first[types] = n;
    return types;
}

int box_marks_images(const dataset *d, size_t most, uint32_t *items, size_t *count, lb_error *error) {
    const dataset_items *test = &d->sets[SET_TEST];
    const size_t n = test->count - test->goods;
    defect *defects = malloc((n + 1) * sizeof *defects);
    size_t *first = malloc((n + 1) * sizeof *first), types = 0;
    const int code = defects && first ? LB_OK : lb_fail_memory(error, "the defects of a sheet");
    *count = 0;
    if (!code) {
        list_defects(test, defects);
        types = list_types(defects, n, first);
    }
    for (size_t k = 0; types && k < most; k++) {
        const size_t from = first[k % types], to = first[k % types + 1];
        const uint32_t item = defects[from + sheet_spread(k, most, to - from)].item;
        if (!sheet_has(items, *count, item)) items[(*count)++] = item;
    }
    free(defects);
    free(first);
    return code;
}

/* --- boxes -------------------------------------------------------------------------------------------------------- */

static int falling(const void *left, const void *right) {
    const float a = *(const float *)left, b = *(const float *)right;
    return a > b ? -1 : a < b;
}

int box_marks_threshold(const metric_box *found, size_t count, size_t wanted, float *threshold, lb_error *error) {
    *threshold = -FLT_MAX;
    if (count <= wanted) return LB_OK;
    float *score = malloc(count * sizeof *score);
    if (!score) return lb_fail_memory(error, "the scores of boxes");
    for (size_t i = 0; i < count; i++) score[i] = found[i].score;
    qsort(score, count, sizeof *score, falling);
    *threshold = score[wanted];
    free(score);
    return LB_OK;
}

static int is_match(const metric_box *truth, const metric_box *found) {
    return truth->image == found->image && metric_box_iou(truth, found) >= match_iou;
}

box_mark box_marks_of(const metric_box *truth, size_t truths, const metric_box *found) {
    box_mark best = MARK_WRONG;
    for (size_t i = 0; i < truths && best != MARK_RIGHT; i++)
        if (is_match(&truth[i], found)) best = truth[i].type == found->type ? MARK_RIGHT : MARK_OTHER_TYPE;
    return best;
}

int box_marks_is_found(const metric_box *truth, const metric_box *found, size_t count, float threshold) {
    for (size_t i = 0; i < count; i++)
        if (found[i].score > threshold && is_match(truth, &found[i])) return 1;
    return 0;
}
