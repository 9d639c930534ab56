/* The kernels for the instruction set that the whole program is built for: AVX2 or NEON. */
#if (defined(__AVX2__) && defined(__FMA__)) || (defined(__ARM_NEON) && defined(__aarch64__))
#include "experiments/simulation/descent_body.h"

const descent *descents_native(void) { return kernels; }
#else
#include "experiments/simulation/descent.h"

const descent *descents_native(void) { return NULL; }
#endif
