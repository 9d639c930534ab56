#include "experiments/harness/mask_scores.h"
#include "tests/experiments/fixture.h"

#include "lib/nn/nn.h"

#include <criterion/parameterized.h>
#include <math.h>

/* A trial of masks of a twentieth of a second. */
static trial tiny_masks(const char *expression) {
    trial t = tiny_trial();
    snprintf(t.model, sizeof t.model, "unet(width=narrow)");
    snprintf(t.loss, sizeof t.loss, "%s", expression);
    t.learning_rate = 0.001;
    t.batch = 16;
    t.content[0] = '\0';
    lb_error error = {0};
    cr_assert(zero(int, trial_prepare(&t, "", &error)), "%s", error.message);
    return t;
}

static dataset open_data(const trial *t) {
    dataset d;
    lb_error error = {0};
    const dataset_request request = trial_request(t, "");
    cr_assert(zero(int, dataset_open(t->data, &request, &d, &error)), "%s", error.message);
    return d;
}

static trial_result run(const trial *t, const dataset *d) {
    lb_error error = {0};
    trial_result r;
    cr_assert(zero(int, trial_run(t, d, &r, &error)), "%s", error.message);
    return r;
}

static const float *array_of(const trial_result *r, const char *name, size_t count) {
    const trial_array *a = trial_result_find(r, name);
    cr_assert(ne(ptr, (void *)a, NULL), "no array %s", name);
    cr_assert(eq(sz, a->count, count), "array %s", name);
    return a->data;
}

/* --- what a trial is ------------------------------------------------------------------------------------------- */

Test(mask_scores, the_model_decides) {
    const trial masks = tiny_masks("dice + bce"), images = tiny_trial();
    cr_assert(eq(int, masks.task, TASK_MASK));
    cr_assert(eq(int, images.task, TASK_IMAGE));
    cr_assert(eq(u32, trial_request(&masks, "").want, DATASET_MASKS));
    cr_assert(zero(u32, trial_request(&images, "").want));
    char text[TRIAL_TEXT];
    trial_describe(&masks, text);
    cr_assert(ne(ptr, strstr(text, "\nmasks 1\n"), NULL), "%s", text);
    trial_describe(&images, text);
    cr_assert(eq(ptr, strstr(text, "masks"), NULL), "%s", text);
}

Test(mask_scores, losses_must_suit_the_model) {
    static const struct {
        const char *model, *loss, *word;
    } wrong[] = {{"cnn(width=narrow)", "dice", "such as unet"},
                 {"cnn(width=narrow)", "bce + dice", "such as unet"},
                 {"unet", "ciou", "not for masks"},
                 {"unet", "ce", "not for masks"},
                 {"cnn(width=narrow)", "ce", "not for good/defect"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        trial t = tiny_trial();
        lb_error error = {0};
        snprintf(t.model, sizeof t.model, "%s", wrong[i].model);
        snprintf(t.loss, sizeof t.loss, "%s", wrong[i].loss);
        cr_assert(eq(int, trial_prepare(&t, "", &error), LB_INVALID));
        cr_assert(ne(ptr, strstr(error.message, wrong[i].word), NULL), "%s", error.message);
    }
}

/* --- training -------------------------------------------------------------------------------------------------- */

static const char *const losses[] = {"bce",
                                     "focal",
                                     "weighted_bce",
                                     "dice",
                                     "dice_bce_focal(batch=on)",
                                     "dice(batch=on) + 0.1*boundary",
                                     "dice(batch=on) + 0.1*hausdorff_dt",
                                     "dice(batch=on) + cldice",
                                     "lovasz_hinge",
                                     "unified_focal_asym",
                                     "hard_mining"};

ParameterizedTestParameters(mask_scores, equal_trials_give_equal_bits) {
    static size_t indices[sizeof losses / sizeof *losses];
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) indices[i] = i;
    return cr_make_param_array(size_t, indices, sizeof losses / sizeof *losses);
}

ParameterizedTest(size_t *index, mask_scores, equal_trials_give_equal_bits) {
    const trial t = tiny_masks(losses[*index]);
    dataset d = open_data(&t);
    trial_result a = run(&t, &d), b = run(&t, &d);
    cr_assert(eq(int, (int)a.outcome, (int)OUTCOME_OK));
    cr_assert(eq(u64, a.weights, b.weights));
    cr_assert(eq(u64, trial_scores_hash(&a), trial_scores_hash(&b)));
    cr_assert(gt(dbl, a.prior_loss, 0));
    trial_result_free(&a);
    trial_result_free(&b);
    dataset_free(&d);
}

Test(mask_scores, what_is_kept) {
    const trial t = tiny_masks("bce");
    dataset d = open_data(&t);
    trial_result r = run(&t, &d);
    const dataset_items *test = &d.sets[SET_TEST];
    const float *mean = array_of(&r, "test", test->count), *largest = array_of(&r, "test_max", test->count);
    const float *number = array_of(&r, "masks", MASK_NUMBERS);
    array_of(&r, "select", d.sets[SET_SELECT].count);
    array_of(&r, "calibrate", d.sets[SET_CALIBRATE].count);
    for (size_t i = 0; i < test->count; i++) cr_assert(mean[i] <= largest[i], "image %zu", i);
    const trial_array *score = trial_result_find(&r, "instance_score"), *area = trial_result_find(&r, "instance_area");
    cr_assert(ge(sz, score->count, test->count - test->goods)); /* every defect has an instance */
    double pixels = 0;
    for (size_t i = 0; i < area->count; i++) pixels += (double)area->data[i];
    const double share = pixels / (double)((test->count - test->goods) * d.height * d.width);
    cr_assert(lt(dbl, fabs((double)number[MASK_AREA] - share), 1e-6));
    for (size_t i = 0; i < MASK_PIXEL_SHARE; i++)
        if (i != MASK_THRESHOLD && i != MASK_HAUSDORFF_95)
            cr_assert(number[i] >= 0 && number[i] <= 1, "number %zu is %g", i, (double)number[i]);
    trial_result_free(&r);
    dataset_free(&d);
}

/* The bias of the head starts where the loss expects it: its own prior, or that of the pixels. */
Test(mask_scores, priors) {
    const trial bce = tiny_masks("bce"), weighted = tiny_masks("weighted_bce"), dice = tiny_masks("dice");
    dataset d = open_data(&bce);
    trial_result plain = run(&bce, &d), heavy = run(&weighted, &d), overlap = run(&dice, &d);
    const double share = (double)array_of(&plain, "masks", MASK_NUMBERS)[MASK_PIXEL_SHARE];
    cr_assert(lt(dbl, fabs(plain.prior_logit - log(share / (1 - share))), 1e-3));
    cr_assert(lt(dbl, fabs(heavy.prior_logit), 1e-3));
    cr_assert(lt(dbl, fabs(overlap.prior_logit - plain.prior_logit), 1e-3));
    trial_result_free(&plain);
    trial_result_free(&heavy);
    trial_result_free(&overlap);
    dataset_free(&d);
}

/* Half of the batches are defects: the loss sees more defect pixels by the factor that the sampler gives. */
Test(mask_scores, balanced_batches_change_the_prior) {
    const trial natural = tiny_masks("bce");
    trial balanced = natural;
    balanced.sampler = SAMPLER_BALANCED;
    dataset d = open_data(&natural);
    trial_result a = run(&natural, &d), b = run(&balanced, &d);
    const dataset_items *train = &d.sets[SET_TRAIN];
    const double factor = (double)train->count / 2 / (double)(train->count - train->goods);
    const double before = (double)array_of(&a, "masks", MASK_NUMBERS)[MASK_PIXEL_SHARE];
    const double after = (double)array_of(&b, "masks", MASK_NUMBERS)[MASK_PIXEL_SHARE];
    cr_assert(lt(dbl, fabs(after / before - factor), 1e-4));
    trial_result_free(&a);
    trial_result_free(&b);
    dataset_free(&d);
}

Test(mask_scores, a_wild_rate_is_recorded_as_diverged_or_scored) {
    trial t = tiny_masks("bce");
    t.learning_rate = 1e6;
    dataset d = open_data(&t);
    trial_result r = run(&t, &d);
    const int known = r.outcome == OUTCOME_OK || r.outcome == OUTCOME_DIVERGED;
    cr_assert(known);
    trial_result_free(&r);
    dataset_free(&d);
}

/* --- refusals -------------------------------------------------------------------------------------------------- */

static void expect_refusal(const trial *t, const dataset *d, const char *word) {
    trial_result r;
    lb_error error = {0};
    cr_assert(eq(int, trial_run(t, d, &r, &error), LB_INVALID));
    cr_assert(ne(ptr, strstr(error.message, word), NULL), "%s", error.message);
}

Test(mask_scores, empty_masks_of_a_set_are_refused) {
    static const dataset_set sets[] = {SET_TRAIN, SET_SELECT, SET_TEST};
    const trial t = tiny_masks("dice");
    for (size_t i = 0; i < 3; i++) {
        dataset d = open_data(&t);
        dataset_items *set = &d.sets[sets[i]];
        memset(set->masks, 127, set->count * d.height * d.width); /* grey, but not above 127 */
        char word[60];
        snprintf(word, sizeof word, "all masks of its %s set are empty", dataset_set_names[sets[i]]);
        expect_refusal(&t, &d, word);
        dataset_free(&d);
    }
}

Test(mask_scores, data_without_masks_are_refused) {
    const trial t = tiny_masks("bce");
    dataset d;
    const dataset_request request = {.ratio = t.ratio, .seed = t.seed, .search = ""};
    cr_assert(zero(int, dataset_open(t.data, &request, &d, NULL)));
    expect_refusal(&t, &d, "has no masks");
    dataset_free(&d);
}

Test(mask_scores, one_logit_in_256) {
    cr_assert(eq(sz, mask_top(64 * 64), 16));
    cr_assert(eq(sz, mask_top(32 * 32), 4));
    cr_assert(eq(sz, mask_top(100), 1));
}
