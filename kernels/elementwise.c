/* SPDX-License-Identifier: Apache-2.0 */
#include "elementwise.h"

#include "base/bf16.h"

#include <math.h>
#include <string.h>

enum { CHUNK = 65536 };

/* Abort unless y and x have one shape and dtype. The number of their elements. */
static int64_t same_shape(Tensor y, Tensor x)
{
    const Dtype dtype = activation_dtype(y);
    tensor_expect(y, "y", __FILE__, __LINE__, dtype, y.rank, y.dim);
    tensor_expect(x, "x", __FILE__, __LINE__, dtype, y.rank, y.dim);
    return tensor_count(y);
}

void elementwise_add(Device *dev, Tensor y, Tensor x) { elementwise_axpy(dev, y, 1.0f, x); }

void elementwise_axpy(Device *dev, Tensor y, float alpha, Tensor x)
{
    const int64_t count = same_shape(y, x);
    if (ON_CUDA(dev)) {
        elementwise_axpy_cuda(dev, y, alpha, x);
        return;
    }
    const size_t mark = scratch_mark(dev);
    const Tensor to = bf16_widen(dev, y);
    float *yp = f32(to);
    const float *xp = f32(bf16_widen(dev, x));
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for simd num_threads(dev->threads)
    for (int64_t i = 0; i < count; i++) yp[i] += alpha * xp[i];
    bf16_round_into(dev, y, to);
    scratch_release(dev, mark);
}

void elementwise_shift(Device *dev, Tensor y, Tensor s)
{
    const int64_t count = tensor_count(y);
    tensor_expect(y, "y", __FILE__, __LINE__, F32, y.rank, y.dim);
    EXPECT(s, F32, 1);
    if (ON_CUDA(dev)) {
        elementwise_shift_cuda(dev, y, s);
        return;
    }
    if (!device_runs(dev)) return;
    const float shift = *f32(s);
    for (int64_t i = 0; i < count; i++) f32(y)[i] += shift;
}

void elementwise_fill(Device *dev, Tensor y, float value)
{
    const int64_t count = same_shape(y, y);
    if (ON_CUDA(dev)) {
        elementwise_fill_cuda(dev, y, value);
        return;
    }
    const size_t mark = scratch_mark(dev);
    const Tensor to = bf16_wide_like(dev, y);
    float *yp = f32(to);
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for simd num_threads(dev->threads)
    for (int64_t i = 0; i < count; i++) yp[i] = value;
    bf16_round_into(dev, y, to);
    scratch_release(dev, mark);
}

void elementwise_copy(Device *dev, Tensor y, Tensor x)
{
    const int64_t count = tensor_count(y);
    tensor_expect(y, "y", __FILE__, __LINE__, activation_dtype(y), y.rank, y.dim);
    tensor_expect(x, "x", __FILE__, __LINE__, activation_dtype(x), y.rank, y.dim);
    if (ON_CUDA(dev)) {
        elementwise_copy_cuda(dev, y, x);
        return;
    }
    const size_t mark = scratch_mark(dev);
    const Tensor to = bf16_wide_like(dev, y);
    float *yp = f32(to);
    const float *xp = f32(bf16_widen(dev, x));
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for simd num_threads(dev->threads)
    for (int64_t i = 0; i < count; i++) yp[i] = xp[i];
    bf16_round_into(dev, y, to);
    scratch_release(dev, mark);
}

static void expect_f32_pair(Tensor y, Tensor x)
{
    tensor_expect(y, "y", __FILE__, __LINE__, F32, y.rank, y.dim);
    tensor_expect(x, "x", __FILE__, __LINE__, F32, y.rank, y.dim);
}

static void map(Tensor y, Tensor x, float (*function)(float))
{
    const int64_t count = tensor_count(y);
    for (int64_t i = 0; i < count; i++) f32(y)[i] = function(f32(x)[i]);
}

void elementwise_log(Device *dev, Tensor y, Tensor x)
{
    expect_f32_pair(y, x);
    if (ON_CUDA(dev)) {
        elementwise_log_cuda(dev, y, x);
        return;
    }
    if (!device_runs(dev)) return;
    map(y, x, logf);
}

void elementwise_exp(Device *dev, Tensor y, Tensor x)
{
    expect_f32_pair(y, x);
    if (ON_CUDA(dev)) {
        elementwise_exp_cuda(dev, y, x);
        return;
    }
    if (!device_runs(dev)) return;
    map(y, x, expf);
}

Tensor elementwise_cast(Device *dev, Tensor x, Dtype dtype)
{
    if (x.dtype == dtype) return x;
    const Tensor y = scratch_tensor(dev, dtype, x.rank, x.dim);
    elementwise_copy(dev, y, x);
    return y;
}

void elementwise_row_dot(Device *dev, Tensor y, Tensor a, Tensor b)
{
    const int64_t rows = a.dim[0], dim = a.dim[1];
    EXPECT(a, activation_dtype(a), rows, dim);
    EXPECT(b, a.dtype, rows, dim);
    EXPECT(y, F32, rows);
    if (ON_CUDA(dev)) {
        elementwise_row_dot_cuda(dev, y, a, b);
        return;
    }

    const size_t mark = scratch_mark(dev);
    const Tensor left = bf16_widen(dev, a), right = bf16_widen(dev, b);
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for num_threads(dev->threads)
    for (int64_t r = 0; r < rows; r++) {
        const float *ar = f32(left) + r * dim, *br = f32(right) + r * dim;
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (int64_t c = 0; c < dim; c++) sum += (double)ar[c] * br[c];
        f32(y)[r] = (float)sum;
    }
    scratch_release(dev, mark);
}

void elementwise_row_scale(Device *dev, Tensor y, Tensor x, Tensor s)
{
    const int64_t rows = x.dim[0], dim = x.dim[1];
    EXPECT(x, activation_dtype(x), rows, dim);
    EXPECT(y, x.dtype, rows, dim);
    EXPECT(s, F32, rows);
    if (ON_CUDA(dev)) {
        elementwise_row_scale_cuda(dev, y, x, s);
        return;
    }

    const size_t mark = scratch_mark(dev);
    const Tensor from = bf16_widen(dev, x), to = bf16_wide_like(dev, y);
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for num_threads(dev->threads)
    for (int64_t r = 0; r < rows; r++) {
        const float *xr = f32(from) + r * dim, scale = f32(s)[r];
        float *yr = f32(to) + r * dim;
#pragma omp simd
        for (int64_t c = 0; c < dim; c++) yr[c] = scale * xr[c];
    }
    bf16_round_into(dev, y, to);
    scratch_release(dev, mark);
}

/* Only the bits of the exponent. They are all ones, the largest value, where x is infinite or NaN.
 * The compiler computes the maximum of these integers over a chunk in vectors. */
static uint32_t bits_of(const float *x)
{
    uint32_t bits;
    memcpy(&bits, x, sizeof bits);
    return bits & 0x7F800000u;
}

static int64_t first_not_finite(const float *x, int64_t first, int64_t last)
{
    uint32_t most = 0;
#pragma omp simd reduction(max : most)
    for (int64_t i = first; i < last; i++) most = bits_of(x + i) > most ? bits_of(x + i) : most;
    if (most < 0x7F800000u) return INT64_MAX;
    while (bits_of(x + first) < 0x7F800000u) first++;
    return first;
}

static int64_t read_finite(Device *dev, Tensor x)
{
    const size_t mark = scratch_mark(dev);
    const Tensor found = SCRATCH(dev, I64, 1);
    int64_t left = 0;
    elementwise_rows_finite_cuda(dev, found, x);
    device_copy_out(dev, &left, found.data, sizeof left);
    scratch_release(dev, mark);
    return left ? tensor_count(x) - left : -1;
}

int64_t elementwise_rows_finite(Device *dev, Tensor x)
{
    const int64_t count = same_shape(x, x), chunks = (count + CHUNK - 1) / CHUNK;
    if (ON_CUDA(dev)) return read_finite(dev, x);
    const size_t mark = scratch_mark(dev);
    const float *values = f32(bf16_widen(dev, x));
    int64_t index = INT64_MAX;
    if (!scratch_ready(dev, mark)) return -1;
#pragma omp parallel for reduction(min : index) num_threads(dev->threads)
    for (int64_t k = 0; k < chunks; k++) {
        const int64_t last = (k + 1) * CHUNK < count ? (k + 1) * CHUNK : count;
        const int64_t found = first_not_finite(values, k * CHUNK, last);
        if (found < index) index = found;
    }
    scratch_release(dev, mark);
    return index == INT64_MAX ? -1 : index;
}
