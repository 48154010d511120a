/* SPDX-License-Identifier: Apache-2.0 */
#include "counts/mass.h"

#include <math.h>

#include "base/scratch.h"
#include "base/vecmath.h"

/* log sum_j exp r[j], with the sum relative to the maximum. */
static float row_mass(const float *r, int64_t width)
{
    float max = -INFINITY, sum = 0.0f;
#pragma omp simd reduction(max : max)
    for (int64_t j = 0; j < width; j++) max = r[j] > max ? r[j] : max;
    if (max == -INFINITY) return max;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < width; j++) sum += vec_expf(r[j] - max);
    return (float)((double)max + log((double)sum));
}

static float score_of(const float *r, const int32_t *item, int64_t width, int32_t target)
{
    for (int64_t j = 0; target >= 0 && j < width; j++)
        if (item[j] == target) return r[j];
    return -INFINITY;
}

void counts_mass(Device *dev, Tensor mass, Tensor target_score, Tensor r, Tensor item,
                 Tensor target)
{
    const int64_t rows = r.dim[0], width = r.dim[1];
    EXPECT(r, F32, rows, width);
    EXPECT(item, I32, rows, width);
    EXPECT(mass, F32, rows);
    if (target_score.data) {
        EXPECT(target_score, F32, rows);
        EXPECT(target, I32, rows);
    }
    if (ON_CUDA(dev)) {
        counts_mass_cuda(dev, mass, target_score, r, item, target);
        return;
    }
    if (!device_runs(dev)) return;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < rows; i++) {
        f32(mass)[i] = row_mass(f32(r) + i * width, width);
        if (target_score.data)
            f32(target_score)[i] =
                score_of(f32(r) + i * width, i32(item) + i * width, width, i32(target)[i]);
    }
}

void counts_mass_backward(Device *dev, Tensor dr, const MassLoss *loss)
{
    const int64_t rows = dr.dim[0], width = dr.dim[1];
    EXPECT(dr, F32, rows, width);
    EXPECT(loss->r, F32, rows, width);
    EXPECT(loss->item, I32, rows, width);
    EXPECT(loss->target, I32, rows);
    EXPECT(loss->weight, F32, rows);
    EXPECT(loss->logsumexp, F32, rows);
    EXPECT(loss->share, F32, rows);
    if (ON_CUDA(dev)) {
        counts_mass_backward_cuda(dev, dr, loss);
        return;
    }
    if (!device_runs(dev)) return;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < rows; i++) {
        const float *r = f32(loss->r) + i * width;
        const int32_t *item = i32(loss->item) + i * width, target = i32(loss->target)[i];
        const float weight = target < 0 ? 0.0f : f32(loss->weight)[i];
        const float logsumexp = f32(loss->logsumexp)[i], rest = 1.0f - f32(loss->share)[i];
        float *to = f32(dr) + i * width;
#pragma omp simd
        for (int64_t j = 0; j < width; j++) {
            const float g = vec_expf(r[j] - logsumexp) - (item[j] == target ? rest : 0.0f);
            to[j] = item[j] < 0 || target < 0 ? 0.0f : weight * g;
        }
    }
}
