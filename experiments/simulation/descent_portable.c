/* The kernels as plain loops over lanes: runs everywhere, and says what the others must give. */
#define SIMD_PORTABLE
#include "experiments/simulation/descent_body.h"

const descent *descents_portable(void) { return kernels; }
