/* SPDX-License-Identifier: Apache-2.0 */
#include "losses/returns.h"

#include <inttypes.h>
#include <math.h>

typedef struct {
    float *target, *valid, *advantage;
    const float *reward, *value, *next_value, *log_ratio;
    const uint8_t *end;
    ReturnsOptions o;
} Batch;

static double ratio_at(const Batch *b, int64_t t)
{
    return b->log_ratio ? exp((double)b->log_ratio[t]) : 1.0;
}

static void put(const Batch *b, int64_t t, bool known, double error, double advantage)
{
    b->target[t] = known ? (float)((double)b->value[t] + error) : 0.0f;
    b->valid[t] = known ? 1.0f : 0.0f;
    if (b->advantage) b->advantage[t] = known ? (float)advantage : 0.0f;
}

/* Walks from the window's last token, which has no action, back to its first. */
static void window(const Batch *b, int64_t first, int64_t last)
{
    const double gamma = (double)b->o.gamma;
    double error = 0.0; /* E[t+1] */
    put(b, last, false, 0.0, 0.0);
    for (int64_t t = last - 1; t >= first; t--) {
        const bool terminal = b->end[t] == END_TERMINAL, at_end = t + 1 == last;
        const bool known = terminal || !at_end || b->o.last_has_value;
        if (!known) {
            put(b, t, false, 0.0, 0.0);
            error = 0.0;
            continue;
        }
        const double boot = terminal ? 0.0 : (double)b->next_value[t + 1];
        const double delta = (double)b->reward[t] + gamma * boot - (double)b->value[t];
        const bool cut = b->end[t] != 0 || at_end;
        const double rest = cut ? 0.0 : gamma * error;
        double trace = 0.0, rho = 1.0;
        if (!cut)
            trace = (double)b->o.lambda *
                    fmin((double)b->o.c_max, ratio_at(b, t + (b->o.trace_of_next ? 1 : 0)));
        if (b->o.rho_max > 0.0f) rho = fmin((double)b->o.rho_max, ratio_at(b, t));
        error = rho * delta + trace * rest;
        put(b, t, true, error, delta + rest);
    }
}

void returns(Device *dev, Tensor target, Tensor valid, Tensor advantage, ReturnsInput in,
             ReturnsOptions options)
{
    const int64_t tokens = target.dim[0], windows = in.cu_seqlens.dim[0] - 1;
    EXPECT(target, F32, tokens);
    EXPECT(valid, F32, tokens);
    if (advantage.data) EXPECT(advantage, F32, tokens);
    EXPECT(in.reward, F32, tokens);
    EXPECT(in.end, U8, tokens);
    EXPECT(in.value, F32, tokens);
    EXPECT(in.next_value, F32, tokens);
    if (in.log_ratio.data) EXPECT(in.log_ratio, F32, tokens);
    EXPECT(in.cu_seqlens, I32, windows + 1);
    if (ON_CUDA(dev)) {
        returns_cuda(dev, target, valid, advantage, &in, &options);
        return;
    }
    if (!device_runs(dev)) return;
    const int32_t *at = i32(in.cu_seqlens);
    REQUIRE(at[0] == 0 && at[windows] <= tokens,
            "returns: cu_seqlens from %d to %d, want from 0 to at most %" PRId64, at[0],
            at[windows], tokens);

    const Batch b = {f32(target),       f32(valid),    f32(advantage),
                     f32(in.reward),    f32(in.value), f32(in.next_value),
                     f32(in.log_ratio), in.end.data,   options};
#pragma omp parallel for schedule(dynamic, 16) num_threads(dev->threads)
    for (int64_t k = 0; k < windows; k++)
        if (at[k] < at[k + 1]) window(&b, at[k], at[k + 1] - 1);
    for (int64_t t = at[windows]; t < tokens; t++) put(&b, t, false, 0.0, 0.0);
}
