/* Stores planted with made-up scores whose verdict is known, and the word that the claims table must then show. */
#include "tests/experiments/fixture.h"
#include "tests/experiments/planted_report.h"

#include "experiments/harness/report.h"

#include <criterion/parameterized.h>

enum { SEEDS = 5 };

/* Recall in hundredths of all cells of a loss label (at one ratio, or at all: 0): `found`, and seed k moves it by
   wobble * (k % 2 ? -1 : 1); a negative wobble moves seed 0 alone. */
typedef struct {
    const char *label;
    unsigned ratio;
    int found, wobble;
    uint64_t weights;
    float offset;
} plan;

typedef struct {
    const char *claim, *experiment, *losses, *ratios, *verdict, *counts;
    plan plans[8]; /* the last one that fits a cell decides */
} planted;

#define PRIOR_LOSSES                                                                                                   \
    "bce = bce\nbce_bias0 = bce | bias=0\nweighted = weighted_bce(pos_weight=auto)\n"                                  \
    "weighted_bias0 = weighted_bce(pos_weight=auto) | bias=0\nfocal = focal(gamma=2, alpha=auto)\n"
#define THREE "bce = bce\nweighted_bce = weighted_bce\nfocal = focal\n"
#define GRID(gammas, alphas) "bce = bce\nfocal = focal(gamma={" gammas "}, alpha={" alphas "})\n"
#define F(gamma, alpha) "focal(gamma=" gamma ", alpha=" alpha ")"
#define ALL(found)                                                                                                     \
    { "", 0, found, 0, 1, 0 }

static const planted cases[] = {
    {"accuracy-paradox", "accuracy_paradox", "bce = bce\n", "200", "supported", "1 / 0 / 0", {{"", 0, 50, 0, 1, -200}}},
    {"accuracy-paradox", "accuracy_paradox", "bce = bce\n", "200", "refuted", "0 / 1 / 0", {ALL(50)}},
    {"accuracy-paradox", "accuracy_paradox", "bce = bce\n", "10", "not run", "0 / 0 / 0", {ALL(50)}},

    {"prior-bias", "prior_bias", PRIOR_LOSSES, "10 200", "supported", "2 / 0 / 0", {ALL(50)}},
    {"prior-bias",
     "prior_bias",
     PRIOR_LOSSES,
     "10 200",
     "refuted",
     "0 / 2 / 0",
     {ALL(50), {"weighted", 0, 60, 0, 1, 0}}},
    {"prior-bias", "prior_bias", PRIOR_LOSSES, "10 200", "mixed", "1 / 1 / 0", {ALL(50), {"focal", 200, 60, 0, 1, 0}}},
    {"prior-bias", "prior_bias", PRIOR_LOSSES, "10 200", "unclear", "0 / 0 / 2", {ALL(50), {"focal", 0, 50, 20, 1, 0}}},
    {"prior-bias",
     "prior_bias",
     PRIOR_LOSSES,
     "10 200",
     "supported",
     "2 / 0 / 0",
     {ALL(50), {"focal", 0, 20, 0, 1, 0}}},

    {"weighting", "classification", THREE, "10 200", "supported", "2 / 0 / 0", {ALL(50), {"focal", 0, 60, 0, 1, 0}}},
    {"weighting", "classification", THREE, "10 200", "refuted", "0 / 2 / 0", {ALL(50)}},
    {"weighting",
     "classification",
     THREE,
     "10 200",
     "mixed",
     "1 / 1 / 0",
     {ALL(50), {"weighted_bce", 10, 60, 0, 1, 0}}},
    {"weighting",
     "classification",
     THREE,
     "10 200",
     "supported",
     "1 / 0 / 1",
     {ALL(50), {"weighted_bce", 10, 60, 0, 1, 0}, {"focal", 200, 50, 20, 1, 0}}},
    {"weighting", "classification", "bce = bce\nfocal = focal\n", "10", "not run", "0 / 0 / 0", {ALL(50)}},

    {"focal-zero", "focal_sweep", GRID("0,2", "off"), "10", "supported", "1 / 0 / 0", {ALL(50)}},
    {"focal-zero",
     "focal_sweep",
     GRID("0,2", "off"),
     "10",
     "supported",
     "1 / 0 / 0",
     {ALL(50), {F("0", "off"), 0, 51, 0, 2, 0}}},
    {"focal-zero",
     "focal_sweep",
     GRID("0,2", "off"),
     "10",
     "refuted",
     "0 / 1 / 0",
     {ALL(50), {F("0", "off"), 0, 60, 0, 2, 0}}},
    {"focal-zero",
     "focal_sweep",
     GRID("0,2", "off"),
     "10",
     "unclear",
     "0 / 0 / 1",
     {ALL(50), {F("0", "off"), 0, 50, 20, 2, 0}}},
    {"focal-zero", "focal_sweep", GRID("0,2", "auto"), "10", "not run", "0 / 0 / 0", {ALL(50)}},

    {"gamma-by-ratio",
     "focal_sweep",
     GRID("0,2,3", "off"),
     "100",
     "supported",
     "1 / 0 / 0",
     {ALL(50), {F("2", "off"), 0, 60, 0, 1, 0}}},
    {"gamma-by-ratio",
     "focal_sweep",
     GRID("0,2,3", "off"),
     "100",
     "refuted",
     "0 / 1 / 0",
     {ALL(50), {F("3", "off"), 0, 60, 0, 1, 0}}},
    {"gamma-by-ratio",
     "focal_sweep",
     GRID("0,2,3", "off"),
     "100",
     "unclear",
     "0 / 0 / 1",
     {ALL(50), {F("2", "off"), 0, 60, 20, 1, 0}}},
    {"gamma-by-ratio",
     "focal_sweep",
     GRID("0,2,3", "off"),
     "1000",
     "supported",
     "1 / 0 / 0",
     {ALL(50), {F("3", "off"), 0, 60, 0, 1, 0}}},
    {"gamma-by-ratio",
     "focal_sweep",
     GRID("0,2,3", "off"),
     "1000",
     "refuted",
     "0 / 1 / 0",
     {ALL(50), {F("2", "off"), 0, 60, 0, 1, 0}, {F("3", "off"), 0, 60, 0, 1, 0}}}, /* no better than 2 */
    {"gamma-by-ratio",
     "focal_sweep",
     GRID("0,2,3", "off"),
     "1000",
     "unclear",
     "0 / 0 / 1",
     {ALL(50), {F("2", "off"), 0, 50, 20, 1, 0}, {F("3", "off"), 0, 60, 0, 1, 0}}},
    {"gamma-by-ratio", "focal_sweep", GRID("0,2,3", "off"), "500", "not run", "0 / 0 / 0", {ALL(50)}},

    {"gamma-unstable",
     "focal_sweep",
     GRID("0,5", "off,auto"),
     "200",
     "supported",
     "1 / 0 / 0",
     {{"", 0, 50, 1, 1, 0}, {F("5", "off"), 0, 50, 20, 1, 0}, {F("5", "auto"), 0, 50, 20, 1, 0}}},
    {"gamma-unstable",
     "focal_sweep",
     GRID("0,5", "off,auto"),
     "200",
     "refuted",
     "0 / 1 / 0",
     {{"", 0, 50, 1, 1, 0}, {F("0", "off"), 0, 50, 20, 1, 0}, {F("0", "auto"), 0, 50, 20, 1, 0}}},
    {"gamma-unstable",
     "focal_sweep",
     GRID("0,5", "off,auto"),
     "200",
     "unclear",
     "0 / 0 / 1",
     {{"", 0, 50, 5, 1, 0}, {F("5", "off"), 0, 50, -12, 1, 0}, {F("5", "auto"), 0, 50, -12, 1, 0}}},
    {"gamma-unstable", "focal_sweep", GRID("0,5", "off,auto"), "100", "not run", "0 / 0 / 0", {{"", 0, 50, 5, 1, 0}}},

    {"alpha-frequency",
     "focal_sweep",
     GRID("2", "off,0.25,auto"),
     "10",
     "supported",
     "1 / 0 / 0",
     {ALL(50), {F("2", "auto"), 0, 60, 0, 1, 0}}},
    {"alpha-frequency",
     "focal_sweep",
     GRID("2", "off,0.25,auto"),
     "10",
     "supported",
     "1 / 0 / 0",
     {ALL(50), {F("2", "0.25"), 0, 51, 0, 1, 0}}},
    {"alpha-frequency",
     "focal_sweep",
     GRID("2", "off,0.25,auto"),
     "10",
     "refuted",
     "0 / 1 / 0",
     {ALL(50), {F("2", "0.25"), 0, 60, 0, 1, 0}}},
    {"alpha-frequency",
     "focal_sweep",
     GRID("2", "off,0.25,auto"),
     "10",
     "unclear",
     "0 / 0 / 1",
     {ALL(50), {F("2", "0.25"), 0, 60, 20, 1, 0}}},

    /* goods at logits 0..1: gamma 2 mutes the lower ones, so the highest 1 % carry more of the gradient */
    {"focal-easy", "focal_easy", "bce = bce\n", "10", "supported", "1 / 0 / 0", {ALL(50)}},
    {"focal-easy", "elsewhere", "bce = bce\n", "10", "not run", "0 / 0 / 0", {ALL(50)}},
};

TestSuite(claims, .init = planted_begin, .fini = planted_end);

static void judge(void) {
    lb_error error = {0};
    cr_assert(zero(int, report_claims(&the_report, &error)), "%s", error.message);
}

static void plant_cell(store *to, const cell *c, const plan *plans) {
    const plan *chosen = NULL;
    for (size_t i = 0; i < 8 && plans[i].label; i++)
        if ((!plans[i].label[0] || strcmp(plans[i].label, c->entry->label) == 0) &&
            (!plans[i].ratio || plans[i].ratio == c->ratio))
            chosen = &plans[i];
    for (unsigned k = 0; k < SEEDS; k++) {
        const int moved = chosen->wobble < 0 ? (k ? 0 : chosen->wobble) : k % 2 ? -chosen->wobble : chosen->wobble;
        const made m = {.found = (unsigned)(chosen->found + moved),
                        .weights = chosen->weights,
                        .train_goods = 10.0f * (float)c->ratio,
                        .train_defects = 10,
                        .offset = chosen->offset};
        put_made(to, &c->finals[k], &m);
    }
}

ParameterizedTestParameters(claims, planted_evidence_gives_the_verdict) {
    static size_t index[sizeof cases / sizeof *cases];
    const size_t count = sizeof cases / sizeof *cases;
    for (size_t i = 0; i < count; i++) index[i] = i;
    return cr_make_param_array(size_t, index, count);
}

ParameterizedTest(size_t *index, claims, planted_evidence_gives_the_verdict) {
    const planted *p = &cases[*index];
    char content[2000], verdict[40], counts[40], finding[700];
    snprintf(content, sizeof content,
             "[experiment]\nanalysis = compare\n[blocks]\ndents = " TINY_DATA
             " @ %s\n[losses]\n%s[train]\nmodel = cnn\n"
             "visits = 640\nbatch = 32\nseeds = %d\nlearning_rate = 0.01\n",
             p->ratios, p->losses, SEEDS);
    expand_text(p->experiment, content, &the_campaign.studies[0]);
    the_campaign.count = 1;
    for (size_t i = 0; i < the_campaign.studies[0].cell_count; i++)
        plant_cell(the_report.from, &the_campaign.studies[0].cells[i], p->plans);
    planted_read(0);
    judge();
    read_claim(p->claim, 2, verdict, sizeof verdict);
    read_claim(p->claim, 3, counts, sizeof counts);
    read_claim(p->claim, 4, finding, sizeof finding);
    cr_assert(eq(str, verdict, (char *)p->verdict), "%s: %s", p->claim, finding);
    cr_assert(eq(str, counts, (char *)p->counts), "%s: %s", p->claim, finding);
    if (strcmp(verdict, "not run") == 0) cr_assert(eq(str, finding, "No block of this run can judge it."));
    cr_assert(ne(ptr, strstr(the_report.body.data, verdict), NULL));
}

/* --- masks ---------------------------------------------------------------------------------------------------------
 */

/* What all cells of a loss label (at one ratio, or at all: 0) measured. 0 stands for 50 hundredths, and for the same as
   `found` on select; wobble and blur move odd seeds down and even seeds up, a negative wobble seed 0 alone. */
typedef struct {
    const char *label;
    unsigned ratio;
    int found, select, wobble; /* image recall on test and on select, hundredths */
    int dice, half, edge;      /* Dice, Dice at probability one half, boundary F1, hundredths */
    int blur;                  /* of Dice and boundary F1 */
    unsigned diverged, idle;   /* so many seeds from the first diverge; do not leave what the prior pays */
    int tied, missing;         /* all test scores are equal; seed 0 is not in the store */
} mask_plan;

typedef struct {
    const char *claim, *experiment, *losses, *ratios, *verdict, *counts, *says; /* `says`: part of the finding */
    mask_plan plans[6];
} planted_masks;

#define BCE "bce = bce\n"
#define FOCAL "focal = focal\n"
#define DICE "dice = dice(batch=on)\n"
#define IOU "iou = iou(batch=on)\n"
#define SMOOTHINGS                                                                                                     \
    "none = dice(smooth_nr=0, smooth_dr=0)\ndr_1e-6 = dice(smooth_nr=0, smooth_dr=1e-6)\n"                             \
    "batch_1e-6 = dice(batch=on, smooth_nr=1e-6, smooth_dr=1e-6)\n"
#define OUTLINES DICE "dice_boundary = dice(batch=on) + 0.1*boundary\n"
#define PARTS BCE FOCAL DICE
#define DICE_BCE "dice_bce = dice_bce(batch=on)\n"
#define ALL_THREE "dice_bce_focal = dice_bce_focal(batch=on)\n"
#define MIX BCE FOCAL "mix = dice_bce_focal(batch=on, lambda_bce={0, 1}, lambda_focal={0, 1})\n"
#define M(l1, l2) "dice_bce_focal(batch=on, lambda_bce=" l1 ", lambda_focal=" l2 ")"
#define UNIFIED BCE FOCAL "unified_focal_sym = unified_focal_sym\nunified_focal_asym = unified_focal_asym\n"
/* clang-format off */
static const planted_masks mask_cases[] = {
    {"dice-vs-bce", "masks", BCE DICE, "10", "supported", "1 / 0 / 0", "recall by +0.100", {{"dice", .found = 60}}},
    {"dice-vs-bce", "masks", BCE DICE IOU, "10", "supported", "1 / 0 / 0", "", {{"iou", .found = 60}}},
    /* masks that overlap better do not make up for image recall */
    {"dice-vs-bce", "masks", BCE DICE IOU, "10 20", "refuted", "0 / 2 / 0",
     "by +0.400 at the threshold chosen on select and by +0.450 at probability one half (means over 2 blocks)",
     {{"dice", .dice = 90, .half = 95}}},
    {"dice-vs-bce", "mask_packs", BCE DICE, "10", "unclear", "0 / 0 / 1", "", {{"dice", .wobble = 20}}},
    {"dice-vs-bce", "masks", BCE DICE IOU, "10", "unclear", "0 / 0 / 1", "", {{"iou", .wobble = 20}}},
    {"dice-vs-bce", "masks", BCE IOU, "10", "not run", "0 / 0 / 0", "", {{"iou", .found = 60}}},
    {"dice-vs-bce", "small_defects", BCE DICE, "10 100 1000", "mixed", "1 / 2 / 0",
     "by +0.100 where defects cover 0.1 % of the image and -0.040 where they cover 10 %",
     {{"dice", 10, .found = 60}, {"dice", 1000, .found = 46}}},

    {"dice-iou-same", "dice_vs_iou", DICE IOU, "10", "supported", "1 / 0 / 0", "by +0.010 and Dice by -0.010",
     {{"iou", .found = 51, .dice = 49}}},
    {"dice-iou-same", "dice_vs_iou", DICE IOU, "10", "refuted", "0 / 1 / 0", "", {{"iou", .found = 60}}},
    {"dice-iou-same", "dice_vs_iou", DICE IOU, "10", "refuted", "0 / 1 / 0", "", {{"iou", .found = 40}}},
    {"dice-iou-same", "dice_vs_iou", DICE IOU, "10", "refuted", "0 / 1 / 0", "", {{"iou", .dice = 60}}},
    {"dice-iou-same", "dice_vs_iou", DICE IOU, "10", "unclear", "0 / 0 / 1", "", {{"iou", .wobble = 20}}},
    {"dice-iou-same", "dice_vs_iou", DICE IOU, "10", "unclear", "0 / 0 / 1", "", {{"iou", .blur = 20}}},
    {"dice-iou-same", "dice_vs_iou", DICE, "10", "not run", "0 / 0 / 0", "", {{.label = NULL}}},

    {"dice-epsilon", "dice_epsilon", SMOOTHINGS, "10", "supported", "1 / 0 / 0", "1 of 5 models diverge",
     {{"none", .diverged = 1}}},
    {"dice-epsilon", "dice_epsilon", SMOOTHINGS, "10", "supported", "1 / 0 / 0", "0 of 5 models diverge",
     {{"none", .found = 40}}},
    {"dice-epsilon", "dice_epsilon", SMOOTHINGS, "10", "supported", "1 / 0 / 0", "changes by -0.500 and +0.000",
     {{"none", .tied = 1}}},
    {"dice-epsilon", "dice_epsilon", SMOOTHINGS, "10", "supported", "1 / 0 / 0", "1 of 5 models",
     {{"none", .wobble = -12, .idle = 1}}},
    {"dice-epsilon", "dice_epsilon", SMOOTHINGS, "10", "unclear", "0 / 0 / 1", "0 of 5 models",
     {{"none", .wobble = -12}}},
    {"dice-epsilon", "dice_epsilon", SMOOTHINGS, "10", "refuted", "0 / 1 / 0", "", {{.label = NULL}}},
    {"dice-epsilon", "dice_epsilon", SMOOTHINGS, "10", "refuted", "0 / 1 / 0", "", {{"none", .idle = SEEDS}}},
    {"dice-epsilon", "dice_epsilon", SMOOTHINGS, "10", "refuted", "0 / 1 / 0", "",
     {{"none", .found = 49, .idle = SEEDS}}},
    {"dice-epsilon", "dice_epsilon", SMOOTHINGS, "10", "refuted", "0 / 1 / 0", "denominator 2",
     {{"none", .found = 40}, {"dr_1e-6", .diverged = 2}}},
    {"dice-epsilon", "dice_epsilon", SMOOTHINGS, "10", "refuted", "0 / 1 / 0", "",
     {{"none", .diverged = 5}, {"dr_1e-6", .found = 40}}},
    {"dice-epsilon", "dice_epsilon", SMOOTHINGS, "10", "unclear", "0 / 0 / 1", "",
     {{"none", .found = 40}, {"dr_1e-6", .wobble = 20}}},
    {"dice-epsilon", "dice_epsilon", SMOOTHINGS, "1 10", "mixed", "1 / 1 / 0", "2 shares of empty masks",
     {{"none", 10, .diverged = 1}}},
    {"dice-epsilon", "dice_epsilon", SMOOTHINGS, "10", "not run", "0 / 0 / 0", "", {{"none", .missing = 1}}},

    {"boundary", "thin_defects", OUTLINES, "10", "supported", "1 / 0 / 0",
     "by +0.100 and its Hausdorff 95 distance by -1.00",
     {{"dice_boundary", .edge = 60}}},
    {"boundary", "thin_defects", OUTLINES, "10", "refuted", "0 / 1 / 0", "", {{"dice_boundary", .edge = 51}}},
    {"boundary", "thin_defects", OUTLINES, "10", "refuted", "0 / 1 / 0", "",
     {{"dice_boundary", .edge = 40, .found = 90}}},
    {"boundary", "thin_defects", OUTLINES, "10", "unclear", "0 / 0 / 1", "", {{"dice_boundary", .blur = 20}}},
    {"boundary", "thin_defects", DICE, "10", "not run", "0 / 0 / 0", "", {{.label = NULL}}},

    {"compound-wins", "masks", PARTS DICE_BCE, "10", "supported", "1 / 0 / 0", "part: Dice + BCE by +0.100 (1)",
     {{"dice_bce", .found = 60}}},
    {"compound-wins", "masks", PARTS DICE_BCE, "10", "refuted", "0 / 1 / 0", "",
     {{"dice_bce", .found = 60}, {"bce", .found = 60}}},
    {"compound-wins", "masks", PARTS DICE_BCE, "10", "supported", "1 / 0 / 0", "", /* select prefers BCE */
     {{"dice_bce", .found = 60}, {"dice", .found = 70, .select = 40}}},
    {"compound-wins", "masks", PARTS DICE_BCE, "10", "refuted", "0 / 1 / 0", "", /* and here Dice */
     {{"dice_bce", .found = 60}, {"dice", .found = 70, .select = 70}}},
    {"compound-wins", "mask_packs", PARTS DICE_BCE ALL_THREE, "10", "supported", "1 / 0 / 0",
     "Dice + BCE by +0.100 (1), Dice + BCE + focal by +0.040 (1)",
     {{"dice_bce", .found = 60}, {"dice_bce_focal", .wobble = 20}}},
    {"compound-wins", "masks", PARTS DICE_BCE ALL_THREE, "10", "unclear", "0 / 0 / 1", "",
     {{"dice_bce", .wobble = 20}}},
    {"compound-wins", "masks", DICE DICE_BCE, "10", "not run", "0 / 0 / 0", "", {{"dice_bce", .found = 60}}},
    {"compound-wins", "lambda_grid", MIX, "10", "supported", "1 / 0 / 0",
     "part: Dice + l1 BCE + l2 focal by +0.100 (1)",
     {{M("1", "0"), .found = 60}}},
    {"compound-wins", "lambda_grid", MIX, "10", "refuted", "0 / 1 / 0",
     "", /* good weights that select does not choose */
     {{M("1", "0"), .found = 60, .select = 50}, {M("0", "1"), .found = 50, .select = 60}}},
    {"compound-wins", "lambda_grid", MIX, "10", "refuted", "0 / 1 / 0", "by +0.000", {{M("0", "0"), .found = 60}}},
    {"compound-wins", "lambda_grid", MIX, "10", "refuted", "0 / 1 / 0", "",
     {{M("1", "1"), .found = 60}, {"focal", .found = 60}}},
    {"compound-wins", "lambda_grid", MIX, "10", "unclear", "0 / 0 / 1", "",
     {{M("1", "1"), .wobble = 20, .select = 60}}},

    {"unified-focal", "masks", UNIFIED, "10", "supported", "1 / 0 / 0", "ranks 1.0 of 3.0",
     {{"unified_focal_sym", .found = 51}}},
    {"unified-focal", "masks", UNIFIED, "10", "supported", "1 / 0 / 0", "ranks 2.0 of 3.0",
     {{"unified_focal_sym", .found = 60}, {"focal", .found = 70}}},
    {"unified-focal", "mask_packs", UNIFIED, "10", "refuted", "0 / 1 / 0", "ranks 2.5 of 3.0",
     {{"focal", .found = 60}}},
    {"unified-focal", "masks", UNIFIED, "10", "refuted", "0 / 1 / 0", "ranks 2.0 of 3.0",
     {{.label = NULL}}}, /* all level */
    {"unified-focal", "masks", UNIFIED, "10", "refuted", "0 / 1 / 0", "BCE by +0.000", /* select prefers the other */
     {{"unified_focal_sym", .found = 70, .select = 50}, {"unified_focal_asym", .select = 60}}},
    {"unified-focal", "masks", UNIFIED, "10", "unclear", "0 / 0 / 1", "",
     {{"unified_focal_sym", .wobble = 20, .select = 60}, {"focal", .found = 70}}},
    {"unified-focal", "masks", BCE FOCAL, "10", "not run", "0 / 0 / 0", "", {{.label = NULL}}},

    /* area in percent = ratio / 100; -0.05 / ln(10) */
    {"small-defects", "small_defects", BCE FOCAL, "10 100 1000", "supported", "1 / 0 / 0",
     "by +0.100 where defects cover 0.1 % of the image and +0.000 where they cover 10 %: by -0.022 [-0.022, -0.022]",
     {{"focal", 10, .found = 60}, {"focal", 100, .found = 55}}},
    {"small-defects", "small_defects", BCE FOCAL, "1000 10 100", "refuted", "0 / 1 / 0",
     "by +0.000 where defects cover 0.1 % of the image and +0.100 where they cover 10 %: by +0.022 [+0.022, +0.022]",
     {{"focal", 1000, .found = 60}, {"focal", 100, .found = 55}}},
    {"small-defects", "small_defects", BCE FOCAL, "10 100", "refuted", "0 / 1 / 0", "", {{"focal", .found = 60}}},
    {"small-defects", "small_defects", BCE FOCAL, "10 100", "unclear", "0 / 0 / 1", "", {{"focal", 10, .wobble = 20}}},
    {"small-defects", "small_defects", BCE FOCAL, "10", "not run", "0 / 0 / 0", "", {{"focal", 10, .found = 60}}},
};
/* clang-format on */

static int given(int hundredths) { return hundredths ? hundredths : 50; }

static trial_result mask_result(const cell *c, const mask_plan *p, unsigned seed) {
    const int sign = seed % 2 ? -1 : 1, moved = p->wobble < 0 ? (seed ? 0 : p->wobble) : sign * p->wobble;
    const int select = p->select ? p->select : given(p->found);
    trial_result r = made_result(&(made){.found = (unsigned)(given(p->found) + moved), .weights = 1});
    float *number = trial_result_add(&r, "masks", MASK_NUMBERS, 0);
    const trial_array *on_select = trial_result_find(&r, "select"), *on_test = trial_result_find(&r, "test");
    cr_assert(ne(ptr, number, NULL));
    for (int i = 0; i < MADE_DEFECTS; i++) on_select->data[MADE_GOODS + i] = i < select ? 2.0f + (float)i : -1.0f;
    for (uint32_t i = 0; p->tied && i < on_test->count; i++) on_test->data[i] = 0;
    for (size_t i = 0; i < MASK_NUMBERS; i++) number[i] = 0;
    number[MASK_DICE] = (float)(given(p->dice) + sign * p->blur) / 100;
    number[MASK_DICE_HALF] = (float)given(p->half) / 100;
    number[MASK_BOUNDARY_F1] = (float)(given(p->edge) + sign * p->blur) / 100;
    number[MASK_HAUSDORFF_95] = p->edge > 50 ? 4 : 5;
    number[MASK_AREA] = (float)c->ratio / 10000;
    if (seed < p->diverged) r.outcome = OUTCOME_DIVERGED;
    if (seed < p->idle) r.train_loss = r.prior_loss;
    return r;
}

static void plant_masks(store *to, const cell *c, const mask_plan *plans) {
    static const mask_plan level = {.label = ""};
    const mask_plan *chosen = &level;
    for (size_t i = 0; i < 6 && plans[i].label; i++)
        if (strcmp(plans[i].label, c->entry->label) == 0 && (!plans[i].ratio || plans[i].ratio == c->ratio))
            chosen = &plans[i];
    for (unsigned k = chosen->missing ? 1 : 0; k < SEEDS; k++) {
        lb_error error = {0};
        trial_result r = mask_result(c, chosen, k);
        cr_assert(zero(int, store_put(to, &c->finals[k], &r, &error)), "%s", error.message);
        trial_result_free(&r);
    }
}

/* One more study of the campaign, its trials planted and read. */
static void add_masks(const planted_masks *p) {
    const size_t at = the_campaign.count++;
    study *s = &the_campaign.studies[at];
    char content[2000];
    snprintf(content, sizeof content,
             "[experiment]\nanalysis = compare\n[blocks]\ndents = " TINY_DATA " @ %s\n[losses]\n%s[train]\n"
             "model = unet(width=narrow)\nvisits = %zu\nbatch = 32\nseeds = %d\nlearning_rate = 0.01\n",
             p->ratios, p->losses, 640 + 32 * at, SEEDS); /* other visits: no two studies share a trial */
    expand_text(p->experiment, content, s);
    for (size_t i = 0; i < s->cell_count; i++) plant_masks(the_report.from, &s->cells[i], p->plans);
    planted_read(at);
}

ParameterizedTestParameters(claims, planted_masks_give_the_verdict) {
    static size_t index[sizeof mask_cases / sizeof *mask_cases];
    const size_t count = sizeof mask_cases / sizeof *mask_cases;
    for (size_t i = 0; i < count; i++) index[i] = i;
    return cr_make_param_array(size_t, index, count);
}

ParameterizedTest(size_t *index, claims, planted_masks_give_the_verdict) {
    const planted_masks *p = &mask_cases[*index];
    char verdict[40], counts[40], finding[900];
    add_masks(p);
    judge();
    read_claim(p->claim, 2, verdict, sizeof verdict);
    read_claim(p->claim, 3, counts, sizeof counts);
    read_claim(p->claim, 4, finding, sizeof finding);
    cr_assert(eq(str, verdict, (char *)p->verdict), "case %zu, %s: %s", *index, p->claim, finding);
    cr_assert(eq(str, counts, (char *)p->counts), "case %zu, %s: %s", *index, p->claim, finding);
    cr_assert(ne(ptr, strstr(finding, p->says), NULL), "case %zu, %s: %s", *index, p->claim, finding);
}

/* A claim judges all experiments that ran and links to them; places say whose they are. */
Test(claims, a_claim_draws_on_several_experiments) {
    static const planted_masks masks = {.experiment = "masks",
                                        .losses = BCE DICE,
                                        .ratios = "10",
                                        .plans = {{"dice", .found = 60}}},
                               packs = {.experiment = "mask_packs", .losses = BCE DICE, .ratios = "20"};
    char verdict[40], counts[40], links[200];
    add_masks(&masks);
    add_masks(&packs);
    judge();
    read_claim("dice-vs-bce", 2, verdict, sizeof verdict);
    read_claim("dice-vs-bce", 3, counts, sizeof counts);
    read_claim("dice-vs-bce", 6, links, sizeof links);
    cr_assert(eq(str, verdict, "mixed"));
    cr_assert(eq(str, counts, "1 / 1 / 0"));
    cr_assert(eq(str, links, "[masks](#masks), [mask_packs](#mask_packs)"));
    read_claim("compound-wins", 2, verdict, sizeof verdict);
    read_claim("boundary", 6, links, sizeof links);
    cr_assert(eq(str, verdict, "not run"));
    cr_assert(eq(str, links, "[thin_defects](#thin_defects)"));
    read_place("dice-vs-bce\tmasks: dents 1:10\tholds\tdice - bce +0.100 [+0.100, +0.100]; in Dice +0.000");
    read_place("dice-vs-bce\tmask_packs: dents 1:20\tfails\t");
}
