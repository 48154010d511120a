/* SPDX-License-Identifier: Apache-2.0 */
/* The pointer on CUDA: a warp a row. Its lanes hold the candidates, at most two each, and the
 * maximum and sum so far of each. For one event after the other they find its candidate by a vote,
 * and compute its score together, a lane for every 32nd element of q. Bound by the latency of the
 * keys of the events, which neighbouring rows share in the L1 cache.
 *
 * Backward: the same walk writes dq, and the share of every event and row to scratch. Then a warp a
 * token adds up its dk over the rows that come after it, in order, and dbias is summed by chunks.
 * Rows of a token are found by their first and last number, from atomic minima and maxima, which do
 * not depend on an order.
 */
#include "counts/pointer.h"

#include "base/cuda/cuda.cuh"
#include "base/cuda/segment.cuh"

enum { WARPS = 8, THREADS = WARPS * WARP, PARTS = POINTER_DIM_MAX / WARP };

template <class T>
struct PointerArrays {
    const T *q, *k;
    const float *bias;
    const int32_t *item, *cu_seqlens, *token, *candidate;
    int64_t rows, tokens, windows, width, distances, dim;
    float scale;
};

template <class T>
static PointerArrays<T> arrays_of(Tensor p, const PointerInput *in)
{
    PointerArrays<T> a = {};
    a.q = (const T *)in->q.data;
    a.k = (const T *)in->k.data;
    a.bias = f32(in->bias);
    a.item = i32(in->item);
    a.cu_seqlens = i32(in->cu_seqlens);
    a.token = i32(in->token);
    a.candidate = i32(in->candidate);
    a.rows = p.dim[0];
    a.tokens = in->item.dim[0];
    a.windows = in->cu_seqlens.dim[0] - 1;
    a.width = p.dim[1];
    a.distances = in->bias.dim[0];
    a.dim = in->q.dim[1];
    a.scale = 1.0f / sqrtf((float)a.dim);
    return a;
}

/* The number of events of row i's history that count. */
template <class T>
static __device__ __forceinline__ int64_t events_of(const PointerArrays<T> &a, int64_t i)
{
    const int32_t token = a.token[i];
    device_require(token < a.cu_seqlens[a.windows]);
    if (token < 0) return 0;
    const int64_t events = token - a.cu_seqlens[segment_of(a.cu_seqlens, a.windows, token)] + 1;
    return events < a.distances ? events : a.distances;
}

static __device__ __forceinline__ int lane_of() { return (int)threadIdx.x % WARP; }

/* The lane's candidates of row i; -1 after the last. */
template <class T>
static __device__ __forceinline__ void load_candidates(int32_t (&own)[2], const PointerArrays<T> &a,
                                                       int64_t i)
{
    for (int n = 0; n < 2; n++) {
        const int64_t j = lane_of() + n * WARP;
        own[n] = j < a.width ? a.candidate[i * a.width + j] : -1;
    }
}

/* The place of `item` among the candidates of the warp's lanes; -1: nowhere. */
static __device__ __forceinline__ int place_of(const int32_t (&own)[2], int32_t item)
{
    const unsigned low = __ballot_sync(ALL_LANES, own[0] == item);
    const unsigned high = __ballot_sync(ALL_LANES, own[1] == item);
    if (item < 0 || !(low | high)) return -1;
    return low ? __ffs((int)low) - 1 : WARP + __ffs((int)high) - 1;
}

/* s[i, d], for every lane. */
template <class T>
static __device__ __forceinline__ float event_score(const PointerArrays<T> &a, int64_t i, int64_t d)
{
    const T *q = a.q + i * a.dim, *k = a.k + (a.token[i] - d) * a.dim;
    float sum = 0.0f;
    for (int64_t c = lane_of(); c < a.dim; c += WARP) sum += to_float(q[c]) * to_float(k[c]);
    return warp_sum(sum) * a.scale + a.bias[d];
}

template <class T>
static __global__ void pointer_kernel(float *p, PointerArrays<T> a)
{
    const int64_t i = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    if (i >= a.rows) return;
    int32_t own[2];
    float max[2] = {-INFINITY, -INFINITY}, sum[2] = {};
    load_candidates(own, a, i);
    const int64_t events = events_of(a, i);
    for (int64_t d = 0; d < events; d++) {
        const int place = place_of(own, a.item[a.token[i] - d]);
        if (place < 0) continue;
        const float s = event_score(a, i, d);
#pragma unroll
        for (int n = 0; n < 2; n++) {
            if (place != lane_of() + n * WARP) continue;
            const float top = fmaxf(max[n], s);
            sum[n] = sum[n] * expf(max[n] - top) + expf(s - top);
            max[n] = top;
        }
    }
#pragma unroll
    for (int n = 0; n < 2; n++) {
        const int64_t j = lane_of() + n * WARP;
        if (j < a.width) p[i * a.width + j] = sum[n] > 0.0f ? max[n] + logf(sum[n]) : 0.0f;
    }
}

/* ---- Backward -------------------------------------------------------------------------------- */

/* dq, and share[i, d] = a[i, d]. */
template <class T>
static __global__ void row_backward_kernel(T *dq, float *share, const float *dp, const float *p,
                                           PointerArrays<T> a)
{
    const int64_t i = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    if (i >= a.rows) return;
    int32_t own[2];
    float sum[PARTS] = {};
    load_candidates(own, a, i);
    const int64_t events = events_of(a, i);
    for (int64_t d = 0; d < a.distances; d++) {
        const int place = d < events ? place_of(own, a.item[a.token[i] - d]) : -1;
        float factor = 0.0f;
        if (place >= 0) {
            const int64_t at = i * a.width + place;
            const T *k = a.k + (a.token[i] - d) * a.dim;
            factor = dp[at] * expf(event_score(a, i, d) - p[at]);
#pragma unroll
            for (int n = 0; n < PARTS; n++) {
                const int64_t c = lane_of() + n * WARP;
                if (c < a.dim) sum[n] += factor * a.scale * to_float(k[c]);
            }
        }
        if (lane_of() == 0) share[i * a.distances + d] = factor;
    }
#pragma unroll
    for (int n = 0; n < PARTS; n++) {
        const int64_t c = lane_of() + n * WARP;
        if (c < a.dim) from_float(dq[i * a.dim + c], sum[n]);
    }
}

/* No row has the token. */
static __global__ void clear_rows_kernel(int32_t *first, int32_t *last, int64_t tokens)
{
    const int64_t t = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (t >= tokens) return;
    first[t] = INT32_MAX;
    last[t] = -1;
}

static __global__ void find_rows_kernel(int32_t *first, int32_t *last, const int32_t *token,
                                        int64_t rows)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= rows || token[i] < 0) return;
    atomicMin(first + token[i], (int32_t)i);
    atomicMax(last + token[i], (int32_t)i);
}

/* The rows whose numbers are first[t] to last[t] have the token t, or none. */
template <class T>
static __global__ void key_backward_kernel(T *dk, const float *share, const int32_t *first,
                                           const int32_t *last, PointerArrays<T> a)
{
    const int64_t u = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    if (u >= a.tokens) return;
    int64_t end = u; /* of the tokens that have u in their history */
    if (u < a.cu_seqlens[a.windows]) end = a.cu_seqlens[segment_of(a.cu_seqlens, a.windows, u) + 1];
    if (end > u + a.distances) end = u + a.distances;
    float sum[PARTS] = {};
    for (int64_t t = u; t < end; t++)
        for (int64_t i = first[t]; i <= last[t]; i++) {
            if (a.token[i] < 0) continue;
            const float factor = share[i * a.distances + t - u] * a.scale;
            if (factor == 0.0f) continue;
#pragma unroll
            for (int n = 0; n < PARTS; n++) {
                const int64_t c = lane_of() + n * WARP;
                if (c < a.dim) sum[n] += factor * to_float(a.q[i * a.dim + c]);
            }
        }
#pragma unroll
    for (int n = 0; n < PARTS; n++) {
        const int64_t c = lane_of() + n * WARP;
        if (c < a.dim) from_float(dk[u * a.dim + c], sum[n]);
    }
}

/* part[chunk, d] = the sum of share[:, d] over the chunk's rows. */
static __global__ void sum_chunks_kernel(float *part, const float *share, int64_t rows,
                                         int64_t distances)
{
    const int64_t begin = (int64_t)blockIdx.x * POINTER_CHUNK, d = threadIdx.x;
    const int64_t end = begin + POINTER_CHUNK < rows ? begin + POINTER_CHUNK : rows;
    if (d >= distances) return;
    float sum = 0.0f;
    for (int64_t i = begin; i < end; i++) sum += share[i * distances + d];
    part[(int64_t)blockIdx.x * distances + d] = sum;
}

static __global__ void add_chunks_kernel(float *dbias, const float *part, int64_t chunks,
                                         int64_t distances)
{
    const int64_t d = threadIdx.x;
    if (d >= distances) return;
    float sum = dbias[d];
    for (int64_t c = 0; c < chunks; c++) sum += part[c * distances + d];
    dbias[d] = sum;
}

/* ---- Launches -------------------------------------------------------------------------------- */

static Tensor scratch2(Device *dev, Dtype dtype, int64_t rows, int64_t columns)
{
    const int64_t dim[] = {rows, columns};
    return scratch_tensor(dev, dtype, 2, dim);
}

template <class T>
static void forward(Device *dev, Tensor p, const PointerInput *in)
{
    LAUNCH(dev, pointer_kernel<T>, blocks_for(p.dim[0], WARPS), THREADS, 0, f32(p),
           arrays_of<T>(p, in));
}

template <class T>
static void backward(Device *dev, const PointerGradient *to, Tensor dp, Tensor p,
                     const PointerInput *in)
{
    const PointerArrays<T> a = arrays_of<T>(p, in);
    const int64_t chunks = ceil_div(a.rows, POINTER_CHUNK);
    const size_t mark = scratch_mark(dev);
    const Tensor share = scratch2(dev, F32, a.rows, a.distances);
    const Tensor part = scratch2(dev, F32, chunks, a.distances);
    int32_t *first = i32(scratch2(dev, I32, 2, a.tokens)), *last = first + a.tokens;
    LAUNCH(dev, row_backward_kernel<T>, blocks_for(a.rows, WARPS), THREADS, 0, (T *)to->q.data,
           f32(share), f32(dp), f32(p), a);
    LAUNCH(dev, clear_rows_kernel, blocks_for(a.tokens, THREADS), THREADS, 0, first, last,
           a.tokens);
    LAUNCH(dev, find_rows_kernel, blocks_for(a.rows, THREADS), THREADS, 0, first, last, a.token,
           a.rows);
    LAUNCH(dev, key_backward_kernel<T>, blocks_for(a.tokens, WARPS), THREADS, 0, (T *)to->k.data,
           f32(share), first, last, a);
    LAUNCH(dev, sum_chunks_kernel, (unsigned)chunks, POINTER_DISTANCES_MAX, 0, f32(part),
           f32(share), a.rows, a.distances);
    LAUNCH(dev, add_chunks_kernel, 1, POINTER_DISTANCES_MAX, 0, f32(to->bias), f32(part), chunks,
           a.distances);
    scratch_release(dev, mark);
}

void counts_pointer_cuda(Device *dev, Tensor p, const PointerInput *in)
{
    BY_DTYPE(in->q.dtype, forward, dev, p, in);
}

void counts_pointer_backward_cuda(Device *dev, const PointerGradient *to, Tensor dp, Tensor p,
                                  const PointerInput *in)
{
    BY_DTYPE(in->q.dtype, backward, dev, to, dp, p, in);
}
