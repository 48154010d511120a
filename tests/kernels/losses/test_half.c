/* SPDX-License-Identifier: Apache-2.0 */
#include "op.h"

#include "base/rng.h"
#include "losses/half.h"

enum { WINDOWS = 4000, TOKENS = 2 * WINDOWS + 5 };

/* Windows of one, two and three tokens in turn; every user has two of them. */
static void users_are_drawn_whole_and_padding_has_no_weight(void **state)
{
    (void)state;
    static float weight[TOKENS], again[TOKENS];
    static int32_t cu[WINDOWS + 1];
    static int64_t user[WINDOWS];
    Device dev;
    int taken = 0, changed = 0;
    for (int w = 0; w < WINDOWS; w++) {
        cu[w + 1] = cu[w] + 1 + w % 3;
        user[w] = INT64_C(3000000000) + w / 2;
    }
    for (int t = 0; t < TOKENS; t++) again[t] = weight[t] = 1.0f + (float)t;
    assert_ok(device_open(&dev, "cpu", 1));
    const Tensor windows = TENSOR(cu, I32, WINDOWS + 1), users = TENSOR(user, I64, WINDOWS);
    half_of_users(&dev, TENSOR(weight, F32, TOKENS), windows, users, 9);
    half_of_users(&dev, TENSOR(again, F32, TOKENS), windows, users, 10);
    device_close(&dev);
    for (int w = 0; w < WINDOWS; w++) {
        const bool of_half = philox(9, 2, (uint64_t)user[w]).word[0] & 1;
        taken += of_half;
        changed += of_half != (again[cu[w]] > 0.0f);
        for (int t = cu[w]; t < cu[w + 1]; t++)
            assert_near(weight[t], of_half ? 2.0 * (1.0 + t) : 0.0, 0);
    }
    for (int t = cu[WINDOWS]; t < TOKENS; t++) assert_near(weight[t], 0.0, 0);
    /* 2,000 users, each with probability 1/2: within 4 standard deviations of sqrt(2000) / 2. */
    assert_near(taken / 2.0, WINDOWS / 4.0, 2.0 * sqrt(2000.0));
    assert_near(changed / 2.0, WINDOWS / 4.0, 2.0 * sqrt(2000.0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(users_are_drawn_whole_and_padding_has_no_weight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
