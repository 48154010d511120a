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

/* 1 / (1 + exp(-x)), within 4 ulp where the result is not subnormal. */
static inline float vec_sigmoidf(float x) { return 1.0f / (1.0f + vec_expf(-x)); }

#endif
