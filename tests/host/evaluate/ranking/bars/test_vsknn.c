/* SPDX-License-Identifier: Apache-2.0 */
/* V-SKNN: a log worked by hand, and dense scores written from the formulas. */
#include "ranking_world.h"

#include "evaluate/ranking/bars/vsknn.h"

/* Scores of the history 0, 1 of user 0, whose own train events are 0 1.
 * Neighbours: user 1 has 0 2 (similarity of item 0, d = 1), user 2 has 1 3 (d = 0), user 3 has 4.
 * Linear: w = 1, 1/2. Scores: 1/2 * 1/2 for 0 and 2; 1 * 1 for 1 and 3. */
static const int64_t four_offset[] = {0, 2, 4, 6, 7};
static const int64_t four_train[][2] = {{0, 2}, {2, 4}, {4, 6}, {6, 7}};
static const int32_t four_item[] = {0, 1, 0, 2, 1, 3, 4};
static const uint8_t four_action[7] = {0};
static const int64_t four_latest[] = {9, 5, 7, 8};
static const Histories four = {.users = 4,
                               .items = 5,
                               .actions = 1,
                               .offset = four_offset,
                               .train = four_train,
                               .scored = four_train,
                               .item = four_item,
                               .action = four_action,
                               .latest = four_latest};

static void score_four(double *score, VsknnSettings settings)
{
    Sets sets;
    Popularity p;
    double dense[5] = {0};
    int32_t touched[5], recent[5];
    int64_t stamp[5] = {0};
    assert_ok(sets_read(&sets, &four));
    assert_ok(popularity_count(&p, &four));
    assert_memory_equal(sets.place, ((const int32_t[]){0, 3, 2, 1}), 16);
    const Bar bar = vsknn_bar(&sets, &p, settings);
    BarScratch s = {.score = dense, .touched = touched, .recent = recent, .stamp = stamp};
    s.own = bar.scratch_open(&bar);
    bar.score(&bar, &s, &(BarHistory){four_item, 2, 0});
    memcpy(score, dense, sizeof dense);
    bar.scratch_close(s.own);
    sets_close(&sets);
    popularity_close(&p);
}

static void scores_are_as_worked_by_hand(void **state)
{
    (void)state;
    double s[5];
    score_four(s, (VsknnSettings){10, true, 0.0});
    assert_near(s[0], 0.25, 1e-15);
    assert_near(s[1], 1.0, 1e-15);
    assert_near(s[2], 0.25, 1e-15);
    assert_near(s[3], 1.0, 1e-15);
    assert_near(s[4], 0.0, 0.0);
    score_four(s, (VsknnSettings){1, false, 0.0}); /* user 2 alone */
    assert_near(s[0], 0.0, 0.0);
    assert_near(s[3], 1.0, 1e-15);
    score_four(s, (VsknnSettings){10, false, 5.0}); /* items 2 and 3 have one user of four */
    assert_near(s[2], 0.25 * (1.0 + 5.0 * log(4.0)), 1e-14);
    assert_near(s[1], 1.0 + 5.0 * log(2.0), 1e-14);
}

typedef struct {
    VsknnSettings settings;
    bool has[WORLD_USERS][WORLD_ITEMS];
} Dense;

static void dense_score(void *reference, const World *w, int64_t user, int64_t first, int64_t end,
                        double (*score)[2])
{
    const Dense *d = reference;
    int32_t x[20];
    int length = 0;
    for (int64_t e = end - 1; e >= first && e >= end - 20; e--) {
        bool known = false;
        for (int k = 0; k < length; k++) known |= x[k] == w->item[e];
        if (!known) x[length++] = w->item[e];
    }
    double similarity[WORLD_USERS] = {0}, decay[WORLD_USERS] = {0};
    for (int n = 0; n < WORLD_USERS; n++)
        for (int k = 0; k < length && n != user; k++) {
            if (!d->has[n][x[k]]) continue;
            similarity[n] += d->settings.linear ? (length - k) / (double)length : 1.0 / (1.0 + k);
            if (decay[n] == 0.0) decay[n] = 1.0 / (1.0 + k);
        }
    for (int n = 0; n < WORLD_USERS; n++) {
        int better = 0;
        for (int m = 0; m < WORLD_USERS; m++)
            better += similarity[m] > similarity[n] ||
                      (similarity[m] == similarity[n] &&
                       (w->latest[m] > w->latest[n] || (w->latest[m] == w->latest[n] && m > n)));
        if (better >= d->settings.neighbours) continue;
        for (int y = 0; y < WORLD_ITEMS; y++)
            if (d->has[n][y]) score[y][0] += similarity[n] * decay[n];
    }
    for (int y = 0; y < WORLD_ITEMS; y++) {
        int users = 0;
        for (int n = 0; n < WORLD_USERS; n++) users += d->has[n][y];
        if (users) score[y][0] *= 1.0 + d->settings.idf * log((double)WORLD_USERS / users);
    }
}

static void sparse_scores_equal_dense_ones_on_random_logs(void **state)
{
    (void)state;
    const VsknnSettings settings[] = {{10, true, 0.0}, {3, false, 5.0}, {200, false, 0.0}};
    for (uint64_t seed = 0; seed < 6; seed++) {
        World *w = world_open(seed);
        Dense *d = calloc(1, sizeof *d);
        Sets sets;
        Popularity p;
        assert_ok(sets_read(&sets, &w->histories));
        assert_ok(popularity_count(&p, &w->histories));
        d->settings = settings[seed % 3];
        for (int u = 0; u < WORLD_USERS; u++)
            for (int64_t e = w->train[u][0]; e < w->train[u][1]; e++) d->has[u][w->item[e]] = true;
        const Bar bar = vsknn_bar(&sets, &p, d->settings);
        const Scorer scorer = bar_scorer(&bar);
        world_check(w, &scorer, seed % 2, 1e-11, dense_score, d);
        world_check_threads(w, &scorer);
        sets_close(&sets);
        popularity_close(&p);
        free(d);
        free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_as_worked_by_hand),
        cmocka_unit_test(sparse_scores_equal_dense_ones_on_random_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
