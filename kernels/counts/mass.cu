/* SPDX-License-Identifier: Apache-2.0 */
/* The mass of candidates on CUDA: one warp a row. Bound by reading r and item. */
#include "counts/mass.h"

#include "base/cuda/cuda.cuh"

enum { WARPS = 8, THREADS = WARPS * WARP };

/* target NULL: target_score is not wanted. */
static __global__ void mass_kernel(float *mass, float *target_score, const float *r,
                                   const int32_t *item, const int32_t *target, int64_t rows,
                                   int64_t width)
{
    const int64_t i = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    const int lane = (int)threadIdx.x % WARP;
    if (i >= rows) return;
    float max = -INFINITY, sum = 0.0f, hit = -INFINITY;
    for (int64_t j = lane; j < width; j += WARP) {
        const float v = r[i * width + j];
        max = fmaxf(max, v);
        if (target && target[i] >= 0 && item[i * width + j] == target[i]) hit = v;
    }
    max = warp_max(max);
    hit = warp_max(hit);
    for (int64_t j = lane; max > -INFINITY && j < width; j += WARP)
        sum += expf(r[i * width + j] - max);
    sum = warp_sum(sum);
    if (lane > 0) return;
    mass[i] = max > -INFINITY ? max + logf(sum) : max;
    if (target) target_score[i] = hit;
}

typedef struct {
    const float *r, *weight, *logsumexp, *share;
    const int32_t *item, *target;
} MassArrays;

static __global__ void mass_backward_kernel(float *dr, MassArrays a, int64_t rows, int64_t width)
{
    const int64_t n = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (n >= rows * width) return;
    const int64_t i = n / width;
    const int32_t item = a.item[n], target = a.target[i];
    float g = 0.0f;
    if (item >= 0 && target >= 0) {
        g = expf(a.r[n] - a.logsumexp[i]);
        if (item == target) g -= 1.0f - a.share[i];
        g *= a.weight[i];
    }
    dr[n] = g;
}

void counts_mass_cuda(Device *dev, Tensor mass, Tensor target_score, Tensor r, Tensor item,
                      Tensor target)
{
    LAUNCH(dev, mass_kernel, blocks_for(r.dim[0], WARPS), THREADS, 0, f32(mass), f32(target_score),
           f32(r), i32(item), target_score.data ? i32(target) : NULL, r.dim[0], r.dim[1]);
}

void counts_mass_backward_cuda(Device *dev, Tensor dr, const MassLoss *loss)
{
    MassArrays a = {};
    a.r = f32(loss->r);
    a.weight = f32(loss->weight);
    a.logsumexp = f32(loss->logsumexp);
    a.share = f32(loss->share);
    a.item = i32(loss->item);
    a.target = i32(loss->target);
    LAUNCH(dev, mass_backward_kernel, blocks_for(tensor_count(dr), THREADS), THREADS, 0, f32(dr), a,
           dr.dim[0], dr.dim[1]);
}
