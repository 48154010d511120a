/* SPDX-License-Identifier: Apache-2.0 */
#include "dropout.h"

#include "base/bf16.h"
#include "base/rng.h"

#include <inttypes.h>
#include <stdbool.h>

enum { COUNTERS = 16, BLOCK = 4 * COUNTERS };

typedef struct {
    uint64_t seed, counter_high;
    float rate, factor;
} Mask;

/* The words of elements 64 block .. 64 block + 63. Sixteen counters at once, because Philox is the
 * cost and the compiler runs them in one vector. */
static void draw(uint32_t *word, const Mask *mask, int64_t block)
{
#pragma omp simd
    for (int l = 0; l < COUNTERS; l++) {
        const Philox p =
            philox(mask->seed, mask->counter_high, (uint64_t)block * COUNTERS + (uint64_t)l);
        word[4 * l] = p.word[0];
        word[4 * l + 1] = p.word[1];
        word[4 * l + 2] = p.word[2];
        word[4 * l + 3] = p.word[3];
    }
}

static void apply(Device *dev, float *y, const float *x, const float *residual, int64_t count,
                  const Mask *mask)
{
#pragma omp parallel for num_threads(dev->threads)
    for (int64_t block = 0; block < (count + BLOCK - 1) / BLOCK; block++) {
        uint32_t word[BLOCK];
        draw(word, mask, block);
        const int64_t first = block * BLOCK, here = count - first < BLOCK ? count - first : BLOCK;
#pragma omp simd
        for (int64_t i = 0; i < here; i++) {
            const bool keep = philox_uniform(word[i]) >= mask->rate;
            const float kept = keep ? mask->factor * x[first + i] : 0.0f;
            y[first + i] = residual ? residual[first + i] + kept : kept;
        }
    }
}

/* What dropout_add is at rate 0, where nothing is dropped. */
static void pass(Device *dev, float *y, const float *x, const float *residual, int64_t count)
{
#pragma omp parallel for simd num_threads(dev->threads)
    for (int64_t i = 0; i < count; i++) y[i] = residual ? residual[i] + x[i] : x[i];
}

static Mask mask_of(const Dropout *d)
{
    const int64_t step = *(const int64_t *)d->step.data;
    REQUIRE(step >= 0 && step < (int64_t)1 << 48, "dropout: step %" PRId64 ", want [0, 2^48)",
            step);
    return (Mask){d->seed, (uint64_t)step << 16 | (uint64_t)d->site, d->rate, dropout_factor(d)};
}

void dropout_expect(const Dropout *d)
{
    REQUIRE(d->rate >= 0.0f && d->rate < 1.0f, "dropout: rate %g, want [0, 1)", (double)d->rate);
    REQUIRE(d->site >= 0 && d->site < 1 << 16, "dropout: site %" PRId64 ", want [0, 65536)",
            d->site);
    if (d->rate > 0.0f) EXPECT(d->step, I64, 1);
}

void dropout_add(Device *dev, Tensor y, Tensor x, Tensor residual, Dropout d)
{
    const Dtype dtype = activation_dtype(x);
    tensor_expect(y, "y", __FILE__, __LINE__, dtype, x.rank, x.dim);
    tensor_expect(x, "x", __FILE__, __LINE__, dtype, x.rank, x.dim);
    if (residual.data)
        tensor_expect(residual, "residual", __FILE__, __LINE__, dtype, x.rank, x.dim);
    dropout_expect(&d);
    if (ON_CUDA(dev)) {
        dropout_cuda(dev, y, x, residual, d);
        return;
    }

    const size_t mark = scratch_mark(dev);
    const Tensor from = bf16_widen(dev, x), onto = bf16_widen(dev, residual),
                 to = bf16_wide_like(dev, y);
    if (!scratch_ready(dev, mark)) return;
    if (d.rate == 0.0f) {
        pass(dev, f32(to), f32(from), f32(onto), tensor_count(x));
    } else {
        const Mask mask = mask_of(&d);
        apply(dev, f32(to), f32(from), f32(onto), tensor_count(x), &mask);
    }
    bf16_round_into(dev, y, to);
    scratch_release(dev, mark);
}

void dropout_backward(Device *dev, Tensor dx, Tensor dy, Dropout d)
{
    dropout_add(dev, dx, dy, (Tensor){0}, d);
}
