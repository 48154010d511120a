/* SPDX-License-Identifier: Apache-2.0 */
/* Weights of the policy's loss on CUDA: one thread a row. There are a few thousand rows, so the
 * launch takes most of the time. */
#include "losses/policy_gradient.h"

#include "base/cuda/cuda.cuh"

enum { THREADS = 256 };

static __device__ __forceinline__ int64_t index()
{
    return (int64_t)blockIdx.x * THREADS + threadIdx.x;
}

static __global__ void advantage_kernel(float *weight, const float *advantage, const float *share,
                                        float temperature, float cap, int64_t rows)
{
    const int64_t i = index();
    if (i >= rows) return;
    const float c = share[i], a = advantage[i];
    weight[i] = c == 0.0f ? 0.0f : c * fminf(cap, expf(a / temperature));
}

static __global__ void importance_kernel(float *weight, const float *advantage,
                                         const float *log_ratio, const float *log_policy,
                                         const float *share, ImportanceOptions o, int64_t rows)
{
    const int64_t i = index();
    if (i >= rows) return;
    const float c = share[i], a = fminf(fmaxf(advantage[i], o.low), o.high);
    const float ratio = fminf(o.ratio_max, expf(o.power * log_ratio[i])), k = (float)o.slate;
    float s = 1.0f;
    if (o.slate > 1) s = k * powf(fmaxf(-expm1f(log_policy[i]), 0.0f), k - 1.0f);
    weight[i] = c == 0.0f ? 0.0f : c * a * ratio * s;
}

static __global__ void clipped_kernel(float *loss, float *weight, const float *advantage,
                                      const float *log_ratio, const float *share, float clip,
                                      int64_t rows)
{
    const int64_t i = index();
    if (i >= rows) return;
    const float c = share[i], a = advantage[i], rho = expf(log_ratio[i]);
    const float gain = rho * a, held = fminf(fmaxf(rho, 1.0f - clip), 1.0f + clip) * a;
    loss[i] = c == 0.0f ? 0.0f : -c * fminf(gain, held);
    weight[i] = c == 0.0f || gain > held ? 0.0f : c * gain;
}

void policy_gradient_advantage_cuda(Device *dev, Tensor weight, Tensor advantage, Tensor share,
                                    float temperature, float cap)
{
    const int64_t rows = weight.dim[0];
    LAUNCH(dev, advantage_kernel, blocks_for(rows, THREADS), THREADS, 0, f32(weight),
           f32(advantage), f32(share), temperature, cap, rows);
}

void policy_gradient_importance_cuda(Device *dev, Tensor weight, Tensor advantage, Tensor log_ratio,
                                     Tensor log_policy, Tensor share, ImportanceOptions options)
{
    const int64_t rows = weight.dim[0];
    LAUNCH(dev, importance_kernel, blocks_for(rows, THREADS), THREADS, 0, f32(weight),
           f32(advantage), f32(log_ratio), f32(log_policy), f32(share), options, rows);
}

void policy_gradient_clipped_cuda(Device *dev, Tensor loss, Tensor weight, Tensor advantage,
                                  Tensor log_ratio, Tensor share, float clip)
{
    const int64_t rows = weight.dim[0];
    LAUNCH(dev, clipped_kernel, blocks_for(rows, THREADS), THREADS, 0, f32(loss), f32(weight),
           f32(advantage), f32(log_ratio), f32(share), clip, rows);
}
