/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "rope.h"

static void rope_is_as_on_the_cpu(void **state)
{
    (void)state;
    const int64_t shapes[][3] = {{0, 1, 2}, {1, 1, 2}, {5, 3, 6}, {70, 2, 64}, {9, 1, 128}};
    for (int s = 0; s < 5; s++) {
        const int64_t tokens = shapes[s][0], heads = shapes[s][1], width = 3 * heads * shapes[s][2];
        for (int half = 0; half < 2; half++) {
            const Dtype dtype = half ? BF16 : F32;
            const Tensor qkv = rounded(NORMAL(1, 1.0f, tokens, width)), position = NEW(I32, tokens);
            for (int64_t t = 0; t < tokens; t++) i32(position)[t] = (int32_t)(t * t * 37 % 5000);
            const Tensor position_g = on_gpu(position), qkv_g = as_gpu(dtype, qkv);
            for (int direction = 1; direction >= -1; direction -= 2) {
                rope(&cpu, qkv, position, heads, 5000, 10000.0, direction);
                rope(&gpu, qkv_g, position_g, heads, 5000, 10000.0, direction);
                /* f32: the reduced angle is rounded by up to 1 spacing of 1, twice in all */
                assert_as_cpu(qkv_g, qkv, 4.0 * (direction == 1 ? 1 : 2));
                if (half) break; /* the second turn starts from what the first has rounded */
            }
            pair_free();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rope_is_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
