/* SPDX-License-Identifier: Apache-2.0 */
/* Small ops on whole tensors and on rows.
 *
 *   elementwise_add           y += x                              accumulates
 *   elementwise_axpy          y += alpha x                        accumulates
 *   elementwise_shift         y += s[0]                           accumulates
 *   elementwise_fill          y = value                           overwrites
 *   elementwise_copy          y = x                               overwrites
 *   elementwise_log           y = log(x)                          overwrites; y may alias x
 *   elementwise_exp           y = exp(x)                          overwrites; y may alias x
 *   elementwise_row_dot       y[i] = sum_c a[i,c] b[i,c]          overwrites; sums in double
 *   elementwise_row_scale     y[i,c] = s[i] x[i,c]                overwrites; y may alias x
 *   elementwise_rows_finite   the smallest index, counted over all elements, of an infinity or NaN
 *                             in x; -1 where all are finite. Waits for the device
 *
 *   add, axpy, fill           y, x   f32 or bf16, one dtype, any one shape; may be empty
 *   copy                      y, x   f32 or bf16, any one shape; where they differ, x is converted
 *   shift, log, exp           y, x   f32, any one shape; s [1] f32
 *   row_dot                   y [rows] f32; a, b [rows, dim] f32 or bf16, one dtype
 *   row_scale                 s [rows] f32; y, x [rows, dim] f32 or bf16, one dtype
 *   rows_finite               x      f32 or bf16
 *
 * Scratch: on CUDA 8 bytes of elementwise_rows_finite; on the CPU widened copies of tensors in
 * bf16. Deterministic.
 */
#ifndef SOUK_ELEMENTWISE_H
#define SOUK_ELEMENTWISE_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

void elementwise_add(Device *dev, Tensor y, Tensor x);
void elementwise_axpy(Device *dev, Tensor y, float alpha, Tensor x);
void elementwise_shift(Device *dev, Tensor y, Tensor s);
void elementwise_fill(Device *dev, Tensor y, float value);
void elementwise_copy(Device *dev, Tensor y, Tensor x);
void elementwise_log(Device *dev, Tensor y, Tensor x);
void elementwise_exp(Device *dev, Tensor y, Tensor x);
/* `x` where its dtype is `dtype`; else a converted copy in the caller's scratch. */
Tensor elementwise_cast(Device *dev, Tensor x, Dtype dtype);
void elementwise_row_dot(Device *dev, Tensor y, Tensor a, Tensor b);
void elementwise_row_scale(Device *dev, Tensor y, Tensor x, Tensor s);
int64_t elementwise_rows_finite(Device *dev, Tensor x);

/* The CUDA half, in elementwise.cu. Call the functions above instead: they check shapes. `found`
 * is i64 [1]: elements - index of the first one that is not finite; 0 where all are finite. */
void elementwise_axpy_cuda(Device *dev, Tensor y, float alpha, Tensor x);
void elementwise_shift_cuda(Device *dev, Tensor y, Tensor s);
void elementwise_fill_cuda(Device *dev, Tensor y, float value);
void elementwise_copy_cuda(Device *dev, Tensor y, Tensor x);
void elementwise_log_cuda(Device *dev, Tensor y, Tensor x);
void elementwise_exp_cuda(Device *dev, Tensor y, Tensor x);
void elementwise_row_dot_cuda(Device *dev, Tensor y, Tensor a, Tensor b);
void elementwise_row_scale_cuda(Device *dev, Tensor y, Tensor x, Tensor s);
void elementwise_rows_finite_cuda(Device *dev, Tensor found, Tensor x);

#ifdef __cplusplus
}
#endif
#endif
