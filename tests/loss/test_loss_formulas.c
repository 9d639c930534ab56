/* The formulas of papers and head comments once more, written out plainly with libm and all pairs of everything,
   against the library in double: values; that the gradient is theirs is tested elsewhere. */
#include "lib/loss/loss_double.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <math.h>

#include "tests/loss/samples.h"

static double evaluate(const char *expression, const loss_batch *batch, loss_reduction reduction, double *grad) {
    lb_error error = {0};
    double value = 0;
    loss *l = sample_loss(expression, &error);
    cr_assert(l != NULL, "%s: %s", expression, error.message);
    cr_assert(sample_eval(l, batch, reduction, &value, NULL, grad, &error) == LB_OK, "%s: %s", expression,
              error.message);
    loss_free(l);
    return value;
}

static void expect_value(const char *expression, const loss_batch *batch, loss_reduction reduction, double wanted) {
    const double value = evaluate(expression, batch, reduction, NULL);
    cr_assert(isfinite(wanted) && fabs(value - wanted) <= 1e-9 * fabs(wanted) + 1e-13, "%s is %.15g, not %.15g",
              expression, value, wanted);
}

static double sigmoid(double z) { return 1 / (1 + exp(-z)); }
static double square(double x) { return x * x; }
static double bce(double z, double y) { return log1p(exp(z)) - y * z; }

/* --- elements ----------------------------------------------------------------------------------------------------- */

static double of_bin(double z, double y, size_t bins) {
    return fmin(floor(fabs(sigmoid(z) - y) * (double)bins), (double)bins - 1);
}

/* weight = total / weight in the bin / bins that hold something */
static void expect_ghmc(const sample *s, size_t bins) {
    char expression[40];
    double sum = 0, total = 0, filled = 0, in_bin[100] = {0};
    snprintf(expression, sizeof expression, "ghmc(bins=%zu)", bins);
    for (size_t i = 0; i < 45; i++) {
        in_bin[(size_t)of_bin(s->input[i], s->target[i], bins)] += s->weight[i];
        total += s->weight[i];
    }
    for (size_t b = 0; b < bins; b++) filled += in_bin[b] > 0;
    for (size_t i = 0; i < 45; i++)
        sum += s->weight[i] * bce(s->input[i], s->target[i]) * total /
               in_bin[(size_t)of_bin(s->input[i], s->target[i], bins)] / filled;
    expect_value(expression, &s->batch, LOSS_SUM, sum);
    expect_value(expression, &s->batch, LOSS_MEAN, sum / total);
}

Test(loss_formulas, ghmc) {
    static sample s;
    sample_fill(&s, LOSS_BINARY, SAMPLE_OTHER);
    s.batch.weight = s.weight;
    s.input[4] = 40 * (s.target[4] > 0 ? -1 : 1); /* as wrong as can be */
    expect_ghmc(&s, 10);
    expect_ghmc(&s, 3);
    expect_ghmc(&s, 1);
}

/* The hardest first, until their weights reach K. */
static void expect_hard_mining(const loss_batch *batch, double keep, double min_keep) {
    static double cost[1500];
    static int taken[1500];
    char expression[80];
    double total = 0, sum = 0;
    snprintf(expression, sizeof expression, "hard_mining(keep=%g, min_keep=%g)", keep, min_keep);
    for (size_t i = 0; i < batch->images; i++) {
        cost[i] = bce(batch->input[i], batch->target[i]);
        taken[i] = 0;
        total += batch->weight[i];
    }
    const double most = fmin(fmax(min_keep, floor(keep * total + 1e-9)), total);
    for (double left = most; left > 0;) {
        size_t hardest = batch->images;
        for (size_t i = 0; i < batch->images; i++)
            if (!taken[i] && (hardest == batch->images || cost[i] > cost[hardest])) hardest = i;
        taken[hardest] = 1;
        sum += fmin(left, batch->weight[hardest]) * cost[hardest];
        left -= batch->weight[hardest];
    }
    expect_value(expression, batch, LOSS_SUM, sum);
    expect_value(expression, batch, LOSS_MEAN, sum / most);
}

Test(loss_formulas, hard_mining) {
    static sample s;
    sample_fill(&s, LOSS_BINARY, SAMPLE_MIXED);
    s.batch.weight = s.weight;
    expect_hard_mining(&s.batch, 0.1, 1);
    expect_hard_mining(&s.batch, 0.5, 7);
    expect_hard_mining(&s.batch, 0.125, 12);
    for (size_t i = 0; i < 45; i++) s.weight[i] = (double)(i % 3);
    expect_hard_mining(&s.batch, 0.5, 1);
}

/* Many; and 29 % of 100, which a double has a little less than 29 of. */
Test(loss_formulas, hard_mining_of_many) {
    static double input[1500], target[1500], weight[1500];
    loss_batch batch = {.images = 1500, .channels = 1, .pixels = 1, .input = input, .target = target, .weight = weight};
    for (unsigned i = 0; i < 1500; i++) {
        input[i] = floor(60 * sample_noise(i, 60)) / 10 - 3;
        target[i] = sample_noise(i, 61) < 0.2;
        weight[i] = 1;
    }
    expect_hard_mining(&batch, 0.2, 1);
    batch.images = 100;
    expect_hard_mining(&batch, 0.29, 1);
}

/* Soft labels: quality focal |p-y|^beta bce, varifocal y bce or alpha p^gamma bce. */
Test(loss_formulas, focal_losses_of_soft_labels) {
    static sample s;
    double quality = 0, vari = 0, poly = 0, asl = 0;
    sample_fill(&s, LOSS_BINARY, SAMPLE_MIXED);
    for (size_t i = 0; i < 45; i++) {
        const double z = s.input[i], p = sigmoid(z), cost = bce(z, s.target[i] > 0);
        const double y = s.target[i] = i % 2 ? sample_noise((unsigned)i, 9) : s.target[i];
        const double pt = y * p + (1 - y) * (1 - p), shifted = fmin(1 - p + 0.1, 1);
        const double asl_pt = y * p + (1 - y) * shifted;
        quality += bce(z, y) * pow(fabs(p - y), 1.5);
        vari += bce(z, y) * (y > 0 ? y : 0.6 * pow(p, 1.7));
        poly += (0.8 * y + 0.2 * (1 - y)) * pow(1 - pt, 1.5) * bce(z, y) + 0.7 * pow(1 - pt, 2.5);
        asl += (-y * log(p) - (1 - y) * log(shifted)) * pow(1 - asl_pt, 1.2 * y + 2.5 * (1 - y));
        (void)cost;
    }
    expect_value("quality_focal(beta=1.5)", &s.batch, LOSS_SUM, quality);
    expect_value("varifocal(alpha=0.6, gamma=1.7)", &s.batch, LOSS_SUM, vari);
    expect_value("poly_focal(gamma=1.5, alpha=0.8, epsilon=0.7)", &s.batch, LOSS_SUM, poly);
    expect_value("asl(gamma_pos=1.2, gamma_neg=2.5, clip=0.1)", &s.batch, LOSS_SUM, asl);
}

/* What a nearly sure hit costs keeps its digits, down to where exp(-z) underflows. */
Test(loss_formulas, small_losses_keep_their_digits) {
    for (double z = 0.5; z < 700; z *= 1.3) {
        const double logits[3] = {0, z, -1}, target = 1, rest = exp(-z) + exp(-z - 1);
        const int label = 1;
        const loss_batch one = {.images = 1, .channels = 1, .pixels = 1, .input = &z, .target = &target};
        const loss_batch three = {.images = 1, .channels = 3, .pixels = 1, .input = logits, .classes = &label};
        const double values[2][2] = {{evaluate("bce", &one, LOSS_SUM, NULL), log1p(exp(-z))},
                                     {evaluate("ce", &three, LOSS_SUM, NULL), log1p(rest)}};
        for (int k = 0; k < 2; k++)
            cr_assert(fabs(values[k][0] - values[k][1]) <= 1e-13 * values[k][1], "%s at %g: %.17g, not %.17g",
                      k ? "ce" : "bce", z, values[k][0], values[k][1]);
    }
}

/* --- rankings ----------------------------------------------------------------------------------------------------- */

/* The mean of w l, w = e^(l/lambda) over its mean, is what weight_detached reports. */
Test(loss_formulas, pauc_with_detached_weights) {
    static sample s;
    double value = 0, positives = 0;
    sample_fill(&s, LOSS_BINARY, SAMPLE_MIXED);
    s.batch.weight = s.weight;
    for (size_t i = 0; i < 45; i++) {
        double sum = 0, weights = 0;
        if (!(s.target[i] > 0)) continue;
        for (size_t j = 0; j < 45; j++) {
            const double d = fmax(0.75 - (s.input[i] - s.input[j]), 0), w = s.weight[j] * exp(d * d / 3);
            if (s.target[j] > 0) continue;
            sum += w * d * d;
            weights += w;
        }
        value += s.weight[i] * sum / weights;
        positives += s.weight[i];
    }
    expect_value("pauc(margin=0.75, lambda=3, weight_detached=on)", &s.batch, LOSS_MEAN, value / positives);
}

/* The good part with the highest score has next to no weight: hardly any e^l is left in the mean, but not none. */
Test(loss_formulas, pauc_of_a_weightless_good_part) {
    static const double input[] = {0, 5, 1}, target[] = {1, 0, 0}, weight[] = {1, 1e-30, 1};
    const loss_batch batch = {
        .images = 3, .channels = 1, .pixels = 1, .input = input, .target = target, .weight = weight};
    const double far = 36, near = 4; /* (1 + 5)^2, (1 + 1)^2 */
    expect_value("pauc(margin=1, lambda=0.3)", &batch, LOSS_MEAN,
                 far + 0.3 * log((1e-30 + exp((near - far) / 0.3)) / (1 + 1e-30)));
}

static double surrogate(double u, int hinge) { return hinge ? fmax(0, 1 - u) : log1p(exp(-u)) / log(2); }

Test(loss_formulas, recall_at_fr) {
    static sample s;
    static const double multipliers[] = {0, 0.5, 3, -2};
    char expression[120];
    for (int hinge = 0; hinge < 2; hinge++)
        for (int m = 0; m < 4; m++) {
            double miss = 0, reject = 0, positives = 0, negatives = 0;
            const double state[2] = {0.3, multipliers[m]}, lambda = fmax(multipliers[m], 0);
            sample_fill(&s, LOSS_BINARY, SAMPLE_MIXED);
            s.batch.weight = s.weight;
            s.batch.state = state;
            for (size_t i = 0; i < 45; i++) {
                const int defect = s.target[i] > 0;
                *(defect ? &miss : &reject) +=
                    s.weight[i] * surrogate(defect ? s.input[i] - 0.3 : 0.3 - s.input[i], hinge);
                *(defect ? &positives : &negatives) += s.weight[i];
            }
            snprintf(expression, sizeof expression, "recall_at_fr(fr=0.05, surrogate=%s)",
                     hinge ? "hinge" : "logistic");
            expect_value(expression, &s.batch, LOSS_MEAN, miss / positives + lambda * (reject / negatives - 0.05));
        }
}

/* With a, b, alpha and p given, on batches of both classes and of one. */
Test(loss_formulas, auc_margin) {
    static sample s;
    static const sample_scenario scenarios[] = {SAMPLE_MIXED, SAMPLE_NEGATIVE, SAMPLE_POSITIVE};
    for (int k = 0; k < 3; k++) {
        const double a = 0.7, b = -0.4, alpha = 0.6, p = 0.2, margin = 1.3;
        double fixed = 0, free = 0;
        sample_fill(&s, LOSS_BINARY, scenarios[k]);
        for (size_t i = 0; i < 45; i++) {
            const double z = s.input[i], positive = s.target[i], negative = 1 - positive;
            const double pull = 2 * (p * z * negative - (1 - p) * z * positive);
            fixed += ((1 - p) * (z - a) * (z - a) * positive + p * (z - b) * (z - b) * negative + alpha * pull) / 45;
            free += ((1 - p) * z * z * positive + p * z * z * negative) / 45;
        }
        fixed += 2 * alpha * p * (1 - p) * margin - p * (1 - p) * alpha * alpha;
        expect_value("auc_margin(a=0.7, b=-0.4, alpha=0.6, p=0.2, margin=1.3, scores=logit)", &s.batch, LOSS_MEAN,
                     fixed);
        expect_value("auc_margin(a=0, b=0, alpha=0, p=0.2, scores=logit)", &s.batch, LOSS_MEAN, free);
        if (k == 0) continue;
        expect_value("auc_margin(scores=logit)", &s.batch, LOSS_MEAN, 0);
        /* the mean of the class that is there is its optimum, the other's and alpha are 0 */
        double mean = 0, spread = 0;
        for (size_t i = 0; i < 45; i++) mean += s.input[i] / 45;
        for (size_t i = 0; i < 45; i++) spread += (s.input[i] - mean) * (s.input[i] - mean) / 45;
        expect_value("auc_margin(p=0.2, scores=logit)", &s.batch, LOSS_MEAN, (k == 1 ? 0.2 : 0.8) * spread);
    }
}

/* --- classes ------------------------------------------------------------------------------------------------------ */

/* 90 items of 3 classes: logit c of item i. */
static double logit(const sample *s, size_t i, size_t c) { return s->input[i / 30 * 90 + c * 30 + i % 30]; }

static double probability(const sample *s, size_t i, size_t c) {
    double sum = 0;
    for (size_t k = 0; k < 3; k++) sum += exp(logit(s, i, k) - logit(s, i, c));
    return 1 / sum;
}

/* -log of the softmax of z_c + shift[c] at the true class */
static double shifted_ce(const sample *s, size_t i, double factor, const double *shift) {
    const size_t y = (size_t)s->classes[i];
    double sum = 0;
    for (size_t c = 0; c < 3; c++) sum += exp(factor * (logit(s, i, c) + shift[c] - logit(s, i, y) - shift[y]));
    return log(sum);
}

static const struct {
    double counts[3], used[3]; /* a class without items counts as the rarest that has some */
} count_cases[] = {{{900, 225, 56}, {900, 225, 56}}, {{0, 40, 12}, {12, 40, 12}}, {{1, 7, 3}, {1, 7, 3}}};

Test(loss_formulas, class_counts) {
    static sample s;
    for (size_t k = 0; k < sizeof count_cases / sizeof count_cases[0]; k++) {
        const double *n = count_cases[k].used, rarest = fmin(fmin(n[0], n[1]), n[2]), total = n[0] + n[1] + n[2];
        double share[3], prior[3], balanced[3], mean = 0, sum = 0, ldam = 0, adjusted = 0, focal = 0, ce = 0,
                                                weights = 0;
        sample_fill(&s, LOSS_MULTICLASS, SAMPLE_MIXED);
        s.batch.class_counts = count_cases[k].counts;
        for (int c = 0; c < 3; c++) mean += 1 / n[c] / 3;
        for (int c = 0; c < 3; c++) {
            share[c] = 1 / n[c] / mean;
            prior[c] = 1.5 * log(n[c] / total);
            balanced[c] = (1 - 0.99) / (1 - pow(0.99, n[c]));
            sum += balanced[c] / 3;
        }
        for (size_t i = 0; i < 90; i++) {
            const size_t y = (size_t)s.classes[i];
            double margin[3] = {0}, nothing[3] = {0};
            margin[y] = -0.4 * pow(rarest / n[y], 0.25);
            ldam += shifted_ce(&s, i, 5, margin) / 90;
            adjusted += shifted_ce(&s, i, 1, prior) / 90;
            for (size_t c = 0; c < 3; c++) {
                const double p = sigmoid(logit(&s, i, c)), m = c == y ? 1 - p : p;
                focal += balanced[y] / sum * pow(m, 1.5) * bce(logit(&s, i, c), c == y) / 90;
            }
            ce += s.weight[i] * share[y] * shifted_ce(&s, i, 1, nothing);
            weights += s.weight[i] * share[y];
        }
        expect_value("ldam(s=5, max_m=0.4)", &s.batch, LOSS_MEAN, ldam);
        expect_value("logit_adjusted(tau=1.5)", &s.batch, LOSS_MEAN, adjusted);
        expect_value("class_balanced_focal(beta=0.99, gamma=1.5)", &s.batch, LOSS_MEAN, focal);
        s.batch.weight = s.weight;
        expect_value("weighted_ce", &s.batch, LOSS_MEAN, ce / weights);
        expect_value("weighted_ce", &s.batch, LOSS_SUM, ce);
        expect_value("weighted_ce(mean_divisor=count)", &s.batch, LOSS_MEAN, ce / 90);
    }
}

static void expect_seesaw(const sample *s, double p, double q, double eps) {
    char expression[100];
    double value = 0;
    snprintf(expression, sizeof expression, "seesaw(p=%g, q=%g, eps=%g)", p, q, eps);
    for (size_t i = 0; i < 90; i++) {
        const size_t y = (size_t)s->classes[i];
        double shift[3] = {0};
        for (size_t c = 0; c < 3; c++) {
            const double own = fmax(s->batch.class_counts[y], 1), other = fmax(s->batch.class_counts[c], 1);
            const double ratio = probability(s, i, c) / fmax(probability(s, i, y), eps);
            if (c != y) shift[c] = p * fmin(0, log(other / own)) + q * fmax(0, log(ratio));
        }
        value += shifted_ce(s, i, 1, shift) / 90;
    }
    expect_value(expression, &s->batch, LOSS_MEAN, value);
}

Test(loss_formulas, seesaw) {
    static sample s;
    sample_fill(&s, LOSS_MULTICLASS, SAMPLE_MIXED);
    expect_seesaw(&s, 0.8, 2, 0.01);
    expect_seesaw(&s, 0.5, 0.5, 0.2);
    expect_seesaw(&s, 0, 1, 0.01);
    expect_seesaw(&s, 2, 0, 0.01);
    s.batch.class_counts = (const double[]){0, 1.5, 2};
    expect_seesaw(&s, 0.8, 2, 0.01);
}

/* A class_weight replaces the counts; the mean divides by the sum of all weights. */
Test(loss_formulas, weighted_ce_of_class_weights) {
    static sample s;
    static const double class_weight[] = {0.5, 2, 0.75}, nothing[3] = {0};
    double ce = 0, weights = 0;
    sample_fill(&s, LOSS_MULTICLASS, SAMPLE_MIXED);
    s.batch.weight = s.weight;
    s.batch.class_weight = class_weight;
    for (size_t i = 0; i < 90; i++) {
        const double weight = s.weight[i] * class_weight[s.classes[i]];
        ce += weight * shifted_ce(&s, i, 1, nothing);
        weights += weight;
    }
    expect_value("weighted_ce", &s.batch, LOSS_SUM, ce);
    expect_value("weighted_ce", &s.batch, LOSS_MEAN, ce / weights);
    expect_value("weighted_ce(mean_divisor=count)", &s.batch, LOSS_MEAN, ce / 90);
}

Test(loss_formulas, what_needs_class_counts_says_so) {
    static const char *const needy[] = {"logit_adjusted",       "ldam",   "weighted_ce",
                                        "class_balanced_focal", "seesaw", "seesaw(p=0.5)"};
    static sample s;
    sample_fill(&s, LOSS_MULTICLASS, SAMPLE_MIXED);
    s.batch.class_counts = NULL;
    for (size_t i = 0; i < sizeof needy / sizeof needy[0]; i++) {
        lb_error error = {0};
        double value;
        loss *l = sample_loss(needy[i], &error);
        cr_assert(sample_eval(l, &s.batch, LOSS_MEAN, &value, NULL, NULL, &error) == LB_INVALID, "%s", needy[i]);
        cr_assert(strstr(error.message, "class_counts") != NULL, "%s: %s", needy[i], error.message);
        loss_free(l);
    }
    evaluate("seesaw(p=0)", &s.batch, LOSS_MEAN, NULL);
}

/* class_alpha is class_weight here. */
Test(loss_formulas, focal_and_poly_of_classes) {
    static sample s;
    static const double alpha[] = {0.5, 2, 0.75};
    double focal = 0, poly = 0, smooth = 0;
    sample_fill(&s, LOSS_MULTICLASS, SAMPLE_MIXED);
    s.batch.class_weight = alpha;
    for (size_t i = 0; i < 90; i++) {
        const size_t y = (size_t)s.classes[i];
        const double p = probability(&s, i, y);
        focal += -alpha[y] * pow(1 - p, 1.5) * log(p);
        poly += alpha[y] * (-log(p) + 0.7 * (1 - p));
        smooth += -alpha[y] * 0.8 * log(p);
        for (size_t c = 0; c < 3; c++) smooth -= alpha[y] * 0.2 / 3 * log(probability(&s, i, c));
    }
    expect_value("focal_multiclass(gamma=1.5)", &s.batch, LOSS_SUM, focal);
    expect_value("poly1_ce(epsilon=0.7)", &s.batch, LOSS_SUM, poly);
    expect_value("ce(label_smoothing=0.2)", &s.batch, LOSS_SUM, smooth);
}

/* --- regions ------------------------------------------------------------------------------------------------------ */

/* Two images of three channels, 30 pixels each; one channel of one image is empty. */
static void fill_masks(sample *s) {
    sample_fill(s, LOSS_MASK, SAMPLE_MIXED);
    s->batch.images = 2;
    s->batch.channels = 3;
    for (unsigned i = 0; i < 180; i++) {
        s->input[i] = 4 * sample_noise(i, 50) - 2;
        s->target[i] = sample_noise(i, 51) < 0.1 + 0.2 * (i / 30) && i / 30 != 1;
        s->weight[i] = 0.5 + sample_noise(i, 52);
    }
}

typedef struct {
    double both, p, y;
} sums;

static sums sums_of(const sample *s, size_t first, size_t n) {
    sums r = {0};
    for (size_t i = first; i < first + n; i++) {
        const double p = sigmoid(s->input[i]);
        r.both += s->weight[i] * p * s->target[i];
        r.p += s->weight[i] * p;
        r.y += s->weight[i] * s->target[i];
    }
    return r;
}

static double class_share(double y, int squared) { return squared ? 1 / (y * y) : 1 / y; }

Test(loss_formulas, generalized_dice) {
    static sample s;
    fill_masks(&s);
    s.batch.weight = s.weight;
    for (int squared = 0; squared < 2; squared++) {
        double value = 0;
        for (size_t image = 0; image < 2; image++) {
            double largest = 0, above = 0.3, below = 0.4;
            for (size_t c = 0; c < 3; c++) {
                const sums r = sums_of(&s, (3 * image + c) * 30, 30);
                if (r.y > 0) largest = fmax(largest, class_share(r.y, squared));
            }
            for (size_t c = 0; c < 3; c++) {
                const sums r = sums_of(&s, (3 * image + c) * 30, 30);
                const double w = r.y > 0 ? class_share(r.y, squared) : largest;
                above += 2 * w * r.both;
                below += w * (r.p + r.y);
            }
            value += 0.5 * (1 - above / below);
        }
        expect_value(squared ? "generalized_dice(smooth_nr=0.3, smooth_dr=0.4)"
                             : "generalized_dice(w_type=simple, smooth_nr=0.3, smooth_dr=0.4)",
                     &s.batch, LOSS_MEAN, value);
    }
}

/* The power of each index, or of their mean. */
Test(loss_formulas, focal_tversky_of_classes_and_of_their_mean) {
    static sample s;
    double each = 0, mean = 0;
    fill_masks(&s);
    s.batch.weight = s.weight;
    for (size_t cell = 0; cell < 6; cell++) {
        const sums r = sums_of(&s, cell * 30, 30);
        const double index = (r.both + 0.5) / (r.both + 0.3 * (r.p - r.both) + 0.6 * (r.y - r.both) + 0.5);
        each += pow(1 - index, 0.7) / 6;
        mean += (1 - index) / 6;
    }
    expect_value("focal_tversky(alpha=0.3, beta=0.6, exponent=0.7, smooth_nr=0.5, smooth_dr=0.5)", &s.batch, LOSS_MEAN,
                 each);
    expect_value("focal_tversky(alpha=0.3, beta=0.6, exponent=0.7, smooth_nr=0.5, smooth_dr=0.5, power_of=mean)",
                 &s.batch, LOSS_MEAN, pow(mean, 0.7));
}

/* The mean of one is that one. */
Test(loss_formulas, focal_tversky_of_one_mask) {
    static sample s;
    sample_fill(&s, LOSS_MASK, SAMPLE_ONE_IMAGE);
    expect_value("focal_tversky(power_of=mean)", &s.batch, LOSS_MEAN,
                 evaluate("focal_tversky", &s.batch, LOSS_MEAN, NULL));
}

/* Denominator floor, empty regions for nothing, the logarithm of the score and its floor. */
Test(loss_formulas, switches_of_dice) {
    static sample s;
    double floored = 0, forgiving = 0, logarithm = 0;
    fill_masks(&s);
    s.batch.weight = s.weight;
    for (size_t cell = 0; cell < 6; cell++) {
        const sums r = sums_of(&s, cell * 30, 30);
        const double score = 2 * r.both / (r.p + r.y);
        floored += (1 - 2 * r.both / fmax(r.p + r.y, 1)) / 6;
        forgiving += r.y > 0 ? (1 - score) / 6 : 0;
        logarithm -= log(fmax(score, 0.4)) / 6;
    }
    expect_value("dice(smooth_nr=0, smooth_dr=0, den_min=1)", &s.batch, LOSS_MEAN, floored);
    expect_value("dice(smooth_nr=0, smooth_dr=0, empty_zero=on)", &s.batch, LOSS_MEAN, forgiving);
    expect_value("dice(smooth_nr=0, smooth_dr=0, log_loss=on, log_eps=0.4)", &s.batch, LOSS_MEAN, logarithm);
}

/* --- distances ---------------------------------------------------------------------------------------------------- */

/* From pixel i of a mask of n pixels in rows to the nearest pixel of the other side; 0 where there is none. */
static double distance_by_force(const int *inside, size_t n, size_t width, size_t i) {
    double nearest = (double)INFINITY;
    for (size_t k = 0; k < n; k++) {
        const double dy = (double)(k / width) - (double)(i / width), dx = (double)(k % width) - (double)(i % width);
        if (inside[k] != inside[i]) nearest = fmin(nearest, dy * dy + dx * dx);
    }
    return isinf(nearest) ? 0 : sqrt(nearest);
}

/* Means over the pixels of a mask that count; weighted, and with ignored pixels, which are outside. */
static void expect_losses_of_distances(const loss_batch *b, size_t cells) {
    static int truth[800], guess[800];
    double boundary = 0, hausdorff = 0;
    for (size_t cell = 0; cell < cells; cell++) {
        double near = 0, far = 0, count = 0;
        for (size_t i = 0; i < b->pixels; i++) {
            const size_t at = cell * b->pixels + i;
            truth[i] = !b->ignore[at] && b->target[at] > 0.5;
            guess[i] = !b->ignore[at] && b->input[at] > 0;
        }
        for (size_t i = 0; i < b->pixels; i++) {
            const size_t at = cell * b->pixels + i;
            const double d = distance_by_force(truth, b->pixels, b->width, i), p = sigmoid(b->input[at]);
            const double e = distance_by_force(guess, b->pixels, b->width, i);
            if (b->ignore[at]) continue;
            count++;
            near += b->weight[at] * p * (d > 0 ? (truth[i] ? 1 - d : d) : 0);
            far += b->weight[at] * (p - b->target[at]) * (p - b->target[at]) *
                   ((d > 0 ? pow(d, 1.5) : 0) + (e > 0 ? pow(e, 1.5) : 0));
        }
        boundary += near / count;
        hausdorff += far / count;
    }
    expect_value("boundary", b, LOSS_SUM, boundary);
    expect_value("boundary", b, LOSS_MEAN, boundary / (double)cells);
    expect_value("hausdorff_dt(alpha=1.5)", b, LOSS_SUM, hausdorff);
    expect_value("hausdorff_dt(alpha=1.5)", b, LOSS_MEAN, hausdorff / (double)cells);
}

Test(loss_formulas, losses_of_distances) {
    static sample s;
    fill_masks(&s);
    s.batch.weight = s.weight;
    s.batch.ignore = s.ignore;
    for (unsigned i = 0; i < 180; i++) s.ignore[i] = sample_noise(i, 53) < 0.2;
    expect_losses_of_distances(&s.batch, 6);
}

Test(loss_formulas, losses_of_distances_in_masks_of_several_blocks) {
    static double input[1600], target[1600], weight[1600];
    static unsigned char ignore[1600];
    const loss_batch batch = {.images = 1,
                              .channels = 2,
                              .pixels = 800,
                              .width = 40,
                              .input = input,
                              .target = target,
                              .weight = weight,
                              .ignore = ignore};
    for (unsigned i = 0; i < 1600; i++) {
        input[i] = sample_noise(i, 54) < 0.02 ? 1 : -1 - sample_noise(i, 55);
        target[i] = sample_noise(i / 7, 56) < 0.1;
        weight[i] = 0.5 + sample_noise(i, 57);
        ignore[i] = sample_noise(i, 58) < 0.1;
    }
    expect_losses_of_distances(&batch, 2);
}

/* A map that comes with the batch takes the place of distances; where a pixel counts, it is finite. */
Test(loss_formulas, losses_with_a_map_of_their_own) {
    static sample s;
    static double map[180];
    double boundary = 0, hausdorff = 0, value;
    fill_masks(&s);
    s.batch.width = 0;
    s.batch.map = map;
    for (unsigned i = 0; i < 180; i++) {
        map[i] = 3 * sample_noise(i, 59) - 1;
        boundary += sigmoid(s.input[i]) * map[i] / 180;
        hausdorff += square(sigmoid(s.input[i]) - s.target[i]) * map[i] / 180;
    }
    expect_value("boundary", &s.batch, LOSS_MEAN, boundary);
    expect_value("hausdorff_dt", &s.batch, LOSS_MEAN, hausdorff);
    map[97] = (double)NAN;
    lb_error error = {0};
    loss *l = sample_loss("boundary", &error);
    cr_assert(sample_eval(l, &s.batch, LOSS_MEAN, &value, NULL, NULL, &error) == LB_INVALID);
    cr_assert(strstr(error.message, "its map holds a number that is not finite") != NULL, "%s", error.message);
    s.batch.ignore = s.ignore;
    s.ignore[97] = 1;
    cr_assert(sample_eval(l, &s.batch, LOSS_MEAN, &value, NULL, NULL, &error) == LB_OK && isfinite(value));
    loss_free(l);
}

/* --- clDice ------------------------------------------------------------------------------------------------------- */

/* The extreme of x over the neighbours within the image: a cross of 5 or a square of 9. */
static void spread_extreme(const double *x, int corners, double sign, double *out) {
    for (int i = 0; i < 30; i++) {
        out[i] = -(double)INFINITY;
        for (int k = 0; k < 30; k++) {
            const int dy = abs(k / 6 - i / 6), dx = abs(k % 6 - i % 6);
            if (dy <= 1 && dx <= 1 && (corners || dy + dx <= 1)) out[i] = fmax(out[i], sign * x[k]);
        }
        out[i] *= sign;
    }
}

static void skeleton_of(const double *mask, int iterations, double *skeleton) {
    double eroded[30], thinner[30], opened[30];
    memcpy(eroded, mask, sizeof eroded);
    memset(skeleton, 0, sizeof eroded);
    for (int step = 0; step <= iterations; step++) {
        spread_extreme(eroded, 0, -1, thinner);
        spread_extreme(thinner, 1, 1, opened);
        for (int i = 0; i < 30; i++) skeleton[i] += (1 - skeleton[i]) * fmax(eroded[i] - opened[i], 0);
        memcpy(eroded, thinner, sizeof eroded);
    }
}

/* The sums of two images, or of one. */
typedef struct {
    double hits, of_p, hits_back, of_y;
} skeleton_sums;

static void add_skeletons(const sample *s, size_t image, int iterations, skeleton_sums *sum) {
    double p[30], of_p[30], of_y[30];
    const double *y = s->target + 30 * image;
    for (size_t i = 0; i < 30; i++) p[i] = sigmoid(s->input[30 * image + i]);
    skeleton_of(p, iterations, of_p);
    skeleton_of(y, iterations, of_y);
    for (size_t i = 0; i < 30; i++) {
        sum->hits += of_p[i] * y[i];
        sum->of_p += of_p[i];
        sum->hits_back += of_y[i] * p[i];
        sum->of_y += of_y[i];
    }
}

static double cldice_of(skeleton_sums sum, double smooth) {
    const double precision = sum.of_p + smooth > 0 ? (sum.hits + smooth) / (sum.of_p + smooth) : 1;
    const double sensitivity = sum.of_y + smooth > 0 ? (sum.hits_back + smooth) / (sum.of_y + smooth) : 1;
    return 1 - 2 * precision * sensitivity / (precision + sensitivity);
}

static void expect_cldice(const sample *s, int iterations, double smooth) {
    char expression[100];
    skeleton_sums all = {0};
    double each = 0;
    for (size_t image = 0; image < s->batch.images; image++) {
        skeleton_sums one = {0};
        add_skeletons(s, image, iterations, &one);
        add_skeletons(s, image, iterations, &all);
        each += cldice_of(one, smooth) / (double)s->batch.images;
    }
    snprintf(expression, sizeof expression, "cldice(iterations=%d, smooth=%g)", iterations, smooth);
    expect_value(expression, &s->batch, LOSS_MEAN, cldice_of(all, smooth));
    snprintf(expression, sizeof expression, "cldice(iterations=%d, smooth=%g, batch=off)", iterations, smooth);
    expect_value(expression, &s->batch, LOSS_MEAN, each);
}

Test(loss_formulas, cldice) {
    static sample s;
    sample_fill(&s, LOSS_MASK, SAMPLE_MIXED);
    expect_cldice(&s, 0, 1);
    expect_cldice(&s, 1, 0.5);
    expect_cldice(&s, 3, 1);
    expect_cldice(&s, 3, 0);
    for (size_t i = 0; i < 90; i++) s.target[i] = i == 14 || i == 70; /* single pixels; an empty image */
    expect_cldice(&s, 2, 0);
    expect_cldice(&s, 2, 1e-3);
}

/* --- boxes -------------------------------------------------------------------------------------------------------- */

/* Areas and distances of one pair. */
typedef struct {
    double w, h, target_w, target_h, both, either, enclosing, cw, ch, dx, dy;
} pair;

static double overlap(double a, double b, double c, double d) { return fmax(0, fmin(b, d) - fmax(a, c)); }

static pair pair_of(const double *b, const double *t) {
    pair p = {.w = b[2] - b[0], .h = b[3] - b[1], .target_w = t[2] - t[0], .target_h = t[3] - t[1]};
    p.both = overlap(b[0], b[2], t[0], t[2]) * overlap(b[1], b[3], t[1], t[3]);
    p.either = p.w * p.h + p.target_w * p.target_h - p.both;
    p.cw = fmax(b[2], t[2]) - fmin(b[0], t[0]);
    p.ch = fmax(b[3], t[3]) - fmin(b[1], t[1]);
    p.enclosing = p.cw * p.ch;
    p.dx = (b[0] + b[2] - t[0] - t[2]) / 2;
    p.dy = (b[1] + b[3] - t[1] - t[3]) / 2;
    return p;
}

static double diou_of(const pair *p, double iou, double eps) {
    return 1 - iou + (square(p->dx) + square(p->dy)) / (square(p->cw) + square(p->ch) + eps);
}

static double ciou_of(const pair *p, double iou, double inner, double eps, double gate) {
    const double v = 4 / square(acos(-1)) * square(atan(p->target_w / p->target_h) - atan(p->w / p->h));
    const double alpha = iou > gate ? v / (1 - iou + v + eps) : 0;
    return diou_of(p, inner, eps) + alpha * v;
}

static double eiou_of(const pair *p, double iou, double eps) {
    return diou_of(p, iou, eps) + square(p->w - p->target_w) / (square(p->cw) + eps) +
           square(p->h - p->target_h) / (square(p->ch) + eps);
}

static double siou_of(const pair *p, double iou, double eps, double theta) {
    const double dx = p->dx + eps, dy = p->dy + eps, t = fmin(fabs(dx), fabs(dy)) / sqrt(dx * dx + dy * dy);
    const double g = 2 - 2 * t * sqrt(1 - t * t);
    const double distance = 2 - exp(-g * square(dx / p->cw)) - exp(-g * square(dy / p->ch));
    const double shape = pow(1 - exp(-fabs(p->w - p->target_w) / fmax(p->w, p->target_w)), theta) +
                         pow(1 - exp(-fabs(p->h - p->target_h) / fmax(p->h, p->target_h)), theta);
    return 1 - iou + (distance + shape) / 2;
}

static double nwd_of(const pair *p, double eps, double constant) {
    const double d = square(p->dx) + square(p->dy) + (square(p->w - p->target_w) + square(p->h - p->target_h)) / 4;
    return 1 - exp(-sqrt(d + eps) / constant);
}

/* Both boxes scaled about their centres. */
static double inner_iou(const double *b, const double *t, double ratio, double eps) {
    double small[2][4];
    for (int k = 0; k < 2; k++) {
        const double *from[] = {b, t};
        for (int which = 0; which < 2; which++) {
            const double middle = (from[which][k] + from[which][k + 2]) / 2;
            const double half = ratio * (from[which][k + 2] - from[which][k]) / 2;
            small[which][k] = middle - half;
            small[which][k + 2] = middle + half;
        }
    }
    const pair p = pair_of(small[0], small[1]);
    return p.both / (p.either + eps);
}

enum { FORMULAS = 15 };

static const char *const box_formulas[FORMULAS] = {"box_iou(eps=%g)",
                                                   "box_iou(eps=%g, form=log, eps_log=0.2)",
                                                   "box_iou(eps=%g, form=square, eps_log=0.3)",
                                                   "giou(eps=%g)",
                                                   "diou(eps=%g)",
                                                   "ciou(eps=%g)",
                                                   "ciou(eps=%g, alpha_iou_gate=0.3)",
                                                   "inner_ciou(eps=%g, ratio=0.8)",
                                                   "eiou(eps=%g)",
                                                   "focal_eiou(eps=%g, gamma=0.7)",
                                                   "siou(eps=%g)",
                                                   "siou(eps=%g, theta=2.5)",
                                                   "wiou_v1(eps=%g)",
                                                   "mpdiou(eps=%g, img_w=6, img_h=9)",
                                                   "nwd(eps=%g, constant=2)"};

static void add_formulas(const double *b, const double *t, double eps, double *sum) {
    const pair p = pair_of(b, t);
    const double iou = p.both / (p.either + eps);
    const double corners = square(b[0] - t[0]) + square(b[1] - t[1]) + square(b[2] - t[2]) + square(b[3] - t[3]);
    const double values[FORMULAS] = {1 - iou,
                                     -log(fmax(iou, 0.2)),
                                     1 - square(fmax(iou, 0.3)),
                                     1 - iou + (p.enclosing - p.either) / (p.enclosing + eps),
                                     diou_of(&p, iou, eps),
                                     ciou_of(&p, iou, iou, eps, -1),
                                     ciou_of(&p, iou, iou, eps, 0.3),
                                     ciou_of(&p, iou, inner_iou(b, t, 0.8, eps), eps, -1),
                                     eiou_of(&p, iou, eps),
                                     pow(iou, 0.7) * eiou_of(&p, iou, eps),
                                     siou_of(&p, p.both / p.either, eps, 4),
                                     siou_of(&p, p.both / p.either, eps, 2.5),
                                     (1 - iou) *
                                         exp((square(p.dx) + square(p.dy)) / (square(p.cw) + square(p.ch) + eps)),
                                     1 - iou + corners / (6 * 6 + 9 * 9),
                                     nwd_of(&p, eps, 2)};
    for (int f = 0; f < FORMULAS; f++) sum[f] += values[f];
}

Test(loss_formulas, boxes_with_and_without_eps) {
    static sample s;
    static const double eps[] = {0, 0.3};
    for (sample_scenario scenario = 0; scenario < SAMPLE_COUNT; scenario++)
        for (int e = 0; e < 2; e++) {
            double sum[FORMULAS] = {0};
            char expression[100];
            sample_fill(&s, LOSS_BOX, scenario);
            for (size_t i = 0; i < s.batch.images; i++) add_formulas(s.input + 4 * i, s.target + 4 * i, eps[e], sum);
            for (int f = 0; f < FORMULAS; f++) {
                snprintf(expression, sizeof expression, box_formulas[f], eps[e]);
                expect_value(expression, &s.batch, LOSS_SUM, sum[f]);
            }
        }
}

/* Equal boxes cost nothing, points and lines too; a box without area has nothing in common with any other. */
Test(loss_formulas, boxes_without_area) {
    static const double boxes[][4] = {{1, 1, 1, 1}, {1, 1, 3, 1}, {1, 1, 1, 4}, {0, 0, 2, 3}};
    for (int b = 0; b < 4; b++) {
        loss_batch batch = {.images = 1, .channels = 4, .pixels = 1, .input = boxes[b], .target = boxes[b]};
        const loss_type *type;
        for (size_t i = 0; (type = loss_type_at(i)); i++)
            if (type->kind == LOSS_BOX) expect_value(type->name, &batch, LOSS_SUM, 0);
        for (int k = 0; k < 4 && b < 3; k++) {
            double other[4] = {boxes[b][0], boxes[b][1], boxes[b][2], boxes[b][3]};
            other[k] += k < 2 ? -0.5 : 0.5;
            batch.target = other;
            expect_value("box_iou", &batch, LOSS_SUM, 1);
        }
    }
}

/* Without the 1 / (w^2 + h^2) of the slope of v: as some peers do. */
Test(loss_formulas, ciou_with_the_unit_gradient) {
    static sample s;
    static double unit[SAMPLE_SIZE], exact[SAMPLE_SIZE], plain[SAMPLE_SIZE];
    sample_fill(&s, LOSS_BOX, SAMPLE_MIXED);
    evaluate("ciou(gradient=unit)", &s.batch, LOSS_SUM, unit);
    evaluate("ciou", &s.batch, LOSS_SUM, exact);
    evaluate("diou", &s.batch, LOSS_SUM, plain);
    for (size_t i = 0; i < s.batch.images; i++) {
        const pair p = pair_of(s.input + 4 * i, s.target + 4 * i);
        for (size_t k = 4 * i; k < 4 * i + 4; k++) {
            const double wanted = plain[k] + (p.w * p.w + p.h * p.h) * (exact[k] - plain[k]);
            cr_assert(fabs(unit[k] - wanted) <= 1e-9 * (fabs(wanted) + 0.1), "gradient %zu is %.12g, not %.12g", k,
                      unit[k], wanted);
        }
    }
}

/* CIoU is at least -1: the loss stays 2, without gradient. Between, nothing changes. */
Test(loss_formulas, ciou_clamped) {
    static const double box[] = {0, 0, 0.01, 30, 0, 0, 2, 1}, target[] = {90, 90, 120, 90.01, 1, 0.5, 3, 2};
    const loss_batch far = {.images = 1, .channels = 4, .pixels = 1, .input = box, .target = target};
    const loss_batch near = {.images = 1, .channels = 4, .pixels = 1, .input = box + 4, .target = target + 4};
    double grad[4];
    cr_assert(evaluate("ciou", &far, LOSS_SUM, NULL) > 2);
    cr_assert(eq(dbl, evaluate("ciou(clamp=on)", &far, LOSS_SUM, grad), 2.0));
    for (int k = 0; k < 4; k++) cr_assert(eq(dbl, grad[k], 0.0));
    cr_assert(eq(dbl, evaluate("ciou(clamp=on)", &near, LOSS_SUM, NULL), evaluate("ciou", &near, LOSS_SUM, NULL)));
}

/* Where a floor holds the value, there is no gradient. */
Test(loss_formulas, floors_have_no_gradient) {
    static const char *const floored[] = {"box_iou(form=log, eps_log=0.5)", "box_iou(form=square, eps_log=0.5)"};
    static const double box[] = {0, 0, 2, 1}, target[] = {1, 0.5, 3, 2};
    const loss_batch pair_of_boxes = {.images = 1, .channels = 4, .pixels = 1, .input = box, .target = target};
    for (int k = 0; k < 2; k++) {
        double grad[4];
        evaluate(floored[k], &pair_of_boxes, LOSS_SUM, grad);
        for (int i = 0; i < 4; i++) cr_assert(eq(dbl, grad[i], 0.0), "%s: %g", floored[k], grad[i]);
    }
}

/* --- regression --------------------------------------------------------------------------------------------------- */

Test(loss_formulas, regression) {
    static sample s;
    double l1 = 0, l2 = 0, cosh_of = 0, balanced = 0, huber = 0;
    const double b = exp(1.2 / 0.4) - 1;
    sample_fill(&s, LOSS_REGRESSION, SAMPLE_MIXED);
    for (size_t i = 0; i < 45; i++) {
        const double d = fabs(s.input[i] - s.target[i]);
        l1 += d;
        l2 += d * d;
        cosh_of += log(cosh(d));
        huber += d <= 0.7 ? d * d / 2 : 0.7 * (d - 0.35);
        balanced += d < 0.9 ? 0.4 / b * (b * d + 1) * log(b * d / 0.9 + 1) - 0.4 * d : 1.2 * d + 1.2 / b - 0.4 * 0.9;
    }
    expect_value("l1", &s.batch, LOSS_SUM, l1);
    expect_value("l2", &s.batch, LOSS_SUM, l2);
    expect_value("log_cosh", &s.batch, LOSS_SUM, cosh_of);
    expect_value("huber(delta=0.7)", &s.batch, LOSS_SUM, huber);
    expect_value("smooth_l1(beta=0.7)", &s.batch, LOSS_SUM, huber / 0.7);
    expect_value("balanced_l1(alpha=0.4, gamma=1.2, beta=0.9)", &s.batch, LOSS_SUM, balanced);
}
