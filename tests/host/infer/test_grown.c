/* SPDX-License-Identifier: Apache-2.0 */
/* A model with a catalogue that has grown since: new items have no probability, the others share
 * what is left, and events of new items count as events of unknown items. */
#include "infer_case.h"

enum { NEW_ITEMS = 30, HISTORIES = 12, K = SHOP_ITEMS };

static bool is_new(int32_t item) { return item % 3 == 1 && item < 3 * NEW_ITEMS; }

static void close_new(InferCase *c)
{
    c->model.unknown = calloc(SHOP_ITEMS, sizeof *c->model.unknown);
    assert_non_null(c->model.unknown);
    for (int32_t a = 0; a < SHOP_ITEMS; a++) c->model.unknown[a] = is_new(a);
    c->model.unknowns = NEW_ITEMS;
    assert_ok(model_shut(&c->model, c->model.unknown));
    assert_int_equal(c->model.shuts, NEW_ITEMS);
}

typedef struct {
    Recommendation best[HISTORIES][K];
    int64_t found[HISTORIES];
} Lists;

static void ask(InferCase *c, const History *history, Lists *a)
{
    const RecommendOptions options = {.k = K, .include_seen = true};
    memset(a, 0, sizeof *a);
    assert_ok(recommend_best(c->session, history, HISTORIES, &options, a->best[0], a->found));
}

static double probability(const Lists *a, int64_t i, int32_t item)
{
    for (int64_t j = 0; j < a->found[i]; j++)
        if (a->best[i][j].item == item) return (double)a->best[i][j].probability;
    return 0.0;
}

/* Probabilities are f32, of scores of a size of some tens: their relative error is that of the
 * score's absolute one, 2^-24 times the size, for both sides and both sums. */
static void check(int64_t candidates)
{
    InferCase c;
    InferHistory h[HISTORIES];
    History history[HISTORIES];
    Lists open, grown;
    infer_case_open_counted(&c, HEAD_BIT(HEAD_POLICY), 20, 2, candidates);
    for (int i = 0; i < HISTORIES; i++) {
        history[i] = *infer_history(&h[i], 70 + (uint64_t)i, 5 + i);
        for (int64_t e = 0; e < history[i].count; e++)
            if (is_new(h[i].item[e])) h[i].item[e] = -1;
    }
    ask(&c, history, &open);
    close_new(&c);
    ask(&c, history, &grown);
    double least = 1.0;
    for (int64_t i = 0; i < HISTORIES; i++) {
        double left = 0.0;
        for (int32_t a = 0; a < SHOP_ITEMS; a++)
            if (!is_new(a)) left += probability(&open, i, a);
        assert_int_equal(grown.found[i], SHOP_ITEMS - NEW_ITEMS);
        least = fmin(least, left);
        for (int32_t a = 0; a < SHOP_ITEMS; a++) {
            const double want = is_new(a) ? 0.0 : probability(&open, i, a) / left;
            assert_near(probability(&grown, i, a), want, 2e-5 * want);
        }
    }
    assert_true(least < 0.9); /* new items would have had a part of it */
    infer_case_close(&c);
}

static void new_items_have_no_probability(void **state)
{
    (void)state;
    check(0);
    check(16);
}

static void events_of_new_items_are_events_of_no_item(void **state)
{
    (void)state;
    InferCase c;
    InferHistory h[HISTORIES], without[HISTORIES];
    History history[HISTORIES], unknown[HISTORIES];
    static Lists a, b;
    infer_case_open_counted(&c, HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q), 20, 2, 16);
    close_new(&c);
    for (int i = 0; i < HISTORIES; i++) {
        history[i] = *infer_history(&h[i], 30 + (uint64_t)i, 5 + i);
        unknown[i] = *infer_history(&without[i], 30 + (uint64_t)i, 5 + i);
        for (int64_t e = 0; e < history[i].count; e++)
            if (is_new(h[i].item[e])) without[i].item[e] = -1;
    }
    ask(&c, history, &a);
    ask(&c, unknown, &b);
    assert_memory_equal(a.found, b.found, sizeof a.found);
    for (int64_t i = 0; i < HISTORIES; i++)
        for (int64_t j = 0; j < a.found[i]; j++) {
            assert_int_equal(a.best[i][j].item, b.best[i][j].item);
            assert_near(a.best[i][j].score, b.best[i][j].score, 0.0);
            assert_near(a.best[i][j].q, b.best[i][j].q, 0.0);
        }
    infer_case_close(&c);
}

static void no_choice_is_a_new_item(void **state)
{
    (void)state;
    static const char *const rules[] = {"policy", "q", "mixed:0.5", "candidates:5", "allowed:0.1"};
    const ActOptions options[] = {{.temperature = 1.0, .seed = 3}, {.epsilon = 0.7, .seed = 4}};
    InferCase c;
    InferHistory h[HISTORIES];
    History history[HISTORIES];
    int64_t stream[HISTORIES];
    int32_t item[HISTORIES];
    float propensity[HISTORIES];
    infer_case_open_counted(&c, HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q), 20, 2, 16);
    close_new(&c);
    for (int i = 0; i < HISTORIES; i++) {
        history[i] = *infer_history(&h[i], 50 + (uint64_t)i, 9);
        stream[i] = i;
    }
    for (int r = 0; r < 5; r++) {
        ActingRule rule = {0};
        assert_ok(acting_read(&rule, rules[r], &rule, c.model.shape.head_set, "test"));
        assert_ok(session_act_by(c.session, &rule));
        for (int o = 0; o < 2; o++)
            for (int64_t step = 0; step < 20; step++) {
                assert_ok(act_choose(c.session, &options[o], history, stream, HISTORIES, step, item,
                                     propensity));
                for (int i = 0; i < HISTORIES; i++) {
                    assert_false(is_new(item[i]));
                    assert_true(propensity[i] > 0.0f);
                    if (o == 1 && propensity[i] < 0.3f)
                        assert_near(propensity[i], 0.7 / (SHOP_ITEMS - NEW_ITEMS), 1e-7);
                }
            }
    }
    infer_case_close(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_items_have_no_probability),
        cmocka_unit_test(events_of_new_items_are_events_of_no_item),
        cmocka_unit_test(no_choice_is_a_new_item),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
