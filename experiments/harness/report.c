#include "experiments/harness/report.h"

#include "experiments/harness/figure.h"
#include "experiments/harness/trial_row.h"
#include "lib/base/hash.h"
#include "lib/nn/nn.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef LOSSBENCH_VERSION
#define LOSSBENCH_VERSION "0.1.0"
#endif
#ifndef LOSSBENCH_COMMIT
#define LOSSBENCH_COMMIT "unknown"
#endif

static const struct {
    const char *name;
    int (*analyse)(report *, const evidence *, lb_error *);
} analyses[] = {{"compare", analyse_compare}, {"grid", analyse_grid},
                {"ratios", analyse_ratios},   {"easy", analyse_easy},
                {"rates", analyse_rates},     {"lambda", analyse_lambda},
                {"epsilon", analyse_epsilon}, {"equivalence", analyse_equivalence},
                {"sizes", analyse_sizes},     {"simulation", analyse_simulation},
                {"boxes", analyse_boxes},     {"heads", analyse_heads},
                {"types", analyse_types},     {NULL, NULL}};

/* --- files
 * ------------------------------------------------------------------------------------------------------------- */

int write_file(const char *path, const text *content, lb_error *error) {
    char temporary[PATH_SIZE + 8];
    if (content->failed) return lb_fail_memory(error, path);
    snprintf(temporary, sizeof temporary, "%s.part", path);
    FILE *f = fopen(temporary, "wb");
    if (!f) return lb_fail(error, LB_IO, "cannot write '%s': %s; choose a writable OUT", path, strerror(errno));
    const int written = fwrite(content->data ? content->data : "", 1, content->length, f) == content->length;
    const int flushed = fflush(f) == 0;
    const int reason = errno;
    if (fclose(f) == 0 && written && flushed && rename(temporary, path) == 0) return LB_OK;
    unlink(temporary);
    return lb_fail(error, LB_IO, "cannot write '%s': %s; free some space or choose another OUT", path,
                   strerror(reason ? reason : errno));
}

int report_place(const report *r, const char *root, const char *folder, const char *name, char *out, lb_error *error) {
    char directory[PATH_SIZE];
    snprintf(directory, sizeof directory, "%.700s/%s/%s", r->c->out, root, folder);
    snprintf(out, PATH_SIZE, "%.900s/%s", directory, name);
    return make_directories(directory, error);
}

static void provenance(const report *r, const study *s, char *out, size_t size) {
    snprintf(out, size, "lossbench %s, experiment %s, profile %s%s%s%s%s", LOSSBENCH_VERSION, s->e.name,
             r->c->chosen.profile, r->c->chosen.loss[0] ? ", only losses " : "", r->c->chosen.loss,
             r->c->chosen.data[0] ? ", only data " : "", r->c->chosen.data);
}

/* --- tables and figures
 * -------------------------------------------------------------------------------------------------- */

static int write_form(const report *r, const study *s, const char *name, const char *ending, const text *content,
                      lb_error *error) {
    char file[300], path[PATH_SIZE];
    snprintf(file, sizeof file, "%s.%s", name, ending);
    const int code = report_place(r, "results", s->e.name, file, path, error);
    return code ? code : write_file(path, content, error);
}

static int write_forms(report *r, const study *s, const char *name, const table *t, table_place place,
                       const char *caption, lb_error *error) {
    text tsv = {0}, markdown = {0}, latex = {0};
    char note[700], label[300];
    provenance(r, s, note, sizeof note);
    snprintf(label, sizeof label, "tab:%s-%s", s->e.name, name);
    int code = table_tsv(t, note, &tsv, error);
    if (!code) code = table_markdown(t, &markdown, error);
    if (!code) code = table_latex(t, note, caption, label, &latex, error);
    if (!code) code = write_form(r, s, name, "tsv", &tsv, error);
    if (!code) code = write_form(r, s, name, "md", &markdown, error);
    if (!code) code = write_form(r, s, name, "tex", &latex, error);
    if (!code && place == TABLE_INLINE) {
        text_add(&r->body,
                 "<a id=\"table-%zu\"></a>**Table %zu.** %s ([tsv](results/%s/%s.tsv), [tex](results/%s/%s.tex))\n\n",
                 r->tables + 1, r->tables + 1, caption, s->e.name, name, s->e.name, name);
        text_add(&r->body, "%s\n", markdown.data);
        r->tables++;
    } else if (!code) {
        text_add(&r->body, "- [%s](results/%s/%s.md) ([tsv](results/%s/%s.tsv), [tex](results/%s/%s.tex)): %s\n", name,
                 s->e.name, name, s->e.name, name, s->e.name, name, caption);
    }
    text_free(&tsv);
    text_free(&markdown);
    text_free(&latex);
    return code;
}

int report_table(report *r, const study *s, const char *name, table *t, table_place place, const char *caption,
                 lb_error *error) {
    const int code = t ? write_forms(r, s, name, t, place, caption, error) : lb_fail_memory(error, "a table");
    table_free(t);
    return code;
}

int report_figure(report *r, const study *s, const char *script, const char *name, table *t,
                  const figure_option *options, const char *caption, lb_error *error) {
    char stem[PATH_SIZE], note[700];
    if (!t) return lb_fail_memory(error, "a figure");
    provenance(r, s, note, sizeof note);
    int code = report_place(r, "plots", s->e.name, name, stem, error);
    if (!code) code = figure_draw(NULL, script, stem, t, note, options, error);
    table_free(t);
    if (code) return code;
    r->figures++;
    text_add(&r->body,
             "<a id=\"figure-%zu\"></a>![Figure %zu](plots/%s/%s.png)\n\n**Figure %zu.** %s ([svg](plots/%s/%s.svg), "
             "[tsv](plots/%s/%s.tsv))\n\n",
             r->figures, r->figures, s->e.name, name, r->figures, caption, s->e.name, name, s->e.name, name);
    return LB_OK;
}

void report_say(report *r, const char *format, ...) {
    char sentence[4000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    text_add(&r->body, "%s\n\n", sentence);
}

void ratio_text(unsigned ratio, char *out, size_t size) {
    if (ratio)
        snprintf(out, size, "1:%u", ratio);
    else
        snprintf(out, size, "natural");
}

void estimate_text(const estimate *e, int plus, char *out, size_t size) {
    if (!e->count)
        snprintf(out, size, "failed");
    else if (e->count == 1)
        snprintf(out, size, plus ? "%+.3f" : "%.3f", e->mean);
    else if (plus)
        snprintf(out, size, "%+.3f [%+.3f, %+.3f]", e->mean, e->interval.low, e->interval.high);
    else
        snprintf(out, size, "%.3f [%.3f, %.3f]", e->mean, fmax(0, e->interval.low), fmin(1, e->interval.high));
}

const char *missing_word(const evidence *e, size_t c) {
    const measure *seeds = evidence_seeds(e, c);
    const troubles bad = troubles_of(e, c);
    if (bad.failed) return "failed";
    if (2 * bad.tied > e->study->e.seeds) return "tied";
    for (unsigned k = 0; k < e->study->e.seeds; k++) /* a diverged seed has no status */
        if (seeds[k].status[seeds[k].level] == METRIC_TOO_FEW) return "n<59";
    return "";
}

troubles troubles_of(const evidence *e, size_t c) {
    troubles out = {0};
    const measure *seeds = evidence_seeds(e, c);
    for (unsigned k = 0; k < e->study->e.seeds; k++) {
        if (!seeds[k].present)
            out.failed++;
        else if (seeds[k].outcome == OUTCOME_DIVERGED)
            out.diverged++;
        else if (!seeds[k].started)
            out.not_started++;
        out.tied += seeds[k].present && seeds[k].status[seeds[k].level] == METRIC_TIED;
    }
    return out;
}

const evidence *report_evidence(const report *r, const char *name) {
    for (size_t i = 0; i < r->c->count; i++)
        if (strcmp(r->c->studies[i].e.name, name) == 0) return &r->evidences[i];
    return NULL;
}

double report_ceiling(report *r, const block *b, unsigned ratio) {
    const dataset_request request = {.ratio = ratio, .seed = 1, .search = r->c->search};
    double recall = (double)NAN;
    for (size_t i = 0; i < r->ceiling_count; i++)
        if (strcmp(r->ceilings[i].b->data, b->data) == 0 && r->ceilings[i].ratio == ratio) return r->ceilings[i].recall;
    if (dataset_ceiling(b->data, &request, fr_levels[FR_HEADLINE], &recall, NULL)) recall = (double)NAN;
    if (r->ceiling_count < sizeof r->ceilings / sizeof *r->ceilings) {
        r->ceilings[r->ceiling_count].b = b;
        r->ceilings[r->ceiling_count].ratio = ratio;
        r->ceilings[r->ceiling_count++].recall = recall;
    }
    return recall;
}

/* --- trials.tsv ----------------------------------------------------------------------------------------------------
 */

static int write_trials(report *r, const evidence *e, lb_error *error) {
    table *t = table_new(trial_columns, TRIAL_COLUMNS);
    text tsv = {0};
    char note[700];
    if (!t) return lb_fail_memory(error, "the trials table");
    for (size_t c = 0; c < e->study->cell_count; c++)
        for (unsigned k = 0; k < e->study->e.seeds; k++) {
            const measure *m = &evidence_seeds(e, c)[k];
            trial_to_row(t, &e->study->cells[c], &e->study->cells[c].finals[k], m);
            r->results = hash64_add(r->results, m->key, sizeof m->key);
            r->results = hash64_add(r->results, &m->scores, sizeof m->scores);
        }
    provenance(r, e->study, note, sizeof note);
    int code = table_tsv(t, note, &tsv, error);
    if (!code) code = write_form(r, e->study, "trials", "tsv", &tsv, error);
    text_free(&tsv);
    table_free(t);
    return code;
}

/* --- experiments and the whole
 * ---------------------------------------------------------------------------------------------------- */

static void say_settings(report *r, const experiment *e) {
    char rates[200];
    if (is_simulation(e)) return;
    if (e->points)
        snprintf(rates, sizeof rates,
                 "learning rate and weight decay tuned with each loss's own parameters: %u points, %u tuning seeds "
                 "(tune-once)",
                 e->points, e->tuning_seeds);
    else {
        size_t used = (size_t)snprintf(rates, sizeof rates, "learning rate");
        for (size_t i = 0; i < e->learning_rate_count && used < sizeof rates; i++)
            used += (size_t)snprintf(rates + used, sizeof rates - used, " %g", e->learning_rates[i]);
    }
    report_say(r, "Model `%s`, Adam, %u visits in batches of %u, %s, weight decay %s%g, %u seed%s.%s", e->model,
               e->visits, e->batch, rates, e->points ? "tuned from " : "",
               e->points ? e->weight_decay_low : e->weight_decay, e->seeds, e->seeds == 1 ? "" : "s",
               e->seeds < 5 ? " So few seeds decide little: read their intervals with care." : "");
}

static int write_experiment(report *r, const evidence *e, lb_error *error) {
    const experiment *x = &e->study->e;
    text_add(&r->body, "## %s\n\n", x->name);
    report_say(r, "*%s*", x->question);
    if (x->caption[0]) report_say(r, "%s", x->caption);
    say_settings(r, x);
    if (!e->study->cell_count) {
        report_say(r, "No data set of this experiment has been fetched.");
        return LB_OK;
    }
    int code = write_trials(r, e, error);
    for (size_t i = 0; !code && analyses[i].name; i++)
        if (strcmp(analyses[i].name, x->analysis) == 0) code = analyses[i].analyse(r, e, error);
    text_add(&r->body, "\nEvery trial: [trials.tsv](results/%s/trials.tsv).\n\n", x->name);
    return code;
}

/* The processor's name, for the head of the report only. */
static void machine_name(char *out, size_t size) {
    char line[300];
    snprintf(out, size, "unknown processor");
    FILE *f = fopen("/proc/cpuinfo", "r");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            snprintf(out, size, "%.*s", (int)strcspn(strchr(line, ':') + 2, "\n"), strchr(line, ':') + 2);
            break;
        }
    if (f) fclose(f);
}

/* Hash of the protocol, 0 when it cannot be read. */
static uint64_t protocol_hash(const report *r) {
    char path[PATH_SIZE + 16], part[4096];
    uint64_t state = HASH64_START;
    snprintf(path, sizeof path, "%s/PROTOCOL.md", r->c->experiments);
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;) state = hash64_add(state, part, n);
    fclose(f);
    return hash64_finish(state);
}

static void write_head(const report *r, text *out) {
    char machine[200];
    machine_name(machine, sizeof machine);
    text_add(out, "# Recall at a fixed false-rejection rate: which loss finds the most defects\n\n"
                  "Positive = defect; a part is rejected when its score exceeds the threshold. FR = share of goods "
                  "rejected; recall = share of defects rejected. The ranking number is recall at FR 1 %% on the test "
                  "ROC (ROC point), or at FR 5 %%, and then marked so, where the test goods are fewer than 299. "
                  "Differences are paired over seeds; *better* and *worse* mean that the whole 95 %% interval lies "
                  "beyond 0.02 recall, *equivalent* that it lies within; anything "
                  "else is *unclear*.\n\n");
    text_add(out,
             "| version | commit | profile | results | [protocol](experiments/PROTOCOL.md) | compiler | machine |\n"
             "| --- | --- | --- | --- | --- | --- | --- |\n");
    text_add(out, "| %s | %s | %s | %016" PRIx64 " | %016" PRIx64 " | %s | %s, kernels %s |\n\n", LOSSBENCH_VERSION,
             LOSSBENCH_COMMIT, r->c->chosen.profile, hash64_finish(r->results), protocol_hash(r),
#ifdef __clang__
             "clang " __clang_version__,
#else
             "gcc " __VERSION__,
#endif
             machine, nn_kernels_available()[0]);
    if (r->c->chosen.loss[0] || r->c->chosen.data[0] || r->c->chosen.only[0])
        text_add(out, "**Partial:** narrowed to experiments [%s], losses [%s], data [%s].\n\n", r->c->chosen.only,
                 r->c->chosen.loss, r->c->chosen.data);
}

static void write_contents(const report *r, text *out) {
    text_add(out, "[Claims](#claims) · [Data](#data)");
    for (size_t i = 0; i < r->c->count; i++) {
        const char *name = r->c->studies[i].e.name;
        text_add(out, " · [%s](#%s)", name, name);
    }
    text_add(out, " · [Limits](#limits)\n\n");
}

static void write_limits(text *out) {
    text_add(
        out,
        "## Limits\n\n"
        "- The networks are small and trained for a fixed number of image visits; a larger budget may change the order "
        "of losses "
        "that only differ in how soon they take off. The figures over image visits show how far training had come.\n"
        "- Hyper-parameters are chosen once per loss and block on seeds of their own (tune-once), so the intervals do "
        "not "
        "contain the luck of tuning.\n"
        "- Grids fix one learning rate for all losses; the pre-study shows what that costs. The rate and the contrast "
        "of the "
        "synthetic defects were settled beforehand on short runs that looked at test recall, mostly of BCE "
        "([protocol](experiments/PROTOCOL.md)).\n"
        "- Synthetic surfaces are simpler than a line: one texture and one kind of defect at a time, no drift, no "
        "label noise here.\n"
        "- The solar modules carry no part or site numbers; images are split at random after duplicates are removed, "
        "and "
        "repeated splits share their images, which the Nadeau-Bengio intervals allow for.\n"
        "- On the solar modules the tuning seeds split the same images as the reported seeds, for every loss alike, so "
        "the tuned "
        "settings have seen some test images of other splits.\n"
        "- Masks: the U-Net is narrow and trained for a few thousand image visits; overlaps start at the logit of "
        "the share of defect pixels, and weights inside compounds are tuned in lambda_grid only. The rate of the mask "
        "experiments with a fixed rate and the contrasts of small_defects were settled on short runs beforehand.\n"
        "- In a few road images the truth marks whole regions beside the crack lines; they count as crack, as "
        "the files say.\n"
        "- Boxes: the detector is small and works at a single scale; regression losses are taken of corners in cells, "
        "not of "
        "encoded offsets as in some detectors. Of neu_det no groups of pictures are known, so pictures of one strip "
        "may be "
        "in two sets. The pairs of detector_heads share one rate and fixed weights.\n"
        "- Types: two data sets, solar modules and steel strip; of the strip ten consecutive pictures of a class stay "
        "together, "
        "which may not be far enough apart for pictures of one coil.\n"
        "- A data set may serve several experiments (rail in masks and mask_packs, cast in masks and lambda_grid), so "
        "the "
        "places of a claim are not all independent.\n"
        "- The blocks are too few for a test across data sets (12 are needed), so none is made; differences are shown "
        "block by "
        "block.\n");
}

static int write_document(report *r, lb_error *error) {
    text whole = {0};
    char path[PATH_SIZE];
    write_head(r, &whole);
    int code = LB_OK;
    write_contents(r, &whole);
    text_add(&whole, "%s", r->body.data ? r->body.data : "");
    write_limits(&whole);
    if (r->body.failed) code = lb_fail_memory(error, "the report");
    snprintf(path, sizeof path, "%.900s/REPORT.md", r->c->out);
    if (!code) code = write_file(path, &whole, error);
    text_free(&whole);
    return code;
}

int report_write(campaign *c, store *from, lb_error *error) {
    static report r; /* large: one at a time */
    size_t open;
    r = (report){.c = c, .from = from, .results = HASH64_START};
    int code = LB_OK;
    for (size_t i = 0; !code && i < c->count; i++) {
        study_choose(&c->studies[i], from, &open);
        code = evidence_read(&c->studies[i], from, &r.evidences[i], error);
    }
    if (!code) code = report_claims(&r, error);
    if (!code) code = report_data(&r, error);
    for (size_t i = 0; !code && i < c->count; i++) code = write_experiment(&r, &r.evidences[i], error);
    if (!code) code = write_document(&r, error);
    for (size_t i = 0; i < c->count; i++) evidence_free(&r.evidences[i]);
    text_free(&r.body);
    if (!code) printf("wrote %s/REPORT.md\n", c->out);
    return code;
}
