/* Studies of types whose trials are planted with made-up numbers: good, scratch, dent, contamination and missing on a
   woven surface, with 1000, 40, 30, 20 and 10 items in train. */
#ifndef TESTS_EXPERIMENTS_PLANTED_TYPES_H
#define TESTS_EXPERIMENTS_PLANTED_TYPES_H

#include "tests/experiments/fixture.h"

#include "experiments/harness/report.h"

#define TYPES_DATA "synthetic(texture=woven, defect=mixed, size=24, scale=0.1)"

/* Recall of the two rarest and of the two commonest classes in hundredths; that of dents is a half. wobble moves the
   rare classes of odd seeds down and of even seeds up. */
typedef struct {
    int rare, common, wobble;
    int found;         /* image recall in hundredths */
    int no_goods;      /* data without a clean class */
    int no_missing;    /* none of the rarest class in test */
    unsigned diverged; /* so many seeds from the first diverge */
} planted_types;

enum { PLANTED_CLASSES = 5 };

static inline float *planted_array(trial_result *r, const char *name, const float *values, size_t count) {
    float *array = trial_result_add(r, name, count, 0);
    cr_assert(ne(ptr, array, NULL));
    memcpy(array, values, count * sizeof *array);
    return array;
}

static inline trial_result planted_types_result(const planted_types *p, unsigned seed) {
    const int lost = seed < p->diverged;
    const float rare = (float)(p->rare + (seed % 2 ? -p->wobble : p->wobble)) / 100, common = (float)p->common / 100;
    const float train[] = {1000, 40, 30, 20, 10}, test[] = {400, 20, 20, 20, p->no_missing ? 0 : 20};
    const float recall[] = {common, common, 0.5f, rare, p->no_missing ? NAN : rare};
    const float f1[] = {common / 2, common / 2, 0.25f, rare / 2, p->no_missing ? NAN : rare / 2};
    const float number[CLASS_NUMBERS] = {[CLASS_SELECT_BALANCED] = 0.25f,
                                         [CLASS_BALANCED] = (2 * common + 0.5f + 2 * rare) / 5,
                                         [CLASS_MACRO_F1] = 0.4f,
                                         [CLASS_ACCURACY] = 0.9f};
    const float none[CLASS_NUMBERS] = {NAN, NAN, NAN, NAN};
    trial_result r = made_result(&(made){.found = (unsigned)p->found, .weights = 1});
    planted_array(&r, "types", lost ? none : number, CLASS_NUMBERS);
    planted_array(&r, "type_train", train, PLANTED_CLASSES);
    planted_array(&r, "type_test", test, PLANTED_CLASSES);
    if (!lost) planted_array(&r, "type_recall", recall, PLANTED_CLASSES);
    if (!lost) planted_array(&r, "type_f1", f1, PLANTED_CLASSES);
    if (p->no_goods) trial_result_find(&r, "data")->data[DATA_GOODS + SET_TEST] = 0;
    if (lost) r.outcome = OUTCOME_DIVERGED;
    return r;
}

static inline void plant_types(store *to, const study *s, const cell *c, const planted_types *p) {
    for (unsigned k = 0; k < s->e.seeds; k++) {
        lb_error error = {0};
        trial_result r = planted_types_result(p, k);
        cr_assert(zero(int, store_put(to, &c->finals[k], &r, &error)), "%s", error.message);
        trial_result_free(&r);
    }
}

/* `ratios` of the one block "cloth". */
static inline void expand_types(const char *name, const char *ratios, const char *losses, unsigned seeds, study *out) {
    char content[3000];
    snprintf(content, sizeof content,
             "[experiment]\nquestion = q\nanalysis = types\nbaseline = ce\n[blocks]\ncloth = " TYPES_DATA " @ %s\n"
             "[losses]\n%s[train]\nmodel = cnn(width=narrow)\nvisits = 640\nbatch = 32\nseeds = %u\n"
             "learning_rate = 0.01\n",
             ratios, losses, seeds);
    expand_text(name, content, out);
}

#endif
