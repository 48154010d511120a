/* SPDX-License-Identifier: Apache-2.0 */
#include "id_dropout.h"

#include <inttypes.h>

#include "base/rng.h"

/* The high word of the counters of dropout.h. */
static uint64_t counter_of(const Dropout *d)
{
    const int64_t step = *(const int64_t *)d->step.data;
    REQUIRE(step >= 0 && step < (int64_t)1 << 48, "id_dropout: step %" PRId64 ", want [0, 2^48)",
            step);
    return (uint64_t)step << 16 | (uint64_t)d->site;
}

void id_dropout(Device *dev, Tensor kept, Tensor popularity, Dropout d)
{
    const int64_t items = kept.dim[0];
    EXPECT(kept, F32, items);
    if (popularity.data) EXPECT(popularity, F32, items);
    dropout_expect(&d);
    if (ON_CUDA(dev)) {
        id_dropout_cuda(dev, kept, popularity, d);
        return;
    }
    if (!device_runs(dev)) return;
    const uint64_t counter = d.rate > 0.0f ? counter_of(&d) : 0;
    const float *known = popularity.data ? f32(popularity) : NULL;
    float *to = f32(kept);
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t first = 0; first < items; first += 4) {
        Philox p = {{0}};
        if (d.rate > 0.0f) p = philox(d.seed, counter, (uint64_t)first / 4);
        for (int64_t a = first; a < items && a < first + 4; a++) {
            const bool drawn = d.rate == 0.0f || philox_uniform(p.word[a - first]) >= d.rate;
            to[a] = drawn && (!known || known[a] > 0.0f) ? 1.0f : 0.0f;
        }
    }
}
