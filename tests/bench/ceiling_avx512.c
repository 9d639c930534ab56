/* The ceiling with AVX-512; the Makefile gives this file alone the flags. */
#include "tests/bench/ceiling.h"

#ifdef __AVX512F__
double ceiling_avx512(void) { return ceiling_spin(); }
#else
double ceiling_avx512(void) { return 0; }
#endif
