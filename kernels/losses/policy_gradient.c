/* SPDX-License-Identifier: Apache-2.0 */
#include "losses/policy_gradient.h"

#include <math.h>

void policy_gradient_advantage(Device *dev, Tensor weight, Tensor advantage, Tensor share,
                               float temperature, float cap)
{
    const int64_t rows = weight.dim[0];
    EXPECT(weight, F32, rows);
    EXPECT(advantage, F32, rows);
    EXPECT(share, F32, rows);
    REQUIRE(temperature > 0.0f, "temperature is %g, want > 0", (double)temperature);
    if (ON_CUDA(dev)) {
        policy_gradient_advantage_cuda(dev, weight, advantage, share, temperature, cap);
        return;
    }
    if (!device_runs(dev)) return;

    for (int64_t i = 0; i < rows; i++) {
        const float c = f32(share)[i], a = f32(advantage)[i];
        f32(weight)[i] = c == 0.0f ? 0.0f : c * fminf(cap, expf(a / temperature));
    }
}

void policy_gradient_importance(Device *dev, Tensor weight, Tensor advantage, Tensor log_ratio,
                                Tensor log_policy, Tensor share, ImportanceOptions o)
{
    const int64_t rows = weight.dim[0];
    EXPECT(weight, F32, rows);
    EXPECT(advantage, F32, rows);
    EXPECT(log_ratio, F32, rows);
    EXPECT(share, F32, rows);
    REQUIRE(o.slate >= 1, "policy_gradient: a slate of %lld items, want at least one",
            (long long)o.slate);
    if (o.slate > 1) EXPECT(log_policy, F32, rows);
    if (ON_CUDA(dev)) {
        policy_gradient_importance_cuda(dev, weight, advantage, log_ratio, log_policy, share, o);
        return;
    }
    if (!device_runs(dev)) return;

    const float k = (float)o.slate;
    for (int64_t i = 0; i < rows; i++) {
        const float c = f32(share)[i], a = fminf(fmaxf(f32(advantage)[i], o.low), o.high);
        const float ratio = fminf(o.ratio_max, expf(o.power * f32(log_ratio)[i]));
        const float s =
            o.slate > 1 ? k * powf(fmaxf(-expm1f(f32(log_policy)[i]), 0.0f), k - 1.0f) : 1.0f;
        f32(weight)[i] = c == 0.0f ? 0.0f : c * a * ratio * s;
    }
}

void policy_gradient_clipped(Device *dev, Tensor loss, Tensor weight, Tensor advantage,
                             Tensor log_ratio, Tensor share, float clip)
{
    const int64_t rows = weight.dim[0];
    EXPECT(loss, F32, rows);
    EXPECT(weight, F32, rows);
    EXPECT(advantage, F32, rows);
    EXPECT(log_ratio, F32, rows);
    EXPECT(share, F32, rows);
    if (ON_CUDA(dev)) {
        policy_gradient_clipped_cuda(dev, loss, weight, advantage, log_ratio, share, clip);
        return;
    }
    if (!device_runs(dev)) return;

    for (int64_t i = 0; i < rows; i++) {
        const float c = f32(share)[i], a = f32(advantage)[i], rho = expf(f32(log_ratio)[i]);
        const float gain = rho * a, held = fminf(fmaxf(rho, 1.0f - clip), 1.0f + clip) * a;
        f32(loss)[i] = c == 0.0f ? 0.0f : -c * fminf(gain, held);
        f32(weight)[i] = c == 0.0f || gain > held ? 0.0f : c * gain;
    }
}
