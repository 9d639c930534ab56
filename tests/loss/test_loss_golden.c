/* Values and gradients of other implementations, computed in float64: torch 1.13 functions
   (binary_cross_entropy_with_logits with pos_weight) and the formulas of torchvision.ops.sigmoid_focal_loss,
   Alibaba-MIIL/ASL AsymmetricLoss (without its eps) and richardaecn/class-balanced-loss, gradients by autograd. The
   prior logits are roots found with mpmath. */
#include "tests/loss/fixture.h"

#include "lib/base/hash.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 7 };

static const float input[N] = {-6, -1.5f, -0.25f, 0.5f, 2.25f, 7, 1.25f};
static const float target[N] = {0, 1, 0, 1, 0, 1, 0.25f};

static const struct {
    const char *expression;
    double value[N], grad[N];
} golden[] = {
    {"bce",
     {0.00247568513773, 1.70141327798, 0.575939419879, 0.47407698418, 2.35020655892, 0.000911466453774, 1.18942908135},
     {0.00247262315663, -0.817574476194, 0.437823499114, -0.377540668798, 0.904650535101, -0.000911051194401,
      0.527299861175}},
    {"bce(label_smoothing=0.1)",
     {0.302475685138, 1.62641327798, 0.588439419879, 0.49907698418, 2.23770655892, 0.350911466454, 1.15817908135},
     {-0.0475273768434, -0.767574476194, 0.387823499114, -0.327540668798, 0.854650535101, 0.0490889488056,
      0.502299861175}},
    {"weighted_bce(pos_weight=20)",
     {0.00247568513773, 34.0282655597, 0.575939419879, 9.4815396836, 2.35020655892, 0.0182293290755, 2.38609221774},
     {0.00247262315663, -16.3514895239, 0.437823499114, -7.55081337596, 0.904650535101, -0.018221023888,
      -0.530525798246}},
    {"weighted_bce(pos_weight=0.5, neg_weight=3)",
     {0.00742705541319, 0.850706638991, 1.72781825964, 0.23703849209, 7.05061967675, 0.000455733226887, 3.4108315682},
     {0.0074178694699, -0.408787238097, 1.31347049734, -0.188770334399, 2.7139516053, -0.0004555255972, 1.72108717029}},
    {"focal",
     {1.51360053947e-08, 1.13727231562, 0.110401491265, 0.0675734905175, 1.92339163433, 7.56530171297e-10,
      0.485136880545},
     {4.53144443694e-08, -0.96142468747, 0.208056379125, -0.137936997351, 1.10714802131, -2.26786736725e-09,
      0.346567144889}},
    {"focal(gamma=0.5, alpha=0.75)",
     {3.07761566774e-05, 1.15381118199, 0.0952722335899, 0.21847009886, 0.558838688586, 2.06335209618e-05,
      0.356452163566},
     {4.60881214788e-05, -0.65967936289, 0.0992049231554, -0.241977399642, 0.241752819304, -3.09314818209e-05,
      0.18217693231}},
    {"focal(gamma=5, alpha=0.9)",
     {2.28815305116e-17, 0.559356837423, 0.000926557002083, 0.00327272930239, 0.142400087452, 5.14869431322e-19,
      0.0379117781213},
     {1.36977995685e-16, -0.778990705125, 0.00330880241333, -0.0127920077666, 0.122702049279, -3.08663665405e-18,
      0.0424968975315}},
    {"class_balanced(goods=5000, defects=40)",
     {4.97309869473e-05, 3.36864896196, 0.0115693370437, 0.938630820221, 0.0472104024553, 0.00180462358153,
      0.606661027974},
     {4.96694785835e-05, -1.61872570656, 0.00879489656735, -0.747497388496, 0.0181724094342, -0.00180380140441,
      0.268946069041}},
    {"class_balanced(beta=0.99, base=focal, gamma=2, goods=900, defects=100)",
     {1.17461695711e-08, 1.3919740243, 0.085676147932, 0.0827071425552, 1.49263188664, 9.25961471659e-10,
      0.430811636396},
     {3.51658930941e-08, -1.17674383954, 0.161460401593, -0.168829149067, 0.859192901924, -2.77577535514e-09,
      0.307758830132}},
    {"logit_adjusted(prior=0.02)",
     {5.05854996477e-05, 5.39636363823, 0.0157689082026, 3.42491398399, 0.176996790326, 0.0437127399464,
      0.729263985428},
     {5.05842202229e-05, -0.995466965237, 0.0156452299135, -0.967447919131, 0.162217526473, -0.042771108395,
      -0.183505045675}},
    {"logit_adjusted(tau=0.5, prior=0.1)",
     {0.000825909568333, 2.6703529868, 0.230794417472, 1.03659218623, 1.42613474092, 0.00273191082776, 0.733856156804},
     {0.000825568598902, -0.930772215498, 0.206097338224, -0.645338755608, 0.759764296802, -0.00272818255525,
      0.287774811029}},
    {"asl",
     {0, 1.39103206954, 0.0111015391535, 0.178983341669, 1.02896278006, 8.30392601367e-07, 0.198467873963},
     {0, -0.92218777804, 0.0372781895454, -0.253946807748, 0.732024704618, -1.65965035001e-06, 0.173289469359}},
    {"asl(gamma_neg=2, gamma_pos=0.5, clip=0)",
     {1.51360053947e-08, 1.53841490932, 0.110401491265, 0.291293465146, 1.92339163433, 2.75113612824e-05,
      0.57397201132},
     {4.53144443694e-08, -0.879572483853, 0.208056379125, -0.322636532856, 1.10714802131, -4.12419757612e-05,
      0.380858162386}},
};
enum { GOLDEN = sizeof golden / sizeof golden[0] };

static struct criterion_test_params every_row(void) {
    static size_t rows[GOLDEN];
    for (size_t i = 0; i < GOLDEN; i++) rows[i] = i;
    return cr_make_param_array(size_t, rows, GOLDEN);
}

/* 2e-6 relative, and 1e-8 for what is a small rest of large terms. */
static void expect_near(const char *what, int i, double got, double wanted) {
    cr_assert(fabs(got - wanted) <= 2e-6 * fabs(wanted) + 1e-8, "%s of element %d is %.9g, not %.9g", what, i, got,
              wanted);
}

ParameterizedTestParameters(loss_golden, matches_other_implementations) { return every_row(); }
ParameterizedTest(size_t *row, loss_golden, matches_other_implementations) {
    float values[N], grad[N];
    loss *l = resolved(golden[*row].expression);
    const loss_batch batch = batch_of(N, input, target);
    evaluated(l, &batch, LOSS_NONE, values, grad);
    for (int i = 0; i < N; i++) {
        expect_near("value", i, (double)values[i], golden[*row].value[i]);
        expect_near("gradient", i, (double)grad[i], golden[*row].grad[i]);
    }
    loss_free(l);
}

/* The bits of each loss at its defaults: where they change (another compiler, another CPU, an edit), the trials that
   were run with that version of the loss can no longer be compared. An edit that is meant needs a new version. The bits
   of all losses, over compilers and CPUs, are tested by tests/bits. */
static const struct {
    const char *text;
    uint64_t hash;
} bits[] = {
    {"bce@1", 0xecfdd30e0f872c74u},
    {"weighted_bce@1", 0x15f859f7c632b1a5u},
    {"focal@1", 0xb82911be1ffa81f5u},
    {"class_balanced@1", 0x5646d46e12a99488u},
    {"logit_adjusted@1", 0x7b45a33e23ed9146u},
    {"asl@1", 0x7e3f456bf59248cfu},
};

static uint64_t hash_of_results(const loss *l) {
    enum { MANY = 4099 };
    static float z[MANY], y[MANY], grad[MANY];
    for (int i = 0; i < MANY; i++) {
        z[i] = (float)(i * 7919 % MANY - MANY / 2) * 0.0078125f;
        y[i] = (float)(i % 5 % 3) / 2;
    }
    const loss_batch batch = batch_of(MANY, z, y);
    const double value = evaluated(l, &batch, LOSS_MEAN, NULL, grad);
    return hash64_finish(hash64_add(hash64_add(HASH64_START, grad, sizeof grad), &value, sizeof value));
}

Test(loss_golden, bits_of_published_losses_are_golden) {
    for (size_t i = 0; i < sizeof bits / sizeof bits[0]; i++) {
        char name[60];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(bits[i].text, "@"), bits[i].text);
        loss *l = resolved(name);
        const uint64_t hash = hash_of_results(l);
        cr_assert(strncmp(bits[i].text, loss_text(l), strlen(bits[i].text)) == 0, "%s", loss_text(l));
        cr_assert(hash == bits[i].hash, "%s gives bits 0x%016llx, not 0x%016llx", bits[i].text,
                  (unsigned long long)hash, (unsigned long long)bits[i].hash);
        loss_free(l);
    }
}

/* Lin et al. divide by the number of positives, at least one. */
Test(loss_golden, focal_mean_over_positives) {
    loss *elements = resolved("focal"), *positives = resolved("focal(mean_divisor=positives)");
    float grad[N], sum_grad[N];
    const loss_batch batch = batch_of(N, input, target), goods = batch_of(1, input, target);
    const double sum = evaluated(elements, &batch, LOSS_SUM, NULL, sum_grad);
    cr_assert(epsilon_eq(dbl, evaluated(positives, &batch, LOSS_MEAN, NULL, grad), sum / 3.25, 1e-9));
    for (int i = 0; i < N; i++) cr_assert(fabsf(grad[i] * 3.25f - sum_grad[i]) <= 2e-7f);
    cr_assert(eq(dbl, evaluated(positives, &goods, LOSS_MEAN, NULL, NULL),
                 evaluated(elements, &goods, LOSS_SUM, NULL, NULL)));
    loss_free(elements);
    loss_free(positives);
}

/* The authors' detached weight: the gradient of bce times the weight, so that with gamma 0 nothing changes. */
Test(loss_golden, asl_with_a_detached_weight) {
    loss *detached = resolved("asl(gamma_neg=2, gamma_pos=0, clip=0, weight_detached=on)"), *bce = resolved("bce");
    float grad[N], bce_grad[N];
    const loss_batch batch = batch_of(N - 1, input, target);
    evaluated(detached, &batch, LOSS_SUM, NULL, grad);
    evaluated(bce, &batch, LOSS_SUM, NULL, bce_grad);
    for (int i = 0; i < N - 1; i++) {
        const double p = 1 / (1 + exp(-(double)input[i])), weight = target[i] > 0 ? 1 : p * p;
        expect_near("gradient", i, (double)grad[i], weight * (double)bce_grad[i]);
    }
    loss_free(detached);
    loss_free(bce);
}

static const struct {
    const char *expression;
    double prior, logit;
} priors[] = {
    {"bce", 0.5, 0},
    {"bce", 0.001, -6.906754778648554},
    {"weighted_bce(pos_weight=49)", 0.02, 0},
    {"weighted_bce(pos_weight=7)", 0.02, -1.9459101490553132}, /* half the log ratio: square-root weighting */
    {"focal", 0.02, -1.44783806048},
    {"focal(gamma=5)", 0.02, -0.698967845487},
    {"focal(gamma=0.5)", 0.02, -2.80288058834},
    {"focal(alpha=0.25)", 0.1, -1.22767312614},
    {"focal(gamma=5, alpha=0.98)", 0.02, 0},
    {"class_balanced(goods=9800, defects=200)", 0.02, -0.44033553448944707},
    {"logit_adjusted(prior=0.02)", 0.02, 0},
    {"asl", 0.02, -0.577396839452},
    {"asl", 0.1, -0.128058460327},
    {"asl(gamma_neg=0, gamma_pos=0)", 0.02, -2.9444389791664403}, /* the kink at p = clip */
    {"0.5*bce", 0.02, -3.8918202981106265},
    {"0*bce", 0.02, 0}, /* flat everywhere: the point nearest to 0 */
};
enum { PRIORS = sizeof priors / sizeof priors[0] };

ParameterizedTestParameters(loss_golden, prior_logits) {
    static size_t rows[PRIORS];
    for (size_t i = 0; i < PRIORS; i++) rows[i] = i;
    return cr_make_param_array(size_t, rows, PRIORS);
}
ParameterizedTest(size_t *row, loss_golden, prior_logits) {
    loss *l = resolved(priors[*row].expression);
    const double logit = loss_prior_logit(l, priors[*row].prior);
    cr_assert(fabs(logit - priors[*row].logit) < 1e-5, "%s at %g: %.9g, not %.9g", priors[*row].expression,
              priors[*row].prior, logit, priors[*row].logit);
    loss_free(l);
}

Test(loss_golden, no_prior_logit_without_a_prior_or_a_resolved_loss) {
    loss *l = resolved("bce"), *unresolved = loss_parse("weighted_bce", NULL);
    cr_assert(isnan(loss_prior_logit(l, 0)) && isnan(loss_prior_logit(l, 1)) &&
              isnan(loss_prior_logit(l, (double)NAN)));
    cr_assert(isnan(loss_prior_logit(unresolved, 0.1)));
    loss_free(l);
    loss_free(unresolved);
}

/* a = factor * b, element by element. */
static const struct {
    const char *a, *b;
    float factor;
} identities[] = {
    {"focal(gamma=0)", "bce", 1},
    {"focal(gamma=0, alpha=0.5)", "bce", 0.5f},
    {"weighted_bce(pos_weight=1)", "bce", 1},
    {"weighted_bce(pos_weight=3, neg_weight=3)", "bce", 3},
    {"asl(gamma_neg=0, gamma_pos=0, clip=0)", "bce", 1},
    {"asl(gamma_neg=2, gamma_pos=2, clip=0)", "focal", 1},
    {"logit_adjusted(tau=0)", "bce", 1},
    {"logit_adjusted(prior=0.5)", "bce", 1},
    {"class_balanced(beta=0)", "bce", 1},
    {"class_balanced(beta=0, base=focal)", "focal", 1},
    {"class_balanced(goods=50, defects=50)", "bce", 1},
    {"bce(label_smoothing=0)", "bce", 1},
    {"1*focal + 0*bce", "focal", 1},
    {"focal + focal", "focal", 2},
    {"0.25*bce + 0.5*focal(gamma=0)", "bce", 0.75f},
};
enum { IDENTITIES = sizeof identities / sizeof identities[0] };

ParameterizedTestParameters(loss_golden, identities) {
    static size_t rows[IDENTITIES];
    for (size_t i = 0; i < IDENTITIES; i++) rows[i] = i;
    return cr_make_param_array(size_t, rows, IDENTITIES);
}
ParameterizedTest(size_t *row, loss_golden, identities) {
    enum { MANY = 41 };
    float z[MANY], y[MANY], a[MANY], b[MANY], a_grad[MANY], b_grad[MANY];
    for (int i = 0; i < MANY; i++) {
        z[i] = (float)(i - 20) * 4.1f;
        y[i] = (float)(i % 3) / 2;
    }
    loss *first = resolved(identities[*row].a), *second = resolved(identities[*row].b);
    const loss_batch batch = batch_of(MANY, z, y);
    evaluated(first, &batch, LOSS_NONE, a, a_grad);
    evaluated(second, &batch, LOSS_NONE, b, b_grad);
    for (int i = 0; i < MANY; i++) {
        const float value = identities[*row].factor * b[i], slope = identities[*row].factor * b_grad[i];
        cr_assert(fabsf(a[i] - value) <= 2.5e-7f * value, "value at %g, %g: %.9g and %.9g", (double)z[i], (double)y[i],
                  (double)a[i], (double)value);
        cr_assert(fabsf(a_grad[i] - slope) <= 2.5e-7f * fabsf(slope) + 6e-8f * value,
                  "gradient at %g, %g: %.9g and %.9g", (double)z[i], (double)y[i], (double)a_grad[i], (double)slope);
    }
    loss_free(first);
    loss_free(second);
}

/* A float sum would stop growing at 2^24 times an element. */
Test(loss_golden, sums_are_in_double) {
    enum { MANY = 1 << 22 };
    float *z = malloc(MANY * sizeof *z), *y = calloc(MANY, sizeof *y), one = 0.5f, zero = 0, value_of_one;
    for (size_t i = 0; i < MANY; i++) z[i] = one;
    loss *l = resolved("bce");
    const loss_batch many = batch_of(MANY, z, y), single = batch_of(1, &one, &zero);
    evaluated(l, &single, LOSS_NONE, &value_of_one, NULL);
    cr_assert(eq(dbl, evaluated(l, &many, LOSS_SUM, NULL, NULL), (double)value_of_one * MANY));
    loss_free(l);
    free(z);
    free(y);
}
