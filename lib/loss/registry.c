/* The losses there are: those of losses.h, then what loss_register added. */
#include "lib/loss/loss.h"

#include <math.h>
#include <string.h>

#define LOSS(name) extern const loss_type LOSS_SYMBOL(name);
#include "lib/loss/losses.h"
#undef LOSS

static const loss_type *const built_in[] = {
#define LOSS(name) &LOSS_SYMBOL(name),
#include "lib/loss/losses.h"
#undef LOSS
};
enum { BUILT_IN = sizeof built_in / sizeof built_in[0] };

static const loss_type *plugins[LOSS_MAX_PLUGINS];
static size_t plugin_count;

const char *const loss_kind_names[] = {"binary", "mask", "multiclass", "regression", "box"};

const loss_type *loss_type_at(size_t i) {
    if (i < BUILT_IN) return built_in[i];
    return i - BUILT_IN < plugin_count ? plugins[i - BUILT_IN] : NULL;
}

const loss_type *loss_type_find(const char *name) {
    const loss_type *type;
    for (size_t i = 0; (type = loss_type_at(i)); i++)
        if (strcmp(type->name, name) == 0) return type;
    return NULL;
}

static int is_alias(const char *name) {
    for (const loss_alias *a = loss_aliases; a->name; a++)
        if (strcmp(a->name, name) == 0) return 1;
    return 0;
}

/* --- what a type from outside lacks, or NULL ---------------------------------------------------------------------- */

/* Whether it reads back where expressions name it. */
static int is_name(const char *s) {
    const size_t length = s ? strlen(s) : 0;
    return length > 0 && length <= 40 && *s >= 'a' && *s <= 'z' &&
           strspn(s, "abcdefghijklmnopqrstuvwxyz_0123456789") == length;
}

static const char *lack_of_words(const loss_type *type, const param *row) {
    int count = 0;
    for (const param_word *w = row->words; w && w->word; w++, count++) {
        if (!is_name(w->word) || !isfinite(w->value)) return "words of small letters, digits and _ for its parameters";
        if (strcmp(w->word, "auto") == 0 && !type->resolve) return "a function that resolves auto";
    }
    return row->scale == PARAM_CHOICE && !count ? "words for a choice" : NULL;
}

static int is_default(const param *row) {
    for (const param_word *w = row->words; w && w->word; w++)
        if (w->value == row->fallback) return 1;
    return row->scale != PARAM_CHOICE && row->fallback >= row->low && row->fallback <= row->high;
}

static const char *lack_of_parameter(const loss_type *type, size_t i) {
    const param *row = &type->params[i];
    if (!is_name(row->name)) return "names of small letters, digits and _ for its parameters";
    for (size_t k = 0; k < i; k++)
        if (strcmp(type->params[k].name, row->name) == 0) return "different names for its parameters";
    if (!row->summary) return "a summary of each parameter";
    if ((int)row->scale < 0 || row->scale > PARAM_CHOICE) return "a scale of each parameter";
    if (!(row->low <= row->high && isfinite(row->low) && isfinite(row->high))) return "a range of each parameter";
    if (row->tune_low != row->tune_high &&
        !(row->low <= row->tune_low && row->tune_low < row->tune_high && row->tune_high <= row->high))
        return "tuning ranges inside the ranges of its parameters";
    return is_default(row) ? lack_of_words(type, row) : "a default in the range of each parameter";
}

static const char *lack_of_functions(const loss_type *type) {
    enum { ELEMENTS = 1, REGION = 2, CLASSES = 4, BOXES = 8, EVAL = 16 };
    static const int possible[][3] = {[LOSS_BINARY] = {ELEMENTS, ELEMENTS | CLASSES, EVAL},
                                      [LOSS_MASK] = {REGION, ELEMENTS | REGION, EVAL},
                                      [LOSS_MULTICLASS] = {CLASSES, EVAL},
                                      [LOSS_REGRESSION] = {ELEMENTS, EVAL},
                                      [LOSS_BOX] = {BOXES, EVAL}};
    const int has = (type->elements ? ELEMENTS : 0) | (type->region ? REGION : 0) | (type->classes ? CLASSES : 0) |
                    (type->boxes ? BOXES : 0) | (type->eval ? EVAL : 0);
    int found = 0;
    for (int i = 0; i < 3; i++) found |= has && possible[type->kind][i] == has;
    if (!found) return "the functions of its kind: elements, region, classes or boxes, or else eval alone";
    const int of_regions = type->values != LOSS_PER_ELEMENT || (type->value_shape && !(has & REGION));
    if (has != EVAL && of_regions != ((has & REGION) != 0))
        return "the shape of its values: of regions for `region`, else of elements";
    return type->state_names && !(type->eval && type->state_start) ? "eval and state_start for its state" : NULL;
}

static const char *lack_of(const loss_type *type) {
    if (!is_name(type->name)) return "a name of small letters, digits and _, a letter first, 40 at most";
    if (type->version < 1) return "a version from 1 on";
    if (!type->summary || !type->citation) return "a summary and a citation";
    if ((int)type->kind < 0 || type->kind > LOSS_BOX) return "a kind";
    if ((int)type->values < 0 || type->values > LOSS_PER_BATCH) return "the shape of its values";
    if (type->param_count > SPEC_MAX_PARAMS || (type->param_count && !type->params))
        return "a table of 24 parameters at most";
    const char *lack = NULL;
    for (size_t i = 0; !lack && i < type->param_count; i++) lack = lack_of_parameter(type, i);
    return lack ? lack : lack_of_functions(type);
}

int loss_register(const loss_type *type, lb_error *error) {
    const char *lack = type ? lack_of(type) : "a type";
    if (lack) return lb_fail(error, LB_INVALID, "a loss from outside lacks %s", lack);
    if (loss_type_find(type->name) || is_alias(type->name))
        return lb_fail(error, LB_INVALID, "a loss is called '%s' already; rename the new one", type->name);
    if (plugin_count == LOSS_MAX_PLUGINS)
        return lb_fail(error, LB_INVALID, "more than %d losses from outside", LOSS_MAX_PLUGINS);
    plugins[plugin_count++] = type;
    return LB_OK;
}
