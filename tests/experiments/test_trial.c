#include "tests/experiments/fixture.h"

#include "lib/loss/loss.h"

#include <criterion/parameterized.h>
#include <math.h>

/* --- canonical text ------------------------------------------------------------------------------------------------
 */

static void set_data(trial *t) { snprintf(t->data, sizeof t->data, "synthetic(texture=woven, defect=dent, size=24)"); }
static void set_ratio(trial *t) { t->ratio = 20; }
static void set_seed(trial *t) { t->seed = 2; }
static void set_model(trial *t) { snprintf(t->model, sizeof t->model, "cnn"); }
static void set_loss(trial *t) { snprintf(t->loss, sizeof t->loss, "focal"); }
static void set_types(trial *t) { snprintf(t->loss, sizeof t->loss, "types = ce"); }
static void set_loss_parameter(trial *t) { snprintf(t->loss, sizeof t->loss, "bce(label_smoothing=0.1)"); }
static void set_bias(trial *t) { t->bias = BIAS_ZERO; }
static void set_sampler(trial *t) { t->sampler = SAMPLER_BALANCED; }
static void set_streams(trial *t) { t->streams = 'b'; }
static void set_rate(trial *t) { t->learning_rate = 0.00501; }
static void set_decay(trial *t) { t->weight_decay = 1.1e-5; }
static void set_visits(trial *t) { t->visits = 672; }
static void set_batch(trial *t) { t->batch = 30; }
static void set_checkpoints(trial *t) { t->checkpoints = 2; }

static void (*const changes[])(trial *) = {set_data,  set_ratio,          set_seed,   set_model,   set_loss,
                                           set_types, set_loss_parameter, set_bias,   set_sampler, set_streams,
                                           set_rate,  set_decay,          set_visits, set_batch,   set_checkpoints};

static void prepare_again(trial *t) {
    lb_error error = {0};
    t->content[0] = '\0';
    cr_assert(zero(int, trial_prepare(t, "", &error)), "%s", error.message);
}

Test(trial, whatever_matters_changes_the_key) {
    enum { CHANGES = sizeof changes / sizeof *changes };
    char keys[CHANGES + 1][TRIAL_KEY];
    const trial plain = tiny_trial();
    trial_key(&plain, keys[CHANGES]);
    for (size_t i = 0; i < CHANGES; i++) {
        trial t = plain;
        changes[i](&t);
        prepare_again(&t);
        trial_key(&t, keys[i]);
    }
    for (size_t i = 0; i <= CHANGES; i++)
        for (size_t k = 0; k < i; k++) cr_assert(ne(str, keys[i], keys[k]), "changes %zu and %zu", i, k);
}

static void assert_same_key(const trial *a, const trial *b) {
    char first[TRIAL_KEY], second[TRIAL_KEY];
    trial_key(a, first);
    trial_key(b, second);
    cr_assert(eq(str, first, second));
}

Test(trial, ways_of_writing_do_not_change_the_key) {
    const trial plain = tiny_trial();
    trial t = plain;
    snprintf(t.data, sizeof t.data, "synthetic( scale=0.10,size=24, defect=dent,texture=cast )");
    snprintf(t.loss, sizeof t.loss, " bce ( label_smoothing = 0 ) ");
    snprintf(t.model, sizeof t.model, "cnn( width = narrow )");
    prepare_again(&t);
    assert_same_key(&plain, &t);
}

Test(trial, where_the_data_lie_does_not_change_the_key) {
    const trial plain = tiny_trial();
    trial t = plain;
    t.content[0] = '\0';
    cr_assert(zero(int, trial_prepare(&t, "/somewhere:/else", NULL)));
    assert_same_key(&plain, &t);
}

Test(trial, the_key_is_sixteen_digits) {
    const trial plain = tiny_trial();
    char key[TRIAL_KEY];
    trial_key(&plain, key);
    cr_assert(eq(sz, strlen(key), 16));
    cr_assert(eq(sz, strspn(key, "0123456789abcdef"), 16));
}

Test(trial, the_description_names_versions) {
    const trial plain = tiny_trial();
    char description[TRIAL_TEXT];
    trial_describe(&plain, description);
    cr_assert(zero(int, strncmp(description, "trial 1\n", 8)));
    cr_assert(ne(ptr, strstr(description, "data synthetic@"), NULL));
    cr_assert(ne(ptr, strstr(description, "model cnn@"), NULL));
    cr_assert(ne(ptr, strstr(description, "loss bce@1("), NULL));
    cr_assert(
        ne(ptr, strstr(description, " learning_rate=0.005 weight_decay=1e-05 bias=prior sampler=natural "), NULL));
}

static void assert_described(const char *model, const char *expression, const char *text) {
    trial t = tiny_trial();
    char description[TRIAL_TEXT];
    snprintf(t.model, sizeof t.model, "%s", model);
    snprintf(t.loss, sizeof t.loss, "%s", expression);
    prepare_again(&t);
    trial_describe(&t, description);
    cr_assert(eq(str, description, (char *)text));
}

#define DATA_LINE                                                                                                      \
    "data synthetic@1(texture=cast, defect=dent, size=24, contrast=calibrated, length=14, texture_sd=12, "             \
    "sensor_sd=3, "                                                                                                    \
    "shading_sd=5, label_noise=0, missed=0, scale=0.1) ratio=10 seed=1\n"
#define TRAIN_LINES                                                                                                    \
    "train visits=640 batch=32 optimiser=adam learning_rate=0.005 weight_decay=1e-05 bias=prior sampler=natural "      \
    "checkpoints=1\nstreams a\n"

/* Word for word: a change here retires the published trials. */
Test(trial, descriptions_are_pinned) {
    assert_described("cnn(width=narrow)", "bce",
                     "trial 1\n" DATA_LINE "model cnn@1(width=narrow)\nloss bce@1(label_smoothing=0)\n" TRAIN_LINES);
    assert_described("unet(width=narrow)", "bce",
                     "trial 1\n" DATA_LINE "model unet@1(width=narrow)\nloss bce@1(label_smoothing=0)\n" TRAIN_LINES
                     "masks 1\n");
    assert_described(
        "detector(width=narrow)", "box = 2*l1",
        "trial 1\n" DATA_LINE "model detector@1(width=narrow)\n"
        "loss cls=bce@1(label_smoothing=0), obj=bce@1(label_smoothing=0), box=2*l1@1, target=one\n" TRAIN_LINES
        "boxes 1\n");
    assert_described("cnn(width=narrow)", "types=ce",
                     "trial 1\n" DATA_LINE "model cnn@1(width=narrow)\nloss types=ce@1(label_smoothing=0)\n" TRAIN_LINES
                     "types 1\n");
}

/* Two trials that are published, in results/accuracy_paradox and results/dice_epsilon. */
Test(trial, published_keys_stay) {
    trial image = {.data = "synthetic(texture=cast, defect=dent)",
                   .model = "cnn(width=narrow)",
                   .loss = "bce",
                   .ratio = 1,
                   .seed = 1,
                   .streams = 'a',
                   .learning_rate = 0.006,
                   .weight_decay = 1e-4,
                   .visits = 20000,
                   .batch = 32,
                   .checkpoints = 4};
    trial mask = image;
    char key[TRIAL_KEY];
    prepare_again(&image);
    trial_key(&image, key);
    cr_assert(eq(str, key, "b1edd9b564527839"));
    snprintf(mask.data, sizeof mask.data, "synthetic(texture=cast, defect=dent, scale=0.4)");
    snprintf(mask.model, sizeof mask.model, "unet(width=narrow)");
    mask.learning_rate = 0.001;
    mask.visits = 5000;
    mask.batch = 16;
    mask.checkpoints = 1;
    prepare_again(&mask);
    trial_key(&mask, key);
    cr_assert(eq(str, key, "e75281b858044144"));
}

Test(trial, the_model_decides_what_is_trained) {
    static const struct {
        const char *model, *loss;
        trial_task task;
        unsigned want;
    } of[] = {{"cnn", "bce", TASK_IMAGE, 0},
              {"mlp", "bce", TASK_IMAGE, 0},
              {"unet", "dice", TASK_MASK, DATASET_MASKS},
              {"detector", "box = ciou", TASK_BOX, DATASET_BOXES}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        trial t = tiny_trial();
        snprintf(t.model, sizeof t.model, "%s", of[i].model);
        snprintf(t.loss, sizeof t.loss, "%s", of[i].loss);
        prepare_again(&t);
        cr_assert(eq(int, (int)t.task, (int)of[i].task));
        cr_assert(eq(u32, trial_request(&t, "").want, of[i].want));
    }
}

/* --- refusals -------------------------------------------------------------------------------------------------------
 */

static const struct {
    const char *data, *model, *loss, *sentence;
    int code;
} refused[] = {
    {"synthetc", "cnn", "bce", "synthetc", LB_INVALID},
    {"synthetic(texture=silk)", "cnn", "bce", "texture", LB_INVALID},
    {"infrared_solar_modules", "cnn", "bce", "", LB_NOT_FOUND},
    {TINY_DATA, "resnet9000", "bce", "resnet9000", LB_INVALID},
    {TINY_DATA, "cnn(depth=9)", "bce", "depth", LB_INVALID},
    {TINY_DATA, "cnn", "bse", "bse", LB_INVALID},
    {TINY_DATA, "cnn", "focal(gamma=-1)", "gamma", LB_INVALID},
    {TINY_DATA, "cnn", "box = ciou", "choose model detector", LB_INVALID},
    {TINY_DATA, "unet", "cls = bce", "choose model detector", LB_INVALID},
    {TINY_DATA, "detector", "ciou", "write box = ciou", LB_INVALID},
    {TINY_DATA, "detector", "box = dice", "dice", LB_INVALID},
    {TINY_DATA, "detector", "mask = dice", "no head 'mask'", LB_INVALID},
    {TINY_DATA, "simulation", "diou", "spiral", LB_INVALID},
    {"spiral(points=3)", "detector", "box = ciou", "spiral", LB_INVALID},
    {"spiral(points=3)", "simulation", "box = ciou", "no rule", LB_INVALID},
};

ParameterizedTestParameters(trial, prepare_refuses) {
    static size_t index[sizeof refused / sizeof *refused];
    const size_t count = sizeof refused / sizeof *refused;
    for (size_t i = 0; i < count; i++) index[i] = i;
    return cr_make_param_array(size_t, index, count);
}

ParameterizedTest(size_t *index, trial, prepare_refuses) {
    trial t = tiny_trial();
    lb_error error = {0};
    snprintf(t.data, sizeof t.data, "%s", refused[*index].data);
    snprintf(t.model, sizeof t.model, "%s", refused[*index].model);
    snprintf(t.loss, sizeof t.loss, "%s", refused[*index].loss);
    t.content[0] = '\0';
    cr_assert(eq(int, trial_prepare(&t, "/nowhere", &error), refused[*index].code), "%s", error.message);
    cr_assert(ne(ptr, strstr(error.message, refused[*index].sentence), NULL), "'%s' does not say '%s'", error.message,
              refused[*index].sentence);
}

/* --- results -------------------------------------------------------------------------------------------------------
 */

Test(trial, a_result_holds_so_many_arrays_and_no_more) {
    trial_result r = {0};
    char name[24];
    for (int i = 0; i < TRIAL_MAX_ARRAYS; i++) {
        snprintf(name, sizeof name, "array %d", i);
        cr_assert(ne(ptr, trial_result_add(&r, name, (size_t)i, 0), NULL));
    }
    cr_assert(eq(ptr, trial_result_add(&r, "one more", 1, 0), NULL));
    cr_assert(eq(u32, trial_result_find(&r, "array 7")->count, 7));
    cr_assert(eq(ptr, (void *)trial_result_find(&r, "array 70"), NULL));
    trial_result_free(&r);
    cr_assert(zero(sz, r.array_count));
}

Test(trial, the_hash_of_scores_sees_every_score) {
    trial_result r = {0};
    trial_result_add(&r, "a", 3, 1);
    trial_result_add(&r, "b", 2, 1);
    const uint64_t before = trial_scores_hash(&r);
    r.arrays[1].data[1] = 1e-30f;
    cr_assert(ne(u64, trial_scores_hash(&r), before));
    r.arrays[1].data[1] = 0;
    cr_assert(eq(u64, trial_scores_hash(&r), before));
    trial_result_free(&r);
}

/* --- training ------------------------------------------------------------------------------------------------------
 */

static dataset open_tiny(const trial *t) {
    dataset d;
    lb_error error = {0};
    const dataset_request request = {.ratio = t->ratio, .seed = t->seed, .search = ""};
    cr_assert(zero(int, dataset_open(t->data, &request, &d, &error)), "%s", error.message);
    return d;
}

static trial_result run(const trial *t) {
    lb_error error = {0};
    trial_result r;
    dataset d = open_tiny(t);
    cr_assert(zero(int, trial_run(t, &d, &r, &error)), "%s", error.message);
    dataset_free(&d);
    return r;
}

Test(trial, equal_trials_give_equal_weights_and_scores) {
    const trial t = tiny_trial();
    trial_result a = run(&t), b = run(&t);
    cr_assert(eq(u64, a.weights, b.weights));
    cr_assert(eq(u64, trial_scores_hash(&a), trial_scores_hash(&b)));
    cr_assert(eq(dbl, a.train_loss, b.train_loss));
    trial_result_free(&a);
    trial_result_free(&b);
}

Test(trial, other_streams_give_other_weights) {
    const trial t = tiny_trial();
    trial other = t;
    other.streams = 'b';
    trial_result a = run(&t), b = run(&other);
    cr_assert(ne(u64, a.weights, b.weights));
    trial_result_free(&a);
    trial_result_free(&b);
}

/* focal(gamma=0) without alpha is cross-entropy: same initial weights and the same batches give the same weights. */
Test(trial, the_name_of_the_loss_enters_no_stream) {
    const trial t = tiny_trial();
    trial other = t;
    snprintf(other.loss, sizeof other.loss, "focal(gamma=0, alpha=off)");
    prepare_again(&other);
    trial_result a = run(&t), b = run(&other);
    cr_assert(eq(u64, a.weights, b.weights));
    trial_result_free(&a);
    trial_result_free(&b);
}

Test(trial, leaves_scores_of_every_set_and_checkpoint) {
    static const char *const names[] = {"data", "train_loss", "test@1", "test@2", "select", "calibrate", "test"};
    trial t = tiny_trial();
    t.checkpoints = 3;
    dataset d = open_tiny(&t);
    trial_result r = run(&t);
    cr_assert(eq(sz, r.array_count, sizeof names / sizeof *names));
    for (size_t i = 0; i < r.array_count; i++) cr_assert(eq(str, r.arrays[i].name, (char *)names[i]));
    const dataset_items *test = &d.sets[SET_TEST];
    for (size_t i = 2; i < r.array_count; i++) {
        const dataset_items *set = strcmp(names[i], "select") == 0      ? &d.sets[SET_SELECT]
                                   : strcmp(names[i], "calibrate") == 0 ? &d.sets[SET_CALIBRATE]
                                                                        : test;
        cr_assert(eq(sz, r.arrays[i].count, set->count));
        cr_assert(eq(sz, r.arrays[i].goods, set->goods));
    }
    const size_t bytes = test->count * sizeof(float);
    cr_assert(memcmp(r.arrays[2].data, r.arrays[6].data, bytes) != 0 &&
              memcmp(r.arrays[2].data, r.arrays[3].data, bytes) != 0);
    const float *facts = r.arrays[0].data;
    cr_assert(eq(flt, facts[DATA_HEIGHT], 24));
    cr_assert(eq(flt, facts[DATA_INDEPENDENT], 1));
    cr_assert(eq(flt, facts[DATA_GOODS + SET_TRAIN], (float)d.sets[SET_TRAIN].goods));
    cr_assert(eq(flt, facts[DATA_DEFECTS + SET_TEST], (float)(test->count - test->goods)));
    trial_result_free(&r);
    dataset_free(&d);
}

/* The scores at a checkpoint only look: the training goes on as if there were none. */
Test(trial, checkpoints_change_no_weight) {
    const trial t = tiny_trial();
    trial other = t;
    other.checkpoints = 4;
    trial_result a = run(&t), b = run(&other);
    cr_assert(eq(u64, a.weights, b.weights));
    trial_result_free(&a);
    trial_result_free(&b);
}

Test(trial, an_absurd_learning_rate_is_a_diverged_outcome) {
    trial t = tiny_trial();
    t.learning_rate = 1e30;
    trial_result r = run(&t);
    cr_assert(eq(int, (int)r.outcome, (int)OUTCOME_DIVERGED));
    cr_assert(isfinite(r.train_loss) && isfinite(r.prior_loss) && isfinite(r.prior_logit));
    trial_result_free(&r);
}

Test(trial, learns) {
    trial t = tiny_trial();
    t.visits = 6400;
    trial_result r = run(&t);
    cr_assert(eq(int, (int)r.outcome, (int)OUTCOME_OK));
    cr_assert(lt(dbl, r.train_loss, r.prior_loss));
    trial_result_free(&r);
}

/* Learning rate 0 is refused in experiment files, so the start can be seen here only: no step moves the weights. */
static trial_result start_of(trial_bias bias, trial_sampler sampler, const char *loss_text_in) {
    trial t = tiny_trial();
    t.learning_rate = 0;
    t.weight_decay = 0;
    t.bias = bias;
    t.sampler = sampler;
    snprintf(t.loss, sizeof t.loss, "%s", loss_text_in);
    prepare_again(&t);
    return run(&t);
}

/* Both starts have the same weights, so their scores differ by the bias and nothing else. */
static void assert_start(const char *expression, trial_sampler sampler) {
    const trial t = tiny_trial();
    dataset d = open_tiny(&t);
    const dataset_items *train = &d.sets[SET_TRAIN];
    const double half = (double)train->count / 2, defects = (double)(train->count - train->goods);
    const int balanced = sampler == SAMPLER_BALANCED;
    const loss_counts counts = {balanced ? half : (double)train->goods, balanced ? half : defects};
    loss *l = loss_parse(expression, NULL);
    cr_assert(zero(int, loss_resolve(l, &counts, NULL)));
    const double expected = loss_prior_logit(l, counts.defect / (counts.good + counts.defect));
    trial_result zero_start = start_of(BIAS_ZERO, sampler, expression),
                 prior = start_of(BIAS_PRIOR, sampler, expression);
    cr_assert(eq(dbl, prior.prior_logit, expected));
    const trial_array *a = trial_result_find(&zero_start, "test"), *b = trial_result_find(&prior, "test");
    for (size_t i = 0; i < a->count; i++)
        cr_assert(epsilon_eq(dbl, (double)b->data[i] - (double)a->data[i], expected, 1e-5));
    trial_result_free(&zero_start);
    trial_result_free(&prior);
    loss_free(l);
    dataset_free(&d);
}

Test(trial, the_head_bias_starts_at_the_prior_of_the_loss) {
    assert_start("bce", SAMPLER_NATURAL);
    assert_start("focal(gamma=2, alpha=off)", SAMPLER_NATURAL);
    assert_start("weighted_bce(pos_weight=3)", SAMPLER_NATURAL);
}

Test(trial, the_prior_of_balanced_batches_is_one_half) {
    trial_result r = start_of(BIAS_PRIOR, SAMPLER_BALANCED, "bce");
    cr_assert(epsilon_eq(dbl, r.prior_logit, 0, 1e-6));
    cr_assert(epsilon_eq(dbl, r.prior_loss, log(2), 1e-6));
    trial_result_free(&r);
    assert_start("focal(gamma=2, alpha=0.9)", SAMPLER_BALANCED);
}

/* --- batches --------------------------------------------------------------------------------------------------------
 */

/* A data set of one pixel a part, goods dark and defects bright, with an untrained net: the loss of a step then tells
   how many defects were in its batch. With learning rate 0 the mean loss is a weighted mean of two numbers. */
static trial_result run_of_pixels(trial_sampler sampler, unsigned visits, float *good_logit, float *defect_logit) {
    enum { GOODS = 900, DEFECTS = 100 };
    static unsigned char pixels[GOODS + DEFECTS];
    static uint16_t types[GOODS + DEFECTS];
    static uint32_t parts[GOODS + DEFECTS];
    for (size_t i = 0; i < GOODS + DEFECTS; i++) pixels[i] = i < GOODS ? 10 : 240;
    const dataset_items set = {
        .count = GOODS + DEFECTS, .goods = GOODS, .pixels = pixels, .types = types, .parts = parts};
    const dataset d = {.height = 1, .width = 1, .channels = 1, .sets = {set, set, set, set}};
    trial t = tiny_trial();
    trial_result r;
    lb_error error = {0};
    snprintf(t.model, sizeof t.model, "mlp");
    t.learning_rate = t.weight_decay = 0;
    t.bias = BIAS_ZERO;
    t.sampler = sampler;
    t.visits = visits;
    cr_assert(zero(int, trial_run(&t, &d, &r, &error)), "%s", error.message);
    const trial_array *test = trial_result_find(&r, "test");
    *good_logit = test->data[0];
    *defect_logit = test->data[GOODS];
    return r;
}

static double share_of_defects(double mean_loss, float good_logit, float defect_logit) {
    const double good = log1p(exp((double)good_logit)), defect = log1p(exp(-(double)defect_logit));
    return (mean_loss - good) / (defect - good);
}

static double mean_loss(const trial_result *r) {
    const trial_array *curve = trial_result_find(r, "train_loss");
    double sum = 0;
    for (size_t i = 0; i < curve->count; i++) sum += (double)curve->data[i];
    return sum / curve->count;
}

Test(trial, balanced_batches_are_half_defects) {
    float good, defect;
    trial_result r = run_of_pixels(SAMPLER_BALANCED, 32 * 40, &good, &defect);
    const trial_array *curve = trial_result_find(&r, "train_loss");
    for (size_t i = 0; i < curve->count; i++) /* 40 steps, 40 places: every batch for itself */
        cr_assert(epsilon_eq(dbl, share_of_defects((double)curve->data[i], good, defect), 0.5, 1e-4), "step %zu", i);
    trial_result_free(&r);
}

/* 1000 items in 32 epochs of 1000 visits: 1000 batches of 32, every item exactly 32 times. */
Test(trial, natural_epochs_visit_every_item_once) {
    float good, defect;
    trial_result r = run_of_pixels(SAMPLER_NATURAL, 32000, &good, &defect);
    cr_assert(epsilon_eq(dbl, share_of_defects(mean_loss(&r), good, defect), 0.1, 1e-4));
    trial_result_free(&r);
}
