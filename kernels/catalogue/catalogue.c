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
#include "gemm.h"

/* ---- Statistics of rows, by group of tiles ----------------------------------------------------
 */

typedef struct {
    float max;
    double sum, weighted; /* sum exp((z - max)/T), sum exp((z - max)/T) z */
} RowStats;

static void add_tile(RowStats *s, int32_t *argmax, const float *z, int64_t first, int64_t width,
                     float scale, bool expectation)
{
    const float max = tiles_row_max(z, width);
    if (max > s->max) {
        const double shrink = exp((double)(s->max - max) * scale);
        s->sum *= shrink;
        s->weighted *= shrink;
        s->max = max;
        int64_t j = 0;
        while (z[j] != max) j++;
        *argmax = (int32_t)(first + j);
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

/* Statistics of a block: stats [groups, block], argmax likewise. */
static void block_stats(const Tiles *t, RowStats *stats, int32_t *argmax, const float *u,
                        int64_t rows, float scale, bool expectation)
{
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int64_t g = 0; g < t->groups; g++) {
        RowStats *s = stats + g * t->block;
        int32_t *a = argmax + g * t->block;
        for (int64_t i = 0; i < rows; i++) {
            s[i] = (RowStats){.max = -FLT_MAX};
            a[i] = (int32_t)tiles_first(t, tiles_group_begin(t, g));
        }
        for (int64_t tile = tiles_group_begin(t, g); tile < tiles_group_begin(t, g + 1); tile++) {
            const float *z = tiles_scores(t, tile, u, rows, 1);
            for (int64_t i = 0; i < rows; i++)
                add_tile(&s[i], &a[i], z + i * TILE, tiles_first(t, tile), tiles_width(t, tile),
                         scale, expectation);
        }
    }
}

/* Combine the groups of row i, in order. */
static RowStats merge(const Tiles *t, const RowStats *stats, const int32_t *argmax, int64_t i,
                      float scale, int32_t *best)
{
    RowStats all = {.max = -FLT_MAX};
    *best = argmax[i];
    for (int64_t g = 0; g < t->groups; g++) {
        const RowStats *s = &stats[g * t->block + i];
        if (s->max > all.max) {
            all.max = s->max;
            *best = argmax[g * t->block + i];
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

void catalogue_stats(Device *dev, CatalogueStats out, Tensor u, const ItemTable *table, Tensor bias,
                     float temperature)
{
    const int64_t rows = u.dim[0], dim = u.dim[1];
    EXPECT(u, activation_dtype(u), rows, table->id.dim[1]);
    REQUIRE(temperature > 0.0f, "temperature is %g, want > 0", (double)temperature);
    if (rows == 0) return;
    if (ON_CUDA(dev)) {
        catalogue_stats_cuda(dev, catalogue_choice_cuda(dev, u), out, u, table, bias, temperature);
        return;
    }
    if (!out.logsumexp.data && !out.expectation.data) {
        catalogue_best(dev, out.max, out.argmax, u, table, bias);
        return;
    }
    const float scale = 1.0f / temperature;
    const size_t mark = scratch_mark(dev);
    const Tiles t = tiles_plan(dev, table, bias, rows, u.dtype);
    const Tensor queries = bf16_widen(dev, u);
    RowStats *stats = SCRATCH(dev, U8, t.groups, t.block, (int64_t)sizeof(RowStats)).data;
    int32_t *argmax = i32(SCRATCH(dev, I32, t.groups, t.block));

    for (int64_t first = 0; first < rows; first += t.block) {
        const int64_t count = rows - first < t.block ? rows - first : t.block;
        block_stats(&t, stats, argmax, f32(queries) + first * dim, count, scale,
                    out.expectation.data);
        for (int64_t i = 0; i < count; i++) {
            int32_t best;
            const RowStats s = merge(&t, stats, argmax, i, scale, &best);
            if (out.max.data) f32(out.max)[first + i] = s.max;
            if (out.argmax.data) i32(out.argmax)[first + i] = best;
            if (out.logsumexp.data)
                f32(out.logsumexp)[first + i] = (float)((double)s.max * scale + log(s.sum));
            if (out.expectation.data) f32(out.expectation)[first + i] = (float)(s.weighted / s.sum);
        }
    }
    scratch_release(dev, mark);
}

/* ---- Cross-entropy -----------------------------------------------------------------------------
 */

typedef struct {
    float *loss, *du, *did, *dbias; /* the last two may be NULL */
    const float *u, *weight, *logsumexp;
    const int32_t *target;
    int64_t rows;
} Block;

/* Scores of a tile become their gradient, in place; the tile with a row's target gives its loss. */
static void tile_gradient(const Block *b, float *z, int64_t first, int64_t width)
{
    for (int64_t i = 0; i < b->rows; i++) {
        float *restrict row = z + i * TILE;
        const int64_t hit = b->target[i] - first;
        const float weight = b->weight[i], logsumexp = b->logsumexp[i];
        const float target_score = hit >= 0 && hit < width ? row[hit] : 0.0f;
#pragma omp simd
        for (int64_t j = 0; j < width; j++) row[j] = weight * vec_expf(row[j] - logsumexp);
        if (hit < 0 || hit >= width) continue;
        b->loss[i] = weight * (logsumexp - target_score);
        row[hit] -= weight;
    }
}

static void group_backward(const Tiles *t, const Block *b, int64_t group, float *du)
{
    for (int64_t tile = tiles_group_begin(t, group); tile < tiles_group_begin(t, group + 1);
         tile++) {
        float *g = tiles_scores(t, tile, b->u, b->rows, 2);
        tile_gradient(b, g, tiles_first(t, tile), tiles_width(t, tile));
        tiles_backward(t, group, tile, g, b->u, b->rows, du, b->did, b->dbias);
    }
}

static void block_cross_entropy(const Tiles *t, const Block *b, RowStats *stats, int32_t *argmax,
                                float *logsumexp, float *partial)
{
    block_stats(t, stats, argmax, b->u, b->rows, 1.0f, false);
    for (int64_t i = 0; i < b->rows; i++) {
        int32_t best;
        const RowStats s = merge(t, stats, argmax, i, 1.0f, &best);
        logsumexp[i] = (float)((double)s.max + log(s.sum));
    }
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int64_t g = 0; g < t->groups; g++)
        group_backward(t, b, g, partial + g * t->block * t->dim);
    tiles_add_groups(t, b->du, partial, b->rows);
}

/* Rows with a target, dense: what the blocks run over. */
typedef struct {
    int64_t count;
    int32_t *row;
    Tensor loss, du, u, target, weight;
} Active;

static Active gather_active(Device *dev, Tensor u, Tensor target, Tensor weight)
{
    const int64_t rows = u.dim[0], dim = u.dim[1];
    Active a = {.row = i32(SCRATCH(dev, I32, rows))};
    for (int64_t i = 0; i < rows; i++)
        if (i32(target)[i] >= 0) a.row[a.count++] = (int32_t)i;
    a.u = SCRATCH(dev, F32, a.count, dim);
    a.du = SCRATCH(dev, F32, a.count, dim);
    a.loss = SCRATCH(dev, F32, a.count);
    a.target = SCRATCH(dev, I32, a.count);
    a.weight = SCRATCH(dev, F32, a.count);
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < a.count; i++) {
        memcpy(f32(a.u) + i * dim, f32(u) + a.row[i] * dim, (size_t)dim * sizeof(float));
        i32(a.target)[i] = i32(target)[a.row[i]];
        f32(a.weight)[i] = f32(weight)[a.row[i]];
    }
    return a;
}

static void scatter_active(Device *dev, const Active *a, Tensor loss, Tensor du)
{
    const int64_t dim = du.dim[1];
    memset(loss.data, 0, tensor_bytes(loss));
    memset(du.data, 0, tensor_bytes(du));
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < a->count; i++) {
        f32(loss)[a->row[i]] = f32(a->loss)[i];
        memcpy(f32(du) + a->row[i] * dim, f32(a->du) + i * dim, (size_t)dim * sizeof(float));
    }
}

static void cross_entropy_active(Device *dev, const Active *a, Tensor did, Tensor dbias,
                                 const ItemTable *table, Tensor bias, Dtype queries)
{
    const int64_t dim = a->u.dim[1];
    const Tiles t = tiles_plan(dev, table, bias, a->count, queries);
    RowStats *stats = SCRATCH(dev, U8, t.groups, t.block, (int64_t)sizeof(RowStats)).data;
    int32_t *argmax = i32(SCRATCH(dev, I32, t.groups, t.block));
    float *logsumexp = f32(SCRATCH(dev, F32, t.block));
    float *partial = f32(SCRATCH(dev, F32, t.groups, t.block, dim));

    for (int64_t first = 0; first < a->count; first += t.block) {
        const Block b = {
            .loss = f32(a->loss) + first,
            .du = f32(a->du) + first * dim,
            .did = f32(did),
            .dbias = bias.data ? f32(dbias) : NULL,
            .u = f32(a->u) + first * dim,
            .weight = f32(a->weight) + first,
            .logsumexp = logsumexp,
            .target = i32(a->target) + first,
            .rows = a->count - first < t.block ? a->count - first : t.block,
        };
        block_cross_entropy(&t, &b, stats, argmax, logsumexp, partial);
    }
}

void catalogue_cross_entropy(Device *dev, Tensor loss, Tensor du, Tensor did, Tensor dbias,
                             Tensor u, const ItemTable *table, Tensor bias, Tensor target,
                             Tensor weight)
{
    const int64_t rows = u.dim[0], items = table->id.dim[0], dim = table->id.dim[1];
    EXPECT(u, activation_dtype(u), rows, dim);
    EXPECT(du, u.dtype, rows, dim);
    if (did.data) EXPECT(did, F32, items, dim);
    EXPECT(loss, F32, rows);
    EXPECT(target, I32, rows);
    EXPECT(weight, F32, rows);
    if (bias.data) EXPECT(dbias, F32, items);
    if (ON_CUDA(dev)) {
        catalogue_cross_entropy_cuda(dev, catalogue_choice_cuda(dev, u), loss, du, did, dbias, u,
                                     table, bias, target, weight);
        return;
    }
    const size_t mark = scratch_mark(dev);
    const Tensor to = bf16_wide_like(dev, du);
    const Active a = gather_active(dev, bf16_widen(dev, u), target, weight);
    if (a.count > 0) cross_entropy_active(dev, &a, did, dbias, table, bias, u.dtype);
    scatter_active(dev, &a, loss, to);
    bf16_round_into(dev, du, to);
    scratch_release(dev, mark);
}

/* ---- Single scores ------------------------------------------------------------------------------
 */

/* E[ids], with row 0 standing in for absent ids (their results are masked). */
static Tensor gather_present(Device *dev, const ItemTable *table, Tensor ids)
{
    const int64_t rows = ids.dim[0];
    Tensor present = SCRATCH(dev, I32, rows), e = SCRATCH(dev, F32, rows, table->id.dim[1]);
    for (int64_t i = 0; i < rows; i++) i32(present)[i] = i32(ids)[i] < 0 ? 0 : i32(ids)[i];
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
    if (ON_CUDA(dev)) {
        catalogue_score_cuda(dev, score, u, table, bias, ids);
        return;
    }
    const size_t mark = scratch_mark(dev);
    elementwise_row_dot(dev, score, bf16_widen(dev, u), gather_present(dev, table, ids));
    for (int64_t i = 0; i < rows; i++) {
        if (i32(ids)[i] < 0)
            f32(score)[i] = 0.0f;
        else if (bias.data)
            f32(score)[i] += f32(bias)[i32(ids)[i]];
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
    if (ON_CUDA(dev)) {
        catalogue_score_backward_cuda(dev, du, did, dbias, g, u, table, ids);
        return;
    }
    const size_t mark = scratch_mark(dev);
    Tensor present = SCRATCH(dev, F32, rows), scaled = SCRATCH(dev, u.dtype, rows, dim);
    const Tensor to = bf16_wide_like(dev, du);
    for (int64_t i = 0; i < rows; i++) f32(present)[i] = i32(ids)[i] < 0 ? 0.0f : f32(g)[i];
    elementwise_row_scale(dev, to, gather_present(dev, table, ids), present);
    bf16_round_into(dev, du, to);
    elementwise_row_scale(dev, scaled, u, present);
    items_gather_backward(dev, did, scaled, ids);
    if (dbias.data)
        for (int64_t i = 0; i < rows; i++)
            if (i32(ids)[i] >= 0) f32(dbias)[i32(ids)[i]] += f32(g)[i];
    scratch_release(dev, mark);
}
