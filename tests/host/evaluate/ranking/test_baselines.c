/* SPDX-License-Identifier: Apache-2.0 */
/* The counters: hand-worked logs, and a dense scorer written from the formulas against the sparse
 * one. */
#include "test.h"

#include "evaluate/ranking/baselines.h"
#include "evaluate/ranking/evaluation.h"
#include "evaluate/ranking/purchase_rates.h"

/* Train: 0 1 2 | 0 1 | 0 2; then the scored events: user 0: 1 (a repeat), 3 (cold); user 1: 2;
 * user 3, not in train: 0 (no history), 1. */
static const int64_t offset4[] = {0, 5, 8, 10, 12};
static const int64_t train4[][2] = {{0, 3}, {5, 7}, {8, 10}, {10, 10}};
static const int64_t scored4[][2] = {{3, 5}, {7, 8}, {10, 10}, {10, 12}};
static const int32_t item4[] = {0, 1, 2, 1, 3, 0, 1, 2, 0, 2, 0, 1};
static const uint8_t action4[] = {0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 1};
static const Histories tiny = {4, 5, 2, offset4, train4, scored4, item4, action4, NULL};

static void scored_events_have_a_history(void **state)
{
    (void)state;
    ScoredEvents s;
    assert_ok(histories_scored_select(&s, &tiny, 0, 0));
    assert_int_equal(s.count, 4);
    assert_int_equal(s.users, 3);
    assert_int_equal(s.no_history, 1);
    const int64_t event[] = {3, 4, 7, 11}, user[] = {0, 1, 3}, first[] = {0, 2, 3, 4};
    assert_memory_equal(s.event, event, sizeof event);
    assert_memory_equal(s.user, user, sizeof user);
    assert_memory_equal(s.first, first, sizeof first);
    assert_memory_equal(s.target, ((const int32_t[]){1, 3, 2, 1}), 16);
    assert_memory_equal(s.action, ((const uint8_t[]){0, 1, 1, 1}), 4);
    assert_memory_equal(s.repeat, ((const uint8_t[]){1, 0, 0, 0}), 4);
    assert_memory_equal(s.cold, ((const uint8_t[]){0, 1, 0, 0}), 4);
    histories_scored_close(&s);
}

static void a_sample_of_users_keeps_whole_users(void **state)
{
    (void)state;
    ScoredEvents s;
    assert_ok(histories_scored_select(&s, &tiny, 2, 1));
    assert_int_equal(s.users, 2);
    assert_true(s.user[0] < s.user[1]);
    assert_int_equal(s.first[2], s.count);
    histories_scored_close(&s);
    assert_ok(histories_scored_select(&s, &tiny, 3, 1));
    assert_int_equal(s.count, 4);
    histories_scored_close(&s);
}

static double weight(const PairTable *t, int32_t x, int32_t y)
{
    for (int64_t i = t->offset[x]; i < t->offset[x + 1]; i++)
        if (t->item[i] == y) return t->weight[i];
    return 0.0;
}

static void counts_follow_the_formulas(void **state)
{
    (void)state;
    Baselines b;
    assert_ok(baselines_fit(&b, &tiny, 1));
    assert_memory_equal(b.popularity, ((const int64_t[]){3, 2, 2, 0, 0}), 40);
    assert_memory_equal(b.order, ((const int32_t[]){0, 1, 2, 3, 4}), 20);
    assert_memory_equal(b.rank, ((const int32_t[]){0, 1, 1, 3, 3}), 20);
    assert_memory_equal(b.peers, ((const int32_t[]){1, 2, 2, 2, 2}), 20);
    assert_near(weight(&b.next, 0, 1), 2.0, 0.0);
    assert_near(weight(&b.next, 0, 2), 1.0, 0.0);
    assert_near(weight(&b.next, 1, 2), 1.0, 0.0);
    assert_near(weight(&b.next, 1, 0), 0.0, 0.0);
    assert_near(weight(&b.near, 0, 1), 2.0, 0.0);
    assert_near(weight(&b.near, 0, 2), 1.5, 0.0);  /* gap 2, gap 1 */
    assert_near(weight(&b.near, 1, 0), 1.0, 0.0);  /* twice one half */
    assert_near(weight(&b.near, 2, 0), 0.75, 0.0); /* 1/4 + 1/2 */
    assert_near(weight(&b.near, 2, 1), 0.5, 0.0);
    baselines_close(&b);
}

static void expect(const Evaluation *e, int kind, int event, int above, int ties)
{
    if (e->ranking[kind].above[event] != above || e->ranking[kind].ties[event] != ties)
        fail_msg("%s, event %d: %d above, %d ties, want %d, %d", e->scorer[kind].name, event,
                 e->ranking[kind].above[event], e->ranking[kind].ties[event], above, ties);
}

static void run(Evaluation *e, Baselines *b, const Histories *h, bool include_seen, int threads)
{
    Scorer scorer[BASELINES];
    const ScoreOptions options = {include_seen, threads, -1, NULL};
    assert_ok(baselines_fit(b, h, threads));
    baselines_scorers(b, scorer);
    assert_ok(evaluation_run(e, h, scorer, BASELINES, &options, 0, 0));
}

/* Event 0: history 0 1 2, target 1 (seen, yet a candidate), others 3 4.
 * Event 1: history 0 1 2 1, target 3 (cold), other 4.
 * Event 2: history 0 1, target 2, others 3 4.   Event 3: history 0, target 1, others 2 3 4. */
static void ranks_on_a_tiny_log_are_as_worked_by_hand(void **state)
{
    (void)state;
    Baselines b;
    Evaluation e;
    run(&e, &b, &tiny, false, 1);
    for (int k = 0; k < BASELINES; k++) {
        expect(&e, k, 0, 0, 0);
        expect(&e, k, 1, 0, 1);
        expect(&e, k, 2, 0, 0);
    }
    expect(&e, BASELINE_POPULARITY, 3, 0, 1); /* 1 and 2 are as popular */
    expect(&e, BASELINE_LAST_ITEM, 3, 0, 1);  /* item 0 itself is filtered */
    expect(&e, BASELINE_MARKOV, 3, 0, 0);     /* 0 -> 1 twice, 0 -> 2 once */
    expect(&e, BASELINE_COOCCURRENCE, 3, 0, 0);
    const uint8_t *shown = e.ranking[BASELINE_MARKOV].shown; /* [GROUP_ALL] */
    assert_memory_equal(shown, ((const uint8_t[]){0, 1, 1, 1, 1}), 5);
    evaluation_close(&e);
    baselines_close(&b);

    run(&e, &b, &tiny, true, 1);
    expect(&e, BASELINE_POPULARITY, 0, 1, 1);
    expect(&e, BASELINE_LAST_ITEM, 0, 2, 0); /* 2 first, 0 more popular, 2 no longer ties */
    expect(&e, BASELINE_MARKOV, 0, 1, 1);    /* nothing follows 2 in train: popularity */
    expect(&e, BASELINE_COOCCURRENCE, 1, 3, 1);
    evaluation_close(&e);
    baselines_close(&b);
}

/* ---- Against a dense scorer ------------------------------------------------------------------ */

enum { ITEMS = 60, USERS = 150, LONGEST = 40 };

typedef struct {
    int64_t offset[USERS + 1], train[USERS][2], scored[USERS][2];
    int32_t item[USERS * LONGEST];
    uint8_t action[USERS * LONGEST];
    double pop[ITEMS], next[ITEMS][ITEMS], near[ITEMS][ITEMS]; /* near in units of 1/2 lcm */
} World;

static uint32_t draw(uint64_t seed, uint64_t i) { return philox(seed, 9, i).word[0]; }

static void world_fill(World *w, uint64_t seed)
{
    uint64_t n = 0;
    int64_t e = 0;
    for (int64_t u = 0; u < USERS; u++) {
        const int64_t length = 1 + draw(seed, n++) % LONGEST,
                      train = draw(seed, n++) % (length + 1);
        w->offset[u] = e;
        for (int64_t k = 0; k < length; k++, e++) {
            const double x = draw(seed, n++) * 0x1p-32;
            w->item[e] = (int32_t)(x * x * ITEMS); /* skewed, with repeats */
            w->action[e] = (uint8_t)(draw(seed, n++) % 3);
        }
        w->train[u][0] = w->offset[u];
        w->train[u][1] = w->scored[u][0] = w->offset[u] + train;
        w->scored[u][1] = e;
    }
    w->offset[USERS] = e;
}

static void world_count(World *w)
{
    const double unit = 232792560.0; /* lcm(1 .. 20) */
    for (int64_t u = 0; u < USERS; u++)
        for (int64_t i = w->train[u][0]; i < w->train[u][1]; i++) {
            w->pop[w->item[i]] += 1.0;
            if (i + 1 < w->train[u][1]) w->next[w->item[i]][w->item[i + 1]] += 1.0;
            for (int64_t j = i + 1; j < w->train[u][1] && j - i <= 20; j++) {
                w->near[w->item[i]][w->item[j]] += 2.0 * unit / (double)(j - i);
                w->near[w->item[j]][w->item[i]] += unit / (double)(j - i);
            }
        }
    for (int x = 0; x < ITEMS; x++)
        for (int y = 0; y < ITEMS; y++) w->near[x][y] /= 2.0 * unit;
}

/* score[y], and a second key that breaks its ties. */
static void dense_scores(const World *w, int kind, int64_t first, int64_t e, double (*score)[2])
{
    const int32_t last = w->item[e - 1];
    for (int y = 0; y < ITEMS; y++) {
        score[y][0] = 0.0;
        score[y][1] = kind == BASELINE_COOCCURRENCE ? 0.0 : w->pop[y];
        if (kind == BASELINE_LAST_ITEM) score[y][0] = y == last;
        if (kind == BASELINE_MARKOV) score[y][0] = w->next[last][y];
        if (kind != BASELINE_COOCCURRENCE) continue;
        for (int d = 0; d < 20 && e - 1 - d >= first; d++)
            score[y][0] += w->near[w->item[e - 1 - d]][y] / (1.0 + d);
        score[y][0] /= sqrt(1.0 + w->pop[y]);
    }
}

static int order(const double *a, const double *b)
{
    for (int k = 0; k < 2; k++)
        if (a[k] != b[k]) return a[k] > b[k] ? 1 : -1;
    return 0;
}

static void check_event(const World *w, const Evaluation *e, int kind, int64_t i, int64_t first,
                        uint8_t *shown)
{
    double score[ITEMS][2];
    bool seen[ITEMS] = {false};
    const int32_t target = e->events.target[i];
    int above = 0, ties = 0;
    dense_scores(w, kind, first, e->events.event[i], score);
    for (int64_t k = first; k < e->events.event[i]; k++)
        seen[w->item[k]] = !e->options.include_seen;
    seen[target] = false;
    for (int y = 0; y < ITEMS; y++) {
        if (y == target || seen[y]) continue;
        above += order(score[y], score[target]) > 0;
        ties += order(score[y], score[target]) == 0;
    }
    expect(e, kind, (int)i, above, ties);
    for (int y = 0; y < ITEMS; y++) {
        int before = 0;
        for (int z = 0; z < ITEMS; z++)
            before += !seen[z] &&
                      (order(score[z], score[y]) > 0 || (order(score[z], score[y]) == 0 && z < y));
        if (!seen[y] && before < RANKING_TOP) shown[y] = 1;
    }
}

static void the_sparse_scorers_equal_dense_ones_on_random_logs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        World *w = calloc(1, sizeof *w);
        world_fill(w, seed);
        world_count(w);
        const Histories h = {USERS,
                             ITEMS,
                             3,
                             w->offset,
                             (const int64_t(*)[2])w->train,
                             (const int64_t(*)[2])w->scored,
                             w->item,
                             w->action,
                             NULL};
        Baselines b;
        Evaluation e;
        run(&e, &b, &h, seed % 2, 2);
        assert_true(e.events.count > 1000);
        for (int kind = 0; kind < BASELINES; kind++) {
            uint8_t shown[ITEMS] = {0};
            for (int64_t u = 0; u < e.events.users; u++)
                for (int64_t i = e.events.first[u]; i < e.events.first[u + 1]; i++)
                    check_event(w, &e, kind, i, h.offset[e.events.user[u]], shown);
            assert_memory_equal(e.ranking[kind].shown, shown, ITEMS);
        }
        evaluation_close(&e);
        baselines_close(&b);
        free(w);
    }
}

static void results_do_not_depend_on_the_number_of_threads(void **state)
{
    (void)state;
    World *w = calloc(1, sizeof *w);
    world_fill(w, 99);
    const Histories h = {USERS,
                         ITEMS,
                         3,
                         w->offset,
                         (const int64_t(*)[2])w->train,
                         (const int64_t(*)[2])w->scored,
                         w->item,
                         w->action,
                         NULL};
    Baselines b[2];
    Evaluation e[2];
    run(&e[0], &b[0], &h, false, 1);
    run(&e[1], &b[1], &h, false, 5);
    const size_t entries = (size_t)b[0].near.offset[ITEMS];
    assert_memory_equal(b[0].near.offset, b[1].near.offset, (ITEMS + 1) * sizeof(int64_t));
    assert_memory_equal(b[0].near.item, b[1].near.item, entries * sizeof(int32_t));
    assert_memory_equal(b[0].near.weight, b[1].near.weight, entries * sizeof(double));
    assert_memory_equal(e[0].summary, e[1].summary,
                        BASELINES * (size_t)e[0].events.groups * sizeof(RankingSummary));
    for (int k = 0; k < 2; k++) {
        evaluation_close(&e[k]);
        baselines_close(&b[k]);
    }
    free(w);
}

/* ---- Purchases ------------------------------------------------------------------------------- */

/* Train transitions of `tiny`: (0,a0)->a0, (1,a0)->a1, (0,a0)->a1, (0,a0)->a0: p = 3/6. */
static void purchase_rates_are_as_worked_by_hand(void **state)
{
    (void)state;
    PurchaseRates r;
    assert_ok(purchase_rates_fit(&r, &tiny, 1));
    assert_near(r.overall, 0.5, 1e-15);
    assert_near(r.item[0], (1.0 + 5.0) / (3.0 + 10.0), 1e-15);
    assert_near(r.item[1], (1.0 + 5.0) / (1.0 + 10.0), 1e-15);
    assert_near(r.item[4], 0.5, 1e-15);
    assert_near(r.action[0], (2.0 + 5.0) / (4.0 + 10.0), 1e-15);
    assert_near(r.action[1], 0.5, 1e-15);

    Scorer scorer[RATES];
    ScoredEvents s;
    const ScoreOptions options = {false, 1, 1, NULL};
    float score[4];
    purchase_rates_scorers(&r, scorer);
    assert_ok(histories_scored_select(&s, &tiny, 0, 0));
    assert_ok(scorer[RATE_USER].score(&scorer[RATE_USER], &tiny, &s, &options, NULL, score));
    assert_near(score[0], 6.0 / 13.0, 1e-7); /* actions 0 0 1 */
    assert_near(score[3], 5.0 / 11.0, 1e-7); /* action 0 */
    assert_ok(scorer[RATE_ITEM].score(&scorer[RATE_ITEM], &tiny, &s, &options, NULL, score));
    assert_near(score[3], 6.0 / 13.0, 1e-7); /* last item 0 */
    histories_scored_close(&s);
    purchase_rates_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scored_events_have_a_history),
        cmocka_unit_test(a_sample_of_users_keeps_whole_users),
        cmocka_unit_test(counts_follow_the_formulas),
        cmocka_unit_test(ranks_on_a_tiny_log_are_as_worked_by_hand),
        cmocka_unit_test(the_sparse_scorers_equal_dense_ones_on_random_logs),
        cmocka_unit_test(results_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(purchase_rates_are_as_worked_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
