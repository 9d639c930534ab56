#include "experiments/harness/experiment.h"

#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *path;
    const selection *chosen;
    experiment *e;
    char blocks[600], losses[600]; /* names the profile keeps */
    lb_error *error;
    int code;
    FILE *file;
    int line; /* of the file, from 1; 0: the whole file is meant */
} reader;

int in_list(const char *list, const char *name) {
    const size_t length = strlen(name);
    int empty = 1;
    for (const char *at = list; *at; at += strcspn(at, ",; ")) {
        at += strspn(at, ",; ");
        if (!*at) break;
        empty = 0;
        if (strcspn(at, ",; ") == length && strncmp(at, name, length) == 0) return 1;
    }
    return empty;
}

static char *trim(char *s) {
    while (isspace((unsigned char)*s)) s++;
    char *end = s + strlen(s);
    while (end > s && isspace((unsigned char)end[-1])) *--end = '\0';
    return s;
}

static int copy(char *out, size_t size, const char *text) { return snprintf(out, size, "%s", text) < (int)size; }

static int fail(reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(reader *r, const char *format, ...) {
    char sentence[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    if (!r->line) return lb_fail(r->error, LB_INVALID, "%s: %s", r->path, sentence);
    return lb_fail(r->error, LB_INVALID, "%s:%d: %s", r->path, r->line, sentence);
}

/* "a b c" with `natural` as 0. */
static int read_ratios(reader *r, block *b, char *list) {
    b->ratio_count = 0;
    for (char *save = NULL, *word = strtok_r(list, " ,", &save); word; word = strtok_r(NULL, " ,", &save)) {
        char *end;
        const unsigned long ratio =
            strcmp(word, "natural") == 0 ? (end = word + strlen(word), 0ul) : strtoul(word, &end, 10);
        if (*end || b->ratio_count == MAX_RATIOS || ratio > 1000000)
            return fail(r, "block '%s': '%s' is not a ratio (goods per defect, or natural)", b->label, word);
        b->ratios[b->ratio_count++] = (unsigned)ratio;
    }
    return b->ratio_count ? LB_OK : fail(r, "block '%s' has no ratio after '@'", b->label);
}

static int set_block(reader *r, const char *label, const char *value) {
    experiment *e = r->e;
    size_t i = 0;
    while (i < e->block_count && strcmp(e->blocks[i].label, label) != 0) i++;
    if (i == MAX_BLOCKS) return fail(r, "block '%s': too many blocks", label);
    block *b = &e->blocks[i];
    char text[SPEC_MAX_TEXT];
    if (!copy(text, sizeof text, value) || !copy(b->label, sizeof b->label, label))
        return fail(r, "block '%s' is too long", label);
    char *at = strchr(text, '@');
    if (!at) return fail(r, "block '%s': expected 'data set @ ratios' in '%s'", label, value);
    *at = '\0';
    copy(b->data, sizeof b->data, trim(text));
    e->block_count += i == e->block_count;
    return read_ratios(r, b, at + 1);
}

static int set_option(reader *r, entry *n, const char *option) {
    if (strcmp(option, "bias=0") == 0)
        n->bias = BIAS_ZERO;
    else if (strcmp(option, "bias=prior") == 0)
        n->bias = BIAS_PRIOR;
    else if (strcmp(option, "sampler=balanced") == 0)
        n->sampler = SAMPLER_BALANCED;
    else if (strcmp(option, "sampler=natural") == 0)
        n->sampler = SAMPLER_NATURAL;
    else if (strncmp(option, "streams=", 8) == 0 && islower((unsigned char)option[8]) && !option[9])
        n->streams = option[8];
    else
        return fail(r, "loss '%s': unknown option '%s' (bias=prior|0, sampler=natural|balanced, streams=a..z)",
                    n->family, option);
    return LB_OK;
}

/* Adds `n`, or for each word of the first {..} in its expression a copy with that word. */
static int add_entries(reader *r, const entry *n, int is_grid) {
    experiment *e = r->e;
    const char *open = strchr(n->loss, '{'), *close = open ? strchr(open, '}') : NULL;
    if (open && !close) return fail(r, "loss '%s': the '{' is not closed in '%s'", n->family, n->loss);
    if (!open) {
        if (e->entry_count == MAX_ENTRIES)
            return fail(r, "loss '%s': more than the %d entries a table holds", n->family, MAX_ENTRIES);
        entry *added = &e->entries[e->entry_count++];
        *added = *n;
        if (!copy(added->label, LABEL, is_grid ? n->loss : n->family))
            return fail(r, "loss '%s' is too long: %s", n->family, n->loss);
        for (size_t i = 0; i + 1 < e->entry_count; i++)
            if (strcmp(e->entries[i].label, added->label) == 0)
                return fail(r, "loss '%s': '%s' is listed twice", n->family, added->label);
        return LB_OK;
    }
    char words[SPEC_MAX_TEXT];
    snprintf(words, sizeof words, "%.*s", (int)(close - open - 1), open + 1);
    if (!words[strspn(words, ", ")])
        return fail(r, "loss '%s': nothing between '{' and '}' in '%s'", n->family, n->loss);
    for (char *save = NULL, *word = strtok_r(words, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        entry next = *n;
        snprintf(next.loss, sizeof next.loss, "%.*s%s%s", (int)(open - n->loss), n->loss, trim(word), close + 1);
        const int code = add_entries(r, &next, 1);
        if (code) return code;
    }
    return LB_OK;
}

static void drop_family(experiment *e, const char *family) {
    size_t kept = 0;
    for (size_t i = 0; i < e->entry_count; i++)
        if (strcmp(e->entries[i].family, family) != 0) e->entries[kept++] = e->entries[i];
    e->entry_count = kept;
}

static int set_loss(reader *r, const char *family, const char *value) {
    char text_copy[SPEC_MAX_TEXT];
    entry n = {.bias = BIAS_PRIOR, .sampler = SAMPLER_NATURAL, .streams = 'a'};
    if (!copy(text_copy, sizeof text_copy, value) || !copy(n.family, LABEL, family))
        return fail(r, "loss '%s' is too long", family);
    drop_family(r->e, family);
    char *save = NULL, *part = strtok_r(text_copy, "|", &save);
    if (!part) return fail(r, "loss '%s' has no expression", family);
    copy(n.loss, sizeof n.loss, trim(part));
    while ((part = strtok_r(NULL, "|", &save))) {
        const int code = set_option(r, &n, trim(part));
        if (code) return code;
    }
    return add_entries(r, &n, 0);
}

static int read_number(reader *r, const char *name, const char *value, double low, double high, double *out) {
    char *end;
    *out = strtod(value, &end);
    if (end == value || *end || !isfinite(*out) || *out < low || *out > high) {
        return fail(r, "%s=%.60s is not a number from %g to %g", name, value, low, high);
    }
    return LB_OK;
}

static int read_count(reader *r, const char *name, const char *value, double high, unsigned *out) {
    double number;
    const int code = read_number(r, name, value, 0, high, &number);
    if (code) return code;
    if (number != floor(number)) return fail(r, "%s=%s is not a whole number", name, value);
    *out = (unsigned)number;
    return LB_OK;
}

static int set_rates(reader *r, const char *value) {
    char list[SPEC_MAX_TEXT];
    copy(list, sizeof list, value);
    r->e->learning_rate_count = 0;
    for (char *save = NULL, *word = strtok_r(list, " ,", &save); word; word = strtok_r(NULL, " ,", &save)) {
        if (r->e->learning_rate_count == 8) return fail(r, "learning_rate: more than 8 values in '%s'", value);
        const int code =
            read_number(r, "learning_rate", word, 1e-8, 10, &r->e->learning_rates[r->e->learning_rate_count++]);
        if (code) return code;
    }
    return r->e->learning_rate_count ? LB_OK : fail(r, "learning_rate is empty");
}

static int set_text(reader *r, const char *name, const char *value, char *out, size_t size) {
    return copy(out, size, value) ? LB_OK : fail(r, "%s is too long: %.60s", name, value);
}

/* Indented lines continue a text: inih hands them over one by one. */
static int add_text(reader *r, const char *name, const char *value, char *out, size_t size) {
    const size_t used = strlen(out);
    return set_text(r, name, value, out + used + (used > 0), size - used - (used > 0)) ||
           (used && (out[used] = ' ', 0));
}

static int set_train(reader *r, const char *name, const char *value) {
    experiment *e = r->e;
    if (strcmp(name, "model") == 0) return set_text(r, name, value, e->model, sizeof e->model);
    if (strcmp(name, "visits") == 0) return read_count(r, name, value, 1e9, &e->visits);
    if (strcmp(name, "batch") == 0) return read_count(r, name, value, 65536, &e->batch);
    if (strcmp(name, "checkpoints") == 0) return read_count(r, name, value, 10, &e->checkpoints);
    if (strcmp(name, "seeds") == 0) return read_count(r, name, value, 1000, &e->seeds);
    if (strcmp(name, "learning_rate") == 0) return set_rates(r, value);
    if (strcmp(name, "weight_decay") == 0) return read_number(r, name, value, 0, 10, &e->weight_decay);
    return fail(r, "[train] has no key '%s'", name);
}

static int set_tuning(reader *r, const char *name, const char *value) {
    experiment *e = r->e;
    if (strcmp(name, "points") == 0) return read_count(r, name, value, 1024, &e->points);
    if (strcmp(name, "seeds") == 0) return read_count(r, name, value, 1000, &e->tuning_seeds);
    if (strcmp(name, "learning_rate_low") == 0) return read_number(r, name, value, 1e-8, 10, &e->learning_rate_low);
    if (strcmp(name, "learning_rate_high") == 0) return read_number(r, name, value, 1e-8, 10, &e->learning_rate_high);
    if (strcmp(name, "weight_decay_low") == 0) return read_number(r, name, value, 1e-12, 10, &e->weight_decay_low);
    if (strcmp(name, "weight_decay_high") == 0) return read_number(r, name, value, 1e-12, 10, &e->weight_decay_high);
    return fail(r, "[tuning] has no key '%s'", name);
}

static int set_about(reader *r, const char *name, const char *value) {
    experiment *e = r->e;
    if (strcmp(name, "question") == 0) return add_text(r, name, value, e->question, sizeof e->question);
    if (strcmp(name, "analysis") == 0) return set_text(r, name, value, e->analysis, sizeof e->analysis);
    if (strcmp(name, "figures") == 0) return add_text(r, name, value, e->figures, sizeof e->figures);
    if (strcmp(name, "caption") == 0) return add_text(r, name, value, e->caption, sizeof e->caption);
    if (strcmp(name, "baseline") == 0) return set_text(r, name, value, e->baseline, sizeof e->baseline);
    if (strcmp(name, "sheet") == 0) return add_text(r, name, value, e->sheet, sizeof e->sheet);
    return fail(r, "[experiment] has no key '%s'", name);
}

static int set_profile(reader *r, const char *name, const char *value) {
    experiment *e = r->e;
    if (strcmp(name, "seeds") == 0) return read_count(r, name, value, 1000, &e->seeds);
    if (strcmp(name, "points") == 0) return read_count(r, name, value, 1024, &e->points);
    if (strcmp(name, "tuning_seeds") == 0) return read_count(r, name, value, 1000, &e->tuning_seeds);
    if (strcmp(name, "blocks") == 0) return set_text(r, name, value, r->blocks, sizeof r->blocks);
    if (strcmp(name, "losses") == 0) return set_text(r, name, value, r->losses, sizeof r->losses);
    if (strncmp(name, "block.", 6) == 0) return set_block(r, name + 6, value);
    if (strncmp(name, "loss.", 5) == 0) return set_loss(r, name + 5, value);
    return fail(r, "[profile] has no key '%s' (a profile changes seeds, points, tuning_seeds, blocks and losses)",
                name);
}

/* inih reads with this. It would take the rest of a line that is too long for it as a line of its own. */
static char *read_line(char *out, int size, void *user) {
    reader *r = user;
    if (r->code || !fgets(out, size, r->file)) return NULL;
    r->line++;
    if (!strchr(out, '\n') && !feof(r->file))
        r->code = fail(r, "the line is longer than %d bytes: continue it on an indented line", size - 2);
    return r->code ? NULL : out;
}

/* inih calls this for every name=value; returns 0 to stop. */
static int on_value(void *user, const char *section, const char *name, const char *value) {
    reader *r = user;
    if (strcmp(section, "experiment") == 0)
        r->code = set_about(r, name, value);
    else if (strcmp(section, "blocks") == 0)
        r->code = set_block(r, name, value);
    else if (strcmp(section, "losses") == 0)
        r->code = set_loss(r, name, value);
    else if (strcmp(section, "train") == 0)
        r->code = set_train(r, name, value);
    else if (strcmp(section, "tuning") == 0)
        r->code = set_tuning(r, name, value);
    else if (strncmp(section, "profile ", 8) != 0)
        r->code = fail(r, "unknown section [%s]", section);
    else if (strcmp(section + 8, r->chosen->profile) == 0)
        r->code = set_profile(r, name, value);
    return r->code == LB_OK;
}

/* Keeps blocks that the profile lists and DATASET= names, by label or by data set name. */
static void narrow_blocks(reader *r) {
    experiment *e = r->e;
    size_t kept = 0;
    for (size_t i = 0; i < e->block_count; i++) {
        char name[SPEC_MAX_TEXT];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(e->blocks[i].data, "( "), e->blocks[i].data);
        if (!in_list(r->blocks, e->blocks[i].label)) continue;
        if (!in_list(r->chosen->data, e->blocks[i].label) && !in_list(r->chosen->data, name)) continue;
        if (kept != i) e->blocks[kept] = e->blocks[i];
        kept++;
    }
    e->block_count = kept;
}

/* Keeps entries that the profile lists and LOSS= names, by label or by loss name; the baseline stays. */
static void narrow_losses(reader *r) {
    experiment *e = r->e;
    size_t kept = 0;
    for (size_t i = 0; i < e->entry_count; i++) {
        char name[SPEC_MAX_TEXT];
        const entry *n = &e->entries[i];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(n->loss, "( "), n->loss);
        if (!in_list(r->losses, n->family)) continue;
        if (!in_list(r->chosen->loss, n->family) && !in_list(r->chosen->loss, name) &&
            strcmp(n->family, e->baseline) != 0)
            continue;
        if (kept != i) e->entries[kept] = *n;
        kept++;
    }
    e->entry_count = kept;
}

static int is_called(const char *word, const char *label, const char *expression) {
    const size_t length = strcspn(expression, "( ");
    return strcmp(word, label) == 0 || (strlen(word) == length && strncmp(word, expression, length) == 0);
}

int is_simulation(const experiment *e) { return strcmp(e->model, SIMULATION_MODEL) == 0; }

int experiment_has_loss(const experiment *e, const char *word) {
    for (size_t i = 0; i < e->entry_count; i++)
        if (is_called(word, e->entries[i].family, e->entries[i].loss)) return 1;
    return 0;
}

int experiment_has_data(const experiment *e, const char *word) {
    for (size_t i = 0; i < e->block_count; i++)
        if (is_called(word, e->blocks[i].label, e->blocks[i].data)) return 1;
    return 0;
}

static int is_listed(const experiment *e, const char *family) {
    for (size_t i = 0; i < e->entry_count; i++)
        if (strcmp(e->entries[i].family, family) == 0) return 1;
    return 0;
}

/* Before narrowing: a profile's lists name what is there, and something is there. */
static int check_lists(reader *r) {
    const experiment *e = r->e;
    char list[sizeof r->blocks], sheet[sizeof e->sheet];
    if (!e->block_count) return fail(r, "[blocks] is empty");
    if (!e->entry_count) return fail(r, "[losses] is empty");
    if (strcmp(e->baseline, "bce") != 0 && !is_listed(e, e->baseline))
        return fail(r, "baseline '%s' is not among the losses", e->baseline);
    copy(sheet, sizeof sheet, e->sheet);
    for (char *save = NULL, *word = strtok_r(sheet, ",; ", &save); word; word = strtok_r(NULL, ",; ", &save))
        if (!is_listed(e, word)) return fail(r, "sheet: there is no loss '%s'", word);
    copy(list, sizeof list, r->blocks);
    for (char *save = NULL, *word = strtok_r(list, ",; ", &save); word; word = strtok_r(NULL, ",; ", &save)) {
        size_t i = 0;
        while (i < e->block_count && strcmp(e->blocks[i].label, word) != 0) i++;
        if (i == e->block_count) return fail(r, "profile '%s': there is no block '%s'", r->chosen->profile, word);
    }
    copy(list, sizeof list, r->losses);
    for (char *save = NULL, *word = strtok_r(list, ",; ", &save); word; word = strtok_r(NULL, ",; ", &save)) {
        size_t i = 0;
        while (i < e->entry_count && strcmp(e->entries[i].family, word) != 0) i++;
        if (i == e->entry_count) return fail(r, "profile '%s': there is no loss '%s'", r->chosen->profile, word);
    }
    return LB_OK;
}

static int check(reader *r) {
    experiment *e = r->e;
    static const char *const analyses =
        "compare grid ratios easy rates lambda epsilon equivalence sizes boxes heads types simulation";
    if (!e->analysis[0] || !in_list(analyses, e->analysis))
        return fail(r, "analysis '%s' is not one of: %s", e->analysis, analyses);
    if (!e->model[0]) return fail(r, "[train] names no model");
    if (!e->seeds) return fail(r, "[train] seeds must be at least 1");
    if (is_simulation(e)) { /* nothing is trained: one cell a rule */
        e->learning_rates[0] = 1;
        e->learning_rate_count = 1;
        e->points = 0;
        return LB_OK;
    }
    if (!e->batch || e->visits < 20 * e->batch) return fail(r, "[train] visits must be at least 20 batches");
    if (e->batch % 2) return fail(r, "[train] batch must be even");
    if (!e->checkpoints) return fail(r, "[train] checkpoints must be at least 1");
    if (e->points && (!e->tuning_seeds || e->learning_rate_low <= 0 || e->learning_rate_high < e->learning_rate_low ||
                      e->weight_decay_low <= 0 || e->weight_decay_high < e->weight_decay_low))
        return fail(r, "[tuning] needs seeds and low <= high ranges for learning_rate and weight_decay");
    if (!e->points && !e->learning_rate_count) return fail(r, "[train] needs learning_rate, or a [tuning] section");
    if (!e->points && e->learning_rate_count > 1 && strcmp(e->analysis, "rates") != 0)
        return fail(r, "[train] several learning rates are for analysis rates; '%s' shows one", e->analysis);
    if (e->points && strcmp(e->analysis, "rates") == 0)
        return fail(r, "analysis rates is for fixed learning rates, without [tuning]");
    return LB_OK;
}

/* "dir/focal_sweep.ini" -> "focal_sweep" */
static void name_of(const char *path, char *out) {
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    const char *dot = strrchr(base, '.');
    snprintf(out, LABEL, "%.*s", dot ? (int)(dot - base) : (int)strlen(base), base);
}

int experiment_read(const char *path, const selection *chosen, experiment *out, lb_error *error) {
    *out = (experiment){.batch = 32, .checkpoints = 1, .baseline = "bce"};
    name_of(path, out->name);
    reader r = {.path = path, .chosen = chosen, .e = out, .error = error};
    r.file = fopen(path, "r");
    if (!r.file) return lb_fail(error, LB_NOT_FOUND, "cannot read the experiment file '%s': %s", path, strerror(errno));
    const int line = ini_parse_stream(read_line, &r, on_value, &r), broken = ferror(r.file);
    fclose(r.file);
    if (line == -2) return lb_fail_memory(error, "an experiment file");
    if (r.code) return r.code;
    if (broken) return lb_fail(error, LB_IO, "reading the experiment file '%s' failed", path);
    if (line > 0) return lb_fail(error, LB_FORMAT, "%s:%d: expected [section] or name = value", path, line);
    r.line = 0;
    const int code = check_lists(&r);
    if (code) return code;
    narrow_blocks(&r);
    narrow_losses(&r);
    return check(&r);
}
