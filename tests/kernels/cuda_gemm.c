/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "gemm.h"

static const int64_t shapes[][3] = {{1, 1, 1},   {3, 5, 7},    {16, 8, 32}, {33, 1, 20},
                                    {1, 40, 65}, {70, 31, 48}, {0, 4, 4},   {4, 0, 4}};
enum { SHAPES = sizeof shapes / sizeof *shapes };

/* k products and sums in f32, in two orders: each errs by half a spacing of a partial sum. */
static double ulps(int64_t k) { return 4 + (double)k; }

/* Where it adds to c in bf16, cuBLASLt may round the product before the addition. So the error of
 * `have` may be 1.5 times that of two roundings. `before` and `want` are f32 on the CPU. */
static void assert_added_in_bf16(Tensor have, Tensor want, Tensor before)
{
    const Tensor twice = new_copy(want);
    for (int64_t i = 0; i < tensor_count(want); i++) {
        const float product = bf16_rounded(f32(want)[i] - f32(before)[i]);
        f32(twice)[i] = bf16_rounded(f32(before)[i] + product);
    }
    const double error = distance(to_f32(from_gpu(have)), want);
    const double bound = 1.5 * distance(twice, want);
    if (!(error <= bound)) fail_msg("error %.3g, bound %.3g", error, bound);
}

static void compare(const int64_t shape[3], GemmOptions options, Dtype in, Dtype out)
{
    const int64_t m = shape[0], n = shape[1], k = shape[2];
    const Tensor a = rounded(options.trans_a ? NORMAL(1, 1.0f, k, m) : NORMAL(1, 1.0f, m, k));
    const Tensor b = rounded(options.trans_b ? NORMAL(2, 1.0f, n, k) : NORMAL(2, 1.0f, k, n));
    const Tensor c = rounded(NORMAL(3, 1.0f, m, n)), ag = as_gpu(in, a), bg = as_gpu(in, b);
    const Tensor cg = options.accumulate ? as_gpu(out, c) : gpu_space(as_gpu(out, c));
    const Tensor before = new_copy(c);
    gemm(&cpu, c, a, b, options);
    gemm(&gpu, cg, ag, bg, options);
    if (out == BF16 && options.accumulate)
        assert_added_in_bf16(cg, c, before);
    else
        assert_as_cpu(cg, c, ulps(k));
    gemm(&gpu, cg, ag, bg, options); /* the second time from the pinned plan */
    gemm(&cpu, c, a, b, options);
    if (out == F32) assert_as_cpu(cg, c, ulps(k));
    pair_free();
}

static void every_product_is_as_on_the_cpu(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++)
        for (int bits = 0; bits < 8; bits++) {
            const GemmOptions options = {bits & 1, bits & 2, bits & 4, bits & 4 ? -0.5f : 0.0f};
            compare(shapes[s], options, F32, F32);
            compare(shapes[s], options, BF16, F32);
            compare(shapes[s], options, BF16, BF16);
        }
}

static void a_sum_over_nothing_is_zero(void **state)
{
    (void)state;
    const Tensor c = on_gpu(NORMAL(1, 1.0f, 3, 5)), a = on_gpu(NEW(F32, 3, 0));
    const Tensor b = on_gpu(NEW(F32, 0, 5)), before = from_gpu(c);
    gemm(&gpu, c, a, b, (GemmOptions){.accumulate = true});
    assert_same_bits(from_gpu(c), before);
    gemm(&gpu, c, a, b, (GemmOptions){0});
    assert_same_bits(from_gpu(c), NEW(F32, 3, 5));
    pair_free();
}

static void views_that_start_anywhere_are_taken_too(void **state)
{
    (void)state;
    const Tensor a = NORMAL(1, 1.0f, 9, 5), b = NORMAL(2, 1.0f, 5, 3), c = NEW(F32, 4, 3);
    const Tensor ag = on_gpu(a), bg = on_gpu(b), cg = gpu_space(c);
    for (int64_t first = 0; first < 5; first++) {
        gemm(&cpu, c, tensor_rows(a, first, 4), b, (GemmOptions){0});
        gemm(&gpu, cg, tensor_rows(ag, first, 4), bg, (GemmOptions){0});
        assert_as_cpu(cg, c, ulps(5));
    }
    pair_free();
}

static void more_shapes_than_are_kept_are_no_trouble(void **state)
{
    (void)state;
    const Tensor a = NORMAL(1, 1.0f, 1200), one = NORMAL(2, 1.0f, 1, 1);
    const Tensor ag = on_gpu(a), oneg = on_gpu(one), cg = gpu_space(a);
    for (int64_t rows = 1; rows <= 1200; rows += 2)
        gemm(&gpu, TENSOR(cg.data, F32, rows, 1), TENSOR(ag.data, F32, rows, 1), oneg,
             (GemmOptions){0});
    assert_ok(device_sync(&gpu));
    pair_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_product_is_as_on_the_cpu),
        cmocka_unit_test(a_sum_over_nothing_is_zero),
        cmocka_unit_test(views_that_start_anywhere_are_taken_too),
        cmocka_unit_test(more_shapes_than_are_kept_are_no_trouble),
    };
    return RUN_PAIR_TESTS(tests);
}
