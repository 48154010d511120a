/* SPDX-License-Identifier: Apache-2.0 */
/* The weight of a pair against its definition, for every weight that there is; seconds of times
 * before 1970 and far from it. */
#include "counts/pair.h"

#include "test.h"

enum { LAST = PAIR_STEPS - 1 };

/* q has four binary digits, and 8 is the first value of them. */
static int64_t q_of(int step) { return (INT64_C(8) + step % 8) << (5 + step / 8); }

/* Both events of a pair begin their second; the first is at `start`. */
static int32_t step_of(int64_t start, int64_t seconds)
{
    return pair_step(pair_second(start * 1000), pair_second((start + seconds) * 1000));
}

static void a_step_begins_at_its_four_digits(void **state)
{
    (void)state;
    static const int64_t starts[] = {0, 1700000000, -1, -1000000000, INT64_C(1) << 40};
    for (size_t s = 0; s < sizeof starts / sizeof *starts; s++) {
        for (int step = 0; step < LAST; step++) {
            if (step > 0) assert_int_equal(step_of(starts[s], q_of(step) - 256), step);
            assert_int_equal(step_of(starts[s], q_of(step + 1) - 257), step);
        }
        assert_int_equal(step_of(starts[s], q_of(LAST) - 256), LAST);
        assert_int_equal(step_of(starts[s], (INT64_C(1) << 32) - 1), LAST);
    }
}

static void every_weight_is_the_nearest_number_of_units(void **state)
{
    (void)state;
    PairUnits all;
    pair_all_units(&all);
    for (int gap = 1; gap <= 20; gap++)
        for (int step = 0; step <= LAST; step++) {
            const double root = pow(256.0 / (double)q_of(step), 0.125);
            const double want = floor(232792560.0 / gap * root + 0.5);
            assert_true((double)pair_units(gap, step) == want);
            assert_true((double)all.of[gap][step] == want);
        }
}

static void events_of_one_second_weigh_a_half(void **state)
{
    (void)state;
    assert_int_equal(2 * pair_units(1, pair_step(pair_second(5000), pair_second(5999))),
                     COUNT_UNITS);
    assert_int_equal(pair_units(1, pair_step(pair_second(5999), pair_second(6000))), COUNT_UNITS);
}

static void the_least_weight_is_twice_what_is_none(void **state)
{
    (void)state;
    assert_int_equal(PAIR_NONE * 2 * COUNT_UNITS, pair_units(COUNT_GAP, LAST));
    assert_int_equal(PAIR_NONE_OF_ITEM * 4 * COUNT_UNITS, pair_units(1, LAST));
    assert_int_equal(COUNT_UNITS, pair_units(1, 0));
}

static void a_second_begins_at_a_multiple_of_1000(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        int32_t second;
    } cases[] = {{0, 0},      {999, 0},    {1000, 1},  {-1, -1},
                 {-1000, -1}, {-1001, -2}, {-999, -1}, {INT64_C(2147483647999), INT32_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(pair_second(cases[i].ms), cases[i].second);
    assert_int_equal(pair_second(INT64_C(2147483648000)), INT32_MIN); /* modulo 2^32 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_step_begins_at_its_four_digits),
        cmocka_unit_test(every_weight_is_the_nearest_number_of_units),
        cmocka_unit_test(events_of_one_second_weigh_a_half),
        cmocka_unit_test(the_least_weight_is_twice_what_is_none),
        cmocka_unit_test(a_second_begins_at_a_multiple_of_1000),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
