/* The residual sum behind dropout (dropout.h) and the RMSNorm of it (rmsnorm.h) in one: what follows each
 * half of a transformer block. Saves reading the residual stream once more.
 *
 *   x[r,c] = residual[r,c] + factor[r,c] y[r,c]                           overwrites
 *   rstd[r] = 1 / sqrt(mean_c x[r,c]^2 + eps)                             overwrites
 *   n[r,c] = x[r,c] rstd[r] w[c]                                          overwrites
 *
 *   n, x, y, residual   [rows, dim]   f32 or bf16, all the same; residual optional (data NULL: 0);
 *                                     in bf16 the norm is that of the rounded x
 *   w                   [dim]         f32
 *   rstd                [rows]        f32
 *
 * n may alias y; x may alias y where n does not, and residual. Backward: rmsnorm_backward into the
 * gradient of x, which is also residual's, then dropout_backward of it. Scratch: none on CUDA. The bits
 * are those of dropout_add followed by rmsnorm_forward. Deterministic.
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
