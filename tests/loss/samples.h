/* Batches of every kind for the loss tests, small and repeatable, in the precision of the loss.h that was included
   before. What a scenario means for a kind is written at its line. */
#ifndef TESTS_LOSS_SAMPLES_H
#define TESTS_LOSS_SAMPLES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum {
    SAMPLE_MIXED,     /* both classes, scores on either side */
    SAMPLE_OTHER,     /* the same with another draw and scores four times as far out */
    SAMPLE_NEGATIVE,  /* no defect; every item of class 0; boxes that do not overlap */
    SAMPLE_POSITIVE,  /* all defect; every item of the last class; boxes inside their targets */
    SAMPLE_ONE,       /* one image (item, box) of one pixel */
    SAMPLE_ONE_IMAGE, /* one image */
    SAMPLE_COUNT
} sample_scenario;

enum { SAMPLE_SIZE = 3 * 3 * 30 };

typedef struct {
    loss_batch batch;
    loss_real input[SAMPLE_SIZE], target[SAMPLE_SIZE], weight[SAMPLE_SIZE];
    unsigned char ignore[SAMPLE_SIZE];
    int classes[SAMPLE_SIZE];
    double counts[8];
} sample;

/* A hash of two numbers, in [0,1). */
static inline double sample_noise(unsigned a, unsigned b) {
    unsigned x = a * 2654435761u ^ (b + 1) * 2246822519u;
    x ^= x >> 15;
    x *= 2246822519u;
    x ^= x >> 13;
    x *= 3266489917u;
    x ^= x >> 16;
    return (double)(x >> 8) / 16777216;
}

static inline void sample_boxes(sample *s, sample_scenario scenario, unsigned draw) {
    for (size_t i = 0; i < s->batch.images; i++) {
        double r[8];
        for (unsigned k = 0; k < 8; k++) r[k] = sample_noise(draw + (unsigned)i, 100 + k);
        const double x = 3 + 4 * r[0], y = 3 + 4 * r[1], w = 1 + 3 * r[2], h = 1 + 3 * r[3];
        double dx = (r[4] - 0.5) * 4, dy = (r[5] - 0.5) * 4, scale = 0.4 + r[6], squeeze = 0.6 + r[7];
        if (scenario == SAMPLE_NEGATIVE) dx = 9 + dx;
        if (scenario == SAMPLE_POSITIVE) dx = dy = 0.05 * r[4], scale = 0.3 + 0.2 * r[6], squeeze = 0.9 + 0.1 * r[7];
        const double half_w = 0.5 * w * scale, half_h = 0.5 * h * scale * squeeze;
        const double box[4] = {x + dx - half_w, y + dy - half_h, x + dx + half_w, y + dy + half_h};
        const double target[4] = {x - 0.5 * w, y - 0.5 * h, x + 0.5 * w, y + 0.5 * h};
        for (size_t k = 0; k < 4; k++) {
            s->input[4 * i + k] = (loss_real)box[k];
            s->target[4 * i + k] = (loss_real)target[k];
        }
    }
}

static inline void sample_fill(sample *s, loss_kind form, sample_scenario scenario) {
    const unsigned draw = scenario == SAMPLE_OTHER ? 5000 : 0;
    const double spread = scenario == SAMPLE_OTHER ? 12 : 3;
    memset(s, 0, sizeof *s);
    loss_batch *b = &s->batch;
    *b = (loss_batch){.images = 3, .channels = 1, .pixels = 30, .width = 6, .input = s->input, .target = s->target};
    if (form == LOSS_BINARY || form == LOSS_REGRESSION) b->images = 45, b->pixels = 1, b->width = 0;
    if (form == LOSS_MULTICLASS)
        b->channels = 3, b->target = NULL, b->classes = s->classes, b->class_counts = s->counts;
    if (form == LOSS_BOX) b->images = 20, b->channels = 4, b->pixels = 1, b->width = 0;
    if (scenario == SAMPLE_ONE || scenario == SAMPLE_ONE_IMAGE) b->images = 1;
    if (scenario == SAMPLE_ONE) b->pixels = 1, b->width = b->width ? 1 : 0;
    for (int c = 0; c < 8; c++) s->counts[c] = 900 >> (2 * c);
    const size_t n = b->images * b->channels * b->pixels;
    for (size_t i = 0; i < n; i++) {
        const double u = sample_noise(draw + (unsigned)i, 1);
        const int defect = scenario == SAMPLE_POSITIVE ? 1 : scenario == SAMPLE_NEGATIVE ? 0 : u < 0.3;
        s->input[i] = (loss_real)(spread * (2 * sample_noise(draw + (unsigned)i, 2) - 1) + (defect ? 0.4 : -0.4));
        s->target[i] = form == LOSS_REGRESSION ? (loss_real)(4 * u - 2) : (loss_real)defect;
        s->classes[i] = scenario == SAMPLE_POSITIVE ? 2 : scenario == SAMPLE_NEGATIVE ? 0 : (int)(3 * u * u);
        s->weight[i] = (loss_real)(0.5 + sample_noise(draw + (unsigned)i, 3));
    }
    if (form == LOSS_BOX) sample_boxes(s, scenario, draw);
}

/* The indices of all losses into index[128], or of those that TEST_LOSSES=dice,iou names; how many. */
static inline size_t sample_losses(size_t *index) {
    const char *asked = getenv("TEST_LOSSES");
    size_t count = 0;
    for (size_t i = 0; loss_type_at(i) && i < 128; i++) {
        char padded[1000], name[80];
        snprintf(padded, sizeof padded, ",%s,", asked ? asked : "");
        snprintf(name, sizeof name, ",%s,", loss_type_at(i)->name);
        if (!asked || !*asked || strstr(padded, name)) index[count++] = i;
    }
    return count;
}

static inline size_t sample_size(const sample *s) { return s->batch.images * s->batch.channels * s->batch.pixels; }

/* --- settings: every parameter of a loss, one at a time ------------------------------------------------------------
 */

enum { SETTING_TEXT = 200 };

/* Writes setting number `i` of a loss as an expression; 0 when there are no more. Number 0 is the defaults. */
static inline int setting(const loss_type *type, size_t i, char *out) {
    snprintf(out, SETTING_TEXT, "%s", type->name);
    if (i-- == 0) return 1;
    for (size_t p = 0; p < type->param_count; p++) {
        const param *row = &type->params[p];
        for (const param_word *w = row->words; w && w->word; w++)
            if (i-- == 0) return snprintf(out, SETTING_TEXT, "%s(%s=%s)", type->name, row->name, w->word) > 0;
        if (row->scale == PARAM_CHOICE) continue;
        double twentieth = row->low + (row->high - row->low) / 20;
        if (row->scale == PARAM_INTEGER) twentieth = (double)(long)twentieth;
        const double places[] = {row->low, row->high, twentieth, row->tune_low, row->tune_high};
        const size_t count = row->tune_low < row->tune_high ? 5 : 3;
        if (i < count) return snprintf(out, SETTING_TEXT, "%s(%s=%.17g)", type->name, row->name, places[i]) > 0;
        i -= count;
    }
    return 0;
}

#define EACH_SETTING(type, text) for (size_t number = 0; setting(type, number, text); number++)
/* A regression loss among box losses takes boxes; alone it takes their coordinates for so many numbers. */
#define EACH_FORM(l, form)                                                                                             \
    for (loss_kind form = LOSS_BINARY; form <= LOSS_BOX; form++)                                                       \
        if (loss_takes(l, form) && (form != LOSS_BOX || loss_kind_of(l) == LOSS_BOX))

/* A setting whose gradient is by definition not that of its value: a weight is constant for it. */
static inline int is_detached(const loss_type *type, const char *expression) {
    if (strstr(expression, "detached=on") || strstr(expression, "gradient=unit")) return 1;
    if (strstr(expression, "detached=off")) return 0;
    return strstr(type->summary, "constant for the gradient") != NULL;
}

/* The expression with its autos resolved for 900 goods and 100 defects; NULL if a setting is refused by `check`. */
static inline loss *sample_loss(const char *expression, lb_error *error) {
    loss *l = loss_parse(expression, error);
    const loss_counts counts = {.good = 900, .defect = 100};
    if (l && loss_resolve(l, &counts, error)) {
        loss_free(l);
        return NULL;
    }
    return l;
}

/* loss_eval with scratch of its own; the code. */
static inline int sample_eval(const loss *l, const loss_batch *batch, loss_reduction reduction, double *value,
                              loss_real *values, loss_real *grad, lb_error *error) {
    const size_t bytes = loss_scratch(l, batch);
    void *scratch = malloc(bytes ? bytes : 1);
    const int code = scratch ? loss_eval(l, batch, reduction, value, values, grad, scratch, error)
                             : lb_fail_memory(error, "scratch");
    free(scratch);
    return code;
}

#endif
