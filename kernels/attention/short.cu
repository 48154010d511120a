/* SPDX-License-Identifier: Apache-2.0 */
/* Attention over short histories on tensor cores, bf16: mma.m16n8k16 with f32 sums
 * (base/cuda/ptx.cuh says which lane holds what).
 *
 * The packed rows are cut into bins of 64 (or 32) rows. A block computes one head of the histories
 * that begin in its bin. It takes whole histories, so no other block writes their rows; histories
 * far shorter than a bin share its tiles. The block reads its rows into shared memory once, with
 * all loads in flight together. From then on its warps run independently: a warp owns 16 rows of a
 * result, walks only the tiles in which the histories of these rows have a part, and masks the
 * pairs of two different histories and those with a later key.
 *
 *   forward   The probabilities pass from one product to the next in registers.
 *   backward  A warp computes dk and dv of 16 keys, with p^T and ds^T as left operands straight
 *             from its registers, and then dq of 16 queries. So p and ds are computed twice (7
 *             products instead of 5); in exchange no sum crosses warps and no warp waits for
 *             another.
 *
 * A block holds all of its rows, so few blocks share a multiprocessor: shared memory is the bound,
 * and its size sets the longest history that these kernels take (Bins).
 */
#include "attention/mma.cuh"

enum {
    BIN = 64,
    BIN_MIN = 32, /* a bin where shared memory is small */
    BINS_THREADS = 256,
    FORWARD_WARPS_MAX = 8,
    AHEAD = TILE - SIDE /* forward: rows that a tile of 32 keys reads past the last 16 queries */
};

/* Backward: the most warps of a block. Up to a head_dim of 64 a thread needs 128 registers or
 * fewer, so that 16 warps fit. */
static constexpr int warps_most(int64_t head_dim) { return head_dim <= 64 ? 16 : 8; }

/* ---- Bins ------------------------------------------------------------------------------------ */

/* For b in 0 .. bins: start[b] = the first history that begins at row b * rows or later, and that
 * row. One thread a history fills the bins between the history before it and itself. */
static __global__ void bins_kernel(int2 *start, const int32_t *cu, int bins, int rows, Shape s)
{
    const int64_t n = (int64_t)blockIdx.x * BINS_THREADS + threadIdx.x;
    if (n > s.sequences) return;
    const int before = n > 0 ? cu[n - 1] : 0, here = cu[n];
    device_require(here >= before && here - before <= s.longest && here <= s.tokens);
    device_require(n > 0 || here == 0);
    const int last = n < s.sequences ? here / rows : bins;
    for (int b = n > 0 ? before / rows + 1 : 0; b <= last; b++) start[b] = make_int2((int)n, here);
}

/* The rows of a block. */
typedef struct {
    int first, count; /* tokens */
    int begin, end;   /* histories */
    int head;
} Rows;

typedef struct {
    const int32_t *cu;
    const int2 *start;
    int limit, most;
} BinsAt;

static __device__ __forceinline__ Rows rows_of_block(const BinsAt &b, const Shape &s)
{
    const int heads = (int)s.heads, bin = (int)blockIdx.x / heads;
    const int2 here = b.start[bin], next = b.start[bin + 1];
    Rows r = {here.y, next.y - here.y, here.x, next.x, (int)blockIdx.x % heads};
    /* A history longer than `limit` reaches past its bin, so it can only be the last of a block. */
    if (b.limit < s.longest && r.begin < r.end) {
        const int last = b.cu[r.end - 1];
        if (next.y - last > b.limit) r.end--, r.count = last - r.first;
    }
    return r;
}

/* For each row of the block, where its history begins and ends. Each row past the last counts as a
 * history of one row, which sees itself alone. */
typedef struct {
    int16_t *begin, *end;
} Extent;

static __device__ __forceinline__ void find_extents(const Extent &e, const Rows &r,
                                                    const int32_t *cu, int most)
{
    const int lane = mma_lane(), warps = (int)blockDim.x / WARP;
    for (int n = r.begin + (int)threadIdx.x / WARP; n < r.end; n += warps) {
        const int begin = cu[n] - r.first, end = cu[n + 1] - r.first;
        for (int row = begin + lane; row < end; row += WARP) {
            e.begin[row] = (int16_t)begin;
            e.end[row] = (int16_t)end;
        }
    }
    for (int row = r.count + (int)threadIdx.x; row < most; row += (int)blockDim.x) {
        e.begin[row] = (int16_t)row;
        e.end[row] = (int16_t)(row + 1);
    }
}

/* ---- Shared memory --------------------------------------------------------------------------- */

static __device__ __host__ __forceinline__ int whole_sides(int rows)
{
    return (rows + SIDE - 1) / SIDE * SIDE;
}

/* Begin to copy: to [rows, D + 8] = rows of a head, zeros beyond r and beyond head_dim.
 * await_rows() waits for the copies. */
template <int D>
static __device__ __forceinline__ void fetch_rows(bf16 *to, const bf16 *from, int64_t from_row,
                                                  int rows, const Rows &r, const Shape &s)
{
    const int pitch = (int)from_row, width = (int)s.head_dim;
    for (int i = (int)threadIdx.x; i < rows * (D / 8); i += (int)blockDim.x) {
        const int row = i / (D / 8), c = i % (D / 8) * 8;
        const bool present = row < r.count && c < width;
        cp_async_16(to + row * (D + 8) + c, from + (present ? row * pitch + c : 0), present);
    }
}

static __device__ __forceinline__ void await_rows()
{
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();
}

/* ---- Forward --------------------------------------------------------------------------------- */

/* The left operands of 16 queries from `row` on, read from global memory: each is used by one warp
 * once, so shared memory would gain nothing. */
template <int D>
static __device__ __forceinline__ void load_queries(uint32_t (&a)[D / SIDE][4], const bf16 *q,
                                                    int64_t q_row, int row, int rows,
                                                    const Shape &s)
{
    const int column = mma_column(0, 0);
#pragma unroll
    for (int h = 0; h < 2; h++) {
        const int at = row + mma_row(2 * h);
        const bf16 *from = q + at * q_row + column;
#pragma unroll
        for (int n = 0; n < D / 8; n++) {
            const bool present = at < rows && column + 8 * n < s.head_dim;
            a[n / 2][n % 2 * 2 + h] = present ? *(const uint32_t *)(from + 8 * n) : 0;
        }
    }
}

template <int D>
static __global__ void __launch_bounds__(FORWARD_WARPS_MAX *WARP, D <= 64 ? 2 : 1)
    forward_kernel(bf16 *o, float *lse, const bf16 *qkv, BinsAt b, Shape s)
{
    DYNAMIC_SHARED(memory);
    bf16 *k = (bf16 *)memory, *v = k + b.most * (D + 8);
    int16_t *extents = (int16_t *)(v + b.most * (D + 8));
    const Extent extent = {extents, extents + b.most};
    const Rows r = rows_of_block(b, s);
    if (r.count == 0) return;
    const int64_t row = 3 * s.dim;
    qkv += r.first * row + r.head * s.head_dim;
    o += r.first * s.dim + r.head * s.head_dim;
    lse += r.first * s.heads + r.head;
    const int kept = whole_sides(r.count) + AHEAD;
    fetch_rows<D>(k, qkv + s.dim, row, kept, r, s);
    fetch_rows<D>(v, qkv + 2 * s.dim, row, kept, r, s);
    find_extents(extent, r, b.cu, kept);
    await_rows();

    const int warp = (int)threadIdx.x / WARP, warps = (int)blockDim.x / WARP;
    /* Later rows have more keys. The warps take rows in the order 0 1 2 3, 3 2 1 0, 0 1 2 3, ...,
     * so that each gets short and long ones. */
#pragma unroll 1
    for (int turn = 0;; turn++) {
        const int first = SIDE * (turn * warps + (turn % 2 ? warps - 1 - warp : warp));
        if (SIDE * turn * warps >= r.count) return;
        if (first >= r.count) continue;
        uint32_t q[D / SIDE][4];
        load_queries<D>(q, qkv, row, first, r.count, s);
        const int from_key[2] = {extent.begin[first + mma_row(0)],
                                 extent.begin[first + mma_row(2)]};
        float sums[D / 8][4], max[2] = {-INFINITY, -INFINITY}, sum[2] = {};
        mma_clear(sums);
#pragma unroll 1
        for (int u = extent.begin[first] / SIDE * SIDE; u < first + SIDE; u += TILE) {
            float score[KEYS][4];
            scores_of<D>(score, q, k + u * (D + 8));
#pragma unroll
            for (int n = 0; n < KEYS; n++)
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    const int key = u + mma_column(n, i);
                    const bool seen = key <= first + mma_row(i) && key >= from_key[i / 2];
                    score[n][i] = seen ? score[n][i] * s.scale : -INFINITY;
                }
            online_softmax<D>(score, sums, max, sum);
            uint32_t p[2][4];
            as_left(p, score);
            add_product<D>(sums, p, v + u * (D + 8));
        }
        float scale[2];
        finish_softmax(scale, lse, s.heads, max, sum, first, r.count);
        store_rows<D>(o, s.dim, sums, scale, first, r.count, s);
    }
}

/* ---- Backward -------------------------------------------------------------------------------- */

template <int D>
struct Held {
    bf16 *q, *k, *v, *dout;
    float2 *number; /* lse, delta */
    Extent extent;
};

template <int D>
static __device__ __forceinline__ Held<D> hold(unsigned char *memory, int most)
{
    Held<D> h;
    h.q = (bf16 *)memory;
    h.k = h.q + most * (D + 8);
    h.v = h.k + most * (D + 8);
    h.dout = h.v + most * (D + 8);
    h.number = (float2 *)(h.dout + most * (D + 8));
    h.extent.begin = (int16_t *)(h.number + most);
    h.extent.end = h.extent.begin + most;
    return h;
}

/* A row of o in registers. */
template <int D>
struct Row {
    Pack<bf16, 8> at[D / 8];
};

/* The thread's row of o. It is loaded while the copies into shared memory are in flight. */
template <int D>
static __device__ __forceinline__ void load_output(Row<D> &o, const BackwardMma &b, const Rows &r)
{
    const Shape &s = b.s;
    const int row = (int)threadIdx.x;
    const bf16 *from = b.o + (r.first + row) * s.dim + r.head * s.head_dim;
#pragma unroll
    for (int c = 0; c < D; c += 8) {
        o.at[c / 8] = {};
        if (row < r.count && c < s.head_dim) o.at[c / 8] = *(const Pack<bf16, 8> *)(from + c);
    }
}

/* lse and delta = do . o of the thread's row, 0 past the last. */
template <int D>
static __device__ __forceinline__ void keep_numbers(const Held<D> &h, const Row<D> &o, float lse,
                                                    int rows)
{
    const int row = (int)threadIdx.x;
    if (row >= rows) return;
    float delta = 0.0f;
#pragma unroll
    for (int c = 0; c < D; c += 8) {
        float dout[8];
        load(dout, h.dout + row * (D + 8) + c);
#pragma unroll
        for (int i = 0; i < 8; i++) delta += dout[i] * to_float(o.at[c / 8].at[i]);
    }
    h.number[row] = make_float2(lse, delta);
}

/* dk and dv of the 16 keys from `first` on. In a tile the keys are rows and queries are columns. It
 * has 16 queries only, because dk and dv take most of the registers. */
template <int D>
static __device__ __forceinline__ void gradient_of_keys(bf16 *dqkv, const Held<D> &h, int rows,
                                                        int first, const Shape &s)
{
    const int last = first + SIDE < rows ? first + SIDE : rows, end = h.extent.end[last - 1];
    const int to_query[2] = {h.extent.end[first + mma_row(0)], h.extent.end[first + mma_row(2)]};
    float dk[D / 8][4], dv[D / 8][4];
    mma_clear(dk);
    mma_clear(dv);
#pragma unroll 1
    for (int t = first; t < end; t += SIDE) {
        const bf16 *q = h.q + t * (D + 8), *dout = h.dout + t * (D + 8);
        float p[2][4], ds[2][4];
        uint32_t operand[1][4];
        scores<D>(p, h.k, first, q);
#pragma unroll
        for (int n = 0; n < 2; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int key = first + mma_row(i), query = t + mma_column(n, i);
                const bool seen = key <= query && query < to_query[i / 2];
                p[n][i] = seen ? __expf(p[n][i] * s.scale - h.number[query].x) : 0.0f;
            }
        as_left(operand, p);
        add_product<D>(dv, operand, dout);
        scores<D>(ds, h.v, first, dout);
#pragma unroll
        for (int n = 0; n < 2; n++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                ds[n][i] = p[n][i] * (ds[n][i] - h.number[t + mma_column(n, i)].y);
        as_left(operand, ds);
        add_product<D>(dk, operand, q);
    }
    const float one[2] = {1.0f, 1.0f}, scale[2] = {s.scale, s.scale};
    store_rows<D>(dqkv + s.dim, 3 * s.dim, dk, scale, first, rows, s);
    store_rows<D>(dqkv + 2 * s.dim, 3 * s.dim, dv, one, first, rows, s);
}

/* dq of the 16 queries from `first` on. In a tile the queries are rows and 16 keys are columns. */
template <int D>
static __device__ __forceinline__ void gradient_of_queries(bf16 *dqkv, const Held<D> &h, int rows,
                                                           int first, const Shape &s)
{
    const int query[2] = {first + mma_row(0), first + mma_row(2)};
    const int from_key[2] = {h.extent.begin[query[0]], h.extent.begin[query[1]]};
    const float2 of[2] = {h.number[query[0]], h.number[query[1]]};
    float dq[D / 8][4];
    mma_clear(dq);
#pragma unroll 1
    for (int u = h.extent.begin[first] / SIDE * SIDE; u < first + SIDE; u += SIDE) {
        const bf16 *k = h.k + u * (D + 8);
        float p[2][4], ds[2][4];
        scores<D>(p, h.q, first, k);
        scores<D>(ds, h.dout, first, h.v + u * (D + 8));
#pragma unroll
        for (int n = 0; n < 2; n++)
#pragma unroll
            for (int i = 0; i < 4; i++) {
                const int key = u + mma_column(n, i);
                const bool seen = key <= query[i / 2] && key >= from_key[i / 2];
                const float e = seen ? __expf(p[n][i] * s.scale - of[i / 2].x) : 0.0f;
                ds[n][i] = e * (ds[n][i] - of[i / 2].y);
            }
        uint32_t operand[1][4];
        as_left(operand, ds);
        add_product<D>(dq, operand, k);
    }
    const float scale[2] = {s.scale, s.scale};
    store_rows<D>(dqkv, 3 * s.dim, dq, scale, first, rows, s);
}

template <int D>
static __global__ void __launch_bounds__(warps_most(D) * WARP)
    backward_kernel(BackwardMma b, BinsAt bins)
{
    DYNAMIC_SHARED(memory);
    const Held<D> h = hold<D>(memory, bins.most);
    const Shape &s = b.s;
    const Rows r = rows_of_block(bins, s);
    if (r.count == 0) return;
    const int64_t row = 3 * s.dim, from = r.first * row + r.head * s.head_dim;
    const bf16 *qkv = b.qkv + from;
    bf16 *dqkv = b.dqkv + from;
    const int kept = whole_sides(r.count), own = (int)threadIdx.x;
    Row<D> o;
    load_output<D>(o, b, r);
    const float lse = own < r.count ? b.lse[(r.first + own) * s.heads + r.head] : 0.0f;
    fetch_rows<D>(h.dout, b.dout + r.first * s.dim + r.head * s.head_dim, s.dim, kept, r, s);
    fetch_rows<D>(h.q, qkv, row, kept, r, s);
    fetch_rows<D>(h.k, qkv + s.dim, row, kept, r, s);
    fetch_rows<D>(h.v, qkv + 2 * s.dim, row, kept, r, s);
    find_extents(h.extent, r, bins.cu, kept);
    await_rows();
    keep_numbers<D>(h, o, lse, kept);
    __syncthreads();

    /* In one history the first keys have the most queries, and the first queries the fewest keys: a
     * warp that does both for the same rows has the same work as the others. */
    const int mine = own / WARP * SIDE, step = (int)blockDim.x / (WARP / SIDE);
#pragma unroll 1
    for (int first = mine; first < r.count; first += step)
        gradient_of_keys<D>(dqkv, h, r.count, first, s);
#pragma unroll 1
    for (int first = mine; first < r.count; first += step)
        gradient_of_queries<D>(dqkv, h, r.count, first, s);
}

/* ---- Launches -------------------------------------------------------------------------------- */

/* Bytes of shared memory for one row. */
static int row_bytes(bool backward, int64_t head_dim)
{
    const int row = 2 * ((int)(head_dim + 31) / 32 * 32 + 8);
    return backward ? 4 * row + 12 : 2 * row + 4;
}

Bins attention_short_bins(Device *dev, bool backward, const int32_t *cu, const Shape &s)
{
    const int longest = s.longest < SHORT ? (int)s.longest : (int)SHORT,
              ahead = backward ? 0 : AHEAD;
    const int held = dev->cuda->shared / row_bytes(backward, s.head_dim) / SIDE * SIDE - ahead;
    const int threads = warps_most(s.head_dim) * WARP; /* backward needs a thread for each row */
    const int fit = backward && threads < held ? threads : held;
    Bins b = {};
    b.rows = fit >= BIN - 1 + (longest < BIN ? longest : (int)BIN) ? (int)BIN : (int)BIN_MIN;
    b.limit = longest < fit - (b.rows - 1) ? longest : fit - (b.rows - 1);
    b.most = whole_sides(b.rows - 1 + b.limit) + ahead;
    b.bins = (int)(s.tokens / b.rows) + 1;
    const int64_t dim[] = {b.bins + 1, 2};
    b.start = scratch_tensor(dev, I32, 2, dim);
    LAUNCH(dev, bins_kernel, blocks_for(s.sequences + 1, BINS_THREADS), BINS_THREADS, 0,
           (int2 *)b.start.data, cu, b.bins, b.rows, s);
    return b;
}

static BinsAt bins_at(const Bins &b, const int32_t *cu)
{
    const BinsAt at = {cu, (const int2 *)b.start.data, b.limit, b.most};
    return at;
}

template <int D>
static void forward(Device *dev, bf16 *o, float *lse, const bf16 *qkv, const int32_t *cu,
                    const Bins &b, const Shape &s)
{
    const int warps = b.limit <= 2 * BIN ? FORWARD_WARPS_MAX / 2 : (int)FORWARD_WARPS_MAX;
    LAUNCH(dev, forward_kernel<D>, blocks_for(b.bins * s.heads, 1), warps * WARP,
           (size_t)(b.most * row_bytes(false, D)), o, lse, qkv, bins_at(b, cu), s);
}

/* At least a thread for each row; more warps where the longest history has more blocks of 16
 * rows. */
template <int D>
static void backward(Device *dev, const BackwardMma &m, const int32_t *cu, const Bins &b)
{
    const int most = warps_most(D), sides = whole_sides(b.limit) / SIDE;
    int warps = (b.most + WARP - 1) / WARP;
    if (warps < sides) warps = sides < most ? sides : most;
    LAUNCH(dev, backward_kernel<D>, blocks_for(b.bins * m.s.heads, 1), warps * WARP,
           (size_t)(b.most * row_bytes(true, D)), m, bins_at(b, cu));
}

void attention_short_forward(Device *dev, bf16 *o, float *lse, const bf16 *qkv, const int32_t *cu,
                             const Bins &bins, const Shape &s)
{
    BY_WIDTH(s.head_dim, forward, dev, o, lse, qkv, cu, bins, s);
}

void attention_short_backward(Device *dev, const BackwardMma &b, const int32_t *cu,
                              const Bins &bins)
{
    BY_WIDTH(b.s.head_dim, backward, dev, b, cu, bins);
}
