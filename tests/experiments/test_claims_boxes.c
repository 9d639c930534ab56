/* The claims about boxes on planted trials whose verdict is known. */
#include "tests/experiments/planted_boxes.h"
#include "tests/experiments/planted_report.h"

#include "experiments/harness/simulation_trial.h"

#include <criterion/parameterized.h>

enum { SEEDS = 5, PLANS = 6 };

/* What the cells of a loss label (on one block, or on all: NULL) measured; where no plan fits, 50 hundredths. */
typedef struct {
    const char *label, *block;
    planted_boxes what;
} plan;

typedef struct {
    const char *claim, *experiment, *losses, *verdict, *counts, *says; /* says: part of the finding */
    plan plans[PLANS];
    unsigned seeds; /* 0: SEEDS */
} planted;

#define HEADS                                                                                                          \
    "bce = cls = bce, box = {smooth_l1, ciou}\nfocal = cls = focal, box = {smooth_l1, ciou}\n"                         \
    "quality_focal = cls = quality_focal, box = {smooth_l1}, target = iou\n"
#define USUAL "cls = bce, box = ciou"
#define BASE "cls = bce, box = smooth_l1"
#define QUALITY "cls = quality_focal, box = smooth_l1, target = iou"
#define FOCAL_CIOU "cls = focal, box = ciou"
#define FOCAL_BASE "cls = focal, box = smooth_l1"
#define BOX(name) #name " = box = " #name "\n"
#define FAMILY BOX(smooth_l1) BOX(giou) BOX(diou) BOX(ciou) BOX(eiou)
#define SIZED BOX(smooth_l1) "focal = cls = focal, obj = focal, box = smooth_l1\n"
#define ALL(number)                                                                                                    \
    {                                                                                                                  \
        NULL, NULL, { .ap50 = number }                                                                                 \
    }

/* clang-format off */
static const planted cases[] = {
    /* two places: the usual pair, focal */
    {"yolo-compound", "detector_heads", HEADS, "mixed", "2 / 2 / 0",
     "on 0 of 2 blocks; the highest pair differs from it by +0.000 in AP50", {ALL(50)}, 0},
    {"yolo-compound", "detector_heads", HEADS, "supported", "4 / 0 / 0", "changes AP50 by +0.100 over all box losses",
     {ALL(50), {USUAL, NULL, {.ap50 = 60}}, {BASE, NULL, {.ap50 = 40}}, {FOCAL_CIOU, NULL, {.ap50 = 61}},
      {FOCAL_BASE, NULL, {.ap50 = 59}}}, 0},
    {"yolo-compound", "detector_heads", HEADS, "refuted", "0 / 4 / 0",
     "on 2 of 2 blocks; the highest pair differs from it by +0.100", {ALL(50), {QUALITY, NULL, {.ap50 = 60}}}, 0},
    {"yolo-compound", "detector_heads", HEADS, "mixed", "1 / 3 / 0", "on 1 of 2 blocks",
     {ALL(50), {QUALITY, "large", {.ap50 = 60}}}, 0},
    {"yolo-compound", "detector_heads", HEADS, "refuted", "0 / 2 / 2", "", {ALL(50)}, 4}, /* too few seeds to hold */
    {"yolo-compound", "detector_heads", HEADS, "supported", "2 / 0 / 2", "",
     {ALL(50), {FOCAL_CIOU, NULL, {.ap50 = 50, .wobble = 20}}}, 0},
    {"yolo-compound", "detector_heads", "bce = box = smooth_l1\n", "not run", "0 / 0 / 0", "", {ALL(50)}, 0},

    /* on each of two blocks: two about speed, one about Smooth L1 */
    {"iou-family", "box_losses", FAMILY, "refuted", "0 / 6 / 0",
     "DIoU converges faster than GIoU (box_losses): diou - giou +0.000 in AP50 at half the visits (2 blocks); EIoU",
     {ALL(50)}, 0},
    {"iou-family", "box_losses", FAMILY, "mixed", "2 / 4 / 0", "diou - giou +0.100 in AP50 at half the visits",
     {ALL(50), {"diou", NULL, {.ap50 = 50, .half = 10}}}, 0},
    {"iou-family", "box_losses", FAMILY, "mixed", "1 / 5 / 0", "eiou - ciou +0.050 in AP50 at half the visits",
     {ALL(50), {"eiou", "large", {.ap50 = 50, .half = 10}}}, 0},
    {"iou-family", "box_losses", FAMILY, "mixed", "2 / 4 / 0",
     "(box_losses): the best of giou, diou, ciou, eiou - smooth_l1 +0.100 in AP50 (2 blocks).",
     {ALL(50), {"giou", NULL, {.ap50 = 60}}, {"diou", NULL, {.ap50 = 20}}}, 0},
    {"iou-family", "box_losses", FAMILY, "refuted", "0 / 4 / 2", "",
     {ALL(50), {"ciou", NULL, {.ap50 = 50, .wobble = 20}}}, 0},
    {"iou-family", "box_losses", BOX(smooth_l1) BOX(diou), "refuted", "0 / 2 / 0", "the best of", {ALL(50)}, 0},
    {"iou-family", "box_losses", BOX(smooth_l1), "not run", "0 / 0 / 0", "", {ALL(50)}, 0},
    {"iou-family", "small_boxes", FAMILY, "supported", "1 / 0 / 0",
     "EIoU helps small defects (small_boxes): eiou - ciou +0.100 in AP50 (1 block).",
     {ALL(50), {"eiou", "small", {.ap50 = 60}}}, 0},
    {"iou-family", "small_boxes", FAMILY, "refuted", "0 / 1 / 0", "", {ALL(50), {"eiou", "large", {.ap50 = 60}}}, 0},

    {"small-defects", "small_boxes", SIZED, "supported", "1 / 0 / 0",
     "AP50 of boxes against BCE by +0.100 where boxes cover 1 % of the image and +0.000 where they cover 10 %: by "
     "-0.043 [-0.043, -0.043] for",
     {ALL(50), {"focal", "small", {.ap50 = 60}}}, 0},
    {"small-defects", "small_boxes", SIZED, "refuted", "0 / 1 / 0", "by +0.043",
     {ALL(50), {"focal", "large", {.ap50 = 60}}}, 0},
    {"small-defects", "small_boxes", SIZED, "refuted", "0 / 1 / 0", "by +0.000",
     {ALL(50), {"focal", NULL, {.ap50 = 60}}}, 0},
    {"small-defects", "small_boxes", SIZED, "unclear", "0 / 0 / 1", "",
     {ALL(50), {"focal", "small", {.ap50 = 55, .wobble = 20}}}, 0},
    {"small-defects", "small_boxes", BOX(smooth_l1), "not run", "0 / 0 / 0", "", {ALL(50)}, 0},
};
/* clang-format on */

TestSuite(claims_boxes, .init = planted_begin, .fini = planted_end);

static void plant_plans(const study *s, const cell *at, const plan *plans) {
    const int is_small = strcmp(at->block->label, "small") == 0;
    planted_boxes what = {.ap50 = 50};
    for (size_t i = 0; i < PLANS && (plans[i].label || plans[i].what.ap50); i++)
        if ((!plans[i].label || strcmp(plans[i].label, at->entry->label) == 0) &&
            (!plans[i].block || strcmp(plans[i].block, at->block->label) == 0))
            what = plans[i].what;
    what.share = is_small ? 0.01f : 0.1f;
    plant_boxes(the_report.from, s, at, &what);
}

/* One more study of the campaign: two blocks, of small and of large defects. */
static void add_study(const planted *p) {
    const size_t at = the_campaign.count++;
    study *s = &the_campaign.studies[at];
    expand_boxes(p->experiment,
                 strcmp(p->experiment, "detector_heads") == 0 ? "analysis = heads\nbaseline = bce"
                                                              : "analysis = boxes\nbaseline = smooth_l1",
                 "small = " TINY_DATA " @ 10\nlarge = " TINY_DATA " @ 2", p->losses, 640 + 32 * (unsigned)at,
                 p->seeds ? p->seeds : SEEDS, s); /* other visits: no two studies share a trial */
    for (size_t i = 0; i < s->cell_count; i++) plant_plans(s, &s->cells[i], p->plans);
    planted_read(at);
}

static void judge(void) {
    lb_error error = {0};
    cr_assert(zero(int, report_claims(&the_report, &error)), "%s", error.message);
}

ParameterizedTestParameters(claims_boxes, planted_boxes_give_the_verdict) {
    static size_t index[sizeof cases / sizeof *cases];
    const size_t count = sizeof cases / sizeof *cases;
    for (size_t i = 0; i < count; i++) index[i] = i;
    return cr_make_param_array(size_t, index, count);
}

ParameterizedTest(size_t *index, claims_boxes, planted_boxes_give_the_verdict) {
    const planted *p = &cases[*index];
    char verdict[40], counts[40], finding[2000];
    add_study(p);
    judge();
    read_claim(p->claim, 2, verdict, sizeof verdict);
    read_claim(p->claim, 3, counts, sizeof counts);
    read_claim(p->claim, 4, finding, sizeof finding);
    cr_assert(eq(str, verdict, (char *)p->verdict), "case %zu, %s: %s", *index, p->claim, finding);
    cr_assert(eq(str, counts, (char *)p->counts), "case %zu, %s: %s", *index, p->claim, finding);
    cr_assert(ne(ptr, strstr(finding, p->says), NULL), "case %zu, %s: %s", *index, p->claim, finding);
}

Test(claims_boxes, places_carry_their_numbers) {
    static const planted heads = {.experiment = "detector_heads",
                                  .losses = HEADS,
                                  .plans = {ALL(50), {QUALITY, "small", {.ap50 = 60}}}},
                         losses = {.experiment = "box_losses", .losses = FAMILY, .plans = {ALL(50)}};
    add_study(&heads);
    add_study(&losses);
    judge();
    read_place("yolo-compound\tsmall 1:10: BCE + BCE + CIoU\tfails\t1 of 4 other pairs better; the highest: "
               "quality_focal x smooth_l1 - bce x ciou +0.100 [+0.100, +0.100]");
    read_place("yolo-compound\tlarge 1:2: focal classification\tfails\tfocal - bce, over all box losses +0.000");
    read_place("iou-family\tbox_losses, large 1:2: the IoU family is better than the older Smooth L1\tfails\t"
               "giou - smooth_l1 in AP50 +0.000 [+0.000, +0.000]; diou - smooth_l1");
}

/* Masks and boxes are a place each; where only boxes ran, the other experiment is not linked. */
Test(claims_boxes, a_claim_of_masks_and_boxes_links_to_what_ran) {
    static const planted boxes = {
        .experiment = "small_boxes", .losses = SIZED, .plans = {ALL(50), {"focal", "small", {.ap50 = 60}}}};
    char links[200];
    add_study(&boxes);
    judge();
    read_claim("small-defects", 6, links, sizeof links);
    cr_assert(eq(str, links, "[small_boxes](#small_boxes)"));
    read_place("small-defects\tsmall_boxes: all areas\tholds\tfocal - BCE in AP50 of boxes per e-fold of area -0.043 "
               "[-0.043, -0.043], over 2 areas");
}

/* --- the simulation ------------------------------------------------------------------------------------------------
 */

static void plant_run(const trial *t, float error_at, float drift) {
    lb_error error = {0};
    trial_result fake = {0};
    float *high = trial_result_add(&fake, "curve_high", SIMULATION_STEPS + 1, 0);
    float *low = trial_result_add(&fake, "curve_low", SIMULATION_STEPS + 1, 0);
    float *missed = trial_result_add(&fake, "missed", 1, 0), *far = trial_result_add(&fake, "drift", 1, 0),
          *final = trial_result_add(&fake, "final", 3, 0);
    for (size_t k = 0; k <= SIMULATION_STEPS; k++) {
        high[k] = error_at;
        low[k] = 0;
    }
    missed[0] = final[0] = final[1] = final[2] = 0.1f;
    far[0] = drift;
    cr_assert(zero(int, store_put(the_report.from, t, &fake, &error)), "%s", error.message);
    trial_result_free(&fake);
}

/* Rules whose error falls in the order of the list, and who stray the less the later they come. */
static void add_simulation(const char *rules) {
    study *s = &the_campaign.studies[the_campaign.count];
    char content[600];
    lb_error error = {0};
    snprintf(
        content, sizeof content,
        "[experiment]\nanalysis = simulation\n[blocks]\nspiral = spiral(points=3) @ natural\n[losses]\nall = {%s}\n"
        "[train]\nmodel = simulation\nseeds = 1\n",
        rules);
    expand_text("box_simulation", content, s);
    for (size_t i = 0; i < s->cell_count; i++)
        plant_run(&s->cells[i].finals[0], 2.0f - 0.1f * (float)i, 1.0f - 0.1f * (float)i);
    cr_assert(zero(int, evidence_read(s, the_report.from, &the_report.evidences[the_campaign.count], &error)), "%s",
              error.message);
    the_campaign.count++;
}

Test(claims_boxes, gradients_of_boxes_that_are_apart) {
    char verdict[40], counts[40], finding[2000];
    add_simulation("giou, diou");
    judge();
    read_claim("iou-vanishes", 2, verdict, sizeof verdict);
    read_claim("iou-vanishes", 3, counts, sizeof counts);
    read_claim("iou-vanishes", 4, finding, sizeof finding);
    cr_assert(all(eq(str, verdict, "supported"), eq(str, counts, "6 / 0 / 0")), "%s", finding);
    cr_assert(ne(ptr, strstr(finding, "The gradient of iou is exactly 0"), NULL), "%s", finding);
}

Test(claims_boxes, the_simulation_and_detectors_judge_together) {
    static const planted losses = {.experiment = "box_losses",
                                   .losses = BOX(smooth_l1) BOX(giou) BOX(diou),
                                   .plans = {ALL(50), {"diou", NULL, {.ap50 = 50, .half = 10}}}};
    char counts[40], finding[2000], links[200];
    add_simulation("giou, diou, ciou, eiou, siou");
    add_study(&losses);
    judge();
    read_claim("iou-family", 3, counts, sizeof counts);
    read_claim("iou-family", 4, finding, sizeof finding);
    read_claim("iou-family", 6, links, sizeof links);
    cr_assert(eq(str, counts, "6 / 2 / 0"), "%s", finding);
    cr_assert(ne(ptr, strstr(finding, "; DIoU converges faster than GIoU (box_losses): diou - giou +0.100"), NULL),
              "%s", finding);
    cr_assert(eq(str, links, "[box_simulation](#box_simulation), [box_losses](#box_losses)"));
}

Test(claims_boxes, a_simulation_the_other_way_round_fails) {
    char verdict[40], counts[40];
    add_simulation("siou, eiou, ciou, diou, giou");
    judge();
    read_claim("iou-family", 2, verdict, sizeof verdict);
    read_claim("iou-family", 3, counts, sizeof counts);
    cr_assert(all(eq(str, verdict, "refuted"), eq(str, counts, "0 / 4 / 0")));
}
