/* SPDX-License-Identifier: Apache-2.0 */
/* Ops on whole tensors on CUDA: threads loop over the grid and read four elements at a time where
 * the alignment allows. Ops on rows: one warp a row. All are bound by memory.
 */
#include "elementwise.h"

#include "base/cuda/cuda.cuh"

enum { WARPS = 8, THREADS = WARPS * WARP, PER_PROCESSOR = 8, PACK = 4 };

static __device__ __forceinline__ int64_t first_index()
{
    return (int64_t)blockIdx.x * blockDim.x + threadIdx.x;
}
static __device__ __forceinline__ int64_t grid_step() { return (int64_t)gridDim.x * blockDim.x; }

template <class T>
static __global__ void axpy_kernel(T *y, const T *x, float alpha, int64_t packs, int64_t count)
{
    for (int64_t i = first_index(); i < packs; i += grid_step()) {
        float a[PACK], b[PACK];
        load(a, y + i * PACK);
        load(b, x + i * PACK);
#pragma unroll
        for (int k = 0; k < PACK; k++) a[k] += alpha * b[k];
        store(y + i * PACK, a);
    }
    for (int64_t i = packs * PACK + first_index(); i < count; i += grid_step())
        from_float(y[i], to_float(y[i]) + alpha * to_float(x[i]));
}

static __global__ void shift_kernel(float *y, const float *s, int64_t count)
{
    for (int64_t i = first_index(); i < count; i += grid_step()) y[i] += *s;
}

static __global__ void log_kernel(float *y, const float *x, int64_t count)
{
    for (int64_t i = first_index(); i < count; i += grid_step()) y[i] = logf(x[i]);
}

static __global__ void exp_kernel(float *y, const float *x, int64_t count)
{
    for (int64_t i = first_index(); i < count; i += grid_step()) y[i] = expf(x[i]);
}

template <class T>
static __global__ void fill_kernel(T *y, float value, int64_t packs, int64_t count)
{
    const float v[PACK] = {value, value, value, value};
    for (int64_t i = first_index(); i < packs; i += grid_step()) store(y + i * PACK, v);
    for (int64_t i = packs * PACK + first_index(); i < count; i += grid_step())
        from_float(y[i], value);
}

template <class To, class From>
static __global__ void copy_kernel(To *y, const From *x, int64_t packs, int64_t count)
{
    for (int64_t i = first_index(); i < packs; i += grid_step()) {
        float v[PACK];
        load(v, x + i * PACK);
        store(y + i * PACK, v);
    }
    for (int64_t i = packs * PACK + first_index(); i < count; i += grid_step())
        from_float(y[i], to_float(x[i]));
}

template <class T>
static __global__ void dot_kernel(float *y, const T *a, const T *b, int64_t rows, int64_t dim)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    const int lane = (int)threadIdx.x % WARP;
    if (row >= rows) return;
    double sum = 0.0;
    for (int64_t c = lane; c < dim; c += WARP)
        sum += (double)to_float(a[row * dim + c]) * (double)to_float(b[row * dim + c]);
    sum = warp_sum(sum);
    if (lane == 0) y[row] = (float)sum;
}

template <class T>
static __global__ void scale_kernel(T *y, const T *x, const float *s, int64_t rows, int64_t dim)
{
    const int64_t row = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    if (row >= rows) return;
    const float scale = s[row];
    for (int64_t c = threadIdx.x % WARP; c < dim; c += WARP)
        from_float(y[row * dim + c], scale * to_float(x[row * dim + c]));
}

/* found = the largest count - i with x[i] not finite. `found` is 0 before the launch. A thread
 * walks upward, so the first such element that it finds has its smallest index; the maximum does
 * not depend on the order of atomics. */
template <class T>
static __global__ void finite_kernel(unsigned long long *found, const T *x, int64_t count)
{
    for (int64_t i = first_index(); i < count; i += grid_step()) {
        if (isfinite(to_float(x[i]))) continue;
        atomicMax(found, (unsigned long long)(count - i));
        return;
    }
}

static unsigned grid(Device *dev, int64_t count)
{
    return blocks_looping(dev, count, THREADS * PACK, PER_PROCESSOR);
}
static int64_t packs_of(Tensor y, Tensor x)
{
    return aligned16(y.data) && aligned16(x.data) ? tensor_count(y) / PACK : 0;
}

template <class T>
static void axpy(Device *dev, Tensor y, float alpha, Tensor x)
{
    const int64_t count = tensor_count(y);
    LAUNCH(dev, axpy_kernel<T>, grid(dev, count), THREADS, 0, (T *)y.data, (const T *)x.data, alpha,
           packs_of(y, x), count);
}

template <class T>
static void fill(Device *dev, Tensor y, float value)
{
    const int64_t count = tensor_count(y);
    LAUNCH(dev, fill_kernel<T>, grid(dev, count), THREADS, 0, (T *)y.data, value, packs_of(y, y),
           count);
}

template <class To, class From>
static void copy_to(Device *dev, Tensor y, Tensor x)
{
    auto kernel = copy_kernel<To, From>;
    const int64_t count = tensor_count(y);
    LAUNCH(dev, kernel, grid(dev, count), THREADS, 0, (To *)y.data, (const From *)x.data,
           packs_of(y, x), count);
}

template <class From>
static void copy(Device *dev, Tensor y, Tensor x)
{
    if (y.dtype == F32)
        copy_to<float, From>(dev, y, x);
    else
        copy_to<bf16, From>(dev, y, x);
}

template <class T>
static void dot(Device *dev, Tensor y, Tensor a, Tensor b)
{
    LAUNCH(dev, dot_kernel<T>, blocks_for(a.dim[0], WARPS), THREADS, 0, f32(y), (const T *)a.data,
           (const T *)b.data, a.dim[0], a.dim[1]);
}

template <class T>
static void scale(Device *dev, Tensor y, Tensor x, Tensor s)
{
    LAUNCH(dev, scale_kernel<T>, blocks_for(x.dim[0], WARPS), THREADS, 0, (T *)y.data,
           (const T *)x.data, f32(s), x.dim[0], x.dim[1]);
}

template <class T>
static void finite(Device *dev, Tensor found, Tensor x)
{
    const int64_t count = tensor_count(x);
    LAUNCH(dev, finite_kernel<T>, grid(dev, count), THREADS, 0, (unsigned long long *)found.data,
           (const T *)x.data, count);
}

void elementwise_axpy_cuda(Device *dev, Tensor y, float alpha, Tensor x)
{
    BY_DTYPE(y.dtype, axpy, dev, y, alpha, x);
}
void elementwise_shift_cuda(Device *dev, Tensor y, Tensor s)
{
    const int64_t count = tensor_count(y);
    LAUNCH(dev, shift_kernel, grid(dev, count), THREADS, 0, f32(y), f32(s), count);
}
void elementwise_log_cuda(Device *dev, Tensor y, Tensor x)
{
    const int64_t count = tensor_count(y);
    LAUNCH(dev, log_kernel, grid(dev, count), THREADS, 0, f32(y), f32(x), count);
}
void elementwise_exp_cuda(Device *dev, Tensor y, Tensor x)
{
    const int64_t count = tensor_count(y);
    LAUNCH(dev, exp_kernel, grid(dev, count), THREADS, 0, f32(y), f32(x), count);
}
void elementwise_fill_cuda(Device *dev, Tensor y, float value)
{
    BY_DTYPE(y.dtype, fill, dev, y, value);
}
void elementwise_copy_cuda(Device *dev, Tensor y, Tensor x) { BY_DTYPE(x.dtype, copy, dev, y, x); }
void elementwise_row_dot_cuda(Device *dev, Tensor y, Tensor a, Tensor b)
{
    BY_DTYPE(a.dtype, dot, dev, y, a, b);
}
void elementwise_row_scale_cuda(Device *dev, Tensor y, Tensor x, Tensor s)
{
    BY_DTYPE(x.dtype, scale, dev, y, x, s);
}
void elementwise_rows_finite_cuda(Device *dev, Tensor found, Tensor x)
{
    if (!device_runs(dev)) return;
    CUDA_CHECK(
        dev, cudaMemsetAsync(found.data, 0, tensor_bytes(found), (cudaStream_t)dev->cuda->compute));
    BY_DTYPE(x.dtype, finite, dev, found, x);
}
