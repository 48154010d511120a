/* SPDX-License-Identifier: Apache-2.0 */
/* Which events are scored, what their history is, and in which groups they are. */
#include "ranking_world.h"

#include "evaluate/ranking/repeats.h"
#include "shop.h"

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
    assert_true(histories_scored_weight(&s, 1, GROUP_COLD));
    assert_false(histories_scored_weight(&s, 1, GROUP_WARM));
    assert_true(histories_scored_weight(&s, 2, GROUP_WARM));
    assert_true(histories_scored_weight(&s, 2, GROUP_TAIL));
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
    const Histories h = {.users = 2,
                         .items = 3,
                         .actions = 1,
                         .offset = offset,
                         .train = train,
                         .scored = scored,
                         .item = item,
                         .action = action,
                         .tie = tie};
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
    const Histories h = {.users = 20,
                         .items = 2,
                         .actions = 1,
                         .offset = offset,
                         .train = (const int64_t(*)[2])train,
                         .scored = (const int64_t(*)[2])scored,
                         .item = item,
                         .action = action};
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

/* ---- Impressions ----------------------------------------------------------------------------- */

/* Row `row` of the histories is event `event` of the file. Whether it is tied follows from the
 * times, and its split from the file's. */
static void check_taken(const Histories *h, const Behaviour *b, const int64_t *time, int64_t user,
                        int64_t row, int64_t event)
{
    const bool first = row == h->offset[user];
    assert_int_equal(histories_event(h, row), event);
    assert_int_equal(schema_is_tied(h->tie, row),
                     !first && time[event] == time[histories_event(h, row - 1)]);
    for (int s = 0; s < SPLITS; s++)
        assert_int_equal(row >= h->split[s][user][0] && row < h->split[s][user][1],
                         event >= b->split[s][user][0] && event < b->split[s][user][1]);
}

static void histories_have_what_was_taken(void **state)
{
    (void)state;
    char path[256];
    Behaviour b;
    Histories h;
    ScoredEvents s;
    const Shop shop = {.users = 200, .longest = 30, .seed = 21, .ties = true, .impressions = true};
    assert_ok(shop_write(&shop, shop_path(path, "taken")));
    assert_ok(behaviour_open(&b, path));
    assert_ok(histories_read(&h, &b, SPLIT_TEST));
    int32_t *item = malloc((size_t)b.events * sizeof *item);
    uint8_t *action = malloc((size_t)b.events);
    int64_t *time = malloc((size_t)b.events * sizeof *time), row = 0, left = 0;
    assert_ok(columns_read(&b, COLUMN_ITEM, 0, b.events, item));
    assert_ok(columns_read(&b, COLUMN_ACTION, 0, b.events, action));
    assert_ok(columns_read(&b, COLUMN_TIME, 0, b.events, time));
    for (int64_t u = 0; u < b.users; u++) {
        int64_t latest = 0;
        for (int64_t e = b.offset[u]; e < b.offset[u + 1]; e++) {
            if (action[e] == 0) {
                left += e >= b.split[SPLIT_TEST][u][0] && e < b.split[SPLIT_TEST][u][1];
                continue;
            }
            if (e < b.split[SPLIT_TRAIN][u][1]) latest = time[e];
            assert_int_equal(h.item[row], item[e]);
            assert_int_equal(h.action[row], action[e]);
            check_taken(&h, &b, time, u, row++, e);
        }
        assert_int_equal(h.offset[u + 1], row);
        assert_int_equal(h.latest[u], latest);
    }
    assert_true(left > 50 && row > 500);
    assert_int_equal(histories_impressions(&h), left);
    assert_ok(histories_scored_select(&s, &h, &(ScoredOptions){0}));
    assert_true(s.count > 50);
    for (int64_t i = 0; i < s.count; i++) {
        assert_int_equal(s.target[i], item[s.event[i]]);
        assert_true(action[s.event[i]] != 0 && s.action[i] == action[s.event[i]]);
        assert_true(time[histories_event(&h, s.known[i])] == time[s.event[i]] &&
                    time[histories_event(&h, s.known[i] - 1)] < time[s.event[i]]);
    }
    histories_scored_close(&s);
    histories_close(&h);
    free(item);
    free(action);
    free(time);
    behaviour_close(&b);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scored_events_have_a_history),
        cmocka_unit_test(repeats_may_be_left_out),
        cmocka_unit_test(events_of_one_time_are_no_history_of_each_other),
        cmocka_unit_test(a_sample_of_users_keeps_whole_users),
        cmocka_unit_test(one_repeat_in_twenty_keeps_seen_items),
        cmocka_unit_test(histories_have_what_was_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
