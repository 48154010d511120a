/* SPDX-License-Identifier: Apache-2.0 */
/* The percentile bootstrap where its interval is known. */
#include "evaluate/statistics/bootstrap.h"
#include "test.h"

static const Bootstrap often = {.replicates = 2000, .seed = 7, .threads = 2};

static double normal(uint64_t seed, uint64_t i)
{
    const Philox p = philox(seed, 1, i);
    return (double)philox_normal(p.word[0], p.word[1]);
}

static double mean_of(const double *sum, int k) { return sum[k] / sum[2]; }

enum { USERS = 4000 };

/* Rows of a normal number, a 2 and the size 1. */
static BootstrapSample make_sample(double row[USERS][3])
{
    for (int u = 0; u < USERS; u++) {
        row[u][0] = normal(3, (uint64_t)u);
        row[u][1] = 2.0;
        row[u][2] = 1.0;
    }
    return (BootstrapSample){
        .users = USERS, .width = 3, .row = &row[0][0], .count = 2, .statistic = mean_of};
}

/* The mean of many independent values has a normal distribution, so that half of its interval is
 * 1.96 standard errors. With R = 2000 replicates their 2.5 % quantile is within 4 sqrt(.025 .975 /
 * R) / density(1.96) = .19 standard errors of the true one; the bootstrap itself errs by 1 % with
 * 4000 users. */
static void the_bootstrap_of_a_mean_is_its_normal_interval(void **state)
{
    (void)state;
    static double row[USERS][3];
    const BootstrapSample sample = make_sample(row);
    double sum = 0.0, square = 0.0;
    BootstrapInterval have[2];
    for (int u = 0; u < USERS; u++) {
        sum += row[u][0];
        square += row[u][0] * row[u][0];
    }
    const double mean = sum / USERS, error = sqrt((square / USERS - mean * mean) / USERS);
    assert_ok(bootstrap_run(have, &sample, &often));
    assert_near(have[0].value, mean, 1e-15);
    assert_near((mean - have[0].low) / error, 1.96, 0.22);
    assert_near((have[0].high - mean) / error, 1.96, 0.22);
}

static void the_bootstrap_of_a_constant_has_no_width(void **state)
{
    (void)state;
    static double row[USERS][3];
    const BootstrapSample sample = make_sample(row);
    BootstrapInterval have[2];
    assert_ok(bootstrap_run(have, &sample, &often));
    assert_near(have[1].value, 2.0, 1e-14);
    assert_near(have[1].high - have[1].low, 0.0, 1e-14);
}

static void threads_do_not_change_a_bit(void **state)
{
    (void)state;
    static double row[USERS][3];
    const BootstrapSample sample = make_sample(row);
    BootstrapInterval one[2], two[2];
    Bootstrap alone = often;
    alone.threads = 1;
    assert_ok(bootstrap_run(one, &sample, &alone));
    assert_ok(bootstrap_run(two, &sample, &often));
    assert_memory_equal(one, two, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bootstrap_of_a_mean_is_its_normal_interval),
        cmocka_unit_test(the_bootstrap_of_a_constant_has_no_width),
        cmocka_unit_test(threads_do_not_change_a_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
