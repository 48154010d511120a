/* SPDX-License-Identifier: Apache-2.0 */
#include "swiglu.h"

#include "base/bf16.h"
#include "base/vecmath.h"

static void forward_row(float *restrict y, const float *gate, const float *up, int64_t ff)
{
#pragma omp simd
    for (int64_t c = 0; c < ff; c++) y[c] = gate[c] * vec_sigmoidf(gate[c]) * up[c];
}

static void backward_row(float *dgate, float *dup, const float *dy, const float *gate,
                         const float *up, int64_t ff)
{
#pragma omp simd
    for (int64_t c = 0; c < ff; c++) {
        const float g = gate[c], u = up[c], s = vec_sigmoidf(g);
        dgate[c] = dy[c] * u * (s * (1.0f + g * (1.0f - s)));
        dup[c] = dy[c] * (g * s);
    }
}

void swiglu_forward(Device *dev, Tensor y, Tensor gate_up)
{
    const int64_t rows = y.dim[0], ff = y.dim[1];
    EXPECT(y, activation_dtype(y), rows, ff);
    EXPECT(gate_up, y.dtype, rows, 2 * ff);
    if (ON_CUDA(dev)) {
        swiglu_forward_cuda(dev, y, gate_up);
        return;
    }

    const size_t mark = scratch_mark(dev);
    const Tensor from = bf16_widen(dev, gate_up), to = bf16_wide_like(dev, y);
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for num_threads(dev->threads)
    for (int64_t r = 0; r < rows; r++) {
        const float *gate = f32(from) + r * 2 * ff;
        forward_row(f32(to) + r * ff, gate, gate + ff, ff);
    }
    bf16_round_into(dev, y, to);
    scratch_release(dev, mark);
}

void swiglu_backward(Device *dev, Tensor dgate_up, Tensor dy, Tensor gate_up)
{
    const int64_t rows = dy.dim[0], ff = dy.dim[1];
    EXPECT(dy, activation_dtype(dy), rows, ff);
    EXPECT(gate_up, dy.dtype, rows, 2 * ff);
    EXPECT(dgate_up, dy.dtype, rows, 2 * ff);
    if (ON_CUDA(dev)) {
        swiglu_backward_cuda(dev, dgate_up, dy, gate_up);
        return;
    }

    const size_t mark = scratch_mark(dev);
    const Tensor from = bf16_widen(dev, gate_up), slope = bf16_widen(dev, dy),
                 to = bf16_wide_like(dev, dgate_up);
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for num_threads(dev->threads)
    for (int64_t r = 0; r < rows; r++) {
        const float *gate = f32(from) + r * 2 * ff;
        float *dgate = f32(to) + r * 2 * ff;
        backward_row(dgate, dgate + ff, f32(slope) + r * ff, gate, gate + ff, ff);
    }
    bf16_round_into(dev, dgate_up, to);
    scratch_release(dev, mark);
}
