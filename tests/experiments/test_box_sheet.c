/* Sheets of boxes: stored detectors give the stored scores again; the figure shows the right boxes and marks them.
   Needs gnuplot, and runs from the project's root, where plots/ is. */
#include "experiments/harness/box_marks.h"
#include "experiments/harness/box_sheet.h"
#include "experiments/harness/sheet_images.h"
#include "experiments/harness/stored_net.h"
#include "lib/base/repro_math.h"
#include "tests/experiments/fixture.h"

#include <math.h>

/* --- a study with trained nets ----------------------------------------------------------------------------------- */

#define BOXES_DATA "synthetic(texture=cast, defect=dent, size=32, scale=0.1)"
#define STUDY                                                                                                          \
    "[experiment]\nanalysis = compare\nbaseline = giou\nsheet = l1 giou ciou\n"                                        \
    "[blocks]\ndents = " BOXES_DATA " @ 2\n"                                                                           \
    "[losses]\ngiou = box = giou\nl1 = box = l1\nciou = box = ciou\n"                                                  \
    "[train]\nmodel = detector(width=narrow)\nvisits = 960\nbatch = 16\nlearning_rate = 0.003\nseeds = 3\n"

enum { SEEDS = 3, CELL_GIOU = 0, CELL_L1, CELL_CIOU };

static study s; /* large; every test has its own process */
static evidence e;
static store *from;
static report r;
static campaign c;
static char directory[] = "/tmp/test_boxes_XXXXXX";

static const trial *trial_of(size_t loss_cell, unsigned seed) { return &s.cells[loss_cell].finals[seed]; }

static dataset open_data(unsigned seed) {
    dataset d;
    lb_error error = {0};
    const dataset_request request = trial_request(trial_of(0, seed), "");
    cr_assert(zero(int, dataset_open(trial_of(0, seed)->data, &request, &d, &error)), "%s", error.message);
    return d;
}

static void train(size_t loss_cell, unsigned seed, const dataset *d) {
    trial_result result;
    lb_error error = {0};
    cr_assert(zero(int, trial_run(trial_of(loss_cell, seed), d, &result, &error)), "%s", error.message);
    cr_assert(zero(int, store_put(from, trial_of(loss_cell, seed), &result, &error)), "%s", error.message);
    trial_result_free(&result);
}

static trial_result stored(size_t loss_cell, unsigned seed) {
    char key[TRIAL_KEY];
    trial_result result;
    trial_key(trial_of(loss_cell, seed), key);
    cr_assert(zero(int, store_get(from, key, &result, NULL)));
    return result;
}

/* The first `trained` losses are in the store, all seeds. */
static void begin(size_t trained) {
    lb_error error = {0};
    cr_assert(ne(ptr, mkdtemp(directory), NULL));
    expand_text("e", STUDY, &s);
    from = memory_store();
    for (unsigned seed = 0; trained && seed < SEEDS; seed++) {
        dataset d = open_data(seed);
        for (size_t n = 0; n < trained; n++) train(n, seed, &d);
        dataset_free(&d);
    }
    cr_assert(zero(int, evidence_read(&s, from, &e, &error)), "%s", error.message);
    snprintf(c.out, sizeof c.out, "%s", directory);
    r = (report){.c = &c, .from = from};
}

static void end(void) {
    char command[80];
    snprintf(command, sizeof command, "rm -r %s", directory);
    cr_assert(zero(int, system(command)));
    text_free(&r.body);
    evidence_free(&e);
    store_close(from);
    study_free(&s);
}

static void draw_sheet(void) {
    lb_error error = {0};
    const place p = {s.cells[0].block, s.cells[0].ratio};
    cr_assert(zero(int, report_box_sheet(&r, &e, &p, &error)), "%s", error.message);
}

static char *read_file(const char *place_name, const char *ending, size_t *size) {
    static char content[4][2000000];
    static unsigned next;
    char path[200];
    char *out = content[next++ % 4];
    snprintf(path, sizeof path, "%s/plots/e/boxes-%s.%s", directory, place_name, ending);
    FILE *f = fopen(path, "rb");
    cr_assert(ne(ptr, f, NULL), "%s is not there", path);
    *size = fread(out, 1, sizeof content[0] - 1, f);
    out[*size] = '\0';
    fclose(f);
    return out;
}

/* Seed of the median of three. */
static unsigned median_seed(size_t loss_cell) {
    const measure *m = evidence_seeds(&e, loss_cell);
    for (unsigned k = 0; k < SEEDS; k++) {
        unsigned below = 0;
        for (unsigned j = 0; j < SEEDS; j++)
            below += field_box_ap50(&m[j]) < field_box_ap50(&m[k]) ||
                     (field_box_ap50(&m[j]) == field_box_ap50(&m[k]) && j < k);
        if (below == 1) return k;
    }
    return SEEDS;
}

/* --- stored detectors -------------------------------------------------------------------------------------------- */

Test(stored_detector, gives_the_stored_scores_to_the_bit_and_refuses_another_net) {
    begin(1);
    dataset d = open_data(0);
    const detector_grid g = detector_grid_of(&d);
    const size_t count = d.sets[SET_TEST].count, outputs = detector_cells(&g) * detector_channels(&g);
    uint32_t *items = malloc(count * sizeof *items);
    float *output = malloc(count * outputs * sizeof *output);
    metric_box room[DETECTOR_MOST];
    trial_result result = stored(0, 0);
    lb_error error = {0};
    for (size_t i = 0; i < count; i++) items[i] = (uint32_t)(count - 1 - i);
    cr_assert(zero(int, stored_net_ask(trial_of(0, 0), &d, &result, items, count, output, &error)), "%s",
              error.message);
    for (size_t i = 0; i < count; i++) {
        int finite;
        detector_find(&g, output + i * outputs, 0, room, &finite);
        cr_assert(eq(flt, room->score, trial_result_find(&result, "test")->data[items[i]]));
    }
    const trial_array *parameters = trial_result_find(&result, "parameters");
    for (uint32_t i = 0; i < parameters->count; i++) parameters->data[i] *= 1.01f;
    cr_expect(eq(int, stored_net_ask(trial_of(0, 0), &d, &result, items, 4, output, &error), LB_VERSION));
    cr_expect(ne(ptr, strstr(error.message, "no longer gives the scores"), NULL), "%s", error.message);
    trial_result_free(&result);
    free(items);
    free(output);
    dataset_free(&d);
    end();
}

/* --- the figure -------------------------------------------------------------------------------------------------- */

/* A line of the tsv. */
typedef struct {
    unsigned row, image;
    char box[20], type[20], cell[2][20];
    float corner[4];
} line;

static char *next_field(char **rest) {
    char *field = *rest;
    *rest += strcspn(field, "\t\n");
    if (**rest) *(*rest)++ = '\0';
    return field;
}

/* `losses` names are joined by a tab. */
static size_t read_lines(const char *place_name, const char *losses, size_t loss_count, line *out, size_t room) {
    size_t size, n = 0;
    char head[100];
    char *tsv = read_file(place_name, "tsv", &size);
    snprintf(head, sizeof head, "\nrow\timage\tbox\ttype\tx1\ty1\tx2\ty2\t%s\n", losses);
    char *rest = strstr(tsv, head);
    cr_assert(ne(ptr, rest, NULL), "%s", tsv);
    rest = strchr(rest + 1, '\n') + 1;
    for (; *rest; n++) {
        cr_assert(lt(sz, n, room));
        out[n].row = (unsigned)atoi(next_field(&rest));
        out[n].image = (unsigned)atoi(next_field(&rest));
        snprintf(out[n].box, sizeof out[n].box, "%s", next_field(&rest));
        snprintf(out[n].type, sizeof out[n].type, "%s", next_field(&rest));
        for (size_t i = 0; i < 4; i++) out[n].corner[i] = (float)atof(next_field(&rest));
        for (size_t i = 0; i < loss_count; i++)
            snprintf(out[n].cell[i], sizeof out[n].cell[i], "%s", next_field(&rest));
    }
    return n;
}

/* Whether it is a box that this loss found. */
static int is_found(const line *l, size_t which) {
    return strcmp(l->box, "image") != 0 && strcmp(l->box, "true") != 0 && strcmp(l->cell[which], "-") != 0;
}

static float threshold_of(const trial_result *result, double fr) {
    const trial_array *a = trial_result_find(result, "test");
    metric_scores scores;
    cr_assert(zero(int, metric_scores_new(&scores, a->data, a->goods, a->data + a->goods, a->count - a->goods, NULL)));
    const float threshold = metric_frr_threshold(&scores, fr).threshold;
    metric_scores_free(&scores);
    return threshold;
}

/* A box found is above the loss's threshold, and every image whose score is above it shows its best box. */
static void check_found(const line *lines, size_t n, size_t which, size_t loss_cell, unsigned seed) {
    trial_result result = stored(loss_cell, seed);
    const trial_array *test = trial_result_find(&result, "test");
    const double threshold =
        repro_exp((double)threshold_of(&result, fr_levels[evidence_seeds(&e, loss_cell)[seed].level]));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(lines[i].box, "image") != 0) continue;
        const double score = repro_exp((double)test->data[lines[i].image]);
        double best = 0;
        for (size_t k = 0; k < n; k++) {
            if (!is_found(&lines[k], which) || lines[k].image != lines[i].image) continue;
            cr_expect(ge(dbl, atof(lines[k].cell[which]), 0.94 * threshold)); /* of two digits */
            if (atof(lines[k].cell[which]) > best) best = atof(lines[k].cell[which]);
        }
        cr_expect(epsilon_eq(dbl, atof(lines[i].cell[which]), score, 0.06 * score));
        cr_expect(epsilon_eq(dbl, best, score > threshold ? score : 0, 0.06 * score), "image %u", lines[i].image);
    }
    trial_result_free(&result);
}

Test(box_sheet, lists_the_images_the_true_boxes_and_those_above_the_threshold) {
    static line lines[2000];
    begin(2);
    draw_sheet();
    const unsigned seed = median_seed(CELL_GIOU);
    dataset d = open_data(seed);
    const dataset_items *test = &d.sets[SET_TEST];
    const size_t n = read_lines("dents-2", "l1\tgiou", 2, lines, 2000);
    trial_result base = stored(CELL_GIOU, seed);
    uint32_t wanted[8];
    size_t images = 0, truths = 0, wanted_truths = 0, count;
    cr_assert(zero(int, box_marks_images(&d, 6, wanted, &count, NULL)));
    count += sheet_worst_goods(trial_result_find(&base, "test"), 2, wanted + count);
    for (size_t i = 0; i < n; i++) {
        truths += strcmp(lines[i].box, "true") == 0;
        if (strcmp(lines[i].box, "image") != 0) continue;
        cr_expect(eq(u32, lines[i].image, wanted[images]));
        cr_expect(eq(str, lines[i].type, (char *)(images < 6 ? "dent" : "good")));
        images++;
    }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < test->box_count; k++) wanted_truths += test->boxes[k].item == wanted[i];
    cr_expect(eq(sz, images, count));
    cr_expect(eq(sz, count, 8));
    cr_expect(eq(sz, truths, wanted_truths));
    check_found(lines, n, 0, CELL_L1, seed);
    check_found(lines, n, 1, CELL_GIOU, seed);
    trial_result_free(&base);
    dataset_free(&d);
    end();
}

/* The marks in the file are those of its own corners: rounded to a tenth of a pixel, so near 1/2 either may stand. */
Test(box_sheet, marks_what_is_right_found_and_missed) {
    static line lines[2000];
    begin(2);
    draw_sheet();
    const size_t n = read_lines("dents-2", "l1\tgiou", 2, lines, 2000);
    size_t checked = 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(lines[i].box, "true") != 0) continue;
        for (size_t which = 0; which < 2; which++) {
            double best = 0;
            for (size_t k = 0; k < n; k++) {
                if (!is_found(&lines[k], which) || lines[k].image != lines[i].image) continue;
                const float *a = lines[i].corner, *b = lines[k].corner;
                const metric_box truth = {.x1 = a[0], .y1 = a[1], .x2 = a[2], .y2 = a[3]};
                const metric_box found = {.x1 = b[0], .y1 = b[1], .x2 = b[2], .y2 = b[3]};
                const double iou = metric_box_iou(&truth, &found);
                best = iou > best ? iou : best;
                if (fabs(iou - 0.5) > 0.05 && strcmp(lines[k].box, "right") == 0) checked++;
                if (iou > 0.55) cr_expect(eq(str, lines[k].box, (char *)"right"));
            }
            if (fabs(best - 0.5) > 0.05)
                cr_expect(eq(str, lines[i].cell[which], (char *)(best > 0.5 ? "found" : "missed")));
        }
    }
    cr_expect(gt(sz, checked, 0));
    end();
}

Test(box_sheet, shows_the_trained_losses_and_says_what_is_shown) {
    char sentence[100];
    size_t size;
    begin(2);
    draw_sheet();
    cr_expect(eq(sz, r.figures, 1));
    cr_expect(ne(ptr, strstr(r.body.data, "![Figure 1](plots/e/boxes-dents-2.png)"), NULL), "%s", r.body.data);
    snprintf(sentence, sizeof sentence, "test images of seed %u, that of giou's median AP50: 6 defects",
             median_seed(CELL_GIOU) + 1);
    cr_expect(ne(ptr, strstr(r.body.data, sentence), NULL), "%s", r.body.data);
    cr_expect(ne(ptr, strstr(r.body.data, "the 2 goods that giou scores highest"), NULL), "%s", r.body.data);
    const char *svg = read_file("dents-2", "svg", &size);
    cr_expect(ne(ptr, strstr(svg, "stroke='rgb(  0, 158, 115)'"), NULL)); /* true boxes */
    cr_expect(ne(ptr, strstr(svg, "other type"), NULL));
    end();
}

Test(box_sheet, has_the_same_bytes_every_time) {
    static const char *const endings[] = {"png", "svg", "tsv"};
    begin(1);
    for (int i = 0; i < 3; i++) {
        size_t first, second;
        draw_sheet();
        const char *before = read_file("dents-2", endings[i], &first);
        draw_sheet();
        const char *after = read_file("dents-2", endings[i], &second);
        cr_assert(eq(sz, first, second), "%s", endings[i]);
        cr_expect(zero(int, memcmp(before, after, first)), "%s", endings[i]);
    }
    end();
}

Test(box_sheet, nothing_is_drawn_when_no_loss_is_there) {
    begin(0);
    draw_sheet();
    cr_expect(zero(sz, r.figures));
    cr_expect(zero(sz, r.body.length));
    end();
}

Test(box_sheet, does_without_a_baseline_and_without_data) {
    begin(2);
    snprintf(s.e.baseline, sizeof s.e.baseline, "ciou"); /* not trained */
    draw_sheet();
    cr_expect(ne(ptr, strstr(r.body.data, "that of l1's median AP50"), NULL), "%s", r.body.data);
    for (unsigned seed = 0; seed < SEEDS; seed++)
        for (size_t loss_cell = 0; loss_cell < 2; loss_cell++)
            snprintf(s.cells[loss_cell].finals[seed].data, sizeof s.cells[loss_cell].finals[seed].data, "neu_det");
    draw_sheet();
    cr_expect(eq(sz, r.figures, 1));
    end();
}

/* --- data without goods ------------------------------------------------------------------------------------------ */

#define STEEL                                                                                                          \
    "[experiment]\nanalysis = compare\nbaseline = giou\nsheet = giou\n[blocks]\nsteel = neu_det @ natural\n"           \
    "[losses]\ngiou = box = giou\n"                                                                                    \
    "[train]\nmodel = detector(width=narrow)\nvisits = 320\nbatch = 16\nlearning_rate = 0.003\nseeds = 1\n"

static const char *search_path(void) {
    const char *path = getenv("LOSSBENCH_DATASETS");
    return path ? path : "datasets/public/cache:../shared/datasets";
}

/* As begin(1), of steel. */
static dataset begin_steel(void) {
    static const selection all = {.profile = "standard"};
    static experiment x; /* large */
    dataset d;
    lb_error error = {0};
    cr_assert(zero(int, read_text("e", STEEL, &all, &x, &error)), "%s", error.message);
    cr_assert(zero(int, study_expand(&x, search_path(), &s, &error)), "%s", error.message);
    if (!s.cell_count) cr_skip_test("neu_det is not fetched");
    cr_assert(ne(ptr, mkdtemp(directory), NULL));
    from = memory_store();
    const dataset_request request = trial_request(trial_of(0, 0), search_path());
    cr_assert(zero(int, dataset_open(trial_of(0, 0)->data, &request, &d, &error)), "%s", error.message);
    train(0, 0, &d);
    cr_assert(zero(int, evidence_read(&s, from, &e, &error)), "%s", error.message);
    snprintf(c.out, sizeof c.out, "%s", directory);
    snprintf(c.search, sizeof c.search, "%s", search_path());
    r = (report){.c = &c, .from = from};
    return d;
}

/* All boxes of the test set; *count says how many. */
static metric_box *find_all(const dataset *d, size_t *count) {
    const detector_grid g = detector_grid_of(d);
    const size_t n = d->sets[SET_TEST].count, cells = detector_cells(&g), outputs = cells * detector_channels(&g);
    uint32_t *items = malloc(n * sizeof *items);
    float *output = malloc(n * outputs * sizeof *output);
    metric_box *found = malloc(n * cells * sizeof *found);
    trial_result result = stored(0, 0);
    *count = 0;
    for (size_t i = 0; i < n; i++) items[i] = (uint32_t)i;
    cr_assert(zero(int, stored_net_ask(trial_of(0, 0), d, &result, items, n, output, NULL)));
    for (size_t i = 0; i < n; i++) {
        int finite;
        *count += detector_find(&g, output + i * outputs, (uint32_t)i, found + *count, &finite);
    }
    trial_result_free(&result);
    free(items);
    free(output);
    return found;
}

Test(box_sheet, without_goods_as_many_boxes_are_shown_as_there_are_true_ones) {
    static line lines[2000];
    char sentence[100];
    size_t count, shown = 0, listed = 0;
    float threshold;
    dataset d = begin_steel();
    draw_sheet();
    const dataset_items *test = &d.sets[SET_TEST];
    snprintf(sentence, sizeof sentence, "as many boxes exceed as the test set has true ones, %zu.", test->box_count);
    cr_expect(ne(ptr, strstr(r.body.data, sentence), NULL), "%s", r.body.data);
    metric_box *found = find_all(&d, &count);
    cr_assert(zero(int, box_marks_threshold(found, count, test->box_count, &threshold, NULL)));
    uint32_t items[6];
    size_t images;
    cr_assert(zero(int, box_marks_images(&d, 6, items, &images, NULL)));
    for (size_t i = 0; i < images; i++)
        for (size_t k = 0; k < count; k++) shown += found[k].image == items[i] && found[k].score > threshold;
    const size_t n = read_lines("steel", "giou", 1, lines, 2000);
    for (size_t i = 0; i < n; i++) listed += is_found(&lines[i], 0);
    cr_expect(eq(sz, listed, shown));
    free(found);
    dataset_free(&d);
    end();
}
