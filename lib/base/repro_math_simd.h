/* e^x and the arc tangent over vectors of doubles, made as those of repro_math.h: the same bits for every width,
   compiler and optimisation level. Errors as measured, and asserted, by tests/base/test_repro_math_simd.c. */
#ifndef BASE_REPRO_MATH_SIMD_H
#define BASE_REPRO_MATH_SIMD_H

#include "lib/base/repro_math.h"
#include "lib/base/simd_double.h"

/* c[0] + c[1] x + ...: Horner's rule, unrolled since `count` is a constant. */
SIMD_INLINE doubles repro_polynomial_simd(doubles x, const double *c, int count) {
    doubles sum = doubles_all(c[count - 1]);
    for (int i = count - 2; i >= 0; i--) sum = doubles_fma(sum, x, doubles_all(c[i]));
    return sum;
}

/* e^x; below -708 and above 709 as there, so that every result is normal and finite. 1 ulp. */
SIMD_INLINE doubles repro_exp_simd(doubles x) {
    static const double c[] = {REPRO_EXP_COEFFICIENTS};
    const doubles round_to_integer = doubles_all(0x1.8p52);
    const doubles clamped = doubles_min(doubles_max(x, doubles_all(-708)), doubles_all(709));
    const doubles shifted = doubles_fma(clamped, doubles_all(0x1.71547652b82fep+0), round_to_integer); /* x / ln 2 */
    const doubles n = shifted - round_to_integer;
    doubles r = doubles_fma(n, doubles_all(-0x1.62e42fefa39efp-1), clamped);
    r = doubles_fma(n, doubles_all(-0x1.abc9e3b39803fp-56), r);
    const doubles_bits power = (doubles_bits)repro_polynomial_simd(r, c, 12);
    return (doubles)(power + ((doubles_bits)shifted << 52));
}

/* atan t for t in [0, 1] = t + t z q(z), z = t^2; q in even and odd powers: two short chains instead of a long one. */
SIMD_INLINE doubles repro_atan_unit_simd(doubles t) {
    static const double even[] = {-0x1.555555555544ap-2, -0x1.2492491f9bdabp-3, -0x1.745d021eb9c71p-4,
                                  -0x1.110897f96ab98p-4, -0x1.ad31f4a38721bp-5, -0x1.4f401d2467f59p-5,
                                  -0x1.a70fd5c338f21p-6, -0x1.2cd4ddb8e3cf4p-7, -0x1.30f25f21e6feep-10,
                                  -0x1.5390e6de28247p-16};
    static const double odd[] = {0x1.9999999983efep-3, 0x1.c71c709ce404ep-4, 0x1.3b12b231893cfp-4,
                                 0x1.e177e39770dc5p-5, 0x1.7ee1b6f412e12p-5, 0x1.170d3900915aep-5,
                                 0x1.16154487d59d1p-6, 0x1.f92195ce409cfp-9, 0x1.d3559b70f6404p-13};
    const doubles z = t * t, square = z * z;
    const doubles q = doubles_fma(repro_polynomial_simd(square, odd, 9), z, repro_polynomial_simd(square, even, 10));
    return doubles_fma(t * z, q, t);
}

/* atan(y / x), between -pi/2 and pi/2, with one division; pi/2 with the sign of y for x = 0, and 0 for 0/0. 2.5 ulp. */
SIMD_INLINE doubles repro_atan_ratio_simd(doubles y, doubles x) {
    const doubles high = doubles_abs(y), wide = doubles_abs(x);
    const doubles_mask steep = doubles_less(wide, high);
    const doubles larger = doubles_max(doubles_max(high, wide), doubles_all(0x1p-1022));
    const doubles flat = repro_atan_unit_simd(doubles_min(high, wide) / larger);
    const doubles complement = doubles_all(0x1.921fb54442d18p+0) - (flat - doubles_all(0x1.1a62633145c07p-54));
    const doubles_bits sign = ((doubles_bits)y ^ (doubles_bits)x) & INT64_MIN;
    return (doubles)((doubles_bits)doubles_choose(steep, complement, flat) ^ sign);
}

#endif
