/* Expressions of losses: "dice + 0.5*bce + 2*focal(gamma=3, alpha=0.9)" to terms, and back to text.

       expression = term { "+" term }      term = [ weight "*" ] name [ "(" parameter=value, ... ")" ] */
#include "lib/loss/expression.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const param weight_row = {.name = "weight", .low = 0, .high = 1e6, .scale = PARAM_LOG};

static const char *skip_space(const char *s) {
    while (isspace((unsigned char)*s)) s++;
    return s;
}

/* Ends in `return fail_at(...)`: the sentence with the place, counted in characters from 1. */
static int fail_at(lb_error *error, const char *expression, const char *at, const char *what) {
    if (!*at) return lb_fail(error, LB_INVALID, "%s at the end of '%.200s'", what, expression);
    return lb_fail(error, LB_INVALID, "%s at character %d of '%.200s': '%.40s'", what, (int)(at - expression) + 1,
                   expression, at);
}

/* Reads "weight *" if there is one. */
static int read_weight(const char *expression, const char **at, double *weight, lb_error *error) {
    const char *begin = skip_space(*at);
    *weight = 1;
    *at = begin;
    if (*begin == '-') return fail_at(error, expression, begin, "a weight is negative; weights are 0 or more");
    if (!isdigit((unsigned char)*begin) && *begin != '.') return LB_OK;
    char *end;
    *weight = strtod(begin, &end);
    if (end == begin) return fail_at(error, expression, begin, "expected a weight");
    if (!(*weight <= weight_row.high)) return fail_at(error, expression, begin, "a weight is above 1e6");
    *at = skip_space(end);
    if (**at != '*') return fail_at(error, expression, *at, "expected '*' between a weight and its loss");
    *at = skip_space(*at + 1);
    return LB_OK;
}

static int fail_unknown(lb_error *error, const char *expression, const char *at, const char *name) {
    char names[300];
    size_t used = 0;
    const loss_type *type;
    for (size_t i = 0; (type = loss_type_at(i)) && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", type->name);
    return lb_fail(error, LB_INVALID, "no loss is called '%.40s', at character %d of '%.100s'; there are: %s", name,
                   (int)(at - expression) + 1, expression, names);
}

/* Reads the parameters over the defaults, and notes which ones are written: those that a table without defaults gets.
 */
static int read_parameters(const char *args, loss_term *term, lb_error *error) {
    const size_t count = term->type->param_count;
    char owner[80];
    snprintf(owner, sizeof owner, "loss '%.60s'", term->type->name);
    param rows[SPEC_MAX_PARAMS];
    for (size_t i = 0; i < count; i++) {
        rows[i] = term->type->params[i];
        rows[i].fallback = __builtin_nan("");
    }
    if (spec_read(args, owner, rows, count, term->values, error)) return LB_INVALID;
    for (size_t i = 0; i < count; i++) {
        if (isnan(term->values[i]))
            term->values[i] = term->type->params[i].fallback;
        else
            term->written |= 1u << i;
    }
    return LB_OK;
}

static int check_term(const loss_term *term, lb_error *error) {
    const char *sentence = term->type->check ? term->type->check(term->values) : NULL;
    return sentence ? lb_fail(error, LB_INVALID, "loss '%s': %s", term->type->name, sentence) : LB_OK;
}

/* --- aliases ----------------------------------------------------------------------------------------------------- */

static const loss_alias *find_alias(const char *name) {
    for (const loss_alias *a = loss_aliases; a->name; a++)
        if (strcmp(a->name, name) == 0) return a;
    return NULL;
}

static int has_parameter(const loss_type *type, const char *key) {
    for (size_t i = 0; i < type->param_count; i++)
        if (strcmp(type->params[i].name, key) == 0) return 1;
    return 0;
}

/* One "key=value" of an alias: the weight of a part, or a parameter of every part that has it. */
static int read_alias_pair(const char *pair, const loss_alias *alias, double *weights, char (*args)[SPEC_MAX_TEXT],
                           lb_error *error) {
    char key[SPEC_MAX_TEXT], owner[80];
    const size_t length = strcspn(pair, " =");
    snprintf(owner, sizeof owner, "loss '%.60s'", alias->name);
    snprintf(key, sizeof key, "%.*s", (int)length, pair);
    const char *value = strchr(pair, '=');
    if (!value) return lb_fail(error, LB_INVALID, "%s: expected name=value at '%.200s'", owner, pair);
    int found = 0;
    for (size_t i = 0; alias->parts[i].loss; i++) {
        const param row = {.name = alias->parts[i].weight, .low = 0, .high = weight_row.high, .scale = PARAM_LINEAR};
        if (strcmp(key, row.name) == 0) return spec_set(key, skip_space(value + 1), owner, &row, 1, &weights[i], error);
        if (!has_parameter(loss_type_find(alias->parts[i].loss), key)) continue;
        const size_t used = strlen(args[i]);
        found = 1;
        if (snprintf(args[i] + used, SPEC_MAX_TEXT - used, "%s%s", used ? ", " : "", pair) >=
            (int)(SPEC_MAX_TEXT - used))
            return lb_fail(error, LB_INVALID, "%s: more than %d characters of parameters", owner, SPEC_MAX_TEXT - 1);
    }
    return found ? LB_OK : lb_fail(error, LB_INVALID, "%s has no parameter '%.200s'", owner, key);
}

/* What the alias gives a part where its parameters do not say otherwise. */
static int read_alias_defaults(const char *defaults, loss_term *term, lb_error *error) {
    loss_term given = {.type = term->type};
    if (read_parameters(defaults, &given, error)) return LB_INVALID;
    for (size_t i = 0; i < term->type->param_count; i++)
        if ((given.written & ~term->written) >> i & 1u) term->values[i] = given.values[i];
    term->written |= given.written;
    return LB_OK;
}

/* Replaces an alias by its parts, each `weight` times its own weight. */
static int read_alias(const loss_alias *alias, const char *args, double weight, loss *l, lb_error *error) {
    double weights[4] = {1, 1, 1, 1};
    char parts[4][SPEC_MAX_TEXT] = {"", "", "", ""}, pair[SPEC_MAX_TEXT];
    for (const char *at = skip_space(args); *at;) {
        const size_t length = strcspn(at, ",");
        snprintf(pair, sizeof pair, "%.*s", (int)length, at);
        if (read_alias_pair(pair, alias, weights, parts, error)) return LB_INVALID;
        at = skip_space(at + length + (at[length] == ','));
    }
    for (size_t i = 0; alias->parts[i].loss; i++) {
        if (l->count == LOSS_MAX_TERMS)
            return lb_fail(error, LB_INVALID, "more than %d losses with those of '%s'", LOSS_MAX_TERMS, alias->name);
        loss_term *term = &l->terms[l->count++];
        *term = (loss_term){.type = loss_type_find(alias->parts[i].loss), .weight = weight * weights[i]};
        if (read_parameters(parts[i], term, error)) return LB_INVALID;
        const char *defaults = alias->parts[i].defaults;
        if ((defaults && read_alias_defaults(defaults, term, error)) || check_term(term, error)) return LB_INVALID;
    }
    return LB_OK;
}

/* Reads one term, or an alias and its terms. */
static int read_term(const char *expression, const char **at, loss *l, lb_error *error) {
    char name[SPEC_MAX_TEXT], args[SPEC_MAX_TEXT];
    double weight;
    if (read_weight(expression, at, &weight, error)) return LB_INVALID;
    const char *begin = *at;
    if (!isalpha((unsigned char)*begin)) return fail_at(error, expression, begin, "expected the name of a loss");
    if (spec_split(at, "loss", name, args, error)) return LB_INVALID;
    const loss_alias *alias = find_alias(name);
    if (alias) return read_alias(alias, args, weight, l, error);
    loss_term *term = &l->terms[l->count++];
    *term = (loss_term){.type = loss_type_find(name), .weight = weight};
    if (!term->type) return fail_unknown(error, expression, begin, name);
    if (read_parameters(args, term, error)) return LB_INVALID;
    return check_term(term, error);
}

unsigned loss_type_forms(const loss_type *type) {
    switch (type->kind) {
    case LOSS_BINARY:
        return 1u << LOSS_BINARY | 1u << LOSS_MASK | (type->classes ? 1u << LOSS_MULTICLASS : 0);
    case LOSS_MASK:
        return 1u << LOSS_MASK |
               ((type->region && !type->elements) || type->any_activation ? 1u << LOSS_MULTICLASS : 0);
    case LOSS_MULTICLASS:
        return 1u << LOSS_MULTICLASS;
    case LOSS_REGRESSION:
        return 1u << LOSS_REGRESSION | 1u << LOSS_BOX;
    case LOSS_BOX:
        break;
    }
    return 1u << LOSS_BOX;
}

/* The kinds of batch that all terms can be evaluated on. */
static unsigned forms_of(const loss *l) {
    unsigned forms = ~0u;
    for (size_t i = 0; i < l->count; i++) forms &= loss_type_forms(l->terms[i].type);
    return forms;
}

static int read_terms(const char *expression, loss *l, lb_error *error) {
    const char *at = expression;
    for (;;) {
        if (l->count == LOSS_MAX_TERMS)
            return lb_fail(error, LB_INVALID, "more than %d losses in '%.200s'", LOSS_MAX_TERMS, expression);
        if (read_term(expression, &at, l, error)) return LB_INVALID;
        const loss_term *term = &l->terms[l->count - 1];
        const loss_type *first = l->terms[0].type;
        if (!forms_of(l))
            return lb_fail(error, LB_INVALID, "'%s' is a %s loss and '%s' a %s loss: they cannot be added", first->name,
                           loss_kind_names[first->kind], term->type->name, loss_kind_names[term->type->kind]);
        at = skip_space(at);
        if (!*at) return LB_OK;
        if (*at != '+') return fail_at(error, expression, at, "expected '+' or the end");
        at++;
    }
}

/* Appends one term to `out`. */
static int write_term(const loss_term *term, int for_people, char *out, size_t size) {
    const loss_type *type = term->type;
    char name[96], weight[40];
    if (for_people)
        snprintf(name, sizeof name, "%.60s", type->name);
    else
        snprintf(name, sizeof name, "%.60s@%d", type->name, type->version);
    size_t used = strlen(out);
    if (used) used += (size_t)snprintf(out + used, size - used, " + ");
    if (used < size && term->weight != 1) {
        spec_format_value(&weight_row, term->weight, weight, sizeof weight);
        used += (size_t)snprintf(out + used, size - used, "%s*", weight);
    }
    if (used >= size) return LB_INVALID;
    return spec_format(name, type->params, type->param_count, term->values, for_people, out + used, size - used);
}

static int write_texts(loss *l, lb_error *error) {
    l->text[0] = l->label[0] = '\0';
    for (size_t i = 0; i < l->count; i++)
        if (write_term(&l->terms[i], 0, l->text, sizeof l->text) ||
            write_term(&l->terms[i], 1, l->label, sizeof l->label))
            return lb_fail(error, LB_INVALID, "a loss expression is longer than %zu characters", sizeof l->text - 1);
    return LB_OK;
}

loss *loss_parse(const char *expression, lb_error *error) {
    if (!expression) {
        lb_fail(error, LB_INVALID, "a loss expression is missing");
        return NULL;
    }
    loss *l = calloc(1, sizeof *l);
    if (!l) {
        lb_fail_memory(error, "a loss");
        return NULL;
    }
    if (read_terms(expression, l, error) || write_texts(l, error)) {
        loss_free(l);
        return NULL;
    }
    return l;
}

loss *loss_copy(const loss *l) {
    loss *copy = malloc(sizeof *copy);
    if (copy) *copy = *l;
    return copy;
}

void loss_free(loss *l) { free(l); }

int loss_takes(const loss *l, loss_kind kind) { return (forms_of(l) >> kind & 1u) != 0; }

loss_kind loss_kind_of(const loss *l) {
    loss_kind kind = LOSS_BINARY;
    while (kind < LOSS_BOX && !loss_takes(l, kind)) kind++;
    return kind;
}

const char *loss_text(const loss *l) { return l->text; }
const char *loss_label(const loss *l) { return l->label; }

static int is_automatic(const param *row, double value) {
    for (const param_word *w = row->words; w && w->word; w++)
        if (w->value == value) return strcmp(w->word, "auto") == 0;
    return 0;
}

const param *loss_term_unresolved(const loss_term *term) {
    for (size_t i = 0; i < term->type->param_count; i++)
        if (is_automatic(&term->type->params[i], term->values[i])) return &term->type->params[i];
    return NULL;
}

int loss_resolve(loss *l, const loss_counts *counts, lb_error *error) {
    for (size_t i = 0; i < l->count; i++) {
        loss_term *term = &l->terms[i];
        const param *row = loss_term_unresolved(term);
        if (!row) continue;
        if (!counts || !(counts->good > 0 && isfinite(counts->good) && counts->defect > 0 && isfinite(counts->defect)))
            return lb_fail(error, LB_INVALID,
                           "loss '%s': %s=auto needs a training set with goods and defects, not %g and %g",
                           term->type->name, row->name, counts ? counts->good : 0, counts ? counts->defect : 0);
        term->type->resolve(term->values, counts);
        if (check_term(term, error)) return LB_INVALID;
    }
    return write_texts(l, error);
}

/* The place of the i-th tunable; NULL if there are fewer. */
static loss_term *find_tunable(const loss *l, size_t i, size_t *index) {
    for (size_t t = 0; t < l->count; t++) {
        const loss_term *term = &l->terms[t];
        for (size_t p = 0; p < term->type->param_count; p++) {
            const param *row = &term->type->params[p];
            if (row->tune_low >= row->tune_high || (term->written >> p & 1u) || i--) continue;
            *index = p;
            return (loss_term *)term;
        }
    }
    return NULL;
}

size_t loss_tunables(const loss *l) {
    size_t count = 0, index;
    while (find_tunable(l, count, &index)) count++;
    return count;
}

const param *loss_tunable(const loss *l, size_t i) {
    size_t index = 0;
    const loss_term *term = find_tunable(l, i, &index);
    return term ? &term->type->params[index] : NULL;
}

int loss_set_tunable(loss *l, size_t i, double value, lb_error *error) {
    size_t index = 0;
    loss_term *term = find_tunable(l, i, &index);
    if (!term) return lb_fail(error, LB_INVALID, "'%.200s' has no tunable parameter number %zu", l->label, i);
    const param *row = &term->type->params[index];
    if (!(value >= row->low && value <= row->high) || (row->scale == PARAM_INTEGER && value != floor(value)))
        return lb_fail(error, LB_INVALID, "loss '%s': %s=%g is not a%s number from %g to %g", term->type->name,
                       row->name, value, row->scale == PARAM_INTEGER ? " whole" : "", row->low, row->high);
    const double before = term->values[index];
    term->values[index] = value;
    if (!check_term(term, error) && !write_texts(l, error)) return LB_OK;
    term->values[index] = before;
    write_texts(l, NULL);
    return LB_INVALID;
}

/* --- state ---------------------------------------------------------------------------------------------------------
 */

size_t loss_term_states(const loss_term *term) {
    size_t count = 0;
    while (term->type->state_names && term->type->state_names[count]) count++;
    return count;
}

size_t loss_state_count(const loss *l) {
    size_t count = 0;
    for (size_t t = 0; t < l->count; t++) count += loss_term_states(&l->terms[t]);
    return count;
}

void loss_state_start(const loss *l, double *state) {
    for (size_t t = 0; t < l->count; t++) {
        const loss_term *term = &l->terms[t];
        if (loss_term_states(term)) term->type->state_start(term->values, state);
        state += loss_term_states(term);
    }
}

const char *loss_state_name(const loss *l, size_t i) {
    for (size_t t = 0; t < l->count; t++) {
        const size_t own = loss_term_states(&l->terms[t]);
        if (i < own) return l->terms[t].type->state_names[i];
        i -= own;
    }
    return NULL;
}
