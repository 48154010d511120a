/* What the attention kernels share: tiles of packed sequences, and the small kernels around them.
 * Lengths are known on the device alone, so grids are sized for the worst case.
 */
#ifndef SOUK_ATTENTION_CUH
#define SOUK_ATTENTION_CUH

#include "attention/attention.h"
#include "attention/choice.h"
#include "base/cuda/cuda.cuh"

/* SHORT: the longest history that is the work of one block: attention.cu, attention_short.cu. */
enum { TILE = 32, SHORT = ATTENTION_SHORT, PLAN_THREADS = 256, DELTA_WARPS = 4 };

/* A tile of 32 tokens of a sequence; length 0: none. */
typedef struct {
    int32_t first, length; /* of the sequence */
    int32_t start;         /* of the tile, in the sequence */
} Tile;

typedef struct {
    int64_t tokens, sequences, longest, dim, heads, head_dim;
    bool aligned, wide; /* to 16 bytes, all tensors; rows may be read 4 elements at once */
    float scale;
} Shape;

/* ---- Tiles ---------------------------------------------------------------------------------------- */

/* The exclusive sum over the block, and the sum of all. */
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

/* The tiles of the sequences longer than `longer_than`, in order; one block. */
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

/* Rows past the last sequence are 0. */
template <class T>
static __global__ void zero_tail_kernel(T *x, const int32_t *cu, int64_t tokens, int64_t sequences,
                                        int64_t dim)
{
    const int64_t first = cu[sequences] * dim, last = tokens * dim;
    const int64_t step = (int64_t)gridDim.x * blockDim.x;
    for (int64_t i = first + (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < last; i += step)
        from_float(x[i], 0.0f);
}

/* delta[t, h] = do[t, h, :] . o[t, h, :]: one warp each. */
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

/* ---- On tensor cores, bf16 -------------------------------------------------------------------------- */

typedef struct {
    bf16 *dqkv;
    const bf16 *dout, *o, *qkv;
    const float *lse, *delta; /* delta: for the histories of a plan alone */
    Shape s;
} BackwardMma;

/* attention_mma.cu: the histories of the plan. */
void attention_forward_mma(Device *dev, bf16 *o, float *lse, const bf16 *qkv, const Plan &p,
                           const Shape &s);
void attention_backward_mma(Device *dev, const BackwardMma &b, const Plan &p);

/* attention_short.cu: the histories up to `limit` tokens, which is what the device has shared memory for. The
 * rows of longer ones are left as they are. */
typedef struct {
    Tensor start;         /* i32 [bins + 1, 2]: the first history of each bin, and its first row */
    int bins, rows, most; /* a bin is `rows` rows; a block holds `most` */
    int limit;
} Bins;
Bins attention_bins(Device *dev, bool backward, const int32_t *cu, const Shape &s);
void attention_forward_short(Device *dev, bf16 *o, float *lse, const bf16 *qkv, const int32_t *cu,
                             const Bins &bins, const Shape &s);
void attention_backward_short(Device *dev, const BackwardMma &b, const int32_t *cu,
                              const Bins &bins);

#endif
