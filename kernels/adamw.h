/* The optimiser's step, the norm for clipping, the target network's average.
 *
 *   adamw_step    g' = scale g
 *                 m = beta1 m + (1 - beta1) g'
 *                 v = beta2 v + (1 - beta2) g'^2
 *                 p = p - lr decay p - lr (m / (1 - beta1^step)) / (sqrt(v / (1 - beta2^step)) +
 * eps) gradient_norm_squared   sum_i g[i]^2, in double polyak_update           target = (1 - tau)
 * target + tau p
 *
 *   p, m, v, g, target   [count]   f32; p, m, v, target are updated in place, g is read
 *   step                 1 for the first update; scale: the clip factor min(1, limit / norm)
 *
 * p - lr decay p is taken first (decoupled decay, Loshchilov and Hutter 2019; the order of
 * PyTorch's AdamW); 1 - beta^step is computed in double. tau = 1 copies p exactly. Scratch: 8 bytes
 * for 65536 elements of gradient_norm_squared. Deterministic: chunks of 65536 elements are summed
 * by themselves in double, their sums added in order.
 */
#ifndef SOUK_ADAMW_H
#define SOUK_ADAMW_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    double lr, beta1, beta2, eps, decay;
    int64_t step;
    double scale;
} AdamwOptions;

void adamw_step(Device *dev, Tensor p, Tensor m, Tensor v, Tensor g, AdamwOptions options);
double gradient_norm_squared(Device *dev, Tensor g);
void polyak_update(Device *dev, Tensor target, Tensor p, float tau);

#ifdef __cplusplus
}
#endif
#endif
