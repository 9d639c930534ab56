/* Losses that are said to act alike: paired differences to the baseline with verdicts of equivalence in five numbers,
   and the identity Dice = 2 IoU / (1 + IoU) on random masks. */
#include "experiments/harness/mask_analysis.h"
#include "lib/loss/loss.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const measure_field fields[] = {field_recall, field_dice, field_mean_iou, field_pixel_ap, field_instance_recall};
enum { FIELDS = sizeof fields / sizeof *fields };

/* --- trained models ---------------------------------------------------------------------------------------------- */

static table *difference_table(const evidence *e, const place *places, size_t count) {
    static const char *const headers[] = {
        "block",    "loss",           "image recall", "Dice, select threshold", "mean IoU, select threshold",
        "pixel AP", "instance recall"};
    const experiment *x = &e->study->e;
    table *t = table_new(headers, 2 + FIELDS);
    for (size_t i = 0; t && i < count; i++)
        for (size_t n = 0; n < x->entry_count; n++) {
            const char *label = x->entries[n].label;
            char shown[PLACE_LABEL];
            if (strcmp(label, x->baseline) == 0) continue;
            place_heading(e, &places[i], shown, sizeof shown);
            table_cell(t, "%s", shown);
            table_cell(t, "%s - %s", label, x->baseline);
            for (size_t f = 0; f < FIELDS; f++) {
                difference_text(e, evidence_find(e, places[i].b, places[i].ratio, label, 0),
                                evidence_find(e, places[i].b, places[i].ratio, x->baseline, 0), fields[f], shown,
                                sizeof shown);
                table_cell(t, "%s", shown);
            }
        }
    return t;
}

/* How many of the table's differences have each verdict. */
static void say_verdicts(report *r, const evidence *e, const place *places, size_t count) {
    const experiment *x = &e->study->e;
    size_t verdicts[4] = {0}, all = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t n = 0; n < x->entry_count; n++) {
            const long c = usable_cell(e, &places[i], x->entries[n].label),
                       base = usable_cell(e, &places[i], x->baseline);
            if (c < 0 || base < 0 || c == base) continue;
            for (size_t f = 0; f < FIELDS; f++, all++)
                verdicts[compare_cells(e, (size_t)c, (size_t)base, fields[f]).verdict]++;
        }
    if (all)
        report_say(
            r, "Of %zu paired differences to `%s` at margin %g: %zu equivalent, %zu unclear, %zu better, %zu worse.",
            all, x->baseline, STAT_MARGIN, verdicts[STAT_EQUIVALENT], verdicts[STAT_UNCLEAR], verdicts[STAT_BETTER],
            verdicts[STAT_WORSE]);
}

/* --- the identity ------------------------------------------------------------------------------------------------ */

enum { BATCHES = 1000, IMAGES = 4, PIXELS = 64, ELEMENTS = IMAGES * PIXELS };

/* Logits of any size, and masks of any share of defects with at least one of them. */
static void draw_batch(rng *stream, float *logit, float *mask) {
    const float scale = rng_range(stream, 0.1f, 8), share = rng_uniform(stream);
    for (size_t i = 0; i < ELEMENTS; i++) {
        logit[i] = scale * rng_normal(stream);
        mask[i] = rng_uniform(stream) < share ? 1 : 0;
    }
    mask[rng_below(stream, ELEMENTS)] = 1;
}

static int identity_gap(const loss *dice, const loss *iou, rng *stream, void *scratch, double *gap, lb_error *error) {
    float logit[ELEMENTS], mask[ELEMENTS];
    const loss_batch batch = {.images = IMAGES, .channels = 1, .pixels = PIXELS, .input = logit, .target = mask};
    double dice_loss, iou_loss;
    draw_batch(stream, logit, mask);
    int code = loss_eval(dice, &batch, LOSS_MEAN, &dice_loss, NULL, NULL, scratch, error);
    if (!code) code = loss_eval(iou, &batch, LOSS_MEAN, &iou_loss, NULL, NULL, scratch, error);
    if (!code) *gap = fmax(*gap, fabs((1 - dice_loss) - 2 * (1 - iou_loss) / (1 + (1 - iou_loss))));
    return code;
}

/* Largest deviation from 1 - L_dice = 2 (1 - L_iou) / (1 + (1 - L_iou)) over random batches, without smoothing. */
static int largest_gap(double *out, lb_error *error) {
    static const loss_batch shape = {.images = IMAGES, .channels = 1, .pixels = PIXELS};
    rng stream = rng_from_text("dice-iou-identity");
    loss *dice = loss_parse("dice(batch=on, smooth_nr=0, smooth_dr=0)", error);
    loss *iou = dice ? loss_parse("iou(batch=on, smooth_nr=0, smooth_dr=0)", error) : NULL;
    int code = iou ? LB_OK : LB_INTERNAL;
    void *scratch = iou ? malloc(loss_scratch(dice, &shape) + loss_scratch(iou, &shape) + 1) : NULL;
    if (!code && !scratch) code = lb_fail_memory(error, "the identity of Dice and IoU");
    *out = 0;
    for (size_t i = 0; !code && i < BATCHES; i++) code = identity_gap(dice, iou, &stream, scratch, out, error);
    free(scratch);
    loss_free(iou);
    loss_free(dice);
    return code;
}

static int say_identity(report *r, lb_error *error) {
    double gap;
    const int code = largest_gap(&gap, error);
    if (!code)
        report_say(r,
                   "The identity of the losses themselves, 1 - L_dice = 2 (1 - L_iou) / (1 + (1 - L_iou)) without "
                   "smoothing, holds on %d random batches of %d masks of %d pixels with a largest deviation of %.1e.",
                   BATCHES, IMAGES, PIXELS, gap);
    return code;
}

int analyse_equivalence(report *r, const evidence *e, lb_error *error) {
    static place places[MAX_PLACES];
    const size_t count = places_of(e->study, places);
    char caption[500];
    snprintf(
        caption, sizeof caption,
        "Paired differences to the baseline, same data, weights and batches: mean with 95 %% interval and verdict, "
        "equivalent where the whole interval lies inside %g. Instances are found at the threshold for %s of "
        "an image's largest logit.%s",
        STAT_MARGIN, levels_name(e, places, count), levels_note(e, places, count));
    int code =
        report_table(r, e->study, "difference", difference_table(e, places, count), TABLE_INLINE, caption, error);
    if (!code) say_verdicts(r, e, places, count);
    return code ? code : say_identity(r, error);
}
