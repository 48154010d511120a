/* SPDX-License-Identifier: Apache-2.0 */
#include "rope.h"

#include "base/bf16.h"

#include <inttypes.h>
#include <math.h>

/* table[p] = the cosines of the angles at position p, then their sines times the direction. */
static void fill_table(Device *dev, Tensor table, double theta, int direction)
{
    const int64_t positions = table.dim[0], half = table.dim[1] / 2;
#pragma omp parallel for num_threads(dev->threads)
    for (int64_t i = 0; i < half; i++) {
        const double frequency = pow(theta, -(double)i / (double)half);
        for (int64_t p = 0; p < positions; p++) {
            float *row = f32(table) + p * 2 * half;
            row[i] = (float)cos((double)p * frequency);
            row[half + i] = (float)(direction * sin((double)p * frequency));
        }
    }
}

static void rotate(float *x, const float *cosine, const float *sine, int64_t half)
{
#pragma omp simd
    for (int64_t i = 0; i < half; i++) {
        const float a = x[i], b = x[i + half];
        x[i] = a * cosine[i] - b * sine[i];
        x[i + half] = b * cosine[i] + a * sine[i];
    }
}

void rope(Device *dev, Tensor qkv, Tensor position, int64_t heads, int64_t positions, double theta,
          int direction)
{
    const int64_t tokens = qkv.dim[0], width = qkv.dim[1], head_dim = width / 3 / heads;
    EXPECT(qkv, activation_dtype(qkv), tokens, 3 * heads * head_dim);
    EXPECT(position, I32, tokens);
    REQUIRE(head_dim % 2 == 0, "rope: head_dim %" PRId64 ", want an even number", head_dim);
    REQUIRE(direction == 1 || direction == -1, "rope: direction %d, want 1 or -1", direction);

    if (ON_CUDA(dev)) {
        rope_cuda(dev, qkv, position, heads, theta, direction);
        return;
    }

    const size_t mark = scratch_mark(dev);
    const Tensor table = SCRATCH(dev, F32, positions, head_dim), turned = bf16_widen(dev, qkv);
    if (!scratch_ready(dev, mark)) return;
    for (int64_t t = 0; t < tokens; t++)
        REQUIRE(i32(position)[t] >= 0 && i32(position)[t] < positions,
                "rope: position[%" PRId64 "] = %d, want 0 to below %" PRId64, t, i32(position)[t],
                positions);
    fill_table(dev, table, theta, direction);
#pragma omp parallel for num_threads(dev->threads)
    for (int64_t t = 0; t < tokens; t++) {
        const float *row = f32(table) + i32(position)[t] * head_dim;
        for (int64_t h = 0; h < 2 * heads; h++)
            rotate(f32(turned) + t * width + h * head_dim, row, row + head_dim / 2, head_dim / 2);
    }
    bf16_round_into(dev, qkv, turned);
    scratch_release(dev, mark);
}
