/* SPDX-License-Identifier: Apache-2.0 */
/* The counters: a log worked by hand, and dense scores written from the formulas against the sparse
 * ones. */
#include "ranking_world.h"

#include "evaluate/ranking/bars/counter.h"

static const CounterSettings usual = {.back = 0.5, .power = 0.5};

static double weight(const PairTable *t, int32_t x, int32_t y)
{
    for (int64_t i = t->offset[x]; i < t->offset[x + 1]; i++)
        if (t->item[i] == y) return t->weight[i];
    return 0.0;
}

static void counts_follow_the_formulas(void **state)
{
    (void)state;
    Popularity p;
    Counter c;
    assert_ok(popularity_count(&p, &tiny));
    assert_memory_equal(p.count, ((const int64_t[]){3, 2, 2, 0, 0}), 40);
    assert_memory_equal(p.order, ((const int32_t[]){0, 1, 2, 3, 4}), 20);
    assert_memory_equal(p.rank, ((const int32_t[]){0, 1, 1, 3, 3}), 20);
    assert_memory_equal(p.peers, ((const int32_t[]){1, 2, 2, 2, 2}), 20);
    assert_ok(counter_fit(&c, &tiny, &p, 1));
    assert_near(weight(&c.next, 0, 1), 2.0, 0.0);
    assert_near(weight(&c.next, 0, 2), 1.0, 0.0);
    assert_near(weight(&c.next, 1, 2), 1.0, 0.0);
    assert_near(weight(&c.next, 1, 0), 0.0, 0.0);
    assert_near(weight(&c.after, 0, 1), 2.0, 0.0);
    assert_near(weight(&c.after, 0, 2), 1.5, 0.0); /* gap 2, gap 1 */
    assert_near(weight(&c.after, 1, 0), 0.0, 0.0);
    assert_near(weight(&c.before, 1, 0), 2.0, 0.0);
    assert_near(weight(&c.before, 2, 0), 1.5, 0.0); /* 1/2 + 1 */
    assert_near(weight(&c.before, 2, 1), 1.0, 0.0);
    counter_close(&c);
    popularity_close(&p);
}

/* All six counters on the tiny log. */
typedef struct {
    Popularity popularity;
    Counter counter;
    Bar bar[COUNTER_BARS];
    Evaluation evaluation;
} Run;

static void run_open(Run *r, bool include_seen)
{
    const ScoreOptions options = {include_seen, 1, -1, NULL};
    assert_ok(popularity_count(&r->popularity, &tiny));
    assert_ok(counter_fit(&r->counter, &tiny, &r->popularity, 1));
    assert_ok(evaluation_open(&r->evaluation, &tiny, &options, 0, 0));
    for (int k = 0; k < COUNTER_BARS; k++) {
        r->bar[k] = counter_bar(&r->counter, k, usual);
        const Scorer scorer = bar_scorer(&r->bar[k]);
        assert_ok(evaluation_add(&r->evaluation, &scorer));
    }
}

static void run_close(Run *r)
{
    evaluation_close(&r->evaluation);
    counter_close(&r->counter);
    popularity_close(&r->popularity);
}

static void expect(const Run *r, int kind, int event, int above, int ties)
{
    const Ranking *k = r->evaluation.scorer[kind].ranking;
    if (k->above[event] != above || k->ties[event] != ties)
        fail_msg("%s, event %d: %d above, %d ties, want %d, %d", r->bar[kind].name, event,
                 k->above[event], k->ties[event], above, ties);
}

/* Seen items filtered, so that user 0's event 1 is left out:
 * Event 0: history 0 1 2 1, target 3 (cold), other 4.
 * Event 1: history 0 1, target 2, others 3 4.   Event 2: history 0, target 1, others 2 3 4. */
static void ranks_of_unseen_items_are_as_worked_by_hand(void **state)
{
    (void)state;
    Run r;
    run_open(&r, false);
    assert_int_equal(r.evaluation.events.count, 3);
    for (int k = 0; k < COUNTER_BARS; k++) {
        expect(&r, k, 0, 0, 1);
        expect(&r, k, 1, 0, 0);
    }
    expect(&r, COUNTER_POPULARITY, 2, 0, 1); /* 1 and 2 are as popular */
    expect(&r, COUNTER_LAST_ITEM, 2, 0, 1);  /* item 0 itself is filtered */
    expect(&r, COUNTER_MARKOV, 2, 0, 0);     /* 0 -> 1 twice, 0 -> 2 once */
    expect(&r, COUNTER_COOCCURRENCE, 2, 0, 0);
    expect(&r, COUNTER_LAST_FIRST, 2, 0, 0);
    expect(&r, COUNTER_REPEATS_FIRST, 2, 0, 0);
    const uint32_t *exposed = r.evaluation.scorer[COUNTER_MARKOV].ranking->exposed;
    assert_memory_equal(exposed, ((const uint32_t[]){0, 1, 2, 3, 3}), 20);
    run_close(&r);
}

/* Event 0: history 0 1 2, target 1.   Event 1: history 0 1 2 1, target 3.
 * Event 2: history 0 1, target 2.     Event 3: history 0, target 1. */
static void ranks_of_all_items_are_as_worked_by_hand(void **state)
{
    (void)state;
    Run r;
    run_open(&r, true);
    expect(&r, COUNTER_POPULARITY, 0, 1, 1);
    expect(&r, COUNTER_LAST_ITEM, 0, 2, 0); /* 2 first, 0 more popular, 2 no longer ties */
    expect(&r, COUNTER_MARKOV, 0, 1, 1);    /* nothing follows 2 in train: popularity */
    expect(&r, COUNTER_COOCCURRENCE, 1, 3, 1);
    expect(&r, COUNTER_REPEATS_FIRST, 0, 1, 0); /* 2 1 0 */
    expect(&r, COUNTER_REPEATS_FIRST, 1, 3, 1); /* 1 2 0, then 3 and 4 */
    /* 2 first. Then 0 and 1 by the counter: co[2][1] + co[1][1]/2 + co[0][1]/3 = 1/2 + 0 + 2/3 for
     * 1, over sqrt 3; 3/4 + 1/2 + 0 for 0, over 2. */
    expect(&r, COUNTER_LAST_FIRST, 0, 1, 0);
    expect(&r, COUNTER_LAST_FIRST, 3, 1, 0);
    run_close(&r);
}

/* ---- Against dense scores -------------------------------------------------------------------- */

typedef struct {
    int kind;
    CounterSettings settings;
    double pop[WORLD_ITEMS], next[WORLD_ITEMS][WORLD_ITEMS];
    double near[WORLD_ITEMS][WORLD_ITEMS];
} Dense;

static Dense *dense_open(const World *w, CounterSettings settings)
{
    Dense *d = calloc(1, sizeof *d);
    d->settings = settings;
    for (int64_t u = 0; u < WORLD_USERS; u++)
        for (int64_t i = w->train[u][0]; i < w->train[u][1]; i++) {
            d->pop[w->item[i]] += 1.0;
            if (i + 1 < w->train[u][1]) d->next[w->item[i]][w->item[i + 1]] += 1.0;
            for (int64_t j = i + 1; j < w->train[u][1] && j - i <= 20; j++) {
                d->near[w->item[i]][w->item[j]] += 1.0 / (double)(j - i);
                d->near[w->item[j]][w->item[i]] += settings.back / (double)(j - i);
            }
        }
    return d;
}

/* Sums in another order than the sparse ones, so that equal scores differ in their last bits. */
static void dense_score(void *reference, const World *w, int64_t user, int64_t first, int64_t end,
                        double (*score)[2])
{
    const Dense *d = reference;
    const int32_t last = w->item[end - 1];
    (void)user;
    for (int y = 0; y < WORLD_ITEMS; y++) {
        score[y][1] = d->kind <= COUNTER_MARKOV ? d->pop[y] : 0.0;
        if (d->kind == COUNTER_LAST_ITEM) score[y][0] = y == last;
        if (d->kind == COUNTER_MARKOV) score[y][0] = d->next[last][y];
        if (d->kind <= COUNTER_MARKOV) continue;
        for (int k = 19; k >= 0; k--)
            if (end - 1 - k >= first) score[y][0] += d->near[w->item[end - 1 - k]][y] / (1.0 + k);
        score[y][0] /= pow(1.0 + d->pop[y], d->settings.power);
    }
    if (d->kind == COUNTER_LAST_FIRST) score[last][0] = 1e6;
    if (d->kind == COUNTER_REPEATS_FIRST)
        for (int64_t e = first; e < end; e++) score[w->item[e]][0] = 1e6 * (double)(1 + e - first);
}

static void the_sparse_scores_equal_dense_ones_on_random_logs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        World *w = world_open(seed);
        const CounterSettings settings = {.back = 0.5 * (double)(seed % 3),
                                          .power = 0.25 * (double)((seed + 1) % 3)};
        Dense *d = dense_open(w, settings);
        Popularity p;
        Counter c;
        assert_ok(popularity_count(&p, &w->histories));
        assert_ok(counter_fit(&c, &w->histories, &p, 2));
        for (d->kind = 0; d->kind < COUNTER_BARS; d->kind++) {
            const Bar bar = counter_bar(&c, d->kind, settings);
            const Scorer scorer = bar_scorer(&bar);
            world_check(w, &scorer, seed % 2, 1e-11, dense_score, d);
        }
        counter_close(&c);
        popularity_close(&p);
        free(d);
        free(w);
    }
}

/* Items 1 and 2 have the scores 1 + 1/3 and 4/3 by different sums, which differ in their last
 * bits. */
static void score_near_ties(const Bar *self, BarScratch *s, const BarHistory *h)
{
    (void)self, (void)h;
    for (int k = 0; k < 10; k++) bar_touch(s, 1, 0.1);
    bar_touch(s, 2, 1.0);
    bar_touch(s, 3, 1.0 + 1e-9);
}

static void scores_that_differ_by_rounding_tie(void **state)
{
    (void)state;
    Popularity p;
    Evaluation e;
    const ScoreOptions options = {true, 1, -1, NULL};
    double sum = 0.0;
    for (int k = 0; k < 10; k++) sum += 0.1;
    assert_true(sum != 1.0);
    assert_ok(popularity_count(&p, &tiny));
    const Bar bar = {.name = "ties", .popularity = &p, .score = score_near_ties};
    const Scorer scorer = bar_scorer(&bar);
    assert_ok(evaluation_open(&e, &tiny, &options, 0, 0));
    assert_ok(evaluation_add(&e, &scorer));
    const Ranking *r = e.scorer[0].ranking; /* targets 1 3 2 1 */
    assert_memory_equal(r->above, ((const int32_t[]){1, 0, 1, 1}), 16);
    assert_memory_equal(r->ties, ((const int32_t[]){1, 0, 1, 1}), 16);
    evaluation_close(&e);
    popularity_close(&p);
}

static void results_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    World *w = world_open(99);
    Popularity p;
    Counter c[2];
    assert_ok(popularity_count(&p, &w->histories));
    for (int k = 0; k < 2; k++) assert_ok(counter_fit(&c[k], &w->histories, &p, k ? 5 : 1));
    const PairTable *one = &c[0].after, *five = &c[1].after;
    const size_t entries = (size_t)one->offset[WORLD_ITEMS];
    assert_memory_equal(one->offset, five->offset, (WORLD_ITEMS + 1) * sizeof(int64_t));
    assert_memory_equal(one->item, five->item, entries * sizeof(int32_t));
    assert_memory_equal(one->weight, five->weight, entries * sizeof(double));
    for (int k = 0; k < COUNTER_BARS; k++) {
        const Bar bar = counter_bar(&c[0], k, usual);
        const Scorer scorer = bar_scorer(&bar);
        world_check_threads(w, &scorer);
    }
    for (int k = 0; k < 2; k++) counter_close(&c[k]);
    popularity_close(&p);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_follow_the_formulas),
        cmocka_unit_test(ranks_of_unseen_items_are_as_worked_by_hand),
        cmocka_unit_test(ranks_of_all_items_are_as_worked_by_hand),
        cmocka_unit_test(the_sparse_scores_equal_dense_ones_on_random_logs),
        cmocka_unit_test(scores_that_differ_by_rounding_tie),
        cmocka_unit_test(results_do_not_depend_on_the_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
