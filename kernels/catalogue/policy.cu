/* SPDX-License-Identifier: Apache-2.0 */
/* Two heads over one catalogue, on CUDA: the scores of both for a block and tile are in the L2
 * cache at once; one block of threads a row reads them.
 */
#include "catalogue/policy.h"

#include "catalogue/merge.h"
#include "catalogue/tiles.cuh"

#include <float.h>

enum { THREADS = SCORE_THREADS };

/* The scores of both heads for a block and tile. */
typedef struct {
    const float *z, *z_bias, *q, *q_bias;
    int64_t z_ld, q_ld, first_row, first_item, width; /* first_item: the id of the tile's first */
    bool begins;                                      /* this is the first tile */
} Pair;

/* Run `pass(dev, pair, rows)` for all tiles and blocks. */
template <class Pass>
static void for_all(Device *dev, const TilesCuda &z, const TilesCuda &q, Pass pass)
{
    Pair p = {};
    p.z = f32(z.scores);
    p.q = f32(q.scores);
    p.z_ld = z.width;
    p.q_ld = q.width;
    for (int64_t k = 0; k < z.tiles; k++) {
        const ItemTile zt = tiles_at_cuda(dev, &z, k), qt = tiles_at_cuda(dev, &q, k);
        p.z_bias = zt.bias;
        p.q_bias = qt.bias;
        p.first_item = zt.item;
        p.begins = k == 0;
        p.width = zt.width;
        for (int64_t b = 0; b < z.blocks; b++) {
            const RowBlock zb = tiles_block_cuda(&z, b), qb = tiles_block_cuda(&q, b);
            tiles_scores_cuda(dev, &z, zt, zb);
            tiles_scores_cuda(dev, &q, qt, qb);
            p.first_row = zb.first;
            pass(p, (unsigned)zb.rows);
        }
    }
}

/* ---- Expectation ----------------------------------------------------------------------------- */

static __global__ void __launch_bounds__(THREADS) mean_kernel(RowStats *mean, Pair p, float scale)
{
    const int64_t row = p.first_row + blockIdx.x;
    const float *z = p.z + blockIdx.x * p.z_ld, *q = p.q + blockIdx.x * p.q_ld;
    RowStats m = {0.0, 0.0, -FLT_MAX, (int32_t)p.first_item};
    if (!p.begins) m = mean[row];
    Best top = no_best();
    for (int64_t j = threadIdx.x; j < p.width; j += THREADS)
        top.score = fmaxf(top.score, score_at(z, p.z_bias, j));
    top = block_best(top);
    if (top.score > m.max) {
        const double shrink = exp((double)(m.max - top.score) * scale);
        m.sum *= shrink;
        m.weighted *= shrink;
        m.max = top.score;
    }
    float sum = 0.0f, weighted = 0.0f;
    for (int64_t j = threadIdx.x; j < p.width; j += THREADS) {
        const float e = expf((score_at(z, p.z_bias, j) - m.max) * scale);
        sum += e;
        weighted += e * score_at(q, p.q_bias, j);
    }
    m.sum += block_sum<THREADS>((double)sum);
    m.weighted += block_sum<THREADS>((double)weighted);
    if (threadIdx.x == 0) mean[row] = m;
}

void catalogue_policy_expectation_cuda(Device *dev, Tensor part, CatalogueHead zh, CatalogueHead qh,
                                       float temperature)
{
    const TilesCuda z = tiles_plan_cuda(dev, zh.table, zh.bias, zh.u);
    const TilesCuda q = tiles_plan_cuda(dev, qh.table, qh.bias, qh.u);
    RowStats *mean = (RowStats *)part.data;
    for_all(dev, z, q, [&](const Pair &p, unsigned rows) {
        LAUNCH(dev, mean_kernel, rows, THREADS, 0, mean, p, 1.0f / temperature);
    });
}

/* ---- The best allowed action ----------------------------------------------------------------- */

static __global__ void __launch_bounds__(THREADS) top_kernel(float *tops, Pair p)
{
    const int64_t row = p.first_row + blockIdx.x;
    const float *z = p.z + blockIdx.x * p.z_ld;
    Best top = no_best();
    for (int64_t j = threadIdx.x; j < p.width; j += THREADS)
        top.score = fmaxf(top.score, score_at(z, p.z_bias, j));
    top = block_best(top);
    if (threadIdx.x > 0) return;
    tops[row] = p.begins ? top.score : fmaxf(tops[row], top.score);
}

void catalogue_policy_tops_cuda(Device *dev, Tensor top, CatalogueHead zh)
{
    const TilesCuda z = tiles_plan_cuda(dev, zh.table, zh.bias, zh.u);
    Pair p = {};
    p.z = f32(z.scores);
    p.z_ld = z.width;
    for (int64_t k = 0; k < z.tiles; k++) {
        const ItemTile tile = tiles_at_cuda(dev, &z, k);
        p.z_bias = tile.bias;
        p.width = tile.width;
        p.begins = k == 0;
        for (int64_t b = 0; b < z.blocks; b++) {
            const RowBlock block = tiles_block_cuda(&z, b);
            tiles_scores_cuda(dev, &z, tile, block);
            p.first_row = block.first;
            LAUNCH(dev, top_kernel, (unsigned)block.rows, THREADS, 0, f32(top), p);
        }
    }
}

static __global__ void __launch_bounds__(THREADS)
    choice_kernel(RowBest *choice, const float *top, Pair p, float log_ratio)
{
    const int64_t row = p.first_row + blockIdx.x;
    const float *z = p.z + blockIdx.x * p.z_ld, *q = p.q + blockIdx.x * p.q_ld;
    RowBest c = {-INFINITY, (int32_t)p.first_item};
    if (!p.begins) c = choice[row];
    const float floor = top[row] + log_ratio;
    Best best = no_best();
    for (int64_t j = threadIdx.x; j < p.width; j += THREADS) {
        const float v = score_at(q, p.q_bias, j);
        if (score_at(z, p.z_bias, j) > floor && v > best.score) {
            best.score = v;
            best.at = (int32_t)j;
        }
    }
    best = block_best(best);
    if (threadIdx.x > 0) return;
    const RowBest better = {best.score, (int32_t)(p.first_item + best.at)};
    choice[row] = best.score > c.score ? better : c;
}

void catalogue_policy_allowed_cuda(Device *dev, Tensor part, Tensor top, CatalogueHead zh,
                                   CatalogueHead qh, float log_ratio)
{
    const TilesCuda z = tiles_plan_cuda(dev, zh.table, zh.bias, zh.u);
    const TilesCuda q = tiles_plan_cuda(dev, qh.table, qh.bias, qh.u);
    RowBest *choice = (RowBest *)part.data;
    for_all(dev, z, q, [&](const Pair &p, unsigned rows) {
        LAUNCH(dev, choice_kernel, rows, THREADS, 0, choice, f32(top), p, log_ratio);
    });
}

/* ---- A table of scores ----------------------------------------------------------------------- */

typedef struct {
    float *table;
    const float *shift, *floor;
    Exclusion exclusion;
    float z_weight, q_weight;
    bool logarithms;
    int64_t rows, first; /* first: the id of the table's first item */
} Blend;

static __global__ void __launch_bounds__(THREADS) blend_kernel(Blend b, Pair p)
{
    const int64_t row = p.first_row + blockIdx.x;
    const float *z = p.z + blockIdx.x * p.z_ld, *q = p.q + blockIdx.x * p.q_ld;
    const float shift = b.shift ? b.shift[row] : 0.0f;
    for (int64_t j = threadIdx.x; j < p.width; j += THREADS) {
        const int64_t item = p.first_item + j;
        const float of_z = score_at(z, p.z_bias, j), of_q = score_at(q, p.q_bias, j) + shift;
        bool never = b.floor && !(of_z > b.floor[row]);
        if (b.exclusion.offset) {
            const int64_t at = exclusion_from(&b.exclusion, row, item);
            never |= at < b.exclusion.offset[row + 1] && b.exclusion.item[at] == item;
        }
        const float score = b.z_weight * of_z + b.q_weight * (b.logarithms ? expf(of_q) : of_q);
        b.table[(item - b.first) * b.rows + row] = never ? CATALOGUE_NEVER : score;
    }
}

void catalogue_policy_blend_cuda(Device *dev, Tensor table, CatalogueHead zh, CatalogueHead qh,
                                 CatalogueBlend blend)
{
    const TilesCuda z = tiles_plan_cuda(dev, zh.table, zh.bias, zh.u);
    const TilesCuda q = tiles_plan_cuda(dev, qh.table, qh.bias, qh.u);
    const Blend b = {f32(table),       f32(blend.shift), f32(blend.floor),
                     blend.exclusion,  blend.z_weight,   blend.q_weight,
                     blend.logarithms, zh.u.dim[0],      zh.table->first};
    for_all(dev, z, q, [&](const Pair &p, unsigned rows) {
        LAUNCH(dev, blend_kernel, rows, THREADS, 0, b, p);
    });
}
