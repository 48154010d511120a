/* SPDX-License-Identifier: Apache-2.0 */
/* Logs in memory for the tests of rankings: a tiny one, worked by hand, and random ones. */
#ifndef SOUK_RANKING_WORLD_H
#define SOUK_RANKING_WORLD_H

#include "test.h"

#include "evaluate/ranking/evaluation.h"

/* Train: 0 1 2 | 0 1 | 0 2; then the scored events: user 0: 1 (a repeat), 3 (cold); user 1: 2;
 * user 3, not in train: 0 (no history), 1. */
static const int64_t tiny_offset[] = {0, 5, 8, 10, 12};
static const int64_t tiny_train[][2] = {{0, 3}, {5, 7}, {8, 10}, {10, 10}};
static const int64_t tiny_scored[][2] = {{3, 5}, {7, 8}, {10, 10}, {10, 12}};
static const int32_t tiny_item[] = {0, 1, 2, 1, 3, 0, 1, 2, 0, 2, 0, 1};
static const uint8_t tiny_action[] = {0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 0, 1};
static const Histories tiny = {.users = 4,
                               .items = 5,
                               .actions = 2,
                               .offset = tiny_offset,
                               .train = tiny_train,
                               .scored = tiny_scored,
                               .item = tiny_item,
                               .action = tiny_action};

enum { WORLD_ITEMS = 60, WORLD_USERS = 150, WORLD_LONGEST = 40 };

typedef struct {
    int64_t offset[WORLD_USERS + 1], train[WORLD_USERS][2], scored[WORLD_USERS][2];
    int32_t item[WORLD_USERS * WORLD_LONGEST];
    uint8_t action[WORLD_USERS * WORLD_LONGEST];
    uint64_t tie[WORLD_USERS * WORLD_LONGEST / 64 + 1];
    int64_t latest[WORLD_USERS];
    Histories histories;
} World;

static inline uint32_t world_draw(uint64_t seed, uint64_t i) { return philox(seed, 9, i).word[0]; }

/* Histories of 1 .. WORLD_LONGEST skewed items, with repeats; one event of eight has the time of
 * the event before it. */
static inline World *world_open(uint64_t seed)
{
    World *w = calloc(1, sizeof *w);
    uint64_t n = 0;
    int64_t e = 0;
    for (int64_t u = 0; u < WORLD_USERS; u++) {
        const int64_t length = 1 + world_draw(seed, n++) % WORLD_LONGEST,
                      train = world_draw(seed, n++) % (length + 1);
        w->offset[u] = e;
        for (int64_t k = 0; k < length; k++, e++) {
            const double x = world_draw(seed, n++) * 0x1p-32;
            w->item[e] = (int32_t)(x * x * WORLD_ITEMS);
            w->action[e] = (uint8_t)(world_draw(seed, n) % 3);
            const bool tied = k > 0 && world_draw(seed, n++) / 3 % 8 == 0;
            w->tie[e / 64] |= (uint64_t)tied << (e % 64);
        }
        w->train[u][0] = w->offset[u];
        w->train[u][1] = w->scored[u][0] = w->offset[u] + train;
        w->scored[u][1] = e;
        w->latest[u] = world_draw(seed, n++) % 50;
    }
    w->offset[WORLD_USERS] = e;
    w->histories = (Histories){.users = WORLD_USERS,
                               .items = WORLD_ITEMS,
                               .actions = 3,
                               .offset = w->offset,
                               .train = (const int64_t(*)[2])w->train,
                               .scored = (const int64_t(*)[2])w->scored,
                               .item = w->item,
                               .action = w->action,
                               .tie = w->tie,
                               .latest = w->latest};
    return w;
}

/* The place of the target by dense scores, two keys an item, compared with the relative distance
 * `tie` on the first. `seen` items are no candidates. */
static inline int world_order(const double *a, const double *b, double tie)
{
    if (fabs(a[0] - b[0]) > tie * fmax(fabs(a[0]), fabs(b[0]))) return a[0] > b[0] ? 1 : -1;
    return (a[1] > b[1]) - (a[1] < b[1]);
}

static inline void world_place(const double (*score)[2], const bool *seen, int32_t target,
                               double tie, int *above, int *ties)
{
    *above = *ties = 0;
    for (int y = 0; y < WORLD_ITEMS; y++) {
        if (y == target || seen[y]) continue;
        *above += world_order(score[y], score[target], tie) > 0;
        *ties += world_order(score[y], score[target], tie) == 0;
    }
}

/* Fills score [WORLD_ITEMS] for the history rows first .. end-1 of a user. */
typedef void WorldScore(void *reference, const World *w, int64_t user, int64_t first, int64_t end,
                        double (*score)[2]);

/* Ranks by `scorer` with three threads, and every event again by dense scores. */
static inline void world_check(const World *w, const Scorer *scorer, bool include_seen, double tie,
                               WorldScore *reference, void *context)
{
    Evaluation e;
    const ScoreOptions options = {include_seen, 3, -1, NULL};
    uint32_t exposed[WORLD_ITEMS] = {0};
    assert_ok(evaluation_open(&e, &w->histories, &options, 0, 0));
    assert_ok(evaluation_add(&e, scorer));
    assert_true(e.events.count > 300);
    for (int64_t u = 0; u < e.events.users; u++)
        for (int64_t i = e.events.first[u]; i < e.events.first[u + 1]; i++) {
            double score[WORLD_ITEMS][2] = {{0}};
            bool seen[WORLD_ITEMS] = {false};
            const int32_t target = e.events.target[i];
            const int64_t user = e.events.user[u], first = w->offset[user];
            int above, ties;
            reference(context, w, user, first, e.events.known[i], score);
            for (int64_t k = first; k < e.events.known[i]; k++) seen[w->item[k]] = !include_seen;
            assert_false(seen[target]);
            world_place((const double(*)[2])score, seen, target, tie, &above, &ties);
            const Ranking *r = e.scorer[0].ranking;
            if (r->above[i] != above || r->ties[i] != ties)
                fail_msg("%s, event %d: %d above, %d ties, want %d, %d", scorer->name, (int)i,
                         r->above[i], r->ties[i], above, ties);
            for (int y = 0; y < WORLD_ITEMS; y++) {
                int before = 0;
                for (int z = 0; z < WORLD_ITEMS; z++) {
                    const int order = world_order(score[z], score[y], tie);
                    before += !seen[z] && (order > 0 || (order == 0 && z < y));
                }
                exposed[y] += !seen[y] && before < RANKING_TOP;
            }
        }
    assert_memory_equal(e.scorer[0].ranking->exposed, exposed, sizeof exposed);
    evaluation_close(&e);
}

/* The same places with one thread and with five. */
static inline void world_check_threads(const World *w, const Scorer *scorer)
{
    Evaluation e[2];
    for (int k = 0; k < 2; k++) {
        const ScoreOptions options = {true, k ? 5 : 1, -1, NULL};
        assert_ok(evaluation_open(&e[k], &w->histories, &options, 0, 0));
        assert_ok(evaluation_add(&e[k], scorer));
    }
    const Ranking *a = e[0].scorer[0].ranking, *b = e[1].scorer[0].ranking;
    const size_t events = (size_t)e[0].events.count;
    assert_memory_equal(a->above, b->above, events * sizeof *a->above);
    assert_memory_equal(a->ties, b->ties, events * sizeof *a->ties);
    assert_memory_equal(a->exposed, b->exposed, WORLD_ITEMS * sizeof *a->exposed);
    assert_memory_equal(e[0].scorer[0].summary, e[1].scorer[0].summary,
                        (size_t)e[0].events.groups * sizeof(RankingSummary));
    for (int k = 0; k < 2; k++) evaluation_close(&e[k]);
}

#endif
