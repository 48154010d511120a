/* Root-mean-square normalisation of rows (Zhang and Sennrich 2019).
 *
 *   forward    rstd[r] = 1 / sqrt(mean_c x[r,c]^2 + eps)                              overwrites
 *              y[r,c] = x[r,c] rstd[r] w[c]                                           overwrites
 *   backward   g[r,c] = dy[r,c] w[c],  n[r,c] = x[r,c] rstd[r]
 *              dx[r,c] += rstd[r] (g[r,c] - n[r,c] mean_j g[r,j] n[r,j])              accumulates
 *              dw[c] += sum_r dy[r,c] n[r,c]                                          accumulates
 *
 *   x, y, dx, dy   [rows, dim]   f32; rows may be 0
 *   w, dw          [dim]         f32
 *   rstd           [rows]        f32, written by forward, read by backward
 *
 * y may alias x; dx may alias neither x nor dy. The mean of squares is summed in double. Scratch of
 * backward: 4 dim bytes for every 64 rows. Deterministic: dw is summed over chunks of 64 rows, then
 * over the chunks, both in order.
 */
#ifndef SOUK_RMSNORM_H
#define SOUK_RMSNORM_H

#include "base/device.h"

void rmsnorm_forward(Device *dev, Tensor y, Tensor rstd, Tensor x, Tensor w, float eps);
void rmsnorm_backward(Device *dev, Tensor dx, Tensor dw, Tensor dy, Tensor x, Tensor w,
                      Tensor rstd);

#endif
