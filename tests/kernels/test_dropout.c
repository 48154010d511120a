/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "dropout.h"

enum { SITE = 5, STEP = 70000 };
static const uint64_t SEED = 0x123456789abcdefull;
static int64_t step_value = STEP;
#define STEP_TENSOR TENSOR(&step_value, I64, 1)

/* The header's definition, element by element. */
static double factor(int64_t i, float rate)
{
    const Philox p = philox(SEED, (uint64_t)STEP * 65536 + SITE, (uint64_t)i / 4);
    return (double)(p.word[i % 4] >> 8) / 16777216.0 >= (double)rate ? 1.0 / (1.0 - (double)rate)
                                                                     : 0.0;
}

/* Words of counter 0 under key 0 (Random123's known answers) over 2^32: 0.40, 0.88, 0.74, 0.61. */
static void a_case_worked_by_hand(void **state)
{
    (void)state;
    Device dev;
    assert_ok(device_open(&dev, "cpu", 1));
    float x[] = {1, 2, 3, 4}, residual[] = {10, 20, 30, 40}, y[4];
    const Tensor xs = TENSOR(x, F32, 4), rs = TENSOR(residual, F32, 4), ys = TENSOR(y, F32, 4);
    const Tensor step = NEW(I64, 1);
    dropout_add(&dev, ys, xs, rs, (Dropout){0.5f, 0, 0, step});
    const float half[] = {10, 24, 36, 48};
    assert_memory_equal(y, half, sizeof y);
    x[0] = INFINITY; /* dropped */
    dropout_add(&dev, ys, xs, (Tensor){0}, (Dropout){0.75f, 0, 0, step});
    const float quarter[] = {0, 8, 0, 0};
    assert_memory_equal(y, quarter, sizeof y);
    dropout_add(&dev, rs, rs, rs, (Dropout){0});
    const float twice[] = {20, 40, 60, 80};
    assert_memory_equal(residual, twice, sizeof residual);
    device_close(&dev);
    tensors_free();
}

static void ragged_sizes_follow_the_definition_on_any_number_of_threads(void **state)
{
    (void)state;
    const int64_t sizes[] = {0, 1, 3, 63, 64, 65, 1000, 50001};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        const int64_t count = sizes[k];
        const float rate = k % 2 ? 0.1f : 0.5f;
        const Tensor x = NORMAL(1, 1.0f, count), residual = NORMAL(2, 1.0f, count);
        Tensor y[4], dx[4];
        for (int threads = 1; threads <= 3; threads++) {
            Device dev;
            assert_ok(device_open(&dev, "cpu", threads));
            y[threads] = new_copy(residual), dx[threads] = new_copy(x);
            dropout_add(&dev, y[threads], x, y[threads], (Dropout){rate, SEED, SITE, STEP_TENSOR});
            dropout_backward(&dev, dx[threads], dx[threads],
                             (Dropout){rate, SEED, SITE, STEP_TENSOR});
            const Tensor same = new_copy(x);
            dropout_add(&dev, same, same, residual, (Dropout){rate, SEED, SITE, STEP_TENSOR});
            device_close(&dev);
            assert_same_bits(y[threads], y[1]);
            assert_same_bits(dx[threads], dx[1]);
            assert_same_bits(same, y[1]);
        }
        for (int64_t i = 0; i < count; i++) {
            /* y is linear in x with slope factor(i), which is the gradient */
            const double want = factor(i, rate) * f32(x)[i];
            assert_near(f32(dx[1])[i], want, ULP * fabs(want));
            /* factor, product and sum are each rounded: three half spacings */
            assert_near(f32(y[1])[i], f32(residual)[i] + want,
                        1.5 * ULP * (fabs(want) + fabs(f32(residual)[i])));
        }
        tensors_free();
    }
}

static void the_kept_share_is_one_minus_rate(void **state)
{
    (void)state;
    enum { COUNT = 1000000 };
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    const Tensor x = NEW(F32, COUNT), y = NEW(F32, COUNT);
    for (int i = 0; i < COUNT; i++) f32(x)[i] = 1.0f;
    dropout_add(&dev, y, x, (Tensor){0}, (Dropout){0.2f, SEED, SITE, STEP_TENSOR});
    int kept = 0;
    for (int i = 0; i < COUNT; i++) kept += f32(y)[i] != 0.0f;
    assert_near(kept, 0.8 * COUNT, 5 * sqrt(0.2 * 0.8 * COUNT)); /* five standard deviations */
    device_close(&dev);
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_case_worked_by_hand),
        cmocka_unit_test(ragged_sizes_follow_the_definition_on_any_number_of_threads),
        cmocka_unit_test(the_kept_share_is_one_minus_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
