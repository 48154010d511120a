/* SPDX-License-Identifier: Apache-2.0 */
/* A summary against a file small enough to be counted by hand. */
#include "data/behaviour/summary.h"

#include "shop.h"

static Status write_by_hand(const char *path)
{
    static const char *const names[] = {"view", "buy"}, *const items[] = {"a", "b", "c", "d"};
    static const float rewards[] = {0.0f, 1.0f};
    static const bool impression[] = {true, false};
    const BehaviourHeader header = {.actions = 2,
                                    .action_name = names,
                                    .action_reward = rewards,
                                    .action_impression = impression,
                                    .episode_gap_ms = 1000,
                                    .plain_keys = true};
    const UserHistory users[] = {
        {.key = "ann",
         .count = 5,
         .item = (int32_t[]){2, 2, 1, 2, 2},
         .action = (uint8_t[]){0, 1, 0, 0, 1},
         .time = (int64_t[]){10, 20, 30, 40, 50},
         .reward = (float[]){0, 1, 0, 0, 3},
         .end = (uint8_t[]){0, 1, 0, 0, 2},
         .split = {{0, 3}, {3, 4}, {4, 5}}},
        {.key = "bob"},
        {.key = "cid",
         .count = 1,
         .item = (int32_t[]){2},
         .action = (uint8_t[]){0},
         .time = (int64_t[]){5},
         .reward = (float[]){0.5f},
         .end = (uint8_t[]){2},
         .split = {{0, 1}, {1, 1}, {1, 1}}},
    };
    BehaviourWriter *w;
    TRY(behaviour_write_create(&w, path, &header));
    for (int u = 0; u < 3; u++) TRY(behaviour_write_append(w, &users[u]));
    const Status st =
        behaviour_write_finish(w, &(BehaviourCatalogue){.items = 4, .item_key = items});
    behaviour_write_close(w);
    return st;
}

static void the_figures_are_those_counted_by_hand(void **state)
{
    (void)state;
    char path[256];
    Behaviour b;
    Summary s;
    assert_ok(write_by_hand(shop_path(path, "summary")));
    assert_ok(behaviour_open(&b, path));
    assert_ok(summary_read(&s, &b, 3));
    assert_int_equal(s.first_ms, 5);
    assert_int_equal(s.last_ms, 50);
    assert_int_equal(s.action_events[0], 4);
    assert_int_equal(s.action_events[1], 2);
    assert_near(s.action_reward[1], 4.0, 0.0);
    assert_near(s.reward, 4.5, 0.0);
    assert_int_equal(s.impressions, 4);
    assert_int_equal(s.terminal, 1);
    assert_int_equal(s.truncated, 2);
    assert_int_equal(s.repeats, 2); /* cid's event is not ann's last item again */
    const int64_t lengths[QUANTILES] = {0, 0, 1, 1, 5, 5, 5};
    assert_memory_equal(s.length, lengths, sizeof lengths);
    assert_int_equal(s.bin[0], 1);
    assert_int_equal(s.bin[2], 1);
    assert_int_equal(s.bins, 3);
    assert_int_equal(s.split_events[SPLIT_TRAIN], 4);
    assert_int_equal(s.split_users[SPLIT_TRAIN], 2);
    assert_int_equal(s.split_users[SPLIT_TEST], 1);
    assert_int_equal(s.items_seen, 2);
    assert_int_equal(s.tops, 3);
    const int32_t top[] = {2, 1, 0};
    const int64_t events[] = {5, 1, 0};
    assert_memory_equal(s.top, top, sizeof top);
    assert_memory_equal(s.top_events, events, sizeof events);
    assert_near(s.top_share[0], 5.0 / 6.0, 1e-12); /* one item */
    assert_near(s.top_share[2], 1.0, 0.0);         /* two items */
    summary_close(&s);
    behaviour_close(&b);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_figures_are_those_counted_by_hand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
