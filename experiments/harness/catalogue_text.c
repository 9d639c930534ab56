/* docs/LOSSES.md. Every word and number on a loss comes from its table. */
#include "experiments/harness/catalogue.h"

#include "experiments/harness/experiment.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *title, *text;
} kinds[] = {
    [LOSS_BINARY] = {"Binary", "A logit z and a label y from 0 (good) to 1 (defect), element by element: parts, or the "
                               "pixels of a mask. p = 1/(1+e^-z); p_t = p for a defect, 1-p for a good part; bce = "
                               "-log p_t."},
    [LOSS_MASK] = {"Masks", "Logits and labels of all pixels of an image. I = sum of p y, P = sum of p, T = sum of y "
                            "over an image and channel. Binary losses can be added, per pixel: `dice + bce`."},
    [LOSS_MULTICLASS] = {"Multi-class", "One of K classes an item or pixel; p is the softmax of the K logits, p_y that "
                                        "of the true class. Binary losses that have a form for K classes show it too."},
    [LOSS_REGRESSION] = {"Regression", "Any numbers, element by element; d = prediction - target."},
    [LOSS_BOX] = {"Boxes", "Pairs of boxes x1, y1, x2, y2. I, U, C: areas of intersection, union and enclosing box, "
                           "which is cw wide and ch high; dx, dy: distance of the centres; w, h the size of the box, "
                           "wg, hg that of the true one."},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* --- prose as Markdown ------------------------------------------------------------------------------------------- */

/* Length of "arXiv:1708.02002" at s, 0 when there is none. */
static size_t arxiv_length(const char *s) {
    static const char *const digits = "0123456789";
    if (strncmp(s, "arXiv:", 6) != 0) return 0;
    const size_t year = strspn(s + 6, digits);
    if (year != 4 || s[10] != '.') return 0;
    const size_t number = strspn(s + 11, digits);
    return number ? 11 + number : 0;
}

/* Whether Markdown would read this character of `s` as more than itself. Bars are left to the table. */
static int is_markup(const char *s, const char *at) {
    if (*at == '_') return at == s || !isalnum((unsigned char)at[-1]);
    if (*at == ']') return at[1] == '(' || at[1] == '[';
    return strchr("*<`~\\$", *at) != NULL;
}

/* Text as it stands: markup is escaped, arXiv numbers become links. */
static void add_prose(text *out, const char *s) {
    for (const char *at = s; *at; at++) {
        const size_t length = arxiv_length(at);
        if (length) {
            text_add(out, "[%.*s](https://arxiv.org/abs/%.*s)", (int)length, at, (int)length - 6, at + 6);
            at += length - 1;
        } else if (is_markup(s, at)) {
            text_add(out, "\\%c", *at);
        } else {
            text_add(out, "%c", *at);
        }
    }
}

static void add_paragraph(text *out, const char *lead, const char *s) {
    if (!s || !*s) return;
    text_add(out, "**%s.** ", lead);
    add_prose(out, s);
    text_add(out, "\n\n");
}

static void add_numbers(text *out, const double *values, size_t n) {
    for (size_t i = 0; i < n; i++) text_add(out, "%s%.12g", i ? ", " : "", values[i]);
}

/* --- parameters -------------------------------------------------------------------------------------------------- */

static void add_value(text *out, const param *p, double value) {
    char shown[64];
    spec_format_value(p, value, shown, sizeof shown);
    text_add(out, "%s", shown);
}

static void add_range(text *out, const param *p, double low, double high) {
    const param plain = {.name = p->name}; /* ends of a range are numbers, whatever word has the same value */
    add_value(out, &plain, low);
    text_add(out, " to ");
    add_value(out, &plain, high);
}

static void add_values(text *out, const param *p) {
    int any = p->scale != PARAM_CHOICE;
    if (any) add_range(out, p, p->low, p->high);
    for (const param_word *w = p->words; w && w->word; w++, any = 1) text_add(out, "%s%s", any ? ", " : "", w->word);
    if (p->scale == PARAM_INTEGER) text_add(out, ", whole");
}

/* One cell from growing text. */
static void cell_of(table *t, text *content) {
    table_cell(t, "%s", content->data ? content->data : "");
    text_free(content);
}

static void add_param(table *t, const param *p) {
    text cell = {0};
    table_cell(t, "`%s`", p->name);
    add_value(&cell, p, p->fallback);
    cell_of(t, &cell);
    add_values(&cell, p);
    cell_of(t, &cell);
    if (p->tune_low < p->tune_high) add_range(&cell, p, p->tune_low, p->tune_high);
    cell_of(t, &cell);
    add_prose(&cell, p->summary ? p->summary : "");
    cell_of(t, &cell);
}

static int add_params(text *out, const loss_type *type, lb_error *error) {
    static const char *const headers[] = {"parameter", "default", "values", "tuned in", "meaning"};
    if (!type->param_count) return LB_OK;
    table *t = table_new(headers, sizeof headers / sizeof *headers);
    for (size_t i = 0; t && i < type->param_count; i++) add_param(t, &type->params[i]);
    const int code = t ? table_markdown(t, out, error) : lb_fail_memory(error, "a table");
    text_add(out, "\n");
    table_free(t);
    return code;
}

/* --- one loss ---------------------------------------------------------------------------------------------------- */

static void add_golden(text *out, const loss_type *type) {
    const loss_golden *g = &type->golden;
    if (!g->expression) return;
    const size_t n = g->images * g->channels * g->pixels, items = g->images * g->pixels;
    size_t counted = 0, sloped = 0;
    for (size_t i = 0; i < LOSS_GOLDEN; i++) counted += g->class_counts[i] != 0, sloped += g->grad[i] != 0;
    text_add(out, "**Worked example.** `%s`, [images][channels][pixels] = [%zu][%zu][%zu]", g->expression, g->images,
             g->channels, g->pixels);
    if (g->width) text_add(out, ", rows of %zu", g->width);
    text_add(out, "; input ");
    add_numbers(out, g->input, n);
    text_add(out, "; %s ", type->kind == LOSS_MULTICLASS ? "classes" : "target");
    add_numbers(out, g->target, type->kind == LOSS_MULTICLASS ? items : n);
    if (counted) text_add(out, "; class counts ");
    add_numbers(out, g->class_counts, counted);
    text_add(out, ": value **%.12g**", g->value);
    if (sloped) text_add(out, ", gradient ");
    add_numbers(out, g->grad, sloped ? n : 0);
    text_add(out, ". By ");
    add_prose(out, g->source ? g->source : "an unknown source");
    text_add(out, "\n\n");
}

static const char *averaged(const loss_type *type) {
    static const char *const elements[] = {[LOSS_BINARY] = "elements",
                                           [LOSS_MASK] = "elements",
                                           [LOSS_MULTICLASS] = "items",
                                           [LOSS_REGRESSION] = "elements",
                                           [LOSS_BOX] = "boxes"};
    static const char *const others[] = {
        [LOSS_PER_CELL] = "images and channels", [LOSS_PER_ROW] = "images", [LOSS_PER_BATCH] = NULL};
    return type->values == LOSS_PER_ELEMENT ? elements[type->kind] : others[type->values];
}

/* What a batch, with `many` a multi-class one, must bring beside input and target: the loss itself says it when asked
   with nothing else. */
static const char *needs_of(const loss_type *type, int many) {
    double values[SPEC_MAX_PARAMS];
    const loss_real zeros[4] = {0};
    const int first = 0;
    const loss_batch bare = {.images = 1,
                             .channels = many                     ? 3
                                         : type->kind == LOSS_BOX ? 4
                                                                  : 1,
                             .pixels = 1,
                             .input = zeros,
                             .target = many ? NULL : zeros,
                             .classes = many ? &first : NULL};
    for (size_t i = 0; i < type->param_count; i++) values[i] = type->params[i].fallback;
    return type->check_batch ? type->check_batch(values, &bare) : NULL;
}

static void add_facts(text *out, const loss_type *type) {
    const char *const over = averaged(type), *const needs = needs_of(type, type->kind == LOSS_MULTICLASS);
    text_add(out, "`%s@%d`, %s.", type->name, type->version, loss_kind_names[type->kind]);
    if (over)
        text_add(out, " The mean is over %s.", over);
    else
        text_add(out, " One value for the batch.");
    if (type->elements && type->classes) {
        const char *const there = needs_of(type, 1);
        text_add(out, " Takes multi-class batches too%s%s.", there ? ", and there " : "", there ? there : "");
    }
    if (needs) text_add(out, " For the batch: %s.", needs);
    if (type->state_names) text_add(out, " Learns beside the net:");
    for (size_t i = 0; type->state_names && type->state_names[i]; i++)
        text_add(out, "%s `%s`", i ? "," : "", type->state_names[i]);
    text_add(out, "%s\n\n", type->state_names ? "." : "");
}

static int add_loss(text *out, const loss_type *type, lb_error *error) {
    text_add(out, "### %s\n\n", type->name);
    add_paragraph(out, "Formula", type->summary);
    add_facts(out, type);
    text_add(out, "![value and gradient of %s](../plots/losses/%s.png)\n\n", type->name, type->name);
    text_add(out, "[svg](../plots/losses/%s.svg), [tsv](../plots/losses/%s.tsv)\n\n", type->name, type->name);
    add_paragraph(out, "When to use", type->use);
    add_paragraph(out, "Traps", type->traps);
    const int code = add_params(out, type, error);
    add_paragraph(out, "Source", type->citation);
    add_golden(out, type);
    return code;
}

/* --- the document ------------------------------------------------------------------------------------------------ */

static int is_of_kind(const loss_type *type, size_t kind, const char *only) {
    return (size_t)type->kind == kind && in_list(only, type->name);
}

static int kind_is_empty(size_t kind, const char *only) {
    const loss_type *type;
    for (size_t i = 0; (type = loss_type_at(i)); i++)
        if (is_of_kind(type, kind, only)) return 0;
    return 1;
}

static void add_contents(text *out, size_t kind, const char *only) {
    const loss_type *type;
    text_add(out, "**%s**\n\n", kinds[kind].title);
    for (size_t i = 0; (type = loss_type_at(i)); i++) {
        if (!is_of_kind(type, kind, only)) continue;
        text_add(out, "- [%s](#%s): ", type->name, type->name);
        add_prose(out, type->summary);
        text_add(out, "\n");
    }
    text_add(out, "\n");
}

/* What the pictures of a kind follow, each path once. */
static void add_paths(text *out, size_t kind) {
    const loss_path *told[8] = {NULL}, *paths[PATHS + 1];
    const loss_type *type;
    size_t count = 0;
    for (size_t i = 0; (type = loss_type_at(i)); i++) {
        if ((size_t)type->kind != kind) continue;
        paths_of(type, paths);
        for (size_t p = 0; paths[p]; p++) {
            size_t at = 0;
            while (at < count && told[at] != paths[p]) at++;
            if (at < count || count == sizeof told / sizeof *told) continue;
            told[count++] = paths[p];
            text_add(out, "- *%s*: %s. In grey: `%s`.\n", paths[p]->axis, paths[p]->text, paths[p]->reference);
        }
    }
    text_add(out, "\n");
}

static int add_kind(text *out, size_t kind, const char *only, lb_error *error) {
    const loss_type *type;
    int code = LB_OK;
    text_add(out, "## %s\n\n%s\n\nThe pictures, by the axis below:\n\n", kinds[kind].title, kinds[kind].text);
    add_paths(out, kind);
    for (size_t i = 0; !code && (type = loss_type_at(i)); i++)
        if (is_of_kind(type, kind, only)) code = add_loss(out, type, error);
    return code;
}

static int add_aliases(text *out, lb_error *error) {
    int code = LB_OK;
    text_add(out, "## Short names of compounds\n\n");
    for (const loss_alias *a = loss_aliases; !code && a->name; a++) {
        loss *l = loss_parse(a->name, error);
        if (!l) return (int)(error ? error->code : LB_INTERNAL);
        text_add(out, "- `%s` = `%s`: ", a->name, loss_label(l));
        add_prose(out, a->summary);
        text_add(out, ". Weights:");
        for (size_t i = 0; i < 4 && a->parts[i].loss; i++) text_add(out, "%s `%s`", i ? "," : "", a->parts[i].weight);
        text_add(out, ".\n");
        loss_free(l);
    }
    if (!loss_aliases[0].name) text_add(out, "None.\n");
    return code;
}

static void add_head(text *out) {
    text_add(out, "# Losses\n\n"
                  "<!-- Written by `make catalogue` from the tables in lib/loss; do not edit. -->\n\n"
                  "Every loss of the library, with its picture. This file and [plots/losses](../plots/losses) are "
                  "written by `make catalogue` (`lossbench catalogue`) from what each loss says about itself in "
                  "[lib/loss](../lib/loss); what is changed here is lost. How losses are added up and called: "
                  "[loss.h](../lib/loss/loss.h); how one is written: [ADDING_A_LOSS.md](ADDING_A_LOSS.md).\n\n"
                  "In the pictures, value is on the left and gradient on the right. Blue is the loss with its "
                  "defaults, other hues change one parameter, and grey is a well-known loss for comparison, cut where "
                  "it leaves the panel. Settings that change nothing along the path are left out.\n\n");
}

int catalogue_text(const char *only, text *out, lb_error *error) {
    int code = LB_OK;
    add_head(out);
    text_add(out, "## Contents\n\n");
    for (size_t kind = 0; kind < KINDS; kind++)
        if (!kind_is_empty(kind, only)) add_contents(out, kind, only);
    text_add(out, "[Short names of compounds](#short-names-of-compounds)\n\n");
    for (size_t kind = 0; !code && kind < KINDS; kind++)
        if (!kind_is_empty(kind, only)) code = add_kind(out, kind, only, error);
    if (!code) code = add_aliases(out, error);
    if (!code && out->failed) code = lb_fail_memory(error, "the catalogue");
    return code;
}
