/* SPDX-License-Identifier: Apache-2.0 */
/* Attention on CUDA on the plain cores, flash style (Dao et al. 2022): 32 queries meet 32 keys at a
 * time in shared memory, and each query's running maximum and sum stay in registers. Scores and
 * sums are f32 whatever the dtype, so the plain cores bound these kernels. The tests compare mma.cu
 * and short.cu with them. They also serve the calls that mma.cu and short.cu do not serve
 * (choice.h).
 *
 *   forward   One block for 32 queries of a head; it walks the keys up to its diagonal. Histories
 *             are short, so there are many blocks.
 *   backward  A history of up to SHORT tokens: one block computes one of its heads, and each tile
 *             once (5 products). It is the only writer of that dq, so its tiles add to dq in their
 *             order without atomics. For longer histories such blocks would be too few to fill the
 *             device. So one block owns 32 keys (dk, dv), another block owns 32 queries (dq), and
 *             each tile is computed twice (7 products).
 *
 * The host does not know the lengths. Where some may be long, both kinds of kernels are launched
 * with grids for the worst case, and a block that finds no work of its kind leaves at once.
 *
 * A block has 128 threads, as 16 x 8. In a tile of scores, thread (y, x) owns queries 2y and 2y + 1
 * with keys x + 8j. In a tile of results it owns rows 2y and 2y + 1, columns 4x + 32g and the next
 * three. Rows in shared memory have 4 floats more than head_dim: without them the 8 rows that a
 * phase of a 16-byte load reads would begin in the same bank.
 */
#include "attention/attention.cuh"

enum { THREADS = 128, PAIR_ROW = TILE + 4 };

/* to [TILE, D + 4] = scale * rows of a head, zeros beyond `rows` and head_dim: zeros add nothing to
 * a product, so the loops below need no bounds. */
template <class T, int D>
static __device__ __forceinline__ void load_tile(float *to, const T *from, int64_t from_row,
                                                 int rows, float scale, const Shape &s)
{
    for (int i = (int)threadIdx.x; i < TILE * D / 4; i += THREADS) {
        const int row = i / (D / 4), c = i % (D / 4) * 4;
        float v[4] = {};
        if (row < rows && s.wide && c < s.head_dim) {
            load(v, from + row * from_row + c);
        } else if (row < rows) {
#pragma unroll
            for (int k = 0; k < 4; k++)
                if (c + k < s.head_dim) v[k] = to_float(from[row * from_row + c + k]);
        }
#pragma unroll
        for (int k = 0; k < 4; k++) v[k] *= scale;
        store(to + row * (D + 4) + c, v);
    }
}

/* A thread's two rows and D/8 columns of a result. */
template <int D>
struct Rows {
    float at[2][D / 32][4];
};

template <int D>
static __device__ __forceinline__ void clear(Rows<D> &r)
{
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
        for (int g = 0; g < D / 32; g++)
#pragma unroll
            for (int k = 0; k < 4; k++) r.at[i][g][k] = 0.0f;
}

/* Calls put(row, column, four values) for each four of the thread's results. */
template <int D, class Put>
static __device__ __forceinline__ void each_four(const Rows<D> &r, Put put)
{
    const int y = (int)threadIdx.x / 8, x = (int)threadIdx.x % 8;
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
        for (int g = 0; g < D / 32; g++) put(2 * y + i, 4 * x + 32 * g, r.at[i][g]);
}

template <class T>
static __device__ __forceinline__ void store_four(T *to, const float (&v)[4], int column,
                                                  const Shape &s)
{
    if (s.wide && column < s.head_dim) {
        store(to + column, v);
        return;
    }
#pragma unroll
    for (int k = 0; k < 4; k++)
        if (column + k < s.head_dim) from_float(to[column + k], v[k]);
}

template <class T, int D>
static __device__ __forceinline__ void store_tile(T *to, int64_t to_row, const Rows<D> &r, int rows,
                                                  const Shape &s)
{
    each_four(r, [&](int row, int column, const float(&v)[4]) {
        if (row < rows) store_four(to + row * to_row, v, column, s);
    });
}

/* score[i][j] = a[2y + i] . b[x + 8j] */
template <int D>
static __device__ __forceinline__ void tile_scores(float (&score)[2][4], const float *a,
                                                   const float *b)
{
    const int y = (int)threadIdx.x / 8, x = (int)threadIdx.x % 8;
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) score[i][j] = 0.0f;
#pragma unroll 4
    for (int c = 0; c < D; c += 4) {
        float left[2][4], right[4][4];
#pragma unroll
        for (int i = 0; i < 2; i++) load(left[i], a + (2 * y + i) * (D + 4) + c);
#pragma unroll
        for (int j = 0; j < 4; j++) load(right[j], b + (x + 8 * j) * (D + 4) + c);
#pragma unroll
        for (int i = 0; i < 2; i++)
#pragma unroll
            for (int j = 0; j < 4; j++)
#pragma unroll
                for (int k = 0; k < 4; k++) score[i][j] += left[i][k] * right[j][k];
    }
}

/* r += m b, or m^T b: m [TILE, PAIR_ROW], b [TILE, D + 4]. */
template <int D, bool TRANSPOSED>
static __device__ __forceinline__ void add_product(Rows<D> &r, const float *m, const float *b)
{
    const int y = (int)threadIdx.x / 8, x = (int)threadIdx.x % 8;
#pragma unroll 4
    for (int u = 0; u < TILE; u++) {
        float left[2];
#pragma unroll
        for (int i = 0; i < 2; i++)
            left[i] = TRANSPOSED ? m[u * PAIR_ROW + 2 * y + i] : m[(2 * y + i) * PAIR_ROW + u];
#pragma unroll
        for (int g = 0; g < D / 32; g++) {
            float right[4];
            load(right, b + u * (D + 4) + 4 * x + 32 * g);
#pragma unroll
            for (int i = 0; i < 2; i++)
#pragma unroll
                for (int k = 0; k < 4; k++) r.at[i][g][k] += left[i] * right[k];
        }
    }
}

/* The thread's scores into to [TILE, PAIR_ROW]. */
static __device__ __forceinline__ void put_pairs(float *to, const float (&v)[2][4])
{
    const int y = (int)threadIdx.x / 8, x = (int)threadIdx.x % 8;
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) to[(2 * y + i) * PAIR_ROW + x + 8 * j] = v[i][j];
}

static __device__ __forceinline__ int rows_in(const Tile &t, int start)
{
    return t.length - start < TILE ? t.length - start : (int)TILE;
}

/* ---- Forward --------------------------------------------------------------------------------- */

/* What a thread keeps for its two queries. The 8 threads that share them hold equal max and sum. */
template <int D>
struct Running {
    float max[2], sum[2];
    Rows<D> o;
};

/* Scores become exp(score - max). Where max has grown, the earlier sums shrink by exp(old - new).
 * The 8 threads that share a query are neighbours in a warp, so offsets 4, 2, 1 reach all of
 * them. */
template <int D>
static __device__ __forceinline__ void online_softmax(Running<D> &r, float (&score)[2][4])
{
#pragma unroll
    for (int i = 0; i < 2; i++) {
        float max = fmaxf(fmaxf(score[i][0], score[i][1]), fmaxf(score[i][2], score[i][3]));
#pragma unroll
        for (int lane = 4; lane > 0; lane /= 2)
            max = fmaxf(max, __shfl_xor_sync(ALL_LANES, max, lane));
        max = fmaxf(max, r.max[i]);
        const float shrink = expf(r.max[i] - max);
        float sum = 0.0f;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            score[i][j] = expf(score[i][j] - max);
            sum += score[i][j];
        }
#pragma unroll
        for (int lane = 4; lane > 0; lane /= 2) sum += __shfl_xor_sync(ALL_LANES, sum, lane);
        r.max[i] = max;
        r.sum[i] = r.sum[i] * shrink + sum;
#pragma unroll
        for (int g = 0; g < D / 32; g++)
#pragma unroll
            for (int k = 0; k < 4; k++) r.o.at[i][g][k] *= shrink;
    }
}

/* Keys after the query do not count. Only the tile on the diagonal has any. */
static __device__ __forceinline__ void mask_future(float (&score)[2][4], float value)
{
    const int y = (int)threadIdx.x / 8, x = (int)threadIdx.x % 8;
#pragma unroll
    for (int i = 0; i < 2; i++)
#pragma unroll
        for (int j = 0; j < 4; j++)
            if (x + 8 * j > 2 * y + i) score[i][j] = value;
}

template <class T, int D>
static __global__ void __launch_bounds__(THREADS, 1)
    forward_kernel(T *o, float *lse, const T *qkv, const Tile *tile, Shape s)
{
    DYNAMIC_SHARED(memory);
    float *q = (float *)memory, *k = q + TILE * (D + 4), *v = k + TILE * (D + 4);
    float *p = v + TILE * (D + 4);
    const Tile t = tile[blockIdx.x];
    if (t.length == 0) return;
    const int64_t head = blockIdx.y, row = 3 * s.dim;
    qkv += t.first * row + head * s.head_dim;
    const int rows = rows_in(t, t.start);
    load_tile<T, D>(q, qkv + t.start * row, row, rows, s.scale, s);

    Running<D> r;
    clear(r.o);
    r.max[0] = r.max[1] = -INFINITY;
    r.sum[0] = r.sum[1] = 0.0f;
    for (int u = 0; u <= t.start; u += TILE) {
        __syncthreads();
        load_tile<T, D>(k, qkv + s.dim + u * row, row, rows_in(t, u), 1.0f, s);
        load_tile<T, D>(v, qkv + 2 * s.dim + u * row, row, rows_in(t, u), 1.0f, s);
        __syncthreads();
        float score[2][4];
        tile_scores<D>(score, q, k);
        if (u == t.start) mask_future(score, -INFINITY);
        online_softmax(r, score);
        put_pairs(p, score);
        __syncwarp(); /* a warp is enough: only the 8 threads of this y touch these rows of p */
        add_product<D, false>(r.o, p, v);
    }
    const int y = (int)threadIdx.x / 8, x = (int)threadIdx.x % 8;
#pragma unroll
    for (int i = 0; i < 2; i++) {
        const float scale = 1.0f / r.sum[i];
        for (int g = 0; g < D / 32; g++)
            for (int c = 0; c < 4; c++) r.o.at[i][g][c] *= scale;
        if (x == 0 && 2 * y + i < rows)
            lse[(t.first + t.start + 2 * y + i) * s.heads + head] = r.max[i] + logf(r.sum[i]);
    }
    store_tile<T, D>(o + (t.first + t.start) * s.dim + head * s.head_dim, s.dim, r.o, rows, s);
}

/* ---- Backward -------------------------------------------------------------------------------- */

template <class T>
struct Backward {
    T *dqkv;
    float *dq_sum; /* [tokens, dim]: sums of dq over the tiles so far */
    const T *dout, *qkv;
    const float *lse, *delta;
    Shape s;
};

/* Tiles in shared memory. */
template <int D>
struct Held {
    float *q, *dout, *k, *v, *p, *ds, *lse, *delta;
};

template <int D>
static __device__ __forceinline__ Held<D> hold(unsigned char *memory)
{
    Held<D> h;
    float *at = (float *)memory;
    h.q = at;
    h.dout = h.q + TILE * (D + 4);
    h.k = h.dout + TILE * (D + 4);
    h.v = h.k + TILE * (D + 4);
    h.p = h.v + TILE * (D + 4);
    h.ds = h.p + TILE * PAIR_ROW;
    h.lse = h.ds + TILE * PAIR_ROW;
    h.delta = h.lse + TILE;
    return h;
}
enum { BACKWARD_FLOATS = 2 * TILE * PAIR_ROW + 2 * TILE };

template <class T, int D>
static __device__ __forceinline__ void load_queries(const Held<D> &h, const Backward<T> &b,
                                                    const Tile &t, int64_t head, int start)
{
    const Shape &s = b.s;
    const int64_t token = t.first + start;
    const int rows = rows_in(t, start), i = (int)threadIdx.x;
    load_tile<T, D>(h.q, b.qkv + token * 3 * s.dim + head * s.head_dim, 3 * s.dim, rows, s.scale,
                    s);
    load_tile<T, D>(h.dout, b.dout + token * s.dim + head * s.head_dim, s.dim, rows, 1.0f, s);
    if (i >= TILE) return;
    h.lse[i] = i < rows ? b.lse[(token + i) * s.heads + head] : INFINITY; /* makes p 0 */
    h.delta[i] = i < rows ? b.delta[(token + i) * s.heads + head] : 0.0f;
}

template <class T, int D>
static __device__ __forceinline__ void load_keys(const Held<D> &h, const Backward<T> &b,
                                                 const Tile &t, int64_t head, int start)
{
    const Shape &s = b.s;
    const T *k = b.qkv + (t.first + start) * 3 * s.dim + s.dim + head * s.head_dim;
    load_tile<T, D>(h.k, k, 3 * s.dim, rows_in(t, start), 1.0f, s);
    load_tile<T, D>(h.v, k + s.dim, 3 * s.dim, rows_in(t, start), 1.0f, s);
}

/* p and ds of the tiles in shared memory, into h.p and h.ds. */
template <int D>
static __device__ __forceinline__ void tile_gradient(const Held<D> &h, bool diagonal)
{
    const int y = (int)threadIdx.x / 8;
    float p[2][4], ds[2][4];
    tile_scores<D>(p, h.q, h.k);
    tile_scores<D>(ds, h.dout, h.v);
    if (diagonal) mask_future(p, -INFINITY);
#pragma unroll
    for (int i = 0; i < 2; i++) {
        const float lse = h.lse[2 * y + i], delta = h.delta[2 * y + i];
#pragma unroll
        for (int j = 0; j < 4; j++) {
            p[i][j] = expf(p[i][j] - lse);
            ds[i][j] = p[i][j] * (ds[i][j] - delta);
        }
    }
    put_pairs(h.p, p);
    put_pairs(h.ds, ds);
}

/* Add what the keys of tile `start` contribute to dq of the queries of tile `at`. The first tile of
 * keys overwrites the sum; the last one, on the diagonal, completes it and stores dq. */
template <class T, int D>
static __device__ __forceinline__ void add_query_gradient(const Backward<T> &b, const Rows<D> &dq,
                                                          const Tile &t, int64_t head, int at,
                                                          int start)
{
    const Shape &s = b.s;
    const int rows = rows_in(t, at);
    const int64_t token = t.first + at;
    each_four(dq, [&](int row, int column, const float(&v)[4]) {
        if (row >= rows) return;
        float *sum = b.dq_sum + (token + row) * s.dim + head * s.head_dim;
        float whole[4];
#pragma unroll
        for (int k = 0; k < 4; k++) {
            whole[k] = v[k];
            if (start > 0 && column + k < s.head_dim) whole[k] += sum[column + k];
        }
        if (start < at) {
            store_four(sum, whole, column, s);
            return;
        }
#pragma unroll
        for (int k = 0; k < 4; k++) whole[k] *= s.scale;
        store_four(b.dqkv + (token + row) * 3 * s.dim + head * s.head_dim, whole, column, s);
    });
}

/* dk and dv of the keys of tile `start`; with WITH_DQ also what they contribute to every dq. */
template <class T, int D, bool WITH_DQ>
static __device__ __forceinline__ void key_tile(const Held<D> &h, const Backward<T> &b,
                                                const Tile &t, int64_t head, int start)
{
    const Shape &s = b.s;
    Rows<D> dk, dv;
    clear(dk);
    clear(dv);
    __syncthreads();
    load_keys<T, D>(h, b, t, head, start);
    for (int at = start; at < t.length; at += TILE) {
        __syncthreads();
        load_queries<T, D>(h, b, t, head, at);
        __syncthreads();
        tile_gradient<D>(h, at == start);
        __syncthreads();
        add_product<D, true>(dv, h.p, h.dout);
        add_product<D, true>(dk, h.ds, h.q);
        if (WITH_DQ) {
            Rows<D> dq;
            clear(dq);
            add_product<D, false>(dq, h.ds, h.k);
            add_query_gradient<T, D>(b, dq, t, head, at, start);
        }
    }
    T *to = b.dqkv + (t.first + start) * 3 * s.dim + s.dim + head * s.head_dim;
    store_tile<T, D>(to, 3 * s.dim, dk, rows_in(t, start), s);
    store_tile<T, D>(to + s.dim, 3 * s.dim, dv, rows_in(t, start), s);
}

template <class T, int D>
static __global__ void __launch_bounds__(THREADS, 1) short_kernel(Backward<T> b, const int32_t *cu)
{
    DYNAMIC_SHARED(memory);
    const Held<D> h = hold<D>(memory);
    const Tile t = {cu[blockIdx.x], cu[blockIdx.x + 1] - cu[blockIdx.x], 0};
    device_require(t.length <= b.s.longest);
    if (t.length > SHORT) return;
    for (int start = 0; start < t.length; start += TILE)
        key_tile<T, D, true>(h, b, t, blockIdx.y, start);
}

template <class T, int D>
static __global__ void __launch_bounds__(THREADS, 1) keys_kernel(Backward<T> b, const Tile *tile)
{
    DYNAMIC_SHARED(memory);
    const Held<D> h = hold<D>(memory);
    const Tile t = tile[blockIdx.x];
    if (t.length == 0) return;
    key_tile<T, D, false>(h, b, t, blockIdx.y, t.start);
}

template <class T, int D>
static __global__ void __launch_bounds__(THREADS, 1) queries_kernel(Backward<T> b, const Tile *tile)
{
    DYNAMIC_SHARED(memory);
    const Held<D> h = hold<D>(memory);
    const Tile t = tile[blockIdx.x];
    if (t.length == 0) return;
    const Shape &s = b.s;
    const int64_t head = blockIdx.y;
    load_queries<T, D>(h, b, t, head, t.start);
    Rows<D> dq;
    clear(dq);
    for (int start = 0; start <= t.start; start += TILE) {
        __syncthreads();
        load_keys<T, D>(h, b, t, head, start);
        __syncthreads();
        tile_gradient<D>(h, start == t.start);
        __syncwarp(); /* a warp is enough: it reads only rows of ds that it wrote */
        add_product<D, false>(dq, h.ds, h.k);
    }
#pragma unroll
    for (int i = 0; i < 2; i++)
        for (int g = 0; g < D / 32; g++)
            for (int k = 0; k < 4; k++) dq.at[i][g][k] *= s.scale;
    store_tile<T, D>(b.dqkv + (t.first + t.start) * 3 * s.dim + head * s.head_dim, 3 * s.dim, dq,
                     rows_in(t, t.start), s);
}

/* ---- Launches -------------------------------------------------------------------------------- */

template <class T, int D>
static void forward(Device *dev, Tensor o, Tensor lse, Tensor qkv, const Plan &p, const Shape &s)
{
    auto kernel = forward_kernel<T, D>;
    const size_t shared = (3 * TILE * (D + 4) + TILE * PAIR_ROW) * sizeof(float);
    LAUNCH(dev, kernel, dim3((unsigned)p.capacity, (unsigned)s.heads), THREADS, shared, (T *)o.data,
           f32(lse), (const T *)qkv.data, (const Tile *)p.tile.data, s);
}

template <class T, int D>
static void backward(Device *dev, const Backward<T> &b, const int32_t *cu)
{
    const Shape &s = b.s;
    const size_t shared = (4 * TILE * (D + 4) + BACKWARD_FLOATS) * sizeof(float);
    auto of_short = short_kernel<T, D>;
    LAUNCH(dev, of_short, dim3((unsigned)s.sequences, (unsigned)s.heads), THREADS, shared, b, cu);
    if (s.longest <= SHORT) return;
    const Plan p = plan(dev, s, cu, SHORT);
    const dim3 grid((unsigned)p.capacity, (unsigned)s.heads);
    auto of_keys = keys_kernel<T, D>;
    auto of_queries = queries_kernel<T, D>;
    LAUNCH(dev, of_keys, grid, THREADS, shared, b, (const Tile *)p.tile.data);
    LAUNCH(dev, of_queries, grid, THREADS, shared, b, (const Tile *)p.tile.data);
}

/* Call the instance for head_dim rounded up to 32. */
#define BY_WIDTH(T, head_dim, call, ...)                                                           \
    switch (((head_dim) + 31) / 32) {                                                              \
    case 1: call<T, 32>(__VA_ARGS__); break;                                                       \
    case 2: call<T, 64>(__VA_ARGS__); break;                                                       \
    case 3: call<T, 96>(__VA_ARGS__); break;                                                       \
    default: call<T, 128>(__VA_ARGS__);                                                            \
    }

template <class T>
static void forward_of(Device *dev, Tensor o, Tensor lse, Tensor qkv, const int32_t *cu,
                       const Shape &s)
{
    const Plan p = plan(dev, s, cu, 0);
    BY_WIDTH(T, s.head_dim, forward, dev, o, lse, qkv, p, s);
}

template <class T>
static void backward_of(Device *dev, Tensor dqkv, Tensor do_, Tensor o, Tensor lse, Tensor qkv,
                        const int32_t *cu, const Shape &s)
{
    const int64_t dim[] = {s.tokens, s.dim};
    const Tensor delta = delta_of<T>(dev, do_, o, s), sum = scratch_tensor(dev, F32, 2, dim);
    const Backward<T> b = {
        (T *)dqkv.data, f32(sum), (const T *)do_.data, (const T *)qkv.data, f32(lse),
        f32(delta),     s};
    BY_WIDTH(T, s.head_dim, backward, dev, b, cu);
}

void attention_plain_forward(Device *dev, Tensor o, Tensor lse, Tensor qkv, const int32_t *cu,
                             const Shape &s)
{
    BY_DTYPE(qkv.dtype, forward_of, dev, o, lse, qkv, cu, s);
}

void attention_plain_backward(Device *dev, Tensor dqkv, Tensor do_, Tensor o, Tensor lse,
                              Tensor qkv, const int32_t *cu, const Shape &s)
{
    BY_DTYPE(qkv.dtype, backward_of, dev, dqkv, do_, o, lse, qkv, cu, s);
}
