/* Which kernel sets this CPU runs, and which one is in use. */
#include "lib/nn/kernels.h"
#include "lib/base/cpu.h"
#include "lib/nn/nn.h"

#include <stdio.h>
#include <string.h>

enum { SETS = 3 };

static const nn_kernels *selected; /* NULL: the widest */

/* Writes the sets that run here, widest first; returns their number, at least 1. */
static size_t runnable(const nn_kernels *out[SETS]) {
    size_t count = 0;
    if (nn_kernels_avx512() && cpu_runs_avx512()) out[count++] = nn_kernels_avx512();
    if (nn_kernels_native()) out[count++] = nn_kernels_native();
    out[count++] = nn_kernels_portable();
    return count;
}

/* With -march=native on an AVX-512 machine the native set is a second avx512: listed once. */
const char *const *nn_kernels_available(void) {
    static const char *names[SETS + 1];
    const nn_kernels *sets[SETS];
    const size_t count = runnable(sets);
    size_t listed = 0;
    for (size_t i = 0; i < count; i++)
        if (listed == 0 || strcmp(names[listed - 1], sets[i]->name) != 0) names[listed++] = sets[i]->name;
    names[listed] = NULL;
    return names;
}

int nn_kernels_select(const char *name, lb_error *error) {
    const nn_kernels *sets[SETS];
    const size_t count = runnable(sets);
    char known[64] = "";
    for (size_t i = 0; i < count; i++) {
        if (strcmp(sets[i]->name, name) == 0) {
            selected = sets[i];
            return LB_OK;
        }
        snprintf(known + strlen(known), sizeof known - strlen(known), "%s%s", i ? ", " : "", sets[i]->name);
    }
    return lb_fail(error, LB_INVALID, "kernel set '%s' is not available on this machine; there are: %s", name, known);
}

const nn_kernels *nn_kernels_in_use(void) {
    const nn_kernels *sets[SETS];
    if (!selected) {
        runnable(sets);
        selected = sets[0];
    }
    return selected;
}
