/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "swiglu.h"

static void swiglu_is_as_on_the_cpu(void **state)
{
    (void)state;
    const int64_t shapes[][2] = {{0, 8}, {1, 1}, {5, 3}, {7, 40}, {33, 24}, {3, 1000}};
    for (int s = 0; s < 6; s++) {
        const int64_t rows = shapes[s][0], ff = shapes[s][1];
        for (int half = 0; half < 2; half++) {
            const Dtype dtype = half ? BF16 : F32;
            const Tensor gate_up = rounded(NORMAL(1, 3.0f, rows, 2 * ff)), y = NEW(F32, rows, ff);
            const Tensor dy = rounded(NORMAL(2, 1.0f, rows, ff)), d = NEW(F32, rows, 2 * ff);
            const Tensor gate_up_g = as_gpu(dtype, gate_up), dy_g = as_gpu(dtype, dy);
            const Tensor y_g = gpu_space(dy_g);
            swiglu_forward(&cpu, y, gate_up);
            swiglu_forward(&gpu, y_g, gate_up_g);
            /* two exponentials within 2 spacings, each with a sum, a division and products */
            assert_as_cpu(y_g, y, 8);
            swiglu_backward(&cpu, d, dy, gate_up);
            swiglu_backward(&gpu, gate_up_g, dy_g, gate_up_g);
            assert_as_cpu(gate_up_g, d, 12);
            pair_free();
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swiglu_is_as_on_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
