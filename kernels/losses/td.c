/* SPDX-License-Identifier: Apache-2.0 */
#include "losses/td.h"

#include <inttypes.h>

typedef struct {
    float *y, *valid;
    const float *reward, *next_value;
    const uint8_t *end;
    double gamma;
    int n;
    bool last_has_value;
} Window;

/* Transition t of a window whose last token is `last`. */
static void target(const Window *w, int64_t t, int64_t last)
{
    double sum = 0.0, discount = 1.0;
    int64_t at = t; /* the transition whose reward is added */
    for (int64_t m = 1;; m++, at++) {
        sum += discount * (double)w->reward[at];
        discount *= w->gamma;
        if (m == w->n || w->end[at] != 0 || at + 1 == last) break;
    }
    const bool terminal = w->end[at] == END_TERMINAL;
    const bool known = terminal || at + 1 < last || w->last_has_value;
    if (known && !terminal) sum += discount * (double)w->next_value[at + 1];
    w->y[t] = known ? (float)sum : 0.0f;
    w->valid[t] = known ? 1.0f : 0.0f;
}

void td_targets(Device *dev, Tensor y, Tensor valid, Tensor reward, Tensor end, Tensor next_value,
                Tensor cu_seqlens, float gamma, int n, bool last_has_value)
{
    const int64_t tokens = y.dim[0], windows = cu_seqlens.dim[0] - 1;
    EXPECT(y, F32, tokens);
    EXPECT(valid, F32, tokens);
    EXPECT(reward, F32, tokens);
    EXPECT(end, U8, tokens);
    EXPECT(next_value, F32, tokens);
    EXPECT(cu_seqlens, I32, windows + 1);
    REQUIRE(n >= 1, "td: n = %d, want at least 1", n);
    if (ON_CUDA(dev)) {
        td_targets_cuda(dev, y, valid, reward, end, next_value, cu_seqlens, gamma, n,
                        last_has_value);
        return;
    }
    if (!device_runs(dev)) return;
    const int32_t *at = i32(cu_seqlens);
    REQUIRE(at[0] == 0 && at[windows] <= tokens,
            "td: cu_seqlens from %d to %d, want from 0 to at most %" PRId64, at[0], at[windows],
            tokens);

    const Window w = {f32(y),   f32(valid), f32(reward), f32(next_value),
                      end.data, gamma,      n,           last_has_value};
#pragma omp parallel for schedule(dynamic, 16) num_threads(dev->threads)
    for (int64_t k = 0; k < windows; k++) {
        for (int64_t t = at[k]; t < at[k + 1] - 1; t++) target(&w, t, at[k + 1] - 1);
        if (at[k] < at[k + 1]) w.y[at[k + 1] - 1] = w.valid[at[k + 1] - 1] = 0.0f;
    }
    for (int64_t t = at[windows]; t < tokens; t++) w.y[t] = w.valid[t] = 0.0f;
}
