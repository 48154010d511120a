/* SPDX-License-Identifier: Apache-2.0 */
/* Explanations through souk.h: against recommendations for shorter histories. */
#include "api_case.h"

enum { EVENTS = 6, WANTED = 9, K = 3 };

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

static const int32_t history_item[EVENTS] = {3, 17, -1, 50, 17, 12};
static const int32_t history_action[EVENTS] = {0, 1, 0, 0, 1, 0};
static const int64_t history_time[EVENTS] = {0, 1000, 60000, 61000, 4000000, 4000000};
static const int32_t wanted[K] = {17, 60, 96};

typedef struct {
    int32_t item[EVENTS], action[EVENTS];
    int64_t time_ms[EVENTS];
    souk_history history;
} Events;

/* The history without event `out`; EVENTS: all of it. */
static const souk_history *without(Events *e, int out)
{
    int n = 0;
    for (int i = 0; i < EVENTS; i++) {
        if (i == out) continue;
        e->item[n] = history_item[i], e->action[n] = history_action[i];
        e->time_ms[n++] = history_time[i];
    }
    e->history =
        (souk_history){.count = n, .item = e->item, .action = e->action, .time_ms = e->time_ms};
    return &e->history;
}

static souk_explain_options wants(int64_t events)
{
    souk_explain_options o = SOUK_EXPLAIN_OPTIONS_INIT;
    assert_int_equal(o.events, 50);
    o.item = wanted, o.k = K, o.events = events;
    return o;
}

static void effects_are_differences_from_shorter_histories(void **state)
{
    const souk_explain_options o = wants(WANTED);
    Events all, rest;
    souk_explanation out[K];
    souk_effect effect[K][WANTED], together[K][WANTED];
    souk_recommendation whole[K], left[K];
    (void)state;
    without(&all, EVENTS);
    assert_done(souk_explain(model, &all.history, &o, out, effect[0], together[0], NULL, error));
    assert_done(souk_score(model, &all.history, 1, wanted, K, whole, error));
    for (int j = 0; j < WANTED; j++) {
        if (j < EVENTS)
            assert_done(
                souk_score(model, without(&rest, EVENTS - 1 - j), 1, wanted, K, left, error));
        for (int i = 0; i < K; i++) {
            const souk_effect *have = &effect[i][j];
            if (j >= EVENTS) {
                assert_true(isnan(have->score) && isnan(have->log_probability) && isnan(have->q));
                continue;
            }
            assert_near(have->score,
                        log((double)whole[i].probability) - log((double)left[i].probability), 1e-4);
            assert_near(have->q, (double)whole[i].q - (double)left[i].q, 1e-4);
        }
    }
    for (int i = 0; i < K; i++) {
        assert_int_equal(out[i].item, wanted[i]);
        assert_string_equal(out[i].key, souk_model_item_key(model, wanted[i]));
        assert_near(exp(out[i].score), (double)whole[i].probability,
                    1e-5 * (double)whole[i].probability);
    }
}

/* Item 17 has events 1 and 4. */
static void all_events_of_an_item_go_together(void **state)
{
    const souk_explain_options o = wants(EVENTS);
    Events all, rest;
    souk_explanation out[K];
    souk_effect effect[K][EVENTS], together[K][EVENTS];
    souk_recommendation whole[K], left[K];
    int n = 0;
    (void)state;
    without(&all, EVENTS);
    without(&rest, 1);
    assert_int_equal(rest.item[3], 17);
    for (int i = 0; i < EVENTS - 1; i++) {
        if (i == 3) continue;
        rest.item[n] = rest.item[i], rest.action[n] = rest.action[i];
        rest.time_ms[n++] = rest.time_ms[i];
    }
    rest.history.count = n;
    assert_done(souk_explain(model, &all.history, &o, out, effect[0], together[0], NULL, error));
    assert_done(souk_score(model, &all.history, 1, wanted, K, whole, error));
    assert_done(souk_score(model, &rest.history, 1, wanted, K, left, error));
    for (int i = 0; i < K; i++) {
        const double want = log((double)whole[i].probability) - log((double)left[i].probability);
        assert_near(together[i][EVENTS - 1 - 1].score, want, 1e-4);
        assert_near(together[i][EVENTS - 1 - 4].score, want, 1e-4);
        assert_true(together[i][0].score == effect[i][0].score);
    }
}

static void the_numbers_add_up(void **state)
{
    const souk_explain_options o = wants(0);
    Events all;
    souk_explanation out[K];
    int evidence = 0;
    (void)state;
    assert_done(souk_explain(model, without(&all, EVENTS), &o, out, NULL, NULL, NULL, error));
    for (int i = 0; i < K; i++) {
        const souk_explanation *x = &out[i];
        const double p = exp(x->log_probability);
        double sum = 0.0, size = 1.0;
        assert_near(x->taste + x->counts, p, 1e-5 * p);
        assert_near(x->taste_history + x->taste_item, x->taste_score, 1e-5);
        assert_true(!!isfinite(x->counts_score) == (x->counts > 0.0));
        for (int t = 0; t < SOUK_TERMS && x->counts > 0.0; t++)
            sum += x->counts_term[t], size += fabs(x->counts_term[t]);
        if (x->counts > 0.0) assert_near(sum, x->counts_score, 1e-5 * size);
        for (int n = 0; n < x->evidence_count; n++, evidence++) {
            const souk_evidence *v = &x->evidence[n];
            assert_int_equal(v->item, history_item[EVENTS - 1 - v->before]);
            assert_true(v->next >= 0 && v->next <= v->times);
        }
    }
    assert_true(out[0].seen && isfinite(out[0].counts_term[SOUK_TERM_POINTER]));
    assert_true(!out[2].seen && evidence > 0);
}

static void a_user_of_the_file_needs_no_events(void **state)
{
    const souk_explain_options o = wants(4);
    const souk_history h = {.has_user = 1, .user = 3};
    souk_explanation out[K];
    souk_effect effect[K * 4];
    float answer[K * SHOP_ACTIONS];
    (void)state;
    for (int n = 0; n < K * SHOP_ACTIONS; n++) answer[n] = 1.0f;
    assert_done(souk_explain(model, &h, &o, out, effect, NULL, answer, error));
    assert_true(isfinite(effect[0].score) && isfinite(out[0].score));
    for (int n = 0; n < K * SHOP_ACTIONS; n++) assert_true(isnan(answer[n])); /* no outcome head */
}

static void wrong_arguments_are_errors(void **state)
{
    souk_explain_options o = wants(1);
    Events all;
    souk_explanation out[K];
    souk_effect effect[K];
    const souk_history *h = without(&all, EVENTS);
    const int32_t beyond[] = {SHOP_ITEMS};
    (void)state;
    assert_failed(souk_explain(NULL, h, &o, out, effect, NULL, NULL, error), SOUK_ERROR_USAGE,
                  "model");
    assert_failed(souk_explain(model, NULL, &o, out, effect, NULL, NULL, error), SOUK_ERROR_USAGE,
                  "history is NULL");
    assert_failed(souk_explain(model, h, &o, NULL, effect, NULL, NULL, error), SOUK_ERROR_USAGE,
                  "out is NULL");
    assert_failed(souk_explain(model, h, &o, out, NULL, NULL, NULL, error), SOUK_ERROR_USAGE,
                  "effect is NULL");
    assert_failed(souk_explain(model, h, NULL, out, effect, NULL, NULL, error), SOUK_ERROR_USAGE,
                  "options is NULL");
    o.events = -1;
    assert_failed(souk_explain(model, h, &o, out, effect, NULL, NULL, error), SOUK_ERROR_USAGE,
                  "events is -1");
    o = wants(1);
    o.k = 0;
    assert_failed(souk_explain(model, h, &o, out, effect, NULL, NULL, error), SOUK_ERROR_USAGE,
                  "k is 0");
    o.item = beyond, o.k = 1;
    assert_failed(souk_explain(model, h, &o, out, effect, NULL, NULL, error), SOUK_ERROR_USAGE,
                  "want 0 to 96");
    o = wants(1);
    all.item[1] = SHOP_ITEMS;
    assert_failed(souk_explain(model, h, &o, out, effect, NULL, NULL, error), SOUK_ERROR_USAGE,
                  "event 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(effects_are_differences_from_shorter_histories),
        cmocka_unit_test(all_events_of_an_item_go_together),
        cmocka_unit_test(the_numbers_add_up),
        cmocka_unit_test(a_user_of_the_file_needs_no_events),
        cmocka_unit_test(wrong_arguments_are_errors),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}
