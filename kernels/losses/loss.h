/* SPDX-License-Identifier: Apache-2.0 */
/* Regression losses of a value estimate against its target, each with its gradient, and the weights
 * that make sums over tokens means.
 *
 * loss_td: the squared loss, or the loss of Huber (1964), with
 *   d = q[i] - y[i]
 *   huber <= 0          loss[i] = weight[i] d^2 / 2                  dq[i] = weight[i] d
 *   huber > 0           as above where |d| <= huber, else
 *                       loss[i] = weight[i] huber (|d| - huber / 2)
 *                       dq[i] = weight[i] huber sign(d)
 *
 * loss_expectile: q tends to the tau-expectile of y (Newey and Powell 1987). With d as above and
 * e = d < 0 ? tau : 1 - tau
 *   loss[i] = weight[i] e d^2                dq[i] = weight[i] 2 e d
 *
 * loss_deviance: half the Poisson deviance of y >= 0 from exp(q), so that exp(q) tends to the mean
 * of y (McCullagh and Nelder 1989, 6.2). With 0 log 0 = 0
 *   loss[i] = weight[i] (exp(q[i]) - y[i] - y[i] (q[i] - log y[i]))
 *   dq[i]   = weight[i] (exp(q[i]) - y[i])
 *
 *   loss, dq, q, y, weight   [rows]   f32; loss and dq overwritten; rows with weight 0 give 0 even
 *                                     where q or y is not finite
 *
 *   loss_weighted_sum        sum = sum_i x[i], in double                               overwrites
 *   loss_weighted_sum_add    total += sum_i x[i], in double, rounded to f32            accumulates
 *   loss_count_targets       count = number of i with target[i] >= 0                   overwrites
 *   loss_mean_weights        weight[i] = target[i] < 0 ? 0 : total / count             overwrites
 *   loss_share_weights       weight[i] *= count > 0 ? total / count : 0, in f32        in place
 *   loss_mask_weights        weight[i] = target[i] < 0 ? 0 : weight[i]                  in place
 *   loss_mask_targets        out[i] = target[i] < 0 ? -1 : value[i]                    overwrites
 *
 * A mean over a batch divides by a count over the whole batch, which loss_count_targets gives, or
 * loss_weighted_sum over weights of 0 and 1. Where ranks share the batch, comm_all_reduce
 * (base/comm.h) adds their counts before the weights are computed.
 *
 *   x                    f32, any shape          sum, count   [1]   f64        total   [1]   f32
 *   weight               [rows]   f32            target, value, out   [rows]   i32
 *
 * All on cpu and cuda; results stay on the device. dq may alias q or y, out may alias target or
 * value. Scratch: 8 bytes for every 65536 elements of a sum (cuda: every 8192). Deterministic: each
 * chunk of that many elements is summed by itself; then the sums of the chunks are added, in an
 * order that follows from their number alone.
 */
#ifndef SOUK_LOSS_H
#define SOUK_LOSS_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

void loss_td(Device *dev, Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight, float huber);
void loss_expectile(Device *dev, Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight,
                    float tau);
void loss_deviance(Device *dev, Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight);
void loss_weighted_sum(Device *dev, Tensor sum, Tensor x);
void loss_weighted_sum_add(Device *dev, Tensor total, Tensor x);
void loss_count_targets(Device *dev, Tensor count, Tensor target);
void loss_mean_weights(Device *dev, Tensor weight, Tensor count, Tensor target, double total);
void loss_share_weights(Device *dev, Tensor weight, Tensor count, float total);
void loss_mask_weights(Device *dev, Tensor weight, Tensor target);
void loss_mask_targets(Device *dev, Tensor out, Tensor target, Tensor value);

/* The CUDA half, in loss.cu. Call the functions above instead: they check shapes. `limit` is huber,
 * or infinity. */
void loss_td_cuda(Device *dev, Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight,
                  float limit);
void loss_expectile_cuda(Device *dev, Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight,
                         float tau);
void loss_deviance_cuda(Device *dev, Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight);
void loss_weighted_sum_cuda(Device *dev, Tensor sum, Tensor x);
void loss_weighted_sum_add_cuda(Device *dev, Tensor total, Tensor x);
void loss_count_targets_cuda(Device *dev, Tensor count, Tensor target);
void loss_mean_weights_cuda(Device *dev, Tensor weight, Tensor count, Tensor target, double total);
void loss_share_weights_cuda(Device *dev, Tensor weight, Tensor count, float total);
void loss_mask_weights_cuda(Device *dev, Tensor weight, Tensor target);
void loss_mask_targets_cuda(Device *dev, Tensor out, Tensor target, Tensor value);

#ifdef __cplusplus
}
#endif
#endif
