/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a table on CUDA. Forward: one warp a row, in steps of 16 bytes of y a lane; bound by
 * memory, as rows of the table are read one by one. Backward works without atomics, in an order
 * that follows from the ids alone:
 *
 *   1. The rows are sorted by id: a stable radix sort of (id, row), 8 bits a pass. A block takes a
 *      tile of entries, and each of its warps a run of consecutive ones. So the rank of an entry
 *      among equal digits follows from the order of warps, rounds and lanes.
 *   2. A warp walks a window of 32 sorted entries, for 128 columns. It adds to dtable the part of
 *      each run of one id that begins in its window. The part of a run that began in an earlier
 *      window it stores as a row of its own.
 *   3. These rows, at most one a window, are the entries of the next pass over windows, until a
 *      single window is left. A run of n entries takes log32(n) passes.
 *
 * Bound by reading dy once, and by the launches of the sort where there are few rows.
 */
#include "embedding.h"

#include "base/cuda/cuda.cuh"

enum {
    WARPS = 8,
    THREADS = WARPS * WARP,
    DIGIT_BITS = 8,
    DIGITS = 1 << DIGIT_BITS,
    ROUNDS = 8,
    TILE = THREADS * ROUNDS,
    WINDOW = 32,
    COLUMNS = 4,
    SLICE = WARP * COLUMNS,
};

template <class T, int N>
static __global__ void add_kernel(T *y, const float *table, const int32_t *ids, int64_t rows,
                                  int64_t dim, int64_t entries)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    if (row >= rows) return;
    const int32_t id = ids[row];
    device_require(id < entries);
    if (id < 0) return;
    for (int64_t c = threadIdx.x % WARP * N; c < dim; c += WARP * N) {
        float to[N], more[N];
        load(to, y + row * dim + c);
        load(more, table + id * dim + c);
#pragma unroll
        for (int i = 0; i < N; i++) to[i] += more[i];
        store(y + row * dim + c, to);
    }
}

/* ---- 1. Sorting ------------------------------------------------------------------------------ */

typedef struct {
    const uint32_t *key;
    const int32_t *row;
    int64_t count;
    int shift;
} Unsorted;

/* The key of a row is its id. Rows that are skipped get the key `entries`, which sorts last. */
static __global__ void keys_kernel(uint32_t *key, int32_t *row, const int32_t *ids, int64_t rows,
                                   int64_t entries)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= rows) return;
    device_require(ids[i] < entries);
    key[i] = ids[i] < 0 ? (uint32_t)entries : (uint32_t)ids[i];
    row[i] = (int32_t)i;
}

/* The lane's entry in round `round` of its warp's run. A tile is the runs of its warps, end to
 * end. */
static __device__ __forceinline__ int64_t entry_of(int round)
{
    return (int64_t)blockIdx.x * TILE + (threadIdx.x / WARP * ROUNDS + round) * WARP +
           threadIdx.x % WARP;
}

/* The digit of entry i. After the last entry it is DIGITS, a digit that no entry has. */
static __device__ __forceinline__ int digit_of(const Unsorted &from, int64_t i)
{
    return i < from.count ? (int)(from.key[i] >> from.shift) & (DIGITS - 1) : (int)DIGITS;
}

/* count[warp][d] = entries of this warp with digit d. The lanes with equal digits elect the lowest
 * of them to add for all. */
static __device__ __forceinline__ void count_digits(int (*count)[DIGITS], const Unsorted &from)
{
    const int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP;
    for (int d = lane; d < DIGITS; d += WARP) count[warp][d] = 0;
    __syncwarp();
    for (int k = 0; k < ROUNDS; k++) {
        const int digit = digit_of(from, entry_of(k));
        const unsigned same = __match_any_sync(ALL_LANES, digit);
        if (digit < DIGITS && lane == __ffs((int)same) - 1) count[warp][digit] += __popc(same);
        __syncwarp();
    }
}

/* start[d, block] = entries of the block's tile with digit d. */
static __global__ void histogram_kernel(int32_t *start, Unsorted from)
{
    __shared__ int count[WARPS][DIGITS];
    count_digits(count, from);
    __syncthreads();
    for (int d = (int)threadIdx.x; d < DIGITS; d += THREADS) {
        int sum = 0;
        for (int w = 0; w < WARPS; w++) sum += count[w][d];
        start[(int64_t)d * gridDim.x + blockIdx.x] = sum;
    }
}

/* Replace each value by the sum of those before it. One block; each thread has a run of values. */
static __global__ void scan_kernel(int32_t *value, int64_t count)
{
    __shared__ int32_t sums[1024];
    const int64_t each = (count + 1023) / 1024, first = threadIdx.x * each;
    const int64_t last = first + each < count ? first + each : count;
    int32_t sum = 0;
    for (int64_t i = first; i < last; i++) sum += value[i];
    sums[threadIdx.x] = sum;
    for (int offset = 1; offset < 1024; offset *= 2) {
        __syncthreads();
        const int32_t before = (int)threadIdx.x >= offset ? sums[threadIdx.x - offset] : 0;
        __syncthreads();
        sums[threadIdx.x] += before;
    }
    sum = sums[threadIdx.x] - sum;
    for (int64_t i = first; i < last; i++) {
        const int32_t here = value[i];
        value[i] = sum;
        sum += here;
    }
}

static __global__ void scatter_kernel(uint32_t *key, int32_t *row, const int32_t *start,
                                      Unsorted from)
{
    __shared__ int next[WARPS][DIGITS]; /* first counts, then the place of the next entry */
    const int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP;
    count_digits(next, from);
    __syncthreads();
    for (int d = (int)threadIdx.x; d < DIGITS; d += THREADS) {
        int place = start[(int64_t)d * gridDim.x + blockIdx.x];
        for (int w = 0; w < WARPS; w++) {
            const int here = next[w][d];
            next[w][d] = place;
            place += here;
        }
    }
    __syncthreads();
    for (int k = 0; k < ROUNDS; k++) {
        const int64_t i = entry_of(k);
        const int digit = digit_of(from, i);
        const unsigned same = __match_any_sync(ALL_LANES, digit);
        const int rank = __popc(same & ((1u << lane) - 1));
        if (digit < DIGITS) {
            const int place = next[warp][digit] + rank;
            key[place] = from.key[i];
            row[place] = from.row[i];
        }
        __syncwarp();
        if (digit < DIGITS && rank == 0) next[warp][digit] += __popc(same);
        __syncwarp();
    }
}

/* ---- 2, 3. Sums of runs ---------------------------------------------------------------------- */

/* Entries in which equal keys are neighbours. Those with the key `entries` are skipped. */
typedef struct {
    const uint32_t *key;
    const int32_t *at; /* of each entry among the ids; NULL: entry i is at i */
    int64_t count, dim;
    uint32_t entries;
} Sorted;

/* What is added up: g[at] y[at / k, :]. g NULL: 1; y NULL: 1, and dim is 1. */
template <class T>
struct Terms {
    const T *y;
    const float *g;
    int64_t k;
};

template <class T>
static __device__ __forceinline__ float term_at(const Terms<T> &t, int64_t at, int64_t c,
                                                int64_t dim)
{
    const float y = t.y ? to_float(t.y[at / t.k * dim + c]) : 1.0f;
    return t.g ? t.g[at] * y : y;
}

/* The input of the next pass. For each window it has the sum over the part of a run that began in
 * an earlier window. */
typedef struct {
    uint32_t *key; /* [windows]; the id of that run; `entries` where the window has no such part */
    float *sum;    /* [windows, dim] */
} Rest;

static __device__ __forceinline__ void add_to(float *to, const float (&sum)[COLUMNS], int64_t first,
                                              int64_t dim)
{
#pragma unroll
    for (int k = 0; k < COLUMNS; k++) {
        const int64_t c = first + k * WARP;
        if (c < dim) to[c] += sum[k];
    }
}

static __device__ __forceinline__ void store_to(float *to, const float (&sum)[COLUMNS],
                                                int64_t first, int64_t dim)
{
#pragma unroll
    for (int k = 0; k < COLUMNS; k++) {
        const int64_t c = first + k * WARP;
        if (c < dim) to[c] = sum[k];
    }
}

template <class T>
static __global__ void window_kernel(float *dtable, Rest rest, Terms<T> terms, Sorted s)
{
    const int64_t window = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    const int64_t begin = window * WINDOW, column = blockIdx.y * SLICE + threadIdx.x % WARP;
    const int64_t end = begin + WINDOW < s.count ? begin + WINDOW : s.count;
    if (begin >= s.count) return;
    float sum[COLUMNS] = {};
    bool goes_on = begin > 0 && s.key[begin - 1] == s.key[begin];
    if (column == 0) rest.key[window] = goes_on ? s.key[begin] : s.entries;
    for (int64_t i = begin; i < end; i++) {
        const uint32_t key = s.key[i];
        const bool last = i + 1 == end || s.key[i + 1] != key;
        if (key >= s.entries) {
            goes_on = false;
            continue;
        }
        const int64_t at = s.at ? (int64_t)s.at[i] : i;
#pragma unroll
        for (int k = 0; k < COLUMNS; k++) {
            const int64_t c = column + k * WARP;
            if (c < s.dim) sum[k] += term_at(terms, at, c, s.dim);
        }
        if (!last) continue;
        if (goes_on)
            store_to(rest.sum + window * s.dim, sum, column, s.dim);
        else
            add_to(dtable + (int64_t)key * s.dim, sum, column, s.dim);
        goes_on = false;
#pragma unroll
        for (int k = 0; k < COLUMNS; k++) sum[k] = 0.0f;
    }
}

/* ---- Launches -------------------------------------------------------------------------------- */

/* A tensor [rows, dim] in scratch. */
static Tensor scratch_matrix(Device *dev, Dtype dtype, int64_t rows, int64_t dim)
{
    const int64_t shape[] = {rows, dim};
    return scratch_tensor(dev, dtype, 2, shape);
}

static Sorted sort_ids(Device *dev, Tensor ids, int64_t entries)
{
    const int64_t rows = tensor_count(ids), tiles = ceil_div(rows, TILE);
    uint32_t *key[2] = {(uint32_t *)i32(scratch_matrix(dev, I32, 2, rows))};
    int32_t *row[2] = {i32(scratch_matrix(dev, I32, 2, rows))},
            *start = i32(scratch_matrix(dev, I32, DIGITS, tiles));
    key[1] = key[0] + rows;
    row[1] = row[0] + rows;
    LAUNCH(dev, keys_kernel, blocks_for(rows, THREADS), THREADS, 0, key[0], row[0], i32(ids), rows,
           entries);
    int at = 0;
    for (int shift = 0; shift < 32 && entries >> shift > 0; shift += DIGIT_BITS, at ^= 1) {
        const Unsorted from = {key[at], row[at], rows, shift};
        LAUNCH(dev, histogram_kernel, (unsigned)tiles, THREADS, 0, start, from);
        LAUNCH(dev, scan_kernel, 1, 1024, 0, start, DIGITS * tiles);
        LAUNCH(dev, scatter_kernel, (unsigned)tiles, THREADS, 0, key[at ^ 1], row[at ^ 1], start,
               from);
    }
    return Sorted{key[at], row[at], rows, 1, (uint32_t)entries};
}

template <class T>
static void add(Device *dev, Tensor y, Tensor table, Tensor ids)
{
    const bool wide = y.dim[1] % Wide<T>::N == 0 && aligned16(y.data) && aligned16(table.data);
    auto kernel = wide ? add_kernel<T, Wide<T>::N> : add_kernel<T, 1>;
    LAUNCH(dev, kernel, blocks_for(y.dim[0], WARPS), THREADS, 0, (T *)y.data, f32(table), i32(ids),
           y.dim[0], y.dim[1], table.dim[0]);
}

/* The result of a pass: the entries of the next one, and their rows. */
typedef struct {
    Sorted entries;
    const float *sum;
} Windows;

template <class T>
static Windows add_windows(Device *dev, Tensor dtable, const Terms<T> &terms, const Sorted &s)
{
    const int64_t windows = ceil_div(s.count, WINDOW);
    const Rest rest = {(uint32_t *)i32(scratch_matrix(dev, I32, 1, windows)),
                       f32(scratch_matrix(dev, F32, windows, s.dim))};
    LAUNCH(dev, window_kernel<T>, dim3(blocks_for(windows, WARPS), blocks_for(s.dim, SLICE)),
           THREADS, 0, f32(dtable), rest, terms, s);
    return Windows{{rest.key, NULL, windows, s.dim, s.entries}, rest.sum};
}

/* to [entries, s.dim] += the terms of each id. */
template <class T>
static void add_runs(Device *dev, Tensor to, const Terms<T> &terms, const Sorted &s)
{
    const size_t mark = scratch_mark(dev);
    Windows left = add_windows(dev, to, terms, s);
    while (left.entries.count > 1) {
        const Terms<float> sums = {left.sum, NULL, 1};
        left = add_windows(dev, to, sums, left.entries);
    }
    scratch_release(dev, mark);
}

template <class T>
static void scatter(Device *dev, Tensor dtable, Tensor dbias, Tensor y, Tensor g, Tensor ids)
{
    if (tensor_count(ids) == 0) return;
    const size_t mark = scratch_mark(dev);
    const Terms<T> terms = {(const T *)y.data, f32(g), ids.rank == 2 ? ids.dim[1] : 1};
    const Terms<float> factors = {NULL, f32(g), 1};
    Sorted sorted = sort_ids(dev, ids, dtable.dim[0]);
    if (dbias.data) add_runs(dev, dbias, factors, sorted);
    sorted.dim = y.dim[1];
    add_runs(dev, dtable, terms, sorted);
    scratch_release(dev, mark);
}

void embedding_add_cuda(Device *dev, Tensor y, Tensor table, Tensor ids)
{
    BY_DTYPE(y.dtype, add, dev, y, table, ids);
}

void embedding_scatter_cuda(Device *dev, Tensor dtable, Tensor dbias, Tensor y, Tensor g,
                            Tensor ids)
{
    BY_DTYPE(y.dtype, scatter, dev, dtable, dbias, y, g, ids);
}
