/* The analyses of masks on stores planted with made-up scores: what they choose, count and say is known. */
#include "tests/experiments/fixture.h"
#include "tests/experiments/planted_report.h"

#include "experiments/harness/lambda.h"
#include "experiments/harness/mask_analysis.h"

#include <math.h>

#define ABOUT "[experiment]\nanalysis = compare\n"
#define DENTS "[blocks]\ndents = " TINY_DATA " @ 10\n[losses]\n"
#define TRAIN "[train]\nmodel = unet(width=narrow)\nvisits = 640\nbatch = 16\nlearning_rate = 0.01\nseeds = 3\n"
#define MIX "mix = dice_bce_focal(batch=on, lambda_bce={2, 0, 1}, lambda_focal={0, 1})\n"

static evidence *e = &the_report.evidences[0];

static void begin(const char *content) {
    planted_begin();
    expand_text("planted", content, &the_campaign.studies[0]);
    the_campaign.count = 1;
}

/* A trial of masks: recall on test and on select in hundredths, of instances as of images; area of the defects. */
typedef struct {
    unsigned test, select;
    float area, dice;
    unsigned test_goods; /* 0: as made_scores */
    int idle;            /* never left what the prior pays */
    trial_outcome outcome;
} planted;

static void add_masks(trial_result *to, const planted *p) {
    float *number = trial_result_add(to, "masks", MASK_NUMBERS, 0);
    float *score = trial_result_add(to, "instance_score", 100, 0),
          *area = trial_result_add(to, "instance_area", 100, 0);
    cr_assert(all(ne(ptr, number, NULL), ne(ptr, score, NULL), ne(ptr, area, NULL)));
    number[MASK_AREA] = p->area;
    number[MASK_DICE] = number[MASK_MEAN_IOU] = number[MASK_PIXEL_AP] = p->dice;
    for (unsigned i = 0; i < 100; i++) {
        score[i] = i < p->test ? 5 : -5;
        area[i] = 10;
    }
    made_scores(to, "test_max", p->test);
}

static void put_planted(const trial *t, const planted *p) {
    lb_error error = {0};
    trial_result result = made_result(&(made){.found = p->test});
    result.outcome = p->outcome;
    if (p->idle) result.train_loss = result.prior_loss;
    for (size_t i = 0; i < result.array_count; i++) {
        trial_array *a = &result.arrays[i];
        for (unsigned k = 0; strcmp(a->name, "select") == 0 && k < MADE_DEFECTS; k++)
            a->data[MADE_GOODS + k] = k < p->select ? 2.0f + (float)k : -1.0f - (float)k;
        if (p->test_goods && strcmp(a->name, "test") == 0) a->goods = p->test_goods;
    }
    add_masks(&result, p);
    cr_assert(zero(int, store_put(the_report.from, t, &result, &error)), "%s", error.message);
    trial_result_free(&result);
}

/* All cells of that loss (NULL: all cells), all seeds. */
static void plant(const char *label, planted p) {
    for (size_t i = 0; i < the_campaign.studies[0].cell_count; i++) {
        const cell *at = &the_campaign.studies[0].cells[i];
        if (label && strcmp(at->entry->label, label) != 0) continue;
        for (unsigned k = 0; k < the_campaign.studies[0].e.seeds; k++) put_planted(&at->finals[k], &p);
    }
}

static place first_place(void) {
    static place places[MAX_PLACES];
    cr_assert(gt(sz, places_of(&the_campaign.studies[0], places), 0));
    return places[0];
}

/* --- pieces ------------------------------------------------------------------------------------------------------ */

Test(mask_analysis, numbers_are_read_from_an_expression) {
    const char *expression = "dice(batch=on, xsmooth_nr=7, smooth_nr=1e-6, smooth_dr = 0.5)";
    double value = -1;
    cr_assert(argument_number(expression, "smooth_nr", &value));
    cr_assert(eq(dbl, value, 1e-6));
    cr_assert(argument_number(expression, "smooth_dr", &value));
    cr_assert(eq(dbl, value, 0.5));
    cr_assert_not(argument_number(expression, "smooth", &value));
    cr_assert_not(argument_number(expression, "batch", &value));
    cr_assert_not(argument_number("dice", "smooth_nr", &value));
}

Test(mask_analysis, places_are_ordered_with_their_numbers) {
    static const block b[3];
    place places[3] = {{&b[0], 1}, {&b[1], 2}, {&b[2], 3}};
    double number[3] = {5, 1, 3};
    order_places(places, number, 3);
    cr_assert(all(eq(dbl, number[0], 1), eq(dbl, number[1], 3), eq(dbl, number[2], 5)));
    cr_assert(all(eq(ptr, (void *)places[0].b, (void *)&b[1]), eq(uint, places[0].ratio, 2)));
    cr_assert(all(eq(uint, places[1].ratio, 3), eq(uint, places[2].ratio, 1)));
}

Test(mask_analysis, a_place_with_few_goods_is_marked) {
    char label[PLACE_LABEL];
    begin(ABOUT DENTS "bce = bce\n" TRAIN);
    plant(NULL, (planted){.test = 40, .test_goods = 100});
    planted_read(0);
    const place p = first_place();
    place_heading(e, &p, label, sizeof label);
    cr_assert(eq(str, label, "dents 1:10, FR 5 %"));
    cr_assert(eq(str, (char *)recall_name(e, &p), "recall at FR 5 %"));
    planted_end();
}

Test(mask_analysis, a_place_with_enough_goods_is_not_marked) {
    char label[PLACE_LABEL];
    begin(ABOUT DENTS "bce = bce\n" TRAIN);
    plant(NULL, (planted){.test = 40});
    planted_read(0);
    const place p = first_place();
    place_heading(e, &p, label, sizeof label);
    cr_assert(eq(str, label, "dents 1:10"));
    cr_assert(eq(str, (char *)recall_name(e, &p), "recall at FR 1 %"));
    planted_end();
}

Test(mask_analysis, cells_say_why_they_have_no_number) {
    char shown[WORDS];
    begin(ABOUT DENTS "bce = bce\ndice = dice\nfocal = focal\n" TRAIN);
    plant("bce", (planted){.test = 40, .dice = 0.25f});
    plant("dice", (planted){.test = 50, .dice = 0.5f});
    planted_read(0); /* focal has no trials */
    field_text(e, -1, field_recall, shown, sizeof shown);
    cr_assert(eq(str, shown, "not run"));
    field_text(e, 2, field_dice, shown, sizeof shown);
    cr_assert(eq(str, shown, "failed"));
    field_text(e, 1, field_dice, shown, sizeof shown);
    cr_assert(eq(str, shown, "0.500 [0.500, 0.500]"));
    difference_text(e, 1, 0, field_recall, shown, sizeof shown);
    cr_assert(eq(str, shown, "+0.100 [+0.100, +0.100] better"));
    difference_text(e, 0, 1, field_dice, shown, sizeof shown);
    cr_assert(eq(str, shown, "-0.250 [-0.250, -0.250] worse"));
    difference_text(e, 1, 1, field_recall, shown, sizeof shown);
    cr_assert(eq(str, shown, "the same"));
    difference_text(e, 1, 2, field_recall, shown, sizeof shown);
    cr_assert(eq(str, shown, "nothing to compare with"));
    difference_text(e, 2, 1, field_recall, shown, sizeof shown);
    cr_assert(eq(str, shown, "failed"));
    planted_end();
}

/* --- lambda ------------------------------------------------------------------------------------------------------ */

#define GRID ABOUT DENTS "bce = bce\nfocal = focal\n" MIX TRAIN
#define L(l1, l2) "dice_bce_focal(batch=on, lambda_bce=" l1 ", lambda_focal=" l2 ")"

static void weights_of(long at, double l1, double l2) {
    double a = -1, b = -1;
    cr_assert(ge(long, at, 0));
    cr_assert(lambda_weights(the_campaign.studies[0].cells[at].entry->loss, &a, &b));
    cr_assert(all(eq(dbl, a, l1), eq(dbl, b, l2)), "chosen %g, %g in place of %g, %g", a, b, l1, l2);
}

Test(lambda, weights_are_read_back_in_order) {
    double l1, l2;
    lambda_axes axes;
    begin(GRID);
    lambda_axes_of(&the_campaign.studies[0].e, &axes);
    cr_assert(all(eq(sz, axes.bces, 3), eq(sz, axes.focals, 2)));
    cr_assert(all(eq(dbl, axes.bce[0], 0), eq(dbl, axes.bce[1], 1), eq(dbl, axes.bce[2], 2)));
    cr_assert(all(eq(dbl, axes.focal[0], 0), eq(dbl, axes.focal[1], 1)));
    cr_assert_not(lambda_weights("bce", &l1, &l2));
    cr_assert_not(lambda_weights("dice_bce(lambda_bce=1, lambda_focal=1)", &l1, &l2));
    cr_assert_not(lambda_weights("dice_bce_focal(lambda_bce=1)", &l1, &l2));
    planted_end();
}

Test(lambda, the_choice_sees_select_alone) {
    begin(GRID);
    plant(NULL, (planted){.test = 40, .select = 40});
    plant(L("2", "1"), (planted){.test = 30, .select = 60});
    plant(L("1", "1"), (planted){.test = 70, .select = 30});
    planted_read(0);
    const place p = first_place();
    weights_of(lambda_chosen(e, &p), 2, 1);
    weights_of(lambda_best(e, &p), 1, 1);
    weights_of(lambda_cell(e, &p, 0, 1), 0, 1);
    cr_assert(eq(long, lambda_cell(e, &p, 0.5, 1), -1));
    planted_end();
}

Test(lambda, among_equals_the_least_weights_win) {
    begin(GRID);
    plant(NULL, (planted){.test = 40, .select = 40});
    plant(L("2", "1"), (planted){.select = 60});
    plant(L("1", "0"), (planted){.select = 60});
    plant(L("0", "1"), (planted){.select = 60});
    planted_read(0);
    const place p = first_place();
    weights_of(lambda_chosen(e, &p), 0, 1); /* of sum 1 the least l1 */
    weights_of(lambda_best(e, &p), 0, 0);
    planted_end();
}

Test(lambda, a_cell_with_a_missing_seed_is_not_chosen) {
    begin(GRID);
    plant(NULL, (planted){.test = 40, .select = 40});
    plant(L("1", "0"), (planted){.test = 90, .select = 90, .outcome = OUTCOME_CRASHED});
    plant(L("2", "0"), (planted){.test = 90, .select = 90, .outcome = OUTCOME_DIVERGED}); /* counts as 0 */
    plant(L("2", "1"), (planted){.test = 41, .select = 41});
    planted_read(0);
    const place p = first_place();
    weights_of(lambda_chosen(e, &p), 2, 1);
    cr_assert(eq(long, lambda_cell(e, &p, 1, 0), -1));
    cr_assert(ge(long, lambda_cell(e, &p, 2, 0), 0));
    planted_end();
}

Test(lambda, the_report_compares_the_choice_with_the_parts) {
    begin(GRID);
    plant(NULL, (planted){.test = 40, .select = 40});
    plant("bce", (planted){.test = 50});
    plant("focal", (planted){.test = 60});
    plant(L("2", "1"), (planted){.test = 60, .select = 80});
    plant(L("1", "1"), (planted){.test = 70, .select = 10});
    planted_read(0);
    planted_run(analyse_lambda);
    cr_assert(has_line("results/planted/chosen.tsv",
                       "dents 1:10\t2, 1\t0.800 [0.800, 0.800]\t0.600 [0.600, 0.600]\t+0.200 [+0.200, +0.200] "
                       "better\t+0.100 [+0.100, +0.100] better\t+0.000 [+0.000, +0.000] equivalent\t1, 1\t0.700 "
                       "[0.700, 0.700]\t+0.100 [+0.100, +0.100]"));
    cr_assert(has_line("plots/planted/heat-dents-10.tsv", "1\t0.400\t0.700"));
    cr_assert(has_line("plots/planted/select-dents-10.tsv", "2\t0.400\t0.800"));
    is_there("plots/planted/heat-dents-10.png");
    says("Dice alone 0.400, BCE 0.500, focal 0.600");
    says("known with hindsight only");
    cr_assert(has_line("results/planted/grid.tsv", "dents 1:10\tbce\talone\t"));
    planted_end();
}

Test(lambda, an_experiment_without_the_grid_is_refused) {
    lb_error error = {0};
    begin(ABOUT DENTS "bce = bce\n" TRAIN);
    plant(NULL, (planted){.test = 40});
    planted_read(0);
    cr_assert(eq(int, analyse_lambda(&the_report, e, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "lambda_bce"), NULL));
    planted_end();
}

/* --- sizes ------------------------------------------------------------------------------------------------------- */

/* Blocks of other areas, the largest first. */
#define SIZES                                                                                                          \
    ABOUT "[blocks]\nlarge = " TINY_DATA " @ 10\nsmall = " TINY_DATA                                                   \
          " @ 20\n[losses]\nbce = bce\nfocal = focal\ndice = dice\n" TRAIN

static void plant_at(const char *label, const char *where, planted p) {
    for (size_t i = 0; i < the_campaign.studies[0].cell_count; i++) {
        const cell *at = &the_campaign.studies[0].cells[i];
        if (strcmp(at->entry->label, label) != 0 || strcmp(at->block->label, where) != 0) continue;
        for (unsigned k = 0; k < the_campaign.studies[0].e.seeds; k++) put_planted(&at->finals[k], &p);
    }
}

/* A tenfold smaller area takes the gain of focal from 0 to 0.2, and that of dice from 0.1 to 0.05. */
Test(sizes, the_trend_is_the_slope_over_the_area) {
    begin(SIZES);
    plant_at("bce", "large", (planted){.test = 40, .area = 0.1f});
    plant_at("focal", "large", (planted){.test = 40, .area = 0.1f});
    plant_at("dice", "large", (planted){.test = 50, .area = 0.1f});
    plant_at("bce", "small", (planted){.test = 30, .area = 0.01f});
    plant_at("focal", "small", (planted){.test = 50, .area = 0.01f});
    plant_at("dice", "small", (planted){.test = 35, .area = 0.01f});
    planted_read(0);
    planted_run(analyse_sizes);
    says("`focal` +0.200 [+0.200, +0.200] (rises), `dice` -0.050 [-0.050, -0.050] (falls).");
    cr_assert(has_line("results/planted/sizes.tsv",
                       "small 1:20\t1\tfocal\t0.500 [0.500, 0.500]\t+0.200 [+0.200, +0.200] better"));
    cr_assert(has_line("results/planted/sizes.tsv", "large 1:10\t10\tbce\t0.400 [0.400, 0.400]\tbaseline"));
    cr_assert(has_line("plots/planted/gain.tsv", "1.0000\t0.2000\t"));
    cr_assert(lt(ptr, strstr(the_report.body.data, "small 1:20"), strstr(the_report.body.data, "large 1:10")));
    is_there("plots/planted/gain.svg");
    planted_end();
}

Test(sizes, one_size_has_no_trend) {
    begin(SIZES);
    plant_at("bce", "large", (planted){.test = 40, .area = 0.1f});
    plant_at("focal", "large", (planted){.test = 40, .area = 0.1f});
    plant_at("dice", "large", (planted){.test = 50, .area = 0.1f});
    planted_read(0); /* nothing is known of small */
    planted_run(analyse_sizes);
    says_not("tenfold");
    says("large 1:10");
    says_not("small 1:20");
    planted_end();
}

/* --- equivalence ------------------------------------------------------------------------------------------------- */

#define PAIR                                                                                                           \
    "[experiment]\nanalysis = compare\nbaseline = dice\n" DENTS "dice = dice(batch=on)\niou = iou(batch=on)\n" TRAIN

Test(equivalence, equal_models_are_equivalent_and_the_identity_holds) {
    double gap = 1;
    begin(PAIR);
    plant(NULL, (planted){.test = 40, .dice = 0.5f});
    planted_read(0);
    planted_run(analyse_equivalence);
    says("Of 5 paired differences to `dice` at margin 0.02: 5 equivalent, 0 unclear, 0 better, 0 worse.");
    const char *at = strstr(the_report.body.data, "largest deviation of ");
    cr_assert(ne(ptr, (char *)at, NULL));
    cr_assert(eq(int, sscanf(at, "largest deviation of %lf", &gap), 1));
    cr_assert(all(ge(dbl, gap, 0), lt(dbl, gap, 1e-14)));
    planted_end();
}

Test(equivalence, other_models_are_told_apart) {
    begin(PAIR);
    plant("dice", (planted){.test = 40, .dice = 0.5f});
    plant("iou", (planted){.test = 50, .dice = 0.25f});
    planted_read(0);
    planted_run(analyse_equivalence);
    says("0 equivalent, 0 unclear, 2 better, 3 worse");
    cr_assert(has_line("results/planted/difference.tsv",
                       "dents 1:10\tiou - dice\t+0.100 [+0.100, +0.100] better\t-0.250 [-0.250, -0.250] worse"));
    planted_end();
}

/* --- epsilon ----------------------------------------------------------------------------------------------------- */

#define SMOOTHED                                                                                                       \
    ABOUT "[blocks]\ndents = " TINY_DATA " @ 1 3\n[losses]\nbce = bce\nnone = dice(smooth_nr=0, smooth_dr=0)\n"        \
          "both_1 = dice(smooth_nr=1, smooth_dr=1)\ndr_1 = dice(smooth_nr=0, smooth_dr=1)\n"                           \
          "batch_1 = dice(batch=on, smooth_nr=1, smooth_dr=1)\n" TRAIN

Test(epsilon, trained_models_are_counted_and_drawn) {
    begin(SMOOTHED);
    plant(NULL, (planted){.test = 40, .dice = 0.5f});
    plant("both_1", (planted){.test = 20, .dice = 0.25f, .idle = 1});
    plant("dr_1", (planted){.outcome = OUTCOME_DIVERGED});
    planted_read(0);
    planted_run(analyse_epsilon);
    cr_assert(has_line("results/planted/trained.tsv", "dents 1:1\t50.0\tnone\t0.400 [0.400, 0.400]\tthe same\t0.000\t"
                                                      "0.500 [0.500, 0.500]\t0\t0"));
    cr_assert(has_line("results/planted/trained.tsv", "dents 1:3\t75.0\tboth_1\t0.200 [0.200, 0.200]\t-0.200 [-0.200, "
                                                      "-0.200] worse\t0.000\t0.250 [0.250, 0.250]\t3\t0"));
    cr_assert(has_line("results/planted/trained.tsv", "dents 1:3\t75.0\tdr_1\t0.000 [0.000, 0.000]\t"));
    cr_assert(has_line("plots/planted/both-dents.tsv", "share of empty masks\tbce\tbce low\tbce high\tnone\tnone low\t"
                                                       "none high\tboth_1\tboth_1 low\tboth_1 high\tbatch_1\t"));
    cr_assert(has_line("plots/planted/denominator-dents.tsv",
                       "0.7500\t0.4000\t0.4000\t0.4000\t0.4000\t0.4000\t0.4000\t0.0000\t"));
    planted_end();
}

/* At logit 0 P = 512. Empty mask, smoothing 1 in both: L = 1 - 1/513, each slope p(1-p)/513^2, their norm 8/513^2. One
   pixel without smoothing: 2 I = 1, P + T = 513, slope (1/513^2)/4, at the pixel (1/513^2 - 2/513)/4. */
Test(epsilon, dice_is_evaluated_as_by_hand) {
    begin(SMOOTHED);
    plant(NULL, (planted){.test = 40});
    planted_read(0);
    planted_run(analyse_epsilon);
    cr_assert(has_line("results/planted/analytic.tsv", "empty\tboth 1\t0\t0.998051\t3.04e-05\t0"));
    cr_assert(has_line("results/planted/analytic.tsv", "one pixel\tnone\t0\t0.998051\t0.000974\t0"));
    cr_assert(has_line("results/planted/analytic.tsv", "empty\tdenominator 1\t0\t1\t0\t0"));
    cr_assert(has_line("results/planted/analytic.tsv", "empty\tnone\t40\t1\t0\t0"));
    says(": 0 of its values and derivatives are not finite.");
    says("exactly 0 at every logit for *none*, *denominator 1e-6*, *denominator 1e-3*, *denominator 1*;");
    says("at logit -7 (*both 1*)"); /* where P is nearest to the smoothing: ln(1/1024) = -6.9 */
    is_there("plots/planted/gradient.svg");
    planted_end();
}
