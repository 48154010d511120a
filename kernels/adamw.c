/* SPDX-License-Identifier: Apache-2.0 */
#include "adamw.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>

#include "base/scratch.h"

enum { CHUNK = 65536 };

static const int64_t *i64(Tensor t) { return t.data; }
static double *f64(Tensor t) { return t.data; }

static void check_segments(AdamwSegments s)
{
    const int64_t segments = s.first.dim[0];
    EXPECT(s.first, I64, segments);
    EXPECT(s.count, I64, segments);
    EXPECT(s.decay, F64, segments);
    EXPECT(s.rate, F64, segments);
}

Tensor adamw_norm_squared(Tensor state) { return TENSOR(f64(state) + ADAMW_NORM_SQUARED, F64, 1); }

void adamw_schedule(double schedule[ADAMW_SCHEDULE], double lr, int64_t step, double tau,
                    AdamwOptions options)
{
    REQUIRE(step >= 1, "adamw: step %" PRId64 ", want 1 or more", step);
    REQUIRE(tau >= 0.0 && tau <= 1.0, "adamw: tau %g, want [0, 1]", tau);
    schedule[ADAMW_LR] = lr;
    schedule[ADAMW_CORRECT1] = 1.0 - pow(options.beta1, (double)step);
    schedule[ADAMW_CORRECT2] = 1.0 - pow(options.beta2, (double)step);
    schedule[ADAMW_TAU] = tau;
}

void adamw_check(Device *dev, Tensor state, Tensor losses)
{
    EXPECT(state, F64, ADAMW_STATE);
    tensor_expect(losses, "losses", __FILE__, __LINE__, F64, losses.rank, losses.dim);
    if (ON_CUDA(dev)) {
        adamw_check_cuda(dev, state, losses);
        return;
    }
    if (!device_runs(dev)) return;
    bool finite = isfinite(f64(state)[ADAMW_NORM_SQUARED]);
    for (int64_t i = 0; i < tensor_count(losses); i++) finite &= (bool)isfinite(f64(losses)[i]);
    if (!finite) f64(state)[ADAMW_STOP] = 1.0;
}

static void step_segment(Device *dev, float *ps, float *ms, float *vs, const float *gs,
                         int64_t count, double decay, double factor, const double *schedule,
                         double norm, AdamwOptions options)
{
    const double lr = schedule[ADAMW_LR];
    const float scale = options.clip > 0.0 ? (float)fmin(1.0, options.clip / (norm + 1e-6)) : 1.0f;
    const float keep = (float)(1.0 - lr * factor * decay);
    const float rate = (float)(lr / schedule[ADAMW_CORRECT1]) * (float)factor;
    const float root = (float)(1.0 / sqrt(schedule[ADAMW_CORRECT2]));
    const float beta1 = (float)options.beta1, rest1 = (float)(1.0 - options.beta1);
    const float beta2 = (float)options.beta2, rest2 = (float)(1.0 - options.beta2);
    const float eps = (float)options.eps;
#pragma omp parallel for simd num_threads(dev->threads)
    for (int64_t i = 0; i < count; i++) {
        const float slope = scale * gs[i];
        const float mean = beta1 * ms[i] + rest1 * slope;
        const float square = beta2 * vs[i] + rest2 * (slope * slope);
        ms[i] = mean;
        vs[i] = square;
        ps[i] = keep * ps[i] - rate * mean / (sqrtf(square) * root + eps);
    }
}

void adamw_step(Device *dev, Tensor p, Tensor m, Tensor v, Tensor g, AdamwSegments segments,
                Tensor schedule, Tensor state, AdamwOptions options)
{
    const int64_t count = p.dim[0];
    EXPECT(p, F32, count);
    EXPECT(m, F32, count);
    EXPECT(v, F32, count);
    EXPECT(g, F32, count);
    EXPECT(schedule, F64, ADAMW_SCHEDULE);
    EXPECT(state, F64, ADAMW_STATE);
    check_segments(segments);
    if (ON_CUDA(dev)) {
        adamw_step_cuda(dev, p, m, v, g, segments, schedule, state, options);
        return;
    }
    if (!device_runs(dev)) return;

    if (f64(state)[ADAMW_STOP] != 0.0) return;
    const double norm = sqrt(f64(state)[ADAMW_NORM_SQUARED]);
    for (int64_t s = 0; s < segments.first.dim[0]; s++) {
        const int64_t first = i64(segments.first)[s], length = i64(segments.count)[s];
        REQUIRE(first >= 0 && length >= 0 && first + length <= count,
                "adamw: segment %" PRId64 " begins at %" PRId64 " and has %" PRId64
                " elements, want it within %" PRId64,
                s, first, length, count);
        step_segment(dev, f32(p) + first, f32(m) + first, f32(v) + first, f32(g) + first, length,
                     f64(segments.decay)[s], f64(segments.rate)[s], f64(schedule), norm, options);
    }
}

static int64_t chunks_of(int64_t count) { return (count + CHUNK - 1) / CHUNK; }

/* sums [chunks_of(count)] */
static double sum_squares(Device *dev, double *sums, const float *gs, int64_t count)
{
    const int64_t chunks = chunks_of(count);
#pragma omp parallel for num_threads(dev->threads)
    for (int64_t k = 0; k < chunks; k++) {
        const int64_t last = (k + 1) * CHUNK < count ? (k + 1) * CHUNK : count;
        double sum = 0.0;
#pragma omp simd reduction(+ : sum)
        for (int64_t i = k * CHUNK; i < last; i++) sum += (double)gs[i] * gs[i];
        sums[k] = sum;
    }
    double total = 0.0;
    for (int64_t k = 0; k < chunks; k++) total += sums[k];
    return total;
}

void adamw_gradient_norm_squared(Device *dev, Tensor sum, Tensor g, AdamwSegments segments)
{
    EXPECT(sum, F64, 1);
    EXPECT(g, F32, g.dim[0]);
    check_segments(segments);
    if (ON_CUDA(dev)) {
        adamw_gradient_norm_squared_cuda(dev, sum, g);
        return;
    }

    const size_t mark = scratch_mark(dev);
    double *sums = SCRATCH(dev, F64, chunks_of(g.dim[0])).data, total = 0.0;
    if (!scratch_ready(dev, mark)) return;
    for (int64_t s = 0; s < segments.first.dim[0]; s++)
        total += sum_squares(dev, sums, f32(g) + i64(segments.first)[s], i64(segments.count)[s]);
    *f64(sum) = total;
    scratch_release(dev, mark);
}

void adamw_polyak(Device *dev, Tensor target, Tensor p, Tensor schedule, Tensor state)
{
    const int64_t count = p.dim[0];
    EXPECT(p, F32, count);
    EXPECT(target, F32, count);
    EXPECT(schedule, F64, ADAMW_SCHEDULE);
    EXPECT(state, F64, ADAMW_STATE);
    if (ON_CUDA(dev)) {
        adamw_polyak_cuda(dev, target, p, schedule, state);
        return;
    }
    if (!device_runs(dev)) return;

    const float tau = (float)f64(schedule)[ADAMW_TAU], keep = (float)(1.0 - (double)tau);
    float *ts = f32(target);
    const float *ps = f32(p);
    if (f64(state)[ADAMW_STOP] != 0.0 || tau == 0.0f) return;
#pragma omp parallel for simd num_threads(dev->threads)
    for (int64_t i = 0; i < count; i++) ts[i] = tau == 1.0f ? ps[i] : keep * ts[i] + tau * ps[i];
}
