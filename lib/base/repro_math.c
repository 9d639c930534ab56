/* The functions in double: reduction and polynomials as in the header, and the power built from them. */
#include "lib/base/repro_math.h"

static uint64_t bits_of(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

#define LN2_HIGH 0x1.62e42fefa39efp-1 /* ln 2 = high + low */
#define LN2_LOW 0x1.abc9e3b39803fp-56

/* sum of c[i] x^i, Horner from the top */
static double polynomial(double x, const double *c, int degree) {
    double sum = c[degree];
    for (int i = degree - 1; i >= 0; i--) sum = __builtin_fma(sum, x, c[i]);
    return sum;
}

double repro_exp(double x) {
    static const double c[] = {REPRO_EXP_COEFFICIENTS};
    const double round_to_integer = 0x1.8p52;
    double clamped = x < -746.0 ? -746.0 : x;
    clamped = clamped > 710.0 ? 710.0 : clamped;
    const double shifted = __builtin_fma(clamped, 0x1.71547652b82fep+0, round_to_integer);
    const double n = shifted - round_to_integer;
    const double r = __builtin_fma(n, -LN2_LOW, __builtin_fma(n, -LN2_HIGH, clamped));
    const int64_t exponent = (int64_t)(bits_of(shifted) - bits_of(round_to_integer));
    const int64_t half = exponent >> 1;
    const double first = double_of((uint64_t)(half + 1023) << 52);
    const double second = double_of((uint64_t)(exponent - half + 1023) << 52);
    return polynomial(r, c, 11) * first * second;
}

/* ln(1+f) = 2 atanh(s), s = f / (2 + f); written as f - s (f - z R(z)), z = s^2, which has no rounded leading term. */
static double log_of_mantissa(double f, double e) {
    static const double c[] = {0x1.5555555555593p-1, 0x1.999999997fa91p-2, 0x1.249249421c1c3p-2, 0x1.c71c51e6a81d0p-3,
                               0x1.7466461d902cbp-3, 0x1.39a0fc84221d7p-3, 0x1.2f0d16c8e16d3p-3};
    const double s = f / (2.0 + f);
    const double z = s * s;
    const double half_square = 0.5 * f * f;
    const double tail = __builtin_fma(s, __builtin_fma(z, polynomial(z, c, 6), half_square), e * LN2_LOW);
    return __builtin_fma(e, LN2_HIGH, f - (half_square - tail));
}

double repro_log(double x) {
    if (!(x > 0.0)) return x == 0.0 ? -__builtin_inf() : __builtin_nan("");
    if (x == __builtin_inf()) return x;
    const int subnormal = x < 0x1p-1022;
    const double normal = subnormal ? x * 0x1p54 : x;
    const int64_t e = (int64_t)(bits_of(normal) - 0x3fe6a09e667f3bcdu) >> 52; /* mantissa in [sqrt(1/2), sqrt 2) */
    const double mantissa = double_of(bits_of(normal) - ((uint64_t)e << 52));
    return log_of_mantissa(mantissa - 1.0, (double)e - (subnormal ? 54.0 : 0.0));
}

float repro_powf(float x, float y) {
    if (x == 1.0f || y == 0.0f) return 1.0f; /* whatever the other is, NaN and inf included */
    return (float)repro_exp((double)y * repro_log((double)x));
}
