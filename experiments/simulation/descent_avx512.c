/* The kernels for AVX-512; the Makefile gives this file alone the flags, so only these functions may use it. */
#ifdef __AVX512F__
#include "experiments/simulation/descent_body.h"

const descent *descents_avx512(void) { return kernels; }
#else
#include "experiments/simulation/descent.h"

const descent *descents_avx512(void) { return NULL; }
#endif
