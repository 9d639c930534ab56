/* Judges of the claims about masks. "Image recall" is that at FR 1 %, or FR 5 % where the place says so: an image is
   rejected by the mean of its largest logits. */
#include "experiments/harness/claims.h"
#include "experiments/harness/gain.h"
#include "experiments/harness/lambda.h"
#include "experiments/harness/mask_analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- pieces that the judges share --------------------------------------------------------------------------------- */

/* Cell whose seeds are all there, be they tied or too few for a headline recall; -1: none. */
static long whole_cell(const evidence *e, const place *p, const char *label) {
    const long c = evidence_find(e, p->b, p->ratio, label, 0);
    return c < 0 || troubles_of(e, (size_t)c).failed ? -1 : c;
}

/* The cell of the largest mean of select recall, the first among equals; -1 where one of the count cells is -1. */
static long best_on_select(const evidence *e, const long *cells, size_t count) {
    long best = -1;
    double highest = -1;
    for (size_t i = 0; i < count; i++) {
        const double mean = cells[i] < 0 ? (double)NAN : estimate_field(e, (size_t)cells[i], field_select_recall).mean;
        if (!isfinite(mean)) return -1;
        if (mean <= highest) continue;
        highest = mean;
        best = cells[i];
    }
    return best;
}

static double mean_gain(const evidence *e, long a, long b, measure_field field) {
    return compare_cells(e, (size_t)a, (size_t)b, field).difference.mean;
}

/* --- dice-vs-bce ---------------------------------------------------------------------------------------------------
 */

/* Sums over places of Dice - BCE. */
typedef struct {
    double recall, dice, dice_half;
    size_t n;
} overlap_gain;

static void judge_overlaps(const evidence *e, const place *p, ruling *out, overlap_gain *sum) {
    static const char *const losses[] = {"dice", "iou"};
    const long bce = usable_cell(e, p, "bce"), dice = usable_cell(e, p, "dice");
    char where[LABEL + PLACE_LABEL + 16], numbers[CLAIM_NUMBERS] = "";
    place_verdict verdict = FAILS;
    if (bce < 0 || dice < 0) return;
    for (size_t i = 0; i < 2; i++) {
        const long c = usable_cell(e, p, losses[i]);
        char what[40];
        if (c < 0) continue;
        const comparison recall = compare_cells(e, (size_t)c, (size_t)bce, field_recall);
        const comparison overlap = compare_cells(e, (size_t)c, (size_t)bce, field_dice);
        verdict = any_of(verdict, gain_verdict(&recall));
        snprintf(what, sizeof what, "%s - bce", losses[i]);
        add_words(numbers, what, &recall);
        add_words(numbers, "in Dice", &overlap);
    }
    claim_place(e, p, where, sizeof where);
    rule_place(out, where, verdict, numbers);
    sum->recall += mean_gain(e, dice, bce, field_recall);
    sum->dice += mean_gain(e, dice, bce, field_dice);
    sum->dice_half += mean_gain(e, dice, bce, field_dice_half);
    sum->n++;
}

/* Appends what small_defects says about Dice. */
static void say_areas(const evidence *e, ruling *out) {
    char extremes[200];
    const size_t used = strlen(out->finding);
    if (!mask_area_words(e, "dice", extremes, sizeof extremes)) return;
    snprintf(out->finding + used, sizeof out->finding - used, " By area, it changes image recall by %s.", extremes);
}

void judge_dice_bce(const evidence *const *e, size_t count, ruling *out) {
    static place places[MAX_PLACES];
    overlap_gain sum = {0};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0, n = places_of(e[i]->study, places); k < n; k++) judge_overlaps(e[i], &places[k], out, &sum);
    if (!sum.n) return;
    const double n = (double)sum.n;
    snprintf(out->finding, sizeof out->finding,
             "Dice loss in place of BCE changes image recall by %+.3f, and the Dice of the masks by %+.3f at the "
             "threshold chosen on select and by %+.3f at probability one half (means over %zu blocks).",
             sum.recall / n, sum.dice / n, sum.dice_half / n, sum.n);
    for (size_t i = 0; i < count; i++)
        if (strcmp(e[i]->study->e.name, "small_defects") == 0) say_areas(e[i], out);
}

/* --- dice-iou-same -------------------------------------------------------------------------------------------------
 */

static int decides(const comparison *c) { return c->verdict == STAT_BETTER || c->verdict == STAT_WORSE; }

void judge_dice_iou(const report *r, const evidence *e, ruling *out) {
    static place places[MAX_PLACES];
    double recall_sum = 0, dice_sum = 0;
    size_t n = 0;
    (void)r;
    for (size_t i = 0, count = places_of(e->study, places); i < count; i++) {
        const long dice = usable_cell(e, &places[i], "dice"), iou = usable_cell(e, &places[i], "iou");
        char where[PLACE_LABEL + 12], numbers[CLAIM_NUMBERS] = "";
        if (dice < 0 || iou < 0) continue;
        const comparison recall = compare_cells(e, (size_t)iou, (size_t)dice, field_recall);
        const comparison overlap = compare_cells(e, (size_t)iou, (size_t)dice, field_dice);
        const int same = recall.verdict == STAT_EQUIVALENT && overlap.verdict == STAT_EQUIVALENT;
        place_heading(e, &places[i], where, sizeof where);
        add_words(numbers, "iou - dice in image recall", &recall);
        add_words(numbers, "in Dice", &overlap);
        rule_place(out, where, same ? HOLDS : decides(&recall) || decides(&overlap) ? FAILS : OPEN, numbers);
        recall_sum += recall.difference.mean;
        dice_sum += overlap.difference.mean;
        n++;
    }
    if (n)
        snprintf(out->finding, sizeof out->finding,
                 "Trained with IoU in place of Dice, models change image recall by %+.3f and Dice by %+.3f (means over "
                 "%zu blocks).",
                 recall_sum / (double)n, dice_sum / (double)n, n);
}

/* --- dice-epsilon --------------------------------------------------------------------------------------------------
 */

typedef struct {
    unsigned troubled, seeds;
    comparison d; /* to Dice over the batch, in image recall */
    place_verdict unstable;
} stability;

/* Without smoothing in the numerator an empty mask pays 1 whatever the net does, so that a mean loss near that of the
   prior does not by itself show a net that learnt nothing: it must find less as well. */
static int in_trouble(const measure *m, const measure *batch) {
    return m->outcome == OUTCOME_DIVERGED || (!m->started && field_recall(m) < field_recall(batch) - STAT_MARGIN);
}

static stability stability_of(const evidence *e, size_t c, size_t batch) {
    stability out = {.seeds = e->study->e.seeds, .d = compare_cells(e, c, batch, field_recall)};
    for (unsigned k = 0; k < out.seeds; k++)
        out.troubled += (unsigned)in_trouble(&evidence_seeds(e, c)[k], &evidence_seeds(e, batch)[k]);
    out.unstable = out.troubled || out.d.verdict == STAT_WORSE    ? HOLDS
                   : out.d.difference.interval.low > -STAT_MARGIN ? FAILS
                                                                  : OPEN;
    return out;
}

static place_verdict cure_verdict(const stability *none, const stability *cured) {
    if (none->unstable == FAILS || (none->unstable == HOLDS && cured->unstable == HOLDS)) return FAILS;
    return none->unstable == HOLDS && cured->unstable == FAILS ? HOLDS : OPEN;
}

static void add_stability(char *numbers, const char *label, const stability *s) {
    char what[120];
    snprintf(what, sizeof what, "%s: %u of %u seeds in trouble, recall to that of batch_1e-6", label, s->troubled,
             s->seeds);
    add_words(numbers, what, &s->d);
}

void judge_epsilon(const report *r, const evidence *e, ruling *out) {
    static place places[MAX_PLACES];
    unsigned troubled[2] = {0}, seeds = 0;
    double change[2] = {0};
    size_t n = 0;
    (void)r;
    for (size_t i = 0, count = places_of(e->study, places); i < count; i++) {
        const long none = whole_cell(e, &places[i], "none"), cured = whole_cell(e, &places[i], "dr_1e-6");
        const long batch = usable_cell(e, &places[i], "batch_1e-6");
        char where[PLACE_LABEL + 12], numbers[CLAIM_NUMBERS] = "";
        if (none < 0 || cured < 0 || batch < 0) continue;
        const stability s[2] = {stability_of(e, (size_t)none, (size_t)batch),
                                stability_of(e, (size_t)cured, (size_t)batch)};
        place_heading(e, &places[i], where, sizeof where);
        add_stability(numbers, "none", &s[0]);
        add_stability(numbers, "dr_1e-6", &s[1]);
        rule_place(out, where, cure_verdict(&s[0], &s[1]), numbers);
        for (size_t k = 0; k < 2; k++) {
            troubled[k] += s[k].troubled;
            change[k] += s[k].d.difference.mean;
        }
        seeds += s[0].seeds;
        n++;
    }
    if (n)
        snprintf(out->finding, sizeof out->finding,
                 "Without smoothing %u of %u models diverge, or do not start and find less; with 1e-6 in the "
                 "denominator %u. Against Dice over the batch, image recall changes by %+.3f and %+.3f (means over %zu "
                 "shares of empty masks).",
                 troubled[0], seeds, troubled[1], change[0] / (double)n, change[1] / (double)n, n);
}

/* --- boundary ------------------------------------------------------------------------------------------------------
 */

void judge_boundary(const report *r, const evidence *e, ruling *out) {
    static place places[MAX_PLACES];
    double sharper = 0, nearer = 0;
    size_t n = 0;
    (void)r;
    for (size_t i = 0, count = places_of(e->study, places); i < count; i++) {
        const long dice = whole_cell(e, &places[i], "dice"), with = whole_cell(e, &places[i], "dice_boundary");
        char where[PLACE_LABEL], numbers[CLAIM_NUMBERS] = "";
        if (dice < 0 || with < 0) continue;
        const comparison f1 = compare_cells(e, (size_t)with, (size_t)dice, field_boundary_f1);
        const comparison distance = compare_cells(e, (size_t)with, (size_t)dice, field_hausdorff_95);
        place_label(&places[i], where, sizeof where);
        add_words(numbers, "dice_boundary - dice in boundary F1", &f1);
        add_words(numbers, "in Hausdorff 95, pixels", &distance);
        rule_place(out, where, gain_verdict(&f1), numbers);
        sharper += f1.difference.mean;
        nearer += distance.difference.mean;
        n++;
    }
    if (n)
        snprintf(out->finding, sizeof out->finding,
                 "The boundary term changes the boundary F1 of Dice by %+.3f and its Hausdorff 95 distance by %+.2f "
                 "pixels (means over %zu blocks).",
                 sharper / (double)n, nearer / (double)n, n);
}

/* --- compound-wins -------------------------------------------------------------------------------------------------
 */

enum { COMPOUNDS = 4, PARTS = 3 };

/* The last one is the mix of lambda_grid whose weights are chosen on select. */
static const struct {
    const char *label, *said, *parts[PARTS];
} compounds[COMPOUNDS] = {{"dice_bce", "Dice + BCE", {"dice", "bce"}},
                          {"dice_focal", "Dice + focal", {"dice", "focal"}},
                          {"dice_bce_focal", "Dice + BCE + focal", {"dice", "bce", "focal"}},
                          {"", "Dice + l1 BCE + l2 focal", {"dice", "bce", "focal"}}};

/* A compound and its best single part, which is chosen on select. */
typedef struct {
    long compound, part;
} rivals;

static rivals named_rivals(const evidence *e, const place *p, size_t which) {
    long cells[PARTS];
    size_t n = 0;
    for (; n < PARTS && compounds[which].parts[n]; n++) cells[n] = usable_cell(e, p, compounds[which].parts[n]);
    return (rivals){usable_cell(e, p, compounds[which].label), best_on_select(e, cells, n)};
}

static long usable(const evidence *e, long c) { return c < 0 || *missing_word(e, (size_t)c) ? -1 : c; }

static rivals lambda_rivals(const evidence *e, const place *p) {
    const long parts[PARTS] = {usable(e, lambda_cell(e, p, 0, 0)), usable_cell(e, p, "bce"),
                               usable_cell(e, p, "focal")};
    return (rivals){usable(e, lambda_chosen(e, p)), best_on_select(e, parts, PARTS)};
}

static rivals rivals_of(const evidence *e, const place *p, size_t which) {
    const int grid = strcmp(e->study->e.name, "lambda_grid") == 0;
    if (grid != (which == COMPOUNDS - 1)) return (rivals){-1, -1};
    return grid ? lambda_rivals(e, p) : named_rivals(e, p, which);
}

/* Sums over places of compound - best part. */
typedef struct {
    double gain[COMPOUNDS];
    size_t n[COMPOUNDS];
} compound_gain;

static void judge_compounds(const evidence *e, const place *p, ruling *out, compound_gain *sum) {
    char where[LABEL + PLACE_LABEL + 16], numbers[CLAIM_NUMBERS] = "";
    place_verdict verdict = FAILS;
    for (size_t i = 0; i < COMPOUNDS; i++) {
        const rivals k = rivals_of(e, p, i);
        char what[2 * LABEL + 4];
        if (k.compound < 0 || k.part < 0) continue;
        const comparison d = compare_cells(e, (size_t)k.compound, (size_t)k.part, field_recall);
        snprintf(what, sizeof what, "%s - %s", e->study->cells[k.compound].entry->label,
                 e->study->cells[k.part].entry->label);
        add_words(numbers, what, &d);
        verdict = any_of(verdict, gain_verdict(&d));
        sum->gain[i] += d.difference.mean;
        sum->n[i]++;
    }
    if (!numbers[0]) return;
    claim_place(e, p, where, sizeof where);
    rule_place(out, where, verdict, numbers);
}

void judge_compound(const evidence *const *e, size_t count, ruling *out) {
    static place places[MAX_PLACES];
    compound_gain sum = {0};
    text said = {0};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0, n = places_of(e[i]->study, places); k < n; k++) judge_compounds(e[i], &places[k], out, &sum);
    for (size_t i = 0; i < COMPOUNDS; i++)
        if (sum.n[i])
            text_add(&said, "%s%s by %+.3f (%zu)", said.length ? ", " : "", compounds[i].said,
                     sum.gain[i] / (double)sum.n[i], sum.n[i]);
    if (said.data)
        snprintf(out->finding, sizeof out->finding,
                 "Image recall differs from that of the best single part: %s (means over so many blocks).", said.data);
    text_free(&said);
}

/* --- unified-focal -------------------------------------------------------------------------------------------------
 */

static const char *const unified[] = {"unified_focal_sym", "unified_focal_asym"};

/* The variant that select prefers, of those that were run; -1: none. */
static long unified_cell(const evidence *e, const place *p) {
    long cells[2];
    size_t n = 0;
    for (size_t i = 0; i < 2; i++) {
        const long c = usable_cell(e, p, unified[i]);
        if (c >= 0) cells[n++] = c;
    }
    return best_on_select(e, cells, n);
}

typedef struct {
    double place; /* 1 = best; equals share the mean of their places */
    size_t of;
} rank;

/* By mean image recall among the losses of the place, without the other variant of Unified Focal. */
static rank unified_rank(const evidence *e, const place *p, long own) {
    const double mean = estimate_field(e, (size_t)own, field_recall).mean;
    rank out = {1, 1};
    for (size_t c = 0; c < e->study->cell_count; c++) {
        const cell *at = &e->study->cells[c];
        if (at->block != p->b || at->ratio != p->ratio || (long)c == own || *missing_word(e, c)) continue;
        if (strcmp(at->entry->label, unified[0]) == 0 || strcmp(at->entry->label, unified[1]) == 0) continue;
        const double other = estimate_field(e, c, field_recall).mean;
        out.place += other > mean ? 1 : other < mean ? 0 : 0.5;
        out.of++;
    }
    return out;
}

typedef struct {
    double gain, place, of;
    size_t n;
} unified_sum;

static void judge_unified_at(const evidence *e, const place *p, ruling *out, unified_sum *sum) {
    const long bce = usable_cell(e, p, "bce"), own = unified_cell(e, p);
    char where[LABEL + PLACE_LABEL + 16], what[LABEL + 8], numbers[CLAIM_NUMBERS] = "";
    if (bce < 0 || own < 0) return;
    const rank at = unified_rank(e, p, own);
    const comparison d = compare_cells(e, (size_t)own, (size_t)bce, field_recall);
    snprintf(what, sizeof what, "%s - bce", e->study->cells[own].entry->label);
    add_words(numbers, what, &d);
    const size_t used = strlen(numbers);
    snprintf(numbers + used, sizeof numbers - used, "; rank %g of %zu", at.place, at.of);
    claim_place(e, p, where, sizeof where);
    rule_place(out, where, at.place == 1 ? HOLDS : gain_verdict(&d), numbers);
    sum->gain += d.difference.mean;
    sum->place += at.place;
    sum->of += (double)at.of;
    sum->n++;
}

void judge_unified(const evidence *const *e, size_t count, ruling *out) {
    static place places[MAX_PLACES];
    unified_sum sum = {0};
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0, n = places_of(e[i]->study, places); k < n; k++)
            judge_unified_at(e[i], &places[k], out, &sum);
    const double n = (double)sum.n;
    if (sum.n)
        snprintf(out->finding, sizeof out->finding,
                 "The variant of Unified Focal that select prefers ranks %.1f of %.1f losses and changes image recall "
                 "against tuned BCE by %+.3f (means over %zu blocks).",
                 sum.place / n, sum.of / n, sum.gain / n, sum.n);
}
