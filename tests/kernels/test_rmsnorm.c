/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "rmsnorm.h"

static void a_case_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    /* mean of squares of (1, 7) is 25; rstd = 1/5 */
    float xs[] = {1, 7}, ws[] = {2, 10}, ys[2], rstd[1], dys[] = {1, 1}, dxs[] = {100, 0};
    float dws[] = {0, 1000};
    const Tensor x = TENSOR(xs, F32, 1, 2), w = TENSOR(ws, F32, 2), r = TENSOR(rstd, F32, 1);
    rmsnorm_forward(&dev, TENSOR(ys, F32, 1, 2), r, x, w, 0.0f);
    assert_near(rstd[0], 0.2, ULP);
    assert_near(ys[0], 0.4, ULP);
    assert_near(ys[1], 14.0, 8 * ULP);
    /* g = (2, 10), n = (0.2, 1.4), mean g n = 7.2: dx = 0.2 (2 - 1.44, 10 - 10.08) */
    rmsnorm_backward(&dev, TENSOR(dxs, F32, 1, 2), TENSOR(dws, F32, 2), TENSOR(dys, F32, 1, 2), x,
                     w, r);
    assert_near(dxs[0], 100.112, 64 * ULP);
    assert_near(dxs[1], -0.016, 8 * ULP);
    assert_near(dws[0], 0.2, ULP);
    assert_near(dws[1], 1001.4, 512 * ULP);
    device_close(&dev);
}

typedef struct {
    int64_t rows, dim;
    const double *dy;
    double eps;
} Case;

/* sum dy y, with x in the first rows dim places of `at` and w behind them. */
static double loss(const double *at, const void *context)
{
    const Case *c = context;
    const double *w = at + c->rows * c->dim;
    double sum = 0.0;
    for (int64_t r = 0; r < c->rows; r++) {
        const double *x = at + r * c->dim;
        double square = 0.0;
        for (int64_t i = 0; i < c->dim; i++) square += x[i] * x[i];
        const double norm = sqrt(square / (double)c->dim + c->eps);
        for (int64_t i = 0; i < c->dim; i++) sum += c->dy[r * c->dim + i] * x[i] / norm * w[i];
    }
    return sum;
}

static void gradients_match_differences(void **state)
{
    (void)state;
    enum { ROWS = 5, DIM = 7, ALL = ROWS * DIM + DIM };
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    const Tensor x = NORMAL(1, 1.5f, ROWS, DIM), w = NORMAL(2, 1.0f, DIM);
    const Tensor dy = NORMAL(3, 1.0f, ROWS, DIM), y = NEW(F32, ROWS, DIM), rstd = NEW(F32, ROWS);
    const Tensor dx = NEW(F32, ROWS, DIM), dw = NEW(F32, DIM);
    rmsnorm_forward(&dev, y, rstd, x, w, 1e-2f);
    rmsnorm_backward(&dev, dx, dw, dy, x, w, rstd);

    double at[ALL], want[ALL], dys[ROWS * DIM];
    to_double(at, x);
    to_double(at + ROWS * DIM, w);
    to_double(dys, dy);
    const Case c = {ROWS, DIM, dys, 1e-2f};
    differences(want, loss, &c, at, ALL);
    /* about six roundings along the longest path, and the sum over DIM: 16 half spacings */
    assert_true(relative_l2(f32(dx), want, ROWS * DIM) <= 8 * ULP);
    assert_true(relative_l2(f32(dw), want + ROWS * DIM, DIM) <= 8 * ULP);
    tensors_free();
    device_close(&dev);
}

static void ragged_shapes_give_the_same_bits_on_any_number_of_threads(void **state)
{
    (void)state;
    const int64_t shape[][2] = {{0, 8}, {1, 1}, {3, 5}, {64, 33}, {65, 48}, {129, 256}, {1000, 31}};
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++) {
        const int64_t rows = shape[s][0], dim = shape[s][1];
        const Tensor x = NORMAL(s, 1.0f, rows, dim), w = NORMAL(s + 50, 1.0f, dim);
        const Tensor dy = NORMAL(s + 100, 1.0f, rows, dim);
        Tensor y[4], rstd[4], dx[4], dw[4];
        for (int threads = 1; threads <= 3; threads++) {
            Device dev;
            assert_ok(device_open(&dev, "cpu", threads));
            y[threads] = NEW(F32, rows, dim), rstd[threads] = NEW(F32, rows);
            dx[threads] = new_copy(x), dw[threads] = new_copy(w);
            rmsnorm_forward(&dev, y[threads], rstd[threads], x, w, 1e-6f);
            rmsnorm_backward(&dev, dx[threads], dw[threads], dy, x, w, rstd[threads]);
            device_close(&dev);
            assert_same_bits(y[threads], y[1]);
            assert_same_bits(rstd[threads], rstd[1]);
            assert_same_bits(dx[threads], dx[1]);
            assert_same_bits(dw[threads], dw[1]);
        }
        /* both accumulate: what was there before is in the sum */
        double *want = calloc((size_t)dim, sizeof *want);
        for (int64_t c = 0; c < dim; c++) {
            want[c] = f32(w)[c];
            for (int64_t r = 0; r < rows; r++)
                want[c] += (double)f32(dy)[r * dim + c] * f32(x)[r * dim + c] * f32(rstd[1])[r];
        }
        /* 64 + rows/64 additions in order, errors of which partly cancel */
        assert_true(relative_l2(f32(dw[1]), want, dim) <= (8 + (double)rows / 64) * ULP);
        free(want);
        tensors_free();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_worked_by_hand),
        cmocka_unit_test(gradients_match_differences),
        cmocka_unit_test(ragged_shapes_give_the_same_bits_on_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
