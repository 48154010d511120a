/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of -log pi(a|s) at logged actions, so that the policy's weighted cross-entropy
 * (catalogue_cross_entropy) has the gradient of an agent's objective. A weight is a constant: no
 * gradient passes through it.
 *
 *   A = advantage[i], c = share[i], r = log_ratio[i] = log pi(a_i|s_i) - log beta(a_i|s_i)
 *
 *   policy_gradient_advantage    weight[i] = c min(cap, exp(A / temperature))
 *                        Peng et al. 2019; Wang et al. 2020; Kostrikov et al. 2022
 *   policy_gradient_importance   weight[i] = c clamp(A, low, high) min(ratio_max, exp(power r)) S
 *                        S = K (1 - pi(a_i|s_i))^(K - 1), log pi = log_policy[i]; 1 where K = 1
 *                        Precup et al. 2000; top-K: Chen et al. 2019; Espeholt et al. 2018
 *   policy_gradient_clipped      rho = exp(r), q = clamp(rho, 1 - clip, 1 + clip)
 *                        loss[i] = -c min(rho A, q A)
 *                        weight[i] = c rho A where rho A <= q A, else 0, so that the gradient of
 *                        weight[i] (-log pi) is that of loss[i]; Schulman et al. 2017
 *
 *   weight, loss                                    [rows]   f32, overwritten
 *   advantage, log_ratio, log_policy, share         [rows]   f32; log_policy is read where K > 1
 *
 * Rows with share 0 give 0, whatever the other tensors hold. weight may alias advantage. On cpu and
 * cuda, no scratch.
 */
#ifndef SOUK_POLICY_GRADIENT_H
#define SOUK_POLICY_GRADIENT_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    float low, high; /* of advantages */
    float ratio_max, power;
    int64_t slate; /* K */
} ImportanceOptions;

void policy_gradient_advantage(Device *dev, Tensor weight, Tensor advantage, Tensor share,
                               float temperature, float cap);
void policy_gradient_importance(Device *dev, Tensor weight, Tensor advantage, Tensor log_ratio,
                                Tensor log_policy, Tensor share, ImportanceOptions options);
void policy_gradient_clipped(Device *dev, Tensor loss, Tensor weight, Tensor advantage,
                             Tensor log_ratio, Tensor share, float clip);

/* The CUDA half, in policy_gradient.cu. Call the functions above instead: they check shapes. */
void policy_gradient_advantage_cuda(Device *dev, Tensor weight, Tensor advantage, Tensor share,
                                    float temperature, float cap);
void policy_gradient_importance_cuda(Device *dev, Tensor weight, Tensor advantage, Tensor log_ratio,
                                     Tensor log_policy, Tensor share, ImportanceOptions options);
void policy_gradient_clipped_cuda(Device *dev, Tensor loss, Tensor weight, Tensor advantage,
                                  Tensor log_ratio, Tensor share, float clip);

#ifdef __cplusplus
}
#endif
#endif
