#include "experiments/harness/head_grid.h"

#include "experiments/harness/mask_analysis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* --- axes -------------------------------------------------------------------------------------------------------- */

/* Characters to the next comma outside brackets. */
static size_t part_length(const char *part) {
    size_t length = 0;
    for (int depth = 0; part[length] && (depth || part[length] != ','); length++)
        depth += (part[length] == '(') - (part[length] == ')');
    return length;
}

/* Of "cls = focal, box = 2*ciou" the text "2*ciou"; what a detector takes by itself where there is none. */
static void box_loss(const char *expression, char out[LABEL]) {
    snprintf(out, LABEL, "smooth_l1");
    for (const char *part = expression; *part; part += part_length(part)) {
        part += strspn(part, ", ");
        const size_t name = strcspn(part, "= ,"), equals = name + strspn(part + name, " ");
        if (name != 3 || strncmp(part, "box", 3) != 0 || part[equals] != '=') continue;
        const size_t begin = equals + 1 + strspn(part + equals + 1, " ");
        size_t end = part_length(part);
        while (end > begin && part[end - 1] == ' ') end--;
        snprintf(out, LABEL, "%.*s", (int)(end - begin), part + begin);
    }
}

static long find(char (*list)[LABEL], size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], name) == 0) return (long)i;
    return -1;
}

static size_t find_or_add(char (*list)[LABEL], size_t *count, const char *name) {
    const long found = find(list, *count, name);
    if (found >= 0) return (size_t)found;
    snprintf(list[*count], LABEL, "%s", name);
    return (*count)++;
}

static int is_baseline(const experiment *x, const entry *at) {
    return strcmp(at->label, x->baseline) == 0 || strcmp(at->family, x->baseline) == 0;
}

static void read_axes(const experiment *x, head_grid *out) {
    int based = 0;
    for (size_t i = 0; i < x->entry_count; i++) {
        char box[LABEL];
        box_loss(x->entries[i].loss, box);
        const size_t row = find_or_add(out->cls, &out->classes, x->entries[i].family);
        const size_t column = find_or_add(out->box, &out->boxes, box);
        if (based || !is_baseline(x, &x->entries[i])) continue;
        based = 1;
        out->base_class = row;
        out->base_box = column;
    }
}

void head_grid_at(const evidence *e, const place *p, head_grid *out) {
    out->e = e;
    out->classes = out->boxes = out->base_class = out->base_box = 0;
    read_axes(&e->study->e, out);
    for (size_t i = 0; i < out->classes; i++)
        for (size_t k = 0; k < out->boxes; k++) out->cell[i][k] = -1;
    for (size_t c = 0; c < e->study->cell_count; c++) {
        const cell *at = &e->study->cells[c];
        char box[LABEL];
        if (at->block != p->b || at->ratio != p->ratio || troubles_of(e, c).failed) continue;
        box_loss(at->entry->loss, box);
        out->cell[head_class(out, at->entry->family)][head_box(out, box)] = (long)c;
    }
}

long head_class(const head_grid *g, const char *name) { return find((char(*)[LABEL])g->cls, g->classes, name); }
long head_box(const head_grid *g, const char *name) { return find((char(*)[LABEL])g->box, g->boxes, name); }

long head_cell(const head_grid *g, const char *cls, const char *box) {
    const long row = head_class(g, cls), column = head_box(g, box);
    return row < 0 || column < 0 ? -1 : g->cell[row][column];
}

/* --- effects ----------------------------------------------------------------------------------------------------- */

static double value(const head_grid *g, long c, unsigned seed, measure_field field) {
    return field(&evidence_seeds(g->e, (size_t)c)[seed]);
}

static long level_cell(const head_grid *g, head_factor factor, size_t level, size_t other) {
    return factor == FACTOR_CLASS ? g->cell[level][other] : g->cell[other][level];
}

comparison head_effect(const head_grid *g, head_factor factor, size_t a, size_t b, measure_field field) {
    const size_t others = factor == FACTOR_CLASS ? g->boxes : g->classes;
    double difference[SEEDS_MOST] = {0};
    size_t n = 0;
    long any = -1;
    for (size_t i = 0; i < others; i++) {
        const long x = level_cell(g, factor, a, i), y = level_cell(g, factor, b, i);
        if (x < 0 || y < 0) continue;
        for (unsigned k = 0; k < g->e->study->e.seeds; k++)
            difference[k] += value(g, x, k, field) - value(g, y, k, field);
        any = x;
        n++;
    }
    if (!n) return (comparison){.p = (double)NAN, .verdict = STAT_UNCLEAR};
    for (unsigned k = 0; k < g->e->study->e.seeds; k++) difference[k] /= (double)n;
    return compare_values(difference, g->e->study->e.seeds, evidence_seeds(g->e, (size_t)any));
}

static int is_complete(const head_grid *g) {
    for (size_t i = 0; i < g->classes; i++)
        for (size_t k = 0; k < g->boxes; k++)
            if (g->cell[i][k] < 0) return 0;
    return g->classes && g->boxes;
}

static double rest_of(const head_grid *g, size_t cls, size_t box, unsigned seed, measure_field field) {
    double row = 0, column = 0, all = 0;
    for (size_t i = 0; i < g->classes; i++)
        for (size_t k = 0; k < g->boxes; k++) {
            const double y = value(g, g->cell[i][k], seed, field);
            row += i == cls ? y : 0;
            column += k == box ? y : 0;
            all += y;
        }
    const double classes = (double)g->classes, boxes = (double)g->boxes;
    return value(g, g->cell[cls][box], seed, field) - row / boxes - column / classes + all / (classes * boxes);
}

comparison head_rest(const head_grid *g, size_t cls, size_t box, measure_field field) {
    double rest[SEEDS_MOST];
    const unsigned seeds = g->e->study->e.seeds;
    if (!is_complete(g)) return (comparison){.p = (double)NAN, .verdict = STAT_UNCLEAR};
    for (unsigned k = 0; k < seeds; k++) rest[k] = rest_of(g, cls, box, k, field);
    return compare_values(rest, seeds, evidence_seeds(g->e, (size_t)g->cell[cls][box]));
}
