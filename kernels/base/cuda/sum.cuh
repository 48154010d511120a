/* SPDX-License-Identifier: Apache-2.0 */
/* Sums of whole tensors on CUDA, in double. Each block sums a chunk, then one block adds the sums
 * of the chunks. The order of additions follows from the size alone, so the bits are the same in
 * every run and on every GPU. Bound by reading the tensor. Used by .cu files.
 */
#ifndef SOUK_SUM_CUH
#define SOUK_SUM_CUH

#include "base/cuda/cuda.cuh"

enum { SUM_THREADS = 256, SUM_CHUNK = 8192 };

template <bool SQUARES>
static __global__ void sum_chunks_kernel(double *part, const float *x, int64_t count)
{
    const int64_t first = (int64_t)blockIdx.x * SUM_CHUNK;
    const int64_t last = first + SUM_CHUNK < count ? first + SUM_CHUNK : count;
    double sum = 0.0;
    for (int64_t i = first + threadIdx.x; i < last; i += SUM_THREADS) {
        const double v = (double)x[i];
        sum += SQUARES ? v * v : v;
    }
    sum = block_sum<SUM_THREADS>(sum);
    if (threadIdx.x == 0) part[blockIdx.x] = sum;
}

/* *total = the sum, or *added += the sum rounded to f32. One of the two pointers is NULL. */
static __global__ void sum_parts_kernel(double *total, float *added, const double *part,
                                        int64_t parts)
{
    double sum = 0.0;
    for (int64_t i = threadIdx.x; i < parts; i += SUM_THREADS) sum += part[i];
    sum = block_sum<SUM_THREADS>(sum);
    if (threadIdx.x > 0) return;
    if (total)
        *total = sum;
    else
        *added += (float)sum;
}

/* *total = or *added += the sum of x, or of its squares. Scratch: 8 bytes for every 8192
 * elements. */
template <bool SQUARES>
static void cuda_sum(Device *dev, double *total, float *added, const float *x, int64_t count)
{
    const int64_t parts = ceil_div(count, SUM_CHUNK), shape[] = {parts};
    const size_t mark = scratch_mark(dev);
    double *part = (double *)scratch_tensor(dev, F64, 1, shape).data;
    LAUNCH(dev, sum_chunks_kernel<SQUARES>, blocks_for(count, SUM_CHUNK), SUM_THREADS, 0, part, x,
           count);
    LAUNCH(dev, sum_parts_kernel, 1, SUM_THREADS, 0, total, added, part, parts);
    scratch_release(dev, mark);
}

#endif
