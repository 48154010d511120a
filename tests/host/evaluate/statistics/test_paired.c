/* SPDX-License-Identifier: Apache-2.0 */
/* Arms compared over users and seeds. */
#include "evaluate/statistics/paired.h"
#include "test.h"

static const Bootstrap often = {.replicates = 2000, .seed = 7, .threads = 2};

static double normal(uint64_t seed, uint64_t i)
{
    const Philox p = philox(seed, 1, i);
    return (double)philox_normal(p.word[0], p.word[1]);
}

enum { ARMS = 3, SEEDS = 3, USERS = 40 };

/* Values by hand: users of 1 and of 3 events. */
static void values_are_means_over_seeds_of_sums_over_users(void **state)
{
    (void)state;
    double size[USERS], sum[ARMS][USERS], seed[ARMS][SEEDS] = {{0}};
    for (int u = 0; u < USERS; u++) {
        size[u] = u % 2 ? 3.0 : 1.0;
        for (int a = 0; a < ARMS; a++) {
            sum[a][u] = 0.0;
            for (int s = 0; s < SEEDS; s++) {
                const double y = size[u] * (a + 0.25 * s * a);
                sum[a][u] += y / SEEDS;
                seed[a][s] += y / (2.0 * USERS);
            }
        }
    }
    const PairedSample sample = {ARMS, SEEDS, &seed[0][0], USERS, size, &sum[0][0]};
    PairedEstimate arm[ARMS], difference[ARMS * ARMS];
    assert_ok(paired_estimates(arm, difference, &sample, &often));
    assert_near(arm[2].value, 2.5, 1e-12);
    assert_near(arm[2].spread, 0.5, 1e-12);
    /* Every event of an arm counts the same: no luck of users. */
    assert_near(arm[2].users.low, 2.5, 1e-12);
    assert_near(arm[2].seeds.high, 2.5 + 4.302652729749464 * 0.5 / sqrt(3.0), 1e-12);
    assert_near(arm[2].both.high, arm[2].seeds.high, 1e-12);
    const PairedEstimate *d = &difference[2 * ARMS + 1], *e = &difference[1 * ARMS + 2];
    assert_near(d->value, 1.25, 1e-12);
    assert_near(d->spread, 0.25, 1e-12);
    assert_near(d->both.low, 1.25 - 4.302652729749464 * 0.25 / sqrt(3.0), 1e-12);
    assert_near(e->value, -d->value, 0.0);
    assert_near(e->both.low, -d->both.high, 0.0);
    assert_int_equal(paired_verdict(d), PAIRED_BEATS);
    assert_int_equal(paired_verdict(e), PAIRED_IS_BEATEN);
    assert_int_equal(paired_verdict(&difference[0]), PAIRED_UNDECIDED);
    assert_string_equal(paired_verdict_words(PAIRED_BEATS), "beats");
}

static void squares_of_the_half_widths_add(void **state)
{
    (void)state;
    double size[USERS], sum[2][USERS], seed[2][SEEDS];
    for (int u = 0; u < USERS; u++) {
        size[u] = 1.0;
        sum[0][u] = normal(11, (uint64_t)u);
        sum[1][u] = 1.0 + normal(12, (uint64_t)u);
    }
    for (int a = 0; a < 2; a++) {
        double mean = 0.0;
        for (int u = 0; u < USERS; u++) mean += sum[a][u] / USERS;
        for (int s = 0; s < SEEDS; s++) seed[a][s] = mean + 0.1 * (a + 1) * (s - 1);
    }
    const PairedSample sample = {2, SEEDS, &seed[0][0], USERS, size, &sum[0][0]};
    PairedEstimate arm[2], difference[4];
    assert_ok(paired_estimates(arm, difference, &sample, &often));
    const PairedEstimate *d = &difference[2];
    const double users = d->value - d->users.low, seeds = d->value - d->seeds.low;
    assert_true(users > 0.0 && seeds > 0.0);
    assert_near(d->value - d->both.low, sqrt(users * users + seeds * seeds), 1e-12);
}

static void few_users_tell_nothing_and_none_leave_it_to_the_seeds(void **state)
{
    (void)state;
    double size[USERS] = {0}, sum[2][USERS] = {{0}}, seed[2][SEEDS] = {{1, 1, 1}, {2, 2.1, 1.9}};
    for (int u = 0; u < PAIRED_USERS_MIN - 1; u++) size[u] = 1.0;
    PairedSample sample = {2, SEEDS, &seed[0][0], USERS, size, &sum[0][0]};
    PairedEstimate arm[2], difference[4];
    assert_ok(paired_estimates(arm, difference, &sample, &often));
    assert_true(isnan(difference[2].both.low) && isnan(arm[0].users.high));
    assert_int_equal(paired_verdict(&difference[2]), PAIRED_UNDECIDED);
    sample.users = 0;
    assert_ok(paired_estimates(arm, difference, &sample, &often));
    assert_near(difference[2].both.low, difference[2].seeds.low, 0.0);
    assert_int_equal(paired_verdict(&difference[2]), PAIRED_BEATS);
}

/* Two arms that are alike in expectation, over `worlds` samples of users and of seeds: luck of
 * users (weight a), of seeds (b), and of both together (c). How often is one said to beat the
 * other? */
static double false_verdicts(uint64_t worlds, double a, double b, double c)
{
    enum { N = 60 };
    const Bootstrap bootstrap = {.replicates = 400, .seed = 5, .threads = 2};
    double size[N], sum[2][N], seed[2][SEEDS];
    int wrong = 0;
    for (uint64_t w = 0; w < worlds; w++) {
        memset(sum, 0, sizeof sum);
        memset(seed, 0, sizeof seed);
        for (int arm = 0; arm < 2; arm++)
            for (int s = 0; s < SEEDS; s++)
                for (int u = 0; u < N; u++) {
                    const uint64_t i = w * 2 + (uint64_t)arm, k = (uint64_t)(s * N + u);
                    const double y = a * normal(21, i * N + (uint64_t)u) +
                                     b * normal(22, i * SEEDS + (uint64_t)s) +
                                     c * normal(23, i * SEEDS * N + k);
                    size[u] = 1.0;
                    sum[arm][u] += y / SEEDS;
                    seed[arm][s] += y / N;
                }
        const PairedSample sample = {2, SEEDS, &seed[0][0], N, size, &sum[0][0]};
        PairedEstimate of[2], difference[4];
        assert_ok(paired_estimates(of, difference, &sample, &bootstrap));
        wrong += paired_verdict(&difference[2]) != PAIRED_UNDECIDED;
    }
    return wrong / (double)worlds;
}

/* A verdict is wrong in at most 5 of 100 cases whatever the luck is made of: with 1000 samples the
 * count has a deviation of .007, so .05 + .028 is four of them. The percentiles of 60 users are 2 %
 * short. */
static void equal_arms_are_seldom_told_apart(void **state)
{
    (void)state;
    const double users = sqrt(60.0), seeds = sqrt(3.0);
    assert_true(false_verdicts(1000, users, 0.01, 0.0) < 0.078);
    assert_true(false_verdicts(1000, 0.01, seeds, 0.0) < 0.078);
    assert_true(false_verdicts(1000, users, seeds, 0.0) < 0.078);
    assert_true(false_verdicts(1000, 0.5 * users, seeds, 3.0) < 0.078);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_means_over_seeds_of_sums_over_users),
        cmocka_unit_test(squares_of_the_half_widths_add),
        cmocka_unit_test(few_users_tell_nothing_and_none_leave_it_to_the_seeds),
        cmocka_unit_test(equal_arms_are_seldom_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
