/* Error of the reproducible functions against libm in double (whose own error of under 1e-9 float ulp does not matter),
   over bit patterns spread through the whole range; special values; and a hash of results, which any change of bits
   (a compiler that fuses or reorders, another CPU) breaks. */
#include "lib/base/repro_math.h"

#include "lib/base/hash.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <math.h>

typedef struct {
    const char *name;
    float (*function)(float);
    double (*reference)(double);
    float low, high;
    double max_ulp;
    uint64_t golden; /* hash of the results over the grid of `hash_of_results` */
} case_float;

static double softplus(double x) { return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)); }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double sin_turn(double t) { return sin(2 * M_PI * (t - rint(t))); }
static double cos_turn(double t) { return sin(2 * M_PI * (0.25 - fabs(t - rint(t)))); }

static double exp_negative(double m) { return m > 87 ? 0 : exp(-m); }

static const case_float cases[] = {
    {"exp", repro_expf, exp, -INFINITY, INFINITY, 1.0, 0x4413967988e4fac0u},
    {"log", repro_logf, log, 0.0f, INFINITY, 1.0, 0x40f1c34ba5b88115u},
    {"log1p", repro_log1pf, log1p, -1.0f, INFINITY, 1.5, 0xd6919ea0cd4b8cadu},
    {"exp_negative", repro_exp_negative, exp_negative, 0.0f, INFINITY, 1.0, 0x9d3e4ba31e1342b0u},
    {"log_normal", repro_log_normal, log, 0x1p-126f, 0x1.fffffep127f, 1.0, 0xcc0c5f8a1cdb82e1u},
    {"log1p_unit", repro_log1p_unit, log1p, 0.0f, 1.0f, 1.5, 0xe17f449047388d2fu},
    {"softplus", repro_softplusf, softplus, -INFINITY, INFINITY, 2.0, 0x59a0c5b91f83febfu},
    {"sigmoid", repro_sigmoidf, sigmoid, -INFINITY, INFINITY, 2.5, 0x62952027e75311a4u},
    {"atan", repro_atanf, atan, -INFINITY, INFINITY, 1.5, 0x77f263dfb53afdddu},
    {"sin_turn", repro_sinf_turn, sin_turn, -1000.0f, 1000.0f, 2.5, 0x0897cb66ab110a50u},
    {"cos_turn", repro_cosf_turn, cos_turn, -1000.0f, 1000.0f, 2.5, 0x5322a70ad8b035ffu},
};
enum { CASES = sizeof cases / sizeof cases[0] };

static struct criterion_test_params all_cases(void) {
    static size_t index[CASES];
    for (size_t i = 0; i < CASES; i++) index[i] = i;
    return cr_make_param_array(size_t, index, CASES);
}

/* Distance in units in the last place of a float near `wanted`; the spacing of subnormals is 2^-149. */
static double error_in_ulp(float got, double wanted) {
    if (isnan(wanted)) return isnan(got) ? 0 : (double)INFINITY;
    const float rounded = (float)wanted;
    if (isinf(rounded) || isinf(got)) return rounded == got ? 0 : (double)INFINITY;
    int exponent;
    frexp(wanted, &exponent);
    const int last_place = exponent - 24 < -149 ? -149 : exponent - 24;
    return fabs((double)got - wanted) / ldexp(1.0, last_place);
}

ParameterizedTestParameters(repro_math, error_is_within_the_documented_ulp) { return all_cases(); }
ParameterizedTest(size_t *index, repro_math, error_is_within_the_documented_ulp) {
    const case_float *c = &cases[*index];
    double worst = 0;
    float worst_at = 0;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 5003) {
        const float x = repro_float_of((uint32_t)bits);
        if (!(x >= c->low && x <= c->high)) continue;
        const double error = error_in_ulp(c->function(x), c->reference((double)x));
        if (!(error > worst)) continue;
        worst = error;
        worst_at = x;
    }
    cr_assert(worst <= c->max_ulp, "%s is off by %.3f ulp at %a, allowed are %.1f", c->name, worst, (double)worst_at,
              c->max_ulp);
    cr_assert(worst > 0.4, "%s: an error of %.3f ulp says that nothing was measured", c->name, worst);
}

/* NaN results are left out: their sign and payload are nobody's contract; so are arguments out of range. */
static uint64_t hash_of_results(const case_float *c) {
    uint64_t state = HASH64_START;
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 100003) {
        const float x = repro_float_of((uint32_t)bits);
        if (!(x >= c->low && x <= c->high)) continue;
        const float result = c->function(x);
        if (!isnan(result)) state = hash64_add(state, &result, sizeof result);
    }
    return hash64_finish(state);
}

ParameterizedTestParameters(repro_math, bits_are_golden) { return all_cases(); }
ParameterizedTest(size_t *index, repro_math, bits_are_golden) {
    const case_float *c = &cases[*index];
    const uint64_t hash = hash_of_results(c);
    cr_assert(hash == c->golden, "%s: the hash of its results is 0x%016llx, not 0x%016llx", c->name,
              (unsigned long long)hash, (unsigned long long)c->golden);
}

typedef struct {
    const char *what;
    float got, wanted;
} special;

static void expect_exactly(const special *s, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const int same = isnan(s[i].wanted) ? isnan(s[i].got) : repro_bits_of(s[i].got) == repro_bits_of(s[i].wanted);
        cr_assert(same, "%s is %a, not %a", s[i].what, (double)s[i].got, (double)s[i].wanted);
    }
}
#define EXPECT_EXACTLY(list) expect_exactly(list, sizeof(list) / sizeof((list)[0]))

Test(repro_math, special_values_of_exp_and_logarithms) {
    const special s[] = {
        {"exp(0)", repro_expf(0), 1},
        {"exp(-0)", repro_expf(-0.0f), 1},
        {"exp(inf)", repro_expf(INFINITY), INFINITY},
        {"exp(-inf)", repro_expf(-INFINITY), 0},
        {"exp(nan)", repro_expf(NAN), NAN},
        {"exp(88.73)", repro_expf(88.73f), INFINITY},
        {"exp(-104)", repro_expf(-104), 0},
        {"log(0)", repro_logf(0), -INFINITY},
        {"log(-0)", repro_logf(-0.0f), -INFINITY},
        {"log(1)", repro_logf(1), 0},
        {"log(-1)", repro_logf(-1), NAN},
        {"log(-inf)", repro_logf(-INFINITY), NAN},
        {"log(inf)", repro_logf(INFINITY), INFINITY},
        {"log(nan)", repro_logf(NAN), NAN},
        {"log(smallest)", repro_logf(0x1p-149f), -0x1.9d1dap+6f},
        {"log1p(0)", repro_log1pf(0), 0},
        {"log1p(-0)", repro_log1pf(-0.0f), 0},
        {"log1p(smallest)", repro_log1pf(0x1p-149f), 0x1p-149f},
        {"log1p(-1)", repro_log1pf(-1), -INFINITY},
        {"log1p(-1.5)", repro_log1pf(-1.5f), NAN},
        {"log1p(inf)", repro_log1pf(INFINITY), INFINITY},
        {"log1p(nan)", repro_log1pf(NAN), NAN},
    };
    EXPECT_EXACTLY(s);
}

Test(repro_math, special_values_of_the_others) {
    const special s[] = {
        {"softplus(-inf)", repro_softplusf(-INFINITY), 0},
        {"softplus(inf)", repro_softplusf(INFINITY), INFINITY},
        {"softplus(1e30)", repro_softplusf(1e30f), 1e30f},
        {"softplus(nan)", repro_softplusf(NAN), NAN},
        {"sigmoid(0)", repro_sigmoidf(0), 0.5f},
        {"sigmoid(-inf)", repro_sigmoidf(-INFINITY), 0},
        {"sigmoid(inf)", repro_sigmoidf(INFINITY), 1},
        {"sigmoid(nan)", repro_sigmoidf(NAN), NAN},
        {"atan(-0)", repro_atanf(-0.0f), -0.0f},
        {"atan(inf)", repro_atanf(INFINITY), 0x1.921fb6p+0f},
        {"atan(-inf)", repro_atanf(-INFINITY), -0x1.921fb6p+0f},
        {"atan(nan)", repro_atanf(NAN), NAN},
        {"sin_turn(-0)", repro_sinf_turn(-0.0f), 0},
        {"sin_turn(0.25)", repro_sinf_turn(0.25f), 1},
        {"sin_turn(0.5)", repro_sinf_turn(0.5f), 0},
        {"sin_turn(0.75)", repro_sinf_turn(0.75f), -1},
        {"sin_turn(inf)", repro_sinf_turn(INFINITY), NAN},
        {"cos_turn(0)", repro_cosf_turn(0), 1},
        {"cos_turn(0.25)", repro_cosf_turn(0.25f), 0},
        {"cos_turn(0.5)", repro_cosf_turn(0.5f), -1},
        {"cos_turn(3.75)", repro_cosf_turn(3.75f), 0},
        {"cos_turn(-inf)", repro_cosf_turn(-INFINITY), NAN},
    };
    EXPECT_EXACTLY(s);
}

Test(repro_math, special_values_of_powers) {
    const special s[] = {
        {"0^0", repro_powf(0, 0), 1},
        {"nan^0", repro_powf(NAN, 0), 1},
        {"1^nan", repro_powf(1, NAN), 1},
        {"1^inf", repro_powf(1, INFINITY), 1},
        {"0^2", repro_powf(0, 2), 0},
        {"0^-2", repro_powf(0, -2), INFINITY},
        {"inf^2", repro_powf(INFINITY, 2), INFINITY},
        {"inf^-2", repro_powf(INFINITY, -2), 0},
        {"0.5^inf", repro_powf(0.5f, INFINITY), 0},
        {"2^inf", repro_powf(2, INFINITY), INFINITY},
        {"2^-149", repro_powf(2, -149), 0x1p-149f},
        {"2^128", repro_powf(2, 128), INFINITY},
        {"3^4", repro_powf(3, 4), 81},
        {"(-1)^0.5", repro_powf(-1, 0.5f), NAN},
        {"2^nan", repro_powf(2, NAN), NAN},
    };
    EXPECT_EXACTLY(s);
}

Test(repro_math, powers_are_correctly_rounded_but_for_near_ties) {
    double worst = 0;
    for (int i = 1; i < 2000; i++)
        for (int j = -100; j <= 100; j++) {
            const float x = (float)i * 0.01f, y = (float)j * 0.123f;
            worst = fmax(worst, error_in_ulp(repro_powf(x, y), pow((double)x, (double)y)));
        }
    cr_assert(worst <= 0.51, "off by %.4f ulp", worst);
}

Test(repro_math, exp_and_log_in_double) {
    double worst_exp = 0, worst_log = 0;
    for (int i = -7450000; i < 7097000; i += 11) {
        const double x = i * 1e-4, e = exp(x);
        const double spacing = e < 0x1p-1022 ? 0x1p-1074 : ldexp(1.0, ilogb(e) - 52);
        worst_exp = fmax(worst_exp, fabs(repro_exp(x) - e) / spacing);
        if (e < 0x1p-1022) continue;
        worst_log = fmax(worst_log, fabs(repro_log(e) - log(e)) / ldexp(1.0, ilogb(log(e)) - 52));
    }
    /* libm's own half ulp is in these figures */
    cr_assert(worst_exp <= 1.5, "exp is off by %.3f ulp", worst_exp);
    cr_assert(worst_log <= 1.5, "log is off by %.3f ulp", worst_log);
    cr_assert(eq(dbl, repro_exp(0), 1));
    cr_assert(eq(dbl, repro_exp(-(double)INFINITY), 0));
    cr_assert(eq(dbl, repro_exp((double)INFINITY), (double)INFINITY));
    cr_assert(eq(dbl, repro_log(1), 0));
    cr_assert(eq(dbl, repro_log(0), -(double)INFINITY));
    cr_assert(eq(dbl, repro_log((double)INFINITY), (double)INFINITY));
    cr_assert(isnan(repro_log(-1)) && isnan(repro_log((double)NAN)) && isnan(repro_exp((double)NAN)));
}

Test(repro_math, vectorised_loops_give_the_same_bits_as_single_calls) {
    enum { N = 1003 };
    float x[N], y[N];
    for (int i = 0; i < N; i++) x[i] = (float)(i - 500) * 0.17f;
    for (int i = 0; i < N; i++) y[i] = repro_softplusf(x[i]) * repro_sigmoidf(x[i]);
    for (int i = 0; i < N; i++) {
        float (*volatile first)(float) = repro_softplusf, (*volatile second)(float) = repro_sigmoidf;
        const float product = first(x[i]) * second(x[i]);
        cr_assert(repro_bits_of(product) == repro_bits_of(y[i]), "differs at %g", (double)x[i]);
    }
}
