/* Which kernels this CPU runs. */
#include "experiments/simulation/descent.h"

static int cpu_runs_avx512(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
#else
    return 0;
#endif
}

const descent *descents(void) {
    if (descents_avx512() && cpu_runs_avx512()) return descents_avx512();
    return descents_native() ? descents_native() : descents_portable();
}
