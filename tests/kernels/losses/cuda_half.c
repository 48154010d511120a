/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "losses/half.h"

static void the_half_is_that_of_the_cpu(void **state)
{
    (void)state;
    enum { TOKENS = 700, WINDOWS = 150 };
    const Tensor cu = NEW(I32, WINDOWS + 1), user = NEW(I64, WINDOWS), weight = NEW(F32, TOKENS);
    for (int w = 0; w < WINDOWS; w++) {
        const int32_t last = i32(cu)[w] + w * w % 10;
        i32(cu)[w + 1] = last < TOKENS - 5 ? last : TOKENS - 5;
        ((int64_t *)user.data)[w] = INT64_C(3000000000) * (w / 2);
    }
    for (int t = 0; t < TOKENS; t++) f32(weight)[t] = 0.5f + (float)t;
    const Tensor weight_g = on_gpu(weight);
    half_of_users(&cpu, weight, cu, user, 5);
    half_of_users(&gpu, weight_g, on_gpu(cu), on_gpu(user), 5);
    assert_same_bits(from_gpu(weight_g), weight);
    pair_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_half_is_that_of_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
