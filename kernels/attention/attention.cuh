/* SPDX-License-Identifier: Apache-2.0 */
/* What the attention kernels share: tiles of packed sequences, and the small kernels around them.
 * Only the device knows the lengths of the sequences, so grids are sized for the worst case. */
#ifndef SOUK_ATTENTION_CUH
#define SOUK_ATTENTION_CUH

#include "attention/attention.h"
#include "attention/choice.h"
#include "base/cuda/cuda.cuh"

enum { TILE = 32, SHORT = ATTENTION_SHORT, PLAN_THREADS = 256, DELTA_WARPS = 4 };

/* A tile of 32 tokens of a sequence. length 0: an unused entry. */
typedef struct {
    int32_t first, length; /* of the sequence */
    int32_t start;         /* where the tile begins in the sequence */
} Tile;

typedef struct {
    int64_t tokens, sequences, longest, dim, heads, head_dim;
    bool aligned; /* every tensor begins at a multiple of 16 bytes */
    bool wide;    /* rows may be read 4 elements at a time */
    float scale;
} Shape;

/* ---- Tiles ----------------------------------------------------------------------------------- */

/* The sum of v over the block's threads before this one; *all: over all of its threads. */
static __device__ int64_t before_me(int64_t v, int64_t *all)
{
    __shared__ int64_t sums[PLAN_THREADS / WARP];
    const int lane = (int)threadIdx.x % WARP, warp = (int)threadIdx.x / WARP;
    int64_t sum = v;
    for (int offset = 1; offset < WARP; offset *= 2) {
        const int64_t lower = __shfl_up_sync(ALL_LANES, sum, offset);
        if (lane >= offset) sum += lower;
    }
    __syncthreads();
    if (lane == WARP - 1) sums[warp] = sum;
    __syncthreads();
    int64_t base = 0;
    *all = 0;
    for (int w = 0; w < PLAN_THREADS / WARP; w++) {
        if (w < warp) base += sums[w];
        *all += sums[w];
    }
    return base + sum - v;
}

/* The tiles of the sequences longer than `longer_than`, in order. One block, so that the place of a
 * tile follows from a running sum alone: no atomics, and the same order in every run. */
static __global__ void plan_kernel(Tile *tile, int64_t capacity, const int32_t *cu, Shape s,
                                   int longer_than)
{
    int64_t used = 0;
    if (threadIdx.x == 0) device_require(cu[0] == 0 && cu[s.sequences] <= s.tokens);
    for (int64_t chunk = 0; chunk < s.sequences; chunk += PLAN_THREADS) {
        const int64_t n = chunk + threadIdx.x;
        const int first = n < s.sequences ? cu[n] : 0;
        const int length = n < s.sequences ? cu[n + 1] - first : 0;
        device_require(length >= 0 && length <= s.longest);
        const int tiles = length > longer_than ? (length + TILE - 1) / TILE : 0;
        int64_t all, at = used + before_me(tiles, &all);
        for (int k = 0; k < tiles; k++) {
            const Tile it = {first, length, k * TILE};
            tile[at + k] = it;
        }
        used += all;
    }
    for (int64_t k = used + threadIdx.x; k < capacity; k += PLAN_THREADS) {
        const Tile none = {0, 0, 0};
        tile[k] = none;
    }
}

/* The rows past the last sequence become 0. */
template <class T>
static __global__ void zero_tail_kernel(T *x, const int32_t *cu, int64_t tokens, int64_t sequences,
                                        int64_t dim)
{
    const int64_t first = cu[sequences] * dim, last = tokens * dim;
    const int64_t step = (int64_t)gridDim.x * blockDim.x;
    for (int64_t i = first + (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < last; i += step)
        from_float(x[i], 0.0f);
}

/* delta[t, h] = do[t, h, :] . o[t, h, :]. One warp computes one number. */
template <class T>
static __global__ void delta_kernel(float *delta, const T *dout, const T *o, int64_t count,
                                    int64_t head_dim)
{
    const int64_t at = (int64_t)blockIdx.x * DELTA_WARPS + threadIdx.x / WARP;
    const int lane = (int)threadIdx.x % WARP;
    if (at >= count) return;
    float sum = 0.0f;
    for (int64_t c = lane; c < head_dim; c += WARP)
        sum += to_float(dout[at * head_dim + c]) * to_float(o[at * head_dim + c]);
    sum = warp_sum(sum);
    if (lane == 0) delta[at] = sum;
}

typedef struct {
    Tensor tile;
    int64_t capacity;
} Plan;

static inline Plan plan(Device *dev, const Shape &s, const int32_t *cu, int longer_than)
{
    const int64_t fit = s.tokens / (longer_than + 1);
    Plan p;
    p.capacity = s.tokens / TILE + (s.sequences < fit ? s.sequences : fit);
    const int64_t shape[] = {p.capacity, (int64_t)sizeof(Tile)};
    p.tile = scratch_tensor(dev, U8, 2, shape);
    LAUNCH(dev, plan_kernel, p.capacity > 0, PLAN_THREADS, 0, (Tile *)p.tile.data, p.capacity, cu,
           s, longer_than);
    return p;
}

template <class T>
static void zero_tail(Device *dev, Tensor x, const Shape &s, const int32_t *cu)
{
    LAUNCH(dev, zero_tail_kernel<T>, blocks_looping(dev, tensor_count(x), PLAN_THREADS, 4),
           PLAN_THREADS, 0, (T *)x.data, cu, s.tokens, s.sequences, x.dim[1]);
}

template <class T>
static Tensor delta_of(Device *dev, Tensor do_, Tensor o, const Shape &s)
{
    const int64_t count = s.tokens * s.heads, dim[] = {s.tokens, s.heads};
    const Tensor delta = scratch_tensor(dev, F32, 2, dim);
    LAUNCH(dev, delta_kernel<T>, blocks_for(count, DELTA_WARPS), DELTA_WARPS * WARP, 0, f32(delta),
           (const T *)do_.data, (const T *)o.data, count, s.head_dim);
    return delta;
}

/* ---- Entry points, called by attention.cu ---------------------------------------------------- */

/* plain.cu: every history. */
void attention_plain_forward(Device *dev, Tensor o, Tensor lse, Tensor qkv, const int32_t *cu,
                             const Shape &s);
void attention_plain_backward(Device *dev, Tensor dqkv, Tensor do_, Tensor o, Tensor lse,
                              Tensor qkv, const int32_t *cu, const Shape &s);

/* What the backward kernels on tensor cores read and write. */
typedef struct {
    bf16 *dqkv;
    const bf16 *dout, *o, *qkv;
    const float *lse;
    const float *delta; /* for mma.cu; short.cu computes its own */
    Shape s;
} BackwardMma;

/* mma.cu: the histories whose tiles are in the plan. */
void attention_mma_forward(Device *dev, bf16 *o, float *lse, const bf16 *qkv, const Plan &p,
                           const Shape &s);
void attention_mma_backward(Device *dev, const BackwardMma &b, const Plan &p);

/* short.cu: the histories of up to `limit` tokens, the most for which the device has enough shared
 * memory. The rows of longer histories are left as they are. */
typedef struct {
    Tensor start;   /* i32 [bins + 1, 2]: the first history of each bin, and its first row */
    int bins, rows; /* a bin has `rows` rows */
    int most;       /* the most rows for which a block has shared memory */
    int limit;
} Bins;
Bins attention_short_bins(Device *dev, bool backward, const int32_t *cu, const Shape &s);
void attention_short_forward(Device *dev, bf16 *o, float *lse, const bf16 *qkv, const int32_t *cu,
                             const Bins &bins, const Shape &s);
void attention_short_backward(Device *dev, const BackwardMma &b, const int32_t *cu,
                              const Bins &bins);

#endif
