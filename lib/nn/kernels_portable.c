/* The kernels as plain loops over lanes: runs everywhere, and says what the others must give. */
#define SIMD_PORTABLE
#include "lib/nn/kernels_body.h"

const nn_kernels *nn_kernels_portable(void) { return &kernels; }
