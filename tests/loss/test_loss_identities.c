/* Losses that are another loss in disguise: special cases, parts of compounds, other ways to write the same number. In
   the double build, value and gradient, on every kind of batch that both take. */
#include "lib/loss/loss_double.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <math.h>

#include "tests/loss/samples.h"

static double evaluated(const char *expression, const loss_batch *batch, double *grad) {
    lb_error error = {0};
    double value = 0;
    loss *l = sample_loss(expression, &error);
    cr_assert(l != NULL, "%s: %s", expression, error.message);
    cr_assert(sample_eval(l, batch, LOSS_MEAN, &value, NULL, grad, &error) == LB_OK, "%s: %s", expression,
              error.message);
    loss_free(l);
    return value;
}

static size_t size_of(const loss_batch *batch) { return batch->images * batch->channels * batch->pixels; }

static void expect_near(const char *what, size_t i, double got, double wanted, double scale, double tolerance) {
    cr_assert(isfinite(wanted) && fabs(got - wanted) <= tolerance * (fabs(wanted) + scale) + 1e-5 * tolerance,
              "%s %zu is %.15g, not %.15g", what, i, got, wanted);
}

/* value(left) = factor value(right) + offset, and the gradients without the offset. */
static void expect_equal(const char *left, double factor, const char *right, double offset, const loss_batch *batch,
                         double tolerance) {
    static double grad[SAMPLE_SIZE], other[SAMPLE_SIZE];
    char what[300];
    double largest = 0;
    const double value = evaluated(left, batch, grad), wanted = factor * evaluated(right, batch, other) + offset;
    snprintf(what, sizeof what, "%s against %g*%s%+g: value, element", left, factor, right, offset);
    expect_near(what, 0, value, wanted, fabs(offset), tolerance);
    for (size_t i = 0; i < size_of(batch); i++) largest = fmax(largest, fabs(factor * other[i]));
    snprintf(what, sizeof what, "%s against %g*%s: gradient", left, factor, right);
    for (size_t i = 0; i < size_of(batch); i++) expect_near(what, i, grad[i], factor * other[i], largest, tolerance);
}

/* --- special cases --------------------------------------------------------------------------------------------------
 */

enum { SOFT = 1, UNWEIGHTED = 2, EQUAL_COUNTS = 4, LOOSE = 8 };

/* left = factor * right + offset. SOFT: for labels between 0 and 1 as well. UNWEIGHTED: without element weights only.
   EQUAL_COUNTS: where all classes have as many items. LOOSE: a limit, to 1e-3. */
static const struct {
    const char *left;
    double factor;
    const char *right;
    double offset;
    unsigned flags;
} same[] = {
    {"bce(label_smoothing=0)", 1, "bce", 0, SOFT},
    {"weighted_bce(pos_weight=1)", 1, "bce", 0, SOFT},
    {"weighted_bce(pos_weight=2, neg_weight=2)", 2, "bce", 0, SOFT},
    {"weighted_bce(pos_weight=0) + weighted_bce(pos_weight=1, neg_weight=0)", 1, "bce", 0, SOFT},
    {"focal(gamma=0)", 1, "bce", 0, SOFT},
    {"focal(gamma=0, alpha=0.5)", 0.5, "bce", 0, SOFT},
    {"focal(gamma=3, alpha=0.5)", 0.5, "focal(gamma=3)", 0, SOFT},
    {"focal(gamma=0, alpha=0.75)", 0.25, "weighted_bce(pos_weight=3)", 0, 0},
    {"focal(gamma=0, alpha=auto)", 0.1, "weighted_bce(pos_weight=auto)", 0, 0},
    {"asl(gamma_neg=0, gamma_pos=0, clip=0)", 1, "bce", 0, SOFT},
    {"asl(gamma_neg=2, gamma_pos=2, clip=0)", 1, "focal(gamma=2)", 0, 0},
    {"asl(gamma_neg=0.5, gamma_pos=0.5, clip=0)", 1, "focal(gamma=0.5)", 0, 0},
    {"poly_focal(epsilon=0)", 1, "focal", 0, SOFT},
    {"poly_focal(gamma=3, alpha=0.9, epsilon=0)", 1, "focal(gamma=3, alpha=0.9)", 0, SOFT},
    {"quality_focal(beta=0)", 1, "bce", 0, SOFT},
    {"quality_focal(beta=2)", 1, "focal(gamma=2)", 0, 0},
    {"quality_focal(beta=0.75)", 1, "focal(gamma=0.75)", 0, 0},
    {"varifocal(gamma=0, alpha=1)", 1, "bce", 0, 0},
    {"varifocal(gamma=2, alpha=1)", 1, "asl(gamma_neg=2, gamma_pos=0, clip=0)", 0, 0},
    {"class_balanced(beta=0)", 1, "bce", 0, SOFT},
    {"class_balanced(beta=0, base=focal, gamma=3)", 1, "focal(gamma=3)", 0, SOFT},
    {"class_balanced(goods=70, defects=70)", 1, "bce", 0, SOFT},
    {"class_balanced(beta=0.9999999, goods=90, defects=10)", 0.2, "weighted_bce(pos_weight=9)", 0, LOOSE},
    {"class_balanced(base=focal, gamma=0)", 1, "class_balanced", 0, SOFT},
    {"logit_adjusted(tau=0)", 1, "bce", 0, SOFT},
    {"logit_adjusted(prior=0.5, tau=3)", 1, "bce", 0, SOFT},
    {"ldam(max_m=0, s=1)", 1, "bce", 0, SOFT},
    {"ghmc(bins=1)", 1, "bce", 0, UNWEIGHTED},
    {"hard_mining(keep=1)", 1, "bce", 0, UNWEIGHTED},
    {"hard_mining(keep=0, min_keep=100000)", 1, "bce", 0, UNWEIGHTED},

    {"weighted_ce", 1, "ce", 0, EQUAL_COUNTS | UNWEIGHTED},
    {"weighted_ce(mean_divisor=count)", 1, "ce", 0, EQUAL_COUNTS | UNWEIGHTED},
    {"focal_multiclass(gamma=0)", 1, "ce", 0, 0},
    {"focal_multiclass(mean_divisor=elements)", 1.0 / 3, "focal_multiclass", 0, 0},
    {"poly1_ce(epsilon=0)", 1, "ce", 0, 0},
    {"logit_adjusted(tau=0)", 1, "ce", 0, 0},
    {"logit_adjusted(tau=2)", 1, "ce", 0, EQUAL_COUNTS},
    {"ldam(max_m=0, s=1)", 1, "ce", 0, 0},
    {"seesaw(p=0, q=0)", 1, "ce", 0, 0},
    {"seesaw(q=0)", 1, "ce", 0, EQUAL_COUNTS},
    {"class_balanced_focal(beta=0.99)", 1, "class_balanced_focal(beta=0)", 0, EQUAL_COUNTS},

    {"tversky(alpha=0.5, beta=0.5, smooth_nr=0, smooth_dr=0)", 1, "dice(smooth_nr=0, smooth_dr=0)", 0, SOFT},
    {"tversky(alpha=0.5, beta=0.5, smooth_nr=1, smooth_dr=1.5)", 1, "dice(smooth_nr=2, smooth_dr=3)", 0, SOFT},
    {"tversky(alpha=1, beta=1)", 1, "iou", 0, SOFT},
    {"tversky(alpha=1, beta=1, batch=on, log_loss=on)", 1, "iou(batch=on, log_loss=on)", 0, SOFT},
    {"focal_tversky(exponent=1)", 1, "tversky", 0, SOFT},
    {"focal_tversky(exponent=1, alpha=0.2, beta=0.8)", 1, "tversky(alpha=0.2, beta=0.8)", 0, SOFT},
    {"generalized_dice(w_type=uniform)", 1, "dice(average=micro)", 0, SOFT},
    {"generalized_dice(w_type=uniform, batch=on)", 1, "dice(average=micro, batch=on)", 0, SOFT},
    {"combo(alpha=0, smooth=0)", 0.5, "unified_focal_sym(gamma=0, delta=0.5, lambda_ftl=2, lambda_fl=0, smooth=0)", -1,
     SOFT},
    {"combo(alpha=1)", 0.5, "bce", 0, SOFT},
    {"combo(alpha=1, beta=0.25)", 0.25, "weighted_bce(pos_weight=3)", 0, SOFT},
    {"combo(alpha=0.25, beta=0.75)", 1, "0.25*combo(alpha=1, beta=0.75) + 0.75*combo(alpha=0)", 0, SOFT},
    {"unified_focal_sym(gamma=0)", 1, "unified_focal_asym(gamma=0)", 0, SOFT},
    {"unified_focal_sym(lambda=0, gamma=0, delta=0.5)", 0.5, "bce", 0, SOFT},
    {"unified_focal_sym(lambda=0, gamma=0, delta=0.75)", 0.25, "weighted_bce(pos_weight=3)", 0, SOFT},
    {"unified_focal_sym(lambda=0, gamma=0.75, delta=0.9)", 1, "focal(gamma=0.75, alpha=0.9)", 0, 0},
    {"unified_focal_asym(lambda=0, gamma=0.75, delta=0.5)", 0.5, "asl(gamma_neg=0.75, gamma_pos=0, clip=0)", 0, 0},
    {"unified_focal_asym(lambda=0.25)", 1, "unified_focal_asym(lambda_ftl=0.25, lambda_fl=0.75)", 0, SOFT},

    {"dice_bce(lambda_dice=0.5, lambda_bce=2, pos_weight=3)", 1, "0.5*dice + 2*weighted_bce(pos_weight=3)", 0, SOFT},
    {"dice_bce", 1, "dice + bce", 0, SOFT},
    {"3*dice_focal(lambda_focal=2, gamma=1, alpha=0.9)", 1, "3*dice + 6*focal(gamma=1, alpha=0.9)", 0, SOFT},
    {"dice_bce_focal(lambda_dice=0, lambda_bce=0)", 1, "focal", 0, SOFT},
    {"dice_bce_focal(smooth_nr=0, batch=on)", 1, "dice(smooth_nr=0, batch=on) + bce + focal", 0, SOFT},
    {"dice_ce(lambda_dice=0)", 1, "ce", 0, 0},
    {"dice_ce(lambda_ce=2, squared=on)", 1, "dice(squared=on) + 2*ce", 0, 0},

    {"smooth_l1(beta=0.5)", 2, "huber(delta=0.5)", 0, 0},
    {"smooth_l1(beta=2)", 0.5, "huber(delta=2)", 0, 0},
    {"smooth_l1(beta=0)", 1, "l1", 0, 0},
    {"huber(delta=1000)", 0.5, "l2", 0, 0},

    {"alpha_iou(alpha=1)", 1, "box_iou", 0, 0},
    {"alpha_iou(alpha=2)", 1, "box_iou(form=square)", 0, LOOSE},
    {"inner_ciou(ratio=1)", 1, "ciou", 0, 0},
    {"focal_eiou(gamma=0)", 1, "eiou", 0, 0},
    {"mpdiou(img_w=1000000, img_h=1000000)", 1, "box_iou", 0, LOOSE},
};
enum { SAME = sizeof same / sizeof same[0] };

static struct criterion_test_params indices(size_t count) {
    static size_t index[128];
    for (size_t i = 0; i < count; i++) index[i] = i;
    return cr_make_param_array(size_t, index, count);
}

static void compare_on(size_t row, loss_kind form, sample_scenario scenario, int soft, int weighted) {
    static sample s;
    sample_fill(&s, form, scenario);
    if (form == LOSS_MASK && weighted && s.batch.images == 3) { /* the three as channels of one image */
        s.batch.images = 1;
        s.batch.channels = 3;
    }
    if (weighted) s.batch.weight = s.weight;
    for (int c = 0; c < 8 && (same[row].flags & EQUAL_COUNTS); c++) s.counts[c] = 250;
    for (size_t i = 0; soft && i < SAMPLE_SIZE; i++) s.target[i] = 0.1 + 0.8 * sample_noise((unsigned)i, 9);
    expect_equal(same[row].left, same[row].factor, same[row].right, same[row].offset, &s.batch,
                 same[row].flags & LOOSE ? 1e-3 : 1e-9);
}

ParameterizedTestParameters(loss_identities, special_cases_are_other_losses) { return indices(SAME); }
ParameterizedTest(size_t *row, loss_identities, special_cases_are_other_losses) {
    int forms = 0;
    lb_error error = {0};
    loss *left = sample_loss(same[*row].left, &error), *right = left ? sample_loss(same[*row].right, &error) : NULL;
    cr_assert(right != NULL, "%s or %s: %s", same[*row].left, same[*row].right, error.message);
    for (loss_kind form = LOSS_BINARY; form <= LOSS_BOX; form++) {
        if (!loss_takes(left, form) || !loss_takes(right, form)) continue;
        for (sample_scenario scenario = 0; scenario < SAMPLE_COUNT; scenario++) {
            compare_on(*row, form, scenario, 0, 0);
            if (!(same[*row].flags & UNWEIGHTED)) compare_on(*row, form, scenario, 0, 1);
            if (form <= LOSS_MASK && (same[*row].flags & SOFT)) compare_on(*row, form, scenario, 1, 0);
        }
        forms++;
    }
    cr_assert(forms > 0, "%s and %s have no kind in common", same[*row].left, same[*row].right);
    loss_free(left);
    loss_free(right);
}

/* --- two classes are one logit ---------------------------------------------------------------------------------------
 */

/* Two-class logits (0, z) cost what the binary logit z does, with gradient (-g, g). */
static void expect_binary(const char *multiclass, double factor, const char *binary) {
    static sample s;
    static double pairs[2 * 45], wanted[45], grad[2 * 45];
    static int classes[45];
    sample_fill(&s, LOSS_BINARY, SAMPLE_MIXED);
    for (size_t i = 0; i < 45; i++) {
        pairs[2 * i] = sample_noise((unsigned)i, 20) - 0.5;
        pairs[2 * i + 1] = pairs[2 * i] + s.input[i];
        classes[i] = s.target[i] > 0;
    }
    const double counts[2] = {900, 100};
    const loss_batch two = {
        .images = 45, .channels = 2, .pixels = 1, .input = pairs, .classes = classes, .class_counts = counts};
    const double value = evaluated(multiclass, &two, grad), one = evaluated(binary, &s.batch, wanted);
    expect_near(multiclass, 0, value, factor * one, 0, 1e-9);
    for (size_t i = 0; i < 45; i++) {
        expect_near(multiclass, i, grad[2 * i + 1], factor * wanted[i], 0.01, 1e-9);
        expect_near(multiclass, i, grad[2 * i], -factor * wanted[i], 0.01, 1e-9);
    }
}

Test(loss_identities, two_classes_are_one_logit) {
    expect_binary("ce", 1, "bce");
    expect_binary("ce(label_smoothing=0.2)", 1, "bce(label_smoothing=0.2)");
    expect_binary("focal_multiclass(gamma=1.5)", 1, "focal(gamma=1.5)");
    expect_binary("logit_adjusted(tau=2)", 1, "logit_adjusted(tau=2)");
    expect_binary("ldam(s=2)", 1, "ldam(s=2)");
    /* shares 0.9 and 0.1: w = 1/5 and 9/5; the mean divides by the sum of the weights of the items */
    expect_binary("weighted_ce(mean_divisor=count)", 0.2, "weighted_bce(pos_weight=9)");
}

/* One sigmoid a class. */
Test(loss_identities, class_balanced_focal_is_a_sum_of_binary_losses) {
    static sample s;
    static double one_hot[90 * 3], grad[SAMPLE_SIZE], wanted[SAMPLE_SIZE];
    sample_fill(&s, LOSS_MULTICLASS, SAMPLE_MIXED);
    for (size_t i = 0; i < 90; i++)
        for (int c = 0; c < 3; c++) one_hot[i / 30 * 90 + (size_t)c * 30 + i % 30] = s.classes[i] == c;
    loss_batch masks = s.batch;
    masks.classes = NULL;
    masks.target = one_hot;
    const double value = evaluated("class_balanced_focal(beta=0, gamma=1.5)", &s.batch, grad);
    expect_near("value", 0, value, 3 * evaluated("focal(gamma=1.5)", &masks, wanted), 0, 1e-9);
    for (size_t i = 0; i < 270; i++) expect_near("gradient", i, grad[i], 3 * wanted[i], 0, 1e-9);
}

/* --- pairs -------------------------------------------------------------------------------------------------------- */

/* The mean over pairs of a defect and a good part of `pair`, a function of the difference of their logits. */
static void expect_pairs(const char *expression, double (*pair)(double t), double (*slope)(double t)) {
    static sample s;
    static double grad[SAMPLE_SIZE], wanted[SAMPLE_SIZE];
    for (sample_scenario scenario = SAMPLE_MIXED; scenario <= SAMPLE_OTHER; scenario++) {
        double value = 0, pairs = 0;
        sample_fill(&s, LOSS_BINARY, scenario);
        s.input[3] = s.input[7] = s.input[8]; /* ties */
        memset(wanted, 0, sizeof wanted);
        for (size_t i = 0; i < 45; i++)
            for (size_t j = 0; j < 45; j++) {
                if (!(s.target[i] > 0) || s.target[j] > 0) continue;
                const double t = s.input[i] - s.input[j];
                pairs++;
                value += pair(t);
                wanted[i] += slope(t);
                wanted[j] -= slope(t);
            }
        expect_near(expression, 0, evaluated(expression, &s.batch, grad), value / pairs, 0, 1e-9);
        for (size_t i = 0; i < 45; i++) expect_near(expression, i, grad[i], wanted[i] / pairs, 0.01, 1e-9);
    }
}

static double square(double t) { return (0.75 - t) * (0.75 - t); }
static double square_slope(double t) { return -2 * (0.75 - t); }
static double squared_hinge(double t) { return t < 0.75 ? square(t) : 0; }
static double squared_hinge_slope(double t) { return t < 0.75 ? square_slope(t) : 0; }
static double logistic_of_pair(double t) { return log1p(exp(-0.75 * t)); }
static double logistic_slope(double t) { return -0.75 / (1 + exp(0.75 * t)); }

Test(loss_identities, auc_pairwise_is_a_mean_over_pairs) {
    expect_pairs("auc_pairwise(surrogate=squared, hparam=0.75, scores=logit)", square, square_slope);
    expect_pairs("auc_pairwise(surrogate=squared_hinge, hparam=0.75, scores=logit)", squared_hinge,
                 squared_hinge_slope);
    expect_pairs("auc_pairwise(surrogate=logistic, hparam=0.75, scores=logit)", logistic_of_pair, logistic_slope);
}

/* For each defect lambda log mean over good parts of e^(l / lambda), l the squared hinge of the pair. */
Test(loss_identities, pauc_is_a_soft_maximum_over_good_parts) {
    static sample s;
    static double grad[SAMPLE_SIZE], wanted[SAMPLE_SIZE];
    const double lambda = 3;
    double value = 0, positives = 0, negatives = 0;
    sample_fill(&s, LOSS_BINARY, SAMPLE_MIXED);
    memset(wanted, 0, sizeof wanted);
    for (size_t i = 0; i < 45; i++) *(s.target[i] > 0 ? &positives : &negatives) += 1;
    for (size_t i = 0; i < 45; i++) {
        double sum = 0;
        if (!(s.target[i] > 0)) continue;
        for (size_t j = 0; j < 45; j++)
            if (!(s.target[j] > 0)) sum += exp(squared_hinge(s.input[i] - s.input[j]) / lambda);
        value += lambda * log(sum / negatives) / positives;
        for (size_t j = 0; j < 45; j++) {
            const double t = s.input[i] - s.input[j], share = exp(squared_hinge(t) / lambda) / sum / positives;
            if (s.target[j] > 0) continue;
            wanted[i] += share * squared_hinge_slope(t);
            wanted[j] -= share * squared_hinge_slope(t);
        }
    }
    expect_near("value", 0, evaluated("pauc(margin=0.75, lambda=3, scores=logit)", &s.batch, grad), value, 0, 1e-9);
    for (size_t i = 0; i < 45; i++) expect_near("gradient", i, grad[i], wanted[i], 0.01, 1e-9);
}

/* At the optimum of a, b and alpha the margin loss is the squared pairwise one times p (1-p): while alpha is above 0.
 */
Test(loss_identities, auc_margin_at_its_optimum_is_the_squared_loss_of_pairs) {
    static sample s;
    static double grad[SAMPLE_SIZE], wanted[SAMPLE_SIZE];
    double positives = 0;
    sample_fill(&s, LOSS_BINARY, SAMPLE_MIXED);
    for (size_t i = 0; i < 45; i++) positives += s.target[i];
    const double factor = positives / 45 * (1 - positives / 45);
    const double value = evaluated("auc_margin(margin=5, scores=logit)", &s.batch, grad);
    const double pairs = evaluated("auc_pairwise(surrogate=squared, hparam=5, scores=logit)", &s.batch, wanted);
    expect_near("value", 0, value, factor * pairs, 0, 1e-9);
    for (size_t i = 0; i < 45; i++) expect_near("gradient", i, grad[i], factor * wanted[i], 0.001, 1e-9);
}

/* --- regions ------------------------------------------------------------------------------------------------------ */

/* left = f(right) on one image, `slope` its derivative: on an uncertain prediction and on ever better ones. */
static void expect_function(const char *left, const char *right, double (*f)(double), double (*slope)(double)) {
    static sample s;
    static double grad[SAMPLE_SIZE], other[SAMPLE_SIZE];
    for (int round = 0; round < 30; round++) {
        sample_fill(&s, LOSS_MASK, SAMPLE_ONE_IMAGE);
        for (size_t i = 0; round && i < 30; i++)
            s.input[i] = (s.target[i] > 0 ? 1 : -1) * (3 + 0.1 * round) + 0.5 * s.input[i];
        const double inner = evaluated(right, &s.batch, other);
        double largest = 0;
        for (size_t i = 0; i < 30; i++) largest = fmax(largest, fabs(slope(inner) * other[i]));
        expect_near(left, 0, evaluated(left, &s.batch, grad), f(inner), 0, 1e-10);
        for (size_t i = 0; i < 30; i++) expect_near(left, i, grad[i], slope(inner) * other[i], largest, 1e-10);
    }
}

/* 1 - 2 IoU / (1 + IoU) by 1 - IoU */
static double dice_by_iou(double x) { return x / (2 - x); }
static double dice_slope_by_iou(double x) { return 2 / ((2 - x) * (2 - x)); }
static double log_cosh(double x) { return log1p(2 * sinh(0.5 * x) * sinh(0.5 * x)); }
static double to_the_3_4(double x) { return pow(x, 0.75); }
static double slope_of_the_3_4(double x) { return 0.75 * pow(x, -0.25); }
static double minus_log_rest(double x) { return -log(1 - x); }
static double slope_of_minus_log_rest(double x) { return 1 / (1 - x); }

Test(loss_identities, functions_of_one_score) {
    expect_function("dice(smooth_nr=0, smooth_dr=0)", "iou(smooth_nr=0, smooth_dr=0)", dice_by_iou, dice_slope_by_iou);
    expect_function("log_cosh_dice", "dice", log_cosh, tanh);
    expect_function("log_cosh_dice(squared=on)", "dice(squared=on)", log_cosh, tanh);
    expect_function("focal_tversky(exponent=0.75)", "tversky", to_the_3_4, slope_of_the_3_4);
    expect_function("dice(log_loss=on)", "dice", minus_log_rest, slope_of_minus_log_rest);
    expect_function("tversky(log_loss=on)", "tversky", minus_log_rest, slope_of_minus_log_rest);
}

/* Background is the foreground of the mask turned round, with p and 1-p exchanged. */
static void turn(sample *s) {
    for (size_t i = 0; i < sample_size(s); i++) {
        s->input[i] = -s->input[i];
        s->target[i] = 1 - s->target[i];
    }
}

Test(loss_identities, unified_focal_tversky_is_a_mean_over_background_and_foreground) {
    static sample s;
    static double grad[SAMPLE_SIZE], fore[SAMPLE_SIZE], back[SAMPLE_SIZE];
    static const struct {
        const char *unified, *foreground, *background;
    } cases[] = {
        {"unified_focal_sym(lambda=1, gamma=0, delta=0.5, smooth=0)", "dice(smooth_nr=0, smooth_dr=0)",
         "dice(smooth_nr=0, smooth_dr=0)"},
        {"unified_focal_sym(lambda=1, gamma=0.25, delta=0.7, smooth=1e-6)",
         "focal_tversky(alpha=0.3, beta=0.7, exponent=0.75, smooth_nr=1e-6, smooth_dr=1e-6)",
         "focal_tversky(alpha=0.3, beta=0.7, exponent=0.75, smooth_nr=1e-6, smooth_dr=1e-6)"},
        {"unified_focal_asym(lambda=1, gamma=0.25, delta=0.7, smooth=1e-6)",
         "focal_tversky(alpha=0.3, beta=0.7, exponent=0.75, smooth_nr=1e-6, smooth_dr=1e-6)",
         "tversky(alpha=0.3, beta=0.7, smooth_nr=1e-6, smooth_dr=1e-6)"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        sample_fill(&s, LOSS_MASK, SAMPLE_MIXED);
        const double value = evaluated(cases[c].unified, &s.batch, grad);
        const double front = evaluated(cases[c].foreground, &s.batch, fore);
        turn(&s);
        const double rear = evaluated(cases[c].background, &s.batch, back);
        expect_near(cases[c].unified, 0, value, 0.5 * (front + rear), 0, 1e-9);
        for (size_t i = 0; i < sample_size(&s); i++)
            expect_near(cases[c].unified, i, grad[i], 0.5 * (fore[i] - back[i]), 0.001, 1e-9);
    }
}

/* --- Lovasz: the Jaccard loss at hard predictions --------------------------------------------------------------------
 */

/* 1 - |A and B| / |A or B| of one image's prediction z > 0 and labels; 0 for two empty masks. */
static double jaccard_loss(const double *z, const double *y, size_t n) {
    double both = 0, either = 0;
    for (size_t i = 0; i < n; i++) {
        both += z[i] > 0 && y[i] > 0;
        either += z[i] > 0 || y[i] > 0;
    }
    return either > 0 ? 1 - both / either : 0;
}

/* Logits of +-1 are errors of 2 where they are wrong and of 0 where they are right: twice the Jaccard loss. */
Test(loss_identities, lovasz_hinge_is_the_jaccard_loss_of_hard_predictions) {
    static sample s;
    for (unsigned draw = 0; draw < 20; draw++) {
        double wanted = 0;
        sample_fill(&s, LOSS_MASK, SAMPLE_MIXED);
        for (size_t i = 0; i < 90; i++) s.input[i] = sample_noise(draw, (unsigned)i) < 0.05 * draw ? 1 : -1;
        for (size_t image = 0; image < 3; image++)
            wanted += jaccard_loss(s.input + 30 * image, s.target + 30 * image, 30) / 3;
        expect_near("per image, draw", draw, evaluated("lovasz_hinge(per_image=on)", &s.batch, NULL), 2 * wanted, 0,
                    1e-9);
        expect_near("batch, draw", draw, evaluated("lovasz_hinge(per_image=off)", &s.batch, NULL),
                    2 * jaccard_loss(s.input, s.target, 90), 0, 1e-9);
    }
}

/* Sure predictions of classes: the mean over classes of the Jaccard loss of each against the rest. */
Test(loss_identities, lovasz_softmax_is_the_jaccard_loss_of_sure_predictions) {
    static sample s;
    static double one[90], label[90];
    for (unsigned draw = 0; draw < 20; draw++) {
        double all = 0, present = 0, count = 0;
        sample_fill(&s, LOSS_MULTICLASS, SAMPLE_MIXED);
        for (size_t i = 0; i < 90; i++) {
            const int guess = sample_noise(draw, (unsigned)i) < 0.05 * draw ? s.classes[i] : (int)(i % 3);
            if (draw % 2 && s.classes[i] == 2) s.classes[i] = 1;
            for (int c = 0; c < 3; c++) s.input[i / 30 * 90 + (size_t)c * 30 + i % 30] = c == guess ? 100 : -100;
        }
        for (int c = 0; c < 3; c++) {
            double items = 0;
            for (size_t i = 0; i < 90; i++) {
                one[i] = s.input[i / 30 * 90 + (size_t)c * 30 + i % 30];
                label[i] = s.classes[i] == c;
                items += label[i];
            }
            all += jaccard_loss(one, label, 90) / 3;
            present += items > 0 ? jaccard_loss(one, label, 90) : 0;
            count += items > 0;
        }
        expect_near("all, draw", draw, evaluated("lovasz_softmax(classes=all, per_image=off)", &s.batch, NULL), all, 0,
                    1e-9);
        expect_near("present, draw", draw, evaluated("lovasz_softmax(classes=present, per_image=off)", &s.batch, NULL),
                    present / count, 0, 1e-9);
    }
}

/* --- distances ---------------------------------------------------------------------------------------------------- */

enum { HIGH = 7, WIDE = 9, AREA = HIGH * WIDE };

/* From pixel i to the nearest pixel that is not as it is, every pixel tried; 0 where there is none. */
static double distance_by_force(const unsigned char *inside, size_t i) {
    double nearest = (double)INFINITY;
    for (size_t k = 0; k < AREA; k++) {
        const double dy = (double)(k / WIDE) - (double)(i / WIDE), dx = (double)(k % WIDE) - (double)(i % WIDE);
        if (inside[k] != inside[i]) nearest = fmin(nearest, dy * dy + dx * dx);
    }
    return isinf(nearest) ? 0 : sqrt(nearest);
}

typedef struct {
    double input[AREA], target[AREA], grad[AREA];
    unsigned char truth[AREA], guess[AREA];
    loss_batch batch;
} scene;

/* From empty over sparse and dense to full masks. */
static void draw_scene(scene *s, unsigned draw) {
    for (unsigned i = 0; i < AREA; i++) {
        s->truth[i] = sample_noise(draw, i) < 0.1 * draw - 0.05;
        s->target[i] = s->truth[i];
        s->input[i] = 6 * sample_noise(draw + 100, i) - 3 + 0.3 * (draw - 5.0);
        s->guess[i] = s->input[i] > 0;
    }
    s->batch =
        (loss_batch){.images = 1, .channels = 1, .pixels = AREA, .width = WIDE, .input = s->input, .target = s->target};
}

static double sigmoid(double z) { return 1 / (1 + exp(-z)); }

Test(loss_identities, boundary_is_the_mean_of_p_phi_by_brute_force) {
    static scene s;
    for (unsigned draw = 0; draw < 12; draw++) {
        double wanted = 0;
        draw_scene(&s, draw);
        const double value = evaluated("boundary", &s.batch, s.grad);
        for (size_t i = 0; i < AREA; i++) {
            const double d = distance_by_force(s.truth, i), p = sigmoid(s.input[i]);
            const double phi = d > 0 ? (s.truth[i] ? 1 - d : d) : 0;
            wanted += p * phi / AREA;
            expect_near("gradient", i, s.grad[i], p * (1 - p) * phi / AREA, 0.01, 1e-9);
        }
        expect_near("draw", draw, value, wanted, 0.01, 1e-9);
    }
}

static void expect_hausdorff(const char *expression, double alpha) {
    static scene s;
    for (unsigned draw = 0; draw < 12; draw++) {
        double wanted = 0;
        draw_scene(&s, draw);
        const double value = evaluated(expression, &s.batch, s.grad);
        for (size_t i = 0; i < AREA; i++) {
            const double p = sigmoid(s.input[i]), d = p - s.target[i];
            const double ours = distance_by_force(s.guess, i), theirs = distance_by_force(s.truth, i);
            const double w = (ours > 0 ? pow(ours, alpha) : 0) + (theirs > 0 ? pow(theirs, alpha) : 0);
            wanted += d * d * w / AREA;
            expect_near(expression, i, s.grad[i], 2 * d * p * (1 - p) * w / AREA, 0.01, 1e-9);
        }
        expect_near(expression, draw, value, wanted, 0.01, 1e-9);
    }
}

Test(loss_identities, hausdorff_dt_is_its_formula_by_brute_force) {
    expect_hausdorff("hausdorff_dt", 2);
    expect_hausdorff("hausdorff_dt(alpha=1)", 1);
    expect_hausdorff("hausdorff_dt(alpha=1.5)", 1.5);
    expect_hausdorff("hausdorff_dt(alpha=4)", 4);
}

/* --- boxes -------------------------------------------------------------------------------------------------------- */

/* Both losses on boxes that `shape` may change. */
static void expect_equal_boxes(const char *left, const char *right, void (*shape)(double *box, const double *target)) {
    static sample s;
    for (sample_scenario scenario = 0; scenario < SAMPLE_COUNT; scenario++) {
        sample_fill(&s, LOSS_BOX, scenario);
        for (size_t i = 0; i < s.batch.images; i++) shape(s.input + 4 * i, s.target + 4 * i);
        expect_equal(left, 1, right, 0, &s.batch, 1e-9);
    }
}

/* The target's shape at another size and place. */
static void same_shape(double *box, const double *target) {
    const double scale = 0.5 + fmod(10 * fabs(box[0]), 1);
    box[2] = box[0] + scale * (target[2] - target[0]);
    box[3] = box[1] + scale * (target[3] - target[1]);
}

/* The target's size. */
static void same_size(double *box, const double *target) {
    box[2] = box[0] + (target[2] - target[0]);
    box[3] = box[1] + (target[3] - target[1]);
}

static void concentric(double *box, const double *target) {
    for (int k = 0; k < 2; k++) {
        const double middle = 0.5 * (target[k] + target[k + 2]), half = 0.5 * (box[k + 2] - box[k]);
        box[k] = middle - half;
        box[k + 2] = middle + half;
    }
}

Test(loss_identities, box_losses_that_differ_in_what_these_boxes_share) {
    expect_equal_boxes("ciou", "diou", same_shape);
    expect_equal_boxes("ciou(alpha_detached=off)", "diou", same_shape);
    static sample s;
    sample_fill(&s, LOSS_BOX, SAMPLE_MIXED);
    for (size_t i = 0; i < s.batch.images; i++) same_size(s.input + 4 * i, s.target + 4 * i);
    /* values: the slopes by the sizes differ */
    expect_near("eiou and diou of one size", 0, evaluated("eiou", &s.batch, NULL), evaluated("diou", &s.batch, NULL), 0,
                1e-9);
    sample_fill(&s, LOSS_BOX, SAMPLE_MIXED);
    for (size_t i = 0; i < s.batch.images; i++) concentric(s.input + 4 * i, s.target + 4 * i);
    static const char *const centred[] = {"diou", "wiou_v1"};
    for (size_t i = 0; i < 2; i++) expect_equal(centred[i], 1, "box_iou", 0, &s.batch, 1e-9);
}

/* Boxes inside their targets: the enclosing box is the target, which is the union. */
Test(loss_identities, giou_of_a_box_inside_its_target_is_iou) {
    static sample s;
    sample_fill(&s, LOSS_BOX, SAMPLE_POSITIVE);
    expect_equal("giou", 1, "box_iou", 0, &s.batch, 1e-9);
}

static int is_without_scale(const char *name) {
    return strcmp(name, "mpdiou") != 0 && strcmp(name, "nwd") != 0; /* these measure in pixels */
}

/* x and y exchanged; seen in a mirror; seen four times as large. */
enum { EXCHANGED, MIRRORED, ENLARGED, VIEWS };

static void view_box(double *b, int view) {
    const double was[4] = {b[0], b[1], b[2], b[3]};
    const double exchanged[4] = {was[1], was[0], was[3], was[2]}, mirrored[4] = {-was[2], was[1], -was[0], was[3]};
    for (int k = 0; k < 4; k++) b[k] = view == EXCHANGED ? exchanged[k] : view == MIRRORED ? mirrored[k] : 4 * was[k];
}

/* The gradient of the view, in the coordinates of the original. */
static void view_back(double *g, int view) {
    const double was[4] = {g[0], g[1], g[2], g[3]};
    const double exchanged[4] = {was[1], was[0], was[3], was[2]}, mirrored[4] = {-was[2], was[1], -was[0], was[3]};
    for (int k = 0; k < 4; k++) g[k] = view == EXCHANGED ? exchanged[k] : view == MIRRORED ? mirrored[k] : 4 * was[k];
}

static void expect_view(const char *expression, int view) {
    static sample s;
    static double grad[SAMPLE_SIZE], other[SAMPLE_SIZE];
    for (sample_scenario scenario = 0; scenario < SAMPLE_COUNT; scenario++) {
        sample_fill(&s, LOSS_BOX, scenario);
        const double value = evaluated(expression, &s.batch, grad);
        for (size_t i = 0; i < s.batch.images; i++) {
            view_box(s.input + 4 * i, view);
            view_box(s.target + 4 * i, view);
        }
        expect_near(expression, (size_t)view, evaluated(expression, &s.batch, other), value, 0, 1e-9);
        for (size_t i = 0; i < s.batch.images; i++) {
            view_back(other + 4 * i, view);
            for (size_t k = 0; k < 4; k++)
                expect_near(expression, 4 * i + k, other[4 * i + k], grad[4 * i + k], 0.01, 1e-9);
        }
    }
}

static struct criterion_test_params every_loss(void) {
    static size_t index[128];
    return cr_make_param_array(size_t, index, sample_losses(index));
}

ParameterizedTestParameters(loss_identities, box_losses_see_no_axis_no_side_and_no_unit) { return every_loss(); }
ParameterizedTest(size_t *index, loss_identities, box_losses_see_no_axis_no_side_and_no_unit) {
    const loss_type *type = loss_type_at(*index);
    for (int view = 0; type->kind == LOSS_BOX && view < VIEWS; view++)
        if (view != ENLARGED || is_without_scale(type->name)) expect_view(type->name, view);
}
