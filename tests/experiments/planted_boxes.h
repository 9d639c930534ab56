/* Studies of detectors whose trials are planted with made-up numbers. */
#ifndef TESTS_EXPERIMENTS_PLANTED_BOXES_H
#define TESTS_EXPERIMENTS_PLANTED_BOXES_H

#include "tests/experiments/fixture.h"

#include "experiments/harness/report.h"

/* AP50 on test and after half the visits, in hundredths; wobble moves AP50 of odd seeds down and of even seeds up. */
typedef struct {
    int ap50, half, wobble;
    float share;       /* of the image that a true box covers */
    int no_goods;      /* data without a clean class */
    int found;         /* image recall in hundredths */
    unsigned diverged; /* so many seeds from the first diverge */
    int missing;       /* seed 0 is not in the store */
} planted_boxes;

static inline trial_result planted_result(const planted_boxes *p, unsigned seed) {
    const int sign = seed % 2 ? -1 : 1;
    trial_result r = made_result(&(made){.found = (unsigned)p->found, .weights = 1});
    float *number = trial_result_add(&r, "boxes", BOX_NUMBERS, 0);
    float *half = trial_result_add(&r, "boxes@1", BOX_AT_NUMBERS, 0);
    cr_assert(all(ne(ptr, number, NULL), ne(ptr, half, NULL)));
    for (size_t i = 0; i < BOX_NUMBERS; i++) number[i] = 0;
    number[BOX_AP50] = (float)(p->ap50 + sign * p->wobble) / 100;
    number[BOX_AP] = number[BOX_AP50] / 2;
    number[BOX_MEAN_SHARE] = p->share;
    half[BOX_AT_AP50] = (float)p->half / 100;
    half[BOX_AT_AP] = 0;
    if (p->no_goods) trial_result_find(&r, "data")->data[DATA_GOODS + SET_TEST] = 0;
    if (seed < p->diverged) r.outcome = OUTCOME_DIVERGED;
    return r;
}

static inline void plant_boxes(store *to, const study *s, const cell *c, const planted_boxes *p) {
    for (unsigned k = p->missing ? 1 : 0; k < s->e.seeds; k++) {
        lb_error error = {0};
        trial_result r = planted_result(p, k);
        cr_assert(zero(int, store_put(to, &c->finals[k], &r, &error)), "%s", error.message);
        trial_result_free(&r);
    }
}

/* Text of an experiment of detectors; `more` follows "[experiment]", of `blocks` each is "label = data @ ratio". */
static inline void expand_boxes(const char *name, const char *more, const char *blocks, const char *losses,
                                unsigned visits, unsigned seeds, study *out) {
    char content[3000];
    snprintf(content, sizeof content,
             "[experiment]\n%s\n[blocks]\n%s\n[losses]\n%s\n[train]\nmodel = detector(width=narrow)\nvisits = %u\n"
             "batch = 16\ncheckpoints = 2\nseeds = %u\nlearning_rate = 0.01\n",
             more, blocks, losses, visits, seeds);
    expand_text(name, content, out);
}

#endif
