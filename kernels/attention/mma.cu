/* SPDX-License-Identifier: Apache-2.0 */
/* Attention on tensor cores, bf16, for histories longer than short.cu takes: mma.m16n8k16 with f32
 * sums (base/cuda/ptx.cuh says which lane holds what).
 *
 *   forward   A block of two warps has 32 queries of a head; a warp owns 16 of them. Scores,
 *             softmax and sums stay in registers, and so do the probabilities between the two
 *             products.
 *   backward  keys_kernel: a warp owns 16 of 32 keys and computes p^T and ds^T. Its registers then
 *             have the layout of the left operands of dv and dk. queries_kernel: the warps compute
 *             ds^T in the same way and exchange it through shared memory, where each finds the rows
 *             of its 16 queries.
 *
 * p and ds are rounded to bf16 before they enter a product. Tiles are loaded synchronously; blocks
 * are small (27 KB of shared memory forward, 37 KB backward at head_dim 128), so that several share
 * a multiprocessor and compute while others load.
 */
#include "attention/mma.cuh"

enum { WARPS = 2, THREADS = WARPS * WARP, PAIR_ROW = TILE + 8 };

/* to [TILE, D + 8] = rows of a head, zeros beyond `rows` and head_dim. */
template <int D>
static __device__ __forceinline__ void load_rows(bf16 *to, const bf16 *from, int64_t from_row,
                                                 int rows, const Shape &s)
{
    for (int i = (int)threadIdx.x; i < TILE * D / 8; i += THREADS) {
        const int row = i / (D / 8), c = i % (D / 8) * 8;
        uint4 v = make_uint4(0, 0, 0, 0);
        if (row < rows && c < s.head_dim) v = *(const uint4 *)(from + row * from_row + c);
        *(uint4 *)(to + row * (D + 8) + c) = v;
    }
}

static __device__ __forceinline__ int rows_in(const Tile &t, int start)
{
    return t.length - start < TILE ? t.length - start : (int)TILE;
}

/* ---- Forward --------------------------------------------------------------------------------- */

template <int D>
static __global__ void __launch_bounds__(THREADS)
    forward_kernel(bf16 *o, float *lse, const bf16 *qkv, const Tile *tile, Shape s)
{
    DYNAMIC_SHARED(memory);
    bf16 *q = (bf16 *)memory, *k = q + TILE * (D + 8), *v = k + TILE * (D + 8);
    const Tile t = tile[blockIdx.x];
    if (t.length == 0) return;
    const int64_t head = blockIdx.y, row = 3 * s.dim;
    const int first = (int)threadIdx.x / WARP * SIDE, rows = rows_in(t, t.start);
    qkv += t.first * row + head * s.head_dim;
    load_rows<D>(q, qkv + t.start * row, row, rows, s);

    float sums[D / 8][4], max[2] = {-INFINITY, -INFINITY}, sum[2] = {};
    mma_clear(sums);
    for (int u = 0; u <= t.start; u += TILE) {
        __syncthreads();
        load_rows<D>(k, qkv + s.dim + u * row, row, rows_in(t, u), s);
        load_rows<D>(v, qkv + 2 * s.dim + u * row, row, rows_in(t, u), s);
        __syncthreads();
        float score[KEYS][4];
        scores<D>(score, q, first, k);
#pragma unroll
        for (int n = 0; n < KEYS; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const bool future = u == t.start && mma_column(n, i) > first + mma_row(i);
                score[n][i] = future ? -INFINITY : score[n][i] * s.scale;
            }
        online_softmax<D>(score, sums, max, sum);
        uint32_t p[2][4];
        as_left(p, score);
        add_product<D>(sums, p, v);
    }
    float scale[2];
    lse += (t.first + t.start) * s.heads + head;
    finish_softmax(scale, lse, s.heads, max, sum, first, rows);
    store_rows<D>(o + (t.first + t.start) * s.dim + head * s.head_dim, s.dim, sums, scale, first,
                  rows, s);
}

/* ---- Backward -------------------------------------------------------------------------------- */

/* Tiles in shared memory. ds is [key][query]. */
template <int D>
struct Held {
    bf16 *q, *dout, *k, *v, *ds;
    float *lse, *delta;
};
enum { BACKWARD_BYTES = TILE * PAIR_ROW * 2 + 2 * TILE * 4 };

template <int D>
static __device__ __forceinline__ Held<D> hold(unsigned char *memory)
{
    Held<D> h;
    h.q = (bf16 *)memory;
    h.dout = h.q + TILE * (D + 8);
    h.k = h.dout + TILE * (D + 8);
    h.v = h.k + TILE * (D + 8);
    h.ds = h.v + TILE * (D + 8);
    h.lse = (float *)(h.ds + TILE * PAIR_ROW);
    h.delta = h.lse + TILE;
    return h;
}

template <int D>
static __device__ __forceinline__ void load_queries(const Held<D> &h, const BackwardMma &b,
                                                    const Tile &t, int64_t head, int start)
{
    const Shape &s = b.s;
    const int64_t token = t.first + start;
    const int rows = rows_in(t, start), i = (int)threadIdx.x;
    load_rows<D>(h.q, b.qkv + token * 3 * s.dim + head * s.head_dim, 3 * s.dim, rows, s);
    load_rows<D>(h.dout, b.dout + token * s.dim + head * s.head_dim, s.dim, rows, s);
    if (i >= TILE) return;
    h.lse[i] = i < rows ? b.lse[(token + i) * s.heads + head] : INFINITY; /* makes p 0 */
    h.delta[i] = i < rows ? b.delta[(token + i) * s.heads + head] : 0.0f;
}

template <int D>
static __device__ __forceinline__ void load_keys(const Held<D> &h, const BackwardMma &b,
                                                 const Tile &t, int64_t head, int start)
{
    const Shape &s = b.s;
    const bf16 *k = b.qkv + (t.first + start) * 3 * s.dim + s.dim + head * s.head_dim;
    load_rows<D>(h.k, k, 3 * s.dim, rows_in(t, start), s);
    load_rows<D>(h.v, k + s.dim, 3 * s.dim, rows_in(t, start), s);
}

/* p^T and ds^T of the warp's 16 keys. */
template <int D>
static __device__ __forceinline__ void tile_gradient(float (&p)[KEYS][4], float (&ds)[KEYS][4],
                                                     const Held<D> &h, float scale, bool diagonal)
{
    const int first = (int)threadIdx.x / WARP * SIDE;
    scores<D>(p, h.k, first, h.q);
    scores<D>(ds, h.v, first, h.dout);
#pragma unroll
    for (int n = 0; n < KEYS; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int key = first + mma_row(i), query = mma_column(n, i);
            const bool future = diagonal && key > query;
            p[n][i] = future ? 0.0f : __expf(p[n][i] * scale - h.lse[query]);
            ds[n][i] = p[n][i] * (ds[n][i] - h.delta[query]);
        }
}

/* ds^T into shared memory, where each warp finds the columns of its queries. */
template <int D>
static __device__ __forceinline__ void store_gradient(const Held<D> &h, const float (&ds)[KEYS][4])
{
    const int first = (int)threadIdx.x / WARP * SIDE;
#pragma unroll
    for (int n = 0; n < KEYS; n++)
#pragma unroll
        for (int i = 0; i < 4; i += 2)
            *(uint32_t *)(h.ds + (first + mma_row(i)) * PAIR_ROW + mma_column(n, 0)) =
                two_bf16(ds[n][i], ds[n][i + 1]);
}

/* dk and dv of the keys of tile `start`. */
template <int D>
static __device__ __forceinline__ void key_tile(const Held<D> &h, const BackwardMma &b,
                                                const Tile &t, int64_t head, int start)
{
    const Shape &s = b.s;
    const int first = (int)threadIdx.x / WARP * SIDE;
    float dk[D / 8][4], dv[D / 8][4];
    mma_clear(dk);
    mma_clear(dv);
    __syncthreads();
    load_keys<D>(h, b, t, head, start);
    for (int at = start; at < t.length; at += TILE) {
        __syncthreads();
        load_queries<D>(h, b, t, head, at);
        __syncthreads();
        float p[KEYS][4], ds[KEYS][4];
        uint32_t left[2][4];
        tile_gradient<D>(p, ds, h, s.scale, at == start);
        as_left(left, p);
        add_product<D>(dv, left, h.dout);
        as_left(left, ds);
        add_product<D>(dk, left, h.q);
    }
    bf16 *to = b.dqkv + (t.first + start) * 3 * s.dim + s.dim + head * s.head_dim;
    const float one[2] = {1.0f, 1.0f}, scale[2] = {s.scale, s.scale};
    store_rows<D>(to, 3 * s.dim, dk, scale, first, rows_in(t, start), s);
    store_rows<D>(to + s.dim, 3 * s.dim, dv, one, first, rows_in(t, start), s);
}

template <int D>
static __global__ void __launch_bounds__(THREADS) keys_kernel(BackwardMma b, const Tile *tile)
{
    DYNAMIC_SHARED(memory);
    const Held<D> h = hold<D>(memory);
    const Tile t = tile[blockIdx.x];
    if (t.length == 0) return;
    key_tile<D>(h, b, t, blockIdx.y, t.start);
}

template <int D>
static __global__ void __launch_bounds__(THREADS) queries_kernel(BackwardMma b, const Tile *tile)
{
    DYNAMIC_SHARED(memory);
    const Held<D> h = hold<D>(memory);
    const Tile t = tile[blockIdx.x];
    if (t.length == 0) return;
    const Shape &s = b.s;
    const int64_t head = blockIdx.y;
    const int first = (int)threadIdx.x / WARP * SIDE;
    load_queries<D>(h, b, t, head, t.start);
    float dq[D / 8][4];
    mma_clear(dq);
    for (int start = 0; start <= t.start; start += TILE) {
        __syncthreads();
        load_keys<D>(h, b, t, head, start);
        __syncthreads();
        float p[KEYS][4], ds[KEYS][4];
        tile_gradient<D>(p, ds, h, s.scale, start == t.start);
        store_gradient<D>(h, ds);
        __syncthreads();
        uint32_t left[2][4];
#pragma unroll
        for (int half = 0; half < 2; half++)
            mma_left_transposed(left[half], h.ds, PAIR_ROW, first, SIDE * half);
        add_product<D>(dq, left, h.k);
    }
    const float scale[2] = {s.scale, s.scale};
    store_rows<D>(b.dqkv + (t.first + t.start) * 3 * s.dim + head * s.head_dim, 3 * s.dim, dq,
                  scale, first, rows_in(t, t.start), s);
}

/* ---- Launches -------------------------------------------------------------------------------- */

template <int D>
static void forward(Device *dev, bf16 *o, float *lse, const bf16 *qkv, const Plan &p,
                    const Shape &s)
{
    LAUNCH(dev, forward_kernel<D>, dim3((unsigned)p.capacity, (unsigned)s.heads), THREADS,
           3 * TILE * (D + 8) * 2, o, lse, qkv, (const Tile *)p.tile.data, s);
}

template <int D>
static size_t backward_bytes()
{
    return 4 * TILE * (D + 8) * 2 + BACKWARD_BYTES;
}

template <int D>
static void backward(Device *dev, const BackwardMma &b, const Plan &p)
{
    const dim3 grid((unsigned)p.capacity, (unsigned)b.s.heads);
    LAUNCH(dev, keys_kernel<D>, grid, THREADS, backward_bytes<D>(), b, (const Tile *)p.tile.data);
    LAUNCH(dev, queries_kernel<D>, grid, THREADS, backward_bytes<D>(), b,
           (const Tile *)p.tile.data);
}

void attention_mma_forward(Device *dev, bf16 *o, float *lse, const bf16 *qkv, const Plan &p,
                           const Shape &s)
{
    BY_WIDTH(s.head_dim, forward, dev, o, lse, qkv, p, s);
}

void attention_mma_backward(Device *dev, const BackwardMma &b, const Plan &p)
{
    BY_WIDTH(b.s.head_dim, backward, dev, b, p);
}
