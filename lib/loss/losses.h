/* The losses there are, one line each, in the order of `lossbench list`: LOSS(name) for LOSS_TYPE(name) in its file.
   Included by registry.c. */
LOSS(bce)
LOSS(weighted_bce)
LOSS(focal)
LOSS(class_balanced)
LOSS(logit_adjusted)
LOSS(asl)

LOSS(ce)

LOSS(dice)
LOSS(iou)
