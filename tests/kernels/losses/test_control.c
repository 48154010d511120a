/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "base/rng.h"
#include "losses/control.h"

enum { TOKENS = 4000, WINDOWS = 3 };

/* Windows of 3990, 0 and 6 tokens, and four tokens of padding. */
static int32_t cu[] = {0, 3990, 3990, 3996};
static int64_t first[] = {INT64_C(5000000000), 7, 90};

static void length_is_that_of_the_window_so_far(void **state)
{
    (void)state;
    static float y[TOKENS], valid[TOKENS];
    Device dev;
    assert_ok(device_open(&dev, "cpu", 2));
    control_length(&dev, TENSOR(y, F32, TOKENS), TENSOR(valid, F32, TOKENS),
                   TENSOR(cu, I32, WINDOWS + 1));
    device_close(&dev);
    const float six[] = {logf(2), logf(3), logf(4), logf(5), logf(6), 0, 0, 0, 0, 0};
    for (int t = 0; t < 10; t++) {
        assert_true(valid[3990 + t] == (t < 5));
        assert_near(y[3990 + t], six[t], 2e-7); /* logf is within an ulp, below 1.2e-7 */
    }
    assert_true(valid[3988] == 1 && valid[3989] == 0);
}

/* Moments of 3,994 draws: the mean within 4 / sqrt(n), the second moment within 4 sqrt(2 / n); and
 * each is the event's own, wherever it lies in a batch. */
static void random_is_normal_and_the_events_own(void **state)
{
    (void)state;
    static float y[TOKENS], valid[TOKENS], again[8], valid_again[8];
    int32_t cu_again[] = {0, 6};
    int64_t first_again[] = {90};
    Device dev;
    assert_ok(device_open(&dev, "cpu", 3));
    control_random(&dev, TENSOR(y, F32, TOKENS), TENSOR(valid, F32, TOKENS),
                   TENSOR(cu, I32, WINDOWS + 1), TENSOR(first, I64, WINDOWS), 11);
    control_random(&dev, TENSOR(again, F32, 8), TENSOR(valid_again, F32, 8),
                   TENSOR(cu_again, I32, 2), TENSOR(first_again, I64, 1), 11);
    device_close(&dev);
    double n = 0.0, sum = 0.0, square = 0.0;
    for (int t = 0; t < TOKENS; t++) {
        n += (double)valid[t];
        sum += (double)y[t];
        square += (double)y[t] * (double)y[t];
    }
    assert_near(n, 3989 + 5, 0);
    assert_near(sum / n, 0.0, 4.0 / sqrt(n));
    assert_near(square / n, 1.0, 4.0 * sqrt(2.0 / n));
    assert_memory_equal(again, y + 3990, 6 * sizeof *y);
    const Philox p = philox(11, 1, UINT64_C(5000000001));
    assert_near(y[0], philox_normal(p.word[0], p.word[1]), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(length_is_that_of_the_window_so_far),
        cmocka_unit_test(random_is_normal_and_the_events_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
