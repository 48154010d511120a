/* SPDX-License-Identifier: Apache-2.0 */
/* Elementary functions as straight-line code, so that a loop around them vectorises without
 * -ffast-math (gcc -O3 -fno-math-errno -fno-trapping-math).
 */
#ifndef SOUK_VECMATH_H
#define SOUK_VECMATH_H

#include <stdint.h>
#include <string.h>

/* exp(x) within 2 ulp, for every x: subnormal results included, 0 below -104, +inf above 89, NaN
 * for NaN.
 *
 * x = n ln2 + r with n an integer and |r| <= ln2/2 (Cody and Waite 1980: ln2 = 355/512 - LOW, where
 * n * 355/512 is exact); e^r = 1 + r + r^2 P(r), P the minimax polynomial of degree 5 of the Cephes
 * library's expf (S. Moshier); 2^n as the product of two powers of two, so that no exponent leaves
 * the range before the result does. Adding and subtracting 1.5 * 2^23 rounds to the nearest integer
 * and leaves it in the low bits. */
static inline float vec_expf(float x)
{
    const float round = 0x1.8p23f;
    float t = -104.0f > x ? -104.0f : x;
    t = 89.0f < t ? 89.0f : t;
    const float shifted = t * 1.44269504f + round, n = shifted - round;
    int32_t power;
    memcpy(&power, &shifted, sizeof power);
    power -= 0x4B400000;

    const float r = (t - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;

    const int32_t half = power >> 1;
    const int32_t low_bits = (int32_t)((uint32_t)(half + 127) << 23);
    const int32_t high_bits = (int32_t)((uint32_t)(power - half + 127) << 23);
    float low, high;
    memcpy(&low, &low_bits, sizeof low);
    memcpy(&high, &high_bits, sizeof high);
    return p * low * high;
}

/* log(x) within 2 ulp for normal positive x; for any other x the result is unspecified.
 *
 * x = 2^n m with sqrt(1/2) <= m < sqrt(2); log m = f - f^2/2 + f^3 P(f) with f = m - 1, P the
 * minimax polynomial of degree 8 of the Cephes library's logf. */
static inline float vec_logf(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    const int32_t power = (bits - 0x3F3504F3) >> 23;
    bits -= (int32_t)((uint32_t)power << 23);
    float m;
    memcpy(&m, &bits, sizeof m);
    const float f = m - 1.0f, n = (float)power, square = f * f;
    float p = 7.0376836292e-2f;
    p = p * f - 1.1514610310e-1f;
    p = p * f + 1.1676998740e-1f;
    p = p * f - 1.2420140846e-1f;
    p = p * f + 1.4249322787e-1f;
    p = p * f - 1.6668057665e-1f;
    p = p * f + 2.0000714765e-1f;
    p = p * f - 2.4999993993e-1f;
    p = p * f + 3.3333331174e-1f;
    p = p * f * square - n * 2.12194440e-4f - 0.5f * square;
    return (f + p) + n * 0.693359375f;
}

/* 1 / (1 + exp(-x)), within 4 ulp where the result is not subnormal. */
static inline float vec_sigmoidf(float x) { return 1.0f / (1.0f + vec_expf(-x)); }

#endif
