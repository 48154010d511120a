/* SPDX-License-Identifier: Apache-2.0 */
/* TD targets on CUDA: one thread a token finds its window by bisection and adds its n rewards.
 * For a few thousand tokens the latency of the bisection bounds the time.
 */
#include "losses/td.h"

#include "base/cuda/cuda.cuh"
#include "base/cuda/segment.cuh"

enum { THREADS = 256 };

typedef struct {
    float *y, *valid;
    const float *reward, *next_value;
    const uint8_t *end;
    const int32_t *cu_seqlens;
    int64_t tokens, windows;
    double gamma;
    int n;
    bool last_has_value;
} Batch;

/* The last token of the window of token t; tokens past all windows are their own last. */
static __device__ int64_t last_of(const Batch &b, int64_t t)
{
    if (t >= b.cu_seqlens[b.windows]) return t;
    return b.cu_seqlens[segment_of(b.cu_seqlens, b.windows, t) + 1] - 1;
}

static __global__ void targets_kernel(Batch b)
{
    const int64_t t = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (t >= b.tokens) return;
    device_require(b.cu_seqlens[0] == 0 && b.cu_seqlens[b.windows] <= b.tokens);
    const int64_t last = last_of(b, t);
    bool known = t < last;
    double sum = 0.0, discount = 1.0;
    if (known) {
        int64_t at = t;
        for (int m = 1;; m++, at++) {
            sum += discount * (double)b.reward[at];
            discount *= b.gamma;
            if (m == b.n || b.end[at] != 0 || at + 1 == last) break;
        }
        const bool terminal = b.end[at] == END_TERMINAL;
        known = terminal || at + 1 < last || b.last_has_value;
        if (known && !terminal) sum += discount * (double)b.next_value[at + 1];
    }
    b.y[t] = known ? (float)sum : 0.0f;
    b.valid[t] = known ? 1.0f : 0.0f;
}

void td_targets_cuda(Device *dev, Tensor y, Tensor valid, Tensor reward, Tensor end,
                     Tensor next_value, Tensor cu_seqlens, float gamma, int n, bool last_has_value)
{
    const Batch b = {f32(y),
                     f32(valid),
                     f32(reward),
                     f32(next_value),
                     (const uint8_t *)end.data,
                     i32(cu_seqlens),
                     y.dim[0],
                     cu_seqlens.dim[0] - 1,
                     (double)gamma,
                     n,
                     last_has_value};
    LAUNCH(dev, targets_kernel, blocks_for(y.dim[0], THREADS), THREADS, 0, b);
}
