/* SPDX-License-Identifier: Apache-2.0 */
/* Ranking measures and their intervals over users. */
#include "test.h"

#include "evaluate/ranking/ranking.h"

static void a_clear_rank_gives_the_textbook_values(void **state)
{
    (void)state;
    assert_near(ranking_measure_value(HR_1, 0, 0), 1.0, 0.0);
    assert_near(ranking_measure_value(HR_5, 4, 0), 1.0, 0.0);
    assert_near(ranking_measure_value(HR_5, 5, 0), 0.0, 0.0);
    assert_near(ranking_measure_value(NDCG_5, 0, 0), 1.0, 0.0);
    assert_near(ranking_measure_value(NDCG_5, 2, 0), 0.5, 1e-15); /* 1 / log2(4) */
    assert_near(ranking_measure_value(NDCG_10, 6, 0), 1.0 / 3.0, 1e-15);
    assert_near(ranking_measure_value(NDCG_5, 6, 0), 0.0, 0.0);
    assert_near(ranking_measure_value(MRR_20, 19, 0), 0.05, 1e-15);
    assert_near(ranking_measure_value(MRR_20, 20, 0), 0.0, 0.0);
}

/* Three tied on ranks 4, 5, 6 (0-based): one third each. */
static void tied_items_share_their_ranks_evenly(void **state)
{
    (void)state;
    assert_near(ranking_measure_value(HR_5, 4, 2), 1.0 / 3.0, 1e-15);
    assert_near(ranking_measure_value(HR_10, 4, 2), 1.0, 1e-15);
    assert_near(ranking_measure_value(NDCG_5, 4, 2), 1.0 / log2(6.0) / 3.0, 1e-15);
    assert_near(ranking_measure_value(MRR_10, 4, 2), (1.0 / 5.0 + 1.0 / 6.0 + 1.0 / 7.0) / 3.0,
                1e-15);
    /* A constant scorer over 1000 items hits as chance does. */
    assert_near(ranking_measure_value(HR_20, 0, 999), 0.02, 1e-15);
    assert_near(ranking_measure_value(HR_1, 0, 999), 0.001, 1e-15);
}

/* Users 0, 1, 2 with 2, 1, 1 events; actions 0 1 0 0; the last is a repeat. */
static int64_t first3[] = {0, 2, 3, 4}, event4[] = {10, 11, 20, 30}, user3[] = {5, 6, 9};
static int32_t target4[] = {1, 2, 3, 4};
static uint8_t action4[] = {0, 1, 0, 0}, repeat4[] = {0, 0, 0, 1};
static float reward4[] = {1.0f, 0.5f, 4.0f, -2.0f};
static uint8_t band4[] = {GROUP_HEAD, GROUP_TAIL, GROUP_COLD, GROUP_TAIL};
static const ScoredEvents four = {.count = 4,
                                  .users = 3,
                                  .items = 40,
                                  .groups = GROUP_ACTION + 2,
                                  .event = event4,
                                  .user = user3,
                                  .first = first3,
                                  .target = target4,
                                  .action = action4,
                                  .reward = reward4,
                                  .repeat = repeat4,
                                  .band = band4};

static void add_four(Ranking *r, const int32_t *above)
{
    const int64_t index[] = {2, 0, 3, 1};
    const int32_t ties[4] = {0};
    int32_t given[4], top[4 * RANKING_TOP];
    for (int i = 0; i < 4; i++) {
        given[i] = above[index[i]];
        for (int k = 0; k < RANKING_TOP; k++)
            top[i * RANKING_TOP + k] = k < 3 ? k + (int)index[i] : -1;
    }
    assert_ok(ranking_open(r, &four));
    ranking_add(r, 4, index, given, ties, top);
}

static void groups_are_summarised_apart_with_intervals_over_users(void **state)
{
    (void)state;
    Ranking r;
    RankingSummary s;
    add_four(&r, (const int32_t[]){0, 30, 0, 7}); /* HR@5: 1 0 | 1 | 0 */
    ranking_summary(&r, 1, GROUP_ALL, &s);
    assert_int_equal(s.events, 4);
    assert_int_equal(s.users, 3);
    assert_near(s.measure[HR_5].value, 0.5, 1e-15);
    assert_near(s.measure[HR_10].value, 0.75, 1e-15);
    /* y - R n: 1 - 1, 1 - 1/2, 0 - 1/2: sum of squares 1/2; variance 3/2 * 1/2 / 16. */
    assert_near(s.measure[HR_5].error, sqrt(0.75) / 4.0, 1e-15);
    assert_near(s.measure[HR_5].low, 0.0, 0.0);
    assert_near(s.measure[HR_5].half, 4.302652729749464 * sqrt(0.75) / 4.0, 1e-15);
    /* With two degrees of freedom the interval is wider than [0, 1] and is cut. */
    assert_near(s.measure[HR_10].high, 1.0, 0.0);

    ranking_summary(&r, 1, GROUP_ACTION + 1, &s);
    assert_int_equal(s.events, 1);
    assert_near(s.measure[HR_20].value, 0.0, 0.0);
    assert_true(isnan(s.measure[HR_20].low)); /* one user: no interval */
    ranking_summary(&r, 1, GROUP_REPEAT, &s);
    assert_near(s.measure[NDCG_10].value, 1.0 / log2(9.0), 1e-15);
    ranking_summary(&r, 1, GROUP_COLD, &s);
    assert_near(s.measure[HR_1].value, 1.0, 0.0);
    ranking_summary(&r, 1, GROUP_TAIL, &s);
    assert_int_equal(s.events, 2);
    assert_near(s.measure[HR_10].value, 0.5, 0.0);
    ranking_close(&r);
}

/* The weights are 1, 1/2 | 4 | 0: the last event's reward is negative. */
static void a_reward_is_a_weight(void **state)
{
    (void)state;
    Ranking r;
    RankingSummary s;
    add_four(&r, (const int32_t[]){0, 30, 7, 0});
    ranking_summary(&r, 1, GROUP_REWARD, &s);
    assert_int_equal(s.events, 3);
    assert_int_equal(s.users, 2);
    assert_near(s.measure[HR_5].value, 1.0 / 5.5, 1e-15);
    assert_near(s.measure[HR_10].value, 5.0 / 5.5, 1e-15);
    assert_near(s.measure[NDCG_10].value, (1.0 + 4.0 / log2(9.0)) / 5.5, 1e-15);
    /* y - R n with R = 2/11: 1 - 3/11, 0 - 8/11; variance 2/1 * 2 (8/11)^2 / 5.5^2. */
    assert_near(s.measure[HR_5].error, 2.0 * (8.0 / 11.0) / 5.5, 1e-15);
    assert_true(histories_scored_rewards_differ(r.events));

    double sum[3], size[3];
    ranking_users(&r, GROUP_REWARD, HR_10, sum, size);
    assert_near(sum[0], 1.0, 0.0);
    assert_near(size[0], 1.5, 0.0);
    assert_near(sum[1], 4.0, 0.0);
    assert_near(size[2], 0.0, 0.0);
    const Estimate same = ranking_difference(&r, 1, &r, 1, GROUP_REWARD, HR_10);
    assert_near(same.value, 0.0, 0.0);
    ranking_close(&r);

    ScoredEvents unknown = four;
    unknown.reward = NULL;
    assert_near(histories_scored_weight(&unknown, 2, GROUP_REWARD), 0.0, 0.0);
    assert_false(histories_scored_rewards_differ(&unknown));
}

/* The tops are the items 0..2, 1..3, 2..4, 3..5 of 40: counts 1 2 3 3 2 1, 12 places. */
static void the_spread_is_as_worked_by_hand(void **state)
{
    (void)state;
    Ranking r[2];
    RankingSpread s;
    int64_t popularity[40] = {0};
    for (int k = 0; k < 2; k++) add_four(&r[k], (const int32_t[]){0, 30, 0, 7});
    popularity[2] = 7, popularity[3] = 15, popularity[39] = 2; /* P + items = 64 */
    assert_ok(ranking_spread(r, 1, popularity, &s));
    assert_near(s.coverage, 6.0 / 40.0, 1e-15);
    assert_near(s.diversity, 1.0 - (2.0 * 2.0 + 2.0 * 6.0) / (3.0 * 12.0), 1e-15);
    /* -log2: 6 where nobody bought, 3 for item 2, 2 for item 3. */
    assert_near(s.novelty, (6.0 * 6.0 + 3.0 * 3.0 + 3.0 * 2.0) / 12.0, 1e-14);
    /* Places 35..40 of the sorted counts 1 1 2 2 3 3: 2k + 1 - 40 = 29 31 33 35 37 39. */
    assert_near(s.gini, (29.0 + 31.0 + 2.0 * (33.0 + 35.0) + 3.0 * (37.0 + 39.0)) / (40.0 * 12.0),
                1e-15);
    RankingSpread both;
    assert_ok(ranking_spread(r, 2, popularity, &both));
    assert_near(both.novelty, s.novelty, 1e-15);
    assert_near(both.gini, s.gini, 1e-15);
    for (int k = 0; k < 2; k++) ranking_close(&r[k]);
}

/* HR@5 of two seeds: 1 0 | 1 | 0, value .5, and 1 0 | 0 | 0, value .25; their mean .375. */
static void seeds_are_averaged_and_their_variation_is_added(void **state)
{
    (void)state;
    Ranking r[2], b;
    RankingSummary s;
    add_four(&r[0], (const int32_t[]){0, 30, 0, 7});
    add_four(&r[1], (const int32_t[]){0, 30, 30, 7});
    add_four(&b, (const int32_t[]){0, 30, 30, 30});
    ranking_summary(r, 2, GROUP_ALL, &s);
    const Estimate e = s.measure[HR_5];
    assert_near(e.value, 0.375, 1e-15);
    /* Over users y = 1 1/2 0 of n = 2 1 1: y - R n = 1/4 1/8 -3/8; squares sum to 7/32. Over seeds
     * sd = 1/8 sqrt 2, error 1/8. */
    const double users = sqrt(1.5 * 7.0 / 32.0) / 4.0, seeds = 0.125;
    assert_near(e.error, hypot(users, seeds), 1e-15);
    assert_near(e.half, hypot(4.302652729749464 * users, 12.706204736174707 * seeds), 1e-14);
    assert_near(e.low, 0.0, 0.0);

    /* Against b: differences 0 0 | 1/2 | 0 on average, 1/4 and 0 by seed. */
    const Estimate d = ranking_difference(r, 2, &b, 1, GROUP_ALL, HR_5);
    assert_near(d.value, 0.125, 1e-15);
    /* y - R n = -1/4 3/8 -1/8: squares sum to 7/32. */
    assert_near(d.error, hypot(sqrt(1.5 * 7.0 / 32.0) / 4.0, 0.125), 1e-15);
    for (int k = 0; k < 2; k++) ranking_close(&r[k]);
    ranking_close(&b);
}

static void a_difference_is_paired_event_by_event(void **state)
{
    (void)state;
    Ranking a, b;
    add_four(&a, (const int32_t[]){0, 30, 0, 7});
    add_four(&b, (const int32_t[]){0, 30, 30, 7});
    const Estimate d = ranking_difference(&a, 1, &b, 1, GROUP_ALL, HR_5);
    assert_near(d.value, 0.25, 1e-15);
    /* y - R n: -1/2, 3/4, -1/4: squares sum to 7/8. */
    assert_near(d.error, sqrt(1.5 * 0.875) / 4.0, 1e-15);
    double sum[3], size[3];
    ranking_users(&a, GROUP_ALL, HR_5, sum, size);
    assert_true(sum[0] == 1.0 && sum[1] == 1.0 && sum[2] == 0.0);
    assert_true(size[0] == 2.0 && size[1] == 1.0 && size[2] == 1.0);
    ranking_users(&a, GROUP_ACTION + 1, HR_10, sum, size);
    assert_true(sum[0] == 0.0 && size[0] == 1.0 && size[1] == 0.0);
    const Estimate same = ranking_difference(&a, 1, &a, 1, GROUP_ALL, NDCG_10);
    assert_near(same.value, 0.0, 0.0);
    assert_near(same.high, 0.0, 0.0);
    ranking_close(&a);
    ranking_close(&b);
}

static double draw(uint64_t seed, uint64_t i)
{
    return (double)(philox_u64(77, seed, i) >> 11) * 0x1p-53;
}

enum { WORLDS = 1000, WORLD_USERS = 300, WORLD_EVENTS = 4 };

/* Users of 1 .. WORLD_EVENTS events whose own rate of success is spread widely. Fills first, hit.
 */
static void sample_world(uint64_t world, int64_t *first, uint8_t *hit)
{
    int64_t i = 0;
    for (int64_t u = 0; u < WORLD_USERS; u++) {
        const int64_t events = 1 + (int64_t)(draw(world, (uint64_t)u * 16) * WORLD_EVENTS);
        const double rate = draw(world, (uint64_t)u * 16 + 1) < 0.5 ? 0.05 : 0.65;
        first[u] = i;
        for (int64_t k = 0; k < events; k++)
            hit[i++] = draw(world, (uint64_t)(u * 16 + 2 + k)) < rate;
    }
    first[WORLD_USERS] = i;
}

/* True rate .35. 1000 worlds: the count of covering intervals has standard deviation 6.9, so .95
 * +- .0275 is four of them. Intervals that took events as independent would cover about .85. */
static void intervals_over_users_cover_the_truth_at_their_rate(void **state)
{
    (void)state;
    enum { MOST = WORLD_USERS * WORLD_EVENTS };
    static int64_t first[WORLD_USERS + 1], index[MOST];
    static uint8_t hit[MOST], zero[MOST];
    static int32_t above[MOST], ties[MOST], target[MOST], top[MOST * RANKING_TOP];
    memset(top, -1, sizeof top);
    int covered = 0;
    for (uint64_t world = 0; world < WORLDS; world++) {
        sample_world(world, first, hit);
        const ScoredEvents s = {.count = first[WORLD_USERS],
                                .users = WORLD_USERS,
                                .items = 100,
                                .groups = GROUP_ACTION + 1,
                                .first = first,
                                .target = target,
                                .action = zero,
                                .repeat = zero,
                                .band = zero};
        for (int64_t i = 0; i < s.count; i++) {
            index[i] = i;
            above[i] = hit[i] ? 0 : 50;
        }
        Ranking r;
        RankingSummary sum;
        assert_ok(ranking_open(&r, &s));
        ranking_add(&r, s.count, index, above, ties, top);
        ranking_summary(&r, 1, GROUP_ALL, &sum);
        covered += sum.measure[HR_10].low <= 0.35 && 0.35 <= sum.measure[HR_10].high;
        ranking_close(&r);
    }
    assert_near(covered / (double)WORLDS, 0.95, 0.0275);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clear_rank_gives_the_textbook_values),
        cmocka_unit_test(tied_items_share_their_ranks_evenly),
        cmocka_unit_test(groups_are_summarised_apart_with_intervals_over_users),
        cmocka_unit_test(a_reward_is_a_weight),
        cmocka_unit_test(the_spread_is_as_worked_by_hand),
        cmocka_unit_test(seeds_are_averaged_and_their_variation_is_added),
        cmocka_unit_test(a_difference_is_paired_event_by_event),
        cmocka_unit_test(intervals_over_users_cover_the_truth_at_their_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
