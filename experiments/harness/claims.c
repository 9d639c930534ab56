/* The claims table: verdict words are fixed and computed over the places that a claim's judge could decide.
   - supported  holds on some places, fails on none, and at least half of the places decide
   - refuted    the same the other way round
   - mixed      holds on some places, fails on others
   - unclear    the intervals do not decide */
#include "experiments/harness/claims.h"

#include <stdio.h>
#include <string.h>

static const char *const place_words[] = {"holds", "fails", "unclear"};

typedef struct {
    const char *id, *statement, *experiments[CLAIM_EXPERIMENTS], *rule;
    claim_judge *judge;                 /* of the first experiment */
    claim_judge_several *judge_several; /* or of all of them */
} claim;

void rule_place(ruling *out, const char *where, place_verdict verdict, const char *numbers) {
    out->counts[verdict]++;
    table_cell(out->places, "%s", out->id);
    table_cell(out->places, "%s", where);
    table_cell(out->places, "%s", place_words[verdict]);
    table_cell(out->places, "%s", numbers);
}

static const char *overall(const ruling *r) {
    const size_t holds = r->counts[HOLDS], fails = r->counts[FAILS], open = r->counts[OPEN];
    if (holds && fails) return "mixed";
    if (holds && holds >= open) return "supported";
    if (fails && fails >= open) return "refuted";
    return "unclear";
}

void difference_words(const char *what, const comparison *d, char *out, size_t size) {
    char shown[80];
    estimate_text(&d->difference, 1, shown, sizeof shown);
    snprintf(out, size, "%s %s", what, shown);
}

void add_words(char *numbers, const char *what, const comparison *d) {
    char words[160];
    difference_words(what, d, words, sizeof words);
    const size_t used = strlen(numbers);
    snprintf(numbers + used, CLAIM_NUMBERS - used, "%s%s", used ? "; " : "", words);
}

void claim_place(const evidence *e, const place *p, char *out, size_t size) {
    char label[PLACE_LABEL + 12];
    place_heading(e, p, label, sizeof label);
    snprintf(out, size, "%s: %s", e->study->e.name, label);
}

place_verdict any_of(place_verdict a, place_verdict b) {
    return a == HOLDS || b == HOLDS ? HOLDS : a == FAILS && b == FAILS ? FAILS : OPEN;
}

place_verdict gain_verdict(const comparison *c) {
    const stat_interval gain = c->difference.interval;
    return gain.low > STAT_MARGIN ? HOLDS : gain.high < STAT_MARGIN ? FAILS : OPEN;
}

static const claim claims[] = {
    {"accuracy-paradox",
     "With 0.5 % defects, plain BCE can be 99.5 % accurate and miss every defect.",
     {"accuracy_paradox"},
     "holds where at least one seed does so at 1:200",
     judge_accuracy,
     NULL},
    {"prior-bias",
     "Most of what re-weighting gains is the prior: with the head bias at the prior, plain BCE is level with weighted "
     "BCE and focal.",
     {"prior_bias"},
     "fails where either is better than BCE, holds where neither interval passes +0.02",
     judge_prior,
     NULL},
    {"focal-zero",
     "Focal loss with gamma 0 is cross-entropy.",
     {"focal_sweep"},
     "holds where trained models are bit-equal or equivalent",
     judge_focal_zero,
     NULL},
    {"focal-easy",
     "The factor (1-p)^gamma mutes easy samples, so that hard ones carry the gradient.",
     {"focal_easy"},
     "holds where the interval of the share at gamma 2 lies above that at gamma 0",
     judge_easy,
     NULL},
    {"gamma-by-ratio",
     "gamma 2 suits 1:10 to 1:100, and 3 to 5 suits 1:1000 and beyond.",
     {"focal_sweep"},
     "holds where the advised gamma is better than gamma 0 (and, from 1:1000, than 2); fails where that gain is ruled "
     "out",
     judge_gamma,
     NULL},
    {"gamma-unstable",
     "A high gamma with few defects makes training unstable.",
     {"focal_sweep"},
     "from 1:200: holds where the sd over seeds at the top gamma exceeds that at gamma 0, fails where the ratio is "
     "below 1.25",
     judge_unstable,
     NULL},
    {"alpha-frequency",
     "alpha should be the inverse class frequency.",
     {"focal_sweep"},
     "at gamma 2: holds where it is no more than 0.02 below the best alpha, fails where it is worse",
     judge_alpha,
     NULL},
    {"weighting",
     "Weighted BCE or focal loss is the remedy for imbalance (binary part).",
     {"classification"},
     "holds where either is better than tuned BCE, fails where neither interval passes +0.02",
     judge_weighting,
     NULL},
    {"weighting-types",
     "Plain CE on K classes under-learns rare defect types; weighting, focal or logit adjustment is the remedy.",
     {"long_tail", "table_types"},
     "in the mean recall of the rarest third of the classes: holds where weighted CE, focal, class-balanced focal or "
     "logit-adjusted CE is better than tuned CE, fails where no interval passes +0.02",
     NULL,
     judge_weighting_types},
    {"dice-vs-bce",
     "For masks, Dice or IoU beats BCE because BCE suppresses small regions.",
     {"masks", "mask_packs", "small_defects"},
     "in image recall (at FR 1 %, or 5 % where the block says so): holds where Dice or IoU is better than BCE, fails "
     "where neither interval passes +0.02",
     NULL,
     judge_dice_bce},
    {"dice-iou-same",
     "Dice = 2 IoU / (1 + IoU), so the two losses act alike in practice.",
     {"dice_vs_iou"},
     "holds where image recall and Dice are both equivalent, fails where one is better or worse",
     judge_dice_iou,
     NULL},
    {"dice-epsilon",
     "Dice is unstable on (nearly) empty masks; smoothing 1e-6 in the denominator cures it.",
     {"dice_epsilon"},
     "unstable: a seed diverges, or does not start and finds less, or recall is worse than that of Dice over the "
     "batch; "
     "holds where Dice without smoothing is unstable and with 1e-6 in the denominator is not, fails where the first is "
     "not unstable or both are",
     judge_epsilon,
     NULL},
    {"boundary",
     "A boundary (distance-map) term sharpens the edges of thin defects.",
     {"thin_defects"},
     "in boundary F1: holds where Dice + boundary is better than Dice, fails where that gain is ruled out",
     judge_boundary,
     NULL},
    {"compound-wins",
     "Dice + BCE, Dice + focal and Dice + l1 BCE + l2 focal beat each part alone under severe imbalance.",
     {"masks", "mask_packs", "lambda_grid"},
     "in image recall: holds where a compound is better than its best single part (l1, l2 and part chosen on select), "
     "fails where no interval passes +0.02",
     NULL,
     judge_compound},
    {"unified-focal",
     "Unified Focal loss is robust to imbalance and consistently best.",
     {"masks", "mask_packs"},
     "holds where it ranks first in image recall or is better than tuned BCE, fails where it is not first and that "
     "gain "
     "is ruled out",
     NULL,
     judge_unified},
    {"small-defects",
     "Smaller defects gain more from focal loss.",
     {"small_defects", "small_boxes"},
     "slope of focal - BCE over ln(area), of image recall (masks) and of AP50 (boxes): holds where its interval lies "
     "below 0, fails where it lies above 0 or inside +-0.01 per e-fold",
     judge_small_defects,
     NULL},
    {"iou-vanishes",
     "The IoU loss has no gradient for boxes that do not overlap; GIoU, DIoU, CIoU, EIoU and SIoU have.",
     {"box_simulation"},
     "over boxes apart from their target: iou holds where every gradient is exactly 0, each other loss where none is",
     judge_iou_vanishes,
     NULL},
    {"iou-family",
     "DIoU converges faster than GIoU, CIoU adds shape, EIoU converges faster still and helps small defects, SIoU "
     "drifts less; Smooth L1 is the older standard.",
     {"box_simulation", "box_losses", "board_boxes", "small_boxes"},
     "simulation: the named number must be lower, within 1 % is unclear; detector: a gain in AP50 (faster: in that "
     "after half the visits) holds above +0.02, fails where it is ruled out; against Smooth L1 any of GIoU, DIoU, CIoU "
     "and EIoU is enough",
     judge_iou_family,
     NULL},
    {"yolo-compound",
     "Class BCE + objectness BCE + CIoU is a sound detector loss; focal classification helps.",
     {"detector_heads"},
     "in AP50: sound fails where another pair of class and box loss is better, holds where none is over at least 5 "
     "seeds; focal holds where its effect over all box losses lies above +0.02, fails where that is ruled out",
     judge_yolo,
     NULL},
};

/* The experiments of a claim that ran, in its order: those that have cells. */
static size_t evidence_of(const report *r, const claim *k, const evidence **out) {
    size_t count = 0;
    for (size_t i = 0; i < CLAIM_EXPERIMENTS && k->experiments[i]; i++) {
        const evidence *e = report_evidence(r, k->experiments[i]);
        if (e && e->study->cell_count) out[count++] = e;
    }
    return count;
}

static void judge_claim(const report *r, const claim *k, const evidence *const *ran, size_t count, ruling *out) {
    if (count && k->judge) k->judge(r, ran[0], out);
    if (count && k->judge_several) k->judge_several(ran, count, out);
}

/* Links to the experiments that ran, or to all of the claim when none did. */
static void links_of(const claim *k, const evidence *const *ran, size_t count, char *out, size_t size) {
    size_t used = 0;
    for (size_t i = 0; i < CLAIM_EXPERIMENTS && used < size; i++) {
        const char *name = !count ? k->experiments[i] : i < count ? ran[i]->study->e.name : NULL;
        if (name) used += (size_t)snprintf(out + used, size - used, "%s[%s](#%s)", used ? ", " : "", name, name);
    }
}

static void add_claim(table *t, const report *r, const claim *k, table *places) {
    const evidence *ran[CLAIM_EXPERIMENTS];
    const size_t count = evidence_of(r, k, ran);
    ruling ruled = {.places = places, .id = k->id};
    char links[CLAIM_EXPERIMENTS * (2 * LABEL + 8)];
    judge_claim(r, k, ran, count, &ruled);
    const size_t judged = ruled.counts[HOLDS] + ruled.counts[FAILS] + ruled.counts[OPEN];
    links_of(k, ran, count, links, sizeof links);
    table_cell(t, "%s", k->id);
    table_cell(t, "%s", k->statement);
    table_cell(t, "%s", judged ? overall(&ruled) : "not run");
    table_cell(t, "%zu / %zu / %zu", ruled.counts[HOLDS], ruled.counts[FAILS], ruled.counts[OPEN]);
    table_cell(t, "%s", ruled.finding[0] ? ruled.finding : "No block of this run can judge it.");
    table_cell(t, "%s", k->rule);
    table_cell(t, "%s", links);
}

int report_claims(report *r, lb_error *error) {
    static const char *const headers[] = {"claim",   "statement", "verdict", "holds / fails / unclear",
                                          "finding", "rule",      "evidence"};
    static const char *const place_headers[] = {"claim", "block", "here", "numbers"};
    static const study claims_study = {.e.name = "claims"};
    table *t = table_new(headers, 7), *places = table_new(place_headers, 4);
    for (size_t i = 0; t && places && i < sizeof claims / sizeof *claims; i++) add_claim(t, r, &claims[i], places);
    text_add(&r->body, "## Claims\n\n");
    if (!places) {
        table_free(t);
        return lb_fail_memory(error, "the claims");
    }
    int code = report_table(r, &claims_study, "claims", t, TABLE_INLINE,
                            "What engineers are told, judged by rule. Supported: holds on some blocks, fails on none, "
                            "at least half decide; refuted: the reverse; mixed: holds on some, fails on others; "
                            "unclear: the intervals do not decide.",
                            error);
    if (code) {
        table_free(places);
        return code;
    }
    code = report_table(r, &claims_study, "places", places, TABLE_LINKED, "the same block by block.", error);
    text_add(&r->body, "\n");
    return code;
}
