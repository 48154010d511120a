/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "losses/returns.h"

/* Windows of 0 to 99 tokens, across the 32 of a scan. The recursion is in double on both, in
 * another order. */
static void returns_are_as_on_the_cpu(void **state)
{
    (void)state;
    enum { TOKENS = 2000, WINDOWS = 60 };
    for (int k = 0; k < 8; k++) {
        const Tensor reward = NORMAL(1, 1.0f, TOKENS), next = NORMAL(2, 1.0f, TOKENS);
        const Tensor value = NORMAL(3, 1.0f, TOKENS), ratio = NORMAL(4, 1.0f, TOKENS);
        const Tensor end = NEW(U8, TOKENS), cu = NEW(I32, WINDOWS + 1);
        const Tensor target = NEW(F32, TOKENS), valid = NEW(F32, TOKENS), gain = NEW(F32, TOKENS);
        for (int w = 1; w <= WINDOWS; w++) {
            const int32_t last = i32(cu)[w - 1] + w * w % 100;
            i32(cu)[w] = last < TOKENS - 5 ? last : TOKENS - 5;
        }
        for (int t = 0; t < TOKENS; t++) ((uint8_t *)end.data)[t] = (uint8_t)(t % 37 ? 0 : t % 3);
        const ReturnsOptions o = {0.97f, 0.9f, k % 2 ? 1.0f : 0.0f, 1.0f, k / 2 % 2 == 1, k < 4};
        const Tensor absent = {0};
        const ReturnsInput in = {reward, end, value, next, k % 4 ? ratio : absent, cu};
        const ReturnsInput in_g = {on_gpu(reward), on_gpu(end),          on_gpu(value),
                                   on_gpu(next),   on_gpu(in.log_ratio), on_gpu(cu)};
        const Tensor target_g = gpu_space(target), valid_g = gpu_space(valid),
                     gain_g = gpu_space(gain);
        returns(&cpu, target, valid, k % 3 ? gain : absent, in, o);
        returns(&gpu, target_g, valid_g, k % 3 ? gain_g : absent, in_g, o);
        assert_same_bits(from_gpu(valid_g), valid);
        assert_as_cpu(target_g, target, 1);
        if (k % 3) assert_as_cpu(gain_g, gain, 1);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(returns_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
