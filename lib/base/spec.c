#include "lib/base/spec.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *skip_space(const char *s) {
    while (isspace((unsigned char)*s)) s++;
    return s;
}

static int is_name_character(char c) { return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.'; }

/* Copies [begin, end) without surrounding space; 0 if it does not fit. */
static int copy_trimmed(const char *begin, const char *end, char *out, size_t size) {
    begin = skip_space(begin);
    while (end > begin && isspace((unsigned char)end[-1])) end--;
    if (end < begin) end = begin;
    const size_t length = (size_t)(end - begin);
    if (length >= size) return 0;
    memcpy(out, begin, length);
    out[length] = '\0';
    return 1;
}

int spec_split(const char **text, const char *what, char *name, char *args, lb_error *error) {
    const char *begin = skip_space(*text), *end = begin;
    while (is_name_character(*end)) end++;
    if (end == begin) return lb_fail(error, LB_INVALID, "expected the name of a %s at '%.40s'", what, begin);
    if (!copy_trimmed(begin, end, name, SPEC_MAX_TEXT)) return lb_fail(error, LB_INVALID, "%s name is too long", what);
    args[0] = '\0';
    *text = end;
    begin = skip_space(end);
    if (*begin != '(') return LB_OK;
    end = strchr(begin, ')');
    if (!end) return lb_fail(error, LB_INVALID, "%s '%s': the '(' is not closed by ')'", what, name);
    if (!copy_trimmed(begin + 1, end, args, SPEC_MAX_TEXT))
        return lb_fail(error, LB_INVALID, "%s '%s': more than %d characters of parameters", what, name,
                       SPEC_MAX_TEXT - 1);
    *text = end + 1;
    return LB_OK;
}

static const param *find_row(const char *key, const param *table, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i].name, key) == 0) return &table[i];
    return NULL;
}

static void list_names(const param *table, size_t count, char *out, size_t size) {
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < count && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", table[i].name);
}

static void list_words(const param *row, char *out, size_t size) {
    size_t used = 0;
    out[0] = '\0';
    for (const param_word *w = row->words; w && w->word && used < size; w++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", w == row->words ? "" : ", ", w->word);
}

static int fail_range(lb_error *error, const char *owner, const param *row, const char *text) {
    char words[200];
    list_words(row, words, sizeof words);
    if (row->scale == PARAM_CHOICE)
        return lb_fail(error, LB_INVALID, "%s: %s=%s is not one of: %s", owner, row->name, text, words);
    return lb_fail(error, LB_INVALID, "%s: %s=%s is not a%s number from %g to %g%s%s", owner, row->name, text,
                   row->scale == PARAM_INTEGER ? " whole" : "", row->low, row->high, words[0] ? " or one of: " : "",
                   words);
}

int spec_set(const char *key, const char *value_text, const char *owner, const param *table, size_t count,
             double *values, lb_error *error) {
    const param *row = find_row(key, table, count);
    if (!row) {
        char names[300];
        list_names(table, count, names, sizeof names);
        return lb_fail(error, LB_INVALID, "%s has no parameter '%s'; it has: %s", owner, key,
                       count ? names : "none at all");
    }
    for (const param_word *w = row->words; w && w->word; w++)
        if (strcmp(w->word, value_text) == 0) {
            values[row - table] = w->value;
            return LB_OK;
        }
    char *end;
    const double value = strtod(value_text, &end);
    const int is_number = end != value_text && *skip_space(end) == '\0' && isfinite(value);
    if (!is_number || row->scale == PARAM_CHOICE || value < row->low || value > row->high ||
        (row->scale == PARAM_INTEGER && value != floor(value)))
        return fail_range(error, owner, row, value_text);
    values[row - table] = value;
    return LB_OK;
}

/* Reads one "key=value" in [begin, end). */
static int read_pair(const char *begin, const char *end, const char *owner, const param *table, size_t count,
                     double *values, unsigned *seen, lb_error *error) {
    char key[SPEC_MAX_TEXT], value[SPEC_MAX_TEXT];
    const char *equals = memchr(begin, '=', (size_t)(end - begin));
    if (!equals || !copy_trimmed(begin, equals, key, sizeof key) || !copy_trimmed(equals + 1, end, value, sizeof value))
        return lb_fail(error, LB_INVALID, "%s: expected name=value at '%.*s'", owner, (int)(end - begin), begin);
    if (spec_set(key, value, owner, table, count, values, error)) return LB_INVALID;
    const unsigned bit = 1u << (find_row(key, table, count) - table);
    if (*seen & bit) return lb_fail(error, LB_INVALID, "%s: parameter '%s' is given twice", owner, key);
    *seen |= bit;
    return LB_OK;
}

int spec_read(const char *args, const char *owner, const param *table, size_t count, double *values, lb_error *error) {
    unsigned seen = 0;
    for (size_t i = 0; i < count; i++) values[i] = table[i].fallback;
    const char *at = skip_space(args);
    while (*at) {
        const char *end = at + strcspn(at, ",");
        if (read_pair(at, end, owner, table, count, values, &seen, error)) return LB_INVALID;
        at = *end ? skip_space(end + 1) : end;
    }
    return LB_OK;
}

void spec_format_value(const param *row, double value, char *out, size_t size) {
    for (const param_word *w = row->words; w && w->word; w++)
        if (w->value == value) {
            snprintf(out, size, "%s", w->word);
            return;
        }
    for (int digits = value == floor(value) && fabs(value) < 1e9 ? 9 : 1; digits <= 17; digits++) {
        snprintf(out, size, "%.*g", digits, value); /* whole numbers without an exponent */
        if (strtod(out, NULL) == value) return;
    }
}

int spec_format(const char *name, const param *table, size_t count, const double *values, int only_changed, char *out,
                size_t size) {
    char value[64];
    size_t used = (size_t)snprintf(out, size, "%s", name);
    int written = 0;
    for (size_t i = 0; i < count && used < size; i++) {
        if (only_changed && values[i] == table[i].fallback) continue;
        spec_format_value(&table[i], values[i], value, sizeof value);
        used += (size_t)snprintf(out + used, size - used, "%s%s=%s", written++ ? ", " : "(", table[i].name, value);
    }
    if (written && used < size) used += (size_t)snprintf(out + used, size - used, ")");
    return used < size ? LB_OK : LB_INVALID;
}
