/* SPDX-License-Identifier: Apache-2.0 */
/* The gated unit on CUDA: threads loop over the grid and take 16 bytes of gate and of up at a time
 * where ff and the alignment allow. Bound by memory.
 */
#include "swiglu.h"

#include "base/cuda/cuda.cuh"

enum { THREADS = 256, PER_PROCESSOR = 8 };

static __device__ __forceinline__ float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

template <class T, int N>
static __global__ void forward_kernel(T *y, const T *gate_up, int64_t packs, int64_t ff)
{
    const int64_t row_packs = ff / N, step = (int64_t)gridDim.x * blockDim.x;
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < packs; i += step) {
        const int64_t row = i / row_packs, c = i % row_packs * N;
        float gate[N], up[N];
        load(gate, gate_up + row * 2 * ff + c);
        load(up, gate_up + row * 2 * ff + ff + c);
#pragma unroll
        for (int k = 0; k < N; k++) up[k] *= gate[k] * sigmoid(gate[k]);
        store(y + i * N, up);
    }
}

template <class T, int N>
static __global__ void backward_kernel(T *dgate_up, const T *dy, const T *gate_up, int64_t packs,
                                       int64_t ff)
{
    const int64_t row_packs = ff / N, step = (int64_t)gridDim.x * blockDim.x;
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i < packs; i += step) {
        const int64_t at = i / row_packs * 2 * ff + i % row_packs * N;
        float gate[N], up[N], d[N];
        load(gate, gate_up + at);
        load(up, gate_up + at + ff);
        load(d, dy + i * N);
#pragma unroll
        for (int k = 0; k < N; k++) {
            const float g = gate[k], s = sigmoid(g);
            gate[k] = d[k] * up[k] * (s * (1.0f + g * (1.0f - s)));
            up[k] = d[k] * (g * s);
        }
        store(dgate_up + at, gate);
        store(dgate_up + at + ff, up);
    }
}

template <class T>
static bool wide(Tensor y, Tensor gate_up, Tensor dgate_up)
{
    return y.dim[1] % Wide<T>::N == 0 && aligned16(y.data) && aligned16(gate_up.data) &&
           aligned16(dgate_up.data);
}

template <class T>
static void forward(Device *dev, Tensor y, Tensor gate_up)
{
    const bool by16 = wide<T>(y, gate_up, gate_up);
    const int64_t packs = tensor_count(y) / (by16 ? (int)Wide<T>::N : 1);
    auto kernel = by16 ? forward_kernel<T, Wide<T>::N> : forward_kernel<T, 1>;
    LAUNCH(dev, kernel, blocks_looping(dev, packs, THREADS, PER_PROCESSOR), THREADS, 0, (T *)y.data,
           (const T *)gate_up.data, packs, y.dim[1]);
}

template <class T>
static void backward(Device *dev, Tensor dgate_up, Tensor dy, Tensor gate_up)
{
    const bool by16 = wide<T>(dy, gate_up, dgate_up);
    const int64_t packs = tensor_count(dy) / (by16 ? (int)Wide<T>::N : 1);
    auto kernel = by16 ? backward_kernel<T, Wide<T>::N> : backward_kernel<T, 1>;
    LAUNCH(dev, kernel, blocks_looping(dev, packs, THREADS, PER_PROCESSOR), THREADS, 0,
           (T *)dgate_up.data, (const T *)dy.data, (const T *)gate_up.data, packs, dy.dim[1]);
}

void swiglu_forward_cuda(Device *dev, Tensor y, Tensor gate_up)
{
    BY_DTYPE(y.dtype, forward, dev, y, gate_up);
}

void swiglu_backward_cuda(Device *dev, Tensor dgate_up, Tensor dy, Tensor gate_up)
{
    BY_DTYPE(dy.dtype, backward, dev, dgate_up, dy, gate_up);
}
