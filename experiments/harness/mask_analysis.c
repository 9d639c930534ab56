#include "experiments/harness/mask_analysis.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *recall_name(const evidence *e, const place *p) {
    return level_at(e, p) == FR_HEADLINE ? "recall at FR 1 %" : "recall at FR 5 %";
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
