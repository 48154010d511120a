/* SPDX-License-Identifier: Apache-2.0 */
/* Dropout, the residual sum (dropout.h) and the RMSNorm of that sum (rmsnorm.h) in one op, which
 * follows each half of a transformer block. The combined op reads the residual stream one time less
 * than the two ops do.
 *
 *   x[r,c] = residual[r,c] + factor[r,c] y[r,c]                           overwrites
 *   rstd[r] = 1 / sqrt(mean_c x[r,c]^2 + eps)                             overwrites
 *   n[r,c] = x[r,c] rstd[r] w[c]                                          overwrites
 *
 *   n, x, y, residual   [rows, dim]   f32 or bf16, all the same; residual optional (data NULL: 0);
 *                                     in bf16 the norm is computed from the rounded x
 *   w                   [dim]         f32
 *   rstd                [rows]        f32
 *
 * n may alias y. x may alias residual; x may alias y where n does not. Backward: rmsnorm_backward
 * gives the gradient of x, which is also the gradient of residual; dropout_backward then makes the
 * gradient of y from it. On the CPU the op is dropout_add followed by rmsnorm_forward, with their
 * scratch; on CUDA it needs none. Deterministic.
 */
#ifndef SOUK_RESIDUAL_NORM_H
#define SOUK_RESIDUAL_NORM_H

#include "dropout.h"

#ifdef __cplusplus
extern "C" {
#endif

void residual_norm(Device *dev, Tensor n, Tensor rstd, Tensor x, Tensor y, Tensor residual,
                   Tensor w, float eps, Dropout d);

/* The CUDA half, in residual_norm.cu. Call the function above instead: it checks shapes. */
void residual_norm_cuda(Device *dev, Tensor n, Tensor rstd, Tensor x, Tensor y, Tensor residual,
                        Tensor w, float eps, Dropout d);

#ifdef __cplusplus
}
#endif
#endif
