#include "experiments/harness/box_sheet.h"

#include "experiments/harness/box_marks.h"
#include "experiments/harness/panels.h"
#include "experiments/harness/sheet_images.h"
#include "experiments/harness/stored_net.h"
#include "lib/base/repro_math.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFECTS = 6, GOODS = 2, ROWS = DEFECTS + GOODS, MAX_COLUMNS = 8, SIDE = 128, GIVEN = 1, FIXED = 8 };

/* What one loss shows. */
typedef struct {
    const entry *entry;
    const trial *t;
    const measure *m;
    trial_result result;
    float threshold;   /* boxes above it are shown */
    metric_box *found; /* of all images asked for */
    size_t found_count;
} column;

typedef struct {
    const place *at;
    const evidence *e;
    unsigned seed;  /* index of the seed shown */
    const char *by; /* the loss that chose it, and the goods */
    dataset d;
    uint32_t items[ROWS]; /* of the test set: defects, then goods */
    size_t rows, goods;
    metric_box *truth; /* of the test set, by image */
    size_t *first;     /* of the true boxes of each image: box_index */
    column columns[MAX_COLUMNS];
    size_t count;
} sheet;

static const dataset_items *test_of(const sheet *s) { return &s->d.sets[SET_TEST]; }

static double probability(float score) { return repro_exp((double)score); }

/* --- the seed and the losses ---------------------------------------------------------------------------------------
 */

static int has_boxes(const measure *m) { return m->present && m->has_boxes && m->outcome == OUTCOME_OK; }

static int by_ap50(const void *left, const void *right) {
    const measure *a = *(const measure *const *)left, *b = *(const measure *const *)right;
    const double x = field_box_ap50(a), y = field_box_ap50(b);
    if (x != y) return x < y ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* Seed of the median AP50 of a loss, the lower of two; 0: no seed of it has boxes to show. */
static int choose_seed(sheet *s, const char *label, lb_error *error) {
    const unsigned seeds = s->e->study->e.seeds;
    const long c = evidence_find(s->e, s->at->b, s->at->ratio, label, 0);
    const measure **sorted = c < 0 ? NULL : malloc((seeds + 1) * sizeof *sorted);
    size_t n = 0;
    if (c < 0) return LB_OK;
    if (!sorted) return lb_fail_memory(error, "the seeds of a sheet");
    const measure *of = evidence_seeds(s->e, (size_t)c);
    for (unsigned k = 0; k < seeds; k++)
        if (has_boxes(&of[k])) sorted[n++] = &of[k];
    qsort(sorted, n, sizeof *sorted, by_ap50);
    if (n) s->seed = (unsigned)(sorted[(n - 1) / 2] - of);
    if (n) s->by = s->e->study->cells[c].entry->label;
    free(sorted);
    return LB_OK;
}

static int add_column(sheet *s, store *from, const char *label, lb_error *error) {
    const long c = evidence_find(s->e, s->at->b, s->at->ratio, label, 0);
    const measure *m = c < 0 ? NULL : &evidence_seeds(s->e, (size_t)c)[s->seed];
    if (!m || !has_boxes(m) || s->count == MAX_COLUMNS) return LB_OK;
    column *to = &s->columns[s->count];
    const int code = store_get(from, m->key, &to->result, error);
    if (code) return code;
    s->count++; /* from here on sheet_free frees it */
    to->entry = s->e->study->cells[c].entry;
    to->t = &s->e->study->cells[c].finals[s->seed];
    to->m = m;
    return LB_OK;
}

static int choose_losses(sheet *s, store *from, lb_error *error) {
    char list[sizeof s->e->study->e.sheet], first[sizeof list], *save;
    int code = choose_seed(s, s->e->study->e.baseline, error);
    snprintf(list, sizeof list, "%s", s->e->study->e.sheet);
    memcpy(first, list, sizeof list);
    for (char *word = strtok_r(first, ",; ", &save); word && !code && !s->by; word = strtok_r(NULL, ",; ", &save))
        code = choose_seed(s, word, error);
    for (char *word = strtok_r(list, ",; ", &save); word && !code && s->by; word = strtok_r(NULL, ",; ", &save))
        code = add_column(s, from, word, error);
    return code;
}

static void sheet_free(sheet *s) {
    for (size_t i = 0; i < s->count; i++) {
        trial_result_free(&s->columns[i].result);
        free(s->columns[i].found);
    }
    free(s->truth);
    free(s->first);
    dataset_free(&s->d);
}

/* --- the images and their true boxes -------------------------------------------------------------------------------
 */

static int index_truth(sheet *s, lb_error *error) {
    const dataset_items *test = test_of(s);
    s->first = box_index(test);
    s->truth = malloc((test->box_count + 1) * sizeof *s->truth);
    if (!s->first || !s->truth) return lb_fail_memory(error, "the true boxes of a sheet");
    for (size_t i = 0; i < test->box_count; i++) s->truth[i] = box_truth(&test->boxes[i]);
    return LB_OK;
}

static int choose_goods(sheet *s, store *from, lb_error *error) {
    const long c = evidence_find(s->e, s->at->b, s->at->ratio, s->by, 0);
    trial_result result;
    const int code = store_get(from, evidence_seeds(s->e, (size_t)c)[s->seed].key, &result, error);
    if (code) return code;
    const trial_array *scores = trial_result_find(&result, "test");
    const int fits = scores && scores->count == test_of(s)->count && scores->goods == test_of(s)->goods;
    if (fits) s->goods = sheet_worst_goods(scores, GOODS, s->items + s->rows);
    s->rows += s->goods;
    trial_result_free(&result);
    if (fits) return LB_OK;
    return lb_fail(error, LB_VERSION, "the store's scores of '%s' are not of these data: choose another OUT", s->by);
}

/* --- the boxes found -----------------------------------------------------------------------------------------------
 */

/* All boxes that a loss's net finds in test images items[count]. */
static int find(const sheet *s, column *c, const uint32_t *items, size_t count, lb_error *error) {
    const detector_grid g = detector_grid_of(&s->d);
    const size_t cells = detector_cells(&g), outputs = cells * detector_channels(&g);
    float *output = malloc(count * outputs * sizeof *output);
    c->found = malloc((count + 1) * cells * sizeof *c->found);
    int finite;
    int code = output && c->found ? stored_net_ask(c->t, &s->d, &c->result, items, count, output, error)
                                  : lb_fail_memory(error, "the boxes of a sheet");
    for (size_t i = 0; !code && i < count; i++)
        c->found_count += detector_find(&g, output + i * outputs, items[i], c->found + c->found_count, &finite);
    free(output);
    return code;
}

/* The images shown are enough where goods set the threshold. */
static int find_with_goods(const sheet *s, column *c, lb_error *error) {
    const trial_array *a = trial_result_find(&c->result, "test");
    metric_scores scores;
    int code = find(s, c, s->items, s->rows, error);
    if (!code) code = metric_scores_new(&scores, a->data, a->goods, a->data + a->goods, a->count - a->goods, error);
    if (code) return code;
    c->threshold = metric_frr_threshold(&scores, fr_levels[c->m->level]).threshold;
    metric_scores_free(&scores);
    return LB_OK;
}

static int find_without_goods(const sheet *s, column *c, lb_error *error) {
    const size_t count = test_of(s)->count;
    uint32_t *all = malloc(count * sizeof *all);
    if (!all) return lb_fail_memory(error, "the boxes of a sheet");
    for (size_t i = 0; i < count; i++) all[i] = (uint32_t)i;
    int code = find(s, c, all, count, error);
    if (!code) code = box_marks_threshold(c->found, c->found_count, test_of(s)->box_count, &c->threshold, error);
    free(all);
    return code;
}

static int find_all(sheet *s, lb_error *error) {
    int code = LB_OK;
    for (size_t i = 0; !code && i < s->count; i++)
        code = test_of(s)->goods ? find_with_goods(s, &s->columns[i], error)
                                 : find_without_goods(s, &s->columns[i], error);
    return code;
}

/* --- the table: a line an image, a true box, and a box found -------------------------------------------------------
 */

static void add_corners(table *t, const metric_box *b) {
    const float corners[4] = {b->x1, b->y1, b->x2, b->y2};
    for (size_t i = 0; i < 4; i++) table_cell(t, "%.1f", (double)corners[i]);
}

static void add_head(table *t, size_t row, uint32_t item, const char *what, const char *type) {
    table_cell(t, "%zu", row);
    table_cell(t, "%u", item);
    table_cell(t, "%s", what);
    table_cell(t, "%s", type);
}

static void add_image(table *t, const sheet *s, size_t row) {
    const uint32_t item = s->items[row];
    add_head(t, row, item, "image", s->d.type_names[test_of(s)->types[item]]);
    for (size_t i = 0; i < 4; i++) table_cell(t, "%s", "");
    for (size_t c = 0; c < s->count; c++)
        table_cell(t, "%.2g", probability(trial_result_find(&s->columns[c].result, "test")->data[item]));
}

static void add_true_box(table *t, const sheet *s, size_t row, const metric_box *b) {
    add_head(t, row, b->image, "true", s->d.type_names[b->type + 1]);
    add_corners(t, b);
    for (size_t i = 0; i < s->count; i++) {
        const column *c = &s->columns[i];
        table_cell(t, "%s", box_marks_is_found(b, c->found, c->found_count, c->threshold) ? "found" : "missed");
    }
}

static void add_found_box(table *t, const sheet *s, size_t row, size_t which, const metric_box *b) {
    const size_t from = s->first[b->image], to = s->first[b->image + 1];
    add_head(t, row, b->image, box_mark_names[box_marks_of(s->truth + from, to - from, b)],
             s->d.type_names[b->type + 1]);
    add_corners(t, b);
    for (size_t c = 0; c < s->count; c++) {
        if (c == which)
            table_cell(t, "%.2g", probability(b->score));
        else
            table_cell(t, "-");
    }
}

static void add_row(table *t, const sheet *s, size_t row) {
    const uint32_t item = s->items[row];
    add_image(t, s, row);
    for (size_t i = s->first[item]; i < s->first[item + 1]; i++) add_true_box(t, s, row, &s->truth[i]);
    for (size_t which = 0; which < s->count; which++) {
        const column *c = &s->columns[which];
        for (size_t i = 0; i < c->found_count; i++)
            if (c->found[i].image == item && c->found[i].score > c->threshold)
                add_found_box(t, s, row, which, &c->found[i]);
    }
}

static table *sheet_table(const sheet *s) {
    const char *headers[FIXED + MAX_COLUMNS] = {"row", "image", "box", "type", "x1", "y1", "x2", "y2"};
    for (size_t c = 0; c < s->count; c++) headers[FIXED + c] = s->columns[c].entry->label;
    table *t = table_new(headers, FIXED + s->count);
    for (size_t row = 0; t && row < s->rows; row++) add_row(t, s, row);
    return t;
}

/* --- the figure ----------------------------------------------------------------------------------------------------
 */

/* Every panel of a row is its image: the script draws the boxes over them. */
static int draw(const sheet *s, panels *p, lb_error *error) {
    unsigned char *rgb = malloc(3 * s->d.height * s->d.width);
    const int code = rgb ? panels_new(p, s->rows, GIVEN + s->count, s->d.height, s->d.width, SIDE, error)
                         : lb_fail_memory(error, "a panel");
    for (size_t row = 0; !code && row < s->rows; row++) {
        sheet_picture(&s->d, s->items[row], rgb);
        for (size_t c = 0; c < GIVEN + s->count; c++) panels_draw(p, row, c, rgb);
    }
    free(rgb);
    return code;
}

static void add_caption(text *out, const sheet *s, const char *label) {
    const size_t defects = s->rows - s->goods;
    text_add(out, "%s: test images of seed %u, that of %s's median AP50: %zu defects spread over types and sizes",
             label, s->columns[0].t->seed, s->by, defects);
    if (s->goods)
        text_add(out,
                 ", and the %zu good%s that %s scores highest. Left, the true boxes; then the boxes of each loss above "
                 "its threshold, the score that the best box of %g %% of the test goods exceeds. ",
                 s->goods, s->goods == 1 ? "" : "s", s->by, 100 * fr_levels[s->columns[0].m->level]);
    else
        text_add(out,
                 ". Left, the true boxes; then the boxes of each loss above its threshold: there are no goods to set "
                 "one, so it is the score that as many boxes exceed as the test set has true ones, %zu. ",
                 test_of(s)->box_count);
    text_add(out, "Right: an IoU of at least 1/2 with a true box of its type; of another type: only with one of "
                  "another; wrong: with none. Missed: no box shown, of whatever type, has such an IoU with this true "
                  "box. AP50 is of that seed's whole test set. The tsv holds the boxes with their probabilities, and "
                  "the probability of each image's best one.");
}

static int show(report *r, const sheet *s, const panels *p, const char *picture, lb_error *error) {
    char label[PLACE_LABEL], title[PLACE_LABEL + 40], name[PLACE_LABEL + 20], numbers[6][24];
    const size_t sizes[6] = {p->width, p->height, panels_panel_width(p), panels_panel_height(p), PANEL_GAP, p->zoom};
    text caption = {0}, above = {0};
    place_label(s->at, label, sizeof label);
    snprintf(title, sizeof title, "%s, %s", label,
             test_of(s)->goods ? level_name(s->columns[0].m->level) : "as many boxes as true ones");
    place_file("boxes", s->at, name, sizeof name);
    add_caption(&caption, s, label);
    for (size_t i = 0; i < 6; i++) snprintf(numbers[i], sizeof numbers[i], "%zu", sizes[i]);
    for (size_t c = 0; c < s->count; c++) text_add(&above, "%.2f ", field_box_ap50(s->columns[c].m));
    const figure_option options[] = {{"title", title},
                                     {"picture", picture},
                                     {"picture_width", numbers[0]},
                                     {"picture_height", numbers[1]},
                                     {"panel_width", numbers[2]},
                                     {"panel_height", numbers[3]},
                                     {"gap", numbers[4]},
                                     {"zoom", numbers[5]},
                                     {"above", above.data},
                                     {NULL, NULL}};
    const int code = caption.failed || above.failed
                         ? lb_fail_memory(error, "a sheet of boxes")
                         : report_figure(r, s->e->study, "boxes", name, sheet_table(s), options, caption.data, error);
    text_free(&caption);
    text_free(&above);
    return code;
}

static int make_sheet(sheet *s, report *r, lb_error *error) {
    char picture[] = P_tmpdir "/lossbench_sheet_XXXXXX";
    panels p = {0};
    int code = index_truth(s, error);
    if (!code) code = box_marks_images(&s->d, DEFECTS, s->items, &s->rows, error);
    if (!code) code = choose_goods(s, r->from, error);
    if (!code) code = find_all(s, error);
    if (!code) code = draw(s, &p, error);
    if (!code) code = panels_write(&p, picture, error);
    if (!code) {
        code = show(r, s, &p, picture, error);
        unlink(picture);
    }
    panels_free(&p);
    return code;
}

int report_box_sheet(report *r, const evidence *e, const place *p, lb_error *error) {
    sheet s = {.at = p, .e = e};
    int code = choose_losses(&s, r->from, error);
    if (!code && s.count) {
        const dataset_request request = trial_request(s.columns[0].t, r->c->search);
        code = dataset_open(s.columns[0].t->data, &request, &s.d, error);
        if (!code)
            code = make_sheet(&s, r, error);
        else if (code == LB_NOT_FOUND)
            code = LB_OK; /* the data have gone since */
    }
    sheet_free(&s);
    return code;
}
