/* SPDX-License-Identifier: Apache-2.0 */
/* Sums over bags on CUDA. Forward: one warp a bag, in steps of 16 bytes of y a lane where dim and
 * alignment allow. Backward: one block a row and 32 columns. Warp w adds the bags w, w + WARPS, ...
 * of the row, and the first warp adds the sums of all warps, so that a row that many bags have is
 * shared by WARPS warps. Both are bound by memory.
 */
#include "bag.h"

#include "base/cuda/cuda.cuh"

enum { WARPS = 8, THREADS = WARPS * WARP };

/* The tensors of Bags for kernels. */
typedef struct {
    const int64_t *offset, *at;
    const int32_t *row, *bag;
    int64_t rows, bags, dim;
} BagIndex;

static BagIndex index_of(const Bags *bags, int64_t rows, int64_t dim)
{
    BagIndex x = {};
    x.offset = (const int64_t *)bags->offset.data;
    x.at = (const int64_t *)bags->at.data;
    x.row = i32(bags->row);
    x.bag = i32(bags->bag);
    x.rows = rows;
    x.bags = bags->offset.dim[0] - 1;
    x.dim = dim;
    return x;
}

static __device__ __forceinline__ float bag_scale(const BagIndex &x, int64_t b)
{
    const int64_t count = x.offset[b + 1] - x.offset[b];
    return count ? 1.0f / sqrtf((float)count) : 0.0f;
}

template <int N>
static __global__ void forward_kernel(float *y, const float *table, BagIndex x)
{
    const int64_t b = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    if (b >= x.bags) return;
    const float scale = bag_scale(x, b);
    for (int64_t c = threadIdx.x % WARP * N; c < x.dim; c += WARP * N) {
        float sum[N] = {}, more[N];
        for (int64_t j = x.offset[b]; j < x.offset[b + 1]; j++) {
            device_require(x.row[j] >= 0 && x.row[j] < x.rows);
            load(more, table + x.row[j] * x.dim + c);
#pragma unroll
            for (int i = 0; i < N; i++) sum[i] += more[i];
        }
#pragma unroll
        for (int i = 0; i < N; i++) sum[i] *= scale;
        store(y + b * x.dim + c, sum);
    }
}

static __global__ void backward_kernel(float *dtable, const float *dy, BagIndex x)
{
    __shared__ float part[WARPS][WARP];
    const int lane = threadIdx.x % WARP, warp = threadIdx.x / WARP;
    const int64_t row = blockIdx.x, c = (int64_t)blockIdx.y * WARP + lane;
    float sum = 0.0f;
    for (int64_t j = x.at[row] + warp; j < x.at[row + 1] && c < x.dim; j += WARPS) {
        const int64_t b = x.bag[j];
        device_require(b >= 0 && b < x.bags);
        sum += bag_scale(x, b) * dy[b * x.dim + c];
    }
    part[warp][lane] = sum;
    __syncthreads();
    if (warp > 0 || c >= x.dim) return;
    for (int w = 1; w < WARPS; w++) sum += part[w][lane];
    dtable[row * x.dim + c] += sum;
}

void bag_forward_cuda(Device *dev, Tensor y, Tensor table, const Bags *bags)
{
    const int64_t dim = table.dim[1];
    const bool wide = dim % Wide<float>::N == 0 && aligned16(y.data) && aligned16(table.data);
    auto kernel = wide ? forward_kernel<Wide<float>::N> : forward_kernel<1>;
    LAUNCH(dev, kernel, blocks_for(y.dim[0], WARPS), THREADS, 0, f32(y), f32(table),
           index_of(bags, table.dim[0], dim));
}

void bag_backward_cuda(Device *dev, Tensor dtable, Tensor dy, const Bags *bags)
{
    const int64_t rows = dtable.dim[0], dim = dtable.dim[1];
    LAUNCH(dev, backward_kernel, dim3(blocks_for(rows, 1), blocks_for(dim, WARP)), THREADS, 0,
           f32(dtable), f32(dy), index_of(bags, rows, dim));
}
