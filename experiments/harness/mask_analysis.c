#include "experiments/harness/mask_analysis.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the first cell of the place that knows better than the default: a cell may have diverged altogether. */
static size_t place_level(const evidence *e, const place *p) {
    for (size_t c = 0; c < e->study->cell_count; c++) {
        const cell *at = &e->study->cells[c];
        if (at->block == p->b && at->ratio == p->ratio && evidence_level(e, c) != FR_HEADLINE) return FR_FALLBACK;
    }
    return FR_HEADLINE;
}

const char *recall_name(const evidence *e, const place *p) {
    return place_level(e, p) == FR_HEADLINE ? "recall at FR 1 %" : "recall at FR 5 %";
}

void recall_place(const evidence *e, const place *p, char *out, size_t size) {
    char label[PLACE_LABEL];
    place_label(p, label, sizeof label);
    snprintf(out, size, "%s%s", label, place_level(e, p) == FR_HEADLINE ? "" : " (FR 5 %)");
}

const char *level_note(const evidence *e) {
    for (size_t c = 0; c < e->study->cell_count; c++)
        if (evidence_level(e, c) != FR_HEADLINE) return " (5 % where marked)";
    return "";
}

/* Why a cell has no number of this kind, or "". */
static const char *missing_field(const evidence *e, long c, measure_field field) {
    if (c < 0) return "not run";
    const char *word = missing_word(e, (size_t)c);
    return field == field_recall || strcmp(word, "failed") == 0 ? word : "";
}

void field_text(const evidence *e, long c, measure_field field, char *out, size_t size) {
    const char *missing = missing_field(e, c, field);
    const estimate value = *missing ? (estimate){0} : estimate_field(e, (size_t)c, field);
    if (*missing)
        snprintf(out, size, "%s", missing);
    else
        estimate_text(&value, 0, out, size);
}

void difference_text(const evidence *e, long a, long b, measure_field field, char *out, size_t size) {
    const char *missing = missing_field(e, a, field);
    if (!*missing && *missing_field(e, b, field)) missing = "nothing to compare with";
    if (!*missing && a == b) missing = "the same";
    if (*missing) {
        snprintf(out, size, "%s", missing);
        return;
    }
    char shown[WORDS];
    const comparison d = compare_cells(e, (size_t)a, (size_t)b, field);
    estimate_text(&d.difference, 1, shown, sizeof shown);
    snprintf(out, size, "%s %s", shown, stat_verdict_word(d.verdict));
}

static int is_name(char c) { return isalnum((unsigned char)c) || c == '_'; }

int argument_number(const char *expression, const char *key, double *out) {
    const size_t length = strlen(key);
    for (const char *at = strstr(expression, key); at; at = strstr(at + 1, key)) {
        if (at > expression && is_name(at[-1])) continue; /* the end of a longer name */
        const char *value = at + length;
        value += strspn(value, " ");
        if (*value != '=') continue;
        char *end;
        *out = strtod(value + 1, &end);
        return end != value + 1;
    }
    return 0;
}

void order_places(place *places, double *number, size_t count) {
    for (size_t i = 1; i < count; i++) {
        const place moved = places[i];
        const double key = number[i];
        size_t k = i;
        for (; k && number[k - 1] > key; k--) {
            places[k] = places[k - 1];
            number[k] = number[k - 1];
        }
        places[k] = moved;
        number[k] = key;
    }
}
