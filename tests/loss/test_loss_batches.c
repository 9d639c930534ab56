/* What every loss promises about the parts of a batch and of an expression: weights of terms, channels and elements,
   channels left out, company, more elements than fit into a block, the state. In the double build, where the promises
   hold to rounding. */
#include "lib/loss/loss_double.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <math.h>

#include "tests/loss/samples.h"

/* --- batches ------------------------------------------------------------------------------------------------------ */

/* Three channels where there can be some; `large`: more elements than a block has, and not a multiple of it. */
enum { MOST = 2 * 3 * 750, STATES = 8 };

typedef struct {
    loss_batch batch;
    double input[MOST], target[MOST], weight[MOST], class_weight[8], counts[8], state[STATES], state_grad[STATES];
    unsigned char ignore[MOST];
    int classes[MOST];
} scene;

static size_t size_of(const loss_batch *b) { return b->images * b->channels * b->pixels; }

static size_t items_of(const loss_batch *b, loss_kind form) {
    if (form == LOSS_MULTICLASS) return b->images * b->pixels;
    return form == LOSS_BOX ? b->images : size_of(b);
}

static void fill_scene(scene *s, loss_kind form, int large) {
    static sample boxes;
    memset(s, 0, sizeof *s);
    loss_batch *b = &s->batch;
    *b = (loss_batch){.images = 2, .channels = 3, .pixels = 30, .width = 6, .input = s->input, .target = s->target};
    if (large) b->pixels = 750, b->width = 25;
    if (form == LOSS_BINARY || form == LOSS_REGRESSION)
        b->images = large ? 1500 : 45, b->channels = b->pixels = 1, b->width = 0;
    if (form == LOSS_BINARY && !large) b->channels = 3;
    if (form == LOSS_MULTICLASS) b->target = NULL, b->classes = s->classes, b->class_counts = s->counts;
    if (form == LOSS_BOX) b->images = large ? 200 : 20, b->channels = 4, b->pixels = 1, b->width = 0;
    for (int c = 0; c < 8; c++) s->counts[c] = 900 >> (2 * c);
    for (size_t i = 0; i < size_of(b); i++) {
        const double u = sample_noise((unsigned)i, 31);
        s->input[i] = 6 * sample_noise((unsigned)i, 32) - 3 + (u < 0.3 ? 0.4 : -0.4);
        s->target[i] = form == LOSS_REGRESSION ? 4 * u - 2 : u < 0.3;
        s->classes[i] = (int)(3 * u * u);
        s->weight[i] = 0.5 + sample_noise((unsigned)i, 33);
    }
    if (form != LOSS_BOX) return;
    sample_fill(&boxes, LOSS_BOX, SAMPLE_MIXED);
    for (size_t i = 0; i < size_of(b); i++) { /* no two alike */
        s->input[i] = (1 + 0.003 * (double)(i / 80)) * boxes.input[i % 80];
        s->target[i] = boxes.target[i % 80];
    }
}

/* --- evaluation --------------------------------------------------------------------------------------------------- */

typedef struct {
    double value, grad[MOST], values[MOST];
    size_t count; /* of values */
} outcome;

static loss *parsed(const char *expression) {
    lb_error error = {0};
    loss *l = sample_loss(expression, &error);
    cr_assert(l != NULL, "%s: %s", expression, error.message);
    return l;
}

/* 0 when the loss does not take the batch. */
static int evaluate(const char *expression, scene *s, loss_reduction reduction, outcome *out) {
    lb_error error = {0};
    loss *l = parsed(expression);
    memset(out, 0, sizeof *out);
    memset(s->state_grad, 0, sizeof s->state_grad);
    cr_assert(loss_state_count(l) <= STATES);
    s->batch.state_grad = loss_state_count(l) ? s->state_grad : NULL;
    out->count = reduction == LOSS_NONE ? loss_value_count(l, &s->batch) : 0;
    const int possible = reduction != LOSS_NONE || out->count > 0;
    const int code = possible && sample_eval(l, &s->batch, reduction, &out->value,
                                             reduction == LOSS_NONE ? out->values : NULL, out->grad, &error);
    cr_assert(code == 0, "%s: %s", expression, error.message);
    loss_free(l);
    return possible;
}

static double largest_of(const double *x, size_t n) {
    double largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs(x[i]));
    return largest;
}

/* got = wanted, both of n numbers, within rounding of the largest. */
static void expect_all(const char *expression, const char *what, const double *got, const double *wanted, size_t n,
                       double tolerance) {
    const double allowed = tolerance * largest_of(wanted, n) + 1e-14;
    for (size_t i = 0; i < n; i++)
        cr_assert(isfinite(wanted[i]) && fabs(got[i] - wanted[i]) <= allowed, "%s, %s: number %zu is %.15g, not %.15g",
                  expression, what, i, got[i], wanted[i]);
}

static void expect_outcome(const char *expression, const char *what, const outcome *got, const outcome *wanted,
                           size_t n) {
    expect_all(expression, what, &got->value, &wanted->value, 1, 1e-10);
    expect_all(expression, what, got->grad, wanted->grad, n, 1e-10);
    expect_all(expression, what, got->values, wanted->values, got->count, 1e-10);
}

/* sum (+)= factor * x */
static void add_outcome(outcome *sum, double factor, const outcome *x) {
    sum->value += factor * x->value;
    for (size_t i = 0; i < MOST; i++) {
        sum->grad[i] += factor * x->grad[i];
        sum->values[i] += factor * x->values[i];
    }
}

static struct criterion_test_params every_loss(void) {
    static size_t index[128];
    return cr_make_param_array(size_t, index, sample_losses(index));
}

#define TEST_EACH(promise)                                                                                             \
    static void promise##_of(const loss_type *type, loss_kind form);                                                   \
    ParameterizedTestParameters(loss_batches, promise) { return every_loss(); }                                        \
    ParameterizedTest(size_t *index, loss_batches, promise) {                                                          \
        loss *l = parsed(loss_type_at(*index)->name);                                                                  \
        EACH_FORM(l, form) promise##_of(loss_type_at(*index), form);                                                   \
        loss_free(l);                                                                                                  \
    }                                                                                                                  \
    static void promise##_of(const loss_type *type, loss_kind form)

/* --- terms -------------------------------------------------------------------------------------------------------- */

TEST_EACH(weight_of_a_term_multiplies_everything) {
    static scene s;
    static outcome plain, tripled, wanted;
    static double state_grad[STATES];
    char expression[80];
    snprintf(expression, sizeof expression, "3*%s", type->name);
    fill_scene(&s, form, 0);
    s.batch.weight = s.weight;
    for (int reduction = LOSS_MEAN; reduction <= LOSS_NONE; reduction++) {
        if (!evaluate(type->name, &s, (loss_reduction)reduction, &plain)) continue;
        memcpy(state_grad, s.state_grad, sizeof state_grad);
        cr_assert(evaluate(expression, &s, (loss_reduction)reduction, &tripled));
        memset(&wanted, 0, sizeof wanted);
        add_outcome(&wanted, 3, &plain);
        expect_outcome(expression, "three times one", &tripled, &wanted, size_of(&s.batch));
        for (int i = 0; i < STATES; i++) state_grad[i] *= 3;
        expect_all(expression, "three times the state's", s.state_grad, state_grad, STATES, 1e-10);
    }
}

/* Beside others, which may ask for another order of the work, a loss is what it is alone. */
static void expect_parts(const char *one, const char *other, scene *s, loss_reduction reduction) {
    static outcome alone, company, both, wanted;
    char expression[2][200];
    snprintf(expression[0], sizeof expression[0], "%s + 0.5*%s", one, other);
    snprintf(expression[1], sizeof expression[1], "0.5*%s + %s", other, one);
    for (int first = 0; first < 2; first++) {
        if (!evaluate(expression[first], s, reduction, &both)) continue;
        evaluate(one, s, reduction, &alone);
        evaluate(other, s, reduction, &company);
        memset(&wanted, 0, sizeof wanted);
        add_outcome(&wanted, 1, &alone);
        add_outcome(&wanted, 0.5, &company);
        expect_outcome(expression[first], "its parts", &both, &wanted, size_of(&s->batch));
    }
}

TEST_EACH(company_does_not_matter) {
    static const char *const companies[][3] = {[LOSS_BINARY] = {"focal", "ghmc", "auc_pairwise"},
                                               [LOSS_MASK] = {"dice(batch=on, squared=on)", "bce", "boundary"},
                                               [LOSS_MULTICLASS] = {"dice(batch=on)", "ce", "lovasz_softmax"},
                                               [LOSS_REGRESSION] = {"l2", "l1", "huber"},
                                               [LOSS_BOX] = {"box_iou", "l1", "siou"}};
    static scene s;
    fill_scene(&s, form, 0);
    s.batch.weight = form == LOSS_BOX ? NULL : s.weight; /* alone, l1 has a weight for each coordinate */
    for (int c = 0; c < 3; c++)
        for (int reduction = LOSS_MEAN; reduction <= LOSS_NONE; reduction++)
            expect_parts(type->name, companies[form][c], &s, (loss_reduction)reduction);
}

/* --- weights ------------------------------------------------------------------------------------------------------ */

/* The class that item i of the batch is weighted as. */
static size_t class_of(const scene *s, loss_kind form, size_t i) {
    return form == LOSS_MULTICLASS ? (size_t)s->classes[i] : i / s->batch.pixels % s->batch.channels;
}

/* Losses of single elements or items: their class's weight is a weight like theirs. Rankings too. */
static int weighs_elements(const loss_type *type, loss_kind form) {
    static const char *const rankings[] = {"auc_margin", "auc_pairwise", "pauc", "recall_at_fr"};
    for (size_t i = 0; i < sizeof rankings / sizeof rankings[0]; i++)
        if (strcmp(type->name, rankings[i]) == 0) return 1;
    return (form == LOSS_MULTICLASS && type->classes) || (form <= LOSS_MASK && type->elements && !type->region);
}

TEST_EACH(class_weight_is_a_weight_of_elements) {
    static scene s;
    static outcome by_class, by_element;
    static const double class_weight[] = {2, 0.25, 1.5, 1};
    if (!weighs_elements(type, form)) return;
    for (int weighted = 0; weighted < 2; weighted++) {
        fill_scene(&s, form, 0);
        if (strcmp(type->name, "weighted_ce") == 0)
            s.batch.class_counts = NULL; /* it weighs classes itself otherwise */
        s.batch.class_weight = class_weight;
        s.batch.weight = weighted ? s.weight : NULL;
        evaluate(type->name, &s, LOSS_SUM, &by_class);
        for (size_t i = 0; i < items_of(&s.batch, form); i++)
            s.weight[i] = (weighted ? s.weight[i] : 1) * class_weight[class_of(&s, form, i)];
        s.batch.weight = s.weight;
        s.batch.class_weight = (const double[]){1, 1, 1, 1};
        evaluate(type->name, &s, LOSS_SUM, &by_element);
        expect_outcome(type->name, "the class's weight on its elements", &by_class, &by_element, size_of(&s.batch));
    }
}

/* Losses that are a sum over classes or channels: the weight multiplies what a class costs. */
TEST_EACH(class_weight_multiplies_what_a_class_costs) {
    static const char *const others[] = {"generalized_dice", "cldice"}; /* one value for all channels */
    static scene s;
    static outcome only, sum, all;
    static const double class_weight[] = {2, 0.25, 1.5, 1};
    if (form >= LOSS_REGRESSION || (weighs_elements(type, form) && !type->elements && !type->classes)) return;
    for (size_t i = 0; i < 2; i++)
        if (strcmp(type->name, others[i]) == 0) return;
    memset(&sum, 0, sizeof sum);
    fill_scene(&s, form, 0);
    s.batch.weight = s.weight;
    for (size_t c = 0; c < 3; c++) {
        const double weight[4] = {c == 0, c == 1, c == 2, 1};
        s.batch.class_weight = weight;
        evaluate(type->name, &s, LOSS_SUM, &only);
        add_outcome(&sum, class_weight[c], &only);
    }
    s.batch.class_weight = class_weight;
    evaluate(type->name, &s, LOSS_SUM, &all);
    expect_outcome(type->name, "the weighted sum of its classes", &all, &sum, size_of(&s.batch));
    if (strcmp(type->name, "weighted_ce") == 0) return;
    memset(&sum, 0, sizeof sum);
    for (size_t c = 0; c < 3; c++) {
        const double weight[4] = {c == 0, c == 1, c == 2, 1};
        s.batch.class_weight = weight;
        evaluate(type->name, &s, LOSS_SUM, &only);
        add_outcome(&sum, 1, &only);
    }
    s.batch.class_weight = NULL;
    evaluate(type->name, &s, LOSS_SUM, &all);
    expect_outcome(type->name, "the sum of its classes", &all, &sum, size_of(&s.batch));
}

/* In a sum, an ignored element is one of weight 0; where distances are taken it is outside, too. */
TEST_EACH(ignored_elements_are_elements_of_weight_0) {
    static scene s;
    static outcome ignoring, weightless;
    const int takes_distances = form == LOSS_MASK || form == LOSS_MULTICLASS ? type->any_activation : 0;
    if (takes_distances) return;
    for (int large = 0; large < 2; large++) {
        fill_scene(&s, form, large);
        for (size_t i = 0; i < items_of(&s.batch, form); i++) s.ignore[i] = sample_noise((unsigned)i, 34) < 0.3;
        s.batch.weight = s.weight;
        s.batch.ignore = s.ignore;
        evaluate(type->name, &s, LOSS_SUM, &ignoring);
        s.batch.ignore = NULL;
        for (size_t i = 0; i < items_of(&s.batch, form); i++)
            if (s.ignore[i]) s.weight[i] = 0;
        evaluate(type->name, &s, LOSS_SUM, &weightless);
        expect_outcome(type->name, "weights of 0", &ignoring, &weightless, size_of(&s.batch));
    }
}

/* --- channels ----------------------------------------------------------------------------------------------------- */

/* Six masks are six masks, as two images of three channels or as six images. */
TEST_EACH(channels_are_like_images) {
    static const char *const others[] = {"generalized_dice", "cldice"}; /* one value for all channels */
    static scene s;
    static outcome channels, images;
    if (form > LOSS_MASK) return;
    for (size_t i = 0; i < 2; i++)
        if (strcmp(type->name, others[i]) == 0) return;
    fill_scene(&s, LOSS_MASK, 0);
    s.batch.weight = s.weight;
    evaluate(type->name, &s, LOSS_SUM, &channels);
    s.batch.images = 6;
    s.batch.channels = 1;
    evaluate(type->name, &s, LOSS_SUM, &images);
    expect_outcome(type->name, "six images", &channels, &images, 180);
}

/* A channel that is skipped is not there, for a loss that averages regions. */
TEST_EACH(skipped_channels_are_as_if_removed) {
    static scene s;
    static outcome skipping, without;
    static double wanted[MOST];
    if (type->kind != LOSS_MASK || form != LOSS_MASK || !type->region || type->elements) return;
    fill_scene(&s, form, 0);
    s.batch.weight = s.weight;
    s.batch.skip_channel = (const unsigned char[]){0, 1, 0};
    evaluate(type->name, &s, LOSS_MEAN, &skipping);
    s.batch.skip_channel = NULL;
    s.batch.channels = 2;
    for (size_t image = 0; image < 2; image++)
        for (size_t i = 0; i < 60; i++) {
            const size_t to = image * 60 + i, from = image * 90 + (i < 30 ? i : i + 30);
            s.input[to] = s.input[from];
            s.target[to] = s.target[from];
            s.weight[to] = s.weight[from];
        }
    evaluate(type->name, &s, LOSS_MEAN, &without);
    for (size_t image = 0; image < 2; image++)
        for (size_t i = 0; i < 90; i++)
            wanted[image * 90 + i] = i / 30 == 1 ? 0 : without.grad[image * 60 + (i < 30 ? i : i - 30)];
    expect_all(type->name, "without the channel", &skipping.value, &without.value, 1, 1e-10);
    expect_all(type->name, "without the channel", skipping.grad, wanted, 180, 1e-10);
}

/* --- activations -------------------------------------------------------------------------------------------------- */

static double sigmoid(double z) { return 1 / (1 + exp(-z)); }

/* p of each logit: by itself, or over the channels of its pixel. */
static void fill_probabilities(const scene *s, int softmax, double *p) {
    const loss_batch *b = &s->batch;
    const size_t plane = b->pixels, image = b->channels * plane;
    for (size_t i = 0; i < size_of(b); i++) {
        double sum = 0;
        for (size_t c = 0; c < b->channels; c++)
            sum += exp(s->input[i / image * image + c * plane + i % plane] - s->input[i]);
        p[i] = softmax ? 1 / sum : sigmoid(s->input[i]);
    }
}

/* The gradient by logits from that by their probabilities. */
static void through_activation(const scene *s, int softmax, const double *p, const double *by_p, double *by_z) {
    const loss_batch *b = &s->batch;
    const size_t plane = b->pixels, image = b->channels * plane;
    for (size_t i = 0; i < size_of(b); i++) {
        double mean = 0;
        for (size_t c = 0; c < b->channels; c++) {
            const size_t at = i / image * image + c * plane + i % plane;
            mean += p[at] * by_p[at];
        }
        by_z[i] = softmax ? p[i] * (by_p[i] - mean) : p[i] * (1 - p[i]) * by_p[i];
    }
}

/* Logits are what their probabilities are. */
static void expect_probabilities(const char *expression, scene *s, int softmax) {
    static outcome by_logits, by_p;
    static double p[MOST], wanted[MOST];
    s->batch.activation = softmax ? LOSS_SOFTMAX : LOSS_SIGMOID;
    fill_probabilities(s, softmax, p);
    evaluate(expression, s, LOSS_SUM, &by_logits);
    memcpy(s->input, p, sizeof p);
    s->batch.activation = LOSS_PROBABILITIES;
    evaluate(expression, s, LOSS_SUM, &by_p);
    through_activation(s, softmax, p, by_p.grad, wanted);
    expect_all(expression, "by probabilities", &by_logits.value, &by_p.value, 1, 1e-10);
    expect_all(expression, softmax ? "through the softmax" : "through the sigmoid", by_logits.grad, wanted,
               size_of(&s->batch), 1e-9);
}

static void weigh_pixels(scene *s, int by_channel) {
    const size_t plane = s->batch.pixels, image = 3 * plane;
    for (size_t i = 0; i < (by_channel ? 2 * image : 2 * plane); i++) {
        const unsigned pixel = (unsigned)(by_channel ? i / image * plane + i % plane : i);
        s->weight[i] = 0.5 + sample_noise(pixel, 39);
        s->ignore[i] = sample_noise(pixel, 36) < 0.1;
    }
}

/* K classes are one-hot masks with the softmax. */
static void expect_classes(const char *expression, scene *s) {
    static outcome by_masks, by_classes;
    const size_t plane = s->batch.pixels, image = 3 * plane;
    s->batch.activation = LOSS_SOFTMAX;
    for (size_t i = 0; i < 2 * plane; i++) s->classes[i] = (int)(3 * sample_noise((unsigned)i, 38));
    for (size_t i = 0; i < 2 * image; i++)
        s->target[i] = s->classes[i / image * plane + i % plane] == (int)(i % image / plane);
    weigh_pixels(s, 1);
    evaluate(expression, s, LOSS_SUM, &by_masks);
    weigh_pixels(s, 0);
    s->batch.activation = LOSS_SIGMOID;
    s->batch.target = NULL;
    s->batch.classes = s->classes;
    evaluate(expression, s, LOSS_SUM, &by_classes);
    expect_outcome(expression, "classes as one-hot masks", &by_classes, &by_masks, size_of(&s->batch));
}

static void fill_weighted_masks(scene *s, int large, int soft) {
    fill_scene(s, LOSS_MASK, large);
    s->batch.weight = s->weight;
    s->batch.ignore = s->ignore;
    weigh_pixels(s, 1);
    for (size_t i = 0; soft && i < size_of(&s->batch); i++) s->target[i] = 0.1 + 0.8 * sample_noise((unsigned)i, 37);
}

static void expect_activations(const char *expression, int large, int soft) {
    static scene s;
    for (int softmax = 0; softmax < 2; softmax++) {
        fill_weighted_masks(&s, large, soft);
        expect_probabilities(expression, &s, softmax);
    }
    fill_weighted_masks(&s, large, soft);
    if (!soft) expect_classes(expression, &s);
}

/* Of sums over masks and of distances. */
TEST_EACH(activations_agree) {
    char expression[80];
    const int knows_all = type->any_activation || (type->region && !type->elements);
    if (form != LOSS_MASK || type->kind != LOSS_MASK || !knows_all) return;
    expect_activations(type->name, 0, 0);
    expect_activations(type->name, 1, 0);
    expect_activations(type->name, 0, 1);
    snprintf(expression, sizeof expression, "%s(squared=on, batch=on)", type->name);
    loss *l = type->region ? sample_loss(expression, NULL) : NULL; /* not all have it */
    for (int soft = 0; l && soft < 2; soft++) expect_activations(expression, 1 - soft, soft);
    loss_free(l);
}

static void expect_sentence(const char *expression, const scene *s, const char *wanted) {
    lb_error error = {0};
    double value;
    loss *l = parsed(expression);
    cr_assert(sample_eval(l, &s->batch, LOSS_MEAN, &value, NULL, NULL, &error) == LB_INVALID, "%s: no '%s'", expression,
              wanted);
    cr_assert(strstr(error.message, wanted) != NULL, "%s: '%s' is not in: %s", expression, wanted, error.message);
    loss_free(l);
}

/* Which others say that they do not know. */
TEST_EACH(other_activations_are_known_or_refused) {
    static scene s;
    static outcome out;
    const int knows_all = type->kind == LOSS_MASK && (type->any_activation || (type->region && !type->elements));
    if (form == LOSS_MULTICLASS) return;
    fill_scene(&s, form, 0);
    s.batch.activation = LOSS_SOFTMAX;
    if (!knows_all) expect_sentence(type->name, &s, "takes logits with the sigmoid; softmax is for sums over masks");
    s.batch.activation = LOSS_PROBABILITIES;
    for (size_t i = 0; i < size_of(&s.batch); i++) s.input[i] = sample_noise((unsigned)i, 38);
    if (!knows_all) {
        expect_sentence(type->name, &s,
                        "takes logits with the sigmoid; a batch of probabilities is for sums over masks");
        return;
    }
    s.input[3] = 0;
    s.input[4] = 1;
    cr_assert(evaluate(type->name, &s, LOSS_MEAN, &out));
    s.input[5] = 1.5;
    expect_sentence(type->name, &s, "element 5: the probability is 1.5; it must be from 0 to 1");
    s.input[5] = -0.25;
    expect_sentence(type->name, &s, "element 5: the probability is -0.25; it must be from 0 to 1");
}

/* Clipped probabilities are clipped logits, and have no gradient beyond. */
Test(loss_batches, clipped_probabilities_are_clipped_logits) {
    static const char *const pairs[][2] = {
        {"unified_focal_sym(eps_clip=0.1)", "unified_focal_sym"},
        {"unified_focal_asym(eps_clip=0.1, gamma=0.3)", "unified_focal_asym(gamma=0.3)"},
        {"combo(alpha=1, eps_clip=0.1)", "combo(alpha=1)"}};
    static scene s;
    static outcome clipped, plain;
    static unsigned char beyond[MOST];
    const double limit = log(0.9 / 0.1);
    for (size_t k = 0; k < 3; k++) {
        fill_scene(&s, LOSS_MASK, k % 2 == 1);
        s.batch.weight = s.weight;
        evaluate(pairs[k][0], &s, LOSS_MEAN, &clipped);
        for (size_t i = 0; i < size_of(&s.batch); i++) {
            beyond[i] = fabs(s.input[i]) > limit;
            s.input[i] = fmax(fmin(s.input[i], limit), -limit);
        }
        evaluate(pairs[k][1], &s, LOSS_MEAN, &plain);
        for (size_t i = 0; i < size_of(&s.batch); i++)
            if (beyond[i]) plain.grad[i] = 0;
        expect_outcome(pairs[k][0], "clipped logits", &clipped, &plain, size_of(&s.batch));
    }
}

/* --- what counts -------------------------------------------------------------------------------------------------- */

/* A mean is over the regions of which something counts: without the second image, its first channel or its second. */
Test(loss_batches, ignored_regions_do_not_count) {
    static const struct {
        const char *expression;
        double without_image, without_channel; /* regions that count */
    } cases[] = {{"dice", 3, 5},
                 {"tversky", 3, 5},
                 {"dice(average=micro)", 1, 2},
                 {"dice(batch=on)", 3, 3},
                 {"iou(batch=on, average=micro)", 1, 1},
                 {"generalized_dice", 1, 2}};
    static const size_t first[] = {90, 90, 120}, count[] = {90, 30, 30};
    static scene s;
    static outcome sum, mean;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
        for (int part = 0; part < 3; part++) {
            fill_scene(&s, LOSS_MASK, 0);
            s.batch.ignore = s.ignore;
            memset(s.ignore + first[part], 1, count[part]);
            evaluate(cases[k].expression, &s, LOSS_SUM, &sum);
            evaluate(cases[k].expression, &s, LOSS_MEAN, &mean);
            mean.value *= part == 0 ? cases[k].without_image : cases[k].without_channel;
            expect_all(cases[k].expression, "its count times the mean", &mean.value, &sum.value, 1, 1e-12);
        }
}

/* An ignored box counts for none of the terms, those by coordinate neither. */
Test(loss_batches, ignored_boxes_are_as_if_removed) {
    static const double none[4] = {0};
    static scene s;
    static outcome ignoring, kept;
    size_t n = 0;
    fill_scene(&s, LOSS_BOX, 1);
    s.batch.weight = s.weight;
    s.batch.ignore = s.ignore;
    for (size_t i = 0; i < 200; i++) s.ignore[i] = sample_noise((unsigned)i, 36) < 0.4;
    evaluate("box_iou + 0.5*l1 + siou", &s, LOSS_MEAN, &ignoring);
    for (size_t i = 0; i < 200; i++) {
        if (s.ignore[i]) continue;
        memmove(s.input + 4 * n, s.input + 4 * i, 4 * sizeof *s.input);
        memmove(s.target + 4 * n, s.target + 4 * i, 4 * sizeof *s.target);
        s.weight[n++] = s.weight[i];
    }
    s.batch.images = n;
    s.batch.ignore = NULL;
    evaluate("box_iou + 0.5*l1 + siou", &s, LOSS_MEAN, &kept);
    expect_all("boxes", "kept alone", &ignoring.value, &kept.value, 1, 1e-12);
    n = 0;
    for (size_t i = 0; i < 200; i++) {
        expect_all("boxes", "gradient", ignoring.grad + 4 * i, s.ignore[i] ? none : kept.grad + 4 * n, 4, 1e-12);
        n += !s.ignore[i];
    }
}

/* --- refusals ----------------------------------------------------------------------------------------------------- */

/* Wherever in the batch it is. */
TEST_EACH(finds_what_is_not_finite_everywhere) {
    static scene s;
    static const size_t places[] = {0, 1, 70, 200, 511, 512, 799, 1023, 1499};
    for (size_t p = 0; p < sizeof places / sizeof places[0]; p++)
        for (int weighted = 0; weighted < 2; weighted++) {
            char wanted[60];
            fill_scene(&s, form, 1);
            const size_t i = places[p], size = 3 * s.batch.pixels;
            if (i >= size_of(&s.batch)) continue;
            s.batch.weight = weighted ? s.weight : NULL;
            s.input[i] = (double)NAN;
            snprintf(wanted, sizeof wanted, "%s %zu: ",
                     form == LOSS_BOX          ? "box"
                     : form == LOSS_MULTICLASS ? "item"
                                               : "element",
                     form == LOSS_BOX          ? i / 4
                     : form == LOSS_MULTICLASS ? i / size * s.batch.pixels + i % s.batch.pixels
                                               : i);
            expect_sentence(type->name, &s, wanted);
        }
}

Test(loss_batches, refusals_say_what_is_wanted) {
    static const struct {
        const char *expression;
        loss_kind form;
        const char *input, *target;
    } words[] = {{"bce", LOSS_BINARY, "has no logits", "has no labels"},
                 {"dice", LOSS_MASK, "has no logits", "has no labels"},
                 {"ce", LOSS_MULTICLASS, "has no logits", "has no classes"},
                 {"l1", LOSS_REGRESSION, "has no predictions", "has no labels"},
                 {"giou", LOSS_BOX, "has no boxes", "has no true boxes"}};
    static scene s;
    for (size_t k = 0; k < 5; k++) {
        fill_scene(&s, words[k].form, 0);
        s.batch.input = NULL;
        expect_sentence(words[k].expression, &s, words[k].input);
        fill_scene(&s, words[k].form, 0);
        s.batch.target = NULL;
        s.batch.classes = NULL;
        expect_sentence(words[k].expression, &s, words[k].target);
    }
    fill_scene(&s, LOSS_MULTICLASS, 0);
    s.classes[7] = 3;
    expect_sentence("ce", &s, "item 7: the class is 3; classes go from 0 to 2");
    fill_scene(&s, LOSS_REGRESSION, 0);
    s.target[3] = (double)NAN;
    expect_sentence("l1", &s, "element 3: the label is nan; labels must be finite");
    fill_scene(&s, LOSS_MASK, 0);
    s.target[3] = 2;
    expect_sentence("bce", &s, "element 3: the label is 2; labels must be from 0 to 1");
    fill_scene(&s, LOSS_MASK, 0);
    s.batch.class_weight = (const double[]){0, -1, 0};
    expect_sentence("bce", &s, "class 1: the weight is -1");
}

Test(loss_batches, class_counts_are_of_items) {
    static const double counts[][3] = {{900, 0.5, 1}, {900, -1, 1}, {900, (double)NAN, 1}, {900, 1e19, 1}};
    static scene s;
    for (size_t k = 0; k < 4; k++) {
        fill_scene(&s, LOSS_MULTICLASS, 0);
        s.batch.class_counts = counts[k];
        expect_sentence("weighted_ce", &s, "class 1: the count is");
    }
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

/* Nothing is written before or behind the scratch memory, and what it held does not matter. */
TEST_EACH(keeps_to_its_scratch) {
    enum { GUARD = 1 << 16, ROOM = 1 << 20 };
    static _Alignas(64) unsigned char memory[GUARD + ROOM + GUARD];
    static scene s;
    static outcome out, again;
    loss *l = parsed(type->name);
    for (int large = 0; large < 2; large++)
        for (int round = 0; round < 2; round++) {
            outcome *to = round ? &again : &out;
            const unsigned char held = round ? 0xff : 0;
            fill_scene(&s, form, large);
            s.batch.weight = s.weight;
            s.batch.ignore = s.ignore;
            for (size_t i = 0; i < MOST; i++) s.ignore[i] = sample_noise((unsigned)i, 36) < 0.1;
            const size_t bytes = loss_scratch(l, &s.batch);
            cr_assert(bytes <= ROOM);
            memset(memory, held, sizeof memory);
            cr_assert(loss_eval(l, &s.batch, LOSS_MEAN, &to->value, NULL, to->grad, memory + GUARD, NULL) == LB_OK);
            for (size_t i = 0; i < GUARD; i++)
                cr_assert(memory[i] == held && memory[GUARD + bytes + i] == held, "%s writes around its scratch",
                          type->name);
            if (!round) continue;
            cr_assert(memcmp(&out.value, &again.value, sizeof out.value) == 0);
            cr_assert(memcmp(out.grad, again.grad, size_of(&s.batch) * sizeof *out.grad) == 0);
        }
    loss_free(l);
}

/* --- gradients ---------------------------------------------------------------------------------------------------- */

static double value_of(const loss *l, const scene *s, loss_reduction reduction) {
    double value = 0;
    lb_error error = {0};
    cr_assert(sample_eval(l, &s->batch, reduction, &value, NULL, NULL, &error) == LB_OK, "%s: %s", loss_label(l),
              error.message);
    return value;
}

/* The derivative of the value by *x, fourth order. */
static double difference_at(const loss *l, const scene *s, double *x, double h) {
    static const double steps[] = {-2, -1, 1, 2}, weights[] = {1, -8, 8, -1};
    const double middle = *x;
    double sum = 0;
    for (int k = 0; k < 4; k++) {
        *x = middle + steps[k] * h;
        sum += weights[k] * value_of(l, s, LOSS_SUM);
    }
    *x = middle;
    return sum / (12 * h);
}

static void expect_derivative(const loss *l, const scene *s, double *x, double got, double scale, const char *what,
                              size_t i) {
    const double size = fabs(value_of(l, s, LOSS_SUM));
    double off = (double)INFINITY;
    for (double h = 1e-3; h > 1e-6 && !(off <= 1); h /= 8) {
        const double allowed = 1e-6 * (fabs(got) + 0.1 * scale) + 1e-14 * (1 + size) / h + 1e-12;
        off = fabs(difference_at(l, s, x, h) - got) / allowed;
    }
    cr_assert(off <= 1, "%s: %s %zu: %.12g is off by %.3g times what is allowed", loss_label(l), what, i, got, off);
}

static void expect_gradient(const char *expression, scene *s, size_t step) {
    static outcome out;
    loss *l = parsed(expression);
    evaluate(expression, s, LOSS_SUM, &out);
    const double largest = largest_of(out.grad, size_of(&s->batch));
    for (size_t i = 0; i < size_of(&s->batch); i += step)
        expect_derivative(l, s, &s->input[i], out.grad[i], largest, "gradient", i);
    loss_free(l);
}

/* Some elements of many, on both sides of the borders between blocks (512) and tiles (64). */
TEST_EACH(gradient_holds_beyond_one_block) {
    static scene s;
    static outcome out;
    static const size_t places[] = {0, 63, 64, 130, 255, 511, 512, 513, 700, 749, 750, 1023, 1024, 1261, 1499};
    if (is_detached(type, type->name)) return;
    loss *l = parsed(type->name);
    for (int ignoring = 0; ignoring < 2; ignoring++) {
        fill_scene(&s, form, 1);
        s.batch.weight = s.weight;
        s.batch.ignore = ignoring ? s.ignore : NULL;
        for (size_t i = 0; i < MOST; i++) s.ignore[i] = sample_noise((unsigned)i, 35) < 0.3;
        evaluate(type->name, &s, LOSS_SUM, &out);
        const double largest = largest_of(out.grad, size_of(&s.batch));
        for (size_t p = 0; p < sizeof places / sizeof places[0]; p++) {
            const size_t i = places[p];
            if (i < size_of(&s.batch)) expect_derivative(l, &s, &s.input[i], out.grad[i], largest, "gradient", i);
        }
    }
    loss_free(l);
}

/* Every parameter at once, somewhere near where it is used. */
static void random_setting(const loss_type *type, unsigned draw, char *out, size_t size) {
    size_t used = (size_t)snprintf(out, size, "%s(", type->name);
    for (unsigned p = 0; p < type->param_count && used < size; p++) {
        const param *row = &type->params[p];
        const double u = sample_noise(draw, 40 + 2 * p), range = row->high - row->low;
        int words = 0;
        while (row->words && row->words[words].word) words++;
        double value = row->tune_low < row->tune_high ? row->tune_low + u * (row->tune_high - row->tune_low)
                       : row->fallback > 0            ? row->fallback * (0.5 + u)
                                                      : u * fmin(range, 0.5);
        value = fmin(fmax(value, row->low), row->high);
        if (row->scale == PARAM_INTEGER) value = floor(value);
        if (words && (row->scale == PARAM_CHOICE || sample_noise(draw, 41 + 2 * p) < 0.3))
            used += (size_t)snprintf(out + used, size - used, "%s%s=%s", p ? ", " : "", row->name,
                                     row->words[(int)(u * words)].word);
        else
            used += (size_t)snprintf(out + used, size - used, "%s%s=%.9g", p ? ", " : "", row->name, value);
    }
    snprintf(out + used, size - used, ")");
}

/* On small batches, weighted or with ignored elements. */
TEST_EACH(gradient_holds_for_mixed_parameters) {
    static scene s;
    char expression[SPEC_MAX_TEXT];
    for (unsigned draw = 0; draw < 12 && type->param_count; draw++) {
        random_setting(type, draw, expression, sizeof expression);
        loss *l = is_detached(type, expression) ? NULL : sample_loss(expression, NULL);
        if (!l) continue;
        fill_scene(&s, form, 0);
        for (size_t i = 0; i < MOST; i++) s.ignore[i] = sample_noise((unsigned)i, 35) < 0.3;
        s.batch.weight = draw % 3 ? s.weight : NULL;
        s.batch.ignore = draw % 2 ? s.ignore : NULL;
        s.batch.class_weight = draw % 4 == 3 ? (const double[]){2, 0.25, 1.5, 1} : NULL;
        expect_gradient(expression, &s, form == LOSS_BOX ? 1 : 7);
        loss_free(l);
    }
}

/* The state beside the net: its gradient, with a weight of the term and before another term with a state. */
TEST_EACH(state_gradient_is_the_derivative_by_the_state) {
    static scene s;
    static outcome out;
    static double got[STATES];
    char expression[300];
    for (unsigned draw = 0; draw < 8; draw++) {
        char setting_text[SPEC_MAX_TEXT];
        random_setting(type, draw, setting_text, sizeof setting_text);
        snprintf(expression, sizeof expression, "%s%.200s", draw % 2 ? "2*" : "recall_at_fr + 0.5*", setting_text);
        loss *l = type->state_names ? sample_loss(expression, NULL) : NULL;
        if (!l) continue;
        fill_scene(&s, form, 0);
        s.batch.weight = s.weight;
        loss_state_start(l, s.state);
        for (size_t i = 0; i < loss_state_count(l); i++) s.state[i] += draw * 0.1 * (i % 2 ? 1 : -1);
        s.batch.state = s.state;
        evaluate(expression, &s, LOSS_SUM, &out);
        memcpy(got, s.state_grad, sizeof got);
        s.batch.state_grad = NULL;
        for (size_t i = 0; i < loss_state_count(l); i++) {
            const double before = s.state[i];
            if (got[i] == 0 && fabs(difference_at(l, &s, &s.state[i], 1e-3)) > 1e-9)
                cr_assert(0, "%s: state %zu", expression, i);
            s.state[i] = before;
            expect_derivative(l, &s, &s.state[i], got[i], 0.1, "state gradient", i);
        }
        expect_gradient(expression, &s, 5);
        loss_free(l);
    }
}
