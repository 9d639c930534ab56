/* Gains over the area of the defects, and the judge of the claim that small ones gain more from focal loss. */
#include "experiments/harness/claims.h"
#include "experiments/harness/gain.h"
#include "experiments/harness/mask_analysis.h"

#include <stdio.h>
#include <string.h>

static const gain_kind of_masks = {.field = field_recall,
                                   .name = "image recall",
                                   .area = field_mask,
                                   .which = MASK_AREA,
                                   .thing = "defect",
                                   .plural = "defects"},
                       of_boxes = {.field = field_box_ap50,
                                   .name = "AP50 of boxes",
                                   .area = field_box,
                                   .which = BOX_MEAN_SHARE,
                                   .thing = "box",
                                   .plural = "boxes"};

/* Places that have a loss and its base, the smallest defects first; area in % of the image. */
typedef struct {
    const evidence *e;
    const gain_kind *kind;
    const char *loss, *base;
    place places[MAX_PLACES];
    double area[MAX_PLACES];
    size_t count;
} area_order;

static long loss_cell(const area_order *by, size_t i, const char *label) {
    return usable_field(by->e, &by->places[i], label, by->kind->field);
}

static void order_by_area(const evidence *e, const gain_kind *kind, const char *loss, const char *base,
                          area_order *out) {
    out->e = e;
    out->kind = kind;
    out->loss = loss;
    out->base = base;
    out->count = 0;
    for (size_t i = 0, count = gain_places(e, kind, out->places, out->area); i < count; i++) {
        if (loss_cell(out, i, loss) < 0 || loss_cell(out, i, base) < 0) continue;
        out->places[out->count] = out->places[i];
        out->area[out->count++] = out->area[i];
    }
}

static double mean_gain(const area_order *by, size_t i) {
    const size_t loss = (size_t)loss_cell(by, i, by->loss), base = (size_t)loss_cell(by, i, by->base);
    return compare_cells(by->e, loss, base, by->kind->field).difference.mean;
}

/* "+0.100 where defects cover 0.05 % of the image and +0.010 where they cover 10 %" */
static void extremes_words(const area_order *by, char *out, size_t size) {
    const size_t last = by->count - 1;
    snprintf(out, size, "%+.3f where %s cover %.2g %% of the image and %+.3f where they cover %.2g %%",
             mean_gain(by, 0), by->kind->plural, by->area[0], mean_gain(by, last), by->area[last]);
}

int mask_area_words(const evidence *e, const char *loss, char *out, size_t size) {
    static area_order by;
    order_by_area(e, &of_masks, loss, "bce", &by);
    if (by.count < 2) return 0;
    extremes_words(&by, out, size);
    return 1;
}

/* --- small-defects ------------------------------------------------------------------------------------------------ */

static const double flat_slope = 0.01; /* per e-fold of area: 0.05 over the 200-fold range of small_defects */

static place_verdict slope_verdict(stat_interval slope) {
    if (slope.high < 0) return HOLDS;
    return slope.low > 0 || (slope.low > -flat_slope && slope.high < flat_slope) ? FAILS : OPEN;
}

static void judge_slope(const area_order *by, ruling *out) {
    const evidence *e = by->e;
    double slopes[SEEDS_MOST];
    char shown[80], numbers[CLAIM_NUMBERS], extremes[200], where[LABEL + 20];
    if (by->count < 2 || by->area[0] == by->area[by->count - 1]) return;
    for (unsigned k = 0; k < e->study->e.seeds; k++)
        slopes[k] = gain_slope(e, by->places, by->area, by->count, by->loss, by->base, by->kind->field, k);
    const measure *seeds = evidence_seeds(e, (size_t)loss_cell(by, 0, by->base));
    const estimate slope = estimate_values(slopes, e->study->e.seeds, seeds);
    estimate_text(&slope, 1, shown, sizeof shown);
    extremes_words(by, extremes, sizeof extremes);
    snprintf(numbers, sizeof numbers, "focal - BCE in %s per e-fold of area %s, over %zu areas", by->kind->name, shown,
             by->count);
    snprintf(where, sizeof where, "%s: all areas", e->study->e.name);
    rule_place(out, where, slope_verdict(slope.interval), numbers);
    const size_t used = strlen(out->finding);
    snprintf(out->finding + used, sizeof out->finding - used,
             "%sFocal loss changes %s against BCE by %s: by %s for each e-fold of area.", used ? " " : "",
             by->kind->name, extremes, shown);
}

/* Masks and boxes, each experiment found by its name: whichever of them ran comes as `e`. */
void judge_small_defects(const report *r, const evidence *e, ruling *out) {
    static area_order by;
    const evidence *masks = report_evidence(r, "small_defects"), *boxes = report_evidence(r, "small_boxes");
    (void)e;
    if (masks) {
        order_by_area(masks, &of_masks, "focal", "bce", &by);
        judge_slope(&by, out);
    }
    if (boxes) { /* bce in the baseline's two other heads is what focal has replaced */
        order_by_area(boxes, &of_boxes, "focal", boxes->study->e.baseline, &by);
        judge_slope(&by, out);
    }
}
