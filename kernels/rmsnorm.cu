/* SPDX-License-Identifier: Apache-2.0 */
/* RMSNorm on CUDA: one warp a row, in steps of 16 bytes a lane where dim and alignment allow. Bound
 * by memory. Forward keeps a row of up to KEPT_MAX steps in registers, with all loads in flight at
 * once. A longer row, and every row in backward, is read twice, the second time from the L1 cache.
 *
 * Backward gives a block a run of rows. Each warp sums its part of dw in shared memory, where a
 * lane owns the columns that it reads, so that no barrier is needed between rows. The block adds
 * the parts of its warps in order, and a second kernel adds those of the blocks.
 */
#include "rmsnorm.h"

#include "base/cuda/cuda.cuh"

enum {
    WARPS = 8,
    THREADS = WARPS * WARP,
    ROWS_MIN = 32,
    PARTS_MAX = 512,
    SUM_ROWS = 16,
    KEPT_MAX = 8
};

template <class T, int N>
static __global__ void forward_kernel(T *y, float *rstd, const T *x, const float *w, int64_t rows,
                                      int64_t dim, float eps)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    const int lane = (int)threadIdx.x % WARP;
    if (row >= rows) return;
    x += row * dim;
    y += row * dim;

    float sum = 0.0f;
    for (int64_t c = lane * N; c < dim; c += WARP * N) {
        float v[N];
        load(v, x + c);
#pragma unroll
        for (int i = 0; i < N; i++) sum += v[i] * v[i];
    }
    const float scale = 1.0f / sqrtf(warp_sum(sum) / (float)dim + eps);
    if (lane == 0) rstd[row] = scale;

    for (int64_t c = lane * N; c < dim; c += WARP * N) {
        float v[N], weight[N];
        load(v, x + c);
        load(weight, w + c);
#pragma unroll
        for (int i = 0; i < N; i++) v[i] = v[i] * scale * weight[i];
        store(y + c, v);
    }
}

/* The same, with the row in registers: KEPT steps a lane. The numbers after the end of the row are
 * 0 and add nothing. */
template <class T, int N, int KEPT>
static __global__ void forward_kept_kernel(T *y, float *rstd, const T *x, const float *w,
                                           int64_t rows, int64_t dim, float eps)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    const int lane = (int)threadIdx.x % WARP;
    if (row >= rows) return;
    x += row * dim;
    y += row * dim;

    float v[KEPT][N] = {};
#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        const int64_t c = (k * WARP + lane) * N;
        if (c < dim) load(v[k], x + c);
    }
    float sum = 0.0f;
#pragma unroll
    for (int k = 0; k < KEPT; k++)
#pragma unroll
        for (int i = 0; i < N; i++) sum += v[k][i] * v[k][i];
    const float scale = 1.0f / sqrtf(warp_sum(sum) / (float)dim + eps);
    if (lane == 0) rstd[row] = scale;

#pragma unroll
    for (int k = 0; k < KEPT; k++) {
        const int64_t c = (k * WARP + lane) * N;
        if (c >= dim) continue;
        float weight[N];
        load(weight, w + c);
#pragma unroll
        for (int i = 0; i < N; i++) v[k][i] = v[k][i] * scale * weight[i];
        store(y + c, v[k]);
    }
}

/* The gradient of one row. The lane adds its columns of dw to `share`. */
template <class T, int N>
static __device__ __forceinline__ void backward_row(T *dx, float *share, const T *dy, const T *x,
                                                    const float *w, float scale, int64_t dim)
{
    const int lane = (int)threadIdx.x % WARP;
    float sum = 0.0f;
    for (int64_t c = lane * N; c < dim; c += WARP * N) {
        float g[N], v[N], weight[N];
        load(g, dy + c);
        load(v, x + c);
        load(weight, w + c);
#pragma unroll
        for (int i = 0; i < N; i++) sum += g[i] * weight[i] * (v[i] * scale);
    }
    const float mean = warp_sum(sum) / (float)dim;
    for (int64_t c = lane * N; c < dim; c += WARP * N) {
        float g[N], v[N], weight[N], d[N], s[N];
        load(g, dy + c);
        load(v, x + c);
        load(weight, w + c);
        load(d, dx + c);
        load(s, share + c);
#pragma unroll
        for (int i = 0; i < N; i++) {
            const float n = v[i] * scale;
            d[i] += scale * (g[i] * weight[i] - n * mean);
            s[i] += g[i] * n;
        }
        store(dx + c, d);
        store(share + c, s);
    }
}

/* part[blockIdx.x, :] = the sum of dw over the block's rows, rows_each of them. */
template <class T, int N>
static __global__ void backward_kernel(T *dx, float *part, const T *dy, const T *x, const float *w,
                                       const float *rstd, int64_t rows, int64_t dim,
                                       int64_t rows_each)
{
    DYNAMIC_SHARED(memory);
    const int warps = (int)blockDim.x / WARP, warp = (int)threadIdx.x / WARP;
    float *shares = (float *)memory, *share = shares + warp * dim;
    const int lane = (int)threadIdx.x % WARP;
    for (int64_t c = lane * N; c < dim; c += WARP * N) {
        const float zero[N] = {};
        store(share + c, zero);
    }
    const int64_t first = blockIdx.x * rows_each;
    const int64_t last = first + rows_each < rows ? first + rows_each : rows;
    for (int64_t row = first + warp; row < last; row += warps)
        backward_row<T, N>(dx + row * dim, share, dy + row * dim, x + row * dim, w, rstd[row], dim);
    __syncthreads();
    for (int64_t c = threadIdx.x; c < dim; c += blockDim.x) {
        float sum = 0.0f;
        for (int k = 0; k < warps; k++) sum += shares[k * dim + c];
        part[blockIdx.x * dim + c] = sum;
    }
}

/* total[c] += sum_r part[r, c]. A block takes 32 columns; thread row y adds the parts y, y + 16,
 * and so on. */
static __global__ void add_parts_kernel(float *total, const float *part, int64_t parts, int64_t dim)
{
    __shared__ float sums[SUM_ROWS][WARP];
    const int64_t c = (int64_t)blockIdx.x * WARP + threadIdx.x;
    float sum = 0.0f;
    for (int64_t r = threadIdx.y; r < parts && c < dim; r += SUM_ROWS) sum += part[r * dim + c];
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y > 0 || c >= dim) return;
    for (int k = 1; k < SUM_ROWS; k++) sum += sums[k][threadIdx.x];
    total[c] += sum;
}

template <class T>
static bool wide(Tensor x, Tensor y, Tensor dy, Tensor w)
{
    return x.dim[1] % Wide<T>::N == 0 && aligned16(x.data) && aligned16(y.data) &&
           aligned16(dy.data) && aligned16(w.data);
}

template <class T>
static void forward(Device *dev, Tensor y, Tensor rstd, Tensor x, Tensor w, float eps)
{
    const int64_t rows = x.dim[0], dim = x.dim[1];
    const int64_t steps = ceil_div(dim, WARP * Wide<T>::N);
    auto kernel = !wide<T>(x, y, y, w) ? forward_kernel<T, 1>
                  : steps <= 2         ? forward_kept_kernel<T, Wide<T>::N, 2>
                  : steps <= 4         ? forward_kept_kernel<T, Wide<T>::N, 4>
                  : steps <= KEPT_MAX  ? forward_kept_kernel<T, Wide<T>::N, KEPT_MAX>
                                       : forward_kernel<T, Wide<T>::N>;
    LAUNCH(dev, kernel, blocks_for(rows, WARPS), THREADS, 0, (T *)y.data, f32(rstd),
           (const T *)x.data, f32(w), rows, dim, eps);
}

template <class T>
static void backward(Device *dev, Tensor dx, Tensor dw, Tensor dy, Tensor x, Tensor w, Tensor rstd)
{
    const int64_t rows = x.dim[0], dim = x.dim[1];
    if (rows == 0) return;
    const int64_t rows_each =
        rows > ROWS_MIN * PARTS_MAX ? ceil_div(rows, PARTS_MAX) : (int64_t)ROWS_MIN;
    const int64_t parts = ceil_div(rows, rows_each), shape[] = {parts, dim};
    int warps = WARPS; /* the warps' parts of dw must fit 96 KiB, which every supported GPU has */
    while (warps > 1 && warps * dim * 4 > 96 << 10) warps /= 2;

    const size_t mark = scratch_mark(dev);
    const Tensor part = scratch_tensor(dev, F32, 2, shape);
    auto kernel = wide<T>(x, dx, dy, w) ? backward_kernel<T, Wide<T>::N> : backward_kernel<T, 1>;
    LAUNCH(dev, kernel, blocks_for(rows, rows_each), warps * WARP, (size_t)(warps * dim) * 4,
           (T *)dx.data, f32(part), (const T *)dy.data, (const T *)x.data, f32(w), f32(rstd), rows,
           dim, rows_each);
    LAUNCH(dev, add_parts_kernel, blocks_for(dim, WARP), dim3(WARP, SUM_ROWS), 0, f32(dw),
           f32(part), parts, dim);
    scratch_release(dev, mark);
}

void rmsnorm_forward_cuda(Device *dev, Tensor y, Tensor rstd, Tensor x, Tensor w, float eps)
{
    BY_DTYPE(x.dtype, forward, dev, y, rstd, x, w, eps);
}

void rmsnorm_backward_cuda(Device *dev, Tensor dx, Tensor dw, Tensor dy, Tensor x, Tensor w,
                           Tensor rstd)
{
    BY_DTYPE(x.dtype, backward, dev, dx, dw, dy, x, w, rstd);
}
