#include "experiments/harness/mask_sheet.h"

#include "experiments/harness/panels.h"
#include "experiments/harness/sheet_images.h"
#include "experiments/harness/stored_net.h"
#include "lib/base/repro_math.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFECTS = 10, GOODS = 2, ROWS = DEFECTS + GOODS, MAX_COLUMNS = 12, SIDE = 96, INPUT = 0, TRUTH = 1, GIVEN = 2 };

/* What one loss shows. */
typedef struct {
    const entry *entry;
    const trial *t;
    trial_result result;
    size_t level;                           /* of fr_levels */
    float pixel_threshold, image_threshold; /* each rejects the level's share of the test goods: by their largest logit,
                                               by their score */
    float *logit;                           /* [rows][area] */
} column;

typedef struct {
    const place *at;
    dataset d;
    uint32_t items[ROWS]; /* of the test set: defects by area, then goods */
    size_t rows, goods;
    column columns[MAX_COLUMNS];
    size_t count;
} sheet;

static const dataset_items *test_of(const sheet *s) { return &s->d.sets[SET_TEST]; }
static size_t area_of(const sheet *s) { return s->d.height * s->d.width; }

static double probability(float logit) { return 1 / (1 + repro_exp(-(double)logit)); }

/* --- the losses ------------------------------------------------------------------------------------------------- */

/* Seed 1 of a loss; NULL where it has no masks to show. */
static const measure *seed_one(const evidence *e, const place *p, const char *label, long *c) {
    *c = evidence_find(e, p->b, p->ratio, label, 0);
    if (*c < 0) return NULL;
    const measure *m = evidence_seeds(e, (size_t)*c);
    return m->present && m->has_masks && m->outcome == OUTCOME_OK ? m : NULL;
}

/* The threshold that rejects that share of the goods. */
static int goods_threshold(const trial_result *r, const char *name, double fr, float *threshold, lb_error *error) {
    const trial_array *a = trial_result_find(r, name);
    metric_scores scores;
    if (!a) return lb_fail(error, LB_VERSION, "a trial of masks left no '%s': choose another OUT to train anew", name);
    const int code = metric_scores_new(&scores, a->data, a->goods, a->data + a->goods, a->count - a->goods, error);
    if (code) return code;
    *threshold = metric_frr_threshold(&scores, fr).threshold;
    metric_scores_free(&scores);
    return LB_OK;
}

static int add_column(sheet *s, report *r, const evidence *e, const char *label, lb_error *error) {
    long c;
    const measure *m = seed_one(e, s->at, label, &c);
    if (!m || s->count == MAX_COLUMNS) return LB_OK;
    column *to = &s->columns[s->count];
    const int code = store_get(r->from, m->key, &to->result, error);
    if (code) return code;
    s->count++; /* from here on sheet_free frees it */
    to->entry = e->study->cells[c].entry;
    to->t = &e->study->cells[c].finals[0];
    to->level = m->level;
    const double fr = fr_levels[m->level];
    const int pixels = goods_threshold(&to->result, "test_max", fr, &to->pixel_threshold, error);
    return pixels ? pixels : goods_threshold(&to->result, "test", fr, &to->image_threshold, error);
}

static int add_columns(sheet *s, report *r, const evidence *e, lb_error *error) {
    char list[sizeof e->study->e.sheet];
    int code = LB_OK;
    snprintf(list, sizeof list, "%s", e->study->e.sheet);
    for (char *save = NULL, *word = strtok_r(list, ",; ", &save); word && !code; word = strtok_r(NULL, ",; ", &save))
        code = add_column(s, r, e, word, error);
    return code;
}

static void sheet_free(sheet *s) {
    for (size_t i = 0; i < s->count; i++) {
        trial_result_free(&s->columns[i].result);
        free(s->columns[i].logit);
    }
    dataset_free(&s->d);
}

/* --- the images ------------------------------------------------------------------------------------------------- */

typedef struct {
    size_t area;
    uint32_t item;
} sized;

static size_t mask_area(const sheet *s, size_t item) {
    const unsigned char *mask = test_of(s)->masks + item * area_of(s);
    size_t n = 0;
    for (size_t i = 0; i < area_of(s); i++) n += mask[i] > 127;
    return n;
}

static int by_area(const void *left, const void *right) {
    const sized *a = left, *b = right;
    if (a->area != b->area) return a->area < b->area ? -1 : 1;
    return a->item < b->item ? -1 : a->item > b->item;
}

/* Evenly from the smallest to the largest. */
static int choose_defects(sheet *s, lb_error *error) {
    const dataset_items *test = test_of(s);
    const size_t n = test->count - test->goods, shown = n < DEFECTS ? n : DEFECTS;
    sized *defects = malloc((n ? n : 1) * sizeof *defects);
    if (!defects) return lb_fail_memory(error, "the areas of defects");
    for (size_t i = 0; i < n; i++) defects[i] = (sized){mask_area(s, test->goods + i), (uint32_t)(test->goods + i)};
    qsort(defects, n, sizeof *defects, by_area);
    for (size_t i = 0; i < shown; i++) s->items[s->rows++] = defects[sheet_spread(i, shown, n)].item;
    free(defects);
    return LB_OK;
}

/* Those of the baseline; without one, those of the first loss shown. */
static int choose_images(sheet *s, report *r, const evidence *e, const char **by, lb_error *error) {
    long c;
    const measure *m = seed_one(e, s->at, e->study->e.baseline, &c);
    trial_result base = {0};
    *by = m ? e->study->e.baseline : s->columns[0].entry->label;
    int code = choose_defects(s, error);
    if (!code && m) code = store_get(r->from, m->key, &base, error);
    if (code) return code;
    const trial_array *scores = trial_result_find(m ? &base : &s->columns[0].result, "test");
    if (scores && scores->count == test_of(s)->count && scores->goods == test_of(s)->goods)
        s->rows += s->goods = sheet_worst_goods(scores, GOODS, s->items + s->rows);
    else
        code = lb_fail(error, LB_VERSION, "the store's scores of '%s' are not of these data: choose another OUT", *by);
    trial_result_free(&base);
    return code;
}

static int predict(sheet *s, lb_error *error) {
    int code = LB_OK;
    for (size_t i = 0; !code && i < s->count; i++) {
        column *c = &s->columns[i];
        c->logit = malloc(s->rows * area_of(s) * sizeof *c->logit);
        code = c->logit ? stored_net_ask(c->t, &s->d, &c->result, s->items, s->rows, c->logit, error)
                        : lb_fail_memory(error, "the masks of a sheet");
    }
    return code;
}

/* --- the picture ------------------------------------------------------------------------------------------------ */

/* Black is defect: in the truth, and where the probability is 1. */
static void set_grey(unsigned char *rgb, double darkness) { memset(rgb, (int)(255.5 - 255 * darkness), 3); }

static void draw_given(const sheet *s, panels *p, size_t row, unsigned char *rgb) {
    const unsigned char *mask = test_of(s)->masks + s->items[row] * area_of(s);
    sheet_picture(&s->d, s->items[row], rgb);
    panels_draw(p, row, INPUT, rgb);
    for (size_t i = 0; i < area_of(s); i++) set_grey(rgb + 3 * i, mask[i] > 127);
    panels_draw(p, row, TRUTH, rgb);
}

static int is_rejected(const sheet *s, const column *c, size_t row) {
    return trial_result_find(&c->result, "test")->data[s->items[row]] > c->image_threshold;
}

static void draw_predicted(const sheet *s, panels *p, size_t row, size_t which, unsigned char *rgb,
                           unsigned char *inside) {
    const column *c = &s->columns[which];
    const float *logit = c->logit + row * area_of(s);
    for (size_t i = 0; i < area_of(s); i++) {
        set_grey(rgb + 3 * i, probability(logit[i]));
        inside[i] = logit[i] > c->pixel_threshold;
    }
    panels_draw(p, row, GIVEN + which, rgb);
    panels_outline(p, row, GIVEN + which, inside);
    if (is_rejected(s, c, row)) panels_frame(p, row, GIVEN + which);
}

static int draw(const sheet *s, panels *p, lb_error *error) {
    unsigned char *rgb = malloc(4 * area_of(s)); /* a picture, then what is inside */
    int code = rgb ? panels_new(p, s->rows, GIVEN + s->count, s->d.height, s->d.width, SIDE, error)
                   : lb_fail_memory(error, "a panel");
    for (size_t row = 0; !code && row < s->rows; row++) {
        draw_given(s, p, row, rgb);
        for (size_t c = 0; c < s->count; c++) draw_predicted(s, p, row, c, rgb, rgb + 3 * area_of(s));
    }
    free(rgb);
    return code;
}

/* --- figure ----------------------------------------------------------------------------------------------------- */

/* "0.93", or "1-4e-05" where the digits would hide it. */
static void add_probability(text *out, float logit) {
    const double p = probability(logit);
    if (p < 0.99)
        text_add(out, "%.2g ", p);
    else
        text_add(out, "1-%.1g ", probability(-logit));
}

static void add_row(table *t, const sheet *s, size_t row) {
    const uint32_t item = s->items[row];
    const size_t area = mask_area(s, item);
    table_cell(t, "%u", item);
    table_cell(t, "%s", s->d.type_names[test_of(s)->types[item]]);
    if (area)
        table_cell(t, "%.2f %%", 100 * (double)area / (double)area_of(s));
    else
        table_cell(t, "%s", "");
    for (size_t c = 0; c < s->count; c++) {
        const float *logit = s->columns[c].logit + row * area_of(s);
        float largest = logit[0];
        for (size_t i = 1; i < area_of(s); i++) largest = logit[i] > largest ? logit[i] : largest;
        table_cell(t, "%.4f %s", probability(largest), is_rejected(s, &s->columns[c], row) ? "rejected" : "passed");
    }
}

static table *sheet_table(const sheet *s) {
    const char *headers[3 + MAX_COLUMNS] = {"image", "type", "area"};
    for (size_t c = 0; c < s->count; c++) headers[3 + c] = s->columns[c].entry->label;
    table *t = table_new(headers, 3 + s->count);
    for (size_t row = 0; t && row < s->rows; row++) add_row(t, s, row);
    return t;
}

static void write_caption(const sheet *s, const char *label, const char *by, char *out, size_t size) {
    const double percent = 100 * fr_levels[s->columns[0].level];
    snprintf(out, size,
             "%s: test images of seed 1, %zu defects spread evenly over their areas and the %zu good%s that %s scores "
             "highest. Black is defect: the truth, or a probability p of 1. Orange encloses the pixels above the "
             "column's threshold, the "
             "probability that no pixel exceeds in %g %% of the test goods; a blue frame is an image that its score "
             "rejects at FR %g %%. The tsv holds each image's largest probability.",
             label, s->rows - s->goods, s->goods, s->goods == 1 ? "" : "s", by, 100 - percent, percent);
}

static int show(report *r, const evidence *e, const sheet *s, const panels *p, const char *by, const char *picture,
                lb_error *error) {
    char label[PLACE_LABEL], name[PLACE_LABEL + 20], caption[1000], note[200], numbers[5][24];
    const size_t sizes[5] = {p->width, p->height, panels_panel_width(p), panels_panel_height(p), PANEL_GAP};
    text above = {0};
    place_label(s->at, label, sizeof label);
    place_file("sheet", s->at, name, sizeof name);
    write_caption(s, label, by, caption, sizeof caption);
    snprintf(note, sizeof note,
             "black: defect, or p = 1\norange: p above the column's threshold\nblue frame: image rejected at FR %g %%",
             100 * fr_levels[s->columns[0].level]);
    for (size_t i = 0; i < 5; i++) snprintf(numbers[i], sizeof numbers[i], "%zu", sizes[i]);
    for (size_t c = 0; c < s->count; c++) add_probability(&above, s->columns[c].pixel_threshold);
    if (above.failed) return lb_fail_memory(error, "a sheet of masks");
    const figure_option options[] = {{"title", label},
                                     {"note", note},
                                     {"picture", picture},
                                     {"picture_width", numbers[0]},
                                     {"picture_height", numbers[1]},
                                     {"panel_width", numbers[2]},
                                     {"panel_height", numbers[3]},
                                     {"gap", numbers[4]},
                                     {"above", above.data},
                                     {NULL, NULL}};
    const int code = report_figure(r, e->study, "sheet", name, sheet_table(s), options, caption, error);
    text_free(&above);
    return code;
}

static int make_sheet(sheet *s, report *r, const evidence *e, lb_error *error) {
    char picture[] = P_tmpdir "/lossbench_sheet_XXXXXX";
    const char *by;
    panels p = {0};
    int code = choose_images(s, r, e, &by, error);
    if (!code) code = predict(s, error);
    if (!code) code = draw(s, &p, error);
    if (!code) code = panels_write(&p, picture, error);
    if (!code) {
        code = show(r, e, s, &p, by, picture, error);
        unlink(picture);
    }
    panels_free(&p);
    return code;
}

int report_mask_sheet(report *r, const evidence *e, const place *p, lb_error *error) {
    sheet s = {.at = p};
    int code = add_columns(&s, r, e, error);
    if (!code && s.count) {
        const dataset_request request = trial_request(s.columns[0].t, r->c->search);
        code = dataset_open(s.columns[0].t->data, &request, &s.d, error);
        if (!code)
            code = make_sheet(&s, r, e, error);
        else if (code == LB_NOT_FOUND)
            code = LB_OK; /* the data have gone since */
    }
    sheet_free(&s);
    return code;
}
