/* Which kernels this CPU runs. */
#include "experiments/simulation/descent.h"

#include "lib/base/cpu.h"

const descent *descents(void) {
    if (descents_avx512() && cpu_runs_avx512()) return descents_avx512();
    return descents_native() ? descents_native() : descents_portable();
}
