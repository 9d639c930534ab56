#include "tests/experiments/fixture.h"

#include "tests/failing_malloc.h"

#include <math.h>
#include <sqlite3.h>
#include <sys/wait.h>

static char directory[] = "/tmp/test_store_XXXXXX";
static char path[100];

static void make_directory(void) {
    cr_assert(ne(ptr, mkdtemp(directory), NULL));
    snprintf(path, sizeof path, "%s/runs.sqlite", directory);
}

static void remove_directory(void) {
    char journal[120];
    snprintf(journal, sizeof journal, "%s-journal", path);
    unlink(path);
    unlink(journal);
    cr_assert(zero(int, rmdir(directory)));
}

TestSuite(store, .init = make_directory, .fini = remove_directory);

static store *open_store(void) {
    lb_error error = {0};
    store *s = store_open(path, &error);
    cr_assert(ne(ptr, s, NULL), "%s", error.message);
    return s;
}

static const char *key_of(const trial *t) {
    static char key[TRIAL_KEY];
    trial_key(t, key);
    return key;
}

static trial_result full_result(void) {
    trial_result r = {.outcome = OUTCOME_OK,
                      .message = "a word with 'quotes'",
                      .seconds = 1.25,
                      .prior_logit = -2.3978952727983707,
                      .prior_loss = 0.3,
                      .train_loss = 1e-300,
                      .weights = 0xfedcba9876543210u};
    float *test = trial_result_add(&r, "test", 3, 2), *curve = trial_result_add(&r, "train_loss", 2, 0);
    cr_assert(test && curve);
    test[0] = -1.5f;
    test[1] = (float)NAN;
    test[2] = 3e-45f;
    curve[0] = -0.0f;
    curve[1] = 1;
    cr_assert(ne(ptr, trial_result_add(&r, "empty", 0, 0), NULL));
    return r;
}

static void assert_equal_results(const trial_result *a, const trial_result *b) {
    cr_assert(eq(int, (int)a->outcome, (int)b->outcome));
    cr_assert(eq(str, (char *)a->message, (char *)b->message));
    cr_assert(eq(dbl, a->seconds, b->seconds));
    cr_assert(eq(dbl, a->prior_logit, b->prior_logit));
    cr_assert(eq(dbl, a->prior_loss, b->prior_loss));
    cr_assert(eq(dbl, a->train_loss, b->train_loss));
    cr_assert(eq(u64, a->weights, b->weights));
    cr_assert(eq(sz, a->array_count, b->array_count));
    for (size_t i = 0; i < a->array_count; i++) {
        const trial_array *x = &a->arrays[i], *y = &b->arrays[i];
        cr_assert(eq(str, (char *)x->name, (char *)y->name));
        cr_assert(eq(u32, x->count, y->count));
        cr_assert(eq(u32, x->goods, y->goods));
        cr_assert(zero(int, memcmp(x->data, y->data, x->count * sizeof *x->data))); /* NaN and -0 too */
    }
}

Test(store, gives_back_every_bit_after_reopening) {
    const trial t = tiny_trial();
    trial_result r = full_result(), again;
    store *s = open_store();
    cr_assert_not(store_has(s, key_of(&t)));
    cr_assert(zero(int, store_put(s, &t, &r, NULL)));
    store_close(s);
    s = store_open_reader(path, NULL);
    cr_assert(ne(ptr, s, NULL));
    cr_assert(store_has(s, key_of(&t)));
    cr_assert(zero(int, store_get(s, key_of(&t), &again, NULL)));
    assert_equal_results(&r, &again);
    trial_result_free(&again);
    trial_result_free(&r);
    store_close(s);
}

Test(store, putting_again_replaces_arrays_too) {
    const trial t = tiny_trial();
    trial_result first = full_result(), second = {.weights = 7}, again;
    trial_result_add(&second, "select", 5, 4);
    store *s = open_store();
    cr_assert(zero(int, store_put(s, &t, &first, NULL)));
    cr_assert(zero(int, store_put(s, &t, &second, NULL)));
    cr_assert(zero(int, store_get(s, key_of(&t), &again, NULL)));
    assert_equal_results(&second, &again);
    trial_result_free(&first);
    trial_result_free(&second);
    trial_result_free(&again);
    store_close(s);
}

Test(store, only_ok_and_diverged_trials_are_done) {
    static const int done[] = {[OUTCOME_OK] = 1, [OUTCOME_DIVERGED] = 1, [OUTCOME_CRASHED] = 0, [OUTCOME_TIMEOUT] = 0};
    const trial t = tiny_trial();
    store *s = open_store();
    for (int outcome = OUTCOME_OK; outcome <= OUTCOME_TIMEOUT; outcome++) {
        const trial_result r = {.outcome = (trial_outcome)outcome};
        trial_result again;
        cr_assert(zero(int, store_put(s, &t, &r, NULL)));
        cr_assert(eq(int, store_has(s, key_of(&t)), done[outcome]), "%s", trial_outcome_names[outcome]);
        cr_assert(zero(int, store_get(s, key_of(&t), &again, NULL)));
        cr_assert(eq(int, (int)again.outcome, outcome));
        trial_result_free(&again);
    }
    store_close(s);
}

Test(store, a_missing_trial_is_not_found) {
    lb_error error = {0};
    trial_result r;
    store *s = open_store();
    cr_assert(eq(int, store_get(s, "0123456789abcdef", &r, &error), LB_NOT_FOUND));
    cr_assert(ne(ptr, strstr(error.message, "has no trial 0123456789abcdef"), NULL), "%s", error.message);
    cr_assert(zero(sz, r.array_count));
    store_close(s);
}

/* A number that cannot be stored is refused as a whole: the old trial stays with all its arrays. */
Test(store, a_refused_trial_leaves_the_old_one) {
    const trial t = tiny_trial();
    trial_result first = full_result(), bad = {.train_loss = (double)NAN}, again;
    lb_error error = {0};
    store *s = open_store();
    cr_assert(zero(int, store_put(s, &t, &first, NULL)));
    cr_assert(eq(int, store_put(s, &t, &bad, &error), LB_IO));
    cr_assert(zero(int, store_get(s, key_of(&t), &again, NULL)));
    assert_equal_results(&first, &again);
    trial_result_free(&first);
    trial_result_free(&again);
    store_close(s);
}

Test(store, describes_a_trial_by_the_beginning_of_its_key) {
    trial t = tiny_trial();
    const trial_result r = {0};
    char description[TRIAL_TEXT], expected[TRIAL_TEXT], key[TRIAL_KEY], prefix[TRIAL_KEY];
    lb_error error = {0};
    store *s = open_store();
    trial_describe(&t, expected);
    snprintf(prefix, sizeof prefix, "%.6s", key_of(&t));
    cr_assert(zero(int, store_put(s, &t, &r, NULL)));
    cr_assert(zero(int, store_describe(s, prefix, description, key, NULL)));
    cr_assert(eq(str, description, expected));
    cr_assert(eq(str, key, (char *)key_of(&t)));
    cr_assert(eq(int, store_describe(s, "no key", description, key, &error), LB_NOT_FOUND));
    cr_assert(ne(ptr, strstr(error.message, "no trial begins with 'no key'"), NULL));
    cr_assert(eq(int, store_describe(s, "%", description, key, NULL), LB_NOT_FOUND)); /* no pattern */
    t.seed = 2;
    cr_assert(zero(int, store_put(s, &t, &r, NULL)));
    cr_assert(eq(int, store_describe(s, "", description, key, &error), LB_NOT_FOUND));
    cr_assert(ne(ptr, strstr(error.message, "more than one trial begins with"), NULL));
    store_close(s);
}

Test(store, mean_seconds_go_by_visits_of_the_same_model_and_data) {
    trial t = tiny_trial();
    trial_result r = {.seconds = 2};
    store *s = open_store();
    cr_assert(zero(dbl, store_seconds(s, &t)));
    cr_assert(zero(int, store_put(s, &t, &r, NULL)));
    t.visits *= 3;
    cr_assert(epsilon_eq(dbl, store_seconds(s, &t), 6, 1e-9));
    snprintf(t.model, sizeof t.model, "cnn");
    cr_assert(zero(int, trial_prepare(&t, "", NULL)));
    cr_assert(zero(dbl, store_seconds(s, &t)));
    store_close(s);
}

/* --- files that are not ours ------------------------------------------------------------------------------------- */

static void assert_refused(int code, const char *sentence) {
    lb_error error = {0};
    cr_assert(eq(ptr, store_open(path, &error), NULL));
    cr_assert(eq(int, (int)error.code, code), "%s", error.message);
    cr_assert(ne(ptr, strstr(error.message, sentence), NULL), "'%s' does not say '%s'", error.message, sentence);
}

static void execute(const char *sql) {
    sqlite3 *db;
    cr_assert(zero(int, sqlite3_open(path, &db)));
    cr_assert(zero(int, sqlite3_exec(db, sql, NULL, NULL, NULL)), "%s", sqlite3_errmsg(db));
    sqlite3_close(db);
}

Test(store, another_layout_is_refused_and_left_alone) {
    store_close(open_store());
    execute("PRAGMA user_version = 99");
    assert_refused(LB_VERSION, "has layout 99, this program writes layout 1");
    assert_refused(LB_VERSION, "has layout 99");
}

Test(store, a_database_of_something_else_is_refused) {
    execute("CREATE TABLE flowers (name TEXT)");
    assert_refused(LB_VERSION, "has layout 0");
}

Test(store, a_file_that_is_no_database_is_refused) {
    FILE *f = fopen(path, "w");
    for (int i = 0; i < 200; i++) fputs("this is not a database at all\n", f);
    fclose(f);
    assert_refused(LB_FORMAT, "is damaged or not a trial store");
}

Test(store, a_directory_that_is_not_there_is_refused) {
    lb_error error = {0};
    cr_assert(eq(ptr, store_open("/nowhere/runs.sqlite", &error), NULL));
    cr_assert(eq(int, (int)error.code, LB_IO));
    cr_assert(ne(ptr, strstr(error.message, "choose a writable OUT"), NULL));
}

Test(store, a_reader_needs_a_file) {
    lb_error error = {0};
    cr_assert(eq(ptr, store_open_reader(path, &error), NULL));
    cr_assert(eq(int, (int)error.code, LB_NOT_FOUND));
    cr_assert(ne(ptr, strstr(error.message, "run the experiments first"), NULL));
    cr_assert(ne(int, access(path, F_OK), 0));
}

/* In a process of its own: SQLite's locks do not hold within one. */
static int another_process_is_told(int (*action)(void)) {
    const pid_t pid = fork();
    if (pid == 0) _exit(action());
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static int write_and_be_refused(void) {
    lb_error error = {0};
    return !store_open(path, &error) && error.code == LB_IO && strstr(error.message, "in use by another run");
}

static int write_and_succeed(void) {
    store *s = store_open(path, NULL);
    store_close(s);
    return s != NULL;
}

Test(store, a_second_writer_is_refused_until_the_first_is_done) {
    store *s = open_store();
    cr_assert(another_process_is_told(write_and_be_refused));
    store_close(s);
    cr_assert(another_process_is_told(write_and_succeed));
}

/* --- memory ----------------------------------------------------------------------------------------------------------
 */

#if FAILING_MALLOC
/* SQLite allocates by malloc as well: every failure on the way is an error or nothing, and the store stays whole. */
Test(store, a_failed_allocation_spoils_nothing) {
    const trial t = tiny_trial();
    char key[TRIAL_KEY];
    long put_failures = 0, get_failures = 0;
    trial_key(&t, key);
    store *s = open_store();
    for (long n = 0; n < 60; n++) {
        lb_error error = {0};
        trial_result r = full_result(), again = {0};
        fail_malloc_after(n);
        const int put = store_put(s, &t, &r, &error);
        fail_malloc_after(-1);
        put_failures += put != 0;
        if (put) cr_assert(ne(str, error.message, ""));
        cr_assert(zero(int, store_put(s, &t, &r, &error)), "after a failure: %s", error.message);
        fail_malloc_after(n);
        const int got = store_get(s, key, &again, &error);
        fail_malloc_after(-1);
        get_failures += got != 0;
        if (!got) assert_equal_results(&r, &again);
        trial_result_free(&again);
        trial_result_free(&r);
    }
    cr_assert(gt(int, (int)put_failures, 0));
    cr_assert(gt(int, (int)get_failures, 0));
    store_close(s);
}
#endif
