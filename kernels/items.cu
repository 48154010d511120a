/* The item encoder on CUDA: one warp a row, in steps of 16 bytes of y a lane where dim and alignment allow.
 * Bound by memory. */
#include "items.cuh"

enum { WARPS = 8, THREADS = WARPS * WARP };

/* Rows of E by id, 0 for one below 0; or first, first + 1, … without ids. */
template <class T, int N>
static __global__ void rows_kernel(T *y, Encoder e, const int32_t *ids, int64_t first, int64_t rows)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    if (row >= rows) return;
    const int64_t item = ids ? ids[row] : first + row;
    device_require(item < e.items);
    for (int64_t c = threadIdx.x % WARP * N; c < e.dim; c += WARP * N) {
        float v[N] = {};
        if (item >= 0) item_values(v, e, item, c);
        store(y + row * e.dim + c, v);
    }
}

static __global__ void column_kernel(int32_t *to, const int32_t *from, int64_t rows,
                                     int64_t columns)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < rows) to[i] = from[i * columns];
}

template <class T>
static void rows_of(Device *dev, void *y, const ItemTable *table, const int32_t *ids, int64_t first,
                    int64_t rows)
{
    const Encoder e = encoder_of(table);
    const bool wide = items_are_wide(e, Wide<T>::N) && aligned16(y);
    auto kernel = wide ? rows_kernel<T, Wide<T>::N> : rows_kernel<T, 1>;
    LAUNCH(dev, kernel, blocks_for(rows, WARPS), THREADS, 0, (T *)y, e, ids, first, rows);
}

void items_gather_cuda(Device *dev, Tensor y, const ItemTable *table, Tensor ids)
{
    BY_DTYPE(y.dtype, rows_of, dev, y.data, table, i32(ids), 0, y.dim[0]);
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
