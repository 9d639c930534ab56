/* Error of the vector functions against libm in long double, their values at the ends, and a hash of results. */
#include "lib/base/repro_math_simd.h"

#include "lib/base/hash.h"
#include "lib/base/rng.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <float.h>
#include <math.h>

enum { SAMPLES = 400000 };

static double exp_at(double x) { return repro_exp_simd(doubles_all(x))[0]; }
static double atan_at(double y, double x) { return repro_atan_ratio_simd(doubles_all(y), doubles_all(x))[0]; }

/* Distance in units in the last place of a double near `wanted`. */
static double error_in_ulp(double got, long double wanted) {
    int exponent;
    frexpl(wanted, &exponent);
    return (double)(fabsl((long double)got - wanted) / ldexpl(1.0L, exponent - 53));
}

/* Uniform in [0, 1), 53 bits. */
static double uniform(rng *stream) { return (double)(rng_u64(stream) >> 11) * 0x1p-53; }

Test(repro_math_simd, exp_is_within_one_ulp) {
    rng stream = rng_from_text("exp");
    double worst = 0, worst_at = 0;
    if (LDBL_MANT_DIG < 64) cr_skip_test("long double is no wider than double");
    for (size_t i = 0; i < SAMPLES; i++) {
        const double x = (uniform(&stream) * 2 - 1) * (i % 2 ? 708 : 2);
        const double error = error_in_ulp(exp_at(x), expl((long double)x));
        if (error > worst) worst = error, worst_at = x;
    }
    cr_assert(worst <= 1, "e^%a is off by %.3f ulp", worst_at, worst);
    cr_assert(worst > 0.4, "an error of %.3f ulp says that nothing was measured", worst);
}

Test(repro_math_simd, atan_is_within_two_and_a_half_ulp) {
    rng stream = rng_from_text("atan");
    double worst = 0, worst_y = 0, worst_x = 0;
    if (LDBL_MANT_DIG < 64) cr_skip_test("long double is no wider than double");
    for (size_t i = 0; i < SAMPLES; i++) {
        const double y = uniform(&stream) * 2 - 1, x = (uniform(&stream) * 2 - 1) * (i % 3 ? 1 : 0x1p-40);
        const double error = error_in_ulp(atan_at(y, x), atanl((long double)y / (long double)x));
        if (error > worst) worst = error, worst_y = y, worst_x = x;
    }
    cr_assert(worst <= 2.5, "atan(%a / %a) is off by %.3f ulp", worst_y, worst_x, worst);
    cr_assert(worst > 0.4, "an error of %.3f ulp says that nothing was measured", worst);
}

Test(repro_math_simd, ends_are_exact) {
    cr_assert(exp_at(0) == 1 && exp_at(-0.0) == 1);
    cr_assert(exp_at(-1e300) == exp_at(-708) && exp_at(-708) > 0x1p-1022);
    cr_assert(exp_at(1e300) == exp_at(709) && exp_at(709) <= DBL_MAX);
    cr_assert(atan_at(0, 0) == 0 && atan_at(0, 3) == 0 && atan_at(0, -3) == 0);
    cr_assert(atan_at(2, 0) == M_PI_2 && atan_at(-2, 0) == -M_PI_2);
    cr_assert(atan_at(2, 2) == M_PI_4 && atan_at(-2, 2) == -M_PI_4 && atan_at(-2, -2) == M_PI_4);
    cr_assert(atan_at(1e-300, 1e-300) == M_PI_4);
}

Test(repro_math_simd, lanes_are_independent) {
    double y[DOUBLES], x[DOUBLES], together[DOUBLES];
    for (int j = 0; j < DOUBLES; j++) y[j] = j - 1.5, x[j] = 0.25 + j;
    doubles_store(together, repro_atan_ratio_simd(doubles_load(y), doubles_load(x)));
    for (int j = 0; j < DOUBLES; j++) cr_assert(together[j] == atan_at(y[j], x[j]), "lane %d of the arc tangent", j);
    doubles_store(together, repro_exp_simd(doubles_load(y)));
    for (int j = 0; j < DOUBLES; j++) cr_assert(together[j] == exp_at(y[j]), "lane %d of the exponential", j);
}

Test(repro_math_simd, bits_are_golden) {
    uint64_t state = HASH64_START;
    rng stream = rng_from_text("bits");
    for (size_t i = 0; i < 20000; i++) {
        const double y = uniform(&stream) * 2 - 1, x = uniform(&stream) * 2 - 1;
        const double results[2] = {exp_at(300 * x), atan_at(y, x)};
        state = hash64_add(state, results, sizeof results);
    }
    const uint64_t hash = hash64_finish(state);
    cr_assert(hash == 0xa2557c56c0f41e81u, "the hash of the results is 0x%016llx", (unsigned long long)hash);
}
