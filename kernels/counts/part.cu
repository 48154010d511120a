/* SPDX-License-Identifier: Apache-2.0 */
/* The candidates' part on CUDA: a thread has a candidate, or for sums and choices a row, whose 64
 * candidates it reads in order. Bound by reading the candidates. */
#include "counts/part.h"

#include <float.h>

#include "base/cuda/cuda.cuh"

enum { THREADS = 256 };

static __device__ __forceinline__ int64_t thread_index()
{
    return (int64_t)blockIdx.x * THREADS + threadIdx.x;
}

/* The candidates of all rows. */
typedef struct {
    const int32_t *item;
    const float *z, *s;
    int64_t rows, width;
} Candidates;

static Candidates candidates_of(CountsPart c)
{
    const Candidates to = {i32(c.item), f32(c.z), f32(c.s), c.item.dim[0], c.item.dim[1]};
    return to;
}

static __global__ void scores_kernel(float *s, const float *z, const float *r, int64_t count)
{
    const int64_t i = thread_index();
    if (i >= count) return;
    const float high = fmaxf(z[i], r[i]), low = fminf(z[i], r[i]);
    s[i] = r[i] == -INFINITY ? z[i] : high + log1pf(expf(low - high));
}

static __global__ void cooled_kernel(float *r, Candidates c, float scale)
{
    const int64_t i = thread_index();
    if (i >= c.rows * c.width) return;
    const float cooled = c.s[i] * scale + logf(-expm1f((c.z[i] - c.s[i]) * scale));
    r[i] = c.item[i] < 0 ? -INFINITY : cooled;
}

static __global__ void items_kernel(float *score, Candidates c, const int32_t *wanted,
                                    int64_t columns)
{
    const int64_t at = thread_index();
    if (at >= c.rows * columns || wanted[at] < 0) return;
    const int64_t first = at / columns * c.width;
    for (int64_t j = first; j < first + c.width; j++)
        if (c.item[j] == wanted[at]) score[at] = c.s[j];
}

static __global__ void stats_kernel(RowStats *part, Candidates c, const float *q, double scale)
{
    const int64_t i = thread_index(), first = i * c.width, end = first + c.width;
    if (i >= c.rows) return;
    RowStats out = {};
    out.max = -FLT_MAX;
    for (int64_t j = first; j < end; j++)
        if (c.item[j] >= 0 && (c.s[j] > out.max || (c.s[j] == out.max && c.item[j] < out.argmax)))
            out.max = c.s[j], out.argmax = c.item[j];
    for (int64_t j = first; j < end; j++) {
        if (c.item[j] < 0) continue;
        const double by_s = exp(((double)c.s[j] - out.max) * scale);
        const double by_z = exp(((double)c.z[j] - out.max) * scale);
        out.sum += by_s - by_z;
        out.weighted += q ? (by_s - by_z) * q[j] : by_s * c.s[j] - by_z * c.z[j];
    }
    part[i] = out;
}

static __global__ void allowed_kernel(RowBest *part, Candidates c, const float *q, const float *top,
                                      float log_ratio)
{
    const int64_t i = thread_index();
    if (i >= c.rows) return;
    RowBest best = {};
    best.score = -INFINITY;
    for (int64_t j = i * c.width; j < (i + 1) * c.width; j++) {
        if (c.item[j] < 0 || !(c.s[j] - top[i] > log_ratio)) continue;
        if (q[j] > best.score || (q[j] == best.score && c.item[j] < best.item))
            best.score = q[j], best.item = c.item[j];
    }
    part[i] = best;
}

static __global__ void entropy_kernel(float *dz, float *dr, Candidates c, const float *r,
                                      const float *weight, const float *total, const float *mean)
{
    const int64_t j = thread_index();
    if (j >= c.rows * c.width) return;
    const int64_t i = j / c.width;
    const bool there = c.item[j] >= 0;
    const float z = c.z[j], s = c.s[j];
    dz[j] = there ? -weight[i] * expf(z - total[i]) * (s - z) : 0.0f;
    dr[j] = there ? -weight[i] * expf(r[j] - total[i]) * (s - mean[i]) : 0.0f;
}

void counts_part_scores_cuda(Device *dev, Tensor s, Tensor z, Tensor r)
{
    const int64_t count = tensor_count(z);
    LAUNCH(dev, scores_kernel, blocks_for(count, THREADS), THREADS, 0, f32(s), f32(z), f32(r),
           count);
}

void counts_part_cooled_cuda(Device *dev, Tensor r, CountsPart c, float temperature)
{
    LAUNCH(dev, cooled_kernel, blocks_for(tensor_count(r), THREADS), THREADS, 0, f32(r),
           candidates_of(c), 1.0f / temperature);
}

void counts_part_items_cuda(Device *dev, Tensor score, CountsPart c, Tensor wanted)
{
    LAUNCH(dev, items_kernel, blocks_for(tensor_count(score), THREADS), THREADS, 0, f32(score),
           candidates_of(c), i32(wanted), score.dim[1]);
}

void counts_part_stats_cuda(Device *dev, Tensor part, CountsPart c, Tensor q, float temperature)
{
    LAUNCH(dev, stats_kernel, blocks_for(c.item.dim[0], THREADS), THREADS, 0, (RowStats *)part.data,
           candidates_of(c), f32(q), 1.0 / (double)temperature);
}

void counts_part_allowed_cuda(Device *dev, Tensor part, CountsPart c, Tensor q, Tensor top,
                              float log_ratio)
{
    LAUNCH(dev, allowed_kernel, blocks_for(c.item.dim[0], THREADS), THREADS, 0,
           (RowBest *)part.data, candidates_of(c), f32(q), f32(top), log_ratio);
}

void counts_part_entropy_cuda(Device *dev, Tensor dz, Tensor dr, CountsPart c, CountsEntropy of)
{
    LAUNCH(dev, entropy_kernel, blocks_for(tensor_count(c.item), THREADS), THREADS, 0, f32(dz),
           f32(dr), candidates_of(c), f32(of.r), f32(of.weight), f32(of.total), f32(of.mean));
}
