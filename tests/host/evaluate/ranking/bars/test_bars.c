/* SPDX-License-Identifier: Apache-2.0 */
/* All bars of a log: settings and the best bar are chosen on the validation events alone. */
#include "ranking_world.h"

#include "evaluate/ranking/bars/bars.h"

static double ndcg10(const World *w, const Bar *bar, bool include_seen)
{
    Evaluation e;
    const ScoreOptions options = {include_seen, 2, -1, NULL};
    const Scorer scorer = bar_scorer(bar);
    assert_ok(evaluation_open(&e, &w->histories, &options, 0, 0));
    assert_ok(evaluation_add(&e, &scorer));
    const double value = evaluation_summary(&e, 0, GROUP_ALL)->measure[NDCG_10].value;
    evaluation_close(&e);
    return value;
}

static void the_best_settings_and_the_best_bar_are_kept(void **state)
{
    (void)state;
    for (int seen = 0; seen < 2; seen++) {
        World *w = world_open(3);
        Bars b;
        assert_ok(bars_fit(&b, &w->histories, &(BarsOptions){.include_seen = seen, .threads = 2}));
        assert_int_equal(b.bars, BARS);
        for (int k = 0; k < b.bars; k++) {
            if (b.bar[k].left_out[0]) continue;
            assert_near(ndcg10(w, &b.bar[k].bar, seen), b.bar[k].validation, 0.0);
            assert_true(b.bar[k].validation <= b.bar[b.best].validation);
        }
        assert_true(ndcg10(w, &b.bar[BAR_VSKNN].bar, seen) > 0.0);
        for (int k = 0; k < 8; k++) { /* no setting of the grid is better */
            const Bar bar = vsknn_bar(&b.sets, &b.popularity,
                                      (VsknnSettings){k & 1 ? 100 : 500, k & 2, k & 4 ? 5.0 : 0.0});
            assert_true(ndcg10(w, &bar, seen) <= b.bar[BAR_VSKNN].validation);
        }
        for (int k = 0; k < 6; k++) {
            const CounterSettings settings = {k % 2 ? 0.5 : 1.0, k < 2 ? 0.0 : k < 4 ? 0.25 : 0.5};
            const Bar bar = counter_bar(&b.counter, COUNTER_COOCCURRENCE, settings);
            assert_true(ndcg10(w, &bar, seen) <= b.bar[COUNTER_COOCCURRENCE].validation);
        }
        bars_close(&b);
        free(w);
    }
}

static void the_choice_does_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    World *w = world_open(4);
    Bars b[2];
    for (int k = 0; k < 2; k++)
        assert_ok(bars_fit(&b[k], &w->histories,
                           &(BarsOptions){.include_seen = true, .threads = k ? 5 : 1}));
    assert_int_equal(b[0].best, b[1].best);
    for (int k = 0; k < b[0].bars; k++) {
        assert_string_equal(b[0].bar[k].settings, b[1].bar[k].settings);
        assert_near(b[0].bar[k].validation, b[1].bar[k].validation, 0.0);
    }
    for (int k = 0; k < 2; k++) bars_close(&b[k]);
    free(w);
}

static void without_validation_the_bar_is_cooccurrence(void **state)
{
    (void)state;
    World *w = world_open(5);
    int64_t none[WORLD_USERS][2] = {{0}};
    w->histories.scored = (const int64_t(*)[2])none;
    Bars b;
    assert_ok(bars_fit(&b, &w->histories, &(BarsOptions){.threads = 1}));
    assert_int_equal(b.events, 0);
    assert_int_equal(b.best, COUNTER_COOCCURRENCE);
    assert_true(isnan(b.bar[BAR_ITEMKNN].validation));
    assert_non_null(b.bar[BAR_ITEMKNN].bar.name);
    bars_close(&b);
    free(w);
}

/* With the settings that were chosen, as if the bars had been made from the other events. */
static void recounted_bars_count_other_events(void **state)
{
    (void)state;
    World *w = world_open(8);
    int64_t more[WORLD_USERS][2];
    Histories joined = w->histories;
    Bars b, counters;
    ItemKnn table;
    Ease ease;
    for (int u = 0; u < WORLD_USERS; u++) { /* half of the events that are scored */
        more[u][0] = w->train[u][0];
        more[u][1] = (w->scored[u][0] + w->scored[u][1]) / 2;
    }
    joined.train = (const int64_t(*)[2])more;
    const BarsOptions options = {.include_seen = true, .threads = 2};
    assert_ok(bars_fit(&b, &w->histories, &options));
    const double before = ndcg10(w, &b.bar[COUNTER_MARKOV].bar, true);
    const int best = b.best;
    assert_ok(bars_recount(&b, &joined, 2));
    assert_int_equal(b.best, best);
    assert_ok(bars_fit(&counters, &joined,
                       &(BarsOptions){.include_seen = true, .counters_only = true, .threads = 1}));
    assert_true(ndcg10(w, &b.bar[COUNTER_MARKOV].bar, true) > before);
    for (int k = 0; k < COUNTER_BARS; k++) {
        const double *chosen = b.bar[k].bar.parameter;
        const Bar anew = counter_bar(&counters.counter, k, (CounterSettings){chosen[0], chosen[1]});
        assert_near(ndcg10(w, &b.bar[k].bar, true), ndcg10(w, &anew, true), 0.0);
    }
    assert_ok(itemknn_fit(&table, &b.sets, &b.popularity, b.shrink, 200, 1));
    Bar bar = b.bar[BAR_ITEMKNN].bar;
    bar.state = &table;
    assert_near(ndcg10(w, &b.bar[BAR_ITEMKNN].bar, true), ndcg10(w, &bar, true), 0.0);
    assert_ok(ease_fit(&ease, &b.sets, &b.popularity, b.lambda, 0, 1));
    bar = b.bar[BAR_EASE].bar;
    bar.state = &ease;
    assert_near(ndcg10(w, &b.bar[BAR_EASE].bar, true), ndcg10(w, &bar, true), 0.0);
    ease_close(&ease);
    for (int32_t y = 0; y < WORLD_ITEMS; y++)
        assert_int_equal(b.popularity.count[y], counters.popularity.count[y]);
    itemknn_close(&table);
    bars_close(&b);
    bars_close(&counters);
    free(w);
}

static void the_counters_alone_are_those_among_all_bars(void **state)
{
    (void)state;
    World *w = world_open(6);
    Bars all, counters;
    BarsOptions options = {.include_seen = true, .threads = 1};
    assert_ok(bars_fit(&all, &w->histories, &options));
    options.counters_only = true;
    assert_ok(bars_fit(&counters, &w->histories, &options));
    assert_int_equal(counters.bars, COUNTER_BARS);
    for (int k = 0; k < COUNTER_BARS; k++)
        assert_near(counters.bar[k].validation, all.bar[k].validation, 0.0);
    bars_close(&all);
    bars_close(&counters);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_settings_and_the_best_bar_are_kept),
        cmocka_unit_test(the_choice_does_not_depend_on_the_number_of_threads),
        cmocka_unit_test(without_validation_the_bar_is_cooccurrence),
        cmocka_unit_test(the_counters_alone_are_those_among_all_bars),
        cmocka_unit_test(recounted_bars_count_other_events),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
