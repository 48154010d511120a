/* The regression loss of a value estimate on its target, with its gradient; sums.
 *
 *   d = q[i] - y[i]
 *   huber <= 0          loss[i] = weight[i] d^2 / 2                  dq[i] = weight[i] d
 *   huber > 0           as above where |d| <= huber, else
 *                       loss[i] = weight[i] huber (|d| - huber / 2)  dq[i] = weight[i] huber
 * sign(d) weighted_sum(x)     sum_i x[i], in double
 *
 *   loss, dq, q, y, weight   [rows]   f32; loss and dq overwritten; rows with weight 0 give 0 even
 *                                     where q or y is not finite
 *
 * dq may alias q or y. Huber 1964. Scratch: 1 byte for 8192 elements of weighted_sum.
 * Deterministic: chunks of 65536 elements are summed by themselves, their sums added in order.
 */
#ifndef SOUK_LOSS_H
#define SOUK_LOSS_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

void td_loss(Device *dev, Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight, float huber);
double weighted_sum(Device *dev, Tensor x);

#ifdef __cplusplus
}
#endif
#endif
