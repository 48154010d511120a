/* SPDX-License-Identifier: Apache-2.0 */
#include "losses/control.h"

#include <inttypes.h>
#include <math.h>

#include "base/rng.h"

/* Fills y and valid: for control_random where `first_event` is given, else for control_length. */
static void targets(Device *dev, Tensor y, Tensor valid, Tensor cu_seqlens, Tensor first_event,
                    uint64_t seed)
{
    const int64_t tokens = y.dim[0], windows = cu_seqlens.dim[0] - 1;
    EXPECT(y, F32, tokens);
    EXPECT(valid, F32, tokens);
    EXPECT(cu_seqlens, I32, windows + 1);
    if (ON_CUDA(dev)) {
        control_cuda(dev, y, valid, cu_seqlens, first_event, seed);
        return;
    }
    if (!device_runs(dev)) return;
    const int32_t *at = i32(cu_seqlens);
    const int64_t *event = first_event.data;
    REQUIRE(at[0] == 0 && at[windows] <= tokens,
            "control: cu_seqlens from %d to %d, want from 0 to at most %" PRId64, at[0],
            at[windows], tokens);
    for (int64_t t = 0; t < tokens; t++) f32(y)[t] = f32(valid)[t] = 0.0f;
#pragma omp parallel for schedule(dynamic, 16) num_threads(dev->threads)
    for (int64_t w = 0; w < windows; w++)
        for (int64_t t = at[w]; t < at[w + 1] - 1; t++) {
            const int64_t n = t - at[w] + 1;
            f32(valid)[t] = 1.0f;
            if (event) {
                const Philox p = philox(seed, 1, (uint64_t)(event[w] + n));
                f32(y)[t] = philox_normal(p.word[0], p.word[1]);
            } else {
                f32(y)[t] = (float)log1p((double)n);
            }
        }
}

void control_random(Device *dev, Tensor y, Tensor valid, Tensor cu_seqlens, Tensor first_event,
                    uint64_t seed)
{
    EXPECT(first_event, I64, cu_seqlens.dim[0] - 1);
    targets(dev, y, valid, cu_seqlens, first_event, seed);
}

void control_length(Device *dev, Tensor y, Tensor valid, Tensor cu_seqlens)
{
    targets(dev, y, valid, cu_seqlens, (Tensor){0}, 0);
}
