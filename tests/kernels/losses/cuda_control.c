/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "losses/control.h"

static void control_targets_are_as_on_the_cpu(void **state)
{
    (void)state;
    enum { TOKENS = 700, WINDOWS = 150 };
    const Tensor cu = NEW(I32, WINDOWS + 1), first = NEW(I64, WINDOWS);
    const Tensor y = NEW(F32, TOKENS), valid = NEW(F32, TOKENS);
    for (int w = 0; w < WINDOWS; w++) {
        const int32_t last = i32(cu)[w] + w * w % 10;
        i32(cu)[w + 1] = last < TOKENS - 5 ? last : TOKENS - 5;
        ((int64_t *)first.data)[w] = INT64_C(3000000000) * w;
    }
    const Tensor y_g = gpu_space(y), valid_g = gpu_space(valid), cu_g = on_gpu(cu);
    control_length(&cpu, y, valid, cu);
    control_length(&gpu, y_g, valid_g, cu_g);
    assert_same_bits(from_gpu(valid_g), valid);
    assert_as_cpu(y_g, y, 1);
    control_random(&cpu, y, valid, cu, first, 5);
    control_random(&gpu, y_g, valid_g, cu_g, on_gpu(first), 5);
    assert_same_bits(from_gpu(valid_g), valid);
    assert_as_cpu(y_g, y, 1);
    pair_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_targets_are_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
