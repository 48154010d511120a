/* SPDX-License-Identifier: Apache-2.0 */
/* Losses and weights of tokens on CUDA: one thread an element. There are a few thousand elements,
 * so the launch takes most of the time. One block counts targets, in integers.
 */
#include "losses/loss.h"

#include "base/cuda/sum.cuh"

enum { THREADS = 256, COUNT_THREADS = 1024 };

static __device__ __forceinline__ int64_t index()
{
    return (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
}

static __global__ void td_loss_kernel(float *loss, float *dq, const float *q, const float *y,
                                      const float *weight, float limit, int64_t rows)
{
    const int64_t i = index();
    if (i >= rows) return;
    const float w = weight[i], d = w == 0.0f ? 0.0f : q[i] - y[i], size = fabsf(d);
    const float inside = size > limit ? limit : size;
    loss[i] = w * inside * (size - 0.5f * inside);
    dq[i] = w * copysignf(inside, d);
}

static __global__ void expectile_kernel(float *loss, float *dq, const float *q, const float *y,
                                        const float *weight, float tau, int64_t rows)
{
    const int64_t i = index();
    if (i >= rows) return;
    const float w = weight[i], d = w == 0.0f ? 0.0f : q[i] - y[i];
    const float e = d < 0.0f ? tau : 1.0f - tau;
    loss[i] = w * e * d * d;
    dq[i] = w * 2.0f * e * d;
}

static __global__ void deviance_kernel(float *loss, float *dq, const float *q, const float *y,
                                       const float *weight, int64_t rows)
{
    const int64_t i = index();
    if (i >= rows) return;
    const float w = weight[i], z = w == 0.0f ? 0.0f : q[i];
    const float target = w == 0.0f ? 1.0f : y[i], d = expf(z) - target;
    const float fit = target > 0.0f ? target * (z - logf(target)) : 0.0f;
    loss[i] = w * (d - fit);
    dq[i] = w * d;
}

static __global__ void count_kernel(double *count, const int32_t *target, int64_t rows)
{
    int mine = 0;
    for (int64_t i = threadIdx.x; i < rows; i += COUNT_THREADS) mine += target[i] >= 0;
    const int all = block_sum<COUNT_THREADS>(mine);
    if (threadIdx.x == 0) *count = (double)all;
}

static __global__ void mean_kernel(float *weight, const double *count, const int32_t *target,
                                   double total, int64_t rows)
{
    const int64_t i = index();
    if (i < rows) weight[i] = target[i] < 0 ? 0.0f : (float)(total / *count);
}

static __global__ void share_kernel(float *weight, const double *count, float total, int64_t rows)
{
    const int64_t i = index();
    if (i < rows) weight[i] *= *count > 0.0 ? total / (float)*count : 0.0f;
}

static __global__ void mask_weights_kernel(float *weight, const int32_t *target, int64_t rows)
{
    const int64_t i = index();
    if (i < rows && target[i] < 0) weight[i] = 0.0f;
}

static __global__ void mask_kernel(int32_t *out, const int32_t *target, const int32_t *value,
                                   int64_t rows)
{
    const int64_t i = index();
    if (i < rows) out[i] = target[i] < 0 ? -1 : value[i];
}

void loss_td_cuda(Device *dev, Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight,
                  float limit)
{
    LAUNCH(dev, td_loss_kernel, blocks_for(q.dim[0], THREADS), THREADS, 0, f32(loss), f32(dq),
           f32(q), f32(y), f32(weight), limit, q.dim[0]);
}

void loss_expectile_cuda(Device *dev, Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight,
                         float tau)
{
    LAUNCH(dev, expectile_kernel, blocks_for(q.dim[0], THREADS), THREADS, 0, f32(loss), f32(dq),
           f32(q), f32(y), f32(weight), tau, q.dim[0]);
}

void loss_deviance_cuda(Device *dev, Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight)
{
    LAUNCH(dev, deviance_kernel, blocks_for(q.dim[0], THREADS), THREADS, 0, f32(loss), f32(dq),
           f32(q), f32(y), f32(weight), q.dim[0]);
}

void loss_weighted_sum_cuda(Device *dev, Tensor sum, Tensor x)
{
    cuda_sum<false>(dev, (double *)sum.data, NULL, f32(x), tensor_count(x));
}

void loss_weighted_sum_add_cuda(Device *dev, Tensor total, Tensor x)
{
    cuda_sum<false>(dev, NULL, f32(total), f32(x), tensor_count(x));
}

void loss_count_targets_cuda(Device *dev, Tensor count, Tensor target)
{
    LAUNCH(dev, count_kernel, 1, COUNT_THREADS, 0, (double *)count.data, i32(target),
           target.dim[0]);
}

void loss_mean_weights_cuda(Device *dev, Tensor weight, Tensor count, Tensor target, double total)
{
    const int64_t rows = target.dim[0];
    LAUNCH(dev, mean_kernel, blocks_for(rows, THREADS), THREADS, 0, f32(weight),
           (const double *)count.data, i32(target), total, rows);
}

void loss_share_weights_cuda(Device *dev, Tensor weight, Tensor count, float total)
{
    LAUNCH(dev, share_kernel, blocks_for(weight.dim[0], THREADS), THREADS, 0, f32(weight),
           (const double *)count.data, total, weight.dim[0]);
}

void loss_mask_weights_cuda(Device *dev, Tensor weight, Tensor target)
{
    LAUNCH(dev, mask_weights_kernel, blocks_for(weight.dim[0], THREADS), THREADS, 0, f32(weight),
           i32(target), weight.dim[0]);
}

void loss_mask_targets_cuda(Device *dev, Tensor out, Tensor target, Tensor value)
{
    LAUNCH(dev, mask_kernel, blocks_for(out.dim[0], THREADS), THREADS, 0, i32(out), i32(target),
           i32(value), out.dim[0]);
}
