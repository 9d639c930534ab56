/* Tiny trials and studies, and stores filled with made-up scores whose recall is known. */
#ifndef TESTS_EXPERIMENTS_FIXTURE_H
#define TESTS_EXPERIMENTS_FIXTURE_H

#include "experiments/harness/store.h"
#include "experiments/harness/study.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TINY_DATA "synthetic(texture=cast, defect=dent, size=24, scale=0.1)"

/* Prepared: a few hundredths of a second of training. */
static inline trial tiny_trial(void) {
    trial t = {.data = TINY_DATA,
               .model = "cnn(width=narrow)",
               .loss = "bce",
               .ratio = 10,
               .seed = 1,
               .streams = 'a',
               .learning_rate = 0.005,
               .weight_decay = 1e-5,
               .visits = 640,
               .batch = 32,
               .checkpoints = 1};
    lb_error error = {0};
    cr_assert(zero(int, trial_prepare(&t, "", &error)), "%s", error.message);
    return t;
}

/* Reads an experiment from text, as file NAME.ini of a new directory. */
static inline int read_text(const char *name, const char *content, const selection *chosen, experiment *out,
                            lb_error *error) {
    char directory[] = "/tmp/test_harness_XXXXXX", path[200];
    cr_assert(ne(ptr, mkdtemp(directory), NULL));
    snprintf(path, sizeof path, "%s/%s.ini", directory, name);
    FILE *f = fopen(path, "w");
    cr_assert(ne(ptr, f, NULL));
    fputs(content, f);
    fclose(f);
    const int code = experiment_read(path, chosen, out, error);
    unlink(path);
    rmdir(directory);
    return code;
}

static inline void expand_text(const char *name, const char *content, study *out) {
    static const selection all = {.profile = "standard"};
    static experiment e; /* large */
    lb_error error = {0};
    cr_assert(zero(int, read_text(name, content, &all, &e, &error)), "%s", error.message);
    cr_assert(zero(int, study_expand(&e, "", out, &error)), "%s", error.message);
}

static inline store *memory_store(void) {
    lb_error error = {0};
    store *s = store_open(":memory:", &error);
    cr_assert(ne(ptr, s, NULL), "%s", error.message);
    return s;
}

enum { MADE_GOODS = 400, MADE_DEFECTS = 100 };

/* 400 different good scores from 0 to below 1, and 100 defects: `found` of them above all goods, the others below. Any
   threshold among the upper goods therefore finds exactly found / 100. */
static inline void made_scores(trial_result *r, const char *name, unsigned found) {
    float *score = trial_result_add(r, name, MADE_GOODS + MADE_DEFECTS, MADE_GOODS);
    cr_assert(ne(ptr, score, NULL));
    for (unsigned i = 0; i < MADE_GOODS; i++) score[i] = (float)i / MADE_GOODS;
    for (unsigned i = 0; i < MADE_DEFECTS; i++) score[MADE_GOODS + i] = i < found ? 2.0f + (float)i : -1.0f - (float)i;
}

typedef struct {
    unsigned found; /* recall in hundredths, at every FR level */
    uint64_t weights;
    int resplit;                      /* fixed data, split again for each seed */
    float train_goods, train_defects; /* 0: 2000 and 10 */
    float offset;                     /* added to all scores */
} made;

static inline trial_result made_result(const made *m) {
    trial_result r = {.weights = m->weights, .seconds = 1, .prior_loss = 1, .train_loss = 0.5};
    float *facts = trial_result_add(&r, "data", DATA_FACTS, 0);
    cr_assert(ne(ptr, facts, NULL));
    facts[DATA_HEIGHT] = facts[DATA_WIDTH] = 24;
    facts[DATA_INDEPENDENT] = m->resplit ? 0.0f : 1.0f;
    facts[DATA_GOODS + SET_TRAIN] = m->train_goods > 0 ? m->train_goods : 2000;
    facts[DATA_DEFECTS + SET_TRAIN] = m->train_defects > 0 ? m->train_defects : 10;
    facts[DATA_GOODS + SET_TEST] = MADE_GOODS;
    facts[DATA_DEFECTS + SET_TEST] = MADE_DEFECTS;
    made_scores(&r, "select", m->found);
    made_scores(&r, "calibrate", 0);
    made_scores(&r, "test", m->found);
    for (size_t i = 1; i < r.array_count; i++)
        for (uint32_t k = 0; k < r.arrays[i].count; k++) r.arrays[i].data[k] += m->offset;
    return r;
}

static inline void put_made(store *s, const trial *t, const made *m) {
    lb_error error = {0};
    trial_result r = made_result(m);
    cr_assert(zero(int, store_put(s, t, &r, &error)), "%s", error.message);
    trial_result_free(&r);
}

#endif
