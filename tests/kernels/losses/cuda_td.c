/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "losses/td.h"

/* Windows of 0 to 9 tokens up to a few before the end. */
static void td_targets_are_as_on_the_cpu(void **state)
{
    (void)state;
    enum { TOKENS = 700, WINDOWS = 150 };
    for (int k = 0; k < 8; k++) {
        const Tensor reward = NORMAL(1, 1.0f, TOKENS), next = NORMAL(2, 1.0f, TOKENS);
        const Tensor end = NEW(U8, TOKENS), cu = NEW(I32, WINDOWS + 1);
        const Tensor y = NEW(F32, TOKENS), valid = NEW(F32, TOKENS);
        for (int w = 1; w <= WINDOWS; w++) {
            const int32_t last = i32(cu)[w - 1] + w * w % 10;
            i32(cu)[w] = last < TOKENS - 5 ? last : TOKENS - 5;
        }
        for (int t = 0; t < TOKENS; t++) ((uint8_t *)end.data)[t] = (uint8_t)(t % 7 ? 0 : t % 3);
        const Tensor y_g = gpu_space(y), valid_g = gpu_space(valid);
        const int n = k % 4 + 1;
        td_targets(&cpu, y, valid, reward, end, next, cu, 0.9f, n, k < 4);
        td_targets(&gpu, y_g, valid_g, on_gpu(reward), on_gpu(end), on_gpu(next), on_gpu(cu), 0.9f,
                   n, k < 4);
        assert_same_bits(from_gpu(valid_g), valid);
        assert_as_cpu(y_g, y, 1);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(td_targets_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
