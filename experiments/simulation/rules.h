/* How boxes move: each rule is a set of terms, and every rule is computed by the one function that knows the terms
   (descent_body.h). Symbols as in its comments. */
#ifndef SIMULATION_RULES_H
#define SIMULATION_RULES_H

/* What the loss consists of. */
enum {
    TERM_IOU = 1 << 0,    /* 1 - IoU */
    TERM_CUBE = 1 << 1,   /* 1 - IoU^3 instead */
    TERM_HULL = 1 << 2,   /* (C - U) / C */
    TERM_CENTRE = 1 << 3, /* rho^2 / c^2 */
    TERM_ASPECT = 1 << 4, /* alpha v */
    TERM_SIDES = 1 << 5,  /* (w - W)^2 / cw^2 + (h - H)^2 / ch^2 */
    TERM_SCYLLA = 1 << 6, /* (Delta + Omega) / 2 */
    TERM_WISE = 1 << 7,   /* factor exp(rho^2 / c^2) with c constant */
    TERM_FOCAL = 1 << 8,  /* factor sqrt(IoU), constant */
    TERM_L1 = 1 << 9,     /* instead of boxes, the sum of absolute differences */
    TERM_HUBER = 1 << 10  /* the same, quadratic within 1 */
};

/* How its derivative is taken. */
enum {
    ALPHA_GATED = 1 << 11,  /* alpha = 0 unless IoU > .5 */
    ALPHA_SLOPE = 1 << 12,  /* alpha is differentiated too */
    FOCAL_SLOPE = 1 << 13,  /* the factor sqrt(IoU) is differentiated too */
    FROM_CORNERS = 1 << 14, /* descent in l, t, r, b: half the step in x, y and twice that in w, h */
    /* departures of the published code from the derivative */
    DOUBLE_SIZE = 1 << 15, /* twice the step in w, h; beside rho^2/c^2 only that of IoU */
    UNCLAMPED = 1 << 16,   /* U of disjoint boxes from negative iw, ih */
    BOTH_SIDES = 1 << 17,  /* where c^2 is differentiated: cw + ch instead of either */
    SIGN = 1 << 18,        /* the slope of c^2 in x, y with the opposite sign */
    SHRINK = 1 << 19,      /* the slope of c^2 in w (h) with the opposite sign for w (h) that reaches over both edges */
    UNIT = 1 << 20,        /* 1 for 1 / (w^2 + h^2) */
    ALPHA_EPS = 1 << 21,   /* 1e-7 in the denominator of alpha */
    DEPARTURES = DOUBLE_SIZE | UNCLAMPED | BOTH_SIDES | SIGN | SHRINK | UNIT | ALPHA_EPS
};

enum {
    GIOU_TERMS = TERM_IOU | TERM_HULL,
    DIOU_TERMS = TERM_IOU | TERM_CENTRE,
    CIOU_TERMS = DIOU_TERMS | TERM_ASPECT,
    EIOU_TERMS = DIOU_TERMS | TERM_SIDES,
    SIOU_TERMS = TERM_IOU | TERM_SCYLLA,
    ZHENG_DIOU = DOUBLE_SIZE | BOTH_SIDES | SIGN | SHRINK
};

/* RULE(identifier, name, loss, kind, terms, summary) */
#define EACH_RULE(RULE)                                                                                                \
    RULE(l1, "l1", "l1", RULE_EXACT, TERM_L1, "|x-X| + |y-Y| + |w-W| + |h-H|")                                         \
    RULE(smooth_l1, "smooth_l1", "smooth_l1", RULE_EXACT, TERM_HUBER, "l1, quadratic within 1")                        \
    RULE(iou, "iou", "iou", RULE_EXACT, TERM_IOU, "1 - IoU")                                                           \
    RULE(giou, "giou", "giou", RULE_EXACT, GIOU_TERMS, "1 - IoU + (C-U)/C")                                            \
    RULE(diou, "diou", "diou", RULE_EXACT, DIOU_TERMS, "1 - IoU + rho^2/c^2")                                          \
    RULE(ciou, "ciou", "ciou", RULE_EXACT, CIOU_TERMS, "diou + alpha v, alpha constant")                               \
    RULE(ciou_gated, "ciou_gated", "ciou", RULE_EXACT, CIOU_TERMS | ALPHA_GATED, "ciou, alpha = 0 unless IoU > .5")    \
    RULE(ciou_alphagrad, "ciou_alphagrad", "ciou", RULE_EXACT, CIOU_TERMS | ALPHA_SLOPE, "ciou, alpha differentiated") \
    RULE(eiou, "eiou", "eiou", RULE_EXACT, EIOU_TERMS, "diou + (w-W)^2/cw^2 + (h-H)^2/ch^2")                           \
    RULE(focal_eiou, "focal_eiou", "focal_eiou", RULE_EXACT, EIOU_TERMS | TERM_FOCAL, "IoU^.5 eiou, IoU^.5 constant")  \
    RULE(focal_eiou_full, "focal_eiou_full", "focal_eiou", RULE_EXACT, EIOU_TERMS | TERM_FOCAL | FOCAL_SLOPE,          \
         "IoU^.5 eiou, all differentiated")                                                                            \
    RULE(siou, "siou", "siou", RULE_EXACT, SIOU_TERMS, "1 - IoU + (Delta + Omega)/2")                                  \
    RULE(wiou_v1, "wiou_v1", "wiou_v1", RULE_EXACT, TERM_IOU | TERM_WISE, "exp(rho^2/c^2) (1 - IoU), c constant")      \
    RULE(alpha_iou3, "alpha_iou3", "alpha_iou", RULE_EXACT, TERM_IOU | TERM_CUBE, "1 - IoU^3")                         \
    RULE(corner_iou, "corner_iou", "iou", RULE_CORNER, TERM_IOU | FROM_CORNERS, "iou, descended in corners")           \
    RULE(corner_giou, "corner_giou", "giou", RULE_CORNER, GIOU_TERMS | FROM_CORNERS, "giou, descended in corners")     \
    RULE(corner_diou, "corner_diou", "diou", RULE_CORNER, DIOU_TERMS | FROM_CORNERS, "diou, descended in corners")     \
    RULE(corner_ciou, "corner_ciou", "ciou", RULE_CORNER, CIOU_TERMS | FROM_CORNERS, "ciou, descended in corners")     \
    RULE(corner_eiou, "corner_eiou", "eiou", RULE_CORNER, EIOU_TERMS | FROM_CORNERS, "eiou, descended in corners")     \
    RULE(corner_siou, "corner_siou", "siou", RULE_CORNER, SIOU_TERMS | FROM_CORNERS, "siou, descended in corners")     \
    RULE(zheng_iou, "zheng_iou", "iou", RULE_AUTHORS, TERM_IOU | DOUBLE_SIZE, "as published: double_size")             \
    RULE(zheng_giou, "zheng_giou", "giou", RULE_AUTHORS, GIOU_TERMS | DOUBLE_SIZE | UNCLAMPED,                         \
         "as published: double_size, unclamped")                                                                       \
    RULE(zheng_giou_fixed, "zheng_giou_fixed", "giou", RULE_AUTHORS, GIOU_TERMS | DOUBLE_SIZE,                         \
         "as published, U of disjoint boxes put right: double_size")                                                   \
    RULE(zheng_diou, "zheng_diou", "diou", RULE_AUTHORS, DIOU_TERMS | ZHENG_DIOU,                                      \
         "as published: double_size, both_sides, sign, shrink")                                                        \
    RULE(zheng_ciou, "zheng_ciou", "ciou", RULE_AUTHORS, CIOU_TERMS | ZHENG_DIOU | UNIT | ALPHA_EPS,                   \
         "as published: double_size, both_sides, sign, shrink, unit; 1e-7 in alpha")                                   \
    RULE(iou_double_size, "iou+double_size", "iou", RULE_DEPARTURE, TERM_IOU | DOUBLE_SIZE,                            \
         "the step in w, h doubled")                                                                                   \
    RULE(giou_double_size, "giou+double_size", "giou", RULE_DEPARTURE, GIOU_TERMS | DOUBLE_SIZE,                       \
         "the step in w, h doubled")                                                                                   \
    RULE(giou_unclamped, "giou+unclamped", "giou", RULE_DEPARTURE, GIOU_TERMS | UNCLAMPED,                             \
         "U of disjoint boxes with the product of negative overlaps")                                                  \
    RULE(diou_double_size, "diou+double_size", "diou", RULE_DEPARTURE, DIOU_TERMS | DOUBLE_SIZE,                       \
         "the step in w, h that is due to IoU doubled")                                                                \
    RULE(diou_both_sides, "diou+both_sides", "diou", RULE_DEPARTURE, DIOU_TERMS | BOTH_SIDES,                          \
         "in the slope of c^2 cw + ch in place of either")                                                             \
    RULE(diou_sign, "diou+sign", "diou", RULE_DEPARTURE, DIOU_TERMS | SIGN,                                            \
         "the slope of c^2 in x, y with the opposite sign")                                                            \
    RULE(diou_shrink, "diou+shrink", "diou", RULE_DEPARTURE, DIOU_TERMS | SHRINK,                                      \
         "the slope of c^2 in w, h with the opposite sign where both edges lie outside")                               \
    RULE(ciou_double_size, "ciou+double_size", "ciou", RULE_DEPARTURE, CIOU_TERMS | DOUBLE_SIZE,                       \
         "the step in w, h that is due to IoU doubled")                                                                \
    RULE(ciou_both_sides, "ciou+both_sides", "ciou", RULE_DEPARTURE, CIOU_TERMS | BOTH_SIDES,                          \
         "in the slope of c^2 cw + ch in place of either")                                                             \
    RULE(ciou_sign, "ciou+sign", "ciou", RULE_DEPARTURE, CIOU_TERMS | SIGN,                                            \
         "the slope of c^2 in x, y with the opposite sign")                                                            \
    RULE(ciou_shrink, "ciou+shrink", "ciou", RULE_DEPARTURE, CIOU_TERMS | SHRINK,                                      \
         "the slope of c^2 in w, h with the opposite sign where both edges lie outside")                               \
    RULE(ciou_unit, "ciou_unit", "ciou", RULE_DEPARTURE, CIOU_TERMS | UNIT,                                            \
         "ciou with 1/(w^2+h^2) replaced by 1 (the paper's remark on eq. 12)")

#endif
