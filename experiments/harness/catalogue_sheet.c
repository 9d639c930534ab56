/* The picture of a loss: value on the left, slope on the right, a row of panels for each path and, where there is one
   path only, for each tuned parameter. A row has the defaults and a few other values; parameters that are not tuned
   share a row. Left out is what looks like another setting: a parameter that changes nothing along the path is not
   shown. */
#include "experiments/harness/catalogue.h"

#include "experiments/harness/figure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SETTINGS = 5, MAX_GROUPS = 3, MAX_VALUES = 16, VALUE_TEXT = 32, SETTING_TEXT = 120 };

typedef struct {
    char label[SETTING_TEXT], expression[SETTING_TEXT];
    int is_default;
    curve curves[PATHS][PATH_CASES];
} setting;

/* Settings that are drawn together: a row for each path. */
typedef struct {
    size_t count;
    setting settings[MAX_SETTINGS];
} group;

typedef struct {
    const loss_type *type;
    const loss_path *paths[PATHS + 1];
    setting references[PATHS]; /* of each path; without a label: none */
    size_t count;
    group groups[MAX_GROUPS];
} sheet;

/* --- which values of a parameter --------------------------------------------------------------------------------- */

/* Values from the literature, where the usual ones say little; the default is among them, alone where the parameter is
   not to be shown: a unit, or what would hide all others. */
static const struct {
    const char *loss, *param, *values;
} chosen[] = {
    {"weighted_bce", "pos_weight", "1 3 auto"},
    {"focal", "gamma", "0 1 2 5"},
    {"focal", "alpha", "off 0.25 0.75 auto"},
    {"class_balanced", "beta", "0.9 0.99 0.999 0.9999"},
    {"class_balanced_focal", "beta", "0.9 0.99 0.999 0.9999"},
    {"poly_focal", "alpha", "off 0.25 0.75 auto"},
    {"auc_pairwise", "hparam", "0.3 1 3"},
    {"recall_at_fr", "lambda", "0.3 1 3"},
    {"focal_tversky", "beta", "0.7"},
    {"focal_tversky", "exponent", "0.5 0.75 1"},
    {"unified_focal_sym", "delta", "0.6 0.9"},
    {"unified_focal_sym", "gamma", "0.2 0.5"},
    {"unified_focal_sym", "lambda", "0 0.5 1"},
    {"unified_focal_asym", "delta", "0.6 0.9"},
    {"unified_focal_asym", "gamma", "0.2 0.5"},
    {"unified_focal_asym", "lambda", "0 0.5 1"},
    {"hausdorff_dt", "alpha", "1 2"},
    {"nwd", "constant", "4 12.8 40"},
    {"boundary", "spacing_x", "1"},
    {"boundary", "spacing_y", "1"},
    {"cldice", "iterations", "3"},
    {"ciou", "gradient", "true"},
    {NULL, NULL, NULL},
};

typedef char value_list[MAX_VALUES][VALUE_TEXT];

static size_t chosen_values(const char *values, value_list out) {
    size_t n = 0;
    for (; n < MAX_VALUES && *values; n++) {
        snprintf(out[n], VALUE_TEXT, "%.*s", (int)strcspn(values, " "), values);
        values += strcspn(values, " ");
        values += strspn(values, " ");
    }
    return n;
}

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int is_word(const param *p, double value) {
    for (const param_word *w = p->words; w && w->word; w++)
        if (w->value == value) return 1;
    return 0;
}

static int is_tuned(const param *p) { return p->tune_low < p->tune_high; }

/* Two neighbours of a default that is not tuned: half and double, or a tenth of the range. */
static size_t neighbours(const param *p, double *out) {
    const double a = p->fallback != 0 ? p->fallback / 2 : p->low + (p->high - p->low) / 10, b = 2 * p->fallback;
    size_t n = 0;
    if (is_word(p, p->fallback)) return 0;
    if (a >= p->low && a <= p->high) out[n++] = p->scale == PARAM_INTEGER ? floor(a) : a;
    if (p->fallback != 0 && b >= p->low && b <= p->high) out[n++] = b;
    return n;
}

/* The default, words, and the ends of the tuning range or neighbours, from the smallest on. */
static size_t usual_values(const param *p, value_list out) {
    double values[MAX_VALUES];
    size_t n = 0, kept = 0;
    values[n++] = p->fallback;
    if (is_tuned(p)) values[n++] = p->tune_low, values[n++] = p->tune_high;
    if (!is_tuned(p) && p->scale != PARAM_CHOICE) n += neighbours(p, values + n);
    for (const param_word *w = p->words; w && w->word && n < MAX_VALUES; w++)
        if (w->value != p->fallback) values[n++] = w->value;
    qsort(values, n, sizeof *values, by_size);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || values[i] != values[i - 1]) spec_format_value(p, values[i], out[kept++], VALUE_TEXT);
    return kept;
}

/* "1 3 auto", or NULL */
static const char *chosen_for(const loss_type *type, const param *p) {
    for (size_t i = 0; chosen[i].loss; i++)
        if (strcmp(chosen[i].loss, type->name) == 0 && strcmp(chosen[i].param, p->name) == 0) return chosen[i].values;
    return NULL;
}

static size_t values_of(const loss_type *type, const param *p, value_list out) {
    const char *const values = chosen_for(type, p);
    return values ? chosen_values(values, out) : usual_values(p, out);
}

/* Numbers that no tuner moves are shown where there is nothing else, or on request. */
static int is_worth_showing(const loss_type *type, const param *p) {
    int any_tuned = 0;
    for (size_t i = 0; i < type->param_count; i++) any_tuned |= is_tuned(&type->params[i]);
    return p->scale == PARAM_CHOICE || !any_tuned || chosen_for(type, p);
}

/* --- curves ------------------------------------------------------------------------------------------------------ */

static size_t case_count(const loss_path *path) {
    size_t n = 0;
    while (n < PATH_CASES && path->cases[n]) n++;
    return n;
}

static int follow_all(const sheet *sh, setting *s, lb_error *error) {
    int code = LB_OK;
    for (size_t p = 0; sh->paths[p]; p++)
        for (size_t c = 0; !code && c < case_count(sh->paths[p]); c++)
            code = path_follow(sh->paths[p], c, s->expression, &s->curves[p][c], error);
    return code;
}

/* Whether two lines look different: by more than a fiftieth of what they span. */
static int lines_differ(const double *a, const double *b) {
    double low = a[0], high = a[0], gap = 0;
    for (size_t i = 0; i < PATH_POINTS; i++) {
        low = fmin(low, fmin(a[i], b[i]));
        high = fmax(high, fmax(a[i], b[i]));
        gap = fmax(gap, fabs(a[i] - b[i]));
    }
    return gap > 0.02 * (high - low);
}

static int curves_differ(const curve *a, const curve *b) {
    return lines_differ(a->value, b->value) || lines_differ(a->slope, b->slope);
}

static int settings_differ(const sheet *sh, const setting *a, const setting *b) {
    for (size_t p = 0; sh->paths[p]; p++)
        for (size_t c = 0; c < case_count(sh->paths[p]); c++)
            if (curves_differ(&a->curves[p][c], &b->curves[p][c])) return 1;
    return 0;
}

/* The setting of the group that looks like this one, or NULL. */
static setting *twin_of(const sheet *sh, group *g, const setting *s) {
    for (size_t i = 0; i < g->count; i++)
        if (!settings_differ(sh, s, &g->settings[i])) return &g->settings[i];
    return NULL;
}

/* --- groups ------------------------------------------------------------------------------------------------------- */

/* Adds a setting if it can be evaluated and looks like none that is there; of two alike the default stays. */
static void add_setting(const sheet *sh, group *g, const param *p, const char *value, int is_default) {
    if (g->count == MAX_SETTINGS) return;
    setting *s = &g->settings[g->count];
    s->is_default = is_default;
    snprintf(s->expression, sizeof s->expression, "%s(%s=%s)", sh->type->name, p->name, value);
    snprintf(s->label, sizeof s->label, "%s=%s%s", p->name, value, is_default ? " (default)" : "");
    if (follow_all(sh, s, NULL)) return;
    setting *twin = twin_of(sh, g, s);
    if (!twin)
        g->count++;
    else if (is_default)
        *twin = *s;
}

/* The defaults by themselves. */
static int add_defaults(const sheet *sh, group *g, const char *label, lb_error *error) {
    setting *s = &g->settings[g->count++];
    s->is_default = 1;
    snprintf(s->expression, sizeof s->expression, "%s", sh->type->name);
    snprintf(s->label, sizeof s->label, "%s", label);
    return follow_all(sh, s, error);
}

static void add_values(const sheet *sh, group *g, const param *p, int with_default) {
    value_list values;
    char fallback[VALUE_TEXT];
    spec_format_value(p, p->fallback, fallback, sizeof fallback);
    const size_t n = values_of(sh->type, p, values);
    for (size_t i = 0; i < n; i++) {
        const int is_default = strcmp(values[i], fallback) == 0;
        if (!is_default || with_default) add_setting(sh, g, p, values[i], is_default);
    }
}

/* The defaults and other values of all parameters, or of those that are not tuned. */
static int fill_mixed(const sheet *sh, group *g, int with_tuned, lb_error *error) {
    const loss_type *type = sh->type;
    const int code = add_defaults(sh, g, "defaults", error);
    for (size_t i = 0; with_tuned && i < type->param_count; i++)
        if (is_tuned(&type->params[i])) add_values(sh, g, &type->params[i], 0);
    for (size_t i = 0; i < type->param_count; i++)
        if (!is_tuned(&type->params[i]) && is_worth_showing(type, &type->params[i]))
            add_values(sh, g, &type->params[i], 0);
    return code;
}

/* Keeps the group that has just been filled if it shows more than the defaults. */
static void keep_if_varied(sheet *sh) {
    if (sh->groups[sh->count].count > 1)
        sh->count++;
    else
        sh->groups[sh->count].count = 0;
}

static int fill_groups(sheet *sh, lb_error *error) {
    const loss_type *type = sh->type;
    const int one_path = !sh->paths[1];
    int code = LB_OK;
    for (size_t i = 0; one_path && i < type->param_count && sh->count < MAX_GROUPS; i++)
        if (is_tuned(&type->params[i])) {
            add_values(sh, &sh->groups[sh->count], &type->params[i], 1);
            keep_if_varied(sh);
        }
    if (sh->count < MAX_GROUPS) {
        code = fill_mixed(sh, &sh->groups[sh->count], !one_path, error);
        keep_if_varied(sh);
    }
    if (!code && !sh->count) code = add_defaults(sh, &sh->groups[sh->count++], type->name, error);
    return code;
}

/* The well-known losses to compare with, where they are not what is shown. */
static int fill_references(sheet *sh, lb_error *error) {
    int code = LB_OK;
    for (size_t p = 0; !code && sh->paths[p]; p++) {
        setting *s = &sh->references[p];
        if (strcmp(sh->paths[p]->reference, sh->type->name) == 0) continue;
        snprintf(s->expression, sizeof s->expression, "%s", sh->paths[p]->reference);
        snprintf(s->label, sizeof s->label, "%s", s->expression);
        for (size_t c = 0; !code && c < case_count(sh->paths[p]); c++)
            code = path_follow(sh->paths[p], c, s->expression, &s->curves[p][c], error);
    }
    return code;
}

/* --- the table --------------------------------------------------------------------------------------------------- */

/* A row of panels: a group along a path. */
typedef struct {
    const sheet *sh;
    const group *g;
    const loss_path *path;
    size_t p, cases, lines; /* the path's number; how many cases look different; settings with the reference */
} row;

static size_t cases_of(const sheet *sh, const group *g, size_t p) {
    const size_t all = case_count(sh->paths[p]);
    for (size_t i = 0; i < g->count; i++)
        for (size_t c = 1; c < all; c++)
            if (curves_differ(&g->settings[i].curves[p][0], &g->settings[i].curves[p][c])) return all;
    return 1;
}

static int has_reference(const sheet *sh, const group *g, size_t p) {
    if (!sh->references[p].label[0]) return 0;
    for (size_t i = 0; i < g->count; i++) {
        int differs = 0;
        for (size_t c = 0; c < case_count(sh->paths[p]); c++)
            differs |= curves_differ(&g->settings[i].curves[p][c], &sh->references[p].curves[p][c]);
        if (!differs) return 0; /* it is there already */
    }
    return 1;
}

static size_t rows_of(const sheet *sh, row out[MAX_GROUPS * PATHS]) {
    size_t n = 0;
    for (size_t i = 0; i < sh->count; i++)
        for (size_t p = 0; sh->paths[p]; p++) {
            const group *g = &sh->groups[i];
            out[n++] = (row){.sh = sh,
                             .g = g,
                             .path = sh->paths[p],
                             .p = p,
                             .cases = cases_of(sh, g, p),
                             .lines = g->count + (has_reference(sh, g, p) ? 1 : 0)};
        }
    return n;
}

/* Line i of a row: the settings, then the reference. */
static const setting *line_at(const row *r, size_t i) {
    return i < r->g->count ? &r->g->settings[i] : &r->sh->references[r->p];
}

typedef struct {
    char **header;
    size_t count;
    int failed;
} headers;

static void add_header(headers *h, const char *prefix, const char *label, const char *case_name) {
    char **grown = realloc(h->header, (h->count + 1) * sizeof *grown);
    char text_of[300];
    snprintf(text_of, sizeof text_of, "%s%s%s%s", prefix, label, *case_name ? "; " : "", case_name);
    if (grown) h->header = grown;
    if (grown && (grown[h->count] = strdup(text_of)))
        h->count++;
    else
        h->failed = 1;
}

static void add_headers(headers *h, const row *r) {
    add_header(h, "", r->path->axis, "");
    for (size_t i = 0; i < r->lines; i++)
        for (size_t c = 0; c < r->cases; c++) {
            const char *const name = r->cases > 1 ? r->path->cases[c] : "";
            add_header(h, "", line_at(r, i)->label, name);
            add_header(h, "gradient, ", line_at(r, i)->label, name);
        }
}

static table *empty_table(const row *rows, size_t count) {
    headers h = {0};
    for (size_t i = 0; i < count; i++) add_headers(&h, &rows[i]);
    table *t = h.failed ? NULL : table_new((const char *const *)h.header, h.count);
    for (size_t i = 0; i < h.count; i++) free(h.header[i]);
    free(h.header);
    return t;
}

static void add_number(table *t, double value) { table_cell(t, "%.5g", value == 0 ? 0 : value); /* no -0 */ }

static void add_point(table *t, const row *r, size_t point) {
    add_number(t, path_x(r->path, point));
    for (size_t i = 0; i < r->lines; i++)
        for (size_t c = 0; c < r->cases; c++) {
            add_number(t, line_at(r, i)->curves[r->p][c].value[point]);
            add_number(t, line_at(r, i)->curves[r->p][c].slope[point]);
        }
}

static table *table_of(const row *rows, size_t count) {
    table *t = empty_table(rows, count);
    for (size_t point = 0; t && point < PATH_POINTS; point++)
        for (size_t i = 0; i < count; i++) add_point(t, &rows[i], point);
    return t;
}

/* --- the options of losses.gp ------------------------------------------------------------------------------------ */

enum { LINES, HUES, CASES, POWERS, SLOPES, RULES, GOODS, DEFECTS, FORMULA, LISTS };
static const char *const list_names[] = {"lines", "hues",  "cases",   "powers", "slopes",
                                         "rules", "goods", "defects", "formula"};

/* 1: the defaults; 2..: the others; 0: the reference. */
static int hue_of(const row *r, size_t line) {
    int hue = 2;
    if (line == r->g->count) return 0;
    if (r->g->settings[line].is_default) return 1;
    for (size_t i = 0; i < line; i++) hue += !r->g->settings[i].is_default;
    return hue;
}

static void add_numbers(text *out, const double *values, size_t n) {
    for (size_t i = 0; i < n; i++) text_add(out, " %g", values[i]);
}

static void add_row(text *lists, const row *r, size_t number) {
    for (size_t i = 0; i < r->lines; i++)
        for (size_t c = 0; c < r->cases; c++) {
            text_add(&lists[HUES], " %d", hue_of(r, i));
            text_add(&lists[CASES], " %zu", c + 1);
        }
    text_add(&lists[LINES], " %zu", r->lines * r->cases);
    text_add(&lists[POWERS], " %d", r->path->powers);
    text_add(&lists[SLOPES], "%s%s", number ? "\n" : "", r->path->slope_axis);
    for (size_t i = 0; i < 2; i++)
        if (r->path->rules[i] != 0) text_add(&lists[RULES], " %zu=%g", number + 1, r->path->rules[i]);
    if (lists[GOODS].data) return; /* they stand still in all rows */
    add_numbers(&lists[GOODS], r->path->goods, r->path->good_count);
    add_numbers(&lists[DEFECTS], r->path->defects, r->path->defect_count);
}

/* The formula in lines of at most WIDTH characters. */
static void add_wrapped(text *out, const char *s) {
    enum { WIDTH = 100 };
    while (strlen(s) > WIDTH) {
        size_t length = WIDTH;
        while (length > 1 && s[length] != ' ') length--;
        if (length == 1) length = strcspn(s, " ");
        text_add(out, "%.*s\n", (int)length, s);
        s += length;
        s += *s == ' ';
    }
    text_add(out, "%s", s);
}

static int draw(const loss_type *type, const row *rows, size_t count, const char *stem, const table *t,
                lb_error *error) {
    text lists[LISTS] = {{0}};
    figure_option options[LISTS + 2] = {{"title", type->name}};
    int failed = 0;
    for (size_t i = 0; i < count; i++) add_row(lists, &rows[i], i);
    add_wrapped(&lists[FORMULA], type->summary);
    for (size_t i = 0; i < LISTS; i++) {
        options[i + 1] = (figure_option){list_names[i], lists[i].data};
        failed |= lists[i].failed;
    }
    const int code =
        failed ? lb_fail_memory(error, "a picture") : figure_draw(NULL, "losses", stem, t, type->name, options, error);
    for (size_t i = 0; i < LISTS; i++) text_free(&lists[i]);
    return code;
}

int sheet_draw(const loss_type *type, const char *stem, lb_error *error) {
    row rows[MAX_GROUPS * PATHS];
    sheet *sh = calloc(1, sizeof *sh);
    if (!sh) return lb_fail_memory(error, "a picture");
    sh->type = type;
    paths_of(type, sh->paths);
    int code = fill_groups(sh, error);
    if (!code) code = fill_references(sh, error);
    if (!code) {
        const size_t count = rows_of(sh, rows);
        table *t = table_of(rows, count);
        code = t ? draw(type, rows, count, stem, t, error) : lb_fail_memory(error, "a picture");
        table_free(t);
    }
    free(sh);
    return code;
}
