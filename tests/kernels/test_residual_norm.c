/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "base/bf16.h"
#include "residual_norm.h"
#include "rmsnorm.h"

/* Under seed 0, site 0, step 0 and a rate of 1/2 the factors of the first four elements are 0 2 2 2
 * (test_dropout.c). So x = (3, 4 | 7, 1), whose mean squares are 12.5 and 25. */
static void a_case_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    float y[] = {5, 2, 3, 1}, residual[] = {3, 0, 1, -1}, w[] = {2, 10}, x[4], n[4], rstd[2];
    residual_norm(&dev, TENSOR(n, F32, 2, 2), TENSOR(rstd, F32, 2), TENSOR(x, F32, 2, 2),
                  TENSOR(y, F32, 2, 2), TENSOR(residual, F32, 2, 2), TENSOR(w, F32, 2), 0.0f,
                  (Dropout){.rate = 0.5f, .step = NEW(I64, 1)});
    const float want_x[] = {3, 4, 7, 1}, want_n[] = {1.6970563f, 11.313708f, 2.8f, 2.0f};
    assert_memory_equal(x, want_x, sizeof x);
    assert_near(rstd[0], 0.28284271, ULP);
    assert_near(rstd[1], 0.2, ULP);
    for (int i = 0; i < 4; i++) assert_near(n[i], want_n[i], 2 * ULP * fabs((double)want_n[i]));
    device_close(&dev);
    tensors_free();
}

typedef struct {
    Tensor n, rstd, x;
} Result;

static Tensor of_dtype(Dtype dtype, Tensor t)
{
    if (dtype == F32) return t;
    Device dev;
    const Tensor to = new_tensor(BF16, t.rank, t.dim);
    assert_ok(device_open(&dev, "cpu", 1));
    bf16_round_into(&dev, to, t);
    device_close(&dev);
    return to;
}

/* n takes the memory of y, and x that of residual where there is one, as the contract allows. */
static Result in_place(int threads, Tensor y, Tensor residual, Tensor w, Dropout d)
{
    Device dev;
    const Result r = {.n = new_copy(y), .rstd = NEW(F32, y.dim[0]), .x = new_copy(y)};
    const Tensor x = residual.data ? new_copy(residual) : r.x;
    assert_ok(device_open(&dev, "cpu", threads));
    residual_norm(&dev, r.n, r.rstd, x, r.n, residual.data ? x : residual, w, 1e-6f, d);
    device_close(&dev);
    return (Result){r.n, r.rstd, x};
}

static Result one_after_the_other(Tensor y, Tensor residual, Tensor w, Dropout d)
{
    Device dev;
    const Result r = {new_copy(y), NEW(F32, y.dim[0]), new_copy(y)};
    assert_ok(device_open(&dev, "cpu", 1));
    dropout_add(&dev, r.x, y, residual, d);
    rmsnorm_forward(&dev, r.n, r.rstd, r.x, w, 1e-6f);
    device_close(&dev);
    return r;
}

static void compare(int64_t rows, int64_t dim, Dtype dtype, float rate, bool with_residual)
{
    const Tensor y = of_dtype(dtype, NORMAL(1, 1.0f, rows, dim)), step = NEW(I64, 1);
    const Tensor sum = of_dtype(dtype, NORMAL(2, 1.0f, rows, dim)), w = NORMAL(3, 1.0f, dim);
    const Tensor residual = with_residual ? sum : (Tensor){0};
    const Dropout d = {.rate = rate, .seed = 42, .site = 7, .step = step};
    const Result want = one_after_the_other(y, residual, w, d);
    for (int threads = 1; threads <= 3; threads++) {
        const Result have = in_place(threads, y, residual, w, d);
        assert_same_bits(have.x, want.x);
        assert_same_bits(have.rstd, want.rstd);
        assert_same_bits(have.n, want.n);
    }
    tensors_free();
}

static void the_bits_are_those_of_dropout_and_norm_on_any_number_of_threads(void **state)
{
    (void)state;
    static const int64_t shapes[][2] = {{0, 8}, {1, 1}, {3, 5}, {65, 48}, {129, 33}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int with_residual = 0; with_residual < 2; with_residual++) {
            const int64_t rows = shapes[s][0], dim = shapes[s][1];
            compare(rows, dim, F32, 0.0f, with_residual);
            compare(rows, dim, F32, 0.3f, with_residual);
            compare(rows, dim, BF16, 0.3f, with_residual);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_worked_by_hand),
        cmocka_unit_test(the_bits_are_those_of_dropout_and_norm_on_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
