/* SPDX-License-Identifier: Apache-2.0 */
/* The optimizer's step over one flat buffer (AdamW: Loshchilov and Hutter 2019), the norm for
 * clipping gradients, and the moving average of the target network (Polyak and Juditsky 1992).
 *
 *   adamw_schedule                schedule = lr, 1 - beta1^step, 1 - beta2^step, tau; on the host
 *   adamw_gradient_norm_squared   sum = sum_i g[i]^2, in double                       overwrites
 *   adamw_check                   sets state[ADAMW_STOP] where the norm in `state` or a number of
 *                                 `losses` is not finite. Only the host clears it. While it is set,
 *                                 adamw_step and adamw_polyak do nothing
 *   adamw_step     norm = sqrt(state's sum of squares)
 *                  scale = clip > 0 ? min(1, clip / (norm + 1e-6)) : 1
 *                  g' = scale g
 *                  m = beta1 m + (1 - beta1) g'
 *                  v = beta2 v + (1 - beta2) g'^2
 *                  p = p - lr rate decay p
 *                      - lr rate (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) + eps)
 *   adamw_polyak   target = (1 - tau) target + tau p; tau = 1 copies p, tau = 0 does nothing
 *
 *   p, m, v, g, target   [count]   f32; p, m, v, target are updated in place, g is read
 *   segments             the parts of the buffer that change: elements first .. first+count-1 of
 *                        each segment, with its decay and the rate by which its learning rate
 *                        is multiplied. first is ascending and a multiple of 4
 *   schedule             [ADAMW_SCHEDULE]   f64
 *   state                [ADAMW_STATE]      f64
 *   losses               f64, any shape
 *
 * All are on the device, schedule and state too, so that the host waits neither to set the numbers
 * of a step nor to read what it found.
 *
 * Decay is decoupled from the gradient, and p - lr decay p comes first, as in PyTorch's AdamW. 1 -
 * beta^step is computed in double, for steps from 1; tau is rounded to f32.
 *
 * Scratch of adamw_gradient_norm_squared: 8 bytes for every 65536 elements (cuda: for every 8192).
 * Deterministic: each chunk of 65536 elements of a segment is summed by itself in double, and the
 * sums are added in an order that follows from the sizes. On CUDA the sum runs over the whole
 * buffer, which must be 0 between segments.
 */
#ifndef SOUK_ADAMW_H
#define SOUK_ADAMW_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Tensors on the device. */
typedef struct {
    Tensor first, count; /* [segments]   i64 */
    Tensor decay, rate;  /* [segments]   f64 */
} AdamwSegments;

enum { ADAMW_LR, ADAMW_CORRECT1, ADAMW_CORRECT2, ADAMW_TAU, ADAMW_SCHEDULE };
enum { ADAMW_NORM_SQUARED, ADAMW_STOP, ADAMW_STATE };

typedef struct {
    double beta1, beta2, eps;
    double clip; /* 0: none */
} AdamwOptions;

void adamw_schedule(double schedule[ADAMW_SCHEDULE], double lr, int64_t step, double tau,
                    AdamwOptions options);
void adamw_gradient_norm_squared(Device *dev, Tensor sum, Tensor g, AdamwSegments segments);
void adamw_check(Device *dev, Tensor state, Tensor losses);
void adamw_step(Device *dev, Tensor p, Tensor m, Tensor v, Tensor g, AdamwSegments segments,
                Tensor schedule, Tensor state, AdamwOptions options);
void adamw_polyak(Device *dev, Tensor target, Tensor p, Tensor schedule, Tensor state);

/* A view [1] of state[ADAMW_NORM_SQUARED], for adamw_gradient_norm_squared to write. */
Tensor adamw_norm_squared(Tensor state);

/* The CUDA half, in adamw.cu. Call the functions above instead: they check shapes. */
void adamw_gradient_norm_squared_cuda(Device *dev, Tensor sum, Tensor g);
void adamw_check_cuda(Device *dev, Tensor state, Tensor losses);
void adamw_step_cuda(Device *dev, Tensor p, Tensor m, Tensor v, Tensor g, AdamwSegments segments,
                     Tensor schedule, Tensor state, AdamwOptions options);
void adamw_polyak_cuda(Device *dev, Tensor target, Tensor p, Tensor schedule, Tensor state);

#ifdef __cplusplus
}
#endif
#endif
