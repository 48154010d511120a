/* SPDX-License-Identifier: Apache-2.0 */
/* bfloat16: the upper half of an f32 (sign, 8 bits of exponent, 7 of fraction), rounded to nearest,
 * ties to even; NaN stays NaN. Unit roundoff 2^-8.
 *
 * On the CPU every op computes in f32. Where activations are bf16, it reads widened copies of them
 * and rounds its results. So a run in bf16 on the CPU rounds at the same places as a GPU, and tests
 * measure the errors of the GPU against it. For f32 tensors the three functions below return their
 * argument or do nothing:
 *
 *     const Tensor x32 = bf16_widen(dev, x), y32 = bf16_wide_like(dev, y);
 *     ... y32 = f(x32) ...
 *     bf16_round_into(dev, y, y32);
 */
#ifndef SOUK_BF16_H
#define SOUK_BF16_H

#include <string.h>

#include "base/scratch.h"

#ifdef __cplusplus
extern "C" {
#endif

static inline float bf16_rounded(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = x == x ? bits + 0x7FFFu + (bits >> 16 & 1) : bits | 0x400000u;
    bits &= 0xFFFF0000u;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The f32 values of `x`: a copy in scratch where `x` is bf16; `x` itself where it is f32 or absent.
 * CPU only. */
Tensor bf16_widen(Device *dev, Tensor x);
/* An f32 tensor of the shape of `y`: scratch with undefined contents where `y` is bf16; `y` itself
 * where it is f32. CPU only. */
Tensor bf16_wide_like(Device *dev, Tensor y);
/* y = wide, rounded. Does nothing where `y` is f32, because then `wide` is `y`. CPU only. */
void bf16_round_into(Device *dev, Tensor y, Tensor wide);

#ifdef __cplusplus
}
#endif
#endif
