/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "elementwise.h"
#include "losses/loss.h"
#include "losses/policy_gradient.h"

static const int64_t sizes[] = {0, 1, 37, 1000, 20001};

enum { SIZES = sizeof sizes / sizeof *sizes };

/* Ratios of up to e^9: an exponent is rounded at its size, so that the power errs by spacings of
 * that. */
static void policy_weights_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int k = 0; k < 3 * SIZES; k++) {
        const int64_t rows = sizes[k / 3];
        const Tensor gain = NORMAL(1, 1.0f, rows), ratio = NORMAL(2, 2.0f, rows);
        const Tensor chosen = NORMAL(3, 1.0f, rows), share = NORMAL(4, 1.0f, rows);
        for (int64_t i = 0; i < rows; i++) f32(chosen)[i] = -fabsf(f32(chosen)[i]);
        for (int64_t i = 0; i < rows; i += 5) f32(share)[i] = 0.0f, f32(gain)[i] = NAN;
        const Tensor weight = NEW(F32, rows), loss = NEW(F32, rows), logs = NEW(F32, rows);
        const Tensor weight_g = gpu_space(weight), loss_g = gpu_space(loss);
        const Tensor gain_g = on_gpu(gain), ratio_g = on_gpu(ratio), share_g = on_gpu(share);
        const Tensor chosen_g = on_gpu(chosen);
        const ImportanceOptions o = {-0.5f, 1, 1.5f, k % 2 ? 1 : 0.3f, k % 3 ? 4 : 1};
        policy_gradient_importance(&cpu, weight, gain, ratio, chosen, share, o);
        policy_gradient_importance(&gpu, weight_g, gain_g, ratio_g, chosen_g, share_g, o);
        assert_as_cpu(weight_g, weight, 32);
        policy_gradient_clipped(&cpu, loss, weight, gain, ratio, share, 0.2f);
        policy_gradient_clipped(&gpu, loss_g, weight_g, gain_g, ratio_g, share_g, 0.2f);
        assert_as_cpu(weight_g, weight, 32);
        assert_as_cpu(loss_g, loss, 32);
        policy_gradient_advantage(&cpu, weight, gain, share, 0.4f, 20);
        policy_gradient_advantage(&gpu, weight_g, gain_g, share_g, 0.4f, 20);
        assert_as_cpu(weight_g, weight, 32);
        for (int64_t i = 0; i < rows; i++) f32(chosen)[i] = expf(f32(chosen)[i]);
        const Tensor logs_g = on_gpu(chosen);
        elementwise_log(&cpu, logs, chosen);
        elementwise_log(&gpu, logs_g, logs_g);
        assert_as_cpu(logs_g, logs, 4);
        const Tensor powers_g = on_gpu(ratio);
        elementwise_exp(&cpu, logs, ratio);
        elementwise_exp(&gpu, powers_g, powers_g);
        assert_as_cpu(powers_g, logs, 4);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_weights_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
