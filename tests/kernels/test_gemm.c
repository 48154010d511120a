/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "gemm.h"

static void a_two_by_two_product_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    float a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8}, c[] = {1, 1, 1, 1};
    Tensor ta = TENSOR(a, F32, 2, 2), tb = TENSOR(b, F32, 2, 2), tc = TENSOR(c, F32, 2, 2);
    gemm(&dev, tc, ta, tb, (GemmOptions){.accumulate = true});
    assert_near(c[0], 20, 0);
    assert_near(c[3], 51, 0);
    gemm(&dev, tc, ta, tb, (GemmOptions){.trans_b = true, .alpha = 2});
    assert_near(c[1], 2 * (7 + 16), 0);
    gemm(&dev, tc, ta, tb, (GemmOptions){.trans_a = true});
    assert_near(c[2], 2 * 5 + 4 * 7, 0);
    device_close(&dev);
}

/* A sum of k products rounded in any order errs by at most k ulp/2 of the sum of magnitudes. */
static void check_against_double(int64_t m, int64_t n, int64_t k, GemmOptions options)
{
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    Tensor a = options.trans_a ? NORMAL(1, 1, k, m) : NORMAL(1, 1, m, k);
    Tensor b = options.trans_b ? NORMAL(2, 1, n, k) : NORMAL(2, 1, k, n);
    Tensor before = NORMAL(3, 1, m, n), c = new_copy(before);
    gemm(&dev, c, a, b, options);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            double sum = options.accumulate ? f32(before)[i * n + j] : 0.0, size = fabs(sum);
            for (int64_t l = 0; l < k; l++) {
                const double x = f32(a)[options.trans_a ? l * m + i : i * k + l];
                const double y = f32(b)[options.trans_b ? j * k + l : l * n + j];
                sum += x * y;
                size += fabs(x * y);
            }
            assert_near(f32(c)[i * n + j], sum, (double)(k + 1) * ULP / 2 * size);
        }
    device_close(&dev);
    tensors_free();
}

static void all_transpositions_agree_with_double_on_ragged_shapes(void **state)
{
    (void)state;
    const int64_t shapes[][3] = {
        {1, 1, 1}, {1, 300, 7}, {129, 1, 33}, {65, 257, 31}, {300, 130, 64}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int mask = 0; mask < 8; mask++)
            check_against_double(
                shapes[s][0], shapes[s][1], shapes[s][2],
                (GemmOptions){.trans_a = mask & 1, .trans_b = mask & 2, .accumulate = mask & 4});
}

static void the_bits_do_not_depend_on_the_threads(void **state)
{
    (void)state;
    Tensor a = NORMAL(1, 1, 700, 513), b = NORMAL(2, 1, 513, 600), c[3];
    for (int threads = 1; threads <= 3; threads++) {
        Device dev;
        assert_ok(device_open(&dev, "cpu", threads));
        c[threads - 1] = NEW(F32, 700, 600);
        gemm(&dev, c[threads - 1], a, b, (GemmOptions){0});
        device_close(&dev);
    }
    assert_same_bits(c[0], c[1]);
    assert_same_bits(c[0], c[2]);
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_two_by_two_product_worked_by_hand),
        cmocka_unit_test(all_transpositions_agree_with_double_on_ragged_shapes),
        cmocka_unit_test(the_bits_do_not_depend_on_the_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
