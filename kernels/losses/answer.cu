/* SPDX-License-Identifier: Apache-2.0 */
/* Answers on CUDA: one thread a row. A row has a handful of kinds, so it is in a line or two of the
 * cache, and a few thousand rows take less time than the launch. A thread finds the end of a set by
 * walking along it.
 */
#include "losses/answer.h"

#include "base/cuda/cuda.cuh"
#include "losses/end.h"

enum { THREADS = 128 };

static __device__ __forceinline__ int64_t index()
{
    return (int64_t)blockIdx.x * THREADS + threadIdx.x;
}

static __device__ __forceinline__ float highest(const float *x, int64_t count)
{
    float high = x[0];
    for (int64_t k = 1; k < count; k++) high = fmaxf(high, x[k]);
    return high;
}

/* Not restrict: p may be logit. */
static __global__ void probabilities_kernel(float *p, const float *logit, const float *factor,
                                            const float *shift, int64_t rows, int64_t kinds)
{
    const int64_t i = index();
    if (i >= rows) return;
    float sum = 0.0f;
    p += i * 2 * kinds;
    logit += i * 2 * kinds;
    for (int64_t k = 0; k < 2 * kinds; k++) p[k] = factor[k < kinds ? 0 : 1] * logit[k] + shift[k];
    const float high = highest(p, kinds);
    for (int64_t k = 0; k < kinds; k++) sum += p[k] = expf(p[k] - high);
    for (int64_t k = 0; k < kinds; k++) p[k] /= sum;
    for (int64_t k = kinds; k < 2 * kinds; k++) p[k] = 1.0f / (1.0f + expf(-p[k]));
}

/* Not restrict: dlogit may be logit. */
static __global__ void loss_kernel(float *loss, float *dlogit, const float *logit,
                                   const int32_t *kind, const int32_t *left, const float *weight,
                                   int64_t rows, int64_t kinds)
{
    const int64_t i = index();
    if (i >= rows) return;
    const int y = kind[i], ended = left[i];
    const float w = weight[i];
    float *d = dlogit + i * 2 * kinds;
    const float *z = logit + i * 2 * kinds;
    device_require(y < kinds);
    if (y < 0) {
        loss[i] = 0.0f;
        for (int64_t k = 0; k < 2 * kinds; k++) d[k] = 0.0f;
        return;
    }
    const float high = highest(z, kinds), chosen = z[y], ends = z[kinds + y];
    float sum = 0.0f;
    for (int64_t k = 0; k < kinds; k++) sum += d[k] = expf(z[k] - high);
    for (int64_t k = 0; k < kinds; k++) {
        d[k] = w * (d[k] / sum - (k == y ? 1.0f : 0.0f));
        d[kinds + k] = 0.0f;
    }
    float total = high + logf(sum) - chosen;
    if (ended >= 0) {
        d[kinds + y] = w * (1.0f / (1.0f + expf(-ends)) - (float)ended);
        total += fmaxf(ends, 0.0f) + log1pf(expf(-fabsf(ends))) - (float)ended * ends;
    }
    loss[i] = w * total;
}

static __global__ void ends_kernel(int32_t *left, const uint8_t *end, const int32_t *state,
                                   const int32_t *target, int64_t tokens)
{
    const int64_t i = index();
    if (i >= tokens) return;
    int64_t j = i;
    while (j + 1 < tokens && target[j + 1] >= 0 && state[j + 1] == state[i]) j++;
    left[i] = target[i] < 0 || end[j] == END_TRUNCATED ? -1 : end[j] == END_TERMINAL;
}

void answer_probabilities_cuda(Device *dev, Tensor p, Tensor logit, Tensor factor, Tensor shift)
{
    const int64_t rows = logit.dim[0];
    LAUNCH(dev, probabilities_kernel, blocks_for(rows, THREADS), THREADS, 0, f32(p), f32(logit),
           f32(factor), f32(shift), rows, logit.dim[1] / 2);
}

void answer_loss_cuda(Device *dev, Tensor loss, Tensor dlogit, Tensor logit, Tensor kind,
                      Tensor left, Tensor weight)
{
    const int64_t rows = logit.dim[0];
    LAUNCH(dev, loss_kernel, blocks_for(rows, THREADS), THREADS, 0, f32(loss), f32(dlogit),
           f32(logit), i32(kind), i32(left), f32(weight), rows, logit.dim[1] / 2);
}

void answer_ends_cuda(Device *dev, Tensor left, Tensor end, Tensor state, Tensor target)
{
    const int64_t tokens = target.dim[0];
    LAUNCH(dev, ends_kernel, blocks_for(tokens, THREADS), THREADS, 0, i32(left),
           (const uint8_t *)end.data, i32(state), i32(target), tokens);
}
