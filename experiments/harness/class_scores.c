#include "experiments/harness/class_scores.h"

#include "lib/metrics/class_metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

size_t class_count(const dataset *d) {
    size_t types = 0;
    while (d->type_names[types]) types++;
    return types - !d->clean;
}

const char *class_label(const dataset *d, size_t which) { return d->type_names[which + !d->clean]; }

int class_scores_check(const trial *t, const dataset *d, lb_error *error) {
    const dataset_items *train = &d->sets[SET_TRAIN];
    const size_t classes = class_count(d);
    size_t i = 0;
    while (i < train->count && train->types[i] == train->types[0]) i++;
    const int several = i < train->count;
    if (several && classes <= CLASS_MOST) return LB_OK;
    return lb_fail(error, LB_INVALID,
                   "data set '%s' has %zu classes, %s of them in train: a loss for K classes needs 2 to %d", t->data,
                   classes, several ? "several" : "one", CLASS_MOST);
}

static void count_items(const dataset *d, dataset_set which, float *out) {
    const dataset_items *set = &d->sets[which];
    for (size_t i = 0; i < set->count; i++) out[class_of_type(d, set->types[i])]++;
}

int class_scores_begin(const dataset *d, trial_result *out, lb_error *error) {
    const size_t classes = class_count(d);
    float *number = trial_result_add(out, "types", CLASS_NUMBERS, 0);
    float *train = trial_result_add(out, "type_train", classes, 0);
    float *test = trial_result_add(out, "type_test", classes, 0);
    if (!number || !train || !test) return lb_fail_memory(error, "the numbers of types");
    for (size_t i = 0; i < CLASS_NUMBERS; i++) number[i] = NAN;
    count_items(d, SET_TRAIN, train);
    count_items(d, SET_TEST, test);
    return LB_OK;
}

/* --- scores of images ----------------------------------------------------------------------------------------------
 */

static float score_of(const dataset *d, const float *logit, size_t classes) {
    return d->clean ? metric_defect_score(logit, classes) : logit[metric_called_class(logit, classes)];
}

static int add_scores(const dataset *d, const dataset_items *set, const char *name, const float *logit,
                      trial_result *out, lb_error *error) {
    const size_t classes = class_count(d);
    float *scores = trial_result_add(out, name, set->count, set->goods);
    if (!scores) return lb_fail_memory(error, "the scores of images");
    for (size_t i = 0; i < set->count; i++) scores[i] = score_of(d, logit + i * classes, classes);
    for (size_t i = 0; i < set->count * classes; i++)
        if (!isfinite(logit[i])) out->outcome = OUTCOME_DIVERGED;
    return LB_OK;
}

/* --- classes -------------------------------------------------------------------------------------------------------
 */

/* confusion is [classes][classes]. */
static int confuse(const dataset *d, const dataset_items *set, const float *logit, size_t *confusion, lb_error *error) {
    uint32_t *truth = malloc((set->count ? set->count : 1) * sizeof *truth);
    if (!truth) return lb_fail_memory(error, "the classes of a set");
    for (size_t i = 0; i < set->count; i++) truth[i] = (uint32_t)class_of_type(d, set->types[i]);
    const int code = metric_confusion(logit, truth, set->count, class_count(d), confusion, error);
    free(truth);
    return code;
}

static int add_items(const dataset *d, const dataset_items *set, const float *logit, trial_result *out,
                     lb_error *error) {
    const size_t classes = class_count(d);
    float *kept = trial_result_add(out, "logits", set->count * classes, set->goods * classes);
    float *called = trial_result_add(out, "called", set->count, set->goods);
    float *truth = trial_result_add(out, "truth", set->count, set->goods);
    if (!kept || !called || !truth) return lb_fail_memory(error, "the classes of a set");
    memcpy(kept, logit, set->count * classes * sizeof *kept);
    for (size_t i = 0; i < set->count; i++) {
        called[i] = (float)metric_called_class(logit + i * classes, classes);
        truth[i] = (float)class_of_type(d, set->types[i]);
    }
    return LB_OK;
}

static int add_rates(const size_t *confusion, size_t classes, trial_result *out, lb_error *error) {
    float *recall = trial_result_add(out, "type_recall", classes, 0);
    float *f1 = trial_result_add(out, "type_f1", classes, 0);
    if (!recall || !f1) return lb_fail_memory(error, "the numbers of types");
    for (size_t c = 0; c < classes; c++) {
        const metric_one_class one = metric_of_class(confusion, classes, c);
        recall[c] = (float)one.recall;
        f1[c] = one.items ? (float)one.f1 : NAN;
    }
    return LB_OK;
}

static int measure_test(const dataset *d, const float *logit, const size_t *confusion, float *number, trial_result *out,
                        lb_error *error) {
    const metric_all_classes all = metric_of_classes(confusion, class_count(d));
    number[CLASS_BALANCED] = (float)all.balanced;
    number[CLASS_MACRO_F1] = (float)all.macro_f1;
    number[CLASS_ACCURACY] = (float)all.accuracy;
    const int code = add_rates(confusion, class_count(d), out, error);
    return code ? code : add_items(d, &d->sets[SET_TEST], logit, out, error);
}

int class_scores_add(const dataset *d, dataset_set which, const char *name, const float *logit, trial_result *out,
                     lb_error *error) {
    const dataset_items *set = &d->sets[which];
    const size_t classes = class_count(d);
    const int is_test = strcmp(name, "test") == 0;
    size_t confusion[CLASS_MOST * CLASS_MOST] = {0};
    int code = add_scores(d, set, name, logit, out, error);
    if (code || out->outcome != OUTCOME_OK || !(which == SET_SELECT || is_test)) return code;
    float *number = trial_result_find(out, "types")->data;
    code = confuse(d, set, logit, confusion, error);
    if (!code && which == SET_SELECT)
        number[CLASS_SELECT_BALANCED] = (float)metric_of_classes(confusion, classes).balanced;
    if (!code && is_test) code = measure_test(d, logit, confusion, number, out, error);
    return code;
}
