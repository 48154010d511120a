/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "elementwise.h"

static void cases_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    float ys[] = {1, 2, 3, 4, 5, 6}, xs[] = {1, -1, 2, -2, 3, -3}, dots[2], scale[] = {10, -1};
    const Tensor y = TENSOR(ys, F32, 2, 3), x = TENSOR(xs, F32, 2, 3), s = TENSOR(scale, F32, 2);
    const float added[] = {2, 1, 5, 2, 8, 3}, axpy[] = {4, -1, 9, -2, 14, -3};
    elementwise_add(&dev, y, x);
    assert_memory_equal(ys, added, sizeof ys);
    elementwise_axpy(&dev, y, 2.0f, x);
    assert_memory_equal(ys, axpy, sizeof ys);
    elementwise_row_dot(&dev, TENSOR(dots, F32, 2), y, x);
    assert_true(dots[0] == 23.0f && dots[1] == 55.0f);
    const float scaled[] = {40, -10, 90, 2, -14, 3};
    elementwise_row_scale(&dev, y, y, s);
    assert_memory_equal(ys, scaled, sizeof ys);
    elementwise_copy(&dev, y, x);
    assert_memory_equal(ys, xs, sizeof ys);
    elementwise_fill(&dev, y, 7.0f);
    for (int i = 0; i < 6; i++) assert_true(ys[i] == 7.0f);
    device_close(&dev);
}

static void the_first_infinity_or_nan_is_found(void **state)
{
    (void)state;
    enum { COUNT = 200001 };
    Device dev;
    assert_ok(device_open(&dev, "cpu", 3));
    const Tensor x = NORMAL(1, 1e30f, COUNT);
    assert_int_equal(elementwise_rows_finite(&dev, x), -1);
    const float bad[] = {NAN, INFINITY, -INFINITY, -NAN};
    const int64_t at[] = {200000, 131072, 65535, 0};
    for (int i = 0; i < 4; i++) {
        f32(x)[at[i]] = bad[i];
        assert_int_equal(elementwise_rows_finite(&dev, x), at[i]);
    }
    const Tensor none = NEW(F32, 0, 4);
    assert_int_equal(elementwise_rows_finite(&dev, none), -1);
    device_close(&dev);
    tensors_free();
}

static void ragged_shapes_give_the_same_bits_on_any_number_of_threads(void **state)
{
    (void)state;
    const int64_t shape[][2] = {{0, 3}, {1, 1}, {3, 5}, {67, 33}, {501, 129}};
    for (size_t k = 0; k < sizeof shape / sizeof *shape; k++) {
        const int64_t rows = shape[k][0], dim = shape[k][1];
        const Tensor a = NORMAL(k, 1.0f, rows, dim), b = NORMAL(k + 9, 1.0f, rows, dim);
        Tensor y[4], dot[4];
        for (int threads = 1; threads <= 3; threads++) {
            Device dev;
            assert_ok(device_open(&dev, "cpu", threads));
            y[threads] = new_copy(a), dot[threads] = NEW(F32, rows);
            elementwise_axpy(&dev, y[threads], 0.3f, b);
            elementwise_row_dot(&dev, dot[threads], y[threads], b);
            elementwise_row_scale(&dev, y[threads], y[threads], dot[threads]);
            elementwise_add(&dev, y[threads], a);
            device_close(&dev);
            assert_same_bits(dot[threads], dot[1]);
            assert_same_bits(y[threads], y[1]);
        }
        for (int64_t r = 0; r < rows; r++) {
            double sum = 0.0, size = 0.0;
            for (int64_t c = 0; c < dim; c++) {
                const double bv = f32(b)[r * dim + c], av = f32(a)[r * dim + c];
                sum += (av + (double)0.3f * bv) * bv;
                size += (fabs(av) + fabs(bv)) * fabs(bv);
            }
            assert_near(f32(dot[1])[r], sum, 2 * ULP * size);
        }
        tensors_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_worked_by_hand),
        cmocka_unit_test(the_first_infinity_or_nan_is_found),
        cmocka_unit_test(ragged_shapes_give_the_same_bits_on_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
