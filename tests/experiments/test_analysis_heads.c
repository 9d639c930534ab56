/* The grid of a detector's losses on planted trials: what it finds, says and shows is known. */
#include "tests/experiments/planted_boxes.h"
#include "tests/experiments/planted_report.h"

#include "experiments/harness/head_grid.h"

#include <math.h>

#define DENTS "dents = " TINY_DATA " @ 10\n"
#define ABOUT "analysis = heads\nbaseline = bce\n"
#define THREE "bce = cls = bce, box = {smooth_l1, ciou}\nfocal = box = {ciou,smooth_l1}, cls = focal(gamma=2)\n"
#define SOFT "varifocal = target = iou, cls = varifocal, box = {smooth_l1, ciou}\n"

static head_grid g;
static evidence *e = &the_report.evidences[0];

static void begin(const char *losses, unsigned seeds) {
    planted_begin();
    expand_boxes("detector_heads", ABOUT, DENTS, losses, 640, seeds, &the_campaign.studies[0]);
    the_campaign.count = 1;
}

/* AP50 in hundredths of each entry, in the order of the cells. */
static void read_planted(const planted_boxes *plans) {
    static place places[MAX_PLACES];
    for (size_t i = 0; i < the_campaign.studies[0].cell_count; i++)
        plant_boxes(the_report.from, &the_campaign.studies[0], &the_campaign.studies[0].cells[i], &plans[i]);
    planted_read(0);
    cr_assert(eq(sz, places_of(&the_campaign.studies[0], places), 1));
    head_grid_at(e, &places[0], &g);
}

/* results/detector_heads/<file> holds a line with this part. */
static void file_says(const char *file, const char *part) {
    char path[200];
    snprintf(path, sizeof path, "results/detector_heads/%s", file);
    cr_assert(gt(int, contains(path, part), 0), "'%s' in %s", part, file);
}

static void mean_is(comparison d, double expected) { cr_assert(epsilon_eq(dbl, d.difference.mean, expected, 1e-6)); }

/* --- the grid ---------------------------------------------------------------------------------------------------- */

Test(heads, rows_are_families_and_columns_box_losses_in_whatever_order_they_are_written) {
    begin(THREE SOFT "plain = cls = focal\nheavy = box = 2*ciou, obj = focal\n", 3);
    const planted_boxes plans[8] = {{.ap50 = 10}, {.ap50 = 11}, {.ap50 = 12}, {.ap50 = 13},
                                    {.ap50 = 14}, {.ap50 = 15}, {.ap50 = 16}, {.ap50 = 17}};
    read_planted(plans);
    cr_assert(all(eq(sz, g.classes, 5), eq(sz, g.boxes, 3)));
    cr_assert(all(eq(long, head_class(&g, "focal"), 1), eq(long, head_class(&g, "dice"), -1)));
    cr_assert(all(eq(str, g.box[0], "smooth_l1"), eq(str, g.box[1], "ciou"), eq(str, g.box[2], "2*ciou")));
    cr_assert(all(eq(long, head_cell(&g, "bce", "ciou"), 1), eq(long, head_cell(&g, "focal", "ciou"), 2),
                  eq(long, head_cell(&g, "focal", "smooth_l1"), 3), eq(long, head_cell(&g, "varifocal", "ciou"), 5)));
    cr_assert(eq(long, head_cell(&g, "plain", "smooth_l1"), 6)); /* what a detector takes by itself */
    cr_assert(all(eq(long, head_cell(&g, "heavy", "2*ciou"), 7), eq(long, head_cell(&g, "heavy", "ciou"), -1)));
    cr_assert(all(eq(sz, g.base_class, 0), eq(sz, g.base_box, 0)));
    planted_end();
}

Test(heads, a_cell_with_a_missing_seed_is_left_out) {
    begin(THREE, 3);
    const planted_boxes plans[4] = {{.ap50 = 10}, {.ap50 = 11, .missing = 1}, {.ap50 = 30}, {.ap50 = 40}};
    read_planted(plans);
    cr_assert(eq(long, head_cell(&g, "bce", "ciou"), -1));
    mean_is(head_effect(&g, FACTOR_CLASS, 1, 0, field_box_ap50), 0.30); /* of smooth_l1 alone */
    cr_assert(eq(sz, head_rest(&g, 0, 0, field_box_ap50).difference.count, 0));
    planted_run(analyse_heads);
    says("| bce | 0.100 | none |");
    planted_end();
}

Test(heads, effects_are_means_over_the_other_head_and_rests_what_is_beyond) {
    begin(THREE, 4);
    const planted_boxes plans[4] = {{.ap50 = 40}, {.ap50 = 50}, {.ap50 = 70}, {.ap50 = 48, .wobble = 2}};
    read_planted(plans);
    mean_is(head_effect(&g, FACTOR_CLASS, 1, 0, field_box_ap50), 0.14);
    mean_is(head_effect(&g, FACTOR_BOX, 1, 0, field_box_ap50), 0.16);
    mean_is(head_effect(&g, FACTOR_BOX, 1, 0, field_box_ap), 0.08);
    mean_is(head_rest(&g, 1, 1, field_box_ap50), 0.03); /* 0.70 - 0.59 - 0.60 + 0.52 */
    mean_is(head_rest(&g, 1, 0, field_box_ap50), -0.03);
    /* the two-point wobble of one of two pairs moves the seeds' effect by half of it: sd of +-1 over 4 seeds */
    cr_assert(epsilon_eq(dbl, head_effect(&g, FACTOR_CLASS, 1, 0, field_box_ap50).difference.sd, 0.02 / sqrt(3), 1e-6));
    planted_end();
}

/* --- the report -------------------------------------------------------------------------------------------------- */

Test(heads, losses_that_add_up) {
    begin(THREE, 3);
    const planted_boxes plans[4] = {
        {.ap50 = 40, .found = 60}, {.ap50 = 50, .found = 60}, {.ap50 = 60, .found = 70}, {.ap50 = 50, .found = 60}};
    read_planted(plans);
    planted_run(analyse_heads);
    says("| class \\ box | smooth_l1 | ciou |");
    says("| bce | 0.400 | 0.500, +0.100 better |");
    says("| focal | 0.500, +0.100 better | 0.600, +0.200 better |");
    says("highest mean AP50 of 4 pairs is 0.600, of focal x ciou");
    says("Against bce x ciou (0.500), of the 3 other pairs 1 are better by more than 0.02, 1 worse, 1 equivalent and 0 "
         "unclear");
    says("the highest differs from it by +0.100 [+0.100, +0.100] better");
    says("The effects of the two losses add up");
    says("| class | focal - bce | +0.100 [+0.100, +0.100] better |");
    says("| box | ciou - smooth_l1 | +0.100 [+0.100, +0.100] better |");
    says("Dashed: bce x smooth_l1, 0.400.");
    file_says("effects-all.tsv", "\tfocal - bce\t+0.100");
    file_says("effects-all.tsv", "\t+0.050 [+0.050, +0.050] better\t");
    file_says("pairs.tsv", "\tfocal\tciou\t0.600 [0.600, 0.600]\t0.300 [0.300, 0.300]\t");
    file_says("pairs.tsv", "\t0.700 [0.700, 0.700]\t+0.200");
    planted_end();
}

Test(heads, losses_that_interact) {
    begin(THREE, 3);
    const planted_boxes plans[4] = {{.ap50 = 40}, {.ap50 = 60}, {.ap50 = 40}, {.ap50 = 60}};
    read_planted(plans);
    planted_run(analyse_heads);
    says("| box | ciou - smooth_l1 | +0.000 [+0.000, +0.000] equivalent |");
    says("The two losses interact");
    says("at most -0.100 [-0.100, -0.100] (bce x smooth_l1); of 4 such rests 4 lie wholly beyond 0.02");
    says("; it is the highest itself.");
    planted_end();
}

Test(heads, noise_decides_nothing) {
    begin(THREE, 3);
    const planted_boxes plans[4] = {{.ap50 = 40, .wobble = 20}, {.ap50 = 40}, {.ap50 = 40}, {.ap50 = 40}};
    read_planted(plans);
    planted_run(analyse_heads);
    says("Whether the two losses interact is not decided");
    says("of the 3 other pairs 0 are better by more than 0.02, 0 worse, 2 equivalent and 1 unclear");
    planted_end();
}

Test(heads, data_without_goods_have_no_recall) {
    begin(THREE, 3);
    planted_boxes plans[4];
    for (size_t i = 0; i < 4; i++) plans[i] = (planted_boxes){.ap50 = 40, .no_goods = 1};
    read_planted(plans);
    planted_run(analyse_heads);
    file_says("pairs.tsv", "\tfocal\tciou\t0.400 [0.400, 0.400]\t0.200 [0.200, 0.200]\tno goods\tno goods\t");
    file_says("effects-all.tsv", "\tnone\tnone");
    planted_end();
}

Test(heads, only_detectors_have_heads) {
    lb_error error = {0};
    planted_begin();
    expand_text("classes",
                "[experiment]\nanalysis = heads\n[blocks]\n" DENTS "[losses]\nbce = bce\n[train]\nmodel = cnn\n"
                "visits = 640\nbatch = 16\nlearning_rate = 0.01\nseeds = 3\n",
                &the_campaign.studies[0]);
    the_campaign.count = 1;
    planted_read(0);
    cr_assert(eq(int, analyse_heads(&the_report, e, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "detector"), NULL));
    planted_end();
}
