/* The one rule that turns a false-rejection rate into a count: how many of `goods` parts may be rejected at FR `alpha`.
   The 1e-9 is for products such as 0.29 * 100 = 28.999999999999996. */
#ifndef BASE_FR_RULE_H
#define BASE_FR_RULE_H

#include <math.h>
#include <stddef.h>

static inline size_t fr_allowed(double alpha, double goods) { return (size_t)floor(alpha * goods + 1e-9); }

#endif
