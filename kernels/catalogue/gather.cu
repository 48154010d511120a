/* SPDX-License-Identifier: Apache-2.0 */
/* Scores of several items of each row on CUDA. Forward: a warp takes EACH scores of a row, one
 * after the other, with a lane for every 32nd column. The gradient in u: a warp takes a row and 128
 * columns, and walks the row's items. Both are bound by reading a vector for every score, from
 * memory or, for items that many rows have, from the L2 cache. The gradient in E is
 * embedding_scatter.
 */
#include "catalogue/gather.h"

#include "items.cuh"

enum { WARPS = 8, THREADS = WARPS * WARP, EACH = 8, COLUMNS = 4, SLICE = COLUMNS * WARP };

typedef struct {
    Encoder items;
    const int32_t *ids;
    const float *bias; /* NULL: none */
    int64_t rows, k;
} GatherInput;

template <class T>
static __global__ void gather_kernel(float *score, const T *u, GatherInput in)
{
    const int64_t groups = (in.k + EACH - 1) / EACH, dim = in.items.dim;
    const int64_t at = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    const int64_t i = at / groups, first = at % groups * EACH;
    const int lane = (int)threadIdx.x % WARP;
    if (i >= in.rows) return;
    for (int64_t j = first; j < first + EACH && j < in.k; j++) {
        const int32_t id = in.ids[i * in.k + j];
        device_require(id < in.items.items);
        float sum = 0.0f;
        for (int64_t c = lane; id >= 0 && c < dim; c += WARP)
            sum += to_float(u[i * dim + c]) * items_value(in.items, id, c);
        sum = warp_sum(sum);
        if (id >= 0 && in.bias) sum += in.bias[id];
        if (lane == 0) score[i * in.k + j] = sum;
    }
}

template <class T>
static __global__ void du_kernel(T *du, const float *g, GatherInput in)
{
    const int64_t i = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP, dim = in.items.dim;
    const int64_t column = (int64_t)blockIdx.y * SLICE + threadIdx.x % WARP;
    if (i >= in.rows) return;
    float sum[COLUMNS] = {};
    for (int64_t j = 0; j < in.k; j++) {
        const int32_t id = in.ids[i * in.k + j];
        device_require(id < in.items.items);
        if (id < 0) continue;
        const float factor = g[i * in.k + j];
#pragma unroll
        for (int n = 0; n < COLUMNS; n++) {
            const int64_t c = column + n * WARP;
            if (c < dim) sum[n] += factor * items_value(in.items, id, c);
        }
    }
#pragma unroll
    for (int n = 0; n < COLUMNS; n++) {
        const int64_t c = column + n * WARP;
        if (c < dim) from_float(du[i * dim + c], to_float(du[i * dim + c]) + sum[n]);
    }
}

static GatherInput input_of(const ItemTable *table, Tensor bias, Tensor ids)
{
    GatherInput in = {};
    in.items = items_encoder(table);
    in.ids = i32(ids);
    in.bias = f32(bias);
    in.rows = ids.dim[0];
    in.k = ids.dim[1];
    return in;
}

template <class T>
static void gather(Device *dev, Tensor score, Tensor u, const GatherInput &in)
{
    LAUNCH(dev, gather_kernel<T>, blocks_for(in.rows * ceil_div(in.k, EACH), WARPS), THREADS, 0,
           f32(score), (const T *)u.data, in);
}

template <class T>
static void add_du(Device *dev, Tensor du, Tensor g, const GatherInput &in)
{
    LAUNCH(dev, du_kernel<T>, dim3(blocks_for(in.rows, WARPS), blocks_for(du.dim[1], SLICE)),
           THREADS, 0, (T *)du.data, f32(g), in);
}

void catalogue_gather_cuda(Device *dev, Tensor score, Tensor u, const ItemTable *table, Tensor bias,
                           Tensor ids)
{
    BY_DTYPE(u.dtype, gather, dev, score, u, input_of(table, bias, ids));
}

void catalogue_gather_du_cuda(Device *dev, Tensor du, Tensor g, const ItemTable *table, Tensor ids)
{
    const Tensor none = {};
    BY_DTYPE(du.dtype, add_du, dev, du, g, input_of(table, none, ids));
}
