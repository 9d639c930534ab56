/* The analysis of box losses on a store planted with made-up numbers: what it orders, counts and says is known. */
#include "tests/experiments/fixture.h"
#include "tests/experiments/made_boxes.h"
#include "tests/experiments/planted_report.h"

#include "experiments/harness/compare_boxes.h"
#include "experiments/harness/compare_field.h"
#include "experiments/harness/gain.h"
#include "experiments/harness/mask_analysis.h"

#include <math.h>

#define ABOUT "[experiment]\nquestion = q\nanalysis = boxes\nbaseline = smooth_l1\nfigures = lanes sizes gain\n"
#define DATA(length) "synthetic(texture=cast, defect=dent, size=32, length=" length ", scale=0.1) @ 2\n"
#define LOSSES "[losses]\nsmooth_l1 = box = smooth_l1\ngiou = box = giou\nciou = box = ciou\n"
#define TRAIN                                                                                                          \
    "[train]\nmodel = detector(width=narrow)\nvisits = 640\nbatch = 16\nlearning_rate = 0.01\ncheckpoints = 2\n"
#define ONE ABOUT "[blocks]\ndents = " DATA("6") LOSSES TRAIN "seeds = 3\n"
#define TWO ABOUT "[blocks]\nlarge = " DATA("12") "small = " DATA("4") LOSSES TRAIN "seeds = 3\n"

static evidence *e = &the_report.evidences[0];
static study *s = &the_campaign.studies[0];
static place places[MAX_PLACES];
static size_t count;

static void begin(const char *content) {
    planted_begin();
    expand_text("planted", content, s);
    the_campaign.count = 1;
    count = places_of(s, places);
}

/* --- a trial of boxes -------------------------------------------------------------------------------------------- */

typedef struct {
    double ap50, half; /* at the end, and at the first checkpoint */
    double step;       /* seed k has that many times k more of ap50 */
    double area;       /* mean share of the image; 0: 0.01 */
    unsigned found;    /* recall of images and of boxes, in hundredths */
    int no_goods;
    trial_outcome outcome;
} planted;

static const float truths[BOX_SIZES] = {40, 6, 0}; /* of a seed: over three 120, 18 and none */

static void add_numbers(trial_result *to, const planted *p, unsigned seed) {
    const int lost = p->outcome != OUTCOME_OK;
    float *number = trial_result_add(to, "boxes", BOX_NUMBERS, 0), *at;
    cr_assert(ne(ptr, number, NULL));
    for (size_t i = 0; i < BOX_NUMBERS; i++) number[i] = lost ? NAN : (float)i / 100;
    memcpy(number + BOX_TRUTHS_SIZE, truths, sizeof truths);
    number[BOX_MEAN_SHARE] = p->area > 0 ? (float)p->area : 0.01f;
    if (lost) return;
    number[BOX_AP50] = (float)(p->ap50 + p->step * seed);
    number[BOX_AP50_SIZE] = (float)(p->ap50 / 2);
    at = trial_result_add(to, "boxes@1", BOX_AT_NUMBERS, 0);
    cr_assert(ne(ptr, at, NULL));
    at[BOX_AT_AP50] = (float)p->half;
}

static void add_found(trial_result *to, const planted *p) {
    float *score = trial_result_add(to, "instance_score", 100, 0);
    float *area = trial_result_add(to, "instance_area", 100, 0);
    cr_assert(all(ne(ptr, score, NULL), ne(ptr, area, NULL)));
    for (unsigned i = 0; i < 100; i++) {
        score[i] = i < p->found ? 500 : -500;
        area[i] = 10;
    }
}

static void put_planted(const trial *t, const planted *p, unsigned seed) {
    lb_error error = {0};
    trial_result result = made_result(&(made){.found = p->found});
    result.outcome = p->outcome;
    for (size_t i = 0; p->no_goods && i < result.array_count; i++) {
        trial_array *a = &result.arrays[i];
        if (strcmp(a->name, "data") == 0) a->data[DATA_GOODS + SET_TEST] = 0;
        a->goods = 0;
    }
    add_numbers(&result, p, seed);
    if (p->outcome == OUTCOME_OK) add_found(&result, p);
    cr_assert(zero(int, store_put(the_report.from, t, &result, &error)), "%s", error.message);
    trial_result_free(&result);
}

/* One seed of a loss at a block (NULL: every block). */
static void plant_seed(const char *label, const char *where, unsigned seed, planted p) {
    for (size_t i = 0; i < s->cell_count; i++) {
        const cell *at = &s->cells[i];
        if (strcmp(at->entry->label, label) != 0 || (where && strcmp(at->block->label, where) != 0)) continue;
        put_planted(&at->finals[seed], &p, seed);
    }
}

static void plant(const char *label, const char *where, planted p) {
    for (unsigned k = 0; k < s->e.seeds; k++) plant_seed(label, where, k, p);
}

static void plant_three(void) {
    plant("smooth_l1", NULL, (planted){.ap50 = 0.5, .half = 0.4, .found = 60});
    plant("giou", NULL, (planted){.ap50 = 0.505, .half = 0.2, .found = 60});
    plant("ciou", NULL, (planted){.ap50 = 0.6, .half = 0.5, .found = 70});
}

/* --- what is looked at ------------------------------------------------------------------------------------------- */

static void expect(const table *t, size_t row, const char *header, const char *shown, const char *const *headers) {
    size_t column = 0;
    while (headers[column] && strcmp(headers[column], header) != 0) column++;
    cr_assert(lt(sz, row, table_rows(t)));
    cr_assert(eq(str, (char *)table_at(t, row, column), (char *)shown), "%s of row %zu", header, row);
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

static const char *const with_goods[] = {
    "loss",     "AP50",         "difference", "AP75",     "AP50:95",     "IoU of matched boxes",
    "best IoU", "image recall", "box recall", "diverged", "not started", NULL};

Test(boxes, the_highest_ap50_comes_first) {
    begin(ONE);
    plant_three();
    planted_read(0);
    table *t = compare_box_place(e, &places[0]);
    cr_assert(eq(sz, table_rows(t), 3));
    expect(t, 0, "loss", "ciou", with_goods);
    expect(t, 0, "AP50", "0.600 [0.600, 0.600]", with_goods);
    expect(t, 0, "difference", "+0.100 [+0.100, +0.100] better", with_goods);
    expect(t, 0, "AP75", "0.020", with_goods);
    expect(t, 0, "AP50:95", "0.030", with_goods);
    expect(t, 0, "IoU of matched boxes", "0.100", with_goods);
    expect(t, 0, "best IoU", "0.120", with_goods);
    expect(t, 0, "image recall", "0.700", with_goods);
    expect(t, 0, "box recall", "0.700", with_goods);
    expect(t, 1, "loss", "giou", with_goods);
    expect(t, 1, "difference", "+0.005 [+0.005, +0.005] equivalent", with_goods);
    expect(t, 2, "loss", "smooth_l1", with_goods);
    expect(t, 2, "difference", "baseline", with_goods);
    table_free(t);
    planted_end();
}

Test(boxes, without_goods_there_is_no_recall_and_all_else) {
    begin(ONE);
    plant("smooth_l1", NULL, (planted){.ap50 = 0.5, .half = 0.4, .found = 60, .no_goods = 1});
    plant("giou", NULL, (planted){.ap50 = 0.4, .half = 0.4, .found = 60, .no_goods = 1});
    planted_read(0); /* ciou has not been run */
    cr_assert_not(boxes_have_goods(e, &places[0]));
    table *t = compare_box_place(e, &places[0]);
    expect(t, 0, "AP50", "0.500 [0.500, 0.500]", with_goods);
    expect(t, 0, "best IoU", "0.120", with_goods);
    cr_assert(eq(str, (char *)table_at(t, 1, 0), "giou")); /* the next row follows at once: no column of recall */
    expect(t, 2, "loss", "ciou", with_goods);
    expect(t, 2, "AP50", "failed", with_goods);
    expect(t, 2, "difference", "failed", with_goods);
    table_free(t);
    t = compare_box_metrics(e, places, count);
    cr_assert(eq(str, (char *)table_at(t, 0, 8), "no goods"));
    cr_assert(eq(str, (char *)table_at(t, 0, 9), "no goods"));
    table_free(t);
    planted_run(analyse_boxes);
    says("No clean images, and so no recall at a fixed FR.");
    says_not("Recall is");
    says_not("recall at FR");
    says("worse: `giou`");
    planted_end();
}

/* A lost seed has an AP50 of 0, and none half way: it takes no part in what is early and late. */
Test(boxes, lost_seeds_are_counted_and_take_no_part_early) {
    static const char *const early[] = {"block", "loss", "half", "end", "difference", "last", NULL};
    begin(ONE);
    plant_three();
    plant_seed("giou", NULL, 0, (planted){.outcome = OUTCOME_DIVERGED});
    planted_read(0);
    table *t = compare_box_place(e, &places[0]);
    expect(t, 2, "loss", "giou", with_goods);
    expect(t, 2, "diverged", "1", with_goods);
    expect(t, 2, "not started", "0", with_goods);
    expect(t, 0, "diverged", "0", with_goods);
    cr_assert(eq(int, strncmp(table_at(t, 2, 1), "0.337 ", 6), 0));
    table_free(t);
    t = compare_box_early(e, places, count);
    expect(t, 2, "loss", "giou", early);
    expect(t, 2, "half", "0.200 [0.200, 0.200]", early);
    expect(t, 2, "end", "0.505 [0.505, 0.505]", early);
    expect(t, 2, "difference", "-0.200 [-0.200, -0.200] worse", early);
    expect(t, 2, "last", "+0.005 [+0.005, +0.005] equivalent", early);
    table_free(t);
    planted_end();
}

Test(boxes, a_size_with_few_boxes_says_so) {
    static const char *const sizes[] = {"block",     "loss",    "small 50", "small 95", "smalls", "medium 50",
                                        "medium 95", "mediums", "large 50", "large 95", "larges", NULL};
    begin(ONE);
    plant_three();
    planted_read(0);
    cr_assert(eq(sz, boxes_of_size(e, &places[0], 0), 120));
    table *t = compare_box_sizes(e, places, count);
    expect(t, 0, "small 50", "0.300 [0.300, 0.300]", sizes);
    expect(t, 0, "small 95", "0.070 [0.070, 0.070]", sizes);
    expect(t, 0, "smalls", "120", sizes);
    expect(t, 0, "medium 50", "too few", sizes);
    expect(t, 0, "mediums", "18", sizes);
    expect(t, 0, "large 95", "none", sizes);
    expect(t, 0, "larges", "0", sizes);
    table_free(t);
    planted_end();
}

Test(boxes, every_trial_has_a_row) {
    begin(ONE);
    plant_three();
    plant_seed("ciou", NULL, 1, (planted){.outcome = OUTCOME_DIVERGED});
    planted_read(0);
    table *t = compare_box_trials(e);
    cr_assert(eq(sz, table_rows(t), 9));
    cr_assert(eq(str, (char *)table_at(t, 0, 3), "smooth_l1"));
    cr_assert(eq(str, (char *)table_at(t, 0, 8), "0.4"));
    cr_assert(eq(str, (char *)table_at(t, 0, 9 + BOX_AP50), "0.5"));
    cr_assert(eq(str, (char *)table_at(t, 0, 9 + BOX_LOST), "0.17"));
    cr_assert(eq(str, (char *)table_at(t, 7, 5), "diverged"));
    cr_assert(eq(str, (char *)table_at(t, 7, 8), "NaN"));
    cr_assert(eq(str, (char *)table_at(t, 7, 9 + BOX_AP50), "0"));
    table_free(t);
    planted_end();
}

/* --- sentences --------------------------------------------------------------------------------------------------- */

Test(boxes, the_report_says_who_is_better_and_how_far_the_family_spreads) {
    begin(ONE);
    plant_three();
    planted_read(0);
    planted_run(analyse_boxes);
    says("**dents 1:2**, AP50 against `smooth_l1`: better: `ciou`; equivalent: `giou`.");
    says("Inside the IoU family (2 losses) the AP50 of dents 1:2 runs from 0.505 (`giou`) to 0.600 (`ciou`), a spread "
         "of +0.095 [+0.095, +0.095], more than the margin of 0.02.");
    says("`ciou` leads at half the visits with an AP50 of 0.500, and still `ciou` at the end with 0.600; better than "
         "`smooth_l1` at that early point: `ciou`. Kendall's tau-b between the two orders of the 3 losses: +0.33.");
    says_not("All blocks at a glance");
    says_not("tenfold");
    is_there("plots/planted/lanes-dents-2.svg");
    is_there("plots/planted/sizes-dents-2.png");
    cr_assert(
        all(contains("plots/planted/sizes-dents-2.svg", "small"), contains("plots/planted/sizes-dents-2.svg", "ciou")));
    cr_assert_not(contains("plots/planted/sizes-dents-2.svg", "medium"));
    cr_assert(has_line("plots/planted/sizes-dents-2.tsv", "1\tciou\t1\tsmall\t0.3000\t0.3000\t0.3000"));
    cr_assert_not(has_line("plots/planted/sizes-dents-2.tsv", "1\tciou\t2"));
    cr_assert(has_line("results/planted/ap50-dents-2.tsv", "ciou\t0.600"));
    planted_end();
}

Test(boxes, a_wide_interval_leaves_the_verdict_and_the_spread_open) {
    begin(ONE);
    plant_three();
    plant("ciou", NULL, (planted){.ap50 = 0.5, .step = 0.1, .half = 0.5, .found = 70});
    planted_read(0);
    planted_run(analyse_boxes);
    says("equivalent: `giou`; unclear: `ciou`.");
    says("which may lie on either side of the margin of 0.02");
    planted_end();
}

Test(boxes, losses_of_the_family_within_the_margin_are_said_to_be) {
    begin(ONE);
    plant_three();
    plant("ciou", NULL, (planted){.ap50 = 0.51, .half = 0.1, .found = 70});
    planted_read(0);
    planted_run(analyse_boxes);
    says("equivalent: `ciou`, `giou`.");
    says("a spread of +0.005 [+0.005, +0.005], within the margin");
    says("better than `smooth_l1` at that early point: none.");
    planted_end();
}

/* A tenfold smaller box takes the gain of giou from 0 to 0.1, and that of ciou from 0.1 to 0.05. */
Test(boxes, the_gain_is_drawn_over_the_area_of_the_boxes) {
    begin(TWO);
    plant("smooth_l1", NULL, (planted){.ap50 = 0.4, .half = 0.4, .found = 60, .area = 0.1});
    plant("giou", "large", (planted){.ap50 = 0.4, .half = 0.4, .found = 60, .area = 0.1});
    plant("ciou", "large", (planted){.ap50 = 0.5, .half = 0.4, .found = 60, .area = 0.1});
    plant("smooth_l1", "small", (planted){.ap50 = 0.4, .half = 0.4, .found = 60, .area = 0.01});
    plant("giou", "small", (planted){.ap50 = 0.5, .half = 0.4, .found = 60, .area = 0.01});
    plant("ciou", "small", (planted){.ap50 = 0.45, .half = 0.4, .found = 60, .area = 0.01});
    planted_read(0);
    planted_run(analyse_boxes);
    says("What a tenfold smaller box adds to the gain over `smooth_l1`");
    says("`giou` +0.100 [+0.100, +0.100] (rises), `ciou` -0.050 [-0.050, -0.050] (falls).");
    cr_assert(has_line("plots/planted/gain.tsv", "1.0000\t0.1000\t"));
    cr_assert(has_line("plots/planted/gain.tsv", "10.0000\t0.0000\t"));
    cr_assert(has_line("results/planted/summary.tsv", "giou\t0.450\t+0.050\t2\t1\t1\t0\t0"));
    cr_assert(has_line("results/planted/summary.tsv", "smooth_l1\t0.400\t \t2"));
    planted_end();
}

Test(boxes, trials_of_images_are_refused) {
    lb_error error = {0};
    begin("[experiment]\nquestion = q\nanalysis = boxes\n[blocks]\ndents = " TINY_DATA " @ 10\n[losses]\nbce = bce\n"
          "[train]\nmodel = cnn\nvisits = 640\nbatch = 16\nlearning_rate = 0.01\nseeds = 1\n");
    planted_read(0);
    cr_assert(eq(int, analyse_boxes(&the_report, e, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "detector"), NULL));
    planted_end();
}

/* --- shared pieces ----------------------------------------------------------------------------------------------- */

Test(boxes, equals_stay_in_the_order_of_the_losses) {
    size_t cells[MAX_ENTRIES];
    begin(ONE);
    plant("giou", NULL, (planted){.ap50 = 0.5, .found = 60});
    plant("ciou", NULL, (planted){.ap50 = 0.5, .found = 60});
    planted_read(0);
    cr_assert(eq(sz, ranked_cells(e, &places[0], field_box_ap50, cells), 2));
    cr_assert(all(eq(sz, cells[0], 1), eq(sz, cells[1], 2)));
    cr_assert(eq(sz, compare_ordered(e, &places[0], field_box_ap50, cells), 3));
    cr_assert(eq(sz, cells[2], 0)); /* nothing is known of it */
    cr_assert(eq(long, usable_field(e, &places[0], "smooth_l1", field_box_ap50), -1));
    planted_end();
}

/* 12 x 7, 13 x 16 and 12 x 22 of 32 x 24 pixels. */
Test(boxes, the_mean_area_is_that_of_the_true_boxes_of_test) {
    static made_boxes data; /* large */
    trial_result result = {0};
    made_boxes_open(&data);
    const detector_grid grid = detector_grid_of(&data.d);
    cr_assert(zero(int, box_scores_begin(&data.d, &grid, 0.25, &result, NULL)));
    cr_assert(epsilon_eq(flt, trial_result_find(&result, "boxes")->data[BOX_MEAN_SHARE], 556.0f / 3 / 768, 1e-6f));
    trial_result_free(&result);
}

static void draw_dots(const char *const *headers, size_t columns, const figure_option *options, int wanted) {
    lb_error error = {0};
    table *t = table_new(headers, columns);
    cr_assert(ne(ptr, t, NULL));
    for (size_t i = 0; i < columns; i++) table_cell(t, "1");
    cr_assert(eq(int, figure_draw(NULL, "dots", "/tmp/test_analysis_boxes_dots", t, NULL, options, &error), wanted));
    table_free(t);
}

Test(boxes, dots_refuse_another_table_and_a_missing_label) {
    static const char *const headers[] = {"row", "label", "series", "name", "value", "low", "high"};
    const figure_option labelled[] = {{"xlabel", "AP50"}, {NULL, NULL}};
    draw_dots(headers, 6, labelled, LB_INVALID);
    draw_dots(headers, 7, NULL, LB_INVALID);
}
