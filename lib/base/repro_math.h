/* Elementary functions whose bits do not depend on libm, compiler, optimisation level or CPU: polynomials and
   explicit fused multiply-adds, no tables, no branches on the value where it can be helped. Maximal errors are
   measured by tests/base/test_repro_math.c. */
#ifndef BASE_REPRO_MATH_H
#define BASE_REPRO_MATH_H

float repro_expf(float x);        /* e^x; 0 below about -104, +inf above 88.73 */
float repro_logf(float x);        /* ln x; -inf at 0, NaN below 0 */
float repro_log1pf(float x);      /* ln(1+x), accurate near 0 */
float repro_powf(float x, float y); /* x^y for x >= 0; 0^0 = 1 */
float repro_softplusf(float x);   /* ln(1+e^x) without overflow */
float repro_sigmoidf(float x);    /* 1/(1+e^-x) without overflow */
float repro_atanf(float x);
float repro_sinf_turn(float t);   /* sin(2 pi t), t in turns: range reduction is exact */
float repro_cosf_turn(float t);   /* cos(2 pi t) */
double repro_exp(double x);
double repro_log(double x);

#endif
