/* SPDX-License-Identifier: Apache-2.0 */
/* The item encoder on CUDA: one warp a row, in steps of 16 bytes of y a lane where dim and
 * alignment allow. Bound by memory. */
#include "items.cuh"

enum { WARPS = 8, THREADS = WARPS * WARP };

/* The vectors of the table's rows at[0], at[1], ...; a vector is 0 where at[i] is below 0. Without
 * `at` they are the vectors of the rows first, first + 1, ... */
template <class T, int N>
static __global__ void rows_kernel(T *y, Encoder e, const int32_t *at, int64_t first, int64_t rows)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    if (row >= rows) return;
    const int64_t item = at ? at[row] : first + row;
    device_require(item < e.items);
    for (int64_t c = threadIdx.x % WARP * N; c < e.dim; c += WARP * N) {
        float v[N] = {};
        if (item >= 0) items_values(v, e, item, c);
        store(y + row * e.dim + c, v);
    }
}

static __global__ void column_kernel(int32_t *to, const int32_t *from, int64_t rows,
                                     int64_t columns)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < rows) to[i] = from[i * columns];
}

/* The part of the catalogue that a shard holds: items first .. first + rows - 1. */
typedef struct {
    int64_t first, rows, total;
} ItemShard;

static ItemShard shard_of(const ItemTable *table)
{
    return ItemShard{table->first, table->id.dim[0], items_total(table)};
}

static __device__ __forceinline__ int64_t row_of(const ItemShard &s, int32_t id)
{
    device_require(id < s.total);
    const int64_t row = id - s.first;
    return id < 0 || row < 0 || row >= s.rows ? -1 : row;
}

static __global__ void shard_rows_kernel(int32_t *row, ItemShard s, const int32_t *ids,
                                         int64_t count)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < count) row[i] = (int32_t)row_of(s, ids[i]);
}

static __global__ void shard_mask_kernel(float *x, ItemShard s, const int32_t *ids, int64_t count)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < count && ids[i] >= 0 && row_of(s, ids[i]) < 0) x[i] = 0.0f;
}

void items_rows_cuda(Device *dev, Tensor row, const ItemTable *table, Tensor ids)
{
    LAUNCH(dev, shard_rows_kernel, blocks_for(ids.dim[0], THREADS), THREADS, 0, i32(row),
           shard_of(table), i32(ids), ids.dim[0]);
}

void items_mask_cuda(Device *dev, Tensor x, const ItemTable *table, Tensor ids)
{
    LAUNCH(dev, shard_mask_kernel, blocks_for(ids.dim[0], THREADS), THREADS, 0, f32(x),
           shard_of(table), i32(ids), ids.dim[0]);
}

template <class T>
static void rows_of(Device *dev, void *y, const ItemTable *table, const int32_t *at, int64_t first,
                    int64_t rows)
{
    const Encoder e = items_encoder(table);
    const bool wide = items_are_wide(e, Wide<T>::N) && aligned16(y);
    auto kernel = wide ? rows_kernel<T, Wide<T>::N> : rows_kernel<T, 1>;
    LAUNCH(dev, kernel, blocks_for(rows, WARPS), THREADS, 0, (T *)y, e, at, first, rows);
}

void items_gather_cuda(Device *dev, Tensor y, const ItemTable *table, Tensor row)
{
    BY_DTYPE(y.dtype, rows_of, dev, y.data, table, i32(row), 0, y.dim[0]);
}

void items_range_cuda(Device *dev, Tensor y, const ItemTable *table, int64_t first)
{
    BY_DTYPE(y.dtype, rows_of, dev, y.data, table, NULL, first, y.dim[0]);
}

void items_column_cuda(Device *dev, Tensor to, Tensor category, int64_t kind)
{
    LAUNCH(dev, column_kernel, blocks_for(to.dim[0], THREADS), THREADS, 0, i32(to),
           i32(category) + kind, to.dim[0], category.dim[1]);
}
