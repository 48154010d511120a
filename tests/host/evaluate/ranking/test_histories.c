/* SPDX-License-Identifier: Apache-2.0 */
/* Which events are scored, what their history is, and in which groups they are. */
#include "ranking_world.h"

#include "evaluate/ranking/repeats.h"

static void scored_events_have_a_history(void **state)
{
    (void)state;
    ScoredEvents s;
    assert_ok(histories_scored_select(&s, &tiny, &(ScoredOptions){0}));
    assert_int_equal(s.count, 4);
    assert_int_equal(s.users, 3);
    assert_int_equal(s.no_history, 1);
    assert_int_equal(s.with_history, 4);
    assert_int_equal(s.repeats, 1);
    const int64_t event[] = {3, 4, 7, 11}, user[] = {0, 1, 3}, first[] = {0, 2, 3, 4};
    assert_memory_equal(s.event, event, sizeof event);
    assert_memory_equal(s.known, event, sizeof event); /* no ties */
    assert_memory_equal(s.user, user, sizeof user);
    assert_memory_equal(s.first, first, sizeof first);
    assert_memory_equal(s.target, ((const int32_t[]){1, 3, 2, 1}), 16);
    assert_memory_equal(s.action, ((const uint8_t[]){0, 1, 1, 1}), 4);
    assert_memory_equal(s.repeat, ((const uint8_t[]){1, 0, 0, 0}), 4);
    /* Of 7 train events item 0 has 3: the first third. Item 1 begins at 3 >= 7/3, item 2 at 5. */
    const uint8_t band[] = {GROUP_MIDDLE, GROUP_COLD, GROUP_TAIL, GROUP_MIDDLE};
    assert_memory_equal(s.band, band, 4);
    assert_true(histories_scored_in_group(&s, 1, GROUP_COLD));
    assert_false(histories_scored_in_group(&s, 1, GROUP_WARM));
    assert_true(histories_scored_in_group(&s, 2, GROUP_WARM));
    assert_true(histories_scored_in_group(&s, 2, GROUP_TAIL));
    histories_scored_close(&s);
}

static void repeats_may_be_left_out(void **state)
{
    (void)state;
    ScoredEvents s;
    assert_ok(histories_scored_select(&s, &tiny, &(ScoredOptions){.leave_repeats = true}));
    assert_int_equal(s.count, 3);
    assert_int_equal(s.repeats, 1);
    assert_int_equal(s.with_history, 4);
    assert_memory_equal(s.event, ((const int64_t[]){4, 7, 11}), 24);
    assert_memory_equal(s.first, ((const int64_t[]){0, 1, 2, 3}), 32);
    histories_scored_close(&s);
}

/* One user: 0 | 1 2 at one time | 2 0 at one time; the last four are scored. Another user's first
 * two events are at one time. */
static void events_of_one_time_are_no_history_of_each_other(void **state)
{
    (void)state;
    const int64_t offset[] = {0, 5, 7}, train[][2] = {{0, 1}, {5, 5}};
    const int64_t scored[][2] = {{1, 5}, {5, 7}};
    const int32_t item[] = {0, 1, 2, 2, 0, 0, 1};
    const uint8_t action[7] = {0};
    const uint64_t tie[] = {1 << 2 | 1 << 4 | 1 << 6};
    const Histories h = {2, 3, 1, offset, train, scored, item, action, tie, NULL};
    ScoredEvents s;
    assert_ok(histories_scored_select(&s, &h, &(ScoredOptions){0}));
    assert_int_equal(s.count, 4);
    assert_int_equal(s.no_history, 2);
    assert_memory_equal(s.event, ((const int64_t[]){1, 2, 3, 4}), 32);
    assert_memory_equal(s.known, ((const int64_t[]){1, 1, 3, 3}), 32);
    assert_memory_equal(s.repeat, ((const uint8_t[]){0, 0, 1, 1}), 4);
    histories_scored_close(&s);
}

static void a_sample_of_users_keeps_whole_users(void **state)
{
    (void)state;
    ScoredEvents s;
    assert_ok(histories_scored_select(&s, &tiny, &(ScoredOptions){.sample = 2, .seed = 1}));
    assert_int_equal(s.users, 2);
    assert_true(s.user[0] < s.user[1]);
    assert_int_equal(s.first[2], s.count);
    histories_scored_close(&s);
    assert_ok(histories_scored_select(&s, &tiny, &(ScoredOptions){.sample = 3, .seed = 1}));
    assert_int_equal(s.count, 4);
    histories_scored_close(&s);
}

/* 20 users with two events each; the second, in validation, is the first again for `repeats`. */
static RepeatsRule rule_of(int repeats)
{
    int64_t offset[21], train[20][2], scored[20][2];
    int32_t item[40];
    const uint8_t action[40] = {0};
    for (int u = 0; u <= 20; u++) offset[u] = 2 * u;
    for (int u = 0; u < 20; u++) {
        train[u][0] = 2 * u;
        train[u][1] = scored[u][0] = 2 * u + 1;
        scored[u][1] = 2 * u + 2;
        item[2 * u] = 0;
        item[2 * u + 1] = u >= repeats;
    }
    const Histories h = {
        20,   2,      1,    offset, (const int64_t(*)[2])train, (const int64_t(*)[2])scored,
        item, action, NULL, NULL};
    RepeatsRule r;
    assert_ok(repeats_rule(&r, &h));
    return r;
}

static void one_repeat_in_twenty_keeps_seen_items(void **state)
{
    (void)state;
    assert_false(rule_of(0).include_seen);
    const RepeatsRule r = rule_of(1);
    assert_int_equal(r.events, 20);
    assert_int_equal(r.repeats, 1);
    assert_true(r.include_seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scored_events_have_a_history),
        cmocka_unit_test(repeats_may_be_left_out),
        cmocka_unit_test(events_of_one_time_are_no_history_of_each_other),
        cmocka_unit_test(a_sample_of_users_keeps_whole_users),
        cmocka_unit_test(one_repeat_in_twenty_keeps_seen_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
