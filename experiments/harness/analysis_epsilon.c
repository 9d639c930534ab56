/* Dice and its smoothing: trained over the share of empty masks, and evaluated without training on an empty mask and on
   one of a single pixel. */
#include "experiments/harness/mask_analysis.h"
#include "lib/base/repro_math.h"
#include "lib/loss/loss.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- trained ----------------------------------------------------------------------------------------------------- */

typedef enum { SMOOTH_OTHER, SMOOTH_NONE, SMOOTH_BOTH, SMOOTH_DENOMINATOR } smoothing;

/* Of Dice image by image; anything else, also Dice over the batch, is OTHER. */
static smoothing smoothing_of(const char *expression) {
    double nr, dr;
    if (strncmp(expression, "dice(", 5) != 0 || strstr(expression, "batch=on") ||
        !argument_number(expression, "smooth_nr", &nr) || !argument_number(expression, "smooth_dr", &dr))
        return SMOOTH_OTHER;
    if (nr == 0) return dr == 0 ? SMOOTH_NONE : SMOOTH_DENOMINATOR;
    return nr == dr ? SMOOTH_BOTH : SMOOTH_OTHER;
}

/* Share of training images with an empty mask; a natural ratio's as trained. */
static double empty_share(const evidence *e, const place *p) {
    double goods = p->ratio;
    for (size_t c = 0; !p->ratio && !(goods > 0) && c < e->study->cell_count; c++)
        if (e->study->cells[c].block == p->b && e->study->cells[c].ratio == p->ratio) goods = trained_ratio(e, c);
    return goods / (goods + 1);
}

/* Dice without smoothing, which the others are compared with; -1: not run. */
static long unsmoothed(const evidence *e, const place *p) {
    for (size_t i = 0; i < e->study->e.entry_count; i++)
        if (smoothing_of(e->study->e.entries[i].loss) == SMOOTH_NONE)
            return evidence_find(e, p->b, p->ratio, e->study->e.entries[i].label, 0);
    return -1;
}

static void trained_row(table *t, const evidence *e, const place *p, long c) {
    char shown[PLACE_LABEL];
    const troubles bad = troubles_of(e, (size_t)c);
    place_heading(e, p, shown, sizeof shown);
    table_cell(t, "%s", shown);
    table_cell(t, "%.1f", 100 * empty_share(e, p));
    table_cell(t, "%s", e->study->cells[c].entry->label);
    field_text(e, c, field_recall, shown, sizeof shown);
    table_cell(t, "%s", shown);
    difference_text(e, c, unsmoothed(e, p), field_recall, shown, sizeof shown);
    table_cell(t, "%s", shown);
    const double sd = estimate_field(e, (size_t)c, field_recall).sd;
    table_cell(t, isfinite(sd) ? "%.3f" : " ", sd);
    field_text(e, c, field_dice, shown, sizeof shown);
    table_cell(t, "%s", shown);
    table_cell(t, "%u", bad.not_started);
    table_cell(t, "%u", bad.diverged);
}

static table *trained_table(const evidence *e, const place *places, size_t count) {
    static const char *const headers[] = {
        "block",         "empty masks, %",         "loss",          "recall",  "difference to no smoothing",
        "sd over seeds", "Dice, select threshold", "did not start", "diverged"};
    table *t = table_new(headers, 9);
    for (size_t i = 0; t && i < count; i++)
        for (size_t c = 0; c < e->study->cell_count; c++)
            if (e->study->cells[c].block == places[i].b && e->study->cells[c].ratio == places[i].ratio)
                trained_row(t, e, &places[i], (long)c);
    return t;
}

/* Losses of one figure: one way of smoothing beside no smoothing and the other losses. */
static size_t family_lines(const experiment *x, smoothing wanted, const char **labels) {
    size_t lines = 0, of_family = 0;
    for (size_t n = 0; n < x->entry_count; n++) {
        const smoothing kind = smoothing_of(x->entries[n].loss);
        of_family += kind == wanted;
        if (kind == wanted || kind == SMOOTH_NONE || kind == SMOOTH_OTHER) labels[lines++] = x->entries[n].label;
    }
    return of_family ? lines : 0;
}

/* The places of a block, by their share of empty masks. */
static size_t places_here(const evidence *e, const block *b, place *here, double *share) {
    static place all[MAX_PLACES];
    size_t n = 0;
    for (size_t i = 0, count = places_of(e->study, all); i < count; i++) {
        if (all[i].b != b || n == MAX_RATIOS) continue;
        share[n] = empty_share(e, &all[i]);
        here[n++] = all[i];
    }
    order_places(here, share, n);
    return n;
}

static table *family_table(const evidence *e, const place *here, const double *share, size_t count,
                           const char *const *labels, size_t lines) {
    table *t = bands_new("share of empty masks", labels, lines);
    for (size_t i = 0; t && i < count; i++) {
        table_cell(t, "%.4f", share[i]);
        for (size_t l = 0; l < lines; l++) {
            const long c = usable_cell(e, &here[i], labels[l]);
            const estimate at = c < 0 ? (estimate){.mean = (double)NAN} : estimate_field(e, (size_t)c, field_recall);
            bands_add(t, &at, 0, 1);
        }
    }
    return t;
}

static int family_figure(report *r, const evidence *e, const block *b, smoothing wanted, lb_error *error) {
    const char *labels[MAX_ENTRIES], *ways = wanted == SMOOTH_BOTH ? "both" : "denominator";
    place here[MAX_RATIOS];
    double share[MAX_RATIOS];
    char name[LABEL + 20], title[LABEL + 60], caption[600], marks[400] = "";
    const size_t lines = family_lines(&e->study->e, wanted, labels), count = places_here(e, b, here, share);
    if (!lines || count < 2) return LB_OK;
    for (size_t i = 0, used = 0; i < count && used < sizeof marks; i++)
        used += (size_t)snprintf(marks + used, sizeof marks - used, "%s%.0f=%.4f", used ? " " : "", 100 * share[i],
                                 share[i]);
    snprintf(name, sizeof name, "%s-%s", ways, b->label);
    snprintf(title, sizeof title, "%s: smoothing in %s", b->label,
             wanted == SMOOTH_BOTH ? "numerator and denominator" : "the denominator only");
    snprintf(caption, sizeof caption,
             "%s: %s over the share of empty masks in train, mean of %u seeds with 95 %% interval; Dice smoothed in "
             "%s, beside none and the other losses.",
             b->label, recall_name(e, &here[0]), e->study->e.seeds,
             wanted == SMOOTH_BOTH ? "numerator and denominator alike" : "the denominator only");
    const figure_option options[] = {{"title", title},
                                     {"xlabel", "empty masks in train, %"},
                                     {"ylabel", recall_name(e, &here[0])},
                                     {"percent", "1"},
                                     {"xtics", marks},
                                     {"baseline", strcmp(labels[0], "bce") == 0 ? NULL : "0"},
                                     {NULL, NULL}};
    return report_figure(r, e->study, "bands", name, family_table(e, here, share, count, labels, lines), options,
                         caption, error);
}

/* --- without training -------------------------------------------------------------------------------------------- */

enum { SIDE = 32, PIXELS = SIDE * SIDE, Z_LIMIT = 40, LOGITS = 2 * Z_LIMIT + 1, SETTINGS = 7, MASKS = 2 };

static const struct {
    const char *label;
    double nr, dr;
} settings[SETTINGS] = {{"none", 0, 0},         {"both 1e-6", 1e-6, 1e-6},     {"both 1e-3", 1e-3, 1e-3},
                        {"both 1", 1, 1},       {"denominator 1e-6", 0, 1e-6}, {"denominator 1e-3", 0, 1e-3},
                        {"denominator 1", 0, 1}};
static const char *const mask_names[MASKS] = {"empty", "one pixel"}; /* by the number of defect pixels */

/* Dice of one image at a constant logit: the loss, the Euclidean norm of its gradient by the logits, and how many of
   these PIXELS + 1 numbers are not finite. */
typedef struct {
    double value, norm;
    size_t not_finite;
} probe;

typedef struct {
    probe at[SETTINGS][MASKS][LOGITS]; /* logits -Z_LIMIT .. Z_LIMIT */
} probes;

static int probe_at(const loss *l, size_t defects, float z, probe *out, lb_error *error) {
    float logit[PIXELS], mask[PIXELS] = {0}, slope[PIXELS];
    const loss_batch batch = {
        .images = 1, .channels = 1, .pixels = PIXELS, .width = SIDE, .input = logit, .target = mask};
    for (size_t i = 0; i < PIXELS; i++) logit[i] = z;
    if (defects) mask[PIXELS / 2 + SIDE / 2] = 1;
    void *scratch = malloc(loss_scratch(l, &batch) + 1);
    if (!scratch) return lb_fail_memory(error, "the evaluation of dice");
    const int code = loss_eval(l, &batch, LOSS_MEAN, &out->value, NULL, slope, scratch, error);
    free(scratch);
    if (code) return code;
    double squares = 0;
    out->not_finite = isfinite(out->value) ? 0u : 1u;
    for (size_t i = 0; i < PIXELS; i++) {
        squares += (double)slope[i] * (double)slope[i];
        out->not_finite += isfinite(slope[i]) ? 0u : 1u;
    }
    out->norm = sqrt(squares);
    return LB_OK;
}

static int probe_all(probes *out, lb_error *error) {
    int code = LB_OK;
    for (size_t s = 0; !code && s < SETTINGS; s++) {
        char expression[80];
        snprintf(expression, sizeof expression, "dice(smooth_nr=%g, smooth_dr=%g)", settings[s].nr, settings[s].dr);
        loss *l = loss_parse(expression, error);
        if (!l) return LB_INTERNAL;
        for (size_t m = 0; m < MASKS; m++)
            for (int z = 0; !code && z < LOGITS; z++)
                code = probe_at(l, m, (float)(z - Z_LIMIT), &out->at[s][m][z], error);
        loss_free(l);
    }
    return code;
}

static table *probe_table(const probes *all) {
    static const char *const headers[] = {"mask", "smoothing", "logit", "Dice loss", "gradient norm", "not finite"};
    enum { STEP = 5 };
    table *t = table_new(headers, 6);
    for (size_t m = 0; t && m < MASKS; m++)
        for (size_t s = 0; s < SETTINGS; s++)
            for (int z = 0; z < LOGITS; z += STEP) {
                const probe *at = &all->at[s][m][z];
                table_cell(t, "%s", mask_names[m]);
                table_cell(t, "%s", settings[s].label);
                table_cell(t, "%d", z - Z_LIMIT);
                table_cell(t, "%.6g", at->value);
                table_cell(t, "%.3g", at->norm);
                table_cell(t, "%zu", at->not_finite);
            }
    return t;
}

/* The logit of the largest gradient on the empty mask, as an index. */
static int peak_of(const probes *all, size_t s) {
    int peak = 0;
    for (int z = 1; z < LOGITS; z++)
        if (all->at[s][0][z].norm > all->at[s][0][peak].norm) peak = z;
    return peak;
}

static int has_gradient(const probes *all, size_t s) { return all->at[s][0][peak_of(all, s)].norm > 0; }

/* log10 of the gradient norm on the empty mask over the logit, of the settings that have a gradient at all. */
static int gradient_figure(report *r, const evidence *e, const probes *all, lb_error *error) {
    const char *labels[SETTINGS];
    size_t lines = 0, shown[SETTINGS];
    for (size_t s = 0; s < SETTINGS; s++) {
        if (!has_gradient(all, s)) continue;
        labels[lines] = settings[s].label;
        shown[lines++] = s;
    }
    if (!lines) return LB_OK;
    table *t = bands_new("logit", labels, lines);
    for (int z = 0; t && z < LOGITS; z++) {
        table_cell(t, "%d", z - Z_LIMIT);
        for (size_t l = 0; l < lines; l++) {
            const double norm = all->at[shown[l]][0][z].norm;
            bands_add_value(t, norm > 0 ? repro_log(norm) / repro_log(10) : (double)NAN);
        }
    }
    const figure_option options[] = {{"title", "Dice on an empty mask"},
                                     {"xlabel", "logit of all pixels"},
                                     {"ylabel", "log10 of the gradient norm"},
                                     {"ymin", "-12"},
                                     {"ymax", "0"},
                                     {"points", "0"},
                                     {"baseline", "0"},
                                     {NULL, NULL}};
    return report_figure(r, e->study, "bands", "gradient", t, options,
                         "Norm of the gradient of Dice by the logits of one image of 32x32 pixels with an empty mask, "
                         "all logits equal; evaluated, not trained. Smoothings whose gradient is 0 throughout are "
                         "left out.",
                         error);
}

static void say_probes(report *r, const probes *all) {
    size_t not_finite = 0;
    text zero = {0}, peaks = {0};
    for (size_t s = 0; s < SETTINGS; s++) {
        for (size_t m = 0; m < MASKS; m++)
            for (size_t z = 0; z < LOGITS; z++) not_finite += all->at[s][m][z].not_finite;
        const int peak = peak_of(all, s);
        if (has_gradient(all, s))
            text_add(&peaks, "%s %.1e at logit %d (*%s*)", peaks.length ? "," : "", all->at[s][0][peak].norm,
                     peak - Z_LIMIT, settings[s].label);
        else
            text_add(&zero, "%s *%s*", zero.length ? "," : "", settings[s].label);
    }
    report_say(r,
               "Without training: Dice with %d smoothings, at constant logits from -%d to %d, on an empty mask and on "
               "a mask of one of %d pixels: %zu of its values and derivatives are not finite. On the empty mask the "
               "gradient is exactly 0 at every logit for%s; its norm is largest for the others with%s.",
               SETTINGS, Z_LIMIT, Z_LIMIT, PIXELS, not_finite, zero.data ? zero.data : " none of them",
               peaks.data ? peaks.data : " no value");
    text_free(&zero);
    text_free(&peaks);
}

static int report_probes(report *r, const evidence *e, lb_error *error) {
    static probes all; /* large */
    int code = probe_all(&all, error);
    if (code) return code;
    say_probes(r, &all);
    code = gradient_figure(r, e, &all, error);
    if (!code)
        code = report_table(r, e->study, "analytic", probe_table(&all), TABLE_LINKED,
                            "loss, gradient norm and numbers that are not finite for each smoothing, at constant "
                            "logits, without training.",
                            error);
    return code;
}

int analyse_epsilon(report *r, const evidence *e, lb_error *error) {
    static place places[MAX_PLACES];
    const size_t count = places_of(e->study, places);
    char caption[500];
    snprintf(caption, sizeof caption,
             "Trained: image recall at %s (ROC point), its paired difference to Dice without smoothing with "
             "verdict at margin %g, its spread over seeds, and the seeds that did not start or diverged.%s",
             levels_name(e, places, count), STAT_MARGIN, levels_note(e, places, count));
    int code = report_table(r, e->study, "trained", trained_table(e, places, count), TABLE_INLINE, caption, error);
    for (size_t i = 0; !code && i < e->study->e.block_count; i++) {
        code = family_figure(r, e, &e->study->e.blocks[i], SMOOTH_BOTH, error);
        if (!code) code = family_figure(r, e, &e->study->e.blocks[i], SMOOTH_DENOMINATOR, error);
    }
    return code ? code : report_probes(r, e, error);
}
