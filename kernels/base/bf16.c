/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bf16.h"

static Tensor f32_like(Device *dev, Tensor t) { return scratch_tensor(dev, F32, t.rank, t.dim); }

Tensor bf16_widen(Device *dev, Tensor x)
{
    if (!x.data || x.dtype == F32) return x;
    const Tensor wide = f32_like(dev, x);
    const uint16_t *from = x.data;
    float *to = f32(wide);
    const int64_t count = tensor_count(x);
    if (!device_runs(dev)) return wide;
#pragma omp parallel for simd num_threads(dev->threads)
    for (int64_t i = 0; i < count; i++) {
        const uint32_t bits = (uint32_t)from[i] << 16;
        memcpy(to + i, &bits, sizeof bits);
    }
    return wide;
}

Tensor bf16_wide_like(Device *dev, Tensor y) { return y.dtype == F32 ? y : f32_like(dev, y); }

void bf16_round_into(Device *dev, Tensor y, Tensor wide)
{
    if (y.dtype == F32 || !device_runs(dev)) return;
    const float *from = f32(wide);
    uint16_t *to = y.data;
    const int64_t count = tensor_count(y);
#pragma omp parallel for simd num_threads(dev->threads)
    for (int64_t i = 0; i < count; i++) {
        const float x = bf16_rounded(from[i]);
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        to[i] = (uint16_t)(bits >> 16);
    }
}
