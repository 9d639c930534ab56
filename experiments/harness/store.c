#include "experiments/harness/store.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STORE_LAYOUT = 1 };

struct store {
    sqlite3 *db;
    char path[1024];
};

static const char *const layout =
    "CREATE TABLE IF NOT EXISTS trial (key TEXT PRIMARY KEY, description TEXT NOT NULL, data TEXT NOT NULL,"
    " model TEXT NOT NULL, visits INTEGER NOT NULL, outcome TEXT NOT NULL, message TEXT NOT NULL, seconds REAL NOT "
    "NULL,"
    " prior_logit REAL NOT NULL, prior_loss REAL NOT NULL, train_loss REAL NOT NULL, weights INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS scores (key TEXT NOT NULL, place INTEGER NOT NULL, name TEXT NOT NULL,"
    " goods INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (key, place));";

/* Turns SQLite's word into a sentence with a remedy. */
static int fail_store(const store *s, lb_error *error, const char *doing) {
    const char *reason = sqlite3_errmsg(s->db);
    switch (sqlite3_errcode(s->db) & 0xff) {
    case SQLITE_FULL:
        return lb_fail(error, LB_IO,
                       "the disk is full while %s '%s': free some space and run again, finished trials are kept", doing,
                       s->path);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return lb_fail(error, LB_IO, "cannot write the store '%s' (%s): choose a writable OUT", s->path, reason);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return lb_fail(error, LB_IO, "the store '%s' is in use by another run: wait for it or choose another OUT",
                       s->path);
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
        return lb_fail(error, LB_FORMAT, "'%s' is damaged or not a trial store (%s): move it away and run again",
                       s->path, reason);
    default:
        return lb_fail(error, LB_IO, "%s the store '%s' failed: %s", doing, s->path, reason);
    }
}

static int pragma_int(sqlite3 *db, const char *sql, int *value) {
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
    if (code == SQLITE_OK && (code = sqlite3_step(statement)) == SQLITE_ROW) *value = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    return code == SQLITE_ROW;
}

/* user_version 0 with no table is a new file; any other number than ours was made by another version. */
static int check_layout(store *s, lb_error *error) {
    int version = 0, tables = 0;
    if (!pragma_int(s->db, "PRAGMA user_version", &version) ||
        !pragma_int(s->db, "SELECT count(*) FROM sqlite_master", &tables))
        return fail_store(s, error, "opening");
    if (version != STORE_LAYOUT && (version != 0 || tables != 0))
        return lb_fail(error, LB_VERSION,
                       "the store '%s' has layout %d, this program writes layout %d: move it away, or use the version "
                       "that made it",
                       s->path, version, STORE_LAYOUT);
    return LB_OK;
}

static store *open_flags(const char *path, int flags, lb_error *error) {
    store *s = calloc(1, sizeof *s);
    if (!s) {
        lb_fail_memory(error, "the store");
        return NULL;
    }
    snprintf(s->path, sizeof s->path, "%s", path);
    if (sqlite3_open_v2(path, &s->db, flags, NULL) != SQLITE_OK) {
        fail_store(s, error, "opening");
        store_close(s);
        return NULL;
    }
    if (check_layout(s, error)) {
        store_close(s);
        return NULL;
    }
    return s;
}

store *store_open(const char *path, lb_error *error) {
    store *s = open_flags(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error);
    if (!s) return NULL;
    char sql[80];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d; COMMIT;", STORE_LAYOUT);
    if (sqlite3_exec(s->db, "PRAGMA locking_mode=EXCLUSIVE; PRAGMA synchronous=NORMAL; BEGIN EXCLUSIVE;", NULL, NULL,
                     NULL) ||
        sqlite3_exec(s->db, layout, NULL, NULL, NULL) || sqlite3_exec(s->db, sql, NULL, NULL, NULL)) {
        fail_store(s, error, "opening");
        store_close(s);
        return NULL;
    }
    return s;
}

store *store_open_reader(const char *path, lb_error *error) {
    if (access(path, F_OK) != 0) {
        lb_fail(error, LB_NOT_FOUND, "there is no store '%s' yet: run the experiments first", path);
        return NULL;
    }
    return open_flags(path, SQLITE_OPEN_READONLY, error);
}

void store_close(store *s) {
    if (!s) return;
    sqlite3_close(s->db);
    free(s);
}

int store_has(store *s, const char *key) {
    sqlite3_stmt *q = NULL;
    int found = 0;
    if (sqlite3_prepare_v2(s->db, "SELECT 1 FROM trial WHERE key=? AND outcome IN ('ok','diverged')", -1, &q, NULL) ==
        SQLITE_OK) {
        sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
        found = sqlite3_step(q) == SQLITE_ROW;
    }
    sqlite3_finalize(q);
    return found;
}

static int put_trial(store *s, const char *key, const trial *t, const trial_result *r) {
    char description[TRIAL_TEXT];
    sqlite3_stmt *q = NULL;
    trial_describe(t, description);
    if (sqlite3_prepare_v2(s->db, "INSERT OR REPLACE INTO trial VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", -1, &q, NULL))
        return 0;
    sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 2, description, -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 3, t->data, (int)strcspn(t->data, "("), SQLITE_STATIC);
    sqlite3_bind_text(q, 4, t->model_text, -1, SQLITE_STATIC);
    sqlite3_bind_int64(q, 5, t->visits);
    sqlite3_bind_text(q, 6, trial_outcome_names[r->outcome], -1, SQLITE_STATIC);
    sqlite3_bind_text(q, 7, r->message, -1, SQLITE_STATIC);
    sqlite3_bind_double(q, 8, r->seconds);
    sqlite3_bind_double(q, 9, r->prior_logit);
    sqlite3_bind_double(q, 10, r->prior_loss);
    sqlite3_bind_double(q, 11, r->train_loss);
    sqlite3_bind_int64(q, 12, (sqlite3_int64)r->weights);
    const int done = sqlite3_step(q) == SQLITE_DONE;
    sqlite3_finalize(q);
    return done;
}

static int put_scores(store *s, const char *key, const trial_result *r) {
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(s->db, "INSERT INTO scores VALUES (?,?,?,?,?)", -1, &q, NULL)) return 0;
    int done = 1;
    for (size_t i = 0; done && i < r->array_count; i++) {
        const trial_array *a = &r->arrays[i];
        sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
        sqlite3_bind_int64(q, 2, (sqlite3_int64)i);
        sqlite3_bind_text(q, 3, a->name, -1, SQLITE_STATIC);
        sqlite3_bind_int64(q, 4, a->goods);
        sqlite3_bind_blob(q, 5, a->data, (int)(a->count * sizeof *a->data), SQLITE_STATIC);
        done = sqlite3_step(q) == SQLITE_DONE;
        sqlite3_reset(q);
    }
    sqlite3_finalize(q);
    return done;
}

static int delete_scores(store *s, const char *key) {
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(s->db, "DELETE FROM scores WHERE key=?", -1, &q, NULL)) return 0;
    sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
    const int done = sqlite3_step(q) == SQLITE_DONE;
    sqlite3_finalize(q);
    return done;
}

int store_put(store *s, const trial *t, const trial_result *r, lb_error *error) {
    char key[TRIAL_KEY];
    trial_key(t, key);
    if (sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK && delete_scores(s, key) &&
        put_trial(s, key, t, r) && put_scores(s, key, r) &&
        sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
        return LB_OK;
    const int code = fail_store(s, error, "writing");
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return code;
}

static trial_outcome outcome_of(const char *name) {
    for (int i = 0; trial_outcome_names[i]; i++)
        if (strcmp(trial_outcome_names[i], name) == 0) return (trial_outcome)i;
    return OUTCOME_CRASHED;
}

static int get_scores(store *s, const char *key, trial_result *out, lb_error *error) {
    sqlite3_stmt *q = NULL;
    int code = LB_OK, step = SQLITE_DONE;
    if (sqlite3_prepare_v2(s->db, "SELECT name, goods, data FROM scores WHERE key=? ORDER BY place", -1, &q, NULL))
        return fail_store(s, error, "reading");
    sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
    while (!code && (step = sqlite3_step(q)) == SQLITE_ROW) {
        const size_t bytes = (size_t)sqlite3_column_bytes(q, 2);
        float *data = trial_result_add(out, (const char *)sqlite3_column_text(q, 0), bytes / sizeof(float),
                                       (size_t)sqlite3_column_int64(q, 1));
        if (!data)
            code = lb_fail_memory(error, "scores");
        else if (bytes)
            memcpy(data, sqlite3_column_blob(q, 2), bytes);
    }
    if (!code && step != SQLITE_DONE) code = fail_store(s, error, "reading");
    sqlite3_finalize(q);
    return code;
}

int store_get(store *s, const char *key, trial_result *out, lb_error *error) {
    sqlite3_stmt *q = NULL;
    *out = (trial_result){0};
    if (sqlite3_prepare_v2(
            s->db,
            "SELECT outcome, message, seconds, prior_logit, prior_loss, train_loss, weights FROM trial WHERE key=?", -1,
            &q, NULL))
        return fail_store(s, error, "reading");
    sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
    const int step = sqlite3_step(q);
    int code = LB_OK;
    if (step == SQLITE_ROW) {
        out->outcome = outcome_of((const char *)sqlite3_column_text(q, 0));
        snprintf(out->message, sizeof out->message, "%s", (const char *)sqlite3_column_text(q, 1));
        out->seconds = sqlite3_column_double(q, 2);
        out->prior_logit = sqlite3_column_double(q, 3);
        out->prior_loss = sqlite3_column_double(q, 4);
        out->train_loss = sqlite3_column_double(q, 5);
        out->weights = (uint64_t)sqlite3_column_int64(q, 6);
    } else {
        code = step == SQLITE_DONE ? lb_fail(error, LB_NOT_FOUND, "the store '%s' has no trial %s", s->path, key)
                                   : fail_store(s, error, "reading");
    }
    sqlite3_finalize(q);
    if (!code) code = get_scores(s, key, out, error);
    if (code) trial_result_free(out);
    return code;
}

int store_describe(store *s, const char *prefix, char *description, char *key, lb_error *error) {
    sqlite3_stmt *q = NULL;
    int found = 0;
    if (sqlite3_prepare_v2(s->db, "SELECT key, description FROM trial WHERE substr(key, 1, length(?1)) = ?1 LIMIT 2",
                           -1, &q, NULL))
        return fail_store(s, error, "reading");
    sqlite3_bind_text(q, 1, prefix, -1, SQLITE_STATIC);
    while (sqlite3_step(q) == SQLITE_ROW) {
        snprintf(key, TRIAL_KEY, "%s", (const char *)sqlite3_column_text(q, 0));
        snprintf(description, TRIAL_TEXT, "%s", (const char *)sqlite3_column_text(q, 1));
        found++;
    }
    sqlite3_finalize(q);
    if (found == 1) return LB_OK;
    return lb_fail(error, LB_NOT_FOUND,
                   found ? "more than one trial begins with '%s': give more digits"
                         : "no trial begins with '%s': see results/<experiment>/trials.tsv for the keys",
                   prefix);
}

double store_seconds(store *s, const trial *t) {
    sqlite3_stmt *q = NULL;
    double seconds = 0;
    if (sqlite3_prepare_v2(s->db,
                           "SELECT sum(seconds) / sum(visits) FROM trial WHERE data=? AND model=? AND outcome='ok'", -1,
                           &q, NULL) == SQLITE_OK) {
        sqlite3_bind_text(q, 1, t->data, (int)strcspn(t->data, "("), SQLITE_STATIC);
        sqlite3_bind_text(q, 2, t->model_text, -1, SQLITE_STATIC);
        if (sqlite3_step(q) == SQLITE_ROW) seconds = sqlite3_column_double(q, 0) * t->visits;
    }
    sqlite3_finalize(q);
    return seconds;
}
