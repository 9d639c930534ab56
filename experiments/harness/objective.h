/* What a net is trained on: one loss for images and masks; three for a detector, one a head.

   `types = ce`, with a model for images, trains one logit for each type of defect, and one for good where there are
   goods, with a loss for K classes.

   A detector's objective is written as heads, separated by commas outside brackets, in any order, each at most once:
       cls = focal(gamma=2), obj = bce, box = 2*ciou
   `cls` (default bce) is a binary loss over all cells and types, target 1 for the type of the box that owns the cell;
   `obj` (default bce) a binary loss over all cells, target 1 where a box owns it; `box` (default smooth_l1) a box loss
   over the cells that a box owns, in cells. `target = iou` makes the cls target at an owned cell the IoU of the decoded
   box with its owner, a constant for the gradient, as quality and varifocal loss want it; `target = one` (default)
   is 1. Every head's loss is summed and divided by the number of owned cells of the batch (at least 1); the three are
   added. A box head in which no factor is written has a tunable one, `box_weight`, default 1: set to 2, it makes of
   "ciou" the same as "2*ciou", in loss, text and label. A written factor, also 1, fixes it. */
#ifndef HARNESS_OBJECTIVE_H
#define HARNESS_OBJECTIVE_H

#include "experiments/harness/trial.h"
#include "lib/loss/loss.h"

enum { OBJECTIVE_HEADS = 3 };
typedef enum { HEAD_CLS, HEAD_OBJ, HEAD_BOX } objective_head;

typedef struct objective objective;

/* TASK_TYPES for an expression that begins with `types =` where the model is for images; else what the model is for. */
trial_task objective_task(trial_task of_model, const char *expression);

/* NULL on error; free with objective_free. Refuses a loss that does not suit the task ("dice" for images: say which
   model suits), unknown, repeated and empty heads, and heads for anything but boxes. */
objective *objective_parse(trial_task task, const char *expression, lb_error *error);
void objective_free(objective *o); /* NULL: nothing happens */

/* Borrowed until the objective changes. */
loss *objective_loss(objective *o);                           /* images and masks: the one loss */
loss *objective_head_loss(objective *o, objective_head head); /* boxes: with its factor or box_weight */
int objective_soft(const objective *o);                       /* boxes: target = iou */

/* Canonical text with versions, the objective's part of a trial key, and the same for people and for objective_parse,
   as loss_text and loss_label: for images and masks exactly these; for boxes
       cls=bce@1(label_smoothing=0), obj=bce@1(label_smoothing=0), box=2*l1@1, target=one
       cls = bce, obj = bce, box = 2*l1
   Borrowed until the objective changes; loss_resolve of a head does not change them: `auto` stays. */
const char *objective_text(const objective *o);
const char *objective_label(const objective *o);

/* Parameters that a tuner may move, over all heads, as loss_tunables; numbered in the order cls, obj, box, box_weight.
   Setting one refuses a value outside its allowed range, and then changes nothing; after LB_MEMORY the objective can
   only be freed. */
size_t objective_tunables(const objective *o);
const param *objective_tunable(const objective *o, size_t i); /* NULL behind the last */
int objective_set_tunable(objective *o, size_t i, double value, lb_error *error);

#endif
