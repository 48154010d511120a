/* SPDX-License-Identifier: Apache-2.0 */
/* Half of the users on CUDA: one thread a token. */
#include "losses/half.h"

#include "base/cuda/cuda.cuh"
#include "base/cuda/segment.cuh"
#include "base/rng.h"

enum { THREADS = 256 };

static __global__ void half_kernel(float *weight, const int32_t *cu_seqlens, const int64_t *user,
                                   int64_t tokens, int64_t windows, uint64_t seed)
{
    const int64_t t = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (t >= tokens) return;
    device_require(cu_seqlens[0] == 0 && cu_seqlens[windows] <= tokens);
    const int64_t w = segment_of(cu_seqlens, windows, t);
    const bool known = t < cu_seqlens[windows];
    const bool taken = known && (philox(seed, 2, (uint64_t)user[w]).word[0] & 1);
    weight[t] *= taken ? 2.0f : 0.0f;
}

void half_of_users_cuda(Device *dev, Tensor weight, Tensor cu_seqlens, Tensor user, uint64_t seed)
{
    LAUNCH(dev, half_kernel, blocks_for(weight.dim[0], THREADS), THREADS, 0, f32(weight),
           i32(cu_seqlens), (const int64_t *)user.data, weight.dim[0], cu_seqlens.dim[0] - 1, seed);
}
