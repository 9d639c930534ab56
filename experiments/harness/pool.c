#include "experiments/harness/pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_JOBS = 256, OPEN_DATA = 3 };

/* What a worker sends: this head, then the arrays' data, then end of file. */
typedef struct {
    int code;
    lb_error error;
    trial_result result; /* its pointers mean nothing to the parent */
} message_head;

typedef struct {
    pid_t pid;
    int pipe;
    size_t trial;
    double started;
    int killed; /* past its limit */
    unsigned char *data;
    size_t size, capacity;
} worker;

typedef struct {
    char name[2 * SPEC_MAX_TEXT];
    dataset data;
    int open;
} open_data;

typedef struct {
    const trial *trials;
    size_t *todo, todo_count, next, done;
    unsigned char *attempts;
    store *into;
    const pool_options *options;
    worker workers[MAX_JOBS];
    size_t running, failed;
    open_data data[OPEN_DATA];     /* most recent first: trials come ordered by data set */
    double begun, shown, expected; /* seconds of work in the trials to do, by recorded times */
} pool;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- data ------------------------------------------------------------------------------------------------------------
 */

static int data_for(pool *p, const trial *t, const dataset **out, lb_error *error) {
    char name[2 * SPEC_MAX_TEXT];
    *out = NULL;
    if (t->task == TASK_SIMULATION) return LB_OK;
    snprintf(name, sizeof name, "%s|%u|%d", t->content, t->seed, t->task);
    for (size_t i = 0; i < OPEN_DATA; i++)
        if (p->data[i].open && strcmp(p->data[i].name, name) == 0) {
            *out = &p->data[i].data;
            return LB_OK;
        }
    open_data *last = &p->data[OPEN_DATA - 1];
    if (last->open) dataset_free(&last->data);
    memmove(&p->data[1], &p->data[0], (OPEN_DATA - 1) * sizeof p->data[0]);
    open_data *first = &p->data[0];
    const dataset_request request = trial_request(t, p->options->search);
    first->open = 0;
    int code = dataset_open(t->data, &request, &first->data, error);
    if (!code && (code = trial_check(t, &first->data, error))) dataset_free(&first->data);
    if (code) return code;
    snprintf(first->name, sizeof first->name, "%s", name);
    first->open = 1;
    *out = &first->data;
    return LB_OK;
}

/* --- a worker --------------------------------------------------------------------------------------------------------
 */

static int send_all(int pipe, const void *bytes, size_t size) {
    for (const char *at = bytes; size;) {
        const ssize_t sent = write(pipe, at, size);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return 0;
        at += sent;
        size -= (size_t)sent;
    }
    return 1;
}

static void work(const trial *t, const dataset *d, int pipe) {
    message_head head = {0};
    head.code = trial_run(t, d, &head.result, &head.error);
    int sent = send_all(pipe, &head, sizeof head);
    for (size_t i = 0; sent && i < head.result.array_count; i++)
        sent = send_all(pipe, head.result.arrays[i].data, head.result.arrays[i].count * sizeof(float));
    _exit(sent ? 0 : 1);
}

static int start_worker(pool *p, size_t place, lb_error *error) {
    const trial *t = &p->trials[p->todo[place]];
    const dataset *d;
    int ends[2], code = data_for(p, t, &d, error);
    if (code) return code;
    if (pipe(ends)) return lb_fail(error, LB_INTERNAL, "cannot make a pipe to a worker: %s", strerror(errno));
    fflush(NULL);
    const pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        close(ends[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* no worker outlives its parent */
        if (getppid() != parent) _exit(1);
        work(t, d, ends[1]);
    }
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return lb_fail(error, LB_INTERNAL, "cannot start a worker: %s", strerror(errno));
    }
    p->workers[p->running++] = (worker){.pid = pid, .pipe = ends[0], .trial = place, .started = now()};
    return LB_OK;
}

/* --- the parent's side
 * ------------------------------------------------------------------------------------------------ */

static int receive(worker *w, int *ended, lb_error *error) {
    if (w->capacity - w->size < 65536) {
        const size_t capacity = 2 * w->capacity + 131072;
        unsigned char *data = realloc(w->data, capacity);
        if (!data) return lb_fail_memory(error, "a worker's scores");
        w->data = data;
        w->capacity = capacity;
    }
    const ssize_t got = read(w->pipe, w->data + w->size, w->capacity - w->size);
    if (got > 0) w->size += (size_t)got;
    *ended = got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN);
    return LB_OK;
}

/* Rebuilds the result from a complete message; 0 when it is not complete: the worker died on the way. */
static int decode(const worker *w, message_head *head) {
    if (w->size < sizeof *head) return 0;
    memcpy(head, w->data, sizeof *head);
    size_t at = sizeof *head, expected = at;
    const size_t arrays = head->result.array_count;
    if (arrays > TRIAL_MAX_ARRAYS) return 0;
    for (size_t i = 0; i < arrays; i++) expected += head->result.arrays[i].count * sizeof(float);
    if (expected != w->size) return 0;
    const trial_result sent = head->result;
    head->result.array_count = 0;
    for (size_t i = 0; i < arrays; i++) {
        const trial_array *a = &sent.arrays[i];
        float *data = trial_result_add(&head->result, a->name, a->count, a->goods);
        if (!data) return 0;
        memcpy(data, w->data + at, a->count * sizeof *data);
        at += a->count * sizeof *data;
    }
    return 1;
}

static trial_result failure(const worker *w, int status) {
    trial_result r = {.outcome = w->killed ? OUTCOME_TIMEOUT : OUTCOME_CRASHED, .seconds = now() - w->started};
    if (w->killed)
        snprintf(r.message, sizeof r.message, "killed after %.0f s", r.seconds);
    else if (WIFSIGNALED(status))
        snprintf(r.message, sizeof r.message, "worker ended by signal %d", WTERMSIG(status));
    else
        snprintf(r.message, sizeof r.message, "worker ended with status %d", WEXITSTATUS(status));
    return r;
}

/* The worker's pipe has ended: keep its result, or try again, or record the failure. */
static int finish_worker(pool *p, size_t place, lb_error *error) {
    worker w = p->workers[place];
    int status = 0, code = LB_OK;
    message_head head = {0};
    p->workers[place] = p->workers[--p->running];
    close(w.pipe);
    while (waitpid(w.pid, &status, 0) < 0 && errno == EINTR) continue;
    const trial *t = &p->trials[p->todo[w.trial]];
    if (decode(&w, &head)) {
        if (head.code)
            code = lb_fail(error, head.error.code, "%s", head.error.message);
        else
            code = store_put(p->into, t, &head.result, error);
        p->done++;
        p->expected -= store_seconds(p->into, t);
    } else if (!w.killed && ++p->attempts[w.trial] < POOL_ATTEMPTS) {
        code = start_worker(p, w.trial, error);
    } else {
        const trial_result r = failure(&w, status);
        code = store_put(p->into, t, &r, error);
        p->failed++;
        p->done++;
    }
    trial_result_free(&head.result);
    free(w.data);
    return code;
}

static void kill_late(pool *p) {
    for (size_t i = 0; i < p->running; i++)
        if (!p->workers[i].killed && now() - p->workers[i].started > p->options->limit) {
            p->workers[i].killed = 1;
            kill(p->workers[i].pid, SIGKILL);
        }
}

static int wait_for_workers(pool *p, lb_error *error) {
    struct pollfd polled[MAX_JOBS];
    const size_t watched = p->running;
    for (size_t i = 0; i < watched; i++) polled[i] = (struct pollfd){.fd = p->workers[i].pipe, .events = POLLIN};
    if (poll(polled, watched, 500) <= 0) return LB_OK;
    for (size_t i = watched; i-- > 0;) { /* from the end: a finished worker is replaced by the last */
        int ended = 0;
        if (!polled[i].revents) continue;
        int code = receive(&p->workers[i], &ended, error);
        if (!code && ended) code = finish_worker(p, i, error);
        if (code) return code;
    }
    return LB_OK;
}

/* --- progress
 * --------------------------------------------------------------------------------------------------------- */

static void show_progress(pool *p, int last) {
    const int terminal = isatty(STDERR_FILENO);
    const double at = now();
    if (p->options->quiet || (!last && at - p->shown < (terminal ? 0.5 : 60))) return;
    p->shown = at;
    const double elapsed = at - p->begun, rate = elapsed > 0 ? (double)p->done / elapsed : 0;
    const double left = rate > 0 ? (double)(p->todo_count - p->done) / rate : p->expected / p->options->jobs;
    fprintf(stderr, "%s%s: %zu of %zu trials (%.0f %%), %.2f trials/s, %s %dm%02ds, %zu failed%s", terminal ? "\r" : "",
            p->options->title, p->done, p->todo_count, 100.0 * (double)p->done / (double)p->todo_count, rate,
            last ? "took" : "left about", (int)((last ? elapsed : left) / 60), (int)(last ? elapsed : left) % 60,
            p->failed, terminal && !last ? "   " : "\n");
}

/* --- the pool
 * --------------------------------------------------------------------------------------------------------- */

static int pool_open(pool *p, size_t count, lb_error *error) {
    p->todo = calloc(count + 1, sizeof *p->todo);
    p->attempts = calloc(count + 1, 1);
    if (!p->todo || !p->attempts) return lb_fail_memory(error, "the plan");
    for (size_t i = 0; i < count; i++) {
        char key[TRIAL_KEY];
        trial_key(&p->trials[i], key);
        if (store_has(p->into, key)) continue;
        p->todo[p->todo_count++] = i;
        p->expected += store_seconds(p->into, &p->trials[i]);
    }
    p->begun = p->shown = now();
    return LB_OK;
}

static void pool_close(pool *p) {
    for (size_t i = 0; i < p->running; i++) {
        kill(p->workers[i].pid, SIGKILL);
        close(p->workers[i].pipe);
        waitpid(p->workers[i].pid, NULL, 0);
        free(p->workers[i].data);
    }
    for (size_t i = 0; i < OPEN_DATA; i++)
        if (p->data[i].open) dataset_free(&p->data[i].data);
    free(p->todo);
    free(p->attempts);
}

int pool_run(const trial *trials, size_t count, store *into, const pool_options *options, size_t *failed,
             lb_error *error) {
    pool p = {.trials = trials, .into = into, .options = options};
    const size_t jobs = options->jobs < 1 ? 1 : options->jobs > MAX_JOBS ? MAX_JOBS : options->jobs;
    int code = pool_open(&p, count, error);
    while (!code && (p.next < p.todo_count || p.running)) {
        while (!code && p.running < jobs && p.next < p.todo_count) code = start_worker(&p, p.next++, error);
        if (!code) code = wait_for_workers(&p, error);
        kill_late(&p);
        show_progress(&p, 0);
    }
    if (!code && p.todo_count) show_progress(&p, 1);
    *failed += p.failed;
    pool_close(&p);
    return code;
}
