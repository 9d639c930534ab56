/* Confusion matrix, the rates of classes, and the score for good against any defect. */
#include "lib/metrics/class_metrics.h"

#include "lib/base/rng.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

static void check_rate(double actual, double expected, const char *what, size_t which) {
    if (isnan(expected))
        cr_assert(eq(int, isnan(actual), 1), "%s of %zu: %g", what, which, actual);
    else
        cr_assert(epsilon_eq(dbl, actual, expected, 1e-14), "%s of %zu", what, which);
}

static void check_class(const metric_one_class *actual, const metric_one_class *expected, size_t which) {
    cr_assert(eq(sz, actual->items, expected->items));
    cr_assert(eq(sz, actual->called, expected->called));
    cr_assert(eq(sz, actual->hit, expected->hit));
    check_rate(actual->recall, expected->recall, "recall", which);
    check_rate(actual->precision, expected->precision, "precision", which);
    check_rate(actual->f1, expected->f1, "f1", which);
}

static void check_all(const metric_all_classes *actual, const metric_all_classes *expected, size_t classes) {
    check_rate(actual->accuracy, expected->accuracy, "accuracy", classes);
    check_rate(actual->balanced, expected->balanced, "balanced accuracy", classes);
    check_rate(actual->macro_f1, expected->macro_f1, "macro-F1", classes);
}

/* --- golden values ----------------------------------------------------------------------------------------------- */

enum { CLASSES = 6, ITEMS = 120 };

typedef struct {
    float logit[ITEMS][CLASSES];
    uint32_t truth[ITEMS];
} batch;

/* A long tail; class 4 is never called, class 5 has no items; item 44, of class 1, has its largest logit twice, for the
   classes 1 and 2. */
static void golden_batch(batch *b) {
    static const uint32_t classes[10] = {0, 0, 0, 0, 1, 0, 2, 1, 0, 4};
    for (size_t i = 0; i < ITEMS; i++) {
        b->truth[i] = i % 40 == 17 ? 3 : classes[i % 10];
        for (size_t k = 0; k < CLASSES; k++) b->logit[i][k] = (float)((i * 37 + k * 53 + i * k * 11) % 101) / 8;
        b->logit[i][b->truth[i]] += 4;
        b->logit[i][4] -= 200;
    }
}

/* The same batch in numpy 1.24.2: argmax(1), np.add.at(C, (t, p), 1), and the rates from t and p with
   scikit-learn's definitions (tp, fp, fn; f1 = 2 r q / (r + q), 0 without tp). */
static const size_t golden_confusion[CLASSES][CLASSES] = {{37, 10, 5, 8, 0, 12}, {2, 13, 2, 3, 0, 1},
                                                          {1, 2, 7, 0, 0, 2},    {1, 0, 1, 1, 0, 0},
                                                          {6, 1, 3, 0, 0, 2},    {0, 0, 0, 0, 0, 0}};
static const metric_one_class golden_class[CLASSES] = {
    {72, 47, 37, 0.5138888888888888, 0.7872340425531915, 0.6218487394957983},
    {21, 26, 13, 0.6190476190476191, 0.5, 0.5531914893617021},
    {12, 18, 7, 0.5833333333333334, 0.3888888888888889, 0.4666666666666666},
    {3, 12, 1, 0.3333333333333333, 0.08333333333333333, 0.13333333333333333},
    {12, 0, 0, 0, (double)NAN, 0},
    {0, 17, 0, (double)NAN, 0, 0}};
static const metric_all_classes golden_all = {0.48333333333333334, 0.40992063492063496, 0.35500804577150014};

static void golden_matrix(size_t confusion[CLASSES * CLASSES]) {
    static batch b;
    golden_batch(&b);
    cr_assert(zero(int, metric_confusion(b.logit[0], b.truth, ITEMS, CLASSES, confusion, NULL)));
}

Test(class_metrics, golden_confusion) {
    size_t confusion[CLASSES * CLASSES];
    golden_matrix(confusion);
    for (size_t cell = 0; cell < CLASSES * CLASSES; cell++)
        cr_assert(eq(sz, confusion[cell], golden_confusion[cell / CLASSES][cell % CLASSES]), "cell %zu", cell);
}

Test(class_metrics, golden_rates) {
    for (size_t k = 0; k < CLASSES; k++) {
        const metric_one_class one = metric_of_class(golden_confusion[0], CLASSES, k);
        check_class(&one, golden_class + k, k);
    }
    const metric_all_classes all = metric_of_classes(golden_confusion[0], CLASSES);
    check_all(&all, &golden_all, CLASSES);
}

/* --- edges ------------------------------------------------------------------------------------------------------- */

Test(class_metrics, first_of_equal_logits_is_called) {
    const float all[] = {2, 2, 2}, last[] = {-3, 1, 1}, zeros[] = {-0.0f, 0.0f}, one[] = {-7};
    cr_assert(eq(sz, metric_called_class(all, 3), 0));
    cr_assert(eq(sz, metric_called_class(last, 3), 1));
    cr_assert(eq(sz, metric_called_class(zeros, 2), 0));
    cr_assert(eq(sz, metric_called_class(one, 1), 0));
}

Test(class_metrics, perfect) {
    const size_t confusion[] = {900, 0, 0, 0, 3, 0, 0, 0, 1};
    const metric_all_classes all = metric_of_classes(confusion, 3), ones = {1, 1, 1};
    check_all(&all, &ones, 3);
}

/* Everything called good: accuracy is the share of goods, and macro-F1 counts the class never called as 0. */
Test(class_metrics, one_class_called) {
    const size_t confusion[] = {90, 0, 10, 0};
    const metric_all_classes all = metric_of_classes(confusion, 2), expected = {0.9, 0.5, 90.0 / 190};
    check_all(&all, &expected, 2);
}

/* A class with neither items nor calls changes no mean. */
Test(class_metrics, absent_class) {
    const size_t two[] = {5, 1, 2, 2}, three[] = {5, 0, 1, 0, 0, 0, 2, 0, 2};
    const metric_all_classes with = metric_of_classes(three, 3), without = metric_of_classes(two, 2);
    cr_assert(zero(int, memcmp(&with, &without, sizeof with)));
    const metric_one_class one = metric_of_class(three, 3, 1),
                           nothing = {0, 0, 0, (double)NAN, (double)NAN, (double)NAN};
    check_class(&one, &nothing, 1);
}

Test(class_metrics, no_items) {
    size_t confusion[] = {7, 7, 7, 7};
    cr_assert(zero(int, metric_confusion(NULL, NULL, 0, 2, confusion, NULL)));
    for (int cell = 0; cell < 4; cell++) cr_assert(zero(sz, confusion[cell]));
    const metric_all_classes all = metric_of_classes(confusion, 2), nothing = {(double)NAN, (double)NAN, (double)NAN};
    check_all(&all, &nothing, 2);
}

/* --- refusals ---------------------------------------------------------------------------------------------------- */

static void check_refusal(const float *logit, const uint32_t *truth, const char *message) {
    size_t confusion[9];
    lb_error error = {0};
    memset(confusion, 0x5a, sizeof confusion);
    size_t before[9];
    memcpy(before, confusion, sizeof before);
    cr_assert(eq(int, metric_confusion(logit, truth, 3, 3, confusion, &error), LB_INVALID));
    cr_assert(eq(str, error.message, (char *)message));
    cr_assert(zero(int, memcmp(confusion, before, sizeof before)), "written in spite of the failure");
}

Test(class_metrics, refusals) {
    float logit[9] = {0};
    uint32_t truth[3] = {0, 2, 1};
    logit[7] = NAN;
    check_refusal(logit, truth,
                  "the logit of item 2 for class 1 is nan: the model diverged, so its classes have no metrics");
    logit[3] = -INFINITY;
    check_refusal(logit, truth,
                  "the logit of item 1 for class 0 is -inf: the model diverged, so its classes have no metrics");
    truth[0] = 3;
    check_refusal(logit, truth, "item 0 is of class 3, but there are 3 classes, numbered from 0");
}

/* --- properties -------------------------------------------------------------------------------------------------- */

/* Class k becomes moved[k]. Item 44 is given one largest logit: the first of equal ones is another class after
   relabelling. */
Test(class_metrics, relabelling_permutes_classes) {
    static batch b, renamed;
    golden_batch(&b);
    b.logit[44][2] += 1;
    rng stream = rng_from_text("class metrics|relabelling");
    uint32_t moved[CLASSES] = {0, 1, 2, 3, 4, 5};
    for (int repeat = 0; repeat < 50; repeat++) {
        rng_shuffle(&stream, moved, CLASSES);
        for (size_t i = 0; i < ITEMS; i++) {
            renamed.truth[i] = moved[b.truth[i]];
            for (size_t k = 0; k < CLASSES; k++) renamed.logit[i][moved[k]] = b.logit[i][k];
        }
        size_t before[CLASSES * CLASSES], after[CLASSES * CLASSES];
        cr_assert(zero(int, metric_confusion(b.logit[0], b.truth, ITEMS, CLASSES, before, NULL)));
        cr_assert(zero(int, metric_confusion(renamed.logit[0], renamed.truth, ITEMS, CLASSES, after, NULL)));
        for (size_t k = 0; k < CLASSES; k++) {
            const metric_one_class old = metric_of_class(before, CLASSES, k);
            const metric_one_class new = metric_of_class(after, CLASSES, moved[k]);
            cr_assert(zero(int, memcmp(&old, &new, sizeof old)), "class %zu", k);
        }
        const metric_all_classes old = metric_of_classes(before, CLASSES), new = metric_of_classes(after, CLASSES);
        check_all(&new, &old, CLASSES);
    }
}

/* Each item's logits through a rising function of its own: stretched, shifted, cubed. All exact, so ties stay ties. */
Test(class_metrics, rising_maps_keep_everything) {
    static batch b;
    golden_batch(&b);
    for (size_t i = 0; i < ITEMS; i++)
        for (size_t k = 0; k < CLASSES; k++) {
            const float z = b.logit[i][k];
            b.logit[i][k] = i % 3 == 0 ? z * z * z : ldexpf(z, (int)(i % 9) - 4) - (float)(i % 17);
        }
    size_t confusion[CLASSES * CLASSES];
    cr_assert(zero(int, metric_confusion(b.logit[0], b.truth, ITEMS, CLASSES, confusion, NULL)));
    cr_assert(zero(int, memcmp(confusion, golden_confusion, sizeof confusion)));
}

/* --- good against any defect ------------------------------------------------------------------------------------- */

typedef struct {
    size_t classes;
    float logit[5], score;
} scored;

/* Python's decimal with 60 digits, rounded to float. */
static const scored golden_score[] = {
    {2, {0, 0}, 0},
    {2, {1, 3}, 2},
    {2, {80, -80}, -160},
    {3, {-80, 80, 80}, 0x1.4162e4p+7f},
    {3, {80, 80, -80}, 0},
    {4, {0, -40, -41, -42}, -0x1.3cbd3ap+5f},
    {4, {80, 79.5f, 79.25f, -80}, 0x1.370c4p-4f},
    {3, {0, 80, -80}, 80},
    {3, {300, -1000, -1001.5f}, -0x1.44f31cp+10f},
    {3, {1e30f, -1e30f, -1e30f}, -0x1.93e594p+100f},
    {5, {-1.5f, 0.25f, 0.5f, -3, 7}, 0x1.10164p+3f},
    {4, {-0.125f, -0.75f, -0.875f, -0.75f}, 0x1.bc108ep-2f},
    {3, {0x1p60f, 0x1p60f, 0x1p60f}, 0x1.62e43p-1f},
};

Test(class_metrics, golden_defect_score) {
    for (size_t c = 0; c < sizeof golden_score / sizeof *golden_score; c++) {
        const scored *const g = golden_score + c;
        const float score = metric_defect_score(g->logit, g->classes);
        cr_assert(eq(flt, score, g->score), "case %zu: %a", c, (double)score);
    }
}

/* Steps of 2^-10 on either side of far where a probability in double is 1 or underflows still order the items. */
Test(class_metrics, defect_score_does_not_saturate) {
    for (float far = -800; far <= 800; far += 80) {
        float last = -INFINITY;
        for (int step = 0; step < 200; step++) {
            const float logit[] = {-far, far + ldexpf((float)step, -10), far - 1};
            const float score = metric_defect_score(logit, 3);
            cr_assert(gt(flt, score, last), "far %g, step %d", (double)far, step);
            last = score;
        }
    }
}

Test(class_metrics, defect_score_at_the_ends) {
    const float half = FLT_MAX / 2, highest[] = {-half, half, half, half}, lowest[] = {half, -half, -half, -half};
    cr_assert(eq(flt, metric_defect_score(highest, 4), FLT_MAX));
    cr_assert(eq(flt, metric_defect_score(lowest, 4), -FLT_MAX));
    for (size_t k = 0; k < 4; k++) {
        float logit[] = {1, 2, 3, 4};
        logit[k] = NAN;
        const float score = metric_defect_score(logit, 4);
        cr_assert(eq(int, isnan(score), 1), "NaN at %zu", k);
    }
}

/* Two classes give the difference, the order of the defect classes does not matter, a class twice adds ln 2, a shift of
   all logits adds nothing; the sign says whether P(good) is below one half. */
Test(class_metrics, defect_score_properties) {
    rng stream = rng_from_text("class metrics|defect score");
    for (int repeat = 0; repeat < 500; repeat++) {
        float z[4], shifted[4];
        for (int k = 0; k < 4; k++) z[k] = roundf(rng_range(&stream, -90, 90) * 64) / 64;
        for (int k = 0; k < 4; k++) shifted[k] = z[k] + 32;
        const float turned[] = {z[0], z[2], z[3], z[1]}, twice[] = {z[0], z[1], z[1]};
        const float score = metric_defect_score(z, 4);
        cr_assert(eq(flt, metric_defect_score(z, 2), z[1] - z[0]));
        cr_assert(eq(flt, metric_defect_score(shifted, 4), score));
        cr_assert(epsilon_eq(flt, metric_defect_score(turned, 4), score, 2e-5f));
        cr_assert(epsilon_eq(flt, metric_defect_score(twice, 3), z[1] - z[0] + 0.693147f, 2e-5f));
        double good = exp((double)z[0]), defect = 0;
        for (int k = 1; k < 4; k++) defect += exp((double)z[k]);
        cr_assert(eq(int, score > 0, defect > good), "%g", (double)score);
    }
}
