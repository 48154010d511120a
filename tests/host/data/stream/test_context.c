/* SPDX-License-Identifier: Apache-2.0 */
/* Which events a state sees: the last `length` before it, or all where there are fewer. */
#include "data/stream/context.h"
#include "test.h"

static void a_state_sees_the_last_events(void **state)
{
    static const int64_t row[][2] = {{11, 10}, {14, 10}, {15, 10}, {16, 11}, {22, 17}};
    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        assert_int_equal(context_first(5, 10, row[i][0]), row[i][1]);
    assert_int_equal(context_first(1, 0, 1), 0);
    assert_int_equal(context_first(1, 0, 7), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_state_sees_the_last_events)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
