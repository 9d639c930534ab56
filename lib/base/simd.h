/* The vectors of this build, and the one explicit fused multiply-add.

   A `simd_float` has SIMD_LANES floats: 16 with AVX-512, 8 with AVX2, 4 otherwise. All arithmetic is written with GCC
   vector extensions, which mean the same for every compiler and width. Only the fused multiply-add needs a word per
   instruction set: written as a loop over lanes it is not reliably vectorised. It rounds once everywhere, so a lane has
   the same bits whatever the width. Define SIMD_PORTABLE before including to get the plain loop on any machine. */
#ifndef BASE_SIMD_H
#define BASE_SIMD_H

#include <stdint.h>

#if defined(__AVX512F__) && !defined(SIMD_PORTABLE)
#include <immintrin.h>
#define SIMD_NAME "avx512"
enum { SIMD_LANES = 16 };
#elif defined(__AVX2__) && defined(__FMA__) && !defined(SIMD_PORTABLE)
#include <immintrin.h>
#define SIMD_NAME "avx2"
enum { SIMD_LANES = 8 };
#elif defined(__ARM_NEON) && defined(__aarch64__) && !defined(SIMD_PORTABLE)
#include <arm_neon.h>
#define SIMD_NAME "neon"
enum { SIMD_LANES = 4 };
#else
#define SIMD_NAME "portable"
enum { SIMD_LANES = 4 };
#endif

typedef float simd_float __attribute__((vector_size(sizeof(float) * SIMD_LANES)));
typedef int32_t simd_int __attribute__((vector_size(sizeof(int32_t) * SIMD_LANES))); /* what a comparison gives */

#define SIMD_INLINE static inline __attribute__((always_inline, unused))

/* Memory need not be aligned; memory aligned to 64 bytes is faster. */
SIMD_INLINE simd_float simd_load(const float *from) {
    typedef float unaligned __attribute__((vector_size(sizeof(simd_float)), aligned(4), may_alias));
    return *(const unaligned *)from;
}

SIMD_INLINE void simd_store(float *to, simd_float value) {
    typedef float unaligned __attribute__((vector_size(sizeof(simd_float)), aligned(4), may_alias));
    *(unaligned *)to = value;
}

/* A written-out list: gcc fails to see a broadcast in a loop over lanes. */
SIMD_INLINE simd_float simd_all(float x) {
#if defined(__AVX512F__) && !defined(SIMD_PORTABLE)
    return (simd_float){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
#elif defined(__AVX2__) && defined(__FMA__) && !defined(SIMD_PORTABLE)
    return (simd_float){x, x, x, x, x, x, x, x};
#else
    return (simd_float){x, x, x, x};
#endif
}

/* mask ? a : 0, lane by lane; mask lanes are 0 or -1 */
SIMD_INLINE simd_float simd_keep(simd_int mask, simd_float a) { return (simd_float)(mask & (simd_int)a); }

/* mask ? a : b, lane by lane */
SIMD_INLINE simd_float simd_choose(simd_int mask, simd_float a, simd_float b) {
    return (simd_float)((mask & (simd_int)a) | (~mask & (simd_int)b));
}

/* a * b + c, rounded once */
SIMD_INLINE simd_float simd_fma(simd_float a, simd_float b, simd_float c) {
#if defined(__AVX512F__) && !defined(SIMD_PORTABLE)
    return (simd_float)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__) && defined(__FMA__) && !defined(SIMD_PORTABLE)
    return (simd_float)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__ARM_NEON) && defined(__aarch64__) && !defined(SIMD_PORTABLE)
    return (simd_float)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#else
    simd_float sum;
    for (int i = 0; i < SIMD_LANES; i++) sum[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return sum;
#endif
}

#endif
