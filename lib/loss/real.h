/* Arithmetic of the losses, in float or, with LOSS_DOUBLE, in double: elementary functions that repeat to the last bit,
   selects instead of branches, so that loops over them vectorise. Accuracy as in lib/base/repro_math.h; the double ones
   are within a few ulp. real_exp_negative(m) is exp(-m) for m from +0 on; -0 is not 0 for it. */
#ifndef LOSS_REAL_H
#define LOSS_REAL_H

#include "lib/base/repro_math.h"
#include "lib/loss/loss.h"

#include <float.h>

typedef loss_real real;

/* A function whose loops are compiled for AVX-512 too; the wider version is chosen when the program starts, with the
   same bits. Compilers that cannot do this build the baseline only. */
#if defined(__x86_64__) && defined(__AVX2__) && !defined(__clang__) && __GNUC__ >= 12 && !defined(LOSS_DOUBLE) &&      \
    !defined(__SANITIZE_ADDRESS__)
#define LOSS_KERNEL __attribute__((target_clones("arch=x86-64-v4", "default")))
#else
#define LOSS_KERNEL
#endif

/* What a loop calls for each element must be inlined for the loop to be vectorised. */
#define LOSS_INLINE static inline __attribute__((always_inline, unused))

#ifdef LOSS_DOUBLE

#define REAL_MIN DBL_MIN
#define REAL_MAX DBL_MAX
#define REAL_EPSILON DBL_EPSILON

static inline uint64_t real_bits_of(real x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* As repro_select. */
static inline real real_select(int condition, real yes, real no) {
    const uint64_t mask = 0u - (uint64_t)(condition != 0);
    const uint64_t bits = (real_bits_of(yes) & mask) | (real_bits_of(no) & ~mask);
    real x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static inline real real_abs(real x) { return __builtin_fabs(x); }
static inline real real_fma(real a, real b, real c) { return __builtin_fma(a, b, c); }
static inline real real_sqrt(real x) { return __builtin_sqrt(x); }
static inline real real_exp(real x) { return repro_exp(x); }
static inline real real_exp_negative(real m) { return repro_exp(-m); }
static inline real real_log(real x) { return repro_log(x); }
static inline real real_log_normal(real x) { return repro_log(x); }

/* log(u) x / (u-1), u = 1+x rounded: the rounding of u cancels. */
static inline real real_log1p(real x) {
    const real u = 1.0 + x;
    return u == 1.0 || !(u > 0.0) || u - 1.0 == x ? (u == 1.0 ? x : repro_log(u)) : repro_log(u) * x / (u - 1.0);
}
static inline real real_log1p_unit(real x) { return real_log1p(x); }

/* Two halvings, atan x = 2 atan(x / (1 + sqrt(1+x^2))), then the series for |x| <= tan(pi/16). */
static inline real real_atan(real x) {
    const real magnitude = real_abs(x);
    const int large = magnitude > 1.0;
    const real t = real_select(large, 1.0, magnitude) / real_select(large, magnitude, 1.0);
    const real half = t / (1.0 + real_sqrt(1.0 + t * t)), s = half / (1.0 + real_sqrt(1.0 + half * half));
    const real z = s * s;
    real q = 1.0 / 29.0;
    for (int k = 27; k >= 1; k -= 2) q = real_fma(-z, q, 1.0 / (real)k);
    const real small = 4.0 * s * q;
    return __builtin_copysign(real_select(large, 0x1.921fb54442d18p+0 - small, small), x);
}

static inline int real_is_finite(real x) { return x - x == 0.0; }

#else

#define REAL_MIN FLT_MIN
#define REAL_MAX FLT_MAX
#define REAL_EPSILON FLT_EPSILON

static inline real real_select(int condition, real yes, real no) { return repro_select(condition, yes, no); }
static inline real real_abs(real x) { return __builtin_fabsf(x); }
static inline real real_fma(real a, real b, real c) { return __builtin_fmaf(a, b, c); }
static inline real real_sqrt(real x) { return __builtin_sqrtf(x); }
static inline real real_exp(real x) { return repro_expf(x); }
static inline real real_exp_negative(real m) { return repro_exp_negative(m); }
static inline real real_log(real x) { return repro_logf(x); }
static inline real real_log_normal(real x) { return repro_log_normal(x); }
static inline real real_log1p(real x) { return repro_log1pf(x); }
static inline real real_log1p_unit(real x) { return repro_log1p_unit(x); }
static inline real real_atan(real x) { return repro_atanf(x); }
static inline int real_is_finite(real x) { return (repro_bits_of(x) & 0x7fffffffu) < 0x7f800000u; }

#endif

static inline real real_min(real a, real b) { return real_select(a < b, a, b); }
static inline real real_max(real a, real b) { return real_select(a > b, a, b); }
static inline real real_sign(real x) { return real_select(x > 0, 1, 0) - real_select(x < 0, 1, 0); }

/* x, or the largest number of its sign where x is infinite; NaN stays. */
static inline real real_capped(real x) {
    const real limit = REAL_MAX, below = real_select(x > limit, limit, x);
    return real_select(below < -limit, -limit, below);
}

/* a / b for a, b >= 0, with 0/0 = 0. */
static inline real ratio_or_zero(real a, real b) { return a / real_select(b < REAL_MIN, REAL_MIN, b); }

/* m^gamma for m in [0,1], with 0^0 = 1. Below REAL_MIN m counts as REAL_MIN: there, what m^gamma multiplies has
   vanished. */
LOSS_INLINE real power_of_unit(real m, real gamma) {
    return real_exp_negative(real_abs(gamma * real_log_normal(real_select(m < REAL_MIN, REAL_MIN, m))));
}

#endif
