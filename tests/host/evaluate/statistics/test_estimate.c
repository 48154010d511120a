/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals by Student's distribution. */
#include "test.h"

#include "evaluate/statistics/estimate.h"

/* The 97.5 % quantiles of Student's t, from tables. */
static void intervals_widen_as_students_t(void **state)
{
    (void)state;
    static const struct {
        double freedom, t, error; /* relative error of the approximation */
    } table[] = {
        {1, 12.7062, 1e-5}, {2, 4.30265, 1e-5},  {3, 3.18245, 5e-3},   {5, 2.57058, 5e-3},
        {9, 2.26216, 2e-4}, {29, 2.04523, 2e-4}, {1e9, 1.95996, 2e-4},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const Estimate e = estimate_interval(0.0, 1.0, table[i].freedom, -100.0, 100.0);
        assert_near(e.half / table[i].t, 1.0, table[i].error);
        assert_near(e.high, -e.low, 0.0);
    }
}

static void intervals_are_cut_at_the_possible_values(void **state)
{
    (void)state;
    const Estimate e = estimate_interval(0.9, 0.1, 1e9, 0.0, 1.0);
    assert_near(e.low, 0.9 - 0.195996, 1e-5);
    assert_near(e.high, 1.0, 0.0);
    assert_near(e.half, 0.195996, 1e-5);
}

static void one_unit_has_no_interval(void **state)
{
    (void)state;
    const Estimate e = estimate_interval(0.5, 1.0, 0.0, 0.0, 1.0);
    assert_near(e.value, 0.5, 0.0);
    assert_true(isnan(e.error) && isnan(e.half) && isnan(e.low) && isnan(e.high));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(intervals_widen_as_students_t),
        cmocka_unit_test(intervals_are_cut_at_the_possible_values),
        cmocka_unit_test(one_unit_has_no_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
