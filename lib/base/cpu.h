/* What the processor at hand runs beyond the baseline that every file is built for. */
#ifndef BASE_CPU_H
#define BASE_CPU_H

/* The parts of AVX-512 that files named *_avx512.c are built with: see WIDEFLAGS in the Makefile. */
static inline int cpu_runs_avx512(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
#else
    return 0;
#endif
}

#endif
