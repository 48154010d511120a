/* SPDX-License-Identifier: Apache-2.0 */
/* Sums in a fixed binary tree on CUDA: one thread an element, bound by memory. */
#include "base/tree.h"

#include "base/cuda/cuda.cuh"

enum { THREADS = 256, DEPTH = 32 };

/* The parts come one by one. Subtrees that are complete wait in `open`, the larger ones below: part
 * k completes as many as k has ones at its end. */
template <class T>
static __global__ void __launch_bounds__(THREADS)
    tree_kernel(T *to, const T *part, int64_t parts, int64_t count)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= count) return;
    T open[DEPTH];
    int used = 0;
    for (int64_t k = 0; k < parts; k++) {
        T sum = part[k * count + i];
        for (int64_t bits = k; bits & 1; bits >>= 1) sum = open[--used] + sum;
        open[used++] = sum;
    }
    for (; used > 1; used--) open[used - 2] += open[used - 1];
    to[i] = open[0];
}

template <class T>
static void sum(Device *dev, Tensor to, Tensor part)
{
    const int64_t count = tensor_count(to);
    LAUNCH(dev, tree_kernel<T>, blocks_for(count, THREADS), THREADS, 0, (T *)to.data,
           (const T *)part.data, part.dim[0], count);
}

void tree_sum_cuda(Device *dev, Tensor to, Tensor part)
{
    if (to.dtype == F32)
        sum<float>(dev, to, part);
    else
        sum<double>(dev, to, part);
}
