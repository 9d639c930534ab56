/* Objectives: "cls = focal(gamma=2), obj = bce, box = 2*ciou" to three losses, and back to text.

       objective = part { "," part }      part = ( "cls" | "obj" | "box" ) "=" loss | "target" "=" ( "one" | "iou" ) */
#include "experiments/harness/objective.h"

#include "lib/base/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct objective {
    loss *heads[OBJECTIVE_HEADS]; /* as written; of images, types and masks only the first */
    loss *weighted;               /* the box head's times box_weight; NULL for images and masks */
    double box_weight;
    int factor_written, soft;
    int types; /* written with `types =` */
    text canonical, label;
};

static const char types_name[] = "types";
enum { PART_TARGET = OBJECTIVE_HEADS, PARTS };
static const char *const part_names[PARTS] = {"cls", "obj", "box", "target"};
static const char *const defaults[OBJECTIVE_HEADS] = {"bce", "bce", "smooth_l1"};
static const char *const wanted[OBJECTIVE_HEADS] = {
    "a class takes a binary loss, such as focal", "objectness takes a binary loss, such as bce",
    "a box takes a box or a regression loss, such as ciou or smooth_l1"};

static const param box_weight_row = {.name = "box_weight",
                                     .fallback = 1,
                                     .low = 0,
                                     .high = 1e6,
                                     .scale = PARAM_LOG,
                                     .tune_low = 0.25,
                                     .tune_high = 8,
                                     .summary = "factor on the loss of the boxes"};

/* --- text ----------------------------------------------------------------------------------------------------------
 */

/* "factor*term" for each term of a loss whose terms have no factor of their own. */
static void add_weighted(text *out, const char *label, const char *factor) {
    for (const char *next; (next = strstr(label, " + ")); label = next + 3)
        text_add(out, "%s*%.*s + ", factor, (int)(next - label), label);
    text_add(out, "%s*%s", factor, label);
}

/* Parsed from text, as a tuned objective is when it is trained: the same bits either way. */
static int set_weighted(objective *o, lb_error *error) {
    text expression = {0};
    char factor[40];
    const char *label = loss_label(o->heads[HEAD_BOX]);
    spec_format_value(&box_weight_row, o->box_weight, factor, sizeof factor);
    if (o->factor_written)
        text_add(&expression, "%s", label);
    else
        add_weighted(&expression, label, factor);
    lb_error inner = {0};
    loss *l = expression.failed ? NULL : loss_parse(expression.data, &inner);
    if (expression.failed) lb_fail_memory(&inner, "an objective");
    text_free(&expression);
    if (!l) return lb_fail(error, inner.code, "%s", inner.message);
    loss_free(o->weighted);
    o->weighted = l;
    return LB_OK;
}

static void write_texts(const objective *o, text *canonical, text *label) {
    const loss *cls = o->heads[HEAD_CLS], *obj = o->heads[HEAD_OBJ], *box = o->weighted;
    if (!box) {
        text_add(canonical, "%s%s", o->types ? "types=" : "", loss_text(cls));
        text_add(label, "%s%s", o->types ? "types = " : "", loss_label(cls));
        return;
    }
    text_add(canonical, "cls=%s, obj=%s, box=%s, target=%s", loss_text(cls), loss_text(obj), loss_text(box),
             o->soft ? "iou" : "one");
    text_add(label, "cls = %s, obj = %s, box = %s%s", loss_label(cls), loss_label(obj), loss_label(box),
             o->soft ? ", target = iou" : "");
}

/* What follows from the heads: the weighted loss of a detector, and the texts. */
static int derive(objective *o, lb_error *error) {
    const int code = o->heads[HEAD_BOX] ? set_weighted(o, error) : LB_OK;
    if (code) return code;
    text_free(&o->canonical);
    text_free(&o->label);
    write_texts(o, &o->canonical, &o->label);
    return o->canonical.failed || o->label.failed ? lb_fail_memory(error, "an objective") : LB_OK;
}

/* --- one loss ------------------------------------------------------------------------------------------------------
 */

static int check_kind(trial_task task, const loss *l, const char *expression, lb_error *error) {
    const loss_kind kind = loss_kind_of(l);
    if (kind == LOSS_BINARY || (kind == LOSS_MASK && task == TASK_MASK)) return LB_OK;
    if (kind == LOSS_MASK)
        return lb_fail(error, LB_INVALID,
                       "loss '%s' is for masks, not for good/defect classification: choose a model that gives masks, "
                       "such as unet",
                       expression);
    return lb_fail(error, LB_INVALID, "loss '%s' is not for %s", expression,
                   task == TASK_MASK ? "masks" : "good/defect classification");
}

static char *skip_space(const char *s) {
    while (isspace((unsigned char)*s)) s++;
    return (char *)s;
}

/* Whether the text starts as a part does, "cls =". */
static int starts_as_part(const char *expression) {
    const char *begin = skip_space(expression);
    for (size_t i = 0; i < PARTS; i++) {
        const size_t length = strlen(part_names[i]);
        if (strncmp(begin, part_names[i], length) == 0 && *skip_space(begin + length) == '=') return 1;
    }
    return 0;
}

/* Behind "types =", or NULL. */
static const char *after_types(const char *expression) {
    const char *begin = expression ? skip_space(expression) : "";
    if (strncmp(begin, types_name, strlen(types_name)) != 0) return NULL;
    begin = skip_space(begin + strlen(types_name));
    return *begin == '=' ? begin + 1 : NULL;
}

trial_task objective_task(trial_task of_model, const char *expression) {
    return of_model == TASK_IMAGE && after_types(expression) ? TASK_TYPES : of_model;
}

static int read_types(objective *o, const char *expression, lb_error *error) {
    const char *rest = after_types(expression);
    if (!rest) return lb_fail(error, LB_INVALID, "'%.200s' lacks its head: write types = ce", expression);
    if (!*skip_space(rest)) return lb_fail(error, LB_INVALID, "'types =' is empty: write types = ce");
    o->types = 1;
    o->heads[0] = loss_parse(rest, error);
    if (!o->heads[0]) return LB_INVALID;
    /* a mask loss by itself takes K classes too, but over the pixels of an image */
    if (loss_takes(o->heads[0], LOSS_MULTICLASS) && loss_kind_of(o->heads[0]) != LOSS_MASK) return LB_OK;
    return lb_fail(error, LB_INVALID, "loss '%.200s' is not for K classes, such as ce", skip_space(rest));
}

static int fail_model_of_types(const char *expression, lb_error *error) {
    return lb_fail(error, LB_INVALID, "'%.200s' sorts images into types: choose a model for images, such as cnn",
                   skip_space(expression));
}

static int read_plain(objective *o, trial_task task, const char *expression, lb_error *error) {
    if (expression && starts_as_part(expression))
        return lb_fail(error, LB_INVALID,
                       "'%.200s' has the heads of a detector: write one loss, such as bce, or choose model detector",
                       expression);
    if (after_types(expression)) return fail_model_of_types(expression, error);
    o->heads[0] = loss_parse(expression, error);
    if (!o->heads[0]) return LB_INVALID;
    return check_kind(task, o->heads[0], expression, error);
}

/* --- heads ---------------------------------------------------------------------------------------------------------
 */

/* The first `wanted_character` outside brackets, or the end. */
static char *find_outside(char *s, char wanted_character) {
    int inside = 0;
    for (; *s && (inside || *s != wanted_character); s++) inside = *s == '(' || (inside && *s != ')');
    return s;
}

static char *trim(char *s) {
    s = skip_space(s);
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1])) end--;
    *end = '\0';
    return s;
}

/* A part without "=": most likely a loss that lacks its head. */
static int fail_headless(const char *part, lb_error *error) {
    if (!*part) return lb_fail(error, LB_INVALID, "a head is missing: write heads such as cls = bce, box = ciou");
    loss *l = loss_parse(part, NULL);
    const char *head = l && loss_kind_of(l) == LOSS_BINARY ? "cls" : "box";
    const char *name = l && (*head == 'c' || loss_takes(l, LOSS_BOX)) ? part : "ciou";
    lb_fail(error, LB_INVALID, "'%.200s' lacks its head, cls, obj or box: write %s = %.200s", part, head, name);
    loss_free(l);
    return LB_INVALID;
}

static int read_head(objective *o, objective_head head, const char *expression, lb_error *error) {
    lb_error inner = {0};
    loss *l = o->heads[head] = loss_parse(expression, &inner);
    if (!l) return lb_fail(error, inner.code, "head '%s': %.480s", part_names[head], inner.message);
    if (head == HEAD_BOX) o->factor_written = strchr(expression, '*') != NULL;
    const loss_kind kind = loss_kind_of(l);
    if (head == HEAD_BOX ? loss_takes(l, LOSS_BOX) : kind == LOSS_BINARY) return LB_OK;
    return lb_fail(error, LB_INVALID, "head '%s': '%.200s' is a %s loss; %s", part_names[head], expression,
                   loss_kind_names[kind], wanted[head]);
}

static int read_target(objective *o, const char *word, lb_error *error) {
    o->soft = strcmp(word, "iou") == 0;
    if (o->soft || strcmp(word, "one") == 0) return LB_OK;
    return lb_fail(error, LB_INVALID, "target = %.200s is not one of: one, iou", word);
}

static int read_part(objective *o, char *part, unsigned *seen, lb_error *error) {
    char *equals = find_outside(part, '=');
    if (!*equals) return fail_headless(trim(part), error);
    *equals = '\0';
    const char *name = trim(part), *value = trim(equals + 1);
    int place = 0;
    while (place < PARTS && strcmp(part_names[place], name) != 0) place++;
    if (place == PARTS)
        return lb_fail(error, LB_INVALID, "a detector has no head '%.200s'; it has: cls, obj, box, and target", name);
    if (*seen >> place & 1u) return lb_fail(error, LB_INVALID, "head '%s' is given twice", name);
    *seen |= 1u << place;
    if (place == PART_TARGET) return read_target(o, value, error);
    if (!*value) return lb_fail(error, LB_INVALID, "head '%s' is empty; %s", name, wanted[place]);
    return read_head(o, (objective_head)place, value, error);
}

static int read_parts(objective *o, char *rest, lb_error *error) {
    unsigned seen = 0;
    for (int more = 1; more;) {
        char *part = rest, *comma = find_outside(rest, ',');
        more = *comma == ',';
        *comma = '\0';
        rest = comma + more;
        if (read_part(o, part, &seen, error)) return LB_INVALID;
    }
    for (int head = 0; head < OBJECTIVE_HEADS; head++)
        if (!(seen >> head & 1u) && read_head(o, (objective_head)head, defaults[head], error)) return LB_INVALID;
    return LB_OK;
}

static int read_heads(objective *o, const char *expression, lb_error *error) {
    if (!expression) return lb_fail(error, LB_INVALID, "an objective is missing");
    if (after_types(expression)) return fail_model_of_types(expression, error);
    char *copy = strdup(expression);
    if (!copy) return lb_fail_memory(error, "an objective");
    const int code = read_parts(o, copy, error);
    free(copy);
    return code;
}

/* -------------------------------------------------------------------------------------------------------------------
 */

objective *objective_parse(trial_task task, const char *expression, lb_error *error) {
    objective *o = calloc(1, sizeof *o);
    if (!o) {
        lb_fail_memory(error, "an objective");
        return NULL;
    }
    o->box_weight = box_weight_row.fallback;
    const int code = task == TASK_BOX     ? read_heads(o, expression, error)
                     : task == TASK_TYPES ? read_types(o, expression, error)
                                          : read_plain(o, task, expression, error);
    if (code || derive(o, error)) {
        objective_free(o);
        return NULL;
    }
    return o;
}

void objective_free(objective *o) {
    if (!o) return;
    for (size_t head = 0; head < OBJECTIVE_HEADS; head++) loss_free(o->heads[head]);
    loss_free(o->weighted);
    text_free(&o->canonical);
    text_free(&o->label);
    free(o);
}

loss *objective_loss(objective *o) { return o->heads[0]; }
loss *objective_head_loss(objective *o, objective_head head) { return head == HEAD_BOX ? o->weighted : o->heads[head]; }
int objective_soft(const objective *o) { return o->soft; }
const char *objective_text(const objective *o) { return o->canonical.data; }
const char *objective_label(const objective *o) { return o->label.data; }

/* The head that has tunable *i, which becomes its number there; OBJECTIVE_HEADS: it is behind those of the heads. */
static size_t find_head(const objective *o, size_t *i) {
    for (size_t head = 0; head < OBJECTIVE_HEADS; head++) {
        const size_t count = o->heads[head] ? loss_tunables(o->heads[head]) : 0;
        if (*i < count) return head;
        *i -= count;
    }
    return OBJECTIVE_HEADS;
}

static int has_box_weight(const objective *o) { return o->weighted && !o->factor_written; }

size_t objective_tunables(const objective *o) {
    size_t count = (size_t)has_box_weight(o);
    for (size_t head = 0; head < OBJECTIVE_HEADS; head++)
        if (o->heads[head]) count += loss_tunables(o->heads[head]);
    return count;
}

const param *objective_tunable(const objective *o, size_t i) {
    const size_t head = find_head(o, &i);
    if (head < OBJECTIVE_HEADS) return loss_tunable(o->heads[head], i);
    return has_box_weight(o) && i == 0 ? &box_weight_row : NULL;
}

int objective_set_tunable(objective *o, size_t i, double value, lb_error *error) {
    size_t own = i;
    const size_t head = find_head(o, &own);
    if (head < OBJECTIVE_HEADS) {
        const int code = loss_set_tunable(o->heads[head], own, value, error);
        return code ? code : derive(o, error);
    }
    if (!has_box_weight(o) || own)
        return lb_fail(error, LB_INVALID, "'%.200s' has no tunable parameter number %zu", o->label.data, i);
    if (!(value >= box_weight_row.low && value <= box_weight_row.high))
        return lb_fail(error, LB_INVALID, "box_weight=%g is not a number from %g to %g", value, box_weight_row.low,
                       box_weight_row.high);
    o->box_weight = value;
    return derive(o, error);
}
