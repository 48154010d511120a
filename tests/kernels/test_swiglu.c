/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "swiglu.h"

static void a_case_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    /* gate ln 3: s = 3/4; gate 0: s = 1/2; gate -200: silu vanishes; gate 200: silu is the gate */
    const float ln3 = 1.0986123f;
    float gate_up[] = {ln3, 0, -200, 200, /*up*/ 2, 4, 1, 0.5f}, y[4], dy[] = {1, 1, 1, 1};
    const Tensor x = TENSOR(gate_up, F32, 1, 8);
    swiglu_forward(&dev, TENSOR(y, F32, 1, 4), x);
    assert_near(y[0], 1.5 * log(3.0), 4 * ULP);
    assert_near(y[1], 0.0, 0.0);
    assert_near(y[2], 0.0, 1e-37);
    assert_near(y[3], 100.0, 0.0);
    swiglu_backward(&dev, x, TENSOR(dy, F32, 1, 4), x);
    assert_near(gate_up[0], 2 * 0.75 * (1 + 0.25 * log(3.0)), 8 * ULP);
    assert_near(gate_up[1], 4 * 0.5, 0.0);
    assert_near(gate_up[2], 0.0, 1e-37);
    assert_near(gate_up[3], 0.5, 0.0);
    assert_near(gate_up[4], 0.75 * log(3.0), 4 * ULP);
    assert_near(gate_up[7], 200.0, 0.0);
    device_close(&dev);
}

typedef struct {
    int64_t rows, ff;
    const double *dy;
} Case;

static double loss(const double *x, const void *context)
{
    const Case *c = context;
    double sum = 0.0;
    for (int64_t r = 0; r < c->rows; r++)
        for (int64_t i = 0; i < c->ff; i++) {
            const double gate = x[r * 2 * c->ff + i], up = x[r * 2 * c->ff + c->ff + i];
            sum += c->dy[r * c->ff + i] * gate / (1.0 + exp(-gate)) * up;
        }
    return sum;
}

static void gradients_match_differences(void **state)
{
    (void)state;
    enum { ROWS = 6, FF = 19 };
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    const Tensor x = NORMAL(1, 2.0f, ROWS, 2 * FF), dy = NORMAL(2, 1.0f, ROWS, FF);
    const Tensor dx = NEW(F32, ROWS, 2 * FF);
    swiglu_backward(&dev, dx, dy, x);
    double at[ROWS * 2 * FF], want[ROWS * 2 * FF], dys[ROWS * FF];
    to_double(at, x);
    to_double(dys, dy);
    const Case c = {ROWS, FF, dys};
    differences(want, loss, &c, at, ROWS * 2 * FF);
    /* the sigmoid within 4 spacings, 1 - s and six products and sums behind it */
    assert_true(relative_l2(f32(dx), want, ROWS * 2 * FF) <= 8 * ULP);
    device_close(&dev);
    tensors_free();
}

static void ragged_shapes_give_the_same_bits_on_any_number_of_threads(void **state)
{
    (void)state;
    const int64_t shape[][2] = {{0, 8}, {1, 1}, {3, 5}, {64, 33}, {129, 688}, {1000, 31}};
    for (size_t s = 0; s < sizeof shape / sizeof *shape; s++) {
        const int64_t rows = shape[s][0], ff = shape[s][1];
        const Tensor x = NORMAL(s, 3.0f, rows, 2 * ff), dy = NORMAL(s + 50, 1.0f, rows, ff);
        Tensor y[4], dx[4];
        for (int threads = 1; threads <= 3; threads++) {
            Device dev;
            assert_ok(device_open(&dev, "cpu", threads));
            y[threads] = NEW(F32, rows, ff), dx[threads] = NEW(F32, rows, 2 * ff);
            swiglu_forward(&dev, y[threads], x);
            swiglu_backward(&dev, dx[threads], dy, x);
            assert_same_bits(y[threads], y[1]);
            assert_same_bits(dx[threads], dx[1]);
            const Tensor same = new_copy(x);
            swiglu_backward(&dev, same, dy, same);
            assert_same_bits(same, dx[1]);
            device_close(&dev);
        }
        for (int64_t r = 0; r < rows; r++)
            for (int64_t c = 0; c < ff; c++) {
                const double gate = f32(x)[r * 2 * ff + c], up = f32(x)[r * 2 * ff + ff + c];
                const double want = gate / (1.0 + exp(-gate)) * up;
                assert_near(f32(y[1])[r * ff + c], want, 5 * ULP * fabs(want));
            }
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
