/* The detector's output and what it means: cells, their owners, their boxes, and the boxes found in an image.

   The net (model `detector`) gives for each cell of a grid of rows x columns, DETECTOR_STRIDE pixels apart, channels
       [0, types)   class logits, independent of each other (sigmoid)
       types        objectness, a logit
       types + 1..4 tx, ty, tw, th
   Decoding, in units of cells, for the cell in row r and column c:
       centre x = c + 1/2 + tx,  y = r + 1/2 + ty;  width = mean_width e^tw,  height = mean_height e^th
   with |tw|, |th| cut to DETECTOR_REACH, and the mean (geometric) size of the boxes in train: every box is valid, and
   an untrained net predicts the middling box around each cell's centre. Beyond the reach only a slope that leads back
   counts, as in projected descent: a size that a bad step has thrown there is not lost.
   A detection's score is ln sigmoid(objectness) + ln sigmoid(largest class logit): the log of the product of both
   probabilities, which does not saturate. */
#ifndef HARNESS_BOX_CELLS_H
#define HARNESS_BOX_CELLS_H

#include "datasets/dataset.h"
#include "lib/metrics/box_metrics.h"
#include "lib/nn/nn.h"
#include "lib/nn/nn.h"

enum { DETECTOR_STRIDE = NN_DETECTOR_STRIDE, DETECTOR_REACH = 3, DETECTOR_MOST = 100 };
extern const double detector_suppress_iou; /* non-maximum suppression: .5, within a type */

typedef struct {
    size_t rows, columns, types;
    double mean_width, mean_height; /* in cells */
} detector_grid;

/* The grid of a data set whose images the model takes (sides divisible by the stride) and whose boxes have an area;
   mean sizes from the boxes of train, 1 cell where there are none. */
detector_grid detector_grid_of(const dataset *d);

static inline size_t detector_cells(const detector_grid *g) { return g->rows * g->columns; }
static inline size_t detector_channels(const detector_grid *g) { return g->types + 5; }

/* Which box of an image each cell answers for: owner[rows * columns], an index into boxes[count], or -1. A box, of area
   above 0, owns the cell that its centre lies in, and those of the eight around it whose centres lie inside the box.
   Where several want a cell the smallest box has it (equal: the first). A box whose every cell went to others owns
   none: returns how many do. */
size_t detector_assign(const detector_grid *g, const dataset_box *boxes, size_t count, int32_t *owner);

/* Corners x1, y1, x2, y2, in cells, of the box that a cell's channels say; never inverted. */
void detector_decode(const detector_grid *g, const float *channels, size_t row, size_t column, float box[4]);

/* Adds to `slope`, the gradient by the cell's tx, ty, tw, th, that by the corners, by the chain rule through
   detector_decode; `box` is what detector_decode gave. */
void detector_decode_slope(const detector_grid *g, const float *channels, const float box[4], const float corner[4],
                           float slope[4]);

/* The boxes found in an image, in pixels, best first, after suppression, at most DETECTOR_MOST: each cell offers one,
   of its best type (types from 0: 1 less than in dataset_box; equal logits: the first), cut to the image, unless
   nothing is left of it. output is [cells][channels]; out has room for detector_cells(g) boxes. Returns how many, at
   least one: where no cell has a box to offer it is the whole image with score -FLT_MAX; so it is, with *finite = 0
   (else 1), when one of the channels is not finite. */
size_t detector_find(const detector_grid *g, const float *output, uint32_t image, metric_box *out, int *finite);

#endif
