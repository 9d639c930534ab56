/* Elementary functions whose bits do not depend on libm, compiler, optimisation level or CPU: polynomials and
   explicit fused multiply-adds, no tables, selects instead of branches, so that loops over them vectorise.

   The coefficients are our own: weighted least squares on 160 Chebyshev nodes in 40-digit arithmetic, the weights
   iterated (Lawson) until the relative error is level, i.e. near-minimax; then rounded one at a time from the lowest
   order, refitting the rest. Maximal error of each function in units in the last place, as measured (and asserted) by
   tests/base/test_repro_math.c, is given beside it. Subnormal arguments and results are right; NaN gives NaN;
   a zero result of log1p, sin_turn and cos_turn is +0. */
#ifndef BASE_REPRO_MATH_H
#define BASE_REPRO_MATH_H

#include <stdint.h>
#include <string.h>

static inline uint32_t repro_bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float repro_float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* condition ? yes : no, both always computed: GCC moves the arithmetic of a plain ?: into its branches, where floating
   operations (they may trap) then keep a loop from being vectorised. */
static inline float repro_select(int condition, float yes, float no) {
    const uint32_t mask = 0u - (uint32_t)(condition != 0);
    return repro_float_of((repro_bits_of(yes) & mask) | (repro_bits_of(no) & ~mask));
}

#define REPRO_LN2_HIGH 0x1.62e43p-1f /* ln 2 = high + low */
#define REPRO_LN2_LOW (-0x1.05c61p-29f)

#define REPRO_ROUND_TO_INTEGER 0x1.8p23f /* adding it rounds to an integer and leaves that in the low bits */

/* e^r for |r| <= ln(2) / 2. */
static inline float repro_exp_reduced(float r) {
    float p = 0x1.6a4d18p-10f;
    p = __builtin_fmaf(p, r, 0x1.12398cp-7f);
    p = __builtin_fmaf(p, r, 0x1.5558bp-5f);
    p = __builtin_fmaf(p, r, 0x1.555492p-3f);
    p = __builtin_fmaf(p, r, 0x1.fffffcp-2f);
    p = __builtin_fmaf(p, r, 1.0f);
    return __builtin_fmaf(p, r, 1.0f);
}

/* e^x; 0 below about -104, +inf above 88.73. 1 ulp. */
static inline float repro_expf(float x) {
    const uint32_t sign = repro_bits_of(x) & 0x80000000u, magnitude = repro_bits_of(x) & 0x7fffffffu;
    const uint32_t limit = 0x42d00000u; /* 104: e^104 overflows, e^-104 underflows */
    const float clamped = repro_float_of(sign | (magnitude < limit ? magnitude : limit));
    const float shifted = __builtin_fmaf(clamped, 0x1.715476p+0f, REPRO_ROUND_TO_INTEGER); /* x / ln 2 */
    const float n = shifted - REPRO_ROUND_TO_INTEGER;
    float r = __builtin_fmaf(n, -REPRO_LN2_HIGH, clamped);
    r = __builtin_fmaf(n, -REPRO_LN2_LOW, r);
    const float p = repro_exp_reduced(r);
    /* 2^n in two factors, so that overflow and subnormal results come out of ordinary multiplications. */
    const int32_t exponent = (int32_t)(repro_bits_of(shifted) - repro_bits_of(REPRO_ROUND_TO_INTEGER));
    const int32_t half = exponent >> 1;
    const float first = repro_float_of((uint32_t)(half + 127) << 23);
    const float second = repro_float_of((uint32_t)(exponent - half + 127) << 23);
    const float result = p * first * second;
    return repro_select(magnitude > 0x7f800000u, x, result); /* NaN */
}

/* e^-m for m >= 0, the cheap one: 0 above 87. 1 ulp. */
static inline float repro_exp_negative(float m) {
    const uint32_t bits = repro_bits_of(m), limit = 0x42ae0000u; /* 87: all results are normal or 0 */
    const float clamped = repro_float_of(bits < limit ? bits : limit);
    const float shifted = __builtin_fmaf(clamped, -0x1.715476p+0f, REPRO_ROUND_TO_INTEGER);
    const float n = shifted - REPRO_ROUND_TO_INTEGER;
    const float r = __builtin_fmaf(n, -REPRO_LN2_LOW, __builtin_fmaf(n, -REPRO_LN2_HIGH, -clamped));
    const uint32_t result = repro_bits_of(repro_exp_reduced(r)) + (repro_bits_of(shifted) << 23);
    return repro_select(bits > limit, 0.0f, repro_float_of(result));
}

/* ln((1 + f) 2^e) for 1 + f in [sqrt(1/2), sqrt 2). */
static inline float repro_log_reduced(float f, float e) {
    float q = -0x1.38c268p-4f;
    q = __builtin_fmaf(q, f, 0x1.056336p-3f);
    q = __builtin_fmaf(q, f, -0x1.0d8598p-3f);
    q = __builtin_fmaf(q, f, 0x1.22d88cp-3f);
    q = __builtin_fmaf(q, f, -0x1.5472180p-3f);
    q = __builtin_fmaf(q, f, 0x1.99a022p-3f);
    q = __builtin_fmaf(q, f, -0x1.000228p-2f);
    q = __builtin_fmaf(q, f, 0x1.555554p-2f);
    q = __builtin_fmaf(q, f, -0.5f);
    const float tail = __builtin_fmaf(f * f, q, e * REPRO_LN2_LOW);
    return __builtin_fmaf(e, REPRO_LN2_HIGH, f + tail);
}

/* The exponent e of x = m 2^e with m in [sqrt(1/2), sqrt 2), for normal x > 0. */
static inline int32_t repro_exponent(float x) { return (int32_t)(repro_bits_of(x) - 0x3f3504f3u) >> 23; }

static inline float repro_mantissa(float x, int32_t exponent) {
    return repro_float_of(repro_bits_of(x) - ((uint32_t)exponent << 23));
}

/* ln x for normal x > 0, the cheap one. 1 ulp. */
static inline float repro_log_normal(float x) {
    const int32_t e = repro_exponent(x);
    return repro_log_reduced(repro_mantissa(x, e) - 1.0f, (float)e);
}

/* ln(1+x) for x in [0,1], the cheap one. 1.5 ulp. */
static inline float repro_log1p_unit(float x) {
    const float square = x * x;
    float even = -0x1.b1650ep-9f; /* two short chains instead of a long one */
    even = __builtin_fmaf(even, square, -0x1.d78b46p-5f);
    even = __builtin_fmaf(even, square, -0x1.3a597ap-3f);
    even = __builtin_fmaf(even, square, -0x1.ff249ep-3f);
    even = __builtin_fmaf(even, square, -0x1.ffffd2p-2f);
    float odd = 0x1.4a24ap-6f;
    odd = __builtin_fmaf(odd, square, 0x1.b50b32p-4f);
    odd = __builtin_fmaf(odd, square, 0x1.93510cp-3f);
    odd = __builtin_fmaf(odd, square, 0x1.554dd4p-2f);
    return __builtin_fmaf(square, __builtin_fmaf(odd, x, even), x);
}

/* `result` where x > 0; elsewhere what a logarithm is there. */
static inline float repro_log_domain(float x, float result) {
    const uint32_t bits = repro_bits_of(x);
    const uint32_t infinity = 0x7f800000u;
    const float outside = repro_select(bits << 1 == 0, -__builtin_inff(), __builtin_nanf(""));
    const float inside = repro_select(bits == infinity, x, result);
    return repro_select(bits - 1u < infinity, inside, outside);
}

/* ln x; -inf at 0, NaN below 0. 1 ulp. */
static inline float repro_logf(float x) {
    const int subnormal = repro_bits_of(x) < 0x00800000u;
    const float normal = x * repro_select(subnormal, 0x1p24f, 1.0f);
    const int32_t e = repro_exponent(normal);
    const float shift = repro_select(subnormal, 24.0f, 0.0f);
    return repro_log_domain(x, repro_log_reduced(repro_mantissa(normal, e) - 1.0f, (float)e - shift));
}

/* ln(1+x), accurate near 0; -inf at -1, NaN below. 1.5 ulp. */
static inline float repro_log1pf(float x) {
    const float sum = 1.0f + x;
    const int32_t e = repro_exponent(sum);
    /* 1 + x = (1 + f) 2^e: f exactly rounded while x matters beside the 1, else from the rounded sum. */
    const int32_t small_e = e > 24 ? 24 : e;
    const float scale = repro_float_of((uint32_t)(127 - small_e) << 23);
    const float exact_f = __builtin_fmaf(x, scale, scale - 1.0f);
    const float large_f = repro_mantissa(sum, e) - 1.0f;
    const float f = repro_select(e > 24, large_f, exact_f);
    return repro_log_domain(sum, repro_log_reduced(f, (float)e));
}

/* ln(1+e^x) without overflow. 2 ulp. */
static inline float repro_softplusf(float x) {
    const float positive = repro_select(x > 0.0f, x, 0.0f);
    return positive + repro_log1pf(repro_expf(-__builtin_fabsf(x)));
}

/* 1/(1+e^-x) without overflow, and with full relative accuracy for x << 0. 2.5 ulp. */
static inline float repro_sigmoidf(float x) {
    const float e = repro_expf(-__builtin_fabsf(x));
    return repro_select(x < 0.0f, e, 1.0f) / (1.0f + e);
}

/* 1.5 ulp. */
static inline float repro_atanf(float x) {
    const float magnitude = __builtin_fabsf(x);
    const int large = magnitude > 1.0f;
    const float t =
        repro_select(large, 1.0f, magnitude) / repro_select(large, magnitude, 1.0f); /* atan(x) = pi/2 - atan(1/x) */
    const float z = t * t;
    float q = 0x1.7eb1e4p-9f;
    q = __builtin_fmaf(q, z, -0x1.0c1c3ep-6f);
    q = __builtin_fmaf(q, z, 0x1.61f14cp-5f);
    q = __builtin_fmaf(q, z, -0x1.355192p-4f);
    q = __builtin_fmaf(q, z, 0x1.b4dedep-4f);
    q = __builtin_fmaf(q, z, -0x1.230a96p-3f);
    q = __builtin_fmaf(q, z, 0x1.9978ecp-3f);
    q = __builtin_fmaf(q, z, -0x1.5554dcp-2f);
    const float small = __builtin_fmaf(t * z, q, t);
    const float result = repro_select(large, 0x1.921fb6p+0f - (small + 0x1.777a5cp-25f), small);
    return __builtin_copysignf(result, x);
}

/* sin(2 pi a) for |a| <= 1/4. */
static inline float repro_sin_quarter(float a) {
    const float z = a * a;
    float q = -0x1.bb8bcep+3f;
    q = __builtin_fmaf(q, z, 0x1.4f6b44p+5f);
    q = __builtin_fmaf(q, z, -0x1.32ccacp+6f);
    q = __builtin_fmaf(q, z, 0x1.466ba8p+6f);
    q = __builtin_fmaf(q, z, -0x1.4abbcep+5f);
    const float correction = a * __builtin_fmaf(z, q, -0x1.777a5cp-23f); /* 2 pi = high + low */
    return __builtin_fmaf(a, 0x1.921fb6p+2f, correction);
}

/* t minus the nearest integer: exact. */
static inline float repro_turn_reduced(float t) { return t - __builtin_rintf(t); }

/* sin(2 pi t), t in turns: range reduction is exact; NaN at infinity. 2.5 ulp. */
static inline float repro_sinf_turn(float t) {
    const float r = repro_turn_reduced(t);
    const float folded = __builtin_copysignf(0.5f, r) - r;
    return repro_sin_quarter(repro_select(__builtin_fabsf(r) > 0.25f, folded, r));
}

/* cos(2 pi t) = sin(2 pi (1/4 - |t|)); the subtraction rounds where cos is near 1 and costs nothing near its zeros. 2.5
 * ulp. */
static inline float repro_cosf_turn(float t) {
    return repro_sin_quarter(0.25f - __builtin_fabsf(repro_turn_reduced(t)));
}

/* e^r for |r| <= ln(2) / 2 in double, from r^0 up: one polynomial for repro_exp and its vectors. */
#define REPRO_EXP_COEFFICIENTS                                                                                         \
    1.0, 1.0, 0x1.000000000000ap-1, 0x1.5555555555504p-3, 0x1.55555555506a6p-5, 0x1.1111111125557p-7,                  \
        0x1.6c16c1847e856p-10, 0x1.a01a0136db5fbp-13, 0x1.a01999459e4aap-16, 0x1.71df0a32a8601p-19,                    \
        0x1.28ae17ddf0071p-22, 0x1.ada96e5051b7dp-26

double repro_exp(double x);         /* 1 ulp */
double repro_log(double x);         /* 1 ulp; -inf at 0, NaN below 0 */
float repro_powf(float x, float y); /* x^y for x >= 0, NaN below 0; 0^0 = 1, as C's powf. 0.51 ulp */

#endif
