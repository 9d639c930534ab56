/* The kernels for the instruction set that the whole program is built for: AVX2 or NEON. */
#if (defined(__AVX2__) && defined(__FMA__)) || (defined(__ARM_NEON) && defined(__aarch64__))
#include "lib/nn/kernels_body.h"

const nn_kernels *nn_kernels_native(void) { return &kernels; }
#else
#include "lib/nn/kernels.h"

const nn_kernels *nn_kernels_native(void) { return NULL; }
#endif
