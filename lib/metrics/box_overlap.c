/* Overlap of two boxes, and suppression of boxes that show what a better one shows. */
#include "lib/metrics/box_metrics.h"

#include <string.h>

double metric_box_area(const metric_box *b) {
    const double width = (double)b->x2 - (double)b->x1, height = (double)b->y2 - (double)b->y1;
    return width > 0.0 && height > 0.0 ? width * height : 0.0;
}

static double shared_area(const metric_box *a, const metric_box *b) {
    const metric_box shared = {.x1 = a->x1 > b->x1 ? a->x1 : b->x1,
                               .y1 = a->y1 > b->y1 ? a->y1 : b->y1,
                               .x2 = a->x2 < b->x2 ? a->x2 : b->x2,
                               .y2 = a->y2 < b->y2 ? a->y2 : b->y2};
    return metric_box_area(&shared);
}

double metric_box_iou(const metric_box *a, const metric_box *b) {
    const double area_a = metric_box_area(a), area_b = metric_box_area(b), shared = shared_area(a, b);
    return area_a > 0.0 && area_b > 0.0 ? shared / (area_a + area_b - shared) : 0.0;
}

/* Moves the box with the highest score, of equal ones the first, to the front; the others keep their order. */
static void bring_highest_first(metric_box *boxes, size_t count) {
    size_t at = 0;
    for (size_t i = 1; i < count; i++)
        if (boxes[i].score > boxes[at].score) at = i;
    const metric_box highest = boxes[at];
    memmove(boxes + 1, boxes, at * sizeof *boxes);
    boxes[0] = highest;
}

/* Drops from other[count] what shows the same as `kept`; returns how many are left, in their order. */
static size_t drop_overlapping(const metric_box *kept, metric_box *other, size_t count, double iou) {
    size_t left = 0;
    for (size_t i = 0; i < count; i++)
        if (other[i].type != kept->type || metric_box_iou(other + i, kept) <= iou) other[left++] = other[i];
    return left;
}

size_t metric_box_suppress(metric_box *boxes, size_t count, double iou, size_t most) {
    size_t kept = 0;
    for (; kept < count && kept < most; kept++) {
        bring_highest_first(boxes + kept, count - kept);
        count = kept + 1 + drop_overlapping(boxes + kept, boxes + kept + 1, count - kept - 1, iou);
    }
    return kept;
}
