/* bfloat16: the upper half of an f32 (sign, 8 bits of exponent, 7 of fraction), rounded to nearest,
 * ties to even; NaN stays NaN. Unit roundoff 2^-8.
 *
 * On the CPU an op computes in f32 whatever the dtype of its activations: it reads widened copies and
 * rounds what it writes, so that a run in bf16 there rounds where a GPU does, and is what the errors of
 * the GPU are measured by. The three functions below do nothing to f32 tensors:
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

/* The f32 values of `x`, in scratch where it is bf16; `x` itself where it is f32 or absent. CPU only. */
Tensor bf16_widen(Device *dev, Tensor x);
/* Room of f32 for what becomes `y`, undefined; `y` itself where it is f32. CPU only. */
Tensor bf16_wide_like(Device *dev, Tensor y);
/* y = wide, rounded; nothing where y is f32, and so `wide` itself. CPU only. */
void bf16_round_into(Device *dev, Tensor y, Tensor wide);

#ifdef __cplusplus
}
#endif
#endif
