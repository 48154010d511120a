/* SPDX-License-Identifier: Apache-2.0 */
/* Residual sum, dropout and RMSNorm on CUDA: one warp a row, in steps of 16 bytes a lane where dim
 * and alignment allow. Bound by memory: y and residual are read once, x and n are written once.
 * Each lane reads back the columns of x that it wrote, from the L1 cache; in bf16 these are the
 * rounded numbers that the contract wants.
 */
#include "dropout.cuh"
#include "residual_norm.h"

enum { WARPS = 8, THREADS = WARPS * WARP };

template <class T, int N>
static __global__ void residual_norm_kernel(T *n, float *rstd, T *x, const T *y, const T *residual,
                                            const float *w, int64_t rows, int64_t dim, float eps,
                                            DropoutMask mask)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP, at = row * dim;
    const int lane = (int)threadIdx.x % WARP;
    if (row >= rows) return;
    const uint64_t counter = dropout_counter(mask);

    float sum = 0.0f;
    for (int64_t c = lane * N; c < dim; c += WARP * N) {
        float f[N], v[N], r[N] = {};
        dropout_factors(f, mask, counter, at + c);
        load(v, y + at + c);
        if (residual) load(r, residual + at + c);
#pragma unroll
        for (int i = 0; i < N; i++) v[i] = r[i] + dropout_apply(f[i], v[i]);
        store(x + at + c, v);
        load(v, x + at + c);
#pragma unroll
        for (int i = 0; i < N; i++) sum += v[i] * v[i];
    }
    const float scale = 1.0f / sqrtf(warp_sum(sum) / (float)dim + eps);
    if (lane == 0) rstd[row] = scale;

    for (int64_t c = lane * N; c < dim; c += WARP * N) {
        float v[N], weight[N];
        load(v, x + at + c);
        load(weight, w + c);
#pragma unroll
        for (int i = 0; i < N; i++) v[i] = v[i] * scale * weight[i];
        store(n + at + c, v);
    }
}

template <class T>
static void run(Device *dev, Tensor n, Tensor rstd, Tensor x, Tensor y, Tensor residual, Tensor w,
                float eps, const Dropout &d)
{
    const int64_t rows = x.dim[0], dim = x.dim[1];
    const bool wide = dim % Wide<T>::N == 0 && aligned16(n.data) && aligned16(x.data) &&
                      aligned16(y.data) && aligned16(residual.data) && aligned16(w.data);
    auto kernel = wide ? residual_norm_kernel<T, Wide<T>::N> : residual_norm_kernel<T, 1>;
    LAUNCH(dev, kernel, blocks_for(rows, WARPS), THREADS, 0, (T *)n.data, f32(rstd), (T *)x.data,
           (const T *)y.data, (const T *)residual.data, (const float *)w.data, rows, dim, eps,
           dropout_mask(&d));
}

void residual_norm_cuda(Device *dev, Tensor n, Tensor rstd, Tensor x, Tensor y, Tensor residual,
                        Tensor w, float eps, Dropout d)
{
    BY_DTYPE(x.dtype, run, dev, n, rstd, x, y, residual, w, eps, d);
}
