/* SPDX-License-Identifier: Apache-2.0 */
/* Control targets on CUDA: one thread a token. */
#include "losses/control.h"

#include "base/cuda/cuda.cuh"
#include "base/cuda/segment.cuh"
#include "base/rng.h"

enum { THREADS = 256 };

static __global__ void control_kernel(float *y, float *valid, const int32_t *cu_seqlens,
                                      const int64_t *event, int64_t tokens, int64_t windows,
                                      uint64_t seed)
{
    const int64_t t = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (t >= tokens) return;
    device_require(cu_seqlens[0] == 0 && cu_seqlens[windows] <= tokens);
    const int64_t w = segment_of(cu_seqlens, windows, t);
    const bool known = t < cu_seqlens[windows] && t + 1 < cu_seqlens[w + 1];
    const int64_t n = t - cu_seqlens[w] + 1;
    float target = 0.0f;
    if (known && event) {
        const Philox p = philox(seed, 1, (uint64_t)(event[w] + n));
        target = philox_normal(p.word[0], p.word[1]);
    } else if (known) {
        target = (float)log1p((double)n);
    }
    y[t] = target;
    valid[t] = known ? 1.0f : 0.0f;
}

void control_cuda(Device *dev, Tensor y, Tensor valid, Tensor cu_seqlens, Tensor first_event,
                  uint64_t seed)
{
    LAUNCH(dev, control_kernel, blocks_for(y.dim[0], THREADS), THREADS, 0, f32(y), f32(valid),
           i32(cu_seqlens), (const int64_t *)first_event.data, y.dim[0], cu_seqlens.dim[0] - 1,
           seed);
}
