/* Vectors of doubles: as simd.h has them of floats, half as many to a vector.

   `doubles` has DOUBLES lanes: 8 with AVX-512, 4 with AVX2, 2 otherwise. Arithmetic is written with the operators of
   the GCC vector extensions, what they lack with these functions. All of them round as IEEE says, so a lane has the
   same bits whatever the width. A comparison gives a `doubles_mask`, which is a bit a lane with AVX-512. */
#ifndef BASE_SIMD_DOUBLE_H
#define BASE_SIMD_DOUBLE_H

#include "lib/base/simd.h"

enum { DOUBLES = SIMD_LANES / 2 };

typedef double doubles __attribute__((vector_size(sizeof(double) * DOUBLES)));
typedef int64_t doubles_bits __attribute__((vector_size(sizeof(int64_t) * DOUBLES)));

SIMD_INLINE doubles doubles_load(const double *from) {
    typedef double unaligned __attribute__((vector_size(sizeof(doubles)), aligned(8), may_alias));
    return *(const unaligned *)from;
}

SIMD_INLINE void doubles_store(double *to, doubles value) {
    typedef double unaligned __attribute__((vector_size(sizeof(doubles)), aligned(8), may_alias));
    *(unaligned *)to = value;
}

SIMD_INLINE doubles doubles_abs(doubles a) { return (doubles)((doubles_bits)a & INT64_MAX); }

#if defined(__AVX512F__) && !defined(SIMD_PORTABLE)

typedef __mmask8 doubles_mask;

SIMD_INLINE doubles doubles_all(double x) { return (doubles)_mm512_set1_pd(x); }
SIMD_INLINE doubles_mask doubles_less(doubles a, doubles b) {
    return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_LT_OQ);
}
SIMD_INLINE doubles doubles_keep(doubles_mask mask, doubles a) {
    return (doubles)_mm512_maskz_mov_pd(mask, (__m512d)a);
}
SIMD_INLINE doubles doubles_choose(doubles_mask mask, doubles a, doubles b) {
    return (doubles)_mm512_mask_mov_pd((__m512d)b, mask, (__m512d)a);
}
SIMD_INLINE doubles doubles_min(doubles a, doubles b) { return (doubles)_mm512_min_pd((__m512d)a, (__m512d)b); }
SIMD_INLINE doubles doubles_max(doubles a, doubles b) { return (doubles)_mm512_max_pd((__m512d)a, (__m512d)b); }
SIMD_INLINE doubles doubles_sqrt(doubles a) { return (doubles)_mm512_sqrt_pd((__m512d)a); }
SIMD_INLINE doubles doubles_fma(doubles a, doubles b, doubles c) {
    return (doubles)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}

#elif defined(__AVX2__) && defined(__FMA__) && !defined(SIMD_PORTABLE)

typedef doubles_bits doubles_mask; /* lanes are 0 or -1 */

SIMD_INLINE doubles doubles_all(double x) { return (doubles)_mm256_set1_pd(x); }
SIMD_INLINE doubles_mask doubles_less(doubles a, doubles b) {
    return (doubles_mask)_mm256_cmp_pd((__m256d)a, (__m256d)b, _CMP_LT_OQ);
}
SIMD_INLINE doubles doubles_keep(doubles_mask mask, doubles a) { return (doubles)(mask & (doubles_bits)a); }
SIMD_INLINE doubles doubles_choose(doubles_mask mask, doubles a, doubles b) {
    return (doubles)_mm256_blendv_pd((__m256d)b, (__m256d)a, (__m256d)mask);
}
SIMD_INLINE doubles doubles_min(doubles a, doubles b) { return (doubles)_mm256_min_pd((__m256d)a, (__m256d)b); }
SIMD_INLINE doubles doubles_max(doubles a, doubles b) { return (doubles)_mm256_max_pd((__m256d)a, (__m256d)b); }
SIMD_INLINE doubles doubles_sqrt(doubles a) { return (doubles)_mm256_sqrt_pd((__m256d)a); }
SIMD_INLINE doubles doubles_fma(doubles a, doubles b, doubles c) {
    return (doubles)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}

#else

typedef doubles_bits doubles_mask;

SIMD_INLINE doubles doubles_all(double x) { return (doubles){x, x}; }
SIMD_INLINE doubles_mask doubles_less(doubles a, doubles b) { return (doubles_mask)(a < b); }

/* mask ? a : 0, lane by lane */
SIMD_INLINE doubles doubles_keep(doubles_mask mask, doubles a) { return (doubles)(mask & (doubles_bits)a); }

/* mask ? a : b, lane by lane */
SIMD_INLINE doubles doubles_choose(doubles_mask mask, doubles a, doubles b) {
    return (doubles)((mask & (doubles_bits)a) | (~mask & (doubles_bits)b));
}

/* b where neither is less */
SIMD_INLINE doubles doubles_min(doubles a, doubles b) { return doubles_choose(doubles_less(a, b), a, b); }
SIMD_INLINE doubles doubles_max(doubles a, doubles b) { return doubles_choose(doubles_less(b, a), a, b); }
SIMD_INLINE doubles doubles_sqrt(doubles a) { return (doubles){__builtin_sqrt(a[0]), __builtin_sqrt(a[1])}; }

/* a * b + c, rounded once */
SIMD_INLINE doubles doubles_fma(doubles a, doubles b, doubles c) {
#if defined(__ARM_NEON) && defined(__aarch64__) && !defined(SIMD_PORTABLE)
    return (doubles)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
#else
    return (doubles){__builtin_fma(a[0], b[0], c[0]), __builtin_fma(a[1], b[1], c[1])};
#endif
}

#endif

#endif
