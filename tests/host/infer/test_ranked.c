/* SPDX-License-Identifier: Apache-2.0 */
/* Choices by the policy with candidates, against its definition over the whole catalogue: the score
 * of an item is log(exp z + exp r) for a candidate and z for any other item.
 *
 * The scores are made so that the definition decides every comparison: z is an exact multiple of
 * 1/2 from -3 to 3, and r one from -2 to 2 or FAR below. So two scores are equal, where their pairs
 * {z, r} are or r is FAR, or they are further apart than 1e-3: log(1 + exp(-d)) at d = 0, 1/2, ..,
 * 5 is no closer to another such number or to 0, up to multiples of 1/2. */
#include "infer/ranked.h"

#include "catalogue/gather.h"
#include "infer/states.h"
#include "infer_case.h"

enum { DIM = 4, ROWS = 48, ITEMS_MAX = 97, WIDTH_MAX = 64 };
static const float FAR = -200.0f;

static InferCase c;

static int open_case(void **state)
{
    (void)state;
    infer_case_open_counted(&c, HEAD_BIT(HEAD_POLICY), 12, 2, 20);
    return 0;
}

static int close_case(void **state)
{
    (void)state;
    infer_case_close(&c);
    return 0;
}

/* ---- The definition -------------------------------------------------------------------------- */

typedef struct {
    int items, width;
    bool excludes;
    float u[ROWS * DIM], e[ITEMS_MAX * DIM], bias[ITEMS_MAX];
    int32_t candidate[ROWS * WIDTH_MAX];
    float r[ROWS * WIDTH_MAX];
    double score[ROWS][ITEMS_MAX];
    bool proposed[ROWS][ITEMS_MAX], excluded[ROWS][ITEMS_MAX];
    HeadScores scores;
} Scene;

static uint32_t draw(uint64_t seed, int64_t row, int64_t i, uint32_t below)
{
    return philox(seed, (uint64_t)row, (uint64_t)i).word[0] % below;
}

/* A multiple of 1/2 from -most / 2 to most / 2. */
static float halves(uint64_t seed, int64_t row, int64_t i, int most)
{
    return 0.5f * (float)((int)draw(seed, row, i, (uint32_t)(2 * most + 1)) - most);
}

static double both(double z, double r) { return fmax(z, r) + log1p(exp(-fabs(z - r))); }

/* Row i has i % (width + 1) candidates, every second item from anywhere. */
static void propose(Scene *s, int64_t i)
{
    const int64_t count = i % (s->width + 1), start = draw(3, i, 0, (uint32_t)s->items);
    for (int64_t j = 0; j < s->width; j++) {
        const int64_t at = i * s->width + j, a = (start + 2 * j) % s->items;
        const bool any = j < count && j < s->items;
        s->candidate[at] = any ? (int32_t)a : -1;
        s->r[at] = !any ? -INFINITY : draw(4, i, j, 3) == 0 ? FAR : halves(5, i, j, 4);
        if (!any) continue;
        s->proposed[i][a] = true;
        s->score[i][a] = both(s->score[i][a], (double)s->r[at]);
    }
}

static void exclude(Scene *s, int64_t i, int many)
{
    int32_t item[ITEMS_MAX];
    int64_t count = 0;
    for (int a = 0; a < s->items; a++) {
        s->excluded[i][a] = s->excludes && (int)draw(6, i, a, 8) < many;
        if (i % 5 == 4) s->excluded[i][a] = s->excluded[i][a] && s->proposed[i][a];
        if (s->excluded[i][a]) item[count++] = a;
    }
    assert_ok(exclude_add(&c.session->memory.exclude, NULL, 0, item, count));
}

/* `many` of 8 items of each row are excluded; 0: no row lists any. */
static Scene *open_scene(int items, int width, int many)
{
    Scene *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->items = items, s->width = width, s->excludes = many > 0;
    for (int k = 0; k < ROWS * DIM; k++) s->u[k] = halves(1, 0, k, 1);
    for (int a = 0; a < items; a++) {
        s->bias[a] = halves(2, 1, a, 2);
        for (int k = 0; k < DIM; k++) s->e[a * DIM + k] = 2.0f * halves(2, 0, a * DIM + k, 1);
    }
    exclude_begin(&c.session->memory.exclude);
    for (int64_t i = 0; i < ROWS; i++) {
        for (int a = 0; a < items; a++) {
            s->score[i][a] = (double)s->bias[a];
            for (int k = 0; k < DIM; k++)
                s->score[i][a] += (double)s->u[i * DIM + k] * (double)s->e[a * DIM + k];
        }
        propose(s, i);
        if (many > 0) exclude(s, i, many);
    }
    s->scores = (HeadScores){.u = TENSOR(s->u, F32, ROWS, DIM),
                             .items = {.id = TENSOR(s->e, F32, items, DIM)},
                             .bias = TENSOR(s->bias, F32, items)};
    s->scores.counted.item = TENSOR(s->candidate, I32, ROWS, width);
    s->scores.counted.score = TENSOR(s->r, F32, ROWS, width);
    return s;
}

static bool above(const Scene *s, int64_t i, int a, int b)
{
    return s->score[i][a] > s->score[i][b] + 1e-4;
}

static bool equal(const Scene *s, int64_t i, int a, int b)
{
    return fabs(s->score[i][a] - s->score[i][b]) <= 1e-4;
}

static bool listed(const Scene *s, int64_t i, int a, int target)
{
    return !s->excluded[i][a] || a == target;
}

/* The k best by falling score and rising item, as the row's list has to be. */
static void expect_best(const Scene *s, int64_t i, const int32_t *item, const float *score, int k,
                        int target)
{
    bool taken[ITEMS_MAX] = {false};
    for (int j = 0; j < k; j++) {
        int best = -1;
        for (int a = 0; a < s->items; a++)
            if (!taken[a] && listed(s, i, a, target) && (best < 0 || above(s, i, a, best)))
                best = a;
        assert_int_equal(item[j], best);
        if (best < 0) {
            assert_true(score[j] == -INFINITY);
            continue;
        }
        taken[best] = true;
        assert_near(score[j], s->score[i][best], 1e-6);
    }
}

/* ---- Tests ----------------------------------------------------------------------------------- */

/* Catalogues with more items than candidates, and one where all items are candidates. */
static const struct {
    int items, width, many;
} SHAPES[] = {{97, 20, 0}, {97, 20, 3}, {97, 64, 6}, {13, 32, 0}, {13, 32, 3}, {40, 1, 2}};
enum { SHAPE_COUNT = sizeof SHAPES / sizeof *SHAPES };

static void the_best_are_those_of_the_whole_catalogue(void **state)
{
    (void)state;
    static const int lengths[] = {1, 10, ITEMS_MAX + 3};
    static int32_t item[ROWS * (ITEMS_MAX + 3)];
    static float score[ROWS * (ITEMS_MAX + 3)];
    for (int n = 0; n < SHAPE_COUNT; n++) {
        Scene *s = open_scene(SHAPES[n].items, SHAPES[n].width, SHAPES[n].many);
        for (int l = 0; l < 3; l++) {
            const int k = lengths[l];
            assert_ok(ranked_best(c.session, &s->scores, TENSOR(item, I32, ROWS, k),
                                  TENSOR(score, F32, ROWS, k)));
            for (int64_t i = 0; i < ROWS; i++)
                expect_best(s, i, item + i * k, score + i * k, k, -1);
        }
        free(s);
    }
}

/* What a target can be. */
enum { CANDIDATE = 1, EXCLUDED = 2, TIED = 4, KINDS = 8 };

static int expect_rank(const Scene *s, int64_t i, int target, int have_above, int have_ties)
{
    int want_above = 0, want_ties = 0;
    for (int a = 0; a < s->items; a++) {
        if (a == target || s->excluded[i][a]) continue;
        want_above += above(s, i, a, target);
        want_ties += equal(s, i, a, target);
    }
    assert_int_equal(have_above, want_above);
    assert_int_equal(have_ties, want_ties);
    return (s->proposed[i][target] ? CANDIDATE : 0) | (s->excluded[i][target] ? EXCLUDED : 0) |
           (want_ties ? TIED : 0);
}

static void a_target_has_its_place_among_all_items(void **state)
{
    (void)state;
    enum { K = 10 };
    static int32_t item[ROWS * K];
    static float score[ROWS * K];
    int met[KINDS] = {0};
    for (int n = 0; n < SHAPE_COUNT; n++) {
        Scene *s = open_scene(SHAPES[n].items, SHAPES[n].width, SHAPES[n].many);
        for (int t = 0; t < s->items; t++) {
            int32_t target[ROWS], have_above[ROWS], have_ties[ROWS];
            for (int i = 0; i < ROWS; i++) target[i] = (t + 7 * i) % s->items;
            assert_ok(ranked_targets(c.session, &s->scores, TENSOR(target, I32, ROWS),
                                     TENSOR(have_above, I32, ROWS), TENSOR(have_ties, I32, ROWS),
                                     TENSOR(item, I32, ROWS, K), TENSOR(score, F32, ROWS, K)));
            for (int64_t i = 0; i < ROWS; i++) {
                met[expect_rank(s, i, target[i], have_above[i], have_ties[i])]++;
                expect_best(s, i, item + i * K, score + i * K, K, target[i]);
            }
        }
        free(s);
    }
    for (int kind = 0; kind < KINDS; kind++) assert_true(met[kind] > 20);
}

/* The draw of the definition: the item with the highest key of its score, where the two highest
 * keys are further apart than rounding; else -1. */
static int32_t drawn(const Scene *s, int64_t i, int64_t stream, const SampleOptions *o)
{
    float best = -INFINITY, second = -INFINITY;
    int32_t item = -1;
    for (int a = 0; a < s->items; a++) {
        if (s->excluded[i][a]) continue;
        const float key = catalogue_sample_key(o, stream, a, (float)s->score[i][a]);
        if (key > best)
            second = best, best = key, item = a;
        else if (key > second)
            second = key;
    }
    return best - second > 1e-4f ? item : -1;
}

static double log_share(const Scene *s, int64_t i, int item, double temperature)
{
    double sum = 0.0;
    for (int a = 0; a < s->items; a++)
        if (!s->excluded[i][a]) sum += exp(s->score[i][a] / temperature);
    return s->score[i][item] / temperature - log(sum);
}

static void a_draw_is_that_of_the_whole_catalogue_with_its_probability(void **state)
{
    (void)state;
    enum { STEPS = 60 };
    static const float temperatures[] = {0.5f, 1.0f, 2.0f};
    int64_t stream[ROWS], compared = 0, of_candidates = 0;
    for (int64_t i = 0; i < ROWS; i++) stream[i] = 5 + 3 * i;
    for (int n = 0; n < SHAPE_COUNT; n++) {
        Scene *s = open_scene(SHAPES[n].items, SHAPES[n].width, SHAPES[n].many);
        for (int64_t step = 0; step < STEPS; step++) {
            int32_t item[ROWS];
            float chance[ROWS];
            const SampleOptions o = {.seed = 11,
                                     .step = step,
                                     .stream = TENSOR(stream, I64, ROWS),
                                     .temperature = temperatures[step % 3]};
            assert_ok(ranked_draw(c.session, &s->scores, stream, o, TENSOR(item, I32, ROWS),
                                  TENSOR(chance, F32, ROWS)));
            for (int64_t i = 0; i < ROWS; i++) {
                const int32_t want = drawn(s, i, stream[i], &o);
                assert_true(item[i] >= 0 && item[i] < s->items && !s->excluded[i][item[i]]);
                assert_near(chance[i], log_share(s, i, item[i], (double)o.temperature), 1e-5);
                if (want < 0) continue;
                assert_int_equal(item[i], want);
                compared++;
                of_candidates += s->proposed[i][want];
            }
        }
        free(s);
    }
    /* Keys within 1e-4 are rarer than one draw in a thousand. */
    assert_true(compared > SHAPE_COUNT * STEPS * ROWS * 99 / 100);
    assert_true(of_candidates > compared / 10 && of_candidates < compared * 9 / 10);
}

/* ---- A model --------------------------------------------------------------------------------- */

enum { HISTORIES = 30, CANDIDATES = 20 };

typedef struct {
    double score[HISTORIES][SHOP_ITEMS], total[HISTORIES];
    int64_t candidates;
} Dense;

/* By the definition: z of all items by the dense half, and r of the candidates. */
static Status define(void *context, const StateBatch *batch)
{
    Dense *d = context;
    const Session *s = c.session;
    const HeadScores z =
        scores_ranking(s->dev, s->model, session_weights(s), HEAD_POLICY, &batch->rows);
    int32_t id[HISTORIES * SHOP_ITEMS];
    float of_all[HISTORIES * SHOP_ITEMS];
    for (int64_t i = 0; i < batch->count * SHOP_ITEMS; i++) id[i] = (int32_t)(i % SHOP_ITEMS);
    catalogue_gather(s->dev, TENSOR(of_all, F32, batch->count, SHOP_ITEMS), z.u, &z.items, z.bias,
                     TENSOR(id, I32, batch->count, SHOP_ITEMS));
    for (int64_t i = 0; i < batch->count; i++) {
        double *score = d->score[batch->index[i]];
        const int32_t *item = (const int32_t *)z.counted.item.data + i * CANDIDATES;
        for (int a = 0; a < SHOP_ITEMS; a++) score[a] = (double)of_all[i * SHOP_ITEMS + a];
        for (int j = 0; j < CANDIDATES && item[j] >= 0; j++, d->candidates++)
            score[item[j]] = both(score[item[j]], (double)f32(z.counted.score)[i * CANDIDATES + j]);
        for (int a = 0; a < SHOP_ITEMS; a++) d->total[batch->index[i]] += exp(score[a]);
    }
    return OK;
}

static void recommendations_have_the_probabilities_of_the_sum_of_two_masses(void **state)
{
    (void)state;
    static InferHistory space[HISTORIES];
    static Recommendation have[HISTORIES][SHOP_ITEMS], again[HISTORIES][SHOP_ITEMS];
    static int32_t item[HISTORIES][SHOP_ITEMS];
    static Dense d;
    const RecommendOptions o = {.k = SHOP_ITEMS, .include_seen = true};
    History h[HISTORIES];
    int64_t found[HISTORIES];
    for (int i = 0; i < HISTORIES; i++) {
        h[i] = *infer_history(&space[i], (uint64_t)i, 1 + i);
        if (i % 2) h[i] = history_of_user(&c.file, i);
    }
    assert_ok(states_after(c.session, h, HISTORIES, (StateSink){define, &d}));
    assert_true(d.candidates > HISTORIES * CANDIDATES * 3 / 4);
    assert_ok(recommend_best(c.session, h, HISTORIES, &o, have[0], found));
    for (int i = 0; i < HISTORIES; i++) {
        double sum = 0.0;
        assert_int_equal(found[i], SHOP_ITEMS);
        for (int k = 0; k < SHOP_ITEMS; k++) {
            const int32_t a = item[i][k] = have[i][k].item;
            sum += (double)have[i][k].probability;
            assert_near(have[i][k].score, d.score[i][a], 1e-5 * (1 + fabs(d.score[i][a])));
            assert_near(have[i][k].probability, exp(d.score[i][a]) / d.total[i], 2e-5);
        }
        assert_near(sum, 1.0, 1e-5);
    }
    assert_ok(recommend_scores(c.session, h, HISTORIES, item[0], SHOP_ITEMS, again[0]));
    for (int i = 0; i < HISTORIES; i++)
        for (int k = 0; k < SHOP_ITEMS; k++)
            assert_near(again[i][k].probability, have[i][k].probability,
                        1e-5 * (double)have[i][k].probability);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_are_those_of_the_whole_catalogue),
        cmocka_unit_test(a_target_has_its_place_among_all_items),
        cmocka_unit_test(a_draw_is_that_of_the_whole_catalogue_with_its_probability),
        cmocka_unit_test(recommendations_have_the_probabilities_of_the_sum_of_two_masses),
    };
    return cmocka_run_group_tests(tests, open_case, close_case);
}
