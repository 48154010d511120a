/* Small work on whole tensors and on rows.
 *
 *   elementwise_add     y += x
 *   elementwise_axpy    y += alpha x
 *   elementwise_fill    y = value
 *   elementwise_copy    y = x
 *   row_dot             y[i] = sum_c a[i,c] b[i,c]      overwrites; summed in double
 *   row_scale           y[i,c] = s[i] x[i,c]            overwrites; y may alias x
 *   rows_finite         the smallest index, counted over all elements, of an infinity or NaN in x;
 *                       -1 where all are finite
 *
 *   elementwise_*   y, x   f32, any one shape, may be empty
 *   row_dot         y [rows], a, b [rows, dim]   f32
 *   row_scale       y, x [rows, dim], s [rows]   f32
 *
 * Scratch: none. Deterministic.
 */
#ifndef SOUK_ELEMENTWISE_H
#define SOUK_ELEMENTWISE_H

#include "base/device.h"

void elementwise_add(Device *dev, Tensor y, Tensor x);
void elementwise_axpy(Device *dev, Tensor y, float alpha, Tensor x);
void elementwise_fill(Device *dev, Tensor y, float value);
void elementwise_copy(Device *dev, Tensor y, Tensor x);
void row_dot(Device *dev, Tensor y, Tensor a, Tensor b);
void row_scale(Device *dev, Tensor y, Tensor x, Tensor s);
int64_t rows_finite(Device *dev, Tensor x);

#endif
