#include "loss.h"

#include <math.h>

enum { CHUNK = 65536 };

void td_loss(Device *dev, Tensor loss, Tensor dq, Tensor q, Tensor y, Tensor weight, float huber)
{
    const int64_t rows = q.dim[0];
    EXPECT(loss, F32, rows);
    EXPECT(dq, F32, rows);
    EXPECT(q, F32, rows);
    EXPECT(y, F32, rows);
    EXPECT(weight, F32, rows);

    const float *qs = f32(q), *ys = f32(y), *ws = f32(weight);
    float *losses = f32(loss), *dqs = f32(dq);
    const float limit = huber > 0.0f ? huber : INFINITY;
#pragma omp parallel for simd num_threads(dev->threads)
    for (int64_t i = 0; i < rows; i++) {
        const float w = ws[i], d = w == 0.0f ? 0.0f : qs[i] - ys[i], size = fabsf(d);
        const float inside = size > limit ? limit : size;
        losses[i] = w * inside * (size - 0.5f * inside);
        dqs[i] = w * copysignf(inside, d);
    }
}

double weighted_sum(Device *dev, Tensor x)
{
    const int64_t count = tensor_count(x), chunks = (count + CHUNK - 1) / CHUNK;
    tensor_expect(x, "x", __FILE__, __LINE__, F32, x.rank, x.dim);
    const size_t mark = scratch_mark(dev);
    double *sums = SCRATCH(dev, U8, chunks, sizeof(double)).data;
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
