/* SPDX-License-Identifier: Apache-2.0 */
/* Backward returns on CUDA: one warp a window, from its end, 32 tokens at a time. A token is a link
 * E[t] = add + factor E[t+1]. A scan over the lanes composes the links; the E of the token after
 * these 32 enters as the carry. The latency of the longest window's scans bounds the time.
 */
#include "losses/returns.h"

#include "base/cuda/cuda.cuh"

enum { WARPS = 8, THREADS = WARPS * WARP };

typedef struct {
    float *target, *valid, *advantage;
    const float *reward, *value, *next_value, *log_ratio;
    const uint8_t *end;
    const int32_t *cu_seqlens;
    int64_t tokens, windows;
    ReturnsOptions o;
} ReturnsBatch;

typedef struct {
    double add, factor, delta, rest; /* rest: the factor of E[t+1] in the advantage */
    bool known;
} Link;

static __device__ __forceinline__ double ratio_at(const ReturnsBatch &b, int64_t t)
{
    return b.log_ratio ? exp((double)b.log_ratio[t]) : 1.0;
}

/* The link of token t in a window whose last token is `last`. From `last` on it passes E[t+1]
 * through. */
static __device__ __forceinline__ Link link_of(const ReturnsBatch &b, int64_t t, int64_t last)
{
    Link k = {0.0, 1.0, 0.0, 0.0, false};
    if (t >= last) return k;
    const double gamma = (double)b.o.gamma;
    const bool terminal = b.end[t] == END_TERMINAL, at_end = t + 1 == last;
    k.known = terminal || !at_end || b.o.last_has_value;
    k.factor = 0.0;
    if (!k.known) return k;
    const double boot = terminal ? 0.0 : (double)b.next_value[t + 1];
    k.delta = (double)b.reward[t] + gamma * boot - (double)b.value[t];
    const bool cut = b.end[t] != 0 || at_end;
    double rho = 1.0;
    if (b.o.rho_max > 0.0f) rho = fmin((double)b.o.rho_max, ratio_at(b, t));
    k.add = rho * k.delta;
    if (cut) return k;
    k.rest = gamma;
    k.factor = (double)b.o.lambda *
               fmin((double)b.o.c_max, ratio_at(b, t + (b.o.trace_of_next ? 1 : 0))) * gamma;
    return k;
}

/* The links of this lane and of all lanes above it become one link, which takes E of the token
 * after the warp's. */
static __device__ __forceinline__ void compose(double &add, double &factor)
{
    const int lane = (int)threadIdx.x % WARP;
#pragma unroll
    for (int offset = 1; offset < WARP; offset *= 2) {
        const double next_add = __shfl_down_sync(ALL_LANES, add, offset);
        const double next_factor = __shfl_down_sync(ALL_LANES, factor, offset);
        if (lane + offset >= WARP) continue;
        add += factor * next_add;
        factor *= next_factor;
    }
}

static __device__ __forceinline__ void put(const ReturnsBatch &b, int64_t t, bool known,
                                           double error, double advantage)
{
    b.target[t] = known ? (float)((double)b.value[t] + error) : 0.0f;
    b.valid[t] = known ? 1.0f : 0.0f;
    if (b.advantage) b.advantage[t] = known ? (float)advantage : 0.0f;
}

static __device__ __forceinline__ void window(const ReturnsBatch &b, int64_t first, int64_t end)
{
    const int lane = (int)threadIdx.x % WARP;
    double carry = 0.0; /* E of the first of the 32 tokens after these */
    for (int64_t chunk = (end - first - 1) / WARP; chunk >= 0; chunk--) {
        const int64_t t = first + chunk * WARP + lane;
        const Link k = link_of(b, t, end - 1);
        double add = k.add, factor = k.factor;
        compose(add, factor);
        const double error = add + factor * carry;
        double next = __shfl_down_sync(ALL_LANES, error, 1);
        if (lane == WARP - 1) next = carry;
        if (t < end) put(b, t, k.known, error, k.delta + k.rest * next);
        carry = __shfl_sync(ALL_LANES, error, 0);
    }
}

/* One warp a window. The warps after the last window write zeros for the tokens past all
 * windows. */
static __global__ void __launch_bounds__(THREADS) returns_kernel(ReturnsBatch b, int64_t warps)
{
    const int64_t w = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    const int64_t past = b.cu_seqlens[b.windows];
    device_require(b.cu_seqlens[0] == 0 && past <= b.tokens);
    if (w < b.windows) {
        const int64_t first = b.cu_seqlens[w], end = b.cu_seqlens[w + 1];
        if (first < end) window(b, first, end);
        return;
    }
    const int64_t step = (warps - b.windows) * WARP;
    for (int64_t t = past + (w - b.windows) * WARP + threadIdx.x % WARP; t < b.tokens; t += step)
        put(b, t, false, 0.0, 0.0);
}

void returns_cuda(Device *dev, Tensor target, Tensor valid, Tensor advantage,
                  const ReturnsInput *in, const ReturnsOptions *options)
{
    ReturnsBatch b = {};
    b.target = f32(target);
    b.valid = f32(valid);
    b.advantage = f32(advantage);
    b.reward = f32(in->reward);
    b.value = f32(in->value);
    b.next_value = f32(in->next_value);
    b.log_ratio = f32(in->log_ratio);
    b.end = (const uint8_t *)in->end.data;
    b.cu_seqlens = i32(in->cu_seqlens);
    b.tokens = target.dim[0];
    b.windows = in->cu_seqlens.dim[0] - 1;
    b.o = *options;
    const int64_t blocks =
        ceil_div(b.windows + WARPS, WARPS); /* at least WARPS come after the windows */
    LAUNCH(dev, returns_kernel, blocks_for(blocks * WARPS, WARPS), THREADS, 0, b, blocks * WARPS);
}
