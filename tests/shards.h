/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of catalogues in shards, on any device: test_merge.c runs them on the CPU, cuda_merge.c
 * on CUDA. What 1, 2, 3 and 5 ragged shards give, joined, is held against the op on the whole
 * table. */
#ifndef SOUK_TEST_SHARDS_H
#define SOUK_TEST_SHARDS_H

#include "base/bf16.h"
#include "base/tree.h"
#include "catalogue/catalogue.h"
#include "catalogue/entropy.h"
#include "catalogue/policy.h"
#include "catalogue/rank.h"
#include "catalogue/regression.h"
#include "catalogue/sample.h"
#include "elementwise.h"
#include "excluded.h"
#include "heads.h"

enum { SHARDS_MAX = 5, BEST = 60 };

static Device *on;

/* ---- Tensors on the device ------------------------------------------------------------------- */

static struct {
    void *memory[4096];
    int used;
} device_pool;

static Tensor put(Tensor host)
{
    Tensor t = host;
    if (!host.data) return t;
    assert_true(device_pool.used < 4096);
    t.data = device_alloc(on, tensor_bytes(host), "a test");
    assert_non_null(t.data);
    device_copy_in(on, t.data, host.data, tensor_bytes(host));
    return device_pool.memory[device_pool.used++] = t.data, t;
}
#define MAKE(dtype, ...) put(NEW(dtype, __VA_ARGS__))

static Tensor get(Tensor t)
{
    const Tensor host = new_tensor(t.dtype, t.rank, t.dim);
    device_copy_out(on, host.data, t.data, tensor_bytes(t));
    assert_ok(device_sync(on));
    return host;
}

static void free_all(void)
{
    while (device_pool.used) device_free(on, device_pool.memory[--device_pool.used]);
    tensors_free();
}

static ItemTable put_table(const ItemTable *t)
{
    return (ItemTable){.id = put(t->id),
                       .category = put(t->category),
                       .category_table = put(t->category_table),
                       .numeric = put(t->numeric),
                       .numeric_weight = put(t->numeric_weight)};
}

/* part[k], without its first axis. */
static Tensor part_at(Tensor part, int k)
{
    const Tensor row = tensor_rows(part, k, 1);
    return tensor_view(row.data, row.dtype, row.rank - 1, row.dim + 1);
}

/* ---- Shards ---------------------------------------------------------------------------------- */

/* The first item of shard k, a multiple of 4; the later a shard the more items it has. */
static int64_t first_of(int64_t items, int k, int shards)
{
    return k == shards ? items : items * k * k / (shards * shards) / 4 * 4;
}

static Tensor rows_of(Tensor t, int64_t first, int64_t rows)
{
    return t.data ? tensor_rows(t, first, rows) : t;
}

typedef struct {
    ItemTable table;
    Tensor bias;
    int64_t first, items;
} ShardOf;

static ShardOf shard_of(const ItemTable *t, Tensor bias, int k, int shards)
{
    const int64_t total = t->id.dim[0], first = first_of(total, k, shards);
    ShardOf s = {*t, {0}, first, first_of(total, k + 1, shards) - first};
    s.table.id = tensor_rows(t->id, first, s.items);
    s.table.category = rows_of(t->category, first, s.items);
    s.table.numeric = rows_of(t->numeric, first, s.items);
    s.table.first = first;
    s.table.total = total;
    s.bias = rows_of(bias, first, s.items);
    return s;
}

/* ---- Cases ----------------------------------------------------------------------------------- */

typedef struct {
    int64_t rows, items, dim;
    ItemTable table, other; /* other: of a second head */
    Tensor u, bias, other_u, other_bias;
    Tensor target, some, weight, y; /* some: as target, -1 here and there */
    Exclusion exclusion;
    double slack; /* what scores may err by */
} ShardCase;

static Tensor as_u(Tensor t, bool half)
{
    if (!half) return put(t);
    const Tensor b = new_tensor(BF16, t.rank, t.dim);
    for (int64_t i = 0; i < tensor_count(t); i++) f32(t)[i] = bf16_rounded(f32(t)[i]);
    for (int64_t i = 0; i < tensor_count(t); i++)
        memcpy((char *)b.data + 2 * i, (const char *)(f32(t) + i) + 2, 2);
    return put(b);
}

/* Small whole numbers, so that scores are exact and many are equal. */
static void make_whole(HeadCase *c)
{
    for (int64_t i = 0; i < tensor_count(c->u); i++) f32(c->u)[i] = (float)(i * 7 % 3 - 1);
    for (int64_t i = 0; i < tensor_count(c->table.id); i++)
        f32(c->table.id)[i] = f32(c->table.id)[i] > 0 ? 1.0f : -1.0f;
    for (int64_t a = 0; c->bias.data && a < c->shape.items; a++)
        f32(c->bias)[a] = (float)(a * 5 % 4 - 2);
}

static ShardCase make_shards(HeadShape s, uint64_t seed, bool half, bool whole)
{
    HeadShape q = s;
    q.dim += 8;
    HeadCase c = make_head(s, seed), d = make_head(q, seed + 50);
    if (whole) make_whole(&c), make_whole(&d);
    if (whole && s.rows > 3) f32(c.u)[3 * s.dim] = NAN;
    if (whole && s.bias) f32(c.bias)[s.items / 2] = NAN, f32(c.bias)[1] = -INFINITY;
    const Tensor target = NEW(I32, s.rows), some = NEW(I32, s.rows);
    const Tensor weight = NORMAL(seed + 9, 1, s.rows);
    for (int64_t i = 0; i < s.rows; i++) {
        i32(target)[i] = (int32_t)(philox_u64(seed, 2, (uint64_t)i) % (uint64_t)s.items);
        i32(some)[i] = i % 5 == 4 ? -1 : i32(target)[i];
        if (i % 5 == 4) f32(weight)[i] = 0.0f;
    }
    const Excluded x = make_excluded(s.rows, s.items);
    return (ShardCase){.rows = s.rows,
                       .items = s.items,
                       .dim = s.dim,
                       .table = put_table(&c.table),
                       .other = put_table(&d.table),
                       .u = as_u(c.u, half),
                       .bias = put(c.bias),
                       .other_u = as_u(d.u, half),
                       .other_bias = put(d.bias),
                       .target = put(target),
                       .some = put(some),
                       .weight = put(weight),
                       .y = put(NORMAL(seed + 8, 1, s.rows)),
                       .exclusion = exclusion_of((Excluded){put(x.offset), put(x.item)}),
                       .slack = 64.0 * (double)(s.dim + 24) * ULP};
}

/* On the CPU several groups of tiles, few items, several blocks of rows. On CUDA, which may be slow
 * to emulate, ragged tiles of rows and items. */
static const HeadShape cpu_shapes[] = {
    {33, 1300, 16, true, true}, {9, 131, 24, false, false}, {300, 260, 8, true, true}};
static const HeadShape cuda_shapes[] = {
    {7, 600, 16, true, true}, {9, 131, 24, false, false}, {130, 100, 8, true, true}};
enum { SHARD_SHAPES = sizeof cpu_shapes / sizeof *cpu_shapes };

/* Run `check` on all shapes, in f32 and bf16; on the CPU cut in all ways. */
static void for_all_shards(void (*check)(const ShardCase *c, int shards), bool whole)
{
    static const int counts[] = {2, 3, SHARDS_MAX, 1};
    for (int n = 0; n < SHARD_SHAPES * 2; n++)
        for (int k = 0; k < 4; k++) {
            HeadShape s = (ON_CUDA(on) ? cuda_shapes : cpu_shapes)[n / 2];
            if (ON_CUDA(on) && k != n % 3) continue;
            if (whole) s.features = false;
            const ShardCase c = make_shards(s, 10 * (uint64_t)n + 1, n % 2, whole);
            check(&c, counts[k]);
            free_all();
        }
}

static CatalogueHead head_of(const ShardOf *s, Tensor u)
{
    return (CatalogueHead){u, &s->table, s->bias};
}

/* ---- Choices and counts ---------------------------------------------------------------------- */

static void check_best(const ShardCase *c, int shards)
{
    const Tensor part = MAKE(U8, shards, c->rows, (int64_t)sizeof(RowStats));
    const CatalogueStats want = {.max = MAKE(F32, c->rows), .argmax = MAKE(I32, c->rows)};
    const CatalogueStats have = {.max = MAKE(F32, c->rows), .argmax = MAKE(I32, c->rows)};
    for (int k = 0; k < shards; k++) {
        const ShardOf s = shard_of(&c->table, c->bias, k, shards);
        catalogue_stats_partial(on, part_at(part, k), c->u, &s.table, s.bias, 0.5f, STATS_BEST);
    }
    catalogue_stats(on, want, c->u, &c->table, c->bias, 0.5f);
    catalogue_merge_stats(on, have, part, 0.5f);
    assert_same_bits(get(have.max), get(want.max));
    assert_same_bits(get(have.argmax), get(want.argmax));
}

static void check_ranks(const ShardCase *c, int shards)
{
    const int64_t rows = c->rows;
    const Tensor items = MAKE(I32, shards, rows, BEST), scores = MAKE(F32, shards, rows, BEST);
    const Tensor found = MAKE(F32, shards, rows), score = MAKE(F32, rows);
    const Tensor aboves = MAKE(I32, shards, rows), equals = MAKE(I32, shards, rows);
    Tensor item[2], best[2], above[2], ties[2];
    for (int i = 0; i < 2; i++) {
        item[i] = MAKE(I32, rows, BEST), best[i] = MAKE(F32, rows, BEST);
        above[i] = MAKE(I32, rows), ties[i] = MAKE(I32, rows);
    }
    for (int k = 0; k < shards; k++) {
        const ShardOf s = shard_of(&c->table, c->bias, k, shards);
        catalogue_rank_best(on, part_at(items, k), part_at(scores, k), part_at(found, k), c->u,
                            &s.table, s.bias, c->target, c->exclusion);
    }
    catalogue_merge_top(on, item[0], best[0], items, scores);
    tree_sum(on, score, found);
    for (int k = 0; k < shards; k++) {
        const ShardOf s = shard_of(&c->table, c->bias, k, shards);
        catalogue_rank_counts(on, part_at(aboves, k), part_at(equals, k), score, c->u, &s.table,
                              s.bias, c->target, c->exclusion);
    }
    catalogue_merge_ranks(on, above[0], ties[0], aboves, equals, c->items);
    catalogue_rank(on, above[1], ties[1], item[1], best[1], c->u, &c->table, c->bias, c->target,
                   c->exclusion);
    assert_same_bits(get(item[0]), get(item[1]));
    assert_same_bits(get(best[0]), get(best[1]));
    assert_same_bits(get(above[0]), get(above[1]));
    assert_same_bits(get(ties[0]), get(ties[1]));
}

static void check_draws(const ShardCase *c, int shards)
{
    const SampleOptions o = {.seed = 5, .step = 6, .exclusion = c->exclusion, .temperature = 0.5f};
    const Tensor part = MAKE(U8, shards, c->rows, (int64_t)sizeof(RowDraw));
    const Tensor have = MAKE(I32, c->rows), want = MAKE(I32, c->rows);
    const Tensor logp = MAKE(F32, c->rows), want_logp = MAKE(F32, c->rows);
    for (int k = 0; k < shards; k++) {
        const ShardOf s = shard_of(&c->table, c->bias, k, shards);
        catalogue_sample_partial(on, part_at(part, k), c->u, &s.table, s.bias, o);
    }
    catalogue_merge_draws(on, have, logp, part, o.temperature);
    catalogue_sample(on, want, want_logp, c->u, &c->table, c->bias, o);
    assert_same_bits(get(have), get(want));
    const Tensor a = get(logp), b = get(want_logp);
    for (int64_t i = 0; i < c->rows; i++)
        if (!isnan(f32(b)[i])) assert_near(f32(a)[i], f32(b)[i], 2 * c->slack);
}

static void check_allowed(const ShardCase *c, int shards)
{
    const Tensor tops = MAKE(F32, shards, c->rows), top = MAKE(F32, c->rows);
    const Tensor part = MAKE(U8, shards, c->rows, (int64_t)sizeof(RowBest));
    const Tensor have = MAKE(I32, c->rows), want = MAKE(I32, c->rows);
    for (int k = 0; k < shards; k++) {
        const ShardOf z = shard_of(&c->table, c->bias, k, shards);
        catalogue_policy_tops(on, part_at(tops, k), head_of(&z, c->u));
    }
    catalogue_merge_max(on, top, tops);
    for (int k = 0; k < shards; k++) {
        const ShardOf z = shard_of(&c->table, c->bias, k, shards);
        const ShardOf q = shard_of(&c->other, c->other_bias, k, shards);
        catalogue_policy_allowed_partial(on, part_at(part, k), top, head_of(&z, c->u),
                                         head_of(&q, c->other_u), 0.3f);
    }
    catalogue_merge_best(on, have, part);
    catalogue_policy_allowed_best(on, want, (CatalogueHead){c->u, &c->table, c->bias},
                                  (CatalogueHead){c->other_u, &c->other, c->other_bias}, 0.3f);
    assert_same_bits(get(have), get(want));
}

/* The scores are whole numbers: so each has the same bits in a shard and in the whole table. */
static void choices_of_shards_are_those_of_the_whole_table(void **state)
{
    (void)state;
    for_all_shards(check_best, true);
    for_all_shards(check_ranks, true);
    for_all_shards(check_draws, true);
    for_all_shards(check_allowed, true);
}

/* ---- Sums ------------------------------------------------------------------------------------ */

static void assert_all_near(Tensor have, Tensor want, double absolute, double relative)
{
    const Tensor a = get(have), b = get(want);
    for (int64_t i = 0; i < tensor_count(a); i++)
        assert_near(f32(a)[i], f32(b)[i], absolute + relative * fabsf(f32(b)[i]));
}

static void check_sums(const ShardCase *c, int shards)
{
    const Tensor part = MAKE(U8, shards, c->rows, (int64_t)sizeof(RowStats));
    const Tensor two = MAKE(U8, shards, c->rows, (int64_t)sizeof(RowStats));
    const CatalogueStats want = {.logsumexp = MAKE(F32, c->rows),
                                 .expectation = MAKE(F32, c->rows)};
    const CatalogueStats have = {.logsumexp = MAKE(F32, c->rows),
                                 .expectation = MAKE(F32, c->rows)};
    const Tensor mean = MAKE(F32, c->rows), want_mean = MAKE(F32, c->rows);
    for (int k = 0; k < shards; k++) {
        const ShardOf z = shard_of(&c->table, c->bias, k, shards);
        const ShardOf q = shard_of(&c->other, c->other_bias, k, shards);
        catalogue_stats_partial(on, part_at(part, k), c->u, &z.table, z.bias, 0.5f,
                                STATS_EXPECTATION);
        catalogue_policy_expectation_partial(on, part_at(two, k), head_of(&z, c->u),
                                             head_of(&q, c->other_u), 0.6f);
    }
    catalogue_stats(on, want, c->u, &c->table, c->bias, 0.5f);
    catalogue_merge_stats(on, have, part, 0.5f);
    assert_all_near(have.logsumexp, want.logsumexp, c->slack, c->slack);
    assert_all_near(have.expectation, want.expectation, c->slack, c->slack);
    catalogue_merge_stats(on, (CatalogueStats){.expectation = mean}, two, 0.6f);
    catalogue_policy_expectation(on, want_mean, (CatalogueHead){c->u, &c->table, c->bias},
                                 (CatalogueHead){c->other_u, &c->other, c->other_bias}, 0.6f);
    assert_all_near(mean, want_mean, c->slack, c->slack);
    check_draws(c, shards);
}

/* Scores err by dim spacings of |u||E|, at most some 64 here; softmax passes that on as a
 * factor. */
static void sums_over_shards_are_those_of_the_whole_table(void **state)
{
    (void)state;
    for_all_shards(check_sums, false);
}

static void assert_near_l2(Tensor have, Tensor want, double bound)
{
    const Tensor a = get(have), b = get(want);
    double *exact = malloc((size_t)tensor_count(b) * sizeof *exact);
    to_double(exact, b);
    assert_near(relative_l2(f32(a), exact, tensor_count(a)), 0.0, bound);
    free(exact);
}

/* ---- Items and single scores ----------------------------------------------------------------- */

static void check_single(const ShardCase *c, int shards)
{
    const int64_t rows = c->rows, dim = c->dim;
    const Tensor e = MAKE(F32, shards, rows, dim), scores = MAKE(F32, shards, rows);
    const Tensor du = MAKE(F32, shards, rows, dim), did = MAKE(F32, c->items, dim);
    const Tensor dbias = MAKE(F32, c->items), wide = MAKE(F32, rows, dim);
    const Tensor have = MAKE(F32, rows, dim), want = MAKE(F32, rows, dim);
    const Tensor score = MAKE(F32, rows), want_score = MAKE(F32, rows);
    const Tensor want_did = MAKE(F32, c->items, dim), want_dbias = MAKE(F32, c->items);
    elementwise_copy(on, wide, c->u);
    for (int k = 0; k < shards; k++) {
        const ShardOf s = shard_of(&c->table, c->bias, k, shards);
        items_gather(on, part_at(e, k), &s.table, c->some);
        catalogue_score(on, part_at(scores, k), wide, &s.table, s.bias, c->some);
        catalogue_score_backward(on, part_at(du, k), tensor_rows(did, s.first, s.items),
                                 tensor_rows(dbias, s.first, s.items), c->y, wide, &s.table,
                                 c->some);
    }
    tree_sum(on, have, e);
    items_gather(on, want, &c->table, c->some);
    assert_all_near(have, want, 0.0, 0.0);
    tree_sum(on, score, scores);
    catalogue_score(on, want_score, wide, &c->table, c->bias, c->some);
    assert_all_near(score, want_score, 0.0, 0.0);
    tree_sum(on, have, du);
    catalogue_score_backward(on, want, want_did, want_dbias, c->y, wide, &c->table, c->some);
    assert_all_near(have, want, 0.0, 0.0);
    assert_near_l2(did, want_did, c->slack);
    assert_near_l2(dbias, want_dbias, c->slack);
}

static void single_items_belong_to_one_shard_each(void **state)
{
    (void)state;
    for_all_shards(check_single, false);
}

/* ---- Gradients ------------------------------------------------------------------------------- */

typedef struct {
    Tensor loss, shift, du, did, dbias;
} ShardGradients;

/* Of all items; loss, shift and du for so many shards. */
static ShardGradients new_gradients(const ShardCase *c, int shards)
{
    return (ShardGradients){MAKE(F32, shards, c->rows), MAKE(F32, shards, c->rows),
                            MAKE(F32, shards, c->rows, c->dim), MAKE(F32, c->items, c->dim),
                            MAKE(F32, c->items)};
}

/* In bf16 the gradient of a score is rounded, by up to 2^-9 of it, and may be rounded the other way
 * where it differs in a last place. */
static void assert_same_gradients(const ShardCase *c, const ShardGradients *have,
                                  const ShardGradients *want)
{
    const double bound = c->u.dtype == BF16 ? 0x1p-9 : c->slack;
    const Tensor loss = MAKE(F32, c->rows), shift = MAKE(F32, c->rows);
    const Tensor du = MAKE(F32, c->rows, c->dim);
    tree_sum(on, loss, have->loss);
    tree_sum(on, shift, have->shift);
    tree_sum(on, du, have->du);
    assert_near_l2(loss, part_at(want->loss, 0), bound);
    assert_near_l2(shift, part_at(want->shift, 0), bound);
    assert_near_l2(du, part_at(want->du, 0), bound);
    assert_near_l2(have->did, want->did, bound);
    assert_near_l2(have->dbias, want->dbias, bound);
}

static CatalogueStats merged_stats(const ShardCase *c, int shards)
{
    const Tensor part = MAKE(U8, shards, c->rows, (int64_t)sizeof(RowStats));
    const CatalogueStats stats = {.logsumexp = MAKE(F32, c->rows),
                                  .expectation = MAKE(F32, c->rows)};
    for (int k = 0; k < shards; k++) {
        const ShardOf s = shard_of(&c->table, c->bias, k, shards);
        catalogue_stats_partial(on, part_at(part, k), c->u, &s.table, s.bias, 1.0f,
                                STATS_EXPECTATION);
    }
    catalogue_merge_stats(on, stats, part, 1.0f);
    return stats;
}

/* Shares of the target take the place of `shift`. */
static void check_mixture(const ShardCase *c, int shards, Tensor other)
{
    const CatalogueStats stats = merged_stats(c, shards);
    const ShardGradients g = new_gradients(c, shards), want = new_gradients(c, 1);
    CatalogueMixture m = {.other = other, .other_target = other};
    for (int k = 0; k < shards; k++) {
        const ShardOf s = shard_of(&c->table, c->bias, k, shards);
        m.share = part_at(g.shift, k);
        catalogue_cross_entropy_given(on, part_at(g.loss, k), part_at(g.du, k),
                                      tensor_rows(g.did, s.first, s.items),
                                      tensor_rows(g.dbias, s.first, s.items), c->u, &s.table,
                                      s.bias, c->some, c->weight, stats.logsumexp, m);
    }
    m.share = part_at(want.shift, 0);
    catalogue_cross_entropy_with(on, part_at(want.loss, 0), part_at(want.du, 0), want.did,
                                 want.dbias, c->u, &c->table, c->bias, c->some, c->weight, m);
    assert_same_gradients(c, &g, &want);
}

static void check_cross_entropy(const ShardCase *c, int shards)
{
    check_mixture(c, shards, (Tensor){0});
    check_mixture(c, shards, c->y);
}

/* Every shard has the whole loss: the first one's is taken. */
static void check_entropy(const ShardCase *c, int shards)
{
    const CatalogueStats stats = merged_stats(c, shards);
    const ShardGradients g = new_gradients(c, shards), want = new_gradients(c, 1);
    for (int k = 0; k < shards; k++) {
        const ShardOf s = shard_of(&c->table, c->bias, k, shards);
        catalogue_entropy_given(on, part_at(k ? g.shift : g.loss, k), part_at(g.du, k),
                                tensor_rows(g.did, s.first, s.items),
                                tensor_rows(g.dbias, s.first, s.items), c->u, &s.table, s.bias,
                                c->weight, stats.logsumexp, stats.expectation);
        if (k) assert_same_bits(get(part_at(g.shift, k)), get(part_at(g.loss, 0)));
    }
    catalogue_entropy(on, part_at(want.loss, 0), part_at(want.du, 0), want.did, want.dbias, c->u,
                      &c->table, c->bias, c->weight);
    const ShardGradients first = {g.loss, want.shift, g.du, g.did, g.dbias};
    assert_same_gradients(c, &first, &want);
}

static void check_regression(const ShardCase *c, int shards)
{
    const ShardGradients g = new_gradients(c, shards), want = new_gradients(c, 1);
    const Tensor means = MAKE(F32, shards, c->rows), mean = MAKE(F32, c->rows);
    const Tensor want_mean = MAKE(F32, c->rows);
    for (int k = 0; k < shards; k++) {
        const ShardOf s = shard_of(&c->table, c->bias, k, shards);
        const RegressionOut out = {part_at(g.loss, k), part_at(g.shift, k), part_at(g.du, k),
                                   tensor_rows(g.did, s.first, s.items),
                                   tensor_rows(g.dbias, s.first, s.items)};
        catalogue_regression(on, out, c->u, &s.table, s.bias, c->some, c->y, c->weight);
        catalogue_regression_mean(on, part_at(means, k), c->u, &s.table, s.bias);
    }
    const RegressionOut out = {part_at(want.loss, 0), part_at(want.shift, 0), part_at(want.du, 0),
                               want.did, want.dbias};
    catalogue_regression(on, out, c->u, &c->table, c->bias, c->some, c->y, c->weight);
    assert_same_gradients(c, &g, &want);
    catalogue_regression_mean(on, want_mean, c->u, &c->table, c->bias);
    tree_sum(on, mean, means);
    assert_near_l2(mean, want_mean, c->slack);
}

static void gradients_of_shards_add_up(void **state)
{
    (void)state;
    for_all_shards(check_cross_entropy, false);
    for_all_shards(check_entropy, false);
    for_all_shards(check_regression, false);
}

static const struct CMUnitTest shard_tests[] = {
    cmocka_unit_test(choices_of_shards_are_those_of_the_whole_table),
    cmocka_unit_test(sums_over_shards_are_those_of_the_whole_table),
    cmocka_unit_test(single_items_belong_to_one_shard_each),
    cmocka_unit_test(gradients_of_shards_add_up),
};

#endif
