/* Evidence: what the final trials of a study measured, cell by cell and seed by seed. The only reader of test scores.
 */
#ifndef HARNESS_EVIDENCE_H
#define HARNESS_EVIDENCE_H

#include "experiments/harness/box_scores.h"
#include "experiments/harness/class_scores.h"
#include "experiments/harness/mask_scores.h"
#include "experiments/harness/store.h"
#include "experiments/harness/study.h"
#include "lib/metrics/metrics.h"
#include "lib/stats/stats.h"

enum { FR_LEVELS = 4, FR_HEADLINE = 2, FR_FALLBACK = 3, CURVE_POINTS = 41, MAX_CHECKPOINTS = 10 };
extern const double fr_levels[FR_LEVELS];  /* 0.1, 0.5, 1 and 5 % */
extern const double curve_low, curve_high; /* the FR-recall curve runs from 0.1 to 10 % */

/* Sizes of defects, by their share of the image's pixels: below 0.2 %, to 1 %, to 5 %, above. */
enum { SIZE_BINS = 4 };
extern const double size_edges[SIZE_BINS - 1];

/* Of a trial of masks, on the test set. */
typedef struct {
    double number[MASK_NUMBERS];   /* mask_scores.h; a diverged model has 0, and the image's diagonal as its distance */
    double recall_max;             /* image recall at the model's level, an image scored by its largest logit */
    double instance_recall;        /* share of true instances whose largest logit exceeds the threshold that rejects
                                      that level's share of the goods, an image scored by its largest logit */
    double size_recall[SIZE_BINS]; /* the same by size; NaN: no such instance */
    size_t size_count[SIZE_BINS];
} mask_measure;

/* Of a trial of boxes, on the test set. */
typedef struct {
    double number[BOX_NUMBERS];                 /* box_scores.h; a diverged model has 0 */
    double at[MAX_CHECKPOINTS][BOX_AT_NUMBERS]; /* after 1/n, 2/n, .. of the visits, the last left out: NaN */
    double recall; /* share of true boxes found, with an IoU of at least 1/2, by a detection whose score exceeds the
                      threshold that rejects the level's share of the goods by their best box; NaN: no goods */
    double size_recall[BOX_SIZES]; /* the same by size; NaN: no such box */
} box_measure;

/* Of a trial of types, on the test set. */
typedef struct {
    double number[CLASS_NUMBERS]; /* class_scores.h; a diverged model has 0 */
    size_t classes;
    double train[CLASS_MOST], test[CLASS_MOST]; /* items of each class */
    double recall[CLASS_MOST], f1[CLASS_MOST];  /* NaN: no items in test; a diverged model has 0 */
} class_measure;

/* One trained model on its test set. */
typedef struct {
    char key[TRIAL_KEY];
    trial_outcome outcome;
    int present; /* in the store, and not crashed: has numbers (a diverged model has recall 0) */
    int started; /* its training loss left what the prior alone pays */
    metric_status status[FR_LEVELS];
    double recall[FR_LEVELS]; /* ROC point: threshold from the test goods */
    size_t level;             /* FR_HEADLINE, or FR_FALLBACK where the test goods are too few for it */
    double select_recall;     /* the same on select, at `level` whatever its goods allow; for choices */
    double pauc, auroc, average_precision, calibration_error;
    double accuracy;                    /* at probability one half, at the share of defects in train */
    double recall_half;                 /* at logit 0, of boxes at a score of ln 1/2: probability one half */
    metric_point transferred;           /* threshold from calibrate goods by the Neyman-Pearson order, FR 1 % */
    metric_point naive;                 /* the 1 % quantile of the same goods */
    long np_order;                      /* -1: too few calibrate goods */
    double curve[CURVE_POINTS];         /* recall over FR on a log grid */
    double checkpoint[MAX_CHECKPOINTS]; /* recall at FR 1 % after 1/n, 2/n, .. of the visits */
    uint64_t scores, weights;           /* hashes */
    float data[DATA_FACTS];
    int has_masks;
    mask_measure mask; /* where has_masks */
    int has_boxes;
    int has_types;
    class_measure types; /* where has_types; likewise */
    box_measure box;     /* where has_boxes; without goods the numbers of images above are NaN */
} measure;

typedef struct {
    const study *study;
    measure *measures; /* [cell_count][seeds] */
} evidence;

int evidence_read(const study *s, store *from, evidence *out, lb_error *error);
void evidence_free(evidence *e);

/* Measures one trial. LB_NOT_FOUND: it is not in the store, and *out holds nothing but its key. */
int evidence_measure(store *from, const trial *t, measure *out, lb_error *error);

const measure *evidence_seeds(const evidence *e, size_t cell); /* [seeds] */

/* First cell of that block, ratio and loss label (or family); -1: none. rate 0: any. */
long evidence_find(const evidence *e, const block *b, unsigned ratio, const char *label, double rate);

/* One number of a measure, for means and tables. NaN where there is none. */
typedef double (*measure_field)(const measure *m);
double field_level(const measure *m, size_t level); /* recall at fr_levels[level], a tied model's too: what lies
                                                       strictly above the tie; NaN: too few goods */
double field_recall(const measure *m);              /* the same at m->level: FR 1 %, or 5 % on few goods */
double field_select_recall(const measure *m);
double field_pauc(const measure *m);
double field_auroc(const measure *m);
double field_average_precision(const measure *m);
double field_calibration_error(const measure *m);
double field_accuracy(const measure *m);
double field_recall_half(const measure *m);

/* Of masks; NaN for a model that has none. */
double field_mask(const measure *m, size_t number); /* MASK_... */
double field_dice(const measure *m);
double field_dice_half(const measure *m);
double field_mean_iou(const measure *m);
double field_pixel_ap(const measure *m);
double field_pixel_recall(const measure *m); /* at a pixel FR of 1 % */
double field_boundary_f1(const measure *m);
double field_hausdorff_95(const measure *m);
double field_ap50(const measure *m);
double field_ap75(const measure *m);
double field_recall_max(const measure *m);
double field_instance_recall(const measure *m);

/* Of types; NaN for a model that has none. */
double field_balanced(const measure *m); /* balanced accuracy */
double field_macro_f1(const measure *m);
double field_type_accuracy(const measure *m);

/* Of boxes; NaN for a model that has none. */
double field_box(const measure *m, size_t number); /* BOX_... */
double field_box_ap50(const measure *m);
double field_box_ap75(const measure *m);
double field_box_ap(const measure *m);          /* mean over IoU .50, .55, .. .95 */
double field_box_matched_iou(const measure *m); /* mean IoU of matched boxes */
double field_box_best_iou(const measure *m);    /* mean IoU of each true box with the best detection */
double field_box_recall(const measure *m);      /* of true boxes, at the level's FR of images */
double field_box_half_ap50(const measure *m);   /* AP50 at the first checkpoint; NaN: there is only the last */

/* By size of the true boxes. */
extern const measure_field field_box_ap50_size[BOX_SIZES], field_box_ap_size[BOX_SIZES],
    field_box_recall_size[BOX_SIZES];

/* What the cells are trials of. */
int evidence_has_masks(const evidence *e);
int evidence_has_boxes(const evidence *e);
int evidence_has_types(const evidence *e);

/* Level of a cell's headline recall, of the first seed that knows it: FR_HEADLINE or FR_FALLBACK. */
size_t evidence_level(const evidence *e, size_t cell);

/* A mean over seeds with its 95 % interval: t for fresh data, Nadeau-Bengio for re-split data. */
typedef struct {
    double mean, sd;
    stat_interval interval;
    size_t count; /* seeds that have the number */
} estimate;

estimate estimate_values(const double *values, size_t n, const measure *seeds); /* both [n]; NaN is left out */
estimate estimate_field(const evidence *e, size_t cell, measure_field field);

/* Paired over seeds: cell a minus cell b, in recall at FR 1 % (or another field). Sign-flip p for fresh data only: the
   differences of repeated splits share items, and flipping them one by one would make p too small; NaN there. */
typedef struct {
    estimate difference;
    double p;
    stat_verdict_kind verdict;
} comparison;
comparison compare_cells(const evidence *e, size_t a, size_t b, measure_field field);
comparison compare_values(const double *difference, size_t n, const measure *seeds);

#endif
