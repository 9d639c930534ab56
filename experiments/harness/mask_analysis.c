#include "experiments/harness/mask_analysis.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *recall_name(const evidence *e, const place *p) {
    return level_at(e, p) == FR_HEADLINE ? "recall at FR 1 %" : "recall at FR 5 %";
}

/* What is read at the level of the place: it lacks a number where the goods are too few for that level. */
static int needs_level(measure_field field) {
    return field == field_recall || field == field_recall_max || field == field_instance_recall ||
           field == field_box_recall;
}

const char *missing_field(const evidence *e, long c, measure_field field) {
    if (c < 0) return "not run";
    const char *word = missing_word(e, (size_t)c);
    if (strcmp(word, "tied") == 0) return field == field_recall ? word : "";
    return strcmp(word, "failed") == 0 || needs_level(field) ? word : "";
}

long usable_field(const evidence *e, const place *p, const char *label, measure_field field) {
    const long c = evidence_find(e, p->b, p->ratio, label, 0);
    return *missing_field(e, c, field) ? -1 : c;
}

size_t ranked_cells(const evidence *e, const place *p, measure_field field, size_t *cells) {
    const experiment *x = &e->study->e;
    double mean[MAX_ENTRIES];
    size_t count = 0;
    for (size_t n = 0; n < x->entry_count; n++) {
        const long c = usable_field(e, p, x->entries[n].label, field);
        const double here = c < 0 ? (double)NAN : estimate_field(e, (size_t)c, field).mean;
        if (!isfinite(here)) continue;
        size_t at = count++;
        for (; at && mean[at - 1] < here; at--) {
            mean[at] = mean[at - 1];
            cells[at] = cells[at - 1];
        }
        mean[at] = here;
        cells[at] = (size_t)c;
    }
    return count;
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
