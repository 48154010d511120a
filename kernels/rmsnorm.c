/* SPDX-License-Identifier: Apache-2.0 */
#include "rmsnorm.h"

#include "base/bf16.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 64 }; /* rows of a partial sum of dw */

static void forward_row(float *y, float *rstd, const float *x, const float *w, int64_t dim,
                        float eps)
{
    double sum = 0.0;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < dim; c++) sum += (double)x[c] * x[c];
    const float scale = (float)(1.0 / sqrt(sum / (double)dim + eps));
    *rstd = scale;
#pragma omp simd
    for (int64_t c = 0; c < dim; c++) y[c] = x[c] * scale * w[c];
}

static void backward_row(float *restrict dx, float *restrict dw, const float *dy, const float *x,
                         const float *w, float rstd, int64_t dim)
{
    float sum = 0.0f;
#pragma omp simd reduction(+ : sum)
    for (int64_t c = 0; c < dim; c++) sum += dy[c] * w[c] * (x[c] * rstd);
    const float mean = sum / (float)dim;
#pragma omp simd
    for (int64_t c = 0; c < dim; c++) {
        const float n = x[c] * rstd;
        dx[c] += rstd * (dy[c] * w[c] - n * mean);
        dw[c] += dy[c] * n;
    }
}

void rmsnorm_forward(Device *dev, Tensor y, Tensor rstd, Tensor x, Tensor w, float eps)
{
    const int64_t rows = x.dim[0], dim = x.dim[1];
    const Dtype dtype = activation_dtype(x);
    EXPECT(x, dtype, rows, dim);
    EXPECT(y, dtype, rows, dim);
    EXPECT(w, F32, dim);
    EXPECT(rstd, F32, rows);
    if (ON_CUDA(dev)) {
        rmsnorm_forward_cuda(dev, y, rstd, x, w, eps);
        return;
    }

    const size_t mark = scratch_mark(dev);
    const Tensor from = bf16_widen(dev, x), to = bf16_wide_like(dev, y);
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for num_threads(dev->threads)
    for (int64_t r = 0; r < rows; r++)
        forward_row(f32(to) + r * dim, f32(rstd) + r, f32(from) + r * dim, f32(w), dim, eps);
    bf16_round_into(dev, y, to);
    scratch_release(dev, mark);
}

void rmsnorm_backward(Device *dev, Tensor dx, Tensor dw, Tensor dy, Tensor x, Tensor w, Tensor rstd)
{
    const int64_t rows = x.dim[0], dim = x.dim[1], chunks = (rows + CHUNK - 1) / CHUNK;
    const Dtype dtype = activation_dtype(x);
    EXPECT(x, dtype, rows, dim);
    EXPECT(dx, dtype, rows, dim);
    EXPECT(dy, dtype, rows, dim);
    EXPECT(w, F32, dim);
    EXPECT(dw, F32, dim);
    EXPECT(rstd, F32, rows);
    if (ON_CUDA(dev)) {
        rmsnorm_backward_cuda(dev, dx, dw, dy, x, w, rstd);
        return;
    }

    const size_t mark = scratch_mark(dev);
    const Tensor from = bf16_widen(dev, x), slope = bf16_widen(dev, dy), to = bf16_widen(dev, dx);
    const Tensor partial = SCRATCH(dev, F32, chunks, dim);
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for num_threads(dev->threads)
    for (int64_t k = 0; k < chunks; k++) {
        float *sum = f32(partial) + k * dim;
        memset(sum, 0, (size_t)dim * sizeof *sum);
        const int64_t last = (k + 1) * CHUNK < rows ? (k + 1) * CHUNK : rows;
        for (int64_t r = k * CHUNK; r < last; r++)
            backward_row(f32(to) + r * dim, sum, f32(slope) + r * dim, f32(from) + r * dim, f32(w),
                         f32(rstd)[r], dim);
    }
    for (int64_t k = 0; k < chunks; k++) {
        const float *restrict sum = f32(partial) + k * dim;
        float *restrict total = f32(dw);
        for (int64_t c = 0; c < dim; c++) total[c] += sum[c];
    }
    bf16_round_into(dev, dx, to);
    scratch_release(dev, mark);
}
