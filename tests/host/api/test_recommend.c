/* SPDX-License-Identifier: Apache-2.0 */
/* Models and recommendations through souk.h. */
#include "api_case.h"

#include <pthread.h>

enum { HISTORIES = 40, K = 6, THREADS = 4 };

static ApiCase c;
static souk_model *model;

static int open_case(void **state)
{
    (void)state;
    api_case_open(&c);
    model = api_model(&c);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    souk_model_close(model);
    api_case_close(&c);
    return 0;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static souk_status try_open(const char *checkpoint, const char *data, const char *device,
                            souk_error *error)
{
    souk_model_options o = SOUK_MODEL_OPTIONS_INIT;
    souk_model *opened = model;
    o.checkpoint = checkpoint;
    o.data = data;
    o.device = device;
    const souk_status st = souk_model_open(&o, &opened, error);
    assert_null(opened);
    return st;
}

static void a_model_that_cannot_be_opened_says_why(void **state)
{
    souk_model_options o = SOUK_MODEL_OPTIONS_INIT;
    souk_model *opened;
    char other[128];
    (void)state;
    assert_failed(try_open("/no/such/run", c.data, NULL, error), SOUK_ERROR_IO, "/no/such/run");
    assert_failed(try_open(c.run, "/no/such.h5", NULL, error), SOUK_ERROR_IO, "/no/such.h5");
    assert_failed(try_open(c.data, c.data, NULL, error), SOUK_ERROR_FORMAT, c.data);
    assert_failed(try_open(NULL, c.data, NULL, error), SOUK_ERROR_USAGE, "checkpoint is NULL");
    assert_failed(try_open(c.run, c.data, "abacus", error), SOUK_ERROR_USAGE, "abacus");
    assert_failed(souk_model_open(NULL, &opened, error), SOUK_ERROR_USAGE, "options is NULL");
    assert_failed(souk_model_open(&o, NULL, error), SOUK_ERROR_USAGE, "model is NULL");
    o.checkpoint = c.run, o.data = c.data, o.threads = -1;
    assert_failed(souk_model_open(&o, &opened, error), SOUK_ERROR_USAGE, "threads is -1");
    o.size = 0;
    assert_failed(souk_model_open(&o, &opened, error), SOUK_ERROR_USAGE, "options->size is 0");
    snprintf(other, sizeof other, "%s/run/metrics.jsonl", c.folder);
    assert_failed(try_open(other, c.data, NULL, error), SOUK_ERROR_FORMAT, other);
    souk_model_close(NULL);
}

static void the_catalogue_has_keys_and_names(void **state)
{
    (void)state;
    assert_int_equal(souk_model_items(model), SHOP_ITEMS);
    assert_int_equal(souk_model_users(model), api_shop.users);
    assert_int_equal(souk_model_actions(model), SHOP_ACTIONS);
    for (int32_t item = 0; item < SHOP_ITEMS; item++)
        assert_int_equal(souk_model_find_item(model, souk_model_item_key(model, item)), item);
    for (int action = 0; action < SHOP_ACTIONS; action++)
        assert_int_equal(souk_model_find_action(model, souk_model_action_name(model, action)),
                         action);
    assert_string_equal(souk_model_item_key(model, 12), "item-00012");
    assert_null(souk_model_item_key(model, -1));
    assert_null(souk_model_item_key(model, SHOP_ITEMS));
    assert_null(souk_model_action_name(model, SHOP_ACTIONS));
    assert_int_equal(souk_model_find_item(model, "item-12"), -1);
    assert_int_equal(souk_model_find_item(model, NULL), -1);
    assert_int_equal(souk_model_find_action(model, "views"), -1);
    assert_int_equal(souk_model_find_action(model, NULL), -1);
    assert_int_equal(souk_model_items(NULL), 0);
    assert_int_equal(souk_model_users(NULL), 0);
    assert_int_equal(souk_model_actions(NULL), 0);
    assert_null(souk_model_item_key(NULL, 0));
    assert_null(souk_model_action_name(NULL, 0));
    assert_int_equal(souk_model_find_item(NULL, "item-00012"), -1);
    assert_int_equal(souk_model_find_action(NULL, "view"), -1);
}

/* ---- Batches --------------------------------------------------------------------------------- */

/* The first events of some users, as they are in the file. */
typedef struct {
    ShopUser user;
    int32_t item[HISTORIES][SHOP_LONGEST], action[HISTORIES][SHOP_LONGEST];
    souk_history history[HISTORIES];
} Batch;

static Batch *make_batch(void)
{
    Batch *b = calloc(1, sizeof *b);
    assert_non_null(b);
    for (int i = 0; i < HISTORIES; i++) {
        const UserHistory *u = shop_user(&api_shop, &b->user, i);
        b->history[i] = (souk_history)SOUK_HISTORY_INIT;
        b->history[i].count = u->count;
        b->history[i].item = b->item[i];
        b->history[i].action = b->action[i];
        for (int64_t e = 0; e < u->count; e++) {
            b->item[i][e] = u->item[e];
            b->action[i][e] = u->action[e];
        }
    }
    return b;
}

static bool among(int32_t item, const int32_t *list, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (list[i] == item) return true;
    return false;
}

static void lists_need_no_order_and_leave_fewer_items(void **state)
{
    static const int32_t allow[] = {50, 3, 4, 50, 96, 17, 80}, block[] = {96, 3, 96};
    souk_recommend_options o = SOUK_RECOMMEND_OPTIONS_INIT;
    souk_recommendation out[HISTORIES * K];
    int64_t found[HISTORIES];
    Batch *b = make_batch();
    (void)state;
    o.k = K;
    o.allow = allow, o.allow_count = 7;
    o.block = block, o.block_count = 3;
    assert_done(souk_recommend(model, b->history, HISTORIES, &o, out, found, error));
    for (int i = 0; i < HISTORIES; i++) {
        const souk_history *h = &b->history[i];
        int64_t left = 0;
        static const int32_t candidates[] = {4, 17, 50, 80};
        for (int k = 0; k < 4; k++) left += !among(candidates[k], h->item, h->count);
        assert_int_equal(found[i], left);
        for (int k = 0; k < K; k++) {
            const souk_recommendation *r = &out[i * K + k];
            if (k < left) {
                assert_true(among(r->item, candidates, 4) && !among(r->item, h->item, h->count));
                assert_true(k == 0 || r[-1].score >= r->score);
                continue;
            }
            assert_int_equal(r->item, -1);
            assert_null(r->key);
            assert_true(isnan(r->score) && isnan(r->probability) && isnan(r->q));
        }
    }
    o.include_seen = 1;
    assert_done(souk_recommend(model, b->history, HISTORIES, &o, out, found, error));
    for (int i = 0; i < HISTORIES; i++) assert_int_equal(found[i], 4);
    o.allow_count = 0;
    assert_done(souk_recommend(model, b->history, 1, &o, out, found, error));
    assert_int_equal(found[0], 0);
    free(b);
}

/* Item i is in row i % 5 of item_zone. */
static void categories_choose_and_cap_the_items(void **state)
{
    static const int32_t rows[] = {1, 3};
    souk_recommend_options o = SOUK_RECOMMEND_OPTIONS_INIT;
    souk_recommendation out[8];
    const souk_history h = {.has_user = 1, .user = 3};
    int64_t found;
    (void)state;
    o.k = 8;
    o.category = "item_zone", o.category_row = rows, o.category_rows = 2;
    assert_done(souk_recommend(model, &h, 1, &o, out, &found, error));
    assert_int_equal(found, 8);
    for (int i = 0; i < 8; i++) assert_true(out[i].item % 5 == 1 || out[i].item % 5 == 3);
    o.cap_category = "item_zone", o.cap = 3;
    assert_done(souk_recommend(model, &h, 1, &o, out, &found, error));
    assert_int_equal(found, 6);
    assert_int_equal(out[6].item, -1);
    o.cap = 0;
    assert_failed(souk_recommend(model, &h, 1, &o, out, &found, error), SOUK_ERROR_USAGE,
                  "want at least 1");
    o.cap_category = "item_shelf";
    assert_failed(souk_recommend(model, &h, 1, &o, out, &found, error), SOUK_ERROR_USAGE,
                  "want one of item_zone, item_colour");
    o.cap_category = NULL, o.category_rows = 0;
    assert_failed(souk_recommend(model, &h, 1, &o, out, &found, error), SOUK_ERROR_USAGE,
                  "category_rows is 0");
    o.category_rows = 2, o.category_row = NULL;
    assert_failed(souk_recommend(model, &h, 1, &o, out, &found, error), SOUK_ERROR_USAGE,
                  "category_row is NULL");
}

static void scores_are_those_of_the_recommendations(void **state)
{
    souk_recommend_options o = SOUK_RECOMMEND_OPTIONS_INIT;
    souk_recommendation best[HISTORIES * K], scored[HISTORIES * K];
    int32_t item[HISTORIES * K];
    Batch *b = make_batch();
    (void)state;
    o.k = K;
    assert_done(souk_recommend(model, b->history, HISTORIES, &o, best, NULL, error));
    for (int i = 0; i < HISTORIES * K; i++) item[i] = best[i].item;
    assert_done(souk_score(model, b->history, HISTORIES, item, K, scored, error));
    for (int i = 0; i < HISTORIES * K; i++) {
        assert_int_equal(scored[i].item, best[i].item);
        assert_ptr_equal(scored[i].key, best[i].key);
        assert_near(scored[i].score, best[i].score, 1e-5 * (1.0 + fabs((double)best[i].score)));
        assert_near(scored[i].probability, best[i].probability, 1e-5);
        assert_near(scored[i].q, best[i].q, 1e-5 * (1.0 + fabs((double)best[i].q)));
    }
    free(b);
}

/* ---- Threads --------------------------------------------------------------------------------- */

typedef struct {
    souk_model *model;
    const Batch *batch;
    int first;
    souk_recommendation out[HISTORIES][K];
    bool failed;
} Work;

/* Each history alone, so that its bits do not depend on the others; by keys of users too. */
static void *work(void *argument)
{
    Work *w = argument;
    souk_recommend_options o = SOUK_RECOMMEND_OPTIONS_INIT;
    souk_recommendation of_user[K];
    souk_history user = SOUK_HISTORY_INIT;
    souk_error error;
    char key[16];
    o.k = K;
    user.user_key = key;
    for (int n = 0; n < HISTORIES; n++) {
        const int i = (w->first + n) % HISTORIES;
        snprintf(key, sizeof key, "user-%d", i);
        w->failed |= souk_recommend(w->model, &w->batch->history[i], 1, &o, w->out[i], NULL,
                                    &error) != SOUK_OK ||
                     souk_recommend(w->model, &user, 1, &o, of_user, NULL, &error) != SOUK_OK ||
                     souk_model_find_item(w->model, of_user[0].key) != of_user[0].item;
        user.user_key = "nobody";
        w->failed |=
            souk_recommend(w->model, &user, 1, &o, of_user, NULL, &error) != SOUK_ERROR_USAGE ||
            !strstr(error.message, "nobody");
        user.user_key = key;
    }
    return NULL;
}

static void threads_share_one_model_beside_another(void **state)
{
    souk_model *second = api_model(&c);
    Batch *b = make_batch();
    Work *w = calloc(THREADS + 1, sizeof *w);
    pthread_t thread[THREADS];
    (void)state;
    assert_non_null(w);
    for (int t = 0; t <= THREADS; t++)
        w[t] = (Work){.model = t % 2 ? second : model, .batch = b, .first = 7 * t};
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&thread[t], NULL, work, &w[t]), 0);
    work(&w[THREADS]);
    for (int t = 0; t < THREADS; t++) pthread_join(thread[t], NULL);
    for (int t = 0; t <= THREADS; t++) {
        assert_false(w[t].failed);
        for (int i = 0; i < HISTORIES; i++)
            for (int k = 0; k < K; k++) {
                assert_int_equal(w[t].out[i][k].item, w[0].out[i][k].item);
                assert_true(w[t].out[i][k].score == w[0].out[i][k].score);
                assert_string_equal(w[t].out[i][k].key, w[0].out[i][k].key);
            }
    }
    souk_model_close(second);
    free(w);
    free(b);
}

/* ---- The folder alone ------------------------------------------------------------------------ */

/* The file is not only not asked for, it is not there. */
static void a_model_needs_nothing_but_its_folder(void **state)
{
    static souk_recommendation want[HISTORIES][K], have[HISTORIES][K];
    souk_recommend_options o = SOUK_RECOMMEND_OPTIONS_INIT;
    souk_history h = SOUK_HISTORY_INIT;
    char moved[128];
    Batch *b = make_batch();
    (void)state;
    o.k = K;
    assert_done(souk_recommend(model, b->history, HISTORIES, &o, want[0], NULL, error));
    snprintf(moved, sizeof moved, "%s.moved", c.data);
    assert_int_equal(rename(c.data, moved), 0);
    souk_model *alone = api_model_with(&c, NULL);
    assert_int_equal(rename(moved, c.data), 0);
    assert_int_equal(souk_model_items(alone), SHOP_ITEMS);
    assert_int_equal(souk_model_actions(alone), SHOP_ACTIONS);
    assert_int_equal(souk_model_users(alone), 0);
    for (int32_t item = 0; item < SHOP_ITEMS; item++)
        assert_string_equal(souk_model_item_key(alone, item), souk_model_item_key(model, item));
    assert_done(souk_recommend(alone, b->history, HISTORIES, &o, have[0], NULL, error));
    for (int i = 0; i < HISTORIES; i++)
        for (int k = 0; k < K; k++) {
            assert_int_equal(have[i][k].item, want[i][k].item);
            assert_memory_equal(&have[i][k].score, &want[i][k].score, sizeof(float));
            assert_memory_equal(&have[i][k].probability, &want[i][k].probability, sizeof(float));
            assert_memory_equal(&have[i][k].q, &want[i][k].q, sizeof(float));
        }
    h.has_user = 1;
    assert_failed(souk_recommend(alone, &h, 1, &o, have[0], NULL, error), SOUK_ERROR_USAGE,
                  "opened without data");
    h.has_user = 0, h.user_key = "user-7";
    assert_failed(souk_recommend(alone, &h, 1, &o, have[0], NULL, error), SOUK_ERROR_USAGE,
                  "opened without data");
    souk_model_close(alone);
    free(b);
}

/* An event of an unknown key is one of item -1, and says something: when it was and what was
 * done. */
static void an_unknown_key_is_an_event_of_an_unknown_item(void **state)
{
    static const char *const keys[] = {"item-00012", "item-9999"};
    static const int32_t items[] = {12, -1}, action[] = {0, 2};
    souk_recommend_options o = SOUK_RECOMMEND_OPTIONS_INIT;
    souk_history h[3] = {SOUK_HISTORY_INIT, SOUK_HISTORY_INIT, SOUK_HISTORY_INIT};
    souk_recommendation out[3][K];
    (void)state;
    o.k = K;
    for (int i = 0; i < 3; i++) h[i].count = i < 2 ? 2 : 1, h[i].action = action;
    h[0].item_key = keys;
    h[1].item = h[2].item = items;
    for (int i = 0; i < 3; i++)
        assert_done(souk_recommend(model, &h[i], 1, &o, out[i], NULL, error));
    for (int k = 0; k < K; k++) {
        assert_int_equal(out[0][k].item, out[1][k].item);
        assert_memory_equal(&out[0][k].score, &out[1][k].score, sizeof(float));
    }
    assert_true(out[0][0].score != out[2][0].score);
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static souk_status ask(const souk_history *h, souk_error *error)
{
    souk_recommend_options o = SOUK_RECOMMEND_OPTIONS_INIT;
    const souk_history two[] = {{.has_user = 1, .user = 3}, *h};
    souk_recommendation out[2 * 10];
    return souk_recommend(model, two, 2, &o, out, NULL, error);
}

static void a_wrong_history_is_named_with_its_event(void **state)
{
    static const char *const keys[] = {"item-00012", "item-9999", NULL};
    static const char *const names[] = {"view", "puchase", NULL};
    static const int32_t items[] = {5, SHOP_ITEMS, -2}, actions[] = {0, SHOP_ACTIONS, -1};
    static const int64_t falling[] = {2000, 1000, 3000}, far[] = {0, INT64_MAX, INT64_MAX};
    const souk_history none = SOUK_HISTORY_INIT;
    souk_history h = none;
    (void)state;
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "history 1: it has neither events nor a user");
    h.count = 2;
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "history 1: item and item_key are NULL");
    h.item_key = keys;
    assert_int_equal(ask(&h, NULL), SOUK_OK); /* an unknown key is no error */
    h.item = items;
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "history 1, event 1: item 97, want 0 to 96");
    h.item = items + 1;
    h.count = 1;
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "history 1, event 0: item 97");
    h.item = items + 2;
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "item -2, want 0 to 96, or -1");
    h.item = items;
    assert_int_equal(ask(&h, NULL), SOUK_OK);
    h.count = 2, h.item = NULL, h.item_key = keys + 1;
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "history 1, event 1: an item_key is NULL");
    static const int32_t good[] = {5, 6, 7};
    h.item = good;
    h.action = actions;
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "history 1, event 1: action 3, want 0 to 2");
    h.action = actions + 2;
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "action -1");
    h.action = NULL;
    h.action_name = names;
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "did you mean \"purchase\"?");
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "want one of view, cart, purchase");
    h.action_name = names + 1;
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "history 1, event 0");
    h.action_name = NULL;
    h.time_ms = falling;
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "want the oldest event first");
    h.time_ms = far;
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "want milliseconds since 1970");
    h = none;
    h.count = -1;
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "history 1 has -1 events");
    h = none;
    h.user_key = "user-80";
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "no user \"user-80\"");
    h = none;
    h.has_user = 1;
    h.user = 80;
    assert_failed(ask(&h, error), SOUK_ERROR_USAGE, "history 1: user 80, want 0 to 79");
}

static souk_status request(int64_t count, int64_t k, const int32_t *list, int64_t length,
                           souk_error *error)
{
    souk_recommend_options o = SOUK_RECOMMEND_OPTIONS_INIT;
    const souk_history h = {.has_user = 1, .user = 3};
    souk_recommendation out[SHOP_ITEMS + 1];
    o.k = k;
    o.block = list;
    o.block_count = length;
    return souk_recommend(model, &h, count, &o, out, NULL, error);
}

static void a_wrong_request_is_refused(void **state)
{
    static const int32_t list[] = {1, SHOP_ITEMS};
    const souk_history h = {.has_user = 1, .user = 3};
    souk_recommend_options o = SOUK_RECOMMEND_OPTIONS_INIT;
    souk_recommendation out[10];
    (void)state;
    assert_failed(request(1, 0, NULL, 0, error), SOUK_ERROR_USAGE, "k is 0, want 1 to 97");
    assert_failed(request(1, SHOP_ITEMS + 1, NULL, 0, error), SOUK_ERROR_USAGE, "k is 98");
    assert_failed(request(-1, 3, NULL, 0, error), SOUK_ERROR_USAGE, "count is -1");
    assert_failed(request(1, 3, list, 2, error), SOUK_ERROR_USAGE, "item 97, want 0 to 96");
    assert_failed(request(1, 3, list, -2, error), SOUK_ERROR_USAGE, "block_count is -2");
    assert_failed(request(1, 3, list, INT64_MAX, error), SOUK_ERROR_USAGE, "want 0 to 2147483647");
    assert_failed(request(INT64_MAX, 3, NULL, 0, error), SOUK_ERROR_USAGE, "want 0 to 2147483647");
    assert_int_equal(request(0, 3, NULL, 0, NULL), SOUK_OK);
    assert_failed(souk_recommend(NULL, &h, 1, &o, out, NULL, error), SOUK_ERROR_USAGE, "model is");
    assert_failed(souk_recommend(model, NULL, 1, &o, out, NULL, error), SOUK_ERROR_USAGE,
                  "history is NULL");
    assert_failed(souk_recommend(model, &h, 1, NULL, out, NULL, error), SOUK_ERROR_USAGE,
                  "options is NULL");
    assert_failed(souk_recommend(model, &h, 1, &o, NULL, NULL, error), SOUK_ERROR_USAGE,
                  "out is NULL");
    assert_failed(souk_score(model, &h, 1, list, 2, out, error), SOUK_ERROR_USAGE, "want 0 to 96");
    assert_failed(souk_score(model, &h, 1, NULL, 2, out, error), SOUK_ERROR_USAGE, "item is NULL");
    assert_failed(souk_score(model, &h, 1, list, 0, out, error), SOUK_ERROR_USAGE, "k is 0");
    assert_int_equal(request(1, SHOP_ITEMS, NULL, 0, NULL), SOUK_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_that_cannot_be_opened_says_why),
        cmocka_unit_test(the_catalogue_has_keys_and_names),
        cmocka_unit_test(lists_need_no_order_and_leave_fewer_items),
        cmocka_unit_test(categories_choose_and_cap_the_items),
        cmocka_unit_test(scores_are_those_of_the_recommendations),
        cmocka_unit_test(threads_share_one_model_beside_another),
        cmocka_unit_test(a_model_needs_nothing_but_its_folder),
        cmocka_unit_test(an_unknown_key_is_an_event_of_an_unknown_item),
        cmocka_unit_test(a_wrong_history_is_named_with_its_event),
        cmocka_unit_test(a_wrong_request_is_refused),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}
