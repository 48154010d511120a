/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue head; on the CPU: cross-entropy, statistics, single scores. */
#include "catalogue/catalogue.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/bf16.h"
#include "base/vecmath.h"
#include "catalogue/best.h"
#include "catalogue/tiles.h"
#include "elementwise.h"
#include "embedding.h"

/* ---- Statistics of rows, by group of tiles --------------------------------------------------- */

/* item: the id of the tile's first. */
static void add_tile(RowStats *s, const float *z, int64_t item, int64_t width, float scale,
                     bool expectation)
{
    const float max = tiles_row_max(z, width);
    if (max > s->max) {
        const double shrink = exp((double)(s->max - max) * scale);
        s->sum *= shrink;
        s->weighted *= shrink;
        s->max = max;
        int64_t j = 0;
        while (z[j] != max) j++;
        s->argmax = (int32_t)(item + j);
    }
    float sum = 0.0f, weighted = 0.0f;
    const float top = s->max;
    if (expectation) {
#pragma omp simd reduction(+ : sum, weighted)
        for (int64_t j = 0; j < width; j++) {
            const float e = vec_expf((z[j] - top) * scale);
            sum += e;
            weighted += e * z[j];
        }
    } else {
#pragma omp simd reduction(+ : sum)
        for (int64_t j = 0; j < width; j++) sum += vec_expf((z[j] - top) * scale);
    }
    s->sum += sum;
    s->weighted += weighted;
}

/* Statistics of a block: stats [groups, block]. */
static void block_stats(const Tiles *t, RowStats *stats, const float *u, int64_t rows, float scale,
                        bool expectation)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int64_t g = 0; g < t->groups; g++) {
        RowStats *s = stats + g * t->block;
        const int64_t first = tiles_item(t, tiles_group_begin(t, g));
        for (int64_t i = 0; i < rows; i++)
            s[i] = (RowStats){.max = -FLT_MAX, .argmax = (int32_t)first};
        for (int64_t tile = tiles_group_begin(t, g); tile < tiles_group_begin(t, g + 1); tile++) {
            const float *z = tiles_scores(t, tile, u, rows, 1);
            for (int64_t i = 0; i < rows; i++)
                add_tile(&s[i], z + i * TILE, tiles_item(t, tile), tiles_width(t, tile), scale,
                         expectation);
        }
    }
}

/* The groups of row i, in order. */
static RowStats merge_groups(const Tiles *t, const RowStats *stats, int64_t i, float scale)
{
    RowStats all = {.max = -FLT_MAX, .argmax = stats[i].argmax};
    for (int64_t g = 0; g < t->groups; g++) {
        const RowStats *s = &stats[g * t->block + i];
        if (s->max > all.max) {
            all.max = s->max;
            all.argmax = s->argmax;
        }
    }
    for (int64_t g = 0; g < t->groups; g++) {
        const RowStats *s = &stats[g * t->block + i];
        const double shrink = exp((double)(s->max - all.max) * scale);
        all.sum += s->sum * shrink;
        all.weighted += s->weighted * shrink;
    }
    return all;
}

static void run_stats(Device *dev, RowStats *to, Tensor u, const ItemTable *table, Tensor bias,
                      float scale, bool expectation)
{
    const int64_t rows = u.dim[0], dim = u.dim[1];
    const Tiles t = tiles_plan(dev, table, bias, rows, u.dtype);
    const Tensor queries = bf16_widen(dev, u);
    RowStats *stats = SCRATCH(dev, U8, t.groups, t.block, (int64_t)sizeof(RowStats)).data;
    if (!device_runs(dev)) return;
    for (int64_t first = 0; first < rows; first += t.block) {
        const int64_t count = rows - first < t.block ? rows - first : t.block;
        block_stats(&t, stats, f32(queries) + first * dim, count, scale, expectation);
        for (int64_t i = 0; i < count; i++) to[first + i] = merge_groups(&t, stats, i, scale);
    }
}

void catalogue_stats_partial(Device *dev, Tensor part, Tensor u, const ItemTable *table,
                             Tensor bias, float temperature, StatsWanted wanted)
{
    const int64_t rows = u.dim[0];
    EXPECT(u, activation_dtype(u), rows, table->id.dim[1]);
    EXPECT(part, U8, rows, (int64_t)sizeof(RowStats));
    REQUIRE(temperature > 0.0f, "temperature is %g, want > 0", (double)temperature);
    if (rows == 0) return;
    const size_t mark = scratch_mark(dev);
    if (ON_CUDA(dev))
        catalogue_stats_cuda(dev, catalogue_choice_cuda(dev, u), part, u, table, bias, temperature,
                             wanted);
    else if (wanted == STATS_BEST)
        catalogue_best(dev, part, u, table, bias);
    else
        run_stats(dev, part.data, u, table, bias, 1.0f / temperature, wanted == STATS_EXPECTATION);
    scratch_release(dev, mark);
}

void catalogue_stats(Device *dev, CatalogueStats out, Tensor u, const ItemTable *table, Tensor bias,
                     float temperature)
{
    const int64_t rows = u.dim[0], size = sizeof(RowStats);
    const size_t mark = scratch_mark(dev);
    const Tensor part = SCRATCH(dev, U8, 1, rows, size);
    ITEMS_REQUIRE_ALL(table);
    catalogue_stats_partial(dev, TENSOR(part.data, U8, rows, size), u, table, bias, temperature,
                            catalogue_merge_wanted(&out));
    catalogue_merge_stats(dev, out, part, temperature);
    scratch_release(dev, mark);
}

/* ---- Cross-entropy --------------------------------------------------------------------------- */

typedef struct {
    float *loss, *share, *du, *did, *dbias; /* did and dbias may be NULL */
    const float *u, *weight, *logsumexp, *other_target;
    const int32_t *target;
    int64_t rows;
    int pass; /* over the scores: tiles_scores */
} Block;

/* log(exp a + exp b), and a to the bit where b is -inf. */
static float log_add(double a, double b)
{
    const double high = a < b ? b : a, low = a < b ? a : b;
    return (float)(low == -INFINITY ? high : high + log1p(exp(low - high)));
}

/* Scores of a tile become their gradient, in place; the tile with a row's target gives its loss and
 * share. item: the id of the tile's first. */
static void tile_gradient(const Block *b, float *z, int64_t item, int64_t width)
{
    for (int64_t i = 0; i < b->rows; i++) {
        float *restrict row = z + i * TILE;
        const int64_t hit = b->target[i] - item;
        const float weight = b->weight[i], logsumexp = b->logsumexp[i];
        const float target_score = hit >= 0 && hit < width ? row[hit] : 0.0f;
#pragma omp simd
        for (int64_t j = 0; j < width; j++) row[j] = weight * vec_expf(row[j] - logsumexp);
        if (hit < 0 || hit >= width) continue;
        b->loss[i] = weight * (logsumexp - log_add(target_score, b->other_target[i]));
        b->share[i] = (float)(1.0 / (1.0 + exp((double)b->other_target[i] - target_score)));
        row[hit] -= weight * b->share[i];
    }
}

static void group_backward(const Tiles *t, const Block *b, int64_t group, float *du)
{
    for (int64_t tile = tiles_group_begin(t, group); tile < tiles_group_begin(t, group + 1);
         tile++) {
        float *g = tiles_scores(t, tile, b->u, b->rows, b->pass);
        tile_gradient(b, g, tiles_item(t, tile), tiles_width(t, tile));
        tiles_backward(t, group, tile, g, b->u, b->rows, du, b->did, b->dbias);
    }
}

static void block_gradient(const Tiles *t, const Block *b, float *partial)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int64_t g = 0; g < t->groups; g++)
        group_backward(t, b, g, partial + g * t->block * t->dim);
    tiles_add_groups(t, b->du, partial, b->rows);
}

/* The rows with a target, without gaps between them. The blocks run over these. The tensors have
 * space for all rows, so that the bytes of scratch do not depend on the targets. */
typedef struct {
    int64_t count;
    int32_t *row;
    Tensor loss, share, du, u, target, weight;
    Tensor logsumexp, other, other_target; /* the last two are -inf where there is no mixture */
    bool given;                            /* log Z, in logsumexp */
} Active;

static Active new_active(Device *dev, int64_t rows, int64_t dim)
{
    return (Active){.row = i32(SCRATCH(dev, I32, rows)),
                    .loss = SCRATCH(dev, F32, rows),
                    .share = SCRATCH(dev, F32, rows),
                    .du = SCRATCH(dev, F32, rows, dim),
                    .u = SCRATCH(dev, F32, rows, dim),
                    .target = SCRATCH(dev, I32, rows),
                    .weight = SCRATCH(dev, F32, rows),
                    .logsumexp = SCRATCH(dev, F32, rows),
                    .other = SCRATCH(dev, F32, rows),
                    .other_target = SCRATCH(dev, F32, rows)};
}

/* No row where the device does not run. */
static Active gather_active(Device *dev, Tensor u, Tensor target, Tensor weight, Tensor log_z,
                            const CatalogueMixture *mixture)
{
    const int64_t rows = u.dim[0], dim = u.dim[1];
    Active a = new_active(dev, rows, dim);
    a.given = log_z.data;
    if (!device_runs(dev)) return a;
    for (int64_t i = 0; i < rows; i++)
        if (i32(target)[i] >= 0) a.row[a.count++] = (int32_t)i;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < a.count; i++) {
        const int64_t row = a.row[i];
        memcpy(f32(a.u) + i * dim, f32(u) + row * dim, (size_t)dim * sizeof(float));
        i32(a.target)[i] = i32(target)[row];
        f32(a.weight)[i] = f32(weight)[row];
        f32(a.loss)[i] = f32(a.share)[i] = 0.0f; /* the target may be on another shard */
        if (a.given) f32(a.logsumexp)[i] = f32(log_z)[row];
        f32(a.other)[i] = mixture->other.data ? f32(mixture->other)[row] : -INFINITY;
        f32(a.other_target)[i] = mixture->other.data ? f32(mixture->other_target)[row] : -INFINITY;
    }
    return a;
}

/* to[row of i] = from[i], 0 in rows without a target; `to` is optional. */
static void scatter_numbers(const Active *a, Tensor to, Tensor from)
{
    if (!to.data) return;
    memset(to.data, 0, tensor_bytes(to));
    for (int64_t i = 0; i < a->count; i++) f32(to)[a->row[i]] = f32(from)[i];
}

static void scatter_active(Device *dev, const Active *a, Tensor loss, Tensor du,
                           const CatalogueMixture *mixture)
{
    const int64_t dim = du.dim[1];
    scatter_numbers(a, loss, a->loss);
    scatter_numbers(a, mixture->logsumexp, a->logsumexp);
    scatter_numbers(a, mixture->share, a->share);
    memset(du.data, 0, tensor_bytes(du));
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < a->count; i++)
        memcpy(f32(du) + a->row[i] * dim, f32(a->du) + i * dim, (size_t)dim * sizeof(float));
}

/* Where log Z is not given, a block's scores are kept from the statistics to the gradient. */
static void cross_entropy_active(Device *dev, const Active *a, Tensor did, Tensor dbias,
                                 const ItemTable *table, Tensor bias, Dtype queries)
{
    const int64_t dim = a->u.dim[1];
    const Tiles t = tiles_plan(dev, table, bias, a->u.dim[0], queries);
    RowStats *stats = SCRATCH(dev, U8, t.groups, t.block, (int64_t)sizeof(RowStats)).data;
    float *partial = f32(SCRATCH(dev, F32, t.groups, t.block, dim));
    if (!device_runs(dev)) return;

    for (int64_t first = 0; first < a->count; first += t.block) {
        float *logsumexp = f32(a->logsumexp) + first;
        const Block b = {
            .loss = f32(a->loss) + first,
            .share = f32(a->share) + first,
            .du = f32(a->du) + first * dim,
            .did = f32(did),
            .dbias = bias.data ? f32(dbias) : NULL,
            .u = f32(a->u) + first * dim,
            .weight = f32(a->weight) + first,
            .logsumexp = logsumexp,
            .other_target = f32(a->other_target) + first,
            .target = i32(a->target) + first,
            .rows = a->count - first < t.block ? a->count - first : t.block,
            .pass = a->given ? 1 : 2,
        };
        if (!a->given) {
            block_stats(&t, stats, b.u, b.rows, 1.0f, false);
            for (int64_t i = 0; i < b.rows; i++)
                logsumexp[i] = catalogue_merge_logsumexp(merge_groups(&t, stats, i, 1.0f), 1.0f);
        }
        for (int64_t i = 0; i < b.rows; i++)
            logsumexp[i] = log_add(logsumexp[i], f32(a->other)[first + i]);
        block_gradient(&t, &b, partial);
    }
}

static void expect_mixture(const CatalogueMixture *m, int64_t rows)
{
    if (m->other.data || m->other_target.data) {
        EXPECT(m->other, F32, rows);
        EXPECT(m->other_target, F32, rows);
    }
    if (m->logsumexp.data) EXPECT(m->logsumexp, F32, rows);
    if (m->share.data) EXPECT(m->share, F32, rows);
}

/* Without log_z, this computes it from the table, which must be whole. */
static void cross_entropy(Device *dev, Tensor loss, Tensor du, Tensor did, Tensor dbias, Tensor u,
                          const ItemTable *table, Tensor bias, Tensor target, Tensor weight,
                          Tensor log_z, CatalogueMixture mixture)
{
    const int64_t rows = u.dim[0], items = table->id.dim[0], dim = table->id.dim[1];
    EXPECT(u, activation_dtype(u), rows, dim);
    EXPECT(du, du.dtype == F32 ? F32 : u.dtype, rows, dim);
    if (did.data) EXPECT(did, F32, items, dim);
    EXPECT(loss, F32, rows);
    EXPECT(target, I32, rows);
    EXPECT(weight, F32, rows);
    if (bias.data) EXPECT(dbias, F32, items);
    expect_mixture(&mixture, rows);
    if (ON_CUDA(dev)) {
        catalogue_cross_entropy_cuda(dev, catalogue_choice_cuda(dev, u), loss, du, did, dbias, u,
                                     table, bias, target, weight, log_z, mixture);
        return;
    }
    const size_t mark = scratch_mark(dev);
    const Tensor to = bf16_wide_like(dev, du);
    const Active a = gather_active(dev, bf16_widen(dev, u), target, weight, log_z, &mixture);
    if (rows > 0) cross_entropy_active(dev, &a, did, dbias, table, bias, u.dtype);
    if (!scratch_ready(dev, mark)) return;
    scatter_active(dev, &a, loss, to, &mixture);
    bf16_round_into(dev, du, to);
    scratch_release(dev, mark);
}

void catalogue_cross_entropy_with(Device *dev, Tensor loss, Tensor du, Tensor did, Tensor dbias,
                                  Tensor u, const ItemTable *table, Tensor bias, Tensor target,
                                  Tensor weight, CatalogueMixture mixture)
{
    ITEMS_REQUIRE_ALL(table);
    cross_entropy(dev, loss, du, did, dbias, u, table, bias, target, weight, (Tensor){0}, mixture);
}

void catalogue_cross_entropy(Device *dev, Tensor loss, Tensor du, Tensor did, Tensor dbias,
                             Tensor u, const ItemTable *table, Tensor bias, Tensor target,
                             Tensor weight)
{
    catalogue_cross_entropy_with(dev, loss, du, did, dbias, u, table, bias, target, weight,
                                 (CatalogueMixture){0});
}

void catalogue_cross_entropy_given(Device *dev, Tensor loss, Tensor du, Tensor did, Tensor dbias,
                                   Tensor u, const ItemTable *table, Tensor bias, Tensor target,
                                   Tensor weight, Tensor log_z, CatalogueMixture mixture)
{
    EXPECT(log_z, F32, u.dim[0]);
    cross_entropy(dev, loss, du, did, dbias, u, table, bias, target, weight, log_z, mixture);
}

/* ---- Single scores --------------------------------------------------------------------------- */

/* The vectors of the table's rows, with row 0 standing in for absent ones: their results are
 * masked. */
static Tensor gather_present(Device *dev, const ItemTable *table, Tensor row)
{
    const int64_t rows = row.dim[0];
    Tensor present = SCRATCH(dev, I32, rows), e = SCRATCH(dev, F32, rows, table->id.dim[1]);
    for (int64_t i = 0; device_runs(dev) && i < rows; i++)
        i32(present)[i] = (int32_t)table->first + (i32(row)[i] < 0 ? 0 : i32(row)[i]);
    items_gather(dev, e, table, present);
    return e;
}

void catalogue_score(Device *dev, Tensor score, Tensor u, const ItemTable *table, Tensor bias,
                     Tensor ids)
{
    const int64_t rows = u.dim[0];
    EXPECT(u, activation_dtype(u), rows, table->id.dim[1]);
    EXPECT(ids, I32, rows);
    EXPECT(score, F32, rows);
    const size_t mark = scratch_mark(dev);
    const Tensor row = items_rows(dev, table, ids);
    if (ON_CUDA(dev)) {
        catalogue_score_cuda(dev, score, u, table, bias, row);
    } else {
        elementwise_row_dot(dev, score, bf16_widen(dev, u), gather_present(dev, table, row));
        for (int64_t i = 0; device_runs(dev) && i < rows; i++) {
            if (i32(row)[i] < 0)
                f32(score)[i] = 0.0f;
            else if (bias.data)
                f32(score)[i] += f32(bias)[i32(row)[i]];
        }
    }
    scratch_release(dev, mark);
}

void catalogue_score_backward(Device *dev, Tensor du, Tensor did, Tensor dbias, Tensor g, Tensor u,
                              const ItemTable *table, Tensor ids)
{
    const int64_t rows = u.dim[0], dim = u.dim[1];
    EXPECT(u, activation_dtype(u), rows, table->id.dim[1]);
    EXPECT(du, u.dtype, rows, dim);
    EXPECT(ids, I32, rows);
    EXPECT(g, F32, rows);
    const size_t mark = scratch_mark(dev);
    const Tensor row = items_rows(dev, table, ids);
    if (ON_CUDA(dev)) {
        catalogue_score_backward_cuda(dev, du, did, dbias, g, u, table, row);
        scratch_release(dev, mark);
        return;
    }
    Tensor present = SCRATCH(dev, F32, rows), scaled = SCRATCH(dev, u.dtype, rows, dim);
    const Tensor to = bf16_wide_like(dev, du);
    for (int64_t i = 0; device_runs(dev) && i < rows; i++)
        f32(present)[i] = i32(row)[i] < 0 ? 0.0f : f32(g)[i];
    elementwise_row_scale(dev, to, gather_present(dev, table, row), present);
    bf16_round_into(dev, du, to);
    elementwise_row_scale(dev, scaled, u, present);
    embedding_backward(dev, did, scaled, row);
    if (dbias.data)
        for (int64_t i = 0; device_runs(dev) && i < rows; i++)
            if (i32(row)[i] >= 0) f32(dbias)[i32(row)[i]] += f32(g)[i];
    scratch_release(dev, mark);
}
