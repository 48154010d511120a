/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "base/tree.h"

/* One addition after the other in the same order: the same bits. */
static void sums_in_a_tree_have_the_bits_of_the_cpu(void **state)
{
    (void)state;
    for (int64_t parts = 1; parts <= 17; parts++) {
        const Tensor part = NORMAL((uint64_t)parts, 1, parts, 300), sum = NEW(F32, 300);
        const Tensor wide = NEW(F64, parts, 3), total = NEW(F64, 3);
        for (int64_t i = 0; i < 3 * parts; i++) ((double *)wide.data)[i] = 1.0 / (double)(i + 1);
        const Tensor sum_g = gpu_space(sum), wide_g = on_gpu(wide);
        const Tensor first_g = TENSOR(wide_g.data, F64, 3);
        tree_sum(&cpu, sum, part);
        tree_sum(&gpu, sum_g, on_gpu(part));
        assert_same_bits(from_gpu(sum_g), sum);
        tree_sum(&cpu, total, wide);
        tree_sum(&gpu, first_g, wide_g);
        assert_same_bits(from_gpu(first_g), total);
        pair_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_in_a_tree_have_the_bits_of_the_cpu),
    };
    return RUN_PAIR_TESTS(tests);
}
