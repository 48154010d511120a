/* SPDX-License-Identifier: Apache-2.0 */
/* Dropout on CUDA: a thread draws the four words of a counter and applies them to four elements, in
 * a loop over the grid. Bound by memory. The masks have the same bits as on the CPU.
 */
#include "dropout.cuh"

enum { THREADS = 256, PER_PROCESSOR = 8, WORDS = 4 };

template <class T>
static __global__ void dropout_kernel(T *y, const T *x, const T *residual, int64_t count,
                                      DropoutMask mask, bool packed)
{
    const int64_t threads = (int64_t)gridDim.x * blockDim.x;
    const uint64_t counter = dropout_counter(mask);
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i * WORDS < count;
         i += threads) {
        const int64_t first = i * WORDS;
        float f[WORDS], v[WORDS], r[WORDS] = {};
        dropout_factors(f, mask, counter, first);
        if (packed && first + WORDS <= count) {
            load(v, x + first);
            if (residual) load(r, residual + first);
#pragma unroll
            for (int k = 0; k < WORDS; k++) v[k] = r[k] + dropout_apply(f[k], v[k]);
            store(y + first, v);
            continue;
        }
        for (int k = 0; k < WORDS && first + k < count; k++) {
            const float kept = dropout_apply(f[k], to_float(x[first + k]));
            from_float(y[first + k], residual ? to_float(residual[first + k]) + kept : kept);
        }
    }
}

template <class T>
static void apply(Device *dev, Tensor y, Tensor x, Tensor residual, const Dropout &d)
{
    const int64_t count = tensor_count(x);
    const bool packed = aligned16(x.data) && aligned16(y.data) && aligned16(residual.data);
    LAUNCH(dev, dropout_kernel<T>, blocks_looping(dev, count, THREADS * WORDS, PER_PROCESSOR),
           THREADS, 0, (T *)y.data, (const T *)x.data, (const T *)residual.data, count,
           dropout_mask(&d), packed);
}

void dropout_cuda(Device *dev, Tensor y, Tensor x, Tensor residual, Dropout d)
{
    BY_DTYPE(x.dtype, apply, dev, y, x, residual, d);
}
