/* The losses there are: those of losses.h, then what loss_register added. */
#include "lib/loss/loss.h"

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

/* What a type from outside lacks, or NULL. */
static const char *lack_of(const loss_type *type) {
    if (!type->name || !type->name[0] ||
        strspn(type->name, "abcdefghijklmnopqrstuvwxyz_0123456789") != strlen(type->name))
        return "a name of small letters, digits and _";
    if (type->version < 1) return "a version from 1 on";
    if (!type->summary || !type->citation) return "a summary and a citation";
    if (type->kind > LOSS_BOX) return "a kind";
    if (type->param_count > SPEC_MAX_PARAMS || (type->param_count && !type->params))
        return "a table of 24 parameters at most";
    if (!type->elements && !type->region && !type->classes && !type->boxes && !type->eval)
        return "one of elements, region, classes, boxes and eval";
    return NULL;
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
