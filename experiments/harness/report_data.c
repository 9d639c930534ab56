/* The report's section on data: what was trained and measured on, and contact sheets. */
#include "experiments/harness/report.h"

#include "datasets/contact_sheet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const study data_study = {.e.name = "data"};

static const measure *any_measure(const evidence *e, const block *b, unsigned ratio) {
    for (size_t c = 0; c < e->study->cell_count; c++) {
        const cell *at = &e->study->cells[c];
        if (at->block != b || at->ratio != ratio) continue;
        for (unsigned k = 0; k < e->study->e.seeds; k++)
            if (evidence_seeds(e, c)[k].present) return &evidence_seeds(e, c)[k];
    }
    return NULL;
}

/* The same of a trial of masks, or of boxes. */
static const measure *any_masks(const evidence *e, const block *b, unsigned ratio) {
    const measure *m = evidence_has_masks(e) ? any_measure(e, b, ratio) : NULL;
    return m && m->has_masks ? m : NULL;
}

static const measure *any_boxes(const evidence *e, const block *b, unsigned ratio) {
    const measure *m = evidence_has_boxes(e) ? any_measure(e, b, ratio) : NULL;
    return m && m->has_boxes ? m : NULL;
}

typedef const measure *(*measure_finder)(const evidence *e, const block *b, unsigned ratio);

static void add_counts(table *t, const measure *m) {
    for (int set = 0; set < SET_COUNT; set++)
        if (set == SET_CALIBRATE)
            table_cell(t, "%.0f", (double)m->data[DATA_GOODS + set]);
        else
            table_cell(t, "%.0f / %.0f", (double)m->data[DATA_GOODS + set], (double)m->data[DATA_DEFECTS + set]);
}

static void add_data_row(table *t, report *r, const evidence *e, const block *b, unsigned ratio) {
    const measure *m = any_measure(e, b, ratio);
    char ratio_name[32];
    if (!m) return;
    const double ceiling = report_ceiling(r, b, ratio);
    ratio_text(ratio, ratio_name, sizeof ratio_name);
    table_cell(t, "%s", b->label);
    table_cell(t, "`%s`", b->data);
    table_cell(t, "%s", ratio_name);
    if (m->data[DATA_HEIGHT] * m->data[DATA_WIDTH] > 1)
        table_cell(t, "%.0fx%.0f", (double)m->data[DATA_HEIGHT], (double)m->data[DATA_WIDTH]);
    else
        table_cell(t, "row");
    add_counts(t, m);
    if (isfinite(ceiling))
        table_cell(t, "%.3f", ceiling);
    else
        table_cell(t, "unknown");
    table_cell(t, "%.0f, %.0f", (double)m->data[DATA_DUPLICATES], (double)m->data[DATA_CONFLICTS]);
}

/* Whether an earlier block, in the order of the report, has this one's label, and, where `data` asks for it, its data.
 */
static int seen_before(const report *r, size_t study_index, size_t block_index, int data) {
    const block *b = &r->c->studies[study_index].e.blocks[block_index];
    for (size_t s = 0; s < r->c->count; s++)
        for (size_t i = 0; i < r->c->studies[s].e.block_count; i++) {
            if (s == study_index && i == block_index) return 0;
            const block *other = &r->c->studies[s].e.blocks[i];
            if (strcmp(other->label, b->label) == 0 && (!data || strcmp(other->data, b->data) == 0)) return 1;
        }
    return 0;
}

static int used_before(const report *r, size_t study_index, const block *b, unsigned ratio, measure_finder find) {
    for (size_t s = 0; s < study_index; s++)
        for (size_t i = 0; i < r->c->studies[s].e.block_count; i++) {
            const block *other = &r->c->studies[s].e.blocks[i];
            for (size_t k = 0; k < other->ratio_count; k++)
                if (strcmp(other->data, b->data) == 0 && other->ratios[k] == ratio &&
                    find(&r->evidences[s], other, ratio))
                    return 1;
        }
    return 0;
}

static void percent_cell(table *t, double share) { table_cell(t, "%.3g %%", 100 * share); }

static void add_mask_row(table *t, const measure *m, const block *b, unsigned ratio) {
    char ratio_name[32];
    ratio_text(ratio, ratio_name, sizeof ratio_name);
    table_cell(t, "%s", b->label);
    table_cell(t, "%s", ratio_name);
    percent_cell(t, field_mask(m, MASK_PIXEL_SHARE));
    percent_cell(t, field_mask(m, MASK_AREA));
    table_cell(t, "%.0f", field_mask(m, MASK_VANISHED));
    table_cell(t, "%.0f", field_mask(m, MASK_EMPTY));
    table_cell(t, "%.0f", field_mask(m, MASK_BETWEEN));
    table_cell(t, "%.0fx%.0f", (double)m->data[DATA_HEIGHT], (double)m->data[DATA_WIDTH]);
}

static void add_box_row(table *t, const measure *m, const block *b, unsigned ratio) {
    char ratio_name[32];
    ratio_text(ratio, ratio_name, sizeof ratio_name);
    table_cell(t, "%s", b->label);
    table_cell(t, "%s", ratio_name);
    table_cell(t, "%.0f", field_box(m, BOX_TRAIN_TRUTHS));
    percent_cell(t, field_box(m, BOX_CELL_SHARE));
    table_cell(t, "%.0f", field_box(m, BOX_LOST));
    for (size_t i = 0; i < BOX_SIZES; i++) table_cell(t, "%.0f", field_box(m, BOX_TRUTHS_SIZE + i));
    table_cell(t, "%.0f", field_box(m, BOX_CUT));
    table_cell(t, "%.0f", field_box(m, BOX_BAD));
    table_cell(t, "%.0f", field_box(m, BOX_UNMARKED));
    table_cell(t, "%.0f", field_box(m, BOX_ABSENT));
}

/* A row for each data set and ratio, once, of the trials that `find` finds. */
static void add_rows(const report *r, table *t, measure_finder find,
                     void (*add)(table *, const measure *, const block *, unsigned)) {
    for (size_t s = 0; t && s < r->c->count; s++)
        for (size_t b = 0; b < r->c->studies[s].e.block_count; b++) {
            const block *at = &r->c->studies[s].e.blocks[b];
            for (size_t k = 0; k < at->ratio_count; k++) {
                const measure *m = find(&r->evidences[s], at, at->ratios[k]);
                if (m && !used_before(r, s, at, at->ratios[k], find)) add(t, m, at, at->ratios[k]);
            }
        }
}

/* Writes the table unless it is empty; frees it. */
static int write_rows(report *r, const char *name, table *t, const char *caption, lb_error *error) {
    if (!t || table_rows(t)) return report_table(r, &data_study, name, t, TABLE_INLINE, caption, error);
    table_free(t);
    return LB_OK;
}

static int write_mask_sets(report *r, lb_error *error) {
    static const char *const headers[] = {
        "block", "ratio", "defect pixels in train", "mean defect area", "vanished", "empty", "between", "size"};
    table *t = table_new(headers, 8);
    add_rows(r, t, any_masks, add_mask_row);
    return write_rows(r, "masks", t,
                      "Masks that were trained on; shares are those of seed 1. Mean defect area: share of the pixels "
                      "that the mask of a test defect "
                      "image marks. Left out of the whole collection: vanished, no pixel of the mask is left at "
                      "this size; empty, the mask of a defect is empty in the source; between, tiles with too "
                      "few defect pixels to be a defect and too many to be good.",
                      error);
}

static int write_box_sets(report *r, lb_error *error) {
    static const char *const headers[] = {"block",         "ratio",         "train boxes", "owned cells",
                                          "lost",          "small in test", "medium",      "large",
                                          "cutting tiles", "bad boxes",     "unmarked",    "absent"};
    table *t = table_new(headers, 12);
    add_rows(r, t, any_boxes, add_box_row);
    return write_rows(
        r, "boxes", t,
        "Boxes that were trained on; counts are those of seed 1. Owned cells: share of the detector's "
        "cells in train that a box owns, as sampled; lost, boxes all of whose cells smaller boxes own. Small: "
        "below 2 % of the image, medium to 10 %, large above. Left out of the whole collection: tiles that "
        "cut a box; boxes outside their image, inverted or without area; images without a usable box that are "
        "not known to be good; images (pairs) that a list names and that are not there.",
        error);
}

static int is_table(const dataset *d) { return d->height == 1 && d->width == 1; }

static int add_picture(report *r, const dataset *d, const block *b, const char *name, text *sheets, lb_error *error) {
    char path[PATH_SIZE], file[2 * LABEL + 8];
    snprintf(file, sizeof file, "%s.png", name);
    int code = report_place(r, "plots", "data", file, path, error);
    if (!code) code = dataset_contact_sheet(d, path, error);
    const char *shown = d->clean ? "test goods on the left, test defects on the right" : "test defects, type by type";
    r->figures++;
    text_add(sheets, "<a id=\"figure-%zu\"></a>![Figure %zu](plots/data/%s.png)\n\n**Figure %zu.** %s (`%s`): %s.\n\n",
             r->figures, r->figures, name, r->figures, b->label, b->data, shown);
    return code;
}

/* Named by the block's label, and by its experiment too where another block with other data has the label already. */
static int add_sheet(report *r, size_t study_index, size_t block_index, text *sheets, lb_error *error) {
    const experiment *x = &r->c->studies[study_index].e;
    const block *b = &x->blocks[block_index];
    const int taken = seen_before(r, study_index, block_index, 0);
    char name[2 * LABEL + 2];
    dataset d;
    const dataset_request request = {.ratio = b->ratios[0], .seed = 1, .search = r->c->search};
    snprintf(name, sizeof name, "%s%s%s", b->label, taken ? "-" : "", taken ? x->name : "");
    int code = dataset_open(b->data, &request, &d, error);
    if (code) return code;
    if (is_table(&d))
        text_add(sheets, "%s (`%s`) is a table of %zu columns: it has no contact sheet.\n\n", b->label, b->data,
                 d.channels);
    else
        code = add_picture(r, &d, b, name, sheets, error);
    dataset_free(&d);
    return code;
}

int report_data(report *r, lb_error *error) {
    static const char *const headers[] = {"block",
                                          "data set",
                                          "ratio",
                                          "size",
                                          "train good / defect",
                                          "select good / defect",
                                          "calibrate good",
                                          "test good / defect",
                                          "ceiling at FR 1 %",
                                          "dropped from the whole collection: duplicates, conflicts"};
    table *t = table_new(headers, 10);
    text sheets = {0};
    int code = t ? LB_OK : lb_fail_memory(error, "the data table");
    text_add(&r->body, "## Data\n\n");
    for (size_t s = 0; !code && s < r->c->count; s++) {
        const study *from = &r->c->studies[s];
        if (is_simulation(&from->e)) continue;
        for (size_t b = 0; !code && b < from->e.block_count; b++) {
            const block *at = &from->e.blocks[b];
            const int again = seen_before(r, s, b, 1);
            for (size_t k = 0; k < at->ratio_count; k++)
                if (!used_before(r, s, at, at->ratios[k], any_measure))
                    add_data_row(t, r, &r->evidences[s], at, at->ratios[k]);
            if (again) continue;
            if (from->unavailable[b])
                text_add(&sheets, "**%s: not fetched.** %s\n\n", at->label, from->reason[b]);
            else
                code = add_sheet(r, s, b, &sheets, error);
        }
    }
    if (!code)
        code = report_table(r, &data_study, "sets", t, TABLE_INLINE,
                            "Data sets of this report. Counts are those of seed 1. The ceiling is the recall at FR 1 % "
                            "of an oracle that "
                            "is told the place, shape and contrast of each defect and the statistics of the texture: "
                            "no detector can exceed it.",
                            error);
    else
        table_free(t);
    if (!code) code = write_mask_sets(r, error);
    if (!code) code = write_box_sets(r, error);
    if (!code && sheets.data) text_add(&r->body, "%s", sheets.data);
    text_free(&sheets);
    return code;
}
