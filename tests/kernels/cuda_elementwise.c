/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "elementwise.h"

static const int64_t shapes[][2] = {{0, 8},   {1, 1},    {3, 5},    {9, 32},    {33, 8},  {70, 48},
                                    {41, 31}, {65, 264}, {21, 512}, {37, 1000}, {9, 1304}};

enum { SHAPES = sizeof shapes / sizeof *shapes };

static void whole_tensors_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++) {
        const int64_t rows = shapes[s][0], dim = shapes[s][1];
        for (int half = 0; half < 2; half++) {
            const Dtype dtype = half ? BF16 : F32;
            const Tensor x = rounded(NORMAL(1, 1.0f, rows, dim)),
                         y = rounded(NORMAL(2, 1.0f, rows, dim));
            const Tensor xg = as_gpu(dtype, x), yg = as_gpu(dtype, y), copy = gpu_space(yg);
            elementwise_add(&cpu, y, x);
            elementwise_add(&gpu, yg, xg);
            assert_as_cpu(yg, y, 1);
            elementwise_copy(&gpu, copy, yg);
            assert_same_bits(from_gpu(copy), from_gpu(yg));
            rounded(y), elementwise_copy(&gpu, yg, as_gpu(dtype, y));
            elementwise_axpy(&cpu, y, -0.3f, x);
            elementwise_axpy(&gpu, yg, -0.3f, xg);
            assert_as_cpu(yg, y, 1);
            elementwise_fill(&cpu, y, 2.5f);
            elementwise_fill(&gpu, yg, 2.5f);
            assert_as_cpu(yg, y, 0);
            pair_free();
        }
    }
}

static void views_that_start_anywhere_are_taken_too(void **state)
{
    (void)state;
    const Tensor x = NORMAL(1, 1.0f, 7, 5), y = NORMAL(2, 1.0f, 7, 5);
    const Tensor xg = on_gpu(x), yg = on_gpu(y);
    elementwise_add(&cpu, tensor_rows(y, 1, 5), tensor_rows(x, 2, 5));
    elementwise_add(&gpu, tensor_rows(yg, 1, 5), tensor_rows(xg, 2, 5));
    assert_same_bits(from_gpu(yg), y);
    pair_free();
}

static void copies_convert(void **state)
{
    (void)state;
    const Tensor x = NORMAL(1, 1.0f, 37), xg = on_gpu(x), half = gpu_space(to_bf16(x));
    const Tensor back = gpu_space(x);
    elementwise_copy(&gpu, half, xg);
    assert_same_bits(from_gpu(half), to_bf16(x));
    elementwise_copy(&gpu, back, half);
    assert_same_bits(from_gpu(back), rounded(x));
    pair_free();
}

static void rows_are_as_on_the_cpu(void **state)
{
    (void)state;
    for (int s = 0; s < SHAPES; s++) {
        const int64_t rows = shapes[s][0], dim = shapes[s][1];
        for (int half = 0; half < 2; half++) {
            const Dtype dtype = half ? BF16 : F32;
            const Tensor a = rounded(NORMAL(1, 1.0f, rows, dim)),
                         b = rounded(NORMAL(2, 1.0f, rows, dim));
            const Tensor v = NORMAL(3, 1.0f, rows), y = NEW(F32, rows);
            const Tensor ag = as_gpu(dtype, a), bg = as_gpu(dtype, b), yg = gpu_space(y);
            elementwise_row_dot(&cpu, y, a, b);
            elementwise_row_dot(&gpu, yg, ag, bg);
            assert_as_cpu(yg, y, 1);
            elementwise_row_scale(&gpu, bg, ag, on_gpu(v));
            elementwise_row_scale(&cpu, b, a, v);
            assert_as_cpu(bg, b, 0);
            pair_free();
        }
    }
}

static void the_first_number_that_is_not_finite_is_found(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    const float bad[] = {NAN, INFINITY, -INFINITY};
    const int64_t at[] = {0, 4097, COUNT - 1};
    const Tensor x = NORMAL(1, 1.0f, COUNT);
    assert_int_equal(elementwise_rows_finite(&gpu, on_gpu(x)), -1);
    for (int i = 2; i >= 0; i--) {
        f32(x)[at[i]] = bad[i];
        assert_int_equal(elementwise_rows_finite(&gpu, on_gpu(x)), at[i]);
    }
    pair_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_tensors_are_as_on_the_cpu),
        cmocka_unit_test(views_that_start_anywhere_are_taken_too),
        cmocka_unit_test(copies_convert),
        cmocka_unit_test(rows_are_as_on_the_cpu),
        cmocka_unit_test(the_first_number_that_is_not_finite_is_found),
    };
    return RUN_PAIR_TESTS(tests);
}
