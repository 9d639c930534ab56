/* The loss of a record and its parameters. A parameter goes to every term that has one of its name; what is no
   parameter of a loss is a property of the batch, see `properties`. */
#include "experiments/harness/eval_record.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the terms --------------------------------------------------------------------------------------------------- */

static const loss_alias *find_alias(const char *name) {
    for (const loss_alias *a = loss_aliases; a->name; a++)
        if (strcmp(a->name, name) == 0) return a;
    return NULL;
}

static int is_alias_weight(const loss_alias *alias, const char *key) {
    for (size_t i = 0; alias && alias->parts[i].loss; i++)
        if (strcmp(alias->parts[i].weight, key) == 0) return 1;
    return 0;
}

static int fail_type(const char *key, const json_t *value, const char *wanted, lb_error *error) {
    return lb_fail(error, LB_INVALID, "params: %.80s is %s; it must be %s", key, eval_json_kind(value), wanted);
}

/* The name of the loss, with the weights of its parts when it is an alias: "dice_bce(lambda_bce=0.5)". */
static int write_loss(const eval_record *r, const char *name, char *out, size_t size, lb_error *error) {
    size_t used = (size_t)snprintf(out, size, "%s", name);
    const char *key;
    json_t *value;
    int written = 0;
    json_object_foreach((json_t *)r->params, key, value) {
        if (!is_alias_weight(r->alias, key) || json_is_null(value) || used >= size) continue;
        if (!json_is_number(value)) return fail_type(key, value, "a number", error);
        used += (size_t)snprintf(out + used, size - used, "%s%s=%.17g", written++ ? ", " : "(", key,
                                 json_number_value(value));
    }
    if (written && used < size) used += (size_t)snprintf(out + used, size - used, ")");
    if (used < size) return LB_OK;
    return lb_fail(error, LB_INVALID, "loss: the expression is longer than %zu characters", size - 1);
}

/* Reads one term of a label, "0.5*focal(gamma=3)", up to the next. */
static int read_term(const char **at, eval_term *term, lb_error *error) {
    char name[SPEC_MAX_TEXT];
    char *end;
    *term = (eval_term){.weight = strtod(*at, &end)};
    if (end == *at)
        term->weight = 1;
    else
        *at = end + 1; /* behind the * */
    if (spec_split(at, "loss", name, term->args, error)) return LB_INVALID;
    term->type = loss_type_find(name);
    if (strncmp(*at, " + ", 3) == 0) *at += 3;
    return LB_OK;
}

/* By the library's own reading: its label has aliases replaced and defaults left out. */
static int read_terms(eval_record *r, const char *expression, lb_error *error) {
    loss *l = loss_parse(expression, error);
    if (!l) return LB_INVALID;
    int code = LB_OK;
    for (const char *at = loss_label(l); *at && !code; r->term_count++)
        code = read_term(&at, &r->terms[r->term_count], error);
    for (int kind = 0; kind <= LOSS_BOX; kind++)
        if (loss_takes(l, (loss_kind)kind)) r->forms |= 1u << kind;
    loss_free(l);
    return code;
}

/* `kind`, and the kinds of batch that it may become. */
static const struct {
    const char *word;
    loss_kind kind;
    unsigned forms;
} kinds[] = {{"binary", LOSS_BINARY, 1u << LOSS_BINARY | 1u << LOSS_MASK},
             {"segmentation", LOSS_MASK, 1u << LOSS_MASK | 1u << LOSS_MULTICLASS},
             {"multiclass", LOSS_MULTICLASS, 1u << LOSS_MULTICLASS | 1u << LOSS_MASK},
             {"regression", LOSS_REGRESSION, 1u << LOSS_REGRESSION},
             {"boxes", LOSS_BOX, 1u << LOSS_BOX | 1u << LOSS_REGRESSION}};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* Without `kind`, the first that the loss is for. */
static int read_kind(eval_record *r, lb_error *error) {
    const json_t *json = json_object_get(r->json, "kind");
    const char *word = json_string_value(json);
    if (json && !word) return lb_fail(error, LB_INVALID, "kind is %s, not a word", eval_json_kind(json));
    for (size_t i = 0; i < KINDS; i++) {
        if (word ? strcmp(word, kinds[i].word) != 0 : !(r->forms >> kinds[i].kind & 1u)) continue;
        r->kind = kinds[i].kind;
        if (r->forms & kinds[i].forms) return LB_OK;
        return lb_fail(error, LB_INVALID, "loss '%.200s' is not for records of kind '%s'",
                       json_string_value(json_object_get(r->json, "loss")), kinds[i].word);
    }
    return lb_fail(error, LB_INVALID, "kind '%.40s' is not one of: binary, segmentation, multiclass, regression, boxes",
                   word);
}

int eval_read_loss(eval_record *r, lb_error *error) {
    char expression[LOSS_MAX_TERMS * SPEC_MAX_TEXT];
    const json_t *name = json_object_get(r->json, "loss");
    r->params = json_object_get(r->json, "params");
    if (json_is_null(r->params)) r->params = NULL;
    if (r->params && !json_is_object(r->params))
        return lb_fail(error, LB_INVALID, "params is %s, not an object", eval_json_kind(r->params));
    if (!json_is_string(name))
        return lb_fail(error, LB_INVALID, "loss is %s; it must be the name of a loss, or an expression",
                       eval_json_kind(name));
    const char *own = json_string_value(name);
    if (strcmp(own, "pauc_kl") == 0) own = "pauc(weight_detached=on)"; /* the peer's value: its weights held */
    r->alias = find_alias(own);
    if (write_loss(r, own, expression, sizeof expression, error)) return LB_INVALID;
    return read_terms(r, expression, error) || read_kind(r, error) ? LB_INVALID : LB_OK;
}

/* --- parameters of terms ----------------------------------------------------------------------------------------- */

/* box_iou's form is called mode in records. */
static const param *find_param(const loss_type *type, const char *key) {
    if (strcmp(type->name, "box_iou") == 0 && strcmp(key, "mode") == 0) key = "form";
    for (size_t i = 0; i < type->param_count; i++)
        if (strcmp(type->params[i].name, key) == 0) return &type->params[i];
    return NULL;
}

static int is_property(const char *key);

static int has_word(const param *row, const char *word) {
    for (const param_word *w = row->words; w && w->word; w++)
        if (strcmp(w->word, word) == 0) return 1;
    return 0;
}

/* Where "key=value" begins in the arguments of a term, or NULL. */
static char *find_argument(eval_term *term, const char *key) {
    const size_t length = strlen(key);
    for (char *at = term->args; (at = strstr(at, key)); at += length)
        if ((at == term->args || at[-1] == ' ') && at[length] == '=') return at;
    return NULL;
}

/* Takes out what the expression, or a compound's default, says. */
static void drop_argument(eval_term *term, const char *key) {
    char *at = find_argument(term, key);
    if (!at) return;
    const char *next = strstr(at, ", ");
    if (next)
        memmove(at, next + 2, strlen(next + 2) + 1);
    else
        at[at > term->args ? -2 : 0] = '\0';
}

/* Sets "key=value" among the arguments of a term: `params` override the expression. */
static int set_argument(eval_term *term, const char *key, const char *value, lb_error *error) {
    drop_argument(term, key);
    const size_t used = strlen(term->args), left = sizeof term->args - used;
    const int length = snprintf(term->args + used, left, "%s%s=%s", used ? ", " : "", key, value);
    if (length >= 0 && (size_t)length < left) return LB_OK;
    return lb_fail(error, LB_INVALID, "params: more than %zu characters for loss '%s'", sizeof term->args - 1,
                   term->type->name);
}

/* Switches may be given as true and false or 1 and 0. */
static int is_switch(const param *row) { return has_word(row, "on") && has_word(row, "off"); }

/* The value as the library reads it. null is the word `off` where there is one, else the default (""). */
static int write_value(const param *row, const json_t *value, char *out, size_t size, lb_error *error) {
    const double number = json_is_true(value) ? 1 : json_is_number(value) ? json_number_value(value) : 0;
    if (json_is_null(value))
        snprintf(out, size, "%s", has_word(row, "off") ? "off" : "");
    else if (json_is_string(value) && strcspn(json_string_value(value), ",()=") == json_string_length(value))
        snprintf(out, size, "%s", json_string_value(value));
    else if (is_switch(row) && !json_is_string(value) && (number == 0 || number == 1))
        snprintf(out, size, "%s", number != 0 ? "on" : "off");
    else if (json_is_number(value))
        snprintf(out, size, "%.17g", number);
    else
        return fail_type(row->name, value, row->words ? "a number or a word" : "a number", error);
    return LB_OK;
}

/* A word that the parameter does not have. */
static int is_foreign_word(const param *row, const json_t *value) {
    return row->words && json_is_string(value) && !has_word(row, json_string_value(value));
}

/* Gives the value to every term that has the parameter; *placed counts them. */
static int place_in_terms(eval_record *r, const char *key, const json_t *value, size_t *placed, lb_error *error) {
    char written[SPEC_MAX_TEXT];
    for (size_t t = 0; t < r->term_count; t++) {
        const param *row = find_param(r->terms[t].type, key);
        if (!row || (is_property(key) && is_foreign_word(row, value))) continue;
        if (write_value(row, value, written, sizeof written, error)) return LB_INVALID;
        if (*written && set_argument(&r->terms[t], row->name, written, error)) return LB_INVALID;
        ++*placed;
    }
    return LB_OK;
}

/* A number for each channel. Where they are all the same it is an ordinary parameter. */
static int place_list(eval_record *r, const char *key, const json_t *list, size_t *placed, lb_error *error) {
    const double *values = eval_numbers(r, list, key, r->channels, error);
    int equal = 1;
    if (!values) return LB_INVALID;
    for (size_t c = 1; c < r->channels; c++) equal &= values[c] == values[0];
    if (equal) return place_in_terms(r, key, json_array_get(list, 0), placed, error);
    for (size_t t = 0; t < r->term_count; t++) {
        eval_term *term = &r->terms[t];
        if (!find_param(term->type, key)) continue;
        if (!term->type->elements || term->type->region || r->kind > LOSS_MASK || term->lists == EVAL_LISTS)
            return lb_fail(error, LB_INVALID, "not supported: %s channel by channel for loss '%s'", key,
                           term->type->name);
        term->list_name[term->lists] = key;
        term->list_value[term->lists++] = values;
        ++*placed;
    }
    return LB_OK;
}

/* --- properties of the batch ------------------------------------------------------------------------------------- */

static int read_activation(eval_record *r, const char *key, const json_t *value, lb_error *error) {
    static const struct {
        const char *word;
        loss_activation activation;
    } words[] = {{"sigmoid", LOSS_SIGMOID}, {"softmax", LOSS_SOFTMAX}, {"none", LOSS_PROBABILITIES}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (json_is_string(value) && strcmp(json_string_value(value), words[i].word) == 0) {
            r->activation = (int)words[i].activation;
            return LB_OK;
        }
    return lb_fail(error, LB_INVALID, "params: %s must be sigmoid, softmax or none", key);
}

static int read_ignore_index(eval_record *r, const char *key, const json_t *value, lb_error *error) {
    if (!json_is_number(value)) return fail_type(key, value, "a number", error);
    r->ignore_index = json_number_value(value);
    return LB_OK;
}

/* Factors on the losses of a class or channel: one each, one for all, or one for each channel that `classes` lists. */
static int read_class_weight(eval_record *r, const char *key, const json_t *value, lb_error *error) {
    const json_t *classes = json_object_get(r->params, "classes");
    const int listed = json_is_array(classes) && json_array_size(value) == json_array_size(classes);
    const size_t count = listed ? json_array_size(classes) : r->channels;
    const double *given = json_is_number(value) ? NULL : eval_numbers(r, value, key, count, error);
    double *weights = eval_room(r, r->channels, sizeof *weights, error);
    if (!weights || (!given && !json_is_number(value))) return LB_INVALID;
    for (size_t c = 0; c < r->channels; c++) weights[c] = r->call.class_weight ? r->call.class_weight[c] : 1;
    for (size_t i = 0; i < count; i++) {
        const double channel = listed ? json_number_value(json_array_get(classes, i)) : (double)i;
        if (channel >= 0 && channel < (double)r->channels) /* else read_classes refuses it */
            weights[(size_t)channel] *= given ? given[i] : json_number_value(value);
    }
    r->call.class_weight = weights;
    return LB_OK;
}

/* Counts of the training set: of each class, or of goods and defects. */
static int read_counts(eval_record *r, const char *key, const json_t *value, lb_error *error) {
    const int binary = r->kind <= LOSS_MASK && (r->forms >> LOSS_BINARY & 1u);
    const double *counts = eval_numbers(r, value, key, binary ? 2 : r->channels, error);
    if (!counts) return LB_INVALID;
    if (binary)
        r->call.counts = (loss_counts){.good = counts[0], .defect = counts[1]};
    else
        r->call.class_counts = counts;
    return LB_OK;
}

/* The library's counts are whole items: the smallest share becomes one. */
static void scale_shares(double *shares, size_t count) {
    double least = 1;
    for (size_t c = 0; c < count; c++)
        if (shares[c] > 0) least = fmin(least, shares[c]);
    for (size_t c = 0; c < count; c++) shares[c] /= least;
}

/* Shares of the training set in place of counts. */
static int read_prior(eval_record *r, const char *key, const json_t *value, lb_error *error) {
    double *shares = eval_numbers(r, value, key, r->channels, error);
    if (!shares) return LB_INVALID;
    scale_shares(shares, r->channels);
    r->call.class_counts = shares;
    return LB_OK;
}

/* The channels that a mask loss averages over; "all" is what it does anyway. */
static int read_classes(eval_record *r, const char *key, const json_t *value, lb_error *error) {
    if (json_is_string(value) && strcmp(json_string_value(value), "all") == 0) return LB_OK;
    const double *classes = eval_numbers(r, value, key, json_array_size(value), error);
    unsigned char *skip = eval_room(r, r->channels, 1, error);
    if (!classes || !skip) return LB_INVALID;
    memset(skip, 1, r->channels);
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!(classes[i] >= 0 && classes[i] < (double)r->channels && classes[i] == floor(classes[i])))
            return lb_fail(error, LB_INVALID, "params: %s[%zu] is %g; there are channels 0 to %zu", key, i, classes[i],
                           r->channels - 1);
        skip[(size_t)classes[i]] = 0;
    }
    if (json_array_size(value) == 0) return lb_fail(error, LB_INVALID, "params: %s is empty", key);
    r->call.skip_channel = skip;
    return LB_OK;
}

/* What the mean divides by, where the loss has no such word of its own. */
static int read_mean_divisor(eval_record *r, const char *key, const json_t *value, lb_error *error) {
    static const char *const words[] = {"elements", "rows", "positives", "samples", "count", "weight_sum", NULL};
    const char *word = json_string_value(value);
    size_t known = 0;
    while (word && words[known] && strcmp(word, words[known]) != 0) known++;
    if (!word || !words[known])
        return lb_fail(error, LB_INVALID,
                       "params: %s must be one of: elements, rows, positives, samples, count, weight_sum", key);
    if (known == 0 && r->kind <= LOSS_MASK) return LB_OK; /* elements: so it is */
    for (size_t t = 0; t < r->term_count; t++)
        if (!r->terms[t].type->region && (r->terms[t].type->elements || r->terms[t].type->classes))
            r->terms[t].divisor = words[known];
    return LB_OK;
}

/* The guards of other implementations against log 0, which the library does not need: a record that depends on them
   says so. To a prior, eps is added. */
static int read_guard(eval_record *r, const char *key, const json_t *value, lb_error *error) {
    const char *name = r->terms[0].type->name;
    const double guard = json_number_value(value);
    if (!json_is_number(value)) return fail_type(key, value, "a number", error);
    if (strcmp(name, "logit_adjusted") == 0)
        r->prior_eps = guard;
    else if (eval_has_tag(r, "clip_sensitive") || !(guard >= 0 && guard <= 1e-3))
        return lb_fail(error, LB_INVALID, "not supported: loss '%s' does not clip at %s=%g", name, key, guard);
    return LB_OK;
}

static const struct {
    const char *name;
    int (*read)(eval_record *, const char *, const json_t *, lb_error *);
} properties[] = {{"activation", read_activation},
                  {"ignore_index", read_ignore_index},
                  {"class_weight", read_class_weight},
                  {"class_alpha", read_class_weight},
                  {"counts", read_counts},
                  {"samples_per_class", read_counts},
                  {"cum_samples", read_counts},
                  {"prior", read_prior},
                  {"classes", read_classes},
                  {"mean_divisor", read_mean_divisor},
                  {"eps", read_guard},
                  {"eps_clip", read_guard}};
enum { PROPERTIES = sizeof properties / sizeof properties[0] };

/* --- each to its place ------------------------------------------------------------------------------------------- */

static int is_property(const char *key) {
    for (size_t i = 0; i < PROPERTIES; i++)
        if (strcmp(properties[i].name, key) == 0) return 1;
    return 0;
}

/* A parameter that any loss or batch has; null turns it off everywhere. */
static int is_known(const char *key) {
    const loss_type *type;
    if (is_property(key)) return 1;
    for (size_t i = 0; (type = loss_type_at(i)); i++)
        if (find_param(type, key)) return 1;
    return 0;
}

static int place(eval_record *r, const char *key, const json_t *value, lb_error *error) {
    size_t placed = 0;
    if (is_alias_weight(r->alias, key)) return LB_OK;
    if (!json_is_array(value) && place_in_terms(r, key, value, &placed, error)) return LB_INVALID;
    if (placed || (json_is_null(value) && is_known(key))) return LB_OK;
    /* what others call eps in a mask loss is smoothing, which has names of its own */
    const int is_smoothing = strcmp(key, "eps") == 0 && r->terms[0].type->kind == LOSS_MASK;
    for (size_t i = 0; i < PROPERTIES && !is_smoothing; i++)
        if (strcmp(properties[i].name, key) == 0) return properties[i].read(r, key, value, error);
    if (json_is_array(value) && place_list(r, key, value, &placed, error)) return LB_INVALID;
    if (placed) return LB_OK;
    const loss_type *type = r->terms[0].type;
    char owner[80];
    double ignored[SPEC_MAX_PARAMS];
    snprintf(owner, sizeof owner, "params: loss '%.60s'", r->alias ? r->alias->name : type->name);
    return spec_set(key, "", owner, type->params, type->param_count, ignored, error);
}

/* The unified focal losses of others add eps_clip to their ratios, too. */
static int smooth_by_clip(const eval_record *r, eval_term *term, lb_error *error) {
    char value[40];
    const json_t *clip = json_object_get(r->params, "eps_clip");
    if (!json_is_number(clip) || !find_param(term->type, "lambda_ftl") || json_object_get(r->params, "smooth"))
        return LB_OK;
    snprintf(value, sizeof value, "%.17g", json_number_value(clip));
    return set_argument(term, "smooth", value, error);
}

/* What records leave open and the library does not: pos_weight is 1 where nothing says what `auto` is; the scores of
   ranking losses are compared as they are. */
static int complete(eval_record *r, eval_term *term, lb_error *error) {
    const param *pos_weight = find_param(term->type, "pos_weight");
    const int counted = r->call.counts.good > 0, listed = term->lists > 0;
    if (pos_weight && !counted && !listed && !find_argument(term, "pos_weight") &&
        set_argument(term, "pos_weight", "1", error))
        return LB_INVALID;
    if (smooth_by_clip(r, term, error)) return LB_INVALID;
    const char *scores = NULL;
    if (r->activation == LOSS_PROBABILITIES || r->has_scores) scores = "logit";
    if (r->activation == LOSS_SIGMOID) scores = "sigmoid";
    r->ranks &= find_param(term->type, "scores") != NULL;
    if (!scores || !find_param(term->type, "scores") || find_argument(term, "scores")) return LB_OK;
    return set_argument(term, "scores", scores, error);
}

/* Some code adds eps to prior^tau: counts that make it so without. */
static int add_to_prior(eval_record *r, lb_error *error) {
    double *counts = eval_room(r, r->channels, sizeof *counts, error);
    double sum = 0, tau = 1;
    if (!counts) return LB_INVALID;
    if (json_is_number(json_object_get(r->params, "tau"))) tau = json_number_value(json_object_get(r->params, "tau"));
    for (size_t c = 0; c < r->channels; c++) sum += r->call.class_counts[c];
    for (size_t c = 0; c < r->channels; c++)
        counts[c] = pow(pow(r->call.class_counts[c] / sum, tau) + r->prior_eps, 1 / tau);
    scale_shares(counts, r->channels);
    if (tau > 0 && sum > 0) r->call.class_counts = counts;
    return LB_OK;
}

int eval_read_params(eval_record *r, lb_error *error) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)r->params, key, value) if (place(r, key, value, error)) return LB_INVALID;
    r->ranks = 1;
    for (size_t t = 0; t < r->term_count; t++)
        if (complete(r, &r->terms[t], error)) return LB_INVALID;
    return r->prior_eps > 0 && r->call.class_counts ? add_to_prior(r, error) : LB_OK;
}

/* --- back to text ------------------------------------------------------------------------------------------------ */

int eval_write_expression(const eval_record *r, size_t first, size_t count, size_t channel, char *out, size_t size,
                          lb_error *error) {
    size_t used = 0;
    for (size_t t = first; t < first + count; t++) {
        eval_term term = r->terms[t];
        char value[40];
        for (size_t i = 0; i < term.lists; i++) {
            snprintf(value, sizeof value, "%.17g", term.list_value[i][channel]);
            if (set_argument(&term, term.list_name[i], value, error)) return LB_INVALID;
        }
        if (used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%.17g*%s(%s)", t > first ? " + " : "", term.weight,
                                     term.type->name, term.args);
    }
    if (used >= size) return lb_fail(error, LB_INVALID, "loss: the expression is longer than %zu characters", size - 1);
    loss *l = loss_parse(out, error);
    if (!l) return LB_INVALID;
    loss_free(l);
    return LB_OK;
}
