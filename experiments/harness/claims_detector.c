/* Judges of the claims about a detector's losses, in AP50 on test. */
#include "experiments/harness/claims.h"
#include "experiments/harness/head_grid.h"
#include "experiments/harness/mask_analysis.h"

#include <stdio.h>
#include <string.h>

/* --- yolo-compound ------------------------------------------------------------------------------------------------ */

enum { SEEDS_TO_HOLD = 5 }; /* fewer could hardly show a better pair, so that none is seen says nothing */

/* Sums over places: the largest difference of another pair to the usual one, the effect of focal. */
typedef struct {
    double largest, focal;
    size_t better, usual_places, focal_places;
} yolo_sum;

/* Every other pair of the grid against bce x ciou. */
static void judge_usual(const head_grid *g, const char *where, ruling *out, yolo_sum *sum) {
    const long usual = head_cell(g, "bce", "ciou");
    char what[2 * LABEL + 24], words[2 * LABEL + 120], place_name[2 * LABEL], numbers[CLAIM_NUMBERS];
    size_t better = 0, others = 0, row = 0, column = 0;
    comparison largest = {0};
    if (usual < 0) return;
    for (size_t i = 0; i < g->classes; i++)
        for (size_t k = 0; k < g->boxes; k++) {
            if (g->cell[i][k] < 0 || g->cell[i][k] == usual) continue;
            const comparison d = compare_cells(g->e, (size_t)g->cell[i][k], (size_t)usual, field_box_ap50);
            better += gain_verdict(&d) == HOLDS;
            if (others++ && !(d.difference.mean > largest.difference.mean)) continue;
            largest = d;
            row = i;
            column = k;
        }
    if (!others) return;
    snprintf(what, sizeof what, "%s x %s - bce x ciou", g->cls[row], g->box[column]);
    difference_words(what, &largest, words, sizeof words);
    snprintf(numbers, sizeof numbers, "%zu of %zu other pairs better; the highest: %s", better, others, words);
    snprintf(place_name, sizeof place_name, "%s: BCE + BCE + CIoU", where);
    rule_place(out, place_name, better ? FAILS : g->e->study->e.seeds >= SEEDS_TO_HOLD ? HOLDS : OPEN, numbers);
    sum->largest += largest.difference.mean;
    sum->better += better > 0;
    sum->usual_places++;
}

/* The effect of focal over all box losses. */
static void judge_focal_class(const head_grid *g, const char *where, ruling *out, yolo_sum *sum) {
    const long focal = head_class(g, "focal"), bce = head_class(g, "bce");
    char numbers[CLAIM_NUMBERS], place_name[2 * LABEL];
    if (focal < 0 || bce < 0) return;
    const comparison d = head_effect(g, FACTOR_CLASS, (size_t)focal, (size_t)bce, field_box_ap50);
    if (!d.difference.count) return;
    difference_words("focal - bce, over all box losses", &d, numbers, sizeof numbers);
    snprintf(place_name, sizeof place_name, "%s: focal classification", where);
    rule_place(out, place_name, gain_verdict(&d), numbers);
    sum->focal += d.difference.mean;
    sum->focal_places++;
}

void judge_yolo(const report *r, const evidence *e, ruling *out) {
    static place places[MAX_PLACES];
    static head_grid g;
    yolo_sum sum = {0};
    text said = {0};
    (void)r;
    for (size_t i = 0, count = places_of(e->study, places); i < count; i++) {
        char where[PLACE_LABEL];
        place_label(&places[i], where, sizeof where);
        head_grid_at(e, &places[i], &g);
        judge_usual(&g, where, out, &sum);
        judge_focal_class(&g, where, out, &sum);
    }
    if (sum.usual_places)
        text_add(&said,
                 "A pair of class and box loss is better than BCE + BCE + CIoU on %zu of %zu blocks; the highest pair "
                 "differs from it by %+.3f in AP50, picked with hindsight.",
                 sum.better, sum.usual_places, sum.largest / (double)sum.usual_places);
    if (sum.focal_places)
        text_add(&said, "%sFocal in place of BCE for the class changes AP50 by %+.3f over all box losses.",
                 said.length ? " " : "", sum.focal / (double)sum.focal_places);
    if (said.data) snprintf(out->finding, sizeof out->finding, "%s (Means over the blocks.)", said.data);
    text_free(&said);
}

/* --- iou-family: the detector's part ------------------------------------------------------------------------------ */

enum { RIVALS = 4 };

/* A statement: one of a few losses gains over another. */
typedef struct {
    const char *said, *experiment, *block, *of[RIVALS], *than, *what; /* block NULL: on every one */
    measure_field field;
} gain_statement;

static const gain_statement detected[] = {
    {"DIoU converges faster than GIoU",
     "box_losses",
     NULL,
     {"diou"},
     "giou",
     "AP50 at half the visits",
     field_box_half_ap50},
    {"EIoU converges faster than CIoU",
     "box_losses",
     NULL,
     {"eiou"},
     "ciou",
     "AP50 at half the visits",
     field_box_half_ap50},
    {"EIoU helps small defects", "small_boxes", "small", {"eiou"}, "ciou", "AP50", field_box_ap50},
    {"the IoU family is better than the older Smooth L1",
     "box_losses",
     NULL,
     {"giou", "diou", "ciou", "eiou"},
     "smooth_l1",
     "AP50",
     field_box_ap50},
    {"the IoU family is better than the older Smooth L1",
     "board_boxes",
     NULL,
     {"giou", "diou", "ciou", "eiou"},
     "smooth_l1",
     "AP50",
     field_box_ap50},
};

/* 1 when the place can judge it; *gain is the largest mean of its losses'. */
static int judge_gain(const evidence *e, const place *p, const gain_statement *s, ruling *out, double *gain) {
    const long than = usable_field(e, p, s->than, s->field);
    char label[PLACE_LABEL], where[2 * PLACE_LABEL], numbers[CLAIM_NUMBERS] = "";
    place_verdict verdict = FAILS;
    if (than < 0) return 0;
    for (size_t i = 0; i < RIVALS && s->of[i]; i++) {
        const long of = usable_field(e, p, s->of[i], s->field);
        char what[80];
        if (of < 0) continue;
        const comparison d = compare_cells(e, (size_t)of, (size_t)than, s->field);
        if (!d.difference.count) continue; /* no checkpoint */
        if (!numbers[0] || d.difference.mean > *gain) *gain = d.difference.mean;
        snprintf(what, sizeof what, "%s - %s in %s", s->of[i], s->than, s->what);
        add_words(numbers, what, &d);
        verdict = any_of(verdict, gain_verdict(&d));
    }
    if (!numbers[0]) return 0;
    place_label(p, label, sizeof label);
    snprintf(where, sizeof where, "%s, %s: %s", s->experiment, label, s->said);
    rule_place(out, where, verdict, numbers);
    return 1;
}

static void say_gain(const gain_statement *s, double mean, size_t n, ruling *out) {
    text said = {0};
    const size_t used = strlen(out->finding);
    text_add(&said, "%s%s (%s): %s%s", used ? "; " : "", s->said, s->experiment, s->of[1] ? "the best of " : "",
             s->of[0]);
    for (size_t i = 1; i < RIVALS && s->of[i]; i++) text_add(&said, ", %s", s->of[i]);
    text_add(&said, " - %s %+.3f in %s (%zu block%s)", s->than, mean, s->what, n, n == 1 ? "" : "s");
    if (said.data) snprintf(out->finding + used, sizeof out->finding - used, "%s", said.data);
    text_free(&said);
}

void judge_detected_family(const report *r, ruling *out) {
    static place places[MAX_PLACES];
    for (size_t i = 0; i < sizeof detected / sizeof *detected; i++) {
        const gain_statement *s = &detected[i];
        const evidence *e = report_evidence(r, s->experiment);
        double sum = 0, gain = 0;
        size_t n = 0;
        for (size_t k = 0, count = e ? places_of(e->study, places) : 0; k < count; k++) {
            if (s->block && strcmp(places[k].b->label, s->block) != 0) continue;
            if (!judge_gain(e, &places[k], s, out, &gain)) continue;
            sum += gain;
            n++;
        }
        if (n) say_gain(s, sum / (double)n, n, out);
    }
}
