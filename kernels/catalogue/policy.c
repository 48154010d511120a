/* SPDX-License-Identifier: Apache-2.0 */
/* Two heads over one catalogue, on the CPU: both walk the same tiles and groups. */
#include "catalogue/policy.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>

#include "base/bf16.h"
#include "base/vecmath.h"
#include "catalogue/merge.h"
#include "catalogue/tiles.h"

typedef struct {
    Tiles tiles;
    Tensor u; /* f32 */
} Head;

static void check(CatalogueHead z, CatalogueHead q)
{
    const int64_t rows = z.u.dim[0], items = z.table->id.dim[0];
    EXPECT(z.u, activation_dtype(z.u), rows, z.table->id.dim[1]);
    EXPECT(q.u, z.u.dtype, rows, q.table->id.dim[1]);
    REQUIRE(q.table->id.dim[0] == items && q.table->first == z.table->first,
            "heads over %" PRId64 " items from %" PRId64 " on and %" PRId64 " items from %" PRId64
            " on, want the same",
            items, z.table->first, q.table->id.dim[0], q.table->first);
}

static Head open_head(Device *dev, CatalogueHead h)
{
    return (Head){.tiles = tiles_plan(dev, h.table, h.bias, h.u.dim[0], h.u.dtype),
                  .u = bf16_widen(dev, h.u)};
}

static const float *scores(const Head *h, int64_t tile, int64_t first_row, int64_t rows, int pass)
{
    return tiles_scores(&h->tiles, tile, f32(h->u) + first_row * h->tiles.dim, rows, pass);
}

/* ---- Expectation ----------------------------------------------------------------------------- */

static void add_tile(RowStats *m, const float *restrict z, const float *restrict q, int64_t width,
                     float scale)
{
    const float max = tiles_row_max(z, width);
    if (max > m->max) {
        const double shrink = exp((double)(m->max - max) * scale);
        m->sum *= shrink;
        m->weighted *= shrink;
        m->max = max;
    }
    const float top = m->max;
    float sum = 0.0f, weighted = 0.0f;
#pragma omp simd reduction(+ : sum, weighted)
    for (int64_t j = 0; j < width; j++) {
        const float e = vec_expf((z[j] - top) * scale);
        sum += e;
        weighted += e * q[j];
    }
    m->sum += sum;
    m->weighted += weighted;
}

static void block_means(const Head *z, const Head *q, RowStats *mean, int64_t first, int64_t rows,
                        float scale)
{
    const Tiles *t = &z->tiles;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int64_t g = 0; g < t->groups; g++) {
        RowStats *m = mean + g * t->block;
        for (int64_t i = 0; i < rows; i++) m[i] = (RowStats){.max = -FLT_MAX};
        for (int64_t tile = tiles_group_begin(t, g); tile < tiles_group_begin(t, g + 1); tile++) {
            const float *zt = scores(z, tile, first, rows, 1),
                        *qt = scores(q, tile, first, rows, 1);
            for (int64_t i = 0; i < rows; i++)
                add_tile(&m[i], zt + i * TILE, qt + i * TILE, tiles_width(t, tile), scale);
        }
    }
}

/* The groups of row i, in order. */
static RowStats merge_means(const Tiles *t, const RowStats *mean, int64_t i, float scale)
{
    RowStats all = {.max = -FLT_MAX, .argmax = (int32_t)t->table->first};
    for (int64_t g = 0; g < t->groups; g++) all.max = fmaxf(all.max, mean[g * t->block + i].max);
    for (int64_t g = 0; g < t->groups; g++) {
        const RowStats *m = &mean[g * t->block + i];
        const double shrink = exp(((double)m->max - all.max) * scale);
        all.sum += m->sum * shrink;
        all.weighted += m->weighted * shrink;
    }
    return all;
}

static void run_expectation(Device *dev, RowStats *to, CatalogueHead zh, CatalogueHead qh,
                            float scale)
{
    const int64_t rows = zh.u.dim[0];
    const Head z = open_head(dev, zh), q = open_head(dev, qh);
    const Tiles *t = &z.tiles;
    RowStats *mean = SCRATCH(dev, U8, t->groups, t->block, (int64_t)sizeof(RowStats)).data;
    if (!device_runs(dev)) return;
    for (int64_t first = 0; first < rows; first += t->block) {
        const int64_t count = rows - first < t->block ? rows - first : t->block;
        block_means(&z, &q, mean, first, count, scale);
        for (int64_t i = 0; i < count; i++) to[first + i] = merge_means(t, mean, i, scale);
    }
}

void catalogue_policy_expectation_partial(Device *dev, Tensor part, CatalogueHead z,
                                          CatalogueHead q, float temperature)
{
    check(z, q);
    EXPECT(part, U8, z.u.dim[0], (int64_t)sizeof(RowStats));
    REQUIRE(temperature > 0.0f, "temperature is %g, want > 0", (double)temperature);
    if (z.u.dim[0] == 0) return;
    const size_t mark = scratch_mark(dev);
    if (ON_CUDA(dev))
        catalogue_policy_expectation_cuda(dev, part, z, q, temperature);
    else
        run_expectation(dev, part.data, z, q, 1.0f / temperature);
    scratch_release(dev, mark);
}

void catalogue_policy_expectation(Device *dev, Tensor expectation, CatalogueHead z, CatalogueHead q,
                                  float temperature)
{
    const int64_t rows = z.u.dim[0], size = sizeof(RowStats);
    const size_t mark = scratch_mark(dev);
    const Tensor part = SCRATCH(dev, U8, 1, rows, size);
    ITEMS_REQUIRE_ALL(z.table);
    EXPECT(expectation, F32, rows);
    catalogue_policy_expectation_partial(dev, TENSOR(part.data, U8, rows, size), z, q, temperature);
    catalogue_merge_stats(dev, (CatalogueStats){.expectation = expectation}, part, temperature);
    scratch_release(dev, mark);
}

/* ---- The best allowed action ----------------------------------------------------------------- */

/* top [groups, block]: the highest z of each row. */
static void block_tops(const Head *z, float *top, int64_t first, int64_t rows)
{
    const Tiles *t = &z->tiles;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int64_t g = 0; g < t->groups; g++) {
        float *c = top + g * t->block;
        for (int64_t i = 0; i < rows; i++) c[i] = -INFINITY;
        for (int64_t tile = tiles_group_begin(t, g); tile < tiles_group_begin(t, g + 1); tile++) {
            const float *zt = scores(z, tile, first, rows, 1);
            for (int64_t i = 0; i < rows; i++)
                c[i] = fmaxf(c[i], tiles_row_max(zt + i * TILE, tiles_width(t, tile)));
        }
    }
}

static float merge_tops(const Tiles *t, const float *top, int64_t i)
{
    float all = -INFINITY;
    for (int64_t g = 0; g < t->groups; g++) all = fmaxf(all, top[g * t->block + i]);
    return all;
}

/* floor [rows]: an item with z above it is allowed. pass: over z (tiles_scores). */
static void block_choices(const Head *z, const Head *q, RowBest *choice, const float *floor,
                          int64_t first, int64_t rows, int pass)
{
    const Tiles *t = &z->tiles;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int64_t g = 0; g < t->groups; g++) {
        RowBest *c = choice + g * t->block;
        for (int64_t i = 0; i < rows; i++) c[i] = (RowBest){-INFINITY, (int32_t)t->table->first};
        for (int64_t tile = tiles_group_begin(t, g); tile < tiles_group_begin(t, g + 1); tile++) {
            const float *zt = scores(z, tile, first, rows, pass),
                        *qt = scores(q, tile, first, rows, 1);
            const int64_t width = tiles_width(t, tile);
            for (int64_t i = 0; i < rows; i++, zt += TILE, qt += TILE)
                for (int64_t j = 0; j < width; j++)
                    if (zt[j] > floor[i] && qt[j] > c[i].score)
                        c[i] = (RowBest){qt[j], (int32_t)(tiles_item(t, tile) + j)};
        }
    }
}

static RowBest merge_choices(const Tiles *t, const RowBest *choice, int64_t i)
{
    RowBest best = choice[i];
    for (int64_t g = 1; g < t->groups; g++)
        if (choice[g * t->block + i].score > best.score) best = choice[g * t->block + i];
    return best;
}

/* given [rows] is the highest z. Where it is NULL, it is found first, and the block's scores are
 * kept. */
static void run_allowed(Device *dev, RowBest *to, const float *given, CatalogueHead zh,
                        CatalogueHead qh, float log_ratio)
{
    const int64_t rows = zh.u.dim[0];
    const Head z = open_head(dev, zh), q = open_head(dev, qh);
    const Tiles *t = &z.tiles;
    RowBest *choice = SCRATCH(dev, U8, t->groups, t->block, (int64_t)sizeof(RowBest)).data;
    float *top = f32(SCRATCH(dev, F32, t->groups, t->block));
    float *floor = f32(SCRATCH(dev, F32, t->block));
    if (!device_runs(dev)) return;
    for (int64_t first = 0; first < rows; first += t->block) {
        const int64_t count = rows - first < t->block ? rows - first : t->block;
        if (!given) block_tops(&z, top, first, count);
        for (int64_t i = 0; i < count; i++)
            floor[i] = (given ? given[first + i] : merge_tops(t, top, i)) + log_ratio;
        block_choices(&z, &q, choice, floor, first, count, given ? 1 : 2);
        for (int64_t i = 0; i < count; i++) to[first + i] = merge_choices(t, choice, i);
    }
}

static float log_of(float ratio)
{
    REQUIRE(ratio >= 0.0f && ratio < 1.0f, "ratio is %g, want 0 to below 1", (double)ratio);
    return ratio > 0.0f ? logf(ratio) : -INFINITY;
}

void catalogue_policy_tops(Device *dev, Tensor top, CatalogueHead zh)
{
    const int64_t rows = zh.u.dim[0];
    check(zh, zh);
    EXPECT(top, F32, rows);
    if (rows == 0) return;
    const size_t mark = scratch_mark(dev);
    if (ON_CUDA(dev)) {
        catalogue_policy_tops_cuda(dev, top, zh);
        scratch_release(dev, mark);
        return;
    }
    const Head z = open_head(dev, zh);
    const Tiles *t = &z.tiles;
    float *tops = f32(SCRATCH(dev, F32, t->groups, t->block));
    if (!scratch_ready(dev, mark)) return;
    for (int64_t first = 0; first < rows; first += t->block) {
        const int64_t count = rows - first < t->block ? rows - first : t->block;
        block_tops(&z, tops, first, count);
        for (int64_t i = 0; i < count; i++) f32(top)[first + i] = merge_tops(t, tops, i);
    }
    scratch_release(dev, mark);
}

void catalogue_policy_allowed_partial(Device *dev, Tensor part, Tensor top, CatalogueHead z,
                                      CatalogueHead q, float ratio)
{
    const int64_t rows = z.u.dim[0];
    const float log_ratio = log_of(ratio);
    check(z, q);
    EXPECT(part, U8, rows, (int64_t)sizeof(RowBest));
    EXPECT(top, F32, rows);
    if (rows == 0) return;
    const size_t mark = scratch_mark(dev);
    if (ON_CUDA(dev))
        catalogue_policy_allowed_cuda(dev, part, top, z, q, log_ratio);
    else
        run_allowed(dev, part.data, f32(top), z, q, log_ratio);
    scratch_release(dev, mark);
}

void catalogue_policy_allowed_best(Device *dev, Tensor best, CatalogueHead z, CatalogueHead q,
                                   float ratio)
{
    const int64_t rows = z.u.dim[0];
    const float log_ratio = log_of(ratio);
    check(z, q);
    ITEMS_REQUIRE_ALL(z.table);
    EXPECT(best, I32, rows);
    if (rows == 0) return;
    const size_t mark = scratch_mark(dev);
    const Tensor part = SCRATCH(dev, U8, 1, rows, (int64_t)sizeof(RowBest));
    if (ON_CUDA(dev)) {
        const Tensor top = SCRATCH(dev, F32, rows);
        catalogue_policy_tops_cuda(dev, top, z);
        catalogue_policy_allowed_cuda(dev, part, top, z, q, log_ratio);
    } else {
        run_allowed(dev, part.data, NULL, z, q, log_ratio);
    }
    catalogue_merge_best(dev, best, part);
    scratch_release(dev, mark);
}

/* ---- A table of scores ----------------------------------------------------------------------- */

/* A row's column of the table for a tile: to[j * stride] of its item j. */
static void blend_row(float *to, int64_t stride, const float *restrict z, const float *restrict q,
                      int64_t width, int64_t row, const CatalogueBlend *b)
{
    const float shift = b->shift.data ? f32(b->shift)[row] : 0.0f;
    const float floor = b->floor.data ? f32(b->floor)[row] : -INFINITY;
    for (int64_t j = 0; j < width; j++) {
        const float value = b->logarithms ? expf(q[j] + shift) : q[j] + shift;
        const float score = b->z_weight * z[j] + b->q_weight * value;
        to[j * stride] = z[j] > floor || !b->floor.data ? score : CATALOGUE_NEVER;
    }
}

static void never(float *table, int64_t rows, int64_t row, const Tiles *t, const Exclusion *e)
{
    const int64_t first = t->table->first;
    if (!e->offset) return;
    for (int64_t k = exclusion_from(e, row, first); k < e->offset[row + 1]; k++)
        if (e->item[k] < first + t->items)
            table[(e->item[k] - first) * rows + row] = CATALOGUE_NEVER;
}

static void run_blend(Device *dev, float *table, CatalogueHead zh, CatalogueHead qh,
                      const CatalogueBlend *blend)
{
    const int64_t rows = zh.u.dim[0];
    const Head z = open_head(dev, zh), q = open_head(dev, qh);
    const Tiles *t = &z.tiles;
    if (!device_runs(dev)) return;
    for (int64_t first = 0; first < rows; first += t->block) {
        const int64_t count = rows - first < t->block ? rows - first : t->block;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
        for (int64_t tile = 0; tile < t->tiles; tile++) {
            const float *zt = scores(&z, tile, first, count, 1),
                        *qt = scores(&q, tile, first, count, 1);
            for (int64_t i = 0; i < count; i++)
                blend_row(table + tiles_first(t, tile) * rows + first + i, rows, zt + i * TILE,
                          qt + i * TILE, tiles_width(t, tile), first + i, blend);
        }
    }
    for (int64_t i = 0; i < rows; i++) never(table, rows, i, t, &blend->exclusion);
}

void catalogue_policy_blend(Device *dev, Tensor table, CatalogueHead z, CatalogueHead q,
                            CatalogueBlend blend)
{
    const int64_t rows = z.u.dim[0];
    check(z, q);
    EXPECT(table, F32, z.table->id.dim[0], rows);
    if (blend.shift.data) EXPECT(blend.shift, F32, rows);
    if (blend.floor.data) EXPECT(blend.floor, F32, rows);
    if (rows == 0) return;
    const size_t mark = scratch_mark(dev);
    if (ON_CUDA(dev))
        catalogue_policy_blend_cuda(dev, table, z, q, blend);
    else
        run_blend(dev, f32(table), z, q, &blend);
    scratch_release(dev, mark);
}
