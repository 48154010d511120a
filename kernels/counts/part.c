/* SPDX-License-Identifier: Apache-2.0 */
#include "counts/part.h"

#include <float.h>

static void check(CountsPart c)
{
    const int64_t rows = c.item.dim[0], width = c.item.dim[1];
    EXPECT(c.item, I32, rows, width);
    EXPECT(c.z, F32, rows, width);
    EXPECT(c.s, F32, rows, width);
}

/* ---- Scores ---------------------------------------------------------------------------------- */

static float join(float z, float r)
{
    const float high = fmaxf(z, r), low = fminf(z, r);
    return r == -INFINITY ? z : high + log1pf(expf(low - high));
}

void counts_part_scores(Device *dev, Tensor s, Tensor z, Tensor r)
{
    const int64_t rows = z.dim[0], width = z.dim[1];
    EXPECT(s, F32, rows, width);
    EXPECT(z, F32, rows, width);
    EXPECT(r, F32, rows, width);
    if (ON_CUDA(dev)) {
        counts_part_scores_cuda(dev, s, z, r);
        return;
    }
    if (!device_runs(dev)) return;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < rows * width; i++) f32(s)[i] = join(f32(z)[i], f32(r)[i]);
}

/* s >= z, so that only s - z cancels in s / T + log(1 - exp((z - s) / T)). */
static float cool(float z, float s, float scale)
{
    return s * scale + logf(-expm1f((z - s) * scale));
}

void counts_part_cooled(Device *dev, Tensor r, CountsPart c, float temperature)
{
    const int64_t count = tensor_count(c.item);
    check(c);
    EXPECT(r, F32, c.item.dim[0], c.item.dim[1]);
    if (ON_CUDA(dev)) {
        counts_part_cooled_cuda(dev, r, c, temperature);
        return;
    }
    if (!device_runs(dev)) return;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < count; i++)
        f32(r)[i] =
            i32(c.item)[i] < 0 ? -INFINITY : cool(f32(c.z)[i], f32(c.s)[i], 1.0f / temperature);
}

void counts_part_items(Device *dev, Tensor score, CountsPart c, Tensor wanted)
{
    const int64_t rows = c.item.dim[0], width = c.item.dim[1], columns = score.dim[1];
    check(c);
    EXPECT(score, F32, rows, columns);
    EXPECT(wanted, I32, rows, columns);
    if (ON_CUDA(dev)) {
        counts_part_items_cuda(dev, score, c, wanted);
        return;
    }
    if (!device_runs(dev)) return;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t at = 0; at < rows * columns; at++) {
        const int32_t item = i32(wanted)[at];
        const int64_t first = at / columns * width;
        for (int64_t j = first; item >= 0 && j < first + width; j++)
            if (i32(c.item)[j] == item) f32(score)[at] = f32(c.s)[j];
    }
}

/* ---- Sums and choices ------------------------------------------------------------------------ */

/* Of a row with candidates item, z, s [width]; q [width] may be NULL. */
static RowStats stats_of(const int32_t *item, const float *z, const float *s, const float *q,
                         int64_t width, double scale)
{
    RowStats out = {.max = -FLT_MAX};
    for (int64_t j = 0; j < width; j++)
        if (item[j] >= 0 && (s[j] > out.max || (s[j] == out.max && item[j] < out.argmax)))
            out.max = s[j], out.argmax = item[j];
    for (int64_t j = 0; j < width; j++) {
        if (item[j] < 0) continue;
        const double by_s = exp(((double)s[j] - out.max) * scale);
        const double by_z = exp(((double)z[j] - out.max) * scale);
        const double more = q ? (by_s - by_z) * q[j] : by_s * s[j] - by_z * z[j];
        out.sum += by_s - by_z;
        out.weighted += more;
    }
    return out;
}

void counts_part_stats(Device *dev, Tensor part, CountsPart c, Tensor q, float temperature)
{
    const int64_t rows = c.item.dim[0], width = c.item.dim[1];
    check(c);
    EXPECT(part, U8, rows, (int64_t)sizeof(RowStats));
    if (q.data) EXPECT(q, F32, rows, width);
    if (ON_CUDA(dev)) {
        counts_part_stats_cuda(dev, part, c, q, temperature);
        return;
    }
    if (!device_runs(dev)) return;
    RowStats *out = part.data;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < rows; i++)
        out[i] = stats_of(i32(c.item) + i * width, f32(c.z) + i * width, f32(c.s) + i * width,
                          q.data ? f32(q) + i * width : NULL, width, 1.0 / (double)temperature);
}

void counts_part_allowed(Device *dev, Tensor part, CountsPart c, Tensor q, Tensor top, float ratio)
{
    const int64_t rows = c.item.dim[0], width = c.item.dim[1];
    const float log_ratio = logf(ratio);
    check(c);
    EXPECT(part, U8, rows, (int64_t)sizeof(RowBest));
    EXPECT(q, F32, rows, width);
    EXPECT(top, F32, rows);
    if (ON_CUDA(dev)) {
        counts_part_allowed_cuda(dev, part, c, q, top, log_ratio);
        return;
    }
    if (!device_runs(dev)) return;
    RowBest *out = part.data;
    for (int64_t i = 0; i < rows; i++) {
        RowBest best = {.score = -INFINITY};
        for (int64_t j = i * width; j < (i + 1) * width; j++) {
            if (i32(c.item)[j] < 0 || !(f32(c.s)[j] - f32(top)[i] > log_ratio)) continue;
            if (f32(q)[j] > best.score || (f32(q)[j] == best.score && i32(c.item)[j] < best.item))
                best = (RowBest){f32(q)[j], i32(c.item)[j]};
        }
        out[i] = best;
    }
}

/* ---- The gradient of the entropy ------------------------------------------------------------- */

void counts_part_entropy(Device *dev, Tensor dz, Tensor dr, CountsPart c, CountsEntropy of)
{
    const int64_t rows = c.item.dim[0], width = c.item.dim[1];
    check(c);
    EXPECT(dz, F32, rows, width);
    EXPECT(dr, F32, rows, width);
    EXPECT(of.r, F32, rows, width);
    EXPECT(of.weight, F32, rows);
    EXPECT(of.total, F32, rows);
    EXPECT(of.mean, F32, rows);
    if (ON_CUDA(dev)) {
        counts_part_entropy_cuda(dev, dz, dr, c, of);
        return;
    }
    if (!device_runs(dev)) return;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < rows; i++) {
        const float weight = f32(of.weight)[i], total = f32(of.total)[i], mean = f32(of.mean)[i];
        for (int64_t j = i * width; j < (i + 1) * width; j++) {
            const bool there = i32(c.item)[j] >= 0;
            const float z = f32(c.z)[j], s = f32(c.s)[j];
            f32(dz)[j] = there ? -weight * expf(z - total) * (s - z) : 0.0f;
            f32(dr)[j] = there ? -weight * expf(f32(of.r)[j] - total) * (s - mean) : 0.0f;
        }
    }
}
