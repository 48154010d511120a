/* Dropout on CUDA: one thread draws the four words of a counter and applies them to four elements.
 * Bound by memory; the masks are those of the CPU, bit for bit.
 */
#include "dropout.h"

#include "base/cuda.cuh"
#include "base/rng.h"

enum { THREADS = 256, PER_PROCESSOR = 8, WORDS = 4 };

template <class T>
static __global__ void dropout_kernel(T *y, const T *x, const T *residual, int64_t count,
                                      float rate, float factor, uint64_t seed, int64_t site,
                                      const int64_t *step, bool packed)
{
    const int64_t threads = (int64_t)gridDim.x * blockDim.x;
    uint64_t counter_high = 0;
    if (rate > 0.0f) {
        device_require(*step >= 0 && *step < (int64_t)1 << 48);
        counter_high = (uint64_t)*step << 16 | (uint64_t)site;
    }
    for (int64_t i = (int64_t)blockIdx.x * blockDim.x + threadIdx.x; i * WORDS < count;
         i += threads) {
        float factors[WORDS] = {1.0f, 1.0f, 1.0f, 1.0f}, v[WORDS], r[WORDS] = {};
        if (rate > 0.0f) {
            const Philox p = philox(seed, counter_high, (uint64_t)i);
#pragma unroll
            for (int k = 0; k < WORDS; k++)
                factors[k] = philox_uniform(p.word[k]) >= rate ? factor : 0.0f;
        }
        const int64_t first = i * WORDS;
        if (packed && first + WORDS <= count) {
            load(v, x + first);
            if (residual) load(r, residual + first);
#pragma unroll
            for (int k = 0; k < WORDS; k++)
                v[k] = r[k] + (factors[k] == 0.0f ? 0.0f : factors[k] * v[k]);
            store(y + first, v);
            continue;
        }
        for (int k = 0; k < WORDS && first + k < count; k++) {
            const float kept = factors[k] == 0.0f ? 0.0f : factors[k] * to_float(x[first + k]);
            from_float(y[first + k], residual ? to_float(residual[first + k]) + kept : kept);
        }
    }
}

template <class T>
static void apply(Device *dev, Tensor y, Tensor x, Tensor residual, float rate, float factor,
                  uint64_t seed, int64_t site, Tensor step)
{
    const int64_t count = tensor_count(x);
    const bool packed = aligned16(x.data) && aligned16(y.data) && aligned16(residual.data);
    LAUNCH(dev, dropout_kernel<T>, blocks_looping(dev, count, THREADS * WORDS, PER_PROCESSOR),
           THREADS, 0, (T *)y.data, (const T *)x.data, (const T *)residual.data, count, rate,
           factor, seed, site, (const int64_t *)step.data, packed);
}

void dropout_cuda(Device *dev, Tensor y, Tensor x, Tensor residual, float rate, float factor,
                  uint64_t seed, int64_t site, Tensor step)
{
    BY_DTYPE(x.dtype, apply, dev, y, x, residual, rate, factor, seed, site, step);
}
