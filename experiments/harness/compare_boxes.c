/* Tables of a comparison of box losses. */
#include "experiments/harness/compare_boxes.h"

#include "experiments/harness/compare.h"
#include "experiments/harness/compare_field.h"
#include "experiments/harness/mask_analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    const char *name;
    measure_field field;
    int needs_goods;
} box_column;

static double matched_share(const measure *m) { return field_box(m, BOX_MATCHED); }

static const box_column columns[] = {
    {"AP50", field_box_ap50, 0},         {"AP75", field_box_ap75, 0},
    {"AP50:95", field_box_ap, 0},        {"IoU of matched boxes", field_box_matched_iou, 0},
    {"best IoU", field_box_best_iou, 0}, {"share matched", matched_share, 0},
    {"image recall", field_recall, 1},   {"box recall", field_box_recall, 1}};
enum { COLUMNS = sizeof columns / sizeof *columns, FIRST_SHOWN = 1, LAST_SHOWN = 4, FIRST_RECALL = 6 };

/* --- what a place has -------------------------------------------------------------------------------------------- */

static int is_at(const cell *at, const place *p) { return at->block == p->b && at->ratio == p->ratio; }

/* What any loss knows of the test set of a place and seed. NULL: none is there. */
static const measure *any_loss(const evidence *e, const place *p, unsigned seed) {
    for (size_t c = 0; c < e->study->cell_count; c++) {
        const measure *m = &evidence_seeds(e, c)[seed];
        if (is_at(&e->study->cells[c], p) && m->present && m->has_boxes) return m;
    }
    return NULL;
}

int boxes_have_goods(const evidence *e, const place *p) {
    for (unsigned k = 0; k < e->study->e.seeds; k++) {
        const measure *m = any_loss(e, p, k);
        if (m && m->data[DATA_GOODS + SET_TEST] > 0) return 1;
    }
    return 0;
}

size_t boxes_of_size(const evidence *e, const place *p, size_t size) {
    double sum = 0;
    for (unsigned k = 0; k < e->study->e.seeds; k++) {
        const measure *m = any_loss(e, p, k);
        if (m) sum += m->box.number[BOX_TRUTHS_SIZE + size];
    }
    return (size_t)sum;
}

double field_box_kept_ap50(const measure *m) {
    return isfinite(field_box_half_ap50(m)) ? field_box_ap50(m) : (double)NAN;
}

void boxes_first_checkpoint(const experiment *x, char *out, size_t size) {
    if (x->checkpoints == 2)
        snprintf(out, size, "half the visits");
    else
        snprintf(out, size, "1/%u of the visits", x->checkpoints);
}

/* --- one place --------------------------------------------------------------------------------------------------- */

static void place_row(table *t, const evidence *e, const place *p, size_t c, int goods, int lost) {
    const troubles bad = troubles_of(e, c);
    table_cell(t, "%s", e->study->cells[c].entry->label);
    compare_value_cell(t, e, c, field_box_ap50);
    compare_difference_cell(t, e, p, c, field_box_ap50);
    for (size_t i = FIRST_SHOWN; i <= LAST_SHOWN; i++) compare_mean_cell(t, e, c, columns[i].field);
    for (size_t i = FIRST_RECALL; goods && i < COLUMNS; i++) compare_mean_cell(t, e, c, columns[i].field);
    if (!lost) return;
    table_cell(t, "%u", bad.diverged);
    table_cell(t, "%u", bad.not_started);
}

table *compare_box_place(const evidence *e, const place *p) {
    size_t cells[MAX_ENTRIES], width = 3;
    char difference[LABEL + 20], base[LABEL], recall[COLUMNS - FIRST_RECALL][60];
    const char *headers[5 + COLUMNS] = {"loss", "AP50", difference};
    const size_t count = compare_ordered(e, p, field_box_ap50, cells);
    const int goods = boxes_have_goods(e, p), lost = compare_lost_seeds(e, cells, count) > 0;
    compare_baseline_name(&e->study->e, base);
    snprintf(difference, sizeof difference, "difference to %s", base);
    for (size_t i = FIRST_SHOWN; i <= LAST_SHOWN; i++) headers[width++] = columns[i].name;
    for (size_t i = FIRST_RECALL; goods && i < COLUMNS; i++) {
        snprintf(recall[i - FIRST_RECALL], sizeof recall[0], "%s at %s", columns[i].name, level_name(level_at(e, p)));
        headers[width++] = recall[i - FIRST_RECALL];
    }
    if (lost) headers[width++] = "seeds diverged";
    if (lost) headers[width++] = "seeds not started";
    table *t = table_new(headers, width);
    for (size_t i = 0; t && i < count; i++) place_row(t, e, p, cells[i], goods, lost);
    return t;
}

/* --- all numbers ------------------------------------------------------------------------------------------------- */

static void metrics_row(table *t, const evidence *e, const place *p, size_t c) {
    const int goods = boxes_have_goods(e, p);
    for (size_t i = 0; i < COLUMNS; i++)
        if (columns[i].needs_goods && !goods)
            table_cell(t, "no goods");
        else
            compare_value_cell(t, e, c, columns[i].field);
    compare_lost_cells(t, e, p, c, goods);
}

table *compare_box_metrics(const evidence *e, const place *places, size_t count) {
    const char *headers[2 + COLUMNS + COMPARE_LOST] = {"block", "loss"};
    for (size_t i = 0; i < COLUMNS; i++) headers[2 + i] = columns[i].name;
    memcpy(headers + 2 + COLUMNS, compare_lost_headers, sizeof compare_lost_headers);
    return compare_rows(e, places, count, field_box_ap50, headers, 2 + COLUMNS + COMPARE_LOST, metrics_row);
}

static void differences_row(table *t, const evidence *e, const place *p, size_t c) {
    const int goods = boxes_have_goods(e, p);
    for (size_t i = 0; i < COLUMNS; i++)
        if (columns[i].needs_goods && !goods)
            table_cell(t, "no goods");
        else
            compare_difference_cell(t, e, p, c, columns[i].field);
}

table *compare_box_differences(const evidence *e, const place *places, size_t count) {
    const char *headers[2 + COLUMNS] = {"block", "loss"};
    for (size_t i = 0; i < COLUMNS; i++) headers[2 + i] = columns[i].name;
    return compare_rows(e, places, count, field_box_ap50, headers, 2 + COLUMNS, differences_row);
}

/* --- by size ----------------------------------------------------------------------------------------------------- */

static void sizes_row(table *t, const evidence *e, const place *p, size_t c) {
    for (size_t size = 0; size < BOX_SIZES; size++) {
        const size_t boxes = boxes_of_size(e, p, size);
        for (int half = 0; half < 2; half++)
            if (boxes < FEW_BOXES)
                table_cell(t, "%s", boxes ? "too few" : "none");
            else
                compare_value_cell(t, e, c, half ? field_box_ap_size[size] : field_box_ap50_size[size]);
        table_cell(t, "%zu", boxes);
    }
}

table *compare_box_sizes(const evidence *e, const place *places, size_t count) {
    static const char *const kinds[] = {"AP50", "AP50:95", "true boxes"};
    enum { KINDS = 3 };
    char names[KINDS * BOX_SIZES][40];
    const char *headers[2 + KINDS * BOX_SIZES] = {"block", "loss"};
    for (size_t i = 0; i < KINDS * BOX_SIZES; i++) {
        snprintf(names[i], sizeof names[i], "%s: %s", box_size_names[i / KINDS], kinds[i % KINDS]);
        headers[2 + i] = names[i];
    }
    return compare_rows(e, places, count, field_box_ap50, headers, 2 + KINDS * BOX_SIZES, sizes_row);
}

/* --- early ------------------------------------------------------------------------------------------------------- */

static void early_row(table *t, const evidence *e, const place *p, size_t c) {
    compare_value_cell(t, e, c, field_box_half_ap50);
    compare_value_cell(t, e, c, field_box_kept_ap50);
    compare_difference_cell(t, e, p, c, field_box_half_ap50);
    compare_difference_cell(t, e, p, c, field_box_kept_ap50);
}

table *compare_box_early(const evidence *e, const place *places, size_t count) {
    char when[40], early[60], base[LABEL], difference[LABEL + 60], end[LABEL + 40];
    boxes_first_checkpoint(&e->study->e, when, sizeof when);
    compare_baseline_name(&e->study->e, base);
    snprintf(early, sizeof early, "AP50 at %s", when);
    snprintf(difference, sizeof difference, "difference to %s at %s", base, when);
    snprintf(end, sizeof end, "difference to %s at the end", base);
    const char *const headers[] = {"block", "loss", early, "AP50 at the end", difference, end};
    return compare_rows(e, places, count, field_box_ap50, headers, 6, early_row);
}

/* --- every trial ------------------------------------------------------------------------------------------------- */

static const char *const number_names[BOX_NUMBERS] = {[BOX_SELECT_AP50] = "AP50 on select",
                                                      [BOX_AP50] = "AP50",
                                                      [BOX_AP75] = "AP75",
                                                      [BOX_AP] = "AP50:95",
                                                      [BOX_AP50_SIZE] = "AP50 small",
                                                      [BOX_AP50_SIZE + 1] = "AP50 medium",
                                                      [BOX_AP50_SIZE + 2] = "AP50 large",
                                                      [BOX_AP_SIZE] = "AP50:95 small",
                                                      [BOX_AP_SIZE + 1] = "AP50:95 medium",
                                                      [BOX_AP_SIZE + 2] = "AP50:95 large",
                                                      [BOX_MATCHED_IOU] = "IoU of matched boxes",
                                                      [BOX_MATCHED] = "share matched",
                                                      [BOX_BEST_IOU] = "best IoU",
                                                      [BOX_TRUTHS_SIZE] = "true boxes small",
                                                      [BOX_TRUTHS_SIZE + 1] = "true boxes medium",
                                                      [BOX_TRUTHS_SIZE + 2] = "true boxes large",
                                                      [BOX_TRAIN_TRUTHS] = "true boxes of train",
                                                      [BOX_LOST] = "of these without a cell",
                                                      [BOX_CELL_SHARE] = "share of owned cells in train",
                                                      [BOX_ABSENT] = "absent",
                                                      [BOX_CUT] = "cut",
                                                      [BOX_BAD] = "bad",
                                                      [BOX_UNMARKED] = "unmarked",
                                                      [BOX_MEAN_SHARE] = "mean box area"};

static const char *const trial_names[] = {
    "key", "block", "ratio", "loss", "seed", "outcome", "image recall", "box recall", "AP50 at the first checkpoint"};
enum { TRIAL_NAMES = sizeof trial_names / sizeof *trial_names };

static void trial_row(table *t, const cell *at, unsigned seed, const measure *m) {
    compare_trial_names(t, at, seed, m);
    compare_number_cell(t, field_recall(m));
    compare_number_cell(t, field_box_recall(m));
    compare_number_cell(t, field_box_half_ap50(m));
    for (size_t i = 0; i < BOX_NUMBERS; i++) compare_number_cell(t, field_box(m, i));
}

table *compare_box_trials(const evidence *e) {
    const char *headers[TRIAL_NAMES + BOX_NUMBERS];
    memcpy(headers, trial_names, sizeof trial_names);
    memcpy(headers + TRIAL_NAMES, number_names, sizeof number_names);
    table *t = table_new(headers, TRIAL_NAMES + BOX_NUMBERS);
    for (size_t c = 0; t && c < e->study->cell_count; c++)
        for (unsigned k = 0; k < e->study->e.seeds; k++) trial_row(t, &e->study->cells[c], k, &evidence_seeds(e, c)[k]);
    return t;
}
