/* The kernels for AVX-512; the Makefile gives this file alone the flags, so only these functions may use it. */
#ifdef __AVX512F__
#include "lib/nn/kernels_body.h"

const nn_kernels *nn_kernels_avx512(void) { return &kernels; }
#else
#include "lib/nn/kernels.h"

const nn_kernels *nn_kernels_avx512(void) { return NULL; }
#endif
