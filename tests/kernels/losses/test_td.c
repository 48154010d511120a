/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "losses/td.h"

enum { TOKENS = 10 };

/* Windows of 6, 0, 1 and 2 tokens and one token of padding; gamma 1/2. */
static void run(int n, bool last_has_value, const double *want_y, const char *want_valid)
{
    float reward[] = {1, 2, 4, 8, 16, NAN, NAN, 32, NAN, NAN};
    float value[] = {NAN, 100, 200, 300, 400, 500, NAN, NAN, 600, NAN}, y[TOKENS], valid[TOKENS];
    uint8_t end[] = {0, 1, 0, 2, 0, 0, 0, 0, 0, 0};
    int32_t cu[] = {0, 6, 6, 7, 9};
    for (int threads = 1; threads <= 3; threads++) {
        Device dev;
        assert_ok(device_open(&dev, "cpu", threads));
        td_targets(&dev, TENSOR(y, F32, TOKENS), TENSOR(valid, F32, TOKENS),
                   TENSOR(reward, F32, TOKENS), TENSOR(end, U8, TOKENS), TENSOR(value, F32, TOKENS),
                   TENSOR(cu, I32, 5), 0.5f, n, last_has_value);
        device_close(&dev);
        for (int t = 0; t < TOKENS; t++) {
            assert_true(valid[t] == (want_valid[t] == '1' ? 1.0f : 0.0f));
            assert_near(y[t], want_y[t], 0.0);
        }
    }
}

static void one_step_worked_by_hand(void **state)
{
    (void)state;
    const double y[] = {1 + 50, 2, 4 + 150, 8 + 200, 16 + 250, 0, 0, 32 + 300, 0, 0};
    run(1, true, y, "1111100100");
    const double without[] = {1 + 50, 2, 4 + 150, 8 + 200, 0, 0, 0, 0, 0, 0};
    run(1, false, without, "1111000000");
}

static void three_steps_worked_by_hand(void **state)
{
    (void)state;
    /* t=0: the terminal at 1; t=2, 3: the truncation at 3, value of state 4; t=4: the window's end
     */
    const double y[] = {1 + 1, 2, 4 + 4 + 100, 8 + 200, 16 + 250, 0, 0, 32 + 300, 0, 0};
    run(3, true, y, "1111100100");
    const double without[] = {1 + 1, 2, 4 + 4 + 100, 8 + 200, 0, 0, 0, 0, 0, 0};
    run(3, false, without, "1111000000");
}

/* The recursion: y of m steps = reward + gamma (y of m-1 steps from the next state), unrolled the
 * other way round than the op does it. */
static double recursion(const float *reward, const uint8_t *end, const float *value, int64_t t,
                        int64_t last, int n, double gamma)
{
    if (n == 0) return value[t];
    if (end[t] == 1) return reward[t];
    const bool goes_on = end[t] == 0 && t + 1 < last;
    return reward[t] +
           gamma * recursion(reward, end, value, t + 1, last, goes_on ? n - 1 : 0, gamma);
}

static void random_windows_match_the_recursion(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    Device dev;
    assert_ok(device_open(&dev, "cpu", 3));
    const Tensor reward = NORMAL(1, 1.0f, COUNT), value = NORMAL(2, 5.0f, COUNT);
    const Tensor end = NEW(U8, COUNT), y = NEW(F32, COUNT), valid = NEW(F32, COUNT);
    uint8_t *ends = end.data;
    int32_t cu[COUNT + 1] = {0}, windows = 0;
    for (int t = 0; t < COUNT; t++) {
        const uint32_t draw = philox(3, 0, (uint64_t)t).word[0] % 16;
        ends[t] = draw == 0 ? 1 : draw == 1 ? 2 : 0;
    }
    while (cu[windows] < COUNT - 60) {
        cu[windows + 1] = cu[windows] + (int32_t)(philox(4, 0, (uint64_t)windows).word[0] % 60);
        windows++;
    }
    const int steps[] = {1, 2, 5, 100};
    for (int k = 0; k < 4; k++) {
        td_targets(&dev, y, valid, reward, end, value, TENSOR(cu, I32, windows + 1), 0.9f, steps[k],
                   true);
        for (int w = 0; w < windows; w++)
            for (int64_t t = cu[w]; t < cu[w + 1] - 1; t++) {
                const double want = recursion(f32(reward), ends, f32(value), t, cu[w + 1] - 1,
                                              steps[k], (double)0.9f);
                assert_true(f32(valid)[t] == 1.0f);
                assert_near(f32(y)[t], want, ULP * fabs(want) + 1e-12);
            }
    }
    device_close(&dev);
    tensors_free();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_step_worked_by_hand),
        cmocka_unit_test(three_steps_worked_by_hand),
        cmocka_unit_test(random_windows_match_the_recursion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
