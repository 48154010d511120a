/* SPDX-License-Identifier: Apache-2.0 */
/* Recommendations: lists of items, what was seen, batches, and the numbers beside an item. */
#include "data/behaviour/columns.h"
#include "infer/recommend.h"
#include "infer_case.h"

enum { LENGTH = 12, HISTORIES = 9 };
static const HeadSet both = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q);

static InferCase c;

static int open_case(void **state)
{
    (void)state;
    infer_case_open(&c, both, LENGTH, 2);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    infer_case_close(&c);
    return 0;
}

static bool among(int32_t item, const int32_t *list, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (list[i] == item) return true;
    return false;
}

/* All items by falling score, with nothing left out. */
static void everything(const History *h, Recommendation all[SHOP_ITEMS])
{
    const RecommendOptions o = {.k = SHOP_ITEMS, .include_seen = true};
    int64_t found;
    assert_ok(recommend_best(c.session, h, 1, &o, all, &found));
    assert_int_equal(found, SHOP_ITEMS);
}

/* Those of `all` that `o` leaves, in their order. */
static int64_t leave(const Recommendation *all, const History *h, const RecommendOptions *o,
                     Recommendation *left)
{
    int64_t count = 0;
    for (int i = 0; i < SHOP_ITEMS; i++) {
        if (!o->include_seen && among(all[i].item, h->item, h->count)) continue;
        if (o->allow && !among(all[i].item, o->allow, o->allowed)) continue;
        if (o->block && among(all[i].item, o->block, o->blocked)) continue;
        left[count++] = all[i];
    }
    return count;
}

static void expect_same(const Recommendation *have, const Recommendation *want, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        assert_int_equal(have[i].item, want[i].item);
        assert_true(have[i].score == want[i].score);
        assert_true(have[i].probability == want[i].probability);
        assert_near(have[i].q, want[i].q, 1e-5 * (1.0 + fabs((double)want[i].q)));
    }
}

static void lists_and_seen_items_leave_the_rest_as_it_is(void **state)
{
    static const int32_t allow[] = {0, 3, 4, 17, 50, 51, 52, 80, 96}, block[] = {1, 3, 52, 95, 96};
    InferHistory space;
    const History *h = infer_history(&space, 3, 30);
    Recommendation all[SHOP_ITEMS], want[SHOP_ITEMS], have[SHOP_ITEMS];
    (void)state;
    everything(h, all);
    for (int lists = 0; lists < 8; lists++) {
        const RecommendOptions o = {.k = SHOP_ITEMS,
                                    .include_seen = lists & 1,
                                    .allow = lists & 2 ? allow : NULL,
                                    .allowed = 9,
                                    .block = lists & 4 ? block : NULL,
                                    .blocked = 5};
        const int64_t left = leave(all, h, &o, want);
        int64_t found;
        assert_ok(recommend_best(c.session, h, 1, &o, have, &found));
        assert_int_equal(found, left);
        assert_true(left == SHOP_ITEMS || lists != 1);
        expect_same(have, want, left);
    }
}

static void more_than_there_are_items_are_those_that_there_are(void **state)
{
    InferHistory space;
    static Recommendation all[SHOP_ITEMS], have[3 * SHOP_ITEMS];
    const RecommendOptions o = {.k = 3 * SHOP_ITEMS, .include_seen = true};
    const RecommendOptions none = {.k = 5, .allow = (const int32_t[]){0}, .allowed = 0};
    const History *h = infer_history(&space, 5, 8);
    int64_t found;
    (void)state;
    everything(h, all);
    assert_ok(recommend_best(c.session, h, 1, &o, have, &found));
    assert_int_equal(found, SHOP_ITEMS);
    expect_same(have, all, SHOP_ITEMS);
    assert_ok(recommend_best(c.session, h, 1, &none, have, &found));
    assert_int_equal(found, 0);
}

/* Up to the order in which products of few rows are summed: see infer/states.h. */
static void a_batch_has_what_each_history_has_alone(void **state)
{
    static InferHistory space[HISTORIES];
    static Recommendation all[HISTORIES][SHOP_ITEMS], one[SHOP_ITEMS];
    const RecommendOptions o = {.k = SHOP_ITEMS};
    History h[HISTORIES];
    int64_t found[HISTORIES], alone;
    (void)state;
    for (int i = 0; i < HISTORIES; i++)
        h[i] = *infer_history(&space[i], 10 + (uint64_t)i, 1 + 5 * i);
    h[4] = history_of_user(&c.file, 7);
    assert_ok(recommend_best(c.session, h, HISTORIES, &o, all[0], found));
    for (int i = 0; i < HISTORIES; i++) {
        assert_ok(recommend_best(c.session, &h[i], 1, &o, one, &alone));
        assert_int_equal(found[i], alone);
        for (int64_t k = 0; k < alone; k++) {
            int64_t at = 0;
            while (at < alone && one[at].item != all[i][k].item) at++;
            assert_true(at < alone);
            assert_near(all[i][k].score, one[at].score, 1e-4);
            assert_near(all[i][k].probability, one[at].probability, 1e-4 * one[at].probability);
            assert_near(all[i][k].q, one[at].q, 1e-4);
            assert_true(k == 0 || all[i][k].score <= all[i][k - 1].score);
        }
    }
}

/* The own events of the last request, into `own`; returns how many. */
static int64_t own_events(PairEvent *own)
{
    const Batch *b = &c.session->memory.batch;
    const int64_t count = b->own_offset[b->windows];
    memcpy(own, b->own, (size_t)count * sizeof *own);
    return count;
}

/* Also with a model whose tables count the events of two splits. */
static void rows_of_the_file_are_the_same_events_in_memory(void **state)
{
    enum { USER = 11 };
    InferHistory space;
    const History of_file = history_of_user(&c.file, USER);
    const int numbers = c.file.event_features.numbers;
    float number[INFER_HISTORY_MAX * 2];
    Recommendation want[SHOP_ITEMS], have[SHOP_ITEMS];
    PairEvent of_batch[INFER_HISTORY_MAX], in_batch[INFER_HISTORY_MAX];
    (void)state;
    assert_true(of_file.count > LENGTH && numbers == 2);
    infer_history(&space, 1, of_file.count);
    assert_ok(columns_read(&c.file, COLUMN_ITEM, of_file.first, of_file.count, space.item));
    assert_ok(columns_read(&c.file, COLUMN_ACTION, of_file.first, of_file.count, space.action));
    assert_ok(columns_read(&c.file, COLUMN_TIME, of_file.first, of_file.count, space.time_ms));
    for (int f = 0; f < numbers; f++) {
        float column[INFER_HISTORY_MAX];
        const Column at = (Column)(COLUMN_FEATURE + f);
        assert_ok(columns_read(&c.file, at, of_file.first, of_file.count, column));
        for (int64_t i = 0; i < of_file.count; i++) number[i * numbers + f] = column[i];
    }
    space.history.user = USER;
    space.history.number = number;
    space.history.counted = c.file.split[SPLIT_VALID][USER][1] - of_file.first;
    for (c.model.counted = 0; c.model.counted <= 2; c.model.counted += 2) {
        everything(&of_file, want);
        const int64_t own = own_events(of_batch);
        everything(&space.history, have);
        assert_int_equal(own_events(in_batch), own);
        assert_int_equal(own, c.model.counted ? space.history.counted : 0);
        assert_memory_equal(in_batch, of_batch, (size_t)own * sizeof *in_batch);
        for (int i = 0; i < SHOP_ITEMS; i++) assert_memory_equal(&have[i], &want[i], sizeof *have);
    }
    c.model.counted = 0;
}

static void given_items_have_the_scores_that_they_rank_by(void **state)
{
    InferHistory space[2];
    const History h[] = {*infer_history(&space[0], 21, 6), *infer_history(&space[1], 22, 40)};
    static const int32_t item[2][3] = {{5, 96, 5}, {0, 1, 2}};
    Recommendation have[2][3], all[SHOP_ITEMS];
    (void)state;
    assert_ok(recommend_scores(c.session, h, 2, item[0], 3, have[0]));
    for (int i = 0; i < 2; i++) {
        everything(&h[i], all);
        for (int k = 0; k < 3; k++) {
            int at = 0;
            while (all[at].item != item[i][k]) at++;
            assert_int_equal(have[i][k].item, item[i][k]);
            assert_near(have[i][k].score, all[at].score, 1e-4);
            assert_near(have[i][k].probability, all[at].probability, 1e-4);
            assert_near(have[i][k].q, all[at].q, 1e-4);
        }
    }
}

static void probabilities_are_of_the_whole_catalogue(void **state)
{
    InferHistory space;
    Recommendation all[SHOP_ITEMS];
    double sum = 0.0;
    (void)state;
    everything(infer_history(&space, 2, 20), all);
    for (int i = 0; i < SHOP_ITEMS; i++) sum += (double)all[i].probability;
    assert_near(sum, 1.0, 1e-5);
}

static void values_are_in_the_unit_of_rewards(void **state)
{
    InferHistory space;
    Recommendation score[SHOP_ITEMS], value[SHOP_ITEMS];
    const History *h = infer_history(&space, 6, 2);
    (void)state;
    everything(h, score);
    c.model.shape.log_values = true;
    everything(h, value);
    c.model.shape.log_values = false;
    for (int i = 0; i < SHOP_ITEMS; i++) {
        assert_int_equal(value[i].item, score[i].item);
        assert_near(value[i].q, exp((double)score[i].q), 1e-6 * exp((double)score[i].q));
    }
}

static void what_does_not_exist_is_refused(void **state)
{
    InferHistory space;
    const int32_t falling[] = {4, 3}, beyond[] = {1, SHOP_ITEMS};
    const RecommendOptions good = {.k = 1}, few = {.k = 0};
    const RecommendOptions order = {.k = 1, .allow = falling, .allowed = 2};
    const RecommendOptions outside = {.k = 1, .block = beyond, .blocked = 2};
    Recommendation out;
    int64_t found;
    (void)state;
    History h = *infer_history(&space, 6, 4);
    assert_refused(recommend_best(c.session, &h, 1, &few, &out, &found), ERR_USAGE,
                   "want at least 1");
    assert_refused(recommend_best(c.session, &h, 1, &order, &out, &found), ERR_USAGE, "rising");
    assert_refused(recommend_best(c.session, &h, 1, &outside, &out, &found), ERR_USAGE,
                   "want 0 to 96");
    assert_refused(recommend_scores(c.session, &h, 1, &beyond[1], 1, &out), ERR_USAGE,
                   "want 0 to 96");
    space.item[2] = SHOP_ITEMS;
    assert_refused(recommend_best(c.session, &h, 1, &good, &out, &found), ERR_USAGE,
                   "event 2: item 97");
    space.item[2] = 0;
    space.action[3] = SHOP_ACTIONS;
    assert_refused(recommend_best(c.session, &h, 1, &good, &out, &found), ERR_USAGE, "action 3");
    space.action[3] = 0;
    h.user = c.file.users;
    assert_refused(recommend_best(c.session, &h, 1, &good, &out, &found), ERR_USAGE, "user 40");
    h.user = -1;
    h.count = 0;
    assert_refused(recommend_best(c.session, &h, 1, &good, &out, &found), ERR_USAGE, "no events");
    h = (History){.count = 2, .user = -1, .first = c.file.events - 1};
    assert_refused(recommend_best(c.session, &h, 1, &good, &out, &found), ERR_USAGE,
                   "2 events from row");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_and_seen_items_leave_the_rest_as_it_is),
        cmocka_unit_test(more_than_there_are_items_are_those_that_there_are),
        cmocka_unit_test(a_batch_has_what_each_history_has_alone),
        cmocka_unit_test(rows_of_the_file_are_the_same_events_in_memory),
        cmocka_unit_test(given_items_have_the_scores_that_they_rank_by),
        cmocka_unit_test(probabilities_are_of_the_whole_catalogue),
        cmocka_unit_test(values_are_in_the_unit_of_rewards),
        cmocka_unit_test(what_does_not_exist_is_refused),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}
