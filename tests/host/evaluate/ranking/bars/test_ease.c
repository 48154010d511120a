/* SPDX-License-Identifier: Apache-2.0 */
/* EASE: a log worked by hand in fractions, and scores by plain elimination. */
#include "ranking_world.h"

#include "evaluate/ranking/bars/ease.h"

/* The scores that EASE of `tiny`, with lambda 2 and at most `most` items, gives to a history. */
static void score_tiny(double dense[5], int32_t most, int32_t count, BarHistory history)
{
    Sets sets;
    Popularity p;
    Ease e;
    int32_t recent[5];
    int64_t stamp[5] = {0};
    assert_ok(sets_read(&sets, &tiny));
    assert_ok(popularity_count(&p, &tiny));
    assert_ok(ease_fit(&e, &sets, &p, 2.0, most, 1));
    assert_int_equal(e.count, count);
    const Bar bar = ease_bar(&e);
    BarScratch s = {.score = dense, .recent = recent, .stamp = stamp};
    s.own = bar.scratch_open(&bar);
    bar.score(&bar, &s, &history);
    bar.scratch_close(s.own);
    ease_close(&e);
    sets_close(&sets);
    popularity_close(&p);
}

/* Train of `tiny`: users {0 1 2} {0 1} {0 2}. With lambda 2 the matrix is 5 2 2 | 2 4 1 | 2 1 4,
 * its determinant 51, and its inverse 15 -6 -6 | -6 16 -1 | -6 -1 16, each over 51. So B_01 is 6/16
 * and B_10 is 6/15. The history 0 1 2 1 gives item 0 12/15, items 1 and 2 7/16 each. */
static void scores_are_as_worked_by_hand(void **state)
{
    (void)state;
    double dense[5] = {0};
    score_tiny(dense, 0, 3, (BarHistory){tiny_item, 4, 0});
    assert_near(dense[0], 12.0 / 15.0, 1e-6); /* P is in f32 */
    assert_near(dense[1], 7.0 / 16.0, 1e-6);
    assert_near(dense[2], 7.0 / 16.0, 1e-6);
    assert_near(dense[3], 0.0, 0.0);
    /* Item 3 is in no train history. */
    score_tiny(dense, 0, 3, (BarHistory){tiny_item + 4, 1, 0});
    assert_near(fabs(dense[0]) + fabs(dense[1]), 0.0, 0.0);
}

/* Items 0 and 1 have the most users, 3 and 2 of them, and item 2 as many as item 1. Without it the
 * users are {0 1} {0 1} {0}, the matrix is 5 2 | 2 4 with the inverse 4 -2 | -2 5 over 16, and B_01
 * is 2/5, B_10 is 2/4. */
static void fewer_items_are_as_if_there_were_no_others(void **state)
{
    (void)state;
    double dense[5] = {0};
    score_tiny(dense, 2, 2, (BarHistory){tiny_item, 3, 0});
    assert_near(dense[0], 2.0 / 4.0, 1e-6);
    assert_near(dense[1], 2.0 / 5.0, 1e-6);
    assert_near(dense[2], 0.0, 0.0);
}

typedef struct {
    double b[WORLD_ITEMS][WORLD_ITEMS];
} Dense;

/* The inverse of A by Gauss and Jordan, without pivots, as A is positive definite. */
static void invert(double a[WORLD_ITEMS][WORLD_ITEMS], double inverse[WORLD_ITEMS][WORLD_ITEMS])
{
    for (int i = 0; i < WORLD_ITEMS; i++)
        for (int j = 0; j < WORLD_ITEMS; j++) inverse[i][j] = i == j;
    for (int k = 0; k < WORLD_ITEMS; k++) {
        const double pivot = a[k][k];
        for (int j = 0; j < WORLD_ITEMS; j++) {
            a[k][j] /= pivot;
            inverse[k][j] /= pivot;
        }
        for (int i = 0; i < WORLD_ITEMS; i++) {
            const double factor = a[i][k];
            for (int j = 0; j < WORLD_ITEMS && i != k; j++) {
                a[i][j] -= factor * a[k][j];
                inverse[i][j] -= factor * inverse[k][j];
            }
        }
    }
}

static void dense_fill(Dense *d, const World *w, double lambda)
{
    static double a[WORLD_ITEMS][WORLD_ITEMS], p[WORLD_ITEMS][WORLD_ITEMS];
    memset(a, 0, sizeof a);
    for (int u = 0; u < WORLD_USERS; u++) {
        bool has[WORLD_ITEMS] = {false};
        for (int64_t e = w->train[u][0]; e < w->train[u][1]; e++) has[w->item[e]] = true;
        for (int x = 0; x < WORLD_ITEMS; x++)
            for (int y = 0; y < WORLD_ITEMS; y++) a[x][y] += has[x] && has[y];
    }
    for (int x = 0; x < WORLD_ITEMS; x++) a[x][x] += lambda;
    invert(a, p);
    for (int x = 0; x < WORLD_ITEMS; x++)
        for (int y = 0; y < WORLD_ITEMS; y++) d->b[x][y] = x == y ? 0.0 : -p[x][y] / p[y][y];
}

static void dense_score(void *reference, const World *w, int64_t user, int64_t first, int64_t end,
                        double (*score)[2])
{
    const Dense *d = reference;
    bool in[WORLD_ITEMS] = {false};
    (void)user;
    for (int64_t e = first; e < end; e++) in[w->item[e]] = true;
    for (int x = 0; x < WORLD_ITEMS; x++)
        for (int y = 0; y < WORLD_ITEMS && in[x]; y++) score[y][0] += d->b[x][y];
}

/* Scores differ by 1e-7 of them, so the places agree where no two scores are nearer than the tie of
 * 2^-20 or a little farther; these seeds are such. */
static void scores_equal_dense_ones_on_random_logs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 4; seed++) {
        World *w = world_open(seed);
        Dense *d = calloc(1, sizeof *d);
        Sets sets;
        Popularity p;
        Ease e[2];
        const double lambda = seed < 2 ? 5.0 : 50.0;
        dense_fill(d, w, lambda);
        assert_ok(sets_read(&sets, &w->histories));
        assert_ok(popularity_count(&p, &w->histories));
        for (int k = 0; k < 2; k++) assert_ok(ease_fit(&e[k], &sets, &p, lambda, 0, k ? 5 : 1));
        const size_t pairs = (size_t)e[0].count * (size_t)e[0].count;
        assert_memory_equal(e[0].inverse, e[1].inverse, pairs * sizeof *e[0].inverse);
        const Bar bar = ease_bar(&e[0]);
        const Scorer scorer = bar_scorer(&bar);
        world_check(w, &scorer, seed % 2, 0x1p-20, dense_score, d);
        world_check_threads(w, &scorer);
        for (int k = 0; k < 2; k++) ease_close(&e[k]);
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
        cmocka_unit_test(fewer_items_are_as_if_there_were_no_others),
        cmocka_unit_test(scores_equal_dense_ones_on_random_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
