/* The registry of models, and model expressions. */
#include "lib/nn/models.h"
#include "lib/nn/layer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const nn_model_type *const nn_model_types[] = {&nn_model_cnn, &nn_model_mlp, &nn_model_unet, &nn_model_detector, NULL};

const param_word model_widths[] = {{"narrow", 0}, {"wide", 1}, {NULL, 0}};

const size_t model_channels[2][3] = {{16, 16, 32}, {16, 32, 64}};

const nn_model_type *nn_model_find(const char *name) {
    for (size_t i = 0; nn_model_types[i]; i++)
        if (strcmp(nn_model_types[i]->name, name) == 0) return nn_model_types[i];
    return NULL;
}

static int fail_unknown(const char *name, lb_error *error) {
    char known[200] = "";
    for (size_t i = 0; nn_model_types[i]; i++)
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", nn_model_types[i]->name);
    return lb_fail(error, LB_INVALID, "there is no model '%.60s'; there are: %s", name, known);
}

int model_parse(const char *expression, const nn_model_type **type, double values[SPEC_MAX_PARAMS], lb_error *error) {
    char name[SPEC_MAX_TEXT], args[SPEC_MAX_TEXT], owner[SPEC_MAX_TEXT + 16];
    const char *rest = expression;
    if (spec_split(&rest, "model", name, args, error)) return LB_INVALID;
    while (isspace((unsigned char)*rest)) rest++;
    if (*rest) return lb_fail(error, LB_INVALID, "model '%s': nothing may follow it, not '%.40s'", name, rest);
    *type = nn_model_find(name);
    if (!*type) return fail_unknown(name, error);
    snprintf(owner, sizeof owner, "model '%s'", name);
    return spec_read(args, owner, (*type)->params, (*type)->param_count, values, error);
}

nn_output_kind nn_model_output(const char *expression) {
    const nn_model_type *type;
    double values[SPEC_MAX_PARAMS];
    return model_parse(expression, &type, values, NULL) ? NN_IMAGE : type->output;
}

int nn_model_text(const char *expression, char *out, size_t size, lb_error *error) {
    const nn_model_type *type;
    double values[SPEC_MAX_PARAMS];
    char name[80];
    const int code = model_parse(expression, &type, values, error);
    if (code) return code;
    snprintf(name, sizeof name, "%s@%d", type->name, type->version);
    if (spec_format(name, type->params, type->param_count, values, 0, out, size))
        return lb_fail(error, LB_INVALID, "model '%s' does not fit %zu bytes of text", type->name, size);
    return LB_OK;
}
