/* The analysis of losses for K classes on a store planted with made-up numbers: what it orders, counts and says is
   known. */
#include "tests/experiments/planted_report.h"
#include "tests/experiments/planted_types.h"

#include "experiments/harness/compare_field.h"
#include "experiments/harness/compare_types.h"

#include <math.h>

#define THREE "ce = types = ce\nweighted_ce = types = weighted_ce\nldam = types = ldam\n"

static evidence *e = &the_report.evidences[0];
static study *s = &the_campaign.studies[0];
static place places[MAX_PLACES];
static size_t count;

static void begin(const char *ratios, const char *losses) {
    planted_begin();
    expand_types("planted", ratios, losses, 3, s);
    the_campaign.count = 1;
    count = places_of(s, places);
}

/* All cells of a label; "": every one. */
static void plant(const char *label, planted_types what) {
    for (size_t i = 0; i < s->cell_count; i++)
        if (!label[0] || strcmp(s->cells[i].entry->label, label) == 0)
            plant_types(the_report.from, s, &s->cells[i], &what);
}

/* Balanced accuracy .500, .620 and .504. */
static void plant_three(void) {
    plant("ce", (planted_types){.rare = 20, .common = 80, .found = 60});
    plant("weighted_ce", (planted_types){.rare = 60, .common = 70, .found = 70});
    plant("ldam", (planted_types){.rare = 21, .common = 80, .found = 60});
}

static place_classes classes_at(size_t i) {
    place_classes out;
    lb_error error = {0};
    cr_assert(zero(int, types_at(&the_report, e, &places[i], &out, &error)), "%s", error.message);
    return out;
}

static void expect(const table *t, size_t row, size_t column, const char *shown) {
    cr_assert(lt(sz, row, table_rows(t)));
    cr_assert(eq(str, (char *)table_at(t, row, column), (char *)shown), "row %zu, column %zu", row, column);
}

/* --- thirds ------------------------------------------------------------------------------------------------------ */

Test(types, a_third_is_the_nearest_number_of_classes) {
    static const size_t third[] = {1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4};
    for (size_t i = 0; i < sizeof third / sizeof *third; i++) cr_assert(eq(sz, types_in_third(i + 1), third[i]));
}

Test(types, classes_come_by_their_items_and_those_without_test_items_not_at_all) {
    const double train[] = {100, 5, 7, 5, 0, 3}, test[] = {9, 1, 1, 1, 1, 0};
    static const size_t wanted[] = {4, 1, 3, 2, 0};
    size_t order[6];
    cr_assert(eq(sz, types_by_items(train, test, 6, order), 5));
    for (size_t i = 0; i < 5; i++) cr_assert(eq(sz, order[i], wanted[i]), "place %zu", i);
}

Test(types, recall_of_a_third_is_the_mean_of_its_classes) {
    static measure m;
    m = (measure){.present = 1,
                  .has_types = 1,
                  .types = {.classes = 6,
                            .train = {900, 50, 40, 30, 20, 10},
                            .test = {90, 5, 4, 3, 2, 0},
                            .recall = {1, 0.8, 0.5, 0.4, 0.1, (double)NAN}}};
    cr_assert(epsilon_eq(dbl, field_rare_recall(&m), 0.25, 1e-12)); /* 2 of the 5 that test has */
    cr_assert(epsilon_eq(dbl, field_common_recall(&m), 0.9, 1e-12));
    memset(m.types.test, 0, sizeof m.types.test);
    cr_assert(isnan(field_rare_recall(&m)));
    m.types.test[0] = 1;
    m.has_types = 0;
    cr_assert(isnan(field_common_recall(&m)));
    m.has_types = 1;
    m.present = 0;
    cr_assert(isnan(field_common_recall(&m)));
}

/* --- tables ------------------------------------------------------------------------------------------------------ */

Test(types, the_highest_balanced_accuracy_comes_first) {
    begin("10", THREE);
    plant_three();
    planted_read(0);
    const place_classes at = classes_at(0);
    table *t = compare_type_place(e, &places[0], &at);
    cr_assert(eq(sz, table_rows(t), 3));
    static const char *const first[] = {
        "weighted_ce", "0.620 [0.620, 0.620]", "+0.120 [+0.120, +0.120] better", "0.400", "0.900", "0.600", "0.700",
        "0.700"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) expect(t, 0, i, first[i]);
    expect(t, 1, 0, "ldam"); /* no column of lost seeds */
    expect(t, 1, 2, "+0.004 [+0.004, +0.004] equivalent");
    expect(t, 1, 5, "0.210");
    expect(t, 2, 0, "ce");
    expect(t, 2, 2, "baseline");
    table_free(t);
    planted_end();
}

Test(types, the_classes_of_a_place_have_the_names_of_its_data) {
    char words[400];
    begin("10", THREE);
    plant_three();
    planted_read(0);
    const place_classes at = classes_at(0);
    cr_assert(all(eq(sz, at.count, 5), eq(sz, at.third, 2), eq(int, at.goods, 1)));
    types_words(&at, 0, at.count, words, sizeof words);
    cr_assert(eq(str, words, "`missing` (10), `contamination` (20), `dent` (30), `scratch` (40), `good` (1000)"));
    types_words(&at, 0, 0, words, sizeof words);
    cr_assert(eq(str, words, ""));
    planted_end();
}

/* Of the four that are left a third is one. */
Test(types, a_class_without_test_items_is_in_no_third_and_no_table) {
    begin("10", THREE);
    plant("", (planted_types){.rare = 20, .common = 80, .no_missing = 1});
    planted_read(0);
    const place_classes at = classes_at(0);
    cr_assert(all(eq(sz, at.count, 4), eq(sz, at.third, 1)));
    cr_assert(eq(str, (char *)at.name[at.order[0]], "contamination"));
    table *t = compare_type_classes(e, places, &at, 1);
    cr_assert(eq(sz, table_rows(t), 12));
    expect(t, 0, 1, "contamination");
    table_free(t);
    planted_run(analyse_types);
    says("Recall of the rarest and of the commonest 1 of 4 classes");
    says_not("`missing`");
    planted_end();
}

Test(types, without_goods_there_is_no_recall_and_all_else) {
    begin("10", THREE);
    plant("", (planted_types){.rare = 20, .common = 80, .no_goods = 1});
    planted_read(0);
    const place_classes at = classes_at(0);
    table *t = compare_type_place(e, &places[0], &at);
    expect(t, 0, 6, "0.800");
    expect(t, 1, 0, "weighted_ce"); /* the next row follows at once: no column of recall */
    expect(t, 0, 7, "weighted_ce");
    table_free(t);
    t = compare_type_metrics(e, places, count);
    expect(t, 0, 2, "0.500 [0.500, 0.500]");
    expect(t, 0, 7, "no goods");
    table_free(t);
    t = compare_type_differences(e, places, count);
    expect(t, 1, 2, "+0.000 [+0.000, +0.000] equivalent");
    expect(t, 1, 7, "no goods");
    table_free(t);
    planted_run(analyse_types);
    says("No clean images, and so no recall at a fixed FR.");
    says_not("Image recall is");
    says_not("recall at FR");
    planted_end();
}

Test(types, lost_seeds_have_nothing_right_and_are_counted) {
    begin("10", THREE);
    plant_three();
    plant("ldam", (planted_types){.rare = 30, .common = 80, .diverged = 1});
    planted_read(0);
    const place_classes at = classes_at(0);
    table *t = compare_type_place(e, &places[0], &at);
    expect(t, 2, 0, "ldam");
    expect(t, 2, 3, "0.267");
    expect(t, 2, 5, "0.200");
    expect(t, 2, 8, "1");
    expect(t, 2, 9, "0");
    expect(t, 0, 8, "0");
    table_free(t);
    t = compare_type_trials(e);
    cr_assert(eq(sz, table_rows(t), 9));
    expect(t, 0, 6, "0.25");
    expect(t, 0, 7, "0.5");
    expect(t, 0, 13, "0.8 0.8 0.5 0.2 0.2");
    expect(t, 6, 5, "diverged");
    expect(t, 6, 6, "0");
    expect(t, 6, 7, "0");
    expect(t, 6, 13, "0 0 0 0 0");
    table_free(t);
    planted_run(analyse_types); /* the figure has the baseline first, though it is the second of three */
    cr_assert(eq(str, (char *)line_of("plots/planted/classes-cloth-10.tsv", "items"),
                 "items in train\tce\tweighted_ce\tldam"));
    planted_end();
}

/* --- what is said and drawn -------------------------------------------------------------------------------------- */

Test(types, the_report_says_what_the_rare_gain_and_the_common_lose) {
    begin("10", THREE);
    plant_three();
    planted_read(0);
    planted_run(analyse_types);
    says("**cloth 1:10**, balanced accuracy against `ce`: better: `weighted_ce`; equivalent: `ldam`.");
    says("Recall of the rarest and of the commonest 2 of 5 classes of cloth 1:10, each loss less `ce`: `weighted_ce` "
         "**+0.400** and **-0.100**; `ldam` +0.010 and +0.000.");
    says("The rarest, with their items in train: `missing` (10), `contamination` (20); the commonest: `scratch` (40), "
         "`good` (1000).");
    says_not("All blocks at a glance");
    cr_assert(eq(str, (char *)line_of("results/planted/classes.tsv", "cloth 1:10\tmissing\t10\t20\tweighted_ce"),
                 "cloth 1:10\tmissing\t10\t20\tweighted_ce\t0.600 [0.600, 0.600]\t0.300 [0.300, 0.300]"));
    cr_assert(eq(str, (char *)line_of("plots/planted/classes-cloth-10.tsv", "items"),
                 "items in train\tce\tweighted_ce\tldam"));
    cr_assert(eq(str, (char *)line_of("plots/planted/classes-cloth-10.tsv", "1000"), "1000\t0.8000\t0.7000\t0.8000"));
    line_of("plots/planted/classes-cloth-10.svg", "<svg");
    line_of("plots/planted/lanes-cloth-10.tsv", "1\tweighted_ce\tmean\t0.6200\t0.6200\t0.6200");
    planted_end();
}

Test(types, wide_intervals_leave_the_verdicts_open) {
    begin("10 200", THREE);
    plant_three();
    plant("weighted_ce", (planted_types){.rare = 60, .common = 80, .wobble = 30});
    planted_read(0);
    planted_run(analyse_types);
    says("equivalent: `ldam`; unclear: `weighted_ce`.");
    says("`weighted_ce` +0.500 and +0.000;");
    line_of("results/planted/summary.tsv", "weighted_ce\t0.700\t+0.200\t1\t0\t0\t2\t0");
    planted_end();
}

/* More panels would not be legible. */
Test(types, eight_losses_are_drawn_the_baseline_first) {
    const char *at;
    unsigned tabs = 0;
    begin("10", "ce = types = ce\nfocal = types = focal_multiclass(gamma={1, 2, 3, 4, 5, 6, 7, 8})\n");
    plant("", (planted_types){.rare = 30, .common = 80});
    plant("ce", (planted_types){.rare = 20, .common = 80});
    planted_read(0);
    planted_run(analyse_types);
    at = line_of("plots/planted/classes-cloth-10.tsv", "items in train\tce\t");
    for (; *at; at++) tabs += *at == '\t';
    cr_assert(eq(u32, tabs, 8));
    planted_end();
}

Test(types, a_lone_loss_has_no_figure_of_classes) {
    begin("10", "ce = types = ce\n");
    plant("", (planted_types){.rare = 20, .common = 80});
    planted_read(0);
    planted_run(analyse_types);
    says("lanes-cloth-10");
    says_not("classes-cloth-10");
    says_not("each loss less");
    planted_end();
}

Test(types, trials_of_goods_and_defects_are_refused) {
    lb_error error = {0};
    begin("10", "ce = bce\n");
    planted_read(0);
    cr_assert(eq(int, analyse_types(&the_report, e, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "types = ce"), NULL), "%s", error.message);
    planted_end();
}

static void draw(const char *const *headers, size_t columns, const figure_option *options, int wanted) {
    lb_error error = {0};
    table *t = table_new(headers, columns);
    cr_assert(ne(ptr, t, NULL));
    for (size_t i = 0; i < 2 * columns; i++) table_cell(t, i < columns ? "1" : "2");
    cr_assert(
        eq(int, figure_draw(NULL, "classes", "/tmp/test_analysis_types_classes", t, NULL, options, &error), wanted));
    table_free(t);
}

Test(types, the_figure_refuses_a_lone_baseline_and_a_missing_label) {
    static const char *const headers[] = {"items in train", "ce", "ldam"};
    const figure_option labelled[] = {{"xlabel", "items"}, {"ylabel", "recall"}, {NULL, NULL}};
    draw(headers, 2, labelled, LB_INVALID);
    draw(headers, 3, labelled + 1, LB_INVALID);
}
