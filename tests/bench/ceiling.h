/* The most floating-point operations that this core can do: independent chains of fused multiply-adds that never leave
   the registers, in the vectors of the including file. */
#ifndef BENCH_CEILING_H
#define BENCH_CEILING_H

#include "lib/base/simd.h"

/* Each spins for some milliseconds; returns the operations done (a multiply-add counts as two), 0 where the build has
   no such vectors. */
double ceiling_native(void);
double ceiling_avx512(void);

static inline double ceiling_spin(void) {
    enum { CHAINS = SIMD_LANES == 16 ? 24 : 12, TURNS = 1 << 21 };
    static volatile float factor = 0.999f, sink;
    const simd_float f = simd_all(factor);
    simd_float sum[CHAINS];
    for (int i = 0; i < CHAINS; i++) sum[i] = simd_all((float)i);
    for (int turn = 0; turn < TURNS; turn++)
#pragma GCC unroll 24
        for (int i = 0; i < CHAINS; i++) sum[i] = simd_fma(sum[i], f, f);
    for (int i = 1; i < CHAINS; i++) sum[0] += sum[i];
    sink = sum[0][0];
    (void)sink;
    return 2.0 * SIMD_LANES * CHAINS * TURNS;
}

#endif
