/* SPDX-License-Identifier: Apache-2.0 */
/* Root-mean-square normalisation of rows (Zhang and Sennrich 2019).
 *
 *   forward    rstd[r] = 1 / sqrt(mean_c x[r,c]^2 + eps)                              overwrites
 *              y[r,c] = x[r,c] rstd[r] w[c]                                           overwrites
 *   backward   g[r,c] = dy[r,c] w[c],  n[r,c] = x[r,c] rstd[r]
 *              dx[r,c] += rstd[r] (g[r,c] - n[r,c] mean_j g[r,j] n[r,j])              accumulates
 *              dw[c] += sum_r dy[r,c] n[r,c]                                          accumulates
 *
 *   x, y, dx, dy   [rows, dim]   f32 or bf16, all the same; rows may be 0
 *   w, dw          [dim]         f32
 *   rstd           [rows]        f32, written by forward, read by backward
 *
 * y may alias x; dx may alias neither x nor dy. The mean of squares is summed in double (cuda: in
 * f32 over 32 lanes). Scratch of backward: 4 dim bytes for every 64 rows (cuda: for every 32, at
 * most 512 times 4 dim bytes). In bf16 on the CPU both directions also take widened copies.
 * Deterministic: dw is summed over chunks of rows, then over the chunks, both in an order that
 * follows from the shape.
 */
#ifndef SOUK_RMSNORM_H
#define SOUK_RMSNORM_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

void rmsnorm_forward(Device *dev, Tensor y, Tensor rstd, Tensor x, Tensor w, float eps);
void rmsnorm_backward(Device *dev, Tensor dx, Tensor dw, Tensor dy, Tensor x, Tensor w,
                      Tensor rstd);

/* The CUDA half, in rmsnorm.cu. Call the functions above instead: they check shapes. */
void rmsnorm_forward_cuda(Device *dev, Tensor y, Tensor rstd, Tensor x, Tensor w, float eps);
void rmsnorm_backward_cuda(Device *dev, Tensor dx, Tensor dw, Tensor dy, Tensor x, Tensor w,
                           Tensor rstd);

#ifdef __cplusplus
}
#endif
#endif
