/* Training on types: where training starts, the objective and its gradient, and whole trials. */
#include "experiments/harness/class_scores.h"
#include "experiments/harness/evidence.h"
#include "experiments/harness/train_task.h"
#include "tests/experiments/fixture.h"
#include "tests/experiments/made_types.h"

#include <criterion/parameterized.h>
#include <math.h>

static made_types data; /* every test has its own process */

/* 200 items of four classes; 20 defects of three without goods; and one type without items. */
static const unsigned tail[MADE_NAMES] = {140, 40, 15, 5}, defects_only[MADE_NAMES] = {0, 12, 6, 2};
static const unsigned gap[MADE_NAMES] = {60, 30, 0, 10}, rare[MADE_NAMES] = {8, 40, 40, 1};

/* --- a session without a net ---------------------------------------------------------------------------------------
 */

enum { BATCH = 8 };

static trial made_trial;
static session s;
static trial_result result;
static float output[BATCH * MADE_NAMES], gradient[BATCH * MADE_NAMES], head_bias[MADE_NAMES];

static void session_start(const unsigned counts[MADE_NAMES], const char *expression, trial_sampler sampler) {
    lb_error error = {0};
    made_types_open(&data, counts);
    made_trial = (trial){.data = "mine", .batch = BATCH, .sampler = sampler, .task = TASK_TYPES};
    memset(head_bias, 0, sizeof head_bias);
    s = (session){.t = &made_trial,
                  .d = &data.d,
                  .goal = objective_parse(TASK_TYPES, expression, &error),
                  .outputs = class_count(&data.d),
                  .output = output,
                  .gradient = gradient,
                  .head_bias = head_bias};
    cr_assert(ne(ptr, s.goal, NULL), "%s", error.message);
    cr_assert(zero(int, task_types.open(&s, &error)), "%s", error.message);
}

static void session_end(void) {
    task_types.close(&s);
    objective_free(s.goal);
    trial_result_free(&result);
}

/* Starts a session and finds its prior. */
static void begin_with(const unsigned counts[MADE_NAMES], const char *expression, trial_sampler sampler) {
    lb_error error = {0};
    session_start(counts, expression, sampler);
    cr_assert(zero(int, task_types.begin(&s, rng_from_text("prior"), &result, &error)), "%s: %s", expression,
              error.message);
}

static double value_of(size_t images) {
    lb_error error = {0};
    double value;
    cr_assert(zero(int, task_types.evaluate(&s, images, &value, &error)), "%s", error.message);
    return value;
}

/* --- the prior -----------------------------------------------------------------------------------------------------
 */

/* ln of the shares, up to a constant: classes without a share are left out. */
static void assert_shares(const double *share, size_t classes) {
    double off = 0;
    size_t present = 0;
    for (size_t c = 0; c < classes; c++)
        if (share[c] > 0) {
            off += (double)head_bias[c] - log(share[c]);
            present++;
        }
    off /= (double)present;
    for (size_t c = 0; c < classes; c++)
        if (share[c] > 0)
            cr_assert(epsilon_eq(dbl, (double)head_bias[c] - off, log(share[c]), 1e-3), "class %zu", c);
        else
            cr_assert(lt(dbl, (double)head_bias[c] - off, -15.0), "class %zu", c);
}

Test(train_types, the_prior_of_ce_is_the_logarithm_of_the_shares) {
    begin_with(tail, "types = ce", SAMPLER_NATURAL);
    assert_shares((const double[]){0.7, 0.2, 0.075, 0.025}, 4);
    session_end();
    begin_with(defects_only, "types = ce", SAMPLER_NATURAL);
    assert_shares((const double[]){0.6, 0.3, 0.1}, 3);
    session_end();
}

Test(train_types, a_balanced_sampler_shows_half_goods) {
    begin_with(tail, "types = ce", SAMPLER_BALANCED);
    assert_shares((const double[]){0.5, 20.0 / 60, 7.5 / 60, 2.5 / 60}, 4);
    session_end();
}

Test(train_types, a_class_without_items_is_never_expected) {
    begin_with(gap, "types = ce", SAMPLER_NATURAL);
    assert_shares((const double[]){0.6, 0.3, 0, 0.1}, 4);
    session_end();
}

Test(train_types, the_prior_of_weights_by_inverse_frequency_is_level) {
    begin_with(tail, "types = weighted_ce", SAMPLER_NATURAL);
    for (size_t c = 1; c < 4; c++) cr_assert(epsilon_eq(flt, head_bias[c], head_bias[0], 1e-3f));
    session_end();
    begin_with(tail, "types = logit_adjusted", SAMPLER_NATURAL); /* the shift takes the shares away */
    for (size_t c = 1; c < 4; c++) cr_assert(epsilon_eq(flt, head_bias[c], head_bias[0], 1e-3f));
    session_end();
}

static const char *const trained[] = {"types = ce",
                                      "types = ce(label_smoothing=0.1)",
                                      "types = weighted_ce(mean_divisor=count)",
                                      "types = focal_multiclass",
                                      "types = focal_multiclass(gamma=0.5)",
                                      "types = poly1_ce",
                                      "types = logit_adjusted",
                                      "types = ldam",
                                      "types = class_balanced_focal",
                                      "types = ce + 2*focal_multiclass"};
enum { TRAINED = sizeof trained / sizeof *trained };

#define FOR_EACH_LOSS(test)                                                                                            \
    ParameterizedTestParameters(train_types, test) {                                                                   \
        static size_t index[TRAINED];                                                                                  \
        for (size_t i = 0; i < TRAINED; i++) index[i] = i;                                                             \
        return cr_make_param_array(size_t, index, TRAINED);                                                            \
    }                                                                                                                  \
    ParameterizedTest(size_t *i, train_types, test)

/* Mean over all items of train, all with the same logits. */
static double constant_loss(const float *logit) {
    const dataset_items *train = &data.d.sets[SET_TRAIN];
    double sum = 0;
    for (size_t from = 0; from < train->count; from += BATCH) {
        for (size_t i = 0; i < BATCH; i++) {
            task_types.target(&s, train, from + i, i);
            memcpy(output + i * s.outputs, logit, s.outputs * sizeof *output);
        }
        sum += value_of(BATCH) * BATCH;
    }
    return sum / (double)train->count;
}

/* No step from the prior, up or down, is cheaper. A class that no loss of all K sigmoids wants is left as it is. */
FOR_EACH_LOSS(the_prior_is_the_cheapest_constant) {
    begin_with(tail, trained[*i], SAMPLER_NATURAL); /* 200 items are 25 batches */
    float logit[MADE_NAMES];
    const double least = constant_loss(head_bias);
    for (size_t c = 0; c < MADE_NAMES; c++)
        for (int sign = -1; sign <= 1; sign += 2) {
            memcpy(logit, head_bias, sizeof logit);
            logit[c] += 0.1f * (float)sign;
            cr_assert(gt(dbl, constant_loss(logit), least), "%s: class %zu, %+d", trained[*i], c, sign);
        }
    session_end();
}

/* 16 batches of 8: shares vary by chance. */
FOR_EACH_LOSS(the_prior_pays_what_constant_logits_pay) {
    begin_with(tail, trained[*i], SAMPLER_NATURAL);
    const double paid = constant_loss(head_bias);
    cr_assert(lt(dbl, fabs(result.prior_loss - paid), 0.35 * paid), "%s: %g, %g", trained[*i], result.prior_loss, paid);
    cr_assert(eq(dbl, result.prior_logit, (double)head_bias[0]));
    session_end();
}

/* Balanced, the one stain is shown as 89/162 of an item: counts are of whole ones. */
FOR_EACH_LOSS(a_single_item_among_many_defects_is_counted) {
    begin_with(rare, trained[*i], SAMPLER_BALANCED);
    cr_assert(result.prior_loss > 0 && isfinite(result.prior_loss));
    session_end();
}

FOR_EACH_LOSS(a_class_without_items_breaks_nothing) {
    begin_with(gap, trained[*i], SAMPLER_NATURAL);
    for (size_t c = 0; c < MADE_NAMES; c++) cr_assert(isfinite(head_bias[c]));
    cr_assert(result.prior_loss > 0 && isfinite(result.prior_loss));
    session_end();
}

/* --- value and gradient --------------------------------------------------------------------------------------------
 */

static void fill_output(void) {
    rng stream = rng_from_text("outputs");
    for (size_t i = 0; i < BATCH * MADE_NAMES; i++) output[i] = 4 * rng_uniform(&stream) - 2;
    for (size_t i = 0; i < BATCH; i++) task_types.target(&s, &data.d.sets[SET_TRAIN], 28 * i, i);
}

Test(train_types, the_objective_is_the_mean_over_the_images) {
    session_start(tail, "types = ce", SAMPLER_NATURAL);
    fill_output();
    double sum = 0;
    for (size_t i = 0; i < BATCH; i++) {
        double all = 0;
        for (size_t c = 0; c < MADE_NAMES; c++) all += exp((double)output[i * MADE_NAMES + c]);
        sum += log(all) - (double)output[i * MADE_NAMES + data.types[28 * i]];
    }
    cr_assert(epsilon_eq(dbl, value_of(BATCH), sum / BATCH, 1e-6));
    session_end();
}

/* Central differences in single precision. */
FOR_EACH_LOSS(gradient_is_that_of_the_value) {
    float wanted[BATCH * MADE_NAMES];
    session_start(tail, trained[*i], SAMPLER_NATURAL);
    fill_output();
    value_of(BATCH);
    memcpy(wanted, gradient, sizeof wanted);
    for (size_t k = 0; k < BATCH * MADE_NAMES; k++) {
        const float kept = output[k], up = kept + 0x1p-6f, down = kept - 0x1p-6f;
        output[k] = up;
        const double high = value_of(BATCH);
        output[k] = down;
        const double slope = (high - value_of(BATCH)) / ((double)up - (double)down);
        output[k] = kept;
        cr_assert(lt(dbl, fabs(slope - (double)wanted[k]) / (0.05 + fabs(slope)), 5e-3), "%s: element %zu", trained[*i],
                  k);
    }
    session_end();
}

/* --- trials --------------------------------------------------------------------------------------------------------
 */

/* Prepared, of a fifteenth of a second. */
static trial tiny_types(const char *expression) {
    trial t = tiny_trial();
    lb_error error = {0};
    snprintf(t.data, sizeof t.data, "synthetic(texture=cast, defect=mixed, size=24, scale=0.1)");
    snprintf(t.loss, sizeof t.loss, "%s", expression);
    t.content[0] = '\0';
    cr_assert(zero(int, trial_prepare(&t, "", &error)), "%s", error.message);
    cr_assert(eq(int, (int)t.task, (int)TASK_TYPES));
    return t;
}

static trial_result run_on(const trial *t, const dataset *d) {
    lb_error error = {0};
    trial_result r;
    cr_assert(zero(int, trial_run(t, d, &r, &error)), "%s", error.message);
    return r;
}

static trial_result run(const trial *t) {
    lb_error error = {0};
    dataset d;
    const dataset_request request = trial_request(t, "");
    cr_assert(zero(int, dataset_open(t->data, &request, &d, &error)), "%s", error.message);
    trial_result r = run_on(t, &d);
    dataset_free(&d);
    return r;
}

static const float *numbers_of(const trial_result *r) {
    const trial_array *a = trial_result_find(r, "types");
    cr_assert(ne(ptr, (void *)a, NULL));
    cr_assert(eq(u32, a->count, CLASS_NUMBERS));
    return a->data;
}

static measure measured(const trial *t, const trial_result *r) {
    lb_error error = {0};
    store *to = memory_store();
    measure m;
    cr_assert(zero(int, store_put(to, t, r, &error)), "%s", error.message);
    cr_assert(zero(int, evidence_measure(to, t, &m, &error)), "%s", error.message);
    store_close(to);
    return m;
}

FOR_EACH_LOSS(equal_trials_give_equal_bits) {
    const trial t = tiny_types(trained[*i]);
    trial_result a = run(&t), b = run(&t);
    cr_assert(eq(int, (int)a.outcome, (int)OUTCOME_OK));
    cr_assert(eq(u64, a.weights, b.weights));
    cr_assert(eq(u64, trial_scores_hash(&a), trial_scores_hash(&b)));
    cr_assert(eq(dbl, a.prior_loss, b.prior_loss));
    trial_result_free(&a);
    trial_result_free(&b);
}

Test(train_types, learns) {
    trial t = tiny_types("types = ce");
    t.ratio = 2;
    t.visits = 12000;
    t.content[0] = '\0';
    cr_assert(zero(int, trial_prepare(&t, "", NULL)));
    trial_result r = run(&t);
    const measure m = measured(&t, &r);
    cr_assert(lt(dbl, r.train_loss, 0.8 * r.prior_loss));
    cr_assert(m.has_types && m.started);
    size_t present = 0;
    for (size_t c = 0; c < m.types.classes; c++) present += m.types.test[c] > 0;
    cr_assert(gt(sz, present, 2));
    cr_assert(gt(dbl, field_balanced(&m), 1.5 / (double)present), "%g over %zu classes", field_balanced(&m), present);
    cr_assert(gt(flt, numbers_of(&r)[CLASS_SELECT_BALANCED], 1.5f / (float)present));
    cr_assert(gt(dbl, m.auroc, 0.7)); /* of good against any defect */
    trial_result_free(&r);
}

Test(train_types, leaves_what_the_header_says) {
    trial t = tiny_types("types = focal_multiclass");
    t.checkpoints = 3;
    trial_result r = run(&t);
    static const char *const names[] = {"data",        "types",   "type_train", "type_test", "train_loss",
                                        "test@1",      "test@2",  "select",     "calibrate", "test",
                                        "type_recall", "type_f1", "logits",     "called",    "truth"};
    cr_assert(eq(sz, r.array_count, sizeof names / sizeof *names));
    for (size_t i = 0; i < r.array_count; i++) cr_assert(eq(str, r.arrays[i].name, (char *)names[i]));
    const measure m = measured(&t, &r);
    cr_assert(epsilon_eq(dbl, field_balanced(&m), (double)numbers_of(&r)[CLASS_BALANCED], 1e-9));
    cr_assert(epsilon_eq(dbl, field_macro_f1(&m), (double)numbers_of(&r)[CLASS_MACRO_F1], 1e-9));
    cr_assert(epsilon_eq(dbl, field_type_accuracy(&m), (double)numbers_of(&r)[CLASS_ACCURACY], 1e-9));
    double items = 0, hits = 0;
    for (size_t c = 0; c < m.types.classes; c++) {
        items += m.types.test[c];
        if (m.types.test[c] > 0) hits += m.types.recall[c] * m.types.test[c];
    }
    cr_assert(eq(dbl, items, (double)trial_result_find(&r, "truth")->count));
    cr_assert(epsilon_eq(dbl, hits / items, field_type_accuracy(&m), 1e-5));
    trial_result_free(&r);
}

Test(train_types, images_have_no_numbers_of_types) {
    const trial t = tiny_trial();
    trial_result r = run(&t);
    const measure m = measured(&t, &r);
    cr_assert(m.present && !m.has_types);
    cr_assert(isnan(field_balanced(&m)) && isnan(field_macro_f1(&m)) && isnan(field_type_accuracy(&m)));
    trial_result_free(&r);
}

/* --- made data -----------------------------------------------------------------------------------------------------
 */

static trial made_trial_of(const char *expression) {
    trial t = tiny_types(expression);
    snprintf(t.model, sizeof t.model, "mlp(hidden=16, layers=1)");
    cr_assert(zero(int, trial_prepare(&t, "", NULL)));
    t.batch = BATCH;
    t.visits = 4000;
    t.learning_rate = 0.02;
    return t;
}

Test(train_types, without_goods_types_are_told_apart) {
    const trial t = made_trial_of("types = ce");
    made_types_open(&data, defects_only);
    trial_result r = run_on(&t, &data.d);
    cr_assert(eq(int, (int)r.outcome, (int)OUTCOME_OK));
    cr_assert(zero(u32, trial_result_find(&r, "calibrate")->count));
    const float *logit = trial_result_find(&r, "logits")->data, *score = trial_result_find(&r, "test")->data;
    for (size_t i = 0; i < 20; i++)
        cr_assert(eq(flt, score[i], fmaxf(logit[3 * i], fmaxf(logit[3 * i + 1], logit[3 * i + 2]))));
    const measure m = measured(&t, &r);
    cr_assert(m.has_types && m.started);
    cr_assert(eq(sz, m.types.classes, 3));
    cr_assert(gt(dbl, field_balanced(&m), 0.9)); /* learned by heart */
    for (size_t i = 0; i < FR_LEVELS; i++) cr_assert(eq(int, (int)m.status[i], (int)METRIC_TOO_FEW));
    static const measure_field of_goods[] = {field_recall,      field_select_recall,     field_pauc,
                                             field_auroc,       field_average_precision, field_accuracy,
                                             field_recall_half, field_calibration_error};
    for (size_t i = 0; i < sizeof of_goods / sizeof *of_goods; i++) cr_assert(isnan(of_goods[i](&m)), "field %zu", i);
    cr_assert(lt(long, m.np_order, 0L));
    trial_result_free(&r);
}

/* Balanced, a class without items and one with a single one, to the end. */
Test(train_types, rare_types_are_trained_on) {
    trial t = made_trial_of("types = weighted_ce");
    made_types_open(&data, gap);
    trial_result r = run_on(&t, &data.d);
    measure m = measured(&t, &r);
    cr_assert(gt(dbl, field_balanced(&m), 0.9));
    cr_assert(isnan(m.types.recall[2]) && isnan(m.types.f1[2]));
    trial_result_free(&r);
    t.sampler = SAMPLER_BALANCED;
    made_types_open(&data, rare);
    r = run_on(&t, &data.d);
    m = measured(&t, &r);
    cr_assert(eq(int, (int)r.outcome, (int)OUTCOME_OK));
    cr_assert(gt(dbl, field_balanced(&m), 0.7));
    trial_result_free(&r);
}

Test(train_types, an_absurd_rate_is_an_outcome_and_its_numbers_are_zero) {
    trial t = made_trial_of("types = ce");
    made_types_open(&data, gap);
    t.learning_rate = 1e30;
    trial_result r = run_on(&t, &data.d);
    cr_assert(eq(int, (int)r.outcome, (int)OUTCOME_DIVERGED));
    const measure m = measured(&t, &r);
    cr_assert(m.present && m.has_types && !m.started);
    cr_assert(zero(dbl, field_balanced(&m)));
    cr_assert(zero(dbl, field_macro_f1(&m)));
    cr_assert(zero(dbl, field_type_accuracy(&m)));
    cr_assert(eq(sz, m.types.classes, MADE_NAMES));
    for (size_t c = 0; c < MADE_NAMES; c++) {
        cr_assert(eq(dbl, m.types.test[c], gap[c])); /* what is known of the data stays */
        cr_assert(gap[c] ? m.types.recall[c] == 0 && m.types.f1[c] == 0 : isnan(m.types.recall[c]), "class %zu", c);
    }
    trial_result_free(&r);
}

static void assert_refused(const trial *t, const unsigned counts[MADE_NAMES], const char *words) {
    lb_error error = {0};
    trial_result r;
    made_types_open(&data, counts);
    cr_assert(eq(int, trial_run(t, &data.d, &r, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, words), NULL), "%s", error.message);
}

Test(train_types, what_cannot_be_trained_is_refused) {
    trial t = made_trial_of("types = ce");
    assert_refused(&t, (const unsigned[]){0, 9, 0, 0}, "3 classes, one of them in train: a loss for K classes needs 2");
    t.sampler = SAMPLER_BALANCED;
    assert_refused(&t, defects_only, "has no goods to balance");
    t = made_trial_of("types = ce + boundary");
    assert_refused(&t, tail, "needs width");
}
