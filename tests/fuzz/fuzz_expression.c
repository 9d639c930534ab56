/* Any text as a loss expression: it is refused with a sentence; or its label reads back, it resolves, tunes, and
   evaluates on a batch of each kind it takes. */
#include "lib/loss/loss.h"

#include "tests/fuzz/fuzz.h"
#include "tests/loss/samples.h"

#include <math.h>

/* The label is the text for people: read again it gives the same loss. */
static void expect_round_trip(const loss *l) {
    lb_error error = {0};
    loss *again = loss_parse(loss_label(l), &error);
    fuzz_require(again != NULL, "'%s' does not read back: %s", loss_label(l), error.message);
    fuzz_require(strcmp(loss_text(again), loss_text(l)) == 0, "'%s' becomes '%s'", loss_text(l), loss_text(again));
    fuzz_require(strcmp(loss_label(again), loss_label(l)) == 0, "'%s' becomes '%s'", loss_label(l), loss_label(again));
    loss_free(again);
}

static void expect_evaluation(const loss *l, loss_kind form, loss_reduction reduction) {
    static sample s;
    static loss_real grad[SAMPLE_SIZE], values[LOSS_MAX_TERMS * SAMPLE_SIZE];
    lb_error error = {0};
    double value = 0;
    sample_fill(&s, form, reduction == LOSS_SUM ? SAMPLE_OTHER : SAMPLE_MIXED);
    s.batch.weight = reduction == LOSS_SUM ? s.weight : NULL;
    if (reduction == LOSS_NONE && !loss_value_count(l, &s.batch)) return;
    fuzz_require(loss_value_count(l, &s.batch) <= SAMPLE_SIZE, "%zu values", loss_value_count(l, &s.batch));
    const int code = sample_eval(l, &s.batch, reduction, &value, reduction == LOSS_NONE ? values : NULL, grad, &error);
    if (code) {
        fuzz_require_sentence(code, &error, loss_label(l));
        return;
    }
    fuzz_require(isfinite(value), "'%s' is %g", loss_label(l), value);
    for (size_t i = 0; i < sample_size(&s); i++)
        fuzz_require(isfinite(grad[i]), "'%s': gradient %zu is %g", loss_label(l), i, (double)grad[i]);
    for (size_t i = 0; reduction == LOSS_NONE && i < loss_value_count(l, &s.batch); i++)
        fuzz_require(isfinite(values[i]), "'%s': value %zu is %g", loss_label(l), i, (double)values[i]);
}

static void evaluate_all(const loss *l) {
    for (int form = LOSS_BINARY; form <= LOSS_BOX; form++)
        for (int reduction = LOSS_MEAN; loss_takes(l, (loss_kind)form) && reduction <= LOSS_NONE; reduction++)
            expect_evaluation(l, (loss_kind)form, (loss_reduction)reduction);
}

/* Every tunable parameter to an end of its range: the label follows, or the value is refused and nothing changes. */
static void tune(loss *l) {
    const size_t count = loss_tunables(l);
    for (size_t i = 0; i < count; i++) {
        char before[LOSS_MAX_TERMS * SPEC_MAX_TEXT];
        lb_error error = {0};
        const param *row = loss_tunable(l, i);
        snprintf(before, sizeof before, "%s", loss_text(l));
        const int code = loss_set_tunable(l, i, i % 2 ? row->tune_low : row->tune_high, &error);
        if (code) {
            fuzz_require_sentence(code, &error, loss_label(l));
            loss_resolve(l, NULL, NULL); /* writes the text anew */
            fuzz_require(strcmp(before, loss_text(l)) == 0, "a refused value changes '%s' to '%s'", before,
                         loss_text(l));
        }
        fuzz_require(loss_tunables(l) == count, "%zu tunables become %zu", count, loss_tunables(l));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const loss_counts counts = {.good = 900, .defect = 100}, impossible = {.good = 10, .defect = 0};
    lb_error error = {0};
    char *text = fuzz_room(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    loss *l = loss_parse(text, &error);
    free(text);
    if (!l) {
        fuzz_require_sentence(LB_INVALID, &error, "loss_parse");
        return 0;
    }
    expect_round_trip(l);
    evaluate_all(l); /* some still have an `auto` */
    loss *copy = loss_copy(l);
    fuzz_require(copy && strcmp(loss_text(copy), loss_text(l)) == 0, "a copy is '%s'", loss_text(copy));
    if (loss_resolve(copy, &impossible, &error)) fuzz_require_sentence(LB_INVALID, &error, loss_label(l));
    loss_free(copy);
    const int code = loss_resolve(l, &counts, &error);
    if (code) fuzz_require_sentence(code, &error, loss_label(l));
    tune(l);
    if (!code) {
        expect_round_trip(l);
        evaluate_all(l);
        const double prior = loss_prior_logit(l, 0.01);
        fuzz_require(isnan(prior) || fabs(prior) <= 30, "'%s': the prior logit is %g", loss_label(l), prior);
    }
    loss_free(l);
    return 0;
}
