/* What a sheet of boxes shows: which test images, which of the boxes found, and which of these are right. */
#ifndef HARNESS_BOX_MARKS_H
#define HARNESS_BOX_MARKS_H

#include "experiments/harness/box_cells.h"

/* Test defects spread over types and sizes: the k-th of `most` is of the k-th type in turn, of those that occur, and
   stands at the k-th of `most` places spread evenly over that type's images, in the order of their largest boxes.
   Fewer than `most` where an image would be shown twice. items is [most]; *count says how many. */
int box_marks_images(const dataset *d, size_t most, uint32_t *items, size_t *count, lb_error *error);

/* The score that at most `wanted` of the boxes found exceed, and exactly so many where no two scores are equal;
   -FLT_MAX where there are not more. It is the working point of data without goods: as many boxes as there are true
   ones, whatever scale the scores of a loss are on. */
int box_marks_threshold(const metric_box *found, size_t count, size_t wanted, float *threshold, lb_error *error);

/* What a box found is: right with an IoU of at least 1/2 with a true box of its image and type, of another type when
   there are only such of others, else wrong. */
typedef enum { MARK_RIGHT, MARK_OTHER_TYPE, MARK_WRONG } box_mark;
extern const char *const box_mark_names[];
box_mark box_marks_of(const metric_box *truth, size_t truths, const metric_box *found);

/* Whether one of the boxes found whose score exceeds the threshold overlaps a true box of its image with an IoU of at
   least 1/2, of any type: what recall counts. */
int box_marks_is_found(const metric_box *truth, const metric_box *found, size_t count, float threshold);

#endif
