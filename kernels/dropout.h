/* SPDX-License-Identifier: Apache-2.0 */
/* Dropout and the residual sum that follows it (Srivastava et al. 2014; inverted scaling).
 *
 * The mask of element i (row-major index in the whole tensor) is a pure function:
 *
 *   word      = philox4x32_10(key = seed, counter_high = step 2^16 + site, counter_low = i / 4)
 *               .word[i % 4]                                       (base/rng.h)
 *   u         = (word >> 8) 2^-24
 *   factor[i] = u >= rate ? 1 / (1 - rate), rounded to f32 : 0     with rate as f32
 *   forward    y[i] = residual[i] + factor[i] x[i]                 overwrites
 *   backward   dx[i] = factor[i] dy[i]                             overwrites
 *
 *   y, x, residual, dx, dy   f32 or bf16, any one shape; residual optional (data NULL: 0)
 *   rate      in [0, 1); at 0 nothing is drawn and every factor is 1
 *   site      in [0, 2^16): which dropout of the model this is
 *   step      [1]   i64, on the device: the training step, in [0, 2^48); not read at rate 0
 *
 * y may alias x or residual; dx may alias dy. The gradient to residual is dy itself. Dropped
 * elements contribute 0 even where x is not finite. Scratch: in bf16 on the CPU, widened copies;
 * else none. Deterministic.
 */
#ifndef SOUK_DROPOUT_H
#define SOUK_DROPOUT_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    float rate;
    uint64_t seed;
    int64_t site;
    Tensor step;
} Dropout;

void dropout_add(Device *dev, Tensor y, Tensor x, Tensor residual, Dropout d);
void dropout_backward(Device *dev, Tensor dx, Tensor dy, Dropout d);

/* Abort unless `d` is in its ranges. */
void dropout_expect(const Dropout *d);
/* The factor of kept elements: 1 / (1 - rate), rounded to f32. */
static inline float dropout_factor(const Dropout *d)
{
    return (float)(1.0 / (1.0 - (double)d->rate));
}

/* The CUDA half, in dropout.cu. Call the functions above instead: they check shapes. */
void dropout_cuda(Device *dev, Tensor y, Tensor x, Tensor residual, Dropout d);

#ifdef __cplusplus
}
#endif
#endif
