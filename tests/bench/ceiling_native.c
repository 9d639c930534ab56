/* The ceiling in the vectors that the whole program is built for. */
#include "tests/bench/ceiling.h"

double ceiling_native(void) { return ceiling_spin(); }
