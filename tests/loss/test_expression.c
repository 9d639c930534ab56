/* Expressions of losses: what is read, what is refused and with which sentence, the texts, resolving and tuning. */
#include "tests/loss/fixture.h"

#include <math.h>
#include <string.h>

static struct criterion_test_params indices(size_t count) {
    static size_t index[64];
    for (size_t i = 0; i < count; i++) index[i] = i;
    return cr_make_param_array(size_t, index, count);
}

static loss *parsed(const char *expression) {
    lb_error error = {0};
    loss *l = loss_parse(expression, &error);
    cr_assert(l != NULL, "'%s': %s", expression, error.message);
    return l;
}

static const struct {
    const char *expression, *text, *label;
} readable[] = {
    {"bce", "bce@1(label_smoothing=0)", "bce"},
    {"  bce  ( ) ", "bce@1(label_smoothing=0)", "bce"},
    {"1*bce", "bce@1(label_smoothing=0)", "bce"},
    {"0.50 * bce", "0.5*bce@1(label_smoothing=0)", "0.5*bce"},
    {".5*bce+2*bce", "0.5*bce@1(label_smoothing=0) + 2*bce@1(label_smoothing=0)", "0.5*bce + 2*bce"},
    {"0*bce + 1e-3*bce", "0*bce@1(label_smoothing=0) + 0.001*bce@1(label_smoothing=0)", "0*bce + 0.001*bce"},
    {"bce(label_smoothing=0)", "bce@1(label_smoothing=0)", "bce"},
    {"bce(label_smoothing = 0.10)", "bce@1(label_smoothing=0.1)", "bce(label_smoothing=0.1)"},
    {"focal(alpha=0.9,gamma=3)", "focal@1(gamma=3, alpha=0.9, mean_divisor=elements)", "focal(gamma=3, alpha=0.9)"},
    {"focal( alpha = auto , gamma = 2 )", "focal@1(gamma=2, alpha=auto, mean_divisor=elements)", "focal(alpha=auto)"},
    {"focal(alpha=off)", "focal@1(gamma=2, alpha=off, mean_divisor=elements)", "focal"},
    {"focal(alpha=0)", "focal@1(gamma=2, alpha=0, mean_divisor=elements)", "focal(alpha=0)"},
    {"weighted_bce", "weighted_bce@1(pos_weight=auto, neg_weight=1)", "weighted_bce"},
};
enum { READABLE = sizeof readable / sizeof readable[0] };

ParameterizedTestParameters(expression, has_one_text_and_one_label) { return indices(READABLE); }
ParameterizedTest(size_t *i, expression, has_one_text_and_one_label) {
    loss *l = parsed(readable[*i].expression);
    cr_assert(eq(str, (char *)loss_text(l), (char *)readable[*i].text));
    cr_assert(eq(str, (char *)loss_label(l), (char *)readable[*i].label));
    loss *again = parsed(loss_label(l));
    cr_assert(eq(str, (char *)loss_text(again), (char *)loss_text(l)), "the label does not read back");
    loss_free(again);
    loss_free(l);
}

static const struct {
    const char *expression, *sentence;
} refused[] = {
    {"", "expected the name of a loss at the end of ''"},
    {"   ", "expected the name of a loss at the end"},
    {"bce +", "expected the name of a loss at the end of 'bce +'"},
    {"+ bce", "expected the name of a loss at character 1 of"},
    {"bce + + focal", "expected the name of a loss at character 7 of"},
    {"bce focal", "expected '+' or the end at character 5 of"},
    {"bce)", "expected '+' or the end at character 4 of"},
    {"bce - focal", "expected '+' or the end at character 5 of"},
    {"2 bce", "expected '*' between a weight and its loss at character 3 of"},
    {"bce + 3", "expected '*' between a weight and its loss at the end of"},
    {"bce + -1*focal", "a weight is negative; weights are 0 or more at character 7 of"},
    {"*bce", "expected the name of a loss at character 1 of"},
    {".*bce", "expected a weight at character 1 of"},
    {"2e6*bce", "a weight is above 1e6 at character 1 of"},
    {"1e999*bce", "a weight is above 1e6"},
    {"inf*bce", "no loss is called 'inf'"},
    {"nan*bce", "no loss is called 'nan'"},
    {"bce + fokal(gamma=2)", "no loss is called 'fokal', at character 7 of"},
    {"fokal", "there are: bce, weighted_bce, focal"},
    {"BCE", "no loss is called 'BCE'"},
    {"bce(", "'(' is not closed"},
    {"focal(gamma)", "expected name=value at 'gamma'"},
    {"focal(gama=2)", "loss 'focal' has no parameter 'gama'; it has: gamma, alpha, mean_divisor"},
    {"focal(gamma=2, gamma=3)", "parameter 'gamma' is given twice"},
    {"focal(gamma=10.5)", "loss 'focal': gamma=10.5 is not a number from 0 to 10"},
    {"focal(gamma=)", "gamma= is not a number from 0 to 10"},
    {"focal(gamma=nan)", "gamma=nan is not a number from 0 to 10"},
    {"focal(gamma=two)", "gamma=two is not a number from 0 to 10"},
    {"focal(alpha=-1)", "alpha=-1 is not a number from 0 to 1 or one of: off, auto"},
    {"focal(mean_divisor=rows)", "mean_divisor=rows is not one of: elements, positives"},
    {"bce+bce+bce+bce+bce+bce+bce+bce+bce", "more than 8 losses"},
};
enum { REFUSED = sizeof refused / sizeof refused[0] };

ParameterizedTestParameters(expression, is_refused_with_a_sentence) { return indices(REFUSED); }
ParameterizedTest(size_t *i, expression, is_refused_with_a_sentence) {
    lb_error error = {0};
    loss *l = loss_parse(refused[*i].expression, &error);
    cr_assert(l == NULL, "'%s' is accepted", refused[*i].expression);
    cr_assert(eq(int, (int)error.code, LB_INVALID));
    cr_assert(strstr(error.message, refused[*i].sentence) != NULL, "'%s' says: %s", refused[*i].expression,
              error.message);
}

Test(expression, missing_or_endless_text_is_refused) {
    lb_error error = {0};
    cr_assert(loss_parse(NULL, &error) == NULL && error.code == LB_INVALID);
    cr_assert(loss_parse("fokal", NULL) == NULL, "error may be NULL");
    static char endless[5000];
    memset(endless, 'x', sizeof endless - 1);
    cr_assert(loss_parse(endless, &error) == NULL && error.code == LB_INVALID);
}

Test(expression, copies_are_independent) {
    loss *l = parsed("focal"), *copy = loss_copy(l);
    cr_assert(loss_set_tunable(l, 0, 4, NULL) == LB_OK);
    cr_assert(eq(str, (char *)loss_label(copy), "focal"));
    cr_assert(eq(str, (char *)loss_label(l), "focal(gamma=4)"));
    loss_free(l);
    loss_free(copy);
    loss_free(NULL);
}

Test(expression, kind_is_that_of_its_losses) {
    loss *l = parsed("bce + focal");
    cr_assert(eq(int, (int)loss_kind_of(l), LOSS_BINARY));
    loss_free(l);
}

/* --- auto -------------------------------------------------------------------------------------------------------- */

static void expect_resolved(const char *expression, double good, double defect, const char *label) {
    loss *l = parsed(expression);
    const loss_counts counts = {.good = good, .defect = defect};
    lb_error error = {0};
    cr_assert(loss_resolve(l, &counts, &error) == LB_OK, "%s", error.message);
    cr_assert(eq(str, (char *)loss_label(l), (char *)label));
    cr_assert(loss_resolve(l, NULL, &error) == LB_OK, "resolving twice needs nothing more: %s", error.message);
    loss_free(l);
}

Test(expression, auto_becomes_the_inverse_frequency) {
    expect_resolved("weighted_bce", 900, 100, "weighted_bce(pos_weight=9)");
    expect_resolved("focal(alpha=auto)", 300, 100, "focal(alpha=0.75)");
    expect_resolved("logit_adjusted", 300, 100, "logit_adjusted(prior=0.25)");
    expect_resolved("class_balanced", 321, 23, "class_balanced(goods=321, defects=23)");
    expect_resolved("class_balanced(goods=7)", 321, 23, "class_balanced(goods=7, defects=23)");
    expect_resolved("weighted_bce(pos_weight=3)", 900, 100, "weighted_bce(pos_weight=3)");
    expect_resolved("bce + 2*weighted_bce", 50, 50, "bce + 2*weighted_bce(pos_weight=1)");
}

Test(expression, auto_needs_both_classes_and_evaluation_needs_numbers) {
    const loss_counts impossible[] = {{10, 0}, {0, 10}, {-1, 10}, {(double)NAN, 10}, {(double)INFINITY, 1}};
    loss *l = parsed("bce + weighted_bce"), *plain = parsed("bce");
    lb_error error = {0};
    for (size_t i = 0; i < sizeof impossible / sizeof impossible[0]; i++) {
        cr_assert(loss_resolve(l, &impossible[i], &error) == LB_INVALID);
        cr_assert(strstr(error.message,
                         "'weighted_bce': pos_weight=auto needs a training set with goods and defects") != NULL,
                  "%s", error.message);
        cr_assert(loss_resolve(plain, &impossible[i], &error) == LB_OK, "bce needs no counts");
    }
    cr_assert(loss_resolve(l, NULL, &error) == LB_INVALID);
    const float z = 1, y = 0;
    const loss_batch batch = batch_of(1, &z, &y);
    double value;
    cr_assert(loss_eval(l, &batch, LOSS_MEAN, &value, NULL, NULL, NULL, &error) == LB_INVALID);
    cr_assert(strstr(error.message, "pos_weight is still auto") != NULL, "%s", error.message);
    loss_free(l);
    loss_free(plain);
}

/* --- tuning ------------------------------------------------------------------------------------------------------ */

static void expect_tunables(const char *expression, size_t count, const char *const *names) {
    loss *l = parsed(expression);
    cr_assert(eq(sz, loss_tunables(l), count), "%s", expression);
    for (size_t i = 0; i < count; i++) {
        cr_assert(eq(str, (char *)loss_tunable(l, i)->name, (char *)names[i]));
        cr_assert(lt(dbl, loss_tunable(l, i)->tune_low, loss_tunable(l, i)->tune_high));
    }
    cr_assert(loss_tunable(l, count) == NULL);
    cr_assert(loss_set_tunable(l, count, 1, NULL) == LB_INVALID);
    loss_free(l);
}

Test(expression, tunables_are_those_not_written) {
    expect_tunables("bce", 0, NULL);
    expect_tunables("focal", 2, (const char *const[]){"gamma", "alpha"});
    expect_tunables("focal(gamma=2)", 1, (const char *const[]){"alpha"});
    expect_tunables("focal(alpha=off)", 1, (const char *const[]){"gamma"});
    expect_tunables("focal(alpha=off, gamma=2)", 0, NULL);
    expect_tunables("weighted_bce", 1, (const char *const[]){"pos_weight"});
    expect_tunables("logit_adjusted", 1, (const char *const[]){"tau"});
    expect_tunables("class_balanced", 1, (const char *const[]){"beta"});
    expect_tunables("asl", 3, (const char *const[]){"gamma_neg", "gamma_pos", "clip"});
    expect_tunables("weighted_bce + 0.5*focal(gamma=1)", 2, (const char *const[]){"pos_weight", "alpha"});
}

Test(expression, tuning_sets_the_text_and_stays_tunable) {
    loss *l = parsed("bce + 2*focal(gamma=1)");
    lb_error error = {0};
    cr_assert(loss_set_tunable(l, 0, 0.875, &error) == LB_OK, "%s", error.message);
    cr_assert(eq(str, (char *)loss_label(l), "bce + 2*focal(gamma=1, alpha=0.875)"));
    cr_assert(eq(sz, loss_tunables(l), 1));
    cr_assert(loss_set_tunable(l, 0, 1.5, &error) == LB_INVALID);
    cr_assert(strstr(error.message, "alpha=1.5 is not a number from 0 to 1") != NULL, "%s", error.message);
    cr_assert(loss_set_tunable(l, 0, (double)NAN, &error) == LB_INVALID);
    cr_assert(eq(str, (char *)loss_label(l), "bce + 2*focal(gamma=1, alpha=0.875)"), "a refused value changes nothing");
    loss_free(l);
}

/* --- compounds --------------------------------------------------------------------------------------------------- */

Test(expression, compound_is_the_weighted_sum_of_its_losses) {
    enum { N = 700 };
    static float z[N], y[N], values[N], grad[N], part_values[N], part_grad[N];
    static double wanted_values[N], wanted_grad[N];
    static const struct {
        const char *expression;
        double weight;
    } parts[] = {{"bce", 1}, {"focal(gamma=3, alpha=0.9)", 2}, {"asl", 0.25}};
    for (int i = 0; i < N; i++) {
        z[i] = (float)(i % 41) * 0.3f - 6;
        y[i] = i % 5 == 0;
    }
    const loss_batch batch = batch_of(N, z, y);
    double wanted = 0;
    for (int p = 0; p < 3; p++) {
        loss *part = resolved(parts[p].expression);
        wanted += parts[p].weight * evaluated(part, &batch, LOSS_NONE, part_values, part_grad);
        for (int i = 0; i < N; i++) wanted_values[i] += parts[p].weight * (double)part_values[i];
        for (int i = 0; i < N; i++) wanted_grad[i] += parts[p].weight * (double)part_grad[i];
        loss_free(part);
    }
    loss *l = resolved("bce + 2*focal(gamma=3, alpha=0.9) + 0.25*asl");
    cr_assert(epsilon_eq(dbl, evaluated(l, &batch, LOSS_NONE, values, grad), wanted, 1e-12 * wanted));
    for (int i = 0; i < N; i++) {
        cr_assert(fabs((double)values[i] - wanted_values[i]) <= 2e-7 * wanted_values[i]);
        cr_assert(fabs((double)grad[i] - wanted_grad[i]) <= 5e-7);
    }
    loss_free(l);
}

/* Each term of a mean has its own divisor. */
Test(expression, compound_mean_divides_term_by_term) {
    static const float z[] = {1, -1, 2, 0.5f}, y[] = {1, 1, 0, 0};
    const loss_batch batch = batch_of(4, z, y);
    loss *l = resolved("bce + focal(mean_divisor=positives)"), *bce = resolved("bce"), *focal = resolved("focal");
    const double wanted =
        evaluated(bce, &batch, LOSS_SUM, NULL, NULL) / 4 + evaluated(focal, &batch, LOSS_SUM, NULL, NULL) / 2;
    cr_assert(epsilon_eq(dbl, evaluated(l, &batch, LOSS_MEAN, NULL, NULL), wanted, 1e-15));
    loss_free(l);
    loss_free(bce);
    loss_free(focal);
}
