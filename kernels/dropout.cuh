/* SPDX-License-Identifier: Apache-2.0 */
/* The masks of dropout.h on CUDA, for the kernels that apply them. */
#ifndef SOUK_DROPOUT_CUH
#define SOUK_DROPOUT_CUH

#include "base/cuda/cuda.cuh"
#include "base/rng.h"
#include "dropout.h"

/* A dropout as kernels take it, by value; `step` is read on the device. */
typedef struct {
    float rate, factor;
    uint64_t seed;
    int64_t site;
    const int64_t *step;
} DropoutMask;

static inline DropoutMask dropout_mask(const Dropout *d)
{
    DropoutMask m = {};
    m.rate = d->rate;
    m.factor = dropout_factor(d);
    m.seed = d->seed;
    m.site = d->site;
    m.step = (const int64_t *)d->step.data;
    return m;
}

/* The high word of the counters. A thread calls it once: it reads the step from memory. */
static __device__ __forceinline__ uint64_t dropout_counter(const DropoutMask &m)
{
    if (m.rate == 0.0f) return 0;
    device_require(*m.step >= 0 && *m.step < (int64_t)1 << 48);
    return (uint64_t)*m.step << 16 | (uint64_t)m.site;
}

/* Factors of elements first .. first + N - 1. Either N and `first` are multiples of 4, or N is
 * 1. */
template <int N>
static __device__ __forceinline__ void dropout_factors(float (&f)[N], const DropoutMask &m,
                                                       uint64_t counter, int64_t first)
{
#pragma unroll
    for (int i = 0; i < N; i++) f[i] = 1.0f;
    if (m.rate == 0.0f) return;
#pragma unroll
    for (int i = 0; i < N; i += 4) {
        const Philox p = philox(m.seed, counter, (uint64_t)(first + i) / 4);
#pragma unroll
        for (int k = 0; k < 4; k++) {
            const float factor = philox_uniform(p.word[k]) >= m.rate ? m.factor : 0.0f;
            if (N > 1)
                f[i + k] = factor;
            else if (first % 4 == k)
                f[0] = factor;
        }
    }
}

/* The product factor * v. It is 0 for a dropped element, even where v is not finite. */
static __device__ __forceinline__ float dropout_apply(float factor, float v)
{
    return factor == 0.0f ? 0.0f : factor * v;
}

#endif
