#include "adamw.h"

#include <inttypes.h>
#include <math.h>

enum { CHUNK = 65536 };

static const int64_t *i64(Tensor t) { return t.data; }
static double *f64(Tensor t) { return t.data; }

static void check_segments(AdamwSegments s)
{
    const int64_t segments = s.first.dim[0];
    EXPECT(s.first, I64, segments);
    EXPECT(s.count, I64, segments);
    EXPECT(s.decay, F64, segments);
}

Tensor adamw_norm_squared(Tensor control)
{
    return TENSOR((double *)control.data + ADAMW_NORM_SQUARED, F64, 1);
}

void adamw_schedule(Device *dev, Tensor control, double lr, int64_t step, AdamwOptions options)
{
    EXPECT(control, F64, ADAMW_CONTROL);
    REQUIRE(step >= 1, "adamw: step %" PRId64 ", the first is 1", step);
    const double correct1 = 1.0 - pow(options.beta1, (double)step);
    const double correct2 = 1.0 - pow(options.beta2, (double)step);
    if (ON_CUDA(dev)) {
        adamw_schedule_cuda(dev, control, lr, correct1, correct2);
        return;
    }
    f64(control)[ADAMW_LR] = lr;
    f64(control)[ADAMW_CORRECT1] = correct1;
    f64(control)[ADAMW_CORRECT2] = correct2;
}

static void step_segment(Device *dev, float *ps, float *ms, float *vs, const float *gs,
                         int64_t count, double decay, const double *control, AdamwOptions options)
{
    const double norm = sqrt(control[ADAMW_NORM_SQUARED]), lr = control[ADAMW_LR];
    const float scale = options.clip > 0.0 ? (float)fmin(1.0, options.clip / (norm + 1e-6)) : 1.0f;
    const float keep = (float)(1.0 - lr * decay), rate = (float)(lr / control[ADAMW_CORRECT1]);
    const float root = (float)(1.0 / sqrt(control[ADAMW_CORRECT2]));
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
                Tensor control, AdamwOptions options)
{
    const int64_t count = p.dim[0];
    EXPECT(p, F32, count);
    EXPECT(m, F32, count);
    EXPECT(v, F32, count);
    EXPECT(g, F32, count);
    EXPECT(control, F64, ADAMW_CONTROL);
    check_segments(segments);
    if (ON_CUDA(dev)) {
        adamw_step_cuda(dev, p, m, v, g, segments, control, options);
        return;
    }

    if (!isfinite(sqrt(f64(control)[ADAMW_NORM_SQUARED]))) return;
    for (int64_t s = 0; s < segments.first.dim[0]; s++) {
        const int64_t first = i64(segments.first)[s], length = i64(segments.count)[s];
        REQUIRE(first >= 0 && length >= 0 && first + length <= count,
                "adamw: segment %" PRId64 " is %" PRId64 "+%" PRId64 " of %" PRId64, s, first,
                length, count);
        step_segment(dev, f32(p) + first, f32(m) + first, f32(v) + first, f32(g) + first, length,
                     f64(segments.decay)[s], f64(control), options);
    }
}

static double sum_squares(Device *dev, const float *gs, int64_t count)
{
    const int64_t chunks = (count + CHUNK - 1) / CHUNK;
    const size_t mark = scratch_mark(dev);
    double *sums = SCRATCH(dev, F64, chunks).data;
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
    scratch_release(dev, mark);
    return total;
}

void gradient_norm_squared(Device *dev, Tensor sum, Tensor g, AdamwSegments segments)
{
    EXPECT(sum, F64, 1);
    EXPECT(g, F32, g.dim[0]);
    check_segments(segments);
    if (ON_CUDA(dev)) {
        gradient_norm_squared_cuda(dev, sum, g);
        return;
    }

    double total = 0.0;
    for (int64_t s = 0; s < segments.first.dim[0]; s++)
        total += sum_squares(dev, f32(g) + i64(segments.first)[s], i64(segments.count)[s]);
    *f64(sum) = total;
}

void polyak_update(Device *dev, Tensor target, Tensor p, float tau)
{
    const int64_t count = p.dim[0];
    EXPECT(p, F32, count);
    EXPECT(target, F32, count);
    const float keep = (float)(1.0 - (double)tau);
    if (ON_CUDA(dev)) {
        polyak_update_cuda(dev, target, p, keep, tau);
        return;
    }

    float *ts = f32(target);
    const float *ps = f32(p);
#pragma omp parallel for simd num_threads(dev->threads)
    for (int64_t i = 0; i < count; i++) ts[i] = keep * ts[i] + tau * ps[i];
}
