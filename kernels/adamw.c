#include "adamw.h"

#include <inttypes.h>
#include <math.h>

enum { CHUNK = 65536 };

void adamw_step(Device *dev, Tensor p, Tensor m, Tensor v, Tensor g, AdamwOptions options)
{
    const int64_t count = p.dim[0];
    EXPECT(p, F32, count);
    EXPECT(m, F32, count);
    EXPECT(v, F32, count);
    EXPECT(g, F32, count);
    REQUIRE(options.step >= 1, "adamw: step %" PRId64 ", the first is 1", options.step);

    const double correct1 = 1.0 - pow(options.beta1, (double)options.step);
    const double correct2 = 1.0 - pow(options.beta2, (double)options.step);
    const float keep = (float)(1.0 - options.lr * options.decay), scale = (float)options.scale;
    const float rate = (float)(options.lr / correct1), root = (float)(1.0 / sqrt(correct2));
    const float beta1 = (float)options.beta1, rest1 = (float)(1.0 - options.beta1);
    const float beta2 = (float)options.beta2, rest2 = (float)(1.0 - options.beta2);
    const float eps = (float)options.eps;
    float *ps = f32(p), *ms = f32(m), *vs = f32(v);
    const float *gs = f32(g);
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

double gradient_norm_squared(Device *dev, Tensor g)
{
    const int64_t count = g.dim[0], chunks = (count + CHUNK - 1) / CHUNK;
    EXPECT(g, F32, count);
    const size_t mark = scratch_mark(dev);
    double *sums = SCRATCH(dev, U8, chunks, sizeof(double)).data;
#pragma omp parallel for num_threads(dev->threads)
    for (int64_t k = 0; k < chunks; k++) {
        const int64_t last = (k + 1) * CHUNK < count ? (k + 1) * CHUNK : count;
        const float *gs = f32(g);
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

void polyak_update(Device *dev, Tensor target, Tensor p, float tau)
{
    const int64_t count = p.dim[0];
    EXPECT(p, F32, count);
    EXPECT(target, F32, count);

    const float keep = (float)(1.0 - (double)tau);
    float *ts = f32(target);
    const float *ps = f32(p);
#pragma omp parallel for simd num_threads(dev->threads)
    for (int64_t i = 0; i < count; i++) ts[i] = keep * ts[i] + tau * ps[i];
}
