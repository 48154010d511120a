/* SPDX-License-Identifier: Apache-2.0 */
#include "losses/loss.h"

#include <math.h>

#include "base/scratch.h"

enum { CHUNK = 65536 };

static int64_t expect_rows(Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight)
{
    const int64_t rows = q.dim[0];
    EXPECT(loss, F32, rows);
    EXPECT(dq, F32, rows);
    EXPECT(q, F32, rows);
    EXPECT(y, F32, rows);
    EXPECT(weight, F32, rows);
    return rows;
}

void loss_td(Device *dev, Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight, float huber)
{
    const int64_t rows = expect_rows(loss, dq, q, y, weight);
    const float limit = huber > 0.0f ? huber : INFINITY;
    if (ON_CUDA(dev)) {
        loss_td_cuda(dev, loss, dq, q, y, weight, limit);
        return;
    }
    if (!device_runs(dev)) return;

    const float *qs = f32(q), *ys = f32(y), *ws = f32(weight);
    float *losses = f32(loss), *dqs = f32(dq);
#pragma omp parallel for simd num_threads(dev->threads)
    for (int64_t i = 0; i < rows; i++) {
        const float w = ws[i], d = w == 0.0f ? 0.0f : qs[i] - ys[i], size = fabsf(d);
        const float inside = size > limit ? limit : size;
        losses[i] = w * inside * (size - 0.5f * inside);
        dqs[i] = w * copysignf(inside, d);
    }
}

void loss_expectile(Device *dev, Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight,
                    float tau)
{
    const int64_t rows = expect_rows(loss, dq, q, y, weight);
    REQUIRE(tau > 0.0f && tau < 1.0f, "tau is %g, want above 0 and below 1", (double)tau);
    if (ON_CUDA(dev)) {
        loss_expectile_cuda(dev, loss, dq, q, y, weight, tau);
        return;
    }
    if (!device_runs(dev)) return;

    for (int64_t i = 0; i < rows; i++) {
        const float w = f32(weight)[i], d = w == 0.0f ? 0.0f : f32(q)[i] - f32(y)[i];
        const float e = d < 0.0f ? tau : 1.0f - tau;
        f32(loss)[i] = w * e * d * d;
        f32(dq)[i] = w * 2.0f * e * d;
    }
}

void loss_deviance(Device *dev, Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight)
{
    const int64_t rows = expect_rows(loss, dq, q, y, weight);
    if (ON_CUDA(dev)) {
        loss_deviance_cuda(dev, loss, dq, q, y, weight);
        return;
    }
    if (!device_runs(dev)) return;

    for (int64_t i = 0; i < rows; i++) {
        const float w = f32(weight)[i], z = w == 0.0f ? 0.0f : f32(q)[i];
        const float target = w == 0.0f ? 1.0f : f32(y)[i], d = expf(z) - target;
        const float fit = target > 0.0f ? target * (z - logf(target)) : 0.0f;
        f32(loss)[i] = w * (d - fit);
        f32(dq)[i] = w * d;
    }
}

/* ---- Sums ------------------------------------------------------------------------------------ */

static double sum_of(Device *dev, Tensor x)
{
    const int64_t count = tensor_count(x), chunks = (count + CHUNK - 1) / CHUNK;
    const size_t mark = scratch_mark(dev);
    double *sums = SCRATCH(dev, F64, chunks).data;
    if (!scratch_ready(dev, mark)) return 0.0;
#pragma omp parallel for num_threads(dev->threads)
    for (int64_t k = 0; k < chunks; k++) {
        const int64_t last = (k + 1) * CHUNK < count ? (k + 1) * CHUNK : count;
        const float *xs = f32(x);
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (int64_t i = k * CHUNK; i < last; i++) sum += (double)xs[i];
        sums[k] = sum;
    }
    double total = 0.0;
    for (int64_t k = 0; k < chunks; k++) total += sums[k];
    scratch_release(dev, mark);
    return total;
}

void loss_weighted_sum(Device *dev, Tensor sum, Tensor x)
{
    EXPECT(sum, F64, 1);
    tensor_expect(x, "x", __FILE__, __LINE__, F32, x.rank, x.dim);
    if (ON_CUDA(dev)) {
        loss_weighted_sum_cuda(dev, sum, x);
        return;
    }
    const double of_x = sum_of(dev, x);
    if (device_runs(dev)) *(double *)sum.data = of_x;
}

void loss_weighted_sum_add(Device *dev, Tensor total, Tensor x)
{
    EXPECT(total, F32, 1);
    tensor_expect(x, "x", __FILE__, __LINE__, F32, x.rank, x.dim);
    if (ON_CUDA(dev)) {
        loss_weighted_sum_add_cuda(dev, total, x);
        return;
    }
    const double of_x = sum_of(dev, x);
    if (device_runs(dev)) *f32(total) += (float)of_x;
}

/* ---- Means over some tokens ------------------------------------------------------------------ */

void loss_count_targets(Device *dev, Tensor count, Tensor target)
{
    const int64_t rows = target.dim[0];
    EXPECT(count, F64, 1);
    EXPECT(target, I32, rows);
    if (ON_CUDA(dev)) {
        loss_count_targets_cuda(dev, count, target);
        return;
    }
    if (!device_runs(dev)) return;

    int64_t targets = 0;
    for (int64_t i = 0; i < rows; i++) targets += i32(target)[i] >= 0;
    *(double *)count.data = (double)targets;
}

void loss_mean_weights(Device *dev, Tensor weight, Tensor count, Tensor target, double total)
{
    const int64_t rows = target.dim[0];
    EXPECT(weight, F32, rows);
    EXPECT(count, F64, 1);
    EXPECT(target, I32, rows);
    if (ON_CUDA(dev)) {
        loss_mean_weights_cuda(dev, weight, count, target, total);
        return;
    }
    if (!device_runs(dev)) return;

    const float each = (float)(total / *(const double *)count.data);
    for (int64_t i = 0; i < rows; i++) f32(weight)[i] = i32(target)[i] < 0 ? 0.0f : each;
}

void loss_share_weights(Device *dev, Tensor weight, Tensor count, float total)
{
    const int64_t rows = weight.dim[0];
    EXPECT(weight, F32, rows);
    EXPECT(count, F64, 1);
    if (ON_CUDA(dev)) {
        loss_share_weights_cuda(dev, weight, count, total);
        return;
    }
    if (!device_runs(dev)) return;

    const double sum = *(const double *)count.data;
    const float share = sum > 0.0 ? total / (float)sum : 0.0f;
    for (int64_t i = 0; i < rows; i++) f32(weight)[i] *= share;
}

void loss_mask_weights(Device *dev, Tensor weight, Tensor target)
{
    const int64_t rows = target.dim[0];
    EXPECT(weight, F32, rows);
    EXPECT(target, I32, rows);
    if (ON_CUDA(dev)) {
        loss_mask_weights_cuda(dev, weight, target);
        return;
    }
    if (!device_runs(dev)) return;

    for (int64_t i = 0; i < rows; i++)
        if (i32(target)[i] < 0) f32(weight)[i] = 0.0f;
}

void loss_mask_targets(Device *dev, Tensor out, Tensor target, Tensor value)
{
    const int64_t rows = target.dim[0];
    EXPECT(out, I32, rows);
    EXPECT(target, I32, rows);
    EXPECT(value, I32, rows);
    if (ON_CUDA(dev)) {
        loss_mask_targets_cuda(dev, out, target, value);
        return;
    }
    if (!device_runs(dev)) return;

    for (int64_t i = 0; i < rows; i++) i32(out)[i] = i32(target)[i] < 0 ? -1 : i32(value)[i];
}
