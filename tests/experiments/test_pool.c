#include "experiments/harness/pool.h"

#include "tests/experiments/fixture.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static const pool_options quiet = {.jobs = 1, .limit = 60, .search = "", .title = "test", .quiet = 1};

static store *run_with(const trial *trials, size_t count, unsigned jobs) {
    size_t failed = 0;
    lb_error error = {0};
    pool_options options = quiet;
    store *s = memory_store();
    options.jobs = jobs;
    cr_assert(zero(int, pool_run(trials, count, s, &options, &failed, &error)), "%s", error.message);
    cr_assert(zero(sz, failed));
    return s;
}

static void assert_same_trials(store *a, store *b, const trial *trials, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char key[TRIAL_KEY];
        trial_result x, y;
        trial_key(&trials[i], key);
        cr_assert(zero(int, store_get(a, key, &x, NULL)));
        cr_assert(zero(int, store_get(b, key, &y, NULL)));
        cr_assert(eq(u64, x.weights, y.weights));
        cr_assert(eq(u64, trial_scores_hash(&x), trial_scores_hash(&y)));
        cr_assert(eq(dbl, x.train_loss, y.train_loss));
        trial_result_free(&x);
        trial_result_free(&y);
    }
}

/* Six trials over three data sets: more than one worker at a time, more data sets than are kept open. */
static void six_trials(trial out[6]) {
    for (unsigned i = 0; i < 6; i++) {
        out[i] = tiny_trial();
        out[i].seed = 1 + i / 2;
        if (i % 2) snprintf(out[i].loss, sizeof out[i].loss, "focal");
        cr_assert(zero(int, trial_prepare(&out[i], "", NULL)));
    }
}

Test(pool, any_number_of_workers_gives_the_same_store) {
    trial trials[6];
    six_trials(trials);
    store *one = run_with(trials, 6, 1), *two = run_with(trials, 6, 2), *many = run_with(trials, 6, 1000);
    assert_same_trials(one, two, trials, 6);
    assert_same_trials(one, many, trials, 6);
    store_close(one);
    store_close(two);
    store_close(many);
}

/* What a worker sends arrives whole: the same as without a worker. */
Test(pool, a_worker_does_what_trial_run_does) {
    const trial t = tiny_trial();
    trial_result direct, stored;
    dataset d;
    char key[TRIAL_KEY];
    const dataset_request request = {.ratio = t.ratio, .seed = t.seed, .search = ""};
    cr_assert(zero(int, dataset_open(t.data, &request, &d, NULL)));
    cr_assert(zero(int, trial_run(&t, &d, &direct, NULL)));
    store *s = run_with(&t, 1, 1);
    trial_key(&t, key);
    cr_assert(zero(int, store_get(s, key, &stored, NULL)));
    cr_assert(eq(u64, stored.weights, direct.weights));
    cr_assert(eq(u64, trial_scores_hash(&stored), trial_scores_hash(&direct)));
    cr_assert(eq(sz, stored.array_count, direct.array_count));
    trial_result_free(&direct);
    trial_result_free(&stored);
    dataset_free(&d);
    store_close(s);
}

/* A result that is marked stays as it is: the trial was not run again. */
Test(pool, finished_trials_are_not_run_again_and_failed_ones_are) {
    trial trials[6];
    six_trials(trials);
    const trial_result kept = {.outcome = OUTCOME_DIVERGED, .weights = 12345}, lost = {.outcome = OUTCOME_CRASHED};
    size_t failed = 0;
    char key[TRIAL_KEY];
    trial_result r;
    store *s = memory_store();
    cr_assert(zero(int, store_put(s, &trials[0], &kept, NULL)));
    cr_assert(zero(int, store_put(s, &trials[1], &lost, NULL)));
    cr_assert(zero(int, pool_run(trials, 2, s, &quiet, &failed, NULL)));
    trial_key(&trials[0], key);
    cr_assert(zero(int, store_get(s, key, &r, NULL)));
    cr_assert(eq(u64, r.weights, 12345));
    trial_result_free(&r);
    trial_key(&trials[1], key);
    cr_assert(zero(int, store_get(s, key, &r, NULL)));
    cr_assert(eq(int, (int)r.outcome, (int)OUTCOME_OK));
    trial_result_free(&r);
    store_close(s);
}

/* --- workers that die ------------------------------------------------------------------------------------------------
 */

static trial long_trial(void) {
    trial t = tiny_trial();
    t.visits = 400000000; /* hours */
    return t;
}

Test(pool, a_trial_past_its_limit_is_a_timeout_and_not_done) {
    const trial t = long_trial();
    pool_options options = quiet;
    size_t failed = 0;
    trial_result r;
    char key[TRIAL_KEY];
    store *s = memory_store();
    options.limit = 0.2;
    cr_assert(zero(int, pool_run(&t, 1, s, &options, &failed, NULL)));
    cr_assert(eq(sz, failed, 1));
    trial_key(&t, key);
    cr_assert_not(store_has(s, key));
    cr_assert(zero(int, store_get(s, key, &r, NULL)));
    cr_assert(eq(int, (int)r.outcome, (int)OUTCOME_TIMEOUT));
    cr_assert(zero(int, strncmp(r.message, "killed after ", 13)));
    trial_result_free(&r);
    store_close(s);
}

/* Each worker may use one second of processor time: the system ends it, as often as it is tried. */
Test(pool, a_worker_that_always_dies_is_recorded_as_crashed) {
    const trial t = long_trial();
    const struct rlimit second = {.rlim_cur = 1, .rlim_max = 1};
    size_t failed = 0;
    trial_result r;
    char key[TRIAL_KEY];
    store *s = memory_store();
    cr_assert(zero(int, setrlimit(RLIMIT_CPU, &second)));
    cr_assert(zero(int, pool_run(&t, 1, s, &quiet, &failed, NULL)));
    cr_assert(eq(sz, failed, 1));
    trial_key(&t, key);
    cr_assert_not(store_has(s, key));
    cr_assert(zero(int, store_get(s, key, &r, NULL)));
    cr_assert(eq(int, (int)r.outcome, (int)OUTCOME_CRASHED));
    cr_assert(zero(int, strncmp(r.message, "worker ended by signal ", 23)), "%s", r.message);
    trial_result_free(&r);
    store_close(s);
}

/* A child of `parent` that is not `self`; 0: there is none. */
static pid_t other_child(pid_t parent, pid_t self) {
    DIR *processes = opendir("/proc");
    pid_t found = 0;
    for (struct dirent *at; processes && !found && (at = readdir(processes));) {
        char path[300];
        int pid, of;
        snprintf(path, sizeof path, "/proc/%s/stat", at->d_name);
        FILE *f = fopen(path, "r");
        if (!f) continue;
        if (fscanf(f, "%d (%*[^)]) %*c %d", &pid, &of) == 2 && of == parent && pid != self) found = pid;
        fclose(f);
    }
    if (processes) closedir(processes);
    return found;
}

/* A process that kills the first worker of this one; ends with 0 when it has. */
static pid_t start_killer(void) {
    const pid_t parent = getpid(), killer = fork();
    if (killer) return killer;
    for (int i = 0; i < 1000; i++) {
        const pid_t worker = other_child(parent, getpid());
        if (worker) _exit(kill(worker, SIGKILL) != 0);
        usleep(5000);
    }
    _exit(1);
}

Test(pool, a_worker_that_is_killed_once_is_tried_again) {
    trial t = tiny_trial();
    int status = 1;
    t.visits = 64000;
    store *undisturbed = run_with(&t, 1, 1);
    const pid_t killer = start_killer();
    store *disturbed = run_with(&t, 1, 1);
    cr_assert(eq(int, waitpid(killer, &status, 0), killer));
    cr_assert(zero(int, status), "no worker was there to be killed");
    assert_same_trials(undisturbed, disturbed, &t, 1);
    store_close(undisturbed);
    store_close(disturbed);
}

/* --- errors ----------------------------------------------------------------------------------------------------------
 */

/* A data set that cannot be opened stops the run; what is finished by then stays. */
Test(pool, data_that_cannot_be_opened_stop_the_run) {
    trial trials[2] = {tiny_trial(), tiny_trial()};
    size_t failed = 0;
    lb_error error = {0};
    char key[TRIAL_KEY];
    store *s = memory_store();
    snprintf(trials[1].data, sizeof trials[1].data, "infrared_solar_modules");
    snprintf(trials[1].content, sizeof trials[1].content, "not there");
    cr_assert(eq(int, pool_run(trials, 1, s, &quiet, &failed, NULL), LB_OK));
    cr_assert(eq(int, pool_run(trials, 2, s, &quiet, &failed, &error), LB_NOT_FOUND));
    cr_assert(ne(str, error.message, ""));
    trial_key(&trials[0], key);
    cr_assert(store_has(s, key));
    store_close(s);
}

/* An error inside the worker reaches the parent in its own words. */
Test(pool, an_error_of_a_worker_is_told) {
    trial t = tiny_trial();
    size_t failed = 0;
    lb_error error = {0};
    store *s = memory_store();
    snprintf(t.model, sizeof t.model, "resnet9000");
    cr_assert(eq(int, pool_run(&t, 1, s, &quiet, &failed, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, "resnet9000"), NULL), "%s", error.message);
    store_close(s);
}

Test(pool, nothing_to_do_is_done) {
    size_t failed = 0;
    store *s = memory_store();
    cr_assert(zero(int, pool_run(NULL, 0, s, &quiet, &failed, NULL)));
    cr_assert(zero(sz, failed));
    store_close(s);
}
