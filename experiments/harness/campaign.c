#include "experiments/harness/campaign.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Seconds per image visit before anything has been measured here: a guess that the first finished trials replace. */
static const double unmeasured_seconds_per_visit = 1e-4;

int make_directories(const char *path, lb_error *error) {
    char part[PATH_SIZE];
    if (snprintf(part, sizeof part, "%s", path) >= (int)sizeof part)
        return lb_fail(error, LB_INVALID, "the path '%.60s...' is too long", path);
    for (char *at = part + 1;; at++) {
        if (*at != '/' && *at != '\0') continue;
        const char held = *at;
        *at = '\0';
        if (mkdir(part, 0777) && errno != EEXIST)
            return lb_fail(error, LB_IO, "cannot make the directory '%s': %s; choose a writable OUT", part,
                           strerror(errno));
        *at = held;
        if (!held) return LB_OK;
    }
}

static int add_study(campaign *c, const char *path, lb_error *error) {
    experiment e;
    if (c->count == MAX_STUDIES)
        return lb_fail(error, LB_INVALID, "more than %d experiment files in '%s'", MAX_STUDIES, c->experiments);
    int code = experiment_read(path, &c->chosen, &e, error);
    if (code || !in_list(c->chosen.only, e.name)) return code;
    study *s = &c->studies[c->count++];
    lb_error inner = {0};
    code = study_expand(&e, c->search, s, &inner);
    return code ? lb_fail(error, inner.code, "%s: %.400s", path, inner.message) : LB_OK;
}

static int check_only(const campaign *c, const glob_t *files, lb_error *error) {
    char list[256];
    snprintf(list, sizeof list, "%s", c->chosen.only);
    for (char *save = NULL, *name = strtok_r(list, ",; ", &save); name; name = strtok_r(NULL, ",; ", &save)) {
        char path[PATH_SIZE + 300];
        snprintf(path, sizeof path, "%s/%s.ini", c->experiments, name);
        size_t i = 0;
        while (i < files->gl_pathc && strcmp(files->gl_pathv[i], path) != 0) i++;
        if (i == files->gl_pathc)
            return lb_fail(error, LB_INVALID, "there is no experiment '%s' (%s): see lossbench list", name, path);
    }
    return LB_OK;
}

/* Every word of `list` must name something in at least one experiment: a typing error must not pass as a narrow choice.
 */
static int check_words(const campaign *c, const char *option, const char *list,
                       int (*has)(const experiment *, const char *), lb_error *error) {
    char words[sizeof c->chosen.loss];
    snprintf(words, sizeof words, "%s", list);
    for (char *save = NULL, *word = strtok_r(words, ",; ", &save); word; word = strtok_r(NULL, ",; ", &save)) {
        size_t i = 0;
        while (i < c->count && !has(&c->studies[i].e, word)) i++;
        if (i == c->count)
            return lb_fail(error, LB_INVALID, "--%s: no chosen experiment has '%s' in profile '%s': see lossbench list",
                           option, word, c->chosen.profile);
    }
    return LB_OK;
}

int campaign_open(campaign *c, lb_error *error) {
    char pattern[PATH_SIZE + 8];
    glob_t files = {0};
    snprintf(pattern, sizeof pattern, "%s/*.ini", c->experiments);
    if (glob(pattern, 0, NULL, &files) || !files.gl_pathc) {
        globfree(&files);
        return lb_fail(error, LB_NOT_FOUND,
                       "no experiment files (*.ini) in '%s': run from the project's directory or give --experiments",
                       c->experiments);
    }
    int code = check_only(c, &files, error);
    for (size_t i = 0; !code && i < files.gl_pathc; i++) code = add_study(c, files.gl_pathv[i], error);
    globfree(&files);
    if (!code) code = check_words(c, "loss", c->chosen.loss, experiment_has_loss, error);
    if (!code) code = check_words(c, "dataset", c->chosen.data, experiment_has_data, error);
    size_t cells = 0, missing = 0;
    for (size_t i = 0; i < c->count; i++) {
        cells += c->studies[i].cell_count;
        for (size_t b = 0; b < c->studies[i].e.block_count; b++) missing += c->studies[i].unavailable[b] != 0;
    }
    if (!code && !cells && !missing)
        code =
            lb_fail(error, LB_INVALID, "nothing is selected: no experiment has data '%s' and loss '%s' in profile '%s'",
                    c->chosen.data, c->chosen.loss, c->chosen.profile);
    return code;
}

void campaign_close(campaign *c) {
    for (size_t i = 0; i < c->count; i++) study_free(&c->studies[i]);
    c->count = 0;
}

int campaign_store_path(const campaign *c, int create, char *out, lb_error *error) {
    char directory[PATH_SIZE + 16];
    snprintf(directory, sizeof directory, "%s/results", c->out);
    if (snprintf(out, PATH_SIZE, "%s/runs.sqlite", directory) >= PATH_SIZE)
        return lb_fail(error, LB_INVALID, "the path '%.60s...' is too long", c->out);
    return create ? make_directories(directory, error) : LB_OK;
}

static int run_phase(campaign *c, int tuning, store *into, size_t *failed, lb_error *error) {
    const pool_options options = {
        .jobs = c->jobs, .limit = c->limit, .search = c->search, .title = tuning ? "tuning" : "training"};
    trial *trials = NULL;
    size_t count = 0;
    int code = study_collect(c->studies, c->count, tuning, &trials, &count, error);
    if (!code) code = pool_run(trials, count, into, &options, failed, error);
    free(trials);
    return code;
}

static void choose_all(campaign *c, store *from, size_t *open) {
    *open = 0;
    for (size_t i = 0; i < c->count; i++) {
        size_t here;
        study_choose(&c->studies[i], from, &here);
        *open += here;
    }
}

int campaign_run(campaign *c, store *into, size_t *failed, lb_error *error) {
    size_t open;
    *failed = 0;
    int code = run_phase(c, 1, into, failed, error);
    if (code) return code;
    choose_all(c, into, &open);
    if (open)
        return lb_fail(error, LB_INTERNAL,
                       "%zu tuning trials failed, so %zu settings could not be chosen: run again to retry them",
                       *failed, open);
    return run_phase(c, 0, into, failed, error);
}

/* --- plan
 * ------------------------------------------------------------------------------------------------------------- */

typedef struct {
    size_t trials, missing;
    double seconds;
} cost;

static double seconds_of(const trial *t, store *from) {
    const double measured = from ? store_seconds(from, t) : 0;
    return measured > 0 ? measured : t->visits * unmeasured_seconds_per_visit;
}

static void add_cost(cost *sum, const trial *trials, size_t count, store *from) {
    for (size_t i = 0; i < count; i++) {
        char key[TRIAL_KEY];
        trial_key(&trials[i], key);
        sum->trials++;
        if (from && store_has(from, key)) continue;
        sum->missing++;
        sum->seconds += seconds_of(&trials[i], from);
    }
}

/* Final trials of cells that are not tuned yet: their number is known, their keys are not. */
static void add_unchosen(cost *sum, const study *studies, size_t count, store *from) {
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < studies[s].cell_count; i++)
            if (studies[s].cells[i].chosen < 0) {
                sum->trials += studies[s].e.seeds;
                sum->missing += studies[s].e.seeds;
                sum->seconds += studies[s].e.seeds * seconds_of(studies[s].cells[i].finals, from);
            }
}

static int cost_of(const study *studies, size_t count, store *from, cost *out, lb_error *error) {
    *out = (cost){0};
    for (int tuning = 1; tuning >= 0; tuning--) {
        trial *trials = NULL;
        size_t trial_count = 0;
        const int code = study_collect(studies, count, tuning, &trials, &trial_count, error);
        if (code) return code;
        add_cost(out, trials, trial_count, from);
        free(trials);
    }
    add_unchosen(out, studies, count, from);
    return LB_OK;
}

static void print_cost(const campaign *c, const char *name, const cost *sum) {
    const double minutes = sum->seconds / 60 / c->jobs;
    printf("%-20s %7zu %9zu %10.1f\n", name, sum->trials, sum->missing, minutes);
}

int campaign_plan(campaign *c, lb_error *error) {
    char path[PATH_SIZE];
    size_t open;
    int code = campaign_store_path(c, 0, path, error);
    if (code) return code;
    store *from = access(path, F_OK) == 0 ? store_open_reader(path, error) : NULL;
    if (!from && access(path, F_OK) == 0) return error ? (int)error->code : LB_IO;
    if (from) choose_all(c, from, &open);
    printf("%-20s %7s %9s %10s   (profile %s, %u jobs%s)\n", "experiment", "trials", "to train", "minutes",
           c->chosen.profile, c->jobs, from ? "" : ", times not measured yet");
    cost sum;
    for (size_t i = 0; !code && i < c->count; i++) {
        code = cost_of(&c->studies[i], 1, from, &sum, error);
        if (!code) print_cost(c, c->studies[i].e.name, &sum);
        for (size_t b = 0; b < c->studies[i].e.block_count; b++)
            if (c->studies[i].unavailable[b])
                printf("  %s: %s\n", c->studies[i].e.blocks[b].label, c->studies[i].reason[b]);
    }
    if (!code) code = cost_of(c->studies, c->count, from, &sum, error);
    if (!code) print_cost(c, "all, shared once", &sum);
    store_close(from);
    return code;
}
