/* SPDX-License-Identifier: Apache-2.0 */
/* ItemKNN: a table worked by hand, and dense scores written from the formulas. */
#include "ranking_world.h"

#include "evaluate/ranking/bars/itemknn.h"

/* Train of `tiny`: users {0 1 2} {0 1} {0 2}, so that n = 3 2 2; two users have 0 and 1, two have 0
 * and 2, one has 1 and 2. */
static void similarities_are_as_worked_by_hand(void **state)
{
    (void)state;
    Sets sets;
    Popularity p;
    ItemKnn k;
    assert_ok(sets_read(&sets, &tiny));
    assert_ok(popularity_count(&p, &tiny));
    assert_ok(itemknn_fit(&k, &sets, &p, 10.0, 2, 2));
    assert_memory_equal(k.offset, ((const int64_t[]){0, 2, 4, 6, 6, 6}), 48);
    assert_memory_equal(k.item, ((const int32_t[]){1, 2, 0, 2, 0, 1}), 24);
    assert_near(k.similarity[0], 2.0 / (sqrt(6.0) + 10.0), 1e-15);
    assert_near(k.similarity[3], 1.0 / 12.0, 1e-15);
    itemknn_close(&k);
    sets_close(&sets);
    popularity_close(&p);
}

typedef struct {
    double similarity[WORLD_ITEMS][WORLD_ITEMS];
    int neighbours;
    int64_t reach;
} Dense;

static void dense_fill(Dense *d, const World *w, double shrink)
{
    static bool has[WORLD_USERS][WORLD_ITEMS];
    memset(has, 0, sizeof has);
    for (int u = 0; u < WORLD_USERS; u++)
        for (int64_t e = w->train[u][0]; e < w->train[u][1]; e++) has[u][w->item[e]] = true;
    for (int x = 0; x < WORLD_ITEMS; x++)
        for (int y = 0; y < WORLD_ITEMS; y++) {
            double both = 0.0, nx = 0.0, ny = 0.0;
            for (int u = 0; u < WORLD_USERS; u++) {
                both += has[u][x] && has[u][y];
                nx += has[u][x];
                ny += has[u][y];
            }
            d->similarity[x][y] = x != y && both > 0.0 ? both / (sqrt(nx * ny) + shrink) : 0.0;
        }
}

static void dense_score(void *reference, const World *w, int64_t user, int64_t first, int64_t end,
                        double (*score)[2])
{
    const Dense *d = reference;
    bool in[WORLD_ITEMS] = {false};
    (void)user;
    for (int64_t e = end - 1; e >= first && end - e <= d->reach; e--) in[w->item[e]] = true;
    for (int x = 0; x < WORLD_ITEMS; x++)
        for (int y = 0; y < WORLD_ITEMS && in[x]; y++) {
            int better = 0;
            for (int z = 0; z < WORLD_ITEMS; z++)
                better += d->similarity[x][z] > d->similarity[x][y] ||
                          (d->similarity[x][z] == d->similarity[x][y] && z < y);
            if (better < d->neighbours) score[y][0] += d->similarity[x][y];
        }
}

static void sparse_scores_equal_dense_ones_on_random_logs(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 6; seed++) {
        World *w = world_open(seed);
        Dense *d = calloc(1, sizeof *d);
        Sets sets;
        Popularity p;
        ItemKnn k[2];
        const double shrink = seed % 3 * 5.0;
        dense_fill(d, w, shrink);
        d->neighbours = seed % 2 ? 7 : 30;
        d->reach = seed < 3 ? 1 : INT64_MAX;
        assert_ok(sets_read(&sets, &w->histories));
        assert_ok(popularity_count(&p, &w->histories));
        for (int t = 0; t < 2; t++) assert_ok(itemknn_fit(&k[t], &sets, &p, shrink, 30, t ? 5 : 1));
        const size_t entries = (size_t)k[0].offset[WORLD_ITEMS];
        assert_memory_equal(k[0].offset, k[1].offset, (WORLD_ITEMS + 1) * sizeof(int64_t));
        assert_memory_equal(k[0].item, k[1].item, entries * sizeof(int32_t));
        assert_memory_equal(k[0].similarity, k[1].similarity, entries * sizeof(double));
        const Bar bar = itemknn_bar(&k[0], d->neighbours, d->reach);
        const Scorer scorer = bar_scorer(&bar);
        world_check(w, &scorer, seed % 2, 1e-11, dense_score, d);
        world_check_threads(w, &scorer);
        for (int t = 0; t < 2; t++) itemknn_close(&k[t]);
        sets_close(&sets);
        popularity_close(&p);
        free(d);
        free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(similarities_are_as_worked_by_hand),
        cmocka_unit_test(sparse_scores_equal_dense_ones_on_random_logs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
