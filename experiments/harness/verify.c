/* Trains published trials again and compares the hashes of their scores. The sample: of every experiment, block and
   loss family the trial with the smallest key, at most SAMPLE of them in the order of their keys. */
#include "experiments/harness/report.h"

#include "experiments/harness/trial_row.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 60, LINE = 8192 };

typedef struct {
    trial t;
    char key[TRIAL_KEY], group[3 * LABEL];
    uint64_t scores;
} published;

static int by_group(const void *a, const void *b) {
    const published *x = a, *y = b;
    const int group = strcmp(x->group, y->group);
    return group ? group : strcmp(x->key, y->key);
}

static int by_published_key(const void *a, const void *b) {
    return strcmp(((const published *)a)->key, ((const published *)b)->key);
}

/* Cuts a line at its tabs; returns the number of cells. */
static size_t cut(char *line, char **cells, size_t most) {
    size_t n = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at && n < most; n++) {
        cells[n] = at;
        at = strchr(at, '\t');
        if (at) *at++ = '\0';
    }
    return n;
}

static int read_row(char *line, const char *name, published *out) {
    char *cells[TRIAL_COLUMNS];
    if (line[0] == '#' || cut(line, cells, TRIAL_COLUMNS) != TRIAL_COLUMNS || strcmp(cells[COLUMN_OUTCOME], "ok") != 0)
        return 0;
    if (!trial_from_row(cells, &out->t)) return 0;
    snprintf(out->key, sizeof out->key, "%s", cells[COLUMN_KEY]);
    out->scores = strtoull(cells[COLUMN_SCORES], NULL, 16);
    snprintf(out->group, sizeof out->group, "%s|%.80s|%.*s", name, cells[COLUMN_BLOCK],
             (int)strcspn(cells[COLUMN_LABEL], "("), cells[COLUMN_LABEL]);
    return 1;
}

/* Appends the rows of one trials.tsv. */
static int read_rows(const campaign *c, const char *name, published **rows, size_t *count, lb_error *error) {
    char path[PATH_SIZE], line[LINE];
    snprintf(path, sizeof path, "%.800s/results/%s/trials.tsv", c->out, name);
    FILE *f = fopen(path, "r");
    if (!f)
        return lb_fail(error, LB_NOT_FOUND, "cannot read '%s': %s; run the experiments first", path, strerror(errno));
    int code = LB_OK;
    while (!code && fgets(line, sizeof line, f)) {
        published row = {0};
        if (!read_row(line, name, &row)) continue;
        published *grown = realloc(*rows, (*count + 1) * sizeof **rows);
        if (!grown)
            code = lb_fail_memory(error, "the published trials");
        else {
            *rows = grown;
            grown[(*count)++] = row;
        }
    }
    fclose(f);
    return code;
}

/* Keeps the first of every group, then the first SAMPLE by key. */
static size_t choose_sample(published *rows, size_t count) {
    size_t kept = 0;
    if (!count) return 0;
    qsort(rows, count, sizeof *rows, by_group);
    for (size_t i = 0; i < count; i++)
        if (!i || strcmp(rows[i].group, rows[kept - 1].group) != 0) rows[kept++] = rows[i];
    qsort(rows, kept, sizeof *rows, by_published_key);
    return kept < SAMPLE ? kept : SAMPLE;
}

/* Prepares the trials whose data are at hand; returns their number, or -1 with a sentence. */
static long prepare(const campaign *c, published *rows, size_t count, trial *trials, size_t *absent, lb_error *error) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        char key[TRIAL_KEY];
        lb_error found = {0};
        const int code = trial_prepare(&rows[i].t, c->search, &found);
        if (code == LB_NOT_FOUND) {
            ++*absent;
            continue;
        }
        if (code) return lb_fail(error, found.code, "%s", found.message), -1;
        trial_key(&rows[i].t, key);
        if (strcmp(key, rows[i].key) != 0)
            return lb_fail(error, LB_VERSION,
                           "trial %s was published by another version: its description here has the key %s; run the "
                           "experiments again",
                           rows[i].key, key),
                   -1;
        trials[n] = rows[i].t;
        rows[n++] = rows[i];
    }
    return (long)n;
}

static int compare(const published *rows, size_t count, store *from, lb_error *error) {
    size_t different = 0;
    for (size_t i = 0; i < count; i++) {
        trial_result r;
        const int code = store_get(from, rows[i].key, &r, error);
        if (code) return code;
        const uint64_t scores = trial_scores_hash(&r);
        trial_result_free(&r);
        if (scores == rows[i].scores) continue;
        printf("differs: %s (%s)\n", rows[i].key, rows[i].group);
        different++;
    }
    printf("verify: %zu trials trained again, %zu equal bit for bit, %zu different\n", count, count - different,
           different);
    if (different)
        return lb_fail(error, LB_INTERNAL, "%zu of %zu trials differ from the published ones", different, count);
    return LB_OK;
}

int report_verify(campaign *c, lb_error *error) {
    published *rows = NULL;
    size_t count = 0, absent = 0, failed = 0;
    trial trials[SAMPLE];
    int code = LB_OK;
    for (size_t i = 0; !code && i < c->count; i++) code = read_rows(c, c->studies[i].e.name, &rows, &count, error);
    if (!code && !count)
        code = lb_fail(error, LB_NOT_FOUND,
                       "no finished trial is published below '%s/results': run the experiments first", c->out);
    count = choose_sample(rows, count);
    const long ready = code ? -1 : prepare(c, rows, count, trials, &absent, error);
    store *again = ready < 0 ? NULL : store_open(":memory:", error);
    if (!again) {
        free(rows);
        return code ? code : (int)error->code;
    }
    const pool_options options = {.jobs = c->jobs, .limit = c->limit, .search = c->search, .title = "verify"};
    code = pool_run(trials, (size_t)ready, again, &options, &failed, error);
    if (absent) printf("%zu trials skipped: their data are not fetched\n", absent);
    if (!code) code = compare(rows, (size_t)ready, again, error);
    store_close(again);
    free(rows);
    return code;
}
